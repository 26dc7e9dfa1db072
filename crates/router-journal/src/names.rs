//! File names, and which files of the journal are there.

use crate::disk::Disk;
use crate::error::{FileId, JournalError};

/// The two commit marks.
pub(crate) const MARK: &str = "commit-mark";
/// The ending of a file that is not finished; it never counts.
pub(crate) const UNFINISHED: &str = ".tmp";

const SEGMENT_PREFIX: &str = "segment-";
const SEGMENT_SUFFIX: &str = ".journal";
const SNAPSHOT_PREFIX: &str = "snapshot-";
const SNAPSHOT_SUFFIX: &str = ".state";

/// Returns a segment's name; all numbers have 20 digits, so names sort as numbers do.
pub(crate) fn segment(number: u64) -> String {
    format!("{SEGMENT_PREFIX}{number:020}{SEGMENT_SUFFIX}")
}

/// Returns the name of the snapshot of all records before `end`.
pub(crate) fn snapshot(end: u64) -> String {
    format!("{SNAPSHOT_PREFIX}{end:020}{SNAPSHOT_SUFFIX}")
}

/// Returns the name that a file has until it is finished.
pub(crate) fn unfinished(name: &str) -> String {
    format!("{name}{UNFINISHED}")
}

/// The files of a journal, each list ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) segments: Vec<u64>,
    pub(crate) snapshots: Vec<u64>,
    pub(crate) unfinished: Vec<String>,
    pub(crate) has_mark: bool,
}

impl Listing {
    pub(crate) fn read(disk: &impl Disk) -> Result<Self, JournalError> {
        let names = disk
            .list()
            .map_err(|error| JournalError::io(FileId::Directory, &error))?;
        let mut listing = Self::default();
        for name in names {
            if let Some(number) = number_in(&name, SEGMENT_PREFIX, SEGMENT_SUFFIX) {
                listing.segments.push(number);
            } else if let Some(end) = number_in(&name, SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX) {
                listing.snapshots.push(end);
            } else if name == MARK {
                listing.has_mark = true;
            } else if is_ours_unfinished(&name) {
                listing.unfinished.push(name);
            }
        }
        listing.segments.sort_unstable();
        listing.snapshots.sort_unstable();
        Ok(listing)
    }

    /// Returns whether there is nothing that a journal would leave.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.snapshots.is_empty() && !self.has_mark
    }
}

fn number_in(name: &str, prefix: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

fn is_ours_unfinished(name: &str) -> bool {
    name.strip_suffix(UNFINISHED).is_some_and(|finished| {
        finished == MARK
            || number_in(finished, SEGMENT_PREFIX, SEGMENT_SUFFIX).is_some()
            || number_in(finished, SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX).is_some()
    })
}
