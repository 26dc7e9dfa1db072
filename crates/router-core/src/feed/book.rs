//! The books that a consumer builds: levels from the depth channel, queues of orders from the order channel.

use std::collections::BTreeMap;

use super::checksum::{depth_checksum, queue_checksum, LEVELS};
use super::follower::Resync;
use super::record::{FeedKind, FeedRecord};
use super::view::{Change, View, ASK, BID};

/// A book that the records of one channel build. Records that do not fit it are refused, never guessed at.
pub trait FeedBook: Sized {
    /// Kind that starts a snapshot of the channel.
    const SNAPSHOT: FeedKind;
    /// Kind that ends a batch of the channel.
    const END: FeedKind;

    /// Tells whether records of this kind are in the channel's sequence.
    fn carries(kind: FeedKind) -> bool;

    /// Builds the book from the records between start and end of a snapshot.
    ///
    /// # Errors
    /// A record is not one of a snapshot of this channel, or does not fit those before it.
    fn load(head: &FeedRecord, items: &[FeedRecord]) -> Result<Self, Resync>;

    /// Takes a record of a batch.
    ///
    /// # Errors
    /// The record does not fit the book.
    fn apply(&mut self, record: &FeedRecord) -> Result<(), Resync>;

    /// Takes what the end of a batch says beside the checksum.
    ///
    /// # Errors
    /// It contradicts the batch.
    fn ended(&mut self, end: &FeedRecord) -> Result<(), Resync>;

    /// Returns the checksum of the book as it is.
    fn checksum(&self) -> u64;
}

/// Levels of one instrument: displayed lots and number of orders by price.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepthBook {
    bids: BTreeMap<i64, (u64, u64)>,
    asks: BTreeMap<i64, (u64, u64)>,
    phase: u8,
    top: (i64, u64, i64, u64),
}

impl DepthBook {
    /// Returns price, lots and number of orders of up to `levels` levels of a side, best first.
    #[must_use]
    pub fn depth(&self, side: u8, levels: usize) -> Vec<(i64, u64, u64)> {
        let flat = |(price, level): (&i64, &(u64, u64))| (*price, level.0, level.1);
        if side == BID {
            self.bids.iter().rev().take(levels).map(flat).collect()
        } else {
            self.asks.iter().take(levels).map(flat).collect()
        }
    }

    /// Returns the phase's number.
    #[must_use]
    pub const fn phase(&self) -> u8 {
        self.phase
    }

    fn best(&self, side: u8) -> Vec<(i64, u64)> {
        let depth = self.depth(side, LEVELS);
        depth.iter().map(|level| (level.0, level.1)).collect()
    }

    fn now_top(&self) -> (i64, u64, i64, u64) {
        let (bid, bid_qty) = self.bids.last_key_value().map_or((0, 0), flat_best);
        let (ask, ask_qty) = self.asks.first_key_value().map_or((0, 0), flat_best);
        (bid, bid_qty, ask, ask_qty)
    }

    /// Sets a level; one that is gone must have been there, and one that is set must differ.
    fn set(&mut self, record: &FeedRecord) -> Result<(), Resync> {
        let levels = match record.side {
            BID => &mut self.bids,
            ASK => &mut self.asks,
            _ => return Err(Resync::Mismatch),
        };
        let level = (record.qty, record.extra);
        let fits = match level {
            (0, 0) => levels.remove(&record.price).is_some(),
            (0, _) | (_, 0) => false,
            _ => record.price > 0 && levels.insert(record.price, level) != Some(level),
        };
        if fits {
            Ok(())
        } else {
            Err(Resync::Mismatch)
        }
    }
}

fn flat_best((price, level): (&i64, &(u64, u64))) -> (i64, u64) {
    (*price, level.0)
}

impl FeedBook for DepthBook {
    const SNAPSHOT: FeedKind = FeedKind::DepthSnapshot;
    const END: FeedKind = FeedKind::DepthEnd;

