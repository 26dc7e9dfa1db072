//! Uniswap V4 pool without hooks, bit for bit the pool manager's `swap`.

mod pool;

pub use pool::{V4Pool, V4_GAS, V4_GAS_PER_CROSSED_TICK, V4_GAS_PER_STEP};
