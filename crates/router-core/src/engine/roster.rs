//! Which open orders an account has, over all instruments: one list per account, newest first.
//!
//! A list runs through orders of many books, so its links lie beside the books, under *handles*: slots
//! of all books are numbered together, in pages that a book adopts when it first uses such a slot.
//! 8 bytes per slot, and what leads to and from handles takes less than a quarter of a byte.

use super::slab::Slab;

/// No handle; also the place of writes that have no neighbour to go to.
pub(crate) const NOBODY: u32 = 0;
/// Slots of a page, as a power of two.
pub(crate) const PAGE_BITS: u32 = 6;
const PAGE: usize = 1 << PAGE_BITS;
const IN_PAGE: u32 = (1 << PAGE_BITS) - 1;

/// Neighbours in the list of an account.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    newer: u32,
    older: u32,
}

/// The lists of all accounts; where one begins is kept with the account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    links: Vec<Link>,
    /// Instrument and slot of the first handle of each page.
    pages: Vec<(u32, u32)>,
}

impl Roster {
    /// Puts an order in front of a list that begins at `head`, and returns where it begins now.
    #[inline]
    pub(crate) fn enlist(&mut self, slab: &mut Slab, instrument: u32, slot: u32, head: u32) -> u32 {
        let mut handle = slab.handle(slot);
        if handle == NOBODY {
            handle = self.adopt(slab, instrument, slot);
        }
        if let Some(old) = self.links.get_mut(head as usize) {
            old.newer = handle;
        }
        if let Some(own) = self.links.get_mut(handle as usize) {
            *own = Link {
                newer: NOBODY,
                older: head,
            };
        }
        handle
    }

    /// Takes an order out of the list that begins at `head`, and returns where it begins now.
    #[inline]
    pub(crate) fn strike(&mut self, slab: &Slab, slot: u32, head: u32) -> u32 {
        let handle = slab.handle(slot);
        let own = self.links.get(handle as usize).copied().unwrap_or_default();
        if let Some(newer) = self.links.get_mut(own.newer as usize) {
            newer.older = own.older;
        }
        if let Some(older) = self.links.get_mut(own.older as usize) {
            older.newer = own.newer;
        }
        if handle == head {
            own.older
        } else {
            head
        }
    }

    /// The neighbours of a handle, read early.
    #[inline]
    pub(crate) fn peek(&self, handle: u32) -> (u32, u32) {
        let link = self.links.get(handle as usize);
        link.map_or((NOBODY, NOBODY), |link| (link.newer, link.older))
    }

    /// Instruments and slots of a list.
    pub(crate) fn orders(&self, head: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let own = |handle: u32| (handle != NOBODY).then_some(handle);
        let handles = core::iter::successors(own(head), move |handle| {
            own(self.links.get(*handle as usize)?.older)
        });
        handles.filter_map(|handle| {
            let (instrument, first) = self.pages.get((handle >> PAGE_BITS) as usize)?;
            Some((*instrument, first | (handle & IN_PAGE)))
        })
    }

    /// Bytes taken.
    pub(crate) fn memory_bytes(&self) -> usize {
        let links = self.links.capacity().saturating_mul(size_of::<Link>());
        let pages = self
            .pages
            .capacity()
            .saturating_mul(size_of::<(u32, u32)>());
        links.saturating_add(pages)
    }

    /// Gives the page of a slot its handles. The first page has none to give, for handle 0 is nobody's.
    #[cold]
    #[inline(never)]
    fn adopt(&mut self, slab: &mut Slab, instrument: u32, slot: u32) -> u32 {
        if self.pages.is_empty() {
            self.add_page((0, 0));
        }
        let first = u32::try_from(self.links.len()).unwrap_or(NOBODY);
        self.add_page((instrument, slot & !IN_PAGE));
        slab.set_handles(slot, first);
        slab.handle(slot)
    }

    fn add_page(&mut self, page: (u32, u32)) {
        let len = self.links.len().saturating_add(PAGE);
        if len > self.links.capacity() {
            let more = (self.links.len() >> 3).max(PAGE);
            self.links.reserve_exact(more);
        }
        self.links.resize(len, Link::default());
        self.pages.push(page);
    }
}
