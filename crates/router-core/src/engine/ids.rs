//! From order ids, which are dense per instrument, to slots: 4 bytes per id in pages that are used
//! again when no order of a page is left.

const PAGE_BITS: u32 = 7;
const PAGE: usize = 1 << PAGE_BITS;

/// Index of the open orders of one instrument.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdIndex {
    directory: Vec<u32>,
    slots: Vec<u32>,
    used: Vec<u8>,
    free: Vec<u32>,
}

impl IdIndex {
    /// The slot of an order, 0 if it is not open.
    #[inline]
    pub(crate) fn get(&self, id: u64) -> u32 {
        let page = match self.directory.get((id >> PAGE_BITS) as usize) {
            Some(page) if *page != 0 => *page,
            Some(_) | None => return 0,
        };
        self.slots.get(place(page, id)).copied().unwrap_or(0)
    }

    /// Notes where an order is kept that was not open.
    #[inline]
    pub(crate) fn set(&mut self, id: u64, slot: u32) {
        let page = match self.directory.get((id >> PAGE_BITS) as usize) {
            Some(page) if *page != 0 => *page,
            Some(_) | None => self.open_page(id),
        };
        if let Some(entry) = self.slots.get_mut(place(page, id)) {
            *entry = slot;
        }
        if let Some(used) = self.used.get_mut(page as usize) {
            *used = used.wrapping_add(1);
        }
    }

    /// Forgets an open order.
    #[inline]
    pub(crate) fn clear(&mut self, id: u64) {
        let Some(entry) = self.directory.get_mut((id >> PAGE_BITS) as usize) else {
            return;
        };
        let page = *entry;
        if page == 0 {
            return;
        }
        if let Some(slot) = self.slots.get_mut(place(page, id)) {
            *slot = 0;
        }
        if let Some(used) = self.used.get_mut(page as usize) {
            *used = used.wrapping_sub(1);
            if *used == 0 {
                *entry = 0;
                self.free.push(page);
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
        words.saturating_add(self.used.capacity())
    }

    #[inline(never)]
    fn open_page(&mut self, id: u64) -> u32 {
        let at = (id >> PAGE_BITS) as usize;
        if self.directory.len() <= at {
            self.directory.resize(at.saturating_add(1), 0);
        }
        let page = match self.free.pop() {
            Some(page) => page,
            None => self.add_page(),
        };
        if let Some(entry) = self.directory.get_mut(at) {
            *entry = page;
        }
        page
    }

    /// Pages are counted from 1, so that 0 means none; a page's entries are all 0 when it is free.
    fn add_page(&mut self) -> u32 {
        if self.used.is_empty() {
            self.used.push(0);
            self.slots.resize(PAGE, 0);
        }
        let page = self.used.len();
        if self.slots.len() == self.slots.capacity() {
            self.slots
                .reserve_exact((self.slots.len() >> 2).max(PAGE << 3));
        }
        self.slots.resize(self.slots.len().saturating_add(PAGE), 0);
        self.used.push(0);
        u32::try_from(page).unwrap_or(0)
    }
}

#[inline]
const fn place(page: u32, id: u64) -> usize {
    ((page as usize) << PAGE_BITS) | (id as usize & (PAGE - 1))
}
