//! Branch and bound over what the convex relaxation does not know.
//!
//! The relaxation may send flow around a cycle of tokens, and it pays no gas per venue. A node forbids some edges and insists on others; its relaxed bound counts each free
//! venue with what its profit leaves after gas, but not below zero: weak duality with fixed costs
//! (Angeris et al., arXiv 2204.05238, section on fixed transaction costs).
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::{at, set_at};
use super::dual::{Dual, Flow, Solution};
use super::exact_out::purchases;
use super::gas::{ceiling, least_charge, Part};
use super::objective::Objective;
use super::prune::prune;
use super::recover::{shape, Shape, Skeleton};
use super::repair::Repair;
use super::scope::Scope;
use super::split::{Outcome, Split};
use crate::num::U256;

/// Most relaxations solved for one order.
const MAX_NODES: usize = 64;

/// Most relaxations whose legs are taken away one by one.
const MAX_PRUNINGS: usize = 2;

/// Most venues of a relaxation that are tried without, those that earn least first.
const MAX_CHILDREN: usize = 24;

/// A node is closed when it cannot beat the incumbent by more than this share.
const CLOSE_ENOUGH: f64 = 1e-9;

/// Part of the value that rounding may cost before the search tries without books.
const ROUNDING_LOSS: f64 = 1e-7;

/// A split with its exact replay.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) split: Split,
    pub(super) outcome: Outcome,
    /// Gross score of the relaxation over the same venues: what polishing can hope for.
    pub(super) promise: f64,
}

/// What a search found.
#[derive(Debug)]
pub(super) struct Found {
    /// The best candidate, if any plan exists.
    pub(super) best: Option<Candidate>,
    /// The candidate that polishing could raise highest.
    pub(super) promising: Option<Candidate>,
    /// No plan scores higher.
    pub(super) ceiling: f64,
}

/// A part of the space of plans.
struct Node {
    part: Part,
    /// Prices to start from.
    prices: Vec<f64>,
    /// No plan of this part scores higher.
    ceiling: f64,
}

/// The search of one order.
pub(super) struct Search<'s, 'm> {
    scope: &'s Scope<'m>,
    dual: &'s Dual<'s, 'm>,
    objective: &'s Objective,
    amount: U256,
    max_legs: usize,
    best: Option<Candidate>,
    promising: Option<Candidate>,
    prunings_left: usize,
    stack: Vec<Node>,
    /// The first relaxation was solved.
    is_begun: bool,
    /// Highest ceiling of what was closed.
    ceiling: f64,
}

impl<'s, 'm> Search<'s, 'm> {
    /// Starts with a candidate that is already known, if any.
    pub(super) fn new(
        scope: &'s Scope<'m>,
        dual: &'s Dual<'s, 'm>,
        objective: &'s Objective,
        amount: U256,
        max_legs: usize,
    ) -> Self {
        Self {
            scope,
            dual,
            objective,
            amount,
            max_legs,
            best: None,
            promising: None,
            prunings_left: MAX_PRUNINGS,
            stack: Vec::new(),
            is_begun: false,
            ceiling: f64::NEG_INFINITY,
        }
    }

    /// Offers a candidate.
    pub(super) fn offer(&mut self, candidate: Candidate) {
        if candidate.outcome.leg_count > self.max_legs || !self.is_enough(&candidate) {
            return;
        }
        let promise = |candidate: &Candidate| {
            let gas = self.objective.plan_gas(&candidate.outcome);
            candidate.promise - self.objective.cost_f64(gas)
        };
        let promises_more = self
            .promising
            .as_ref()
            .is_none_or(|known| promise(&candidate) > promise(known));
        if promises_more {
            self.promising = Some(candidate.clone());
        }
        let wins = self
            .best
            .as_ref()
            .is_none_or(|best| self.objective.prefers(&candidate.outcome, &best.outcome));
        if wins {
            self.best = Some(candidate);
        }
    }

    /// Runs the search from `prices`.
    pub(super) fn run(mut self, prices: Vec<f64>) -> Found {
        let count = self.scope.edges.len();
        self.stack.push(Node {
            part: Part {
                allowed: vec![true; count],
                kept: vec![false; count],
            },
            prices: prices.clone(),
            ceiling: f64::INFINITY,
        });
        for _ in 0..MAX_NODES {
            if self.best.is_some() && self.is_begun && self.dual.meter.is_spent() {
                break;
            }
            let Some(node) = self.stack.pop() else {
                break;
            };
            self.is_begun = true;
            if self.is_beaten(node.ceiling) {
                self.close(node.ceiling);
            } else {
                self.expand(node);
            }
        }
        let is_open = self.stack.iter().any(|node| !self.is_beaten(node.ceiling));
        if is_open {
            self.dual.meter.stop();
        }
        let open = self.stack.iter().map(|node| node.ceiling);
        let bound = open.fold(self.ceiling, f64::max);
        // The incumbent's own score closes nodes, so it is a bound too; it is moved outward by more
        // than its float error.
        let own = self.best.as_ref().map_or(f64::NEG_INFINITY, |best| {
            let score = self.objective.score(&best.outcome);
            score + score.abs() * CLOSE_ENOUGH + 1.0
        });
        Found {
            best: self.best,
            promising: self.promising,
            ceiling: bound.max(own),
        }
    }

