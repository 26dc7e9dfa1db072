//! Our engine behind the public benchmark's interface says what the judge says, message by message,
//! and its book answers every query as the judge's does.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop"
)]

use proptest::prelude::*;
use router_bench::flash1::{all_reports, canonical_hash, Judge, Message, Scenario};
use router_bench::workload::Side;
use router_flash::abi::{Cancel, Modify, NewOrder, Report};
use router_flash::Matcher;

const BUY: u8 = 0;
const SELL: u8 = 1;

fn new(order_id: u64, side: u8, quantity: u32, price: i64) -> Message {
    Message::New(NewOrder {
        order_id,
        side,
        quantity,
        price,
        ..NewOrder::default()
    })
}

fn immediate(order_id: u64, side: u8, quantity: u32, price: i64) -> Message {
    let Message::New(order) = new(order_id, side, quantity, price) else {
        unreachable!("`new` makes new orders")
    };
    Message::New(NewOrder {
        immediate: 1,
        ..order
    })
}

fn cancel(order_id: u64) -> Message {
    Message::Cancel(Cancel {
        order_id,
        sequence: 0,
    })
}

fn modify(order_id: u64, side: u8, quantity: u32, price: i64) -> Message {
    Message::Modify(Modify {
        order_id,
        side,
        quantity,
        price,
        ..Modify::default()
    })
}

fn numbered(messages: &[Message]) -> Vec<Message> {
    let mut messages = messages.to_vec();
    for (position, message) in (0..).zip(&mut messages) {
        match message {
            Message::New(order) => order.sequence = position,
            Message::Cancel(cancel) => cancel.sequence = position,
            Message::Modify(modify) => modify.sequence = position,
        }
    }
    messages
}

/// Runs both and compares after every message; `prices` are probed on both sides.
fn compare(messages: &[Message], prices: &[i64]) {
    let mut judge = Judge::default();
    let mut matcher = Matcher::new();
    for message in numbered(messages) {
        let (mut wanted, mut given): (Vec<Report>, Vec<Report>) = (Vec::new(), Vec::new());
        judge.judge(&message, &mut wanted);
        let push = |report: &Report| given.push(*report);
        match &message {
            Message::New(order) => matcher.new_order(order, push),
            Message::Cancel(cancel) => matcher.cancel(cancel, push),
            Message::Modify(modify) => matcher.modify(modify, push),
        }
        assert_eq!(given, wanted, "reports of {message:?}");
        assert_eq!(
            matcher.best_bid(),
            judge.best(Side::Buy),
            "bid after {message:?}"
        );
        assert_eq!(
            matcher.best_ask(),
            judge.best(Side::Sell),
            "offer after {message:?}"
        );
        for price in prices {
            for (number, side) in [(BUY, Side::Buy), (SELL, Side::Sell)] {
                let depth = matcher.depth_at(*price, number);
                assert_eq!(
                    depth,
                    judge.depth_at(side, *price),
                    "depth at {price} after {message:?}"
                );
            }
        }
    }
}

/// Resting orders 1.. of 10 lots each at the prices given.
fn resting(side: u8, prices: &[i64]) -> Vec<Message> {
    (1..)
        .zip(prices)
        .map(|(id, price)| new(id, side, 10, *price))
        .collect()
}

#[test]
fn queues_survive_cancels_anywhere_in_them() {
    for gone in [
        &[2][..],
        &[1],
        &[3],
        &[1, 3],
        &[2, 5, 7],
        &[1, 8],
        &[1, 2, 3, 4, 5, 6, 7, 8],
    ] {
        let mut messages = resting(BUY, &[100; 8]);
        messages.extend(gone.iter().map(|id| cancel(*id)));
        messages.push(immediate(9, SELL, 80, 100));
        compare(&messages, &[100]);
    }
}

#[test]
fn orders_take_levels_best_first_up_to_their_own_price() {
    let asks = resting(SELL, &[102, 101, 100]);
    for taker in [
        immediate(9, BUY, 30, 102),
        immediate(9, BUY, 25, 102),
        new(9, BUY, 35, 102),
        new(9, BUY, 12, 101),
        new(9, BUY, 40, 101),
    ] {
        let mut messages = asks.clone();
        messages.extend([taker, immediate(10, SELL, 5, 101), new(11, SELL, 8, 101)]);
        compare(&messages, &[99, 100, 101, 102]);
    }
}

#[test]
fn trades_are_at_the_resting_price_on_both_sides() {
    compare(
        &[
            new(1, SELL, 10, 100),
            immediate(2, BUY, 10, 105),
            new(3, BUY, 10, 200),
            immediate(4, SELL, 10, 195),
            new(5, SELL, 10, 100),
            new(6, BUY, 10, 90),
            modify(6, BUY, 10, 105),
            new(7, BUY, 10, 200),
            new(8, SELL, 10, 210),
            modify(8, SELL, 10, 195),
        ],
        &[90, 100, 105, 195, 200, 210],
    );
}

