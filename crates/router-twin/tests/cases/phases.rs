//! What each phase takes, and what entering it does.

use router_core::engine::{order_flags, Command, PegKind, Phase};

use crate::script::{buy, sell, Script, Shape, SLIDES};
use router_core::engine::Tif;

const REFUSED: &str = "reject a1 PhaseRefuses";

#[test]
fn day_orders_expire_when_the_instrument_closes_in_order_of_their_ids() {
    let mut script = Script::plain();
    script.print(100);
    script.book(&[
        buy(1, 90, 1).tif(Tif::Day),
        buy(2, 95, 1),
        sell(3, 110, 1).tif(Tif::Day),
        sell(1, 94, 2).stop_limit(95).tif(Tif::Day),
        buy(4, 99, 1).tif(Tif::Day),
    ]);
    script.phase(
        Phase::Closed,
        "phase Closed
         cancel #3 a1 buy 90x1 Expired
         cancel #5 a3 sell 110x1 Expired
         cancel #6 a1 sell 94x2 Expired
         cancel #7 a4 buy 99x1 Expired",
    );
    script.cancel(2, 4, "cancel #4 a2 buy 95x1 Requested");
}

#[test]
fn a_halt_ends_no_day_order() {
    let mut script = Script::plain();
    script.book(&[buy(1, 90, 1).tif(Tif::Day)]);
    script.phase(Phase::Halted, "phase Halted");
    script.phase(Phase::Auction, "phase Auction");
    script.phase(
        Phase::Closed,
        "phase Closed
         cancel #1 a1 buy 90x1 Expired",
    );
}

#[test]
fn a_phase_that_is_set_again_gives_its_event_again() {
    let mut script = Script::plain();
    script.phase(Phase::Continuous, "phase Continuous");
    script.phase(Phase::Closed, "phase Closed");
    script.phase(Phase::Closed, "phase Closed");
}

#[test]
fn closed_and_halted_take_nothing_and_cancel_everything() {
    for phase in [Phase::Closed, Phase::Halted] {
        let mut script = Script::plain();
        script.book(&[buy(1, 90, 5), buy(1, 91, 5)]);
        script.phase(phase, &format!("phase {phase:?}"));
        for order in [
            buy(1, 90, 1),
            buy(1, 90, 1).tif(Tif::Ioc),
            buy(1, 0, 1).market(),
            buy(1, 0, 1).stop(95),
            buy(1, 0, 1).peg(PegKind::Primary, 0),
        ] {
            script.place(order, REFUSED);
        }
        script.amend(1, 1, (0, 6), "reject a1 PhaseRefuses #1");
        script.amend(1, 1, (0, 4), "reduce #1 a1 buy 90x1 left 4 Requested");
        let reduce = Command::Reduce {
            instrument: 0,
            account: 1,
            order_id: 1,
            qty: 1,
        };
        script.tell(&[reduce], "reduce #1 a1 buy 90x1 left 3 Requested");
        script.cancel(1, 1, "cancel #1 a1 buy 90x3 Requested");
        script.cancel(1, 2, "cancel #2 a1 buy 91x5 Requested");
    }
}

#[test]
fn an_auction_takes_limit_orders_that_last_and_lets_them_cross() {
    let mut script = Script::plain();
    script.phase(Phase::Auction, "phase Auction");
    script.place(
        buy(1, 100, 5),
        "accept #1 a1 buy 100x5
         rest #1 a1 buy 100x5/5",
    );
    script.place(
        sell(2, 90, 5).iceberg(2),
        "accept #2 a2 sell 90x5
         rest #2 a2 sell 90x2/5",
    );
    script.place(
        sell(2, 95, 5).tif(Tif::Day),
        "accept #3 a2 sell 95x5
         rest #3 a2 sell 95x5/5",
    );
    script.place(
        sell(2, 95, 5).until(9),
        "accept #4 a2 sell 95x5
         rest #4 a2 sell 95x5/5",
    );
}

