//! A pool whose coins are numbered as in `exchange_underlying`.

use std::sync::Arc;

use super::check_question;
use super::holdings::{scaled, Holdings};
use super::least_input::least_input;
use super::liquidity::Shared;
use super::stable::StableSwapPool;
use super::through::{Over, Step, SHARE};
use crate::amm::{AmmError, MultiPool, Quote};
use crate::num::{mul_div_ceil, U256};

/// Estimated gas of an exchange of underlying coins in a metapool: a deposit or a withdrawal of one
/// coin in the base pool beside the exchange.
pub const CURVE_META_GAS: u64 = 380_000;

/// Estimated gas of an exchange of underlying coins in a lending pool: two calls of the lending
/// protocol beside the exchange.
pub const CURVE_LENT_GAS: u64 = 500_000;

/// Estimated gas of a metapool's part when both coins are the base pool's: it forwards the call and
/// the coins.
const FORWARD_GAS: u64 = 60_000;

/// What is under the pool's own coins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Under {
    /// A lending protocol; 10^(18 - decimals) of each underlying coin.
    Lent(Arc<[U256]>),
    /// A base pool.
    Base(Arc<Shared>),
}

/// A lending pool or a metapool, its coins numbered as in the contract's `exchange_underlying`.
///
/// A quote is what that function pays, to the unit, and the pools after it: the metapool and its base
/// pool. Another plan that uses the same pools by themselves does not see that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnderlyingPool {
    own: StableSwapPool,
    under: Under,
}

impl UnderlyingPool {
    /// Returns a lending pool; `precisions` are 10^(18 - decimals) of the underlying coins, and what
    /// is left of a rate is the lending protocol's.
    ///
    /// # Errors
    /// `InvalidPool` when there is not one precision for each coin, or one is zero or larger than
    /// the coin's rate.
    pub fn lent(own: StableSwapPool, precisions: Arc<[U256]>) -> Result<Self, AmmError> {
        let rates = &own.terms().rates;
        let mut both = rates.iter().zip(precisions.iter());
        let fit = rates.len() == precisions.len()
            && both.all(|(rate, precision)| !precision.is_zero() && precision <= rate);
        if !fit {
            return Err(AmmError::InvalidPool(
                "The precisions do not fit the rates of the lending pool.",
            ));
        }
        Ok(Self {
            own,
            under: Under::Lent(precisions),
        })
    }

    /// Returns a metapool: its first coin, then those of `base`. The rate of the metapool's second
    /// coin is the virtual price of `base`, or the one it has cached.
    ///
    /// # Errors
    /// `InvalidPool` when the metapool has not two coins, or the base pool no shares.
    pub fn over(own: StableSwapPool, base: StableSwapPool) -> Result<Self, AmmError> {
        if own.balances().len() != 2 {
            return Err(AmmError::InvalidPool("A metapool has two coins."));
        }
        if base.supply().is_zero() {
            return Err(AmmError::InvalidPool("A base pool without shares."));
        }
        Ok(Self {
            own,
            under: Under::Base(Arc::new(base.0)),
        })
    }

    /// The pool with its own coins.
    #[must_use]
    pub const fn own(&self) -> &StableSwapPool {
        &self.own
    }

    /// The base pool of a metapool.
    #[must_use]
    pub fn base(&self) -> Option<StableSwapPool> {
        match &self.under {
            Under::Base(base) => Some(StableSwapPool((**base).clone())),
            Under::Lent(_) => None,
        }
    }

    /// The precisions of a lending pool.
    #[must_use]
    pub fn precisions(&self) -> Option<&[U256]> {
        match &self.under {
            Under::Lent(precisions) => Some(precisions),
            Under::Base(_) => None,
        }
    }

    /// Returns the contract's `get_dy_underlying`. A metapool's estimates the fee of a deposit, so
    /// that the exchange may pay more or less.
    ///
    /// # Errors
    /// As [`MultiPool::quote_exact_in`]; `InvalidRequest` for a lending pool.
    pub fn get_dy(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        check_question(self.coin_count(), coin_in, coin_out, amount_in)?;
        match &self.under {
            Under::Base(base) => self.over_base(base).viewed((coin_in, coin_out), amount_in),
            Under::Lent(_) => Err(AmmError::InvalidRequest(
                "The view of a lending pool's underlying coins is not offered.",
            )),
        }
    }

