//! `Ack`: what one command did.

use pyo3::prelude::*;
use router_core::engine::{EventKind, EventRecord, Reason};

use super::arrays::Numpy;

/// What one command did, out of its events.
#[pyclass(name = "Ack", module = "router.core", frozen, skip_from_py_object)]
pub(crate) struct PyAck {
    events: Vec<EventRecord>,
    sequence: u64,
    order_id: u64,
    reason: Reason,
    filled_lots: u64,
    open_lots: u64,
    removed_lots: u64,
}

impl PyAck {
    /// Sums up the events of the command with this sequence number.
    pub(crate) fn of(sequence: u64, events: &[EventRecord]) -> Self {
        let mut ack = Self {
            events: events.to_vec(),
            sequence,
            order_id: events.first().map_or(0, |event| event.order_id),
            reason: Reason::None,
            filled_lots: 0,
            open_lots: 0,
            removed_lots: 0,
        };
        for event in events {
            ack.add(event);
        }
        ack
    }

    fn add(&mut self, event: &EventRecord) {
        let Some(kind) = event.event_kind() else {
            return;
        };
        let is_own = event.order_id == self.order_id;
        match kind {
            EventKind::Rejected => self.reason = event.event_reason().unwrap_or(Reason::Malformed),
            EventKind::Trade if is_own => {
                self.filled_lots = self.filled_lots.saturating_add(event.qty);
                self.open_lots = event.leaves;
            }
            EventKind::Cancelled if is_own => {
                self.reason = event.event_reason().unwrap_or(Reason::None);
                self.removed_lots = event.qty;
                self.open_lots = 0;
            }
            EventKind::Reduced if is_own => {
                self.removed_lots = self.removed_lots.saturating_add(event.qty);
                self.open_lots = event.leaves;
            }
            EventKind::Rested | EventKind::Replaced if is_own => self.open_lots = event.leaves,
            EventKind::Accepted
            | EventKind::Armed
            | EventKind::Triggered
            | EventKind::Activated
            | EventKind::Parked
                if is_own =>
            {
                self.open_lots = event.qty;
            }
            EventKind::Accepted
            | EventKind::Duplicate
            | EventKind::Trade
            | EventKind::Rested
            | EventKind::Reduced
            | EventKind::Replaced
            | EventKind::Cancelled
            | EventKind::Armed
            | EventKind::Triggered
            | EventKind::Activated
            | EventKind::Parked
            | EventKind::Fee
            | EventKind::Balance
            | EventKind::Phase
            | EventKind::Uncross
            | EventKind::Configured => {}
        }
    }

    fn first_is(&self, kind: EventKind) -> bool {
        let first = self.events.first();
        first.is_some_and(|event| event.event_kind() == Some(kind))
    }
}

#[pymethods]
impl PyAck {
    /// Sequence number of the command.
    #[getter]
    fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The order that the command is about, 0 when there is none.
    #[getter]
    fn order_id(&self) -> u64 {
        self.order_id
    }

    /// Whether the command was refused; then nothing has changed.
    #[getter]
    fn is_rejected(&self) -> bool {
        self.first_is(EventKind::Rejected)
    }

    /// Whether the client id was used before; `order_id` is the first order's then.
    #[getter]
    fn is_duplicate(&self) -> bool {
        self.first_is(EventKind::Duplicate)
    }

    /// Why the command was refused or its order was taken away; 0 is no reason.
    #[getter]
    fn reason(&self) -> u8 {
        self.reason.number()
    }

    /// Lots that the order traded as a taker in this command.
    #[getter]
    fn filled_lots(&self) -> u64 {
        self.filled_lots
    }

    /// Lots of the order that are open afterwards.
    #[getter]
    fn open_lots(&self) -> u64 {
        self.open_lots
    }

    /// Lots of the order that were taken away without trading.
    #[getter]
    fn removed_lots(&self) -> u64 {
        self.removed_lots
    }

    /// The order's trades as a taker: (maker's order id, price in ticks, lots).
    #[getter]
    fn fills(&self) -> Vec<(u64, i64, u64)> {
        let trades = self.events.iter().filter(|event| {
            event.event_kind() == Some(EventKind::Trade) && event.order_id == self.order_id
        });
        trades
            .map(|trade| (trade.other_id, trade.price, trade.qty))
            .collect()
    }

    /// All events of the command as an array of `EVENT_DTYPE`.
    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Numpy::get(py)?.array(py, bytemuck::cast_slice(&self.events), "EVENT_DTYPE")
    }

    fn __repr__(&self) -> String {
        format!(
            "Ack(sequence={}, order_id={}, reason={:?}, filled_lots={}, open_lots={}, \
             removed_lots={}, events=<{}>)",
            self.sequence,
            self.order_id,
            self.reason,
            self.filled_lots,
            self.open_lots,
            self.removed_lots,
            self.events.len(),
        )
    }
}
