//! What every pool of the vault has: coins, their scaling factors and the swap fee.

use std::sync::Arc;

use super::fixed_point::{complement, div_up, mul_down, mul_up, ONE_U64};
use crate::amm::{AmmError, Quote};
use crate::num::{to_u128, U256};

/// Most coins of a pool.
pub(super) const MAX_COINS: usize = 8;

/// Largest balance the vault can store (`uint112`).
const MAX_BALANCE: u128 = (1 << 112) - 1;

/// Most decimals a coin of the vault can have.
const MAX_DECIMALS: u8 = 18;

/// Coins of a pool. Clones share the scaling factors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Coins {
    balances: [u128; MAX_COINS],
    factors: Arc<[U256]>,
    swap_fee: u64,
}

/// The two coins of a swap; balances and factors are the pool's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) coin_in: usize,
    pub(super) coin_out: usize,
    pub(super) balance_in: u128,
    pub(super) balance_out: u128,
    pub(super) factor_in: U256,
    pub(super) factor_out: U256,
}

/// What the pool takes and pays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) amount_in: U256,
    pub(super) amount_out: U256,
    pub(super) fee_amount: U256,
}

impl Coins {
    pub(super) fn new(
        balances: &[u128],
        factors: Arc<[U256]>,
        swap_fee: u64,
    ) -> Result<Self, AmmError> {
        if !(2..=MAX_COINS).contains(&balances.len()) {
            return Err(AmmError::InvalidPool("A pool has 2 to 8 coins."));
        }
        if factors.len() != balances.len() {
            return Err(AmmError::InvalidPool(
                "There is not one scaling factor for each coin.",
            ));
        }
        if factors.iter().any(|factor| factor.is_zero()) {
            return Err(AmmError::InvalidPool("A scaling factor is zero."));
        }
        if balances.iter().any(|balance| *balance > MAX_BALANCE) {
            return Err(AmmError::InvalidPool("A balance exceeds 112 bits."));
        }
        if swap_fee >= ONE_U64 {
            return Err(AmmError::InvalidPool("The pool fee is 100 % or more."));
        }
        let mut padded = [0; MAX_COINS];
        for (place, balance) in padded.iter_mut().zip(balances) {
            *place = *balance;
        }
        Ok(Self {
            balances: padded,
            factors,
            swap_fee,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.factors.len()
    }

    pub(super) fn balances(&self) -> &[u128] {
        self.balances.get(..self.count()).unwrap_or(&[])
    }

    pub(super) fn factors(&self) -> &[U256] {
        &self.factors
    }

    pub(super) const fn swap_fee(&self) -> u64 {
        self.swap_fee
    }

    /// Returns the two coins of a swap of `amount`.
    pub(super) fn pair(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount: U256,
    ) -> Result<Pair, AmmError> {
        let absent = AmmError::InvalidRequest("The pool does not hold this coin.");
        let balances = self.balances();
        let pair = Pair {
            coin_in,
            coin_out,
            balance_in: *balances.get(coin_in).ok_or(absent)?,
            balance_out: *balances.get(coin_out).ok_or(absent)?,
            factor_in: *self.factors.get(coin_in).ok_or(absent)?,
            factor_out: *self.factors.get(coin_out).ok_or(absent)?,
        };
        if coin_in == coin_out {
            return Err(AmmError::InvalidRequest(
                "A coin cannot be swapped for itself.",
            ));
        }
        if amount.is_zero() {
            return Err(AmmError::AmountRange);
        }
        if pair.balance_in == 0 || pair.balance_out == 0 {
            return Err(AmmError::EmptyPool);
        }
        Ok(pair)
    }

    /// Returns the fee on an input, rounded up.
    pub(super) fn fee_on(&self, amount_in: U256) -> Option<U256> {
        mul_up(amount_in, U256::from(self.swap_fee))
    }

    /// Returns the input of which `kept` is left when the fee is taken, rounded up.
    pub(super) fn with_fee(&self, kept: U256) -> Option<U256> {
        div_up(kept, complement(U256::from(self.swap_fee)))
    }

    /// Returns the coins after the exchange.
    pub(super) fn after(&self, pair: &Pair, exchange: &Exchange) -> Result<Self, AmmError> {
        let paid = to_u128(exchange.amount_in).ok_or(AmmError::Overflow)?;
        let grown = pair
            .balance_in
            .checked_add(paid)
            .filter(|balance| *balance <= MAX_BALANCE)
            .ok_or(AmmError::Overflow)?;
        let shrunk = to_u128(exchange.amount_out)
            .and_then(|out| pair.balance_out.checked_sub(out))
            .ok_or(AmmError::InsufficientLiquidity)?;
        let mut next = self.clone();
        for (coin, balance) in [(pair.coin_in, grown), (pair.coin_out, shrunk)] {
            if let Some(place) = next.balances.get_mut(coin) {
                *place = balance;
            }
        }
        Ok(next)
    }
}

impl Exchange {
    /// Returns the quote of this exchange.
    pub(super) fn quote<P>(&self, gas: u64, next: P) -> Quote<P> {
        Quote {
            amount_in: self.amount_in,
            amount_out: self.amount_out,
            fee_amount: self.fee_amount,
            ticks_crossed: 0,
            steps: 0,
            gas,
            next,
        }
    }
}

/// Returns an amount or balance with the 18 decimals and the rate of the pool's maths.
pub(super) fn upscaled(amount: U256, factor: U256) -> Option<U256> {
    mul_down(amount, factor)
}

/// Returns the scaling factor of a coin with `decimals` decimals and a rate of one: what turns its
/// base units into 18 decimals, itself with 18 decimals. A pool with rate providers multiplies it
/// with the rate and divides by 10^18, rounded down.
///
/// # Errors
/// `InvalidPool` above 18 decimals, which the pools refuse.
pub fn scaling_factor(decimals: u8) -> Result<U256, AmmError> {
    let missing = MAX_DECIMALS
        .checked_sub(decimals)
        .ok_or(AmmError::InvalidPool("A coin has more than 18 decimals."))?;
    U256::from(10_u64)
        .checked_pow(U256::from(missing))
        .and_then(|factor| factor.checked_mul(U256::from(ONE_U64)))
        .ok_or(AmmError::Overflow)
}
