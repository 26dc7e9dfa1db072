//! A price-time priority order book in integer ticks and lots.
//!
//! The book is plain on purpose: what an order does is computed on the unchanged book first
//! ([`Book::preview`]) and applied afterwards ([`Book::place`]), so both cannot differ and a
//! refused order leaves no trace.

mod levels;
mod order;

use std::collections::BTreeMap;

use levels::{Levels, Resting};
pub use order::{Fill, Kind, Order, OrderInvalid, Placement, Reason, Side, Status};

/// An order in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RestingOrder {
    /// Its id.
    pub order_id: u64,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price_ticks: u64,
    /// Lots not yet traded; above zero.
    pub lots: u64,
}

/// All lots of one price. A sum of many orders may exceed 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level {
    /// The price.
    pub price_ticks: u64,
    /// Lots of all orders at this price.
    pub lots: u128,
}

/// One instrument's order book.
#[derive(Clone, Debug)]
pub struct Book {
    bids: Levels,
    asks: Levels,
    places: BTreeMap<u64, (Side, u64)>,
    sequence: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// Returns an empty book.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bids: Levels::new(Side::Buy),
            asks: Levels::new(Side::Sell),
            places: BTreeMap::new(),
            sequence: 0,
        }
    }

    /// Matches an order and leaves the rest of a limit or post-only order in the book.
    ///
    /// # Errors
    /// `OrderInvalid` when the order has no lots or, unless it is a market order, no price, or
    /// when an order with this id rests in the book. The book is then unchanged.
    pub fn place(&mut self, order_id: u64, order: Order) -> Result<Placement, OrderInvalid> {
        if self.places.contains_key(&order_id) {
            return Err(OrderInvalid("An order with this id is in the book."));
        }
        let placement = self.preview(order)?;
        self.apply(order_id, order, &placement);
        Ok(placement)
    }

    /// Returns what [`Book::place`] would do, changing nothing.
    ///
    /// # Errors
    /// `OrderInvalid` when the order has no lots or, unless it is a market order, no price.
    pub fn preview(&self, order: Order) -> Result<Placement, OrderInvalid> {
        order.check()?;
        let crosses = self.levels(order.side.opposite()).best_price();
        if order.kind == Kind::PostOnly && crosses.is_some_and(|best| order.accepts(best)) {
            return Ok(rejected(order, Reason::WouldCross));
        }
        let (fills, left) = self.matches(order);
        if order.kind == Kind::Fok && left > 0 {
            return Ok(rejected(order, Reason::NotFillable));
        }
        Ok(outcome(order, fills, left))
    }

    /// Removes a resting order and returns its remaining lots; 0 when it does not rest here.
    pub fn cancel(&mut self, order_id: u64) -> u64 {
        let Some((side, price_ticks)) = self.places.remove(&order_id) else {
            return 0;
        };
        self.sequence = self.sequence.saturating_add(1);
        self.levels_mut(side)
            .remove(price_ticks, order_id)
            .unwrap_or(0)
    }

    /// Returns the levels of a side, best first.
    pub fn levels_of(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.levels(side)
            .best_first()
            .map(|(price_ticks, queue)| Level {
                price_ticks,
                lots: queue.iter().map(|order| u128::from(order.lots)).sum(),
            })
    }

    /// Returns the orders of a side in priority order.
    pub fn orders_of(&self, side: Side) -> impl Iterator<Item = RestingOrder> + '_ {
        self.levels(side)
            .best_first()
            .flat_map(move |(price_ticks, queue)| {
                queue.iter().map(move |order| RestingOrder {
                    order_id: order.order_id,
                    side,
                    price_ticks,
                    lots: order.lots,
                })
            })
    }

    /// Returns the count of commands that changed the book.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the fills of an order in priority order, and the lots left over.
    fn matches(&self, order: Order) -> (Vec<Fill>, u64) {
        let mut fills = Vec::new();
        let mut left = order.lots;
        for (price_ticks, queue) in self.levels(order.side.opposite()).best_first() {
            if left == 0 || !order.accepts(price_ticks) {
                break;
            }
            for maker in queue.iter() {
                if left == 0 {
                    break;
                }
                let lots = left.min(maker.lots);
                left = left.saturating_sub(lots);
                fills.push(Fill {
                    maker_order_id: maker.order_id,
                    price_ticks,
                    lots,
                    maker_remaining_lots: maker.lots.saturating_sub(lots),
                });
            }
        }
        (fills, left)
    }

    fn apply(&mut self, order_id: u64, order: Order, placement: &Placement) {
        for fill in &placement.fills {
            self.levels_mut(order.side.opposite()).settle(fill);
            if fill.maker_remaining_lots == 0 {
                self.places.remove(&fill.maker_order_id);
            }
        }
        if placement.resting_lots > 0 {
            let resting = Resting {
                order_id,
                lots: placement.resting_lots,
            };
            self.levels_mut(order.side).rest(order.price_ticks, resting);
            self.places
                .insert(order_id, (order.side, order.price_ticks));
        }
        if placement.filled_lots > 0 || placement.resting_lots > 0 {
            self.sequence = self.sequence.saturating_add(1);
        }
    }

    const fn levels(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    const fn levels_mut(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

const fn rejected(order: Order, reason: Reason) -> Placement {
    Placement {
        status: Status::Rejected,
        reason: Some(reason),
        fills: Vec::new(),
        filled_lots: 0,
        resting_lots: 0,
        canceled_lots: order.lots,
    }
}

fn outcome(order: Order, fills: Vec<Fill>, left: u64) -> Placement {
    let filled_lots = order.lots.saturating_sub(left);
    let rests = matches!(order.kind, Kind::Limit | Kind::PostOnly);
    let (resting_lots, canceled_lots) = if rests { (left, 0) } else { (0, left) };
    let status = match (filled_lots, resting_lots) {
        (_, _) if left == 0 => Status::Filled,
        (0, 0) => Status::Canceled,
        (0, _) => Status::Resting,
        _ => Status::PartlyFilled,
    };
    let reason = (canceled_lots > 0).then_some(Reason::NoLiquidity);
    Placement {
        status,
        reason,
        fills,
        filled_lots,
        resting_lots,
        canceled_lots,
    }
}
