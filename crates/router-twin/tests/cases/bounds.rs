//! The last number that each check takes, and the first that it refuses.

use router_core::engine::{
    order_flags, Command, Limits, NewInstrument, PegKind, Phase, RuleKind, StpMode, Tif,
};

use crate::script::{buy, sell, Script, Shape, BASE, QUOTE};

fn rests(id: u64, account: u32, price: i64, qty: u64) -> String {
    format!(
        "accept #{id} a{account} buy {price}x{qty}
         rest #{id} a{account} buy {price}x{qty}/{qty}"
    )
}

#[test]
fn the_edges_of_the_band_are_in_it() {
    let mut script = Script::plain();
    script.mark(100, "configured SetMark a0");
    script.rule(RuleKind::BandPpm, 100_000);
    script.place(buy(1, 90, 1), &rests(1, 1, 90, 1));
    script.place(buy(1, 110, 1), &rests(2, 1, 110, 1));
    script.place(buy(1, 89, 1), "reject a1 OutsideBand");
    script.place(buy(1, 111, 1), "reject a1 OutsideBand");
}

#[test]
fn an_edge_of_the_band_between_two_ticks_is_not_rounded() {
    let mut script = Script::plain();
    script.mark(99, "configured SetMark a0");
    script.rule(RuleKind::BandPpm, 50_000);
    // 99 - 4.95 and 99 + 4.95.
    script.place(buy(1, 95, 1), &rests(1, 1, 95, 1));
    script.place(buy(1, 103, 1), &rests(2, 1, 103, 1));
    script.place(buy(1, 94, 1), "reject a1 OutsideBand");
    script.place(buy(1, 104, 1), "reject a1 OutsideBand");
}

#[test]
fn without_a_mark_the_band_is_around_the_last_price_and_without_both_there_is_none() {
    let mut script = Script::plain();
    script.rule(RuleKind::BandPpm, 100_000);
    script.place(buy(1, 1, 1), &rests(1, 1, 1, 1));
    script.print(100);
    script.place(buy(1, 89, 1), "reject a1 OutsideBand");
    script.mark(50, "configured SetMark a0");
    script.place(buy(1, 90, 1), "reject a1 OutsideBand");
    script.place(buy(1, 55, 1), &rests(4, 1, 55, 1));
}

#[test]
fn the_least_notional_is_enough() {
    let mut script = Script::plain();
    script.rule(RuleKind::MinNotional, 100);
    script.place(buy(1, 20, 5), &rests(1, 1, 20, 5));
    script.place(buy(1, 11, 9), "reject a1 BelowMinNotional");
    script.place(
        sell(1, 0, 1).stop(5),
        "accept #2 a1 sell 0x1\narm #2 a1 sell 5x1",
    );
}

#[test]
fn quantities_keep_bounds_and_step() {
    let mut script = Script::plain();
    for (rule, value) in [
        (RuleKind::MinQty, 3),
        (RuleKind::MaxQty, 8),
        (RuleKind::LotStep, 2),
    ] {
        script.rule(rule, value);
    }
    script.place(buy(1, 20, 4), &rests(1, 1, 20, 4));
    script.place(buy(1, 20, 8), &rests(2, 1, 20, 8));
    for qty in [0, 2, 5, 10] {
        script.place(buy(1, 20, qty), "reject a1 InvalidQuantity");
    }
}

#[test]
fn prices_and_triggers_keep_the_tick_step_and_distances_do_not() {
    let mut script = Script::plain();
    script.rule(RuleKind::TickStep, 5);
    script.place(buy(1, 20, 1), &rests(1, 1, 20, 1));
    script.place(buy(1, 21, 1), "reject a1 InvalidPrice");
    script.place(sell(1, 0, 1).stop(21), "reject a1 InvalidPrice");
    script.place(sell(1, 21, 1).stop(20), "reject a1 InvalidPrice");
    script.place(
        sell(1, 0, 1).trailing(3),
        "accept #2 a1 sell 0x1
         arm #2 a1 sell 0x1",
    );
}

#[test]
fn an_iceberg_has_at_most_a_thousand_slices() {
    let mut script = Script::plain();
    script.place(
        buy(1, 20, 1_000).iceberg(1),
        "accept #1 a1 buy 20x1000
         rest #1 a1 buy 20x1/1000",
    );
    script.place(buy(1, 20, 1_001).iceberg(1), "reject a1 InvalidCombination");
    script.amend(1, 1, (0, 1_001), "reject a1 InvalidQuantity #1");
}

