//! Caps of single accounts, and other rules by which one may not harm the rest.

use router_core::engine::{Command, Limits, NewInstrument, Phase, RuleKind};

use crate::script::{buy, sell, Script, Shape, BASE, QUOTE, SLIDES};

fn instrument(number: u32) -> NewInstrument {
    NewInstrument {
        instrument: number,
        base_asset: BASE,
        quote_asset: QUOTE,
        lot_units: 1,
        tick_units: 1,
        max_qty: 0,
        funded: false,
        positions: false,
    }
}

/// Two instruments under caps of an account.
fn capped(max_account_orders: u32, max_account_client_ids: u32) -> Script {
    let mut script = Script::without_instruments(Limits {
        max_account_orders,
        max_account_client_ids,
        ..Limits::default()
    });
    for number in 0..2 {
        script.given(Command::AddInstrument(instrument(number)));
        script.given(Command::SetPhase {
            instrument: number,
            phase: Phase::Continuous,
        });
    }
    script
}

#[test]
fn an_account_at_its_cap_of_open_orders_is_refused_and_others_are_not() {
    let mut script = capped(2, 9);
    let mut elsewhere = buy(1, 90, 1);
    elsewhere.instrument = 1;
    script.book(&[buy(1, 90, 1), elsewhere]);
    script.place(buy(1, 90, 1), "reject a1 AccountFull");
    script.place(buy(1, 0, 1).market(), "reject a1 AccountFull");
    script.place(
        buy(2, 90, 1),
        "accept #2 a2 buy 90x1
         rest #2 a2 buy 90x1/1",
    );
    script.cancel(1, 1, "cancel #1 a1 buy 90x1 Requested");
    script.place(
        buy(1, 90, 1),
        "accept #3 a1 buy 90x1
         rest #3 a1 buy 90x1/1",
    );
}

#[test]
fn a_filled_order_makes_room_for_its_account() {
    let mut script = capped(1, 9);
    script.book(&[buy(1, 90, 1)]);
    script.place(
        sell(2, 90, 1),
        "accept #2 a2 sell 90x1
         trade #2 a2 sell with #1 a1: 90x1 left 0 done",
    );
    for account in [1, 2] {
        let id = u64::from(account) + 2;
        script.place(
            buy(account, 80, 1),
            &format!(
                "accept #{id} a{account} buy 80x1
                 rest #{id} a{account} buy 80x1/1"
            ),
        );
    }
}

#[test]
fn an_account_at_its_cap_of_client_ids_may_send_orders_without_one() {
    let mut script = capped(9, 1);
    script.book(&[buy(1, 90, 1).client(5)]);
    script.cancel(1, 1, "cancel #1 a1 buy 90x1 Requested");
    script.place(buy(1, 90, 1).client(6), "reject a1 AccountFull client 6");
    script.place(
        buy(1, 90, 1),
        "accept #2 a1 buy 90x1
         rest #2 a1 buy 90x1/1",
    );
    script.place(
        buy(2, 90, 1).client(6),
        "accept #3 a2 buy 90x1 client 6
         rest #3 a2 buy 90x1/1",
    );
}

#[test]
fn a_forgotten_client_id_makes_room_for_its_account() {
    let mut script = capped(9, 1);
    script.book(&[buy(1, 90, 1).client(5)]);
    script.cancel(1, 1, "cancel #1 a1 buy 90x1 Requested");
    let window_ns = Limits::default().client_window_ns;
    script.tell(&[Command::Tick { now_ns: window_ns }], "");
    script.place(buy(1, 90, 1).client(6), "reject a1 AccountFull client 6");
    script.tell(
        &[Command::Tick {
            now_ns: window_ns + 1,
        }],
        "",
    );
    script.place(
        buy(1, 90, 1).client(6),
        "accept #2 a1 buy 90x1 client 6
         rest #2 a1 buy 90x1/1",
    );
}

#[test]
fn a_list_needs_room_of_its_account_for_all_its_orders_and_client_ids() {
    let mut script = capped(2, 1);
    let bracket = [buy(1, 100, 5), sell(1, 110, 5), sell(1, 0, 5).stop(90)];
    script.bracket(bracket, "reject a1 AccountFull");
    script.oco(
        sell(1, 110, 5).client(1),
        sell(1, 0, 5).stop(90).client(2),
        "reject a1 AccountFull client 1",
    );
    script.oco(
        sell(1, 110, 5),
        sell(1, 0, 5).stop(90).client(2),
        "accept #1 a1 sell 110x5
         accept #2 a1 sell 0x5 client 2
         arm #2 a1 sell 90x5
         rest #1 a1 sell 110x5/5",
    );
}

