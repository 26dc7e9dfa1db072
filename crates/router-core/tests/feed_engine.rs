//! Laws of the public feed behind the real engine, over random commands of every kind.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a failing test may panic; numbers under test are small"
)]

mod command_tape;

use command_tape::{opening, Tape, INSTRUMENTS};
use proptest::prelude::*;
use router_core::engine::{
    encode, Command, CommandRecord, Engine, EventKind, EventRecord, Limits, NewOrder, Phase, Side,
};
use router_core::feed::{
    depth_checksum, Applied, DepthFollower, FeedKind, FeedRecord, OrdersFollower, Publisher,
};

const BOUND: usize = 1 << 14;
type Levels = Vec<(i64, u64, u64)>;

/// An engine, its publisher and one consumer per instrument and channel.
struct Venue {
    engine: Engine,
    publisher: Publisher,
    tape: Tape,
    events: Vec<EventRecord>,
    depth: Vec<FeedRecord>,
    orders: Vec<FeedRecord>,
    depth_followers: Vec<DepthFollower>,
    orders_followers: Vec<OrdersFollower>,
}

impl Venue {
    fn open(first_account: u32, client_base: u64) -> Self {
        let limits = Limits {
            max_accounts: first_account + 16,
            ..Limits::default()
        };
        let mut venue = Self {
            engine: Engine::new(limits),
            publisher: Publisher::new(1),
            tape: Tape::shifted(first_account, client_base),
            events: Vec::new(),
            depth: Vec::new(),
            orders: Vec::new(),
            depth_followers: Vec::new(),
            orders_followers: Vec::new(),
        };
        venue.submit(&opening(first_account));
        for instrument in 0..INSTRUMENTS as u32 {
            venue.publisher.watch_orders(instrument, true).unwrap();
            let mut snapshot = Vec::new();
            venue
                .publisher
                .depth_snapshot(instrument, &mut snapshot)
                .unwrap();
            let mut follower = DepthFollower::new(instrument, BOUND);
            follower.load(&snapshot).unwrap();
            venue.depth_followers.push(follower);
            snapshot.clear();
            venue
                .publisher
                .orders_snapshot(instrument, &mut snapshot)
                .unwrap();
            let mut follower = OrdersFollower::new(instrument, BOUND);
            follower.load(&snapshot).unwrap();
            venue.orders_followers.push(follower);
        }
        venue
    }

    /// Submits records as one batch; `depth` and `orders` are then what it published.
    fn submit(&mut self, records: &[CommandRecord]) {
        self.events.clear();
        self.engine.submit(records, &mut self.events);
        self.tape.learn(&self.events);
        self.depth.clear();
        self.orders.clear();
        self.publisher
            .publish(&self.events, &mut self.depth, &mut self.orders)
            .unwrap();
        for follower in &mut self.depth_followers {
            for record in &self.depth {
                assert!(!matches!(
                    follower.apply(record).unwrap(),
                    Applied::Old | Applied::Waiting
                ));
            }
        }
        for follower in &mut self.orders_followers {
            for record in &self.orders {
                assert!(!matches!(
                    follower.apply(record).unwrap(),
                    Applied::Old | Applied::Waiting
                ));
            }
        }
    }

    fn batch(&mut self, words: &[u64]) {
        let mut records = Vec::new();
        for word in words {
            records.extend(self.tape.command(*word));
        }
        self.submit(&records);
    }

    fn levels(&self, instrument: u32, side: Side) -> Levels {
        let depth = self.engine.depth(instrument, side);
        depth
            .map(|level| (level.price, level.qty, u64::from(level.count)))
            .collect()
    }

    fn queue(&self, instrument: u32, side: Side) -> Levels {
        let orders = self.engine.orders(instrument, side);
        orders
            .map(|order| (order.price, order.id, order.displayed))
            .collect()
    }
}

/// A snapshot without what two publishers of the same state may differ in.
fn bare_snapshot(publisher: &Publisher, instrument: u32) -> Vec<FeedRecord> {
    let mut records = Vec::new();
    publisher.depth_snapshot(instrument, &mut records).unwrap();
    publisher.orders_snapshot(instrument, &mut records).unwrap();
    bare(&records)
}

fn bare(records: &[FeedRecord]) -> Vec<FeedRecord> {
    let strip = |record: &FeedRecord| FeedRecord {
        epoch: 0,
        sequence: 0,
        ..*record
    };
    records.iter().map(strip).collect()
}

fn any_batches() -> impl Strategy<Value = Vec<Vec<u64>>> {
    prop::collection::vec(prop::collection::vec(any::<u64>(), 1..40), 1..30)
}

