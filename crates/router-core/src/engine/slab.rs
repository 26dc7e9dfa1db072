//! Where open orders are kept: 32 hot bytes that matching reads, 28 cold bytes that it does not, and a
//! sparse part for the orders that are more than a price and a quantity.
//!
//! Slot 0 is never an order, so that 0 means none everywhere. Freed slots are used again last in, first
//! out: the hot set is the size of the live orders, not of all ids ever issued.

use bytemuck::{Pod, Zeroable};

use super::image::LinkImage;
use super::roster::{NOBODY, PAGE_BITS};
use super::rules::{OrderType, PegKind, Side, StpMode, Tif};

/// No slot.
pub(crate) const NIL: u32 = 0;
/// Slots that a book makes room for at first, and at most as long as it doubles.
const FIRST_SLOTS: usize = 15;
const MOST_DOUBLED: usize = 65_536;

/// Bits of [`Slot::flags`]. Bits 0..3 are the STP mode, 3..6 the time in force, 6..9 the type.
pub(crate) mod flag {
    /// Self-trade prevention mode.
    pub(crate) const STP: u16 = 7;
    /// Where the time in force begins.
    pub(crate) const TIF_SHIFT: u32 = 3;
    /// Where the type begins.
    pub(crate) const TYPE_SHIFT: u32 = 6;
    /// Post-only.
    pub(crate) const POST_ONLY: u16 = 1 << 9;
    /// Slides instead of being refused.
    pub(crate) const SLIDE: u16 = 1 << 10;
    /// Reduce-only.
    pub(crate) const REDUCE_ONLY: u16 = 1 << 11;
    /// Looks at the mark price.
    pub(crate) const MARK: u16 = 1 << 12;
    /// Shows less than it has.
    pub(crate) const ICEBERG: u16 = 1 << 13;
    /// Has partners: the link in its [`super::Exotic`] is not `None`.
    pub(crate) const LINKED: u16 = 1 << 14;
    /// Has an [`super::Exotic`].
    pub(crate) const EXOTIC: u16 = 1 << 15;
    /// A maker with one of these needs more than the plain path.
    pub(crate) const MAKER_EXTRAS: u16 = REDUCE_ONLY | ICEBERG | LINKED | EXOTIC;
}

/// What matching reads of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Slot {
    tag: u64,
    /// Open lots.
    pub(crate) open: u64,
    price_side: u32,
    /// Order in front in the level.
    pub(crate) prev: u32,
    /// Order behind in the level; next free slot of a free one.
    pub(crate) next: u32,
    /// Owner.
    pub(crate) account: u32,
}

impl Slot {
    /// A slot that is in no level.
    #[inline]
    pub(crate) const fn new(
        id: u64,
        flags: u16,
        side: Side,
        price: u32,
        open: u64,
        account: u32,
    ) -> Self {
        Self {
            tag: (id << 16) | flags as u64,
            open,
            price_side: (price << 1) | side as u32,
            prev: NIL,
            next: NIL,
            account,
        }
    }

    /// Order id, below 2^48.
    #[inline]
    pub(crate) const fn id(&self) -> u64 {
        self.tag >> 16
    }

    /// Bits of [`flag`].
    #[inline]
    pub(crate) const fn flags(&self) -> u16 {
        (self.tag & 0xFFFF) as u16
    }

    /// Replaces the flags.
    pub(crate) fn set_flags(&mut self, flags: u16) {
        self.tag = (self.tag & !0xFFFF) | u64::from(flags);
    }

    /// Price of its level, or of an order that does not rest its limit or protection; 0 = none.
    #[inline]
    pub(crate) const fn price(&self) -> u32 {
        self.price_side >> 1
    }

    /// Sets the price.
    #[inline]
    pub(crate) fn set_price(&mut self, price: u32) {
        self.price_side = (price << 1) | (self.price_side & 1);
    }

