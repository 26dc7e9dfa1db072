//! `StableSwapPool`, `UnderlyingPool` and `CryptoPool`.

use pyo3::prelude::*;
use router_core::amm::{
    AmmError, CryptoParams, CryptoPool, CryptoVersion, CurveEra, MultiPool, Quote, StableSwapPool,
    StableSwapTerms, UnderlyingPool,
};
use router_core::num::U256;

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
            admin_fee = Units(U256::ZERO),
            offpeg_fee_multiplier = Units(U256::ZERO),
            era = "classic",
            supply = Units(U256::ZERO),
        ),
        text_signature = "(balances, rates, amp, fee, *, amp_precision=100, admin_fee=0, \
            offpeg_fee_multiplier=0, era='classic', supply=0)"
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
        supply: Units,
    ) -> PyResult<Self> {
        let terms = StableSwapTerms {
            rates: plain(&rates),
            amp: amp.0,
            amp_precision: amp_precision.0.ok_or_else(misfit)?,
            fee: fee.0,
            admin_fee: admin_fee.0,
            offpeg_fee_multiplier: offpeg_fee_multiplier.0,
            era: era_of(era)?,
        };
        StableSwapPool::new(plain(&balances), terms)
            .map(|pool| Self(pool.with_supply(supply.0)))
            .map_err(from_amm)
    }

    /// Return the amplification at a time of a ramp between two pairs of value and time.
    #[staticmethod]
    fn amp_at(
        initial: (Units, Fitting<u64>),
        future: (Units, Fitting<u64>),
        time: Fitting<u64>,
    ) -> PyResult<Units> {
        let initial = (initial.0 .0, initial.1 .0.ok_or_else(misfit)?);
        let future = (future.0 .0, future.1 .0.ok_or_else(misfit)?);
        StableSwapTerms::amp_at(initial, future, time.0.ok_or_else(misfit)?)
            .map(Units)
            .map_err(from_amm)
    }

    #[getter]
    fn balances(&self) -> Vec<Units> {
        wrapped(self.0.balances())
    }

    #[getter]
    fn rates(&self) -> Vec<Units> {
        wrapped(&self.0.terms().rates)
    }

    #[getter]
    fn amp(&self) -> Units {
        Units(self.0.terms().amp)
    }

    #[getter]
    fn amp_precision(&self) -> u32 {
        self.0.terms().amp_precision
    }

    #[getter]
    fn fee(&self) -> Units {
        Units(self.0.terms().fee)
    }

    #[getter]
    fn admin_fee(&self) -> Units {
        Units(self.0.terms().admin_fee)
    }

    #[getter]
    fn offpeg_fee_multiplier(&self) -> Units {
        Units(self.0.terms().offpeg_fee_multiplier)
    }

    #[getter]
    fn era(&self) -> &'static str {
        match self.0.terms().era {
            CurveEra::Original => "original",
            CurveEra::Classic => "classic",
            CurveEra::Ng => "ng",
            CurveEra::Plain => "plain",
        }
    }

    #[getter]
    fn supply(&self) -> Units {
        Units(self.0.supply())
    }

    /// Return a lending pool with its coins numbered as in `exchange_underlying`.
    fn lent(&self, precisions: Vec<Units>) -> PyResult<PyUnderlyingPool> {
        UnderlyingPool::lent(self.0.clone(), plain(&precisions).into())
            .map(PyUnderlyingPool)
            .map_err(from_amm)
    }

    /// Return a metapool with its coins numbered as in `exchange_underlying`.
    fn over(&self, base: &Self) -> PyResult<PyUnderlyingPool> {
        UnderlyingPool::over(self.0.clone(), base.0.clone())
            .map(PyUnderlyingPool)
            .map_err(from_amm)
    }

    /// Return the contract's `D`, with 18 decimals.
    fn invariant(&self) -> PyResult<Units> {
        self.0.invariant().map(Units).map_err(from_amm)
    }

    /// Return the contract's `get_virtual_price`, with 18 decimals.
    fn virtual_price(&self) -> PyResult<Units> {
        self.0.virtual_price().map(Units).map_err(from_amm)
    }

    /// Return the contract's `calc_token_amount` for a deposit of one coin, without the fee.
    fn shares_without_fee(&self, coin: Fitting<usize>, amount: Units) -> PyResult<Units> {
        self.0
            .shares_without_fee(numbered(coin), amount.0)
            .map(Units)
            .map_err(from_amm)
    }

    /// Return the contract's `calc_withdraw_one_coin`.
    fn withdrawn(&self, coin: Fitting<usize>, shares: Units) -> PyResult<Units> {
        self.0
            .withdrawn(numbered(coin), shares.0)
            .map(Units)
            .map_err(from_amm)
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
            "StableSwapPool(balances={}, amp={}, fee={}, era='{}')",
            listed(self.0.balances()),
            self.0.terms().amp,
            self.0.terms().fee,
            self.era(),
        )
    }
}

/// Curve pool with its coins numbered as in `exchange_underlying`: a lending pool or a metapool.
#[pyclass(
    name = "UnderlyingPool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PyUnderlyingPool(pub(crate) UnderlyingPool);

#[pymethods]
impl PyUnderlyingPool {
    #[getter]
    fn own(&self) -> PyStableSwapPool {
        PyStableSwapPool(self.0.own().clone())
    }

    #[getter]
    fn base(&self) -> Option<PyStableSwapPool> {
        self.0.base().map(PyStableSwapPool)
    }

    #[getter]
    fn precisions(&self) -> Option<Vec<Units>> {
        self.0.precisions().map(wrapped)
    }

