//! Work that follows from a command: activations, references, fired stops.

use super::book::{Book, Shared};
use super::checks::may_rest;
use super::event::{EventKind, EventRecord, Sink};
use super::reason::Reason;
use super::rules::{OrderType, Phase, Side, StpMode, Tif};
use super::slab::{flag, Stage, NIL};
use super::taker::Taker;
use super::triggers::{Armed, Rail};

impl Book {
    /// Does everything that waits in [`Book::work`], in the order of the rules.
    pub(crate) fn run_work(&mut self, shared: &mut Shared, out: &mut dyn Sink) {
        let mut fired = Vec::new();
        loop {
            if let Some(exits) = self.work.activations.pop_front() {
                self.activate(shared, exits, out);
            } else if let Some((price, mark)) = self.work.references.pop_front() {
                if self.phase == Phase::Continuous && self.armed != 0 {
                    self.triggers.reference(mark, i64::from(price), &mut fired);
                    let ids = fired.drain(..).map(|armed| armed.order);
                    self.work.fired.extend(ids);
                }
            } else if let Some(order) = self.work.fired.pop_front() {
                let slot = self.slot_of(order);
                if slot != NIL {
                    self.fire(shared, slot, out);
                }
            } else {
                return;
            }
        }
    }

    /// Arms an accepted stop, stop-limit or trailing order whose slot is in stage `Acting`:
    /// puts it into the triggers, counts it, emits `Armed`.
    pub(crate) fn arm(&mut self, shared: &mut Shared, slot: u32, out: &mut dyn Sink) {
        let order = *self.slab.hot(slot);
        let rail = self.rail(slot);
        let number = self.slab.exotic(slot).map_or(0, |exotic| exotic.trigger);
        let armed = Armed {
            order: order.id(),
            slot,
        };
        if order.order_type() == OrderType::TrailingStop {
            let reference = i64::from(self.reference(rail.mark));
            let watermark = (reference != 0).then_some(reference);
            self.triggers.arm_trailing(rail, number, watermark, armed);
        } else {
            self.triggers.arm_stop(rail, number, armed);
        }
        self.armed = self.armed.wrapping_add(1);
        self.set_stage(slot, Stage::Armed);
        out.event(EventRecord {
            price: self.trigger_price(slot).unwrap_or(0).max(0),
            qty: order.open,
            ..self.about(shared.sequence, EventKind::Armed, &order)
        });
    }

    /// The trigger ladder on which an order is armed.
    pub(crate) fn rail(&self, slot: u32) -> Rail {
        let order = self.slab.hot(slot);
        Rail {
            buy: matches!(order.side(), Side::Buy),
            mark: order.has(flag::MARK),
        }
    }

    /// The price at which an armed order fires now; none of a trailing one without watermark.
    fn trigger_price(&self, slot: u32) -> Option<i64> {
        let number = self.slab.exotic(slot)?.trigger;
        let order = self.slab.hot(slot);
        if order.order_type() != OrderType::TrailingStop {
            return Some(number);
        }
        let watermark = self.triggers.watermark(self.rail(slot), order.id())?;
        Some(match order.side() {
            Side::Buy => watermark.saturating_add(number),
            Side::Sell => watermark.saturating_sub(number),
        })
    }

    /// Takes an armed order out of the triggers, where it is no more if it has fired, and uncounts it.
    /// No event.
    pub(crate) fn disarm(&mut self, slot: u32) {
        self.unhook(slot);
        self.armed = self.armed.wrapping_sub(1);
    }

    fn unhook(&mut self, slot: u32) {
        let rail = self.rail(slot);
        let order = self.slab.hot(slot);
        if order.order_type() == OrderType::TrailingStop {
            self.triggers.disarm_trailing(rail, order.id());
        } else {
            let trigger = self.slab.exotic(slot).map_or(0, |exotic| exotic.trigger);
            self.triggers.disarm_stop(rail, trigger, order.id());
        }
    }

    /// Lets an armed order join the fire queue if its trigger is met by the present reference.
    pub(crate) fn fire_if_met(&mut self, slot: u32) {
        let order = *self.slab.hot(slot);
        let reference = i64::from(self.reference(order.has(flag::MARK)));
        let Some(trigger) = self.trigger_price(slot).filter(|_| reference != 0) else {
            return;
        };
        let is_met = match order.side() {
            Side::Buy => reference >= trigger,
            Side::Sell => reference <= trigger,
        };
        if is_met {
            self.unhook(slot);
            self.work.fired.push_back(order.id());
        }
    }

    /// Lets a fired stop act as the market or limit order that it becomes.
    fn fire(&mut self, shared: &mut Shared, slot: u32, out: &mut dyn Sink) {
        let order = *self.slab.hot(slot);
        out.event(EventRecord {
            qty: order.open,
            ..self.about(shared.sequence, EventKind::Triggered, &order)
        });
        self.link_touched(shared, slot, out);
        self.disarm(slot);
        self.set_stage(slot, Stage::Acting);
        self.free_lots(shared, slot, order.open);
        let mut taker = self.taker_at(shared, slot);
        let mut out = out;
        match self.check_fired(shared, &mut taker) {
            Ok(()) => self.act(shared, &mut taker, &mut out),
            Err(reason) => self.cancel_taker(shared, &taker, reason, &mut out),
        }
    }

    /// Checks 16 to 18, with the reasons of a removal.
    fn check_fired(&self, shared: &Shared, taker: &mut Taker) -> Result<(), Reason> {
        self.check_post_only(taker)?;
        if self.check_reducible(shared, taker).is_err() {
            return Err(Reason::ReduceOnly);
        }
        let is_fok = self.slab.hot(taker.slot).tif() == Tif::Fok;
        if is_fok && !self.is_fillable(shared, taker) {
            return Err(Reason::NotFillable);
        }
        Ok(())
    }

    /// The taker that an order with a slot becomes: a stop one without limit, every other one with.
    pub(crate) fn taker_at(&self, shared: &Shared, slot: u32) -> Taker {
        let order = self.slab.hot(slot);
        let stp = order.stp();
        let price = order.price();
        let has_limit = match order.order_type() {
            OrderType::Stop | OrderType::TrailingStop | OrderType::Market => false,
            OrderType::Limit
            | OrderType::MarketToLimit
            | OrderType::StopLimit
            | OrderType::Pegged => true,
        };
        Taker {
            id: order.id(),
            open: order.open,
            total: self.slab.cold(slot).total,
            budget: 0,
            client_id: 0,
            account: order.account,
            group: if stp == StpMode::None {
                0
            } else {
                shared.accounts.standing(order.account).group
            },
            slot,
            price,
            limit_key: if has_limit {
                self.side(order.side().opposite()).key(price)
            } else {
                self.market_key(order.side(), price)
            },
            session: 0,
            flags: order.flags(),
            side: order.side(),
            stp,
            by_quote: false,
            rests: has_limit && may_rest(order.tif()),
        }
    }
}
