//! What a StableSwap pool holds, and the exchange between two of its own coins.

use std::sync::Arc;

use super::stable_math::{Shape, StableSwapVersion};
use crate::amm::AmmError;
use crate::num::{mul_div_ceil, U256};

/// Most coins of a pool.
pub(super) const MAX_COINS: usize = 8;

/// One of a fee.
pub(super) const FEE_ONE: u64 = 10_000_000_000;

/// Largest amplification without decimals that a contract accepts.
const MAX_AMP: u64 = 1_000_000;

/// Largest fee off the peg that NG accepts: 50 %.
const MAX_NG_FEE: u64 = FEE_ONE / 2;

/// The parameters of a StableSwap pool, as its contract stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StableSwapParams {
    /// Amplification at the block of the quote, ramps resolved: `A()` for `Original` and `Classic`,
    /// `A_precise()` for `Precise` and `Ng`.
    pub amp: u64,
    /// Fee on the output in parts of 10^10.
    pub fee: u64,
    /// The part of the fee that leaves the pool, in parts of 10^10.
    pub admin_fee: u64,
    /// NG: how much larger the fee is far from the peg, in parts of 10^10; up to 10^10 (and for all
    /// other pools) the fee is flat.
    pub offpeg_fee_multiplier: u64,
    /// Generation of the contract.
    pub version: StableSwapVersion,
}

/// Balances, rates and parameters. Clones share the rates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holdings {
    balances: [U256; MAX_COINS],
    rates: Arc<[U256]>,
    params: StableSwapParams,
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

/// One, with the 18 decimals of rates.
pub(super) fn one() -> U256 {
    U256::from(1_000_000_000_000_000_000_u64)
}

fn fee_one() -> U256 {
    U256::from(FEE_ONE)
}

/// Returns `amount` times `rate`, with 18 decimals.
pub(super) fn scaled(amount: U256, rate: U256) -> Option<U256> {
    amount.checked_mul(rate)?.checked_div(one())
}

/// Returns the base units of an amount with 18 decimals, rounded down.
pub(super) fn unscaled(amount: U256, rate: U256) -> Option<U256> {
    amount.checked_mul(one())?.checked_div(rate)
}

/// Returns a part in 10^10 of an amount, rounded down.
pub(super) fn part(amount: U256, parts: U256) -> Option<U256> {
    amount.checked_mul(parts)?.checked_div(fee_one())
}

