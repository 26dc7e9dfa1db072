//! The uncross on entering continuous trading: its price, its rounds, its events.

use router_core::engine::{order_flags, Command, NewOrder, Phase, RuleKind, StpMode};

use crate::script::{buy, sell, Script, Shape, BASE, QUOTE};

/// Puts orders into an auction, then opens it and compares the events.
fn uncross(script: &mut Script, orders: &[NewOrder], lines: &str) {
    script.phase(Phase::Auction, "phase Auction");
    script.book(orders);
    script.phase(Phase::Continuous, lines);
}

/// Every price from 98 to 102 executes 5 with a surplus of 5.
fn even() -> [NewOrder; 4] {
    [
        buy(1, 102, 5),
        buy(1, 100, 5),
        sell(2, 98, 5),
        sell(2, 101, 5),
    ]
}

#[test]
fn the_price_is_the_one_of_the_greatest_volume() {
    uncross(
        &mut Script::plain(),
        &[
            buy(1, 102, 5),
            buy(1, 100, 5),
            sell(2, 98, 4),
            sell(2, 100, 4),
        ],
        "phase Continuous
         trade #1 a1 buy with #3 a2: 100x4 left 1 done auction
         trade #1 a1 buy with #4 a2: 100x1 left 0 auction
         trade #2 a1 buy with #4 a2: 100x3 left 2 done auction
         uncross 100x8 surplus 2",
    );
}

#[test]
fn of_equal_volumes_the_least_surplus_wins_even_against_the_reference() {
    let mut script = Script::plain();
    script.print(99);
    uncross(
        &mut script,
        &[buy(1, 102, 5), buy(1, 101, 2), sell(2, 99, 5)],
        "phase Continuous
         trade #3 a1 buy with #5 a2: 102x5 left 0 done auction
         uncross 102x5 surplus 0",
    );
}

#[test]
fn of_equal_surpluses_the_price_nearest_to_the_last_one_wins() {
    let mut script = Script::plain();
    script.print(105);
    uncross(
        &mut script,
        &even(),
        "phase Continuous
         trade #3 a1 buy with #5 a2: 102x5 left 0 done auction
         uncross 102x5 surplus 5",
    );
}

#[test]
fn the_last_price_is_a_candidate_itself_where_no_order_stands() {
    let mut script = Script::plain();
    script.print(99);
    uncross(
        &mut script,
        &even(),
        "phase Continuous
         trade #3 a1 buy with #5 a2: 99x5 left 0 done auction
         uncross 99x5 surplus 5",
    );
}

#[test]
fn without_a_last_price_the_mark_is_the_reference() {
    let mut script = Script::plain();
    script.mark(99, "configured SetMark a0");
    uncross(
        &mut script,
        &even(),
        "phase Continuous
         trade #1 a1 buy with #3 a2: 99x5 left 0 done auction
         uncross 99x5 surplus 5",
    );
}

#[test]
fn the_last_price_counts_before_the_mark() {
    let mut script = Script::plain();
    script.print(99);
    script.mark(102, "configured SetMark a0");
    uncross(
        &mut script,
        &even(),
        "phase Continuous
         trade #3 a1 buy with #5 a2: 99x5 left 0 done auction
         uncross 99x5 surplus 5",
    );
}

#[test]
fn without_any_reference_the_lowest_price_wins() {
    uncross(
        &mut Script::plain(),
        &even(),
        "phase Continuous
         trade #1 a1 buy with #3 a2: 98x5 left 0 done auction
         uncross 98x5 surplus 5",
    );
}

#[test]
fn a_reference_off_the_tick_step_is_no_candidate_and_of_two_as_near_the_lower_wins() {
    let mut script = Script::plain();
    script.print(99);
    script.rule(RuleKind::TickStep, 2);
    uncross(
        &mut script,
        &[
            buy(1, 102, 5),
            buy(1, 100, 5),
            sell(2, 98, 5),
            sell(2, 102, 5),
        ],
        "phase Continuous
         trade #3 a1 buy with #5 a2: 98x5 left 0 done auction
         uncross 98x5 surplus 5",
    );
}

