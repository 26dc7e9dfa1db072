//! Cases on which published engines were seen to break, of plain books.

mod desk;

use desk::{cancelled, kinds, refusal, trades, Desk};
use router_core::engine::{Command, EventKind, NewOrder, Reason, Side, StpMode, Tif, MAX_PRICE};

use Side::{Buy, Sell};

fn with_tif(account: u32, side: Side, price: i64, qty: u64, tif: Tif) -> NewOrder {
    NewOrder {
        tif,
        ..NewOrder::limit(0, account, side, price, qty)
    }
}

#[test]
fn a_sweep_after_a_cancel_in_the_middle_skips_only_the_cancelled_order() {
    let mut desk = Desk::plain();
    let ids: Vec<u64> = (0..3).map(|_| desk.limit(1, Sell, 100, 5)).collect();
    desk.cancel(1, 2);
    let events = desk.place(NewOrder::limit(0, 2, Buy, 100, 10));
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(trades(&events), [(1, 100, 5), (3, 100, 5)]);
    assert_eq!(desk.depth(Sell), []);
}

#[test]
fn a_sweep_after_a_cancel_of_the_head_begins_with_the_second() {
    let mut desk = Desk::plain();
    for _ in 0..3 {
        desk.limit(1, Sell, 100, 5);
    }
    desk.cancel(1, 1);
    assert_eq!(
        trades(&desk.place(NewOrder::limit(0, 2, Buy, 100, 6))),
        [(2, 100, 5), (3, 100, 1)]
    );
}

#[test]
fn scattered_cancels_in_a_deep_queue_leave_the_others_in_order() {
    let mut desk = Desk::plain();
    let ids: Vec<u64> = (0..200).map(|_| desk.limit(1, Buy, 50, 1)).collect();
    let (gone, kept): (Vec<u64>, Vec<u64>) =
        ids.iter().partition(|id| *id % 3 == 0 || *id % 7 == 0);
    for id in gone.iter().rev() {
        desk.cancel(1, *id);
    }
    assert_eq!(desk.queue(Buy, 50), kept);
    let swept = desk.place(NewOrder::limit(0, 2, Sell, 50, 500));
    let makers: Vec<u64> = trades(&swept).iter().map(|trade| trade.0).collect();
    assert_eq!(makers, kept);
}

#[test]
fn a_taker_of_exactly_two_levels_leaves_the_third_untouched() {
    let mut desk = Desk::plain();
    for price in 100..103 {
        desk.limit(1, Sell, price, 4);
    }
    let events = desk.place(NewOrder::limit(0, 2, Buy, 105, 8));
    assert_eq!(trades(&events), [(1, 100, 4), (2, 101, 4)]);
    assert_eq!(desk.depth(Sell), [(102, 4)]);
    assert_eq!(desk.depth(Buy), []);
}

#[test]
fn what_is_left_of_a_taker_becomes_the_best_bid() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 4);
    desk.limit(1, Buy, 90, 1);
    desk.place(NewOrder::limit(0, 2, Buy, 100, 9));
    assert_eq!(desk.depth(Buy), [(100, 5), (90, 1)]);
}

#[test]
fn an_amend_that_crosses_trades_at_the_makers_price() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 4);
    desk.limit(1, Sell, 102, 4);
    let bid = desk.limit(2, Buy, 95, 6);
    let events = desk.amend(2, bid, 103, 0);
    assert_eq!(trades(&events), [(1, 100, 4), (2, 102, 2)]);
    assert_eq!(desk.depth(Buy), []);
}

#[test]
fn an_amend_to_the_touch_trades_and_the_rest_keeps_its_id() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 4);
    let bid = desk.limit(2, Buy, 95, 6);
    let events = desk.amend(2, bid, 100, 0);
    let expected = [
        (EventKind::Replaced, bid),
        (EventKind::Trade, bid),
        (EventKind::Rested, bid),
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(desk.queue(Buy, 100), [bid]);
}

#[test]
fn siblings_survive_when_one_of_a_level_is_repriced() {
    let mut desk = Desk::plain();
    let ids: Vec<u64> = (0..3).map(|_| desk.limit(1, Buy, 95, 2)).collect();
    desk.amend(1, 2, 94, 0);
    assert_eq!(desk.queue(Buy, 95), [1, 3]);
    desk.amend(1, 2, 95, 0);
    assert_eq!((desk.queue(Buy, 95), ids.len()), (vec![1, 3, 2], 3));
}

