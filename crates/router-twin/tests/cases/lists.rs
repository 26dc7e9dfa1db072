//! Pairs of which one cancels the other, and brackets.

use router_core::engine::{order_flags, Command, ListRole, NewOrder, RuleKind, StpMode, Tif};

use crate::script::{buy, sell, Script, Shape, BASE, QUOTE};

/// An OCO of account 1: #3 sells 5 at 110, #4 is a stop at 90. Last price 100.
fn with_oco() -> Script {
    let mut script = Script::plain();
    script.print(100);
    script.oco(
        sell(1, 110, 5),
        sell(1, 0, 5).stop(90),
        "accept #3 a1 sell 110x5
         accept #4 a1 sell 0x5
         arm #4 a1 sell 90x5
         rest #3 a1 sell 110x5/5",
    );
    script
}

/// A bracket of account 1: #1 buys 10 at 100, #2 takes profit at 110, #3 is a stop at 90.
fn with_bracket() -> Script {
    let mut script = Script::plain();
    script.bracket(
        [buy(1, 100, 10), sell(1, 110, 10), sell(1, 0, 10).stop(90)],
        "accept #1 a1 buy 100x10
         accept #2 a1 sell 110x10 pending
         accept #3 a1 sell 0x10 pending
         rest #1 a1 buy 100x10/10",
    );
    script
}

#[test]
fn the_first_trade_of_an_oco_leg_cancels_its_sibling() {
    let mut script = with_oco();
    script.place(
        buy(2, 110, 1),
        "accept #5 a2 buy 110x1
         trade #5 a2 buy with #3 a1: 110x1 left 0
         cancel #4 a1 sell 0x5 Linked",
    );
    script.amend(
        1,
        3,
        (111, 0),
        "replace #3 a1 sell 111x5 left 4
         rest #3 a1 sell 111x4/4",
    );
}

#[test]
fn the_trigger_of_an_oco_leg_cancels_its_sibling_before_it_trades() {
    let mut script = with_oco();
    script.book(&[buy(2, 90, 9)]);
    script.place(
        sell(3, 90, 1),
        "accept #6 a3 sell 90x1
         trade #6 a3 sell with #5 a2: 90x1 left 0
         trigger #4 a1 sell 0x5
         cancel #3 a1 sell 110x5 Linked
         trade #4 a1 sell with #5 a2: 90x5 left 0",
    );
}

#[test]
fn a_self_trade_reduction_of_an_oco_leg_cancels_its_sibling() {
    let mut script = with_oco();
    script.place(
        buy(1, 110, 2).stp(StpMode::Decrement),
        "accept #5 a1 buy 110x2
         reduce #3 a1 sell 110x2 left 3 SelfTrade
         cancel #4 a1 sell 0x5 Linked
         cancel #5 a1 buy 110x2 SelfTrade",
    );
}

#[test]
fn the_removal_of_either_leg_of_an_oco_removes_the_other() {
    for (first, second) in [(3, 4), (4, 3)] {
        let mut script = with_oco();
        let price = |id| if id == 3 { 110 } else { 0 };
        let lines = format!(
            "cancel #{first} a1 sell {}x5 Requested
             cancel #{second} a1 sell {}x5 Linked",
            price(first),
            price(second)
        );
        script.cancel(1, first, &lines);
    }
}

#[test]
fn an_oco_head_that_trades_as_it_arrives_cancels_its_stop_and_rests() {
    let mut script = Script::plain();
    script.print(100);
    script.book(&[buy(2, 99, 2)]);
    script.oco(
        sell(1, 99, 5),
        sell(1, 0, 5).stop(90),
        "accept #4 a1 sell 99x5
         accept #5 a1 sell 0x5
         arm #5 a1 sell 90x5
         trade #4 a1 sell with #3 a2: 99x2 left 3 done
         cancel #5 a1 sell 0x5 Linked
         rest #4 a1 sell 99x3/3",
    );
}