#[test]
fn the_cap_of_the_book_is_told_before_that_of_the_account() {
    let mut script = capped(1, 9);
    script.rule(RuleKind::MaxOpen, 1);
    script.book(&[buy(1, 90, 1)]);
    script.place(buy(1, 90, 1), "reject a1 BookFull");
    script.place(buy(2, 90, 1), "reject a2 BookFull");
}

fn tier(tier: u32, maker_ppm: i64, taker_ppm: i64) -> [Command; 1] {
    [Command::SetTier {
        tier,
        maker_ppm,
        taker_ppm,
    }]
}

#[test]
fn no_rates_let_anybody_earn_on_a_trade_with_himself() {
    let mut script = Script::plain();
    let (refused, applied) = ("reject a0 OutOfRange", "configured SetTier a0");
    script.tell(&tier(3, -1, 1), refused);
    script.tell(&tier(3, 0, -1), refused);
    for number in 0..16 {
        script.tell(&tier(number, 0, 5), applied);
    }
    script.tell(&tier(3, -6, 5), refused);
    script.tell(&tier(3, -5, 5), applied);
    script.tell(&tier(4, 100, 4), refused);
    script.tell(&tier(3, -4, 4), applied);
    script.tell(&tier(4, 100, 4), applied);
}

#[test]
fn a_funded_instrument_trades_two_assets_in_units_that_are_something() {
    let mut script = Script::plain();
    let funded = NewInstrument {
        funded: true,
        ..instrument(1)
    };
    let one_asset = NewInstrument {
        base_asset: QUOTE,
        ..funded
    };
    let no_lots = NewInstrument {
        lot_units: 0,
        ..funded
    };
    let no_ticks = NewInstrument {
        tick_units: 0,
        ..funded
    };
    for (made, reason) in [
        (one_asset, "InvalidCombination"),
        (no_lots, "OutOfRange"),
        (no_ticks, "OutOfRange"),
    ] {
        script.tell(
            &[Command::AddInstrument(made)],
            &format!("reject a0 {reason} on 1"),
        );
    }
    let free = NewInstrument {
        base_asset: QUOTE,
        lot_units: 0,
        tick_units: 0,
        ..instrument(1)
    };
    script.tell(
        &[Command::AddInstrument(free)],
        "configured AddInstrument a0 on 1",
    );
}

#[test]
fn a_mark_may_stand_on_no_step() {
    let mut script = Script::plain();
    script.rule(RuleKind::TickStep, 5);
    script.mark(101, "configured SetMark a0");
    script.mark(0, "reject a0 InvalidPrice");
}

#[test]
fn a_market_to_limit_order_gets_no_price_outside_the_band() {
    let mut script = Script::plain();
    script.book(&[sell(2, 111, 5)]);
    script.mark(100, "configured SetMark a0");
    script.rule(RuleKind::BandPpm, 100_000);
    script.place(buy(1, 0, 5).market_to_limit(), "reject a1 OutsideBand");
    script.rule(RuleKind::BandPpm, 110_000);
    script.place(
        buy(1, 0, 6).market_to_limit(),
        "accept #2 a1 buy 111x6
         trade #2 a1 buy with #1 a2: 111x5 left 1 done
         rest #2 a1 buy 111x1/1",
    );
}

#[test]
fn a_post_only_order_does_not_slide_out_of_the_band() {
    let mut script = Script::plain();
    script.book(&[sell(2, 90, 5)]);
    script.mark(100, "configured SetMark a0");
    script.rule(RuleKind::BandPpm, 100_000);
    script.place(buy(1, 95, 5).flags(SLIDES), "reject a1 OutsideBand");
    script.rule(RuleKind::BandPpm, 110_000);
    script.place(
        buy(1, 95, 5).flags(SLIDES),
        "accept #2 a1 buy 89x5
         rest #2 a1 buy 89x5/5",
    );
}

#[test]
fn time_ends_at_two_to_the_62_nanoseconds() {
    let mut script = Script::plain();
    let tick = |now_ns| [Command::Tick { now_ns }];
    script.tell(&tick((1 << 62) + 1), "reject a0 OutOfRange");
    script.tell(&tick(1 << 62), "");
}
