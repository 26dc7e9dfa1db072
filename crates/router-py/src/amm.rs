//! `V2Pool`, `V3Pool` and `PoolQuote`.

use pyo3::prelude::*;
use router_core::amm::{
    AmmError, BalancerStablePool, CryptoPool, Quote, SolidlyPool, StableSwapPool, Tick,
    UnderlyingPool, V2Pool, V3Pool, V4Pool, WeightedPool,
};
use router_core::num::{to_u128, U256};

use crate::balancer::{PyBalancerStablePool, PyWeightedPool};
use crate::convert::{Fitting, Units};
use crate::curve::{PyCryptoPool, PyStableSwapPool, PyUnderlyingPool};
use crate::error::from_amm;
use crate::solidly::PySolidlyPool;
use crate::v4::PyV4Pool;

/// Uniswap V2 pair: x*y=k with the fee taken from the input; reserves fit in 112 bits.
#[pyclass(
    name = "V2Pool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PyV2Pool(pub(crate) V2Pool);

#[pymethods]
impl PyV2Pool {
    #[new]
    #[pyo3(
        signature = (reserve0, reserve1, fee_ppm = Fitting(Some(3000))),
        text_signature = "(reserve0, reserve1, fee_ppm=3000)"
    )]
    fn new(reserve0: Units, reserve1: Units, fee_ppm: Fitting<u32>) -> PyResult<Self> {
        let misfit = || from_amm(AmmError::InvalidPool("A V2 reserve exceeds 112 bits."));
        let reserve0 = to_u128(reserve0.0).ok_or_else(misfit)?;
        let reserve1 = to_u128(reserve1.0).ok_or_else(misfit)?;
        let fee_ppm = fee_ppm.0.ok_or_else(fee_misfit)?;
        V2Pool::new(reserve0, reserve1, fee_ppm)
            .map(Self)
            .map_err(from_amm)
    }

    #[getter]
    fn reserve0(&self) -> u128 {
        self.0.reserve0()
    }

    #[getter]
    fn reserve1(&self) -> u128 {
        self.0.reserve1()
    }

    #[getter]
    fn fee_ppm(&self) -> u32 {
        self.0.fee_ppm()
    }

    fn quote_exact_in(&self, zero_for_one: bool, amount_in: Units) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_in(zero_for_one, amount_in.0)
            .map(PyPoolQuote::from_v2)
            .map_err(from_amm)
    }

    fn quote_exact_out(&self, zero_for_one: bool, amount_out: Units) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_out(zero_for_one, amount_out.0)
            .map(PyPoolQuote::from_v2)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        let (reserve0, reserve1) = (self.0.reserve0(), self.0.reserve1());
        format!(
            "V2Pool(reserve0={reserve0}, reserve1={reserve1}, fee_ppm={})",
            self.0.fee_ppm()
        )
    }
}

/// Uniswap V3 pool with every initialised tick as (index, liquidity_gross, liquidity_net).
#[pyclass(
    name = "V3Pool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PyV3Pool(pub(crate) V3Pool);

pub(crate) type TickArgument = (Fitting<i32>, Fitting<u128>, Fitting<i128>);

#[pymethods]
impl PyV3Pool {
    #[new]
    fn new(
        fee_ppm: Fitting<u32>,
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
        V3Pool::new(
            fee_ppm.0.ok_or_else(fee_misfit)?,
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
    fn fee_ppm(&self) -> u32 {
        self.0.fee_ppm()
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
            .map(PyPoolQuote::from_v3)
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
            .map(PyPoolQuote::from_v3)
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

    /// Return the pool after a Mint (positive) or Burn (negative) event.
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

    fn __repr__(&self) -> String {
        let pool = &self.0;
        format!(
            "V3Pool(fee_ppm={}, tick_spacing={}, sqrt_price_x96={}, tick={}, liquidity={}, ticks=<{}>)",
            pool.fee_ppm(),
            pool.tick_spacing(),
            pool.sqrt_price_x96(),
            pool.tick(),
            pool.liquidity(),
            pool.ticks().len(),
        )
    }
}

#[derive(Clone)]
pub(crate) enum NextPool {
    V2(V2Pool),
    V3(V3Pool),
    V4(V4Pool),
    Weighted(WeightedPool),
    BalancerStable(BalancerStablePool),
    Solidly(SolidlyPool),
    StableSwap(StableSwapPool),
    Underlying(UnderlyingPool),
    Crypto(CryptoPool),
}

/// What a swap would do: `amount_in` is what the pool takes (less than asked when it runs dry).
#[pyclass(
    name = "PoolQuote",
    module = "router.core",
    frozen,
    skip_from_py_object
)]
#[derive(Clone)]
pub(crate) struct PyPoolQuote {
    amount_in: U256,
    amount_out: U256,
    fee_amount: U256,
    ticks_crossed: u32,
    steps: u32,
    gas: u64,
    next: NextPool,
}

impl PyPoolQuote {
    fn from_v2(quote: Quote<V2Pool>) -> Self {
        Self::from_parts(&quote, NextPool::V2(quote.next))
    }

