//! One book on its own: limit orders under names that the caller gives, without accounts, funds, rules
//! or sequence. Same queues and same matching as the engine's; what is missing is everything before
//! and after. For benchmarks that know no more than that.

use super::accounts::Accounts;
use super::book::{Book, Shared, Terms};
use super::clients::Clients;
use super::event::{EventRecord, Sink};
use super::expiry::Expiry;
use super::funds::Funds;
use super::ids::IdIndex;
use super::rules::{Limits, Phase, Rules, Side, StpMode, MAX_PRICE};
use super::slab::NIL;
use super::taker::Taker;
use super::view::DepthLevel;

/// A limit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainOrder {
    /// Name, below 2^32, of no order that rests.
    pub id: u64,
    /// Side.
    pub side: Side,
    /// Ticks, 1..=[`super::MAX_PRICE`].
    pub price: u32,
    /// Lots, 1 or more.
    pub qty: u64,
    /// Whether what does not fill at once rests, or is cancelled.
    pub rests: bool,
}

/// A single book.
#[derive(Clone, Debug)]
pub struct PlainBook {
    book: Book,
    shared: Shared,
}

impl Default for PlainBook {
    fn default() -> Self {
        let terms = Terms {
            id: 0,
            base_asset: 0,
            quote_asset: 0,
            lot_units: 1,
            tick_units: 1,
            funded: false,
            positions: false,
        };
        let mut book = Book::new(terms, Rules::default());
        book.phase = Phase::Continuous;
        book.ids = IdIndex::of_names();
        let shared = Shared {
            limits: Limits::default(),
            sequence: 0,
            now_ns: 0,
            open_orders: 0,
            listed: false,
            funds: Funds::default(),
            accounts: Accounts::default(),
            clients: Clients::default(),
            expiry: Expiry::default(),
        };
        Self { book, shared }
    }
}

impl PlainBook {
    /// Lets an order trade, and what is left of it rest or be cancelled. Events are those of the
    /// engine after acceptance: `Trade`, then `Rested` or `Cancelled`.
    #[inline]
    pub fn offer<S: Sink>(&mut self, order: &PlainOrder, out: &mut S) {
        let opposite = self.book.side(order.side.opposite());
        let mut taker = Taker {
            id: order.id,
            open: order.qty,
            total: order.qty,
            budget: 0,
            client_id: 0,
            account: 0,
            group: 0,
            slot: NIL,
            price: order.price,
            limit_key: opposite.key(order.price),
            session: 0,
            flags: 0,
            side: order.side,
            stp: StpMode::None,
            by_quote: false,
            rests: order.rests,
        };
        self.book.act(&mut self.shared, &mut taker, out);
    }

    /// Takes a resting order out and returns what was left of it.
    #[inline]
    pub fn take_out(&mut self, id: u64) -> Option<PlainOrder> {
        let slot = self.book.slot_of(id);
        if slot == NIL {
            return None;
        }
        let order = *self.book.slab.hot(slot);
        self.book
            .drop_order(&mut self.shared, slot, order.open, &mut Nobody);
        Some(PlainOrder {
            id,
            side: order.side(),
            price: order.price(),
            qty: order.open,
            rests: true,
        })
    }

    /// True if an order of that name rests.
    #[inline]
    #[must_use]
    pub fn rests(&self, id: u64) -> bool {
        self.book.slot_of(id) != NIL
    }

    /// The best level of one side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<DepthLevel> {
        let ladder = self.book.side(side);
        self.level(side, i64::from(ladder.best_price()?))
    }

    /// The level at a price, if any order rests there.
    #[must_use]
    pub fn level(&self, side: Side, price: i64) -> Option<DepthLevel> {
        let ladder = self.book.side(side);
        let key = ladder.key(u32::try_from(price).ok().filter(|_| price <= MAX_PRICE)?);
        let level = ladder.level(key).filter(|level| level.count != 0)?;
        Some(DepthLevel {
            price,
            qty: level.qty,
            count: level.count,
        })
    }
}

/// Hears nothing: a plain order that is taken out has no partners to tell.
struct Nobody;

impl Sink for Nobody {
    #[inline]
    fn event(&mut self, _: EventRecord) {}
}
