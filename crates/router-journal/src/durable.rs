//! A state machine whose events go out only when the records that caused them are on the disk.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use router_core::journal::{Cursor, Record};

use crate::compact::{self, Sealed, Snapshots};
use crate::covered::Covered;
use crate::disk::Disk;
use crate::error::{FileId, JournalError};
use crate::held::Held;
use crate::log::{Begin, Log};
use crate::machine::StateMachine;
use crate::mark::MarkFile;
use crate::names::Listing;
use crate::options::Options;
use crate::queue::Queue;
use crate::recover::{inspect, repair, Found};
use crate::report::RecoveryReport;
use crate::snapshots;
use crate::spares::Spares;
use crate::stats::Groups;
use crate::usage::DiskUse;
use crate::writer::{self, Settings};

/// The most records that are applied at once: how finely events are released.
const PIECE_RECORDS: usize = 1024;

/// The records that a call took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The sequence of the first.
    pub first: u64,
    /// The sequence behind the last: durable when [`Durable::poll`] returns at least this.
    pub end: u64,
    /// How many of the records given were taken, whole submissions from the front.
    pub taken: usize,
}

/// A state machine with its journal, open for writing.
///
/// Dropping it writes what was submitted, as [`Self::close`] does, but says nothing of errors.
pub struct Durable<S: StateMachine, D: Disk> {
    state: S,
    next: u64,
    held: Held,
    queue: Arc<Queue>,
    sealed: Arc<Sealed>,
    writer: Option<JoinHandle<()>>,
    compactor: Option<JoinHandle<()>>,
    options: Options,
    disk: D,
    /// Given back last: only when both threads have ended may another writer begin.
    _lock: D::Lock,
}

