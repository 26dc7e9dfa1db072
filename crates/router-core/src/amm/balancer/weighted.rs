//! Weighted pool: the product of the balances, each to the power of its weight, never falls.

use std::sync::Arc;

use super::coins::{upscaled, Coins, Exchange, Pair};
use super::fixed_point::{complement, div_down, div_up, mul_down, mul_up, ONE, ONE_U64};
use super::log_exp::pow;
use crate::amm::{AmmError, MultiPool, Quote};
use crate::num::U256;

/// Gas of one weighted leg, as measured on the devnet: the approval and its end, the vault's part
/// with two transfers, and the pool's call.
pub const WEIGHTED_GAS: u64 = 95_000;

/// Tenths of a balance that may be paid in or out at once.
const CAPPED_TENTHS: u64 = 3;

/// Without the contract's cap: tenths paid out, and paid in by the ratio of the weights, so that
/// every power stays within what the contract can compute.
const UNCAPPED_OUT_TENTHS: u64 = 9;
const UNCAPPED_IN_TENTHS: [(u64, u64); 2] = [(16, 100), (50, 10)];

/// A tenth with 18 decimals.
const TENTH: U256 = U256::from_limbs([100_000_000_000_000_000, 0, 0, 0]);

/// Smallest weight a pool accepts: 0.01 with 18 decimals.
const MIN_WEIGHT: u64 = 10_000_000_000_000_000;

/// Relative error of a power that the contract allows for: 10^-14 with 18 decimals.
const MAX_POW_ERROR: U256 = U256::from_limbs([10_000, 0, 0, 0]);

/// Exponents two and four.
const TWO: U256 = U256::from_limbs([2_000_000_000_000_000_000, 0, 0, 0]);
const FOUR: U256 = U256::from_limbs([4_000_000_000_000_000_000, 0, 0, 0]);

/// How the pool's contract computes powers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PowVersion {
    /// Every power is a logarithm and an exponential with an error term: pools of the first factories.
    General,
    /// The exponents one, two and four are products: pools of the third and fourth factory.
    Shortcuts,
}

/// A pool of 2 to 8 coins. Clones share weights and scaling factors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WeightedPool {
    coins: Coins,
    weights: Arc<[u64]>,
    pow_version: PowVersion,
    most_in_tenths: u64,
    most_out_tenths: u64,
}

impl WeightedPool {
    /// Returns the pool. Weights, factors and the fee have 18 decimals; a coin's factor turns its
    /// base units into 18 decimals ([`super::scaling_factor`]). A balance of zero quotes nothing.
    ///
    /// The weights of a pool add up to one, but only their ratios enter a swap, so that is not
    /// checked.
    ///
    /// # Errors
    /// `InvalidPool` when the lists differ in length, there are not 2 to 8 coins, a balance exceeds
    /// 112 bits, a weight is outside 0.01..1, a factor is zero or the fee is 100 % or more.
    pub fn new(
        balances: &[u128],
        weights: Arc<[u64]>,
        scaling_factors: Arc<[U256]>,
        swap_fee: u64,
        pow_version: PowVersion,
    ) -> Result<Self, AmmError> {
        let coins = Coins::new(balances, scaling_factors, swap_fee)?;
        if weights.len() != coins.count() {
            return Err(AmmError::InvalidPool(
                "There is not one weight for each coin.",
            ));
        }
        if weights
            .iter()
            .any(|weight| !(MIN_WEIGHT..=ONE_U64).contains(weight))
        {
            return Err(AmmError::InvalidPool("A weight is outside 0.01..1."));
        }
        Ok(Self {
            coins,
            weights,
            pow_version,
            most_in_tenths: CAPPED_TENTHS,
            most_out_tenths: CAPPED_TENTHS,
        })
    }

    /// Returns the pool as Balancer's curve without the contract's cap of 30 % of a balance; other
    /// implementations of the curve have none.
    #[must_use]
    pub fn without_cap(mut self) -> Self {
        let heaviest = self.weights.iter().copied().max().unwrap_or(1);
        let lightest = self.weights.iter().copied().min().unwrap_or(1);
        let fits = |ratio: u64| heaviest <= lightest.saturating_mul(ratio);
        self.most_in_tenths = UNCAPPED_IN_TENTHS
            .iter()
            .find(|(ratio, _)| fits(*ratio))
            .map_or(CAPPED_TENTHS, |(_, tenths)| *tenths);
        self.most_out_tenths = UNCAPPED_OUT_TENTHS;
        self
    }

    /// Tenths of a balance that may be paid in at once, after the fee.
    #[must_use]
    pub const fn most_in_tenths(&self) -> u64 {
        self.most_in_tenths
    }

    /// Tenths of a balance that may be paid out at once.
    #[must_use]
    pub const fn most_out_tenths(&self) -> u64 {
        self.most_out_tenths
    }

    /// Balances in base units, each below 2^112.
    #[must_use]
    pub fn balances(&self) -> &[u128] {
        self.coins.balances()
    }

    /// Weights with 18 decimals.
    #[must_use]
    pub fn weights(&self) -> &[u64] {
        &self.weights
    }

    /// Factors that turn base units into 18 decimals, themselves with 18 decimals.
    #[must_use]
    pub fn scaling_factors(&self) -> &[U256] {
        self.coins.factors()
    }

    /// Fee as a part of the input, with 18 decimals.
    #[must_use]
    pub const fn swap_fee(&self) -> u64 {
        self.coins.swap_fee()
    }

    /// How the pool's contract computes powers.
    #[must_use]
    pub const fn pow_version(&self) -> PowVersion {
        self.pow_version
    }