impl Holdings {
    pub(super) fn new(
        balances: &[U256],
        rates: Arc<[U256]>,
        params: StableSwapParams,
    ) -> Result<Self, AmmError> {
        if !(2..=MAX_COINS).contains(&balances.len()) {
            return Err(AmmError::InvalidPool("A pool has 2 to 8 coins."));
        }
        if rates.len() != balances.len() {
            return Err(AmmError::InvalidPool(
                "There is not one rate for each coin.",
            ));
        }
        if rates.iter().any(|rate| rate.is_zero()) {
            return Err(AmmError::InvalidPool("A rate is zero."));
        }
        params.check()?;
        let mut padded = [U256::ZERO; MAX_COINS];
        for (place, balance) in padded.iter_mut().zip(balances) {
            *place = *balance;
        }
        Ok(Self {
            balances: padded,
            rates,
            params,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.rates.len()
    }

    pub(super) fn balances(&self) -> &[U256] {
        self.balances.get(..self.count()).unwrap_or(&[])
    }

    pub(super) fn rates(&self) -> &[U256] {
        &self.rates
    }

    pub(super) fn rate(&self, coin: usize) -> Option<U256> {
        self.rates.get(coin).copied()
    }

    pub(super) const fn params(&self) -> &StableSwapParams {
        &self.params
    }

    pub(super) fn shape(&self) -> Shape {
        Shape {
            amp: U256::from(self.params.amp),
            version: self.params.version,
        }
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
        let both = balances.iter().zip(self.rates.iter());
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
        let gross = match self.params.version {
            StableSwapVersion::Original => held.checked_sub(left),
            StableSwapVersion::Classic | StableSwapVersion::Precise | StableSwapVersion::Ng => held
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
            self.dynamic_fee(average_in, average_out, U256::from(self.params.fee))?,
        )?;
        let admin_fee = part(fee, U256::from(self.params.admin_fee))?;
        Some(Trade {
            amount_out: unscaled(gross.checked_sub(fee)?, rate)?,
            admin_fee: unscaled(admin_fee, rate)?,
            gross,
            fee,
            left,
        })
    }

    /// Returns a fee as it is between two balances with 18 decimals, in parts of 10^10.
    pub(super) fn dynamic_fee(&self, first: U256, second: U256, fee: U256) -> Option<U256> {
        let multiplier = U256::from(self.params.offpeg_fee_multiplier);
        let excess = multiplier.saturating_sub(fee_one());
        if excess.is_zero() {
            return Some(fee);
        }
        let sum = first.checked_add(second)?;
        let nearness = excess
            .checked_mul(U256::from(4_u64))?
            .checked_mul(first)?
            .checked_mul(second)?
            .checked_div(sum.checked_mul(sum)?)?;
        multiplier
            .checked_mul(fee)?
            .checked_div(nearness.checked_add(fee_one())?)
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
        *held_in = match self.params.version {
            StableSwapVersion::Original => unscaled(grown, self.rate(coin_in)?)?,
            StableSwapVersion::Classic | StableSwapVersion::Precise | StableSwapVersion::Ng => {
                held_in.checked_add(amount_in)?
            }
        };
        let held_out = balances.get_mut(coin_out)?;
        *held_out = match self.params.version {
            StableSwapVersion::Original => {
                let admin = part(trade.fee, U256::from(self.params.admin_fee))?;
                let kept = trade.fee.checked_sub(admin)?;
                unscaled(trade.left.checked_add(kept)?, self.rate(coin_out)?)?
            }
            StableSwapVersion::Classic | StableSwapVersion::Precise | StableSwapVersion::Ng => {
                held_out
                    .checked_sub(trade.amount_out)?
                    .checked_sub(trade.admin_fee)?
            }
        };
        Some(self.with_balances(balances))
    }

    /// Returns the contract's `get_dy` for a trade: old contracts take the fee after the conversion
    /// to base units, so that it may differ by a unit from what their exchange pays.
    pub(super) fn viewed(&self, coin_out: usize, trade: &Trade) -> Option<U256> {
        match self.params.version {
            StableSwapVersion::Original | StableSwapVersion::Classic => {
                let gross = unscaled(trade.gross, self.rate(coin_out)?)?;
                gross.checked_sub(part(gross, U256::from(self.params.fee))?)
            }
            StableSwapVersion::Precise | StableSwapVersion::Ng => Some(trade.amount_out),
        }
    }

    /// Returns the input near which an exchange delivers `wanted`.
    pub(super) fn input_guess(
        &self,
        at: &Scaled,
        (coin_in, coin_out): (usize, usize),
        wanted: U256,
    ) -> Option<U256> {
        let kept = fee_one().checked_sub(U256::from(self.params.fee))?;
        let gross =
            mul_div_ceil(wanted, self.rate(coin_out)?, one())?.checked_add(U256::from(2_u64))?;
        let gross = mul_div_ceil(gross, fee_one(), kept)?;
        let left = at.balance(coin_out)?.checked_sub(gross)?;
        if left.is_zero() {
            return None;
        }
        let grown = self.left(at, coin_out, coin_in, left)?;
        let added = grown.checked_sub(at.balance(coin_in)?)?;
        mul_div_ceil(added, one(), self.rate(coin_in)?)
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

impl StableSwapParams {
    fn check(&self) -> Result<(), AmmError> {
        let precision = self.version.amp_precision();
        if self.amp < precision || self.amp > MAX_AMP.saturating_mul(precision) {
            return Err(AmmError::InvalidPool(
                "The amplification is outside 1..1000000.",
            ));
        }
        if self.fee >= FEE_ONE || self.admin_fee > FEE_ONE {
            return Err(AmmError::InvalidPool(
                "The pool fee is 100 % or more, or the admin's part of it is more than all.",
            ));
        }
        let flat = self.offpeg_fee_multiplier <= FEE_ONE;
        let largest = u128::from(self.fee).saturating_mul(u128::from(self.offpeg_fee_multiplier));
        let limit = u128::from(MAX_NG_FEE).saturating_mul(u128::from(FEE_ONE));
        if !flat && (self.version != StableSwapVersion::Ng || largest > limit) {
            return Err(AmmError::InvalidPool(
                "Only a fee of StableSwap-NG rises off the peg, to 50 % at most.",
            ));
        }
        Ok(())
    }
}
