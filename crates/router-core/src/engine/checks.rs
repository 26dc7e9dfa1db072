//! Checks 4 to 14 of a new order: they look at the order and the rules, and change nothing.

use super::book::{Book, Shared};
use super::command::NewOrder;
use super::reason::Reason;
use super::rules::{
    class, order_flags, ListRole, OrderType, PegKind, Phase, Side, StpMode, Tif, MAX_PRICE,
    MAX_QUOTE, MAX_SLICES, PPM,
};

/// How many orders and client ids a command is going to add.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Open orders.
    pub(crate) orders: u32,
    /// Client ids.
    pub(crate) client_ids: u32,
}

impl Room {
    /// What one order needs.
    #[inline]
    pub(crate) fn of(order: &NewOrder) -> Self {
        Self {
            orders: 1,
            client_ids: u32::from(order.client_id != 0),
        }
    }
}

/// True if what is left of an order with this time in force rests.
#[inline]
pub(crate) const fn may_rest(tif: Tif) -> bool {
    matches!(tif, Tif::Gtc | Tif::Gtd | Tif::Day)
}

/// True for the types that wait for a trigger.
#[inline]
pub(crate) const fn is_stop(order_type: OrderType) -> bool {
    matches!(
        order_type,
        OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop
    )
}

/// True if the order is a limit order that uses nothing but side, price, quantity and STP mode, so that
/// most checks cannot fail.
#[inline]
pub(crate) fn is_plain(order: &NewOrder) -> bool {
    let rest = u64::from(order.display) | u64::from(order.expire_s) | order.trigger.unsigned_abs();
    let rest = rest | u64::from(order.flags) | u64::from(order.peg.number());
    let fits =
        matches!(order.tif, Tif::Gtc | Tif::Ioc) && matches!(order.order_type, OrderType::Limit);
    fits && rest == 0 && matches!(order.list, ListRole::None)
}

impl Book {
    /// Checks 4 to 13 (`room` is only needed by 13).
    pub(crate) fn check(
        &self,
        shared: &Shared,
        order: &NewOrder,
        room: Room,
    ) -> Result<(), Reason> {
        if shared.accounts.is_killed(order.account) {
            return Err(Reason::Killed);
        }
        if self.rules.disabled != 0 && self.rules.disabled & classes(order) != 0 {
            return Err(Reason::ClassDisabled);
        }
        if !self.phase_takes(order) {
            return Err(Reason::PhaseRefuses);
        }
        if !is_plain(order) && !self.combines(order) {
            return Err(Reason::InvalidCombination);
        }
        self.check_numbers(order)?;
        if matches!(order.tif, Tif::Gtd) && is_due(order.expire_s, shared.now_ns) {
            return Err(Reason::AlreadyExpired);
        }
        self.check_room(shared, order, room)
    }

    fn phase_takes(&self, order: &NewOrder) -> bool {
        match self.phase {
            Phase::Continuous => true,
            Phase::Auction => match order.order_type {
                OrderType::Limit => {
                    may_rest(order.tif)
                        && order.flags & (order_flags::POST_ONLY | order_flags::REDUCE_ONLY) == 0
                        && matches!(order.list, ListRole::None)
                }
                OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop => {
                    matches!(order.list, ListRole::None)
                }
                OrderType::Market | OrderType::MarketToLimit | OrderType::Pegged => false,
            },
            Phase::Closed | Phase::Halted => false,
        }
    }

    /// Check 7 without the shape of a list.
    fn combines(&self, order: &NewOrder) -> bool {
        let has = |bits: u16| order.flags & bits != 0;
        let resting_limit = matches!(order.order_type, OrderType::Limit | OrderType::StopLimit)
            && may_rest(order.tif);
        let tif_fits = match order.order_type {
            OrderType::Limit | OrderType::StopLimit => true,
            OrderType::Market | OrderType::Stop => matches!(order.tif, Tif::Ioc | Tif::Fok),
            OrderType::TrailingStop => matches!(order.tif, Tif::Ioc),
            OrderType::MarketToLimit | OrderType::Pegged => may_rest(order.tif),
        };
        let in_list = !matches!(order.list, ListRole::None);
        let triggered = is_stop(order.order_type);
        let pegged = matches!(order.order_type, OrderType::Pegged);
        tif_fits
            && !has(order_flags::REQUEUE)
            && (order.expire_s != 0) == matches!(order.tif, Tif::Gtd)
            && (triggered || pegged || order.trigger == 0)
            && (order.peg != PegKind::None) == pegged
            && (triggered || !has(order_flags::MARK))
            && (resting_limit || !has(order_flags::POST_ONLY))
            && (has(order_flags::POST_ONLY) || !has(order_flags::SLIDE))
            && (!has(order_flags::REDUCE_ONLY) || (self.terms.positions && !in_list))
            && (!has(order_flags::QUOTE) || quote_fits(order))
            && (order.price == 0 || !matches!(order.order_type, OrderType::MarketToLimit))
            && (order.display == 0 || self.iceberg_fits(order))
    }

