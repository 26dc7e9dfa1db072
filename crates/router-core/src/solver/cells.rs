//! Total reads and writes of dense vectors.
//!
//! Indices come from the solver's own arrays, so a miss cannot happen; if it did, it would read as
//! the default instead of a panic.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

/// Returns the cell, or the default outside the vector.
pub(super) fn at<T: Copy + Default>(cells: &[T], index: usize) -> T {
    cells.get(index).copied().unwrap_or_default()
}

/// Sets the cell.
pub(super) fn set_at<T>(cells: &mut [T], index: usize, value: T) {
    if let Some(cell) = cells.get_mut(index) {
        *cell = value;
    }
}

/// Adds to the cell.
pub(super) fn add_at(cells: &mut [f64], index: usize, value: f64) {
    if let Some(cell) = cells.get_mut(index) {
        *cell += value;
    }
}

/// Appends to the row.
pub(super) fn push_at<T>(rows: &mut [Vec<T>], index: usize, value: T) {
    if let Some(row) = rows.get_mut(index) {
        row.push(value);
    }
}