#[test]
fn when_both_sides_of_a_trade_are_legs_the_makers_sibling_goes_first() {
    let mut script = with_oco();
    script.oco(
        buy(2, 110, 5),
        buy(2, 0, 5).stop(120),
        "accept #5 a2 buy 110x5
         accept #6 a2 buy 0x5
         arm #6 a2 buy 120x5
         trade #5 a2 buy with #3 a1: 110x5 left 0 done
         cancel #4 a1 sell 0x5 Linked
         cancel #6 a2 buy 0x5 Linked",
    );
}

#[test]
fn neither_order_of_a_list_is_amended_or_reduced() {
    let mut script = with_oco();
    for id in [3, 4] {
        script.amend(1, id, (0, 2), &format!("reject a1 Linked #{id}"));
        script.tell(
            &[Command::Reduce {
                instrument: 0,
                account: 1,
                order_id: id,
                qty: 1,
            }],
            &format!("reject a1 Linked #{id}"),
        );
    }
}

#[test]
fn a_bracket_whose_head_is_partly_filled_and_cancelled_protects_what_was_filled() {
    let mut script = with_bracket();
    script.place(
        sell(2, 100, 4),
        "accept #4 a2 sell 100x4
         trade #4 a2 sell with #1 a1: 100x4 left 0",
    );
    script.cancel(
        1,
        1,
        "cancel #1 a1 buy 100x6 Requested
         activate #2 a1 sell 110x4
         activate #3 a1 sell 0x4
         arm #3 a1 sell 90x4
         rest #2 a1 sell 110x4/4",
    );
    script.cancel(
        1,
        3,
        "cancel #3 a1 sell 0x4 Requested
         cancel #2 a1 sell 110x4 Linked",
    );
}

#[test]
fn a_bracket_activates_when_its_head_is_filled() {
    let mut script = with_bracket();
    script.place(
        sell(2, 100, 12),
        "accept #4 a2 sell 100x12
         trade #4 a2 sell with #1 a1: 100x10 left 2 done
         rest #4 a2 sell 100x2/2
         activate #2 a1 sell 110x10
         activate #3 a1 sell 0x10
         arm #3 a1 sell 90x10
         rest #2 a1 sell 110x10/10",
    );
}

#[test]
fn a_market_head_activates_with_the_lots_it_got() {
    let mut script = Script::plain();
    script.book(&[sell(2, 100, 4)]);
    script.bracket(
        [
            buy(1, 0, 10).market(),
            sell(1, 110, 10),
            sell(1, 0, 10).stop(90),
        ],
        "accept #2 a1 buy 0x10
         accept #3 a1 sell 110x10 pending
         accept #4 a1 sell 0x10 pending
         trade #2 a1 buy with #1 a2: 100x4 left 6 done
         cancel #2 a1 buy 0x6 Unfilled
         activate #3 a1 sell 110x4
         activate #4 a1 sell 0x4
         arm #4 a1 sell 90x4
         rest #3 a1 sell 110x4/4",
    );
}

#[test]
fn the_exits_of_a_head_that_got_nothing_go_with_it() {
    let mut script = with_bracket();
    script.cancel(
        1,
        1,
        "cancel #1 a1 buy 100x10 Requested
         cancel #2 a1 sell 110x10 Linked
         cancel #3 a1 sell 0x10 Linked",
    );
}

#[test]
fn the_removal_of_a_pending_exit_removes_the_other_and_leaves_the_head() {
    let mut script = with_bracket();
    script.cancel(
        1,
        3,
        "cancel #3 a1 sell 0x10 Requested
         cancel #2 a1 sell 110x10 Linked",
    );
    script.place(
        sell(2, 100, 10),
        "accept #4 a2 sell 100x10
         trade #4 a2 sell with #1 a1: 100x10 left 0 done",
    );
}