    fn is_enough(&self, candidate: &Candidate) -> bool {
        if self.objective.exact_out {
            candidate.outcome.amount_out >= self.amount
        } else {
            !candidate.outcome.amount_out.is_zero()
        }
    }

    fn is_beaten(&self, ceiling: f64) -> bool {
        self.best.as_ref().is_some_and(|best| {
            let score = self.objective.score(&best.outcome);
            ceiling <= score + (score.abs() * CLOSE_ENOUGH).max(0.5)
        })
    }

    fn close(&mut self, ceiling: f64) {
        self.ceiling = self.ceiling.max(ceiling);
    }

    /// Solves the node's relaxation, tries its plan and puts its children on the stack.
    fn expand(&mut self, mut node: Node) {
        let solution = self.dual.solve(&node.part.allowed, &node.prices);
        node.ceiling = node
            .ceiling
            .min(self.ceiling_at(&node.part, &solution.prices))
            .min(self.ceiling_at(&node.part, &solution.flow_prices))
            .min(self.ceiling_at(&node.part, &node.prices));
        node.prices.clone_from(&solution.prices);
        if self.is_beaten(node.ceiling) {
            return self.close(node.ceiling);
        }
        let order_value = self.dual.order_worth(&solution.flow_prices).abs();
        match shape(self.scope, &solution, order_value) {
            Shape::Empty => self.close(node.ceiling),
            Shape::Tangled(arcs) => {
                for arc in arcs.iter().rev() {
                    self.push_without_arc(&node, *arc);
                }
            }
            Shape::Shared(edges) => {
                for edge in edges.iter().rev() {
                    self.push_with_pair(&node, *edge);
                }
            }
            Shape::Acyclic(skeleton) => {
                if let Some(candidate) = self.realise(&skeleton, &solution.flow_prices) {
                    if self.lost_by_rounding(&candidate) {
                        self.push_without_books(&node, &skeleton);
                    }
                    self.offer(candidate);
                }
                self.branch(&node, &skeleton, &solution.flow_prices);
                if skeleton.flows.len() > self.max_legs && self.prunings_left > 0 {
                    self.prunings_left = self.prunings_left.saturating_sub(1);
                    self.offer_pruned(skeleton, &solution.flow_prices);
                }
            }
        }
    }

    /// Whether whole lots and units cost noticeably more than nothing.
    fn lost_by_rounding(&self, candidate: &Candidate) -> bool {
        let score = self.objective.gross().score(&candidate.outcome);
        candidate.promise - score > score.abs() * ROUNDING_LOSS + 2.0
    }

    /// Tries without each book in use: where its lots are coarse, pools it displaced may do better.
    fn push_without_books(&mut self, node: &Node, skeleton: &Skeleton) {
        for flow in skeleton.flows.iter().rev() {
            if self.is_pool(flow.edge) || at(&node.part.kept, flow.edge) {
                continue;
            }
            self.close(node.ceiling);
            let mut allowed = node.part.allowed.clone();
            set_at(&mut allowed, flow.edge, false);
            self.stack.push(Node {
                part: Part {
                    allowed,
                    kept: node.part.kept.clone(),
                },
                prices: node.prices.clone(),
                ceiling: node.ceiling,
            });
        }
    }

    fn is_pool(&self, edge: usize) -> bool {
        self.scope
            .edges
            .get(edge)
            .is_some_and(|edge| !edge.is_ladder)
    }

    /// Bound on the scores of a part of the plans from any prices.
    fn ceiling_at(&self, part: &Part, prices: &[f64]) -> f64 {
        ceiling(self.dual, self.objective, part, prices)
    }

    fn push_without_arc(&mut self, node: &Node, arc: (usize, usize)) {
        let mut allowed = node.part.allowed.clone();
        for (index, edge) in self.scope.edges.iter().enumerate() {
            if (edge.from, edge.to) == arc {
                set_at(&mut allowed, index, false);
            }
        }
        // Without an edge that must be kept the part is empty.
        let is_empty = allowed
            .iter()
            .zip(&node.part.kept)
            .any(|(allowed, kept)| *kept && !*allowed);
        if !is_empty {
            self.stack.push(Node {
                part: Part {
                    allowed,
                    kept: node.part.kept.clone(),
                },
                prices: node.prices.clone(),
                ceiling: node.ceiling,
            });
        }
    }

