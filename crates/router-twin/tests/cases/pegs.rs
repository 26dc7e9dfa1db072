//! What pegged orders follow, and when they wait without a price.

use router_core::engine::{PegKind, Phase, RuleKind};

use crate::script::{buy, sell, Script, Shape};

use PegKind::{Market, Mid, Primary};

/// Account 2 bids 99 (#1) and offers 104 (#2), one lot each.
fn between_99_and_104() -> Script {
    let mut script = Script::plain();
    script.book(&[buy(2, 99, 1), sell(2, 104, 1)]);
    script
}

#[test]
fn a_primary_peg_stands_behind_its_own_side_by_its_offset() {
    let mut script = between_99_and_104();
    script.place(
        buy(1, 0, 3).peg(Primary, 1),
        "accept #3 a1 buy 0x3
         park #3 a1 buy x3
         replace #3 a1 buy 98x3 left 3
         rest #3 a1 buy 98x3/3",
    );
    script.place(
        sell(1, 0, 3).peg(Primary, 2),
        "accept #4 a1 sell 0x3
         park #4 a1 sell x3
         replace #4 a1 sell 106x3 left 3
         rest #4 a1 sell 106x3/3",
    );
}

#[test]
fn a_market_peg_keeps_its_offset_from_the_other_side() {
    let mut script = between_99_and_104();
    script.place(
        buy(1, 0, 3).peg(Market, 3),
        "accept #3 a1 buy 0x3
         park #3 a1 buy x3
         replace #3 a1 buy 101x3 left 3
         rest #3 a1 buy 101x3/3",
    );
}

#[test]
fn a_market_peg_without_offset_stops_one_step_before_the_other_side() {
    let mut script = between_99_and_104();
    script.place(
        buy(1, 0, 3).peg(Market, 0),
        "accept #3 a1 buy 0x3
         park #3 a1 buy x3
         replace #3 a1 buy 103x3 left 3
         rest #3 a1 buy 103x3/3",
    );
    // The best bid of all orders is now the peg at 103.
    script.place(
        sell(1, 0, 3).peg(Market, 0),
        "accept #4 a1 sell 0x3
         park #4 a1 sell x3
         replace #4 a1 sell 104x3 left 3
         rest #4 a1 sell 104x3/3",
    );
}

#[test]
fn half_a_tick_of_the_middle_is_rounded_away_from_the_other_side() {
    let mut script = between_99_and_104();
    // 101.5.
    script.place(
        buy(1, 0, 3).peg(Mid, 0),
        "accept #3 a1 buy 0x3
         park #3 a1 buy x3
         replace #3 a1 buy 101x3 left 3
         rest #3 a1 buy 101x3/3",
    );
    script.place(
        sell(1, 0, 3).peg(Mid, 0),
        "accept #4 a1 sell 0x3
         park #4 a1 sell x3
         replace #4 a1 sell 102x3 left 3
         rest #4 a1 sell 102x3/3",
    );
}

#[test]
fn a_whole_middle_is_clamped_so_that_two_pegs_never_trade() {
    let mut script = Script::plain();
    script.book(&[buy(2, 99, 1), sell(2, 103, 1)]);
    script.place(
        buy(1, 0, 3).peg(Mid, 0),
        "accept #3 a1 buy 0x3
         park #3 a1 buy x3
         replace #3 a1 buy 101x3 left 3
         rest #3 a1 buy 101x3/3",
    );
    script.place(
        sell(1, 0, 3).peg(Mid, 0),
        "accept #4 a1 sell 0x3
         park #4 a1 sell x3
         replace #4 a1 sell 102x3 left 3
         rest #4 a1 sell 102x3/3",
    );
}

#[test]
fn a_cap_holds_a_peg_back() {
    let mut script = between_99_and_104();
    script.place(
        buy(1, 97, 3).peg(Primary, 0),
        "accept #3 a1 buy 97x3
         park #3 a1 buy x3
         replace #3 a1 buy 97x3 left 3
         rest #3 a1 buy 97x3/3",
    );
    script.place(
        sell(1, 110, 3).peg(Primary, 0),
        "accept #4 a1 sell 110x3
         park #4 a1 sell x3
         replace #4 a1 sell 110x3 left 3
         rest #4 a1 sell 110x3/3",
    );
}

#[test]
fn a_peg_is_rounded_to_the_tick_step_away_from_the_other_side() {
    let mut script = Script::plain();
    script.rule(RuleKind::TickStep, 5);
    script.book(&[buy(2, 100, 1), sell(2, 120, 1)]);
    script.place(
        buy(1, 0, 3).peg(Primary, 2),
        "accept #3 a1 buy 0x3
         park #3 a1 buy x3
         replace #3 a1 buy 95x3 left 3
         rest #3 a1 buy 95x3/3",
    );
    script.place(
        sell(1, 0, 3).peg(Primary, 2),
        "accept #4 a1 sell 0x3
         park #4 a1 sell x3
         replace #4 a1 sell 125x3 left 3
         rest #4 a1 sell 125x3/3",
    );
}

