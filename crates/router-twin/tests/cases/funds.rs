//! Holds, payments and fees, to the unit.

use router_core::engine::{order_flags, Command, NewOrder, Side, StpMode, Tif};

use crate::script::{buy, sell, Script, Shape, BASE, QUOTE};

/// Account 1 has base units, account 2 quote units; 3 base units a lot, 2 quote units a tick and lot.
fn two_traders(base: u128, quote: u128) -> Script {
    let mut script = Script::funded(3, 2);
    script.deposit(1, BASE, base);
    script.deposit(2, QUOTE, quote);
    script
}

fn withdraw(account: u32, asset: u32, amount: u128) -> Command {
    Command::Withdraw {
        account,
        asset,
        amount,
    }
}

/// Rates of tiers 1 (maker) and 2 (taker) for accounts 1 and 2; no rate lets anybody earn on himself.
fn rates(script: &mut Script, maker_ppm: i64, taker_ppm: i64) {
    for tier in 0..16 {
        script.given(Command::SetTier {
            tier,
            maker_ppm: 0,
            taker_ppm: 100_000,
        });
    }
    for (tier, maker_ppm, taker_ppm) in [(1, maker_ppm, 100_000), (2, 0, taker_ppm)] {
        script.given(Command::SetTier {
            tier,
            maker_ppm,
            taker_ppm,
        });
    }
    for account in [1, 2] {
        script.given(Command::SetAccount {
            account,
            tier: account,
            group: 0,
        });
    }
}

#[test]
fn a_resting_buy_holds_its_limit_times_its_open_lots() {
    let mut script = two_traders(0, 1_000);
    script.place(
        buy(2, 10, 7),
        "accept #1 a2 buy 10x7
         rest #1 a2 buy 10x7/7",
    );
    assert_eq!(script.money(2, QUOTE), (860, 140));
}

#[test]
fn a_resting_sell_holds_its_open_lots_of_base() {
    let mut script = two_traders(21, 0);
    script.place(
        sell(1, 10, 7),
        "accept #1 a1 sell 10x7
         rest #1 a1 sell 10x7/7",
    );
    assert_eq!(script.money(1, BASE), (0, 21));
}

#[test]
fn an_order_that_needs_one_unit_more_than_there_is_is_refused() {
    let mut script = two_traders(20, 139);
    script.place(sell(1, 10, 7), "reject a1 InsufficientFunds");
    script.place(buy(2, 10, 7), "reject a2 InsufficientFunds");
    assert_eq!(script.money(1, BASE), (20, 0));
    assert_eq!(script.money(2, QUOTE), (139, 0));
}

#[test]
fn what_a_better_price_saves_is_available_at_once() {
    let mut script = two_traders(30, 1_000);
    script.book(&[sell(1, 8, 4)]);
    script.place(
        buy(2, 10, 7),
        "accept #2 a2 buy 10x7
         trade #2 a2 buy with #1 a1: 8x4 left 3 done
         rest #2 a2 buy 10x3/3",
    );
    assert_eq!(script.money(2, QUOTE), (1_000 - 64 - 60, 60));
    assert_eq!(script.money(2, BASE), (12, 0));
    assert_eq!(script.money(1, BASE), (18, 0));
    assert_eq!(script.money(1, QUOTE), (64, 0));
}

#[test]
fn a_maker_that_buys_pays_its_own_price_and_frees_just_that() {
    let mut script = two_traders(30, 1_000);
    script.book(&[buy(2, 10, 7)]);
    script.place(
        sell(1, 8, 3),
        "accept #2 a1 sell 8x3
         trade #2 a1 sell with #1 a2: 10x3 left 0",
    );
    assert_eq!(script.money(2, QUOTE), (860, 80));
    assert_eq!(script.money(1, QUOTE), (60, 0));
    assert_eq!(script.money(1, BASE), (21, 0));
}

