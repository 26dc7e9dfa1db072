//! Section 14: phases and the uncross.

use router_core::engine::{
    event_flags, rules::MAX_ROUNDS, EventKind, EventRecord, Phase, Reason, Side, Tif,
};

use crate::state::{Instrument, Order};
use crate::work::Reference;
use crate::Twin;

/// What a round of an auction finds.
struct Found {
    price: i64,
    surplus: u128,
}

impl Twin {
    pub(crate) fn set_phase(&mut self, i: u32, phase: Phase) {
        let before = std::mem::replace(&mut self.at_mut(i).phase, phase);
        self.work.touched.insert(i);
        self.emit(EventRecord {
            kind: EventKind::Phase.number(),
            instrument: i,
            qty: u64::from(phase.number()),
            ..EventRecord::default()
        });
        if before == phase {
            return;
        }
        match phase {
            Phase::Closed => {
                self.remove_all(Reason::Expired, |one, order| {
                    one == i && order.tif == Tif::Day
                });
            }
            Phase::Continuous => self.open(i),
            Phase::Halted | Phase::Auction => {}
        }
    }

    fn open(&mut self, i: u32) {
        self.wake_exits(i);
        for _ in 0..MAX_ROUNDS {
            if let Some(found) = find_price(self.at(i)) {
                self.uncross(i, &found);
            }
        }
        self.uncross_one_by_one(i);
        let (last, mark) = (self.at(i).last, self.at(i).mark);
        for (is_mark, price) in [(false, last), (true, mark)] {
            if price != 0 {
                self.work
                    .of(i)
                    .references
                    .push_back(Reference { is_mark, price });
            }
        }
    }

    fn uncross(&mut self, i: u32, found: &Found) {
        let price = found.price;
        let mut traded = 0;
        while let Some((buy, sell)) = self.heads(i) {
            if buy.level < price || sell.level > price {
                break;
            }
            traded += self.meet(i, &buy, &sell, price);
        }
        if traded > 0 {
            self.emit(EventRecord {
                kind: EventKind::Uncross.number(),
                instrument: i,
                price,
                qty: traded,
                leaves: u64::try_from(found.surplus).unwrap_or(u64::MAX),
                ..EventRecord::default()
            });
        }
    }

    /// What the rounds left crossed: each two meet at the price of the earlier of them.
    fn uncross_one_by_one(&mut self, i: u32) {
        while let Some((buy, sell)) = self.heads(i) {
            if buy.level < sell.level {
                return;
            }
            let price = if buy.priority < sell.priority {
                buy.level
            } else {
                sell.level
            };
            self.meet(i, &buy, &sell, price);
        }
    }

    /// Lets two orders meet; returns the lots that they trade.
    fn meet(&mut self, i: u32, buy: &Order, sell: &Order, price: i64) -> u64 {
        let (taker, maker) = if buy.priority > sell.priority {
            (buy, sell)
        } else {
            (sell, buy)
        };
        if self.is_prevented(taker, maker) {
            self.prevent(i, taker.id, maker.id);
            return 0;
        }
        if self.drop_unreducible(i, maker, taker.account)
            || self.drop_unreducible(i, taker, maker.account)
        {
            return 0;
        }
        let lots = buy.shown.min(sell.shown);
        let lots = lots
            .min(self.reducible_lots(i, buy))
            .min(self.reducible_lots(i, sell));
        self.trade(i, (buy.id, sell.id), price, lots, event_flags::AUCTION);
        lots
    }

    /// The heads of the best bid and of the best offer.
    fn heads(&self, i: u32) -> Option<(Order, Order)> {
        Some((self.head(i, Side::Buy)?, self.head(i, Side::Sell)?))
    }

    fn head(&self, i: u32, side: Side) -> Option<Order> {
        let price = self.at(i).best(side)?;
        self.at(i).queue(side, price).next().cloned()
    }
}

/// The price at which a crossed book trades most; `None` when it is not crossed.
fn find_price(inst: &Instrument) -> Option<Found> {
    let (bid, ask) = (inst.best(Side::Buy)?, inst.best(Side::Sell)?);
    if bid < ask {
        return None;
    }
    let reference = if inst.last != 0 { inst.last } else { inst.mark };
    let mut candidates: Vec<i64> = inst.bids.keys().chain(inst.asks.keys()).copied().collect();
    if reference != 0 && reference % i64::from(inst.rules.tick_step) == 0 {
        candidates.push(reference);
    }
    candidates.retain(|price| (ask..=bid).contains(price));
    let score = |price: &i64| {
        let bought = lots_at(inst, Side::Buy, |level| level >= *price);
        let sold = lots_at(inst, Side::Sell, |level| level <= *price);
        let distance = if reference == 0 {
            0
        } else {
            (*price - reference).abs()
        };
        (
            std::cmp::Reverse(bought.min(sold)),
            bought.abs_diff(sold),
            distance,
            *price,
        )
    };
    let (_, surplus, _, price) = candidates.iter().map(score).min()?;
    Some(Found { price, surplus })
}

fn lots_at(inst: &Instrument, side: Side, fits: impl Fn(i64) -> bool) -> u128 {
    let prices = inst
        .levels(side)
        .keys()
        .copied()
        .filter(|price| fits(*price));
    let lots = |price| {
        inst.queue(side, price)
            .map(|order| u128::from(order.open))
            .sum::<u128>()
    };
    prices.map(lots).sum()
}
