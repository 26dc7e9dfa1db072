//! Buying an exact output: amounts are found backwards and proved forwards.
//!
//! Each token's need is divided over the legs that deliver it, each leg is quoted for its part of
//! the output, and the inputs add up to the needs one token earlier. Execution swaps exact inputs,
//! so the result is then replayed forwards; what rounding delivers too much is shaved off the input.

use super::cells::{at, push_at, set_at};
use super::dual::Flow;
use super::float::{share_floor, to_f64};
use super::objective::Objective;
use super::path::best_path_without;
use super::recover::{rest_order, Skeleton};
use super::scope::{Scope, ScopeEdge};
use super::split::{Outcome, Split, Want};
use super::venue::Trade;
use crate::num::U256;

/// Tries to make up for output that rounding took away.
const MAX_RAISES: usize = 8;

/// Most replays of one shave.
const MAX_SHAVES: usize = 48;

/// What a book does with a part of a lot that others could complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lots {
    Down,
    Up,
}

/// Returns the splits, each with its forward replay, that deliver at least `amount_out` over the
/// skeleton's venues: with lots rounded down, up, and with a pool that completes books.
pub(super) fn purchases(
    scope: &Scope<'_>,
    objective: &Objective,
    skeleton: &Skeleton,
    amount_out: U256,
) -> Vec<(Split, Outcome)> {
    let has_books = skeleton
        .flows
        .iter()
        .any(|flow| scope.edges.get(flow.edge).is_some_and(|e| e.is_ladder));
    let mut found: Vec<(Split, Outcome)> = Vec::new();
    found.extend(buy(scope, skeleton, amount_out, Lots::Down));
    if has_books {
        found.extend(buy(scope, skeleton, amount_out, Lots::Up));
        if let Some(completed) = completed(scope, objective, skeleton, amount_out) {
            found.extend(buy(scope, &completed, amount_out, Lots::Down));
        }
    }
    found
}

/// Returns the skeleton with a pool, or else a path, beside books that stand alone, so that they
/// need not round up to a whole lot.
fn completed(
    scope: &Scope<'_>,
    objective: &Objective,
    skeleton: &Skeleton,
    amount_out: U256,
) -> Option<Skeleton> {
    let into_target: Vec<&ScopeEdge<'_>> = skeleton
        .flows
        .iter()
        .filter_map(|flow| scope.edges.get(flow.edge))
        .filter(|edge| edge.to == scope.target)
        .collect();
    if into_target.iter().any(|edge| !edge.is_ladder) {
        return None;
    }
    let book = into_target.last()?;
    // What the books leave open is less than a lot: half a lot is near enough to compare.
    let lot = book.venue.trade_exact_out(book.edge.way, U256::ONE).ok()?;
    let part = lot
        .amount_out
        .wrapping_shr(1)
        .max(U256::ONE)
        .min(amount_out);
    if let Some(pool) = cheapest_pool(scope, skeleton, book.from, part) {
        return skeleton.with_remainder(scope, &[pool]);
    }
    let path = best_path_without(scope, &objective.gross(), part, |index| {
        scope
            .edges
            .get(index)
            .is_none_or(|edge| edge.is_ladder || skeleton.uses_venue(scope, edge.edge.venue))
    })?;
    skeleton.with_remainder(scope, &path.edges)
}

/// Returns the unused pool that sells `part` of the target for the least of `token`.
fn cheapest_pool(
    scope: &Scope<'_>,
    skeleton: &Skeleton,
    token: usize,
    part: U256,
) -> Option<usize> {
    scope
        .edges_from(token)
        .iter()
        .filter_map(|index| Some((*index, scope.edges.get(*index)?)))
        .filter(|(_, edge)| edge.to == scope.target && !edge.is_ladder)
        .filter(|(_, edge)| !skeleton.uses_venue(scope, edge.edge.venue))
        .filter_map(|(index, edge)| {
            let trade = edge.venue.trade_exact_out(edge.edge.way, part).ok()?;
            Some((trade.amount_in, index))
        })
        .min()
        .map(|(_, index)| index)
}

/// Returns the split and its forward replay that deliver at least `amount_out`; `None` when the
/// skeleton's venues cannot.
fn buy(
    scope: &Scope<'_>,
    skeleton: &Skeleton,
    amount_out: U256,
    lots: Lots,
) -> Option<(Split, Outcome)> {
    let mut asked = amount_out;
    let mut skeleton = skeleton.clone();
    for _ in 0..MAX_RAISES {
        let (mut split, amount_in) = match backward(scope, &skeleton, asked, lots)? {
            Needs::Met(split, amount_in) => (split, amount_in),
            Needs::Short { token, part } => {
                skeleton.weaken(scope, token, part);
                continue;
            }
        };
        let outcome = split.settle(scope, amount_in);
        let short = amount_out.saturating_sub(outcome.amount_out);
        if short.is_zero() {
            return Some(shave(scope, split, outcome, amount_out));
        }
        asked = asked.checked_add(short)?;
    }
    None
}

