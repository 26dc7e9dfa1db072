//! The next segment, prepared by a thread of its own so that rolling does not wait for zeros.

use std::io;
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use router_core::journal::BLOCK_BYTES;

use crate::covered::Covered;
use crate::disk::{Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::names;
use crate::pace::{Pace, URGENT_BYTES};

type Prepared<F> = (u64, Result<F, JournalError>);

/// Asks for segments ahead of time and hands them out.
pub(crate) struct Spares<D: Disk> {
    orders: Option<SyncSender<u64>>,
    prepared: Receiver<Prepared<D::File>>,
    ready: Option<(u64, D::File)>,
    ordered: Option<u64>,
    pace: Arc<Pace>,
    thread: Option<JoinHandle<()>>,
}

impl<D: Disk> Spares<D> {
    /// Starts the thread. `kept` is a prepared segment that recovery found.
    pub(crate) fn start(
        disk: &D,
        segment_bytes: u64,
        kept: Option<u64>,
        covered: &Arc<Covered>,
    ) -> Result<Self, JournalError> {
        let ready = match kept {
            Some(segment) => Some((segment, open(disk, segment)?)),
            None => None,
        };
        let (orders, incoming) = sync_channel::<u64>(1);
        let (outgoing, prepared) = sync_channel(1);
        let pace = Arc::new(Pace::default());
        let work = Preparation {
            disk: disk.clone(),
            segment_bytes,
            covered: Arc::clone(covered),
            pace: Arc::clone(&pace),
        };
        let thread = thread::Builder::new()
            .name("journal-segments".to_owned())
            .spawn(move || {
                for segment in incoming {
                    let file = work.prepare(segment);
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
            pace,
            thread: Some(thread),
        })
    }

    /// Says how much of the present segment is used: the next one is prepared in step with it.
    pub(crate) fn used(&self, bytes: u64) {
        self.pace.used(bytes);
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
        self.hurry(true);
        let taken = match self.wait_for(segment) {
            Err(JournalError::DiskFull { .. }) => self.wait_for(segment),
            other => other,
        };
        self.hurry(false);
        taken
    }

    fn hurry(&self, urgent: bool) {
        self.pace.hurry(urgent);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
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
        self.pace.stop();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // Its answer has room in the channel, so it ends; a panic in it has nothing to add here.
            drop(thread.join());
        }
    }
}

fn open<D: Disk>(disk: &D, segment: u64) -> Result<D::File, JournalError> {
    disk.open(&names::segment(segment), Access::Write)
        .map_err(|error| JournalError::io(FileId::Segment(segment), &error))
}

/// What the thread needs.
struct Preparation<D: Disk> {
    disk: D,
    segment_bytes: u64,
    covered: Arc<Covered>,
    pace: Arc<Pace>,
}

impl<D: Disk> Preparation<D> {
    /// Makes a segment of zeros under its final name, all of it durable.
    fn prepare(&self, segment: u64) -> Result<D::File, JournalError> {
        let id = FileId::Segment(segment);
        let failed = |error| JournalError::io(id, &error);
        let name = names::segment(segment);
        let unfinished = if let Some(covered) = self.covered.give_out() {
            covered
        } else {
            let unfinished = names::unfinished(&name);
            self.disk
                .open(&unfinished, Access::Create)
                .map_err(failed)?;
            unfinished
        };
        self.clear(&unfinished, id)?;
        self.disk.rename(&unfinished, &name).map_err(failed)?;
        self.disk
            .sync_names()
            .map_err(|error| JournalError::sync(FileId::Directory, &error))?;
        open(&self.disk, segment)
    }

    /// Writes zeros past the system's cache if the file system lets us, else through it.
    ///
    /// Past the cache nothing piles up that a sync would have to write at once, so one sync at the end is
    /// enough: each earlier one would make the file system write down how far the file has grown, and
    /// the writer's syncs would wait for that.
    fn clear(&self, name: &str, id: FileId) -> Result<(), JournalError> {
        let failed = |error| JournalError::io(id, &error);
        let done = self
            .disk
            .open(name, Access::Bypass)
            .and_then(|file| self.fill(&file, false).map(|whole| (file, whole)));
        let (file, whole) = match done {
            Err(error) if cannot_bypass(&error) => {
                let file = self.disk.open(name, Access::Write).map_err(failed)?;
                let whole = self.fill(&file, true).map_err(failed)?;
                (file, whole)
            }
            done => done.map_err(failed)?,
        };
        if !whole {
            return Err(JournalError::WriterLost);
        }
        file.sync().map_err(|error| JournalError::sync(id, &error))
    }

    /// Writes zeros from the first byte to the last: also where a file held something before, nothing
    /// of it may be left. Returns whether it came to the end: nobody waits for a stopped one.
    fn fill(&self, file: &D::File, syncs: bool) -> io::Result<bool> {
        let memory = vec![0; URGENT_BYTES.saturating_add(BLOCK_BYTES)];
        let zeros = memory
            .get(memory.as_ptr().align_offset(BLOCK_BYTES)..)
            .unwrap_or_default();
        let mut offset = 0_u64;
        while offset < self.segment_bytes {
            if self.pace.is_stopped() {
                return Ok(false);
            }
            let piece = self.segment_bytes.saturating_sub(offset);
            let piece = usize::try_from(piece).unwrap_or(usize::MAX);
            let piece = zeros.get(..piece.min(self.pace.slice())).unwrap_or(zeros);
            file.write_at(piece, offset)?;
            if syncs {
                file.sync()?;
            }
            offset = offset.saturating_add(piece.len() as u64);
            if offset < self.segment_bytes {
                self.pace.make_way(offset);
            }
        }
        Ok(true)
    }
}

fn cannot_bypass(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}
