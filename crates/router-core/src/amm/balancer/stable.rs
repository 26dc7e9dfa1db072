//! Stable pool: between a constant sum and a constant product, by its amplification.

use std::sync::Arc;

use super::coins::{upscaled, Coins, Exchange, Pair, MAX_COINS};
use super::fixed_point::{div_down, div_up};
use super::stable_math::{Curve, AMP_PRECISION};
use crate::amm::{AmmError, MultiPool, Quote};
use crate::num::U256;

/// Gas of one leg in a composable pool of three coins, as measured on the devnet: the approval and
/// its end, the vault's part with two transfers, the rates and Newton's rounds.
pub const BALANCER_STABLE_GAS: u64 = 130_000;

/// Most coins of a stable pool, its own share not counted.
const MAX_STABLE_COINS: usize = 5;

/// Largest amplification of a pool, without decimals.
const MAX_AMP: u64 = 5_000;

/// How the pool's contract rounds its invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StableVersion {
    /// Up: `StablePool` and `MetaStablePool` of 2021.
    RoundedUp,
    /// Down: `ComposableStablePool`.
    RoundedDown,
}

/// A pool of 2 to 5 coins. Clones share the scaling factors.
///
/// A composable pool lists its own share among its tokens; it is left out here, and swaps for the
/// share (joins and exits) are not quoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BalancerStablePool {
    coins: Coins,
    amp: u64,
    version: StableVersion,
}

impl BalancerStablePool {
    /// Returns the pool. Factors and the fee have 18 decimals, the amplification three (as
    /// `getAmplificationParameter` returns it). A coin's factor includes its rate, as
    /// `getScalingFactors` returns it. A balance of zero quotes nothing.
    ///
    /// # Errors
    /// `InvalidPool` when the lists differ in length, there are not 2 to 5 coins, a balance exceeds
    /// 112 bits, a factor is zero, the amplification is outside 1..5000 or the fee is 100 % or
    /// more.
    pub fn new(
        balances: &[u128],
        scaling_factors: Arc<[U256]>,
        amp: u64,
        swap_fee: u64,
        version: StableVersion,
    ) -> Result<Self, AmmError> {
        let coins = Coins::new(balances, scaling_factors, swap_fee)?;
        if coins.count() > MAX_STABLE_COINS {
            return Err(AmmError::InvalidPool("A stable pool has 2 to 5 coins."));
        }
        if amp < AMP_PRECISION || amp > MAX_AMP.saturating_mul(AMP_PRECISION) {
            return Err(AmmError::InvalidPool(
                "The amplification is outside 1..5000.",
            ));
        }
        Ok(Self {
            coins,
            amp,
            version,
        })
    }

    /// Balances in base units, each below 2^112.
    #[must_use]
    pub fn balances(&self) -> &[u128] {
        self.coins.balances()
    }

    /// Factors that turn base units into the 18 decimals of the invariant, rate included,
    /// themselves with 18 decimals.
    #[must_use]
    pub fn scaling_factors(&self) -> &[U256] {
        self.coins.factors()
    }

    /// Amplification with three decimals.
    #[must_use]
    pub const fn amp(&self) -> u64 {
        self.amp
    }

    /// Fee as a part of the input, with 18 decimals.
    #[must_use]
    pub const fn swap_fee(&self) -> u64 {
        self.coins.swap_fee()
    }

    /// How the pool's contract rounds its invariant.
    #[must_use]
    pub const fn version(&self) -> StableVersion {
        self.version
    }

    /// Returns the invariant that a swap would keep, with 18 decimals.
    ///
    /// # Errors
    /// `Overflow` where the contract reverts.
    pub fn invariant(&self) -> Result<U256, AmmError> {
        self.curve()
            .and_then(|curve| curve.invariant(self.version))
            .ok_or(AmmError::Overflow)
    }

    fn curve(&self) -> Option<Curve> {
        let mut scaled = [U256::ZERO; MAX_COINS];
        let coins = self.balances().iter().zip(self.scaling_factors());
        for (place, (balance, factor)) in scaled.iter_mut().zip(coins) {
            *place = upscaled(U256::from(*balance), *factor)?;
        }
        Curve::new(scaled, self.coins.count(), self.amp)
    }

    /// Every coin counts in the invariant, so an empty one stops all swaps.
    fn check_balances(&self) -> Result<(), AmmError> {
        if self.balances().contains(&0) {
            return Err(AmmError::EmptyPool);
        }
        Ok(())
    }