fn price_and_lots(levels: &Levels) -> Vec<(i64, u64)> {
    levels.iter().map(|level| (level.0, level.1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_followed_equals_the_engines_book_after_every_batch(batches in any_batches()) {
        let mut venue = Venue::open(0, 0);
        for words in &batches {
            venue.batch(words);
            for instrument in 0..INSTRUMENTS as u32 {
                let depth = Side::ALL.iter().map(|side| venue.levels(instrument, *side)).collect::<Vec<_>>();
                let book = venue.depth_followers[instrument as usize].book().unwrap();
                let queues = venue.orders_followers[instrument as usize].book().unwrap();
                for side in [Side::Buy, Side::Sell] {
                    let number = side.number();
                    prop_assert_eq!(&book.depth(number, usize::MAX), &depth[usize::from(number)]);
                    prop_assert_eq!(&venue.publisher.depth(instrument, number, usize::MAX).unwrap(), &depth[usize::from(number)]);
                    prop_assert_eq!(queues.orders(number), venue.queue(instrument, side));
                }
                let end = venue.depth.iter().rfind(|record| record.instrument == instrument);
                if let Some(end) = end {
                    prop_assert_eq!(end.kind(), Some(FeedKind::DepthEnd));
                    prop_assert_eq!(end.qty, depth_checksum(&price_and_lots(&depth[0]), &price_and_lots(&depth[1])));
                }
            }
        }
    }

    #[test]
    fn a_publisher_built_from_the_image_goes_on_like_the_first(batches in any_batches(), at in any::<prop::sample::Index>()) {
        let mut venue = Venue::open(0, 0);
        let at = at.index(batches.len());
        for words in &batches[..at] {
            venue.batch(words);
        }
        let mut second = Publisher::from_image(&venue.engine.image(), 2).unwrap();
        for instrument in 0..INSTRUMENTS as u32 {
            second.watch_orders(instrument, true).unwrap();
        }
        for words in &batches[at..] {
            venue.batch(words);
            let (mut depth, mut orders) = (Vec::new(), Vec::new());
            second.publish(&venue.events, &mut depth, &mut orders).unwrap();
            prop_assert_eq!(bare(&depth), bare(&venue.depth));
            prop_assert_eq!(bare(&orders), bare(&venue.orders));
        }
        for instrument in 0..INSTRUMENTS as u32 {
            prop_assert_eq!(bare_snapshot(&second, instrument), bare_snapshot(&venue.publisher, instrument));
        }
    }

    #[test]
    fn who_trades_and_under_which_ids_changes_no_record(batches in any_batches(), first_account in 1_u32..1_000, client_base in 1_u64..u64::MAX / 2) {
        let mut one = Venue::open(0, 0);
        let mut other = Venue::open(first_account, client_base);
        for words in &batches {
            one.batch(words);
            other.batch(words);
            prop_assert_eq!(&one.depth, &other.depth);
            prop_assert_eq!(&one.orders, &other.orders);
        }
    }

    #[test]
    fn how_commands_are_cut_into_batches_changes_no_snapshot(words in prop::collection::vec(any::<u64>(), 1..200)) {
        let mut one = Venue::open(0, 0);
        for word in &words {
            one.batch(&[*word]);
        }
        let mut tape = Tape::default();
        let mut whole = Venue::open(0, 0);
        let mut engine = whole.engine.clone();
        let mut records = Vec::new();
        for word in &words {
            let mut events = Vec::new();
            let command = tape.command(*word);
            engine.submit(&command, &mut events);
            tape.learn(&events);
            records.extend(command);
        }
        whole.submit(&records);
        for instrument in 0..INSTRUMENTS as u32 {
            let strip = |publisher| bare_snapshot(publisher, instrument);
            prop_assert_eq!(strip(&whole.publisher), strip(&one.publisher));
        }
    }
}

/// An auction with an iceberg bid of `open` lots of which 5 show, a bid of 7 and an offer of 6.
fn auction(open: u64) -> Venue {
    let mut venue = Venue::open(0, 0);
    let phase = |phase| {
        encode(&Command::SetPhase {
            instrument: 0,
            phase,
        })
    };
    let order = |account, side, price, qty, display| {
        encode(&Command::New(NewOrder {
            display,
            ..NewOrder::limit(0, account, side, price, qty)
        }))
    };
    venue.submit(&[
        phase(Phase::Auction),
        order(0, Side::Buy, 100, open, 5),
        order(1, Side::Buy, 99, 7, 0),
        order(2, Side::Sell, 98, 6, 0),
    ]);
    venue
}

#[test]
fn an_auction_shows_no_more_of_an_iceberg_than_its_slice() {
    let small = auction(20);
    let large = auction(4_000);
    assert_eq!(small.depth, large.depth);
    assert_eq!(small.orders, large.orders);
    let mut records = Vec::new();
    let mut other = Vec::new();
    small.publisher.indicative(0, &mut records).unwrap();
    large.publisher.indicative(0, &mut other).unwrap();
    assert_eq!(records, other);
    // 12 shown bids against 6 offers: 6 trade and 6 are left at 98 and 99; the lower price wins.
    assert_eq!(
        (
            records[0].price,
            records[0].qty,
            records[0].extra,
            records[0].side
        ),
        (98, 6, 6, 0)
    );
}

#[test]
fn an_uncross_keeps_the_hidden_surplus_to_itself() {
    let open = |venue: &mut Venue| {
        venue.submit(&[encode(&Command::SetPhase {
            instrument: 0,
            phase: Phase::Continuous,
        })]);
    };
    let (mut small, mut large) = (auction(20), auction(4_000));
    open(&mut small);
    open(&mut large);
    assert_eq!(small.depth, large.depth);
    assert_eq!(small.orders, large.orders);
    let trades: Vec<_> = large
        .depth
        .iter()
        .filter(|record| record.kind() == Some(FeedKind::Trade))
        .collect();
    assert_eq!(trades.iter().map(|trade| trade.qty).sum::<u64>(), 6);
    assert!(large
        .depth
        .iter()
        .chain(&large.orders)
        .all(|record| record.kind() == Some(FeedKind::DepthEnd)
            || record.kind() == Some(FeedKind::OrdersEnd)
            || (record.qty < 100 && record.extra < 100)));
}

#[test]
fn the_tape_reaches_every_public_event() {
    let mut venue = Venue::open(0, 0);
    let mut seen = std::collections::BTreeSet::new();
    for word in 0..6_000_u64 {
        let records = venue.tape.command(word);
        venue.submit(&records);
        seen.extend(venue.events.iter().map(|event| event.kind));
    }
    let missing: Vec<_> = EventKind::ALL
        .iter()
        .filter(|kind| !seen.contains(&kind.number()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
