//! Numbers of single commands.

use pyo3::prelude::*;
use router_core::engine::{CommandKind, CommandRecord};

use crate::convert::Fitting;
use crate::error::core_error;

/// A default value of an argument.
pub(super) fn zero<T>(number: T) -> Fitting<T> {
    Fitting(Some(number))
}

/// Returns a number that fits its field.
pub(super) fn fit<T>(number: Fitting<T>) -> PyResult<T> {
    let unfit = || core_error("ORDER_INVALID", "A number of the command is out of range.");
    number.0.ok_or_else(unfit)
}

/// An empty record of a kind.
pub(super) fn of_kind(kind: CommandKind) -> CommandRecord {
    CommandRecord {
        kind: kind.number(),
        ..CommandRecord::default()
    }
}
