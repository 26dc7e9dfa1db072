//! From float flows to an acyclic skeleton: which venues, in which order, with which shares.

use std::collections::BTreeSet;

use super::cells::{add_at, at, push_at, set_at};
use super::dual::{Flow, Solution};
use super::scope::Scope;
use super::split::{Split, SplitLeg, Stage, Want};
use crate::num::U256;

/// Flows below this share of the order's value are left out.
const CUT: f64 = 1e-7;

/// Keeps a lowered weight below what rounding would give back.
const TRIFLE_LESS: f64 = 1.0 - 1e-9;

/// What the flows of a dual solution look like as a plan.
pub(super) enum Shape {
    /// Flows with their tokens in topological order.
    Acyclic(Skeleton),
    /// Arcs `(from, to)` of a cycle, cheapest first: a plan must do without at least one of them.
    Tangled(Vec<(usize, usize)>),
    /// Flows over several pairs of one pool, most valuable first: a plan uses one of them.
    Shared(Vec<usize>),
    /// Nothing flows from source to target.
    Empty,
}

/// Flows of a plan and the topological order of their tokens.
#[derive(Clone)]
pub(super) struct Skeleton {
    pub(super) order: Vec<usize>,
    pub(super) flows: Vec<Flow>,
}

/// Reads the shape of a solution for an order of `order_value`.
pub(super) fn shape(scope: &Scope<'_>, solution: &Solution, order_value: f64) -> Shape {
    let flows: Vec<Flow> = solution
        .flows
        .iter()
        .filter(|flow| share(flow.value, order_value) > CUT)
        .copied()
        .collect();
    // A cycle counts even where the source does not feed it: it earns what no plan can.
    let (_, rest) = topological_order(scope, &flows);
    if !rest.is_empty() {
        return Shape::Tangled(cheapest_first(scope, &flows, cycle(scope, &flows, &rest)));
    }
    let flows = joined(scope, flows);
    if flows.is_empty() {
        return Shape::Empty;
    }
    if let Some(edges) = shared(scope, &flows) {
        return Shape::Shared(edges);
    }
    let (order, _) = topological_order(scope, &flows);
    Shape::Acyclic(Skeleton { order, flows })
}

/// Returns the flows of the first pool that more than one flow uses, most valuable first.
fn shared(scope: &Scope<'_>, flows: &[Flow]) -> Option<Vec<usize>> {
    if !scope.has_many_pairs {
        return None;
    }
    let venue = |flow: &Flow| scope.edges.get(flow.edge).map(|edge| edge.edge.venue);
    let others = |flow: &&Flow| {
        let same = flows.iter().filter(|other| venue(other) == venue(flow));
        same.count() > 1
    };
    let first = venue(flows.iter().find(others)?);
    let mut same: Vec<&Flow> = flows.iter().filter(|flow| venue(flow) == first).collect();
    same.sort_by(|left, right| {
        let order = right.value.total_cmp(&left.value);
        order.then(left.edge.cmp(&right.edge))
    });
    Some(same.iter().map(|flow| flow.edge).collect())
}

/// Keeps the flows that lie on a way from source to target.
fn joined(scope: &Scope<'_>, mut kept: Vec<Flow>) -> Vec<Flow> {
    loop {
        let fed = reach(scope, &kept, scope.source, false);
        let drained = reach(scope, &kept, scope.target, true);
        let before = kept.len();
        kept.retain(|flow| {
            ends(scope, flow).is_some_and(|(from, to)| at(&fed, from) && at(&drained, to))
        });
        if kept.len() == before {
            return kept;
        }
    }
}

/// Marks the tokens that flows join to `start`, along or against their direction.
fn reach(scope: &Scope<'_>, flows: &[Flow], start: usize, backward: bool) -> Vec<bool> {
    let mut reached = vec![false; scope.token_count()];
    set_at(&mut reached, start, true);
    for _ in 0..scope.token_count() {
        let mut grew = false;
        for (from, to) in flows.iter().filter_map(|flow| ends(scope, flow)) {
            let (near, far) = if backward { (to, from) } else { (from, to) };
            if at(&reached, near) && !at(&reached, far) {
                set_at(&mut reached, far, true);
                grew = true;
            }
        }
        if !grew {
            break;
        }
    }
    reached
}

