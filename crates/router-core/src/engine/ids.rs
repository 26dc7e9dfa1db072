//! From order ids, which are dense per instrument, to slots.
//!
//! Ids of late are looked up in pages of 128 by a directory; a page is used again when no order of it is
//! left. What few orders stay open from pages of long ago move into a hash index, so that neither pages
//! nor directory grow with the ids that were ever given, only with the orders that are open.

#[cfg(test)]
mod tests;

use super::line_index::LineIndex;
use super::slab::{Slab, NIL};

const PAGE_BITS: u32 = 7;
const PAGE: usize = 1 << PAGE_BITS;
/// Pages that are kept whatever few orders they have.
const KEPT_PAGES: usize = 1024;
/// Ids per open order that pages are kept for, so 12 bytes.
const IDS_PER_ORDER: usize = 3;
/// Entries of the directory that are kept whatever few pages there are.
const KEPT_ENTRIES: usize = 2048;

/// Index of the open orders of one instrument.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdIndex {
    /// Number of the page of ids that the directory begins with.
    base: u64,
    /// Where the pages are, counted from 1; 0 where there is none.
    directory: Vec<u32>,
    /// Entries at the front of the directory whose pages are gone for good.
    start: usize,
    slots: Vec<u32>,
    used: Vec<u8>,
    free: Vec<u32>,
    old: LineIndex,
    are_names: bool,
}

impl IdIndex {
    /// An index of ids that come in any order, so that none can be left behind.
    pub(crate) fn of_names() -> Self {
        Self {
            are_names: true,
            ..Self::default()
        }
    }

    /// The slot of an order, 0 if it is not open.
    #[inline]
    pub(crate) fn get(&self, slab: &Slab, id: u64) -> u32 {
        match self.page(id) {
            // Only what was left behind is in the hash index, so most ids that are closed end here.
            0 if id >> PAGE_BITS >= self.floor() => NIL,
            0 => self.get_old(slab, id),
            page => self.slots.get(place(page, id)).copied().unwrap_or(NIL),
        }
    }

    /// Notes where an order is kept that was not open.
    #[inline]
    pub(crate) fn set(&mut self, slab: &Slab, id: u64, slot: u32) {
        let page = match self.page(id) {
            0 => self.open_page(slab, id),
            page => page,
        };
        if page == 0 {
            self.set_old(slab, id, slot);
            return;
        }
        if let Some(entry) = self.slots.get_mut(place(page, id)) {
            *entry = slot;
        }
        if let Some(used) = self.used.get_mut(page.wrapping_sub(1) as usize) {
            *used = used.wrapping_add(1);
        }
    }

    /// Forgets an open order, which was kept in `slot`.
    #[inline]
    pub(crate) fn clear(&mut self, id: u64, slot: u32) {
        let page = self.page(id);
        if page == 0 {
            self.clear_old(id, slot);
            return;
        }
        if let Some(slot) = self.slots.get_mut(place(page, id)) {
            *slot = NIL;
        }
        if let Some(used) = self.used.get_mut(page.wrapping_sub(1) as usize) {
            *used = used.wrapping_sub(1);
            if *used == 0 {
                self.free.push(page);
                self.set_page(id, 0);
            }
        }
    }

    /// Bytes taken.
    pub(crate) fn memory_bytes(&self) -> usize {
        let words = self
            .directory
            .capacity()
            .saturating_add(self.slots.capacity());
        let words = words
            .saturating_add(self.free.capacity())
            .saturating_mul(size_of::<u32>());
        words
            .saturating_add(self.used.capacity())
            .saturating_add(self.old.memory_bytes())
    }

    /// The page of an id, 0 if it has none.
    #[inline]
    fn page(&self, id: u64) -> u32 {
        let at = (id >> PAGE_BITS).wrapping_sub(self.base) as usize;
        self.directory.get(at).copied().unwrap_or(0)
    }

    /// Number of the first page that was not left behind.
    #[inline]
    const fn floor(&self) -> u64 {
        self.base.wrapping_add(self.start as u64)
    }

    fn set_page(&mut self, id: u64, page: u32) {
        let at = (id >> PAGE_BITS).wrapping_sub(self.base) as usize;
        if let Some(entry) = self.directory.get_mut(at) {
            *entry = page;
        }
    }

