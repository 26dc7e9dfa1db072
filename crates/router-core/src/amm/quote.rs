//! What a swap would do.

use crate::num::U256;

/// The answer of a pool; `next` is the pool after the swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote<P> {
    /// Input the pool takes, fee included, in base units; less than asked when a pool runs dry.
    pub amount_in: U256,
    /// Output the pool pays, in base units.
    pub amount_out: U256,
    /// Part of `amount_in` that is the pool's fee, rounded up.
    pub fee_amount: U256,
    /// Initialised ticks crossed; 0 for V2.
    pub ticks_crossed: u32,
    /// Steps of a V3 swap, each of which reads one word of the tick bitmap: every crossed tick ends
    /// one, and so does every edge of a word on the way; 0 for V2.
    pub steps: u32,
    /// Estimated gas of this leg alone, without the transaction's base cost.
    pub gas: u64,
    /// The pool after the swap.
    pub next: P,
}
