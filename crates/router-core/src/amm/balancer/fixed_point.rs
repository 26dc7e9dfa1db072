//! Numbers with 18 decimals, rounded and bounded as the vault's `FixedPoint` library does it.
//!
//! `None` is what makes the contract revert: a product that leaves 256 bits, a division by zero.

use crate::num::{div_ceil, U256};

/// One, with 18 decimals.
pub(super) const ONE_U64: u64 = 1_000_000_000_000_000_000;

/// One, with 18 decimals.
pub(super) const ONE: U256 = U256::from_limbs([ONE_U64, 0, 0, 0]);

/// Returns `a * b`, rounded down.
pub(super) fn mul_down(a: U256, b: U256) -> Option<U256> {
    a.checked_mul(b)?.checked_div(ONE)
}

/// Returns `a * b`, rounded up.
pub(super) fn mul_up(a: U256, b: U256) -> Option<U256> {
    div_ceil(a.checked_mul(b)?, ONE)
}

/// Returns `a / b`, rounded down.
pub(super) fn div_down(a: U256, b: U256) -> Option<U256> {
    a.checked_mul(ONE)?.checked_div(b)
}

/// Returns `a / b`, rounded up.
pub(super) fn div_up(a: U256, b: U256) -> Option<U256> {
    div_ceil(a.checked_mul(ONE)?, b)
}

/// Returns `1 - a`, or zero where `a` is above one.
pub(super) fn complement(a: U256) -> U256 {
    ONE.saturating_sub(a)
}
