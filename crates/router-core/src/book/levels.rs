//! One side of the book: price levels, each a queue in order of arrival.

use std::collections::{BTreeMap, VecDeque};

use super::order::{Fill, Side};

/// A resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resting {
    pub(super) order_id: u64,
    pub(super) lots: u64,
}

/// All resting orders of one side; no level is empty.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    side: Side,
    queues: BTreeMap<u64, VecDeque<Resting>>,
}

impl Levels {
    pub(super) const fn new(side: Side) -> Self {
        Self {
            side,
            queues: BTreeMap::new(),
        }
    }

    /// Returns price and queue of each level: the highest bid or the lowest ask first.
    pub(super) fn best_first(&self) -> Box<dyn Iterator<Item = (u64, &VecDeque<Resting>)> + '_> {
        let rising = self.queues.iter().map(|(price, queue)| (*price, queue));
        match self.side {
            Side::Buy => Box::new(rising.rev()),
            Side::Sell => Box::new(rising),
        }
    }

    pub(super) fn best_price(&self) -> Option<u64> {
        self.best_first().next().map(|(price, _)| price)
    }

    /// Puts an order behind all others of its price.
    pub(super) fn rest(&mut self, price_ticks: u64, order: Resting) {
        self.queues.entry(price_ticks).or_default().push_back(order);
    }

    /// Applies a fill to the first order of its level, which is the order the fill names.
    pub(super) fn settle(&mut self, fill: &Fill) {
        let Some(queue) = self.queues.get_mut(&fill.price_ticks) else {
            debug_assert!(false, "a fill names a level of the book");
            return;
        };
        debug_assert_eq!(
            queue.front().map(|first| first.order_id),
            Some(fill.maker_order_id)
        );
        if fill.maker_remaining_lots == 0 {
            queue.pop_front();
        } else if let Some(first) = queue.front_mut() {
            first.lots = fill.maker_remaining_lots;
        }
        if queue.is_empty() {
            self.queues.remove(&fill.price_ticks);
        }
    }

    /// Takes an order out and returns its lots.
    pub(super) fn remove(&mut self, price_ticks: u64, order_id: u64) -> Option<u64> {
        let queue = self.queues.get_mut(&price_ticks)?;
        let place = queue.iter().position(|order| order.order_id == order_id)?;
        let removed = queue.remove(place)?;
        if queue.is_empty() {
            self.queues.remove(&price_ticks);
        }
        Some(removed.lots)
    }
}
