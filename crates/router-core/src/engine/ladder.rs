//! The price levels of one side: a dense band of prices with three layers of occupancy bits, and an
//! ordered map for what lies outside.
//!
//! Prices are mirrored for bids, so that on both sides the best level has the lowest *key*. The band
//! moves when enough orders have come to lie outside it that moving has paid for itself.

mod rebase;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytemuck::{Pod, Zeroable};

use super::rules::Side;
use super::slab::{Slab, Slot, NIL};

/// Key of no level; no price has it.
pub(crate) const NO_KEY: u32 = u32::MAX;
const MIRROR: u32 = 0x7FFF_FFFF;

/// A price level: its queue, and what it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Level {
    /// First order.
    pub(crate) head: u32,
    /// Last order.
    pub(crate) tail: u32,
    /// Displayed lots.
    pub(crate) qty: u64,
    /// Orders.
    pub(crate) count: u32,
    pad: u32,
}

/// One side of a book.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    mirror: u32,
    best: u32,
    base: u32,
    occupied: u32,
    misses: u32,
    levels: Vec<Level>,
    words: Vec<u64>,
    sums: Vec<u64>,
    top: u64,
    far: BTreeMap<u32, Level>,
}

impl Level {
    /// Puts an order at the tail; true if the level was empty.
    #[inline]
    fn append(&mut self, slab: &mut Slab, slot: u32, shown: u64) -> bool {
        let tail = self.tail;
        let was_empty = tail == NIL;
        self.head = if was_empty { slot } else { self.head };
        self.tail = slot;
        self.qty = self.qty.wrapping_add(shown);
        self.count = self.count.wrapping_add(1);
        slab.chain(tail, slot);
        was_empty
    }

    /// Takes out an order whose neighbours are joined already; true if the level is empty now.
    #[inline]
    fn cut(&mut self, own: &Slot, shown: u64) -> bool {
        self.qty = self.qty.wrapping_sub(shown);
        self.count = self.count.wrapping_sub(1);
        self.head = if own.prev == NIL { own.next } else { self.head };
        self.tail = if own.next == NIL { own.prev } else { self.tail };
        self.head == NIL
    }
}

impl Ladder {
    /// An empty side.
    pub(crate) fn new(side: Side) -> Self {
        let mirror = match side {
            Side::Buy => MIRROR,
            Side::Sell => 0,
        };
        Self {
            mirror,
            best: NO_KEY,
            base: 0,
            occupied: 0,
            misses: 0,
            levels: Vec::new(),
            words: Vec::new(),
            sums: Vec::new(),
            top: 0,
            far: BTreeMap::new(),
        }
    }

    /// Key of a price, and price of a key.
    #[inline]
    pub(crate) const fn key(&self, price: u32) -> u32 {
        price ^ self.mirror
    }

    #[inline]
    const fn price(&self, key: u32) -> u32 {
        key ^ self.mirror
    }

    /// Key of the best level, [`NO_KEY`] if there is none.
    #[inline]
    pub(crate) const fn best_key(&self) -> u32 {
        self.best
    }

    /// Best price.
    #[inline]
    pub(crate) const fn best_price(&self) -> Option<u32> {
        if self.best == NO_KEY {
            None
        } else {
            Some(self.best ^ self.mirror)
        }
    }

    /// The level with a key.
    #[inline]
    pub(crate) fn level(&self, key: u32) -> Option<&Level> {
        match self.levels.get(key.wrapping_sub(self.base) as usize) {
            Some(level) => Some(level),
            None => self.far.get(&key),
        }
    }

    /// Displayed lots of a dense level, read early.
    #[inline]
    pub(crate) fn peek(&self, price: u32) -> u64 {
        let offset = self.key(price).wrapping_sub(self.base) as usize;
        self.levels.get(offset).map_or(0, |level| level.qty)
    }

    #[inline]
    fn level_mut(&mut self, key: u32) -> Option<&mut Level> {
        match self.levels.get_mut(key.wrapping_sub(self.base) as usize) {
            Some(level) => Some(level),
            None => self.far.get_mut(&key),
        }
    }

    /// Puts an order at the tail of the level of its price, which then shows `shown` lots more.
    pub(crate) fn push(&mut self, slab: &mut Slab, slot: u32, shown: u64) {
        self.push_at(slab, slot, slab.hot(slot).price(), shown);
    }

    /// As [`Ladder::push`], for an order at `price`.
    ///
    /// Whether a level is empty cannot be foretold, so nothing here branches on it: slot 0 takes the
    /// writes that have no order to go to, and bits are set again.
    #[inline]
    pub(crate) fn push_at(&mut self, slab: &mut Slab, slot: u32, price: u32, shown: u64) {
        let key = self.key(price);
        let offset = key.wrapping_sub(self.base) as usize;
        let Some(level) = self.levels.get_mut(offset) else {
            self.push_far(slab, slot, key, shown);
            return;
        };
        let was_empty = level.append(slab, slot, shown);
        self.occupied = self.occupied.wrapping_add(u32::from(was_empty));
        self.best = self.best.min(key);
        self.mark(offset);
    }