fn ends(scope: &Scope<'_>, flow: &Flow) -> Option<(usize, usize)> {
    scope.edges.get(flow.edge).map(|edge| (edge.from, edge.to))
}

/// Kahn's algorithm, the lowest token first; the second part are tokens on or behind a cycle.
fn topological_order(scope: &Scope<'_>, flows: &[Flow]) -> (Vec<usize>, Vec<usize>) {
    let mut waiting = vec![0_usize; scope.token_count()];
    let mut present = vec![false; scope.token_count()];
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); scope.token_count()];
    for (from, to) in flows.iter().filter_map(|flow| ends(scope, flow)) {
        let count = at(&waiting, to).saturating_add(1);
        set_at(&mut waiting, to, count);
        push_at(&mut next, from, to);
        set_at(&mut present, from, true);
        set_at(&mut present, to, true);
    }
    let mut order = Vec::new();
    let mut ready: BTreeSet<usize> = (0..scope.token_count())
        .filter(|token| at(&present, *token) && at(&waiting, *token) == 0)
        .collect();
    while let Some(token) = ready.pop_first() {
        set_at(&mut present, token, false);
        order.push(token);
        for to in next.get(token).into_iter().flatten() {
            let count = at(&waiting, *to).saturating_sub(1);
            set_at(&mut waiting, *to, count);
            if count == 0 {
                ready.insert(*to);
            }
        }
    }
    let rest = (0..scope.token_count())
        .filter(|token| at(&present, *token))
        .collect();
    (order, rest)
}

/// Returns the arcs of one cycle among `rest`, tokens of which each has a flow from another.
fn cycle(scope: &Scope<'_>, flows: &[Flow], rest: &[usize]) -> Vec<(usize, usize)> {
    let before = |token: usize| {
        flows
            .iter()
            .filter_map(|flow| ends(scope, flow))
            .filter(|(from, to)| *to == token && rest.contains(from))
            .map(|(from, _)| from)
            .min()
    };
    let mut trail: Vec<usize> = rest.first().copied().into_iter().collect();
    while let Some(token) = trail.last().copied().and_then(before) {
        if let Some(start) = trail.iter().position(|seen| *seen == token) {
            // The trail runs against the flows.
            let loop_tokens = trail.get(start..).unwrap_or_default();
            let mut arcs: Vec<(usize, usize)> = loop_tokens
                .windows(2)
                .filter_map(|pair| Some((*pair.get(1)?, *pair.first()?)))
                .collect();
            arcs.extend(trail.last().map(|last| (token, *last)));
            return arcs;
        }
        trail.push(token);
    }
    Vec::new()
}

/// Sorts arcs by the value that flows over them.
fn cheapest_first(
    scope: &Scope<'_>,
    flows: &[Flow],
    mut arcs: Vec<(usize, usize)>,
) -> Vec<(usize, usize)> {
    let value = |arc: &(usize, usize)| -> f64 {
        flows
            .iter()
            .filter(|flow| ends(scope, flow) == Some(*arc))
            .map(|flow| flow.value)
            .sum()
    };
    arcs.sort_by(|left, right| value(left).total_cmp(&value(right)).then(left.cmp(right)));
    arcs
}

impl Skeleton {
    /// Returns the skeleton of a single path.
    pub(super) fn path(scope: &Scope<'_>, edges: &[usize]) -> Self {
        let flows: Vec<Flow> = edges.iter().map(|edge| Flow::whole(*edge)).collect();
        let first = flows.first().and_then(|flow| ends(scope, flow));
        let order = first
            .map(|(from, _)| from)
            .into_iter()
            .chain(flows.iter().filter_map(|flow| Some(ends(scope, flow)?.1)))
            .collect();
        Self { order, flows }
    }

    /// Whether a flow uses the venue, in either direction.
    pub(super) fn uses_venue(&self, scope: &Scope<'_>, venue: u32) -> bool {
        self.flows
            .iter()
            .filter_map(|flow| scope.edges.get(flow.edge))
            .any(|edge| edge.edge.venue == venue)
    }

