//! When stops fire, in which order, and what they are then.

use router_core::engine::{order_flags, Command, Phase, RuleKind, Tif};

use crate::script::{buy, sell, Script, Shape, SLIDES};

use order_flags::{MARK, POST_ONLY, REDUCE_ONLY};

/// Last price 100; ids 1 and 2 are taken.
fn at_100() -> Script {
    let mut script = Script::plain();
    script.print(100);
    script
}

#[test]
fn a_sell_stop_fires_at_its_trigger_and_not_one_tick_above() {
    let mut script = at_100();
    script.place(
        sell(1, 0, 3).stop(95),
        "accept #3 a1 sell 0x3
         arm #3 a1 sell 95x3",
    );
    script.book(&[buy(2, 96, 1), buy(2, 95, 9)]);
    script.place(
        sell(3, 96, 1),
        "accept #6 a3 sell 96x1
         trade #6 a3 sell with #4 a2: 96x1 left 0 done",
    );
    script.place(
        sell(3, 95, 1),
        "accept #7 a3 sell 95x1
         trade #7 a3 sell with #5 a2: 95x1 left 0
         trigger #3 a1 sell 0x3
         trade #3 a1 sell with #5 a2: 95x3 left 0",
    );
}

#[test]
fn a_buy_stop_fires_at_its_trigger_and_not_one_tick_below() {
    let mut script = at_100();
    script.book(&[buy(1, 0, 3).stop(105), sell(2, 104, 1), sell(2, 105, 9)]);
    script.place(
        buy(3, 104, 1),
        "accept #6 a3 buy 104x1
         trade #6 a3 buy with #4 a2: 104x1 left 0 done",
    );
    script.place(
        buy(3, 105, 1),
        "accept #7 a3 buy 105x1
         trade #7 a3 buy with #5 a2: 105x1 left 0
         trigger #3 a1 buy 0x3
         trade #3 a1 buy with #5 a2: 105x3 left 0",
    );
}

#[test]
fn a_trigger_that_is_met_already_is_refused_and_without_a_reference_it_is_not() {
    let mut script = at_100();
    script.place(sell(1, 0, 3).stop(100), "reject a1 WouldTrigger");
    script.place(buy(1, 0, 3).stop(100), "reject a1 WouldTrigger");
    script.place(
        buy(1, 0, 3).stop(100).flags(MARK),
        "accept #3 a1 buy 0x3
         arm #3 a1 buy 100x3",
    );
    script.place(
        sell(1, 0, 3).stop(99),
        "accept #4 a1 sell 0x3
         arm #4 a1 sell 99x3",
    );
}

#[test]
fn a_stop_on_the_mark_does_not_look_at_trades() {
    let mut script = at_100();
    script.mark(100, "configured SetMark a0");
    script.book(&[sell(1, 0, 3).stop(95).flags(MARK), buy(2, 94, 9)]);
    script.place(
        sell(3, 94, 1),
        "accept #5 a3 sell 94x1
         trade #5 a3 sell with #4 a2: 94x1 left 0",
    );
    script.mark(
        95,
        "configured SetMark a0
         trigger #3 a1 sell 0x3
         trade #3 a1 sell with #4 a2: 94x3 left 0",
    );
}

#[test]
fn a_stop_on_the_last_price_does_not_look_at_marks() {
    let mut script = at_100();
    script.book(&[sell(1, 0, 3).stop(95)]);
    script.mark(90, "configured SetMark a0");
    script.mark(1, "configured SetMark a0");
}

#[test]
fn stops_fire_in_order_of_their_ids_not_of_their_triggers() {
    let mut script = at_100();
    script.book(&[
        sell(1, 0, 2).stop(95),
        sell(2, 0, 2).stop(97),
        sell(5, 0, 2).stop(96),
        buy(4, 94, 9),
    ]);
    script.place(
        sell(3, 94, 1),
        "accept #7 a3 sell 94x1
         trade #7 a3 sell with #6 a4: 94x1 left 0
         trigger #3 a1 sell 0x2
         trade #3 a1 sell with #6 a4: 94x2 left 0
         trigger #4 a2 sell 0x2
         trade #4 a2 sell with #6 a4: 94x2 left 0
         trigger #5 a5 sell 0x2
         trade #5 a5 sell with #6 a4: 94x2 left 0",
    );
}

