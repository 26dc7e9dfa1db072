//! Looking at the books from outside.

use super::ladder::Level;
use super::rules::Side;
use super::slab::{flag, Slot};
use super::submit::Engine;

/// What a price level shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthLevel {
    /// Ticks.
    pub price: i64,
    /// Displayed lots.
    pub qty: u64,
    /// Orders.
    pub count: u32,
}

/// A resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its id.
    pub id: u64,
    /// Owner.
    pub account: u32,
    /// Ticks.
    pub price: i64,
    /// Displayed lots.
    pub displayed: u64,
    /// Open lots.
    pub open: u64,
}

impl Engine {
    /// The levels of one side, best first; none of an instrument that does not exist.
    pub fn depth(&self, instrument: u32, side: Side) -> impl Iterator<Item = DepthLevel> + '_ {
        let ladder = self
            .books
            .get(instrument as usize)
            .map(|book| book.side(side));
        ladder.into_iter().flat_map(|ladder| {
            ladder
                .iter()
                .map(|(key, level)| depth_level(ladder.key(key), level))
        })
    }

    /// The best level of one side.
    #[must_use]
    pub fn best(&self, instrument: u32, side: Side) -> Option<DepthLevel> {
        let ladder = self.books.get(instrument as usize)?.side(side);
        let level = ladder.level(ladder.best_key())?;
        Some(depth_level(ladder.best_price()?, level))
    }

    /// The level at a price, if any order rests there.
    #[must_use]
    pub fn level(&self, instrument: u32, side: Side, price: i64) -> Option<DepthLevel> {
        let ladder = self.books.get(instrument as usize)?.side(side);
        let price = u32::try_from(price)
            .ok()
            .filter(|price| *price <= super::MAX_PRICE as u32)?;
        let level = ladder
            .level(ladder.key(price))
            .filter(|level| level.count != 0)?;
        Some(depth_level(price, level))
    }

    /// The resting orders of one side, best level first, each level head first.
    pub fn orders(&self, instrument: u32, side: Side) -> impl Iterator<Item = RestingOrder> + '_ {
        let book = self.books.get(instrument as usize);
        book.into_iter().flat_map(move |book| {
            book.side(side).iter().flat_map(move |(key, _)| {
                book.queue(side, key).map(move |slot| {
                    let order = book.slab.hot(slot);
                    resting(order, book.shown(slot))
                })
            })
        })
    }

    /// Open orders of all instruments: resting, armed, parked and pending.
    #[must_use]
    pub const fn open_orders(&self) -> u32 {
        self.shared.open_orders
    }

    /// Instruments that were added.
    #[must_use]
    pub fn instruments(&self) -> u32 {
        u32::try_from(self.books.len()).unwrap_or(u32::MAX)
    }

    /// Bytes taken by all state.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let books: usize = self.books.iter().map(super::book::Book::memory_bytes).sum();
        books
            .saturating_add(
                self.books
                    .capacity()
                    .saturating_mul(size_of::<super::book::Book>()),
            )
            .saturating_add(self.shared.funds.memory_bytes())
            .saturating_add(self.shared.accounts.memory_bytes())
            .saturating_add(self.shared.clients.memory_bytes())
            .saturating_add(self.shared.expiry.memory_bytes())
    }
}

fn depth_level(price: u32, level: &Level) -> DepthLevel {
    DepthLevel {
        price: i64::from(price),
        qty: level.qty,
        count: level.count,
    }
}

fn resting(order: &Slot, shown: u64) -> RestingOrder {
    let displayed = if order.flags() & flag::ICEBERG == 0 {
        order.open
    } else {
        shown
    };
    RestingOrder {
        id: order.id(),
        account: order.account,
        price: i64::from(order.price()),
        displayed,
        open: order.open,
    }
}
