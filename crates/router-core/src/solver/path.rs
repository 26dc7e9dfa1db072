//! The best single path: an amount-carrying label-correcting search in exact integers.
//!
//! A label is an amount that has arrived at a token (exact-in) or is needed there (exact-out) after
//! a number of hops. Venues are monotone, so of two labels the better amount stays better; only the
//! rule that a path visits a token once can make a worse one useful, hence a few labels are kept
//! per token and round. Float curves rule out venues that cannot win before they are quoted.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::{at, set_at};
use super::float::to_f64;
use super::objective::Objective;
use super::scope::{Scope, ScopeEdge};
use super::venue::Trade;
use crate::num::U256;

/// Relative slack of a float estimate that rules a venue out.
const SLACK: f64 = 1e-9;

/// Labels kept per token and round when one could block another.
const LABELS: usize = 3;

/// Most labels of one search; a backstop that ordinary markets never meet.
const MAX_LABELS: usize = 20_000;

/// One path and its exact amount: output (exact-in) or input (exact-out).
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) amount: U256,
    /// Scope indices from source to target.
    pub(super) edges: Vec<usize>,
    score: f64,
}

#[derive(Clone, Copy, Debug)]
struct Label {
    token: usize,
    amount: U256,
    gas: u64,
    /// Edge and label this one came from; none for the first.
    parent: Option<(usize, usize)>,
}

/// A step not quoted yet, with the float estimate of its amount and of its final score.
#[derive(Clone, Copy, Debug)]
struct Step {
    label: usize,
    edge: usize,
    token: usize,
    estimate: f64,
}

struct Search<'s, 'm> {
    scope: &'s Scope<'m>,
    objective: &'s Objective,
    /// Edges that may be used.
    open: Vec<bool>,
    labels: Vec<Label>,
    best: Option<Path>,
}

/// Returns the best single path for `amount` of source (exact-in) or of target (exact-out), after
/// gas when the objective counts it; `None` when no path can do it.
pub(super) fn best_path(scope: &Scope<'_>, objective: &Objective, amount: U256) -> Option<Path> {
    best_path_without(scope, objective, amount, |_| false)
}

/// As [`best_path`], without the edges that `is_blocked` names.
pub(super) fn best_path_without(
    scope: &Scope<'_>,
    objective: &Objective,
    amount: U256,
    is_blocked: impl Fn(usize) -> bool,
) -> Option<Path> {
    let open = (0..scope.edges.len())
        .map(|edge| !is_blocked(edge))
        .collect();
    let start = if objective.exact_out {
        scope.target
    } else {
        scope.source
    };
    let mut search = Search {
        scope,
        objective,
        open,
        labels: vec![Label {
            token: start,
            amount,
            gas: 0,
            parent: None,
        }],
        best: None,
    };
    let mut frontier = vec![0];
    for round in 1..=scope.max_hops {
        frontier = search.advance(&frontier, scope.max_hops.saturating_sub(round));
        if frontier.is_empty() || search.labels.len() > MAX_LABELS {
            break;
        }
    }
    search.best
}

impl Search<'_, '_> {
    /// Token that finishes a path.
    fn goal(&self) -> usize {
        if self.objective.exact_out {
            self.scope.source
        } else {
            self.scope.target
        }
    }

    /// Labels worth keeping per token: one is enough while no path can block another, that is up
    /// to three hops (the middle tokens are never source or target), without gas, and where no pool
    /// could be passed twice.
    fn width(&self) -> usize {
        if self.scope.max_hops <= 3 && !self.objective.has_gas() && !self.scope.has_many_pairs {
            1
        } else {
            LABELS
        }
    }

    /// Runs one round and returns the labels it made.
    fn advance(&mut self, frontier: &[usize], hops_left: u32) -> Vec<usize> {
        let mut steps: Vec<Step> = frontier
            .iter()
            .flat_map(|label| self.steps(*label, hops_left))
            .collect();
        let goal = self.goal();
        let exact_out = self.objective.exact_out;
        // Finished paths first: they make the later tests sharp. Then per token, the best first.
        steps.sort_by(|left, right| {
            let order = left.estimate.total_cmp(&right.estimate);
            let order = if exact_out { order } else { order.reverse() };
            ((left.token != goal), left.token)
                .cmp(&((right.token != goal), right.token))
                .then(order)
                .then((left.label, left.edge).cmp(&(right.label, right.edge)))
        });
        let mut made: Vec<usize> = Vec::new();
        for step in steps {
            if self.is_hopeless(&step) || self.is_dominated(&step, &made) {
                continue;
            }
            let Some(label) = self.quote(&step) else {
                continue;
            };
            if step.token == goal {
                self.finish(&label);
            } else {
                self.keep(label, &mut made);
            }
        }
        made
    }

    /// Returns the steps from a label that can still reach the goal and visit a new token.
    fn steps(&self, index: usize, hops_left: u32) -> Vec<Step> {
        let Some(label) = self.labels.get(index) else {
            return Vec::new();
        };
        let amount = to_f64(label.amount);
        let exact_out = self.objective.exact_out;
        let (hops_to_goal, next) = if exact_out {
            (
                &self.scope.hops_from_source,
                self.scope.edges_into(label.token),
            )
        } else {
            (
                &self.scope.hops_to_target,
                self.scope.edges_from(label.token),
            )
        };
        next.iter()
            .filter(|edge| at(&self.open, **edge))
            .filter_map(|&edge| {
                let candidate = self.scope.edges.get(edge)?;
                let token = if exact_out {
                    candidate.from
                } else {
                    candidate.to
                };
                if at(hops_to_goal, token) > hops_left {
                    return None;
                }
                let estimate = if exact_out {
                    candidate.edge.curve.input(amount) * (1.0 - SLACK)
                } else {
                    candidate.edge.curve.output(amount) * (1.0 + SLACK)
                };
                let is_free = !self.visits(index, token) && !self.passes(index, candidate);
                (estimate.is_finite() && is_free).then_some(Step {
                    label: index,
                    edge,
                    token,
                    estimate,
                })
            })
            .collect()
    }

