//! Amends: what keeps its place, what loses it, and what may not be.

use super::book::{Book, Shared};
use super::checks::slices_fit;
use super::command::CommandRecord;
use super::event::{EventKind, EventRecord, Sink};
use super::reason::Reason;
use super::rules::{class, order_flags, OrderType, PegKind, Phase, StpMode};
use super::slab::{flag, Slot, Stage};
use super::taker::Taker;

/// The numbers that an order is to have.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    price: i64,
    total: u64,
    open: u64,
}

impl Book {
    /// Amends an open order, or says why not; then nothing has changed.
    #[inline]
    pub(crate) fn change<S: Sink>(
        &mut self,
        shared: &mut Shared,
        slot: u32,
        record: &CommandRecord,
        out: &mut S,
    ) -> Result<(), Reason> {
        let order = *self.slab.hot(slot);
        if shared.accounts.is_killed(order.account) {
            return Err(Reason::Killed);
        }
        if self.rules.disabled & class::AMEND != 0 {
            return Err(Reason::ClassDisabled);
        }
        if order.has(flag::LINKED) {
            return Err(Reason::Linked);
        }
        let total = self.slab.cold(slot).total;
        let filled = total.wrapping_sub(order.open);
        let wanted = if record.qty == 0 { total } else { record.qty };
        if wanted <= filled {
            self.remove_order(shared, slot, Reason::Requested, out);
            return Ok(());
        }
        let price = i64::from(self.hold_price(slot));
        let keeps_price = record.price == 0 || record.price == price;
        if keeps_price && record.flags & order_flags::REQUEUE == 0 {
            if wanted == total {
                return Err(Reason::NoChange);
            }
            if wanted < total {
                let lots = total.wrapping_sub(wanted);
                self.reduce_in_place(shared, slot, lots, Reason::Requested, out);
                return Ok(());
            }
        }
        let price = if record.price == 0 {
            price
        } else {
            record.price
        };
        let numbers = Numbers {
            price,
            total: wanted,
            open: wanted.wrapping_sub(filled),
        };
        self.change_place(shared, slot, &order, (keeps_price, numbers), out)
    }

    #[inline]
    fn change_place<S: Sink>(
        &mut self,
        shared: &mut Shared,
        slot: u32,
        order: &Slot,
        (keeps_price, numbers): (bool, Numbers),
        out: &mut S,
    ) -> Result<(), Reason> {
        let order_type = order.order_type();
        if !matches!(order_type, OrderType::Limit) {
            self.check_change(slot, order, keeps_price)?;
        }
        if !matches!(self.phase, Phase::Continuous | Phase::Auction) {
            return Err(Reason::PhaseRefuses);
        }
        if order.has(flag::ICEBERG) {
            let display = self.slab.exotic(slot).map_or(0, |exotic| exotic.display);
            if !slices_fit(display, numbers.total) {
                return Err(Reason::InvalidQuantity);
            }
        }
        self.check_new_numbers(order, order_type, numbers)?;
        let is_armed = order.flags() & flag::EXOTIC != 0 && self.stage(slot) == Stage::Armed;
        let mut taker = self.taker_of_slot(shared, slot, order, numbers);
        if !is_armed && order.flags() & flag::POST_ONLY != 0 {
            self.check_post_only_in_band(&mut taker)?;
        }
        self.check_new_need(shared, order, &taker)?;
        self.free(
            shared,
            order.account,
            order.side(),
            order.price(),
            order.open,
        );
        if is_armed {
            self.hold(shared, order.account, order.side(), taker.price, taker.open);
            self.write_numbers(slot, &taker);
            out.event(self.replaced(shared.sequence, &taker));
        } else {
            self.take_off_level(slot, order);
            out.event(self.replaced(shared.sequence, &taker));
            self.act(shared, &mut taker, out);
        }
        Ok(())
    }

