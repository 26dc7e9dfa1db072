//! How much one solve may take: work that is counted, and time that the caller measures.
//!
//! The work limit is the same on every machine, so that the same request gives the same plan. The
//! clock is the caller's: the core only asks whether time is up, between units of work.

use std::cell::Cell;

/// Venue answers after which no further relaxation is begun.
const MAX_WORK: u64 = 400_000;

/// Counts what a solve has done.
pub(super) struct Meter<'c> {
    is_late: &'c dyn Fn() -> bool,
    work: Cell<u64>,
    stopped: Cell<bool>,
}

impl<'c> Meter<'c> {
    pub(super) fn new(is_late: &'c dyn Fn() -> bool) -> Self {
        Self {
            is_late,
            work: Cell::new(0),
            stopped: Cell::new(false),
        }
    }

    /// Counts venue answers.
    pub(super) fn count(&self, answers: usize) {
        let answers = u64::try_from(answers).unwrap_or(u64::MAX);
        self.work.set(self.work.get().saturating_add(answers));
    }

    /// Whether time is up; once it is, the solve goes down as stopped early.
    pub(super) fn is_late(&self) -> bool {
        if !self.stopped.get() && (self.is_late)() {
            self.stopped.set(true);
        }
        self.stopped.get()
    }

    /// Whether nothing more may be begun.
    pub(super) fn is_spent(&self) -> bool {
        self.work.get() > MAX_WORK || self.is_late()
    }

    /// Notes that something was left undone.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stopped.get()
    }
}
