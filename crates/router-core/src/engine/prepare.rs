//! Checks 15 to 19: what the book itself says to an order that arrives. Nothing is changed.

use super::book::{Book, Shared};
use super::checks::may_rest;
use super::command::NewOrder;
use super::reason::Reason;
use super::rules::{order_flags, OrderType, PegKind, Side, StpMode, Tif, MAX_PRICE, PPM};
use super::slab::{flag, NIL};
use super::taker::Taker;

/// Worst key of an order that takes any price.
pub(crate) const ANY_KEY: u32 = 0x7FFF_FFFF;

/// The flags of an order's slot.
#[inline]
pub(crate) fn slot_flags(order: &NewOrder) -> u16 {
    let of = |bit: u16, flag: u16| if order.flags & bit != 0 { flag } else { 0 };
    let numbers = u16::from(order.stp.number())
        | (u16::from(order.tif.number()) << flag::TIF_SHIFT)
        | (u16::from(order.order_type.number()) << flag::TYPE_SHIFT);
    if order.flags == 0 {
        return numbers;
    }
    numbers
        | of(order_flags::POST_ONLY, flag::POST_ONLY)
        | of(order_flags::SLIDE, flag::SLIDE)
        | of(order_flags::REDUCE_ONLY, flag::REDUCE_ONLY)
        | of(order_flags::MARK, flag::MARK)
}

impl Book {
    /// The taker that a checked order becomes, after checks 15 to 18. Stops and pegged orders do not
    /// meet the book yet, so that only check 17 applies to them.
    #[inline]
    pub(crate) fn prepare(&self, shared: &Shared, order: &NewOrder) -> Result<Taker, Reason> {
        let mut taker = self.taker_of(shared, order);
        match order.order_type {
            OrderType::Limit => {
                taker.limit_key = self.side(order.side.opposite()).key(taker.price);
            }
            OrderType::MarketToLimit => {
                let best = self
                    .side(order.side.opposite())
                    .best_price()
                    .ok_or(Reason::NoLiquidity)?;
                taker.price = best;
                taker.limit_key = self.side(order.side.opposite()).best_key();
            }
            OrderType::Market => taker.limit_key = self.market_key(order.side, taker.price),
            OrderType::Stop
            | OrderType::StopLimit
            | OrderType::TrailingStop
            | OrderType::Pegged => {
                return self.check_reducible(shared, &taker).map(|()| taker);
            }
        }
        if order.flags & (order_flags::POST_ONLY | order_flags::REDUCE_ONLY) != 0 {
            self.check_post_only(&mut taker)?;
            self.check_reducible(shared, &taker)?;
        }
        if matches!(order.tif, Tif::Fok) && !self.is_fillable(shared, &taker) {
            return Err(Reason::NotFillable);
        }
        Ok(taker)
    }

    #[inline]
    pub(crate) fn taker_of(&self, shared: &Shared, order: &NewOrder) -> Taker {
        let by_quote = order.flags & order_flags::QUOTE != 0;
        Taker {
            id: self.next_id,
            open: if by_quote { 0 } else { order.qty },
            total: order.qty,
            budget: if by_quote { order.qty } else { 0 },
            client_id: order.client_id,
            account: order.account,
            group: if matches!(order.stp, StpMode::None) {
                0
            } else {
                shared.accounts.standing(order.account).group
            },
            slot: NIL,
            price: u32::try_from(order.price).unwrap_or(0),
            limit_key: ANY_KEY,
            session: order.session,
            flags: slot_flags(order),
            side: order.side,
            stp: order.stp,
            by_quote,
            rests: may_rest(order.tif),
        }
    }

    /// Worst key that a market order takes: from its protection price, or the collar.
    pub(crate) fn market_key(&self, side: Side, protection: u32) -> u32 {
        let opposite = self.side(side.opposite());
        if protection != 0 {
            return opposite.key(protection);
        }
        let collar = u64::from(self.rules.collar_ppm);
        let Some(best) = opposite.best_price() else {
            return ANY_KEY;
        };
        if collar == 0 {
            return ANY_KEY;
        }
        let best = u64::from(best);
        let worst = match side {
            Side::Buy => best.saturating_mul(PPM.saturating_add(collar)) / PPM,
            Side::Sell => best
                .saturating_mul(PPM.saturating_sub(collar))
                .div_ceil(PPM)
                .max(1),
        };
        let worst = worst.min(MAX_PRICE.unsigned_abs());
        opposite.key(u32::try_from(worst).unwrap_or(0))
    }

    /// True if the order would trade at once at its limit.
    #[inline]
    pub(crate) fn crosses(&self, taker: &Taker) -> bool {
        self.side(taker.side.opposite()).best_key() <= taker.limit_key
    }

    /// Check 16: refuses a post-only order that would trade, or lets it slide.
    pub(crate) fn check_post_only(&self, taker: &mut Taker) -> Result<(), Reason> {
        if taker.flags & flag::POST_ONLY == 0 || !self.crosses(taker) {
            return Ok(());
        }
        if taker.flags & flag::SLIDE == 0 {
            return Err(Reason::WouldCross);
        }
        let opposite = self.side(taker.side.opposite());
        let best = opposite.best_price().ok_or(Reason::WouldCross)?;
        let step = self.rules.tick_step;
        let price = match taker.side {
            Side::Buy => best.checked_sub(step),
            Side::Sell => best.checked_add(step),
        };
        let price = price.filter(|price| (1..=MAX_PRICE).contains(&i64::from(*price)));
        taker.price = price.ok_or(Reason::WouldCross)?;
        taker.limit_key = opposite.key(taker.price);
        Ok(())
    }

