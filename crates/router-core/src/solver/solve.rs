//! The way from an order to a plan.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::set_at;
use super::dual::Dual;
use super::exact_out::purchases;
use super::float::{ceil_u256, floor_u256, to_f64};
use super::market::Market;
use super::meter::Meter;
use super::objective::Objective;
use super::path::{best_path, Path};
use super::plan::{Plan, PlanLeg, SolveRequest};
use super::polish::Polish;
use super::recover::Skeleton;
use super::repair::Repair;
use super::scope::Scope;
use super::search::{gross_bound, relax, Candidate, Found, Search};
use super::split::{Outcome, SplitLeg};
use super::SolveError;
use crate::num::U256;

/// Basis points in one.
const BPS_ONE: f64 = 10_000.0;

impl Market {
    /// Splits one order: maximises the output of an exact input, or minimises the input of an exact
    /// output, after gas when gas has a price. The same request always gives the same plan.
    ///
    /// # Errors
    /// `InvalidRequest` for equal or unknown tokens, zero amounts or limits, or gas that cannot be
    /// priced; `NoRoute` when no venues join the tokens within the hop limit;
    /// `InsufficientLiquidity` when they cannot fill the amount.
    pub fn solve(&self, request: &SolveRequest) -> Result<Plan, SolveError> {
        self.solve_until(request, &|| false)
    }

    /// As [`Market::solve`], until `is_late` says that time is up. It is asked between units of work;
    /// then the best plan so far is finished, with bounds that hold and `stopped_early` set.
    ///
    /// # Errors
    /// As [`Market::solve`].
    pub fn solve_until(
        &self,
        request: &SolveRequest,
        is_late: &dyn Fn() -> bool,
    ) -> Result<Plan, SolveError> {
        check(self, request)?;
        let meter = Meter::new(is_late);
        let Some((out, paid)) = request.limit else {
            return self.solve_all(request, &meter);
        };
        let amount = self.amount_at_limit(request, &meter, to_f64(out) / to_f64(paid))?;
        let part = SolveRequest {
            amount,
            limit: None,
            ..*request
        };
        let mut plan = self.solve_all(&part, &meter)?;
        let left = request.amount.saturating_sub(amount);
        plan.unspent_in = plan.unspent_in.saturating_add(left);
        // Rounding can spoil a trade of a few units.
        let (reached, asked) = (plan.amount_out, plan.amount_in);
        if is_below(reached, asked, (out, paid)) {
            return Err(SolveError::InsufficientLiquidity);
        }
        Ok(plan)
    }

    /// Returns how much of an order its limit price lets through.
    ///
    /// # Errors
    /// `NoRoute` and `InsufficientLiquidity` as [`Market::solve`], the latter also when the first unit
    /// does not reach the limit.
    fn amount_at_limit(
        &self,
        request: &SolveRequest,
        meter: &Meter<'_>,
        rate: f64,
    ) -> Result<U256, SolveError> {
        let scope = Scope::new(self, request)?;
        let dual = Dual::new(&scope, meter, false, to_f64(request.amount));
        let filled = dual.filled_at(rate, &dual.spot_prices());
        let amount = floor_u256(filled).min(request.amount);
        if amount.is_zero() {
            return Err(SolveError::InsufficientLiquidity);
        }
        Ok(amount)
    }

    /// Splits the whole amount of an order.
    fn solve_all(&self, request: &SolveRequest, meter: &Meter<'_>) -> Result<Plan, SolveError> {
        let objective = Objective::new(self, request)?;
        let scope = Scope::new(self, request)?;
        let single = best_path(&scope, &objective.gross(), request.amount);
        let dual = Dual::new(&scope, meter, request.exact_out, to_f64(request.amount));
        let spot = dual.spot_prices();
        let start = single.as_ref().map_or_else(
            || spot.clone(),
            |path| prices_after(&scope, request, path, &spot),
        );
        let relaxed = relax(&dual, &start);
        let bound = gross_bound(
            &dual,
            &[&spot, &start, &relaxed.prices, &relaxed.flow_prices],
        );
        let found = search(&dual, &objective, request, single.as_ref(), relaxed.prices);
        let bound_net = if objective.has_gas() {
            found.ceiling.min(bound)
        } else {
            bound
        };
        let best = finished(&scope, &objective, request, found, meter)?;
        let answer = Answer {
            stopped_early: meter.has_stopped(),
            scope: &scope,
            objective: &objective,
            found: &best,
            bound,
            bound_net,
            best_single: single.map_or(U256::ZERO, |path| path.amount),
        };
        Ok(answer.plan())
    }
}

