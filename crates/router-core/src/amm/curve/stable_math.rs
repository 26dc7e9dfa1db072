//! The invariant of StableSwap pools in the roundings of the contracts' generations.
//!
//! Balances have 18 decimals and include the rates. `None` is where the contract reverts: a number
//! outgrows 256 bits, a division by zero, or no convergence after 255 rounds.

use super::terms::{CurveEra, StableSwapTerms};
use crate::num::U256;

/// Rounds after which the contracts stop.
const MAX_ROUNDS: u32 = 255;

/// Amplification and the contract's generation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    amp: U256,
    precision: U256,
    era: CurveEra,
    is_early: bool,
}

impl Shape {
    pub(super) fn of(terms: &StableSwapTerms) -> Self {
        Self {
            amp: terms.amp,
            precision: U256::from(terms.amp_precision),
            era: terms.era,
            is_early: terms.is_early(),
        }
    }

    /// Returns the contract's `get_D`.
    pub(super) fn invariant(self, balances: &[U256]) -> Option<U256> {
        let total = balances
            .iter()
            .try_fold(U256::ZERO, |sum, balance| sum.checked_add(*balance))?;
        if total.is_zero() {
            return Some(U256::ZERO);
        }
        let mut invariant = total;
        for _ in 0..MAX_ROUNDS {
            let next = self.next_invariant(balances, total, invariant)?;
            if next.abs_diff(invariant) <= U256::ONE {
                return Some(next);
            }
            invariant = next;
        }
        self.is_early.then_some(invariant)
    }

    fn next_invariant(self, balances: &[U256], total: U256, invariant: U256) -> Option<U256> {
        let count = U256::from(balances.len());
        let amplified = self.amp.checked_mul(count)?;
        let product = self.product_term(balances, invariant)?;
        let numerator = amplified
            .checked_mul(total)?
            .checked_div(self.precision)?
            .checked_add(product.checked_mul(count)?)?
            .checked_mul(invariant)?;
        let denominator = amplified
            .checked_sub(self.precision)?
            .checked_mul(invariant)?
            .checked_div(self.precision)?
            .checked_add(count.checked_add(U256::ONE)?.checked_mul(product)?)?;
        numerator.checked_div(denominator)
    }

    /// Returns `D^(n+1) / (n^n * product)`, divided in the generation's order.
    fn product_term(self, balances: &[U256], invariant: U256) -> Option<U256> {
        let count = U256::from(balances.len());
        let mut term = invariant;
        for balance in balances {
            let divisor = match self.era {
                CurveEra::Original => balance.checked_mul(count)?.checked_add(U256::ONE)?,
                CurveEra::Classic | CurveEra::Plain => balance.checked_mul(count)?,
                CurveEra::Ng => *balance,
            };
            term = term.checked_mul(invariant)?.checked_div(divisor)?;
        }
        match self.era {
            CurveEra::Ng => term.checked_div(count.checked_pow(count)?),
            CurveEra::Original | CurveEra::Classic | CurveEra::Plain => Some(term),
        }
    }

    /// Returns the balance of `coin` that gives `invariant` with the others: `get_y` and `get_y_D`.
    pub(super) fn balance_that_keeps(
        self,
        balances: &[U256],
        coin: usize,
        invariant: U256,
    ) -> Option<U256> {
        let count = U256::from(balances.len());
        let amplified = self.amp.checked_mul(count)?;
        let mut c = invariant;
        let mut sum = U256::ZERO;
        for (_, balance) in balances.iter().enumerate().filter(|(at, _)| *at != coin) {
            sum = sum.checked_add(*balance)?;
            c = c
                .checked_mul(invariant)?
                .checked_div(balance.checked_mul(count)?)?;
        }
        c = c
            .checked_mul(invariant)?
            .checked_mul(self.precision)?
            .checked_div(amplified.checked_mul(count)?)?;
        let share = invariant
            .checked_mul(self.precision)?
            .checked_div(amplified)?;
        let b = sum.checked_add(share)?;
        let mut balance = invariant;
        for _ in 0..MAX_ROUNDS {
            let numerator = balance.checked_mul(balance)?.checked_add(c)?;
            let denominator = balance
                .checked_mul(U256::from(2_u64))?
                .checked_add(b)?
                .checked_sub(invariant)?;
            let next = numerator.checked_div(denominator)?;
            if next.abs_diff(balance) <= U256::ONE {
                return Some(next);
            }
            balance = next;
        }
        self.is_early.then_some(balance)
    }
}
