//! What opening or verifying a journal found.

use router_core::journal::Position;

/// A write that was cut off. Nothing in it had been acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where it started.
    pub position: Position,
    /// Bytes up to its last one that is not zero.
    pub bytes: u64,
    /// The sequence that its first record would have had.
    pub first_sequence: u64,
    /// How many records it would have held, if its header is whole.
    pub records: Option<u32>,
}

/// What recovery found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whether the journal is new.
    pub created: bool,
    /// The sequence behind the snapshot that was used.
    pub snapshot_end: u64,
    /// How many newer snapshots were damaged and passed over.
    pub snapshots_refused: u32,
    /// Records applied on top of the snapshot.
    pub records_replayed: u64,
    /// Frames read on top of the snapshot.
    pub frames_read: u64,
    /// The sequence of the next record.
    pub next_sequence: u64,
    /// The hash of the state after recovery.
    pub state_hash: u64,
    /// The epoch of this writer, or the last one found when nothing was opened for writing.
    pub epoch: u64,
    /// The torn tail that was cut, if there was one.
    pub torn: Option<TornTail>,
    /// Whether the last writer had closed the journal and nothing came after.
    pub clean: bool,
    /// Whether one of the two commit marks was damaged.
    pub mark_damaged: bool,
    /// Microseconds for everything.
    pub micros: u64,
}