#[test]
fn cancel_frees_the_whole_hold_and_reduce_its_part() {
    let mut script = two_traders(0, 1_000);
    script.book(&[buy(2, 10, 7)]);
    script.tell(
        &[Command::Reduce {
            instrument: 0,
            account: 2,
            order_id: 1,
            qty: 2,
        }],
        "reduce #1 a2 buy 10x2 left 5 Requested",
    );
    assert_eq!(script.money(2, QUOTE), (900, 100));
    script.cancel(2, 1, "cancel #1 a2 buy 10x5 Requested");
    assert_eq!(script.money(2, QUOTE), (1_000, 0));
}

#[test]
fn expiry_frees_the_hold() {
    let mut script = two_traders(0, 1_000);
    script.book(&[buy(2, 10, 7).until(3)]);
    script.tell(
        &[Command::Tick {
            now_ns: 3_000_000_000,
        }],
        "cancel #1 a2 buy 10x7 Expired",
    );
    assert_eq!(script.money(2, QUOTE), (1_000, 0));
}

#[test]
fn held_funds_cannot_be_withdrawn() {
    let mut script = two_traders(0, 1_000);
    script.book(&[buy(2, 10, 7)]);
    script.tell(&[withdraw(2, QUOTE, 861)], "reject a2 InsufficientFunds");
    script.tell(&[withdraw(2, QUOTE, 860)], "balance a2 0 of asset 0");
    assert_eq!(script.money(2, QUOTE), (0, 140));
}

#[test]
fn nothing_is_neither_deposited_nor_withdrawn() {
    let mut script = two_traders(0, 1_000);
    script.tell(&[withdraw(2, QUOTE, 0)], "reject a2 InvalidQuantity");
    let deposit = Command::Deposit {
        account: 2,
        asset: QUOTE,
        amount: 0,
    };
    script.tell(&[deposit], "reject a2 InvalidQuantity");
}

#[test]
fn the_total_of_an_asset_counts_available_held_and_fees_of_all() {
    let mut script = two_traders(0, 1_000);
    script.book(&[buy(2, 10, 7)]);
    let most = (1_u128 << 120) - 1_000;
    let deposit = |amount| Command::Deposit {
        account: 1,
        asset: QUOTE,
        amount,
    };
    // The line shows the high half of the amount, which stands where an order has its client id.
    script.tell(
        &[deposit(most + 1)],
        "reject a1 OutOfRange client 72057594037927935",
    );
    script.given(deposit(most));
    assert_eq!(script.money(1, QUOTE), (most, 0));
}

#[test]
fn the_receiver_pays_the_fee_rounded_up_out_of_what_it_receives() {
    let mut script = two_traders(30, 1_000);
    rates(&mut script, 1_000, 2_000);
    script.book(&[sell(1, 8, 4)]);
    // The buyer receives 12 base units: ceil(0.024); the seller 64 quote units: ceil(0.064).
    script.place(
        buy(2, 10, 4),
        "accept #2 a2 buy 10x4
         trade #2 a2 buy with #1 a1: 8x4 left 0 done
         fee #2 a2 buy 1 of asset 1
         fee #1 a1 sell 1 of asset 0",
    );
    assert_eq!(script.money(2, BASE), (11, 0));
    assert_eq!(script.money(1, QUOTE), (63, 0));
    assert_eq!((script.fees(BASE), script.fees(QUOTE)), (1, 1));
}

#[test]
fn a_fee_without_a_remainder_is_not_rounded() {
    let mut script = two_traders(3_000, 20_000);
    rates(&mut script, 0, 10_000);
    script.book(&[sell(1, 8, 1_000)]);
    script.place(
        buy(2, 8, 1_000),
        "accept #2 a2 buy 8x1000
         trade #2 a2 buy with #1 a1: 8x1000 left 0 done
         fee #2 a2 buy 30 of asset 1",
    );
    assert_eq!(script.money(2, BASE), (2_970, 0));
    assert_eq!(script.money(2, QUOTE), (4_000, 0));
}

