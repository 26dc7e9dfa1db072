//! Checks 1 to 14 of a new order, and the numbers that an amend checks again.

use router_core::engine::{
    class, order_flags, ListRole, NewOrder, OrderType, PegKind, Phase, Reason, Side, StpMode, Tif,
    MAX_PRICE,
};

use crate::state::{Instrument, Place};
use crate::{Outcome, Refusal, Twin};

const MAX_QUOTE: u64 = 1 << 62;
const NS: u64 = 1_000_000_000;

pub(crate) fn ensure(holds: bool, reason: Reason) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(Refusal::Rejected(reason))
    }
}

pub(crate) fn is_stop(kind: OrderType) -> bool {
    matches!(
        kind,
        OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop
    )
}

pub(crate) fn lasts(tif: Tif) -> bool {
    matches!(tif, Tif::Gtc | Tif::Gtd | Tif::Day)
}

fn has(new: &NewOrder, flag: u16) -> bool {
    new.flags & flag != 0
}

impl Twin {
    /// Checks 2 to 14 of the order at `at` of its list.
    pub(crate) fn check_new(&self, list: &[NewOrder], at: usize) -> Outcome {
        let Some(new) = list.get(at) else {
            return Err(Reason::Malformed.into());
        };
        let head_role = list.first().map_or(ListRole::None, |head| head.list);
        let known = self.instruments.get(&new.instrument);
        let inst = known.ok_or(Refusal::Rejected(Reason::UnknownInstrument))?;
        ensure(
            new.account < self.limits.max_accounts,
            Reason::UnknownAccount,
        )?;
        self.check_client_id(list, at, new)?;
        ensure(
            !self.venue_killed && !self.account(new.account).killed,
            Reason::Killed,
        )?;
        ensure(
            classes(new, head_role) & inst.rules.disabled == 0,
            Reason::ClassDisabled,
        )?;
        ensure(phase_takes(inst.phase, new), Reason::PhaseRefuses)?;
        ensure(combines(inst, new), Reason::InvalidCombination)?;
        ensure(at > 0 || shape_fits(list), Reason::InvalidCombination)?;
        if has(new, order_flags::QUOTE) {
            ensure((1..=MAX_QUOTE).contains(&new.qty), Reason::InvalidQuantity)?;
        } else {
            inst.check_quantity(new.qty)?;
        }
        inst.check_price(new.order_type, new.side, new.price)?;
        check_trigger(inst, new)?;
        inst.check_notional(new.order_type, new.side, new.price, new.qty)?;
        inst.check_band(new.price)?;
        if new.tif == Tif::Gtd {
            ensure(
                u64::from(new.expire_s) * NS > self.now_ns,
                Reason::AlreadyExpired,
            )?;
        }
        self.check_room(inst, list, at, new)?;
        let exit = at > 0 && head_role == ListRole::BracketHead;
        ensure(exit || !would_trigger(inst, new), Reason::WouldTrigger)
    }

    fn check_client_id(&self, list: &[NewOrder], at: usize, new: &NewOrder) -> Outcome {
        if new.client_id == 0 {
            return Ok(());
        }
        let same_list = list.iter().take(at);
        let mut earlier = same_list.filter(|one| one.account == new.account);
        if earlier.any(|one| one.client_id == new.client_id) {
            return Err(Reason::DuplicateLeg.into());
        }
        match self.find_client_id(new.account, new.client_id) {
            Some(_) if at > 0 => Err(Reason::DuplicateLeg.into()),
            Some((instrument, order)) => Err(Refusal::Duplicate { instrument, order }),
            None => Ok(()),
        }
    }

    /// The order behind a client id.
    pub(crate) fn find_client_id(&self, account: u32, client_id: u64) -> Option<(u32, u64)> {
        let mut known = self.known.iter();
        let found = known.find(|one| one.account == account && one.client_id == client_id)?;
        Some((found.instrument, found.order))
    }

    fn check_room(
        &self,
        inst: &Instrument,
        list: &[NewOrder],
        at: usize,
        new: &NewOrder,
    ) -> Outcome {
        let more = list.len() as u64;
        let ids = list.iter().filter(|one| one.client_id != 0).count() as u64;
        if at == 0 {
            let open = inst.orders.len() as u64;
            ensure(
                open + more <= u64::from(inst.rules.max_open),
                Reason::BookFull,
            )?;
            let all: u64 = self
                .instruments
                .values()
                .map(|one| one.orders.len() as u64)
                .sum();
            ensure(
                all + more <= u64::from(self.limits.max_orders),
                Reason::BookFull,
            )?;
            let known = self.known.len() as u64;
            ensure(
                known + ids <= u64::from(self.limits.max_client_ids),
                Reason::BookFull,
            )?;
        }
        if is_stop(new.order_type) {
            let armed = inst.count(|order| order.place == Place::Armed);
            ensure(armed < u64::from(inst.rules.max_armed), Reason::BookFull)?;
        }
        if new.order_type == OrderType::Pegged {
            let pegs = inst.count(|order| order.kind == OrderType::Pegged);
            ensure(pegs < u64::from(inst.rules.max_pegs), Reason::BookFull)?;
        }
        if at == 0 {
            self.check_own_room(new.account, more, ids)?;
        }
        Ok(())
    }

