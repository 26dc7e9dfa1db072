//! Amounts between two square-root prices, and the price after an amount.
//!
//! `None` is what makes the contract revert: a zero liquidity, a price that would reach zero, or
//! a number that outgrows `uint160` (prices) or `uint256` (amounts). Prices are Q64.96.

use crate::num::{div_ceil, mul_div_ceil, mul_div_floor, U256};

/// One in Q64.96.
const ONE_X96: U256 = U256::from_limbs([0, 1 << 32, 0, 0]);

/// Bits of a square-root price in the contract.
const PRICE_BITS: usize = 160;

/// Which way an amount is rounded: up when the pool is paid, down when it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    Down,
    Up,
}

/// Returns the token0 between `low` and `high` (`0 < low <= high`).
pub(super) fn amount0_between(
    low: U256,
    high: U256,
    liquidity: u128,
    rounding: Rounding,
) -> Option<U256> {
    let scaled = liquidity_x96(liquidity);
    let width = high.checked_sub(low)?;
    match rounding {
        Rounding::Up => div_ceil(mul_div_ceil(scaled, width, high)?, low),
        Rounding::Down => mul_div_floor(scaled, width, high)?.checked_div(low),
    }
}

/// Returns the token1 between `low` and `high` (`low <= high`).
pub(super) fn amount1_between(
    low: U256,
    high: U256,
    liquidity: u128,
    rounding: Rounding,
) -> Option<U256> {
    let liquidity = U256::from(liquidity);
    let width = high.checked_sub(low)?;
    match rounding {
        Rounding::Up => mul_div_ceil(liquidity, width, ONE_X96),
        Rounding::Down => mul_div_floor(liquidity, width, ONE_X96),
    }
}

/// Returns the price after `amount` is paid in, never beyond what the amount pays for.
pub(super) fn price_after_input(
    price: U256,
    liquidity: u128,
    amount: U256,
    zero_for_one: bool,
) -> Option<U256> {
    if price.is_zero() || liquidity == 0 {
        return None;
    }
    if zero_for_one {
        price_after_token0_in(price, liquidity, amount)
    } else {
        let rise = shifted_div_floor(amount, liquidity)?;
        fits_price(price.checked_add(rise)?)
    }
}

/// Returns the price after `amount` is paid out, far enough to pay for it.
pub(super) fn price_after_output(
    price: U256,
    liquidity: u128,
    amount: U256,
    zero_for_one: bool,
) -> Option<U256> {
    if price.is_zero() || liquidity == 0 {
        return None;
    }
    if zero_for_one {
        let fall = mul_div_ceil(amount, ONE_X96, U256::from(liquidity))?;
        price.checked_sub(fall).filter(|next| !next.is_zero())
    } else {
        let scaled = liquidity_x96(liquidity);
        let denominator = scaled.checked_sub(amount.checked_mul(price)?)?;
        fits_price(mul_div_ceil(scaled, price, denominator)?)
    }
}

/// The contract has two formulas here: the precise one, and a coarser one for when the precise
/// one would leave 256 bits. They round differently, so the choice must be the contract's.
fn price_after_token0_in(price: U256, liquidity: u128, amount: U256) -> Option<U256> {
    if amount.is_zero() {
        return Some(price);
    }
    let scaled = liquidity_x96(liquidity);
    let precise = amount
        .checked_mul(price)
        .and_then(|product| scaled.checked_add(product));
    match precise {
        Some(denominator) => mul_div_ceil(scaled, price, denominator),
        None => div_ceil(scaled, scaled.checked_div(price)?.checked_add(amount)?),
    }
}

fn liquidity_x96(liquidity: u128) -> U256 {
    U256::from(liquidity).wrapping_shl(96)
}

fn shifted_div_floor(amount: U256, liquidity: u128) -> Option<U256> {
    mul_div_floor(amount, ONE_X96, U256::from(liquidity))
}

fn fits_price(price: U256) -> Option<U256> {
    (price.bit_len() <= PRICE_BITS).then_some(price)
}
