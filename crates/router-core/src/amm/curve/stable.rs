//! The StableSwap pool as a value.

use super::check_question;
use super::holdings::Holdings;
use super::least_input::least_input;
use super::liquidity::Shared;
use super::terms::{CurveEra, StableSwapTerms};
use crate::amm::{AmmError, MultiPool, Quote};
use crate::num::U256;

/// Estimated gas of an exchange: Newton's rounds for two or three coins, two transfers and two
/// balances. A small StableSwap of our own takes 100,000.
pub const CURVE_STABLE_GAS: u64 = 130_000;

/// Estimated gas of an exchange in an NG pool, which also keeps its oracles.
pub const CURVE_NG_GAS: u64 = 180_000;

/// A Curve StableSwap pool of 2 to 8 coins, numbered as in the contract's `exchange`: plain pools,
/// lending pools by their rates, metapools by the base pool's virtual price as a rate, and NG.
///
/// A quote is what the exchange pays, to the unit, and the pool after it. Rates are the block's, and
/// stay: so does a metapool's cached virtual price. Coins that take a fee on transfers are not
/// supported. [`super::UnderlyingPool`] quotes `exchange_underlying`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StableSwapPool(pub(super) Shared);

impl StableSwapPool {
    /// Returns the pool. Balances are base units, of the lending protocol's tokens in a lending
    /// pool. A pool with an empty coin quotes nothing.
    ///
    /// # Errors
    /// `InvalidPool` for what no such contract can be.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the pool owns what it is made of"
    )]
    pub fn new(balances: Vec<U256>, terms: StableSwapTerms) -> Result<Self, AmmError> {
        Ok(Self(Shared {
            holdings: Holdings::new(&balances, terms)?,
            supply: U256::ZERO,
        }))
    }

    /// Returns the pool with the total supply of its shares, which a base pool needs.
    #[must_use]
    pub fn with_supply(self, supply: U256) -> Self {
        Self(Shared { supply, ..self.0 })
    }

    /// Balances in base units.
    #[must_use]
    pub fn balances(&self) -> &[U256] {
        self.0.holdings.balances()
    }

    /// Parameters.
    #[must_use]
    pub fn terms(&self) -> &StableSwapTerms {
        self.0.holdings.terms()
    }

    /// Total supply of the pool's shares; zero when it is not known.
    #[must_use]
    pub const fn supply(&self) -> U256 {
        self.0.supply
    }

    /// Whether the fee is the same at every price.
    #[must_use]
    pub fn has_flat_fee(&self) -> bool {
        self.terms().has_flat_fee()
    }

    /// Returns the invariant (`D`), with 18 decimals.
    ///
    /// # Errors
    /// `EmptyPool` when a balance is zero, `Overflow` where the contract reverts.
    pub fn invariant(&self) -> Result<U256, AmmError> {
        Ok(self.0.holdings.scaled()?.invariant)
    }

    /// Returns the value of a share (`get_virtual_price`), with 18 decimals.
    ///
    /// # Errors
    /// `EmptyPool` without shares or with an empty coin, `Overflow` where the contract reverts.
    pub fn virtual_price(&self) -> Result<U256, AmmError> {
        self.check_shares()?;
        self.0.virtual_price().ok_or(AmmError::Overflow)
    }

    /// Returns the contract's `calc_token_amount` for a deposit of one coin, which leaves the fee
    /// out (NG's counts it in, and this does not).
    ///
    /// # Errors
    /// `InvalidRequest` for an absent coin, `AmountRange` for zero, `EmptyPool` without shares or
    /// with an empty coin, `Overflow` where the contract reverts.
    pub fn shares_without_fee(&self, coin: usize, amount: U256) -> Result<U256, AmmError> {
        self.check_one(coin, amount)?;
        self.0
            .minted_without_fee(coin, amount)
            .ok_or(AmmError::Overflow)
    }

    /// Returns the contract's `calc_withdraw_one_coin`.
    ///
    /// # Errors
    /// As [`StableSwapPool::shares_without_fee`].
    pub fn withdrawn(&self, coin: usize, shares: U256) -> Result<U256, AmmError> {
        self.check_one(coin, shares)?;
        self.0
            .withdraw(coin, shares)
            .map(|(paid, _)| paid)
            .ok_or(AmmError::Overflow)
    }

    /// Returns what the contract's `get_dy` says. In the contracts of early 2020 it may differ by a
    /// unit from what `exchange` pays; otherwise it is the same.
    ///
    /// # Errors
    /// As [`MultiPool::quote_exact_in`].
    pub fn get_dy(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        check_question(self.coin_count(), coin_in, coin_out, amount_in)?;
        self.0.holdings.view((coin_in, coin_out), amount_in)
    }

    fn check_one(&self, coin: usize, amount: U256) -> Result<(), AmmError> {
        let other = usize::from(coin == 0);
        check_question(self.coin_count(), coin, other, amount)?;
        self.check_shares()
    }

    fn check_shares(&self) -> Result<(), AmmError> {
        self.0.holdings.scaled()?;
        if self.0.supply.is_zero() {
            return Err(AmmError::EmptyPool);
        }
        Ok(())
    }

    pub(super) fn gas(&self) -> u64 {
        match self.terms().era {
            CurveEra::Ng => CURVE_NG_GAS,
            CurveEra::Original | CurveEra::Classic | CurveEra::Plain => CURVE_STABLE_GAS,
        }
    }
}

impl MultiPool for StableSwapPool {
    fn coin_count(&self) -> usize {
        self.balances().len()
    }

    /// Dust may buy an output of zero, as in the contract. The fee leaves the output; `fee_amount` is
    /// what it is worth of the input.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent, `AmountRange` for zero, `EmptyPool`
    /// when a balance is zero or the input is too little to move the pool, `Overflow` where the
    /// contract reverts.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        check_question(self.coin_count(), coin_in, coin_out, amount_in)?;
        let step = self.0.holdings.exchange((coin_in, coin_out), amount_in)?;
        let next = Self(Shared {
            holdings: step.next,
            supply: self.0.supply,
        });
        Ok(Quote {
            amount_in,
            amount_out: step.amount_out,
            fee_amount: step.fee_amount,
            ticks_crossed: 0,
            steps: 0,
            gas: self.gas(),
            next,
        })
    }

    /// The contract has no such swap: this is the swap of the least input that delivers at least
    /// `amount_out` by exact-in. The quote's `amount_out` is what it delivers.
    ///
    /// # Errors
    /// As for exact-in; `InsufficientLiquidity` when no input delivers so much.
    fn quote_exact_out(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError> {
        check_question(self.coin_count(), coin_in, coin_out, amount_out)?;
        let pair = (coin_in, coin_out);
        let at = self.0.holdings.scaled()?;
        let held = self.balances().get(coin_out).copied().unwrap_or_default();
        if amount_out > held {
            return Err(AmmError::InsufficientLiquidity);
        }
        let guess = self.0.holdings.input_guess(&at, pair, amount_out);
        let amount_in = least_input(guess.unwrap_or(U256::ONE), amount_out, |amount_in| {
            self.0.holdings.output(&at, pair, amount_in)
        })?;
        self.quote_exact_in(coin_in, coin_out, amount_in)
    }
}
