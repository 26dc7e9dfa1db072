//! Fixed costs in the bound: what a plan must at least pay for the venues it uses.
//!
//! A free venue counts with what its profit leaves after gas, but not below zero; a venue that is
//! insisted on counts in full: weak duality with fixed costs (Angeris et al., arXiv 2204.05238,
//! section on fixed transaction costs).
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::at;
use super::dual::Dual;
use super::objective::Objective;
use super::scope::{Scope, ScopeEdge};

/// A part of the space of plans.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Edges that may be used.
    pub(super) allowed: Vec<bool>,
    /// Edges that are paid for whatever they bring.
    pub(super) kept: Vec<bool>,
}

/// Gas price of using the edge at all.
pub(super) fn least_charge(scope: &Scope<'_>, objective: &Objective, edge: usize) -> f64 {
    scope
        .edges
        .get(edge)
        .map_or(0.0, |edge| objective.cost_f64(edge.venue.least_gas()))
}

/// Returns a bound, from any prices, on the scores of the plans of a part.
pub(super) fn ceiling(
    dual: &Dual<'_, '_>,
    objective: &Objective,
    part: &Part,
    prices: &[f64],
) -> f64 {
    if !objective.has_gas() {
        return dual.bound(&part.allowed, prices, |_, profit| profit);
    }
    let scope = dual.scope;
    let mut least = LeastLoss::new();
    let bound = dual.bound(&part.allowed, prices, |edge, profit| {
        let left = profit - least_charge(scope, objective, edge);
        let kept = at(&part.kept, edge);
        if let Some(scope_edge) = scope.edges.get(edge) {
            let loss = if kept { 0.0 } else { left.min(0.0) };
            least.see(scope, scope_edge, loss);
        }
        if kept {
            left
        } else {
            left.max(0.0)
        }
    });
    let with_pools = bound + least.of_pools() - objective.base_cost_f64();
    let from_source = scope.edges_from(scope.source);
    let is_book = |edge: &usize| scope.edges.get(*edge).is_some_and(|edge| edge.is_ladder);
    let has_books = from_source
        .iter()
        .any(|edge| at(&part.allowed, *edge) && is_book(edge));
    if part.kept.contains(&true) || !has_books {
        return with_pools;
    }
    // Without pools only the books that take the source itself can trade.
    let books_only = dual.bound(&part.allowed, prices, |edge, profit| {
        if from_source.contains(&edge) && is_book(&edge) {
            profit
        } else {
            0.0
        }
    });
    with_pools.max(books_only)
}

/// The least that a plan with a pool must lose on venues that do not earn their gas: it leaves the
/// source, reaches the target, and uses a pool.
struct LeastLoss {
    direct: f64,
    leaving: f64,
    arriving: f64,
    pool: f64,
}

impl LeastLoss {
    const fn new() -> Self {
        Self {
            direct: f64::NEG_INFINITY,
            leaving: f64::NEG_INFINITY,
            arriving: f64::NEG_INFINITY,
            pool: f64::NEG_INFINITY,
        }
    }

    /// Takes note of an edge and what it costs beyond its profit, as a number of at most zero.
    fn see(&mut self, scope: &Scope<'_>, edge: &ScopeEdge<'_>, loss: f64) {
        let (leaves, arrives) = (edge.from == scope.source, edge.to == scope.target);
        if leaves && arrives {
            self.direct = self.direct.max(loss);
        } else if leaves {
            self.leaving = self.leaving.max(loss);
        } else if arrives {
            self.arriving = self.arriving.max(loss);
        }
        if !edge.is_ladder {
            self.pool = self.pool.max(loss);
        }
    }

    /// The loss of the cheapest way, never less than that of the cheapest pool.
    fn of_pools(&self) -> f64 {
        self.direct.max(self.leaving + self.arriving).min(self.pool)
    }
}
