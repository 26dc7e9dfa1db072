//! Single units moved between parallel legs, judged by the exact replay alone.
//!
//! The dual's shares are right to about ten digits; what is left to win is rounding. Moves start
//! small and shrink to one unit, and their number is limited.

use super::float::{share_floor, to_f64};
use super::objective::Objective;
use super::scope::Scope;
use super::search::Candidate;
use super::split::{Split, SplitLeg, Stage, Want};
use crate::num::U256;

/// Most exact replays of one polish, and how many legs they may replay in all.
const MAX_REPLAYS: usize = 160;
const MAX_REPLAYED_LEGS: usize = 640;

/// Most rounds of aligning legs to their steps.
const MAX_ALIGNMENTS: usize = 4;

/// A gap below this share of the value is not worth a replay.
const GOOD_ENOUGH: f64 = 1e-9;

/// The same with more legs than [`FEW_LEGS`], which cost more to replay.
const GOOD_ENOUGH_OF_MANY: f64 = 2e-8;
const FEW_LEGS: usize = 6;

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

    /// Improves a candidate while what it promises is out of reach.
    pub(super) fn run(&mut self, mut best: Candidate) -> Candidate {
        if self.is_good(&best) {
            return best;
        }
        let affordable = MAX_REPLAYED_LEGS.checked_div(best.outcome.leg_count);
        self.replays_left = affordable.map_or(MAX_REPLAYS, |most| most.min(MAX_REPLAYS));
        self.drop_legs(&mut best);
        best.split.fix_amounts();
        if self.is_coarse(&best) {
            for _ in 0..MAX_ALIGNMENTS {
                if !self.align(&mut best) {
                    break;
                }
            }
        }
        let mut step = self.first_step(&best);
        while !self.is_good(&best) {
            while self.exchange(&mut best, step) {}
            if step <= U256::ONE || self.replays_left == 0 {
                break;
            }
            step = step.wrapping_shr(2).max(U256::ONE);
        }
        best
    }

    #[allow(
        clippy::float_arithmetic,
        reason = "the gap only decides whether to look further"
    )]
    fn is_good(&self, candidate: &Candidate) -> bool {
        let score = self.objective.gross().score(&candidate.outcome);
        let part = if candidate.outcome.leg_count > FEW_LEGS {
            GOOD_ENOUGH_OF_MANY
        } else {
            GOOD_ENOUGH
        };
        let slack = (to_f64(candidate.outcome.amount_out) * part).max(1.0);
        candidate.promise - score < slack
    }

    /// Whether a unit of output or a lot, leg by leg, is worth aligning to.
    #[allow(
        clippy::float_arithmetic,
        reason = "it only decides whether to look further"
    )]
    fn is_coarse(&self, candidate: &Candidate) -> bool {
        let step = |leg: &SplitLeg| {
            let edge = self.scope.edges.get(leg.edge);
            if edge.is_some_and(|edge| edge.is_ladder) {
                1.0
            } else {
                1.0 / to_f64(leg.trade.amount_out).max(1.0)
            }
        };
        candidate.split.legs().map(step).sum::<f64>() > GOOD_ENOUGH_OF_MANY
    }

    /// Size of the first moves: losses are of second order, so a gap of a millionth means that about
    /// a thousandth of the order is out of place; for dust a sixteenth, at least one unit.
    #[allow(
        clippy::float_arithmetic,
        reason = "the gap only decides where to look"
    )]
    fn first_step(&self, candidate: &Candidate) -> U256 {
        let score = self.objective.gross().score(&candidate.outcome);
        let gap = ((candidate.promise - score) / score.abs().max(1.0)).max(0.0);
        let dust = self.amount.wrapping_shr(4).min(U256::from(64));
        share_floor(self.amount, gap.sqrt().min(0.25))
            .max(self.amount.wrapping_shr(20))
            .max(dust)
            .max(U256::ONE)
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
            best.split = split;
            best.outcome = outcome;
        }
        wins
    }

    /// Tries the plan without each leg.
    fn drop_legs(&mut self, best: &mut Candidate) {
        let edges: Vec<usize> = best.split.legs().map(|leg| leg.edge).collect();
        if edges.len() < 2 {
            return;
        }
        for edge in edges {
            if self.replays_left == 0 {
                break;
            }
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
        // Not more than could be tried: many legs have very many pairs.
        let moves: Vec<Move> = best
            .split
            .stages
            .iter()
            .enumerate()
            .flat_map(|(stage, legs)| pairs(stage, legs, step))
            .take(self.replays_left)
            .collect();
        self.try_moves(best, moves)
    }

    /// Tries to give every leg just the input of its output, of one unit more and of one less; a
    /// unit of a coarse token or a lot can be many units of input.
    fn align(&mut self, best: &mut Candidate) -> bool {
        let mut moves = Vec::new();
        for (stage_index, stage) in best.split.stages.iter().enumerate() {
            if moves.len() >= self.replays_left {
                break;
            }
            let last = stage.legs.len().saturating_sub(1);
            for (position, leg) in stage.legs.iter().enumerate() {
                let partner = if position == last {
                    last.checked_sub(1)
                } else {
                    Some(last)
                };
                let Some(partner) = partner else {
                    continue;
                };
                for wanted in self.wanted_inputs(leg) {
                    let now = leg.trade.amount_in;
                    let (from, to) = if wanted < now {
                        (position, partner)
                    } else {
                        (partner, position)
                    };
                    moves.push(Move {
                        stage: stage_index,
                        from,
                        to,
                        step: wanted.abs_diff(now),
                    });
                }
            }
        }
        self.try_moves(best, moves)
    }

    /// Inputs at which the leg's output steps.
    fn wanted_inputs(&self, leg: &SplitLeg) -> Vec<U256> {
        let Some(edge) = self.scope.edges.get(leg.edge) else {
            return Vec::new();
        };
        let (now, out) = (leg.trade.amount_in, leg.trade.amount_out);
        let outputs = [
            Some(out),
            out.checked_add(U256::ONE),
            out.checked_sub(U256::ONE),
        ];
        let mut inputs: Vec<U256> = outputs
            .into_iter()
            .flatten()
            .filter(|out| !out.is_zero())
            .filter_map(|out| edge.venue.trade_exact_out(edge.edge.way, out).ok())
            .map(|trade| trade.amount_in)
            .collect();
        if edge.is_ladder {
            // One lot less: any smaller offer.
            inputs.extend(now.checked_sub(U256::ONE));
        }
        inputs.retain(|input| *input != now);
        inputs
    }

    fn try_moves(&mut self, best: &mut Candidate, moves: Vec<Move>) -> bool {
        let mut won = false;
        for step in moves {
            if self.replays_left == 0 {
                break;
            }
            let mut split = best.split.clone();
            let moved = split
                .stages
                .get_mut(step.stage)
                .is_some_and(|stage| shift(stage, step));
            won |= moved && self.try_split(best, split);
        }
        won
    }
}

