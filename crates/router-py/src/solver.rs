//! `Market`, `MarketBuilder`, `Plan` and `PlanLeg`.

use std::num::NonZero;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use router_core::num::U256;
use router_core::solver::{
    LadderSpec, LegGas, Market, MarketBuilder, Plan, PlanLeg, SolveError, SolveRequest,
};

use crate::amm::{PyV2Pool, PyV3Pool};
use crate::balancer::{PyBalancerStablePool, PyWeightedPool};
use crate::convert::{Fitting, Units};
use crate::curve::{PyCryptoPool, PyStableSwapPool};
use crate::error::core_error;
use crate::solidly::PySolidlyPool;
use crate::v4::PyV4Pool;

/// Converts the solver's refusal.
fn from_solve(error: SolveError) -> PyErr {
    core_error(error.code(), error.message())
}

/// Returns a number of the request, or the refusal of one that does not fit.
fn fitting<T>(value: Fitting<T>, reason: &'static str) -> PyResult<T> {
    value
        .0
        .ok_or_else(|| from_solve(SolveError::InvalidRequest(reason)))
}

fn token(value: Fitting<u32>) -> PyResult<u32> {
    fitting(value, "A token id is out of range.")
}

/// One venue's part of a plan.
#[pyclass(
    name = "PlanLeg",
    module = "router.core",
    frozen,
    eq,
    skip_from_py_object
)]
#[derive(Clone, PartialEq)]
pub(crate) struct PyPlanLeg(PlanLeg);

#[pymethods]
impl PyPlanLeg {
    #[getter]
    fn venue(&self) -> u32 {
        self.0.venue
    }

    #[getter]
    fn token_in(&self) -> u32 {
        self.0.token_in
    }

    #[getter]
    fn token_out(&self) -> u32 {
        self.0.token_out
    }

    #[getter]
    fn amount_in(&self) -> Units {
        Units(self.0.amount_in)
    }

    #[getter]
    fn amount_out(&self) -> Units {
        Units(self.0.amount_out)
    }

    #[getter]
    fn fee_amount(&self) -> Units {
        Units(self.0.fee_amount)
    }

    #[getter]
    fn ticks_crossed(&self) -> u32 {
        self.0.ticks_crossed
    }

    #[getter]
    fn gas(&self) -> u64 {
        self.0.gas
    }

    #[getter]
    fn takes_rest(&self) -> bool {
        self.0.takes_rest
    }

    #[getter]
    fn marginal_price(&self) -> f64 {
        self.0.marginal_price
    }

    #[getter]
    fn lots(&self) -> u64 {
        self.0.lots
    }

    #[getter]
    fn limit_price_ticks(&self) -> u64 {
        self.0.limit_price_ticks
    }

    fn __repr__(&self) -> String {
        let leg = &self.0;
        format!(
            "PlanLeg(venue={}, token_in={}, token_out={}, amount_in={}, amount_out={}, \
             takes_rest={}, lots={})",
            leg.venue,
            leg.token_in,
            leg.token_out,
            leg.amount_in,
            leg.amount_out,
            if leg.takes_rest { "True" } else { "False" },
            leg.lots,
        )
    }
}

/// The answer of the solver, replayed exactly in integers.
#[pyclass(name = "Plan", module = "router.core", frozen, eq, skip_from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct PyPlan {
    plan: Plan,
    exact_out: bool,
}

#[pymethods]
impl PyPlan {
    #[getter]
    fn amount_in(&self) -> Units {
        Units(self.plan.amount_in)
    }

    #[getter]
    fn amount_out(&self) -> Units {
        Units(self.plan.amount_out)
    }

    #[getter]
    fn unspent_in(&self) -> Units {
        Units(self.plan.unspent_in)
    }

    #[getter]
    fn gas(&self) -> u64 {
        self.plan.gas
    }

    #[getter]
    fn gas_cost(&self) -> Units {
        Units(self.plan.gas_cost)
    }