    /// Refuses what an order that is no plain limit order cannot change.
    fn check_change(&self, slot: u32, order: &Slot, keeps_price: bool) -> Result<(), Reason> {
        let has_no_price = order.price() == 0 && !keeps_price;
        if has_no_price || self.peg(slot) != PegKind::None {
            Err(Reason::InvalidCombination)
        } else {
            Ok(())
        }
    }

    /// Checks 8 to 11 of the numbers that the order would have.
    #[inline]
    fn check_new_numbers(
        &self,
        order: &Slot,
        order_type: OrderType,
        to: Numbers,
    ) -> Result<(), Reason> {
        if !self.is_quantity(to.total) {
            return Err(Reason::InvalidQuantity);
        }
        // What was market-to-limit is a limit order now.
        let is_limit = matches!(order_type, OrderType::MarketToLimit);
        let required = is_limit || self.needs_price(order_type, order.side());
        if (required || to.price != 0) && !self.is_price(to.price) {
            return Err(Reason::InvalidPrice);
        }
        if required && !self.has_notional(to.price, to.total) {
            return Err(Reason::BelowMinNotional);
        }
        if to.price != 0 && !self.is_in_band(to.price) {
            return Err(Reason::OutsideBand);
        }
        Ok(())
    }

    /// The taker that an open order becomes with other numbers.
    #[inline]
    fn taker_of_slot(&self, shared: &Shared, slot: u32, order: &Slot, to: Numbers) -> Taker {
        let stp = order.stp();
        let price = u32::try_from(to.price).unwrap_or(0);
        Taker {
            id: order.id(),
            open: to.open,
            total: to.total,
            budget: 0,
            client_id: 0,
            account: order.account,
            group: if matches!(stp, StpMode::None) {
                0
            } else {
                shared.accounts.standing(order.account).group
            },
            slot,
            price,
            limit_key: self.side(order.side().opposite()).key(price),
            session: 0,
            flags: order.flags(),
            side: order.side(),
            stp,
            by_quote: false,
            rests: true,
        }
    }

    /// Says whether what is available and what the order holds pay for its new numbers.
    #[inline]
    fn check_new_need(&self, shared: &Shared, order: &Slot, taker: &Taker) -> Result<(), Reason> {
        if !self.terms.funded {
            return Ok(());
        }
        let (asset, need) = self.terms.need(order.side(), taker.price, taker.open);
        let (_, held) = self.terms.need(order.side(), order.price(), order.open);
        if shared
            .funds
            .covers(order.account, asset, need.saturating_sub(held))
        {
            Ok(())
        } else {
            Err(Reason::InsufficientFunds)
        }
    }

    /// Takes a resting order off its level, so that it can act.
    #[inline]
    pub(crate) fn take_off_level(&mut self, slot: u32, order: &Slot) {
        let shown = self.shown(slot);
        let (ladder, slab) = self.side_mut(order.side());
        ladder.unlink(slab, slot, shown);
        if let Some(cold) = slab.cold_mut(slot) {
            cold.priority = 0;
        }
        if order.flags() & flag::EXOTIC != 0 {
            self.set_stage(slot, Stage::Acting);
        }
    }

    fn write_numbers(&mut self, slot: u32, taker: &Taker) {
        if let Some(hot) = self.slab.hot_mut(slot) {
            hot.open = taker.open;
            hot.set_price(taker.price);
        }
        if let Some(cold) = self.slab.cold_mut(slot) {
            cold.total = taker.total;
        }
    }

    /// The `Replaced` event of an order with the numbers of `taker`.
    #[inline]
    pub(crate) fn replaced(&self, sequence: u64, taker: &Taker) -> EventRecord {
        EventRecord {
            kind: EventKind::Replaced.number(),
            side: taker.side.number(),
            instrument: self.terms.id,
            command: sequence,
            account: taker.account,
            order_id: taker.id,
            price: i64::from(taker.price),
            qty: taker.total,
            leaves: taker.open,
            ..EventRecord::default()
        }
    }
}
