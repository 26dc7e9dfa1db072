//! Prices outside the band, and moving the band to where they are.

use super::{Ladder, Level, NO_KEY};
use crate::engine::slab::Slab;

const FIRST_BITS: u32 = 6;
const LAST_BITS: u32 = 18;
/// A band has at least 2^4, and on a side with few levels at most 2^6 times as many levels as were in use
/// when it was made: room for prices to move, and no more memory than the orders are worth.
const ROOM_BITS: u32 = 4;
const SPARSE_BITS: u32 = 6;
/// Levels in use from which a side is busy.
const BUSY: usize = 64;
/// The width up to which a band doubles each time that it is moved.
const MOVED_BITS: u32 = 12;

impl Ladder {
    #[cold]
    #[inline(never)]
    pub(super) fn push_far(&mut self, slab: &mut Slab, slot: u32, key: u32, shown: u64) {
        self.misses = self.misses.saturating_add(1);
        let kept = usize::try_from(self.occupied)
            .unwrap_or(usize::MAX)
            .saturating_add(self.far.len());
        if self.misses as usize > kept {
            self.rebase(key);
            self.push_at(slab, slot, self.price(key), shown);
            return;
        }
        self.far.entry(key).or_default().append(slab, slot, shown);
        self.best = self.best.min(key);
    }

    /// Moves the band so that `key`, and as much as possible from the best level on, lies inside.
    fn rebase(&mut self, key: u32) {
        let mut kept: Vec<(u32, Level)> = self.iter().map(|(at, level)| (at, *level)).collect();
        let worst = kept.last().map_or(key, |(at, _)| (*at).max(key));
        let span = worst.wrapping_sub(self.best.min(key));
        let used = bits_of(u32::try_from(kept.len()).unwrap_or(u32::MAX));
        // A busy side may be as wide as its prices go.
        let most = if kept.len() < BUSY {
            used.wrapping_add(SPARSE_BITS)
        } else {
            LAST_BITS
        };
        let bits = bits_of(span)
            .wrapping_add(1)
            .clamp(used.wrapping_add(ROOM_BITS).min(most), most)
            .clamp(FIRST_BITS, LAST_BITS);
        for (at, _) in &kept {
            let offset = at.wrapping_sub(self.base) as usize;
            if let Some(level) = self.levels.get_mut(offset) {
                *level = Level::default();
                self.vacate(offset, NO_KEY, true);
            }
        }
        self.far.clear();
        // Prices that leave one band after the other are given a wider one each time.
        let wider = self.bits().wrapping_add(1).min(MOVED_BITS);
        self.resize(1 << bits.max(wider).max(self.bits()));
        // A quarter of the band lies before the best level, for prices that improve on it.
        let room = u32::try_from(self.levels.len() >> 2).unwrap_or(0);
        let centre = if span as usize >= self.levels.len() >> 1 {
            key
        } else {
            self.best.min(key)
        };
        self.base = centre.saturating_sub(room);
        self.misses = 0;
        for (at, level) in kept.drain(..) {
            let offset = at.wrapping_sub(self.base) as usize;
            if let Some(place) = self.levels.get_mut(offset) {
                *place = level;
                self.occupied = self.occupied.wrapping_add(1);
                self.mark(offset);
            } else {
                self.far.insert(at, level);
            }
        }
    }

    fn bits(&self) -> u32 {
        self.levels.len().trailing_zeros() & 31
    }

    fn resize(&mut self, len: usize) {
        if self.levels.len() < len {
            self.levels = bytemuck::allocation::zeroed_vec(len);
            self.words = vec![0; len >> 6];
            self.sums = vec![0; (len >> 12).max(1)];
        }
    }
}

const fn bits_of(number: u32) -> u32 {
    u32::BITS.wrapping_sub(number.leading_zeros())
}
