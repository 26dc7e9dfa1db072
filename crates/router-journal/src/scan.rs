//! Reading one segment, frame after frame, in large pieces.

use bytemuck::{cast_slice, cast_slice_mut};
use router_core::journal::{
    check_body, Chain, Cursor, Defect, FrameHeader, Record, BLOCK_BYTES, MAX_FRAME_BYTES,
};

use crate::disk::{read_up_to, DiskFile};
use crate::error::{FileId, JournalError};

/// Bytes of one read: several frames of the largest size.
const READ_BYTES: usize = MAX_FRAME_BYTES * 4;

/// A buffer over a moving window of a file. Its start is aligned for 64-bit fields.
#[derive(Debug)]
pub(crate) struct Window {
    words: Vec<u64>,
    start: u64,
    filled: usize,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            words: vec![0; READ_BYTES / 8],
            start: 0,
            filled: 0,
        }
    }

    /// Forgets what was read: another file follows.
    pub(crate) fn reset(&mut self) {
        self.filled = 0;
    }

    /// Returns `length` bytes from `offset`, fewer at the end of the file. `length` is at most
    /// [`MAX_FRAME_BYTES`], whatever the file says.
    pub(crate) fn bytes(
        &mut self,
        file: &impl DiskFile,
        id: FileId,
        offset: u64,
        length: usize,
    ) -> Result<&[u8], JournalError> {
        let length = length.min(MAX_FRAME_BYTES);
        if self.within(offset, length).is_none() {
            self.filled = read_up_to(file, cast_slice_mut(&mut self.words), offset)
                .map_err(|error| JournalError::io(id, &error))?;
            self.start = offset;
        }
        let range = self.within(offset, length.min(self.filled)).unwrap_or(0..0);
        Ok(cast_slice::<u64, u8>(&self.words)
            .get(range)
            .unwrap_or_default())
    }

    fn within(&self, offset: u64, length: usize) -> Option<std::ops::Range<usize>> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let to = from.checked_add(length)?;
        (to <= self.filled).then_some(from..to)
    }
}

/// A whole frame that belongs where it was found.
pub(crate) struct Frame<'w> {
    pub(crate) header: FrameHeader,
    pub(crate) chain: Chain,
    pub(crate) records: &'w [Record],
}

/// Why there is no frame at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFrame {
    /// The file ends exactly here.
    EndOfFile,
    /// What a write that was cut off can leave; also plain zeros. The header is there if it is whole.
    MaybeTorn(Defect, Option<FrameHeader>),
    /// What no interrupted write can leave.
    Wrong(Defect),
}

/// Reads the frame at `cursor`; `file_bytes` is the length of the file.
pub(crate) fn frame_at<'w>(
    window: &'w mut Window,
    file: &impl DiskFile,
    file_bytes: u64,
    cursor: &Cursor,
) -> Result<Result<Frame<'w>, NoFrame>, JournalError> {
    let id = FileId::Segment(cursor.position.segment);
    let offset = cursor.position.offset;
    let room = file_bytes.saturating_sub(offset);
    if room == 0 {
        return Ok(Err(NoFrame::EndOfFile));
    }
    let block = window.bytes(file, id, offset, BLOCK_BYTES)?;
    let header = match FrameHeader::decode(block) {
        Ok(header) => header,
        Err(defect @ (Defect::Blank | Defect::Magic | Defect::HeaderChecksum)) => {
            return Ok(Err(NoFrame::MaybeTorn(defect, None)));
        }
        Err(defect) => return Ok(Err(NoFrame::Wrong(defect))),
    };
    if let Err(defect) = cursor.expects(&header) {
        return Ok(Err(NoFrame::Wrong(defect)));
    }
    let length = header.frame_bytes();
    if length as u64 > room {
        return Ok(Err(NoFrame::Wrong(Defect::Length)));
    }
    let frame = window.bytes(file, id, offset, length)?;
    match check_body(frame, &header) {
        Ok((chain, records)) => Ok(Ok(Frame {
            header,
            chain,
            records: cast_slice(records),
        })),
        Err(defect @ (Defect::BodyChecksum | Defect::BodyHash)) => {
            Ok(Err(NoFrame::MaybeTorn(defect, Some(header))))
        }
        Err(defect) => Ok(Err(NoFrame::Wrong(defect))),
    }
}