    fn iceberg_fits(&self, order: &NewOrder) -> bool {
        matches!(order.order_type, OrderType::Limit)
            && may_rest(order.tif)
            && matches!(order.list, ListRole::None)
            && u64::from(order.display).checked_rem(self.rules.lot_step) == Some(0)
            && slices_fit(order.display, order.qty)
    }

    /// True if the order must give a price.
    pub(crate) fn needs_price(&self, order_type: OrderType, side: Side) -> bool {
        match order_type {
            OrderType::Limit | OrderType::StopLimit => true,
            OrderType::Market | OrderType::MarketToLimit => false,
            OrderType::Stop | OrderType::TrailingStop | OrderType::Pegged => {
                self.terms.funded && matches!(side, Side::Buy)
            }
        }
    }

    /// Checks 8 to 11.
    #[inline]
    fn check_numbers(&self, order: &NewOrder) -> Result<(), Reason> {
        if order.flags & order_flags::QUOTE != 0 {
            if order.qty == 0 || order.qty > MAX_QUOTE {
                return Err(Reason::InvalidQuantity);
            }
        } else if !self.is_quantity(order.qty) {
            return Err(Reason::InvalidQuantity);
        }
        let required = self.needs_price(order.order_type, order.side);
        if (required || order.price != 0) && !self.is_price(order.price) {
            return Err(Reason::InvalidPrice);
        }
        if !matches!(order.order_type, OrderType::Limit) && !self.trigger_fits(order) {
            return Err(Reason::InvalidPrice);
        }
        if required && !self.has_notional(order.price, order.qty) {
            return Err(Reason::BelowMinNotional);
        }
        if order.price != 0 && !self.is_in_band(order.price) {
            return Err(Reason::OutsideBand);
        }
        Ok(())
    }

    /// Check 8.
    #[inline]
    pub(crate) fn is_quantity(&self, qty: u64) -> bool {
        let step = self.rules.lot_step;
        qty != 0
            && qty <= self.rules.max_qty
            && qty >= self.rules.min_qty
            && (step == 1 || qty.checked_rem(step) == Some(0))
    }

    /// Check 9 of a price.
    #[inline]
    pub(crate) fn is_price(&self, price: i64) -> bool {
        let step = self.rules.tick_step;
        (1..=MAX_PRICE).contains(&price)
            && (step == 1 || price.checked_rem(i64::from(step)) == Some(0))
    }

    fn trigger_fits(&self, order: &NewOrder) -> bool {
        match order.order_type {
            OrderType::Stop | OrderType::StopLimit => self.is_price(order.trigger),
            OrderType::TrailingStop => (1..=MAX_PRICE).contains(&order.trigger),
            OrderType::Pegged => (0..=MAX_PRICE).contains(&order.trigger),
            OrderType::Limit | OrderType::Market | OrderType::MarketToLimit => true,
        }
    }

    /// Check 10 of a price that was checked.
    #[inline]
    pub(crate) fn has_notional(&self, price: i64, qty: u64) -> bool {
        self.rules.min_notional == 0
            || u128::from(price.unsigned_abs()).wrapping_mul(u128::from(qty))
                >= u128::from(self.rules.min_notional)
    }

    /// Check 11 of a price that was checked.
    #[inline]
    pub(crate) fn is_in_band(&self, price: i64) -> bool {
        let reference = if self.mark == 0 { self.last } else { self.mark };
        if self.rules.band_ppm == 0 || reference == 0 {
            return true;
        }
        let distance = price.abs_diff(i64::from(reference));
        distance.saturating_mul(PPM)
            <= u64::from(reference).saturating_mul(u64::from(self.rules.band_ppm))
    }

