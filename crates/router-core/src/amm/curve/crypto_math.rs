//! The maths of three-coin CryptoSwap pools, bit for bit the contracts' `CurveCryptoMath3`.
//!
//! Balances have 18 decimals and are worth the price scale. Every function says `None` where the
//! contract reverts: a number outgrows 256 bits, a value is one the contract calls unsafe, or there
//! is no convergence after 255 rounds.

use super::crypto::CryptoVersion;
use crate::num::U256;

/// Coins of a pool.
pub(super) const COINS: usize = 3;

/// Rounds after which the contract gives up.
const MAX_ROUNDS: u32 = 255;

/// Powers of ten.
pub(super) const fn ten(power: u32) -> U256 {
    let mut limbs = [1_u64, 0, 0, 0];
    let mut left = power;
    while left > 0 {
        limbs = times_ten(limbs);
        left = left.saturating_sub(1);
    }
    U256::from_limbs(limbs)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the low half of a product is what stays in a limb"
)]
const fn times_ten([a, b, c, d]: [u64; 4]) -> [u64; 4] {
    let a = (a as u128).wrapping_mul(10);
    let b = (b as u128).wrapping_mul(10).wrapping_add(a >> 64);
    let c = (c as u128).wrapping_mul(10).wrapping_add(b >> 64);
    let d = (d as u128).wrapping_mul(10).wrapping_add(c >> 64);
    [a as u64, b as u64, c as u64, d as u64]
}

const ONE: U256 = ten(18);

/// Amplification and gamma with the contract's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bend {
    /// `A * n^n` times the version's multiplier.
    pub(super) ann: U256,
    pub(super) gamma: U256,
    pub(super) version: CryptoVersion,
}

fn count() -> U256 {
    U256::from(COINS)
}

fn falling(mut balances: [U256; COINS]) -> [U256; COINS] {
    balances.sort_unstable_by(|one, other| other.cmp(one));
    balances
}

fn is_safe_fraction(balance: U256, invariant: U256) -> Option<bool> {
    let fraction = balance.checked_mul(ONE)?.checked_div(invariant)?;
    Some(fraction >= ten(16) && fraction <= ten(20))
}

/// Returns the contract's `_geometric_mean` of balances sorted from high to low.
fn geometric_mean(sorted: &[U256; COINS]) -> Option<U256> {
    let [largest, ..] = *sorted;
    let others = U256::from(COINS.saturating_sub(1)).checked_mul(ONE)?;
    let all = count().checked_mul(ONE)?;
    let mut mean = largest;
    for _ in 0..MAX_ROUNDS {
        let mut product = ONE;
        for balance in sorted {
            product = product.checked_mul(*balance)?.checked_div(mean)?;
        }
        let next = mean
            .checked_mul(others.checked_add(product)?)?
            .checked_div(all)?;
        let moved = next.abs_diff(mean);
        if moved <= U256::ONE || moved.checked_mul(ONE)? < next {
            return Some(next);
        }
        mean = next;
    }
    None
}

/// Returns the part of the way from `out_fee` to `mid_fee`, with 18 decimals: one in balance.
pub(super) fn reduction_coefficient(balances: &[U256; COINS], fee_gamma: U256) -> Option<U256> {
    let sum = balances
        .iter()
        .try_fold(U256::ZERO, |sum, balance| sum.checked_add(*balance))?;
    let mut evenness = ONE;
    for balance in balances {
        evenness = evenness
            .checked_mul(count())?
            .checked_mul(*balance)?
            .checked_div(sum)?;
    }
    if fee_gamma.is_zero() {
        return Some(evenness);
    }
    let unevenness = fee_gamma.checked_add(ONE)?.checked_sub(evenness)?;
    fee_gamma.checked_mul(ONE)?.checked_div(unevenness)
}

impl Bend {
    /// Returns `|gamma + 1 - k0| + 1` in 18 decimals (and one unit).
    fn distance(self, k0: U256) -> Option<U256> {
        let edge = self.gamma.checked_add(ONE)?;
        edge.abs_diff(k0).checked_add(U256::ONE)
    }

    /// Returns `D / (A n^n) * distance^2 / gamma^2`, divided in the contract's order.
    fn first_term(self, invariant: U256, distance: U256) -> Option<U256> {
        ONE.checked_mul(invariant)?
            .checked_div(self.gamma)?
            .checked_mul(distance)?
            .checked_div(self.gamma)?
            .checked_mul(distance)?
            .checked_mul(U256::from(self.version.amp_multiplier()))?
            .checked_div(self.ann)
    }

    /// Returns the contract's `newton_D`.
    pub(super) fn invariant(self, balances: &[U256; COINS]) -> Option<U256> {
        let sorted = falling(*balances);
        let [largest, ..] = sorted;
        if largest < ten(9) || largest > ten(33) {
            return None;
        }
        let mut sum = U256::ZERO;
        for balance in &sorted {
            sum = sum.checked_add(*balance)?;
            if balance.checked_mul(ONE)?.checked_div(largest)? < ten(11) {
                return None;
            }
        }
        let mut invariant = count().checked_mul(geometric_mean(&sorted)?)?;
        for _ in 0..MAX_ROUNDS {
            let next = self.next_invariant(&sorted, sum, invariant)?;
            let moved = next.abs_diff(invariant);
            if moved.checked_mul(ten(14))? < ten(16).max(next) {
                for balance in &sorted {
                    is_safe_fraction(*balance, next)?.then_some(())?;
                }
                return Some(next);
            }
            invariant = next;
        }
        None
    }