    /// Whether the label's path has been at `token`.
    fn visits(&self, index: usize, token: usize) -> bool {
        let mut cursor = Some(index);
        while let Some(label) = cursor.and_then(|index| self.labels.get(index)) {
            if label.token == token {
                return true;
            }
            cursor = label.parent.map(|(_, parent)| parent);
        }
        false
    }

    /// Whether the label's path has used another pair of the edge's pool.
    fn passes(&self, index: usize, edge: &ScopeEdge<'_>) -> bool {
        if !edge.venue.has_many_pairs() {
            return false;
        }
        let mut cursor = self.labels.get(index).and_then(|label| label.parent);
        while let Some((used, parent)) = cursor {
            let venue = self.scope.edges.get(used).map(|used| used.edge.venue);
            if venue == Some(edge.edge.venue) {
                return true;
            }
            cursor = self.labels.get(parent).and_then(|label| label.parent);
        }
        false
    }

    /// Score that an amount at a token could still reach: no price impact from there on.
    fn promise(&self, token: usize, amount: f64, gas: u64) -> f64 {
        let value = if self.objective.exact_out {
            -amount / at(&self.scope.rate_from_source, token)
        } else {
            amount * at(&self.scope.rate_to_target, token)
        };
        value - self.objective.cost_f64(gas)
    }

    /// Whether even zero price impact from here on could not beat the best finished path.
    fn is_hopeless(&self, step: &Step) -> bool {
        let gas = self.labels.get(step.label).map_or(0, |label| label.gas);
        let promise = self.promise(step.token, step.estimate, gas);
        self.best
            .as_ref()
            .is_some_and(|best| promise + promise.abs() * SLACK < best.score)
    }

    /// Whether enough labels of this round are better at the same token by the float estimate.
    fn is_dominated(&self, step: &Step, made: &[usize]) -> bool {
        let gas = self.labels.get(step.label).map_or(0, |label| label.gas);
        let promise = self.promise(step.token, step.estimate, gas);
        let better = made
            .iter()
            .filter_map(|index| self.labels.get(*index))
            .filter(|label| label.token == step.token)
            .filter(|label| self.promise(label.token, to_f64(label.amount), label.gas) > promise)
            .count();
        better >= self.width()
    }

    /// Quotes a step exactly.
    fn quote(&self, step: &Step) -> Option<Label> {
        let label = self.labels.get(step.label)?;
        let edge = self.scope.edges.get(step.edge)?;
        let way = edge.edge.way;
        let trade: Trade = if self.objective.exact_out {
            edge.venue.trade_exact_out(way, label.amount).ok()?
        } else {
            edge.venue.trade_exact_in(way, label.amount)
        };
        let amount = if self.objective.exact_out {
            trade.amount_in
        } else {
            trade.amount_out
        };
        (!amount.is_zero()).then_some(Label {
            token: step.token,
            amount,
            gas: label.gas.saturating_add(trade.gas),
            parent: Some((step.edge, step.label)),
        })
    }

    /// Adds a label, or drops the worst one of its token and round when there are too many.
    fn keep(&mut self, label: Label, made: &mut Vec<usize>) {
        let rivals: Vec<usize> = made
            .iter()
            .copied()
            .filter(|index| {
                self.labels
                    .get(*index)
                    .is_some_and(|rival| rival.token == label.token)
            })
            .collect();
        let worst = rivals
            .iter()
            .copied()
            .filter_map(|index| Some((index, *self.labels.get(index)?)))
            .reduce(|left, right| {
                if self.beats(&left.1, &right.1) {
                    right
                } else {
                    left
                }
            });
        match worst {
            Some((index, rival)) if rivals.len() >= self.width() => {
                if self.beats(&label, &rival) {
                    set_at(&mut self.labels, index, label);
                }
            }
            _ => {
                made.push(self.labels.len());
                self.labels.push(label);
            }
        }
    }

    /// Whether `left` is the better of two labels of one token: after gas, then by exact amount.
    fn beats(&self, left: &Label, right: &Label) -> bool {
        let more = if self.objective.exact_out {
            left.amount < right.amount
        } else {
            left.amount > right.amount
        };
        if !self.objective.has_gas() {
            return more;
        }
        let promise = |label: &Label| {
            let amount = to_f64(label.amount);
            self.promise(label.token, amount, label.gas)
        };
        let (left_score, right_score) = (promise(left), promise(right));
        left_score > right_score || left_score == right_score && more
    }

    fn finish(&mut self, label: &Label) {
        let score = self.promise(label.token, to_f64(label.amount), label.gas);
        let wins = self.best.as_ref().is_none_or(|best| {
            let more = if self.objective.exact_out {
                label.amount < best.amount
            } else {
                label.amount > best.amount
            };
            score > best.score || score == best.score && more
        });
        if wins {
            self.best = Some(Path {
                amount: label.amount,
                edges: self.trace(label),
                score,
            });
        }
    }

    /// Edges of a finished label from source to target.
    fn trace(&self, label: &Label) -> Vec<usize> {
        let mut edges = Vec::new();
        let mut cursor = label.parent;
        while let Some((edge, parent)) = cursor {
            edges.push(edge);
            cursor = self.labels.get(parent).and_then(|label| label.parent);
        }
        if !self.objective.exact_out {
            edges.reverse();
        }
        edges
    }
}