/// Whether `out` for `paid` is less than the ratio of the limit.
fn is_below(out: U256, paid: U256, limit: (U256, U256)) -> bool {
    match (out.checked_mul(limit.1), paid.checked_mul(limit.0)) {
        (Some(got), Some(wanted)) => got < wanted,
        // Beyond 256 bits the ratios are compared as floats, outwards.
        _ => to_f64(out) / to_f64(paid) < to_f64(limit.0) / to_f64(limit.1),
    }
}

/// Searches from `prices`, with the best single paths as first candidates.
fn search(
    dual: &Dual<'_, '_>,
    objective: &Objective,
    request: &SolveRequest,
    single: Option<&Path>,
    prices: Vec<f64>,
) -> Found {
    let scope = dual.scope;
    let mut search = Search::new(scope, dual, objective, request.amount, legs_limit(request));
    let after_gas = objective
        .has_gas()
        .then(|| best_path(scope, objective, request.amount))
        .flatten();
    for path in single.into_iter().chain(&after_gas) {
        for candidate in along(scope, objective, request, path) {
            search.offer(search.repaired(candidate));
        }
    }
    search.run(prices)
}

/// Polishes what an exact-in search found.
///
/// # Errors
/// `InsufficientLiquidity` when it found nothing.
fn finished(
    scope: &Scope<'_>,
    objective: &Objective,
    request: &SolveRequest,
    found: Found,
    meter: &Meter<'_>,
) -> Result<Candidate, SolveError> {
    let best = found.best.ok_or(SolveError::InsufficientLiquidity)?;
    if request.exact_out || meter.is_late() {
        return Ok(best);
    }
    let repair = Repair {
        scope,
        objective,
        amount: request.amount,
        max_legs: legs_limit(request),
    };
    Ok(repair.run(polished(&repair, best, found.promising)))
}

fn legs_limit(request: &SolveRequest) -> usize {
    usize::try_from(request.max_legs).unwrap_or(usize::MAX)
}

fn check(market: &Market, request: &SolveRequest) -> Result<(), SolveError> {
    let count = market.token_count();
    let reason = if request.token_in >= count || request.token_out >= count {
        "A token id is out of range."
    } else if request.token_in == request.token_out {
        "The token to sell and the token to buy are the same."
    } else if request.amount.is_zero() {
        "The amount is zero."
    } else if request.limit.is_some() && request.exact_out {
        "A limit price is for an exact input."
    } else if request
        .limit
        .is_some_and(|(out, paid)| out.is_zero() || paid.is_zero())
    {
        "Both sides of a limit price must be above zero."
    } else if request.max_hops == 0 || request.max_legs == 0 {
        "The limits of hops and legs must be at least one."
    } else {
        return Ok(());
    };
    Err(SolveError::InvalidRequest(reason))
}

/// Replays a single path as candidates.
fn along(
    scope: &Scope<'_>,
    objective: &Objective,
    request: &SolveRequest,
    path: &Path,
) -> Vec<Candidate> {
    let skeleton = Skeleton::path(scope, &path.edges);
    let plans = if request.exact_out {
        purchases(scope, objective, &skeleton, request.amount)
    } else {
        let mut split = skeleton.to_split(scope);
        let outcome = split.settle(scope, request.amount);
        vec![(split, outcome)]
    };
    plans
        .into_iter()
        .map(|(split, outcome)| Candidate {
            // A single path has nothing to polish.
            promise: f64::NEG_INFINITY,
            split,
            outcome,
        })
        .collect()
}

/// Returns the better of the best candidate and the most promising one, both polished.
fn polished(repair: &Repair<'_, '_>, best: Candidate, promising: Option<Candidate>) -> Candidate {
    let objective = repair.objective;
    let mut polish = Polish::new(repair.scope, objective, repair.amount);
    let is_other = |other: &Candidate| other.outcome != best.outcome;
    let other = promising.filter(is_other).map(|other| polish.run(other));
    let best = polish.run(best);
    match other {
        Some(other) if objective.prefers(&other.outcome, &best.outcome) => other,
        _ => best,
    }
}

