//! Snapshots while trading goes on, made from sealed segments only.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use router_core::journal::Cursor;

use crate::disk::Disk;
use crate::error::{FileId, JournalError};
use crate::machine::StateMachine;
use crate::names::{self, Listing};
use crate::recover::{remove, replay};
use crate::snapshots;
use crate::walk::Walk;

/// What snapshots cost and gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshots {
    /// How many were taken since the journal was opened.
    pub taken: u64,
    /// The sequence behind the newest of them.
    pub newest_end: u64,
    /// How many segments were deleted because snapshots cover them.
    pub segments_deleted: u64,
    /// Why the last try failed, if it did. The writer goes on; only the disk fills.
    pub failure: Option<JournalError>,
}

#[derive(Default)]
struct Progress {
    active: u64,
    done: u64,
    closing: bool,
    snapshots: Snapshots,
}

/// How far the log is sealed, and what was made of it. Shared by writer and compactor.
pub(crate) struct Sealed {
    progress: Mutex<Progress>,
    changed: Condvar,
    /// Held while snapshots are written or deleted.
    maintenance: Mutex<()>,
}

impl Sealed {
    pub(crate) fn new(active: u64) -> Self {
        Self {
            progress: Mutex::new(Progress {
                active,
                done: active,
                ..Progress::default()
            }),
            changed: Condvar::new(),
            maintenance: Mutex::new(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a segment was begun: all before it are sealed.
    pub(crate) fn begun(&self, segment: u64) {
        self.lock().active = segment;
        self.changed.notify_all();
    }

    pub(crate) fn snapshots(&self) -> Snapshots {
        self.lock().snapshots
    }

    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    /// Waits until enough segments are sealed; `None` when the journal is being closed.
    fn due(&self, every: u64) -> Option<u64> {
        let mut progress = self.lock();
        loop {
            if progress.closing {
                return None;
            }
            if progress.active.saturating_sub(progress.done) >= every {
                return Some(progress.active);
            }
            progress = self
                .changed
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets a replay end early; what it was for is done at the next opening.
    fn go_on(&self) -> Result<(), JournalError> {
        if self.lock().closing {
            return Err(JournalError::WriterLost);
        }
        Ok(())
    }

    fn note(&self, active: u64, outcome: Result<(u64, u64), JournalError>) {
        let mut progress = self.lock();
        progress.done = active;
        let snapshots = &mut progress.snapshots;
        match outcome {
            Ok((end, deleted)) => {
                snapshots.taken = snapshots.taken.saturating_add(1);
                snapshots.newest_end = end;
                snapshots.segments_deleted = snapshots.segments_deleted.saturating_add(deleted);
                snapshots.failure = None;
            }
            Err(error) => snapshots.failure = Some(error),
        }
    }

    /// Takes a snapshot of a state that holds exactly the records before `cursor`, all of them durable.
    pub(crate) fn snapshot_now<S: StateMachine>(
        &self,
        disk: &impl Disk,
        cursor: Cursor,
        state: &S,
        keep: usize,
    ) -> Result<(), JournalError> {
        let _alone = self
            .maintenance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let outcome = snapshots::write(disk, cursor, state)
            .and_then(|()| prune(disk, keep))
            .map(|deleted| (cursor.next_sequence, deleted));
        self.note(cursor.position.segment, outcome);
        outcome.map(|_| ())
    }
}

/// Starts the compactor.
pub(crate) fn start<S: StateMachine, D: Disk>(
    disk: &D,
    sealed: &Arc<Sealed>,
    every: u64,
    keep: usize,
) -> Result<JoinHandle<()>, JournalError> {
    let disk = disk.clone();
    let sealed = Arc::clone(sealed);
    thread::Builder::new()
        .name("journal-snapshots".to_owned())
        .spawn(move || {
            while let Some(active) = sealed.due(every) {
                let alone = sealed
                    .maintenance
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let outcome = compact::<S>(&disk, active, keep, &sealed);
                drop(alone);
                sealed.note(active, outcome);
            }
        })
        .map_err(|error| JournalError::io(FileId::Directory, &error))
}

/// Replays the segments before `active` into a second machine and saves that.
///
/// Returns the sequence behind the snapshot and how many segments were deleted.
fn compact<S: StateMachine>(
    disk: &impl Disk,
    active: u64,
    keep: usize,
    sealed: &Sealed,
) -> Result<(u64, u64), JournalError> {
    let listing = Listing::read(disk)?;
    let newest = listing
        .snapshots
        .last()
        .ok_or(JournalError::NoUsableSnapshot)?;
    let loaded = snapshots::load::<S>(disk, *newest)?;
    let from = loaded.header.cursor;
    if from.position.segment >= active {
        return Ok((*newest, 0));
    }
    let mut state = loaded.state;
    let mut events = Vec::new();
    let walk = Walk::new(disk, &listing.segments, None, from);
    let walked = walk.run(Some(active), &mut |frame, records| {
        sealed.go_on()?;
        replay(&mut state, frame, records, &mut events)
    })?;
    snapshots::write(disk, walked.cursor, &state)?;
    drop(state);
    let deleted = prune(disk, keep)?;
    Ok((walked.cursor.next_sequence, deleted))
}

/// Deletes all snapshots but the newest `keep`, then the segments in front of the oldest that stays.
///
/// Snapshots go first and segments from the oldest on, so that an interruption leaves a whole journal.
fn prune(disk: &impl Disk, keep: usize) -> Result<u64, JournalError> {
    let listing = Listing::read(disk)?;
    let mut kept = 0_usize;
    let mut needed_from = None;
    let mut deleted = 0_u64;
    for end in listing.snapshots.iter().rev().copied() {
        if kept >= keep {
            remove(disk, &names::snapshot(end), FileId::Snapshot(end))?;
        } else if let Ok(header) = snapshots::peek(disk, end) {
            kept = kept.saturating_add(1);
            needed_from = Some(header.cursor.position.segment);
        }
    }
    if let Some(needed_from) = needed_from.filter(|_| kept >= keep) {
        for segment in listing
            .segments
            .iter()
            .copied()
            .filter(|n| *n < needed_from)
        {
            remove(disk, &names::segment(segment), FileId::Segment(segment))?;
            deleted = deleted.saturating_add(1);
        }
    }
    disk.sync_names()
        .map_err(|error| JournalError::sync(FileId::Directory, &error))?;
    Ok(deleted)
}