#[test]
fn a_display_of_the_whole_quantity_makes_a_plain_order() {
    let mut script = Script::plain();
    script.book(&[buy(1, 20, 3).iceberg(3), buy(1, 20, 3).iceberg(2)]);
    script.place(
        sell(2, 20, 4),
        "accept #3 a2 sell 20x4
         trade #3 a2 sell with #1 a1: 20x3 left 1 done
         trade #3 a2 sell with #2 a1: 20x1 left 0",
    );
}

#[test]
fn a_full_book_takes_no_order_not_even_one_that_cannot_rest() {
    let mut script = Script::plain();
    script.rule(RuleKind::MaxOpen, 2);
    script.book(&[buy(1, 20, 1), buy(1, 20, 1)]);
    script.place(buy(2, 20, 1), "reject a2 BookFull");
    script.place(sell(2, 0, 1).market(), "reject a2 BookFull");
    script.cancel(1, 1, "cancel #1 a1 buy 20x1 Requested");
    script.place(buy(2, 20, 1), &rests(3, 2, 20, 1));
}

#[test]
fn the_cap_of_the_engine_counts_all_instruments() {
    let mut script = Script::without_instruments(Limits {
        max_orders: 2,
        ..Limits::default()
    });
    for instrument in 0..2 {
        script.given(Command::AddInstrument(NewInstrument {
            instrument,
            base_asset: BASE,
            quote_asset: QUOTE,
            lot_units: 1,
            tick_units: 1,
            max_qty: 0,
            funded: false,
            positions: false,
        }));
        script.given(Command::SetPhase {
            instrument,
            phase: Phase::Continuous,
        });
    }
    let mut elsewhere = buy(1, 20, 1);
    elsewhere.instrument = 1;
    script.book(&[elsewhere, buy(1, 20, 1)]);
    script.place(buy(2, 20, 1), "reject a2 BookFull");
}

#[test]
fn the_caps_of_armed_orders_and_pegs_are_their_own() {
    let mut script = Script::plain();
    script.rule(RuleKind::MaxArmed, 1);
    script.rule(RuleKind::MaxPegs, 1);
    script.book(&[sell(1, 0, 1).stop(5), buy(1, 0, 1).peg(PegKind::Primary, 0)]);
    script.place(sell(1, 0, 1).trailing(5), "reject a1 BookFull");
    script.place(buy(1, 0, 1).peg(PegKind::Primary, 0), "reject a1 BookFull");
    script.place(buy(1, 20, 1), "accept #3 a1 buy 20x1\nrest #3 a1 buy 20x1/1\nreplace #2 a1 buy 20x1 left 1\nrest #2 a1 buy 20x1/1");
    script.cancel(1, 1, "cancel #1 a1 sell 0x1 Requested");
    script.place(
        sell(1, 0, 1).trailing(5),
        "accept #4 a1 sell 0x1
         arm #4 a1 sell 0x1",
    );
}

#[test]
fn a_quote_amount_has_a_bound_of_its_own() {
    let mut script = Script::plain();
    script.rule(RuleKind::MaxQty, 8);
    let most = 1 << 62;
    let quote = |amount| buy(1, 0, amount).market().flags(order_flags::QUOTE);
    script.place(quote(most + 1), "reject a1 InvalidQuantity");
    script.place(quote(0), "reject a1 InvalidQuantity");
    script.place(
        quote(most),
        &format!(
            "accept #1 a1 buy 0x{most} quote
             cancel #1 a1 buy 0x{most} Unfilled quote"
        ),
    );
}

#[test]
fn a_client_id_is_known_for_the_whole_window_and_forgotten_after_it() {
    let mut script = Script::plain();
    let window_ns = Limits::default().client_window_ns;
    let tick = |now_ns| [Command::Tick { now_ns }];
    script.book(&[buy(1, 20, 1).client(7)]);
    script.cancel(1, 1, "cancel #1 a1 buy 20x1 Requested");
    script.tell(&tick(window_ns), "");
    script.place(buy(1, 20, 1).client(7), "duplicate #1 a1 client 7");
    script.tell(&tick(window_ns + 1), "");
    script.place(
        buy(1, 20, 1).client(7),
        "accept #2 a1 buy 20x1 client 7
         rest #2 a1 buy 20x1/1",
    );
}