/// Units that go from one leg of a stage to another.
#[derive(Clone, Copy, Debug)]
struct Move {
    stage: usize,
    from: usize,
    to: usize,
    step: U256,
}

/// Moves of `step` between every two legs of a stage.
fn pairs(index: usize, stage: &Stage, step: U256) -> impl Iterator<Item = Move> {
    let count = stage.legs.len();
    (0..count).flat_map(move |from| {
        (0..count)
            .filter(move |to| *to != from)
            .map(move |to| Move {
                stage: index,
                from,
                to,
                step,
            })
    })
}

/// Moves units from one leg's want to another's. For the leg that takes the rest the want has no
/// effect; it keeps the books balanced.
fn shift(stage: &mut Stage, step: Move) -> bool {
    let amount = |leg: Option<&SplitLeg>| match leg.map(|leg| leg.want) {
        Some(Want::Amount(amount)) => Some(amount),
        Some(Want::Share(_)) | None => None,
    };
    let less = amount(stage.legs.get(step.from)).and_then(|now| now.checked_sub(step.step));
    let more = amount(stage.legs.get(step.to)).and_then(|now| now.checked_add(step.step));
    let (Some(less), Some(more)) = (less, more) else {
        return false;
    };
    for (index, want) in [(step.from, less), (step.to, more)] {
        if let Some(leg) = stage.legs.get_mut(index) {
            leg.want = Want::Amount(want);
        }
    }
    true
}
