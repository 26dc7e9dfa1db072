//! Orders, fills and what became of an order.

use std::fmt;

/// The side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Pays quote for base.
    Buy,
    /// Pays base for quote.
    Sell,
}

impl Side {
    /// Returns the side an order of this side trades with.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// How long and at which price an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Trades up to its price, the rest stays in the book.
    Limit,
    /// Trades at any price, the rest is canceled.
    Market,
    /// Immediate or cancel: trades up to its price, the rest is canceled.
    Ioc,
    /// Fill or kill: trades wholly up to its price or not at all.
    Fok,
    /// Stays in the book or is rejected; it never takes.
    PostOnly,
}

/// An order as it arrives, without its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// Buy or sell.
    pub side: Side,
    /// Limit, market, IOC, FOK or post-only.
    pub kind: Kind,
    /// Worst acceptable price; ignored by market orders, above zero for all others.
    pub price_ticks: u64,
    /// Size; above zero.
    pub lots: u64,
}

impl Order {
    /// Says whether this order trades with a resting order at `price_ticks`.
    #[must_use]
    pub const fn accepts(&self, price_ticks: u64) -> bool {
        match (self.kind, self.side) {
            (Kind::Market, _) => true,
            (_, Side::Buy) => price_ticks <= self.price_ticks,
            (_, Side::Sell) => price_ticks >= self.price_ticks,
        }
    }

    pub(super) const fn check(&self) -> Result<(), OrderInvalid> {
        if self.lots == 0 {
            return Err(OrderInvalid("The order has no lots."));
        }
        if self.price_ticks == 0 && !matches!(self.kind, Kind::Market) {
            return Err(OrderInvalid("The order has no price."));
        }
        Ok(())
    }
}

/// One trade of a taker with a resting order, at the resting order's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fill {
    /// The resting order.
    pub maker_order_id: u64,
    /// Its price.
    pub price_ticks: u64,
    /// Lots traded.
    pub lots: u64,
    /// Lots of the resting order that still rest.
    pub maker_remaining_lots: u64,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// All lots traded.
    Filled,
    /// Some lots traded; the others rest or were canceled.
    PartlyFilled,
    /// No lot traded, all rest.
    Resting,
    /// No lot traded, none rests.
    Canceled,
    /// Refused by its own terms; the book is as before.
    Rejected,
}

/// Why lots were neither filled nor left resting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A post-only order would have taken.
    WouldCross,
    /// A fill-or-kill order could not be filled wholly.
    NotFillable,
    /// The book holds nothing more at an acceptable price.
    NoLiquidity,
}

/// The outcome of an order: `filled_lots + resting_lots + canceled_lots` are its lots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What became of the order.
    pub status: Status,
    /// Why lots were canceled, if any were.
    pub reason: Option<Reason>,
    /// The trades, in the order they happened.
    pub fills: Vec<Fill>,
    /// Lots traded.
    pub filled_lots: u64,
    /// Lots that stay in the book.
    pub resting_lots: u64,
    /// Lots that were neither filled nor left resting.
    pub canceled_lots: u64,
}

/// An order that is not well formed; the text says which rule it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderInvalid(pub(super) &'static str);

impl OrderInvalid {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        "ORDER_INVALID"
    }

    /// Returns one sentence for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for OrderInvalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for OrderInvalid {}