/// What became of a backward pass.
enum Needs {
    /// The split and the input it needs.
    Met(Split, U256),
    /// Venues could deliver only this part of what later legs need of a token.
    Short { token: usize, part: f64 },
}

/// Divides the needs from the target back to the source; `None` when the target's own legs fall
/// short.
fn backward(scope: &Scope<'_>, skeleton: &Skeleton, amount_out: U256, lots: Lots) -> Option<Needs> {
    let mut needs = vec![U256::ZERO; scope.token_count()];
    set_at(&mut needs, scope.target, amount_out);
    let mut paid = vec![U256::ZERO; scope.edges.len()];
    let mut arriving: Vec<Vec<&Flow>> = vec![Vec::new(); scope.token_count()];
    for flow in &skeleton.flows {
        if let Some(edge) = scope.edges.get(flow.edge) {
            push_at(&mut arriving, edge.to, flow);
        }
    }
    for token in skeleton.order.iter().rev() {
        if *token == scope.source {
            continue;
        }
        let mut flows = arriving
            .get_mut(*token)
            .map(std::mem::take)
            .unwrap_or_default();
        flows.sort_by(|left, right| rest_order(scope, left, right));
        let need = at(&needs, *token);
        let (trades, left) = divide(scope, &flows, need, lots)?;
        if !left.is_zero() {
            if *token == scope.target {
                return None;
            }
            let part = portion(to_f64(need.saturating_sub(left)), to_f64(need));
            return Some(Needs::Short {
                token: *token,
                part,
            });
        }
        for (edge, trade) in trades {
            let from = scope.edges.get(edge)?.from;
            let need = at(&needs, from).checked_add(trade.amount_in)?;
            set_at(&mut needs, from, need);
            set_at(&mut paid, edge, trade.amount_in);
        }
    }
    let split = skeleton.stages(scope, |flow, _| Want::Amount(at(&paid, flow.edge)));
    Some(Needs::Met(split, at(&needs, scope.source)))
}

/// Divides one token's need over its legs; a leg that runs dry leaves its part to the later ones.
/// Returns the trades and what none could deliver.
fn divide(
    scope: &Scope<'_>,
    flows: &[&Flow],
    need: U256,
    lots: Lots,
) -> Option<(Vec<(usize, Trade)>, U256)> {
    let mut trades = Vec::with_capacity(flows.len());
    let mut left = need;
    let mut weight: f64 = flows.iter().map(|flow| flow.amount_out).sum();
    for (position, flow) in flows.iter().enumerate() {
        if left.is_zero() {
            break;
        }
        let edge = scope.edges.get(flow.edge)?;
        let is_last = position == flows.len().saturating_sub(1);
        let part = if is_last {
            left
        } else {
            share_floor(left, portion(flow.amount_out, weight))
        };
        weight = remaining(weight, flow.amount_out);
        if part.is_zero() {
            continue;
        }
        let trade = deliver(edge, part, is_last, lots);
        left = left.saturating_sub(trade.amount_out);
        if !trade.amount_out.is_zero() {
            trades.push((flow.edge, trade));
        }
    }
    Some((trades, left))
}

/// Returns the trade for `amount_out`, or all the venue has; a book that others complete may round
/// down to whole lots.
fn deliver(edge: &ScopeEdge<'_>, amount_out: U256, is_last: bool, lots: Lots) -> Trade {
    let way = edge.edge.way;
    let all = || edge.venue.trade_exact_in(way, U256::MAX);
    let trade = edge
        .venue
        .trade_exact_out(way, amount_out)
        .unwrap_or_else(|_| all());
    let completes = is_last || lots == Lots::Up;
    if edge.is_ladder && !completes && trade.amount_out > amount_out {
        let less = trade.amount_in.saturating_sub(U256::ONE);
        return edge.venue.trade_exact_in(way, less);
    }
    trade
}

/// Lowers the input while the output still suffices, down to a single unit.
fn shave(scope: &Scope<'_>, split: Split, outcome: Outcome, amount_out: U256) -> (Split, Outcome) {
    let (mut best, mut best_outcome) = (split, outcome);
    let mut cut = U256::ONE;
    let mut growing = true;
    for _ in 0..MAX_SHAVES {
        let Some(amount_in) = best_outcome.amount_in.checked_sub(cut) else {
            break;
        };
        let mut trial = best.clone();
        let outcome = trial.replay(scope, amount_in);
        let suffices = outcome.amount_out >= amount_out
            && outcome.amount_in < best_outcome.amount_in
            && trial.legs().all(|leg| !leg.trade.amount_out.is_zero());
        if suffices {
            (best, best_outcome) = (trial, outcome);
        } else {
            growing = false;
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
    (best, best_outcome)
}

#[allow(
    clippy::float_arithmetic,
    reason = "a share ranks; the amounts it gives are re-priced in integers"
)]
fn portion(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        part / whole
    } else {
        0.0
    }
}

#[allow(
    clippy::float_arithmetic,
    reason = "a share ranks; the amounts it gives are re-priced in integers"
)]
fn remaining(whole: f64, part: f64) -> f64 {
    whole - part
}
