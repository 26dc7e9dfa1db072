//! `Engine`: the matching engine, by batches of records or one order at a time.

mod ack;
mod arrays;
mod desk;
mod durable;
mod reads;
mod single;
mod vocabulary;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, TryLockError};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use router_core::engine::{
    decode_image, encode_image, order_flags, CommandKind, CommandRecord, Engine, EventRecord,
    Limits, Side,
};

use router_journal::Options;

use crate::convert::Fitting;
use crate::error::core_error;

pub(crate) use ack::PyAck;
use arrays::invalid;
pub(crate) use arrays::{Lane, Numpy};
use desk::Desk;
pub(crate) use durable::PyRecovery;
use durable::{no_journal, refused};
use reads::BookSide;
use single::{fit, of_kind, zero};

/// Records that are copied and matched at a time: their copies stay in the processor's caches, and
/// the interpreter is let go for milliseconds, not microseconds.
const ROUND: usize = 1 << 14;

/// The matching engine. One caller at a time: a second one is refused with ENGINE_BUSY.
#[pyclass(name = "Engine", module = "router.core", frozen)]
pub(crate) struct PyEngine {
    desk: Mutex<Desk>,
    recovery: Option<PyRecovery>,
}

impl PyEngine {
    fn over(engine: Engine) -> Self {
        Self {
            desk: Mutex::new(Desk::in_memory(engine)),
            recovery: None,
        }
    }

    fn run(&self, py: Python<'_>, record: CommandRecord) -> PyResult<PyAck> {
        let mut guard = self.desk()?;
        let sequence = guard.engine()?.sequence();
        let desk = &mut *guard;
        desk.load_one(record);
        let read = |events: &[EventRecord]| PyAck::of(sequence, events);
        // Matching one order is quicker than letting the interpreter go; a disk is not.
        let done = if desk.journal().is_none() {
            desk.run_one(sequence, read)
        } else {
            py.detach(|| desk.run_one(sequence, read))
        };
        done.map_err(refused)
    }

    fn desk(&self) -> PyResult<MutexGuard<'_, Desk>> {
        self.desk.try_lock().map_err(|refused| match refused {
            TryLockError::WouldBlock => core_error(
                "ENGINE_BUSY",
                "Another thread is using the engine; give it one owner.",
            ),
            TryLockError::Poisoned(_) => {
                core_error("ENGINE_BROKEN", "The engine failed in an earlier call.")
            }
        })
    }
}

