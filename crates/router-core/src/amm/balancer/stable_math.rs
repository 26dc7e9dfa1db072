//! The invariant of stable pools, bit for bit the contracts' `StableMath`.
//!
//! Balances have 18 decimals, the amplification three. `None` is where the contract reverts: a
//! number outgrows 256 bits, a division by zero, no convergence after 255 rounds.

use super::coins::MAX_COINS;
use super::stable::StableVersion;
use crate::num::{div_ceil, U256};

/// One, in the amplification's three decimals.
pub(super) const AMP_PRECISION: u64 = 1_000;

/// Rounds after which the contract gives up.
const MAX_ROUNDS: u32 = 255;

/// What the two functions of the contract work on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curve {
    balances: [U256; MAX_COINS],
    count: usize,
    amp_times_total: U256,
}

impl Curve {
    pub(super) fn new(balances: [U256; MAX_COINS], count: usize, amp: u64) -> Option<Self> {
        Some(Self {
            balances,
            count,
            amp_times_total: U256::from(amp).checked_mul(U256::from(count))?,
        })
    }

    pub(super) fn balance(&self, coin: usize) -> Option<U256> {
        self.balances().get(coin).copied()
    }

    /// Returns the same curve with another balance of one coin.
    pub(super) fn with_balance(mut self, coin: usize, balance: U256) -> Option<Self> {
        *self.balances.get_mut(coin)? = balance;
        Some(self)
    }

    /// Returns the invariant as the pool's version rounds it.
    pub(super) fn invariant(&self, version: StableVersion) -> Option<U256> {
        let sum = self.sum()?;
        if sum.is_zero() {
            return Some(U256::ZERO);
        }
        let mut invariant = sum;
        for _ in 0..MAX_ROUNDS {
            let next = match version {
                StableVersion::RoundedUp => self.next_rounded_up(sum, invariant)?,
                StableVersion::RoundedDown => self.next_rounded_down(sum, invariant)?,
            };
            let converged = next.abs_diff(invariant) <= U256::ONE;
            invariant = next;
            if converged {
                return Some(invariant);
            }
        }
        None
    }

    /// Returns the balance of `coin` that keeps `invariant` with the other balances, rounded up.
    pub(super) fn balance_that_keeps(&self, coin: usize, invariant: U256) -> Option<U256> {
        let count = U256::from(self.count);
        let (first, others) = self.balances().split_first()?;
        let mut product = first.checked_mul(count)?;
        for balance in others {
            let scaled = product.checked_mul(*balance)?.checked_mul(count)?;
            product = scaled.checked_div(invariant)?;
        }
        let own = self.balance(coin)?;
        let sum = self.sum()?.checked_sub(own)?;
        let square = invariant.checked_mul(invariant)?;
        let precision = U256::from(AMP_PRECISION);
        let c = div_ceil(square, self.amp_times_total.checked_mul(product)?)?
            .checked_mul(precision)?
            .checked_mul(own)?;
        let share = invariant.checked_div(self.amp_times_total)?;
        let b = sum.checked_add(share.checked_mul(precision)?)?;
        let mut balance = div_ceil(square.checked_add(c)?, invariant.checked_add(b)?)?;
        for _ in 0..MAX_ROUNDS {
            let numerator = balance.checked_mul(balance)?.checked_add(c)?;
            let denominator = balance
                .checked_mul(U256::from(2_u64))?
                .checked_add(b)?
                .checked_sub(invariant)?;
            let next = div_ceil(numerator, denominator)?;
            let converged = next.abs_diff(balance) <= U256::ONE;
            balance = next;
            if converged {
                return Some(balance);
            }
        }
        None
    }

    fn balances(&self) -> &[U256] {
        self.balances.get(..self.count).unwrap_or(&[])
    }

    fn sum(&self) -> Option<U256> {
        self.balances()
            .iter()
            .try_fold(U256::ZERO, |sum, balance| sum.checked_add(*balance))
    }

    /// Amplification times coins, less one.
    fn amp_less_one(&self) -> Option<U256> {
        self.amp_times_total.checked_sub(U256::from(AMP_PRECISION))
    }

    fn next_rounded_up(&self, sum: U256, invariant: U256) -> Option<U256> {
        let count = U256::from(self.count);
        let precision = U256::from(AMP_PRECISION);
        let (first, others) = self.balances().split_first()?;
        let mut product = count.checked_mul(*first)?;
        for balance in others {
            let scaled = product.checked_mul(*balance)?.checked_mul(count)?;
            product = div_ceil(scaled, invariant)?;
        }
        let amplified = self
            .amp_times_total
            .checked_mul(sum)?
            .checked_mul(product)?;
        let numerator = count
            .checked_mul(invariant)?
            .checked_mul(invariant)?
            .checked_add(div_ceil(amplified, precision)?)?;
        let lessened = self.amp_less_one()?.checked_mul(product)?;
        let denominator = count
            .checked_add(U256::ONE)?
            .checked_mul(invariant)?
            .checked_add(lessened.checked_div(precision)?)?;
        div_ceil(numerator, denominator)
    }

    fn next_rounded_down(&self, sum: U256, invariant: U256) -> Option<U256> {
        let count = U256::from(self.count);
        let precision = U256::from(AMP_PRECISION);
        let mut product = invariant;
        for balance in self.balances() {
            let scaled = product.checked_mul(invariant)?;
            product = scaled.checked_div(balance.checked_mul(count)?)?;
        }
        let amplified = self.amp_times_total.checked_mul(sum)?;
        let numerator = amplified
            .checked_div(precision)?
            .checked_add(product.checked_mul(count)?)?
            .checked_mul(invariant)?;
        let lessened = self.amp_less_one()?.checked_mul(invariant)?;
        let denominator = lessened
            .checked_div(precision)?
            .checked_add(count.checked_add(U256::ONE)?.checked_mul(product)?)?;
        numerator.checked_div(denominator)
    }
}
