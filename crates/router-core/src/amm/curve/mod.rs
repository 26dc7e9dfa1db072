//! Curve pools, bit for bit what their contracts do: StableSwap and CryptoSwap.

mod crypto;
mod crypto_math;
mod holdings;
mod least_input;
mod liquidity;
mod stable;
mod stable_math;
mod terms;
mod through;
mod underlying;

use crate::amm::AmmError;
use crate::num::U256;

pub use crypto::{CryptoParams, CryptoPool, CryptoVersion, CURVE_CRYPTO_GAS};
pub use stable::{StableSwapPool, CURVE_NG_GAS, CURVE_STABLE_GAS};
pub use terms::{CurveEra, StableSwapTerms};
pub use underlying::{UnderlyingPool, CURVE_LENT_GAS, CURVE_META_GAS};

/// Refuses a question about coins that are equal or absent, and about nothing.
fn check_question(
    count: usize,
    coin_in: usize,
    coin_out: usize,
    amount: U256,
) -> Result<(), AmmError> {
    if coin_in == coin_out {
        return Err(AmmError::InvalidRequest(
            "A coin cannot be swapped for itself.",
        ));
    }
    if coin_in.max(coin_out) >= count {
        return Err(AmmError::InvalidRequest(
            "The pool does not hold this coin.",
        ));
    }
    if amount.is_zero() {
        return Err(AmmError::AmountRange);
    }
    Ok(())
}
