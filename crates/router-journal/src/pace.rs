//! How work in the background makes way for the writer's syncs.
//!
//! A disk serves one queue: a group that is synced while megabytes of somebody else are under way waits
//! for them. So everything that is not the log goes in small slices, each with a sync of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Bytes of a slice: about what the disk takes in the time of one sync.
pub(crate) const SLICE_BYTES: usize = 64 << 10;
/// Bytes of a piece when somebody waits for it.
pub(crate) const URGENT_BYTES: usize = 1 << 20;
/// The time between two slices in which the disk is the writer's alone.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

/// What the writer tells the thread that prepares its next segment.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    used: AtomicU64,
    urgent: AtomicBool,
    stopped: AtomicBool,
}

impl Pace {
    /// Says how much of its present segment the writer has used.
    pub(crate) fn used(&self, bytes: u64) {
        self.used.store(bytes, Ordering::Relaxed);
    }

    /// Says whether the writer stands still until the segment is there.
    pub(crate) fn hurry(&self, urgent: bool) {
        self.urgent.store(urgent, Ordering::Relaxed);
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }

    /// Returns how much to write at once.
    pub(crate) fn slice(&self) -> usize {
        if self.is_urgent() {
            URGENT_BYTES
        } else {
            SLICE_BYTES
        }
    }

    /// Pauses if so much of the next segment is done that it will be ready when half of the present one
    /// is used. Whoever unparks the thread ends the pause.
    pub(crate) fn make_way(&self, done: u64) {
        let due = self.used.load(Ordering::Relaxed).saturating_mul(2);
        if done >= due && !self.is_urgent() && !self.is_stopped() {
            thread::park_timeout(PAUSE);
        }
    }
}

/// Lets the scheduler prefer all other threads to this one.
#[cfg(target_os = "linux")]
pub(crate) fn step_back() {
    // Not the lowest claim: on a machine that is always busy snapshots would fall behind and the disk
    // would fill. Linux takes the calling thread for the process here; a refusal costs latency only.
    let _ = rustix::process::setpriority_process(None, 10);
}

/// Elsewhere this would slow the whole process down.
#[cfg(not(target_os = "linux"))]
pub(crate) const fn step_back() {}