/// Returns the marginal prices after the whole order went along one path; elsewhere `spot`.
fn prices_after(scope: &Scope<'_>, request: &SolveRequest, path: &Path, spot: &[f64]) -> Vec<f64> {
    let mut prices = spot.to_vec();
    let mut marginals = Vec::new();
    let mut amount = if request.exact_out {
        to_f64(path.amount)
    } else {
        to_f64(request.amount)
    };
    for edge in path
        .edges
        .iter()
        .filter_map(|index| scope.edges.get(*index))
    {
        let curve = &edge.edge.curve;
        marginals.push((edge.from, edge.to, curve.marginal(amount)));
        amount = curve.output(amount);
    }
    let mut price = 1.0;
    if request.exact_out {
        for (_, to, marginal) in marginals {
            price /= marginal;
            set_at(&mut prices, to, price);
        }
    } else {
        for (from, _, marginal) in marginals.into_iter().rev() {
            price *= marginal;
            set_at(&mut prices, from, price);
        }
    }
    prices
}

/// Everything the plan is written from.
struct Answer<'a, 'm> {
    scope: &'a Scope<'m>,
    objective: &'a Objective,
    found: &'a Candidate,
    /// Bounds as scores: output, or minus input.
    bound: f64,
    bound_net: f64,
    best_single: U256,
    stopped_early: bool,
}

impl Answer<'_, '_> {
    fn plan(&self) -> Plan {
        let outcome: &Outcome = &self.found.outcome;
        let gas = self.objective.plan_gas(outcome);
        let gas_cost = self.objective.cost(gas);
        let dust = outcome
            .dust
            .iter()
            .map(|(token, units)| (self.scope.token_id(*token), *units))
            .collect();
        Plan {
            amount_in: outcome.amount_in,
            amount_out: outcome.amount_out,
            unspent_in: if self.objective.exact_out {
                U256::ZERO
            } else {
                outcome.unspent_in
            },
            gas,
            gas_cost,
            bound: self.whole(self.bound),
            bound_net: self.whole(self.bound_net),
            gap_bps: self.gap(self.bound, &self.objective.gross()),
            gap_net_bps: self.gap(self.bound_net, self.objective),
            best_single: self.best_single,
            spot_price: self.scope.spot_price(),
            dust,
            stopped_early: self.stopped_early,
            legs: self.legs(),
        }
    }

    /// Turns a bound on the score into whole units, still on the safe side.
    fn whole(&self, score: f64) -> U256 {
        if self.objective.exact_out {
            ceil_u256(-score)
        } else {
            floor_u256(score)
        }
    }

    fn gap(&self, bound: f64, objective: &Objective) -> f64 {
        let value = objective.score(&self.found.outcome);
        let distance = (bound - value).max(0.0);
        if distance.is_infinite() {
            // No finite bound was found, so nothing is known of the distance.
            BPS_ONE
        } else if distance > 0.0 {
            // Values on both sides of zero are further apart than the larger of them.
            (distance / bound.abs().max(value.abs())).min(1.0) * BPS_ONE
        } else {
            0.0
        }
    }

    /// Legs in execution order: pools as staged, then books.
    fn legs(&self) -> Vec<PlanLeg> {
        let (books, pools): (Vec<&SplitLeg>, Vec<&SplitLeg>) =
            self.found.split.legs().partition(|leg| {
                self.scope
                    .edges
                    .get(leg.edge)
                    .is_some_and(|edge| edge.is_ladder)
            });
        pools
            .into_iter()
            .chain(books)
            .filter_map(|leg| self.leg(leg))
            .collect()
    }

    fn leg(&self, leg: &SplitLeg) -> Option<PlanLeg> {
        let edge = self.scope.edges.get(leg.edge)?;
        let trade = &leg.trade;
        Some(PlanLeg {
            venue: edge.edge.venue,
            token_in: edge.edge.from,
            token_out: edge.edge.to,
            amount_in: trade.amount_in,
            amount_out: trade.amount_out,
            fee_amount: trade.fee_amount,
            ticks_crossed: trade.ticks_crossed,
            gas: trade.gas,
            takes_rest: leg.takes_rest,
            marginal_price: edge.edge.curve.marginal(to_f64(trade.amount_in)),
            lots: trade.lots,
            limit_price_ticks: trade.limit_price_ticks,
        })
    }
}
