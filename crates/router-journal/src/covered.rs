//! Segments that snapshots cover, kept for their blocks.
//!
//! A file that is written over needs no room from the file system, so syncing it moves no metadata, and
//! deleting a file can hold up a disk that is told of free blocks. Nothing of the old content is kept: a
//! covered segment is overwritten with zeros like a new one before it gets a segment's name again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disk::{Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::names;

/// Files under unfinished names, all of the length of a new segment. A recovery deletes them.
#[derive(Debug)]
pub(crate) struct Covered {
    segment_bytes: u64,
    limit: usize,
    files: Mutex<Vec<u64>>,
}

impl Covered {
    /// Keeps at most `limit` files.
    pub(crate) const fn new(segment_bytes: u64, limit: usize) -> Self {
        Self {
            segment_bytes,
            limit,
            files: Mutex::new(Vec::new()),
        }
    }

    fn files(&self) -> MutexGuard<'_, Vec<u64>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes segments away, oldest first: as many as there is room for are kept, the others deleted.
    ///
    /// Names are synced before a file may be written over: until then a power cut can bring back the
    /// segment, with a snapshot that needs it. Returns how many are kept.
    pub(crate) fn take_in(
        &self,
        disk: &impl Disk,
        segments: impl Iterator<Item = u64>,
    ) -> Result<u64, JournalError> {
        let room = self.limit.saturating_sub(self.files().len());
        let mut kept = Vec::new();
        for segment in segments {
            let name = names::segment(segment);
            let id = FileId::Segment(segment);
            if kept.len() < room && self.fits(disk, &name, id)? {
                disk.rename(&name, &names::unfinished(&name))
                    .map_err(|error| JournalError::io(id, &error))?;
                kept.push(segment);
            } else {
                remove(disk, &name, id)?;
            }
        }
        disk.sync_names()
            .map_err(|error| JournalError::sync(FileId::Directory, &error))?;
        let count = kept.len() as u64;
        self.files().append(&mut kept);
        Ok(count)
    }

    fn fits(&self, disk: &impl Disk, name: &str, id: FileId) -> Result<bool, JournalError> {
        let failed = |error| JournalError::io(id, &error);
        let file = disk.open(name, Access::Read).map_err(failed)?;
        Ok(file.bytes().map_err(failed)? == self.segment_bytes)
    }

    /// Gives one file away: its unfinished name.
    pub(crate) fn give_out(&self) -> Option<String> {
        let segment = self.files().pop()?;
        Some(names::unfinished(&names::segment(segment)))
    }

    /// Deletes all files: somebody found the disk full.
    pub(crate) fn make_room(&self, disk: &impl Disk) -> Result<(), JournalError> {
        while let Some(name) = self.give_out() {
            remove(disk, &name, FileId::Directory)?;
        }
        Ok(())
    }
}

/// Removes a file; the name is durably gone with the next sync of names.
pub(crate) fn remove(disk: &impl Disk, name: &str, id: FileId) -> Result<(), JournalError> {
    disk.remove(name)
        .map_err(|error| JournalError::io(id, &error))
}
