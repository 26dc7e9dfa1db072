//! What can be seen of the books.

use bytemuck::{Pod, Zeroable};
use pyo3::prelude::*;
use router_core::engine::{Engine, Side};

use super::arrays::Numpy;
use super::single::fit;
use crate::convert::Fitting;
use crate::error::core_error;

/// An order of the book, as `ORDER_DTYPE` in `router.records`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct OrderRecord {
    order_id: u64,
    price: i64,
    open: u64,
    displayed: u64,
    account: u32,
    side: u32,
}

/// Which side of which instrument is looked at.
#[derive(Clone, Copy)]
pub(super) struct BookSide {
    pub(super) instrument: u32,
    pub(super) side: Side,
}

impl BookSide {
    pub(super) fn new(instrument: Fitting<u32>, side: Fitting<u8>) -> PyResult<Self> {
        let invalid = || core_error("ORDER_INVALID", "The side is neither 0 (buy) nor 1 (sell).");
        Ok(Self {
            instrument: fit(instrument)?,
            side: side.0.and_then(Side::from_number).ok_or_else(invalid)?,
        })
    }
}

impl BookSide {
    pub(super) fn both(instrument: u32) -> Vec<Self> {
        let at = |side| Self { instrument, side };
        vec![at(Side::Buy), at(Side::Sell)]
    }
}

/// Returns how many levels are asked for; 0 is all.
pub(super) fn depth_limit(depth: Fitting<usize>) -> usize {
    depth.0.filter(|depth| *depth != 0).unwrap_or(usize::MAX)
}

/// Returns (price, displayed lots) of the best levels.
pub(super) fn levels(engine: &Engine, at: BookSide, limit: usize) -> Vec<(i64, u64)> {
    let depth = engine.depth(at.instrument, at.side).take(limit);
    depth.map(|level| (level.price, level.qty)).collect()
}

/// Returns prices and displayed lots of the best levels as two arrays.
pub(super) fn depth<'py>(
    py: Python<'py>,
    engine: &Engine,
    at: BookSide,
    limit: usize,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (prices, lots): (Vec<i64>, Vec<u64>) = levels(engine, at, limit).into_iter().unzip();
    let numpy = Numpy::get(py)?;
    Ok((
        numpy.array(py, bytemuck::cast_slice(&prices), "PRICE_DTYPE")?,
        numpy.array(py, bytemuck::cast_slice(&lots), "LOTS_DTYPE")?,
    ))
}

/// Returns the resting orders of one side or of both, in priority order, as an array.
pub(super) fn orders<'py>(
    py: Python<'py>,
    engine: &Engine,
    sides: &[BookSide],
) -> PyResult<Bound<'py, PyAny>> {
    let mut records = Vec::new();
    for at in sides {
        records.extend(
            engine
                .orders(at.instrument, at.side)
                .map(|order| OrderRecord {
                    order_id: order.id,
                    price: order.price,
                    open: order.open,
                    displayed: order.displayed,
                    account: order.account,
                    side: u32::from(at.side.number()),
                }),
        );
    }
    Numpy::get(py)?.array(py, bytemuck::cast_slice(&records), "ORDER_DTYPE")
}

/// Returns (order id, price, open lots) of the orders that a taker of `lots` at `price` would meet,
/// in the order in which it would.
pub(super) fn makers(
    engine: &Engine,
    taker: BookSide,
    price: i64,
    lots: u64,
) -> Vec<(u64, i64, u64)> {
    let mut left = lots;
    engine
        .orders(taker.instrument, taker.side.opposite())
        .take_while(|order| match taker.side {
            Side::Buy => order.price <= price,
            Side::Sell => order.price >= price,
        })
        .take_while(|order| {
            let is_met = left != 0;
            left = left.saturating_sub(order.open);
            is_met
        })
        .map(|order| (order.id, order.price, order.open))
        .collect()
}
