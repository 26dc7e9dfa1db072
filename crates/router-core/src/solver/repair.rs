//! What float flows cannot know: whole lots leave rests, and a pool that runs dry takes less.
//!
//! A rest goes through a pool that delivers the target where one is free; what no later leg can
//! use is not bought in the first place, so that it stays in the token that was paid.

use super::objective::Objective;
use super::path::best_path_without;
use super::scope::Scope;
use super::search::Candidate;
use super::split::{Outcome, Split, SplitLeg, Want};
use crate::num::U256;

/// Most quotes of one search for the least input.
const MAX_CUTS: usize = 64;

/// Repairs exact-in candidates.
pub(super) struct Repair<'s, 'm> {
    pub(super) scope: &'s Scope<'m>,
    pub(super) objective: &'s Objective,
    pub(super) amount: U256,
    pub(super) max_legs: usize,
}

impl Repair<'_, '_> {
    /// Returns the candidate, or a better one in which left-overs are used or not bought.
    pub(super) fn run(&self, mut best: Candidate) -> Candidate {
        let left_over =
            |outcome: &Outcome| !outcome.unspent_in.is_zero() || !outcome.dust.is_empty();
        if left_over(&best.outcome) {
            self.spend(&mut best);
        }
        if !best.outcome.dust.is_empty() {
            self.trim(&mut best);
        }
        if !best.outcome.unspent_in.is_zero() {
            self.spend_along_path(&mut best);
        }
        if !best.outcome.unspent_in.is_zero() {
            self.tighten(&mut best);
        }
        best
    }

    fn take_better(&self, best: &mut Candidate, mut split: Split) -> bool {
        let outcome = split.settle(self.scope, self.amount);
        let wins = self.objective.prefers(&outcome, &best.outcome);
        if wins {
            best.split = split;
            best.outcome = outcome;
        }
        wins
    }

    /// Sends left-overs through free pools into the target.
    fn spend(&self, best: &mut Candidate) {
        let tokens: Vec<usize> = best.split.stages.iter().map(|stage| stage.token).collect();
        for token in tokens {
            let left = self.left_at(&best.outcome, token);
            if left.is_zero() || best.outcome.leg_count >= self.max_legs {
                continue;
            }
            let Some(pool) = self.best_free_pool(&best.split, token, left) else {
                continue;
            };
            let mut split = best.split.clone();
            if let Some(stage) = split.stages.iter_mut().find(|stage| stage.token == token) {
                stage.legs.push(SplitLeg::new(pool, Want::Share(1.0)));
            }
            self.take_better(best, split);
        }
    }

    /// Sends unspent input along the best path of unused venues, at most up to the first token that
    /// the plan already passes on.
    fn spend_along_path(&self, best: &mut Candidate) {
        let split = &best.split;
        let is_used = |index: usize| {
            self.scope
                .edges
                .get(index)
                .is_some_and(|edge| split.uses_venue(self.scope, edge.edge.venue))
        };
        let unspent = best.outcome.unspent_in;
        let Some(path) = best_path_without(self.scope, self.objective, unspent, is_used) else {
            return;
        };
        if best.outcome.leg_count.saturating_add(path.edges.len()) > self.max_legs {
            return;
        }
        let mut split = best.split.clone();
        if split.extend_along(self.scope, &path.edges) {
            self.take_better(best, split);
        }
    }

    fn left_at(&self, outcome: &Outcome, token: usize) -> U256 {
        if token == self.scope.source {
            return outcome.unspent_in;
        }
        outcome
            .dust
            .iter()
            .find(|(dusty, _)| *dusty == token)
            .map_or(U256::ZERO, |(_, units)| *units)
    }

    /// Returns the unused pool that gives the most target for `left`, after gas.
    fn best_free_pool(&self, split: &Split, token: usize, left: U256) -> Option<usize> {
        self.scope
            .edges_from(token)
            .iter()
            .filter_map(|index| Some((*index, self.scope.edges.get(*index)?)))
            .filter(|(_, edge)| edge.to == self.scope.target && !edge.is_ladder)
            .filter(|(_, edge)| !split.uses_venue(self.scope, edge.edge.venue))
            .map(|(index, edge)| (edge.venue.trade_exact_in(edge.edge.way, left), index))
            .filter(|(trade, _)| !trade.amount_out.is_zero())
            .max_by_key(|(trade, index)| {
                let net = trade
                    .amount_out
                    .saturating_sub(self.objective.cost(trade.gas));
                (net, usize::MAX.saturating_sub(*index))
            })
            .map(|(_, index)| index)
    }

    /// Lets legs deliver no more of a middle token than later legs take, from the last stage back.
    fn trim(&self, best: &mut Candidate) {
        let mut split = best.split.clone();
        let mut outcome = best.outcome.clone();
        for _ in 0..self.scope.token_count() {
            let Some((token, units)) = outcome.dust.last().copied() else {
                break;
            };
            if !self.deliver_less(&mut split, token, units) {
                break;
            }
            outcome = split.settle(self.scope, self.amount);
        }
        self.take_better(best, split);
    }

    /// Gives every leg just the input of its output: a pool that runs dry need not be pushed over
    /// its last tick.
    fn tighten(&self, best: &mut Candidate) {
        let edges: Vec<usize> = best.split.legs().map(|leg| leg.edge).collect();
        for edge in edges.into_iter().rev() {
            let mut split = best.split.clone();
            for stage in &mut split.stages {
                for leg in stage.legs.iter_mut().filter(|leg| leg.edge == edge) {
                    leg.cap = self.least_input(leg).unwrap_or(leg.cap);
                }
                stage.yield_the_rest(self.scope);
            }
            self.take_better(best, split);
        }
    }

    /// Least input that gives the leg's output. An exact-output quote would name an input that
    /// reaches the tick; the search goes by exact inputs.
    fn least_input(&self, leg: &SplitLeg) -> Option<U256> {
        let edge = self.scope.edges.get(leg.edge)?;
        let suffices = |amount_in: U256| {
            let trade = edge.venue.trade_exact_in(edge.edge.way, amount_in);
            trade.amount_out == leg.trade.amount_out
        };
        let mut best = leg.trade.amount_in;
        let mut cut = U256::ONE;
        let mut growing = true;
        for _ in 0..MAX_CUTS {
            match best.checked_sub(cut).filter(|less| suffices(*less)) {
                Some(less) => best = less,
                None => growing = false,
            }
            cut = if growing {
                cut.saturating_add(cut)
            } else {
                cut.wrapping_shr(1)
            };
            if cut.is_zero() {
                break;
            }
        }
        Some(best)
    }

    /// Lowers the largest delivery of `token` by `units`; false when that is not possible.
    fn deliver_less(&self, split: &mut Split, token: usize, units: U256) -> bool {
        let Some((stage, position)) = split.largest_into(self.scope, token) else {
            return false;
        };
        let Some(stage) = split.stages.get_mut(stage) else {
            return false;
        };
        let Some(leg) = stage.legs.get_mut(position) else {
            return false;
        };
        let wanted = leg.trade.amount_out.saturating_sub(units);
        let amount_in = self
            .scope
            .edges
            .get(leg.edge)
            .filter(|_| !wanted.is_zero())
            .and_then(|edge| edge.venue.trade_exact_out(edge.edge.way, wanted).ok())
            .map(|trade| trade.amount_in);
        let Some(amount_in) = amount_in.filter(|amount| *amount < leg.trade.amount_in) else {
            return false;
        };
        leg.cap = amount_in;
        stage.yield_the_rest(self.scope);
        true
    }
}