    /// Exact-in: `amount_out - gas_cost`, negative when gas eats it; exact-out: `amount_in + gas_cost`.
    #[getter]
    fn net<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let cost = Units(self.plan.gas_cost).into_pyobject(py)?;
        if self.exact_out {
            Units(self.plan.amount_in).into_pyobject(py)?.add(cost)
        } else {
            Units(self.plan.amount_out).into_pyobject(py)?.sub(cost)
        }
    }

    #[getter]
    fn bound(&self) -> Units {
        Units(self.plan.bound)
    }

    #[getter]
    fn bound_net(&self) -> Units {
        Units(self.plan.bound_net)
    }

    #[getter]
    fn gap_bps(&self) -> f64 {
        self.plan.gap_bps
    }

    #[getter]
    fn gap_net_bps(&self) -> f64 {
        self.plan.gap_net_bps
    }

    #[getter]
    fn best_single(&self) -> Units {
        Units(self.plan.best_single)
    }

    #[getter]
    fn spot_price(&self) -> f64 {
        self.plan.spot_price
    }

    #[getter]
    fn dust(&self) -> Vec<(u32, Units)> {
        let dust = self.plan.dust.iter();
        dust.map(|(token, units)| (*token, Units(*units))).collect()
    }

    #[getter]
    fn stopped_early(&self) -> bool {
        self.plan.stopped_early
    }

    #[getter]
    fn legs(&self) -> Vec<PyPlanLeg> {
        self.plan.legs.iter().cloned().map(PyPlanLeg).collect()
    }

    fn __repr__(&self) -> String {
        let plan = &self.plan;
        format!(
            "Plan(amount_in={}, amount_out={}, unspent_in={}, gas_cost={}, bound={}, legs=<{}>)",
            plan.amount_in,
            plan.amount_out,
            plan.unspent_in,
            plan.gas_cost,
            plan.bound,
            plan.legs.len(),
        )
    }
}

/// An immutable set of venues over dense token ids.
#[pyclass(name = "Market", module = "router.core", frozen)]
pub(crate) struct PyMarket(Market);

#[pymethods]
impl PyMarket {
    #[getter]
    fn token_count(&self) -> u32 {
        self.0.token_count()
    }

    #[getter]
    fn venue_count(&self) -> usize {
        self.0.venue_count()
    }

