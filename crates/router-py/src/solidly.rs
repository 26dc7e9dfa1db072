//! `SolidlyPool`.

use pyo3::prelude::*;
use router_core::amm::{MultiPool, Quote, SolidlyPool};

use crate::amm::{fee_misfit, misfit, NextPool, PyPoolQuote};
use crate::convert::{numbered, Fitting, Units};
use crate::error::from_amm;

/// Aerodrome or Velodrome V2 pair, volatile or stable; the fee is in parts of 10,000.
#[pyclass(
    name = "SolidlyPool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PySolidlyPool(pub(crate) SolidlyPool);

#[pymethods]
impl PySolidlyPool {
    #[new]
    fn new(
        reserves: (Fitting<u128>, Fitting<u128>),
        decimals: (Fitting<u8>, Fitting<u8>),
        fee_bps: Fitting<u16>,
        stable: bool,
    ) -> PyResult<Self> {
        let first = reserves.0 .0.ok_or_else(misfit)?;
        let second = reserves.1 .0.ok_or_else(misfit)?;
        let decimals0 = decimals.0 .0.ok_or_else(misfit)?;
        let decimals1 = decimals.1 .0.ok_or_else(misfit)?;
        let fee_bps = fee_bps.0.ok_or_else(fee_misfit)?;
        SolidlyPool::new([first, second], [decimals0, decimals1], fee_bps, stable)
            .map(Self)
            .map_err(from_amm)
    }

    #[getter]
    fn balances(&self) -> Vec<u128> {
        self.0.balances().to_vec()
    }

    #[getter]
    fn decimals(&self) -> (u8, u8) {
        self.0.decimals().into()
    }

    #[getter]
    fn fee_bps(&self) -> u16 {
        self.0.fee_bps()
    }

    #[getter]
    fn stable(&self) -> bool {
        self.0.is_stable()
    }

    fn quote_exact_in(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_in: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_in(numbered(coin_in), numbered(coin_out), amount_in.0)
            .map(answered)
            .map_err(from_amm)
    }

    /// Quote the least input that delivers `amount_out`.
    fn quote_exact_out(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_out: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_out(numbered(coin_in), numbered(coin_out), amount_out.0)
            .map(answered)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        let pool = &self.0;
        format!(
            "SolidlyPool(reserves={:?}, decimals={:?}, fee_bps={}, stable={})",
            pool.balances(),
            pool.decimals(),
            pool.fee_bps(),
            if pool.is_stable() { "True" } else { "False" },
        )
    }
}

fn answered(quote: Quote<SolidlyPool>) -> PyPoolQuote {
    let next = NextPool::Solidly(quote.next);
    PyPoolQuote::from_parts(&quote, next)
}
