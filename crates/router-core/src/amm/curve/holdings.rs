//! What a StableSwap pool holds, and the exchange between two of its own coins.

use std::sync::Arc;

use super::stable_math::Shape;
use super::terms::{CurveEra, StableSwapTerms, FEE_ONE, MAX_COINS, RATE_ONE};
use crate::amm::AmmError;
use crate::num::{mul_div_ceil, U256};

/// Balances and terms. Clones share the terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holdings {
    balances: [U256; MAX_COINS],
    terms: Arc<StableSwapTerms>,
}

/// A pool's numbers that stay the same for every amount: balances with 18 decimals and rates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    balances: [U256; MAX_COINS],
    pub(super) invariant: U256,
}

/// What an exchange pays, in base units where not said otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trade {
    pub(super) amount_out: U256,
    pub(super) admin_fee: U256,
    /// Output before the fee, with 18 decimals.
    gross: U256,
    /// Fee, with 18 decimals.
    fee: U256,
    /// The output coin's balance after the exchange, fee left out, with 18 decimals.
    left: U256,
}

/// Returns `amount` times `rate`, with 18 decimals.
pub(super) fn scaled(amount: U256, rate: U256) -> Option<U256> {
    amount.checked_mul(rate)?.checked_div(RATE_ONE)
}

/// Returns the base units of an amount with 18 decimals, rounded down.
pub(super) fn unscaled(amount: U256, rate: U256) -> Option<U256> {
    amount.checked_mul(RATE_ONE)?.checked_div(rate)
}

/// Returns a part in 10^10 of an amount, rounded down.
pub(super) fn part(amount: U256, parts: U256) -> Option<U256> {
    amount.checked_mul(parts)?.checked_div(FEE_ONE)
}

