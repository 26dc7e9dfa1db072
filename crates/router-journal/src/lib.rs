//! The durable journal of the matching engine.
//!
//! [`Durable`] drives a [`StateMachine`]: each record is applied at once and written by a thread of its
//! own, and events are given out only when the records that caused them have been synced. Records are
//! kept in preallocated segments, many per sync; snapshots are made in the background from segments that
//! are finished. The format and the rules of recovery are in `docs/specs/journal.md`.
//!
//! All file access goes through [`Disk`], so that tests can tear, lose and flip what is written.

mod compact;
mod covered;
mod directory;
mod disk;
mod durable;
mod error;
mod held;
mod log;
mod machine;
mod mark;
mod matching;
mod names;
mod options;
mod pace;
mod queue;
mod recover;
mod report;
mod scan;
mod snapshots;
mod spares;
mod stats;
mod tail;
mod usage;
mod verify;
mod walk;
mod writer;

pub use compact::Snapshots;
pub use directory::Directory;
pub use disk::{Access, Disk, DiskFile};
pub use durable::{Durable, Ticket};
pub use error::{FileId, JournalError};
pub use machine::StateMachine;
pub use matching::Matching;
pub use options::Options;
pub use report::{RecoveryReport, TornTail};
pub use router_core::journal::{Defect, Position, Record, RECORD_BYTES};
pub use stats::Groups;
pub use usage::DiskUse;
pub use verify::{read_records, verify};