    /// Check 17.
    pub(crate) fn check_reducible(&self, shared: &Shared, taker: &Taker) -> Result<(), Reason> {
        if taker.flags & flag::REDUCE_ONLY != 0
            && shared
                .accounts
                .reducible(self.terms.id, taker.account, taker.side)
                == 0
        {
            return Err(Reason::NothingToReduce);
        }
        Ok(())
    }

    /// True if two orders have the same owner.
    #[inline]
    pub(crate) fn same_owner(&self, shared: &Shared, taker: &Taker, maker: u32) -> bool {
        taker.account == maker
            || (taker.group != 0 && shared.accounts.standing(maker).group == taker.group)
    }

    /// Check 18: the lots that the order could trade now reach its quantity.
    pub(crate) fn is_fillable(&self, shared: &Shared, taker: &Taker) -> bool {
        if taker.flags & flag::REDUCE_ONLY != 0
            && shared
                .accounts
                .reducible(self.terms.id, taker.account, taker.side)
                < taker.open
        {
            return false;
        }
        let side = taker.side.opposite();
        let mut found: u64 = 0;
        for (key, _) in self.side(side).iter() {
            if key > taker.limit_key || found >= taker.open {
                break;
            }
            let (lots, goes_on) = self.tradable_in_level(shared, taker, key);
            found = found.saturating_add(lots);
            if !goes_on {
                break;
            }
        }
        found >= taker.open
    }

    /// Lots of a level that the order could trade, and whether it comes to the next level.
    fn tradable_in_level(&self, shared: &Shared, taker: &Taker, key: u32) -> (u64, bool) {
        let leaves_out = matches!(taker.stp, StpMode::ExpireMaker);
        let (mut all, mut shown): (u64, u64) = (0, 0);
        for slot in self.queue(taker.side.opposite(), key) {
            let maker = self.slab.hot(slot);
            if !matches!(taker.stp, StpMode::None) && self.same_owner(shared, taker, maker.account)
            {
                if leaves_out {
                    continue;
                }
                return (shown, false);
            }
            if maker.flags() & flag::REDUCE_ONLY == 0 {
                all = all.saturating_add(maker.open);
                shown = shown.saturating_add(self.shown(slot));
            }
        }
        (all, true)
    }

    /// Check 19 of an order that is in no list.
    #[inline]
    pub(crate) fn check_funds(
        &self,
        shared: &Shared,
        order: &NewOrder,
        taker: &Taker,
    ) -> Result<(), Reason> {
        if !self.terms.funded {
            return Ok(());
        }
        let (asset, units) = match order.order_type {
            OrderType::Limit
            | OrderType::MarketToLimit
            | OrderType::Stop
            | OrderType::StopLimit
            | OrderType::TrailingStop
            | OrderType::Pegged => self.terms.need(order.side, taker.price, order.qty),
            OrderType::Market => self.market_need(shared, taker),
        };
        if shared.funds.covers(order.account, asset, units) {
            Ok(())
        } else {
            Err(Reason::InsufficientFunds)
        }
    }

    /// Asset and units that a market order needs.
    pub(crate) fn market_need(&self, shared: &Shared, taker: &Taker) -> (u32, u128) {
        let terms = &self.terms;
        let tick_lots = |amount: u128| amount.saturating_mul(u128::from(terms.tick_units));
        match taker.side {
            Side::Buy if taker.by_quote => (terms.quote_asset, tick_lots(u128::from(taker.budget))),
            Side::Buy if taker.price != 0 => terms.need(Side::Buy, taker.price, taker.open),
            Side::Buy => (terms.quote_asset, tick_lots(self.walk(shared, taker).1)),
            Side::Sell => terms.need(Side::Sell, 0, self.walk(shared, taker).0),
        }
    }

    /// Lots, and price times lots, that the order meets on its way through the opposite side; orders of
    /// the same owner are left out unless the mode is *none*.
    fn walk(&self, shared: &Shared, taker: &Taker) -> (u64, u128) {
        let opposite = self.side(taker.side.opposite());
        let (mut lots, mut cost, mut left): (u64, u128, u64) = (0, 0, taker.leaves());
        for (key, _) in opposite.iter() {
            if key > taker.limit_key || left == 0 {
                break;
            }
            let price = u64::from(opposite.key(key));
            let held = self.lots_of_others(shared, taker, key);
            let wanted = if taker.by_quote {
                left.checked_div(price).unwrap_or(0)
            } else {
                left
            };
            let taken = wanted.min(held);
            let paid = u128::from(taken).saturating_mul(u128::from(price));
            lots = lots.saturating_add(taken);
            cost = cost.saturating_add(paid);
            left = if taker.by_quote {
                left.saturating_sub(u64::try_from(paid).unwrap_or(u64::MAX))
            } else {
                left.saturating_sub(taken)
            };
            if taker.by_quote && wanted < held {
                break;
            }
        }
        (lots, cost)
    }

    fn lots_of_others(&self, shared: &Shared, taker: &Taker, key: u32) -> u64 {
        let makers = self
            .queue(taker.side.opposite(), key)
            .map(|slot| self.slab.hot(slot));
        makers
            .filter(|maker| {
                matches!(taker.stp, StpMode::None) || !self.same_owner(shared, taker, maker.account)
            })
            .fold(0, |lots, maker| lots.saturating_add(maker.open))
    }

    /// The peg kind of an order.
    pub(crate) fn peg(&self, slot: u32) -> PegKind {
        self.slab
            .exotic(slot)
            .map_or(PegKind::None, |exotic| exotic.peg)
    }
}
