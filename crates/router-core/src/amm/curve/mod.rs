//! Curve pools.

mod invariant;
mod stable_swap;

pub use stable_swap::{CurveEra, StableSwapPool, StableSwapTerms, CURVE_STABLE_GAS};

use super::AmmError;
use crate::num::U256;

/// Refuses a pair of coins that a pool of `count` coins cannot swap.
fn check_pair(count: usize, coin_in: usize, coin_out: usize) -> Result<(), AmmError> {
    if coin_in >= count || coin_out >= count {
        return Err(AmmError::InvalidRequest(
            "The pool does not hold this coin.",
        ));
    }
    if coin_in == coin_out {
        return Err(AmmError::InvalidRequest(
            "A coin cannot be swapped for itself.",
        ));
    }
    Ok(())
}

/// The item at an index, or zero.
fn at(items: &[U256], index: usize) -> U256 {
    items.get(index).copied().unwrap_or_default()
}

/// The items with a few of them replaced.
fn replaced(items: &[U256], changes: &[(usize, U256)]) -> Vec<U256> {
    let mut items = items.to_vec();
    for (index, value) in changes {
        if let Some(item) = items.get_mut(*index) {
            *item = *value;
        }
    }
    items
}