    /// The second half of check 13: one account must not lock out the others.
    fn check_own_room(&self, account: u32, orders: u64, ids: u64) -> Outcome {
        let books = self.instruments.values();
        let open: u64 = books
            .map(|inst| inst.count(|order| order.account == account))
            .sum();
        let known = self.known.iter().filter(|one| one.account == account);
        let known = known.count() as u64;
        let fits = open + orders <= u64::from(self.limits.max_account_orders)
            && (ids == 0 || known + ids <= u64::from(self.limits.max_account_client_ids));
        ensure(fits, Reason::AccountFull)
    }
}

impl Instrument {
    pub(crate) fn check_quantity(&self, lots: u64) -> Outcome {
        let rules = &self.rules;
        let bounds = (1..=rules.max_qty).contains(&lots) && lots >= rules.min_qty;
        ensure(
            bounds && lots % rules.lot_step == 0,
            Reason::InvalidQuantity,
        )
    }

    /// Whether an order of this kind must name a price.
    fn wants_price(&self, kind: OrderType, side: Side) -> bool {
        match kind {
            OrderType::Limit | OrderType::StopLimit => true,
            OrderType::Stop | OrderType::TrailingStop | OrderType::Pegged => {
                side == Side::Buy && self.funded
            }
            OrderType::Market | OrderType::MarketToLimit => false,
        }
    }

    fn on_grid(&self, price: i64) -> bool {
        (1..=MAX_PRICE).contains(&price) && price % i64::from(self.rules.tick_step) == 0
    }

    pub(crate) fn check_price(&self, kind: OrderType, side: Side, price: i64) -> Outcome {
        let free = price == 0 && !self.wants_price(kind, side);
        ensure(free || self.on_grid(price), Reason::InvalidPrice)
    }

    pub(crate) fn check_notional(
        &self,
        kind: OrderType,
        side: Side,
        price: i64,
        lots: u64,
    ) -> Outcome {
        let notional = u128::from(price.unsigned_abs()) * u128::from(lots);
        let enough = notional >= u128::from(self.rules.min_notional);
        ensure(
            !self.wants_price(kind, side) || enough,
            Reason::BelowMinNotional,
        )
    }

    pub(crate) fn check_band(&self, price: i64) -> Outcome {
        let reference = i128::from(if self.mark != 0 { self.mark } else { self.last });
        let band = i128::from(self.rules.band_ppm);
        if price == 0 || reference == 0 || band == 0 {
            return Ok(());
        }
        let distance = (i128::from(price) - reference).abs();
        ensure(
            distance * 1_000_000 <= reference * band,
            Reason::OutsideBand,
        )
    }
}

fn check_trigger(inst: &Instrument, new: &NewOrder) -> Outcome {
    let valid = match new.order_type {
        OrderType::Stop | OrderType::StopLimit => inst.on_grid(new.trigger),
        OrderType::TrailingStop => (1..=MAX_PRICE).contains(&new.trigger),
        OrderType::Pegged => (0..=MAX_PRICE).contains(&new.trigger),
        OrderType::Limit | OrderType::Market | OrderType::MarketToLimit => true,
    };
    ensure(valid, Reason::InvalidPrice)
}

fn would_trigger(inst: &Instrument, new: &NewOrder) -> bool {
    let reference = inst.reference(new.flags);
    let fixed = matches!(new.order_type, OrderType::Stop | OrderType::StopLimit);
    fixed
        && reference != 0
        && match new.side {
            Side::Sell => reference <= new.trigger,
            Side::Buy => reference >= new.trigger,
        }
}

