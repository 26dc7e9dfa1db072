//! 256-bit integer helpers with the rounding in the name.
//!
//! Everything is checked: a result that does not fit is `None`, never a wrapped number.

pub use ruint::aliases::U256;
use ruint::aliases::U512;

/// One million: fees are given in parts of it.
pub const PPM_ONE: u32 = 1_000_000;

/// Widens to 512 bits without loss.
fn widen(value: U256) -> U512 {
    let [a, b, c, d] = *value.as_limbs();
    U512::from_limbs([a, b, c, d, 0, 0, 0, 0])
}

/// Narrows to 256 bits; `None` when a high bit is set.
fn narrow(value: U512) -> Option<U256> {
    match *value.as_limbs() {
        [a, b, c, d, 0, 0, 0, 0] => Some(U256::from_limbs([a, b, c, d])),
        _ => None,
    }
}

/// Returns quotient and remainder of `a * b / denominator` over the full 512-bit product.
///
/// `None` when `denominator` is zero or the quotient needs more than 256 bits.
fn mul_div_rem(a: U256, b: U256, denominator: U256) -> Option<(U256, U256)> {
    if denominator.is_zero() {
        return None;
    }
    if let Some(product) = a.checked_mul(b) {
        return Some(product.div_rem(denominator));
    }
    let product: U512 = a.widening_mul(b);
    let (quotient, remainder) = product.div_rem(widen(denominator));
    Some((narrow(quotient)?, narrow(remainder)?))
}

/// Returns `a * b / denominator`, rounded down.
///
/// `None` when `denominator` is zero or the result does not fit in 256 bits.
#[must_use]
pub fn mul_div_floor(a: U256, b: U256, denominator: U256) -> Option<U256> {
    mul_div_rem(a, b, denominator).map(|(quotient, _)| quotient)
}

/// Returns `a * b / denominator`, rounded up.
///
/// `None` when `denominator` is zero or the result does not fit in 256 bits.
#[must_use]
pub fn mul_div_ceil(a: U256, b: U256, denominator: U256) -> Option<U256> {
    let (quotient, remainder) = mul_div_rem(a, b, denominator)?;
    if remainder.is_zero() {
        Some(quotient)
    } else {
        quotient.checked_add(U256::ONE)
    }
}

/// Returns `a / denominator`, rounded up; `None` when `denominator` is zero.
#[must_use]
pub fn div_ceil(a: U256, denominator: U256) -> Option<U256> {
    mul_div_ceil(a, U256::ONE, denominator)
}

/// Returns the largest integer whose square is at most `value`.
#[must_use]
pub fn sqrt_floor(value: U256) -> U256 {
    value.root(2)
}

/// Returns `value` as 128 bits; `None` when it does not fit.
#[must_use]
pub fn to_u128(value: U256) -> Option<u128> {
    match *value.as_limbs() {
        [low, high, 0, 0] => Some(u128::from(high) << 64 | u128::from(low)),
        _ => None,
    }
}
