//! `StableSwapPool`.

use pyo3::prelude::*;
use router_core::amm::{AmmError, CurveEra, MultiPool, Quote, StableSwapPool, StableSwapTerms};

use crate::amm::{misfit, NextPool, PyPoolQuote};
use crate::convert::{numbered, Fitting, Units};
use crate::error::from_amm;

/// Curve StableSwap pool; fees are in 10^-10 of the output, rates as in the contract.
#[pyclass(
    name = "StableSwapPool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PyStableSwapPool(pub(crate) StableSwapPool);

fn era_of(name: &str) -> PyResult<CurveEra> {
    match name {
        "classic" => Ok(CurveEra::Classic),
        "ng" => Ok(CurveEra::Ng),
        "plain" => Ok(CurveEra::Plain),
        _ => Err(from_amm(AmmError::InvalidPool(
            "The era of a Curve pool is classic, ng or plain.",
        ))),
    }
}

fn answer(quote: Quote<StableSwapPool>) -> PyPoolQuote {
    let next = NextPool::StableSwap(quote.next.clone());
    PyPoolQuote::from_parts(&quote, next)
}

#[pymethods]
impl PyStableSwapPool {
    #[new]
    #[pyo3(
        signature = (
            balances,
            rates,
            amp,
            fee,
            *,
            amp_precision = Fitting(Some(100)),
            admin_fee = Units(router_core::num::U256::ZERO),
            offpeg_fee_multiplier = Units(router_core::num::U256::ZERO),
            era = "classic",
        ),
        text_signature = "(balances, rates, amp, fee, *, amp_precision=100, admin_fee=0, \
            offpeg_fee_multiplier=0, era='classic')"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "keyword arguments of the Python signature"
    )]
    fn new(
        balances: Vec<Units>,
        rates: Vec<Units>,
        amp: Units,
        fee: Units,
        amp_precision: Fitting<u32>,
        admin_fee: Units,
        offpeg_fee_multiplier: Units,
        era: &str,
    ) -> PyResult<Self> {
        let terms = StableSwapTerms {
            rates: rates.into_iter().map(|rate| rate.0).collect(),
            amp: amp.0,
            amp_precision: amp_precision.0.ok_or_else(misfit)?,
            fee: fee.0,
            admin_fee: admin_fee.0,
            offpeg_fee_multiplier: offpeg_fee_multiplier.0,
            era: era_of(era)?,
        };
        let balances = balances.into_iter().map(|balance| balance.0).collect();
        StableSwapPool::new(balances, terms)
            .map(Self)
            .map_err(from_amm)
    }

    #[getter]
    fn balances(&self) -> Vec<Units> {
        self.0.balances().iter().copied().map(Units).collect()
    }

    #[getter]
    fn rates(&self) -> Vec<Units> {
        self.0.terms().rates.iter().copied().map(Units).collect()
    }

    #[getter]
    fn amp(&self) -> Units {
        Units(self.0.terms().amp)
    }

    #[getter]
    fn fee(&self) -> Units {
        Units(self.0.terms().fee)
    }

    /// Return the invariant, with 18 decimals.
    fn invariant(&self) -> PyResult<Units> {
        self.0.invariant().map(Units).map_err(from_amm)
    }

    /// Return what the contract's `get_dy` says.
    fn get_dy(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_in: Units,
    ) -> PyResult<Units> {
        self.0
            .get_dy(numbered(coin_in), numbered(coin_out), amount_in.0)
            .map(Units)
            .map_err(from_amm)
    }

    fn quote_exact_in(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_in: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_in(numbered(coin_in), numbered(coin_out), amount_in.0)
            .map(answer)
            .map_err(from_amm)
    }

    /// Quote the least input that delivers at least `amount_out`.
    fn quote_exact_out(
        &self,
        coin_in: Fitting<usize>,
        coin_out: Fitting<usize>,
        amount_out: Units,
    ) -> PyResult<PyPoolQuote> {
        self.0
            .quote_exact_out(numbered(coin_in), numbered(coin_out), amount_out.0)
            .map(answer)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        format!(
            "StableSwapPool(balances={:?}, amp={}, fee={})",
            self.0.balances(),
            self.0.terms().amp,
            self.0.terms().fee,
        )
    }
}