#[test]
fn a_rebate_is_rounded_down_and_paid_by_the_house() {
    let mut script = two_traders(300, 10_000);
    rates(&mut script, -20_000, 30_000);
    script.book(&[sell(1, 8, 9)]);
    // Buyer: ceil(27 x 3%) = 1. Seller: floor(144 x 2%) = 2.
    script.place(
        buy(2, 8, 9),
        "accept #2 a2 buy 8x9
         trade #2 a2 buy with #1 a1: 8x9 left 0 done
         fee #2 a2 buy 1 of asset 1
         fee #1 a1 sell -2 of asset 0",
    );
    assert_eq!(script.money(1, QUOTE), (146, 0));
    assert_eq!((script.fees(BASE), script.fees(QUOTE)), (1, -2));
}

#[test]
fn a_rebate_below_one_unit_is_nothing_and_gives_no_event() {
    let mut script = two_traders(300, 10_000);
    rates(&mut script, -20_000, 30_000);
    script.book(&[sell(1, 8, 3)]);
    script.place(
        buy(2, 8, 3),
        "accept #2 a2 buy 8x3
         trade #2 a2 buy with #1 a1: 8x3 left 0 done
         fee #2 a2 buy 1 of asset 1",
    );
    assert_eq!(script.money(1, QUOTE), (48, 0));
}

#[test]
fn each_print_is_rounded_by_itself() {
    let mut script = two_traders(300, 10_000);
    rates(&mut script, 0, 10_000);
    script.book(&[sell(1, 8, 1), sell(1, 8, 1)]);
    script.place(
        buy(2, 8, 2),
        "accept #3 a2 buy 8x2
         trade #3 a2 buy with #1 a1: 8x1 left 1 done
         fee #3 a2 buy 1 of asset 1
         trade #3 a2 buy with #2 a1: 8x1 left 0 done
         fee #3 a2 buy 1 of asset 1",
    );
    assert_eq!(script.money(2, BASE), (4, 0));
}

#[test]
fn the_fee_follows_the_tier_at_the_trade() {
    let mut script = two_traders(300, 10_000);
    rates(&mut script, 10_000, 0);
    script.book(&[sell(1, 8, 10)]);
    script.given(Command::SetAccount {
        account: 1,
        tier: 0,
        group: 0,
    });
    script.place(
        buy(2, 8, 10),
        "accept #2 a2 buy 8x10
         trade #2 a2 buy with #1 a1: 8x10 left 0 done",
    );
}

#[test]
fn a_market_buy_needs_what_the_book_costs_within_its_lots() {
    let mut script = two_traders(300, 83);
    script.book(&[sell(1, 8, 3), sell(1, 9, 10)]);
    // 3 lots at 8 and 1 at 9: 33 tick-lots, 66 units; 2 at 9 would make 84.
    let market = |qty| NewOrder::market(0, 2, Side::Buy, qty);
    script.place(market(5), "reject a2 InsufficientFunds");
    script.place(
        market(4),
        "accept #3 a2 buy 0x4
         trade #3 a2 buy with #1 a1: 8x3 left 1 done
         trade #3 a2 buy with #2 a1: 9x1 left 0",
    );
    assert_eq!(script.money(2, QUOTE), (17, 0));
}

#[test]
fn a_market_buy_with_protection_needs_the_protection_for_all_its_lots() {
    let mut script = two_traders(300, 79);
    script.book(&[sell(1, 8, 3)]);
    script.place(buy(2, 10, 4).market(), "reject a2 InsufficientFunds");
    script.deposit(2, QUOTE, 1);
    script.place(
        buy(2, 10, 4).market(),
        "accept #2 a2 buy 10x4
         trade #2 a2 buy with #1 a1: 8x3 left 1 done
         cancel #2 a2 buy 10x1 Unfilled",
    );
    assert_eq!(script.money(2, QUOTE), (32, 0));
}

#[test]
fn a_market_buy_leaves_out_what_self_trade_prevention_takes_away() {
    let mut script = two_traders(0, 1_000);
    script.deposit(2, BASE, 30);
    script.deposit(1, BASE, 30);
    script.deposit(1, QUOTE, 18);
    script.book(&[sell(1, 8, 3), sell(2, 9, 3)]);
    let market = buy(1, 0, 1).market();
    // With mode none the own order at 8 counts and costs 16; without it the order at 9 costs 18.
    script.tell(&[withdraw(1, QUOTE, 1)], "balance a1 17 of asset 0");
    script.place(
        market.stp(StpMode::ExpireMaker),
        "reject a1 InsufficientFunds",
    );
    script.place(
        market,
        "accept #3 a1 buy 0x1
         trade #3 a1 buy with #1 a1: 8x1 left 0",
    );
}

