//! Steps 15 to 19 of a new order, its acceptance, and what it does then.

use router_core::engine::{
    event_flags, order_flags, EventKind, ListRole, NewOrder, OrderType, Phase, Reason, Side, Tif,
    MAX_PRICE,
};

use crate::checks::{ensure, is_stop};
use crate::state::{Known, Link, Order, Place};
use crate::{away, flagged, quote_flag, More, Outcome, Refusal, Twin, PLAIN};

impl Twin {
    /// A new order, or a list of them.
    pub(crate) fn place_orders(&mut self, list: &[NewOrder]) -> Outcome {
        let Some(head) = list.first() else {
            return Err(Reason::Malformed.into());
        };
        let whole = head.list != ListRole::Leg && list.len() == head.list.legs() + 1;
        ensure(whole, Reason::Malformed)?;
        for at in 0..list.len() {
            self.check_new(list, at)?;
        }
        let price = self.check_head(list, head)?;
        let ids = self.accept(list, price);
        match ids.as_slice() {
            [id] => self.start_single(head.instrument, *id),
            [id, leg] => {
                self.link_pair(head.instrument, *id, *leg);
                self.arm(head.instrument, *leg);
                self.act(head.instrument, *id);
            }
            [id, profit, stop] => {
                let (head_id, profit, stop) = (*id, *profit, *stop);
                let i = head.instrument;
                self.order_mut(i, head_id).link = Link::Head { profit, stop };
                self.order_mut(i, profit).link = Link::Exit {
                    head: head_id,
                    sibling: stop,
                };
                self.order_mut(i, stop).link = Link::Exit {
                    head: head_id,
                    sibling: profit,
                };
                self.act(i, head_id);
            }
            _ => {}
        }
        Ok(())
    }

    /// Steps 15 to 19; returns the price that the head then has.
    fn check_head(&self, list: &[NewOrder], head: &NewOrder) -> Result<i64, Refusal> {
        let i = head.instrument;
        let inst = self.at(i);
        let mut price = head.price;
        if head.order_type == OrderType::MarketToLimit {
            let best = inst.best(head.side.opposite());
            price = best.ok_or(Refusal::Rejected(Reason::NoLiquidity))?;
            inst.check_band(price)?;
        }
        if head.order_type == OrderType::Limit && head.flags & order_flags::POST_ONLY != 0 {
            let slide = head.flags & order_flags::SLIDE != 0;
            let free = self.post_only_price(i, head.side, price, slide);
            price = free.ok_or(Refusal::Rejected(Reason::WouldCross))?;
            inst.check_band(price)?;
        }
        if head.flags & order_flags::REDUCE_ONLY != 0 {
            let reducible = inst.reducible(head.account, head.side);
            ensure(reducible > 0, Reason::NothingToReduce)?;
        }
        let draft = draft(head, 0, price);
        if head.tif == Tif::Fok && !is_stop(head.order_type) {
            ensure(self.fok_feasible(i, &draft), Reason::NotFillable)?;
        }
        if inst.funded {
            let mut need = self.need_now(i, &draft);
            if let [_, leg] = list {
                need = need.max(inst.need(leg.side, leg.price, leg.qty));
            }
            let asset = inst.paid_asset(head.side);
            ensure(
                self.available(head.account, asset) >= need,
                Reason::InsufficientFunds,
            )?;
        }
        Ok(price)
    }

    /// The price at which a post-only order does not trade; `None` if it would.
    pub(crate) fn post_only_price(
        &self,
        i: u32,
        side: Side,
        price: i64,
        slide: bool,
    ) -> Option<i64> {
        let inst = self.at(i);
        let Some(best) = inst.best(side.opposite()) else {
            return Some(price);
        };
        if !crate::state::acceptable(side, Some(price), best) {
            return Some(price);
        }
        let slid = best + away(side, i64::from(inst.rules.tick_step));
        (slide && (1..=MAX_PRICE).contains(&slid)).then_some(slid)
    }

