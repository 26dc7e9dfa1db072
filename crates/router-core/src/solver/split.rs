//! A plan in the making: stages of legs in topological order, replayed exactly in integers.

use super::cells::{at, set_at};
use super::float::share_floor;
use super::scope::{Scope, ScopeEdge};
use super::venue::Trade;
use crate::num::U256;

/// How much of its token a leg asks for. The last pool leg of a stage takes the rest instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Want {
    /// Part of what arrives at the token, in 0..=1.
    Share(f64),
    /// Base units.
    Amount(U256),
}

/// One leg and its last exact trade.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitLeg {
    /// Index into the scope's edges.
    pub(super) edge: usize,
    pub(super) want: Want,
    /// The leg takes no more than this, even of a rest.
    pub(super) cap: U256,
    /// What the leg was offered in the last replay; `trade` answers it.
    offered: U256,
    pub(super) trade: Trade,
    pub(super) takes_rest: bool,
}

impl SplitLeg {
    pub(super) fn new(edge: usize, want: Want) -> Self {
        Self {
            edge,
            want,
            cap: U256::MAX,
            offered: U256::ZERO,
            trade: Trade::default(),
            takes_rest: false,
        }
    }

    /// Trades what is offered; the last trade is kept when the offer is the same.
    fn offer(&mut self, edge: &ScopeEdge<'_>, amount_in: U256) {
        if amount_in != self.offered {
            self.offered = amount_in;
            self.trade = edge.venue.trade_exact_in(edge.edge.way, amount_in);
        }
    }
}

/// All legs that pay one token: books first (their lots are set aside), then pools, of which the
/// last takes the rest.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) token: usize,
    pub(super) legs: Vec<SplitLeg>,
}

/// Stages in topological order of their tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Split {
    pub(super) stages: Vec<Stage>,
}

/// What a replay gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) amount_in: U256,
    pub(super) amount_out: U256,
    pub(super) unspent_in: U256,
    /// Left-overs at intermediate tokens, by dense token.
    pub(super) dust: Vec<(usize, U256)>,
    /// Gas of the legs alone.
    pub(super) legs_gas: u64,
    pub(super) chain_legs: usize,
    pub(super) leg_count: usize,
}

impl Split {
    /// Every leg in stage order.
    pub(super) fn legs(&self) -> impl Iterator<Item = &SplitLeg> + '_ {
        self.stages.iter().flat_map(|stage| stage.legs.iter())
    }

    /// Whether a leg trades at the venue, in either direction.
    pub(super) fn uses_venue(&self, scope: &Scope<'_>, venue: u32) -> bool {
        self.legs()
            .filter_map(|leg| scope.edges.get(leg.edge))
            .any(|edge| edge.edge.venue == venue)
    }

    /// Returns stage and position of the leg that delivers most of `token`.
    pub(super) fn largest_into(&self, scope: &Scope<'_>, token: usize) -> Option<(usize, usize)> {
        let mut largest: Option<(U256, (usize, usize))> = None;
        for (stage_index, stage) in self.stages.iter().enumerate() {
            for (position, leg) in stage.legs.iter().enumerate() {
                let delivers = scope
                    .edges
                    .get(leg.edge)
                    .is_some_and(|edge| edge.to == token);
                let more = largest.is_none_or(|(most, _)| leg.trade.amount_out > most);
                if delivers && more {
                    largest = Some((leg.trade.amount_out, (stage_index, position)));
                }
            }
        }
        largest.map(|(_, place)| place)
    }

    /// Adds a path from the source whose first leg takes the rest there. Where its first token is
    /// already passed on, the path joins; a path that joins later, or ends in a book's lots on the
    /// way, is refused with false.
    pub(super) fn extend_along(&mut self, scope: &Scope<'_>, edges: &[usize]) -> bool {
        let passed_on =
            |split: &Self, token: usize| split.stages.iter().any(|stage| stage.token == token);
        let Some(source) = self
            .stages
            .iter()
            .position(|stage| stage.token == scope.source)
        else {
            return false;
        };
        for (hop, edge_index) in edges.iter().enumerate() {
            let Some(edge) = scope.edges.get(*edge_index) else {
                return false;
            };
            let leg = SplitLeg::new(*edge_index, Want::Share(1.0));
            if hop == 0 {
                if let Some(stage) = self.stages.get_mut(source) {
                    let place = if edge.is_ladder { 0 } else { stage.legs.len() };
                    stage.legs.insert(place, leg);
                }
                if passed_on(self, edge.to) {
                    return true;
                }
            } else if passed_on(self, edge.from) || edge.is_ladder {
                return false;
            } else {
                let at = source.saturating_add(hop).min(self.stages.len());
                let stage = Stage {
                    token: edge.from,
                    legs: vec![leg],
                };
                self.stages.insert(at, stage);
            }
        }
        true
    }

    /// Whether a leg uses the edge.
    pub(super) fn uses(&self, edge: usize) -> bool {
        self.legs().any(|leg| leg.edge == edge)
    }

    /// Runs the plan on `amount_in` of the source, then removes legs that trade nothing and runs
    /// again until every leg trades.
    pub(super) fn settle(&mut self, scope: &Scope<'_>, amount_in: U256) -> Outcome {
        loop {
            let outcome = self.replay(scope, amount_in);
            if !self.drop_idle(scope) {
                return outcome;
            }
        }
    }

    /// Runs the plan on `amount_in` of the source. A leg whose offer did not change keeps its trade.
    pub(super) fn replay(&mut self, scope: &Scope<'_>, amount_in: U256) -> Outcome {
        let mut balances = vec![U256::ZERO; scope.token_count()];
        set_at(&mut balances, scope.source, amount_in);
        let mut outcome = Outcome {
            amount_in,
            ..Outcome::default()
        };
        for stage in &mut self.stages {
            let left = stage.run(scope, &mut balances, &mut outcome);
            set_at(&mut balances, stage.token, U256::ZERO);
            if stage.token == scope.source {
                outcome.unspent_in = left;
                outcome.amount_in = amount_in.saturating_sub(left);
            } else if !left.is_zero() {
                outcome.dust.push((stage.token, left));
            }
        }
        outcome.amount_out = at(&balances, scope.target);
        outcome
    }

    /// Turns shares into the amounts of the last replay, so that single units can be moved.
    pub(super) fn fix_amounts(&mut self) {
        for leg in self.stages.iter_mut().flat_map(|stage| &mut stage.legs) {
            leg.want = Want::Amount(leg.trade.amount_in);
        }
    }

    /// Removes legs that traded nothing, then legs whose output nobody takes.
    fn drop_idle(&mut self, scope: &Scope<'_>) -> bool {
        let before = self.legs().count();
        for stage in &mut self.stages {
            stage.legs.retain(|leg| !leg.trade.amount_out.is_zero());
        }
        self.stages.retain(|stage| !stage.legs.is_empty());
        let served: Vec<usize> = self.stages.iter().map(|stage| stage.token).collect();
        for stage in &mut self.stages {
            stage.legs.retain(|leg| {
                scope
                    .edges
                    .get(leg.edge)
                    .is_some_and(|edge| edge.to == scope.target || served.contains(&edge.to))
            });
        }
        self.stages.retain(|stage| !stage.legs.is_empty());
        self.legs().count() < before
    }
}