    /// Goes on with one pair of a pool, without its other pairs.
    fn push_with_pair(&mut self, node: &Node, pair: usize) {
        let venue = |index: usize| Some(self.scope.edges.get(index)?.edge.venue);
        let mut part = node.part.clone();
        for index in 0..self.scope.edges.len() {
            if index != pair && venue(index) == venue(pair) {
                if at(&part.kept, index) {
                    return;
                }
                set_at(&mut part.allowed, index, false);
            }
        }
        self.stack.push(Node {
            part,
            prices: node.prices.clone(),
            ceiling: node.ceiling,
        });
    }

    /// Replays a skeleton exactly, at the prices it was read from.
    fn realise(&self, skeleton: &Skeleton, prices: &[f64]) -> Option<Candidate> {
        let profits: f64 = skeleton.flows.iter().map(|flow| flow.profit).sum();
        let gross = self.dual.order_worth(prices) + profits;
        let candidate = |split, outcome| Candidate {
            promise: gross,
            split,
            outcome,
        };
        if self.objective.exact_out {
            return purchases(self.scope, self.objective, skeleton, self.amount)
                .into_iter()
                .map(|(split, outcome)| candidate(split, outcome))
                .reduce(|best, other| self.better(best, other));
        }
        let mut split = skeleton.to_split(self.scope);
        let outcome = split.settle(self.scope, self.amount);
        Some(self.repaired(candidate(split, outcome)))
    }

    /// Uses or gives back what an exact-in candidate leaves over.
    pub(super) fn repaired(&self, candidate: Candidate) -> Candidate {
        if self.objective.exact_out {
            return candidate;
        }
        let repair = Repair {
            scope: self.scope,
            objective: self.objective,
            amount: self.amount,
            max_legs: self.max_legs,
        };
        repair.run(candidate)
    }

    fn better(&self, best: Candidate, other: Candidate) -> Candidate {
        if self.objective.prefers(&other.outcome, &best.outcome) {
            other
        } else {
            best
        }
    }

    /// Puts the node's children on the stack: fewer legs when there are too many, and with gas one
    /// child per venue that may not earn its gas.
    fn branch(&mut self, node: &Node, skeleton: &Skeleton, prices: &[f64]) {
        if !self.objective.has_gas() {
            return self.close(node.ceiling);
        }
        let left = |flow: &Flow| flow.profit - least_charge(self.scope, self.objective, flow.edge);
        let mut used: Vec<&Flow> = skeleton
            .flows
            .iter()
            .filter(|flow| self.is_pool(flow.edge) && !at(&node.part.kept, flow.edge))
            .collect();
        used.sort_by(|a, b| left(a).total_cmp(&left(b)).then(a.edge.cmp(&b.edge)));
        let mut rest = node.part.clone();
        let mut children = Vec::new();
        for flow in used.into_iter().take(MAX_CHILDREN) {
            let mut part = rest.clone();
            set_at(&mut part.allowed, flow.edge, false);
            let ceiling = node.ceiling.min(self.ceiling_at(&part, prices));
            if self.is_beaten(ceiling) {
                self.close(ceiling);
            } else {
                children.push(Node {
                    part,
                    prices: node.prices.clone(),
                    ceiling,
                });
            }
            set_at(&mut rest.kept, flow.edge, true);
        }
        // What remains insists on every venue in use: the plan just tried.
        self.close(node.ceiling.min(self.ceiling_at(&rest, prices)));
        self.stack.extend(children.into_iter().rev());
    }

    /// Offers a plan of few enough legs.
    fn offer_pruned(&mut self, skeleton: Skeleton, prices: &[f64]) {
        let pruned = prune(self.dual, skeleton, prices, self.max_legs);
        let candidate =
            pruned.and_then(|(fewer, solution)| self.realise(&fewer, &solution.flow_prices));
        if let Some(candidate) = candidate {
            self.offer(candidate);
        }
    }
}

/// Returns the gross bound of the whole scope at the better of some prices.
pub(super) fn gross_bound(dual: &Dual<'_, '_>, solutions: &[&[f64]]) -> f64 {
    let all = vec![true; dual.scope.edges.len()];
    solutions
        .iter()
        .map(|prices| dual.bound(&all, prices, |_, profit| profit))
        .fold(f64::INFINITY, f64::min)
}

/// Solves the whole scope's relaxation.
pub(super) fn relax(dual: &Dual<'_, '_>, prices: &[f64]) -> Solution {
    dual.solve(&vec![true; dual.scope.edges.len()], prices)
}
