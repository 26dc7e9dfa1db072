//! Matching: an arriving order takes from the opposite side, and what is left rests or goes.

use super::book::{Book, Shared};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::lists::Gone;
use super::reason::Reason;
use super::rules::{Phase, StpMode};
use super::settle::{settle, Party};
use super::slab::{flag, Cold, Slot, Stage, NIL};
use super::taker::Taker;

/// How a taker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// With the next maker.
    Next,
    /// It takes no more; what is left rests or goes.
    Done,
    /// It was removed.
    Gone,
}

impl Book {
    /// Lets an order match, and what is left of it rest or go. Outside `Continuous` it only rests.
    #[inline]
    pub(crate) fn act<S: Sink>(&mut self, shared: &mut Shared, taker: &mut Taker, out: &mut S) {
        if self.crosses(taker) && matches!(self.phase, Phase::Continuous) {
            let step = self.sweep(shared, taker, out);
            if step == Step::Gone {
                return;
            }
            if taker.leaves() == 0 {
                self.close_taker(shared, taker, out);
                return;
            }
        }
        if taker.rests {
            self.rest(shared, taker, out);
        } else {
            self.cancel_taker(shared, taker, Reason::Unfilled, out);
        }
    }

    /// Trades with the opposite side as long as its best price is acceptable.
    pub(crate) fn sweep<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &mut Taker,
        out: &mut S,
    ) -> Step {
        let is_special = taker.by_quote
            || taker.flags & (flag::REDUCE_ONLY | flag::LINKED) != 0
            || self.terms.positions;
        let side = taker.side.opposite();
        loop {
            let ladder = self.side(side);
            let key = ladder.best_key();
            if key > taker.limit_key {
                return Step::Done;
            }
            let head = ladder.level(key).map_or(NIL, |level| level.head);
            let maker = *self.slab.hot(head);
            let step = if !matches!(taker.stp, StpMode::None)
                && self.same_owner(shared, taker, maker.account)
            {
                self.prevent(shared, taker, head, out)
            } else if is_special || maker.flags() & flag::MAKER_EXTRAS != 0 {
                self.trade_special(shared, taker, head, out)
            } else {
                self.trade(shared, taker, (key, head), &maker, out)
            };
            if step != Step::Next {
                return step;
            }
        }
    }

    /// A trade of two plain orders.
    #[inline]
    fn trade<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &mut Taker,
        (key, head): (u32, u32),
        maker: &Slot,
        out: &mut S,
    ) -> Step {
        let lots = taker.open.min(maker.open);
        let is_done = lots == maker.open;
        taker.open = taker.open.wrapping_sub(lots);
        let price = maker.price();
        let flags = if is_done { event_flags::MAKER_DONE } else { 0 };
        out.event(self.trade_event(shared.sequence, taker, maker, lots, flags));
        self.book_trade(shared, taker, maker, (price, price, lots), out);
        let (ladder, slab) = self.side_mut(taker.side.opposite());
        if is_done {
            ladder.unlink(slab, head, lots);
            slab.remove(head);
            self.ids.clear(maker.id());
            shared.open_orders = shared.open_orders.wrapping_sub(1);
        } else {
            ladder.shrink(key, lots);
            if let Some(hot) = slab.hot_mut(head) {
                hot.open = maker.open.wrapping_sub(lots);
            }
        }
        if taker.open == 0 {
            Step::Done
        } else {
            Step::Next
        }
    }

    #[inline]
    fn trade_event(
        &self,
        sequence: u64,
        taker: &Taker,
        maker: &Slot,
        lots: u64,
        flags: u8,
    ) -> EventRecord {
        EventRecord {
            kind: EventKind::Trade.number(),
            reason: 0,
            side: taker.side.number(),
            flags,
            instrument: self.terms.id,
            command: sequence,
            account: taker.account,
            other_account: maker.account,
            order_id: taker.id,
            other_id: maker.id(),
            price: i64::from(maker.price()),
            qty: lots,
            leaves: taker.leaves(),
        }
    }

    /// Last price, reference and payment of a trade at (price, hold price of the maker, lots).
    #[inline]
    fn book_trade<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &Taker,
        maker: &Slot,
        (price, hold_price, lots): (u32, u32, u64),
        out: &mut S,
    ) {
        self.last = price;
        if self.armed | self.pending != 0 {
            self.work.print(price);
        }
        if self.terms.funded {
            let first = Party {
                account: taker.account,
                id: taker.id,
                side: taker.side,
                hold_price: 0,
                ppm: shared.accounts.rates(taker.account).taker_ppm,
                holds: false,
            };
            let second = Party {
                account: maker.account,
                id: maker.id(),
                side: taker.side.opposite(),
                hold_price,
                ppm: shared.accounts.rates(maker.account).maker_ppm,
                holds: true,
            };
            settle(&self.terms, shared, [first, second], price, lots, out);
        }
    }

    /// A trade in which something more than price and quantity counts.
    #[inline(never)]
    fn trade_special<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &mut Taker,
        head: u32,
        out: &mut S,
    ) -> Step {
        let maker = *self.slab.hot(head);
        let price = maker.price();
        let side = taker.side.opposite();
        let mut lots = self.shown(head);
        if maker.has(flag::REDUCE_ONLY) {
            let reducible = shared
                .accounts
                .reducible(self.terms.id, maker.account, side);
            if reducible == 0 {
                self.remove_order(shared, head, Reason::ReduceOnly, out);
                return Step::Next;
            }
            lots = lots.min(reducible);
        }
        if taker.flags & flag::REDUCE_ONLY != 0 {
            let reducible = shared
                .accounts
                .reducible(self.terms.id, taker.account, taker.side);
            if reducible == 0 {
                self.cancel_taker(shared, taker, Reason::ReduceOnly, out);
                return Step::Gone;
            }
            lots = lots.min(reducible);
        }
        lots = lots.min(wanted(taker, price));
        if lots == 0 {
            return Step::Done;
        }
        take(taker, price, lots);
        let is_done = lots == maker.open;
        let flags = if is_done { event_flags::MAKER_DONE } else { 0 };
        out.event(self.trade_event(shared.sequence, taker, &maker, lots, flags));
        if self.terms.positions {
            shared
                .accounts
                .shift_position(self.terms.id, taker.account, taker.side, lots);
            shared
                .accounts
                .shift_position(self.terms.id, maker.account, side, lots);
        }
        let hold_price = self.hold_price(head);
        self.book_trade(shared, taker, &maker, (price, hold_price, lots), out);
        self.reduce_maker(shared, head, lots, out);
        self.touch_taker(shared, taker, out);
        if !is_done {
            self.refill(shared, head, out);
        }
        if taker.leaves() == 0 {
            Step::Done
        } else {
            Step::Next
        }
    }

    /// Takes traded lots off a maker that rests; its partners hear of it.
    pub(crate) fn reduce_maker<S: Sink>(
        &mut self,
        shared: &mut Shared,
        slot: u32,
        lots: u64,
        out: &mut S,
    ) {
        let maker = *self.slab.hot(slot);
        if lots >= maker.open {
            self.drop_order(shared, slot, 0, out);
            return;
        }
        let (ladder, slab) = self.side_mut(maker.side());
        ladder.shrink(ladder.key(maker.price()), lots);
        if let Some(hot) = slab.hot_mut(slot) {
            hot.open = maker.open.wrapping_sub(lots);
        }
        if let Some(exotic) = slab.exotic_mut(slot) {
            exotic.displayed = exotic.displayed.saturating_sub(lots);
        }
        if maker.has(flag::LINKED) {
            self.link_touched(shared, slot, out);
        }
    }

    /// Lets an iceberg that shows nothing show its next lots at the tail.
    pub(crate) fn refill<S: Sink>(&mut self, shared: &mut Shared, slot: u32, out: &mut S) {
        let order = *self.slab.hot(slot);
        if !order.has(flag::ICEBERG) || self.shown(slot) != 0 {
            return;
        }
        self.rests = self.rests.wrapping_add(1);
        let priority = self.rests;
        let (ladder, slab) = self.side_mut(order.side());
        let shown = slab
            .exotic(slot)
            .map_or(order.open, |exotic| u64::from(exotic.display))
            .min(order.open);
        ladder.unlink(slab, slot, 0);
        if let Some(exotic) = slab.exotic_mut(slot) {
            exotic.displayed = shown;
        }
        if let Some(cold) = slab.cold_mut(slot) {
            cold.priority = priority;
        }
        ladder.push(slab, slot, shown);
        out.event(EventRecord {
            flags: event_flags::REFILL,
            qty: shown,
            leaves: order.open,
            ..self.about(shared.sequence, EventKind::Rested, &order)
        });
    }

    /// Tells the partners of a taker that it traded or was reduced.
    pub(crate) fn touch_taker<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &mut Taker,
        out: &mut S,
    ) {
        if taker.flags & flag::LINKED != 0 {
            self.link_touched(shared, taker.slot, out);
            taker.flags = self.slab.hot(taker.slot).flags();
        }
    }

    /// Puts what is left of an order at the tail of its level.
    #[inline]
    pub(crate) fn rest<S: Sink>(&mut self, shared: &mut Shared, taker: &mut Taker, out: &mut S) {
        self.rests = self.rests.wrapping_add(1);
        let priority = self.rests;
        let order = Slot::new(
            taker.id,
            taker.flags,
            taker.side,
            taker.price,
            taker.open,
            taker.account,
        );
        let mut shown = taker.open;
        if taker.slot == NIL {
            let cold = Cold {
                client_id: taker.client_id,
                total: taker.total,
                priority,
                exotic: 0,
                session: taker.session,
            };
            taker.slot = self.slab.insert(order, cold);
            self.ids.set(taker.id, taker.slot);
            shared.open_orders = shared.open_orders.wrapping_add(1);
        } else {
            if let Some(hot) = self.slab.hot_mut(taker.slot) {
                *hot = order;
            }
            if let Some(cold) = self.slab.cold_mut(taker.slot) {
                cold.total = taker.total;
                cold.priority = priority;
            }
            if taker.flags & flag::EXOTIC != 0 {
                shown = self.show(taker.slot, taker.open);
            }
        }
        let (ladder, slab) = self.side_mut(taker.side);
        ladder.push_at(slab, taker.slot, taker.price, shown);
        if self.terms.funded {
            self.hold_taker(shared, taker);
        }
        out.event(EventRecord {
            qty: shown,
            leaves: taker.open,
            ..self.about(shared.sequence, EventKind::Rested, &order)
        });
    }

    fn hold_taker(&self, shared: &mut Shared, taker: &Taker) {
        if taker.flags & flag::LINKED == 0 {
            let price = if taker.flags & flag::EXOTIC == 0 {
                taker.price
            } else {
                self.hold_price(taker.slot)
            };
            self.hold(shared, taker.account, taker.side, price, taker.open);
        } else {
            self.hold_linked(shared, taker.slot);
        }
    }

    /// Marks an exotic order as resting and returns the lots that it shows.
    fn show(&mut self, slot: u32, open: u64) -> u64 {
        let is_iceberg = self.slab.hot(slot).has(flag::ICEBERG);
        let Some(exotic) = self.slab.exotic_mut(slot) else {
            return open;
        };
        exotic.stage = Stage::Resting;
        if is_iceberg {
            exotic.displayed = u64::from(exotic.display).min(open);
            exotic.displayed
        } else {
            open
        }
    }

    /// Ends a taker that is filled.
    #[inline]
    fn close_taker<S: Sink>(&mut self, shared: &mut Shared, taker: &Taker, out: &mut S) {
        if taker.has_slot() {
            self.drop_order(shared, taker.slot, 0, out);
        }
    }

    /// Removes a taker with what is left of it.
    pub(crate) fn cancel_taker<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &Taker,
        reason: Reason,
        out: &mut S,
    ) {
        out.event(EventRecord {
            kind: EventKind::Cancelled.number(),
            reason: reason.number(),
            side: taker.side.number(),
            flags: if taker.by_quote {
                event_flags::QUOTE
            } else {
                0
            },
            instrument: self.terms.id,
            command: shared.sequence,
            account: taker.account,
            order_id: taker.id,
            price: i64::from(taker.price),
            qty: taker.leaves(),
            ..EventRecord::default()
        });
        if taker.has_slot() {
            self.set_total(taker.slot, taker.total);
            self.drop_order(shared, taker.slot, taker.open, out);
        }
    }

    fn set_total(&mut self, slot: u32, total: u64) {
        if let Some(cold) = self.slab.cold_mut(slot) {
            cold.total = total;
        }
    }

    /// Takes an order, of which `open` lots were left, out of everything, without an event of its own;
    /// holds are not touched. Its partners hear of it.
    pub(crate) fn drop_order<S: Sink>(
        &mut self,
        shared: &mut Shared,
        slot: u32,
        open: u64,
        out: &mut S,
    ) {
        let order = *self.slab.hot(slot);
        let cold = *self.slab.cold(slot);
        let mut gone = None;
        if order.flags() & flag::EXOTIC == 0 {
            let shown = order.open;
            let (ladder, slab) = self.side_mut(order.side());
            // A plain order without an exotic part only has a slot while it rests, or while it is
            // amended: then it is out of its level already and marked by a foreign head.
            if cold.priority != 0 {
                ladder.unlink(slab, slot, shown);
            }
        } else {
            gone = self.leave_stage(shared, slot, open);
        }
        self.ids.clear(order.id());
        self.slab.remove(slot);
        shared.open_orders = shared.open_orders.wrapping_sub(1);
        if let Some(gone) = gone {
            self.link_gone(shared, gone, out);
        }
    }

    /// Takes an exotic order out of the structure of its stage.
    fn leave_stage(&mut self, shared: &mut Shared, slot: u32, open: u64) -> Option<Gone> {
        let order = *self.slab.hot(slot);
        let exotic = *self.slab.exotic(slot)?;
        match exotic.stage {
            Stage::Resting => {
                let shown = self.shown(slot);
                let (ladder, slab) = self.side_mut(order.side());
                ladder.unlink(slab, slot, shown);
            }
            Stage::Armed => self.disarm(slot),
            Stage::Pending => self.pending = self.pending.wrapping_sub(1),
            Stage::Parked | Stage::Acting => {}
        }
        if exotic.expire_s != 0 {
            shared
                .expiry
                .remove(exotic.expire_s, self.terms.id, order.id());
        }
        if exotic.peg != super::rules::PegKind::None {
            self.pegs.remove(&order.id());
        }
        let filled = self.slab.cold(slot).total.wrapping_sub(open);
        order.has(flag::LINKED).then_some(Gone {
            id: order.id(),
            filled,
            link: exotic.link,
        })
    }

    /// Removes an open order that does not act: event, hold, partners.
    pub(crate) fn remove_order<S: Sink>(
        &mut self,
        shared: &mut Shared,
        slot: u32,
        reason: Reason,
        out: &mut S,
    ) {
        let order = *self.slab.hot(slot);
        if self.terms.funded {
            if order.has(flag::LINKED) {
                self.free_linked(shared, slot);
            } else {
                self.free_lots(shared, slot, order.open);
            }
        }
        out.event(self.cancelled(shared.sequence, &order, reason));
        self.drop_order(shared, slot, order.open, out);
    }
}

/// Lots that a taker wants at a price.
#[inline]
fn wanted(taker: &Taker, price: u32) -> u64 {
    if taker.by_quote {
        taker.budget.checked_div(u64::from(price)).unwrap_or(0)
    } else {
        taker.open
    }
}

#[inline]
fn take(taker: &mut Taker, price: u32, lots: u64) {
    if taker.by_quote {
        taker.budget = taker
            .budget
            .saturating_sub(lots.saturating_mul(u64::from(price)));
    } else {
        taker.open = taker.open.wrapping_sub(lots);
    }
}
