//! Market data: `Publisher` makes the public feed, `DepthFollower` and `OrdersFollower` build it back.

use pyo3::prelude::*;
use router_core::engine::{decode_image, EventRecord};
use router_core::feed::{
    DepthFollower, FeedBook, FeedRecord, Follower, OrdersFollower, OutOfStep, Publisher, Resync,
};

use crate::convert::Fitting;
use crate::engine::{Lane, Numpy};
use crate::error::core_error;

type Feed<'py> = PyResult<Bound<'py, PyAny>>;

/// Makes the public feed from an engine's events.
#[pyclass(name = "Publisher", module = "router.core")]
pub(crate) struct PyPublisher(Publisher);

#[pymethods]
impl PyPublisher {
    #[new]
    #[pyo3(signature = (epoch=Fitting(Some(1))), text_signature = "(epoch=1)")]
    fn new(epoch: Fitting<u64>) -> PyResult<Self> {
        Ok(Self(Publisher::new(fit(epoch)?)))
    }

    /// The publisher of an engine with a saved state.
    #[staticmethod]
    fn load(image: &[u8], epoch: Fitting<u64>) -> PyResult<Self> {
        let invalid = || {
            core_error(
                "IMAGE_INVALID",
                "The bytes are no saved state of an engine.",
            )
        };
        let image = decode_image(image).map_err(|_| invalid())?;
        let publisher = Publisher::from_image(&image, fit(epoch)?).map_err(|_| invalid())?;
        Ok(Self(publisher))
    }

    /// Publish the events of whole commands as one batch; return the records of both channels.
    fn publish<'py>(
        &mut self,
        py: Python<'py>,
        events: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let events = records::<EventRecord>(py, &Lane::published(events)?);
        let (mut depth, mut orders) = (Vec::new(), Vec::new());
        self.0
            .publish(&events, &mut depth, &mut orders)
            .map_err(out_of_step)?;
        Ok((array(py, &depth)?, array(py, &orders)?))
    }

    /// Turn the order channel of an instrument on or off.
    fn watch_orders(&mut self, instrument: Fitting<u32>, watched: bool) -> PyResult<()> {
        self.0
            .watch_orders(fit(instrument)?, watched)
            .map_err(out_of_step)
    }

    /// All levels of an instrument as of the last batch.
    fn depth_snapshot<'py>(&self, py: Python<'py>, instrument: Fitting<u32>) -> Feed<'py> {
        let mut out = Vec::new();
        self.0
            .depth_snapshot(fit(instrument)?, &mut out)
            .map_err(out_of_step)?;
        array(py, &out)
    }

    /// All displayed orders of an instrument as of the last batch.
    fn orders_snapshot<'py>(&self, py: Python<'py>, instrument: Fitting<u32>) -> Feed<'py> {
        let mut out = Vec::new();
        self.0
            .orders_snapshot(fit(instrument)?, &mut out)
            .map_err(out_of_step)?;
        array(py, &out)
    }

    /// Where displayed lots would uncross now, as one record.
    fn indicative<'py>(&self, py: Python<'py>, instrument: Fitting<u32>) -> Feed<'py> {
        let mut out = Vec::new();
        self.0
            .indicative(fit(instrument)?, &mut out)
            .map_err(out_of_step)?;
        array(py, &out)
    }
}

/// Builds the levels of one instrument from the depth channel.
#[pyclass(name = "DepthFollower", module = "router.core")]
pub(crate) struct PyDepthFollower(DepthFollower);

#[pymethods]
impl PyDepthFollower {
    #[new]
    #[pyo3(signature = (instrument, *, bound=Fitting(Some(65_536))),
        text_signature = "(instrument, *, bound=65536)")]
    fn new(instrument: Fitting<u32>, bound: Fitting<usize>) -> PyResult<Self> {
        Ok(Self(Follower::new(fit(instrument)?, fit(bound)?)))
    }

    /// Take records; return why a snapshot is needed, or None.
    fn apply(
        &mut self,
        py: Python<'_>,
        records: &Bound<'_, PyAny>,
    ) -> PyResult<Option<&'static str>> {
        follow(py, &mut self.0, records)
    }

    /// Take a snapshot; return why another is needed, or None.
    fn load(
        &mut self,
        py: Python<'_>,
        snapshot: &Bound<'_, PyAny>,
    ) -> PyResult<Option<&'static str>> {
        load(py, &mut self.0, snapshot)
    }

    /// Price, displayed lots and orders of the best levels of a side; None without a book; depth 0 is all.
    #[pyo3(signature = (side, depth=Fitting(Some(0))), text_signature = "($self, side, depth=0)")]
    fn levels(
        &self,
        side: Fitting<u8>,
        depth: Fitting<usize>,
    ) -> PyResult<Option<Vec<(i64, u64, u64)>>> {
        let (side, depth) = (fit(side)?, fit(depth)?);
        let limit = if depth == 0 { usize::MAX } else { depth };
        Ok(self.0.book().map(|book| book.depth(side, limit)))
    }

    /// Epoch and sequence of the last record taken.
    #[getter]
    fn position(&self) -> (u64, u64) {
        self.0.position()
    }
}

