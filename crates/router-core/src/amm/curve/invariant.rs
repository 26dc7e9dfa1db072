//! The StableSwap invariant as Curve's contracts iterate it, in their order of divisions.

use crate::num::U256;

/// Rounds of an iteration; the contracts stop after as many.
const ROUNDS: usize = 255;

/// What the iterations need besides the balances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amp {
    /// Amplification with its precision.
    pub(super) value: U256,
    /// Units of the amplification in one: 1 in the first pools, 100 later.
    pub(super) precision: U256,
    /// The product of the invariant is divided by `n^n` at its end (since 2023), not by `n` in each step.
    pub(super) divides_late: bool,
}

impl Amp {
    fn total(&self, count: usize) -> Option<U256> {
        self.value.checked_mul(U256::from(count))
    }
}

/// `D` of scaled balances; `None` where the contract reverts.
pub(super) fn invariant(scaled: &[U256], amp: Amp) -> Option<U256> {
    let sum = sum_of(scaled)?;
    if sum.is_zero() {
        return Some(U256::ZERO);
    }
    let count = U256::from(scaled.len());
    let total = amp.total(scaled.len())?;
    let late = if amp.divides_late {
        count.checked_pow(count)?
    } else {
        U256::ONE
    };
    let mut d = sum;
    for _ in 0..ROUNDS {
        let mut product = d;
        for balance in scaled {
            let below = if amp.divides_late {
                *balance
            } else {
                balance.checked_mul(count)?
            };
            product = product.checked_mul(d)?.checked_div(below)?;
        }
        product = product.checked_div(late)?;
        let pull = total.checked_mul(sum)?.checked_div(amp.precision)?;
        let above = pull.checked_add(product.checked_mul(count)?)?;
        let rest = total.checked_sub(amp.precision)?.checked_mul(d)?;
        let more = count.checked_add(U256::ONE)?.checked_mul(product)?;
        let below = rest.checked_div(amp.precision)?.checked_add(more)?;
        let next = above.checked_mul(d)?.checked_div(below)?;
        let moved = next.abs_diff(d);
        d = next;
        if moved <= U256::ONE {
            return Some(d);
        }
    }
    // The first contracts returned what they had; later ones revert. Nobody can rely on either.
    None
}

/// The scaled balance of `coin_out` once that of `coin_in` is `x` and the others are as they are.
pub(super) fn balance_for(
    scaled: &[U256],
    (coin_in, coin_out): (usize, usize),
    x: U256,
    d: U256,
    amp: Amp,
) -> Option<U256> {
    let count = U256::from(scaled.len());
    let total = amp.total(scaled.len())?;
    let (mut c, mut others) = (d, U256::ZERO);
    for (coin, balance) in scaled.iter().enumerate() {
        if coin == coin_out {
            continue;
        }
        let balance = if coin == coin_in { x } else { *balance };
        others = others.checked_add(balance)?;
        c = c.checked_mul(d)?.checked_div(balance.checked_mul(count)?)?;
    }
    c = c
        .checked_mul(d)?
        .checked_mul(amp.precision)?
        .checked_div(total.checked_mul(count)?)?;
    let b = others.checked_add(d.checked_mul(amp.precision)?.checked_div(total)?)?;
    let mut y = d;
    for _ in 0..ROUNDS {
        let above = y.checked_mul(y)?.checked_add(c)?;
        let below = y
            .checked_mul(U256::from(2))?
            .checked_add(b)?
            .checked_sub(d)?;
        let next = above.checked_div(below)?;
        let moved = next.abs_diff(y);
        y = next;
        if moved <= U256::ONE {
            return Some(y);
        }
    }
    None
}

fn sum_of(items: &[U256]) -> Option<U256> {
    items
        .iter()
        .try_fold(U256::ZERO, |sum, item| sum.checked_add(*item))
}
