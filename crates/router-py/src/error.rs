//! The one exception of the extension: `CoreError` with a stable `code` and a `message`.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use router_core::amm::AmmError;

static CORE_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Returns the exception type, made on first use.
pub(crate) fn core_error_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    CORE_ERROR
        .get_or_try_init(py, || -> PyResult<Py<PyType>> {
            let class = PyErr::new_type(
                py,
                c"router.core.CoreError",
                Some(c"A question the core refuses; `code` is stable, `message` is for people."),
                Some(&py.get_type::<PyException>()),
                // Not the defaults below: this argument is freed before it is read (PyO3 0.29.3).
                None,
            )?;
            class.bind(py).setattr("code", "INVALID_REQUEST")?;
            class.bind(py).setattr("message", "")?;
            Ok(class)
        })
        .map(|class| class.bind(py))
}

/// Returns a `CoreError` with this code and sentence.
pub(crate) fn core_error(code: &'static str, message: &str) -> PyErr {
    Python::attach(|py| {
        let raised = core_error_type(py)
            .and_then(|class| class.call1((message,)))
            .and_then(|instance| {
                instance.setattr("code", code)?;
                instance.setattr("message", message)?;
                Ok(instance)
            });
        match raised {
            Ok(instance) => PyErr::from_value(instance),
            Err(failure) => failure,
        }
    })
}

/// Converts a pool's refusal.
pub(crate) fn from_amm(error: AmmError) -> PyErr {
    core_error(error.code(), error.message())
}
