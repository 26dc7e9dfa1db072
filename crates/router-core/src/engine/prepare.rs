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
                if !self.is_in_band(i64::from(best)) {
                    return Err(Reason::OutsideBand);
                }
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
            self.check_post_only_in_band(&mut taker)?;
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

    /// Check 16 of a new or amended order: the price to which it slides lies in the band too.
    pub(crate) fn check_post_only_in_band(&self, taker: &mut Taker) -> Result<(), Reason> {
        let given = taker.price;
        self.check_post_only(taker)?;
        if taker.price == given || self.is_in_band(i64::from(taker.price)) {
            Ok(())
        } else {
            Err(Reason::OutsideBand)
        }
    }

    /// Check 16 without the band: refuses a post-only order that would trade, or lets it slide.
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
            OrderType::Market => {
                return if self.pays_market(shared, taker) {
                    Ok(())
                } else {
                    Err(Reason::InsufficientFunds)
                }
            }
        };
        if shared.funds.covers(order.account, asset, units) {
            Ok(())
        } else {
            Err(Reason::InsufficientFunds)
        }
    }

    /// The peg kind of an order.
    pub(crate) fn peg(&self, slot: u32) -> PegKind {
        self.slab
            .exotic(slot)
            .map_or(PegKind::None, |exotic| exotic.peg)
    }
}