#[test]
fn one_exit_cancels_the_other_once_they_live() {
    let mut script = with_bracket();
    script.book(&[sell(2, 100, 10)]);
    script.place(
        buy(3, 110, 1),
        "accept #5 a3 buy 110x1
         trade #5 a3 buy with #2 a1: 110x1 left 0
         cancel #3 a1 sell 0x10 Linked",
    );
}

#[test]
fn a_stop_whose_trigger_is_met_at_its_activation_fires_at_once() {
    let mut script = Script::plain();
    script.bracket(
        [buy(1, 100, 10), sell(1, 110, 10), sell(1, 0, 10).stop(100)],
        "accept #1 a1 buy 100x10
         accept #2 a1 sell 110x10 pending
         accept #3 a1 sell 0x10 pending
         rest #1 a1 buy 100x10/10",
    );
    script.place(
        sell(2, 100, 10),
        "accept #4 a2 sell 100x10
         trade #4 a2 sell with #1 a1: 100x10 left 0 done
         activate #2 a1 sell 110x10
         activate #3 a1 sell 0x10
         arm #3 a1 sell 100x10
         rest #2 a1 sell 110x10/10
         trigger #3 a1 sell 0x10
         cancel #2 a1 sell 110x10 Linked
         cancel #3 a1 sell 0x10 Unfilled",
    );
}

#[test]
fn the_watermark_of_a_trailing_exit_starts_at_its_activation() {
    let mut script = Script::plain();
    script.print(200);
    script.bracket(
        [buy(1, 100, 5), sell(1, 300, 5), sell(1, 0, 5).trailing(10)],
        "accept #3 a1 buy 100x5
         accept #4 a1 sell 300x5 pending
         accept #5 a1 sell 0x5 pending
         rest #3 a1 buy 100x5/5",
    );
    script.place(
        sell(2, 100, 5),
        "accept #6 a2 sell 100x5
         trade #6 a2 sell with #3 a1: 100x5 left 0 done
         activate #4 a1 sell 300x5
         activate #5 a1 sell 0x5
         arm #5 a1 sell 90x5
         rest #4 a1 sell 300x5/5",
    );
}

#[test]
fn a_post_only_take_profit_that_would_cross_slides() {
    let mut script = Script::plain();
    script.book(&[buy(2, 97, 1)]);
    script.bracket(
        [
            buy(1, 100, 10),
            sell(1, 95, 10).flags(order_flags::POST_ONLY),
            sell(1, 0, 10).stop(90),
        ],
        "accept #2 a1 buy 100x10
         accept #3 a1 sell 95x10 pending
         accept #4 a1 sell 0x10 pending
         rest #2 a1 buy 100x10/10",
    );
    script.place(
        sell(3, 100, 10),
        "accept #5 a3 sell 100x10
         trade #5 a3 sell with #2 a1: 100x10 left 0 done
         activate #3 a1 sell 95x10
         activate #4 a1 sell 0x10
         arm #4 a1 sell 90x10
         rest #3 a1 sell 98x10/10",
    );
}

/// A funded bracket of account 1: sells 10 at 10, buys back at 5, or at up to `protection` from 15.
fn funded_bracket(protection: i64) -> Script {
    let mut script = Script::funded(1, 1);
    script.deposit(1, BASE, 10);
    script.deposit(2, QUOTE, 1_000);
    let lines = format!(
        "accept #1 a1 sell 10x10
         accept #2 a1 buy 5x10 pending
         accept #3 a1 buy {protection}x10 pending
         rest #1 a1 sell 10x10/10"
    );
    script.bracket(
        [
            sell(1, 10, 10),
            buy(1, 5, 10),
            buy(1, protection, 10).stop(15),
        ],
        &lines,
    );
    script
}

#[test]
fn exits_come_to_life_with_the_lots_that_funds_pay_for() {
    let mut script = funded_bracket(20);
    // The head earns 100; a lot of the dearer exit needs 20.
    script.place(
        buy(2, 10, 10),
        "accept #4 a2 buy 10x10
         trade #4 a2 buy with #1 a1: 10x10 left 0 done
         activate #2 a1 buy 5x5
         activate #3 a1 buy 20x5
         arm #3 a1 buy 15x5
         rest #2 a1 buy 5x5/5",
    );
    assert_eq!(script.money(1, QUOTE), (0, 100));
}

