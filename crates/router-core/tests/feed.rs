//! Laws of the public feed and of its consumer, over random legal event streams.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a failing test may panic; lots under test are small"
)]

mod feed_support;

use feed_support::{any_batches, crc32, run, Batch, Step, Truth, ACCOUNT, CLIENT_ID};
use proptest::prelude::*;
use router_core::feed::{Applied, DepthFollower, FeedKind, FeedRecord, OrdersFollower, Resync};

const BOUND: usize = 4_096;

fn depth_of(follower: &DepthFollower) -> Option<[Vec<(i64, u64, u64)>; 2]> {
    follower
        .book()
        .map(|book| [book.depth(0, usize::MAX), book.depth(1, usize::MAX)])
}

fn queues_of(follower: &OrdersFollower) -> Option<[Vec<(i64, u64, u64)>; 2]> {
    follower.book().map(|book| [book.orders(0), book.orders(1)])
}

fn loaded(snapshot: &[FeedRecord]) -> DepthFollower {
    let mut follower = DepthFollower::new(0, BOUND);
    follower.load(snapshot).unwrap();
    follower
}

/// The true depth after the batch that ends with this sequence; that of a quiet batch is the one before it.
fn truth_at(batches: &[Batch], sequence: u64) -> &Truth {
    let ended = |batch: &&Batch| batch.depth_snapshot[0].sequence <= sequence;
    &batches.iter().rev().find(ended).unwrap().truth
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_publishers_depth_and_top_are_the_displayed_book_after_every_batch(steps in any_batches()) {
        let mut top = None;
        for batch in run(&steps).1 {
            let levels: Vec<_> = batch.depth_snapshot.iter().filter(|record| record.kind() == Some(FeedKind::SnapshotLevel)).collect();
            for (side, truth) in [(0_u8, &batch.truth.depth[0]), (1, &batch.truth.depth[1])] {
                let told: Vec<_> = levels.iter().filter(|level| level.side == side).map(|l| (l.price, l.qty, l.extra)).collect();
                prop_assert_eq!(&told, truth);
            }
            let said = batch.depth.iter().find(|record| record.kind() == Some(FeedKind::Top));
            let best = [0, 1].map(|side| batch.truth.depth[side].first().map_or((0, 0), |level| (level.0, level.1)));
            prop_assert_eq!(said.is_some(), top != Some(best) && (top.is_some() || best != [(0, 0); 2]));
            if let Some(said) = said {
                prop_assert_eq!([(said.price, said.qty), (said.other_price, said.extra)], best);
            }
            top = Some(best);
        }
    }

    #[test]
    fn followers_equal_the_book_after_every_batch(steps in any_batches()) {
        let (_, batches) = run(&steps);
        let mut depth = loaded(&batches[0].depth_snapshot);
        let mut orders = OrdersFollower::new(0, BOUND);
        orders.load(&batches[0].orders_snapshot).unwrap();
        for batch in &batches[1..] {
            for record in &batch.depth {
                depth.apply(record).unwrap();
            }
            for record in &batch.orders {
                orders.apply(record).unwrap();
            }
            prop_assert_eq!(depth_of(&depth), Some(batch.truth.depth.clone()));
            prop_assert_eq!(queues_of(&orders), Some(batch.truth.queues.clone()));
        }
    }

    #[test]
    fn a_snapshot_anywhere_and_the_records_behind_it_are_the_book(steps in any_batches(), at in any::<prop::sample::Index>(), early in 0_usize..40) {
        let (_, batches) = run(&steps);
        let at = at.index(batches.len());
        // The consumer listens for a while before the snapshot comes.
        let mut depth = DepthFollower::new(0, BOUND);
        let mut orders = OrdersFollower::new(0, BOUND);
        let from = at.saturating_sub(early);
        for batch in &batches[from..] {
            for record in &batch.depth {
                prop_assert_eq!(depth.apply(record), Ok(Applied::Waiting));
            }
            for record in &batch.orders {
                prop_assert_eq!(orders.apply(record), Ok(Applied::Waiting));
            }
        }
        depth.load(&batches[at].depth_snapshot).unwrap();
        orders.load(&batches[at].orders_snapshot).unwrap();
        let truth = &batches[batches.len() - 1].truth;
        prop_assert_eq!(depth_of(&depth), Some(truth.depth.clone()));
        prop_assert_eq!(queues_of(&orders), Some(truth.queues.clone()));
    }

    #[test]
    fn a_lost_record_is_noticed_at_the_next_one(steps in any_batches(), at in any::<prop::sample::Index>()) {
        let (_, batches) = run(&steps);
        let mut records: Vec<FeedRecord> = batches.iter().flat_map(|batch| batch.depth.clone()).collect();
        prop_assume!(records.len() > 1);
        let at = at.index(records.len() - 1);
        let lost = records.remove(at);
        let mut follower = loaded(&batches[0].depth_snapshot);
        for record in &records[..at] {
            follower.apply(record).unwrap();
        }
        let gap = Resync::Gap { expected: lost.sequence, found: lost.sequence + 1 };
        prop_assert_eq!(follower.apply(&records[at]), Err(gap));
        prop_assert!(follower.book().is_none());
    }

    #[test]
    fn a_disturbed_stream_never_shows_a_wrong_book(
        steps in any_batches(),
        blows in prop::collection::vec((0_u8..4, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let (_, batches) = run(&steps);
        let mut records: Vec<FeedRecord> = batches.iter().flat_map(|batch| batch.depth.clone()).collect();
        prop_assume!(!records.is_empty());
        for (blow, one, other) in blows {
            let (one, other) = (one.index(records.len()), other.index(records.len()));
            match blow {
                0 if records.len() > 1 => drop(records.remove(one)),
                1 => records.insert(other, records[one]),
                2 => records.swap(one, other),
                _ => records.insert(one, records[one]),
            }
        }
        let mut follower = loaded(&batches[0].depth_snapshot);
        for record in &records {
            let outcome = follower.apply(record);
            if outcome.is_err() {
                prop_assert!(follower.book().is_none());
            }
            if outcome == Ok(Applied::Committed) {
                let truth = truth_at(&batches, follower.position().1);
                prop_assert_eq!(depth_of(&follower), Some(truth.depth.clone()));
            }
        }
        // A resync mends it, whatever came before.
        follower.load(&batches[batches.len() - 1].depth_snapshot).unwrap();
        prop_assert_eq!(depth_of(&follower), Some(batches[batches.len() - 1].truth.depth.clone()));
    }

    #[test]
    fn a_falsified_level_of_the_top_ten_is_noticed_at_the_end_of_its_batch(steps in any_batches(), at in any::<prop::sample::Index>()) {
        let (_, batches) = run(&steps);
        let mut records: Vec<FeedRecord> = batches.iter().flat_map(|batch| batch.depth.clone()).collect();
        let top_ten = |record: &FeedRecord| {
            let levels = &truth_at(&batches, end_of(&batches, record.sequence)).depth[usize::from(record.side)];
            levels.iter().take(10).any(|level| level.0 == record.price)
        };
        let levels: Vec<usize> = (0..records.len())
            .filter(|place| records[*place].kind() == Some(FeedKind::Level) && records[*place].qty > 0 && top_ten(&records[*place]))
            .collect();
        prop_assume!(!levels.is_empty());
        records[levels[at.index(levels.len())]].qty += 1;
        let mut follower = loaded(&batches[0].depth_snapshot);
        prop_assert!(records.iter().any(|record| follower.apply(record).is_err()));
    }

    #[test]
    fn the_checksum_is_the_documented_one(steps in any_batches()) {
        for batch in run(&steps).1 {
            let mut bytes = Vec::new();
            for side in &batch.truth.depth {
                let top = &side[..side.len().min(10)];
                bytes.extend_from_slice(&(top.len() as u64).to_le_bytes());
                for (price, lots, _) in top {
                    bytes.extend_from_slice(&price.to_le_bytes());
                    bytes.extend_from_slice(&lots.to_le_bytes());
                }
            }
            prop_assert_eq!(batch.depth_snapshot.last().unwrap().qty, crc32(&bytes));
            if let Some(end) = batch.depth.last() {
                prop_assert_eq!(end.kind(), Some(FeedKind::DepthEnd));
                prop_assert_eq!(end.qty, crc32(&bytes));
            }
        }
    }

    #[test]
    fn a_batch_names_each_level_once_and_only_if_it_changed(steps in any_batches()) {
        let (_, batches) = run(&steps);
        let mut before = Truth::default();
        for batch in &batches {
            let mut named = std::collections::BTreeSet::new();
            for level in batch.depth.iter().filter(|record| record.kind() == Some(FeedKind::Level)) {
                prop_assert!(named.insert((level.side, level.price)));
                let find = |truth: &Truth| truth.depth[usize::from(level.side)].iter().find(|l| l.0 == level.price).copied();
                prop_assert_ne!(find(&before), find(&batch.truth));
                let (lots, count) = find(&batch.truth).map_or((0, 0), |l| (l.1, l.2));
                prop_assert_eq!((level.qty, level.extra), (lots, count));
            }
            before = batch.truth.clone();
        }
    }

    #[test]
    fn nothing_private_is_in_any_record(steps in any_batches()) {
        for batch in run(&steps).1 {
            for record in [batch.depth, batch.orders, batch.depth_snapshot, batch.orders_snapshot].concat() {
                let bytes = bytemuck::bytes_of(&record);
                prop_assert!(!bytes.windows(4).any(|part| part == ACCOUNT.to_le_bytes()));
                prop_assert!(!bytes.windows(8).any(|part| part == CLIENT_ID.to_le_bytes()));
            }
        }
    }

    #[test]
    fn hidden_lots_that_never_show_change_no_record(steps in any_batches(), extra in 1_u64..1_000) {
        // Only icebergs whose first slice is never used up, so that no refill may tell them from others.
        let only_whole = |hidden: u64| -> Vec<Vec<Step>> {
            let hide = |step: &Step| match *step {
                Step::Rest(side, price, shown, _) => Step::Rest(side, price, shown + 10_000, hidden),
                Step::Reduce(..) => Step::Private,
                other => other,
            };
            steps.iter().map(|batch| batch.iter().map(hide).collect()).collect()
        };
        let (_, plain) = run(&only_whole(0));
        let (_, iceberg) = run(&only_whole(extra));
        for (one, other) in plain.iter().zip(&iceberg) {
            prop_assert_eq!(&one.depth, &other.depth);
            prop_assert_eq!(&one.orders, &other.orders);
            prop_assert_eq!(&one.depth_snapshot, &other.depth_snapshot);
            prop_assert_eq!(&one.orders_snapshot, &other.orders_snapshot);
        }
    }

    #[test]
    fn arbitrary_records_never_break_a_follower(steps in any_batches(), junk in prop::collection::vec(any::<[u64; 8]>(), 1..40), kind in any::<u8>()) {
        let (_, batches) = run(&steps);
        let mut follower = loaded(&batches[batches.len() - 1].depth_snapshot);
        let mut orders = OrdersFollower::new(0, 16);
        orders.load(&batches[batches.len() - 1].orders_snapshot).unwrap();
        let (epoch, mut sequence) = orders.position();
        for words in junk {
            let mut record: FeedRecord = bytemuck::cast(words);
            let _ = follower.apply(&record);
            sequence += 1;
            record = FeedRecord { kind: kind % 40, side: record.side % 3, instrument: 0, epoch, sequence, ..record };
            let _ = follower.apply(&record);
            let _ = orders.apply(&record);
            let _ = follower.load(&[record, record]);
        }
    }
}

fn end_of(batches: &[Batch], sequence: u64) -> u64 {
    let ends = batches.iter().map(|batch| batch.depth_snapshot[0].sequence);
    ends.filter(|end| *end >= sequence).min().unwrap()
}