fn classes(new: &NewOrder, head_role: ListRole) -> u32 {
    let mut all = match new.order_type {
        OrderType::Market => class::MARKET,
        OrderType::MarketToLimit => class::MARKET_TO_LIMIT,
        OrderType::Stop => class::STOP,
        OrderType::StopLimit => class::STOP_LIMIT,
        OrderType::TrailingStop => class::TRAILING,
        OrderType::Pegged => class::PEGGED,
        OrderType::Limit => match new.tif {
            Tif::Ioc => class::IOC,
            Tif::Fok => class::FOK,
            Tif::Gtc | Tif::Gtd | Tif::Day => 0,
        },
    };
    let flags = [
        (order_flags::QUOTE, class::QUOTE),
        (order_flags::POST_ONLY, class::POST_ONLY),
        (order_flags::REDUCE_ONLY, class::REDUCE_ONLY),
    ];
    for (flag, bit) in flags {
        all |= if has(new, flag) { bit } else { 0 };
    }
    all |= if new.display > 0 { class::ICEBERG } else { 0 };
    all |= match new.tif {
        Tif::Gtd => class::GTD,
        Tif::Day => class::DAY,
        Tif::Gtc | Tif::Ioc | Tif::Fok => 0,
    };
    all | match head_role {
        ListRole::OcoHead => class::OCO,
        ListRole::BracketHead => class::BRACKET,
        ListRole::None | ListRole::Leg => 0,
    }
}

fn phase_takes(phase: Phase, new: &NewOrder) -> bool {
    match phase {
        Phase::Continuous => true,
        Phase::Auction => {
            let refused = order_flags::POST_ONLY | order_flags::REDUCE_ONLY;
            let plain = new.order_type == OrderType::Limit && lasts(new.tif);
            let alone = new.list == ListRole::None;
            alone && (is_stop(new.order_type) || (plain && !has(new, refused)))
        }
        Phase::Closed | Phase::Halted => false,
    }
}

/// Section 4, for one order.
fn combines(inst: &Instrument, new: &NewOrder) -> bool {
    let kind = new.order_type;
    let tif_fits = match kind {
        OrderType::Limit | OrderType::StopLimit => true,
        OrderType::Market | OrderType::Stop => matches!(new.tif, Tif::Ioc | Tif::Fok),
        OrderType::TrailingStop => new.tif == Tif::Ioc,
        OrderType::MarketToLimit | OrderType::Pegged => lasts(new.tif),
    };
    let uses_trigger = is_stop(kind) || kind == OrderType::Pegged;
    tif_fits
        && (kind != OrderType::MarketToLimit || new.price == 0)
        && (new.trigger == 0 || uses_trigger)
        && (kind == OrderType::Pegged) == (new.peg != PegKind::None)
        && (new.tif == Tif::Gtd) == (new.expire_s != 0)
        && flags_combine(inst, new)
        && iceberg_combines(inst, new)
}

fn flags_combine(inst: &Instrument, new: &NewOrder) -> bool {
    let kind = new.order_type;
    let quote_fits = kind == OrderType::Market
        && new.tif == Tif::Ioc
        && !has(new, order_flags::REDUCE_ONLY)
        && new.stp != StpMode::Decrement;
    let post_fits = matches!(kind, OrderType::Limit | OrderType::StopLimit) && lasts(new.tif);
    let reduce_fits = inst.positions && new.list == ListRole::None;
    let post = has(new, order_flags::POST_ONLY);
    (!has(new, order_flags::QUOTE) || quote_fits)
        && (!post || post_fits)
        && (post || !has(new, order_flags::SLIDE))
        && (!has(new, order_flags::REDUCE_ONLY) || reduce_fits)
        && (!has(new, order_flags::MARK) || is_stop(kind))
        && !has(new, order_flags::REQUEUE)
}

fn iceberg_combines(inst: &Instrument, new: &NewOrder) -> bool {
    let fits = new.order_type == OrderType::Limit
        && lasts(new.tif)
        && new.list == ListRole::None
        && u64::from(new.display) % inst.rules.lot_step == 0
        && slices_fit(new.display, new.qty);
    new.display == 0 || fits
}

/// Whether an iceberg shows enough at a time.
pub(crate) fn slices_fit(display: u32, lots: u64) -> bool {
    u128::from(display) * 1_000 >= u128::from(lots)
}

/// Section 11: what a list may look like.
fn shape_fits(list: &[NewOrder]) -> bool {
    let resting =
        |new: &NewOrder| new.order_type == OrderType::Limit && lasts(new.tif) && new.display == 0;
    match list {
        [_] => true,
        [head, leg] => {
            resting(head) && is_stop(leg.order_type) && agree(head, leg) && head.side == leg.side
        }
        [head, profit, stop] => {
            let market = head.order_type == OrderType::Market && !has(head, order_flags::QUOTE);
            let acts = market || (head.order_type == OrderType::Limit && head.display == 0);
            acts && !has(head, order_flags::REDUCE_ONLY)
                && resting(profit)
                && is_stop(stop.order_type)
                && agree(head, profit)
                && agree(head, stop)
                && profit.side == head.side.opposite()
                && stop.side == head.side.opposite()
        }
        _ => false,
    }
}

fn agree(head: &NewOrder, leg: &NewOrder) -> bool {
    (head.account, head.instrument, head.qty) == (leg.account, leg.instrument, leg.qty)
}
