//! Counts of what the writer did.

use std::time::Duration;

/// Groups by size: entry `n` counts groups of 2^n to 2^(n+1)-1 records.
const SIZES: usize = 15;

/// How the groups that were synced looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// How many groups were synced.
    pub count: u64,
    /// How many records they held.
    pub records: u64,
    /// The records of the largest.
    pub largest: u64,
    /// Microseconds that encoding, writing and syncing took, all groups together.
    pub micros: u64,
    /// Microseconds of the slowest.
    pub slowest_micros: u64,
    /// Groups by size: entry `n` counts groups of 2^n to 2^(n+1)-1 records.
    pub by_size: [u64; SIZES],
}

impl Groups {
    pub(crate) fn count(&mut self, records: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count = self.count.saturating_add(1);
        self.records = self.records.saturating_add(records as u64);
        self.largest = self.largest.max(records as u64);
        self.micros = self.micros.saturating_add(micros);
        self.slowest_micros = self.slowest_micros.max(micros);
        let size = records.checked_ilog2().unwrap_or(0) as usize;
        if let Some(entry) = self.by_size.get_mut(size.min(SIZES.saturating_sub(1))) {
            *entry = entry.saturating_add(1);
        }
    }
}
