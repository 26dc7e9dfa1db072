//! The dual of the routing problem: prices at which every venue's best trade adds up to the order.
//!
//! With token prices `nu` (the optimised token at one), an order worth `c` and venues that each
//! take their best profit, `g(nu) = c(nu) + sum of profits` bounds every plan (weak duality), and
//! its minimum is the optimum of the convex problem (Angeris et al., arXiv 2204.05238; the venue
//! by venue form is Diamandis et al., arXiv 2302.04938). Exact-in: `c = amount * nu_source` with the
//! target at one. Exact-out: the value is minus the input, `c = -amount * nu_target`, the source
//! at one.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::at;
use super::curve::Response;
use super::meter::Meter;
use super::newton::{minimise, Descent};
use super::point::Point;
use super::scope::Scope;
use super::waste::{is_unsettled, Waste};

/// Relative outward slack of a bound. Each term of the sum carries a few dozen roundings of 2^-53
/// relative to the value that flows through it; this is some 9,000 of them.
const BOUND_SLACK: f64 = 1e-12;

/// A venue whose first price is higher than the ratio of prices by more than this trades nothing.
const IDLE: f64 = 1.0 + 1e-7;

/// Outward slack per venue, for the roundings of the sum itself.
const SUM_SLACK: f64 = 4.0 * f64::EPSILON;

/// Venues whose first price is this much too high are watched while prices are sought.
const BAND: f64 = 0.01;

/// Most times that venues are added to those watched.
const MAX_ROUNDS: usize = 8;

/// The dual problem of one order.
pub(super) struct Dual<'s, 'm> {
    pub(super) scope: &'s Scope<'m>,
    pub(super) meter: &'s Meter<'s>,
    /// Token whose price is one.
    pub(super) fixed: usize,
    /// Token the order is counted in, and how much of it the order brings (exact-in) or takes
    /// (exact-out, negative).
    order_token: usize,
    order_amount: f64,
}

/// One venue's part of a dual solution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Index into the scope's edges.
    pub(super) edge: usize,
    pub(super) amount_in: f64,
    pub(super) amount_out: f64,
    /// Value of the input or of the output at the dual prices, whichever is more.
    pub(super) value: f64,
    /// Profit of the venue at the dual prices: what the plan would lose without it, at most.
    pub(super) profit: f64,
    pub(super) exhausted: bool,
}

impl Flow {
    /// The only flow of its token.
    pub(super) const fn whole(edge: usize) -> Self {
        Self {
            edge,
            amount_in: 1.0,
            amount_out: 1.0,
            value: 1.0,
            profit: 0.0,
            exhausted: false,
        }
    }
}

/// Prices, the flows they call for and the bound they prove.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    /// Prices for bounds.
    pub(super) prices: Vec<f64>,
    /// Prices of the flows: other ones when the venues run dry.
    pub(super) flow_prices: Vec<f64>,
    pub(super) flows: Vec<Flow>,
}

impl<'s, 'm> Dual<'s, 'm> {
    /// Sets up selling `amount` of the source, or buying `amount` of the target when `exact_out`.
    pub(super) fn new(
        scope: &'s Scope<'m>,
        meter: &'s Meter<'s>,
        exact_out: bool,
        amount: f64,
    ) -> Self {
        let (fixed, order_token, order_amount) = if exact_out {
            (scope.source, scope.target, -amount)
        } else {
            (scope.target, scope.source, amount)
        };
        Self {
            scope,
            meter,
            fixed,
            order_token,
            order_amount,
        }
    }

    /// Prices at zero size: what a unit of each token sells for (exact-in) or costs (exact-out)
    /// over its best path. Without arbitrage no venue trades at them.
    pub(super) fn spot_prices(&self) -> Vec<f64> {
        if self.fixed == self.scope.target {
            self.scope.rate_to_target.clone()
        } else {
            let rates = &self.scope.rate_from_source;
            rates.iter().map(|rate| 1.0 / rate).collect()
        }
    }