#[test]
fn a_fired_stop_fires_the_next_one_in_the_same_command() {
    let mut script = at_100();
    script.book(&[
        sell(1, 0, 2).stop(97),
        sell(2, 0, 2).stop(95),
        buy(4, 97, 1),
        buy(4, 95, 2),
        buy(4, 93, 5),
    ]);
    script.place(
        sell(3, 97, 1),
        "accept #8 a3 sell 97x1
         trade #8 a3 sell with #5 a4: 97x1 left 0 done
         trigger #3 a1 sell 0x2
         trade #3 a1 sell with #6 a4: 95x2 left 0 done
         trigger #4 a2 sell 0x2
         trade #4 a2 sell with #7 a4: 93x2 left 0",
    );
}

#[test]
fn what_a_sweep_fires_acts_after_the_sweep_in_order_of_the_prices() {
    let mut script = at_100();
    script.book(&[
        sell(1, 0, 1).stop(95),
        sell(2, 0, 1).stop(97),
        buy(4, 97, 1),
        buy(4, 95, 1),
        buy(4, 93, 5),
    ]);
    // The print at 97 takes out #4 before the print at 95 takes out #3.
    script.place(
        sell(3, 95, 2),
        "accept #8 a3 sell 95x2
         trade #8 a3 sell with #5 a4: 97x1 left 1 done
         trade #8 a3 sell with #6 a4: 95x1 left 0 done
         trigger #4 a2 sell 0x1
         trade #4 a2 sell with #7 a4: 93x1 left 0
         trigger #3 a1 sell 0x1
         trade #3 a1 sell with #7 a4: 93x1 left 0",
    );
}

#[test]
fn what_a_fired_market_order_leaves_is_cancelled() {
    let mut script = at_100();
    script.book(&[sell(1, 0, 3).stop(95), buy(2, 95, 2)]);
    script.place(
        sell(3, 95, 1),
        "accept #5 a3 sell 95x1
         trade #5 a3 sell with #4 a2: 95x1 left 0
         trigger #3 a1 sell 0x3
         trade #3 a1 sell with #4 a2: 95x1 left 2 done
         cancel #3 a1 sell 0x2 Unfilled",
    );
}

#[test]
fn a_fired_stop_limit_rests_at_its_limit_with_its_id() {
    let mut script = at_100();
    script.place(
        sell(1, 95, 3).stop_limit(96),
        "accept #3 a1 sell 95x3
         arm #3 a1 sell 96x3",
    );
    script.book(&[buy(2, 96, 1), buy(2, 94, 1)]);
    script.place(
        sell(3, 96, 1),
        "accept #6 a3 sell 96x1
         trade #6 a3 sell with #4 a2: 96x1 left 0 done
         trigger #3 a1 sell 95x3
         rest #3 a1 sell 95x3/3",
    );
}

#[test]
fn a_fired_fok_that_cannot_be_filled_is_cancelled_whole() {
    let mut script = at_100();
    script.book(&[
        sell(1, 94, 5).stop_limit(95).tif(Tif::Fok),
        sell(2, 94, 3).stop_limit(95).tif(Tif::Fok),
        buy(4, 94, 4),
    ]);
    script.place(
        sell(3, 94, 1),
        "accept #6 a3 sell 94x1
         trade #6 a3 sell with #5 a4: 94x1 left 0
         trigger #3 a1 sell 94x5
         cancel #3 a1 sell 94x5 NotFillable
         trigger #4 a2 sell 94x3
         trade #4 a2 sell with #5 a4: 94x3 left 0 done",
    );
}

#[test]
fn a_fired_post_only_that_would_cross_is_cancelled_or_slides() {
    let mut script = at_100();
    script.book(&[
        sell(1, 94, 5).stop_limit(95).flags(POST_ONLY),
        sell(2, 94, 5).stop_limit(95).flags(SLIDES),
        buy(4, 94, 4),
    ]);
    script.place(
        sell(3, 94, 1),
        "accept #6 a3 sell 94x1
         trade #6 a3 sell with #5 a4: 94x1 left 0
         trigger #3 a1 sell 94x5
         cancel #3 a1 sell 94x5 WouldCross
         trigger #4 a2 sell 94x5
         rest #4 a2 sell 95x5/5",
    );
}

#[test]
fn a_fired_order_may_slide_out_of_the_band() {
    let mut script = Script::plain();
    script.mark(100, "configured SetMark a0");
    script.rule(RuleKind::BandPpm, 100_000);
    script.book(&[
        buy(2, 110, 3),
        sell(1, 94, 5).stop_limit(95).flags(SLIDES | MARK),
    ]);
    script.mark(
        95,
        "configured SetMark a0
         trigger #2 a1 sell 94x5
         rest #2 a1 sell 111x5/5",
    );
}

