//! Pools of the Balancer V2 vault, bit for bit the contracts' `onSwap`.

mod coins;
mod fixed_point;
mod log_exp;
mod stable;
mod stable_math;
mod weighted;

pub use coins::scaling_factor;
pub use stable::{BalancerStablePool, StableVersion, BALANCER_STABLE_GAS};
pub use weighted::{PowVersion, WeightedPool, WEIGHTED_GAS};
