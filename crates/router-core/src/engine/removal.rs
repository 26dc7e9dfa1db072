//! The ends of orders: filled, cancelled, removed.

use super::book::{Book, Shared};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::links::Gone;
use super::reason::Reason;
use super::rules::PegKind;
use super::slab::{flag, Stage};
use super::taker::Taker;

impl Book {
    /// Ends a taker that is filled.
    #[inline]
    pub(crate) fn close_taker<S: Sink>(&mut self, shared: &mut Shared, taker: &Taker, out: &mut S) {
        if taker.has_slot() {
            self.set_total(taker.slot, taker.total);
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
        self.ids.clear(order.id(), slot);
        shared.closed(&mut self.slab, slot, order.account);
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
        if exotic.peg != PegKind::None {
            self.pegs.remove(&order.id());
        }
        let filled = self.slab.cold(slot).total.wrapping_sub(open);
        order.has(flag::LINKED).then_some(Gone {
            filled,
            link: exotic.link,
            acted: exotic.stage == Stage::Acting,
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
