//! What the twin remembers: plain maps and queues, one field per word of the rules.

use std::collections::{BTreeMap, VecDeque};

use router_core::engine::{order_flags, OrderType, PegKind, Phase, Rules, Side, StpMode, Tif};

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It acts now.
    Acting,
    /// It waits in the queue of a price level.
    Resting,
    /// It waits for its trigger.
    Armed,
    /// Its trigger was met and its turn has not come.
    Firing,
    /// A peg without a price.
    Parked,
    /// An exit of a bracket that waits for its head, or for continuous trading after it.
    Pending,
}

/// How an order hangs together with others of its instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// It stands alone.
    None,
    /// One of a pair of which only one may trade.
    Pair { sibling: u64 },
    /// The head of a bracket.
    Head { profit: u64, stop: u64 },
    /// An exit that has not come to life; its head may be done.
    Exit { head: u64, sibling: u64 },
}

/// An open order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) account: u32,
    pub(crate) client_id: u64,
    pub(crate) session: u32,
    pub(crate) side: Side,
    pub(crate) kind: OrderType,
    pub(crate) tif: Tif,
    pub(crate) stp: StpMode,
    pub(crate) peg: PegKind,
    /// Bits of `order_flags`.
    pub(crate) flags: u16,
    /// Limit, protection price or cap; 0 when there is none.
    pub(crate) price: i64,
    /// The level in which it rests; differs from `price` for pegs.
    pub(crate) level: i64,
    /// Trigger price, trailing distance or peg offset.
    pub(crate) trigger: i64,
    /// The best reference a trailing stop saw.
    pub(crate) watermark: Option<i64>,
    pub(crate) expire_s: u32,
    /// Lots an iceberg shows at a time; 0 = plain.
    pub(crate) display: u32,
    pub(crate) filled: u64,
    /// Open lots; the open budget of a quote order.
    pub(crate) open: u64,
    /// Lots that are shown; all open ones unless it is an iceberg.
    pub(crate) shown: u64,
    pub(crate) priority: u64,
    pub(crate) place: Place,
    pub(crate) link: Link,
    /// Units held for it.
    pub(crate) hold: u128,
}

/// The queues of one side by price.
pub(crate) type Levels = BTreeMap<i64, VecDeque<u64>>;

/// One instrument.
#[derive(Debug, Clone)]
pub(crate) struct Instrument {
    pub(crate) base: u32,
    pub(crate) quote: u32,
    pub(crate) lot_units: u64,
    pub(crate) tick_units: u64,
    pub(crate) funded: bool,
    pub(crate) positions: bool,
    pub(crate) rules: Rules,
    pub(crate) phase: Phase,
    /// 0 = unknown.
    pub(crate) last: i64,
    /// 0 = unknown.
    pub(crate) mark: i64,
    pub(crate) next_id: u64,
    /// Orders that went to a tail so far.
    pub(crate) rests: u64,
    pub(crate) bids: Levels,
    pub(crate) asks: Levels,
    pub(crate) orders: BTreeMap<u64, Order>,
    pub(crate) net: BTreeMap<u32, i64>,
}

/// The settings of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) tier: u32,
    pub(crate) group: u32,
    pub(crate) killed: bool,
}

/// The money of one account in one asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) available: u128,
    pub(crate) held: u128,
}

/// What a client id stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) account: u32,
    pub(crate) client_id: u64,
    pub(crate) instrument: u32,
    pub(crate) order: u64,
    pub(crate) time_ns: u64,
}

impl Order {
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Whether what does not trade may stay.
    pub(crate) fn lasts(&self) -> bool {
        matches!(self.tif, Tif::Gtc | Tif::Gtd | Tif::Day)
    }

    /// The price that events of its end name.
    pub(crate) fn event_price(&self) -> i64 {
        match self.place {
            Place::Resting => self.level,
            Place::Parked => 0,
            Place::Acting | Place::Armed | Place::Firing | Place::Pending => self.price,
        }
    }

    /// What its trigger is now; `None` while a trailing stop has no watermark or one below 1.
    pub(crate) fn trigger_price(&self) -> Option<i64> {
        if self.kind != OrderType::TrailingStop {
            return Some(self.trigger);
        }
        let watermark = self.watermark?;
        let price = match self.side {
            Side::Sell => watermark - self.trigger,
            Side::Buy => watermark + self.trigger,
        };
        (price >= 1).then_some(price)
    }

    /// Whether the reference meets its trigger.
    pub(crate) fn fires_at(&self, reference: i64) -> bool {
        reference != 0
            && self.trigger_price().is_some_and(|trigger| match self.side {
                Side::Sell => reference <= trigger,
                Side::Buy => reference >= trigger,
            })
    }
}

impl Instrument {
    pub(crate) fn levels(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    pub(crate) fn levels_mut(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Prices of a side, best first.
    pub(crate) fn prices(&self, side: Side) -> Vec<i64> {
        let rising = self.levels(side).keys().copied();
        match side {
            Side::Buy => rising.rev().collect(),
            Side::Sell => rising.collect(),
        }
    }

    /// Best price of a side.
    pub(crate) fn best(&self, side: Side) -> Option<i64> {
        match side {
            Side::Buy => self.bids.keys().next_back().copied(),
            Side::Sell => self.asks.keys().next().copied(),
        }
    }

    /// The orders of a level, head first.
    pub(crate) fn queue(&self, side: Side, price: i64) -> impl Iterator<Item = &Order> {
        let ids = self.levels(side).get(&price).into_iter().flatten();
        ids.filter_map(|id| self.orders.get(id))
    }

    /// The reference that triggers look at; 0 = unknown.
    pub(crate) fn reference(&self, flags: u16) -> i64 {
        if flags & order_flags::MARK != 0 {
            self.mark
        } else {
            self.last
        }
    }

    /// Lots by which an order of this side may reduce the account's position.
    pub(crate) fn reducible(&self, account: u32, side: Side) -> u64 {
        let position = self.net.get(&account).copied().unwrap_or(0);
        match side {
            Side::Sell if position > 0 => position.unsigned_abs(),
            Side::Buy if position < 0 => position.unsigned_abs(),
            Side::Sell | Side::Buy => 0,
        }
    }

    /// Units of quote (buy) or base (sell) that lots at a price need.
    pub(crate) fn need(&self, side: Side, price: i64, lots: u64) -> u128 {
        let lots = u128::from(lots);
        match side {
            Side::Buy => u128::from(price.unsigned_abs()) * lots * u128::from(self.tick_units),
            Side::Sell => lots * u128::from(self.lot_units),
        }
    }

    /// The asset that an order of this side pays.
    pub(crate) fn paid_asset(&self, side: Side) -> u32 {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }

    pub(crate) fn count(&self, fits: impl Fn(&Order) -> bool) -> u64 {
        self.orders
            .values()
            .map(|order| u64::from(fits(order)))
            .sum()
    }
}

/// Whether an order of a side may trade at a price, given its limit.
pub(crate) fn acceptable(side: Side, limit: Option<i64>, price: i64) -> bool {
    limit.is_none_or(|limit| match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    })
}