    #[cold]
    #[inline(never)]
    fn get_old(&self, slab: &Slab, id: u64) -> u32 {
        let is_it = |slot| slab.hot(slot).id() == id;
        self.old.find(mixed(id), is_it).unwrap_or(NIL)
    }

    #[cold]
    #[inline(never)]
    fn clear_old(&mut self, id: u64, slot: u32) {
        self.old.remove(mixed(id), slot);
    }

    #[cold]
    #[inline(never)]
    fn set_old(&mut self, slab: &Slab, id: u64, slot: u32) {
        let hash_of = |slot| mixed(slab.hot(slot).id());
        self.old.insert(mixed(id), slot, hash_of);
    }

    /// Gives an id a page; 0 if it is older than what the directory still has.
    #[inline(never)]
    fn open_page(&mut self, slab: &Slab, id: u64) -> u32 {
        let number = id >> PAGE_BITS;
        // What was left behind stays behind: ids of one page are all in pages or all in the hash index.
        if number < self.floor() {
            return 0;
        }
        if !self.are_names {
            self.retire(slab, number);
            self.begin_anew(number);
        }
        let at = number.wrapping_sub(self.base) as usize;
        if at >= self.directory.len() {
            self.directory.resize(at.saturating_add(1), 0);
        }
        let page = match self.free.pop() {
            Some(page) => page,
            None => self.add_page(),
        };
        self.set_page(id, page);
        page
    }

    /// Takes what was left behind off the front of the directory, once that is half of it.
    fn begin_anew(&mut self, number: u64) {
        if self.start == self.directory.len() {
            self.directory.clear();
            self.base = number;
            self.start = 0;
        } else if self.start.wrapping_mul(2) >= self.directory.len() {
            self.directory.drain(..self.start);
            self.base = self.floor();
            self.start = 0;
        }
    }

    /// Leaves behind as many of the oldest pages as pages and directory would be too large with, for a page
    /// of ids with this number to be added.
    fn retire(&mut self, slab: &Slab, number: u64) {
        let most = (slab.live() as usize).saturating_mul(IDS_PER_ORDER) >> PAGE_BITS;
        let most = most.max(KEPT_PAGES);
        while let Some(page) = self.directory.get(self.start).copied() {
            let pages = self.used.len().saturating_sub(self.free.len());
            let first = self.floor();
            let span = number.saturating_sub(first);
            let widest = pages.saturating_mul(8).saturating_add(KEPT_ENTRIES) as u64;
            if pages < most && span < widest {
                return;
            }
            if page != 0 {
                self.give_up(slab, first, page);
            }
            self.start = self.start.saturating_add(1);
        }
    }

    /// Moves the orders of a page into the hash index.
    #[cold]
    fn give_up(&mut self, slab: &Slab, number: u64, page: u32) {
        let first = number << PAGE_BITS;
        for id in first..first.saturating_add(PAGE as u64) {
            let slot = self.slots.get_mut(place(page, id));
            let slot = slot.map_or(NIL, core::mem::take);
            if slot != NIL {
                self.set_old(slab, id, slot);
            }
        }
        self.set_page(first, 0);
        if let Some(used) = self.used.get_mut(page.wrapping_sub(1) as usize) {
            *used = 0;
            self.free.push(page);
        }
    }

    /// Pages are counted from 1; a page's entries are all 0 when it is free.
    fn add_page(&mut self) -> u32 {
        let len = self.slots.len().saturating_add(PAGE);
        if len > self.slots.capacity() {
            let more = self.slots.len() >> 3;
            self.slots.reserve_exact(more.max(PAGE));
        }
        self.slots.resize(len, NIL);
        self.used.push(0);
        u32::try_from(self.used.len()).unwrap_or(0)
    }
}

#[inline]
const fn place(page: u32, id: u64) -> usize {
    (((page as usize) << PAGE_BITS) | (id as usize & (PAGE - 1))).wrapping_sub(PAGE)
}

/// Spreads ids over the index of old ones; their owners do not choose them.
#[inline]
const fn mixed(id: u64) -> u64 {
    let wide = ((id ^ 0x243F_6A88_85A3_08D3) as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((wide >> 64) as u64) ^ (wide as u64)
}