    /// Takes an order, which showed `shown` lots, out of its level.
    #[inline]
    pub(crate) fn unlink(&mut self, slab: &mut Slab, slot: u32, shown: u64) {
        let own = *slab.hot(slot);
        let key = self.key(own.price());
        if let Some(before) = slab.hot_mut(own.prev) {
            before.next = own.next;
        }
        if let Some(after) = slab.hot_mut(own.next) {
            after.prev = own.prev;
        }
        let offset = key.wrapping_sub(self.base) as usize;
        let Some(level) = self.levels.get_mut(offset) else {
            self.unlink_far(&own, key, shown);
            return;
        };
        let is_empty = level.cut(&own, shown);
        self.vacate(offset, key, is_empty);
    }

    #[cold]
    #[inline(never)]
    fn unlink_far(&mut self, own: &Slot, key: u32, shown: u64) {
        let Some(level) = self.far.get_mut(&key) else {
            return;
        };
        if level.cut(own, shown) {
            self.far.remove(&key);
            if key == self.best {
                self.best = self.next_best(usize::MAX);
            }
        }
    }

    /// Takes lots off what a level shows.
    #[inline]
    pub(crate) fn shrink(&mut self, key: u32, lots: u64) {
        if let Some(level) = self.level_mut(key) {
            level.qty = level.qty.wrapping_sub(lots);
        }
    }

    /// Key of the first level behind `key`, [`NO_KEY`] if there is none.
    pub(crate) fn next_key(&self, key: u32) -> u32 {
        let from = key.wrapping_add(1);
        let dense = if from <= self.base {
            self.first_dense()
        } else {
            self.dense_from(from.wrapping_sub(self.base) as usize)
        };
        match self.far.range(from..).next() {
            Some((far, _)) => dense.min(*far),
            None => dense,
        }
    }

    /// Levels with their keys, best first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Level)> {
        let first = self.level(self.best).map(|level| (self.best, level));
        core::iter::successors(first, |(key, _)| {
            let next = self.next_key(*key);
            self.level(next).map(|level| (next, level))
        })
    }

    /// Bytes taken, far levels estimated.
    pub(crate) fn memory_bytes(&self) -> usize {
        let words = self.words.capacity().saturating_add(self.sums.capacity());
        let levels = self.levels.capacity().saturating_mul(size_of::<Level>());
        let far = self.far.len().saturating_mul(48);
        levels
            .saturating_add(words.saturating_mul(8))
            .saturating_add(far)
    }

    #[inline]
    fn mark(&mut self, offset: usize) {
        if let Some(word) = self.words.get_mut(offset >> 6) {
            *word |= 1 << (offset & 63);
        }
        if let Some(sum) = self.sums.get_mut(offset >> 12) {
            *sum |= 1 << ((offset >> 6) & 63);
        }
        self.top |= 1 << ((offset >> 12) & 63);
    }

    /// Notes whether a dense level has become empty.
    #[inline]
    fn vacate(&mut self, offset: usize, key: u32, is_empty: bool) {
        self.occupied = self.occupied.wrapping_sub(u32::from(is_empty));
        let Some(word) = self.words.get_mut(offset >> 6) else {
            return;
        };
        *word &= !(u64::from(is_empty) << (offset & 63));
        if *word == 0 {
            self.unmark_word(offset);
        }
        if key == self.best && is_empty {
            self.best = self.next_best(offset);
        }
    }

    fn unmark_word(&mut self, offset: usize) {
        let Some(sum) = self.sums.get_mut(offset >> 12) else {
            return;
        };
        *sum &= !(1 << ((offset >> 6) & 63));
        if *sum == 0 {
            self.top &= !(1 << ((offset >> 12) & 63));
        }
    }

    #[inline]
    fn next_best(&self, offset: usize) -> u32 {
        let dense = if offset < self.levels.len() {
            self.dense_from(offset)
        } else {
            self.first_dense()
        };
        match self.far.first_key_value() {
            Some((far, _)) => dense.min(*far),
            None => dense,
        }
    }

    fn first_dense(&self) -> u32 {
        self.dense_from(0)
    }

    /// Key of the first occupied dense level from `offset` on.
    #[inline]
    fn dense_from(&self, offset: usize) -> u32 {
        let at = offset >> 6;
        let Some(word) = self.words.get(at) else {
            return NO_KEY;
        };
        let rest = word & (u64::MAX << (offset & 63));
        if rest != 0 {
            return self.key_at(at, rest);
        }
        let next = at.wrapping_add(1);
        let group = next >> 6;
        let rest = self
            .sums
            .get(group)
            .map_or(0, |sum| sum & (u64::MAX << (next & 63)));
        if rest != 0 {
            return self.first_in_group(group, rest);
        }
        let beyond = group.wrapping_add(1);
        if beyond > 63 {
            return NO_KEY;
        }
        let rest = self.top & (u64::MAX << beyond);
        if rest == 0 {
            return NO_KEY;
        }
        let group = rest.trailing_zeros() as usize;
        self.sums
            .get(group)
            .map_or(NO_KEY, |sum| self.first_in_group(group, *sum))
    }

    #[inline]
    fn first_in_group(&self, group: usize, sum: u64) -> u32 {
        let at = (group << 6) | (sum.trailing_zeros() as usize & 63);
        self.words
            .get(at)
            .map_or(NO_KEY, |word| self.key_at(at, *word))
    }

    #[inline]
    const fn key_at(&self, word: usize, bits: u64) -> u32 {
        let offset = ((word as u32) << 6) | bits.trailing_zeros();
        self.base.wrapping_add(offset)
    }
}
