//! Pools as values.
//!
//! A pool is immutable: a quote returns what the swap takes and gives and the pool as it would
//! be afterwards. Amounts are base units. `zero_for_one` means that token0 is paid in.

mod balancer;
mod curve;
mod error;
mod multi;
mod quote;
mod solidly;
mod v2;
mod v3;
mod v4;

pub use crate::num::U256;
pub use balancer::{
    scaling_factor, BalancerStablePool, PowVersion, StableVersion, WeightedPool,
    BALANCER_STABLE_GAS, WEIGHTED_GAS,
};
pub use curve::{
    CryptoParams, CryptoPool, CryptoVersion, CurveEra, StableSwapPool, StableSwapTerms,
    UnderlyingPool, CURVE_CRYPTO_GAS, CURVE_LENT_GAS, CURVE_META_GAS, CURVE_NG_GAS,
    CURVE_STABLE_GAS,
};
pub use error::AmmError;
pub use multi::MultiPool;
pub use quote::Quote;
pub use solidly::{SolidlyPool, SOLIDLY_GAS, SOLIDLY_STABLE_GAS};
pub use v2::{V2Pool, V2_GAS};
pub use v3::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, Tick, V3Pool, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO,
    MIN_TICK, V3_GAS, V3_GAS_PER_CROSSED_TICK, V3_GAS_PER_STEP,
};
pub use v4::{V4Pool, V4_GAS, V4_GAS_PER_CROSSED_TICK, V4_GAS_PER_STEP};