#[test]
fn a_fired_reduce_only_with_nothing_to_reduce_is_cancelled() {
    let mut script = Script::positions();
    script.print(100);
    let position = |lots| Command::SetPosition {
        instrument: 0,
        account: 1,
        position: lots,
    };
    script.given(position(2));
    script.place(
        sell(1, 0, 5).stop(95).flags(REDUCE_ONLY),
        "accept #3 a1 sell 0x5
         arm #3 a1 sell 95x5",
    );
    script.given(position(0));
    script.book(&[buy(2, 95, 9)]);
    script.place(
        sell(3, 95, 1),
        "accept #5 a3 sell 95x1
         trade #5 a3 sell with #4 a2: 95x1 left 0
         trigger #3 a1 sell 0x5
         cancel #3 a1 sell 0x5 ReduceOnly",
    );
}

#[test]
fn a_fired_reduce_only_trades_what_it_reduces_and_loses_the_rest() {
    let mut script = Script::positions();
    script.print(100);
    script.given(Command::SetPosition {
        instrument: 0,
        account: 1,
        position: 2,
    });
    script.book(&[sell(1, 0, 5).stop(95).flags(REDUCE_ONLY), buy(2, 95, 9)]);
    script.place(
        sell(3, 95, 1),
        "accept #5 a3 sell 95x1
         trade #5 a3 sell with #4 a2: 95x1 left 0
         trigger #3 a1 sell 0x5
         trade #3 a1 sell with #4 a2: 95x2 left 3
         cancel #3 a1 sell 0x3 ReduceOnly",
    );
}

#[test]
fn the_collar_of_a_fired_stop_counts_from_the_best_price_then() {
    let mut script = at_100();
    script.rule(RuleKind::CollarPpm, 20_000);
    script.book(&[
        sell(1, 0, 3).stop(95),
        buy(2, 94, 2),
        buy(2, 93, 1),
        buy(2, 92, 1),
    ]);
    // ceil(94 - 1.88) = 93.
    script.place(
        sell(3, 94, 1),
        "accept #7 a3 sell 94x1
         trade #7 a3 sell with #4 a2: 94x1 left 0
         trigger #3 a1 sell 0x3
         trade #3 a1 sell with #4 a2: 94x1 left 2 done
         trade #3 a1 sell with #5 a2: 93x1 left 1 done
         cancel #3 a1 sell 0x1 Unfilled",
    );
}

#[test]
fn the_trigger_of_a_trailing_sell_follows_the_highest_price() {
    let mut script = at_100();
    script.place(
        sell(1, 0, 2).trailing(3),
        "accept #3 a1 sell 0x2
         arm #3 a1 sell 97x2",
    );
    script.print(104);
    script.print(102);
    script.book(&[buy(4, 101, 9)]);
    // 104 - 3.
    script.place(
        sell(2, 101, 1),
        "accept #9 a2 sell 101x1
         trade #9 a2 sell with #8 a4: 101x1 left 0
         trigger #3 a1 sell 0x2
         trade #3 a1 sell with #8 a4: 101x2 left 0",
    );
}

#[test]
fn the_trigger_of_a_trailing_buy_follows_the_lowest_price() {
    let mut script = at_100();
    script.place(
        buy(1, 0, 2).trailing(3),
        "accept #3 a1 buy 0x2
         arm #3 a1 buy 103x2",
    );
    script.print(96);
    script.print(98);
    script.book(&[sell(4, 99, 9)]);
    script.place(
        buy(2, 99, 1),
        "accept #9 a2 buy 99x1
         trade #9 a2 buy with #8 a4: 99x1 left 0
         trigger #3 a1 buy 0x2
         trade #3 a1 buy with #8 a4: 99x2 left 0",
    );
}

#[test]
fn within_one_sweep_the_watermark_moves_price_by_price() {
    let mut script = at_100();
    script.book(&[
        sell(1, 0, 2).trailing(3),
        sell(2, 101, 1),
        sell(2, 103, 1),
        sell(2, 105, 1),
        buy(4, 90, 9),
    ]);
    script.place(
        buy(3, 105, 3),
        "accept #8 a3 buy 105x3
         trade #8 a3 buy with #4 a2: 101x1 left 2 done
         trade #8 a3 buy with #5 a2: 103x1 left 1 done
         trade #8 a3 buy with #6 a2: 105x1 left 0 done",
    );
    script.book(&[buy(4, 102, 1)]);
    script.place(
        sell(3, 102, 1),
        "accept #10 a3 sell 102x1
         trade #10 a3 sell with #9 a4: 102x1 left 0 done
         trigger #3 a1 sell 0x2
         trade #3 a1 sell with #7 a4: 90x2 left 0",
    );
}

