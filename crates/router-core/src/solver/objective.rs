//! What is optimised: output after gas, or input and gas.
#![allow(
    clippy::float_arithmetic,
    reason = "the native coin's price is an estimate; it converts gas, which is itself an estimate"
)]

use super::cells::{at, set_at};
use super::float::{ceil_u256, to_f64};
use super::market::Market;
use super::plan::SolveRequest;
use super::split::Outcome;
use super::SolveError;
use crate::num::U256;

/// Most hops over which the native coin is priced.
const NATIVE_HOPS: u32 = 3;

/// Converts gas to units of the token that is optimised and compares outcomes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objective {
    pub(super) exact_out: bool,
    gas_price_wei: U256,
    /// Units of the optimised token per wei of the native coin; one means the very same token.
    native_rate: f64,
    same_token: bool,
    base_gas: u64,
}

impl Objective {
    /// Prices the native coin in the optimised token at zero size.
    ///
    /// # Errors
    /// `InvalidRequest` when gas has a price but the native token is missing, unknown or joined to
    /// the optimised token by no venues.
    pub(super) fn new(market: &Market, request: &SolveRequest) -> Result<Self, SolveError> {
        let counted = if request.exact_out {
            request.token_in
        } else {
            request.token_out
        };
        let mut objective = Self {
            exact_out: request.exact_out,
            gas_price_wei: request.gas_price_wei,
            native_rate: 1.0,
            same_token: true,
            base_gas: request.base_gas,
        };
        if request.gas_price_wei.is_zero() {
            return Ok(objective);
        }
        let native = request
            .native_token
            .filter(|token| *token < market.token_count())
            .ok_or(SolveError::InvalidRequest(
                "A gas price needs a native token of this market.",
            ))?;
        if native != counted {
            objective.same_token = false;
            objective.native_rate = native_rate(market, native, counted).ok_or(
                SolveError::InvalidRequest("The native token has no price in the optimised token."),
            )?;
        }
        Ok(objective)
    }

    /// The same objective with gas for free.
    pub(super) fn gross(self) -> Self {
        Self {
            gas_price_wei: U256::ZERO,
            ..self
        }
    }

    /// Whether gas costs something.
    pub(super) fn has_gas(&self) -> bool {
        !self.gas_price_wei.is_zero()
    }

    /// Price of `gas` in units of the optimised token, rounded up.
    pub(super) fn cost(&self, gas: u64) -> U256 {
        let wei = self.gas_price_wei.saturating_mul(U256::from(gas));
        if self.same_token {
            wei
        } else {
            ceil_u256(to_f64(wei) * self.native_rate)
        }
    }

    /// Price of `gas` as a float, for bounds and ranking: never above [`Objective::cost`].
    pub(super) fn cost_f64(&self, gas: u64) -> f64 {
        let wei = self.gas_price_wei.saturating_mul(U256::from(gas));
        to_f64(wei) * self.native_rate
    }

    /// Gas of a whole plan.
    pub(super) fn plan_gas(&self, outcome: &Outcome) -> u64 {
        if outcome.chain_legs == 0 {
            0
        } else {
            outcome.legs_gas.saturating_add(self.base_gas)
        }
    }

    /// Base gas of a transaction as a float price.
    pub(super) fn base_cost_f64(&self) -> f64 {
        self.cost_f64(self.base_gas)
    }

    /// Whether `left` is strictly better than `right`: the net amount first, then fewer legs, then
    /// less input.
    pub(super) fn prefers(&self, left: &Outcome, right: &Outcome) -> bool {
        // Doing nothing costs no gas, but it is no plan.
        if left.amount_out.is_zero() {
            return false;
        }
        let left_cost = self.cost(self.plan_gas(left));
        let right_cost = self.cost(self.plan_gas(right));
        // Costs are moved to the other side, so that no difference can fall below zero.
        let (better, worse) = if self.exact_out {
            (
                right.amount_in.saturating_add(right_cost),
                left.amount_in.saturating_add(left_cost),
            )
        } else {
            (
                left.amount_out.saturating_add(right_cost),
                right.amount_out.saturating_add(left_cost),
            )
        };
        let more_input = (left.amount_in, left.leg_count);
        better > worse
            || better == worse
                && (left.leg_count < right.leg_count
                    || left.leg_count == right.leg_count
                        && more_input < (right.amount_in, right.leg_count))
    }

    /// The net amount as a float that is to be maximised.
    pub(super) fn score(&self, outcome: &Outcome) -> f64 {
        let cost = self.cost_f64(self.plan_gas(outcome));
        if self.exact_out {
            -(to_f64(outcome.amount_in) + cost)
        } else {
            to_f64(outcome.amount_out) - cost
        }
    }
}

/// Returns how many units of `counted` one wei of the native coin sells for at zero size, or else
/// what buying it costs.
fn native_rate(market: &Market, native: u32, counted: u32) -> Option<f64> {
    best_rate(market, native, counted)
        .or_else(|| best_rate(market, counted, native).map(|rate| 1.0 / rate))
        .filter(|rate| rate.is_finite() && *rate > 0.0)
}

/// Returns the best product of spot prices from `from` to `to` over a few hops.
fn best_rate(market: &Market, from: u32, to: u32) -> Option<f64> {
    let cell = |token: u32| usize::try_from(token).unwrap_or(usize::MAX);
    let mut best = vec![0.0; cell(market.token_count())];
    set_at(&mut best, cell(from), 1.0);
    let mut frontier = vec![from];
    for _ in 0..NATIVE_HOPS {
        let before = best.clone();
        let mut next = Vec::new();
        for token in frontier {
            for (_, edge) in market.edges_from(token) {
                let rate = at(&before, cell(token)) * edge.curve.spot();
                if rate > at(&best, cell(edge.to)) {
                    set_at(&mut best, cell(edge.to), rate);
                    next.push(edge.to);
                }
            }
        }
        frontier = next;
    }
    Some(at(&best, cell(to))).filter(|rate| *rate > 0.0)
}
