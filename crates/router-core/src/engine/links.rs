//! What linked orders do to each other: holds of pairs, and removal of partners.
//!
//! Both orders of a pair that is at work are on one side and have equal open lots. The pair holds the
//! larger of the two needs; while one of the two acts, it holds nothing yet.

use super::book::{Book, Shared};
use super::event::Sink;
use super::image::LinkImage;
use super::reason::Reason;
use super::rules::OrderType;
use super::slab::{flag, Stage, NIL};

/// An order that was just removed, as its partners see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    /// Lots that were filled.
    pub(crate) filled: u64,
    /// Its partners.
    pub(crate) link: LinkImage,
    /// It acted, so that its pair held nothing.
    pub(crate) acted: bool,
}

impl Book {
    /// After a trade or an STP reduction of a linked order, being filled included: an OCO sibling goes, and
    /// the order is in no list any more. Heads of brackets are not affected.
    pub(crate) fn link_touched(&mut self, shared: &mut Shared, slot: u32, out: &mut dyn Sink) {
        let LinkImage::Oco { sibling } = self.link(slot) else {
            return;
        };
        let partner = self.slot_of(sibling);
        self.set_link(slot, LinkImage::None);
        if partner == NIL {
            return;
        }
        if self.stage(slot) != Stage::Acting {
            // The order's own need was freed or is still held: what goes is the excess of the partner.
            let lots = self.slab.hot(partner).open;
            let excess = self
                .need_at(partner, lots)
                .saturating_sub(self.need_at(slot, lots));
            self.free_units(shared, partner, excess);
        }
        self.drop_partner(shared, partner, Reason::Linked, out);
    }

    /// After the removal of a linked order for any reason; its slot is free.
    pub(crate) fn link_gone(&mut self, shared: &mut Shared, gone: Gone, out: &mut dyn Sink) {
        match gone.link {
            LinkImage::None => {}
            LinkImage::Oco { sibling } => {
                let partner = self.slot_of(sibling);
                if partner != NIL {
                    if !gone.acted {
                        let need = self.need_at(partner, self.slab.hot(partner).open);
                        self.free_units(shared, partner, need);
                    }
                    self.drop_partner(shared, partner, Reason::Linked, out);
                }
            }
            LinkImage::BracketHead { take_profit, stop } => {
                let exits = (take_profit, stop);
                if gone.filled == 0 {
                    self.drop_exits(shared, exits, Reason::Linked, out);
                } else {
                    self.size_exits(exits, gone.filled);
                    self.work.activations.push_back(exits);
                }
            }
            LinkImage::BracketExit { head, sibling } => {
                let head = self.slot_of(head);
                if head != NIL {
                    self.set_link(head, LinkImage::None);
                }
                let partner = self.slot_of(sibling);
                if partner != NIL {
                    self.drop_partner(shared, partner, Reason::Linked, out);
                }
            }
        }
    }

    /// Gives both exits of a bracket the lots that are to be protected.
    pub(crate) fn size_exits(&mut self, (take_profit, stop): (u64, u64), lots: u64) {
        for id in [take_profit, stop] {
            let slot = self.slot_of(id);
            if slot == NIL {
                continue;
            }
            if let Some(hot) = self.slab.hot_mut(slot) {
                hot.open = lots;
            }
            if let Some(cold) = self.slab.cold_mut(slot) {
                cold.total = lots;
            }
        }
    }

    /// Queues every pair of exits whose head is gone, in order of the take profit's id: those that could not
    /// come to life in another phase.
    pub(crate) fn queue_waiting_exits(&mut self) {
        if self.pending == 0 {
            return;
        }
        let mut waiting = Vec::new();
        for (slot, order) in self.slab.iter() {
            // A pair is found by its take profit, which is the limit order of the two.
            if !order.has(flag::LINKED) || order.order_type() != OrderType::Limit {
                continue;
            }
            if let LinkImage::BracketExit { head, sibling } = self.link(slot) {
                if self.slot_of(head) == NIL {
                    waiting.push((order.id(), sibling));
                }
            }
        }
        waiting.sort_unstable();
        self.work.activations.extend(waiting);
    }