    /// Minimises the dual over the `allowed` edges from `start` and returns the flows there.
    pub(super) fn solve(&self, allowed: &[bool], start: &[f64]) -> Solution {
        let (prices, edges) = self.settle(allowed, start, None);
        let flow_prices = if self.is_dry(&edges, &prices) {
            let spot = self.spot_prices();
            let waste = Waste::new(&spot, self.order_worth(&spot));
            self.settle(allowed, &spot, Some(&waste)).0
        } else {
            prices.clone()
        };
        let flows = self.flows(allowed, &flow_prices);
        Solution {
            prices,
            flow_prices,
            flows,
        }
    }

    /// Returns how much of the order's input venues take while a further unit brings at least `rate`;
    /// infinite when that is all of it.
    pub(super) fn filled_at(&self, rate: f64, start: &[f64]) -> f64 {
        let allowed = vec![true; self.scope.edges.len()];
        let source = self.scope.source;
        let tokens = self.scope.token_count();
        let exit = Waste::at_limit(tokens, source, rate, self.order_amount);
        let (plain, _) = self.settle(&allowed, start, None);
        if at(&plain, source) >= rate {
            return f64::INFINITY;
        }
        let (prices, _) = self.settle(&allowed, &plain, Some(&exit));
        let flows = self.flows(&allowed, &prices);
        let from_source = flows.iter().filter(|flow| {
            let edge = self.scope.edges.get(flow.edge);
            edge.is_some_and(|edge| edge.from == source)
        });
        from_source.map(|flow| flow.amount_in).sum()
    }

    /// Minimises over the venues near their first price, then over those with the ones that would
    /// trade at the prices found, until there are none. Returns the prices and the venues watched.
    fn settle(
        &self,
        allowed: &[bool],
        start: &[f64],
        waste: Option<&Waste>,
    ) -> (Vec<f64>, Vec<usize>) {
        let mut prices = start.to_vec();
        let mut watched = vec![false; self.scope.edges.len()];
        let mut edges = Vec::new();
        for round in 1..=MAX_ROUNDS {
            let band = if round == MAX_ROUNDS {
                f64::INFINITY
            } else {
                1.0 + BAND
            };
            if !self.watch(allowed, &prices, band, &mut watched) && round > 1 {
                break;
            }
            edges = (0..watched.len())
                .filter(|edge| at(&watched, *edge))
                .collect();
            let part = Allowed {
                dual: self,
                edges: &edges,
                waste,
            };
            prices = minimise(&part, &prices);
            if self.meter.is_late() {
                break;
            }
        }
        (prices, edges)
    }

    /// Adds the venues whose first price is within `band`; false when no new one would trade. What
    /// has no price counts as near.
    fn watch(&self, allowed: &[bool], prices: &[f64], band: f64, watched: &mut [bool]) -> bool {
        self.meter.count(self.scope.edges.len().wrapping_shr(3));
        let mut would_trade = false;
        let edges = self.scope.edges.iter().zip(allowed);
        for ((edge, _), watched) in edges.zip(watched).filter(|((_, allowed), _)| **allowed) {
            let received = edge.spot * at(prices, edge.to);
            let paid = at(prices, edge.from);
            let (is_far, is_idle) = (paid >= received * band, paid >= received);
            if !*watched && !is_far {
                *watched = true;
                would_trade |= !is_idle;
            }
        }
        would_trade
    }

    /// Whether prices fell without end because the venues cannot take the whole input.
    fn is_dry(&self, edges: &[usize], prices: &[f64]) -> bool {
        let plain = Allowed {
            dual: self,
            edges,
            waste: None,
        };
        let mut point = Point::default();
        plain.evaluate(prices, &mut point);
        self.fixed == self.scope.target
            && is_unsettled(self.fixed, &point.residual, &point.throughput)
    }

    /// Value of the order at these prices; negative when the order takes (exact-out).
    pub(super) fn order_worth(&self, prices: &[f64]) -> f64 {
        self.order_amount * at(prices, self.order_token)
    }

