//! Appending frames, one at a time: each is durable before the next is written.

use bytemuck::cast_slice;
use router_core::journal::{
    frame_bytes, seal_frame, Chain, Cursor, Defect, FrameHeader, FrameKind, Position, Record,
    SegmentHeader, BLOCK_BYTES, FRAME_HEADER_BYTES, MAX_FRAME_BYTES,
};

use crate::disk::{Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::mark::MarkFile;
use crate::names;
use crate::spares::Spares;

/// The end of the log, open for writing.
pub(crate) struct Log<D: Disk> {
    cursor: Cursor,
    epoch: u64,
    semantics: u32,
    segment_bytes: u64,
    active: Option<Active<D::File>>,
    spares: Spares<D>,
    mark: MarkFile<D::File>,
    /// Room for a segment's header and one frame; never grows.
    buffer: Box<[u8]>,
}

/// Where and how a log goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin {
    pub(crate) cursor: Cursor,
    /// Whether the cursor's segment has its header.
    pub(crate) begun: bool,
    /// The epoch of this writer: higher than all before.
    pub(crate) epoch: u64,
    /// Bytes of segments that are begun from now on.
    pub(crate) segment_bytes: u64,
    /// The version of the rules that goes into each frame.
    pub(crate) semantics: u32,
}

struct Active<F> {
    file: F,
    bytes: u64,
}

impl<D: Disk> Log<D> {
    /// Continues the log under a new epoch, and makes the new epoch durable.
    pub(crate) fn start(
        disk: &D,
        begin: Begin,
        spares: Spares<D>,
        mark: MarkFile<D::File>,
    ) -> Result<Self, JournalError> {
        let Begin {
            cursor,
            begun,
            epoch,
            segment_bytes,
            semantics,
        } = begin;
        let segment = cursor.position.segment;
        let active = if begun {
            Some(open(disk, segment)?)
        } else {
            None
        };
        let mut log = Self {
            cursor,
            epoch,
            semantics,
            segment_bytes,
            active,
            spares,
            mark,
            buffer: vec![0; BLOCK_BYTES + MAX_FRAME_BYTES].into_boxed_slice(),
        };
        // The mark first: if the frame that opens the epoch is torn, the epoch is not used twice.
        let marked = Cursor { epoch, ..cursor };
        log.mark.write(&marked, false)?;
        log.mark.sync()?;
        log.append(FrameKind::Opened, &[])?;
        log.mark.sync()?;
        log.spares
            .order(log.cursor.position.segment.saturating_add(1));
        Ok(log)
    }

    /// Returns what is durable.
    pub(crate) const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Writes one frame and syncs it. Returns whether it began a new segment.
    ///
    /// After an error the log must not be used again: what is on the disk is not known.
    pub(crate) fn append(
        &mut self,
        kind: FrameKind,
        records: &[Record],
    ) -> Result<bool, JournalError> {
        let length = frame_bytes(records.len());
        let room = self.active.as_ref().map_or(0, |active| {
            active.bytes.saturating_sub(self.cursor.position.offset)
        });
        let rolls = room < length as u64;
        if rolls {
            self.roll(length)?;
        }
        let (header, chain) = self.fill(kind, records, length)?;
        self.write(rolls, length)?;
        self.cursor
            .pass(&header, chain)
            .map_err(|defect| JournalError::at(header.position, defect))?;
        self.mark.write(&self.cursor, false)?;
        self.spares.used(self.cursor.position.offset);
        if rolls {
            let next = self.cursor.position.segment.saturating_add(1);
            self.spares.order(next);
        }
        Ok(rolls)
    }

    /// Syncs the commit mark of the last frame, if that has not been done.
    pub(crate) fn settle(&mut self) -> Result<(), JournalError> {
        self.mark.sync()
    }

    pub(crate) const fn is_settled(&self) -> bool {
        !self.mark.is_unsynced()
    }

    /// Marks the log as closed here.
    pub(crate) fn close(&mut self) -> Result<(), JournalError> {
        self.mark.write(&self.cursor, true)?;
        self.mark.sync()
    }

    /// Moves to a new segment and puts its header in front of the frame that follows.
    fn roll(&mut self, length: usize) -> Result<(), JournalError> {
        let segment = match self.active {
            Some(_) => self.cursor.position.segment.saturating_add(1),
            None => self.cursor.position.segment,
        };
        let position = Position::start_of(segment);
        if position.offset.saturating_add(length as u64) > self.segment_bytes {
            return Err(JournalError::at(position, Defect::Length));
        }
        let header = SegmentHeader {
            segment,
            segment_bytes: self.segment_bytes,
            epoch: self.epoch,
            first_sequence: self.cursor.next_sequence,
            previous: self.cursor.chain,
        };
        let file = self.spares.take(segment)?;
        self.active = Some(Active {
            file,
            bytes: self.segment_bytes,
        });
        self.cursor.position = position;
        let block = self
            .buffer
            .first_chunk_mut::<BLOCK_BYTES>()
            .ok_or(JournalError::at(position, Defect::Short))?;
        header.encode(block);
        Ok(())
    }

    /// Builds the frame in the buffer, behind the room for a segment's header.
    fn fill(
        &mut self,
        kind: FrameKind,
        records: &[Record],
        length: usize,
    ) -> Result<(FrameHeader, Chain), JournalError> {
        let position = self.cursor.position;
        let too_long = JournalError::at(position, Defect::Length);
        let header = FrameHeader {
            kind,
            epoch: self.epoch,
            first_sequence: self.cursor.next_sequence,
            count: u32::try_from(records.len()).map_err(|_| too_long)?,
            semantics: self.semantics,
            position,
            previous: self.cursor.chain,
            body_hash: 0,
            body_checksum: 0,
        };
        let frame = self
            .buffer
            .get_mut(BLOCK_BYTES..)
            .and_then(|rest| rest.get_mut(..length))
            .ok_or(too_long)?;
        let body = frame.get_mut(FRAME_HEADER_BYTES..).ok_or(too_long)?;
        let bytes = cast_slice::<Record, u8>(records);
        let (used, padding) = body.split_at_mut_checked(bytes.len()).ok_or(too_long)?;
        used.copy_from_slice(bytes);
        padding.fill(0);
        let chain =
            seal_frame(frame, header).map_err(|defect| JournalError::at(position, defect))?;
        Ok((header, chain))
    }

    fn write(&mut self, rolls: bool, length: usize) -> Result<(), JournalError> {
        let position = self.cursor.position;
        let id = FileId::Segment(position.segment);
        let active = self.active.as_ref().ok_or(JournalError::WriterLost)?;
        let (from, to, offset) = if rolls {
            (0, BLOCK_BYTES.saturating_add(length), 0)
        } else {
            (
                BLOCK_BYTES,
                BLOCK_BYTES.saturating_add(length),
                position.offset,
            )
        };
        let bytes = self.buffer.get(from..to).unwrap_or_default();
        active
            .file
            .write_at(bytes, offset)
            .map_err(|error| JournalError::io(id, &error))?;
        active
            .file
            .sync()
            .map_err(|error| JournalError::sync(id, &error))
    }
}

fn open<D: Disk>(disk: &D, segment: u64) -> Result<Active<D::File>, JournalError> {
    let failed = |error| JournalError::io(FileId::Segment(segment), &error);
    let file = disk
        .open(&names::segment(segment), Access::Write)
        .map_err(failed)?;
    let bytes = file.bytes().map_err(failed)?;
    Ok(Active { file, bytes })
}
