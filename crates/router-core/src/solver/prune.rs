//! Fewer legs: takes venues away one by one where that costs least.
//!
//! How much a venue is worth cannot be read off one solution: a deep pool has little profit however
//! much flows through it, and a leg may be useless without another. So the least flows, alone and
//! token by token, are taken away on trial and the relaxation is solved without them.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::{at, set_at};
use super::dual::{Dual, Flow, Solution};
use super::recover::{shape, Shape, Skeleton};

/// Single legs tried per round, those with the least flow first.
const LEG_TRIALS: usize = 3;

/// Middle tokens tried per round, each with all its legs.
const TOKEN_TRIALS: usize = 2;

/// Up to this many legs too many are taken away one by one.
const FEW: usize = 3;

/// Returns a skeleton of at most `max_legs` flows among those of `skeleton`, and its solution.
pub(super) fn prune(
    dual: &Dual<'_, '_>,
    skeleton: Skeleton,
    prices: &[f64],
    max_legs: usize,
) -> Option<(Skeleton, Solution)> {
    let mut skeleton = skeleton;
    let mut prices = prices.to_vec();
    loop {
        let excess = skeleton.flows.len().saturating_sub(max_legs);
        if dual.meter.is_late() {
            return None;
        }
        let tries = if excess > FEW {
            // Far too many legs: most of the excess goes at once, the least flows first.
            let most = excess.saturating_sub(excess.wrapping_shr(2));
            vec![least(&skeleton, most)]
        } else {
            trials(dual, &skeleton)
        };
        let (next, solution) = tries
            .into_iter()
            .filter_map(|removed| attempt(dual, &skeleton, &prices, &removed, excess))
            .reduce(|best, other| if other.0 < best.0 { other } else { best })
            .map(|(_, next, solution)| (next, solution))?;
        if next.flows.len() <= max_legs {
            return Some((next, solution));
        }
        if next.flows.len() >= skeleton.flows.len() {
            return None;
        }
        prices = solution.flow_prices;
        skeleton = next;
    }
}

/// Returns the `count` flows of least value.
fn least(skeleton: &Skeleton, count: usize) -> Vec<usize> {
    by_value(skeleton)
        .iter()
        .take(count)
        .map(|flow| flow.edge)
        .collect()
}

fn by_value(skeleton: &Skeleton) -> Vec<&Flow> {
    let mut flows: Vec<&Flow> = skeleton.flows.iter().collect();
    flows.sort_by(|left, right| {
        let order = left.value.total_cmp(&right.value);
        order.then(left.edge.cmp(&right.edge))
    });
    flows
}

/// Returns sets of flows worth taking away.
fn trials(dual: &Dual<'_, '_>, skeleton: &Skeleton) -> Vec<Vec<usize>> {
    let scope = dual.scope;
    let legs = least(skeleton, LEG_TRIALS)
        .into_iter()
        .map(|edge| vec![edge]);
    let mut tokens: Vec<(f64, Vec<usize>)> = skeleton
        .order
        .iter()
        .filter(|token| **token != scope.source && **token != scope.target)
        .map(|token| {
            let touching: Vec<&Flow> = skeleton
                .flows
                .iter()
                .filter(|flow| {
                    let edge = scope.edges.get(flow.edge);
                    edge.is_some_and(|edge| edge.from == *token || edge.to == *token)
                })
                .collect();
            let value = touching.iter().map(|flow| flow.value).sum();
            (value, touching.iter().map(|flow| flow.edge).collect())
        })
        .collect();
    tokens.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
    let tokens = tokens.into_iter().take(TOKEN_TRIALS);
    legs.chain(tokens.map(|(_, edges)| edges)).collect()
}

/// Solves without the `removed` flows; returns the loss per leg that was in excess.
fn attempt(
    dual: &Dual<'_, '_>,
    skeleton: &Skeleton,
    prices: &[f64],
    removed: &[usize],
    excess: usize,
) -> Option<(f64, Skeleton, Solution)> {
    let mut allowed = vec![false; dual.scope.edges.len()];
    for flow in &skeleton.flows {
        set_at(&mut allowed, flow.edge, true);
    }
    for edge in removed {
        set_at(&mut allowed, *edge, false);
    }
    let before = dual.bound(&allowed_by(dual, skeleton), prices, |_, profit| profit);
    let solution = dual.solve(&allowed, prices);
    let after = dual.bound(&allowed, &solution.prices, |_, profit| profit);
    let order_value = dual.order_worth(&solution.flow_prices).abs();
    let Shape::Acyclic(next) = shape(dual.scope, &solution, order_value) else {
        return None;
    };
    let saved = skeleton
        .flows
        .len()
        .saturating_sub(next.flows.len())
        .min(excess);
    (saved > 0).then(|| ((before - after) / saved as f64, next, solution))
}

/// Marks the edges of a skeleton.
fn allowed_by(dual: &Dual<'_, '_>, skeleton: &Skeleton) -> Vec<bool> {
    let mut allowed = vec![false; dual.scope.edges.len()];
    for flow in &skeleton.flows {
        set_at(&mut allowed, flow.edge, true);
    }
    debug_assert!(
        skeleton.flows.iter().all(|flow| at(&allowed, flow.edge)),
        "flows are scope edges"
    );
    allowed
}
