//! The three-coin CryptoSwap pool as a value.

use std::sync::Arc;

use super::check_question;
use super::crypto_math::{reduction_coefficient, ten, Bend, COINS};
use super::least_input::least_input;
use crate::amm::{AmmError, MultiPool, Quote};
use crate::num::{mul_div_ceil, U256};

/// Estimated gas of an exchange: two of Newton's searches, the fee, the price oracle and two
/// transfers.
pub const CURVE_CRYPTO_GAS: u64 = 330_000;

/// One of a fee.
const FEE_ONE: u64 = 10_000_000_000;

/// Largest price the contract's packed storage holds is below this many bits.
const PRICE_BITS: usize = 128;

/// The generation of the pool's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CryptoVersion {
    /// Tricrypto of May 2021.
    Tricrypto,
    /// Tricrypto2 of July 2021 and its copies on other chains.
    Tricrypto2,
}

impl CryptoVersion {
    /// Returns what an amplification of one is in the contract's storage, `n^n` left out.
    #[must_use]
    pub const fn amp_multiplier(self) -> u64 {
        match self {
            Self::Tricrypto => 100,
            Self::Tricrypto2 => 10_000,
        }
    }

    /// Returns the bounds of the contract for `A * n^n`.
    const fn ann_bounds(self) -> (u64, u64) {
        match self {
            Self::Tricrypto => (2_700, 27_000_000),
            Self::Tricrypto2 => (2_700, 270_000_000),
        }
    }

    /// Returns the bounds of the contract for gamma, with 18 decimals.
    const fn gamma_bounds(self) -> (u64, u64) {
        match self {
            Self::Tricrypto => (10_000_000_000, 10_000_000_000_000_000),
            Self::Tricrypto2 => (10_000_000_000, 50_000_000_000_000_000),
        }
    }
}

/// The parameters of a CryptoSwap pool, as its contract stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CryptoParams {
    /// `A_precise()` at the block of the quote: amplification, times `n^n` and the multiplier.
    pub ann: u64,
    /// Gamma with 18 decimals, at the block of the quote.
    pub gamma: u64,
    /// Fee in balance, in parts of 10^10.
    pub mid_fee: u64,
    /// Fee far out of balance, in parts of 10^10.
    pub out_fee: u64,
    /// How fast the fee goes from one to the other, with 18 decimals.
    pub fee_gamma: u64,
    /// Generation of the contract.
    pub version: CryptoVersion,
}

/// A pool's numbers that no swap changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Fixed {
    precisions: [u64; COINS],
    price_scale: [U256; COINS],
    params: CryptoParams,
}

/// A Curve tricrypto pool. Clones share what swaps do not change.
///
/// A quote is what the exchange pays, to the unit. The pool after it has its balances and its
/// invariant; the price scale stays. The contract may move it after a swap, by its oracle, its
/// profit and the time, none of which are here: a later swap of the same pool is exact as long as
/// the contract does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CryptoPool {
    balances: [U256; COINS],
    invariant: U256,
    fixed: Arc<Fixed>,
}

/// What a swap pays, and the balances that give the next invariant.
struct Trade {
    amount_out: U256,
    gross: U256,
    fee: U256,
}

impl CryptoPool {
    /// Returns the pool. `precisions` are 10^(18 - decimals). `price_scale` is the contract's for the
    /// second and third coin, with 18 decimals. `invariant` is the contract's stored `D`, or what
    /// `newton_D` gives while `A` and gamma ramp.
    ///
    /// # Errors
    /// `InvalidPool` when there are not three coins, a precision is not a power of ten up to 10^18, a
    /// price is zero or needs 128 bits, or a parameter is outside the contract's bounds.
    pub fn new(
        balances: [U256; COINS],
        precisions: [u64; COINS],
        price_scale: [U256; 2],
        invariant: U256,
        params: CryptoParams,
    ) -> Result<Self, AmmError> {
        params.check()?;
        if precisions.iter().any(|precision| !is_precision(*precision)) {
            return Err(AmmError::InvalidPool(
                "A precision is not a power of ten up to 10^18.",
            ));
        }
        let unfit = |price: &U256| price.is_zero() || price.bit_len() > PRICE_BITS;
        if price_scale.iter().any(unfit) {
            return Err(AmmError::InvalidPool(
                "A price is zero or does not fit the contract's storage.",
            ));
        }
        let [second, third] = price_scale;
        Ok(Self {
            balances,
            invariant,
            fixed: Arc::new(Fixed {
                precisions,
                price_scale: [ten(18), second, third],
                params,
            }),
        })
    }

    /// Balances in base units.
    #[must_use]
    pub const fn balances(&self) -> &[U256; COINS] {
        &self.balances
    }

    /// What brings base units to 18 decimals.
    #[must_use]
    pub fn precisions(&self) -> &[u64; COINS] {
        &self.fixed.precisions
    }