    /// Side.
    #[inline]
    pub(crate) const fn side(&self) -> Side {
        if self.price_side & 1 == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// STP mode as given.
    #[inline]
    pub(crate) fn stp(&self) -> StpMode {
        StpMode::from_number((self.flags() & flag::STP) as u8).unwrap_or(StpMode::None)
    }

    /// Time in force as given.
    pub(crate) fn tif(&self) -> Tif {
        Tif::from_number(((self.flags() >> flag::TIF_SHIFT) & 7) as u8).unwrap_or(Tif::Gtc)
    }

    /// Type as given.
    pub(crate) fn order_type(&self) -> OrderType {
        OrderType::from_number(((self.flags() >> flag::TYPE_SHIFT) & 7) as u8)
            .unwrap_or(OrderType::Limit)
    }

    /// True if every bit of `bits` is set.
    #[inline]
    pub(crate) const fn has(&self, bits: u16) -> bool {
        self.flags() & bits == bits
    }
}

/// What matching does not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, packed(4))]
pub(crate) struct Cold {
    /// Lots in all: open ones and filled ones.
    pub(crate) total: u64,
    /// The instrument's number of rests when it last went to a tail.
    pub(crate) priority: u64,
    /// Number of the owner's id among the known client ids, 0 = none.
    pub(crate) client: u32,
    /// Index of its [`Exotic`], 0 = none.
    pub(crate) exotic: u32,
    /// Session token, 0 = none.
    pub(crate) session: u32,
}

/// Where an order is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It matches now, or is about to: in no structure but the ids.
    #[default]
    Acting,
    /// In a level.
    Resting,
    /// Waits for its trigger.
    Armed,
    /// Waits for the head of its bracket.
    Pending,
    /// A pegged order without a price.
    Parked,
}

/// What only few orders have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exotic {
    /// Where the order is.
    pub(crate) stage: Stage,
    /// What it follows.
    pub(crate) peg: PegKind,
    /// Cap of a pegged order, ticks, 0 = none; its slot has the price of the level.
    pub(crate) cap: u32,
    /// Lots that an iceberg shows at a time.
    pub(crate) display: u32,
    /// Lots that an iceberg shows now, 0 when it does not rest.
    pub(crate) displayed: u64,
    /// Trigger price, trailing distance or peg offset.
    pub(crate) trigger: i64,
    /// Good-till date, seconds, 0 = none.
    pub(crate) expire_s: u32,
    /// Partners.
    pub(crate) link: LinkImage,
}

impl Default for Exotic {
    fn default() -> Self {
        Self {
            stage: Stage::Acting,
            peg: PegKind::None,
            cap: 0,
            display: 0,
            displayed: 0,
            trigger: 0,
            expire_s: 0,
            link: LinkImage::None,
        }
    }
}

/// The orders of one instrument.
#[derive(Clone, Debug)]
pub(crate) struct Slab {
    hot: Vec<Slot>,
    cold: Vec<Cold>,
    free: u32,
    live: u32,
    exotics: Vec<Exotic>,
    free_exotics: Vec<u32>,
    /// First handle of each page of slots, for the lists of the accounts.
    handles: Vec<u32>,
}

static NO_SLOT: Slot = Slot {
    tag: 0,
    open: 0,
    price_side: 0,
    prev: NIL,
    next: NIL,
    account: 0,
};
static NO_COLD: Cold = Cold {
    total: 0,
    priority: 0,
    client: 0,
    exotic: 0,
    session: 0,
};

impl Slab {
    pub(crate) fn new() -> Self {
        Self {
            hot: vec![NO_SLOT],
            cold: vec![NO_COLD],
            free: NIL,
            live: 0,
            exotics: vec![Exotic::default()],
            free_exotics: Vec::new(),
            handles: Vec::new(),
        }
    }

    /// The slot, or the empty one if there is none there.
    #[inline]
    pub(crate) fn hot(&self, slot: u32) -> &Slot {
        self.hot.get(slot as usize).unwrap_or(&NO_SLOT)
    }

    /// The slot, to change it.
    #[inline]
    pub(crate) fn hot_mut(&mut self, slot: u32) -> Option<&mut Slot> {
        self.hot.get_mut(slot as usize)
    }

    /// The cold part, or the empty one if there is none there.
    #[inline]
    pub(crate) fn cold(&self, slot: u32) -> &Cold {
        self.cold.get(slot as usize).unwrap_or(&NO_COLD)
    }

    /// The cold part, to change it.
    #[inline]
    pub(crate) fn cold_mut(&mut self, slot: u32) -> Option<&mut Cold> {
        self.cold.get_mut(slot as usize)
    }

    /// The exotic part of an order that has one.
    pub(crate) fn exotic(&self, slot: u32) -> Option<&Exotic> {
        match self.cold(slot).exotic {
            0 => None,
            index => self.exotics.get(index as usize),
        }
    }

    /// The exotic part, to change it.
    pub(crate) fn exotic_mut(&mut self, slot: u32) -> Option<&mut Exotic> {
        match self.cold(slot).exotic {
            0 => None,
            index => self.exotics.get_mut(index as usize),
        }
    }

