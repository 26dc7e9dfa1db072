//! What can go wrong, by what the caller may do next.

use std::{fmt, io};

use router_core::journal::{Defect, Position};

/// A file of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileId {
    /// The directory itself.
    Directory,
    /// The file whose lock a writer holds.
    Lock,
    /// The two commit marks.
    Mark,
    /// A segment, by its number.
    Segment(u64),
    /// A snapshot, by the sequence behind its last record.
    Snapshot(u64),
}

impl fmt::Display for FileId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => out.write_str("the journal's directory"),
            Self::Lock => out.write_str("lock"),
            Self::Mark => out.write_str("commit-mark"),
            Self::Segment(number) => write!(out, "segment {number}"),
            Self::Snapshot(end) => write!(out, "snapshot {end}"),
        }
    }
}

/// An error of the journal. [`Self::code`] is stable; the text is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// Another writer has the journal open.
    Locked,
    /// The directory holds no journal and none was to be created.
    NoJournal,
    /// An option is out of range.
    Options(&'static str),
    /// Reading or writing failed; after a write the writer has stopped for good.
    Io {
        /// The file.
        file: FileId,
        /// What the operating system says.
        kind: io::ErrorKind,
        /// Its error number, where there is one.
        os: Option<i32>,
    },
    /// No room on the disk; the writer has stopped for good.
    DiskFull {
        /// The file that could not be written.
        file: FileId,
    },
    /// A sync failed. It is never tried again: the writer has stopped for good.
    SyncFailed {
        /// The file that could not be synced.
        file: FileId,
        /// What the operating system says.
        os: Option<i32>,
    },
    /// The writer's thread ended without a word; nothing further becomes durable.
    WriterLost,
    /// The window of commands that are not yet durable is full. Nothing was taken: try again later.
    Busy,
    /// The first record belongs to a list whose head came before. Nothing was taken.
    ///
    /// Were it taken, a replay could join it to the head of an earlier call.
    HeadMissing,
    /// A submission longer than a frame. Nothing was taken.
    SubmissionTooLarge {
        /// The most records that one frame of this journal holds.
        limit: usize,
    },
    /// Not durable within the time given; it still may become so.
    Deadline {
        /// The sequence behind the last durable record.
        durable_end: u64,
    },
    /// A whole frame, header or snapshot is wrong, or something stands where nothing may.
    Corrupt {
        /// The file.
        file: FileId,
        /// The byte offset of the frame or header in it.
        offset: u64,
        /// What is wrong.
        defect: Defect,
    },
    /// A segment is missing although others or a snapshot need it.
    MissingSegment {
        /// Its number.
        segment: u64,
    },
    /// The log ends before a place that is known to have been durable.
    AcknowledgedLost {
        /// Where the log ends.
        found: Position,
        /// Where it had been synced to.
        marked: Position,
    },
    /// No snapshot is whole and has the segments behind it.
    NoUsableSnapshot,
    /// Written under rules that this program does not have.
    Semantics {
        /// The file.
        file: FileId,
        /// The version found.
        found: u32,
        /// The version of this program.
        ours: u32,
    },
}

impl JournalError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked => "journal_locked",
            Self::NoJournal => "journal_absent",
            Self::Options(_) => "journal_options",
            Self::Io { .. } => "journal_io",
            Self::DiskFull { .. } => "journal_disk_full",
            Self::SyncFailed { .. } => "journal_sync_failed",
            Self::WriterLost => "journal_writer_lost",
            Self::Busy => "journal_busy",
            Self::HeadMissing => "journal_head_missing",
            Self::SubmissionTooLarge { .. } => "journal_submission_too_large",
            Self::Deadline { .. } => "journal_deadline",
            Self::Corrupt { .. } => "journal_corrupt",
            Self::MissingSegment { .. } => "journal_segment_missing",
            Self::AcknowledgedLost { .. } => "journal_acknowledged_lost",
            Self::NoUsableSnapshot => "journal_no_snapshot",
            Self::Semantics { .. } => "journal_semantics",
        }
    }

    /// Returns whether trying the same call again later is safe and may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Deadline { .. })
    }

    /// Sorts an error of the operating system.
    pub(crate) fn io(file: FileId, error: &io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::StorageFull || kind == io::ErrorKind::QuotaExceeded {
            return Self::DiskFull { file };
        }
        Self::Io {
            file,
            kind,
            os: error.raw_os_error(),
        }
    }

    /// Sorts an error of a sync: whatever it says, what was written may be lost.
    pub(crate) fn sync(file: FileId, error: &io::Error) -> Self {
        Self::SyncFailed {
            file,
            os: error.raw_os_error(),
        }
    }

    /// Returns damage found at a place of a segment.
    pub(crate) const fn at(position: Position, defect: Defect) -> Self {
        Self::Corrupt {
            file: FileId::Segment(position.segment),
            offset: position.offset,
            defect,
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => out.write_str("another writer has this journal open"),
            Self::NoJournal => out.write_str("there is no journal in this directory"),
            Self::Options(what) => write!(out, "option out of range: {what}"),
            Self::Io { file, kind, os } => write!(out, "{file}: {kind} (os error {os:?})"),
            Self::DiskFull { file } => write!(out, "{file}: the disk is full; the writer stopped"),
            Self::SyncFailed { file, os } => {
                write!(
                    out,
                    "{file}: sync failed (os error {os:?}); the writer stopped"
                )
            }
            Self::WriterLost => out.write_str("the writer's thread is gone"),
            Self::Busy => out.write_str("too many commands wait for the disk"),
            Self::HeadMissing => out.write_str("the first record is a leg without its head"),
            Self::SubmissionTooLarge { limit } => {
                write!(out, "a submission has more than {limit} records")
            }
            Self::Deadline { durable_end } => {
                write!(
                    out,
                    "not durable in time; durable before sequence {durable_end}"
                )
            }
            Self::Corrupt {
                file,
                offset,
                defect,
            } => {
                write!(out, "{file}, offset {offset}: {defect:?}")
            }
            Self::MissingSegment { segment } => write!(out, "segment {segment} is missing"),
            Self::AcknowledgedLost { found, marked } => write!(
                out,
                "the log ends at segment {} offset {} but was durable up to segment {} offset {}",
                found.segment, found.offset, marked.segment, marked.offset
            ),
            Self::NoUsableSnapshot => {
                out.write_str("no snapshot is whole and has its segments behind it")
            }
            Self::Semantics { file, found, ours } => {
                write!(
                    out,
                    "{file}: written under rules of version {found}, this program has version \
                     {ours}; nothing was changed: open it with a program of version {found} and move \
                     its state over, or begin a new journal in another directory"
                )
            }
        }
    }
}

impl std::error::Error for JournalError {}