    /// Return what a metapool's `get_dy_underlying` says.
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
            .map(underlying_answer)
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
            .map(underlying_answer)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        format!(
            "UnderlyingPool(balances={}, coins={})",
            listed(self.0.own().balances()),
            self.0.coin_count(),
        )
    }
}

/// Curve tricrypto pool; prices, gamma and `fee_gamma` have 18 decimals, fees are in parts of 10^10.
#[pyclass(
    name = "CryptoPool",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PyCryptoPool(pub(crate) CryptoPool);

#[pymethods]
impl PyCryptoPool {
    #[new]
    #[allow(
        clippy::too_many_arguments,
        reason = "the contract's state is this wide, and Python names the parameters"
    )]
    fn new(
        balances: [Units; 3],
        precisions: [Fitting<u64>; 3],
        price_scale: [Units; 2],
        invariant: Units,
        ann: Fitting<u64>,
        gamma: Fitting<u64>,
        mid_fee: Fitting<u64>,
        out_fee: Fitting<u64>,
        fee_gamma: Fitting<u64>,
        version: Fitting<u8>,
    ) -> PyResult<Self> {
        let [first, second, third] = precisions.map(|precision| precision.0.ok_or_else(misfit));
        let params = CryptoParams {
            ann: ann.0.ok_or_else(misfit)?,
            gamma: gamma.0.ok_or_else(misfit)?,
            mid_fee: mid_fee.0.ok_or_else(misfit)?,
            out_fee: out_fee.0.ok_or_else(misfit)?,
            fee_gamma: fee_gamma.0.ok_or_else(misfit)?,
            version: match version.0 {
                Some(1) => CryptoVersion::Tricrypto,
                Some(2) => CryptoVersion::Tricrypto2,
                _ => return Err(version_misfit()),
            },
        };
        CryptoPool::new(
            balances.map(|balance| balance.0),
            [first?, second?, third?],
            price_scale.map(|price| price.0),
            invariant.0,
            params,
        )
        .map(Self)
        .map_err(from_amm)
    }

    #[getter]
    fn balances(&self) -> Vec<Units> {
        wrapped(self.0.balances())
    }

    #[getter]
    fn precisions(&self) -> Vec<u64> {
        self.0.precisions().to_vec()
    }

    #[getter]
    fn price_scale(&self) -> Vec<Units> {
        self.0
            .price_scale()
            .iter()
            .skip(1)
            .copied()
            .map(Units)
            .collect()
    }

    #[getter]
    fn invariant(&self) -> Units {
        Units(self.0.invariant())
    }

    #[getter]
    fn ann(&self) -> u64 {
        self.0.params().ann
    }

    #[getter]
    fn gamma(&self) -> u64 {
        self.0.params().gamma
    }

    #[getter]
    fn mid_fee(&self) -> u64 {
        self.0.params().mid_fee
    }

    #[getter]
    fn out_fee(&self) -> u64 {
        self.0.params().out_fee
    }

    #[getter]
    fn fee_gamma(&self) -> u64 {
        self.0.params().fee_gamma
    }

    #[getter]
    fn version(&self) -> u8 {
        match self.0.params().version {
            CryptoVersion::Tricrypto => 1,
            CryptoVersion::Tricrypto2 => 2,
        }
    }

    /// Return the fee as it is now, in parts of 10^10.
    fn fee(&self) -> PyResult<Units> {
        self.0.fee().map(Units).map_err(from_amm)
    }

    /// Return the contract's `get_dy`, which is what its exchange pays.
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
            .map(crypto_answer)
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
            .map(crypto_answer)
            .map_err(from_amm)
    }

    fn __repr__(&self) -> String {
        format!(
            "CryptoPool(balances={}, price_scale={}, invariant={}, version={})",
            listed(self.0.balances()),
            listed(self.0.price_scale().get(1..).unwrap_or(&[])),
            self.0.invariant(),
            self.version(),
        )
    }
}

fn era_of(name: &str) -> PyResult<CurveEra> {
    match name {
        "original" => Ok(CurveEra::Original),
        "classic" => Ok(CurveEra::Classic),
        "ng" => Ok(CurveEra::Ng),
        "plain" => Ok(CurveEra::Plain),
        _ => Err(from_amm(AmmError::InvalidPool(
            "The era of a Curve pool is original, classic, ng or plain.",
        ))),
    }
}

fn version_misfit() -> PyErr {
    from_amm(AmmError::InvalidPool(
        "There is no such version of the pool's contract.",
    ))
}

fn plain(values: &[Units]) -> Vec<U256> {
    values.iter().map(|value| value.0).collect()
}

fn wrapped(values: &[U256]) -> Vec<Units> {
    values.iter().copied().map(Units).collect()
}

/// Returns the numbers as Python prints a list.
fn listed(values: &[U256]) -> String {
    let values: Vec<String> = values.iter().map(U256::to_string).collect();
    format!("[{}]", values.join(", "))
}

fn stable_answer(quote: Quote<StableSwapPool>) -> PyPoolQuote {
    let next = NextPool::StableSwap(quote.next.clone());
    PyPoolQuote::from_parts(&quote, next)
}

fn underlying_answer(quote: Quote<UnderlyingPool>) -> PyPoolQuote {
    let next = NextPool::Underlying(quote.next.clone());
    PyPoolQuote::from_parts(&quote, next)
}

fn crypto_answer(quote: Quote<CryptoPool>) -> PyPoolQuote {
    let next = NextPool::Crypto(quote.next.clone());
    PyPoolQuote::from_parts(&quote, next)
}