#[test]
fn the_lots_of_exits_are_rounded_down_to_the_lot_step() {
    let mut script = funded_bracket(20);
    script.rule(RuleKind::LotStep, 3);
    script.deposit(3, QUOTE, 1_000);
    script.place(
        buy(2, 10, 9),
        "accept #4 a2 buy 10x9
         trade #4 a2 buy with #1 a1: 10x9 left 0",
    );
    script.cancel(
        1,
        1,
        "cancel #1 a1 sell 10x1 Requested
         activate #2 a1 buy 5x3
         activate #3 a1 buy 20x3
         arm #3 a1 buy 15x3
         rest #2 a1 buy 5x3/3",
    );
}

#[test]
fn exits_that_funds_pay_no_lot_of_are_cancelled() {
    let mut script = funded_bracket(101);
    script.place(
        buy(2, 10, 10),
        "accept #4 a2 buy 10x10
         trade #4 a2 buy with #1 a1: 10x10 left 0 done
         cancel #2 a1 buy 5x10 InsufficientFunds
         cancel #3 a1 buy 101x10 InsufficientFunds",
    );
    assert_eq!(script.money(1, QUOTE), (100, 0));
}

#[test]
fn a_leg_that_repeats_a_client_id_refuses_the_list() {
    let mut script = Script::plain();
    script.print(100);
    let oco = |script: &mut Script, head: u64, leg: u64, lines: &str| {
        script.oco(
            sell(1, 110, 5).client(head),
            sell(1, 0, 5).stop(90).client(leg),
            lines,
        );
    };
    oco(&mut script, 7, 7, "reject a1 DuplicateLeg client 7");
    script.place(
        buy(1, 1, 1).client(8),
        "accept #3 a1 buy 1x1 client 8
         rest #3 a1 buy 1x1/1",
    );
    oco(&mut script, 7, 8, "reject a1 DuplicateLeg client 7");
    oco(&mut script, 8, 7, "duplicate #3 a1 client 8");
}

#[test]
fn a_list_whose_parts_do_not_fit_is_refused() {
    let mut script = Script::plain();
    script.print(100);
    let leg = sell(1, 0, 5).stop(90);
    let refused = "reject a1 InvalidCombination";
    script.oco(sell(1, 110, 4), leg, refused);
    script.oco(buy(1, 90, 5), leg, refused);
    script.oco(sell(1, 110, 5).tif(Tif::Ioc), leg, refused);
    script.oco(sell(1, 110, 5), sell(1, 120, 5), refused);
    script.bracket([sell(1, 110, 5), sell(1, 110, 5), leg], refused);
    script.bracket([buy(1, 90, 5), leg, sell(1, 110, 5)], refused);
}

#[test]
fn a_list_that_lacks_a_leg_or_a_head_is_malformed() {
    let mut script = Script::plain();
    for list in [ListRole::OcoHead, ListRole::BracketHead, ListRole::Leg] {
        let alone = NewOrder {
            list,
            ..sell(1, 110, 5).client(3)
        };
        script.place(alone, "reject a1 Malformed client 3");
    }
}

#[test]
fn a_list_needs_room_for_all_its_orders() {
    let mut script = Script::plain();
    script.rule(RuleKind::MaxOpen, 2);
    script.bracket(
        [buy(1, 100, 5), sell(1, 110, 5), sell(1, 0, 5).stop(90)],
        "reject a1 BookFull",
    );
    script.oco(
        sell(1, 110, 5),
        sell(1, 0, 5).stop(90),
        "accept #1 a1 sell 110x5
         accept #2 a1 sell 0x5
         arm #2 a1 sell 90x5
         rest #1 a1 sell 110x5/5",
    );
}