    /// Returns what every venue that trades does at these prices.
    fn flows(&self, allowed: &[bool], prices: &[f64]) -> Vec<Flow> {
        let trading: Vec<usize> = self
            .scope
            .edges
            .iter()
            .enumerate()
            .filter(|(index, edge)| {
                let is_idle = at(prices, edge.from) > edge.spot * at(prices, edge.to) * IDLE;
                at(allowed, *index) && !is_idle
            })
            .map(|(index, _)| index)
            .collect();
        self.responses(&trading, prices)
            .filter(|(_, response)| response.amount_in > 0.0 && response.amount_out > 0.0)
            .filter_map(|(index, response)| {
                let edge = self.scope.edges.get(index)?;
                let paid = at(prices, edge.from) * response.amount_in;
                let received = at(prices, edge.to) * response.amount_out;
                Some(Flow {
                    edge: index,
                    amount_in: response.amount_in,
                    amount_out: response.amount_out,
                    value: paid.max(received),
                    profit: received - paid,
                    exhausted: response.exhausted,
                })
            })
            .collect()
    }

    fn responses<'a>(
        &'a self,
        edges: &'a [usize],
        prices: &'a [f64],
    ) -> impl Iterator<Item = (usize, Response)> + 'a {
        edges.iter().filter_map(|index| {
            let edge = self.scope.edges.get(*index)?;
            let ratio = at(prices, edge.from) / at(prices, edge.to);
            Some((*index, edge.edge.curve.respond(ratio)))
        })
    }

    /// Returns a bound that holds for every plan over the `allowed` edges: at least its output
    /// (exact-in), at most minus its input (exact-out). `charge` turns an edge and its profit into
    /// what counts of it; the identity gives the gross bound. Ladders count unsmoothed, and the
    /// result is moved outward by more than the float error.
    pub(super) fn bound(
        &self,
        allowed: &[bool],
        prices: &[f64],
        mut charge: impl FnMut(usize, f64) -> f64,
    ) -> f64 {
        let order = self.order_worth(prices);
        let (mut sum, mut volume, mut terms) = (order, order.abs(), 1.0);
        for (index, edge) in self.scope.edges.iter().enumerate() {
            if !at(allowed, index) {
                continue;
            }
            let (price_in, price_out) = (at(prices, edge.from), at(prices, edge.to));
            if edge.edge.curve.is_numeric() {
                // One unit more than the curve says, on either side.
                sum += price_in + price_out;
            }
            sum += edge.edge.curve.excess() * price_out;
            if price_in > edge.spot * price_out * IDLE {
                sum += charge(index, 0.0);
                continue;
            }
            let (amount_in, amount_out) = edge.edge.curve.best_trade(price_in / price_out);
            let received = price_out * amount_out;
            sum += charge(index, profit_of(received, price_in * amount_in));
            volume += received;
            terms += 1.0;
        }
        let bound = sum + volume * (BOUND_SLACK + SUM_SLACK * terms);
        if bound.is_nan() {
            f64::INFINITY
        } else {
            bound
        }
    }
}

/// Profit for a bound. Where a price fell to nothing the trade has no end and its cost is no
/// number: it counts as free, since a profit left out would make the bound too low.
fn profit_of(received: f64, paid: f64) -> f64 {
    if paid.is_nan() {
        received
    } else {
        // Not `max`, which would hide what is not a number.
        let profit = received - paid;
        if profit < 0.0 {
            0.0
        } else {
            profit
        }
    }
}

/// The dual over a subset of the edges, by rising index.
struct Allowed<'a, 's, 'm> {
    dual: &'a Dual<'s, 'm>,
    edges: &'a [usize],
    waste: Option<&'a Waste>,
}

impl Descent for Allowed<'_, '_, '_> {
    fn fixed(&self) -> usize {
        self.dual.fixed
    }

    fn is_over(&self) -> bool {
        self.dual.meter.is_late()
    }

    fn evaluate(&self, prices: &[f64], point: &mut Point) {
        self.dual.meter.count(self.edges.len());
        point.start(prices, self.dual.order_token, self.dual.order_worth(prices));
        for (index, response) in self.dual.responses(self.edges, prices) {
            if let Some(edge) = self.dual.scope.edges.get(index) {
                point.add(index, (edge.from, edge.to), &response);
            }
        }
        if let Some(waste) = self.waste {
            for (token, response) in waste.responses(prices) {
                let venue = self.dual.scope.edges.len().saturating_add(token);
                point.add(venue, (token, self.dual.fixed), &response);
            }
        }
    }
}
