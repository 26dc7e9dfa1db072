//! The bytes of the journal: frames, segment headers, commit marks and snapshot headers.
//!
//! Everything here is pure: slices in, slices out. Files, threads and syncs are in
//! `router-journal`; the format and the recovery rules are in `docs/specs/journal.md`.
//!
//! All integers are little endian. Each header ends with the CRC32C of all its other bytes, so a
//! field is never believed before the whole header is.

mod chain;
mod fields;
mod frame;
mod mark;
mod place;
mod segment;
mod snapshot;

pub use chain::{hash64, Chain};
pub use frame::{
    check_body, frame_bytes, max_records, seal_frame, FrameHeader, FrameKind, FRAME_HEADER_BYTES,
};
pub use mark::{CommitMark, MARK_BYTES};
pub use place::{Cursor, Position};
pub use segment::SegmentHeader;
pub use snapshot::{SnapshotHeader, SNAPSHOT_HEADER_BYTES};

/// Bytes of a record: one command or one event.
pub const RECORD_BYTES: usize = 64;

/// One command or event, as bytes.
pub type Record = [u8; RECORD_BYTES];

/// Frames start at multiples of this many bytes, so no two share a page of the disk.
pub const BLOCK_BYTES: usize = 4096;

/// The most bytes of one frame, header and padding included.
pub const MAX_FRAME_BYTES: usize = 1 << 20;

/// The version of the format that this code writes, and the only one that it reads.
pub const FORMAT_VERSION: u16 = 1;

/// What is wrong with some bytes. The numbers are stable: they appear in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Defect {
    /// Only zeros where a header belongs: never written.
    Blank = 1,
    /// Fewer bytes than the structure needs.
    Short = 2,
    /// Not a header of this kind.
    Magic = 3,
    /// The header's own checksum is wrong.
    HeaderChecksum = 4,
    /// A whole header of a version that this code does not know.
    Version = 5,
    /// A kind of frame that this code does not know.
    Kind = 6,
    /// More records than a frame may hold, or a length that does not fit the file.
    Length = 7,
    /// The checksum of the body is wrong.
    BodyChecksum = 8,
    /// The hash of the body is wrong although its checksum is right.
    BodyHash = 9,
    /// The header names another file or another offset.
    Misplaced = 10,
    /// The first sequence is not the one that follows the previous frame.
    Sequence = 11,
    /// The hash of the previous frame is not the one of the frame that precedes it.
    Chain = 12,
    /// The epoch is lower than that of an earlier frame: a writer that had been replaced.
    Epoch = 13,
    /// Bytes that must be zero are not.
    Residue = 14,
    /// A commit mark names this place, but its hash differs.
    Mark = 15,
    /// The state that was read back has another hash than the one that was saved.
    StateHash = 16,
    /// The state machine cannot read its own saved state.
    State = 17,
}