    /// Worth of each coin in the first, with 18 decimals; one for the first.
    #[must_use]
    pub fn price_scale(&self) -> &[U256; COINS] {
        &self.fixed.price_scale
    }

    /// The contract's `D`.
    #[must_use]
    pub const fn invariant(&self) -> U256 {
        self.invariant
    }

    /// Amplification, gamma, fees and version.
    #[must_use]
    pub fn params(&self) -> &CryptoParams {
        &self.fixed.params
    }

    /// Returns the fee as it is now, in parts of 10^10.
    ///
    /// # Errors
    /// `EmptyPool` when a balance is zero, `Overflow` where the contract reverts.
    pub fn fee(&self) -> Result<U256, AmmError> {
        self.check_balances()?;
        self.scale(&self.balances)
            .and_then(|scaled| self.fixed.params.fee(&scaled))
            .ok_or(AmmError::Overflow)
    }

    /// Returns the contract's `get_dy`, which is what its exchange pays.
    ///
    /// # Errors
    /// As [`MultiPool::quote_exact_in`].
    pub fn get_dy(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        self.check(coin_in, coin_out, amount_in)?;
        self.trade((coin_in, coin_out), amount_in)
            .map(|trade| trade.amount_out)
    }

    fn check(&self, coin_in: usize, coin_out: usize, amount: U256) -> Result<(), AmmError> {
        check_question(COINS, coin_in, coin_out, amount)?;
        self.check_balances()
    }

    fn check_balances(&self) -> Result<(), AmmError> {
        if self.balances.iter().any(|balance| balance.is_zero()) {
            return Err(AmmError::EmptyPool);
        }
        Ok(())
    }

    /// Returns balances with 18 decimals, worth the price scale.
    fn scale(&self, balances: &[U256; COINS]) -> Option<[U256; COINS]> {
        let mut scaled = *balances;
        let scales = self.fixed.precisions.iter().zip(&self.fixed.price_scale);
        for (at, (place, (precision, price))) in scaled.iter_mut().zip(scales).enumerate() {
            let precision = U256::from(*precision);
            *place = match at {
                0 => place.checked_mul(precision)?,
                _ => place
                    .checked_mul(*price)?
                    .checked_mul(precision)?
                    .checked_div(ten(18))?,
            };
        }
        Some(scaled)
    }

    /// Returns one balance as the contract scales it after a swap, multiplied in another order.
    fn scale_after(&self, coin: usize, balance: U256) -> Option<U256> {
        let scaled = balance.checked_mul(U256::from(*self.fixed.precisions.get(coin)?))?;
        match coin {
            0 => Some(scaled),
            _ => scaled
                .checked_mul(*self.fixed.price_scale.get(coin)?)?
                .checked_div(ten(18)),
        }
    }

    /// Returns base units of an amount with 18 decimals, worth the price scale, rounded down.
    fn unscale(&self, coin: usize, amount: U256) -> Option<U256> {
        let amount = match coin {
            0 => amount,
            _ => amount
                .checked_mul(ten(18))?
                .checked_div(*self.fixed.price_scale.get(coin)?)?,
        };
        amount.checked_div(U256::from(*self.fixed.precisions.get(coin)?))
    }

    /// Returns the balances with `amount` more of a coin.
    fn grown(&self, coin: usize, amount: U256) -> Option<[U256; COINS]> {
        let mut balances = self.balances;
        let place = balances.get_mut(coin)?;
        *place = place.checked_add(amount)?;
        Some(balances)
    }

    fn trade(&self, pair: (usize, usize), amount_in: U256) -> Result<Trade, AmmError> {
        let scaled = self
            .grown(pair.0, amount_in)
            .and_then(|balances| self.scale(&balances))
            .ok_or(AmmError::Overflow)?;
        let left = self
            .fixed
            .params
            .bend()
            .balance_that_keeps(&scaled, pair.1, self.invariant)
            .ok_or(AmmError::Overflow)?;
        let held = *scaled.get(pair.1).ok_or(AmmError::Overflow)?;
        // The contract takes one more off what it pays, and reverts if there is nothing to take.
        let paid = held
            .checked_sub(left)
            .and_then(|paid| paid.checked_sub(U256::ONE))
            .ok_or(AmmError::EmptyPool)?;
        self.priced(pair.1, scaled, left, paid)
            .ok_or(AmmError::Overflow)
    }

    fn priced(
        &self,
        coin_out: usize,
        mut scaled: [U256; COINS],
        left: U256,
        paid: U256,
    ) -> Option<Trade> {
        *scaled.get_mut(coin_out)? = left;
        let gross = self.unscale(coin_out, paid)?;
        let fee = self
            .fixed
            .params
            .fee(&scaled)?
            .checked_mul(gross)?
            .checked_div(U256::from(FEE_ONE))?;
        Some(Trade {
            amount_out: gross.checked_sub(fee)?,
            gross,
            fee,
        })
    }

