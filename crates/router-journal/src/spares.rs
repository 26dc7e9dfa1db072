//! The next segment, prepared by a thread of its own so that rolling does not wait for zeros.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::disk::{Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::names;

/// Zeros are written and synced in pieces: one sync of a whole segment would hold up the writer's.
const PIECE_BYTES: usize = 1 << 20;
const PIECES_PER_SYNC: u32 = 4;

type Prepared<F> = (u64, Result<F, JournalError>);

/// Asks for segments ahead of time and hands them out.
pub(crate) struct Spares<D: Disk> {
    orders: Option<SyncSender<u64>>,
    prepared: Receiver<Prepared<D::File>>,
    ready: Option<(u64, D::File)>,
    ordered: Option<u64>,
    /// Lets a preparation end early: nobody will use the segment.
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<D: Disk> Spares<D> {
    /// Starts the thread. `kept` is a prepared segment that recovery found.
    pub(crate) fn start(
        disk: &D,
        segment_bytes: u64,
        kept: Option<u64>,
    ) -> Result<Self, JournalError> {
        let ready = match kept {
            Some(segment) => Some((segment, open(disk, segment)?)),
            None => None,
        };
        let (orders, incoming) = sync_channel::<u64>(1);
        let (outgoing, prepared) = sync_channel(1);
        let disk = disk.clone();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("journal-segments".to_owned())
            .spawn(move || {
                for segment in incoming {
                    let file = prepare(&disk, segment, segment_bytes, &stopped);
                    if outgoing.send((segment, file)).is_err() {
                        break;
                    }
                }
            })
            .map_err(|error| JournalError::io(FileId::Directory, &error))?;
        Ok(Self {
            orders: Some(orders),
            prepared,
            ready,
            ordered: None,
            stop,
            thread: Some(thread),
        })
    }

    /// Has a segment prepared unless that was already asked for.
    pub(crate) fn order(&mut self, segment: u64) {
        let here = self.ready.as_ref().map(|(number, _)| *number);
        if here == Some(segment) || self.ordered == Some(segment) {
            return;
        }
        if let Some(orders) = &self.orders {
            // Only one order is ever open, so there is room; a thread that is gone shows in `take`.
            self.ordered = orders.try_send(segment).ok().map(|()| segment);
        }
    }

    /// Returns the zeroed file of a segment; waits until it is prepared.
    ///
    /// A full disk is tried once more, because snapshots may have freed room since.
    pub(crate) fn take(&mut self, segment: u64) -> Result<D::File, JournalError> {
        match self.wait_for(segment) {
            Err(JournalError::DiskFull { .. }) => self.wait_for(segment),
            other => other,
        }
    }

    fn wait_for(&mut self, segment: u64) -> Result<D::File, JournalError> {
        if let Some((number, file)) = self.ready.take() {
            if number == segment {
                return Ok(file);
            }
        }
        self.order(segment);
        while self.ordered.is_some() {
            let (number, file) = self.prepared.recv().map_err(|_| JournalError::WriterLost)?;
            self.ordered = None;
            if number == segment {
                return file;
            }
            self.order(segment);
        }
        Err(JournalError::WriterLost)
    }
}

impl<D: Disk> Drop for Spares<D> {
    fn drop(&mut self) {
        self.orders = None;
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its answer has room in the channel, so it ends; a panic in it has nothing to add here.
            drop(thread.join());
        }
    }
}

fn open<D: Disk>(disk: &D, segment: u64) -> Result<D::File, JournalError> {
    disk.open(&names::segment(segment), Access::Write)
        .map_err(|error| JournalError::io(FileId::Segment(segment), &error))
}

/// Creates a segment of zeros under its final name, all of it durable.
fn prepare<D: Disk>(
    disk: &D,
    segment: u64,
    segment_bytes: u64,
    stop: &AtomicBool,
) -> Result<D::File, JournalError> {
    let id = FileId::Segment(segment);
    let failed = |error| JournalError::io(id, &error);
    let name = names::segment(segment);
    let unfinished = names::unfinished(&name);
    let file = disk.open(&unfinished, Access::Create).map_err(failed)?;
    let zeros = vec![0; PIECE_BYTES];
    let mut offset = 0_u64;
    let mut pieces = 0_u32;
    while offset < segment_bytes {
        if stop.load(Ordering::Relaxed) {
            return Err(JournalError::WriterLost);
        }
        let piece = segment_bytes.saturating_sub(offset).min(zeros.len() as u64);
        let bytes = usize::try_from(piece).unwrap_or(0);
        file.write_at(zeros.get(..bytes).unwrap_or_default(), offset)
            .map_err(failed)?;
        offset = offset.saturating_add(piece);
        pieces = pieces.saturating_add(1);
        if pieces.checked_rem(PIECES_PER_SYNC) == Some(0) {
            file.sync()
                .map_err(|error| JournalError::sync(id, &error))?;
        }
    }
    file.sync()
        .map_err(|error| JournalError::sync(id, &error))?;
    disk.rename(&unfinished, &name).map_err(failed)?;
    disk.sync_names()
        .map_err(|error| JournalError::sync(FileId::Directory, &error))?;
    Ok(file)
}