    fn given_in(&self, pair: &Pair, amount_in: U256) -> Result<Exchange, AmmError> {
        let scaled = Scaled::new(pair).ok_or(AmmError::Overflow)?;
        let fee_amount = self.coins.fee_on(amount_in).ok_or(AmmError::Overflow)?;
        let kept = amount_in.checked_sub(fee_amount);
        let kept = kept.and_then(|kept| upscaled(kept, pair.factor_in));
        let kept = kept.ok_or(AmmError::Overflow)?;
        let most = most(scaled.balance_in, self.most_in_tenths).ok_or(AmmError::Overflow)?;
        if kept > most {
            return Err(AmmError::AmountRange);
        }
        let amount_out = self.paid_for(pair, &scaled, kept);
        Ok(Exchange {
            amount_in,
            amount_out: amount_out.ok_or(AmmError::Overflow)?,
            fee_amount,
        })
    }

    fn given_out(&self, pair: &Pair, amount_out: U256) -> Result<Exchange, AmmError> {
        let scaled = Scaled::new(pair).ok_or(AmmError::Overflow)?;
        let wanted =
            upscaled(amount_out, pair.factor_out).ok_or(AmmError::InsufficientLiquidity)?;
        let most = most(scaled.balance_out, self.most_out_tenths).ok_or(AmmError::Overflow)?;
        if wanted > most {
            return Err(AmmError::InsufficientLiquidity);
        }
        let kept = self.price_of(pair, &scaled, wanted);
        let kept = kept.ok_or(AmmError::Overflow)?;
        let amount_in = self.coins.with_fee(kept).ok_or(AmmError::Overflow)?;
        Ok(Exchange {
            amount_in,
            amount_out,
            fee_amount: amount_in.checked_sub(kept).ok_or(AmmError::Overflow)?,
        })
    }

    /// Returns the output for an input of `kept` (18 decimals, without the fee), rounded down.
    fn paid_for(&self, pair: &Pair, scaled: &Scaled, kept: U256) -> Option<U256> {
        let base = div_up(scaled.balance_in, scaled.balance_in.checked_add(kept)?)?;
        let exponent = div_down(self.weight(pair.coin_in)?, self.weight(pair.coin_out)?)?;
        let left = self.pow_up(base, exponent)?;
        let paid = mul_down(scaled.balance_out, complement(left))?;
        div_down(paid, pair.factor_out)
    }

    /// Returns the input for an output of `wanted` (18 decimals), rounded up, without the fee.
    fn price_of(&self, pair: &Pair, scaled: &Scaled, wanted: U256) -> Option<U256> {
        let base = div_up(scaled.balance_out, scaled.balance_out.checked_sub(wanted)?)?;
        let exponent = div_up(self.weight(pair.coin_out)?, self.weight(pair.coin_in)?)?;
        let grown = self.pow_up(base, exponent)?;
        let price = mul_up(scaled.balance_in, grown.checked_sub(ONE)?)?;
        div_up(price, pair.factor_in)
    }

    fn weight(&self, coin: usize) -> Option<U256> {
        self.weights.get(coin).copied().map(U256::from)
    }

    /// Returns a power, rounded up by the error that the contract allows for.
    fn pow_up(&self, base: U256, exponent: U256) -> Option<U256> {
        if self.pow_version == PowVersion::Shortcuts {
            if exponent == ONE {
                return Some(base);
            }
            if exponent == TWO {
                return mul_up(base, base);
            }
            if exponent == FOUR {
                let square = mul_up(base, base)?;
                return mul_up(square, square);
            }
        }
        let power = pow(base, exponent)?;
        let error = mul_up(power, MAX_POW_ERROR)?.checked_add(U256::ONE)?;
        power.checked_add(error)
    }

    fn settled(&self, pair: &Pair, exchange: &Exchange) -> Result<Quote<Self>, AmmError> {
        let next = Self {
            coins: self.coins.after(pair, exchange)?,
            ..self.clone()
        };
        Ok(exchange.quote(WEIGHTED_GAS, next))
    }
}

/// Returns so many tenths of a balance, rounded down.
fn most(balance: U256, tenths: u64) -> Option<U256> {
    mul_down(balance, TENTH.checked_mul(U256::from(tenths))?)
}

impl MultiPool for WeightedPool {
    fn coin_count(&self) -> usize {
        self.coins.count()
    }

    /// Dust may buy an output of zero, as in the contract.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent, `AmountRange` for zero or more than
    /// 30 % of the balance (unless without the cap), `EmptyPool` when a balance is zero, `Overflow` where the contract
    /// reverts because a number outgrows its type.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let pair = self.coins.pair(coin_in, coin_out, amount_in)?;
        let exchange = self.given_in(&pair, amount_in)?;
        self.settled(&pair, &exchange)
    }

    /// This is the contract's own exact-out swap, in which its error term counts for the pool.
    ///
    /// # Errors
    /// As for exact-in; `InsufficientLiquidity` for more than 30 % of the balance.
    fn quote_exact_out(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let pair = self.coins.pair(coin_in, coin_out, amount_out)?;
        let exchange = self.given_out(&pair, amount_out)?;
        self.settled(&pair, &exchange)
    }
}

/// The balances of a swap with 18 decimals.
struct Scaled {
    balance_in: U256,
    balance_out: U256,
}

impl Scaled {
    fn new(pair: &Pair) -> Option<Self> {
        Some(Self {
            balance_in: upscaled(U256::from(pair.balance_in), pair.factor_in)?,
            balance_out: upscaled(U256::from(pair.balance_out), pair.factor_out)?,
        })
    }
}
