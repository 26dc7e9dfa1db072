//! Self-trade prevention: what happens when a taker meets an order of its own owner.

use super::book::{Book, Shared};
use super::event::{EventKind, EventRecord, Sink};
use super::matching::Step;
use super::reason::Reason;
use super::rules::StpMode;
use super::slab::flag;
use super::taker::Taker;

impl Book {
    /// Applies the taker's mode to the maker at the head of the best level.
    #[inline(never)]
    pub(crate) fn prevent<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &mut Taker,
        maker: u32,
        out: &mut S,
    ) -> Step {
        match taker.stp {
            StpMode::None => Step::Done,
            StpMode::ExpireMaker => {
                self.remove_order(shared, maker, Reason::SelfTrade, out);
                Step::Next
            }
            StpMode::ExpireTaker => {
                self.cancel_taker(shared, taker, Reason::SelfTrade, out);
                Step::Gone
            }
            StpMode::ExpireBoth => {
                self.remove_order(shared, maker, Reason::SelfTrade, out);
                self.cancel_taker(shared, taker, Reason::SelfTrade, out);
                Step::Gone
            }
            StpMode::Decrement => self.decrement(shared, taker, maker, out),
        }
    }

    fn decrement<S: Sink>(
        &mut self,
        shared: &mut Shared,
        taker: &mut Taker,
        maker: u32,
        out: &mut S,
    ) -> Step {
        let resting = self.slab.hot(maker).open;
        let lots = taker.open.min(resting);
        if lots == resting {
            self.remove_order(shared, maker, Reason::SelfTrade, out);
        } else {
            self.reduce_in_place(shared, maker, lots, Reason::SelfTrade, out);
            if self.slab.hot(maker).has(flag::LINKED) {
                self.link_touched(shared, maker, out);
            }
        }
        if lots == taker.open {
            self.cancel_taker(shared, taker, Reason::SelfTrade, out);
            return Step::Gone;
        }
        taker.open = taker.open.wrapping_sub(lots);
        taker.total = taker.total.wrapping_sub(lots);
        out.event(EventRecord {
            kind: EventKind::Reduced.number(),
            reason: Reason::SelfTrade.number(),
            side: taker.side.number(),
            instrument: self.terms.id,
            command: shared.sequence,
            account: taker.account,
            order_id: taker.id,
            price: i64::from(taker.price),
            qty: lots,
            leaves: taker.open,
            ..EventRecord::default()
        });
        self.touch_taker(shared, taker, out);
        Step::Next
    }

    /// Takes lots, fewer than are open, off an open order, which keeps its place: event and hold. Its
    /// partners are not told.
    pub(crate) fn reduce_in_place<S: Sink>(
        &mut self,
        shared: &mut Shared,
        slot: u32,
        lots: u64,
        reason: Reason,
        out: &mut S,
    ) {
        let order = *self.slab.hot(slot);
        let open = order.open.wrapping_sub(lots);
        if self.terms.funded {
            if order.has(flag::LINKED) {
                self.free_linked_lots(shared, slot, lots);
            } else {
                self.free_lots(shared, slot, lots);
            }
        }
        if order.flags() & flag::EXOTIC == 0 {
            let (ladder, _) = self.side_mut(order.side());
            ladder.shrink(ladder.key(order.price()), lots);
        } else {
            self.shrink_exotic(slot, open);
        }
        if let Some(hot) = self.slab.hot_mut(slot) {
            hot.open = open;
        }
        if let Some(cold) = self.slab.cold_mut(slot) {
            cold.total = cold.total.wrapping_sub(lots);
        }
        out.event(EventRecord {
            reason: reason.number(),
            qty: lots,
            leaves: open,
            ..self.about(shared.sequence, EventKind::Reduced, &order)
        });
    }

    /// Keeps what the level of an exotic order shows right when its open lots become `open`.
    fn shrink_exotic(&mut self, slot: u32, open: u64) {
        if self.stage(slot) != super::slab::Stage::Resting {
            return;
        }
        let order = *self.slab.hot(slot);
        let before = self.shown(slot);
        let after = before.min(open);
        let (ladder, slab) = self.side_mut(order.side());
        ladder.shrink(ladder.key(order.price()), before.wrapping_sub(after));
        if let Some(exotic) = slab.exotic_mut(slot).filter(|_| order.has(flag::ICEBERG)) {
            exotic.displayed = after;
        }
    }
}
