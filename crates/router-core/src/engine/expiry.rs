//! Good-till dates of open orders, the one that ends first in front.

use std::collections::BTreeSet;

/// The dates of all instruments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expiry {
    dates: BTreeSet<(u32, u32, u64)>,
}

impl Expiry {
    /// Notes the date of an order, in seconds.
    pub(crate) fn insert(&mut self, expire_s: u32, instrument: u32, order: u64) {
        self.dates.insert((expire_s, instrument, order));
    }

    /// Forgets the date of an order that is gone.
    pub(crate) fn remove(&mut self, expire_s: u32, instrument: u32, order: u64) {
        self.dates.remove(&(expire_s, instrument, order));
    }

    /// Takes out the next order whose date is not after `now_ns`: its instrument and its id.
    pub(crate) fn pop_due(&mut self, now_ns: u64) -> Option<(u32, u64)> {
        let (expire_s, instrument, order) = self.dates.first().copied()?;
        if nanoseconds(expire_s) > now_ns {
            return None;
        }
        self.dates.pop_first();
        Some((instrument, order))
    }

    /// Bytes taken, estimated.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.dates.len().saturating_mul(32)
    }
}

/// The date in ns; a `u32` of seconds always fits.
pub(crate) const fn nanoseconds(expire_s: u32) -> u64 {
    (expire_s as u64).saturating_mul(1_000_000_000)
}
