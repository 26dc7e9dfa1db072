//! An order on its way through the book.

use super::rules::{Side, StpMode};
use super::slab::NIL;

/// An order that arrives: new, amended, fired or activated.
///
/// On funded instruments a taker holds nothing: whoever brings an order that had a hold into the book
/// frees it first. What rests is held anew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    /// Order id.
    pub(crate) id: u64,
    /// Open lots; unused with a budget.
    pub(crate) open: u64,
    /// Lots in all.
    pub(crate) total: u64,
    /// Quote amount left, tick-lots, of an order by quote amount.
    pub(crate) budget: u64,
    /// Owner's id, 0 = none.
    pub(crate) client_id: u64,
    /// Owner.
    pub(crate) account: u32,
    /// Trade group of the owner, 0 = none.
    pub(crate) group: u32,
    /// Its slot, 0 if it gets one only when it rests.
    pub(crate) slot: u32,
    /// Price to rest at, to be shown in events; 0 = none.
    pub(crate) price: u32,
    /// Worst acceptable key of the opposite side.
    pub(crate) limit_key: u32,
    /// Session token, 0 = none.
    pub(crate) session: u32,
    /// Bits of [`super::slab::flag`].
    pub(crate) flags: u16,
    /// Side.
    pub(crate) side: Side,
    /// Self-trade prevention.
    pub(crate) stp: StpMode,
    /// Trades by quote amount.
    pub(crate) by_quote: bool,
    /// What is left rests.
    pub(crate) rests: bool,
}

impl Taker {
    /// True if the order has a slot already.
    pub(crate) const fn has_slot(&self) -> bool {
        self.slot != NIL
    }

    /// What is left: open lots, or budget.
    #[inline]
    pub(crate) const fn leaves(&self) -> u64 {
        if self.by_quote {
            self.budget
        } else {
            self.open
        }
    }
}