impl Stage {
    /// Puts a pool leg without a cap last, so that it takes the rest; without one nothing changes.
    pub(super) fn yield_the_rest(&mut self, scope: &Scope<'_>) {
        let is_pool = |leg: &SplitLeg| scope.edges.get(leg.edge).is_some_and(|e| !e.is_ladder);
        let last = self.legs.last().is_some_and(|leg| leg.cap < U256::MAX);
        let free = self
            .legs
            .iter()
            .rposition(|leg| leg.cap == U256::MAX && is_pool(leg));
        if let (true, Some(free)) = (last, free) {
            let leg = self.legs.remove(free);
            self.legs.push(leg);
        }
    }

    /// Runs the stage's legs on its token's balance and returns what is left.
    fn run(&mut self, scope: &Scope<'_>, balances: &mut [U256], outcome: &mut Outcome) -> U256 {
        let arrived = at(balances, self.token);
        let mut left = arrived;
        let last = self.legs.len().saturating_sub(1);
        for (position, leg) in self.legs.iter_mut().enumerate() {
            let Some(edge) = scope.edges.get(leg.edge) else {
                continue;
            };
            let is_rest = position == last && !edge.is_ladder;
            let offer = match leg.want {
                _ if is_rest => left,
                Want::Share(share) => share_floor(arrived, share).min(left),
                Want::Amount(amount) => amount.min(left),
            }
            .min(leg.cap);
            leg.offer(edge, offer);
            left = left.saturating_sub(leg.trade.amount_in);
            leg.takes_rest = is_rest && left.is_zero();
        }
        left = self.offer_left_lots(scope, left);
        for leg in &self.legs {
            let Some(edge) = scope.edges.get(leg.edge) else {
                continue;
            };
            let balance = at(balances, edge.to).saturating_add(leg.trade.amount_out);
            set_at(balances, edge.to, balance);
            outcome.legs_gas = outcome.legs_gas.saturating_add(leg.trade.gas);
            outcome.leg_count = outcome.leg_count.saturating_add(1);
            outcome.chain_legs = outcome
                .chain_legs
                .saturating_add(usize::from(!edge.is_ladder));
        }
        left
    }

    /// Lets books take further lots of what no pool took.
    fn offer_left_lots(&mut self, scope: &Scope<'_>, left: U256) -> U256 {
        let mut left = left;
        for leg in &mut self.legs {
            let Some(edge) = scope.edges.get(leg.edge).filter(|edge| edge.is_ladder) else {
                continue;
            };
            if left.is_zero() {
                break;
            }
            let before = leg.trade.amount_in;
            leg.offer(edge, before.saturating_add(left).min(leg.cap));
            left = left.saturating_sub(leg.trade.amount_in.saturating_sub(before));
        }
        left
    }
}
