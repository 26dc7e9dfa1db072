//! Sections 5, 6 and 7: a taker against the opposite side.

use router_core::engine::{
    event_flags, order_flags, EventKind, EventRecord, OrderType, Reason, Side, StpMode,
};

use crate::state::{acceptable, Order, Place};
use crate::{because, Twin};

impl Twin {
    /// The worst price at which an order may trade; `None` = any.
    pub(crate) fn limit_of(&self, i: u32, order: &Order) -> Option<i64> {
        if order.price != 0 {
            return Some(order.price);
        }
        let inst = self.at(i);
        let collar = i64::from(inst.rules.collar_ppm);
        let best = inst.best(order.side.opposite())?;
        if collar == 0 {
            return None;
        }
        let reach = i128::from(best) * i128::from(collar) / 1_000_000;
        let reach = i64::try_from(reach).unwrap_or(i64::MAX);
        Some(match order.side {
            Side::Buy => best + reach,
            Side::Sell => (best - reach).max(1),
        })
    }

    /// Whether self-trade prevention stands between a taker and a maker.
    pub(crate) fn is_prevented(&self, taker: &Order, maker: &Order) -> bool {
        taker.stp != StpMode::None && self.same_owner(taker.account, maker.account)
    }

    /// Trades the order with the opposite side until nothing more fits; it may be gone then.
    pub(crate) fn cross(&mut self, i: u32, id: u64) {
        let side = self.order(i, id).side;
        let limit = self.limit_of(i, self.order(i, id));
        while self.is_open(i, id) {
            let Some(price) = self.at(i).best(side.opposite()) else {
                return;
            };
            if !acceptable(side, limit, price) {
                return;
            }
            let Some(maker) = self.at(i).queue(side.opposite(), price).next().cloned() else {
                return;
            };
            let taker = self.order(i, id).clone();
            if self.is_prevented(&taker, &maker) {
                self.prevent(i, id, maker.id);
                continue;
            }
            if self.drop_unreducible(i, &maker, taker.account)
                || self.drop_unreducible(i, &taker, maker.account)
            {
                continue;
            }
            let wanted = if taker.has(order_flags::QUOTE) {
                taker.open / price.unsigned_abs()
            } else {
                taker.open
            };
            let lots = wanted.min(maker.shown).min(self.reducible_lots(i, &maker));
            let lots = lots.min(self.reducible_lots(i, &taker));
            if lots == 0 {
                return;
            }
            self.trade(i, (id, maker.id), price, lots, 0);
        }
    }

    /// Removes a reduce-only order that can reduce nothing by a trade with an account.
    pub(crate) fn drop_unreducible(&mut self, i: u32, order: &Order, other: u32) -> bool {
        let is_own = order.has(order_flags::REDUCE_ONLY) && order.account == other;
        let drops = is_own || self.reducible_lots(i, order) == 0;
        if drops {
            self.remove(i, order.id, Reason::ReduceOnly);
        }
        drops
    }

    /// Lots that reduce-only leaves an order to trade.
    pub(crate) fn reducible_lots(&self, i: u32, order: &Order) -> u64 {
        if order.has(order_flags::REDUCE_ONLY) {
            self.at(i).reducible(order.account, order.side)
        } else {
            u64::MAX
        }
    }

    /// Does what the taker's mode says when it meets an order of the same owner.
    pub(crate) fn prevent(&mut self, i: u32, taker: u64, maker: u64) {
        match self.order(i, taker).stp {
            StpMode::None => {}
            StpMode::ExpireMaker => self.remove(i, maker, Reason::SelfTrade),
            StpMode::ExpireTaker => self.remove(i, taker, Reason::SelfTrade),
            StpMode::ExpireBoth => {
                self.remove(i, maker, Reason::SelfTrade);
                self.remove(i, taker, Reason::SelfTrade);
            }
            StpMode::Decrement => {
                let lots = self.order(i, taker).open.min(self.order(i, maker).open);
                self.take_off(i, maker, lots, Reason::SelfTrade);
                self.take_off(i, taker, lots, Reason::SelfTrade);
            }
        }
    }

    /// Takes lots off an order in place; with all of them it is cancelled.
    pub(crate) fn take_off(&mut self, i: u32, id: u64, lots: u64, reason: Reason) {
        if lots >= self.order(i, id).open {
            self.remove(i, id, reason);
            return;
        }
        self.free_hold(i, id);
        let order = self.order_mut(i, id);
        order.open -= lots;
        order.shown = order.shown.min(order.open);
        let order = order.clone();
        let numbers = (order.event_price(), lots, order.open);
        self.say(EventKind::Reduced, i, &order, numbers, because(reason));
        self.cancel_sibling(i, id);
        self.hold_for(i, id);
    }