    /// Lowers the weight of everything that `token` feeds to a part of it, and a trifle more.
    #[allow(
        clippy::float_arithmetic,
        reason = "a share ranks; the amounts it gives are re-priced in integers"
    )]
    pub(super) fn weaken(&mut self, scope: &Scope<'_>, token: usize, part: f64) {
        let mut kept = vec![1.0; scope.token_count()];
        let mut fed = vec![(0.0, 0.0); scope.token_count()];
        for here in &self.order {
            let (before, after) = at(&fed, *here);
            if *here == token {
                set_at(&mut kept, *here, part * TRIFLE_LESS);
            } else if before > 0.0 {
                set_at(&mut kept, *here, after / before);
            }
            let factor = at(&kept, *here);
            for flow in &mut self.flows {
                let Some((_, to)) = ends(scope, flow).filter(|(from, _)| from == here) else {
                    continue;
                };
                let (before, after) = at(&fed, to);
                let lowered = flow.amount_out * factor;
                set_at(&mut fed, to, (before + flow.amount_out, after + lowered));
                flow.amount_out = lowered;
                flow.amount_in *= factor;
            }
        }
    }

    /// Returns the skeleton with a path to the target that has no flow of its own: it takes
    /// remainders. `None` when its middle tokens are already in use.
    pub(super) fn with_remainder(&self, scope: &Scope<'_>, edges: &[usize]) -> Option<Self> {
        let mut flows = self.flows.clone();
        let mut order = self.order.clone();
        for (position, edge) in edges.iter().enumerate() {
            flows.push(Flow {
                amount_in: 0.0,
                amount_out: 0.0,
                value: 0.0,
                ..Flow::whole(*edge)
            });
            let from = scope.edges.get(*edge)?.from;
            if position > 0 {
                if order.contains(&from) {
                    return None;
                }
                // Right behind the source: nothing else feeds the new tokens.
                order.insert(position.min(order.len()), from);
            }
        }
        Some(Self { order, flows })
    }

    /// Returns the split that passes on what arrives at each token in the shares of the flows;
    /// venues that the flows exhaust take all they can.
    pub(super) fn to_split(&self, scope: &Scope<'_>) -> Split {
        let mut totals = vec![0.0; scope.token_count()];
        for flow in &self.flows {
            if let Some((from, _)) = ends(scope, flow) {
                add_at(&mut totals, from, flow.amount_in);
            }
        }
        self.stages(scope, |flow, from| {
            if flow.exhausted {
                Want::Amount(U256::MAX)
            } else {
                Want::Share(share(flow.amount_in, at(&totals, from)))
            }
        })
    }

    /// Returns the split with every leg's want given by `want(flow, token)`. Books come first;
    /// then pools, the deepest last, so that the rest meets a pool that can take it.
    pub(super) fn stages(
        &self,
        scope: &Scope<'_>,
        mut want: impl FnMut(&Flow, usize) -> Want,
    ) -> Split {
        let mut stages = Vec::new();
        let mut leaving: Vec<Vec<&Flow>> = vec![Vec::new(); scope.token_count()];
        for flow in &self.flows {
            if let Some((from, _)) = ends(scope, flow) {
                push_at(&mut leaving, from, flow);
            }
        }
        for token in &self.order {
            let mut flows = leaving
                .get_mut(*token)
                .map(std::mem::take)
                .unwrap_or_default();
            flows.sort_by(|left, right| rest_order(scope, left, right));
            if !flows.is_empty() {
                stages.push(Stage {
                    token: *token,
                    legs: flows
                        .iter()
                        .map(|flow| SplitLeg::new(flow.edge, want(flow, *token)))
                        .collect(),
                });
            }
        }
        Split { stages }
    }
}

/// Orders the legs of a token so that the best taker of a rest is last.
pub(super) fn rest_order(scope: &Scope<'_>, left: &Flow, right: &Flow) -> std::cmp::Ordering {
    let is_pool = |flow: &Flow| {
        scope
            .edges
            .get(flow.edge)
            .is_some_and(|edge| !edge.is_ladder)
    };
    (is_pool(left), !left.exhausted)
        .cmp(&(is_pool(right), !right.exhausted))
        .then(left.value.total_cmp(&right.value))
        .then(left.edge.cmp(&right.edge))
}

#[allow(
    clippy::float_arithmetic,
    reason = "a share ranks; the amounts it gives are re-priced in integers"
)]
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        part / whole
    } else {
        0.0
    }
}