impl Holdings {
    pub(super) fn new(balances: &[U256], terms: StableSwapTerms) -> Result<Self, AmmError> {
        terms.check(balances.len())?;
        let mut padded = [U256::ZERO; MAX_COINS];
        for (place, balance) in padded.iter_mut().zip(balances) {
            *place = *balance;
        }
        Ok(Self {
            balances: padded,
            terms: Arc::new(terms),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.terms.rates.len()
    }

    pub(super) fn balances(&self) -> &[U256] {
        self.balances.get(..self.count()).unwrap_or(&[])
    }

    pub(super) fn rate(&self, coin: usize) -> Option<U256> {
        self.terms.rates.get(coin).copied()
    }

    pub(super) fn terms(&self) -> &StableSwapTerms {
        &self.terms
    }

    pub(super) fn shape(&self) -> Shape {
        Shape::of(&self.terms)
    }

    /// Returns the balances with 18 decimals and their invariant.
    ///
    /// Every coin counts in the invariant, so an empty one stops all swaps.
    pub(super) fn scaled(&self) -> Result<Scaled, AmmError> {
        let balances = self.scale(&self.balances).ok_or(AmmError::Overflow)?;
        let all = balances.get(..self.count()).unwrap_or(&[]);
        if all.iter().any(|balance| balance.is_zero()) {
            return Err(AmmError::EmptyPool);
        }
        Ok(Scaled {
            balances,
            invariant: self.shape().invariant(all).ok_or(AmmError::Overflow)?,
        })
    }

    /// Returns any balances of this pool with 18 decimals.
    pub(super) fn scale(&self, balances: &[U256; MAX_COINS]) -> Option<[U256; MAX_COINS]> {
        let mut result = [U256::ZERO; MAX_COINS];
        let both = balances.iter().zip(&self.terms.rates);
        for (place, (balance, rate)) in result.iter_mut().zip(both) {
            *place = scaled(*balance, *rate)?;
        }
        Some(result)
    }

    pub(super) const fn padded(&self) -> &[U256; MAX_COINS] {
        &self.balances
    }

    /// Returns the same pool with other balances.
    pub(super) fn with_balances(&self, balances: [U256; MAX_COINS]) -> Self {
        Self {
            balances,
            ..self.clone()
        }
    }

    /// Returns the balance of `coin_in` with 18 decimals when `amount_in` is added.
    pub(super) fn grown(&self, at: &Scaled, coin_in: usize, amount_in: U256) -> Option<U256> {
        let added = scaled(amount_in, self.rate(coin_in)?)?;
        at.balance(coin_in)?.checked_add(added)
    }

    /// Returns the trade that takes the balance of `coin_in` to `grown` (18 decimals).
    pub(super) fn trade(
        &self,
        at: &Scaled,
        coin_in: usize,
        coin_out: usize,
        grown: U256,
    ) -> Result<Trade, AmmError> {
        let left = self
            .left(at, coin_in, coin_out, grown)
            .ok_or(AmmError::Overflow)?;
        let held = at.balance(coin_out).ok_or(AmmError::Overflow)?;
        // Newer contracts take one more off what they pay, and revert if there is nothing to take.
        let gross = match self.terms.era {
            CurveEra::Original => held.checked_sub(left),
            CurveEra::Classic | CurveEra::Ng | CurveEra::Plain => held
                .checked_sub(left)
                .and_then(|gross| gross.checked_sub(U256::ONE)),
        };
        let gross = gross.ok_or(AmmError::EmptyPool)?;
        self.priced(at, coin_in, coin_out, grown, (gross, left))
            .ok_or(AmmError::Overflow)
    }

    fn left(&self, at: &Scaled, coin_in: usize, coin_out: usize, grown: U256) -> Option<U256> {
        let mut balances = at.balances;
        *balances.get_mut(coin_in)? = grown;
        let all = balances.get(..self.count())?;
        self.shape().balance_that_keeps(all, coin_out, at.invariant)
    }

    fn priced(
        &self,
        at: &Scaled,
        coin_in: usize,
        coin_out: usize,
        grown: U256,
        (gross, left): (U256, U256),
    ) -> Option<Trade> {
        let half = |before: U256, after: U256| Some(before.checked_add(after)?.wrapping_shr(1));
        let average_in = half(at.balance(coin_in)?, grown)?;
        let average_out = half(at.balance(coin_out)?, left)?;
        let rate = self.rate(coin_out)?;
        let fee = part(
            gross,
            self.dynamic_fee(average_in, average_out, self.terms.fee)?,
        )?;
        let amount_out = if self.terms.era == CurveEra::Plain {
            let gross = unscaled(gross, rate)?;
            gross.checked_sub(mul_div_ceil(gross, self.terms.fee, FEE_ONE)?)?
        } else {
            unscaled(gross.checked_sub(fee)?, rate)?
        };
        let admin_fee = part(fee, self.terms.admin_fee)?;
        Some(Trade {
            amount_out,
            admin_fee: unscaled(admin_fee, rate)?,
            gross,
            fee,
            left,
        })
    }

    /// Returns a fee as it is between two balances with 18 decimals, in parts of 10^10.
    pub(super) fn dynamic_fee(&self, first: U256, second: U256, fee: U256) -> Option<U256> {
        if self.terms.has_flat_fee() {
            return Some(fee);
        }
        let multiplier = self.terms.offpeg_fee_multiplier;
        let excess = multiplier.checked_sub(FEE_ONE)?;
        let sum = first.checked_add(second)?;
        let nearness = excess
            .checked_mul(U256::from(4_u64))?
            .checked_mul(first)?
            .checked_mul(second)?
            .checked_div(sum.checked_mul(sum)?)?;
        multiplier
            .checked_mul(fee)?
            .checked_div(nearness.checked_add(FEE_ONE)?)
    }

    /// Returns the pool after a trade that took `amount_in`.
    pub(super) fn after(
        &self,
        (coin_in, coin_out): (usize, usize),
        (amount_in, grown): (U256, U256),
        trade: &Trade,
    ) -> Option<Self> {
        let mut balances = self.balances;
        let held_in = balances.get_mut(coin_in)?;
        *held_in = match self.terms.era {
            CurveEra::Original => unscaled(grown, self.rate(coin_in)?)?,
            CurveEra::Classic | CurveEra::Ng | CurveEra::Plain => held_in.checked_add(amount_in)?,
        };
        let held_out = balances.get_mut(coin_out)?;
        *held_out = match self.terms.era {
            CurveEra::Original => {
                let admin = part(trade.fee, self.terms.admin_fee)?;
                let kept = trade.fee.checked_sub(admin)?;
                unscaled(trade.left.checked_add(kept)?, self.rate(coin_out)?)?
            }
            CurveEra::Classic | CurveEra::Ng | CurveEra::Plain => held_out
                .checked_sub(trade.amount_out)?
                .checked_sub(trade.admin_fee)?,
        };
        Some(self.with_balances(balances))
    }

    /// Returns the contract's `get_dy` for a trade: old contracts take the fee after the conversion
    /// to base units, so that it may differ by a unit from what their exchange pays.
    pub(super) fn viewed(&self, coin_out: usize, trade: &Trade) -> Option<U256> {
        if !self.terms.is_early() {
            return Some(trade.amount_out);
        }
        let gross = unscaled(trade.gross, self.rate(coin_out)?)?;
        gross.checked_sub(part(gross, self.terms.fee)?)
    }

    /// Returns the input near which an exchange delivers `wanted`.
    pub(super) fn input_guess(
        &self,
        at: &Scaled,
        (coin_in, coin_out): (usize, usize),
        wanted: U256,
    ) -> Option<U256> {
        let kept = FEE_ONE.checked_sub(self.terms.fee)?;
        let gross =
            mul_div_ceil(wanted, self.rate(coin_out)?, RATE_ONE)?.checked_add(U256::from(2_u64))?;
        let gross = mul_div_ceil(gross, FEE_ONE, kept)?;
        let left = at.balance(coin_out)?.checked_sub(gross)?;
        if left.is_zero() {
            return None;
        }
        let grown = self.left(at, coin_out, coin_in, left)?;
        let added = grown.checked_sub(at.balance(coin_in)?)?;
        mul_div_ceil(added, RATE_ONE, self.rate(coin_in)?)
    }
}

impl Scaled {
    pub(super) fn balance(&self, coin: usize) -> Option<U256> {
        self.balances.get(coin).copied()
    }
}

impl Trade {
    /// Returns the part of an input that the fee is worth, rounded up.
    pub(super) fn fee_in(&self, amount_in: U256) -> Option<U256> {
        if self.gross.is_zero() {
            return Some(U256::ZERO);
        }
        mul_div_ceil(amount_in, self.fee, self.gross)
    }
}