#[test]
fn the_client_id_of_an_open_order_starts_its_window_anew() {
    let mut script = Script::plain();
    let window_ns = Limits::default().client_window_ns;
    let tick = |now_ns| [Command::Tick { now_ns }];
    script.book(&[buy(1, 20, 1).client(7)]);
    script.tell(&tick(window_ns + 1), "");
    script.cancel(1, 1, "cancel #1 a1 buy 20x1 Requested");
    script.tell(&tick(2 * window_ns + 1), "");
    script.place(buy(1, 20, 1).client(7), "duplicate #1 a1 client 7");
    script.tell(&tick(2 * window_ns + 2), "");
    script.place(
        buy(1, 20, 1).client(7),
        "accept #2 a1 buy 20x1 client 7
         rest #2 a1 buy 20x1/1",
    );
}

#[test]
fn a_restored_engine_counts_the_fees_of_the_house_to_the_total_of_an_asset() {
    let mut script = Script::funded(1, 1);
    script.deposit(1, BASE, 10);
    script.deposit(2, QUOTE, 1_000);
    script.given(Command::SetTier {
        tier: 0,
        maker_ppm: 100_000,
        taker_ppm: 0,
    });
    script.book(&[sell(1, 100, 10), buy(2, 100, 10)]);
    assert_eq!(script.fees(QUOTE), 100);
    script.restore();
    let deposit = |amount| Command::Deposit {
        account: 3,
        asset: QUOTE,
        amount,
    };
    let most = (1_u128 << 120) - 1_000;
    script.tell(
        &[deposit(most + 1)],
        "reject a3 OutOfRange client 72057594037927935",
    );
    script.given(deposit(most));
}

#[test]
fn in_front_of_an_own_order_a_fok_counts_only_what_is_displayed() {
    let mut script = Script::plain();
    script.book(&[sell(2, 20, 6).iceberg(2), sell(1, 20, 1)]);
    let fok = |qty| buy(1, 20, qty).tif(Tif::Fok).stp(StpMode::ExpireTaker);
    script.place(fok(3), "reject a1 NotFillable");
    script.place(
        fok(2),
        "accept #3 a1 buy 20x2
         trade #3 a1 buy with #1 a2: 20x2 left 0
         rest #1 a2 sell 20x2/4 refill",
    );
}

#[test]
fn a_reduce_only_fok_needs_all_its_lots_to_be_reducible() {
    let mut script = Script::positions();
    script.given(Command::SetPosition {
        instrument: 0,
        account: 1,
        position: 3,
    });
    script.book(&[buy(2, 20, 9)]);
    let fok = |qty| {
        let plain = sell(1, 20, qty).tif(Tif::Fok);
        plain.flags(order_flags::REDUCE_ONLY)
    };
    script.place(fok(4), "reject a1 NotFillable");
    script.place(
        fok(3),
        "accept #2 a1 sell 20x3
         trade #2 a1 sell with #1 a2: 20x3 left 0",
    );
    script.place(fok(1), "reject a1 NothingToReduce");
}

/// A trade with oneself moves no position: without this one command could trade without end.
#[test]
fn a_reduce_only_order_trades_with_no_order_of_its_own_account() {
    let mut script = Script::positions();
    script.given(Command::SetPosition {
        instrument: 0,
        account: 1,
        position: 5,
    });
    script.book(&[buy(2, 20, 2), buy(1, 20, 1_000_000)]);
    let reducing = |qty| sell(1, 20, qty).flags(order_flags::REDUCE_ONLY);
    script.place(reducing(3).tif(Tif::Fok), "reject a1 NotFillable");
    script.place(
        reducing(1_000_000),
        "accept #3 a1 sell 20x1000000
         trade #3 a1 sell with #1 a2: 20x2 left 999998 done
         cancel #3 a1 sell 20x999998 ReduceOnly",
    );
}

#[test]
fn a_resting_reduce_only_order_goes_before_an_order_of_its_own_account() {
    let mut script = Script::positions();
    script.given(Command::SetPosition {
        instrument: 0,
        account: 1,
        position: 5,
    });
    script.book(&[sell(1, 20, 1_000_000).flags(order_flags::REDUCE_ONLY)]);
    script.place(
        buy(1, 20, 7),
        "accept #2 a1 buy 20x7
         cancel #1 a1 sell 20x1000000 ReduceOnly
         rest #2 a1 buy 20x7/7",
    );
}