#[test]
fn less_keeps_the_place_and_more_loses_it() {
    let mut desk = Desk::plain();
    for _ in 0..3 {
        desk.limit(1, Buy, 95, 5);
    }
    desk.amend(1, 1, 0, 3);
    assert_eq!(desk.queue(Buy, 95), [1, 2, 3]);
    desk.amend(1, 1, 0, 4);
    assert_eq!(desk.queue(Buy, 95), [2, 3, 1]);
}

#[test]
fn a_partial_fill_keeps_the_head() {
    let mut desk = Desk::plain();
    desk.limit(1, Buy, 95, 5);
    desk.limit(2, Buy, 95, 5);
    desk.limit(3, Sell, 95, 2);
    assert_eq!(desk.queue(Buy, 95), [1, 2]);
    assert_eq!(
        trades(&desk.place(NewOrder::limit(0, 3, Sell, 95, 4))),
        [(1, 95, 3), (2, 95, 1)]
    );
}

#[test]
fn cancel_amend_and_reduce_of_a_filled_order_are_refused_and_change_nothing() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 4);
    desk.limit(2, Buy, 100, 4);
    let reduce = Command::Reduce {
        instrument: 0,
        account: 1,
        order_id: 1,
        qty: 1,
    };
    assert_eq!(refusal(&desk.cancel(1, 1)), Some(Reason::OrderClosed));
    assert_eq!(refusal(&desk.amend(1, 1, 99, 4)), Some(Reason::OrderClosed));
    assert_eq!(refusal(&desk.tell(reduce)), Some(Reason::OrderClosed));
    assert_eq!((desk.depth(Buy), desk.depth(Sell)), (vec![], vec![]));
}

#[test]
fn an_id_that_was_never_issued_is_unknown_on_a_virgin_book() {
    let mut desk = Desk::plain();
    for id in [0, 1, 7, u64::MAX] {
        assert_eq!(refusal(&desk.cancel(1, id)), Some(Reason::UnknownOrder));
        assert_eq!(
            refusal(&desk.amend(1, id, 5, 5)),
            Some(Reason::UnknownOrder)
        );
    }
}

#[test]
fn an_order_of_somebody_else_cannot_be_cancelled() {
    let mut desk = Desk::plain();
    let id = desk.limit(1, Sell, 100, 4);
    assert_eq!(refusal(&desk.cancel(2, id)), Some(Reason::NotOwner));
    assert_eq!(desk.queue(Sell, 100), [id]);
}

#[test]
fn a_client_id_stands_for_its_first_order_after_fill_and_after_cancel() {
    let mut desk = Desk::plain();
    let order = NewOrder {
        client_id: 9,
        ..NewOrder::limit(0, 1, Sell, 100, 4)
    };
    desk.place(order);
    desk.limit(2, Buy, 100, 4);
    let again = desk.place(order);
    assert_eq!(kinds(&again), [(EventKind::Duplicate, 1)]);
    let other = NewOrder {
        client_id: 10,
        ..order
    };
    desk.place(other);
    desk.cancel(1, 3);
    assert_eq!(kinds(&desk.place(other)), [(EventKind::Duplicate, 3)]);
    assert_eq!(desk.depth(Sell), []);
}

#[test]
fn no_phantom_level_stays_when_the_best_is_cancelled() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 4);
    desk.limit(1, Sell, 101, 4);
    desk.cancel(1, 1);
    assert_eq!(desk.depth(Sell), [(101, 4)]);
    let market = NewOrder::market(0, 2, Buy, 4);
    assert_eq!(trades(&desk.place(market)), [(2, 101, 4)]);
}

#[test]
fn a_marketable_limit_stops_at_its_own_price() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 1);
    desk.limit(1, Sell, 102, 1);
    assert_eq!(
        trades(&desk.place(NewOrder::limit(0, 2, Buy, 101, 5))),
        [(1, 100, 1)]
    );
    assert_eq!(
        (desk.depth(Buy), desk.depth(Sell)),
        (vec![(101, 4)], vec![(102, 1)])
    );
}