    fn carries(kind: FeedKind) -> bool {
        matches!(
            kind,
            FeedKind::Trade
                | FeedKind::Phase
                | FeedKind::Uncross
                | FeedKind::Level
                | FeedKind::Top
                | FeedKind::DepthEnd
        )
    }

    fn load(head: &FeedRecord, items: &[FeedRecord]) -> Result<Self, Resync> {
        let mut book = Self {
            phase: head.flags,
            ..Self::default()
        };
        for item in items {
            if item.kind() != Some(FeedKind::SnapshotLevel) || item.qty == 0 {
                return Err(Resync::Snapshot);
            }
            book.set(item)?;
        }
        if book.bids.len().saturating_add(book.asks.len()) != items.len() {
            return Err(Resync::Snapshot);
        }
        book.top = book.now_top();
        Ok(book)
    }

    fn apply(&mut self, record: &FeedRecord) -> Result<(), Resync> {
        if record.kind() == Some(FeedKind::Level) {
            return self.set(record);
        }
        if record.kind() == Some(FeedKind::Top) {
            self.top = (record.price, record.qty, record.other_price, record.extra);
        }
        Ok(())
    }

    fn ended(&mut self, end: &FeedRecord) -> Result<(), Resync> {
        self.phase = end.flags;
        if self.top == self.now_top() {
            Ok(())
        } else {
            Err(Resync::Mismatch)
        }
    }

    fn checksum(&self) -> u64 {
        depth_checksum(&self.best(BID), &self.best(ASK))
    }
}

/// Displayed orders of one instrument in their queues.
#[derive(Clone, Debug, Default)]
pub struct OrdersBook {
    view: View,
    phase: u8,
}

impl OrdersBook {
    /// Returns price, order id and displayed lots of every order of a side: best level first, head first.
    #[must_use]
    pub fn orders(&self, side: u8) -> Vec<(i64, u64, u64)> {
        let queues = self.view.levels(side);
        queues
            .flat_map(|(price, level)| {
                let queue = self.view.orders.walk(level.queue);
                queue.map(move |slot| (price, slot.id, slot.shown))
            })
            .collect()
    }

    /// Returns the phase's number as of the last batch of the channel.
    #[must_use]
    pub const fn phase(&self) -> u8 {
        self.phase
    }

    fn add(&mut self, record: &FeedRecord) -> Result<(), Resync> {
        self.view
            .rest(record.extra, record.side, record.price, record.qty)
            .map_err(|_| Resync::Mismatch)
    }
}

impl FeedBook for OrdersBook {
    const SNAPSHOT: FeedKind = FeedKind::OrdersSnapshot;
    const END: FeedKind = FeedKind::OrdersEnd;

    fn carries(kind: FeedKind) -> bool {
        matches!(
            kind,
            FeedKind::OrderAdd
                | FeedKind::OrderChange
                | FeedKind::OrderDelete
                | FeedKind::OrdersEnd
        )
    }

    fn load(head: &FeedRecord, items: &[FeedRecord]) -> Result<Self, Resync> {
        let mut book = Self {
            phase: head.flags,
            ..Self::default()
        };
        for item in items {
            if item.kind() != Some(FeedKind::SnapshotOrder) {
                return Err(Resync::Snapshot);
            }
            book.add(item)?;
        }
        book.view.settle(|_| {});
        Ok(book)
    }

    fn apply(&mut self, record: &FeedRecord) -> Result<(), Resync> {
        if record.kind() == Some(FeedKind::OrderAdd) {
            return self.add(record);
        }
        let (change, wanted) = if record.kind() == Some(FeedKind::OrderChange) {
            let shows = self.view.cap(record.extra, record.qty);
            (shows, Change::Shows(record.qty))
        } else {
            (self.view.remove(record.extra), Change::Gone)
        };
        if change == Ok(Some(wanted)) {
            Ok(())
        } else {
            Err(Resync::Mismatch)
        }
    }

    fn ended(&mut self, end: &FeedRecord) -> Result<(), Resync> {
        self.phase = end.flags;
        self.view.settle(|_| {});
        Ok(())
    }

    fn checksum(&self) -> u64 {
        queue_checksum(&self.view)
    }
}