    fn given_in(&self, pair: &Pair, amount_in: U256) -> Result<Exchange, AmmError> {
        let fee_amount = self.coins.fee_on(amount_in).ok_or(AmmError::Overflow)?;
        let kept = amount_in.checked_sub(fee_amount);
        let kept = kept.and_then(|kept| upscaled(kept, pair.factor_in));
        let kept = kept.ok_or(AmmError::Overflow)?;
        let curve = self.curve().ok_or(AmmError::Overflow)?;
        let (held, left) = self
            .balance_left(curve, pair, kept)
            .ok_or(AmmError::Overflow)?;
        // The contract takes one more off what it pays, and reverts if there is nothing to take.
        let paid = held
            .checked_sub(left)
            .and_then(|paid| paid.checked_sub(U256::ONE))
            .ok_or(AmmError::EmptyPool)?;
        Ok(Exchange {
            amount_in,
            amount_out: div_down(paid, pair.factor_out).ok_or(AmmError::Overflow)?,
            fee_amount,
        })
    }

    fn given_out(&self, pair: &Pair, amount_out: U256) -> Result<Exchange, AmmError> {
        let curve = self.curve().ok_or(AmmError::Overflow)?;
        let held = curve.balance(pair.coin_out).ok_or(AmmError::Overflow)?;
        let left = upscaled(amount_out, pair.factor_out)
            .and_then(|wanted| held.checked_sub(wanted))
            .filter(|left| !left.is_zero())
            .ok_or(AmmError::InsufficientLiquidity)?;
        let kept = self.price_of(curve, pair, left).ok_or(AmmError::Overflow)?;
        let amount_in = self.coins.with_fee(kept).ok_or(AmmError::Overflow)?;
        Ok(Exchange {
            amount_in,
            amount_out,
            fee_amount: amount_in.checked_sub(kept).ok_or(AmmError::Overflow)?,
        })
    }

    /// Returns the output coin's balance before and after `kept` is paid in, with 18 decimals.
    fn balance_left(&self, curve: Curve, pair: &Pair, kept: U256) -> Option<(U256, U256)> {
        let invariant = curve.invariant(self.version)?;
        let grown = curve.balance(pair.coin_in)?.checked_add(kept)?;
        let curve = curve.with_balance(pair.coin_in, grown)?;
        let held = curve.balance(pair.coin_out)?;
        Some((held, curve.balance_that_keeps(pair.coin_out, invariant)?))
    }

    /// Returns the input without the fee that leaves `left` of the output coin, rounded up.
    fn price_of(&self, curve: Curve, pair: &Pair, left: U256) -> Option<U256> {
        let invariant = curve.invariant(self.version)?;
        let held = curve.balance(pair.coin_in)?;
        let curve = curve.with_balance(pair.coin_out, left)?;
        let grown = curve.balance_that_keeps(pair.coin_in, invariant)?;
        let price = grown.checked_sub(held)?.checked_add(U256::ONE)?;
        div_up(price, pair.factor_in)
    }

    fn settled(&self, pair: &Pair, exchange: &Exchange) -> Result<Quote<Self>, AmmError> {
        let next = Self {
            coins: self.coins.after(pair, exchange)?,
            ..self.clone()
        };
        Ok(exchange.quote(BALANCER_STABLE_GAS, next))
    }
}

impl MultiPool for BalancerStablePool {
    fn coin_count(&self) -> usize {
        self.coins.count()
    }

    /// Dust may buy an output of zero, as in the contract.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent, `AmountRange` for zero, `EmptyPool`
    /// when a balance is zero or the input is too little to move the pool, `Overflow` where the
    /// contract reverts because a number outgrows its type or does not converge.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let pair = self.coins.pair(coin_in, coin_out, amount_in)?;
        self.check_balances()?;
        let exchange = self.given_in(&pair, amount_in)?;
        self.settled(&pair, &exchange)
    }

    /// This is the contract's own exact-out swap.
    ///
    /// # Errors
    /// As for exact-in; `InsufficientLiquidity` for the whole balance or more.
    fn quote_exact_out(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let pair = self.coins.pair(coin_in, coin_out, amount_out)?;
        self.check_balances()?;
        let exchange = self.given_out(&pair, amount_out)?;
        self.settled(&pair, &exchange)
    }
}