#[test]
fn hidden_lots_count_and_icebergs_refill_at_the_tail() {
    uncross(
        &mut Script::plain(),
        &[
            sell(2, 100, 6).iceberg(2),
            sell(4, 100, 1),
            buy(1, 100, 3),
            buy(3, 100, 4),
        ],
        "phase Continuous
         trade #3 a1 buy with #1 a2: 100x2 left 1 auction
         rest #1 a2 sell 100x2/4 refill
         trade #3 a1 buy with #2 a4: 100x1 left 0 done auction
         trade #4 a3 buy with #1 a2: 100x2 left 2 auction
         rest #1 a2 sell 100x2/2 refill
         trade #4 a3 buy with #1 a2: 100x2 left 0 done auction
         uncross 100x7 surplus 0",
    );
}

#[test]
fn of_two_icebergs_the_buyer_refills_first() {
    uncross(
        &mut Script::plain(),
        &[sell(2, 100, 4).iceberg(2), buy(1, 100, 4).iceberg(2)],
        "phase Continuous
         trade #2 a1 buy with #1 a2: 100x2 left 2 auction
         rest #2 a1 buy 100x2/2 refill
         rest #1 a2 sell 100x2/2 refill
         trade #2 a1 buy with #1 a2: 100x2 left 0 done auction
         uncross 100x4 surplus 0",
    );
}

#[test]
fn the_later_of_two_own_orders_is_the_taker_and_its_mode_decides() {
    // Round one takes 99, removes the sell and trades nothing; round two takes 100.
    uncross(
        &mut Script::plain(),
        &[
            buy(1, 100, 5).stp(StpMode::ExpireMaker),
            sell(1, 99, 5).stp(StpMode::ExpireTaker),
            sell(2, 100, 5),
        ],
        "phase Continuous
         cancel #2 a1 sell 99x5 SelfTrade
         trade #1 a1 buy with #3 a2: 100x5 left 0 done auction
         uncross 100x5 surplus 0",
    );
}

#[test]
fn a_later_buy_is_the_taker_too() {
    uncross(
        &mut Script::plain(),
        &[
            sell(1, 100, 5).stp(StpMode::ExpireTaker),
            sell(2, 100, 5),
            buy(1, 100, 5).stp(StpMode::ExpireMaker),
        ],
        "phase Continuous
         cancel #1 a1 sell 100x5 SelfTrade
         trade #3 a1 buy with #2 a2: 100x5 left 0 done auction
         uncross 100x5 surplus 5",
    );
}

#[test]
fn decrement_in_an_uncross_takes_the_smaller_off_both_and_prints_nothing() {
    uncross(
        &mut Script::plain(),
        &[
            buy(1, 100, 5),
            sell(1, 100, 3).stp(StpMode::Decrement),
            sell(2, 100, 4),
        ],
        "phase Continuous
         reduce #1 a1 buy 100x3 left 2 SelfTrade
         cancel #2 a1 sell 100x3 SelfTrade
         trade #1 a1 buy with #3 a2: 100x2 left 0 auction
         uncross 100x2 surplus 2",
    );
}

#[test]
fn a_round_without_a_trade_gives_no_uncross() {
    uncross(
        &mut Script::plain(),
        &[buy(1, 100, 5), sell(1, 100, 5).stp(StpMode::ExpireBoth)],
        "phase Continuous
         cancel #1 a1 buy 100x5 SelfTrade
         cancel #2 a1 sell 100x5 SelfTrade",
    );
}

