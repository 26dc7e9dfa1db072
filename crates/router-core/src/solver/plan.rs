//! The question and the answer.

use crate::num::U256;

/// One order to be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolveRequest {
    /// Token that is paid.
    pub token_in: u32,
    /// Token that is wanted.
    pub token_out: u32,
    /// Base units of `token_in` to sell, or of `token_out` to buy when `exact_out`.
    pub amount: U256,
    /// `amount` is what must come out.
    pub exact_out: bool,
    /// Exact-in: sells only while a further unit still brings at least this `(output, input)` ratio,
    /// before gas; what does not reach it stays unspent.
    pub limit: Option<(U256, U256)>,
    /// Every leg lies on a route of at most this many venues; at least 1. Where such routes cross,
    /// a unit may pass through more.
    pub max_hops: u32,
    /// Most legs of a plan, at least 1.
    pub max_legs: u32,
    /// Price of one unit of gas in wei of the native coin; 0 optimises the gross amount.
    pub gas_price_wei: U256,
    /// Token that stands for the native coin one to one; needed when gas has a price.
    pub native_token: Option<u32>,
    /// Gas of a transaction with at least one on-chain leg, before its legs.
    pub base_gas: u64,
}

/// One venue's part of a plan. Amounts are base units.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanLeg {
    /// The venue's index in the market.
    pub venue: u32,
    /// Token that is paid.
    pub token_in: u32,
    /// Token that is received.
    pub token_out: u32,
    /// Input that the venue takes, fee included.
    pub amount_in: U256,
    /// Output that the venue pays.
    pub amount_out: U256,
    /// V2 and V3: part of `amount_in`. Ladder: what was taken from the gross output.
    pub fee_amount: U256,
    /// Initialised V3 ticks crossed.
    pub ticks_crossed: u32,
    /// Estimated gas of this leg alone; 0 for ladders.
    pub gas: u64,
    /// The leg swaps whatever of `token_in` is left at this point, apart from what later ladder
    /// legs need.
    pub takes_rest: bool,
    /// Output per input base unit after the leg, fee included; for ranking only.
    pub marginal_price: f64,
    /// Lots of a ladder leg, else 0.
    pub lots: u64,
    /// Worst price of a ladder leg in ticks, else 0.
    pub limit_price_ticks: u64,
}

/// A split of one order, replayed exactly in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Input that the legs take from the caller, without `unspent_in`.
    pub amount_in: U256,
    /// Output that the legs deliver.
    pub amount_out: U256,
    /// Exact-in: part of the order that no venue took.
    pub unspent_in: U256,
    /// Gas of all legs and, when one is on-chain, the base gas.
    pub gas: u64,
    /// Price of `gas` in units of `token_out` (exact-in) or `token_in` (exact-out), rounded up.
    pub gas_cost: U256,
    /// No plan over these venues delivers more (exact-in) or takes less (exact-out), before gas.
    pub bound: U256,
    /// The same for `amount_out - gas_cost` (exact-in) or `amount_in + gas_cost` (exact-out).
    pub bound_net: U256,
    /// Distance of the gross value from `bound` in basis points.
    pub gap_bps: f64,
    /// Distance of the net value from `bound_net` in basis points.
    pub gap_net_bps: f64,
    /// Gross value of the best single path: output or input; 0 when no single path can do it.
    pub best_single: U256,
    /// Output per input base unit at zero size over the best path, fees included.
    pub spot_price: f64,
    /// `(token, units)` left over at intermediate tokens.
    pub dust: Vec<(u32, U256)>,
    /// Time was up or the work limit reached before the search ended: better plans may exist below
    /// the bounds, which hold.
    pub stopped_early: bool,
    /// The legs in an order in which every leg's input is there before it runs; ladders last.
    pub legs: Vec<PlanLeg>,
}
