//! `WeightedPool` and `BalancerStablePool`.

use pyo3::prelude::*;
use router_core::amm::{
    scaling_factor, AmmError, BalancerStablePool, MultiPool, PowVersion, Quote, StableVersion,
    WeightedPool,
};

use crate::amm::{misfit, NextPool, PyPoolQuote};
use crate::convert::{numbered, Fitting, Units};
use crate::error::from_amm;

/// Balancer V2 weighted pool of 2 to 8 coins; weights, factors and fee have 18 decimals.
#[pyclass(
    name = "WeightedPool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PyWeightedPool(pub(crate) WeightedPool);

#[pymethods]
impl PyWeightedPool {
    #[new]
    #[pyo3(signature = (balances, weights, scaling_factors, swap_fee, version, *, capped=true))]
    fn new(
        balances: Vec<Fitting<u128>>,
        weights: Vec<Fitting<u64>>,
        scaling_factors: Vec<Units>,
        swap_fee: Fitting<u64>,
        version: Fitting<u8>,
        capped: bool,
    ) -> PyResult<Self> {
        let version = match version.0 {
            Some(1) => PowVersion::General,
            Some(2) => PowVersion::Shortcuts,
            _ => return Err(version_misfit()),
        };
        WeightedPool::new(
            &all_fitting(balances)?,
            all_fitting(weights)?.into(),
            scaling_factors.iter().map(|factor| factor.0).collect(),
            swap_fee.0.ok_or_else(misfit)?,
            version,
        )
        .map(|pool| if capped { pool } else { pool.without_cap() })
        .map(Self)
        .map_err(from_amm)
    }

    /// Return the factor that turns a coin's base units into 18 decimals, with 18 decimals.
    #[staticmethod]
    fn scaling_factor(decimals: Fitting<u8>) -> PyResult<Units> {
        factor_of(decimals)
    }

    #[getter]
    fn balances(&self) -> Vec<u128> {
        self.0.balances().to_vec()
    }

    #[getter]
    fn weights(&self) -> Vec<u64> {
        self.0.weights().to_vec()
    }

    #[getter]
    fn scaling_factors(&self) -> Vec<Units> {
        self.0
            .scaling_factors()
            .iter()
            .copied()
            .map(Units)
            .collect()
    }

    #[getter]
    fn swap_fee(&self) -> u64 {
        self.0.swap_fee()
    }

    #[getter]
    fn version(&self) -> u8 {
        match self.0.pow_version() {
            PowVersion::General => 1,
            PowVersion::Shortcuts => 2,
        }
    }

    fn quote_exact_in(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_in: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_in(numbered(coin_in), numbered(coin_out), amount_in.0)
            .map(weighted_answer)
            .map_err(from_amm)
    }

    fn quote_exact_out(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_out: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_out(numbered(coin_in), numbered(coin_out), amount_out.0)
            .map(weighted_answer)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        format!(
            "WeightedPool(balances={:?}, weights={:?}, swap_fee={}, version={})",
            self.0.balances(),
            self.0.weights(),
            self.0.swap_fee(),
            self.version(),
        )
    }
}

/// Balancer V2 stable pool of 2 to 5 coins, without its own share.
#[pyclass(
    name = "BalancerStablePool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PyBalancerStablePool(pub(crate) BalancerStablePool);

#[pymethods]
impl PyBalancerStablePool {
    #[new]
    fn new(
        balances: Vec<Fitting<u128>>,
        scaling_factors: Vec<Units>,
        amp: Fitting<u64>,
        swap_fee: Fitting<u64>,
        version: Fitting<u8>,
    ) -> PyResult<Self> {
        let version = match version.0 {
            Some(1) => StableVersion::RoundedUp,
            Some(2) => StableVersion::RoundedDown,
            _ => return Err(version_misfit()),
        };
        BalancerStablePool::new(
            &all_fitting(balances)?,
            scaling_factors.iter().map(|factor| factor.0).collect(),
            amp.0.ok_or_else(misfit)?,
            swap_fee.0.ok_or_else(misfit)?,
            version,
        )
        .map(Self)
        .map_err(from_amm)
    }

    /// Return the factor of a coin with a rate of one, with 18 decimals.
    #[staticmethod]
    fn scaling_factor(decimals: Fitting<u8>) -> PyResult<Units> {
        factor_of(decimals)
    }

    #[getter]
    fn balances(&self) -> Vec<u128> {
        self.0.balances().to_vec()
    }

    #[getter]
    fn scaling_factors(&self) -> Vec<Units> {
        self.0
            .scaling_factors()
            .iter()
            .copied()
            .map(Units)
            .collect()
    }

    #[getter]
    fn amp(&self) -> u64 {
        self.0.amp()
    }

    #[getter]
    fn swap_fee(&self) -> u64 {
        self.0.swap_fee()
    }

    #[getter]
    fn version(&self) -> u8 {
        match self.0.version() {
            StableVersion::RoundedUp => 1,
            StableVersion::RoundedDown => 2,
        }
    }

    /// Return the invariant that a swap would keep, with 18 decimals.
    fn invariant(&self) -> PyResult<Units> {
        self.0.invariant().map(Units).map_err(from_amm)
    }

    fn quote_exact_in(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_in: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_in(numbered(coin_in), numbered(coin_out), amount_in.0)
            .map(stable_answer)
            .map_err(from_amm)
    }

    fn quote_exact_out(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_out: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_out(numbered(coin_in), numbered(coin_out), amount_out.0)
            .map(stable_answer)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        format!(
            "BalancerStablePool(balances={:?}, amp={}, swap_fee={}, version={})",
            self.0.balances(),
            self.0.amp(),
            self.0.swap_fee(),
            self.version(),
        )
    }
}

fn all_fitting<T>(values: Vec<Fitting<T>>) -> PyResult<Vec<T>> {
    values
        .into_iter()
        .map(|value| value.0.ok_or_else(misfit))
        .collect()
}

fn factor_of(decimals: Fitting<u8>) -> PyResult<Units> {
    let decimals = decimals.0.ok_or_else(misfit)?;
    scaling_factor(decimals).map(Units).map_err(from_amm)
}

fn version_misfit() -> PyErr {
    from_amm(AmmError::InvalidPool(
        "There is no such version of the pool's contract.",
    ))
}

fn weighted_answer(quote: Quote<WeightedPool>) -> PyPoolQuote {
    let next = NextPool::Weighted(quote.next.clone());
    PyPoolQuote::from_parts(&quote, next)
}

fn stable_answer(quote: Quote<BalancerStablePool>) -> PyPoolQuote {
    let next = NextPool::BalancerStable(quote.next.clone());
    PyPoolQuote::from_parts(&quote, next)
}
