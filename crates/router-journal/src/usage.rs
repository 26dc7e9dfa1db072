//! How much of the disk a journal takes.

use std::io;

use crate::disk::{Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::names::{self, Listing};

/// What the files of a journal take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// Segments, with the active one and the one that is prepared.
    pub segments: u64,
    /// Their bytes.
    pub segment_bytes: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Their bytes.
    pub snapshot_bytes: u64,
    /// Files that are kept to be written over, and those that are not finished.
    pub spares: u64,
    /// Their bytes.
    pub spare_bytes: u64,
}

impl DiskUse {
    /// Returns the bytes of all these files.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.segment_bytes
            .saturating_add(self.snapshot_bytes)
            .saturating_add(self.spare_bytes)
    }

    pub(crate) fn of(disk: &impl Disk) -> Result<Self, JournalError> {
        let listing = Listing::read(disk)?;
        let segments = listing.segments.iter().copied().map(names::segment);
        let snapshots = listing.snapshots.iter().copied().map(names::snapshot);
        let (segments, segment_bytes) = sum(disk, segments)?;
        let (snapshots, snapshot_bytes) = sum(disk, snapshots)?;
        let (spares, spare_bytes) = sum(disk, listing.unfinished.into_iter())?;
        Ok(Self {
            segments,
            segment_bytes,
            snapshots,
            snapshot_bytes,
            spares,
            spare_bytes,
        })
    }
}

/// Counts files and their bytes; a file that got another name meanwhile is left out.
fn sum(disk: &impl Disk, names: impl Iterator<Item = String>) -> Result<(u64, u64), JournalError> {
    let failed = |error| JournalError::io(FileId::Directory, &error);
    let (mut count, mut bytes) = (0_u64, 0_u64);
    for name in names {
        match disk.open(&name, Access::Read) {
            Ok(file) => {
                count = count.saturating_add(1);
                bytes = bytes.saturating_add(file.bytes().map_err(failed)?);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok((count, bytes))
}