#[test]
fn a_peg_parks_when_its_reference_goes_and_comes_back_with_it() {
    let mut script = between_99_and_104();
    script.book(&[buy(1, 0, 3).peg(Primary, 1)]);
    script.cancel(
        2,
        1,
        "cancel #1 a2 buy 99x1 Requested
         park #3 a1 buy x3",
    );
    script.place(
        sell(2, 105, 1),
        "accept #4 a2 sell 105x1
         rest #4 a2 sell 105x1/1",
    );
    script.place(
        buy(2, 90, 1),
        "accept #5 a2 buy 90x1
         rest #5 a2 buy 90x1/1
         replace #3 a1 buy 89x3 left 3
         rest #3 a1 buy 89x3/3",
    );
}

#[test]
fn a_middle_needs_both_sides() {
    let mut script = Script::plain();
    script.book(&[buy(2, 99, 1)]);
    script.place(
        buy(1, 0, 3).peg(Mid, 0),
        "accept #2 a1 buy 0x3
         park #2 a1 buy x3",
    );
}

#[test]
fn pegs_are_no_reference_for_pegs() {
    let mut script = Script::plain();
    script.book(&[buy(2, 99, 1), buy(1, 0, 3).peg(Primary, 1)]);
    script.cancel(
        2,
        1,
        "cancel #1 a2 buy 99x1 Requested
         park #2 a1 buy x3",
    );
    script.place(
        buy(3, 0, 3).peg(Primary, 0),
        "accept #3 a3 buy 0x3
         park #3 a3 buy x3",
    );
}

#[test]
fn a_peg_whose_price_would_be_below_one_is_parked() {
    let mut script = Script::plain();
    script.book(&[buy(2, 5, 1)]);
    script.place(
        buy(1, 0, 3).peg(Primary, 5),
        "accept #2 a1 buy 0x3
         park #2 a1 buy x3",
    );
    script.place(
        buy(1, 0, 3).peg(Primary, 4),
        "accept #3 a1 buy 0x3
         park #3 a1 buy x3
         replace #3 a1 buy 1x3 left 3
         rest #3 a1 buy 1x3/3",
    );
}

#[test]
fn pegs_move_in_order_of_their_ids_and_lose_their_place() {
    let mut script = between_99_and_104();
    script.book(&[
        buy(1, 0, 3).peg(Primary, 0),
        buy(3, 0, 3).peg(Primary, 0),
        buy(4, 100, 1),
    ]);
    // They rest behind #5 at 100 now, the first peg before the second.
    script.place(
        sell(5, 100, 5),
        "accept #6 a5 sell 100x5
         trade #6 a5 sell with #5 a4: 100x1 left 4 done
         trade #6 a5 sell with #3 a1: 100x3 left 1 done
         trade #6 a5 sell with #4 a3: 100x1 left 0
         replace #4 a3 buy 99x3 left 2
         rest #4 a3 buy 99x2/2",
    );
}

#[test]
fn a_peg_that_keeps_its_price_keeps_its_place_and_says_nothing() {
    let mut script = between_99_and_104();
    script.book(&[buy(1, 0, 3).peg(Primary, 1)]);
    script.place(
        buy(3, 98, 1),
        "accept #4 a3 buy 98x1
         rest #4 a3 buy 98x1/1",
    );
    script.place(
        sell(4, 98, 2),
        "accept #5 a4 sell 98x2
         trade #5 a4 sell with #1 a2: 99x1 left 1 done
         trade #5 a4 sell with #3 a1: 98x1 left 0
         replace #3 a1 buy 97x3 left 2
         rest #3 a1 buy 97x2/2",
    );
}

#[test]
fn pegs_stay_where_they_are_while_halted() {
    let mut script = between_99_and_104();
    script.book(&[buy(1, 0, 3).peg(Primary, 1)]);
    script.phase(Phase::Halted, "phase Halted");
    script.cancel(2, 1, "cancel #1 a2 buy 99x1 Requested");
    script.phase(
        Phase::Continuous,
        "phase Continuous
         park #3 a1 buy x3",
    );
}

#[test]
fn a_refused_command_moves_no_peg_and_a_peg_is_not_amended() {
    let mut script = between_99_and_104();
    script.book(&[buy(1, 0, 3).peg(Primary, 1)]);
    script.amend(1, 3, (90, 0), "reject a1 InvalidCombination #3");
    script.amend(1, 3, (0, 2), "reduce #3 a1 buy 98x1 left 2 Requested");
}

#[test]
fn a_new_tick_step_moves_pegs_at_once() {
    let mut script = between_99_and_104();
    script.book(&[buy(1, 0, 3).peg(Primary, 1)]);
    script.tell(
        &[router_core::engine::Command::SetRule {
            instrument: 0,
            rule: RuleKind::TickStep,
            value: 5,
        }],
        "configured SetRule a0
         replace #3 a1 buy 95x3 left 3
         rest #3 a1 buy 95x3/3",
    );
}
