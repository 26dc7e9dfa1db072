//! Batches of records across the seam: checked NumPy arrays in, bytes copied, nothing shared.
//!
//! A batch is copied into memory of the engine while the interpreter is held, and only then is the
//! interpreter let go. So no other thread can change a command that is being matched, and none sees
//! half an event: without any unsafe code.

use bytemuck::Pod;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyType};

use crate::error::core_error;

/// Bytes of a record.
pub(crate) const RECORD: usize = 64;

/// The NumPy things that the seam asks for again and again.
pub(crate) struct Numpy {
    ndarray: Py<PyType>,
    uint8: Py<PyAny>,
    frombuffer: Py<PyAny>,
    /// `router.records`, where the layouts are.
    records: Py<PyModule>,
    command: Py<PyAny>,
    event: Py<PyAny>,
    feed: Py<PyAny>,
}

static NUMPY: PyOnceLock<Numpy> = PyOnceLock::new();

impl Numpy {
    /// Loads NumPy at the first use of an array, so that who uses none does not wait for it.
    pub(crate) fn get(py: Python<'_>) -> PyResult<&'static Self> {
        NUMPY.get_or_try_init(py, || {
            let numpy = py.import("numpy")?;
            let records = py.import("router.records")?;
            Ok(Self {
                ndarray: numpy.getattr("ndarray")?.cast_into::<PyType>()?.unbind(),
                uint8: numpy.getattr("uint8")?.unbind(),
                frombuffer: numpy.getattr("frombuffer")?.unbind(),
                command: records.getattr("COMMAND_DTYPE")?.unbind(),
                event: records.getattr("EVENT_DTYPE")?.unbind(),
                feed: records.getattr("FEED_DTYPE")?.unbind(),
                records: records.unbind(),
            })
        })
    }

    /// Returns an array of a type of `router.records` over bytes that nobody else has.
    pub(crate) fn array<'py>(
        &self,
        py: Python<'py>,
        bytes: &[u8],
        dtype: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let dtype = self.records.bind(py).getattr(dtype)?;
        self.frombuffer
            .bind(py)
            .call1((PyBytes::new(py, bytes), dtype))
    }
}

/// A caller's array of records, checked, as bytes. It keeps the array alive.
pub(crate) struct Lane(PyBuffer<u8>);

impl Lane {
    /// Takes the commands of a batch.
    pub(crate) fn commands(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let numpy = Numpy::get(array.py())?;
        lane(array, numpy, &numpy.command, "commands", "COMMAND_DTYPE")
    }

    /// Takes the array that events are written into.
    pub(crate) fn events(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let numpy = Numpy::get(array.py())?;
        let lane = lane(array, numpy, &numpy.event, "out", "EVENT_DTYPE")?;
        if lane.0.readonly() {
            return Err(invalid("`out` cannot be written to."));
        }
        if lane.len() == 0 {
            return Err(invalid("`out` has no room for any event."));
        }
        Ok(lane)
    }

    /// Takes events that are only read.
    pub(crate) fn published(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let numpy = Numpy::get(array.py())?;
        lane(array, numpy, &numpy.event, "events", "EVENT_DTYPE")
    }

    /// Takes records of the public feed.
    pub(crate) fn feed(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let numpy = Numpy::get(array.py())?;
        lane(array, numpy, &numpy.feed, "records", "FEED_DTYPE")
    }

    /// Number of records.
    pub(crate) fn len(&self) -> usize {
        self.0.item_count().checked_div(RECORD).unwrap_or(0)
    }

    /// Whether two arrays have memory in common.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let span = |lane: &Self| {
            let start = lane.0.buf_ptr().addr();
            (start, start.saturating_add(lane.0.len_bytes()))
        };
        let ((start, end), (other_start, other_end)) = (span(self), span(other));
        start < other_end && other_start < end
    }

    /// Copies records from `first` on into `into`, as many as fit it.
    pub(crate) fn read<T: Pod>(&self, py: Python<'_>, first: usize, into: &mut [T]) {
        let from = self.0.as_slice(py).unwrap_or(&[]);
        let from = from.get(first.saturating_mul(RECORD)..).unwrap_or(&[]);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(into);
        for (byte, cell) in bytes.iter_mut().zip(from) {
            *byte = cell.get();
        }
    }

    /// Copies records to the places from `first` on, as many as there are.
    pub(crate) fn write<T: Pod>(&self, py: Python<'_>, first: usize, records: &[T]) {
        let to = self.0.as_mut_slice(py).unwrap_or(&[]);
        let to = to.get(first.saturating_mul(RECORD)..).unwrap_or(&[]);
        for (cell, byte) in to.iter().zip(bytemuck::cast_slice::<T, u8>(records)) {
            cell.set(*byte);
        }
    }
}

fn lane(
    array: &Bound<'_, PyAny>,
    numpy: &Numpy,
    dtype: &Py<PyAny>,
    name: &str,
    type_name: &str,
) -> PyResult<Lane> {
    let py = array.py();
    if !array.is_instance(numpy.ndarray.bind(py))? {
        return Err(invalid(&format!("`{name}` is not a NumPy array.")));
    }
    let given = array.getattr(intern!(py, "dtype"))?;
    if !given.is(dtype) && !given.eq(dtype)? {
        return Err(invalid(&format!(
            "`{name}` is not an array of {type_name}."
        )));
    }
    let lines = || invalid(&format!("`{name}` is not one contiguous line of records."));
    let bytes = array
        .call_method1(intern!(py, "view"), (&numpy.uint8,))
        .map_err(|error| match error.is_instance_of::<PyValueError>(py) {
            true => lines(),
            false => error,
        })?;
    let buffer = PyBuffer::<u8>::get(&bytes).map_err(|error| {
        match error.is_instance_of::<PyBufferError>(py) {
            true => lines(),
            false => error,
        }
    })?;
    if buffer.dimensions() != 1 || !buffer.is_c_contiguous() {
        return Err(lines());
    }
    Ok(Lane(buffer))
}

pub(crate) fn invalid(message: &str) -> PyErr {
    core_error("BATCH_INVALID", message)
}
