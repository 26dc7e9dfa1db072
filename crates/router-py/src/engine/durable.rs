//! Engines with a journal: how they are opened, what recovery found, and what can go wrong.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use router_core::engine::Limits;
use router_journal::{verify, Directory, Durable, JournalError, Matching, Options, RecoveryReport};

use super::desk::Desk;
use crate::error::core_error;

/// What recovery found in a journal, and what it did.
#[pyclass(name = "Recovery", module = "router.core", frozen, skip_from_py_object)]
#[derive(Clone, Copy)]
pub(crate) struct PyRecovery(RecoveryReport);

#[pymethods]
impl PyRecovery {
    /// Whether the journal is new.
    #[getter]
    const fn is_new(&self) -> bool {
        self.0.created
    }

    /// Whether the last writer closed the journal and nothing came after.
    #[getter]
    const fn is_clean(&self) -> bool {
        self.0.clean
    }

    /// The sequence behind the snapshot that was used.
    #[getter]
    const fn snapshot_end(&self) -> u64 {
        self.0.snapshot_end
    }

    /// Newer snapshots that were damaged and passed over.
    #[getter]
    const fn snapshots_refused(&self) -> u32 {
        self.0.snapshots_refused
    }

    /// Commands applied on top of the snapshot.
    #[getter]
    const fn replayed(&self) -> u64 {
        self.0.records_replayed
    }

    /// Sequence number of the next command.
    #[getter]
    const fn sequence(&self) -> u64 {
        self.0.next_sequence
    }

    /// Hash of the state after recovery.
    #[getter]
    const fn state_hash(&self) -> u64 {
        self.0.state_hash
    }

    /// Number of writers so far.
    #[getter]
    const fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The first sequence number of a group that was never finished and was cut; None if none was.
    #[getter]
    fn torn_at(&self) -> Option<u64> {
        self.0.torn.map(|torn| torn.first_sequence)
    }

    /// Whether one of the two commit marks was damaged.
    #[getter]
    const fn is_mark_damaged(&self) -> bool {
        self.0.mark_damaged
    }

    /// Microseconds that it took.
    #[getter]
    const fn elapsed_us(&self) -> u64 {
        self.0.micros
    }

    fn __repr__(&self) -> String {
        format!(
            "Recovery(sequence={}, replayed={}, state_hash={:016x})",
            self.0.next_sequence, self.0.records_replayed, self.0.state_hash
        )
    }
}

/// Opens or creates a journal.
pub(super) fn open(
    py: Python<'_>,
    path: PathBuf,
    options: Options,
    limits: Limits,
    timeout_s: f64,
) -> PyResult<(Desk, PyRecovery)> {
    let timeout = Duration::try_from_secs_f64(timeout_s)
        .map_err(|_| core_error("JOURNAL_OPTIONS", "The timeout is out of range."))?;
    let opened = py.detach(|| {
        let directory = directory(&path, options.create)?;
        Durable::open(directory, options, || Matching::new(limits))
    });
    let (journal, report) = opened.map_err(refused)?;
    Ok((Desk::durable(journal, timeout), PyRecovery(report)))
}

/// Reads a journal as recovery would, and changes nothing.
pub(super) fn inspect(py: Python<'_>, path: PathBuf) -> PyResult<PyRecovery> {
    py.detach(|| verify::<Matching>(&directory(&path, false)?))
        .map(|(_, report)| PyRecovery(report))
        .map_err(refused)
}

fn directory(path: &PathBuf, create: bool) -> Result<Directory, JournalError> {
    // `Directory::open` makes what is missing: looking must not.
    if !create && !path.is_dir() {
        return Err(JournalError::NoJournal);
    }
    Directory::open(path).map_err(|error| JournalError::Io {
        file: router_journal::FileId::Directory,
        kind: error.kind(),
        os: error.raw_os_error(),
    })
}

pub(super) fn closed() -> PyErr {
    core_error("ENGINE_CLOSED", "The engine was closed.")
}

pub(super) fn no_journal() -> PyErr {
    core_error("JOURNAL_ABSENT", "The engine has no journal.")
}

/// Converts a journal's refusal.
pub(super) fn refused(error: JournalError) -> PyErr {
    let code = match error {
        JournalError::Locked => "JOURNAL_LOCKED",
        JournalError::HeadMissing => "BATCH_INVALID",
        JournalError::NoJournal => "JOURNAL_ABSENT",
        JournalError::Options(_) | JournalError::SubmissionTooLarge { .. } => "JOURNAL_OPTIONS",
        JournalError::Io { .. }
        | JournalError::DiskFull { .. }
        | JournalError::SyncFailed { .. }
        | JournalError::WriterLost => "JOURNAL_FAILED",
        JournalError::Busy | JournalError::Deadline { .. } => "JOURNAL_DEADLINE",
        JournalError::Corrupt { .. }
        | JournalError::MissingSegment { .. }
        | JournalError::AcknowledgedLost { .. }
        | JournalError::NoUsableSnapshot => "JOURNAL_CORRUPT",
        JournalError::Semantics { .. } => "JOURNAL_SEMANTICS",
    };
    core_error(code, &format!("The journal: {error}."))
}
