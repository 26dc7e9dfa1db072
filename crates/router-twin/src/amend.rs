//! Section 12: another price or another total for an order.

use router_core::engine::{order_flags, EventKind, OrderType, Phase, Reason};

use crate::checks::{ensure, slices_fit};
use crate::state::{Link, Order, Place};
use crate::{Outcome, Refusal, Twin, PLAIN};

impl Twin {
    /// Amends; price 0 and quantity 0 keep what there is.
    pub(crate) fn amend(
        &mut self,
        i: u32,
        id: u64,
        price: i64,
        qty: u64,
        requeue: bool,
    ) -> Outcome {
        let order = self.order(i, id).clone();
        let killed = self.venue_killed || self.account(order.account).killed;
        ensure(!killed, Reason::Killed)?;
        let disabled = self.at(i).rules.disabled & router_core::engine::class::AMEND;
        ensure(disabled == 0, Reason::ClassDisabled)?;
        ensure(order.link == Link::None, Reason::Linked)?;
        let before = order.open + order.filled;
        let total = if qty == 0 { before } else { qty };
        if total <= order.filled {
            self.remove(i, id, Reason::Requested);
            return Ok(());
        }
        let same_price = price == 0 || price == order.price;
        if same_price && !requeue && total < before {
            self.take_off(i, id, before - total, Reason::Requested);
            return Ok(());
        }
        ensure(!same_price || requeue || total != before, Reason::NoChange)?;
        let price = if price == 0 { order.price } else { price };
        self.reenter(i, &order, price, total)
    }

    fn reenter(&mut self, i: u32, order: &Order, price: i64, total: u64) -> Outcome {
        let inst = self.at(i);
        let unpriced = matches!(order.kind, OrderType::Stop | OrderType::TrailingStop);
        let sets_price = unpriced && order.price == 0 && price != 0;
        let allowed = order.kind != OrderType::Pegged && !sets_price;
        ensure(allowed, Reason::InvalidCombination)?;
        let takes = matches!(inst.phase, Phase::Continuous | Phase::Auction);
        ensure(takes, Reason::PhaseRefuses)?;
        inst.check_quantity(total)?;
        let fits = order.display == 0 || slices_fit(order.display, total);
        ensure(fits, Reason::InvalidQuantity)?;
        // What was market-to-limit is a limit order now.
        let kind = if order.kind == OrderType::MarketToLimit {
            OrderType::Limit
        } else {
            order.kind
        };
        inst.check_price(kind, order.side, price)?;
        inst.check_notional(kind, order.side, price, total)?;
        inst.check_band(price)?;
        let mut price = price;
        if order.place == Place::Resting && order.has(order_flags::POST_ONLY) {
            let slide = order.has(order_flags::SLIDE);
            let free = self.post_only_price(i, order.side, price, slide);
            price = free.ok_or(Refusal::Rejected(Reason::WouldCross))?;
            inst.check_band(price)?;
        }
        let open = total - order.filled;
        if inst.funded {
            let asset = inst.paid_asset(order.side);
            let has = self.available(order.account, asset) + order.hold;
            ensure(
                has >= inst.need(order.side, price, open),
                Reason::InsufficientFunds,
            )?;
        }
        self.replace(i, order.id, price, open);
        Ok(())
    }

    fn replace(&mut self, i: u32, id: u64, price: i64, open: u64) {
        let resting = self.order(i, id).place == Place::Resting;
        self.free_hold(i, id);
        if resting {
            self.unqueue(i, id);
        }
        let order = self.order_mut(i, id);
        order.price = price;
        order.open = open;
        if resting {
            order.place = Place::Acting;
            order.shown = 0;
        }
        let order = order.clone();
        let numbers = (price, open + order.filled, open);
        self.say(EventKind::Replaced, i, &order, numbers, PLAIN);
        if resting {
            self.act(i, id);
        } else {
            self.hold_for(i, id);
        }
    }
}
