//! The StableSwap pool as a value.

use std::sync::Arc;

use super::check_question;
use super::holdings::{one, Holdings, StableSwapParams};
use super::least_input::least_input;
use super::liquidity::Shared;
use super::underlying::{Over, Step, SHARE};
use crate::amm::{AmmError, MultiPool, Quote};
use crate::num::{mul_div_ceil, U256};

/// Estimated gas of an exchange in a plain pool: Newton's rounds for two or three coins, two
/// transfers and two balances. A small StableSwap of our own takes 100,000.
pub const STABLE_SWAP_GAS: u64 = 130_000;

/// Estimated gas of an exchange in an NG pool, which also keeps its oracles.
pub const STABLE_SWAP_NG_GAS: u64 = 180_000;

/// Estimated gas of an exchange of underlying coins in a metapool: a deposit or a withdrawal of one
/// coin in the base pool beside the exchange.
pub const META_UNDERLYING_GAS: u64 = 380_000;

/// Estimated gas of an exchange of underlying coins in a lending pool: two calls of the lending
/// protocol beside the exchange.
pub const LENDING_UNDERLYING_GAS: u64 = 500_000;

/// Estimated gas of the metapool's part when both coins are the base pool's: it forwards the call and
/// the coins.
const META_FORWARD_GAS: u64 = 60_000;

/// How the coins of a pool are numbered, and so which function of the contract a quote is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Numbering {
    /// `exchange`: the pool's own coins.
    Own,
    /// `exchange_underlying` of a lending pool.
    Lent(Arc<[U256]>),
    /// `exchange_underlying` of a metapool over this base pool.
    Over(Arc<Shared>),
}

/// A Curve StableSwap pool of 2 to 8 coins: plain, lending, meta, or NG. Clones share what swaps do
/// not change.
///
/// Coins are numbered as in the contract's `exchange`; [`StableSwapPool::lent`] and
/// [`StableSwapPool::over`] return the pool with its coins numbered as in `exchange_underlying`.
/// A quote is what the exchange pays, to the unit, and the pool after it. Rates are the block's, and
/// stay: so does a metapool's cached virtual price. Coins that take a fee on transfers are not
/// supported.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StableSwapPool {
    shared: Shared,
    numbering: Numbering,
}

impl StableSwapPool {
    /// Returns the pool. Balances are base units (of the lending protocol's tokens in a lending
    /// pool). A rate turns base units into 36 decimals, as the contract's: 10^(36 - decimals), times
    /// what one of the coin is worth (a lending protocol's rate, the base pool's virtual price, an
    /// oracle's rate), which itself has 18 decimals. A pool with an empty coin quotes nothing.
    ///
    /// # Errors
    /// `InvalidPool` when the lists differ in length, there are not 2 to 8 coins, a rate is zero, the
    /// amplification is outside 1..1000000, a fee is 100 % or more, or a rising fee is not NG's.
    pub fn new(
        balances: &[U256],
        rates: Arc<[U256]>,
        params: StableSwapParams,
    ) -> Result<Self, AmmError> {
        Ok(Self {
            shared: Shared {
                holdings: Holdings::new(balances, rates, params)?,
                supply: U256::ZERO,
            },
            numbering: Numbering::Own,
        })
    }

    /// Returns the pool with the total supply of its shares, which a base pool needs.
    #[must_use]
    pub fn with_supply(&self, supply: U256) -> Self {
        Self {
            shared: Shared {
                supply,
                ..self.shared.clone()
            },
            ..self.clone()
        }
    }

    /// Returns a lending pool with its coins numbered as in `exchange_underlying`; `precisions` are
    /// 10^(18 - decimals) of the underlying coins.
    ///
    /// # Errors
    /// `InvalidPool` when there is not one precision for each coin, or one is zero or larger than
    /// the coin's rate.
    pub fn lent(&self, precisions: Arc<[U256]>) -> Result<Self, AmmError> {
        let rates = self.rates();
        let fits = rates.len() == precisions.len()
            && rates
                .iter()
                .zip(precisions.iter())
                .all(|(rate, precision)| !precision.is_zero() && precision <= rate);
        if !fits {
            return Err(AmmError::InvalidPool(
                "The precisions do not fit the rates of the lending pool.",
            ));
        }
        Ok(Self {
            shared: self.shared.clone(),
            numbering: Numbering::Lent(precisions),
        })
    }

    /// Returns a metapool with its coins numbered as in `exchange_underlying`: its first coin, then
    /// those of `base`. The rate of its second coin is the virtual price of `base`, maybe cached.
    ///
    /// # Errors
    /// `InvalidPool` when the metapool has not two coins, or the base pool has no shares or is
    /// itself numbered in underlying coins.
    pub fn over(&self, base: &Self) -> Result<Self, AmmError> {
        if self.balances().len() != 2 {
            return Err(AmmError::InvalidPool("A metapool has two coins."));
        }
        if base.shared.supply.is_zero() || base.numbering != Numbering::Own {
            return Err(AmmError::InvalidPool(
                "A base pool has shares, and its coins are its own.",
            ));
        }
        Ok(Self {
            shared: self.shared.clone(),
            numbering: Numbering::Over(Arc::new(base.shared.clone())),
        })
    }