#[pymethods]
impl PyEngine {
    #[new]
    #[pyo3(signature = (*, max_accounts=None, max_assets=None, max_instruments=None,
        max_orders=None, max_client_ids=None, max_account_orders=None,
        max_account_client_ids=None, client_window_ns=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "the caps of an engine, as in the Python signature"
    )]
    fn new(
        max_accounts: Option<Fitting<u32>>,
        max_assets: Option<Fitting<u32>>,
        max_instruments: Option<Fitting<u32>>,
        max_orders: Option<Fitting<u32>>,
        max_client_ids: Option<Fitting<u32>>,
        max_account_orders: Option<Fitting<u32>>,
        max_account_client_ids: Option<Fitting<u32>>,
        client_window_ns: Option<Fitting<u64>>,
    ) -> PyResult<Self> {
        let limits = limits(
            max_accounts,
            max_assets,
            max_instruments,
            max_orders,
            max_client_ids,
            max_account_orders,
            max_account_client_ids,
            client_window_ns,
        )?;
        Ok(Self::over(Engine::new(limits)))
    }

    /// Match a batch; return how many commands were consumed and how many events were written.
    /// When it raises, `out` holds nothing: events of what was done before wait for `drain`.
    fn submit(
        &self,
        py: Python<'_>,
        commands: &Bound<'_, PyAny>,
        out: &Bound<'_, PyAny>,
    ) -> PyResult<(usize, usize)> {
        let (commands, out) = (Lane::commands(commands)?, Lane::events(out)?);
        if commands.overlaps(&out) {
            return Err(invalid("`commands` and `out` have memory in common."));
        }
        let mut guard = self.desk()?;
        let desk = &mut *guard;
        desk.engine()?;
        let mut written = desk.deliver(py, &out, 0);
        let mut consumed = 0_usize;
        while written < out.len() && consumed < commands.len() {
            let left = commands.len().saturating_sub(consumed);
            let room = out.len().saturating_sub(written);
            desk.load(py, &commands, consumed, left.min(ROUND));
            let is_last = left <= ROUND;
            let taken = match py.detach(|| desk.work(room, is_last)) {
                Ok(0) => Err(invalid("`commands` has legs of lists without their heads.")),
                done => done.map_err(refused),
            };
            // The caller of a failing call does not learn how much of `out` is written.
            let taken = taken.inspect_err(|_| desk.take_back(py, &out, written))?;
            consumed = consumed.saturating_add(taken);
            written = written.saturating_add(desk.deliver(py, &out, written));
        }
        Ok((consumed, written))
    }

    /// Send one new order.
    #[pyo3(
        signature = (instrument, account, side, price, qty, *, order_type=zero(0), tif=zero(0),
            flags=zero(0), stp=zero(0), peg=zero(0), client_id=zero(0), session=zero(0),
            trigger=zero(0), display=zero(0), expire_s=zero(0)),
        text_signature = "($self, instrument, account, side, price, qty, *, order_type=0, tif=0, \
            flags=0, stp=0, peg=0, client_id=0, session=0, trigger=0, display=0, expire_s=0)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "the fields of an order, as in the Python signature"
    )]
    fn place(
        &self,
        py: Python<'_>,
        instrument: Fitting<u32>,
        account: Fitting<u32>,
        side: Fitting<u8>,
        price: Fitting<i64>,
        qty: Fitting<u64>,
        order_type: Fitting<u8>,
        tif: Fitting<u8>,
        flags: Fitting<u16>,
        stp: Fitting<u8>,
        peg: Fitting<u8>,
        client_id: Fitting<u64>,
        session: Fitting<u32>,
        trigger: Fitting<i64>,
        display: Fitting<u32>,
        expire_s: Fitting<u32>,
    ) -> PyResult<PyAck> {
        let peg = u16::from(fit(peg)?.min(3)).wrapping_shl(order_flags::PEG_SHIFT);
        self.run(
            py,
            CommandRecord {
                kind: CommandKind::New.number(),
                side: fit(side)?,
                order_type: fit(order_type)?,
                tif: fit(tif)?,
                flags: fit(flags)? | peg,
                stp: fit(stp)?,
                list: 0,
                instrument: fit(instrument)?,
                account: fit(account)?,
                client_id: fit(client_id)?,
                order_id: u64::from(fit(session)?),
                price: fit(price)?,
                qty: fit(qty)?,
                trigger: fit(trigger)?,
                display: fit(display)?,
                expire_s: fit(expire_s)?,
            },
        )
    }

    /// Take an order out.
    fn cancel(
        &self,
        py: Python<'_>,
        instrument: Fitting<u32>,
        account: Fitting<u32>,
        order_id: Fitting<u64>,
    ) -> PyResult<PyAck> {
        self.run(
            py,
            CommandRecord {
                instrument: fit(instrument)?,
                account: fit(account)?,
                order_id: fit(order_id)?,
                ..of_kind(CommandKind::Cancel)
            },
        )
    }

    /// Give an order another price or total quantity; 0 keeps what it has.
    #[pyo3(
        signature = (instrument, account, order_id, *, price=zero(0), qty=zero(0), requeue=false),
        text_signature = "($self, instrument, account, order_id, *, price=0, qty=0, requeue=False)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "the fields of an amend, as in the Python signature"
    )]
    fn amend(
        &self,
        py: Python<'_>,
        instrument: Fitting<u32>,
        account: Fitting<u32>,
        order_id: Fitting<u64>,
        price: Fitting<i64>,
        qty: Fitting<u64>,
        requeue: bool,
    ) -> PyResult<PyAck> {
        self.run(
            py,
            CommandRecord {
                instrument: fit(instrument)?,
                account: fit(account)?,
                order_id: fit(order_id)?,
                price: fit(price)?,
                qty: fit(qty)?,
                flags: if requeue { order_flags::REQUEUE } else { 0 },
                ..of_kind(CommandKind::Amend)
            },
        )
    }

    /// Add the next instrument.
    #[pyo3(
        signature = (instrument, *, base_asset=zero(0), quote_asset=zero(1), lot_units=zero(1),
            tick_units=zero(1), max_qty=zero(0), mode=zero(0)),
        text_signature = "($self, instrument, *, base_asset=0, quote_asset=1, lot_units=1, \
            tick_units=1, max_qty=0, mode=0)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "the fields of an instrument, as in the Python signature"
    )]
    fn add_instrument(
        &self,
        py: Python<'_>,
        instrument: Fitting<u32>,
        base_asset: Fitting<u32>,
        quote_asset: Fitting<u32>,
        lot_units: Fitting<u64>,
        tick_units: Fitting<u64>,
        max_qty: Fitting<u64>,
        mode: Fitting<u16>,
    ) -> PyResult<PyAck> {
        self.run(
            py,
            CommandRecord {
                instrument: fit(instrument)?,
                display: fit(base_asset)?,
                expire_s: fit(quote_asset)?,
                order_id: fit(lot_units)?,
                qty: fit(tick_units)?,
                client_id: fit(max_qty)?,
                flags: fit(mode)?,
                ..of_kind(CommandKind::AddInstrument)
            },
        )
    }

    /// Change what an instrument does with orders.
    fn set_phase(
        &self,
        py: Python<'_>,
        instrument: Fitting<u32>,
        phase: Fitting<u8>,
    ) -> PyResult<PyAck> {
        self.run(
            py,
            CommandRecord {
                instrument: fit(instrument)?,
                order_type: fit(phase)?,
                ..of_kind(CommandKind::SetPhase)
            },
        )
    }

    /// Send one command of any kind, by the fields of its record.
    #[pyo3(
        signature = (kind, *, side=zero(0), order_type=zero(0), tif=zero(0), flags=zero(0),
            stp=zero(0), list_role=zero(0), instrument=zero(0), account=zero(0), client_id=zero(0),
            order_id=zero(0), price=zero(0), qty=zero(0), trigger=zero(0), display=zero(0),
            expire_s=zero(0)),
        text_signature = "($self, kind, *, side=0, order_type=0, tif=0, flags=0, stp=0, list_role=0, \
            instrument=0, account=0, client_id=0, order_id=0, price=0, qty=0, trigger=0, \
            display=0, expire_s=0)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "the fields of a record, as in the Python signature"
    )]
    fn command(
        &self,
        py: Python<'_>,
        kind: Fitting<u8>,
        side: Fitting<u8>,
        order_type: Fitting<u8>,
        tif: Fitting<u8>,
        flags: Fitting<u16>,
        stp: Fitting<u8>,
        list_role: Fitting<u8>,
        instrument: Fitting<u32>,
        account: Fitting<u32>,
        client_id: Fitting<u64>,
        order_id: Fitting<u64>,
        price: Fitting<i64>,
        qty: Fitting<u64>,
        trigger: Fitting<i64>,
        display: Fitting<u32>,
        expire_s: Fitting<u32>,
    ) -> PyResult<PyAck> {
        self.run(
            py,
            CommandRecord {
                kind: fit(kind)?,
                side: fit(side)?,
                order_type: fit(order_type)?,
                tif: fit(tif)?,
                flags: fit(flags)?,
                stp: fit(stp)?,
                list: fit(list_role)?,
                instrument: fit(instrument)?,
                account: fit(account)?,
                client_id: fit(client_id)?,
                order_id: fit(order_id)?,
                price: fit(price)?,
                qty: fit(qty)?,
                trigger: fit(trigger)?,
                display: fit(display)?,
                expire_s: fit(expire_s)?,
            },
        )
    }

    /// Write events that did not fit before; return how many.
    fn drain(&self, py: Python<'_>, out: &Bound<'_, PyAny>) -> PyResult<usize> {
        let out = Lane::events(out)?;
        let mut desk = self.desk()?;
        desk.waiting();
        Ok(desk.deliver(py, &out, 0))
    }

    /// Number of events that wait for room in an `out`.
    #[getter]
    fn waiting(&self) -> PyResult<usize> {
        Ok(self.desk()?.waiting())
    }

    /// Sequence number of the next command.
    #[getter]
    fn sequence(&self) -> PyResult<u64> {
        Ok(self.desk()?.engine()?.sequence())
    }

    /// Best bid and best ask in ticks; 0 where a side is empty.
    fn best(&self, instrument: Fitting<u32>) -> PyResult<(i64, i64)> {
        let (instrument, desk) = (fit(instrument)?, self.desk()?);
        let engine = desk.engine()?;
        let of = |side| {
            let best = engine.best(instrument, side);
            best.map_or(0, |level| level.price)
        };
        Ok((of(Side::Buy), of(Side::Sell)))
    }

    /// The best levels of a side as (price, displayed lots); depth 0 is all.
    #[pyo3(signature = (instrument, side, depth=zero(0)),
        text_signature = "($self, instrument, side, depth=0)")]
    fn levels(
        &self,
        instrument: Fitting<u32>,
        side: Fitting<u8>,
        depth: Fitting<usize>,
    ) -> PyResult<Vec<(i64, u64)>> {
        let at = BookSide::new(instrument, side)?;
        let desk = self.desk()?;
        Ok(reads::levels(desk.engine()?, at, reads::depth_limit(depth)))
    }

    /// The best levels of a side as two arrays: prices, displayed lots; depth 0 is all.
    #[pyo3(signature = (instrument, side, depth=zero(0)),
        text_signature = "($self, instrument, side, depth=0)")]
    fn depth<'py>(
        &self,
        py: Python<'py>,
        instrument: Fitting<u32>,
        side: Fitting<u8>,
        depth: Fitting<usize>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let at = BookSide::new(instrument, side)?;
        let desk = self.desk()?;
        reads::depth(py, desk.engine()?, at, reads::depth_limit(depth))
    }

    /// The resting orders in priority order as an array of `ORDER_DTYPE`: of a side, or both.
    #[pyo3(signature = (instrument, side=None), text_signature = "($self, instrument, side=None)")]
    fn orders<'py>(
        &self,
        py: Python<'py>,
        instrument: Fitting<u32>,
        side: Option<Fitting<u8>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sides = match side {
            Some(side) => vec![BookSide::new(instrument, side)?],
            None => BookSide::both(fit(instrument)?),
        };
        reads::orders(py, self.desk()?.engine()?, &sides)
    }

    /// The ids of one side's resting orders in priority order.
    fn order_ids(&self, instrument: Fitting<u32>, side: Fitting<u8>) -> PyResult<Vec<u64>> {
        let at = BookSide::new(instrument, side)?;
        let desk = self.desk()?;
        let orders = desk.engine()?.orders(at.instrument, at.side);
        Ok(orders.map(|order| order.id).collect())
    }

    /// The resting orders that a taker would meet, as (order id, price, open lots).
    fn makers(
        &self,
        instrument: Fitting<u32>,
        side: Fitting<u8>,
        price: Fitting<i64>,
        lots: Fitting<u64>,
    ) -> PyResult<Vec<(u64, i64, u64)>> {
        let at = BookSide::new(instrument, side)?;
        let (price, lots) = (fit(price)?, fit(lots)?);
        let desk = self.desk()?;
        Ok(reads::makers(desk.engine()?, at, price, lots))
    }

    /// Hash of the whole state.
    fn state_hash(&self, py: Python<'_>) -> PyResult<u64> {
        let desk = self.desk()?;
        let engine = desk.engine()?;
        Ok(py.detach(|| engine.state_hash()))
    }

    /// The whole state as bytes, for `load`. Events that wait are no part of it.
    fn save<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let desk = self.desk()?;
        let engine = desk.engine()?;
        let bytes = py.detach(|| encode_image(&engine.image()));
        Ok(PyBytes::new(py, &bytes))
    }

    /// An engine with a saved state.
    #[staticmethod]
    fn load(py: Python<'_>, image: &[u8]) -> PyResult<Self> {
        let invalid = || {
            core_error(
                "IMAGE_INVALID",
                "The bytes are no saved state of an engine.",
            )
        };
        let loaded = py.detach(|| Engine::from_image(&decode_image(image).ok()?).ok());
        loaded.map(Self::over).ok_or_else(invalid)
    }

    /// An engine with a journal in a directory: recovered, or new.
    #[staticmethod]
    #[pyo3(signature = (path, *, create=true, timeout_s=10.0, segment_bytes=None,
        snapshot_every=None, max_accounts=None, max_assets=None, max_instruments=None,
        max_orders=None, max_client_ids=None, max_account_orders=None,
        max_account_client_ids=None, client_window_ns=None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "the options of a journal, as in the Python signature"
    )]
    fn open(
        py: Python<'_>,
        path: PathBuf,
        create: bool,
        timeout_s: f64,
        segment_bytes: Option<Fitting<u64>>,
        snapshot_every: Option<Fitting<u64>>,
        max_accounts: Option<Fitting<u32>>,
        max_assets: Option<Fitting<u32>>,
        max_instruments: Option<Fitting<u32>>,
        max_orders: Option<Fitting<u32>>,
        max_client_ids: Option<Fitting<u32>>,
        max_account_orders: Option<Fitting<u32>>,
        max_account_client_ids: Option<Fitting<u32>>,
        client_window_ns: Option<Fitting<u64>>,
    ) -> PyResult<Self> {
        let usual = Options::default();
        let options = Options {
            create,
            segment_bytes: cap(segment_bytes, usual.segment_bytes)?,
            snapshot_every: cap(snapshot_every, usual.snapshot_every)?,
            ..usual
        };
        let limits = limits(
            max_accounts,
            max_assets,
            max_instruments,
            max_orders,
            max_client_ids,
            max_account_orders,
            max_account_client_ids,
            client_window_ns,
        )?;
        let (desk, recovery) = durable::open(py, path, options, limits, timeout_s)?;
        Ok(Self {
            desk: Mutex::new(desk),
            recovery: Some(recovery),
        })
    }

    /// Read a journal as recovery would, and change nothing.
    #[staticmethod]
    fn verify(py: Python<'_>, path: PathBuf) -> PyResult<PyRecovery> {
        durable::inspect(py, path)
    }

    /// What recovery found when the journal was opened; None without a journal.
    #[getter]
    const fn recovery(&self) -> Option<PyRecovery> {
        self.recovery
    }

    /// Number of commands that are on the disk; None without a journal.
    #[getter]
    fn durable_end(&self) -> PyResult<Option<u64>> {
        let mut desk = self.desk()?;
        Ok(desk.journal().map(|(journal, _)| journal.durable_end()))
    }

    /// Save the state beside the journal and delete what it makes superfluous.
    fn snapshot(&self, py: Python<'_>) -> PyResult<u64> {
        let mut guard = self.desk()?;
        guard.engine()?;
        let (journal, timeout) = guard.journal().ok_or_else(no_journal)?;
        py.detach(|| journal.snapshot_now(timeout)).map_err(refused)
    }

    /// Let the journal go; every later command is refused with ENGINE_CLOSED.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let mut guard = self.desk()?;
        let desk = &mut *guard;
        py.detach(|| desk.close()).map_err(refused)
    }

    /// Every word of the records with its number: {list: {word: number}}.
    #[staticmethod]
    fn vocabulary() -> BTreeMap<&'static str, BTreeMap<String, u32>> {
        vocabulary::vocabulary()
    }

    /// Bytes of memory that the engine has taken.
    fn memory_bytes(&self) -> PyResult<usize> {
        self.desk()?.memory_bytes()
    }
}

