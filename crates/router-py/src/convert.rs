//! Integers of any size across the seam.

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};
use router_core::num::U256;

use crate::error::core_error;

/// An amount in base units, 0..2^256-1. Anything else raises `CoreError` with `AMOUNT_RANGE`.
#[derive(Clone, Copy)]
pub(crate) struct Units(pub(crate) U256);

impl<'py> FromPyObject<'_, 'py> for Units {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(small) = object.extract::<u64>() {
            return Ok(Self(U256::from(small)));
        }
        let number = object.cast::<PyInt>()?;
        let out_of_range = |_| core_error("AMOUNT_RANGE", "The amount is outside 0..2^256-1.");
        let bytes = number
            .call_method1("to_bytes", (32, "little"))
            .map_err(out_of_range)?;
        Ok(Self(U256::from_le_slice(
            bytes.cast::<PyBytes>()?.as_bytes(),
        )))
    }
}

impl<'py> IntoPyObject<'py> for Units {
    type Target = PyInt;
    type Output = Bound<'py, PyInt>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        if let Ok(small) = u64::try_from(self.0) {
            return Ok(small.into_pyobject(py)?);
        }
        let bytes = self.0.to_le_bytes::<32>();
        let number = py
            .get_type::<PyInt>()
            .call_method1("from_bytes", (&bytes[..], "little"))?;
        Ok(number.cast_into::<PyInt>()?)
    }
}

/// An integer that may not fit its type; `None` then, so that the caller names the fault.
#[derive(Clone, Copy)]
pub(crate) struct Fitting<T>(pub(crate) Option<T>);

impl<'a, 'py, T> FromPyObject<'a, 'py> for Fitting<T>
where
    T: FromPyObject<'a, 'py>,
{
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match object.extract::<T>() {
            Ok(value) => Ok(Self(Some(value))),
            Err(error) => {
                let error: PyErr = error.into();
                if error.is_instance_of::<PyOverflowError>(object.py()) {
                    Ok(Self(None))
                } else {
                    Err(error)
                }
            }
        }
    }
}

/// Returns a coin's number; one that no pool has for a number that does not fit.
pub(crate) fn numbered(coin: Fitting<usize>) -> usize {
    coin.0.unwrap_or(usize::MAX)
}
