//! The consumer's side: a book from snapshot and records, or the plain statement that it must be fetched anew.

use std::collections::VecDeque;
use std::fmt;

use super::book::FeedBook;
use super::record::{FeedKind, FeedRecord};

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It belongs to another instrument or channel, or is none of the sequence.
    Foreign,
    /// It is known already.
    Old,
    /// There is no book yet: it is kept until a snapshot comes.
    Waiting,
    /// It is in sequence; the book changes at the end of the batch.
    Staged,
    /// It ended a batch: the book is that of this moment and its checksum is right.
    Committed,
}

/// Why there is no book any more: fetch a snapshot and [`Follower::load`] it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resync {
    /// A record is missing, or came in the wrong order.
    Gap {
        /// The sequence that should have come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The publisher was built anew.
    Epoch,
    /// The book is not the one whose checksum came.
    Checksum,
    /// A record does not fit the book, or is none that this version knows.
    Mismatch,
    /// A batch is longer than the follower's bound.
    TooLong,
    /// The snapshot is not whole, not of this channel and instrument, or of an epoch that has passed.
    Snapshot,
}

impl fmt::Display for Resync {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { expected, found } => {
                write!(out, "record {expected} is missing, {found} came")
            }
            Self::Epoch => out.write_str("the publisher was built anew"),
            Self::Checksum => out.write_str("the checksum differs"),
            Self::Mismatch => out.write_str("a record does not fit the book"),
            Self::TooLong => out.write_str("a batch exceeds the bound"),
            Self::Snapshot => out.write_str("the snapshot is not whole, foreign or too old"),
        }
    }
}

impl std::error::Error for Resync {}

/// Follows one channel of one instrument.
///
/// Records may arrive before the snapshot does; up to `bound` of them are kept. A book is shown only between
/// whole batches and only while nothing is missing.
#[derive(Clone, Debug)]
pub struct Follower<B> {
    instrument: u32,
    bound: usize,
    epoch: u64,
    seen: u64,
    book: Option<B>,
    staged: Vec<FeedRecord>,
    waiting: VecDeque<FeedRecord>,
}

impl<B: FeedBook> Follower<B> {
    /// Returns a follower without a book. `bound` caps the records of one batch and those kept for a snapshot.
    #[must_use]
    pub const fn new(instrument: u32, bound: usize) -> Self {
        Self {
            instrument,
            bound,
            epoch: 0,
            seen: 0,
            book: None,
            staged: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Returns the book of the last whole batch, none while a snapshot is needed.
    #[must_use]
    pub const fn book(&self) -> Option<&B> {
        self.book.as_ref()
    }

    /// Returns epoch and sequence of the last record taken.
    #[must_use]
    pub const fn position(&self) -> (u64, u64) {
        (self.epoch, self.seen)
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// Something is missing or wrong: the book is dropped, and the record kept for the time after the snapshot.
    pub fn apply(&mut self, record: &FeedRecord) -> Result<Applied, Resync> {
        if record.instrument != self.instrument {
            return Ok(Applied::Foreign);
        }
        match record.kind() {
            None => return Err(self.lose(Resync::Mismatch)),
            Some(kind) if !B::carries(kind) => return Ok(Applied::Foreign),
            Some(_) => {}
        }
        if self.book.is_none() {
            self.keep(record);
            return Ok(Applied::Waiting);
        }
        match self.in_sequence(record) {
            Ok(false) => Ok(Applied::Old),
            Ok(true) => self.stage(record),
            Err(lost) => {
                let lost = self.lose(lost);
                self.keep(record);
                Err(lost)
            }
        }
    }

    fn in_sequence(&self, record: &FeedRecord) -> Result<bool, Resync> {
        if record.epoch > self.epoch {
            return Err(Resync::Epoch);
        }
        if record.epoch < self.epoch || record.sequence <= self.seen {
            return Ok(false);
        }
        let expected = self.seen.saturating_add(1);
        if record.sequence == expected {
            return Ok(true);
        }
        Err(Resync::Gap {
            expected,
            found: record.sequence,
        })
    }

    fn stage(&mut self, record: &FeedRecord) -> Result<Applied, Resync> {
        self.seen = record.sequence;
        if record.kind() == Some(B::END) {
            return match self.commit(record) {
                Ok(()) => Ok(Applied::Committed),
                Err(lost) => Err(self.lose(lost)),
            };
        }
        if self.staged.len() >= self.bound {
            return Err(self.lose(Resync::TooLong));
        }
        self.staged.push(*record);
        Ok(Applied::Staged)
    }

    fn commit(&mut self, end: &FeedRecord) -> Result<(), Resync> {
        let book = self.book.as_mut().ok_or(Resync::Mismatch)?;
        for record in self.staged.drain(..) {
            book.apply(&record)?;
        }
        book.ended(end)?;
        if book.checksum() == end.qty {
            return Ok(());
        }
        Err(Resync::Checksum)
    }

    fn lose(&mut self, why: Resync) -> Resync {
        self.book = None;
        self.staged.clear();
        self.waiting.clear();
        why
    }

    /// Keeps a record for the time after the snapshot; of too many the newest, which then show the gap.
    fn keep(&mut self, record: &FeedRecord) {
        if self.waiting.len() >= self.bound {
            self.waiting.pop_front();
        }
        self.waiting.push_back(*record);
    }

    /// Takes a snapshot and then the records that came after it. One that tells nothing new is left aside.
    ///
    /// # Errors
    /// The snapshot is not usable, or what came after it has a gap: fetch another.
    pub fn load(&mut self, snapshot: &[FeedRecord]) -> Result<(), Resync> {
        let (book, head) = self.read(snapshot)?;
        let position = (head.epoch, head.sequence);
        if self.book.is_some() && position <= self.position() {
            return Ok(());
        }
        if head.epoch < self.epoch {
            return Err(Resync::Snapshot);
        }
        (self.epoch, self.seen) = position;
        self.book = Some(book);
        self.staged.clear();
        let mut waiting = std::mem::take(&mut self.waiting);
        while let Some(record) = waiting.pop_front() {
            if let Err(lost) = self.apply(&record) {
                for kept in waiting {
                    self.keep(&kept);
                }
                return Err(lost);
            }
        }
        Ok(())
    }

    fn read(&self, snapshot: &[FeedRecord]) -> Result<(B, FeedRecord), Resync> {
        let [head, items @ .., end] = snapshot else {
            return Err(Resync::Snapshot);
        };
        let whole = head.kind() == Some(B::SNAPSHOT)
            && end.kind() == Some(FeedKind::SnapshotEnd)
            && head.instrument == self.instrument
            && count_of(items, 0) == head.qty
            && count_of(items, 1) == head.extra;
        let alike = |record: &FeedRecord| {
            record.instrument == head.instrument
                && record.epoch == head.epoch
                && record.sequence == head.sequence
        };
        if !whole || !items.iter().all(alike) || !alike(end) {
            return Err(Resync::Snapshot);
        }
        let book = B::load(head, items).map_err(|_| Resync::Snapshot)?;
        if book.checksum() != end.qty {
            return Err(Resync::Snapshot);
        }
        Ok((book, *head))
    }
}

fn count_of(items: &[FeedRecord], side: u8) -> u64 {
    let count = items.iter().filter(|item| item.side == side).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}