    /// Returns the pool after a trade.
    fn after(&self, pair: (usize, usize), amount_in: U256, trade: &Trade) -> Option<Self> {
        let mut balances = self.grown(pair.0, amount_in)?;
        let mut scaled = self.scale(&balances)?;
        let place = balances.get_mut(pair.1)?;
        *place = place.checked_sub(trade.amount_out)?;
        *scaled.get_mut(pair.1)? = self.scale_after(pair.1, *place)?;
        Some(Self {
            invariant: self.fixed.params.bend().invariant(&scaled)?,
            balances,
            fixed: Arc::clone(&self.fixed),
        })
    }

    fn swap(&self, pair: (usize, usize), amount_in: U256) -> Result<Quote<Self>, AmmError> {
        let trade = self.trade(pair, amount_in)?;
        let fee_amount = if trade.gross.is_zero() {
            Some(U256::ZERO)
        } else {
            mul_div_ceil(amount_in, trade.fee, trade.gross)
        };
        Ok(Quote {
            amount_in,
            amount_out: trade.amount_out,
            fee_amount: fee_amount.ok_or(AmmError::Overflow)?,
            ticks_crossed: 0,
            steps: 0,
            gas: CURVE_CRYPTO_GAS,
            next: self
                .after(pair, amount_in, &trade)
                .ok_or(AmmError::Overflow)?,
        })
    }

    /// Returns an input near which a swap delivers `wanted`.
    fn guess(&self, pair: (usize, usize), wanted: U256) -> Option<U256> {
        let scaled = self.scale(&self.balances)?;
        let fee = self.fixed.params.fee(&scaled)?;
        let kept = U256::from(FEE_ONE).checked_sub(fee)?;
        let gross = mul_div_ceil(wanted, U256::from(FEE_ONE), kept)?;
        let mut left = self.balances;
        let place = left.get_mut(pair.1)?;
        *place = place.checked_sub(gross)?;
        let grown = self.fixed.params.bend().balance_that_keeps(
            &self.scale(&left)?,
            pair.0,
            self.invariant,
        )?;
        let added = grown.checked_sub(*scaled.get(pair.0)?)?;
        self.unscale(pair.0, added)
    }
}

impl CryptoParams {
    fn check(&self) -> Result<(), AmmError> {
        let (least, most) = self.version.ann_bounds();
        if !(least..=most).contains(&self.ann) {
            return Err(AmmError::InvalidPool(
                "The amplification is outside the contract's bounds.",
            ));
        }
        let (least, most) = self.version.gamma_bounds();
        if !(least..=most).contains(&self.gamma) {
            return Err(AmmError::InvalidPool(
                "Gamma is outside the contract's bounds.",
            ));
        }
        if self.mid_fee > self.out_fee || self.out_fee >= FEE_ONE {
            return Err(AmmError::InvalidPool(
                "The fees are not in order, or one is 100 % or more.",
            ));
        }
        Ok(())
    }

    fn bend(&self) -> Bend {
        Bend {
            ann: U256::from(self.ann),
            gamma: U256::from(self.gamma),
            version: self.version,
        }
    }

    /// Returns the fee at these balances, in parts of 10^10.
    fn fee(&self, scaled: &[U256; COINS]) -> Option<U256> {
        let evenness = reduction_coefficient(scaled, U256::from(self.fee_gamma))?;
        let unevenness = ten(18).checked_sub(evenness)?;
        let mid = U256::from(self.mid_fee).checked_mul(evenness)?;
        let out = U256::from(self.out_fee).checked_mul(unevenness)?;
        mid.checked_add(out)?.checked_div(ten(18))
    }
}

fn is_precision(precision: u64) -> bool {
    (0..=18).any(|power| U256::from(precision) == ten(power))
}

impl MultiPool for CryptoPool {
    fn coin_count(&self) -> usize {
        COINS
    }

    /// Dust may buy an output of zero, as in the contract. The fee leaves the output; `fee_amount` is
    /// what it is worth of the input.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent, `AmountRange` for zero, `EmptyPool`
    /// when a balance is zero or the input is too little to move the pool, `Overflow` where the contract reverts; it
    /// does so also for balances that it calls unsafe, far out of balance.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        self.check(coin_in, coin_out, amount_in)?;
        self.swap((coin_in, coin_out), amount_in)
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
        self.check(coin_in, coin_out, amount_out)?;
        let pair = (coin_in, coin_out);
        let held = self.balances.get(coin_out).copied().unwrap_or_default();
        if amount_out >= held {
            return Err(AmmError::InsufficientLiquidity);
        }
        let guess = self.guess(pair, amount_out).unwrap_or(U256::ONE);
        let amount_in = least_input(guess, amount_out, |amount_in| {
            self.trade(pair, amount_in).map(|trade| trade.amount_out)
        })?;
        self.swap(pair, amount_in)
    }
}