    /// Removes both exits of a bracket that never came to life, the take profit first.
    pub(crate) fn drop_exits(
        &mut self,
        shared: &mut Shared,
        (take_profit, stop): (u64, u64),
        reason: Reason,
        out: &mut dyn Sink,
    ) {
        for id in [take_profit, stop] {
            let slot = self.slot_of(id);
            if slot != NIL {
                self.drop_partner(shared, slot, reason, out);
            }
        }
    }

    /// Holds what a linked order that comes to rest, and its partner with it, need.
    pub(crate) fn hold_linked(&self, shared: &mut Shared, slot: u32) {
        let lots = self.slab.hot(slot).open;
        let mut need = self.need_at(slot, lots);
        if let LinkImage::Oco { sibling } = self.link(slot) {
            let partner = self.slot_of(sibling);
            if partner != NIL {
                need = need.max(self.need_at(partner, lots));
            }
        }
        let order = self.slab.hot(slot);
        let (asset, _) = self.terms.need(order.side(), 0, 0);
        let held = shared.funds.hold(order.account, asset, need);
        debug_assert!(held, "a pair rests that was not paid for");
    }

    /// Frees what a linked order that is about to be removed holds beyond what its partner goes on holding.
    pub(crate) fn free_linked(&self, shared: &mut Shared, slot: u32) {
        let lots = self.slab.hot(slot).open;
        let own = self.need_at(slot, lots);
        let excess = match self.link(slot) {
            LinkImage::None | LinkImage::BracketHead { .. } => own,
            LinkImage::BracketExit { .. } => 0,
            LinkImage::Oco { sibling } => match self.slot_of(sibling) {
                NIL => own,
                partner => own.saturating_sub(self.need_at(partner, lots)),
            },
        };
        self.free_units(shared, slot, excess);
    }

    /// Frees what lots that are taken off a linked order held; [`Book::link_touched`] follows.
    pub(crate) fn free_linked_lots(&self, shared: &mut Shared, slot: u32, lots: u64) {
        self.free_units(shared, slot, self.need_at(slot, lots));
    }

    /// The partners of an order.
    pub(crate) fn link(&self, slot: u32) -> LinkImage {
        self.slab
            .exotic(slot)
            .map_or(LinkImage::None, |exotic| exotic.link)
    }

    /// Sets the partners of an order and the flag that says so.
    pub(crate) fn set_link(&mut self, slot: u32, link: LinkImage) {
        if let Some(exotic) = self.slab.exotic_mut(slot) {
            exotic.link = link;
        }
        if let Some(hot) = self.slab.hot_mut(slot) {
            let flags = hot.flags() & !flag::LINKED;
            hot.set_flags(match link {
                LinkImage::None => flags,
                LinkImage::Oco { .. }
                | LinkImage::BracketHead { .. }
                | LinkImage::BracketExit { .. } => flags | flag::LINKED,
            });
        }
    }

    /// Units that `lots` of an order need at its own price.
    fn need_at(&self, slot: u32, lots: u64) -> u128 {
        if !self.terms.funded {
            return 0;
        }
        let side = self.slab.hot(slot).side();
        self.terms.need(side, self.hold_price(slot), lots).1
    }

    fn free_units(&self, shared: &mut Shared, slot: u32, units: u128) {
        if self.terms.funded && units != 0 {
            let order = self.slab.hot(slot);
            let (asset, _) = self.terms.need(order.side(), 0, 0);
            shared.funds.release(order.account, asset, units);
        }
    }

    /// Removes a partner whose hold was looked after; nobody hears of it any more.
    fn drop_partner(&mut self, shared: &mut Shared, slot: u32, reason: Reason, out: &mut dyn Sink) {
        self.set_link(slot, LinkImage::None);
        let order = *self.slab.hot(slot);
        out.event(self.cancelled(shared.sequence, &order, reason));
        let mut out = out;
        self.drop_order(shared, slot, order.open, &mut out);
    }
}
