//! Free disposal with a floor under every price.
//!
//! When the venues cannot take the whole order, the dual's prices fall without end and say nothing
//! about which venue feeds which. A virtual exit from every token to the target, at a millionth of
//! the token's worth, takes what no venue wants and keeps prices of different tokens comparable. It
//! only shapes flows; bounds are evaluated without it.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::set_at;
use super::curve::Response;

/// Share of a token's worth that its virtual exit pays.
const SALVAGE: f64 = 1e-6;

/// Room of a limit's exit in orders: taking all of one moves its price by twice the inverse.
const LIMIT_ROOM: f64 = 1e7;

/// Imbalance of a token, as a share of what moves through it, that shows prices without meaning.
const UNSETTLED: f64 = 1e-3;

/// The virtual exits of all tokens: constant-product curves `(spot, input reserve)`.
pub(super) struct Waste {
    exits: Vec<(f64, f64)>,
    /// They are so deep that their slope says nothing beyond them.
    is_steep: bool,
}

impl Waste {
    /// Exits for an order that is worth `order_worth` in target at spot prices.
    pub(super) fn new(spot: &[f64], order_worth: f64) -> Self {
        Self {
            exits: spot
                .iter()
                .map(|price| (price * SALVAGE, order_worth / price))
                .collect(),
            is_steep: false,
        }
    }

    /// The exit of what a limit price leaves over: from `source`, at the limit's `rate`, with so much
    /// room that an order of `order_amount` hardly moves it.
    pub(super) fn at_limit(tokens: usize, source: usize, rate: f64, order_amount: f64) -> Self {
        let mut exits = vec![(0.0, 0.0); tokens];
        set_at(&mut exits, source, (rate, order_amount * LIMIT_ROOM));
        Self {
            exits,
            is_steep: true,
        }
    }

    /// Returns `(token, trade)` of every exit that trades when the target costs one.
    pub(super) fn responses<'a>(
        &'a self,
        prices: &'a [f64],
    ) -> impl Iterator<Item = (usize, Response)> + 'a {
        self.exits
            .iter()
            .zip(prices)
            .enumerate()
            .filter(|(_, ((spot, _), price))| *price < spot)
            .map(|(token, ((spot, reserve), price))| {
                let reach = (spot / price).sqrt();
                let response = Response {
                    amount_in: reserve * (reach - 1.0),
                    amount_out: reserve * spot * (1.0 - 1.0 / reach),
                    stiffness: reserve * reach * 0.5,
                    exhausted: false,
                    on_ramp: self.is_steep,
                };
                (token, response)
            })
    }
}

/// Whether a token's imbalance is not small against what moves through it.
pub(super) fn is_unsettled(fixed: usize, residual: &[f64], throughput: &[f64]) -> bool {
    residual
        .iter()
        .zip(throughput)
        .enumerate()
        .any(|(token, (value, moved))| token != fixed && value.abs() > moved * UNSETTLED)
}
