//! How a journal is kept.

use std::time::Duration;

use router_core::journal::{max_records, BLOCK_BYTES, MAX_FRAME_BYTES};

use crate::error::JournalError;

/// How a journal is kept. `Options::default()` suits a real disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a new segment: a multiple of 4,096, 8 KiB to 4 GiB. Default 64 MiB.
    pub segment_bytes: u64,
    /// The most bytes of one group: a multiple of 4,096, 4 KiB to 1 MiB. Default 1 MiB.
    pub group_bytes: usize,
    /// How many commands may wait for the disk before [`JournalError::Busy`]: 1 to 2^24. Default 65,536.
    pub window: usize,
    /// How many events may be held back before [`JournalError::Busy`]; one call may pass it by the
    /// events of 1,024 records. Default 2^20.
    pub held_events: usize,
    /// After this time without a new command the commit mark is synced too. Default 2 ms.
    pub idle_sync: Duration,
    /// A snapshot after this many sealed segments; 0 never. Default 4.
    pub snapshot_every: u64,
    /// How many snapshots stay, with all segments behind the oldest: 1 to 16. Default 2.
    pub keep_snapshots: usize,
    /// How many segments that snapshots cover are kept to be written over again, which spares the file
    /// system the work of new files: 0 to 64. Default 4.
    pub keep_segments: usize,
    /// Whether to create a journal in a directory that holds none. Default yes.
    pub create: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            group_bytes: MAX_FRAME_BYTES,
            window: 1 << 16,
            held_events: 1 << 20,
            idle_sync: Duration::from_millis(2),
            snapshot_every: 4,
            keep_snapshots: 2,
            keep_segments: 4,
            create: true,
        }
    }
}

impl Options {
    /// Checks all ranges.
    ///
    /// # Errors
    /// [`JournalError::Options`] names the first that is out of range.
    pub fn check(&self) -> Result<(), JournalError> {
        let block = BLOCK_BYTES as u64;
        let two_blocks = block.saturating_mul(2);
        let whole = is_whole_blocks(self.segment_bytes);
        if !whole || self.segment_bytes < two_blocks || self.segment_bytes > 4 << 30 {
            return Err(JournalError::Options("segment_bytes"));
        }
        let group = self.group_bytes as u64;
        if !is_whole_blocks(group) || group < block || self.group_bytes > MAX_FRAME_BYTES {
            return Err(JournalError::Options("group_bytes"));
        }
        if self.window == 0 || self.window > 1 << 24 {
            return Err(JournalError::Options("window"));
        }
        if self.held_events == 0 {
            return Err(JournalError::Options("held_events"));
        }
        if self.keep_snapshots == 0 || self.keep_snapshots > 16 {
            return Err(JournalError::Options("keep_snapshots"));
        }
        if self.keep_segments > 64 {
            return Err(JournalError::Options("keep_segments"));
        }
        Ok(())
    }

    /// Returns the most records of one frame under these options.
    #[must_use]
    pub fn frame_records(&self) -> usize {
        let room = self.segment_bytes.saturating_sub(BLOCK_BYTES as u64);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        max_records(room.min(self.group_bytes))
    }
}

const fn is_whole_blocks(bytes: u64) -> bool {
    bytes & (BLOCK_BYTES as u64).saturating_sub(1) == 0
}