#[test]
fn a_market_sell_needs_only_the_lots_that_the_book_takes() {
    let mut script = two_traders(9, 1_000);
    script.book(&[buy(2, 8, 3)]);
    script.place(
        sell(1, 0, 50).market(),
        "accept #2 a1 sell 0x50
         trade #2 a1 sell with #1 a2: 8x3 left 47 done
         cancel #2 a1 sell 0x47 Unfilled",
    );
    assert_eq!(script.money(1, BASE), (0, 0));
}

#[test]
fn a_market_sell_that_the_book_takes_beyond_its_base_is_refused() {
    let mut script = two_traders(8, 1_000);
    script.book(&[buy(2, 8, 3)]);
    script.place(sell(1, 0, 50).market(), "reject a1 InsufficientFunds");
}

#[test]
fn a_quote_buy_takes_whole_lots_and_gives_the_rest_of_the_budget_back() {
    let mut script = two_traders(300, 200);
    script.book(&[sell(1, 30, 2), sell(1, 33, 5)]);
    // 100: 2 lots at 30 leave 40; floor(40 / 33) = 1 leaves 7; floor(7 / 33) = 0 ends it.
    script.place(
        buy(2, 0, 100).market().flags(order_flags::QUOTE),
        "accept #3 a2 buy 0x100 quote
         trade #3 a2 buy with #1 a1: 30x2 left 40 done
         trade #3 a2 buy with #2 a1: 33x1 left 7
         cancel #3 a2 buy 0x7 Unfilled quote",
    );
    assert_eq!(script.money(2, QUOTE), (200 - 186, 0));
    assert_eq!(script.money(2, BASE), (9, 0));
}

#[test]
fn a_quote_buy_needs_its_whole_budget() {
    let mut script = two_traders(300, 199);
    script.book(&[sell(1, 30, 1)]);
    script.place(
        buy(2, 0, 100).market().flags(order_flags::QUOTE),
        "reject a2 InsufficientFunds",
    );
}

#[test]
fn a_quote_sell_needs_the_lots_that_its_amount_meets() {
    let mut script = two_traders(9, 10_000);
    script.book(&[buy(2, 33, 2), buy(2, 30, 5)]);
    // 100: 2 lots at 33 leave 34; floor(34 / 30) = 1: three lots, 9 units.
    script.place(
        sell(1, 0, 100).market().flags(order_flags::QUOTE),
        "accept #3 a1 sell 0x100 quote
         trade #3 a1 sell with #1 a2: 33x2 left 34 done
         trade #3 a1 sell with #2 a2: 30x1 left 4
         cancel #3 a1 sell 0x4 Unfilled quote",
    );
    assert_eq!(script.money(1, BASE), (0, 0));
    assert_eq!(script.money(1, QUOTE), (192, 0));
}

#[test]
fn a_quote_sell_needs_no_lots_below_the_level_that_ends_it() {
    let mut script = two_traders(9, 10_000);
    script.book(&[buy(2, 33, 5), buy(2, 1, 5)]);
    // Three lots at 33 leave 1, which is less than a lot there: the level at 1 is not reached.
    script.place(
        sell(1, 0, 100).market().flags(order_flags::QUOTE),
        "accept #3 a1 sell 0x100 quote
         trade #3 a1 sell with #1 a2: 33x3 left 1
         cancel #3 a1 sell 0x1 Unfilled quote",
    );
}

#[test]
fn a_quote_sell_one_unit_short_is_refused() {
    let mut script = two_traders(8, 10_000);
    script.book(&[buy(2, 33, 2), buy(2, 30, 5)]);
    script.place(
        sell(1, 0, 100).market().flags(order_flags::QUOTE),
        "reject a1 InsufficientFunds",
    );
}

