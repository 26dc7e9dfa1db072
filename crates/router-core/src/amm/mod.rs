//! Pools as values.
//!
//! A pool is immutable: a quote returns what the swap takes and gives and the pool as it would
//! be afterwards. Amounts are base units. `zero_for_one` means that token0 is paid in.

mod error;
mod quote;
mod v2;
mod v3;

pub use crate::num::U256;
pub use error::AmmError;
pub use quote::Quote;
pub use v2::{V2Pool, V2_GAS};
pub use v3::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, Tick, V3Pool, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO,
    MIN_TICK, V3_GAS, V3_GAS_PER_CROSSED_TICK, V3_GAS_PER_STEP,
};
