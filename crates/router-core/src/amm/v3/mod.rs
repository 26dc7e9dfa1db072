//! Uniswap V3 pool, bit for bit the contract's `swap`.

mod pool;
mod sqrt_price;
mod step;
mod swap;
mod tick_math;

pub(in crate::amm) use step::Remaining;
pub(in crate::amm) use swap::{swap, Terms};

pub use pool::{Tick, V3Pool, V3_GAS, V3_GAS_PER_CROSSED_TICK, V3_GAS_PER_STEP};
pub use tick_math::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK,
};
