//! `V4Pool`.

use pyo3::prelude::*;
use router_core::amm::{Quote, Tick, V4Pool};
use router_core::num::U256;

use crate::amm::{
    fee_misfit, initialised_tick, limit_of, misfit, NextPool, PyPoolQuote, TickArgument,
};
use crate::convert::{Fitting, Units};
use crate::error::from_amm;

/// Uniswap V4 pool without hooks, with every tick as (index, liquidity_gross, liquidity_net).
#[pyclass(
    name = "V4Pool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PyV4Pool(pub(crate) V4Pool);

#[pymethods]
impl PyV4Pool {
    #[new]
    fn new(
        lp_fee_ppm: Fitting<u32>,
        protocol_fee: Fitting<u32>,
        tick_spacing: Fitting<i32>,
        sqrt_price_x96: Units,
        tick: Fitting<i32>,
        liquidity: Fitting<u128>,
        ticks: Vec<TickArgument>,
    ) -> PyResult<Self> {
        let ticks = ticks
            .into_iter()
            .map(initialised_tick)
            .collect::<PyResult<Vec<Tick>>>()?;
        V4Pool::new(
            lp_fee_ppm.0.ok_or_else(fee_misfit)?,
            protocol_fee.0.ok_or_else(fee_misfit)?,
            tick_spacing.0.ok_or_else(misfit)?,
            sqrt_price_x96.0,
            tick.0.ok_or_else(misfit)?,
            liquidity.0.ok_or_else(misfit)?,
            ticks.into(),
        )
        .map(Self)
        .map_err(from_amm)
    }

    #[getter]
    fn lp_fee_ppm(&self) -> u32 {
        self.0.lp_fee_ppm()
    }

    #[getter]
    fn protocol_fee(&self) -> u32 {
        self.0.protocol_fee()
    }

    #[getter]
    fn tick_spacing(&self) -> i32 {
        self.0.tick_spacing()
    }

    #[getter]
    fn sqrt_price_x96(&self) -> Units {
        Units(self.0.sqrt_price_x96())
    }

    #[getter]
    fn tick(&self) -> i32 {
        self.0.tick()
    }

    #[getter]
    fn liquidity(&self) -> u128 {
        self.0.liquidity()
    }

    #[getter]
    fn ticks(&self) -> Vec<(i32, u128, i128)> {
        let ticks = self.0.ticks().iter();
        ticks
            .map(|tick| (tick.index, tick.liquidity_gross, tick.liquidity_net))
            .collect()
    }

    /// Return the whole fee of one direction in parts per million of the input, rounded up.
    fn swap_fee_ppm(&self, zero_for_one: bool) -> u32 {
        self.0.swap_fee_ppm(zero_for_one)
    }

    /// Quote; limit 0 means none. A pool that runs dry takes less than `amount_in`.
    #[pyo3(
        signature = (zero_for_one, amount_in, sqrt_price_limit_x96 = Units(U256::ZERO)),
        text_signature = "($self, zero_for_one, amount_in, sqrt_price_limit_x96=0)"
    )]
    fn quote_exact_in(
        &self,
        zero_for_one: bool,
        amount_in: Units,
        sqrt_price_limit_x96: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_in(zero_for_one, amount_in.0, limit_of(sqrt_price_limit_x96))
            .map(answered)
            .map_err(from_amm)
    }

    /// Quote; without a limit a pool that cannot deliver raises INSUFFICIENT_LIQUIDITY.
    #[pyo3(
        signature = (zero_for_one, amount_out, sqrt_price_limit_x96 = Units(U256::ZERO)),
        text_signature = "($self, zero_for_one, amount_out, sqrt_price_limit_x96=0)"
    )]
    fn quote_exact_out(
        &self,
        zero_for_one: bool,
        amount_out: Units,
        sqrt_price_limit_x96: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_out(zero_for_one, amount_out.0, limit_of(sqrt_price_limit_x96))
            .map(answered)
            .map_err(from_amm)
    }

    /// Return the pool after a Swap event.
    fn with_swap(
        &self,
        sqrt_price_x96: Units,
        liquidity: Fitting<u128>,
        tick: Fitting<i32>,
    ) -> PyResult<Self> {
        let liquidity = liquidity.0.ok_or_else(misfit)?;
        let tick = tick.0.ok_or_else(misfit)?;
        self.0
            .with_swap(sqrt_price_x96.0, liquidity, tick)
            .map(Self)
            .map_err(from_amm)
    }

    /// Return the pool after a ModifyLiquidity event.
    fn with_liquidity_change(
        &self,
        tick_lower: Fitting<i32>,
        tick_upper: Fitting<i32>,
        delta: Fitting<i128>,
    ) -> PyResult<Self> {
        let lower = tick_lower.0.ok_or_else(misfit)?;
        let upper = tick_upper.0.ok_or_else(misfit)?;
        let delta = delta.0.ok_or_else(misfit)?;
        self.0
            .with_liquidity_change(lower, upper, delta)
            .map(Self)
            .map_err(from_amm)
    }

    /// Return the pool with other fees.
    fn with_fees(&self, lp_fee_ppm: Fitting<u32>, protocol_fee: Fitting<u32>) -> PyResult<Self> {
        let lp_fee_ppm = lp_fee_ppm.0.ok_or_else(fee_misfit)?;
        let protocol_fee = protocol_fee.0.ok_or_else(fee_misfit)?;
        self.0
            .with_fees(lp_fee_ppm, protocol_fee)
            .map(Self)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        let pool = &self.0;
        format!(
            "V4Pool(lp_fee_ppm={}, protocol_fee={}, tick_spacing={}, sqrt_price_x96={}, tick={}, \
             liquidity={}, ticks=<{}>)",
            pool.lp_fee_ppm(),
            pool.protocol_fee(),
            pool.tick_spacing(),
            pool.sqrt_price_x96(),
            pool.tick(),
            pool.liquidity(),
            pool.ticks().len(),
        )
    }
}

fn answered(quote: Quote<V4Pool>) -> PyPoolQuote {
    let next = NextPool::V4(quote.next.clone());
    PyPoolQuote::from_parts(&quote, next)
}