/// Builds the queues of one instrument from the order channel.
#[pyclass(name = "OrdersFollower", module = "router.core")]
pub(crate) struct PyOrdersFollower(OrdersFollower);

#[pymethods]
impl PyOrdersFollower {
    #[new]
    #[pyo3(signature = (instrument, *, bound=Fitting(Some(65_536))),
        text_signature = "(instrument, *, bound=65536)")]
    fn new(instrument: Fitting<u32>, bound: Fitting<usize>) -> PyResult<Self> {
        Ok(Self(Follower::new(fit(instrument)?, fit(bound)?)))
    }

    /// Take records; return why a snapshot is needed, or None.
    fn apply(
        &mut self,
        py: Python<'_>,
        records: &Bound<'_, PyAny>,
    ) -> PyResult<Option<&'static str>> {
        follow(py, &mut self.0, records)
    }

    /// Take a snapshot; return why another is needed, or None.
    fn load(
        &mut self,
        py: Python<'_>,
        snapshot: &Bound<'_, PyAny>,
    ) -> PyResult<Option<&'static str>> {
        load(py, &mut self.0, snapshot)
    }

    /// Price, order id and displayed lots of each order of a side in priority order; None without a book.
    fn orders(&self, side: Fitting<u8>) -> PyResult<Option<Vec<(i64, u64, u64)>>> {
        let side = fit(side)?;
        Ok(self.0.book().map(|book| book.orders(side)))
    }

    /// Epoch and sequence of the last record taken.
    #[getter]
    fn position(&self) -> (u64, u64) {
        self.0.position()
    }
}

fn follow<B: FeedBook>(
    py: Python<'_>,
    follower: &mut Follower<B>,
    given: &Bound<'_, PyAny>,
) -> PyResult<Option<&'static str>> {
    let mut lost = None;
    for record in &records::<FeedRecord>(py, &Lane::feed(given)?) {
        if let Err(why) = follower.apply(record) {
            lost = Some(name_of(why));
        }
    }
    Ok(lost)
}

fn load<B: FeedBook>(
    py: Python<'_>,
    follower: &mut Follower<B>,
    snapshot: &Bound<'_, PyAny>,
) -> PyResult<Option<&'static str>> {
    let snapshot = records::<FeedRecord>(py, &Lane::feed(snapshot)?);
    Ok(follower.load(&snapshot).err().map(name_of))
}

fn records<T: bytemuck::Pod>(py: Python<'_>, lane: &Lane) -> Vec<T> {
    let mut records = vec![T::zeroed(); lane.len()];
    lane.read(py, 0, &mut records);
    records
}

fn array<'py>(py: Python<'py>, records: &[FeedRecord]) -> Feed<'py> {
    Numpy::get(py)?.array(py, bytemuck::cast_slice(records), "FEED_DTYPE")
}

fn fit<T>(number: Fitting<T>) -> PyResult<T> {
    let unfit = || core_error("BATCH_INVALID", "A number is out of range.");
    number.0.ok_or_else(unfit)
}

fn out_of_step(why: OutOfStep) -> PyErr {
    core_error(
        "FEED_OUT_OF_STEP",
        &format!("The feed cannot go on: {why}."),
    )
}

const fn name_of(why: Resync) -> &'static str {
    match why {
        Resync::Gap { .. } => "gap",
        Resync::Epoch => "epoch",
        Resync::Checksum => "checksum",
        Resync::Mismatch => "mismatch",
        Resync::TooLong => "too_long",
        Resync::Snapshot => "snapshot",
    }
}
