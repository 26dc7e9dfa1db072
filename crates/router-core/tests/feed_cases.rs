//! Single cases of the public feed: what is refused, and what is not said.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a failing test may panic; lots under test are small"
)]

mod feed_support;

use feed_support::{crc32, publish, StandIn, Truth};
use router_core::engine::{EventKind, EventRecord};
use router_core::feed::{
    depth_checksum, Applied, DepthFollower, FeedRecord, OrdersFollower, OutOfStep, Publisher,
    Resync,
};

const BOUND: usize = 4_096;

fn loaded(snapshot: &[FeedRecord]) -> DepthFollower {
    let mut follower = DepthFollower::new(0, BOUND);
    follower.load(snapshot).unwrap();
    follower
}

fn rested(command: u64, id: u64, side: u8, price: i64, lots: u64) -> EventRecord {
    EventRecord {
        kind: EventKind::Rested.number(),
        command,
        order_id: id,
        side,
        price,
        qty: lots,
        leaves: lots,
        ..EventRecord::default()
    }
}

fn listed() -> Publisher {
    let (_, events) = StandIn::start();
    let mut publisher = Publisher::new(1);
    publish(&mut publisher, &events, Truth::default());
    publisher
}

#[test]
fn the_checksum_polynomial_is_that_of_zlib() {
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

#[test]
fn a_level_that_ends_a_batch_as_it_began_it_is_not_named() {
    let mut publisher = listed();
    publish(&mut publisher, &[rested(1, 1, 0, 10, 5)], Truth::default());
    let gone = EventRecord {
        kind: EventKind::Cancelled.number(),
        ..rested(3, 2, 0, 10, 4)
    };
    let batch = publish(
        &mut publisher,
        &[rested(2, 2, 0, 10, 4), gone],
        Truth::default(),
    );
    assert_eq!(batch.depth, []);
}

#[test]
fn events_that_do_not_continue_the_state_end_the_publisher_without_a_record() {
    let trade = EventRecord {
        kind: EventKind::Trade.number(),
        other_id: 99,
        ..rested(2, 98, 0, 10, 1)
    };
    let cases = [
        (vec![rested(1, 1, 0, 10, 5), trade], OutOfStep::OrderUnknown),
        (
            vec![rested(1, 1, 0, 10, 5), rested(1, 1, 0, 11, 5)],
            OutOfStep::OrderTwice,
        ),
        (
            vec![rested(2, 1, 0, 10, 5), rested(1, 2, 0, 11, 5)],
            OutOfStep::Backwards,
        ),
        (vec![rested(0, 1, 0, 10, 5)], OutOfStep::Backwards),
        (vec![rested(1, 1, 0, 0, 5)], OutOfStep::OutOfRange),
        (
            vec![EventRecord {
                instrument: 3,
                ..rested(1, 1, 0, 10, 5)
            }],
            OutOfStep::Instrument,
        ),
    ];
    for (events, why) in cases {
        let mut publisher = listed();
        let (mut depth, mut orders) = (Vec::new(), Vec::new());
        assert_eq!(
            publisher.publish(&events, &mut depth, &mut orders),
            Err(why)
        );
        assert_eq!((depth.len(), orders.len()), (0, 0));
        assert_eq!(publisher.publish(&[], &mut depth, &mut orders), Err(why));
        assert_eq!(publisher.depth_snapshot(0, &mut depth), Err(why));
    }
}

#[test]
fn a_new_epoch_asks_for_a_snapshot() {
    let mut old = listed();
    let mut snapshot = Vec::new();
    old.depth_snapshot(0, &mut snapshot).unwrap();
    let mut follower = loaded(&snapshot);
    let mut new = Publisher::new(2);
    publish(&mut new, &StandIn::start().1, Truth::default());
    let batch = publish(&mut new, &[rested(1, 1, 0, 10, 5)], Truth::default());
    assert_eq!(follower.apply(&batch.depth[0]), Err(Resync::Epoch));
    for record in &batch.depth[1..] {
        assert_eq!(follower.apply(record), Ok(Applied::Waiting));
    }
    assert_eq!(follower.load(&snapshot), Err(Resync::Epoch));
    follower.load(&batch.depth_snapshot).unwrap();
    assert_eq!(follower.book().unwrap().depth(0, 9), [(10, 5, 1)]);
    publish(&mut old, &[rested(1, 1, 0, 10, 5)], Truth::default());
}

#[test]
fn a_cut_or_mixed_snapshot_is_refused() {
    let mut publisher = listed();
    let first = publish(&mut publisher, &[rested(1, 1, 0, 10, 5)], Truth::default());
    let second = publish(&mut publisher, &[rested(2, 2, 1, 12, 5)], Truth::default());
    let whole = second.depth_snapshot;
    let mut wrong_lots = whole.clone();
    wrong_lots[1].qty += 1;
    let mut mixed = whole.clone();
    mixed[1] = first.depth_snapshot[1];
    let cases = [
        whole[..3].to_vec(),
        whole[1..].to_vec(),
        vec![],
        wrong_lots,
        mixed,
        first.orders_snapshot,
    ];
    for snapshot in cases {
        let mut follower = DepthFollower::new(0, BOUND);
        assert_eq!(follower.load(&snapshot), Err(Resync::Snapshot));
        assert!(follower.book().is_none());
    }
    assert_eq!(
        DepthFollower::new(1, BOUND).load(&whole),
        Err(Resync::Snapshot)
    );
}

#[test]
fn watching_anew_leaves_a_gap_for_those_who_missed_the_time_between() {
    let mut publisher = listed();
    publisher.watch_orders(0, true).unwrap();
    let watched = publish(&mut publisher, &[rested(1, 1, 0, 10, 5)], Truth::default());
    let mut follower = OrdersFollower::new(0, BOUND);
    follower.load(&watched.orders_snapshot).unwrap();
    publisher.watch_orders(0, false).unwrap();
    let quiet = publish(&mut publisher, &[rested(2, 2, 0, 10, 5)], Truth::default());
    assert_eq!(quiet.orders, []);
    publisher.watch_orders(0, true).unwrap();
    let again = publish(&mut publisher, &[rested(3, 3, 0, 10, 5)], Truth::default());
    assert!(matches!(
        follower.apply(&again.orders[0]),
        Err(Resync::Gap { .. })
    ));
}

#[test]
fn a_follower_keeps_no_more_than_its_bound() {
    let mut publisher = listed();
    let mut follower = DepthFollower::new(0, 4);
    let mut start = Vec::new();
    publisher.depth_snapshot(0, &mut start).unwrap();
    let events: Vec<_> = (1..=9)
        .map(|n| rested(n, n, 0, i64::try_from(n).unwrap(), 5))
        .collect();
    let batch = publish(&mut publisher, &events, Truth::default());
    let applied: Vec<_> = batch
        .depth
        .iter()
        .map(|record| follower.apply(record))
        .collect();
    assert!(applied
        .iter()
        .all(|outcome| *outcome == Ok(Applied::Waiting)));
    // Of the records of the time before only the last four are there: the gap shows.
    assert!(matches!(follower.load(&start), Err(Resync::Gap { .. })));
    let mut late = DepthFollower::new(0, 4);
    late.load(&start).unwrap();
    let outcome = batch
        .depth
        .iter()
        .map(|record| late.apply(record))
        .find(Result::is_err);
    assert_eq!(outcome, Some(Err(Resync::TooLong)));
}

#[test]
fn the_documented_example_has_the_documented_checksum() {
    assert_eq!(depth_checksum(&[(100, 5), (99, 2)], &[]), 0x894F_BC31);
}