    /// Balances of the pool's own coins in base units.
    #[must_use]
    pub fn balances(&self) -> &[U256] {
        self.shared.holdings.balances()
    }

    /// Rates of the pool's own coins: `balance * rate / 10^18` has 18 decimals.
    #[must_use]
    pub fn rates(&self) -> &[U256] {
        self.shared.holdings.rates()
    }

    /// Amplification, fees and version.
    #[must_use]
    pub const fn params(&self) -> &StableSwapParams {
        self.shared.holdings.params()
    }

    /// Total supply of the pool's shares; zero when it is not known.
    #[must_use]
    pub const fn supply(&self) -> U256 {
        self.shared.supply
    }

    /// The base pool, for a metapool whose coins are numbered as in `exchange_underlying`.
    #[must_use]
    pub fn base(&self) -> Option<Self> {
        match &self.numbering {
            Numbering::Over(base) => Some(Self {
                shared: (**base).clone(),
                numbering: Numbering::Own,
            }),
            Numbering::Own | Numbering::Lent(_) => None,
        }
    }

    /// The precisions, for a lending pool whose coins are numbered as in `exchange_underlying`.
    #[must_use]
    pub fn precisions(&self) -> Option<&[U256]> {
        match &self.numbering {
            Numbering::Lent(precisions) => Some(precisions),
            Numbering::Own | Numbering::Over(_) => None,
        }
    }

    /// Returns the invariant of the pool's own coins (`D`), with 18 decimals.
    ///
    /// # Errors
    /// `EmptyPool` when a balance is zero, `Overflow` where the contract reverts.
    pub fn invariant(&self) -> Result<U256, AmmError> {
        Ok(self.shared.holdings.scaled()?.invariant)
    }

    /// Returns the value of a share (`get_virtual_price`), with 18 decimals.
    ///
    /// # Errors
    /// `EmptyPool` without shares, `Overflow` where the contract reverts.
    pub fn virtual_price(&self) -> Result<U256, AmmError> {
        self.check_shares()?;
        self.shared.virtual_price().ok_or(AmmError::Overflow)
    }

    /// Returns the contract's `calc_token_amount` for a deposit of one own coin, without the fee
    /// (which NG's view counts in, and this does not).
    ///
    /// # Errors
    /// `EmptyPool` without shares or with an empty coin, `Overflow` where the contract reverts.
    pub fn shares_without_fee(&self, coin: usize, amount: U256) -> Result<U256, AmmError> {
        self.check_shares()?;
        self.shared
            .minted_without_fee(coin, amount)
            .ok_or(AmmError::Overflow)
    }

    /// Returns the contract's `calc_withdraw_one_coin`.
    ///
    /// # Errors
    /// `EmptyPool` without shares or with an empty coin, `Overflow` where the contract reverts.
    pub fn withdrawn(&self, coin: usize, shares: U256) -> Result<U256, AmmError> {
        self.check_shares()?;
        self.shared
            .withdraw(coin, shares)
            .map(|(paid, _)| paid)
            .ok_or(AmmError::Overflow)
    }

    fn check_shares(&self) -> Result<(), AmmError> {
        self.shared.holdings.scaled()?;
        if self.shared.supply.is_zero() {
            return Err(AmmError::EmptyPool);
        }
        Ok(())
    }

    /// Returns the contract's view for a swap, `get_dy` or `get_dy_underlying` by the numbering. Old
    /// contracts round it otherwise than their exchange, and a metapool's estimates a fee, so it is
    /// not always what a swap pays.
    ///
    /// # Errors
    /// As [`MultiPool::quote_exact_in`]; `InvalidRequest` for a lending pool's underlying coins.
    pub fn get_dy(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        check_question(self.coin_count(), coin_in, coin_out, amount_in)?;
        let pair = (coin_in, coin_out);
        match &self.numbering {
            Numbering::Own => self.shared.holdings.view(pair, amount_in),
            Numbering::Over(base) => self.over_base(base).viewed(pair, amount_in),
            Numbering::Lent(_) => Err(AmmError::InvalidRequest(
                "The view of a lending pool's underlying coins is not offered.",
            )),
        }
    }

    fn over_base<'a>(&'a self, base: &'a Shared) -> Over<'a> {
        Over {
            meta: &self.shared.holdings,
            base,
        }
    }

