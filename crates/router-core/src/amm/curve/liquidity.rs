//! One-coin deposits and withdrawals of a StableSwap pool: what an exchange through a base pool
//! does.

use super::holdings::{part, scaled, unscaled, Holdings};
use super::terms::{CurveEra, MAX_COINS};
use crate::num::U256;

/// A pool and the total supply of its shares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shared {
    pub(super) holdings: Holdings,
    pub(super) supply: U256,
}

impl Shared {
    fn invariant_of(&self, balances: &[U256; MAX_COINS]) -> Option<U256> {
        let balances = self.holdings.scale(balances)?;
        self.holdings
            .shape()
            .invariant(balances.get(..self.holdings.count())?)
    }

    /// Returns the contract's `calc_token_amount` of a deposit of one coin, without the fee.
    pub(super) fn minted_without_fee(&self, coin: usize, amount: U256) -> Option<U256> {
        let before = self.invariant_of(self.holdings.padded())?;
        let mut balances = *self.holdings.padded();
        let held = balances.get_mut(coin)?;
        *held = held.checked_add(amount)?;
        let grown = self.invariant_of(&balances)?.checked_sub(before)?;
        grown.checked_mul(self.supply)?.checked_div(before)
    }

    /// Returns the shares that `add_liquidity` of one coin mints, and the pool after it.
    pub(super) fn deposit(&self, coin: usize, amount: U256) -> Option<(U256, Self)> {
        let old = self.holdings.padded();
        let before = self.invariant_of(old)?;
        let mut new = *old;
        let held = new.get_mut(coin)?;
        *held = held.checked_add(amount)?;
        let after = self.invariant_of(&new)?;
        if after <= before || self.supply.is_zero() {
            return None;
        }
        let mut kept = new;
        for at in 0..self.holdings.count() {
            let fee = self.deposit_fee(at, (*old.get(at)?, *new.get(at)?), (before, after))?;
            let admin_fee = part(fee, self.holdings.terms().admin_fee)?;
            let (place, rest) = (kept.get_mut(at)?, new.get_mut(at)?);
            *place = rest.checked_sub(admin_fee)?;
            *rest = rest.checked_sub(fee)?;
        }
        let grown = self.invariant_of(&new)?.checked_sub(before)?;
        let minted = self.supply.checked_mul(grown)?.checked_div(before)?;
        let next = Self {
            holdings: self.holdings.with_balances(kept),
            supply: self.supply.checked_add(minted)?,
        };
        Some((minted, next))
    }

    /// Returns the fee on one coin of a deposit, in its base units.
    fn deposit_fee(
        &self,
        coin: usize,
        (old, new): (U256, U256),
        (before, after): (U256, U256),
    ) -> Option<U256> {
        let ideal = after.checked_mul(old)?.checked_div(before)?;
        let mut fee = self.fee_of_imbalance()?;
        if self.holdings.terms().era == CurveEra::Ng {
            let balance = scaled(old.checked_add(new)?, self.holdings.rate(coin)?)?;
            let balanced = before
                .checked_add(after)?
                .checked_div(U256::from(self.holdings.count()))?;
            fee = self.holdings.dynamic_fee(balance, balanced, fee)?;
        }
        part(ideal.abs_diff(new), fee)
    }

    /// Returns the fee of deposits and withdrawals out of balance, in parts of 10^10.
    fn fee_of_imbalance(&self) -> Option<U256> {
        let count = U256::from(self.holdings.count());
        let others = count.checked_sub(U256::ONE)?;
        self.holdings
            .terms()
            .fee
            .checked_mul(count)?
            .checked_div(others.checked_mul(U256::from(4_u64))?)
    }

    /// Returns what `remove_liquidity_one_coin` pays for `shares`, and the pool after it.
    pub(super) fn withdraw(&self, coin: usize, shares: U256) -> Option<(U256, Self)> {
        let held = self.holdings.scale(self.holdings.padded())?;
        let count = self.holdings.count();
        let shape = self.holdings.shape();
        let before = shape.invariant(held.get(..count)?)?;
        let burnt = shares.checked_mul(before)?.checked_div(self.supply)?;
        let after = before.checked_sub(burnt)?;
        let left = shape.balance_that_keeps(held.get(..count)?, coin, after)?;
        let reduced = self.reduced(&held, (coin, left), (before, after))?;
        let rest = shape.balance_that_keeps(reduced.get(..count)?, coin, after)?;
        let rate = self.holdings.rate(coin)?;
        let paid = reduced.get(coin)?.checked_sub(rest)?;
        let paid = unscaled(paid.checked_sub(U256::ONE)?, rate)?;
        let without_fee = unscaled(held.get(coin)?.checked_sub(left)?, rate)?;
        let fee = without_fee.checked_sub(paid)?;
        let admin_fee = part(fee, self.holdings.terms().admin_fee)?;
        let mut balances = *self.holdings.padded();
        let place = balances.get_mut(coin)?;
        *place = place.checked_sub(paid.checked_add(admin_fee)?)?;
        let next = Self {
            holdings: self.holdings.with_balances(balances),
            supply: self.supply.checked_sub(shares)?,
        };
        Some((paid, next))
    }

    /// Returns the balances less the fee on how far a withdrawal of `coin` moves each.
    fn reduced(
        &self,
        held: &[U256; MAX_COINS],
        (coin, left): (usize, U256),
        (before, after): (U256, U256),
    ) -> Option<[U256; MAX_COINS]> {
        let count = self.holdings.count();
        let fee = self.fee_of_imbalance()?;
        let twice = U256::from(count.checked_mul(2)?);
        let balanced = before.checked_add(after)?.checked_div(twice)?;
        let mut reduced = *held;
        for (at, place) in reduced.iter_mut().enumerate().take(count) {
            let ideal = place.checked_mul(after)?.checked_div(before)?;
            let (moved, average) = if at == coin {
                let average = place.checked_add(left)?.wrapping_shr(1);
                (ideal.checked_sub(left)?, average)
            } else {
                (place.checked_sub(ideal)?, *place)
            };
            let fee = self.holdings.dynamic_fee(average, balanced, fee)?;
            *place = place.checked_sub(part(moved, fee)?)?;
        }
        Some(reduced)
    }

    /// Returns the value of a share, with 18 decimals.
    pub(super) fn virtual_price(&self) -> Option<U256> {
        let invariant = self.invariant_of(self.holdings.padded())?;
        unscaled(invariant, self.supply)
    }
}
