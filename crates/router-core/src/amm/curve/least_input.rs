//! Exact-out for contracts that have exact-in only.

use crate::amm::AmmError;
use crate::num::{mul_div_ceil, U256};

/// Rounds of the rule of three: pools are nearly linear, so that each gains digits.
const RULES_OF_THREE: u32 = 3;

/// Returns the least input that delivers at least `wanted`, starting the search at `guess`.
///
/// "Least" is where the contract's rounding lets the output rise step by step; where it wavers by a
/// unit, the input is one that delivers while one unit less does not. `output` is what the contract
/// pays; it says `EmptyPool` for an input that is too small to move the pool.
///
/// # Errors
/// `InsufficientLiquidity` when no input that the contract takes delivers so much.
pub(super) fn least_input(
    guess: U256,
    wanted: U256,
    output: impl Fn(U256) -> Result<U256, AmmError>,
) -> Result<U256, AmmError> {
    // An input that the contract refuses for any other reason than its smallness is too large.
    let enough = |amount_in: U256| match output(amount_in) {
        Ok(amount_out) => amount_out >= wanted,
        Err(error) => error != AmmError::EmptyPool,
    };
    let guess = nearer(guess.max(U256::ONE), wanted, &output);
    let (mut short, mut high) = bracket(guess, enough)?;
    while high.abs_diff(short) > U256::ONE {
        let half = high.abs_diff(short).wrapping_shr(1);
        let middle = short.checked_add(half).ok_or(AmmError::Overflow)?;
        if enough(middle) {
            high = middle;
        } else {
            short = middle;
        }
    }
    match output(high) {
        Ok(amount_out) if amount_out >= wanted => Ok(high),
        Ok(_) | Err(_) => Err(AmmError::InsufficientLiquidity),
    }
}

/// Moves a guess nearer by rules of three.
fn nearer(mut guess: U256, wanted: U256, output: impl Fn(U256) -> Result<U256, AmmError>) -> U256 {
    for _ in 0..RULES_OF_THREE {
        let next = output(guess)
            .ok()
            .and_then(|amount_out| mul_div_ceil(guess, wanted, amount_out));
        match next {
            Some(next) if next != guess => guess = next,
            Some(_) | None => break,
        }
    }
    guess
}

/// Returns an input that does not suffice (zero at the least) and a larger one that does, found with
/// steps that double away from `guess`.
fn bracket(guess: U256, enough: impl Fn(U256) -> bool) -> Result<(U256, U256), AmmError> {
    let mut step = U256::ONE;
    let mut known = guess;
    if enough(guess) {
        loop {
            let lower = known.saturating_sub(step);
            if lower.is_zero() || !enough(lower) {
                return Ok((lower, known));
            }
            known = lower;
            step = step.saturating_add(step);
        }
    }
    loop {
        let higher = known
            .checked_add(step)
            .ok_or(AmmError::InsufficientLiquidity)?;
        if enough(higher) {
            return Ok((known, higher));
        }
        known = higher;
        step = step.saturating_add(step);
    }
}
