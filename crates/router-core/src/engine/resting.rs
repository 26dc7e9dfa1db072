//! Coming to rest: at the tail of a level, with a hold for what is open.

use super::book::{Book, Shared};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::slab::{flag, Cold, Slot, Stage, NIL};
use super::taker::Taker;

impl Book {
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
                client: shared.number_of_newest(taker.client_id),
                total: taker.total,
                priority,
                exotic: 0,
                session: taker.session,
            };
            taker.slot = self.slab.insert(order, cold);
            self.ids.set(&self.slab, taker.id, taker.slot);
            shared.opened(&mut self.slab, self.terms.id, taker.slot, taker.account);
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
}
