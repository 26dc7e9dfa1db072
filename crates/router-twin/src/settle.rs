//! Section 9: holds, payments and fees; and net positions.

use router_core::engine::{EventKind, EventRecord, Side};

use crate::state::{Link, Order, Place};
use crate::Twin;

impl Twin {
    pub(crate) fn available(&self, account: u32, asset: u32) -> u128 {
        self.money
            .get(&(account, asset))
            .map_or(0, |money| money.available)
    }

    fn move_available(&mut self, account: u32, asset: u32, units: i128) {
        let money = self.money.entry((account, asset)).or_default();
        money.available = crate::must(money.available.checked_add_signed(units), "money");
    }

    /// Sets what is held for an order; the difference comes from or goes to the available amount.
    fn set_hold(&mut self, i: u32, id: u64, units: u128) {
        if !self.at(i).funded {
            return;
        }
        let order = self.order_mut(i, id);
        let before = std::mem::replace(&mut order.hold, units);
        let (account, side) = (order.account, order.side);
        let asset = self.at(i).paid_asset(side);
        let money = self.money.entry((account, asset)).or_default();
        money.available = crate::must((money.available + before).checked_sub(units), "money");
        money.held = money.held - before + units;
    }

    fn sibling(&self, i: u32, id: u64) -> Option<u64> {
        match self.order(i, id).link {
            Link::Pair { sibling } => Some(sibling),
            Link::None | Link::Head { .. } | Link::Exit { .. } => None,
        }
    }

    /// Frees everything that is held for an order and its pair.
    pub(crate) fn free_hold(&mut self, i: u32, id: u64) {
        self.set_hold(i, id, 0);
        if let Some(sibling) = self.sibling(i, id) {
            self.set_hold(i, sibling, 0);
        }
    }

    /// Holds the need of an order that waits; a pair holds the larger need of the two once.
    pub(crate) fn hold_for(&mut self, i: u32, id: u64) {
        let order = self.order(i, id);
        if matches!(order.place, Place::Acting | Place::Pending) {
            return;
        }
        let mut need = self.need_of(i, order);
        if let Some(sibling) = self.sibling(i, id) {
            need = need.max(self.need_of(i, self.order(i, sibling)));
            self.set_hold(i, sibling, 0);
        }
        self.set_hold(i, id, need);
    }

    pub(crate) fn need_of(&self, i: u32, order: &Order) -> u128 {
        self.at(i).need(order.side, order.price, order.open)
    }

    /// Pays both sides of a trade and their fees, and moves their positions.
    pub(crate) fn settle(
        &mut self,
        i: u32,
        first: &Order,
        second: &Order,
        price: i64,
        lots: u64,
        auction: bool,
    ) {
        let inst = self.at(i);
        let (funded, positions) = (inst.funded, inst.positions);
        let (base, quote) = (inst.base, inst.quote);
        let base_units = inst.need(Side::Sell, price, lots);
        let quote_units = inst.need(Side::Buy, price, lots);
        for (order, taker) in [(first, true), (second, false)] {
            let signed = i64::try_from(lots).unwrap_or(i64::MAX);
            if positions {
                let net = self.at_mut(i).net.entry(order.account).or_default();
                *net += if order.side == Side::Buy {
                    signed
                } else {
                    -signed
                };
            }
            if !funded {
                continue;
            }
            let (paid, spent, got, received) = match order.side {
                Side::Buy => (quote, quote_units, base, base_units),
                Side::Sell => (base, base_units, quote, quote_units),
            };
            self.move_available(order.account, paid, -signed_units(spent));
            let mut rate = self.rate(order.account, taker && !auction);
            if auction {
                rate = rate.max(0);
            }
            let fee = fee_of(received, rate);
            self.move_available(order.account, got, signed_units(received) - fee);
            *self.fees.entry(got).or_default() += fee;
            if fee != 0 {
                self.say_fee(i, order, got, fee);
            }
        }
    }

    fn say_fee(&mut self, i: u32, order: &Order, asset: u32, fee: i128) {
        let event = EventRecord {
            kind: EventKind::Fee.number(),
            side: order.side.number(),
            instrument: i,
            account: order.account,
            order_id: order.id,
            other_id: u64::from(asset),
            ..EventRecord::default()
        };
        self.emit(event.with_amount(fee));
    }

    fn rate(&self, account: u32, taker: bool) -> i32 {
        let tier = self.account(account).tier;
        let tier = self.tiers.get(&tier).copied().unwrap_or_default();
        if taker {
            tier.taker_ppm
        } else {
            tier.maker_ppm
        }
    }
}

pub(crate) fn signed_units(units: u128) -> i128 {
    crate::must(i128::try_from(units).ok(), "an amount")
}

/// A fee is rounded up, a rebate down: both against the account.
fn fee_of(received: u128, rate: i32) -> i128 {
    let rate_ppm = u128::from(rate.unsigned_abs());
    let part = received % 1_000_000 * rate_ppm;
    let whole = signed_units(received / 1_000_000 * rate_ppm + part / 1_000_000);
    let rest = part % 1_000_000;
    if rate < 0 {
        -whole
    } else {
        whole + i128::from(rest > 0)
    }
}