    /// One trade. The first of the pair is the taker, in an uncross the buyer.
    pub(crate) fn trade(&mut self, i: u32, pair: (u64, u64), price: i64, lots: u64, flags: u8) {
        let (first, second) = pair;
        for id in [first, second] {
            self.free_hold(i, id);
            let order = self.order_mut(i, id);
            let quote = order.has(order_flags::QUOTE);
            order.open -= if quote {
                price.unsigned_abs() * lots
            } else {
                lots
            };
            order.filled += lots;
            order.shown = order.shown.saturating_sub(lots);
        }
        let (one, other) = (self.order(i, first).clone(), self.order(i, second).clone());
        let done = if other.open == 0 {
            event_flags::MAKER_DONE
        } else {
            0
        };
        self.work.touched.insert(i);
        self.emit(EventRecord {
            kind: EventKind::Trade.number(),
            side: one.side.number(),
            flags: flags | done,
            instrument: i,
            account: one.account,
            other_account: other.account,
            order_id: first,
            other_id: second,
            price,
            qty: lots,
            leaves: one.open,
            ..EventRecord::default()
        });
        let auction = flags & event_flags::AUCTION != 0;
        self.settle(i, &one, &other, price, lots, auction);
        self.at_mut(i).last = price;
        self.work.of(i).trade(price);
        let linked = if auction {
            [first, second]
        } else {
            [second, first]
        };
        for id in linked {
            self.follow_trade(i, id);
        }
        for id in [first, second] {
            self.refill(i, id);
        }
    }

    /// After a trade: the sibling goes, a filled order goes, what rests holds its need again.
    fn follow_trade(&mut self, i: u32, id: u64) {
        self.cancel_sibling(i, id);
        let order = self.order(i, id).clone();
        if order.open > 0 {
            self.hold_for(i, id);
            return;
        }
        if order.place == Place::Resting {
            self.unqueue(i, id);
        }
        self.at_mut(i).orders.remove(&id);
        self.unlink(i, &order);
    }

    fn refill(&mut self, i: u32, id: u64) {
        let Some(order) = self.at(i).orders.get(&id).cloned() else {
            return;
        };
        if order.place == Place::Resting && order.shown == 0 {
            self.unqueue(i, id);
            self.rest(i, id, order.level, event_flags::REFILL);
        }
    }

    /// Section 6.
    pub(crate) fn fok_feasible(&self, i: u32, taker: &Order) -> bool {
        if self.reducible_lots(i, taker) < taker.open {
            return false;
        }
        let side = taker.side.opposite();
        let limit = self.limit_of(i, taker);
        let mut lots: u64 = 0;
        for price in self.at(i).prices(side) {
            if !acceptable(taker.side, limit, price) {
                break;
            }
            let queue: Vec<&Order> = self.at(i).queue(side, price).collect();
            let stops = taker.stp != StpMode::ExpireMaker;
            let own = queue.iter().position(|maker| {
                let ends_it = taker.stp == StpMode::None
                    && taker.has(order_flags::REDUCE_ONLY)
                    && !maker.has(order_flags::REDUCE_ONLY)
                    && maker.account == taker.account;
                stops && (self.is_prevented(taker, maker) || ends_it)
            });
            for (place, maker) in queue.iter().enumerate() {
                if own.is_some_and(|own| place >= own) {
                    break;
                }
                if maker.has(order_flags::REDUCE_ONLY) || self.is_prevented(taker, maker) {
                    continue;
                }
                lots = lots.saturating_add(if own.is_some() {
                    maker.shown
                } else {
                    maker.open
                });
            }
            if own.is_some() {
                break;
            }
        }
        lots >= taker.open
    }

    /// Units an order must have available when it arrives (section 9).
    pub(crate) fn need_now(&self, i: u32, order: &Order) -> u128 {
        let inst = self.at(i);
        if order.kind != OrderType::Market {
            return inst.need(order.side, order.price, order.open);
        }
        let tick_units = u128::from(inst.tick_units);
        let quote = order.has(order_flags::QUOTE);
        match order.side {
            Side::Buy if quote => u128::from(order.open).saturating_mul(tick_units),
            Side::Buy if order.price != 0 => inst.need(Side::Buy, order.price, order.open),
            Side::Buy => self.walk(i, order).1.saturating_mul(tick_units),
            Side::Sell => inst.need(Side::Sell, 0, self.walk(i, order).0),
        }
    }

    /// Lots and tick-lots that a market order meets within its limit.
    fn walk(&self, i: u32, order: &Order) -> (u64, u128) {
        let side = order.side.opposite();
        let limit = self.limit_of(i, order);
        let quote = order.has(order_flags::QUOTE);
        let (mut lots, mut cost, mut left) = (0, 0, order.open);
        for price in self.at(i).prices(side) {
            if !acceptable(order.side, limit, price) {
                break;
            }
            let queue = self.at(i).queue(side, price);
            let others = queue.filter(|maker| !self.is_prevented(order, maker));
            let held: u64 = others.map(|maker| maker.open).fold(0, u64::saturating_add);
            let wanted = if quote {
                left / price.unsigned_abs()
            } else {
                left
            };
            let taken = held.min(wanted);
            lots += taken;
            cost += u128::from(taken) * u128::from(price.unsigned_abs());
            left -= if quote {
                taken * price.unsigned_abs()
            } else {
                taken
            };
            if wanted < held {
                break;
            }
        }
        (lots, cost)
    }
}