#[test]
fn partly_filled_orders_keep_their_place_and_their_rest() {
    let mut messages = resting(BUY, &[100; 4]);
    messages.extend([
        immediate(5, SELL, 15, 100),
        immediate(6, SELL, 15, 100),
        modify(4, BUY, 6, 101),
        new(7, SELL, 4, 101),
        cancel(4),
        cancel(4),
    ]);
    compare(&messages, &[100, 101]);
}

#[test]
fn orders_that_are_gone_are_refused_and_their_ids_are_free() {
    compare(
        &[
            cancel(999),
            modify(999, BUY, 5, 100),
            cancel(2_000_000),
            new(1, BUY, 10, 100),
            new(2, SELL, 10, 100),
            cancel(1),
            modify(1, BUY, 5, 101),
            new(1, SELL, 10, 200),
            immediate(3, BUY, 10, 200),
            new(1, BUY, 10, 100),
            cancel(1),
            cancel(1),
            modify(1, BUY, 5, 101),
            new(1, SELL, 10, 200),
            immediate(4, BUY, 10, 200),
        ],
        &[100, 101, 200],
    );
}

#[test]
fn a_side_that_was_emptied_is_empty_and_can_be_filled_again() {
    compare(
        &[
            new(1, BUY, 10, 100),
            new(2, BUY, 7, 99),
            cancel(1),
            immediate(3, SELL, 7, 99),
            new(4, BUY, 8, 95),
            cancel(4),
            new(5, BUY, 8, 95),
            immediate(6, SELL, 8, 95),
            new(7, SELL, 10, 200_000),
            immediate(8, BUY, 10, 200_000),
        ],
        &[95, 99, 100, 200_000],
    );
}

#[test]
fn an_order_that_moves_leaves_its_neighbours_alone() {
    let mut messages = resting(BUY, &[100, 100]);
    messages.extend([modify(1, BUY, 10, 99), immediate(3, SELL, 10, 100)]);
    compare(&messages, &[99, 100]);
}

#[test]
fn one_order_takes_five_thousand_in_order() {
    let mut messages: Vec<Message> = (1..=5_000).map(|id| new(id, SELL, 1, 100)).collect();
    messages.push(immediate(5_001, BUY, 5_000, 100));
    compare(&messages, &[100]);
}

#[test]
fn an_order_that_no_book_can_keep_is_acknowledged_and_cancelled() {
    let mut reports = Vec::new();
    let mut matcher = Matcher::new();
    for message in [
        new(1, BUY, 10, 0),
        new(1, BUY, 10, i64::MAX),
        new(u64::MAX, BUY, 10, 100),
        new(1, BUY, 0, 100),
    ] {
        let Message::New(order) = message else {
            unreachable!("`new` makes new orders")
        };
        matcher.new_order(&order, |report| reports.push(*report));
    }
    let kinds: Vec<u8> = reports.iter().map(|report| report.kind as u8).collect();
    assert_eq!(kinds, [0, 2, 0, 2, 0, 2, 0]);
    assert_eq!(matcher.best_bid(), None);
}

#[test]
fn flows_with_seeds_of_our_own_are_judged_alike() {
    for (seed, scenario) in (100..).zip(Scenario::ALL) {
        let messages = scenario.generate(10_000, seed);
        let mut judge = Judge::default();
        let mut wanted = Vec::new();
        for message in &messages {
            judge.judge(message, &mut wanted);
        }
        let mut given = all_reports(&messages);
        let name = scenario.name();
        assert_eq!(
            canonical_hash(&mut given),
            canonical_hash(&mut wanted),
            "{name}, seed {seed}"
        );
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    let id = 1..30_u64;
    let side = 0..2_u8;
    let quantity = 1..20_u32;
    let price = prop_oneof![8 => 95..106_i64, 1 => 1..20_000_i64];
    (0..10, id, side, quantity, price).prop_map(|(kind, id, side, quantity, price)| match kind {
        0..5 => new(id, side, quantity, price),
        5 => immediate(id, side, quantity, price),
        6 | 7 => cancel(id),
        _ => modify(id, side, quantity, price),
    })
}

/// Leaves out new orders whose id rests: the interface promises that there are none; and gives a
/// modify the side of its order.
fn legal(messages: Vec<Message>) -> Vec<Message> {
    let mut judge = Judge::default();
    let mut sides = std::collections::HashMap::new();
    let mut kept = Vec::new();
    for mut message in messages {
        match &mut message {
            Message::New(order) if judge.rests(order.order_id) => continue,
            Message::New(order) => drop(sides.insert(order.order_id, order.side)),
            Message::Modify(modify) => {
                modify.side = sides.get(&modify.order_id).copied().unwrap_or_default();
            }
            Message::Cancel(_) => {}
        }
        judge.judge(&message, &mut Vec::new());
        kept.push(message);
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_legal_messages_are_judged_alike(messages in prop::collection::vec(any_message(), 1..200)) {
        compare(&legal(messages), &[95, 98, 100, 103, 105]);
    }
}
