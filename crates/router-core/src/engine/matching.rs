//! Matching: an arriving order takes from the opposite side, and what is left rests or goes.

use super::book::{Book, Shared};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::reason::Reason;
use super::rules::{Phase, Side, StpMode};
use super::settle::{settle, Party};
use super::slab::{flag, Slot, NIL};
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
            shared.closed(slab, head, maker.account);
            self.ids.clear(maker.id(), head);
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
        // A trade with oneself moves no position, so that there is nothing to reduce by it.
        let is_own = maker.account == taker.account;
        let reducible_by = |account: u32, side: Side| {
            let accounts = &shared.accounts;
            if is_own {
                0
            } else {
                accounts.reducible(self.terms.id, account, side)
            }
        };
        if maker.has(flag::REDUCE_ONLY) {
            let reducible = reducible_by(maker.account, side);
            if reducible == 0 {
                self.remove_order(shared, head, Reason::ReduceOnly, out);
                return Step::Next;
            }
            lots = lots.min(reducible);
        }
        if taker.flags & flag::REDUCE_ONLY != 0 {
            let reducible = reducible_by(taker.account, taker.side);
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
            if maker.has(flag::LINKED) {
                self.link_touched(shared, slot, out);
            }
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
