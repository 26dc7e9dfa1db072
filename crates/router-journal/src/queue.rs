//! The buffer between the thread that applies commands and the thread that writes them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use router_core::journal::{Cursor, Record};

use crate::error::JournalError;
use crate::stats::Groups;

/// Records, and where a frame may end between them.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) records: Vec<Record>,
    /// Counts of records at which a piece ends, ascending. A piece holds whole submissions.
    pub(crate) ends: Vec<usize>,
}

impl Batch {
    /// Makes room for a full window, so that nothing is allocated later.
    pub(crate) fn with_room(records: usize) -> Self {
        Self {
            records: Vec::with_capacity(records),
            ends: Vec::with_capacity(records),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.ends.clear();
    }
}

/// What the writer found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The batch holds records.
    Records,
    /// Nothing came for the idle time.
    Idle,
    /// Nothing is left and nothing will come.
    Closed,
}

struct Inner {
    filling: Batch,
    durable: Cursor,
    asleep: bool,
    waiting: usize,
    closing: bool,
    failure: Option<JournalError>,
    groups: Groups,
}

/// Shared by both threads. One fills a batch while the other writes the one that was full before.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    work: Condvar,
    progress: Condvar,
    /// Copies for a look without the lock.
    durable_end: AtomicU64,
    failed: AtomicBool,
}

impl Queue {
    pub(crate) fn new(window: usize, durable: Cursor) -> Self {
        Self {
            inner: Mutex::new(Inner {
                filling: Batch::with_room(window),
                durable,
                asleep: false,
                waiting: 0,
                closing: false,
                failure: None,
                groups: Groups::default(),
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
            durable_end: AtomicU64::new(durable.next_sequence),
            failed: AtomicBool::new(false),
        }
    }

    /// Every field is whole between two statements, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the sequence behind the last durable record.
    pub(crate) fn durable_end(&self) -> u64 {
        self.durable_end.load(Ordering::Acquire)
    }

    pub(crate) fn durable(&self) -> Cursor {
        self.lock().durable
    }

    pub(crate) fn groups(&self) -> Groups {
        self.lock().groups
    }

    /// Returns why the writer stopped, if it did.
    pub(crate) fn failure(&self) -> Option<JournalError> {
        if self.failed.load(Ordering::Acquire) {
            return self.lock().failure;
        }
        None
    }

    /// Hands over one piece: whole submissions, together no longer than a frame.
    pub(crate) fn push(&self, piece: &[Record]) -> Result<(), JournalError> {
        let mut inner = self.lock();
        if let Some(failure) = inner.failure {
            return Err(failure);
        }
        inner.filling.records.extend_from_slice(piece);
        let end = inner.filling.records.len();
        inner.filling.ends.push(end);
        let wake = std::mem::take(&mut inner.asleep);
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits until `end` is durable; returns how far it is. Never returns early without a failure.
    pub(crate) fn wait(&self, end: u64, deadline: Instant) -> Result<u64, JournalError> {
        let mut inner = self.lock();
        loop {
            let durable_end = inner.durable.next_sequence;
            if durable_end >= end {
                return Ok(durable_end);
            }
            if let Some(failure) = inner.failure {
                return Err(failure);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(JournalError::Deadline { durable_end });
            }
            inner.waiting = inner.waiting.saturating_add(1);
            (inner, _) = self
                .progress
                .wait_timeout(inner, left)
                .unwrap_or_else(PoisonError::into_inner);
            inner.waiting = inner.waiting.saturating_sub(1);
        }
    }

    /// Exchanges the writer's empty batch for the one that was filled meanwhile.
    pub(crate) fn take(&self, batch: &mut Batch, idle: Option<Duration>) -> Work {
        batch.clear();
        let mut inner = self.lock();
        let since = Instant::now();
        loop {
            if !inner.filling.records.is_empty() {
                std::mem::swap(&mut inner.filling, batch);
                return Work::Records;
            }
            if inner.closing {
                return Work::Closed;
            }
            inner.asleep = true;
            inner = match idle {
                None => self
                    .work
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(idle) => {
                    let left = idle.saturating_sub(since.elapsed());
                    if left.is_zero() {
                        inner.asleep = false;
                        return Work::Idle;
                    }
                    let (inner, _) = self
                        .work
                        .wait_timeout(inner, left)
                        .unwrap_or_else(PoisonError::into_inner);
                    inner
                }
            };
        }
    }

    /// Says that a group of records is durable.
    pub(crate) fn advance(&self, durable: Cursor, records: usize, took: Duration) {
        let mut inner = self.lock();
        inner.durable = durable;
        inner.groups.count(records, took);
        self.durable_end
            .store(durable.next_sequence, Ordering::Release);
        if inner.waiting > 0 {
            self.progress.notify_all();
        }
    }

    /// Stops for good. The first reason stays.
    pub(crate) fn fail(&self, reason: JournalError) {
        let mut inner = self.lock();
        inner.failure = inner.failure.or(Some(reason));
        self.failed.store(true, Ordering::Release);
        self.progress.notify_all();
    }

    /// Lets the writer end when it has written what is there.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.work.notify_one();
    }
}
