//! Section 13: pegged orders follow the prices of others.

use router_core::engine::{EventKind, OrderType, PegKind, Side, MAX_PRICE};

use crate::state::{Instrument, Order, Place};
use crate::{away, Twin, PLAIN};

impl Twin {
    /// Prices every pegged order of an instrument, in order of id.
    pub(crate) fn move_pegs(&mut self, i: u32) {
        let inst = self.at(i);
        let bid = anchor(inst, Side::Buy);
        let ask = anchor(inst, Side::Sell);
        let pegs = inst
            .orders
            .values()
            .filter(|order| order.kind == OrderType::Pegged);
        let pegs: Vec<Order> = pegs.cloned().collect();
        for peg in pegs {
            let price = peg_price(self.at(i), &peg, bid, ask);
            let before = (peg.place == Place::Resting).then_some(peg.level);
            if price != before {
                self.move_peg(i, &peg, price);
            }
        }
    }

    fn move_peg(&mut self, i: u32, peg: &Order, price: Option<i64>) {
        if peg.place == Place::Resting {
            self.unqueue(i, peg.id);
        }
        let order = self.order_mut(i, peg.id);
        match price {
            Some(price) => {
                let order = order.clone();
                let numbers = (price, order.open + order.filled, order.open);
                self.say(EventKind::Replaced, i, &order, numbers, PLAIN);
                self.rest(i, peg.id, price, 0);
            }
            None => {
                order.place = Place::Parked;
                order.shown = 0;
                order.priority = 0;
                let order = order.clone();
                self.say(EventKind::Parked, i, &order, (0, order.open, 0), PLAIN);
            }
        }
    }
}

/// Best price of a side at which an order that is not pegged rests.
fn anchor(inst: &Instrument, side: Side) -> Option<i64> {
    let fixed = |price: &i64| {
        inst.queue(side, *price)
            .any(|order| order.kind != OrderType::Pegged)
    };
    inst.prices(side).into_iter().find(fixed)
}

fn peg_price(inst: &Instrument, peg: &Order, bid: Option<i64>, ask: Option<i64>) -> Option<i64> {
    let (own, opposite) = match peg.side {
        Side::Buy => (bid, ask),
        Side::Sell => (ask, bid),
    };
    let reference = match peg.peg {
        PegKind::None => return None,
        PegKind::Primary => own?,
        PegKind::Market => opposite?,
        PegKind::Mid => {
            let sum = own? + opposite?;
            match peg.side {
                Side::Buy => sum / 2,
                Side::Sell => (sum + 1) / 2,
            }
        }
    };
    let step = i64::from(inst.rules.tick_step);
    let mut price = reference + away(peg.side, peg.trigger);
    if peg.price != 0 {
        price = quieter(peg.side, price, peg.price);
    }
    let over = price.rem_euclid(step);
    price -= over;
    if peg.side == Side::Sell && over != 0 {
        price += step;
    }
    if let Some(best) = inst.best(peg.side.opposite()) {
        price = quieter(peg.side, price, best + away(peg.side, step));
    }
    (1..=MAX_PRICE).contains(&price).then_some(price)
}

/// The one of two prices that is worse for others: lower for a buy, higher for a sell.
fn quieter(side: Side, one: i64, other: i64) -> i64 {
    match side {
        Side::Buy => one.min(other),
        Side::Sell => one.max(other),
    }
}