    /// Check 13.
    #[inline]
    fn check_room(&self, shared: &Shared, order: &NewOrder, room: Room) -> Result<(), Reason> {
        let open = self.slab.live().saturating_add(room.orders);
        let all = shared.open_orders.saturating_add(room.orders);
        if open > self.rules.max_open || all > shared.limits.max_orders {
            return Err(Reason::BookFull);
        }
        if room.client_ids != 0 {
            let known = shared
                .clients
                .len()
                .saturating_add(room.client_ids as usize);
            if known > shared.limits.max_client_ids as usize {
                return Err(Reason::BookFull);
            }
        }
        let full = match order.order_type {
            OrderType::Limit | OrderType::Market | OrderType::MarketToLimit => false,
            OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop => {
                self.armed >= self.rules.max_armed
            }
            OrderType::Pegged => self.pegs.len() >= self.rules.max_pegs as usize,
        };
        if full {
            return Err(Reason::BookFull);
        }
        let open = shared.accounts.open_orders(order.account);
        if open.saturating_add(room.orders) > shared.limits.max_account_orders {
            return Err(Reason::AccountFull);
        }
        if room.client_ids != 0 {
            let known = shared.accounts.client_ids(order.account);
            if known.saturating_add(room.client_ids) > shared.limits.max_account_client_ids {
                return Err(Reason::AccountFull);
            }
        }
        Ok(())
    }

    /// Check 14: a stop whose trigger is met already.
    pub(crate) fn check_trigger(&self, order: &NewOrder) -> Result<(), Reason> {
        let reference = i64::from(self.reference(order.flags & order_flags::MARK != 0));
        let is_met = match order.order_type {
            OrderType::Stop | OrderType::StopLimit => match order.side {
                Side::Sell => reference <= order.trigger,
                Side::Buy => reference >= order.trigger,
            },
            OrderType::Limit
            | OrderType::Market
            | OrderType::MarketToLimit
            | OrderType::TrailingStop
            | OrderType::Pegged => false,
        };
        if is_met && reference != 0 {
            Err(Reason::WouldTrigger)
        } else {
            Ok(())
        }
    }

    /// The price that triggers look at, 0 = unknown.
    pub(crate) const fn reference(&self, mark: bool) -> u32 {
        if mark {
            self.mark
        } else {
            self.last
        }
    }
}

/// True if a date has come.
pub(crate) fn is_due(expire_s: u32, now_ns: u64) -> bool {
    u64::from(expire_s).saturating_mul(1_000_000_000) <= now_ns
}

fn quote_fits(order: &NewOrder) -> bool {
    matches!(order.order_type, OrderType::Market)
        && matches!(order.tif, Tif::Ioc)
        && order.flags & order_flags::REDUCE_ONLY == 0
        && !matches!(order.stp, StpMode::Decrement)
}

/// The classes of an order, apart from those of its list, which a leg does not know.
pub(crate) fn classes(order: &NewOrder) -> u32 {
    let of_type = match order.order_type {
        OrderType::Limit => match order.tif {
            Tif::Ioc => class::IOC,
            Tif::Fok => class::FOK,
            Tif::Gtc | Tif::Gtd | Tif::Day => 0,
        },
        OrderType::Market => class::MARKET,
        OrderType::MarketToLimit => class::MARKET_TO_LIMIT,
        OrderType::Stop => class::STOP,
        OrderType::StopLimit => class::STOP_LIMIT,
        OrderType::TrailingStop => class::TRAILING,
        OrderType::Pegged => class::PEGGED,
    };
    let of_tif = match order.tif {
        Tif::Gtd => class::GTD,
        Tif::Day => class::DAY,
        Tif::Gtc | Tif::Ioc | Tif::Fok => 0,
    };
    let of_list = match order.list {
        ListRole::OcoHead => class::OCO,
        ListRole::BracketHead => class::BRACKET,
        ListRole::None | ListRole::Leg => 0,
    };
    let flagged = |bit: u16, class: u32| if order.flags & bit != 0 { class } else { 0 };
    of_type
        | of_tif
        | of_list
        | flagged(order_flags::QUOTE, class::QUOTE)
        | flagged(order_flags::POST_ONLY, class::POST_ONLY)
        | flagged(order_flags::REDUCE_ONLY, class::REDUCE_ONLY)
        | if order.display == 0 {
            0
        } else {
            class::ICEBERG
        }
}

/// True if an iceberg of this quantity has few enough slices.
pub(crate) fn slices_fit(display: u32, qty: u64) -> bool {
    u64::from(display).saturating_mul(MAX_SLICES) >= qty
}