#[test]
fn one_taker_sweeps_five_thousand_makers_in_order() {
    let mut desk = Desk::plain();
    for number in 0..5_000 {
        desk.limit(1, Sell, 100 + number % 10, 1);
    }
    let swept = desk.place(NewOrder::limit(0, 2, Buy, 200, 5_001));
    let made = trades(&swept);
    assert_eq!(made.len(), 5_000);
    assert!(
        made.is_sorted_by_key(|trade| (trade.1, trade.0)),
        "a better or older order waited"
    );
    assert_eq!(
        (desk.depth(Buy), desk.depth(Sell)),
        (vec![(200, 1)], vec![])
    );
}

#[test]
fn both_ends_of_the_price_range_trade() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, MAX_PRICE, 2);
    desk.limit(1, Buy, 1, 2);
    assert_eq!(
        trades(&desk.place(NewOrder::market(0, 2, Buy, 1))),
        [(1, MAX_PRICE, 1)]
    );
    assert_eq!(
        trades(&desk.place(NewOrder::market(0, 2, Sell, 1))),
        [(2, 1, 1)]
    );
    for price in [0, -1, MAX_PRICE + 1, i64::MAX, i64::MIN] {
        let events = desk.place(NewOrder::limit(0, 2, Buy, price, 1));
        assert_eq!(refusal(&events), Some(Reason::InvalidPrice));
    }
}

#[test]
fn the_best_price_trades_before_the_oldest_order() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 102, 1);
    desk.limit(1, Sell, 100, 1);
    desk.limit(1, Sell, 101, 1);
    let makers = trades(&desk.place(NewOrder::limit(0, 2, Buy, 102, 3)));
    assert_eq!(makers, [(2, 100, 1), (3, 101, 1), (1, 102, 1)]);
}

#[test]
fn what_is_left_of_an_ioc_order_is_cancelled_and_never_rests() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 4);
    let events = desk.place(with_tif(2, Buy, 100, 9, Tif::Ioc));
    assert_eq!(cancelled(&events), [(2, Some(Reason::Unfilled))]);
    assert_eq!((desk.depth(Buy), desk.depth(Sell)), (vec![], vec![]));
}

#[test]
fn a_market_order_on_an_empty_book_is_cancelled_and_never_rests() {
    let mut desk = Desk::plain();
    let events = desk.place(NewOrder::market(0, 2, Buy, 4));
    assert_eq!(
        kinds(&events),
        [(EventKind::Accepted, 1), (EventKind::Cancelled, 1)]
    );
    assert_eq!(desk.depth(Buy), []);
}

#[test]
fn a_refused_fok_counts_no_liquidity_that_self_trade_prevention_takes_away() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 3);
    desk.limit(2, Sell, 100, 3);
    desk.limit(1, Sell, 101, 3);
    for stp in [
        StpMode::ExpireTaker,
        StpMode::ExpireBoth,
        StpMode::Decrement,
    ] {
        let fok = NewOrder {
            stp,
            ..with_tif(2, Buy, 101, 6, Tif::Fok)
        };
        assert_eq!(refusal(&desk.place(fok)), Some(Reason::NotFillable));
    }
    let skips = NewOrder {
        stp: StpMode::ExpireMaker,
        ..with_tif(2, Buy, 101, 6, Tif::Fok)
    };
    assert_eq!(trades(&desk.place(skips)), [(1, 100, 3), (3, 101, 3)]);
}

#[test]
fn every_maker_that_self_trade_prevention_removes_gets_exactly_one_event() {
    let mut desk = Desk::plain();
    for _ in 0..3 {
        desk.limit(1, Sell, 100, 2);
    }
    let taker = NewOrder {
        stp: StpMode::ExpireMaker,
        ..NewOrder::limit(0, 1, Buy, 100, 2)
    };
    let events = desk.place(taker);
    let gone = Some(Reason::SelfTrade);
    assert_eq!(cancelled(&events), [(1, gone), (2, gone), (3, gone)]);
    assert_eq!(
        (desk.depth(Buy), desk.depth(Sell)),
        (vec![(100, 2)], vec![])
    );
}

#[test]
fn decrement_takes_the_smaller_off_both_and_prints_nothing() {
    let mut desk = Desk::plain();
    desk.limit(1, Sell, 100, 5);
    let taker = NewOrder {
        stp: StpMode::Decrement,
        ..NewOrder::limit(0, 1, Buy, 100, 3)
    };
    let events = desk.place(taker);
    assert_eq!(trades(&events), []);
    assert_eq!(
        kinds(&events).split_off(1),
        [(EventKind::Reduced, 1), (EventKind::Cancelled, 2)]
    );
    assert_eq!(desk.depth(Sell), [(100, 2)]);
}