    fn accept(&mut self, list: &[NewOrder], head_price: i64) -> Vec<u64> {
        let mut ids = Vec::new();
        let bracket = list.len() == 3;
        for (at, new) in list.iter().enumerate() {
            let i = new.instrument;
            let id = self.at(i).next_id;
            self.at_mut(i).next_id += 1;
            let mut order = draft(new, id, if at == 0 { head_price } else { new.price });
            let pending = bracket && at > 0;
            if pending {
                order.place = Place::Pending;
            }
            let flags = quote_flag(&order) | if pending { event_flags::PENDING } else { 0 };
            let more = More {
                flags,
                other_id: new.client_id,
                ..PLAIN
            };
            self.say(
                EventKind::Accepted,
                i,
                &order,
                (order.price, order.open, 0),
                more,
            );
            self.at_mut(i).orders.insert(id, order);
            if new.client_id != 0 {
                self.known.push_back(Known {
                    account: new.account,
                    client_id: new.client_id,
                    instrument: i,
                    order: id,
                    time_ns: self.now_ns,
                });
            }
            ids.push(id);
        }
        ids
    }

    fn start_single(&mut self, i: u32, id: u64) {
        let order = self.order(i, id).clone();
        if is_stop(order.kind) {
            self.arm(i, id);
        } else if order.kind == OrderType::Pegged {
            self.order_mut(i, id).place = Place::Parked;
            self.hold_for(i, id);
            self.say(EventKind::Parked, i, &order, (0, order.open, 0), PLAIN);
        } else {
            self.act(i, id);
        }
    }

    pub(crate) fn link_pair(&mut self, i: u32, one: u64, other: u64) {
        self.order_mut(i, one).link = Link::Pair { sibling: other };
        self.order_mut(i, other).link = Link::Pair { sibling: one };
    }

    /// Lets a stop wait for its trigger.
    pub(crate) fn arm(&mut self, i: u32, id: u64) {
        let flags = self.order(i, id).flags;
        let reference = self.at(i).reference(flags);
        let order = self.order_mut(i, id);
        order.place = Place::Armed;
        if order.kind == OrderType::TrailingStop && reference != 0 {
            order.watermark = Some(reference);
        }
        let order = order.clone();
        self.hold_for(i, id);
        let price = order.trigger_price().unwrap_or(0);
        self.say(EventKind::Armed, i, &order, (price, order.open, 0), PLAIN);
    }

    /// Lets an order that just arrived trade, then rests or drops what is left.
    pub(crate) fn act(&mut self, i: u32, id: u64) {
        if self.at(i).phase == Phase::Continuous {
            self.cross(i, id);
        }
        if !self.is_open(i, id) {
            return;
        }
        if self.order(i, id).lasts() {
            let level = self.order(i, id).price;
            self.rest(i, id, level, 0);
        } else {
            self.remove(i, id, Reason::Unfilled);
        }
    }

    /// Puts an order at the tail of a level.
    pub(crate) fn rest(&mut self, i: u32, id: u64, level: i64, flags: u8) {
        let inst = self.at_mut(i);
        inst.rests += 1;
        let rests = inst.rests;
        let order = self.order_mut(i, id);
        order.shown = match u64::from(order.display) {
            0 => order.open,
            display => display.min(order.open),
        };
        order.level = level;
        order.place = Place::Resting;
        order.priority = rests;
        let order = order.clone();
        let levels = self.at_mut(i).levels_mut(order.side);
        levels.entry(level).or_default().push_back(id);
        self.hold_for(i, id);
        let numbers = (level, order.shown, order.open);
        self.say(EventKind::Rested, i, &order, numbers, flagged(flags));
    }

    /// Takes a resting order out of its queue.
    pub(crate) fn unqueue(&mut self, i: u32, id: u64) {
        let order = self.order(i, id);
        let (side, level) = (order.side, order.level);
        let levels = self.at_mut(i).levels_mut(side);
        if let Some(queue) = levels.get_mut(&level) {
            queue.retain(|one| *one != id);
            if queue.is_empty() {
                levels.remove(&level);
            }
        }
    }
}

/// The order that a record asks for, with this price.
fn draft(new: &NewOrder, id: u64, price: i64) -> Order {
    let plain = u64::from(new.display) >= new.qty;
    Order {
        id,
        account: new.account,
        client_id: new.client_id,
        session: new.session,
        side: new.side,
        kind: new.order_type,
        tif: new.tif,
        stp: new.stp,
        peg: new.peg,
        flags: new.flags,
        price,
        level: 0,
        trigger: new.trigger,
        watermark: None,
        expire_s: new.expire_s,
        display: if plain { 0 } else { new.display },
        filled: 0,
        open: new.qty,
        shown: 0,
        priority: 0,
        place: Place::Acting,
        link: Link::None,
        hold: 0,
    }
}