    /// Orders that are kept.
    #[inline]
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// Takes a slot for an order.
    #[inline]
    pub(crate) fn insert(&mut self, slot: Slot, cold: Cold) -> u32 {
        self.live = self.live.wrapping_add(1);
        let at = self.free;
        if at != NIL {
            if let (Some(hot), Some(rest)) = (
                self.hot.get_mut(at as usize),
                self.cold.get_mut(at as usize),
            ) {
                self.free = hot.next;
                *hot = slot;
                *rest = cold;
                return at;
            }
        }
        self.push(slot, cold)
    }

    #[inline(never)]
    fn push(&mut self, slot: Slot, cold: Cold) -> u32 {
        let at = self.hot.len();
        if at == self.hot.capacity() {
            // Books double while they are small, and take an eighth more when they are large.
            let more = if at < MOST_DOUBLED {
                at.max(FIRST_SLOTS)
            } else {
                at >> 3
            };
            self.hot.reserve_exact(more);
            self.cold.reserve_exact(more);
        }
        self.hot.push(slot);
        self.cold.push(cold);
        u32::try_from(at).unwrap_or(NIL)
    }

    /// Puts a slot behind another in a queue; behind slot 0 it is the first.
    #[inline]
    pub(crate) fn chain(&mut self, before: u32, slot: u32) {
        if let Some(last) = self.hot.get_mut(before as usize) {
            last.next = slot;
        }
        if let Some(own) = self.hot.get_mut(slot as usize) {
            own.prev = before;
            own.next = NIL;
        }
    }

    /// Gives an order an exotic part and the flag for it.
    pub(crate) fn attach(&mut self, slot: u32, exotic: Exotic) {
        let index = match self.free_exotics.pop() {
            Some(index) => index,
            None => {
                self.exotics.push(Exotic::default());
                u32::try_from(self.exotics.len().saturating_sub(1)).unwrap_or(0)
            }
        };
        if let Some(place) = self.exotics.get_mut(index as usize) {
            *place = exotic;
        }
        if let Some(cold) = self.cold.get_mut(slot as usize) {
            cold.exotic = index;
        }
        if let Some(hot) = self.hot.get_mut(slot as usize) {
            hot.set_flags(hot.flags() | flag::EXOTIC);
        }
    }

    /// Frees the slot of an order that is in no level any more.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) {
        if slot == NIL {
            return;
        }
        if let Some(hot) = self.hot.get_mut(slot as usize) {
            if hot.flags() & flag::EXOTIC != 0 {
                if let Some(cold) = self.cold.get_mut(slot as usize) {
                    self.free_exotics.push(cold.exotic);
                    cold.exotic = 0;
                }
            }
            hot.tag = 0;
            hot.next = self.free;
            self.free = slot;
            self.live = self.live.wrapping_sub(1);
        }
    }

    /// The number of a slot among those of all books, [`NOBODY`] if its page has no numbers yet.
    #[inline]
    pub(crate) fn handle(&self, slot: u32) -> u32 {
        match self.handles.get((slot >> PAGE_BITS) as usize) {
            None | Some(&NOBODY) => NOBODY,
            Some(first) => first | (slot & ((1 << PAGE_BITS) - 1)),
        }
    }

    /// Numbers the slots of the page of `slot` from `first` on, a multiple of the page's size.
    pub(crate) fn set_handles(&mut self, slot: u32, first: u32) {
        let page = (slot >> PAGE_BITS) as usize;
        if self.handles.len() <= page {
            self.handles.resize(page.saturating_add(1), NOBODY);
        }
        if let Some(entry) = self.handles.get_mut(page) {
            *entry = first;
        }
    }

    /// Every kept order with its slot, in order of slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Slot)> {
        (0u32..)
            .zip(self.hot.iter())
            .filter(|(_, slot)| slot.tag != 0)
    }

    /// Bytes taken.
    pub(crate) fn memory_bytes(&self) -> usize {
        let pairs = self.hot.capacity().saturating_mul(size_of::<Slot>());
        let cold = self.cold.capacity().saturating_mul(size_of::<Cold>());
        let exotic = self.exotics.capacity().saturating_mul(size_of::<Exotic>());
        let handles = self.handles.capacity().saturating_mul(size_of::<u32>());
        pairs
            .saturating_add(cold)
            .saturating_add(exotic)
            .saturating_add(handles)
    }
}