#[test]
fn without_a_reference_the_first_price_becomes_the_watermark() {
    let mut script = Script::plain();
    script.place(
        sell(1, 0, 2).trailing(3),
        "accept #1 a1 sell 0x2
         arm #1 a1 sell 0x2",
    );
    script.print(50);
    script.book(&[buy(4, 47, 9)]);
    script.place(
        sell(2, 47, 1),
        "accept #5 a2 sell 47x1
         trade #5 a2 sell with #4 a4: 47x1 left 0
         trigger #1 a1 sell 0x2
         trade #1 a1 sell with #4 a4: 47x2 left 0",
    );
}

#[test]
fn a_trailing_sell_whose_trigger_is_below_one_never_fires() {
    let mut script = Script::plain();
    script.print(3);
    script.place(
        sell(1, 0, 2).trailing(3),
        "accept #3 a1 sell 0x2
         arm #3 a1 sell 0x2",
    );
    script.book(&[buy(4, 1, 9)]);
    script.place(
        sell(2, 1, 1),
        "accept #5 a2 sell 1x1
         trade #5 a2 sell with #4 a4: 1x1 left 0",
    );
}

#[test]
fn nothing_fires_while_halted_and_the_mark_counts_on_entering() {
    let mut script = at_100();
    script.mark(100, "configured SetMark a0");
    script.book(&[sell(1, 0, 3).stop(95).flags(MARK), buy(2, 94, 9)]);
    script.phase(Phase::Halted, "phase Halted");
    script.mark(90, "configured SetMark a0");
    script.phase(
        Phase::Continuous,
        "phase Continuous
         trigger #3 a1 sell 0x3
         trade #3 a1 sell with #4 a2: 94x3 left 0",
    );
}

#[test]
fn a_mark_that_came_and_went_while_halted_fires_nothing() {
    let mut script = at_100();
    script.mark(100, "configured SetMark a0");
    script.book(&[sell(1, 0, 3).stop(95).flags(MARK), buy(2, 94, 9)]);
    script.phase(Phase::Halted, "phase Halted");
    script.mark(90, "configured SetMark a0");
    script.mark(99, "configured SetMark a0");
    script.phase(Phase::Continuous, "phase Continuous");
}

#[test]
fn watermarks_stand_still_while_halted_and_take_the_mark_on_entering() {
    let mut script = at_100();
    script.mark(100, "configured SetMark a0");
    script.place(
        sell(1, 0, 3).trailing(3).flags(MARK),
        "accept #3 a1 sell 0x3
         arm #3 a1 sell 97x3",
    );
    script.book(&[buy(2, 94, 9)]);
    script.phase(Phase::Halted, "phase Halted");
    script.mark(110, "configured SetMark a0");
    script.mark(108, "configured SetMark a0");
    script.phase(Phase::Continuous, "phase Continuous");
    // The watermark is 108, not 110.
    script.mark(106, "configured SetMark a0");
    script.mark(
        105,
        "configured SetMark a0
         trigger #3 a1 sell 0x3
         trade #3 a1 sell with #4 a2: 94x3 left 0",
    );
}

#[test]
fn an_amend_of_an_armed_order_only_changes_its_numbers() {
    let mut script = at_100();
    script.book(&[sell(1, 94, 3).stop_limit(95), buy(2, 96, 9)]);
    script.amend(1, 3, (93, 5), "replace #3 a1 sell 93x5 left 5");
    script.amend(1, 3, (0, 2), "reduce #3 a1 sell 93x3 left 2 Requested");
}

#[test]
fn a_price_for_a_stop_without_protection_is_refused() {
    let mut script = at_100();
    script.book(&[sell(1, 0, 3).stop(95), sell(1, 90, 3).stop(95)]);
    script.amend(1, 3, (93, 0), "reject a1 InvalidCombination #3");
    script.amend(1, 4, (93, 0), "replace #4 a1 sell 93x3 left 3");
}

#[test]
fn a_refused_order_moves_no_last_price_and_fires_nothing() {
    let mut script = at_100();
    script.book(&[sell(1, 0, 3).stop(95), buy(2, 95, 2)]);
    script.place(sell(3, 95, 3).tif(Tif::Fok), "reject a3 NotFillable");
    script.cancel(1, 3, "cancel #3 a1 sell 0x3 Requested");
}