    /// Split one order; the GIL is released meanwhile.
    #[pyo3(
        signature = (
            token_in,
            token_out,
            amount,
            *,
            exact_out = false,
            max_hops = Fitting(Some(3)),
            max_legs = Fitting(Some(8)),
            gas_price_wei = Units(U256::ZERO),
            native_token = None,
            base_gas = Fitting(Some(0)),
            deadline_micros = None,
            limit = None,
        ),
        text_signature = "($self, token_in, token_out, amount, *, exact_out=False, max_hops=3, \
            max_legs=8, gas_price_wei=0, native_token=None, base_gas=0, deadline_micros=None, limit=None)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of the Python signature"
    )]
    fn solve(
        &self,
        py: Python<'_>,
        token_in: Fitting<u32>,
        token_out: Fitting<u32>,
        amount: Units,
        exact_out: bool,
        max_hops: Fitting<u32>,
        max_legs: Fitting<u32>,
        gas_price_wei: Units,
        native_token: Option<Fitting<u32>>,
        base_gas: Fitting<u64>,
        deadline_micros: Option<Fitting<u64>>,
        limit: Option<(Units, Units)>,
    ) -> PyResult<PyPlan> {
        let is_late = lateness(deadline_micros)?;
        let request = SolveRequest {
            token_in: token(token_in)?,
            token_out: token(token_out)?,
            amount: amount.0,
            exact_out,
            limit: limit.map(|(out, paid)| (out.0, paid.0)),
            max_hops: fitting(max_hops, "The hop limit is out of range.")?,
            max_legs: fitting(max_legs, "The leg limit is out of range.")?,
            gas_price_wei: gas_price_wei.0,
            native_token: native_token.map(token).transpose()?,
            base_gas: fitting(base_gas, "The base gas is out of range.")?,
        };
        py.detach(|| self.0.solve_until(&request, &is_late))
            .map(|plan| PyPlan { plan, exact_out })
            .map_err(from_solve)
    }

    /// Solve many orders by themselves on several threads; the GIL is released meanwhile.
    #[pyo3(
        signature = (
            orders,
            *,
            exact_out = false,
            max_hops = Fitting(Some(3)),
            max_legs = Fitting(Some(8)),
            gas_price_wei = Units(U256::ZERO),
            native_token = None,
            base_gas = Fitting(Some(0)),
            deadline_micros = None,
            threads = None,
        ),
        text_signature = "($self, orders, *, exact_out=False, max_hops=3, max_legs=8, \
            gas_price_wei=0, native_token=None, base_gas=0, deadline_micros=None, threads=None)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of the Python signature"
    )]
    fn quote_many<'py>(
        &self,
        py: Python<'py>,
        orders: Vec<(Fitting<u32>, Fitting<u32>, Units)>,
        exact_out: bool,
        max_hops: Fitting<u32>,
        max_legs: Fitting<u32>,
        gas_price_wei: Units,
        native_token: Option<Fitting<u32>>,
        base_gas: Fitting<u64>,
        deadline_micros: Option<Fitting<u64>>,
        threads: Option<Fitting<usize>>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let common = SolveRequest {
            token_in: 0,
            token_out: 0,
            amount: U256::ZERO,
            exact_out,
            limit: None,
            max_hops: fitting(max_hops, "The hop limit is out of range.")?,
            max_legs: fitting(max_legs, "The leg limit is out of range.")?,
            gas_price_wei: gas_price_wei.0,
            native_token: native_token.map(token).transpose()?,
            base_gas: fitting(base_gas, "The base gas is out of range.")?,
        };
        // An unknown token is the refusal of its order alone.
        let requests: Vec<SolveRequest> = orders
            .into_iter()
            .map(|(token_in, token_out, amount)| SolveRequest {
                token_in: token_in.0.unwrap_or(u32::MAX),
                token_out: token_out.0.unwrap_or(u32::MAX),
                amount: amount.0,
                ..common
            })
            .collect();
        let threads = threads
            .map(|count| fitting(count, "The number of threads is out of range."))
            .transpose()?
            .or_else(|| std::thread::available_parallelism().ok().map(NonZero::get))
            .unwrap_or(1);
        let is_late = lateness(deadline_micros)?;
        let answers = py.detach(|| self.0.solve_many(&requests, threads, &is_late));
        answers
            .into_iter()
            .map(|answer| match answer {
                Ok(plan) => Ok(Bound::new(py, PyPlan { plan, exact_out })?.into_any()),
                Err(refused) => Ok(from_solve(refused).into_value(py).into_bound(py).into_any()),
            })
            .collect()
    }
}

/// Returns what says whether a deadline from now has passed.
fn lateness(deadline_micros: Option<Fitting<u64>>) -> PyResult<impl Fn() -> bool + Sync> {
    let reason = "The deadline is out of range.";
    let limit = deadline_micros
        .map(|micros| fitting(micros, reason).map(Duration::from_micros))
        .transpose()?;
    let begun = Instant::now();
    Ok(move || limit.is_some_and(|limit| begun.elapsed() >= limit))
}

/// Collects venues; each add returns the venue's index in plans.
#[pyclass(name = "MarketBuilder", module = "router.core")]
pub(crate) struct PyMarketBuilder(MarketBuilder);