    fn exchange(&self, pair: (usize, usize), amount_in: U256) -> Result<Step<Self>, AmmError> {
        let holdings = &self.shared.holdings;
        let (step, base) = match &self.numbering {
            Numbering::Own => (holdings.exchange(pair, amount_in)?, None),
            Numbering::Lent(precisions) => {
                (holdings.exchange_lent(precisions, pair, amount_in)?, None)
            }
            Numbering::Over(base) => {
                let step = self.over_base(base).exchange(pair, amount_in)?;
                let (meta, base) = step.next;
                let step = Step {
                    amount_out: step.amount_out,
                    fee_amount: step.fee_amount,
                    next: meta.unwrap_or_else(|| holdings.clone()),
                };
                (step, base)
            }
        };
        let numbering = base.map_or_else(
            || self.numbering.clone(),
            |base| Numbering::Over(Arc::new(base)),
        );
        let shared = Shared {
            holdings: step.next,
            supply: self.shared.supply,
        };
        Ok(Step {
            amount_out: step.amount_out,
            fee_amount: step.fee_amount,
            next: Self { shared, numbering },
        })
    }

    fn gas(&self, pair: (usize, usize)) -> u64 {
        let own = match self.params().offpeg_fee_multiplier {
            0 => STABLE_SWAP_GAS,
            _ => STABLE_SWAP_NG_GAS,
        };
        match &self.numbering {
            Numbering::Own => own,
            Numbering::Lent(_) => LENDING_UNDERLYING_GAS,
            Numbering::Over(_) if pair.0 >= SHARE && pair.1 >= SHARE => {
                own.saturating_add(META_FORWARD_GAS)
            }
            Numbering::Over(_) => META_UNDERLYING_GAS,
        }
    }

    /// Returns an input near which a swap delivers `wanted`.
    fn guess(&self, pair: (usize, usize), wanted: U256) -> Option<U256> {
        let holdings = &self.shared.holdings;
        match &self.numbering {
            Numbering::Own => holdings.input_guess(&holdings.scaled().ok()?, pair, wanted),
            Numbering::Lent(precisions) => {
                mul_div_ceil(wanted, *precisions.get(pair.1)?, *precisions.get(pair.0)?)
            }
            Numbering::Over(base) => {
                let rate = |coin: usize| match coin.checked_sub(SHARE) {
                    None => holdings.rate(coin),
                    Some(coin) => base.holdings.rate(coin),
                };
                mul_div_ceil(wanted, rate(pair.1)?, rate(pair.0)?)
            }
        }
    }

    /// Refuses an output that the coin's balance cannot pay, and a pool that answers nothing.
    fn exchange_possible(&self, pair: (usize, usize), amount_out: U256) -> Result<(), AmmError> {
        let (holdings, coin) = match &self.numbering {
            Numbering::Own | Numbering::Lent(_) => (&self.shared.holdings, pair.1),
            Numbering::Over(base) => {
                base.holdings.scaled()?;
                match pair.1.checked_sub(SHARE) {
                    None => (&self.shared.holdings, pair.1),
                    Some(coin) => (&base.holdings, coin),
                }
            }
        };
        self.shared.holdings.scaled()?;
        let held = holdings.balances().get(coin).copied().unwrap_or_default();
        let payable = match &self.numbering {
            Numbering::Own | Numbering::Over(_) => Some(held),
            Numbering::Lent(precisions) => holdings
                .rate(coin)
                .zip(precisions.get(coin))
                .and_then(|(rate, precision)| rate.checked_div(*precision))
                .and_then(|rate| mul_div_ceil(held, rate, one())),
        };
        if payable.ok_or(AmmError::Overflow)? < amount_out {
            return Err(AmmError::InsufficientLiquidity);
        }
        Ok(())
    }

    fn quote(&self, pair: (usize, usize), amount_in: U256, step: Step<Self>) -> Quote<Self> {
        Quote {
            amount_in,
            amount_out: step.amount_out,
            fee_amount: step.fee_amount,
            ticks_crossed: 0,
            steps: 0,
            gas: self.gas(pair),
            next: step.next,
        }
    }
}

impl MultiPool for StableSwapPool {
    fn coin_count(&self) -> usize {
        match &self.numbering {
            Numbering::Own | Numbering::Lent(_) => self.balances().len(),
            Numbering::Over(base) => base.holdings.count().saturating_add(SHARE),
        }
    }

    /// Dust may buy an output of zero, as in the contract. The fee leaves the output; `fee_amount` is
    /// what it is worth of the input, without the fees of a base pool's deposits and withdrawals.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent, `AmountRange` for zero, `EmptyPool`
    /// when a balance is zero or the input is too little to move the pool, `Overflow` where the contract reverts.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        check_question(self.coin_count(), coin_in, coin_out, amount_in)?;
        let pair = (coin_in, coin_out);
        let step = self.exchange(pair, amount_in)?;
        Ok(self.quote(pair, amount_in, step))
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
        self.exchange_possible(pair, amount_out)?;
        let guess = self.guess(pair, amount_out).unwrap_or(U256::ONE);
        let amount_in = least_input(guess, amount_out, |amount_in| {
            self.exchange(pair, amount_in).map(|step| step.amount_out)
        })?;
        self.quote_exact_in(coin_in, coin_out, amount_in)
    }
}
