//! The thread that writes groups: what waited while the last sync ran is the next group.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use router_core::journal::FrameKind;

use crate::compact::Sealed;
use crate::disk::Disk;
use crate::error::{FileId, JournalError};
use crate::log::Log;
use crate::queue::{Batch, Queue, Work};

/// What the writer needs besides the log.
pub(crate) struct Settings {
    pub(crate) window: usize,
    pub(crate) frame_records: usize,
    pub(crate) idle_sync: Duration,
}

/// Starts the writer.
pub(crate) fn start<D: Disk>(
    log: Log<D>,
    queue: Arc<Queue>,
    sealed: Arc<Sealed>,
    settings: Settings,
) -> Result<JoinHandle<()>, JournalError> {
    thread::Builder::new()
        .name("journal-writer".to_owned())
        .spawn(move || {
            let guard = Guard(Arc::clone(&queue));
            let mut writer = Writer {
                log,
                queue,
                sealed,
                batch: Batch::with_room(settings.window),
                settings,
            };
            if let Err(error) = writer.run() {
                writer.queue.fail(error);
                // On a disk that failed nothing is deleted any more, whatever snapshots say.
                writer.sealed.close();
            }
            drop(guard);
        })
        .map_err(|error| JournalError::io(FileId::Directory, &error))
}

/// Tells everybody who waits that the thread is gone, however it went.
struct Guard(Arc<Queue>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fail(JournalError::WriterLost);
    }
}

struct Writer<D: Disk> {
    log: Log<D>,
    queue: Arc<Queue>,
    sealed: Arc<Sealed>,
    batch: Batch,
    settings: Settings,
}

impl<D: Disk> Writer<D> {
    fn run(&mut self) -> Result<(), JournalError> {
        loop {
            let idle = (!self.log.is_settled()).then_some(self.settings.idle_sync);
            match self.queue.take(&mut self.batch, idle) {
                Work::Records => self.write_batch()?,
                Work::Idle => self.log.settle()?,
                Work::Closed => return self.log.close(),
            }
        }
    }

    fn write_batch(&mut self) -> Result<(), JournalError> {
        let mut from = 0;
        while from < self.batch.records.len() {
            let to = self.group_end(from);
            let records = self.batch.records.get(from..to).unwrap_or_default();
            let since = Instant::now();
            let rolled = self.log.append(FrameKind::Records, records)?;
            self.queue
                .advance(self.log.cursor(), records.len(), since.elapsed());
            if rolled {
                self.sealed.begun(self.log.cursor().position.segment);
            }
            from = to;
        }
        Ok(())
    }

    /// Returns the last end of a piece with which the group still fits a frame. Pieces never exceed one.
    fn group_end(&self, from: usize) -> usize {
        let limit = from.saturating_add(self.settings.frame_records);
        let fitting = self.batch.ends.partition_point(|end| *end <= limit);
        let end = fitting
            .checked_sub(1)
            .and_then(|last| self.batch.ends.get(last))
            .copied()
            .unwrap_or(limit);
        // A piece is at most a frame, so this is always further on.
        if end > from {
            end
        } else {
            limit.min(self.batch.records.len())
        }
    }
}