#[test]
fn a_round_goes_on_at_its_price_after_a_removal() {
    // At 100: 6 bid, 8 asked; without the removed 5 the greatest volume would be had at 103 too.
    uncross(
        &mut Script::plain(),
        &[
            buy(1, 103, 2),
            buy(2, 100, 4),
            sell(1, 99, 5).stp(StpMode::ExpireTaker),
            sell(3, 100, 3),
        ],
        "phase Continuous
         cancel #3 a1 sell 99x5 SelfTrade
         trade #1 a1 buy with #4 a3: 100x2 left 0 auction
         trade #2 a2 buy with #4 a3: 100x1 left 3 done auction
         uncross 100x3 surplus 2",
    );
}

#[test]
fn rounds_that_each_trade_give_an_uncross_each() {
    // Round one: 6 bid, 6 asked at 101, but #4 meets its owner, and the next offer is dearer.
    uncross(
        &mut Script::plain(),
        &[
            buy(2, 105, 3),
            buy(1, 105, 3),
            sell(4, 100, 3),
            sell(1, 101, 3).stp(StpMode::ExpireTaker),
            sell(6, 104, 3),
        ],
        "phase Continuous
         trade #1 a2 buy with #3 a4: 101x3 left 0 done auction
         cancel #4 a1 sell 101x3 SelfTrade
         uncross 101x3 surplus 0
         trade #2 a1 buy with #5 a6: 104x3 left 0 done auction
         uncross 104x3 surplus 0",
    );
}

#[test]
fn a_reduce_only_order_trades_what_it_reduces_in_an_uncross_and_then_goes() {
    let mut script = Script::positions();
    script.given(Command::SetPosition {
        instrument: 0,
        account: 1,
        position: 2,
    });
    script.book(&[sell(1, 100, 5).flags(order_flags::REDUCE_ONLY)]);
    uncross(
        &mut script,
        &[buy(2, 100, 5)],
        "phase Continuous
         trade #2 a2 buy with #1 a1: 100x2 left 3 auction
         cancel #1 a1 sell 100x3 ReduceOnly
         uncross 100x2 surplus 0",
    );
}

/// A bid of account 1 at 200, own offers of it at 101 to `highest` that expire against it, and an
/// offer of account 2 at 150.
fn own_offers_up_to(highest: i64) -> Vec<NewOrder> {
    let mut orders = vec![buy(1, 200, 5)];
    for price in 101..=highest {
        orders.push(sell(1, price, 5).stp(StpMode::ExpireTaker));
    }
    orders.push(sell(2, 150, 5));
    orders
}

fn own_offers_gone(highest: i64) -> String {
    let mut lines = "phase Continuous\n".to_owned();
    for price in 101..=highest {
        let id = price - 99;
        lines += &format!("cancel #{id} a1 sell {price}x5 SelfTrade\n");
    }
    lines
}

#[test]
fn the_eighth_round_still_finds_a_price() {
    let lines = own_offers_gone(107)
        + "trade #1 a1 buy with #9 a2: 150x5 left 0 done auction
           uncross 150x5 surplus 0";
    uncross(&mut Script::plain(), &own_offers_up_to(107), &lines);
}

#[test]
fn what_eight_rounds_leave_crossed_meets_at_the_price_of_the_earlier_without_an_uncross() {
    let lines = own_offers_gone(109) + "trade #1 a1 buy with #11 a2: 200x5 left 0 done auction";
    uncross(&mut Script::plain(), &own_offers_up_to(109), &lines);
}

#[test]
fn after_eight_rounds_an_earlier_offer_gives_the_price() {
    // As above, but the offer at 150 was there before the bid.
    let mut orders = own_offers_up_to(109);
    orders.rotate_right(1);
    let mut lines = "phase Continuous\n".to_owned();
    for price in 101..=109 {
        let id = price - 98;
        lines += &format!("cancel #{id} a1 sell {price}x5 SelfTrade\n");
    }
    lines += "trade #2 a1 buy with #1 a2: 150x5 left 0 done auction";
    uncross(&mut Script::plain(), &orders, &lines);
}

