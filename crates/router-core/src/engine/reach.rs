//! How far an order would come on its way through the opposite side, before it is taken.
//!
//! Every walk ends as soon as its question is answered: no order looks at more orders than it could trade
//! with, apart from those of its own owner that lie between.

use super::book::{Book, Shared};
use super::rules::{Side, StpMode, MAX_PRICE};
use super::slab::flag;
use super::taker::Taker;

impl Book {
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
        let mut needed = taker.open;
        for (key, _) in self.side(taker.side.opposite()).iter() {
            if key > taker.limit_key {
                break;
            }
            match self.needed_behind(shared, taker, key, needed) {
                Some(0) => return true,
                Some(more) => needed = more,
                None => return false,
            }
        }
        false
    }

    /// Lots that are still needed behind a level, 0 if it has enough; `None` if an order of the same owner
    /// ends the way before.
    fn needed_behind(&self, shared: &Shared, taker: &Taker, key: u32, needed: u64) -> Option<u64> {
        let looks = !matches!(taker.stp, StpMode::None);
        let leaves_out = matches!(taker.stp, StpMode::ExpireMaker);
        // By a trade with itself a reduce-only order can reduce nothing, so it would end there.
        let ends_at_own = !looks && taker.flags & flag::REDUCE_ONLY != 0;
        let stops = (looks && !leaves_out) || ends_at_own;
        let (mut all, mut shown): (u64, u64) = (0, 0);
        for slot in self.queue(taker.side.opposite(), key) {
            let maker = self.slab.hot(slot);
            if looks && self.same_owner(shared, taker, maker.account) {
                if leaves_out {
                    continue;
                }
                return None;
            }
            if maker.flags() & flag::REDUCE_ONLY != 0 {
                continue;
            }
            if ends_at_own && maker.account == taker.account {
                return None;
            }
            all = all.saturating_add(maker.open);
            shown = shown.saturating_add(self.shown(slot));
            // Hidden lots come behind an order of the same owner, which may still follow.
            let certain = if stops { shown } else { all };
            if certain >= needed {
                return Some(0);
            }
        }
        Some(needed.saturating_sub(all))
    }

    /// Check 19 of a market order.
    pub(crate) fn pays_market(&self, shared: &Shared, taker: &Taker) -> bool {
        let (asset, unit) = match taker.side {
            Side::Buy => (self.terms.quote_asset, self.terms.tick_units),
            Side::Sell => (self.terms.base_asset, self.terms.lot_units),
        };
        let unit = u128::from(unit);
        let available = shared.funds.balance(taker.account, asset).available;
        if self.highest_need(taker).saturating_mul(unit) <= available {
            return true;
        }
        // A buy by budget or with a protection price needs that much, whatever it meets.
        if taker.side == Side::Buy && (taker.by_quote || taker.price != 0) {
            return false;
        }
        let most = available.checked_div(unit).unwrap_or(u128::MAX);
        !self.meets_more(shared, taker, most)
    }

    /// What the order can need at worst, without a look at the other side: tick-lots of a buy, lots of a sell.
    fn highest_need(&self, taker: &Taker) -> u128 {
        let worst = self.side(taker.side.opposite()).key(taker.limit_key);
        let worst = u64::from(worst).clamp(1, MAX_PRICE.unsigned_abs());
        match taker.side {
            Side::Buy if taker.by_quote => u128::from(taker.budget),
            Side::Buy => u128::from(worst).saturating_mul(u128::from(taker.open)),
            Side::Sell if taker.by_quote => {
                u128::from(taker.budget.checked_div(worst).unwrap_or(0))
            }
            Side::Sell => u128::from(taker.open),
        }
    }

    /// True if what the order meets on its way costs a buy more than `most` tick-lots, or takes more than
    /// `most` lots of a sell; orders of the same owner are left out unless the mode is *none*.
    fn meets_more(&self, shared: &Shared, taker: &Taker, most: u128) -> bool {
        let opposite = self.side(taker.side.opposite());
        let (mut left, mut room) = (taker.leaves(), most);
        for (key, _) in opposite.iter() {
            if key > taker.limit_key || left == 0 {
                break;
            }
            let price = u64::from(opposite.key(key));
            let each = match taker.side {
                Side::Buy => u128::from(price),
                Side::Sell => 1,
            };
            let wanted = if taker.by_quote {
                left.checked_div(price).unwrap_or(0)
            } else {
                left
            };
            let paid_for = room.checked_div(each).unwrap_or(u128::MAX);
            let paid_for = u64::try_from(paid_for).unwrap_or(u64::MAX);
            // Whether a budget ends in this level shows only at the first lot beyond it.
            let enough = wanted.saturating_add(u64::from(taker.by_quote));
            let enough = enough.min(paid_for.saturating_add(1));
            let held = self.lots_of_others(shared, taker, key, enough);
            let taken = wanted.min(held);
            if taken > paid_for {
                return true;
            }
            room = room.saturating_sub(each.saturating_mul(u128::from(taken)));
            left = if taker.by_quote {
                left.saturating_sub(taken.saturating_mul(price))
            } else {
                left.saturating_sub(taken)
            };
            if taker.by_quote && wanted < held {
                break;
            }
        }
        false
    }

    /// Open lots of a level that belong to others; counted until there are `enough`.
    fn lots_of_others(&self, shared: &Shared, taker: &Taker, key: u32, enough: u64) -> u64 {
        let looks = !matches!(taker.stp, StpMode::None);
        let mut lots: u64 = 0;
        for slot in self.queue(taker.side.opposite(), key) {
            if lots >= enough {
                break;
            }
            let maker = self.slab.hot(slot);
            if !looks || !self.same_owner(shared, taker, maker.account) {
                lots = lots.saturating_add(maker.open);
            }
        }
        lots
    }
}