    fn from_v3(quote: Quote<V3Pool>) -> Self {
        let next = NextPool::V3(quote.next.clone());
        Self::from_parts(&quote, next)
    }

    pub(crate) fn from_parts<P>(quote: &Quote<P>, next: NextPool) -> Self {
        Self {
            amount_in: quote.amount_in,
            amount_out: quote.amount_out,
            fee_amount: quote.fee_amount,
            ticks_crossed: quote.ticks_crossed,
            steps: quote.steps,
            gas: quote.gas,
            next,
        }
    }
}

#[pymethods]
impl PyPoolQuote {
    #[getter]
    fn amount_in(&self) -> Units {
        Units(self.amount_in)
    }

    #[getter]
    fn amount_out(&self) -> Units {
        Units(self.amount_out)
    }

    #[getter]
    fn fee_amount(&self) -> Units {
        Units(self.fee_amount)
    }

    #[getter]
    fn ticks_crossed(&self) -> u32 {
        self.ticks_crossed
    }

    #[getter]
    fn steps(&self) -> u32 {
        self.steps
    }

    #[getter]
    fn gas(&self) -> u64 {
        self.gas
    }

    #[getter]
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.next {
            NextPool::V2(pool) => Bound::new(py, PyV2Pool(*pool)).map(Bound::into_any),
            NextPool::V3(pool) => Bound::new(py, PyV3Pool(pool.clone())).map(Bound::into_any),
            NextPool::V4(pool) => Bound::new(py, PyV4Pool(pool.clone())).map(Bound::into_any),
            NextPool::Weighted(pool) => {
                Bound::new(py, PyWeightedPool(pool.clone())).map(Bound::into_any)
            }
            NextPool::BalancerStable(pool) => {
                Bound::new(py, PyBalancerStablePool(pool.clone())).map(Bound::into_any)
            }
            NextPool::StableSwap(pool) => {
                Bound::new(py, PyStableSwapPool(pool.clone())).map(Bound::into_any)
            }
            NextPool::Underlying(pool) => {
                Bound::new(py, PyUnderlyingPool(pool.clone())).map(Bound::into_any)
            }
            NextPool::Crypto(pool) => {
                Bound::new(py, PyCryptoPool(pool.clone())).map(Bound::into_any)
            }
            NextPool::Solidly(pool) => Bound::new(py, PySolidlyPool(*pool)).map(Bound::into_any),
        }
    }

    fn __repr__(&self) -> String {
        format!(
            "PoolQuote(amount_in={}, amount_out={}, fee_amount={}, ticks_crossed={}, steps={}, \
             gas={})",
            self.amount_in,
            self.amount_out,
            self.fee_amount,
            self.ticks_crossed,
            self.steps,
            self.gas,
        )
    }
}

pub(crate) fn limit_of(sqrt_price_limit_x96: Units) -> Option<U256> {
    (!sqrt_price_limit_x96.0.is_zero()).then_some(sqrt_price_limit_x96.0)
}

pub(crate) fn initialised_tick((index, gross, net): TickArgument) -> PyResult<Tick> {
    Ok(Tick {
        index: index.0.ok_or_else(misfit)?,
        liquidity_gross: gross.0.ok_or_else(misfit)?,
        liquidity_net: net.0.ok_or_else(misfit)?,
    })
}

pub(crate) fn misfit() -> PyErr {
    from_amm(AmmError::InvalidPool(
        "A number does not fit the type it has in the pool contract.",
    ))
}

pub(crate) fn fee_misfit() -> PyErr {
    from_amm(AmmError::InvalidPool(
        "The pool fee is outside 0..999999 parts per million.",
    ))
}