/// Accounts 1 (base) and 2 (quote) with these maker rates; every taker rate is 10 percent.
fn funded(first_ppm: i64, second_ppm: i64) -> Script {
    let mut script = Script::funded(10, 1);
    script.deposit(1, BASE, 1_000);
    script.deposit(2, QUOTE, 10_000);
    for tier in 0..16 {
        script.given(Command::SetTier {
            tier,
            maker_ppm: 0,
            taker_ppm: 100_000,
        });
    }
    for (account, maker_ppm) in [(1, first_ppm), (2, second_ppm)] {
        script.given(Command::SetTier {
            tier: account,
            maker_ppm,
            taker_ppm: 100_000,
        });
        script.given(Command::SetAccount {
            account,
            tier: account,
            group: 0,
        });
    }
    script
}

#[test]
fn both_sides_of_an_uncross_pay_their_maker_rate_the_buyer_first() {
    let mut script = funded(10_000, 20_000);
    // Buyer: ceil(50 x 2%) = 1 base unit; seller: ceil(500 x 1%) = 5 quote units.
    uncross(
        &mut script,
        &[sell(1, 100, 5), buy(2, 100, 5)],
        "phase Continuous
         trade #2 a2 buy with #1 a1: 100x5 left 0 done auction
         fee #2 a2 buy 1 of asset 1
         fee #1 a1 sell 5 of asset 0
         uncross 100x5 surplus 0",
    );
    assert_eq!(script.money(2, BASE), (49, 0));
    assert_eq!(script.money(1, QUOTE), (495, 0));
}

#[test]
fn nobody_is_paid_a_rebate_in_an_uncross() {
    let mut script = funded(-20_000, 20_000);
    uncross(
        &mut script,
        &[sell(1, 100, 5), buy(2, 100, 5)],
        "phase Continuous
         trade #2 a2 buy with #1 a1: 100x5 left 0 done auction
         fee #2 a2 buy 1 of asset 1
         uncross 100x5 surplus 0",
    );
    assert_eq!(script.money(1, QUOTE), (500, 0));
}

#[test]
fn a_hold_is_freed_to_the_price_of_the_uncross() {
    let mut script = funded(0, 0);
    uncross(
        &mut script,
        &[sell(1, 90, 5), buy(2, 100, 8)],
        "phase Continuous
         trade #2 a2 buy with #1 a1: 90x5 left 3 done auction
         uncross 90x5 surplus 3",
    );
    assert_eq!(script.money(2, QUOTE), (10_000 - 450 - 300, 300));
}

#[test]
fn a_leg_that_trades_in_an_uncross_cancels_its_sibling_after_the_fees() {
    let mut script = funded(10_000, 0);
    script.oco(
        sell(1, 110, 5),
        sell(1, 0, 5).stop(80),
        "accept #1 a1 sell 110x5
         accept #2 a1 sell 0x5
         arm #2 a1 sell 80x5
         rest #1 a1 sell 110x5/5",
    );
    uncross(
        &mut script,
        &[buy(2, 110, 2)],
        "phase Continuous
         trade #3 a2 buy with #1 a1: 110x2 left 0 auction
         fee #1 a1 sell 3 of asset 0
         cancel #2 a1 sell 0x5 Linked
         uncross 110x2 surplus 3",
    );
}

#[test]
fn stops_look_at_the_uncross_after_it_is_done() {
    let mut script = Script::plain();
    script.print(100);
    script.book(&[sell(1, 0, 3).stop(95), sell(4, 0, 3).trailing(4)]);
    uncross(
        &mut script,
        &[buy(2, 95, 5), sell(3, 95, 4)],
        "phase Continuous
         trade #5 a2 buy with #6 a3: 95x4 left 1 done auction
         uncross 95x4 surplus 1
         trigger #3 a1 sell 0x3
         trade #3 a1 sell with #5 a2: 95x1 left 2 done
         cancel #3 a1 sell 0x2 Unfilled
         trigger #4 a4 sell 0x3
         cancel #4 a4 sell 0x3 Unfilled",
    );
}