#[test]
fn an_oco_holds_the_larger_need_of_the_two_and_not_both() {
    let mut script = two_traders(0, 200);
    script.oco(
        buy(2, 8, 5),
        buy(2, 20, 5).stop(15),
        "accept #1 a2 buy 8x5
         accept #2 a2 buy 20x5
         arm #2 a2 buy 15x5
         rest #1 a2 buy 8x5/5",
    );
    assert_eq!(script.money(2, QUOTE), (0, 200));
    script.cancel(
        2,
        1,
        "cancel #1 a2 buy 8x5 Requested
         cancel #2 a2 buy 20x5 Linked",
    );
    assert_eq!(script.money(2, QUOTE), (200, 0));
}

#[test]
fn an_oco_is_refused_one_unit_below_the_larger_need() {
    let mut script = two_traders(0, 199);
    script.oco(
        buy(2, 8, 5),
        buy(2, 20, 5).stop(15),
        "reject a2 InsufficientFunds",
    );
}

#[test]
fn when_one_of_an_oco_goes_the_other_holds_its_own_need() {
    let mut script = two_traders(3, 200);
    script.oco(
        buy(2, 8, 5),
        buy(2, 20, 5).stop(15),
        "accept #1 a2 buy 8x5
         accept #2 a2 buy 20x5
         arm #2 a2 buy 15x5
         rest #1 a2 buy 8x5/5",
    );
    // The head trades one lot for 16; its four open lots hold 64.
    script.place(
        sell(1, 8, 1),
        "accept #3 a1 sell 8x1
         trade #3 a1 sell with #1 a2: 8x1 left 0
         cancel #2 a2 buy 20x5 Linked",
    );
    assert_eq!(script.money(2, QUOTE), (120, 64));
}

#[test]
fn an_armed_buy_stop_holds_its_protection() {
    let mut script = two_traders(0, 100);
    script.place(
        buy(2, 10, 5).stop(9),
        "accept #1 a2 buy 10x5
         arm #1 a2 buy 9x5",
    );
    assert_eq!(script.money(2, QUOTE), (0, 100));
    script.place(buy(2, 0, 5).stop(9), "reject a2 InvalidPrice");
}

#[test]
fn an_amend_may_use_the_hold_that_it_frees() {
    let mut script = two_traders(0, 100);
    script.book(&[buy(2, 10, 5)]);
    script.amend(2, 1, (0, 6), "reject a2 InsufficientFunds #1");
    script.amend(
        2,
        1,
        (5, 10),
        "replace #1 a2 buy 5x10 left 10
         rest #1 a2 buy 5x10/10",
    );
    assert_eq!(script.money(2, QUOTE), (0, 100));
}

#[test]
fn decrement_frees_the_holds_of_what_it_takes_off() {
    let mut script = two_traders(30, 0);
    script.deposit(1, QUOTE, 100);
    script.book(&[sell(1, 8, 5)]);
    script.place(
        buy(1, 8, 3).stp(StpMode::Decrement),
        "accept #2 a1 buy 8x3
         reduce #1 a1 sell 8x3 left 2 SelfTrade
         cancel #2 a1 buy 8x3 SelfTrade",
    );
    assert_eq!(script.money(1, BASE), (24, 6));
    assert_eq!(script.money(1, QUOTE), (100, 0));
}

#[test]
fn an_ioc_order_needs_funds_for_all_its_lots_and_holds_none_afterwards() {
    let mut script = two_traders(30, 99);
    script.book(&[sell(1, 8, 1)]);
    script.place(buy(2, 10, 5).tif(Tif::Ioc), "reject a2 InsufficientFunds");
    script.deposit(2, QUOTE, 1);
    script.place(
        buy(2, 10, 5).tif(Tif::Ioc),
        "accept #2 a2 buy 10x5
         trade #2 a2 buy with #1 a1: 8x1 left 4 done
         cancel #2 a2 buy 10x4 Unfilled",
    );
    assert_eq!(script.money(2, QUOTE), (84, 0));
}
