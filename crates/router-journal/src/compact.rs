//! Snapshots while trading goes on, made from sealed segments only.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use router_core::journal::Cursor;

use crate::covered::{remove, Covered};
use crate::disk::Disk;
use crate::error::{FileId, JournalError};
use crate::machine::StateMachine;
use crate::names::{self, Listing};
use crate::pace;
use crate::recover::{newest_usable, replay};
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
    /// How many more are kept to be written over instead of making new files.
    pub segments_kept: u64,
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
    covered: Arc<Covered>,
}

impl Sealed {
    pub(crate) fn new(active: u64, covered: Arc<Covered>) -> Self {
        Self {
            progress: Mutex::new(Progress {
                active,
                done: active,
                ..Progress::default()
            }),
            changed: Condvar::new(),
            maintenance: Mutex::new(()),
            covered,
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

    fn note(&self, active: u64, outcome: Result<Taken, JournalError>) {
        let mut progress = self.lock();
        progress.done = active;
        let snapshots = &mut progress.snapshots;
        match outcome {
            Ok(Taken { end, pruned }) => {
                let Pruned { deleted, kept } = pruned;
                snapshots.taken = snapshots.taken.saturating_add(1);
                snapshots.newest_end = end;
                snapshots.segments_deleted = snapshots.segments_deleted.saturating_add(deleted);
                snapshots.segments_kept = snapshots.segments_kept.saturating_add(kept);
                snapshots.failure = None;
            }
            Err(error) => snapshots.failure = Some(error),
        }
    }

    /// Gives back the room of what is kept for reuse when a snapshot found none.
    fn with_room(
        &self,
        disk: &impl Disk,
        outcome: Result<Taken, JournalError>,
    ) -> Result<Taken, JournalError> {
        if matches!(outcome, Err(JournalError::DiskFull { .. })) {
            self.covered.make_room(disk)?;
        }
        outcome
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
        let end = cursor.next_sequence;
        let outcome = snapshots::write(disk, cursor, state)
            .and_then(|()| prune(disk, keep, &self.covered))
            .map(|pruned| Taken { end, pruned });
        let outcome = self.with_room(disk, outcome);
        self.note(cursor.position.segment, outcome);
        outcome.map(|_| ())
    }
}

/// A snapshot that was taken.
#[derive(Clone, Copy)]
struct Taken {
    end: u64,
    pruned: Pruned,
}

/// What became of the segments that it covers.
#[derive(Clone, Copy, Default)]
struct Pruned {
    deleted: u64,
    kept: u64,
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
            pace::step_back();
            while let Some(active) = sealed.due(every) {
                let alone = sealed
                    .maintenance
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                let outcome = compact::<S>(&disk, active, keep, &sealed);
                let outcome = sealed.with_room(&disk, outcome);
                drop(alone);
                sealed.note(active, outcome);
            }
        })
        .map_err(|error| JournalError::io(FileId::Directory, &error))
}

/// Replays the segments before `active` into a second machine and saves that.
fn compact<S: StateMachine>(
    disk: &impl Disk,
    active: u64,
    keep: usize,
    sealed: &Sealed,
) -> Result<Taken, JournalError> {
    let listing = Listing::read(disk)?;
    let (loaded, _) = newest_usable::<S>(disk, &listing)?;
    let from = loaded.header.cursor;
    if from.position.segment >= active {
        return Ok(Taken {
            end: from.next_sequence,
            pruned: Pruned::default(),
        });
    }
    let mut state = loaded.state;
    let mut events = Vec::new();
    let walk = Walk::new(disk, &listing.segments, None, from);
    let walked = walk.run(Some(active), &mut |frame, records| {
        sealed.go_on()?;
        replay(&mut state, frame, records, &mut events)
    })?;
    snapshots::write_slowly(disk, walked.cursor, &state)?;
    drop(state);
    sealed.go_on()?;
    Ok(Taken {
        end: walked.cursor.next_sequence,
        pruned: prune(disk, keep, &sealed.covered)?,
    })
}

/// Deletes all snapshots but the newest `keep`, then takes away the segments in front of the oldest that
/// stays.
///
/// Snapshots go first and segments from the oldest on, so that an interruption leaves a whole journal.
fn prune(disk: &impl Disk, keep: usize, covered: &Covered) -> Result<Pruned, JournalError> {
    let listing = Listing::read(disk)?;
    let mut kept = 0_usize;
    let mut needed_from = 0;
    for end in listing.snapshots.iter().rev().copied() {
        if kept >= keep {
            remove(disk, &names::snapshot(end), FileId::Snapshot(end))?;
        } else if let Ok(header) = snapshots::peek(disk, end) {
            kept = kept.saturating_add(1);
            needed_from = header.cursor.position.segment;
        }
    }
    // Fewer than wanted are whole: the segments that a missing one would need stay too.
    let needed_from = if kept >= keep { needed_from } else { 0 };
    let old = |segment: &u64| *segment < needed_from;
    let count = listing.segments.iter().filter(|n| old(n)).count() as u64;
    let kept = covered.take_in(disk, listing.segments.iter().copied().filter(old))?;
    Ok(Pruned {
        deleted: count.saturating_sub(kept),
        kept,
    })
}