/// A pool of two or more coins.
#[derive(FromPyObject)]
enum MultiArgument<'py> {
    Weighted(PyRef<'py, PyWeightedPool>),
    Stable(PyRef<'py, PyBalancerStablePool>),
    StableSwap(PyRef<'py, PyStableSwapPool>),
    Solidly(PyRef<'py, PySolidlyPool>),
    Crypto(PyRef<'py, PyCryptoPool>),
}

type LevelArgument = (Fitting<u64>, Fitting<u64>);

#[pymethods]
impl PyMarketBuilder {
    #[new]
    fn new(token_count: Fitting<u32>) -> PyResult<Self> {
        let token_count = fitting(token_count, "The token count is out of range.")?;
        MarketBuilder::new(token_count)
            .map(Self)
            .map_err(from_solve)
    }

    fn add_v2(
        &mut self,
        token0: Fitting<u32>,
        token1: Fitting<u32>,
        pool: &PyV2Pool,
    ) -> PyResult<u32> {
        self.0
            .add_v2(token(token0)?, token(token1)?, pool.0)
            .map_err(from_solve)
    }

    fn add_v3(
        &mut self,
        token0: Fitting<u32>,
        token1: Fitting<u32>,
        pool: &PyV3Pool,
    ) -> PyResult<u32> {
        self.0
            .add_v3(token(token0)?, token(token1)?, pool.0.clone())
            .map_err(from_solve)
    }

    fn add_v4(
        &mut self,
        token0: Fitting<u32>,
        token1: Fitting<u32>,
        pool: &PyV4Pool,
    ) -> PyResult<u32> {
        self.0
            .add_v4(token(token0)?, token(token1)?, pool.0.clone())
            .map_err(from_solve)
    }

    /// Add a pool of two or more coins; `tokens` are its coins in their order.
    fn add_multi(&mut self, tokens: Vec<Fitting<u32>>, pool: MultiArgument<'_>) -> PyResult<u32> {
        let tokens = tokens
            .into_iter()
            .map(token)
            .collect::<PyResult<Vec<_>>>()?;
        match pool {
            MultiArgument::Weighted(pool) => self.0.add_weighted(&tokens, pool.0.clone()),
            MultiArgument::Stable(pool) => self.0.add_balancer_stable(&tokens, pool.0.clone()),
            MultiArgument::StableSwap(pool) => self.0.add_stable_swap(&tokens, pool.0.clone()),
            MultiArgument::Solidly(pool) => self.0.add_solidly(&tokens, pool.0),
            MultiArgument::Crypto(pool) => self.0.add_crypto(&tokens, pool.0.clone()),
        }
        .map_err(from_solve)
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "the parts of a book, as in the Python signature"
    )]
    #[pyo3(
        signature = (
            base, quote, lot_units, tick_units, taker_fee_ppm, bids, asks, *,
            tick_divisor = Units(U256::ONE)
        ),
        text_signature = "($self, base, quote, lot_units, tick_units, taker_fee_ppm, bids, asks, \
            *, tick_divisor=1)"
    )]
    fn add_ladder(
        &mut self,
        base: Fitting<u32>,
        quote: Fitting<u32>,
        lot_units: Units,
        tick_units: Units,
        taker_fee_ppm: Fitting<u32>,
        bids: Vec<LevelArgument>,
        asks: Vec<LevelArgument>,
        tick_divisor: Units,
    ) -> PyResult<u32> {
        let spec = LadderSpec {
            lot_units: lot_units.0,
            tick_units: tick_units.0,
            tick_divisor: tick_divisor.0,
            taker_fee_ppm: fitting(taker_fee_ppm, "The taker fee is 100 % or more.")?,
            bids: levels(bids)?,
            asks: levels(asks)?,
        };
        self.0
            .add_ladder(token(base)?, token(quote)?, &spec)
            .map_err(from_solve)
    }

    /// Reckon legs over a venue with this gas instead of the pool's own estimate.
    fn set_leg_gas(
        &mut self,
        venue: Fitting<u32>,
        gas: Fitting<u64>,
        gas_per_tick: Fitting<u64>,
    ) -> PyResult<()> {
        let reason = "The gas of a leg is out of range.";
        let leg_gas = LegGas {
            base: fitting(gas, reason)?,
            per_tick: fitting(gas_per_tick, reason)?,
        };
        let venue = fitting(venue, "There is no such venue.")?;
        self.0.set_leg_gas(venue, leg_gas).map_err(from_solve)
    }

    /// Return the market of what was added so far.
    fn build(&self) -> PyMarket {
        PyMarket(self.0.build())
    }
}

fn levels(listed: Vec<LevelArgument>) -> PyResult<Vec<(u64, u64)>> {
    let reason = "A book level's price or size is out of range.";
    listed
        .into_iter()
        .map(|(price, lots)| Ok((fitting(price, reason)?, fitting(lots, reason)?)))
        .collect()
}
