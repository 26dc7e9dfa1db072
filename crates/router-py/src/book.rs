//! `Book`, `Placement` and `Fill`.

use pyo3::prelude::*;
use router_core::book::{Book, Fill, Kind, Order, Placement, Reason, Side, Status};
use router_core::num::U256;

use crate::convert::Units;
use crate::error::{core_error, from_order};

/// One trade of a taker with a resting order, at the maker's price.
#[pyclass(
    name = "Fill",
    module = "router.core",
    frozen,
    eq,
    hash,
    skip_from_py_object
)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PyFill(Fill);

#[pymethods]
impl PyFill {
    #[getter]
    fn maker_order_id(&self) -> u64 {
        self.0.maker_order_id
    }

    #[getter]
    fn price_ticks(&self) -> u64 {
        self.0.price_ticks
    }

    #[getter]
    fn lots(&self) -> u64 {
        self.0.lots
    }

    #[getter]
    fn maker_remaining_lots(&self) -> u64 {
        self.0.maker_remaining_lots
    }

    fn __repr__(&self) -> String {
        let Fill {
            maker_order_id,
            price_ticks,
            lots,
            maker_remaining_lots,
        } = self.0;
        format!(
            "Fill(maker_order_id={maker_order_id}, price_ticks={price_ticks}, lots={lots}, \
             maker_remaining_lots={maker_remaining_lots})"
        )
    }
}

/// What became of a placed order.
#[pyclass(
    name = "Placement",
    module = "router.core",
    frozen,
    eq,
    skip_from_py_object
)]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PyPlacement(Placement);

#[pymethods]
impl PyPlacement {
    #[getter]
    fn status(&self) -> &'static str {
        match self.0.status {
            Status::Filled => "filled",
            Status::PartlyFilled => "partly_filled",
            Status::Resting => "resting",
            Status::Canceled => "canceled",
            Status::Rejected => "rejected",
        }
    }

    #[getter]
    fn reason(&self) -> &'static str {
        match self.0.reason {
            None => "",
            Some(Reason::WouldCross) => "WOULD_CROSS",
            Some(Reason::NotFillable) => "NOT_FILLABLE",
            Some(Reason::NoLiquidity) => "NO_LIQUIDITY",
        }
    }

    #[getter]
    fn fills(&self) -> Vec<PyFill> {
        self.0.fills.iter().copied().map(PyFill).collect()
    }

    #[getter]
    fn filled_lots(&self) -> u64 {
        self.0.filled_lots
    }

    #[getter]
    fn resting_lots(&self) -> u64 {
        self.0.resting_lots
    }

    #[getter]
    fn canceled_lots(&self) -> u64 {
        self.0.canceled_lots
    }

    fn __repr__(&self) -> String {
        format!(
            "Placement(status={:?}, reason={:?}, fills=<{}>, filled_lots={}, resting_lots={}, \
             canceled_lots={})",
            self.status(),
            self.reason(),
            self.0.fills.len(),
            self.0.filled_lots,
            self.0.resting_lots,
            self.0.canceled_lots,
        )
    }
}

/// One instrument's order book: price-time priority, integer ticks and lots.
#[pyclass(name = "Book", module = "router.core")]
pub(crate) struct PyBook(Book);

#[pymethods]
impl PyBook {
    #[new]
    fn new() -> Self {
        Self(Book::new())
    }

    fn place(
        &mut self,
        order_id: Units,
        side: &str,
        kind: &str,
        price_ticks: Units,
        lots: Units,
    ) -> PyResult<PyPlacement> {
        let order_id = fitting(order_id)?;
        let order = order_of(side, kind, price_ticks, lots)?;
        self.0
            .place(order_id, order)
            .map(PyPlacement)
            .map_err(from_order)
    }

    /// Return what `place` would do, changing nothing.
    fn preview(
        &self,
        side: &str,
        kind: &str,
        price_ticks: Units,
        lots: Units,
    ) -> PyResult<PyPlacement> {
        let order = order_of(side, kind, price_ticks, lots)?;
        self.0.preview(order).map(PyPlacement).map_err(from_order)
    }

    /// Remove a resting order and return its remaining lots; 0 when it does not rest here.
    fn cancel(&mut self, order_id: Units) -> PyResult<u64> {
        fitting(order_id).map(|order_id| self.0.cancel(order_id))
    }

    /// Return (price_ticks, lots) per level, best first; depth 0 is all.
    #[pyo3(signature = (depth = Units(U256::ZERO)), text_signature = "($self, depth=0)")]
    fn bids(&self, depth: Units) -> Vec<(u64, u128)> {
        self.depth_of(Side::Buy, depth)
    }

    /// Return (price_ticks, lots) per level, best first; depth 0 is all.
    #[pyo3(signature = (depth = Units(U256::ZERO)), text_signature = "($self, depth=0)")]
    fn asks(&self, depth: Units) -> Vec<(u64, u128)> {
        self.depth_of(Side::Sell, depth)
    }

    /// Return (order_id, side, price_ticks, remaining_lots) in priority order, bids then asks.
    fn orders(&self) -> Vec<(u64, &'static str, u64, u64)> {
        self.0
            .orders_of(Side::Buy)
            .chain(self.0.orders_of(Side::Sell))
            .map(|order| {
                (
                    order.order_id,
                    side_name(order.side),
                    order.price_ticks,
                    order.lots,
                )
            })
            .collect()
    }

    /// Count of commands that changed the book.
    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence()
    }
}

impl PyBook {
    fn depth_of(&self, side: Side, depth: Units) -> Vec<(u64, u128)> {
        let depth = usize::try_from(depth.0).unwrap_or(usize::MAX);
        let depth = if depth == 0 { usize::MAX } else { depth };
        let levels = self.0.levels_of(side).take(depth);
        levels
            .map(|level| (level.price_ticks, level.lots))
            .collect()
    }
}

fn order_of(side: &str, kind: &str, price_ticks: Units, lots: Units) -> PyResult<Order> {
    let side = match side {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => return Err(invalid("The side is neither buy nor sell.")),
    };
    let kind = match kind {
        "limit" => Kind::Limit,
        "market" => Kind::Market,
        "ioc" => Kind::Ioc,
        "fok" => Kind::Fok,
        "post_only" => Kind::PostOnly,
        _ => return Err(invalid("The order kind is unknown.")),
    };
    Ok(Order {
        side,
        kind,
        price_ticks: fitting(price_ticks)?,
        lots: fitting(lots)?,
    })
}

fn fitting(value: Units) -> PyResult<u64> {
    u64::try_from(value.0).map_err(|_| invalid("A number of the order exceeds 64 bits."))
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

fn invalid(message: &str) -> PyErr {
    core_error("ORDER_INVALID", message)
}