    fn next_invariant(self, sorted: &[U256; COINS], sum: U256, invariant: U256) -> Option<U256> {
        let mut k0 = ONE;
        for balance in sorted {
            k0 = k0
                .checked_mul(*balance)?
                .checked_mul(count())?
                .checked_div(invariant)?;
        }
        let distance = self.distance(k0)?;
        let first = self.first_term(invariant, distance)?;
        let second = U256::from(2_u64)
            .checked_mul(ONE)?
            .checked_mul(count())?
            .checked_mul(k0)?
            .checked_div(distance)?;
        let slope = sum
            .checked_add(sum.checked_mul(second)?.checked_div(ONE)?)?
            .checked_add(first.checked_mul(count())?.checked_div(k0)?)?
            .checked_sub(second.checked_mul(invariant)?.checked_div(ONE)?)?;
        let plus = invariant
            .checked_mul(slope.checked_add(sum)?)?
            .checked_div(slope)?;
        let bent = invariant
            .checked_mul(first.checked_div(slope)?)?
            .checked_div(ONE)?
            .checked_mul(ONE.abs_diff(k0))?
            .checked_div(k0)?;
        let square = invariant.checked_mul(invariant)?.checked_div(slope)?;
        let minus = if ONE > k0 {
            square.checked_add(bent)?
        } else {
            square.checked_sub(bent)?
        };
        if plus > minus {
            plus.checked_sub(minus)
        } else {
            Some(minus.checked_sub(plus)?.wrapping_shr(1))
        }
    }

    /// Returns the contract's `newton_y`: the balance of `coin` that gives `invariant`.
    pub(super) fn balance_that_keeps(
        self,
        balances: &[U256; COINS],
        coin: usize,
        invariant: U256,
    ) -> Option<U256> {
        if invariant < ten(17) || invariant > ten(33) {
            return None;
        }
        for (_, balance) in balances.iter().enumerate().filter(|(at, _)| *at != coin) {
            is_safe_fraction(*balance, invariant)?.then_some(())?;
        }
        let mut others = *balances;
        *others.get_mut(coin)? = U256::ZERO;
        let [large, small, _] = falling(others);
        let limit = large
            .max(invariant)
            .checked_div(ten(14))?
            .max(U256::from(100_u64));
        let side = Side::new(large, small, invariant)?;
        let mut balance = side.first;
        for _ in 0..MAX_ROUNDS {
            let (next, whole) = self.next_balance(&side, balance, invariant)?;
            let moved = next.abs_diff(balance);
            balance = next;
            if whole && moved < limit.max(balance.checked_div(ten(14))?) {
                return is_safe_fraction(balance, invariant)?.then_some(balance);
            }
        }
        None
    }

    /// Returns the next balance, and whether it is a whole round: half a balance, taken because the
    /// slope would be negative, does not end the search.
    fn next_balance(self, side: &Side, balance: U256, invariant: U256) -> Option<(U256, bool)> {
        let k0 = side
            .k0
            .checked_mul(balance)?
            .checked_mul(count())?
            .checked_div(invariant)?;
        let sum = side.sum.checked_add(balance)?;
        let distance = self.distance(k0)?;
        let first = self.first_term(invariant, distance)?;
        let second = U256::from(2_u64)
            .checked_mul(ONE)?
            .checked_mul(k0)?
            .checked_div(distance)?
            .checked_add(ONE)?;
        let rising = ONE
            .checked_mul(balance)?
            .checked_add(sum.checked_mul(second)?)?
            .checked_add(first)?;
        let pulling = invariant.checked_mul(second)?;
        if rising < pulling {
            return Some((balance.wrapping_shr(1), false));
        }
        let scaled_slope = rising.checked_sub(pulling)?;
        let slope = scaled_slope.checked_div(balance)?;
        let bent = first.checked_div(slope)?;
        let plus = scaled_slope
            .checked_add(ONE.checked_mul(invariant)?)?
            .checked_div(slope)?
            .checked_add(bent.checked_mul(ONE)?.checked_div(k0)?)?;
        let minus = bent.checked_add(ONE.checked_mul(sum)?.checked_div(slope)?)?;
        if plus < minus {
            return Some((balance.wrapping_shr(1), true));
        }
        Some((plus.checked_sub(minus)?, true))
    }
}

/// What the other two coins give to the search for a balance.
struct Side {
    first: U256,
    k0: U256,
    sum: U256,
}

impl Side {
    fn new(large: U256, small: U256, invariant: U256) -> Option<Self> {
        let mut first = invariant.checked_div(count())?;
        for balance in [small, large] {
            let divisor = balance.checked_mul(count())?;
            first = first.checked_mul(invariant)?.checked_div(divisor)?;
        }
        let mut k0 = ONE;
        for balance in [large, small] {
            k0 = k0
                .checked_mul(balance)?
                .checked_mul(count())?
                .checked_div(invariant)?;
        }
        Some(Self {
            first,
            k0,
            sum: large.checked_add(small)?,
        })
    }
}