#[test]
fn an_auction_arms_stops_of_any_kind() {
    let mut script = Script::positions();
    script.given(Command::SetPosition {
        instrument: 0,
        account: 1,
        position: 9,
    });
    script.phase(Phase::Auction, "phase Auction");
    script.place(
        sell(1, 0, 5).stop(90).flags(order_flags::REDUCE_ONLY),
        "accept #1 a1 sell 0x5
         arm #1 a1 sell 90x5",
    );
    script.place(
        sell(1, 80, 5).stop_limit(90).flags(SLIDES),
        "accept #2 a1 sell 80x5
         arm #2 a1 sell 90x5",
    );
    script.place(
        sell(1, 80, 5).stop_limit(90).tif(Tif::Fok),
        "accept #3 a1 sell 80x5
         arm #3 a1 sell 90x5",
    );
    script.place(
        sell(1, 0, 5).trailing(4),
        "accept #4 a1 sell 0x5
         arm #4 a1 sell 0x5",
    );
}

#[test]
fn an_auction_refuses_what_would_have_to_trade_at_once_or_be_watched() {
    let mut script = Script::positions();
    script.given(Command::SetPosition {
        instrument: 0,
        account: 1,
        position: 9,
    });
    script.phase(Phase::Auction, "phase Auction");
    for order in [
        buy(1, 90, 1).tif(Tif::Ioc),
        buy(1, 90, 1).tif(Tif::Fok),
        buy(1, 0, 1).market(),
        buy(1, 0, 1).market_to_limit(),
        buy(1, 0, 1).peg(PegKind::Primary, 0),
        buy(1, 90, 1).flags(order_flags::POST_ONLY),
        sell(1, 90, 1).flags(order_flags::REDUCE_ONLY),
    ] {
        script.place(order, REFUSED);
    }
    script.oco(sell(1, 110, 5), sell(1, 0, 5).stop(90), REFUSED);
}

#[test]
fn an_amend_in_an_auction_only_rests() {
    let mut script = Script::plain();
    script.book(&[buy(1, 100, 5), sell(2, 101, 5)]);
    script.phase(Phase::Auction, "phase Auction");
    script.amend(
        1,
        1,
        (105, 0),
        "replace #1 a1 buy 105x5 left 5
         rest #1 a1 buy 105x5/5",
    );
}

#[test]
fn a_post_only_order_may_not_be_amended_across_the_book_in_an_auction_either() {
    let mut script = Script::plain();
    script.book(&[
        buy(1, 100, 5).flags(order_flags::POST_ONLY),
        buy(1, 99, 5).flags(SLIDES),
        sell(2, 103, 5),
    ]);
    script.phase(Phase::Auction, "phase Auction");
    script.amend(1, 1, (105, 0), "reject a1 WouldCross #1");
    script.amend(
        1,
        2,
        (105, 0),
        "replace #2 a1 buy 102x5 left 5
         rest #2 a1 buy 102x5/5",
    );
}

#[test]
fn a_book_that_is_not_crossed_opens_without_an_uncross() {
    let mut script = Script::plain();
    script.phase(Phase::Auction, "phase Auction");
    script.book(&[buy(1, 100, 5), sell(2, 101, 5)]);
    script.phase(Phase::Continuous, "phase Continuous");
}

#[test]
fn expired_orders_go_in_order_of_their_dates_then_of_their_ids() {
    let mut script = Script::plain();
    script.book(&[
        buy(1, 90, 1).until(9),
        buy(1, 91, 1).until(7),
        buy(1, 92, 1).until(9),
        buy(1, 93, 1).until(10),
    ]);
    let tick = |now_ns| [Command::Tick { now_ns }];
    script.tell(&tick(6_999_999_999), "");
    script.tell(
        &tick(9_000_000_000),
        "cancel #2 a1 buy 91x1 Expired
         cancel #1 a1 buy 90x1 Expired
         cancel #3 a1 buy 92x1 Expired",
    );
    script.tell(&tick(8_999_999_999), "reject a0 TimeBackwards");
    script.place(buy(1, 94, 1).until(9), "reject a1 AlreadyExpired");
}