    fn holdings(&self) -> &Holdings {
        &self.own.0.holdings
    }

    fn over_base<'a>(&'a self, base: &'a Shared) -> Over<'a> {
        Over {
            meta: self.holdings(),
            base,
        }
    }

    fn with(&self, holdings: Holdings, base: Option<Shared>) -> Self {
        Self {
            own: StableSwapPool(Shared {
                holdings,
                supply: self.own.supply(),
            }),
            under: base.map_or_else(|| self.under.clone(), |base| Under::Base(Arc::new(base))),
        }
    }

    fn exchange(&self, pair: (usize, usize), amount_in: U256) -> Result<Step<Self>, AmmError> {
        match &self.under {
            Under::Lent(precisions) => {
                let step = self.holdings().exchange_lent(precisions, pair, amount_in)?;
                Ok(step.map(|holdings| self.with(holdings, None)))
            }
            Under::Base(base) => {
                let step = self.over_base(base).exchange(pair, amount_in)?;
                Ok(step.map(|(meta, base)| {
                    self.with(meta.unwrap_or_else(|| self.holdings().clone()), base)
                }))
            }
        }
    }

    fn gas(&self, pair: (usize, usize)) -> u64 {
        match &self.under {
            Under::Lent(_) => CURVE_LENT_GAS,
            Under::Base(_) if pair.0.min(pair.1) >= SHARE => {
                self.own.gas().saturating_add(FORWARD_GAS)
            }
            Under::Base(_) => CURVE_META_GAS,
        }
    }

    /// Returns what turns base units of a coin into ones of equal worth, about.
    fn rate(&self, coin: usize) -> Option<U256> {
        match &self.under {
            Under::Lent(precisions) => precisions.get(coin).copied(),
            Under::Base(base) => match coin.checked_sub(SHARE) {
                None => self.holdings().rate(coin),
                Some(coin) => base.holdings.rate(coin),
            },
        }
    }

    /// Returns the most that the pools could pay of a coin, or refuses when one of them is empty.
    fn payable(&self, coin: usize) -> Result<U256, AmmError> {
        self.holdings().scaled()?;
        let held = |pool: &Holdings, coin: usize| pool.balances().get(coin).copied();
        let most = match &self.under {
            Under::Base(base) => {
                base.holdings.scaled()?;
                match coin.checked_sub(SHARE) {
                    None => held(self.holdings(), coin),
                    Some(coin) => held(&base.holdings, coin),
                }
            }
            Under::Lent(precisions) => self
                .holdings()
                .lent_rate(precisions, coin)
                .and_then(|rate| scaled(held(self.holdings(), coin)?, rate)),
        };
        most.ok_or(AmmError::Overflow)
    }
}

impl MultiPool for UnderlyingPool {
    fn coin_count(&self) -> usize {
        match &self.under {
            Under::Lent(precisions) => precisions.len(),
            Under::Base(base) => base.holdings.count().saturating_add(SHARE),
        }
    }

    /// `fee_amount` is what the pool's fee is worth of the input, without those of a base pool's
    /// deposits and withdrawals.
    ///
    /// # Errors
    /// As [`StableSwapPool`]'s, for the pools together.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        check_question(self.coin_count(), coin_in, coin_out, amount_in)?;
        let pair = (coin_in, coin_out);
        let step = self.exchange(pair, amount_in)?;
        Ok(Quote {
            amount_in,
            amount_out: step.amount_out,
            fee_amount: step.fee_amount,
            ticks_crossed: 0,
            steps: 0,
            gas: self.gas(pair),
            next: step.next,
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
        if amount_out > self.payable(coin_out)? {
            return Err(AmmError::InsufficientLiquidity);
        }
        let guess = self
            .rate(coin_in)
            .zip(self.rate(coin_out))
            .and_then(|(rate_in, rate_out)| mul_div_ceil(amount_out, rate_out, rate_in));
        let amount_in = least_input(guess.unwrap_or(U256::ONE), amount_out, |amount_in| {
            self.exchange(pair, amount_in).map(|step| step.amount_out)
        })?;
        self.quote_exact_in(coin_in, coin_out, amount_in)
    }
}