impl<S: StateMachine, D: Disk> Durable<S, D> {
    /// Opens a journal for writing: recovers, fences earlier writers by a new epoch, starts the writer.
    ///
    /// `genesis` gives the state of a new journal; it is saved as the first snapshot.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if a writer has it open; [`JournalError::NoJournal`] if there is none and
    /// none may be created; what recovery refuses; what the disk says.
    pub fn open(
        disk: D,
        options: Options,
        genesis: impl FnOnce() -> S,
    ) -> Result<(Self, RecoveryReport), JournalError> {
        let since = Instant::now();
        options.check()?;
        let lock = disk
            .lock()
            .map_err(|error| JournalError::io(FileId::Lock, &error))?
            .ok_or(JournalError::Locked)?;
        let mut created = false;
        if Listing::read(&disk)?.is_empty() {
            if !options.create {
                return Err(JournalError::NoJournal);
            }
            snapshots::write(&disk, Cursor::origin(), &genesis())?;
            created = true;
        }
        let found = inspect::<S>(&disk, Listing::read(&disk)?)?;
        let covered = Arc::new(Covered::new(options.segment_bytes, options.keep_segments));
        let log = continue_log(&disk, &found, &options, &covered)?;
        let cursor = log.cursor();
        let report = RecoveryReport {
            created,
            epoch: cursor.epoch,
            micros: u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX),
            ..found.report
        };
        let durable = Self::start(disk, lock, options, found.state, (log, covered))?;
        Ok((durable, report))
    }

    fn start(
        disk: D,
        lock: D::Lock,
        options: Options,
        state: S,
        (log, covered): (Log<D>, Arc<Covered>),
    ) -> Result<Self, JournalError> {
        let cursor = log.cursor();
        let queue = Arc::new(Queue::new(options.window, cursor));
        let sealed = Arc::new(Sealed::new(cursor.position.segment, covered));
        let mut durable = Self {
            state,
            next: cursor.next_sequence,
            held: Held::default(),
            queue,
            sealed,
            writer: None,
            compactor: None,
            options,
            disk,
            _lock: lock,
        };
        let settings = Settings {
            window: options.window,
            frame_records: options.frame_records(),
            idle_sync: options.idle_sync,
        };
        let (queue, sealed) = (Arc::clone(&durable.queue), Arc::clone(&durable.sealed));
        durable.writer = Some(writer::start(log, queue, sealed, settings)?);
        if options.snapshot_every > 0 {
            durable.compactor = Some(compact::start::<S, D>(
                &durable.disk,
                &durable.sealed,
                options.snapshot_every,
                options.keep_snapshots,
            )?);
        }
        Ok(durable)
    }

    /// Applies whole submissions and queues them for the disk; returns how many were taken.
    ///
    /// `records` must end where a submission ends. Fewer are taken when the window fills up. Events are
    /// held back until [`Self::poll`] or [`Self::wait_durable`] finds their records durable.
    ///
    /// # Errors
    /// [`JournalError::Busy`] if none was taken because too many wait for the disk;
    /// [`JournalError::HeadMissing`] if the first record does not start a submission;
    /// [`JournalError::SubmissionTooLarge`] if the first submission is longer than a frame; why the writer
    /// stopped, if it did.
    pub fn submit(&mut self, records: &[Record]) -> Result<Ticket, JournalError> {
        if let Some(failure) = self.queue.failure() {
            return Err(failure);
        }
        let starts = records.first().is_none_or(S::starts_submission);
        if !starts {
            return Err(JournalError::HeadMissing);
        }
        let first = self.next;
        let mut rest = records;
        while !rest.is_empty() {
            let length = match self.piece(rest) {
                Ok(length) => length,
                Err(error) if self.next == first => return Err(error),
                Err(_) => break,
            };
            let (piece, later) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            self.queue.push(piece)?;
            self.next = self.next.saturating_add(piece.len() as u64);
            let state = &mut self.state;
            self.held
                .hold(self.next, |events| state.apply(piece, events));
            rest = later;
        }
        Ok(Ticket {
            first,
            end: self.next,
            taken: records.len().saturating_sub(rest.len()),
        })
    }

    /// Returns how many records from the front to take at once: whole submissions that fit the window.
    fn piece(&self, records: &[Record]) -> Result<usize, JournalError> {
        if self.held.waiting() >= self.options.held_events {
            return Err(JournalError::Busy);
        }
        let waiting = self.next.saturating_sub(self.queue.durable_end());
        let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
        let room = self.options.window.saturating_sub(waiting);
        let limit = self.options.frame_records().min(self.options.window);
        let most = records.len().min(PIECE_RECORDS).min(limit).min(room);
        let starts = |at: usize| {
            records
                .get(at)
                .is_none_or(|next| S::starts_submission(next))
        };
        if let Some(cut) = (1..=most).rev().find(|at| starts(*at)) {
            return Ok(cut);
        }
        // The first submission alone is longer than a usual piece.
        let cut = (most.max(1)..=records.len().min(limit)).find(|at| starts(*at));
        match cut {
            None => Err(JournalError::SubmissionTooLarge { limit }),
            Some(cut) if cut > room => Err(JournalError::Busy),
            Some(cut) => Ok(cut),
        }
    }

    /// Appends the events to `out` that may go out now, and returns the sequence behind the last durable
    /// record.
    ///
    /// # Errors
    /// Why the writer stopped, if it did; `out` has the events of all durable records all the same.
    pub fn poll(&mut self, out: &mut Vec<Record>) -> Result<u64, JournalError> {
        // The failure first: what became durable before it is then seen.
        let failure = self.queue.failure();
        let durable_end = self.queue.durable_end();
        self.held.release(durable_end, out);
        failure.map_or(Ok(durable_end), Err)
    }

    /// Waits until everything before `end` is durable, then does what [`Self::poll`] does.
    ///
    /// # Errors
    /// [`JournalError::Deadline`] if it takes longer than `timeout`; why the writer stopped, if it did.
    /// `out` has the events of all durable records all the same.
    pub fn wait_durable(
        &mut self,
        end: u64,
        timeout: Duration,
        out: &mut Vec<Record>,
    ) -> Result<u64, JournalError> {
        let waited = self.queue.wait(end, deadline(timeout));
        self.held.release(self.queue.durable_end(), out);
        waited
    }

    /// Submits all records, waits until all are durable and appends their events to `out`.
    ///
    /// # Errors
    /// As [`Self::submit`] and [`Self::wait_durable`], but never [`JournalError::Busy`]. After an error some
    /// records may have been taken: [`Self::next_sequence`] tells.
    pub fn submit_and_wait(
        &mut self,
        records: &[Record],
        timeout: Duration,
        out: &mut Vec<Record>,
    ) -> Result<Ticket, JournalError> {
        let until = deadline(timeout);
        let first = self.next;
        let mut rest = records;
        loop {
            match self.submit(rest) {
                Ok(ticket) => rest = rest.get(ticket.taken..).unwrap_or_default(),
                Err(JournalError::Busy) => {}
                Err(error) => return Err(error),
            }
            let goal = if rest.is_empty() {
                self.next
            } else {
                // Any progress makes room.
                self.queue.durable_end().saturating_add(1).min(self.next)
            };
            let waited = self.queue.wait(goal, until);
            self.held.release(self.queue.durable_end(), out);
            waited?;
            if rest.is_empty() {
                return Ok(Ticket {
                    first,
                    end: self.next,
                    taken: records.len(),
                });
            }
        }
    }

    /// Waits until everything submitted is durable and saves the state as a snapshot.
    ///
    /// Segments that the kept snapshots cover are deleted. Nothing can be submitted meanwhile; the
    /// background compactor does the same from sealed segments without stopping anybody.
    ///
    /// # Errors
    /// As [`Self::wait_durable`], and what the disk says of the snapshot, which does not stop the writer.
    pub fn snapshot_now(&mut self, timeout: Duration) -> Result<u64, JournalError> {
        let end = self.queue.wait(self.next, deadline(timeout))?;
        if let Some(failure) = self.queue.failure() {
            return Err(failure);
        }
        let keep = self.options.keep_snapshots;
        self.sealed
            .snapshot_now(&self.disk, self.queue.durable(), &self.state, keep)?;
        Ok(end)
    }

    /// Returns the state, which may be ahead of what is durable.
    pub const fn state(&self) -> &S {
        &self.state
    }

    /// Returns the sequence that the next record will have.
    pub const fn next_sequence(&self) -> u64 {
        self.next
    }

    /// Returns the sequence behind the last durable record.
    pub fn durable_end(&self) -> u64 {
        self.queue.durable_end()
    }

    /// Returns the epoch of this writer.
    pub fn epoch(&self) -> u64 {
        self.queue.durable().epoch
    }

    /// Returns why the writer stopped for good, if it did.
    pub fn failure(&self) -> Option<JournalError> {
        self.queue.failure()
    }

    /// Returns counts of the groups that were synced.
    pub fn groups(&self) -> Groups {
        self.queue.groups()
    }

    /// Returns what became of snapshots.
    pub fn snapshots(&self) -> Snapshots {
        self.sealed.snapshots()
    }

    /// Looks at what the journal's files take of the disk now.
    ///
    /// # Errors
    /// What the disk says.
    pub fn disk_use(&self) -> Result<DiskUse, JournalError> {
        DiskUse::of(&self.disk)
    }

    /// Writes what was submitted, marks the journal as closed, and appends the remaining events to `out`.
    ///
    /// # Errors
    /// Why the writer stopped before that, if it did.
    pub fn close(mut self, out: &mut Vec<Record>) -> Result<(), JournalError> {
        self.stop();
        self.held.release(self.queue.durable_end(), out);
        match self.queue.failure() {
            None | Some(JournalError::WriterLost) if self.queue.durable_end() == self.next => {
                Ok(())
            }
            Some(failure) => Err(failure),
            None => Err(JournalError::WriterLost),
        }
    }

    fn stop(&mut self) {
        self.queue.close();
        self.sealed.close();
        for thread in [self.writer.take(), self.compactor.take()] {
            // A panic of the writer has left its mark in the queue; one of the compactor harms nobody.
            drop(thread.map(JoinHandle::join));
        }
    }
}

impl<S: StateMachine, D: Disk> Drop for Durable<S, D> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A timeout beyond what the clock can hold waits for a year.
fn deadline(timeout: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let now = Instant::now();
    now.checked_add(timeout.min(YEAR)).unwrap_or(now)
}

fn continue_log<S: StateMachine, D: Disk>(
    disk: &D,
    found: &Found<S>,
    options: &Options,
    covered: &Arc<Covered>,
) -> Result<Log<D>, JournalError> {
    let spare = repair(disk, found, options.segment_bytes)?;
    let last = found.mark.mark;
    let mark = MarkFile::open(disk, found.listing.has_mark, last)?;
    let spares = Spares::start(disk, options.segment_bytes, spare, covered)?;
    let walked = &found.walked;
    let epoch = walked.cursor.epoch.max(last.map_or(0, |mark| mark.epoch));
    let begin = Begin {
        cursor: walked.cursor,
        begun: walked.begun,
        epoch: epoch.saturating_add(1),
        segment_bytes: options.segment_bytes,
        semantics: S::semantics_version(),
    };
    Log::start(disk, begin, spares, mark)
}