fn cap<T>(given: Option<Fitting<T>>, usual: T) -> PyResult<T> {
    match given {
        None => Ok(usual),
        Some(Fitting(Some(value))) => Ok(value),
        Some(Fitting(None)) => Err(core_error("ORDER_INVALID", "A cap is out of range.")),
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "the caps of an engine, as in the Python signature"
)]
fn limits(
    max_accounts: Option<Fitting<u32>>,
    max_assets: Option<Fitting<u32>>,
    max_instruments: Option<Fitting<u32>>,
    max_orders: Option<Fitting<u32>>,
    max_client_ids: Option<Fitting<u32>>,
    max_account_orders: Option<Fitting<u32>>,
    max_account_client_ids: Option<Fitting<u32>>,
    client_window_ns: Option<Fitting<u64>>,
) -> PyResult<Limits> {
    let usual = Limits::default();
    Ok(Limits {
        max_accounts: cap(max_accounts, usual.max_accounts)?,
        max_assets: cap(max_assets, usual.max_assets)?,
        max_instruments: cap(max_instruments, usual.max_instruments)?,
        max_orders: cap(max_orders, usual.max_orders)?,
        max_client_ids: cap(max_client_ids, usual.max_client_ids)?,
        max_account_orders: cap(max_account_orders, usual.max_account_orders)?,
        max_account_client_ids: cap(max_account_client_ids, usual.max_account_client_ids)?,
        client_window_ns: cap(client_window_ns, usual.client_window_ns)?,
    })
}
