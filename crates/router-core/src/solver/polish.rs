//! Single units moved between parallel legs, judged by the exact replay alone.
//!
//! The dual's shares are right to about ten digits; what is left to win is rounding. Moves start
//! small and shrink to one unit, and their number is limited.

use super::float::to_f64;
use super::objective::Objective;
use super::scope::Scope;
use super::search::Candidate;
use super::split::{Split, SplitLeg, Stage, Want};
use crate::num::U256;

/// Most exact replays of one polish.
const MAX_REPLAYS: usize = 160;

/// A gap below this share of the value is not worth a replay.
const GOOD_ENOUGH: f64 = 1e-9;

/// Polishes exact-in candidates; the amount sold is fixed.
pub(super) struct Polish<'s, 'm> {
    scope: &'s Scope<'m>,
    objective: &'s Objective,
    amount: U256,
    replays_left: usize,
}

impl<'s, 'm> Polish<'s, 'm> {
    pub(super) fn new(scope: &'s Scope<'m>, objective: &'s Objective, amount: U256) -> Self {
        Self {
            scope,
            objective,
            amount,
            replays_left: MAX_REPLAYS,
        }
    }

    /// Improves a candidate whose score no plan can raise above `ceiling`.
    pub(super) fn run(mut self, candidate: Candidate, ceiling: f64, max_legs: usize) -> Candidate {
        let mut best = self.spend_left_overs(candidate, max_legs);
        if self.is_good(&best, ceiling) {
            return best;
        }
        self.drop_legs(&mut best);
        best.split.fix_amounts();
        let mut step = first_step(self.amount);
        loop {
            while self.exchange(&mut best, step) {}
            if step <= U256::ONE || self.replays_left == 0 || self.is_good(&best, ceiling) {
                return best;
            }
            step = step.wrapping_shr(2).max(U256::ONE);
        }
    }

    #[allow(
        clippy::float_arithmetic,
        reason = "the gap only decides whether to look further"
    )]
    fn is_good(&self, candidate: &Candidate, ceiling: f64) -> bool {
        let score = self.objective.score(&candidate.outcome);
        let slack = (to_f64(candidate.outcome.amount_out) * GOOD_ENOUGH).max(1.0);
        ceiling - score < slack
    }

    /// Replays a changed split and keeps it when it is better.
    fn try_split(&mut self, best: &mut Candidate, mut split: Split) -> bool {
        if self.replays_left == 0 {
            return false;
        }
        self.replays_left = self.replays_left.saturating_sub(1);
        let outcome = split.settle(self.scope, self.amount);
        let wins = self.objective.prefers(&outcome, &best.outcome);
        if wins {
            *best = Candidate { split, outcome };
        }
        wins
    }

    /// Sends what whole lots left over through a pool that delivers the target, where one is free.
    fn spend_left_overs(&mut self, candidate: Candidate, max_legs: usize) -> Candidate {
        let mut best = candidate;
        let tokens: Vec<usize> = best.split.stages.iter().map(|stage| stage.token).collect();
        for token in tokens {
            let left = if token == self.scope.source {
                best.outcome.unspent_in
            } else {
                best.outcome
                    .dust
                    .iter()
                    .find(|(dusty, _)| *dusty == token)
                    .map_or(U256::ZERO, |(_, units)| *units)
            };
            if left.is_zero() || best.outcome.leg_count >= max_legs {
                continue;
            }
            let pools: Vec<usize> = self
                .scope
                .edges_from(token)
                .iter()
                .copied()
                .filter(|index| self.is_free_pool(&best.split, *index))
                .collect();
            for index in pools {
                let mut split = best.split.clone();
                if let Some(stage) = split.stages.iter_mut().find(|stage| stage.token == token) {
                    stage.legs.push(SplitLeg::new(index, Want::Share(1.0)));
                }
                // Of several pools the best one replaces the others by coming first.
                if self.try_split(&mut best, split) {
                    break;
                }
            }
        }
        best
    }

    fn is_free_pool(&self, split: &Split, index: usize) -> bool {
        self.scope.edges.get(index).is_some_and(|edge| {
            edge.to == self.scope.target
                && !edge.is_ladder
                && !split.legs().any(|leg| {
                    self.scope
                        .edges
                        .get(leg.edge)
                        .is_some_and(|used| used.edge.venue == edge.edge.venue)
                })
        })
    }

    /// Tries the plan without each leg.
    fn drop_legs(&mut self, best: &mut Candidate) {
        let edges: Vec<usize> = best.split.legs().map(|leg| leg.edge).collect();
        if edges.len() < 2 {
            return;
        }
        for edge in edges {
            if !best.split.uses(edge) {
                continue;
            }
            let mut split = best.split.clone();
            for stage in &mut split.stages {
                stage.legs.retain(|leg| leg.edge != edge);
            }
            split.stages.retain(|stage| !stage.legs.is_empty());
            self.try_split(best, split);
        }
    }

    /// Tries to move `step` units between every two legs of a stage; true when one move won.
    fn exchange(&mut self, best: &mut Candidate, step: U256) -> bool {
        let moves: Vec<(usize, usize, usize)> = best
            .split
            .stages
            .iter()
            .enumerate()
            .flat_map(|(stage, legs)| pairs(stage, legs))
            .collect();
        let mut won = false;
        for (stage, from, to) in moves {
            let mut split = best.split.clone();
            let moved = split
                .stages
                .get_mut(stage)
                .is_some_and(|stage| shift(stage, from, to, step));
            won |= moved && self.try_split(best, split);
        }
        won
    }
}

/// Every ordered pair of legs of a stage.
fn pairs(index: usize, stage: &Stage) -> impl Iterator<Item = (usize, usize, usize)> {
    let count = stage.legs.len();
    (0..count).flat_map(move |from| {
        (0..count)
            .filter(move |to| *to != from)
            .map(move |to| (index, from, to))
    })
}

/// Moves units from one leg's want to another's. The leg that takes the rest needs no change.
fn shift(stage: &mut Stage, from: usize, to: usize, step: U256) -> bool {
    let amount = |leg: Option<&SplitLeg>| match leg.map(|leg| leg.want) {
        Some(Want::Amount(amount)) => Some(amount),
        Some(Want::Share(_)) | None => None,
    };
    let less = amount(stage.legs.get(from)).and_then(|amount| amount.checked_sub(step));
    let more = amount(stage.legs.get(to)).and_then(|amount| amount.checked_add(step));
    let (Some(less), Some(more)) = (less, more) else {
        return false;
    };
    for (index, want) in [(from, less), (to, more)] {
        if let Some(leg) = stage.legs.get_mut(index) {
            leg.want = Want::Amount(want);
        }
    }
    true
}

/// A millionth of the order, or for dust a sixteenth, at least one unit.
fn first_step(amount: U256) -> U256 {
    let dust = amount.wrapping_shr(4).min(U256::from(64));
    amount.wrapping_shr(20).max(dust).max(U256::ONE)
}
