//! What lies behind the last whole frame of a segment.

use router_core::journal::{Defect, FrameHeader, Position, BLOCK_BYTES, MAX_FRAME_BYTES};

use crate::disk::DiskFile;
use crate::error::{FileId, JournalError};
use crate::scan::Window;

/// Looks from `from` to the end of a segment and returns the bytes up to the last one that is not
/// zero: 0 if nothing was ever written there.
///
/// The blocks in front of `search` may belong to the write that was cut off. A frame header behind
/// them proves that this write had been synced: a writer has one write under way at a time.
///
/// # Errors
/// [`JournalError::Corrupt`] at `from` if there is such a header, with `defect`.
pub(crate) fn residue(
    window: &mut Window,
    file: &impl DiskFile,
    from: Position,
    search: u64,
    defect: Defect,
) -> Result<u64, JournalError> {
    let id = FileId::Segment(from.segment);
    let mut offset = from.offset;
    let mut last = from.offset;
    loop {
        let bytes = window.bytes(file, id, offset, MAX_FRAME_BYTES)?;
        if bytes.is_empty() {
            break;
        }
        for (number, block) in bytes.chunks(BLOCK_BYTES).enumerate() {
            let start = offset.saturating_add((number as u64).saturating_mul(BLOCK_BYTES as u64));
            let Some(used) = used_bytes(block) else {
                continue;
            };
            last = start.saturating_add(used);
            let place = Position {
                segment: from.segment,
                offset: start,
            };
            let later =
                start >= search && FrameHeader::decode(block).is_ok_and(|h| h.position == place);
            if later {
                return Err(JournalError::at(from, defect));
            }
        }
        offset = offset.saturating_add(bytes.len() as u64);
    }
    Ok(last.saturating_sub(from.offset))
}

/// Returns the length up to the last byte that is not zero; `None` if all are.
fn used_bytes(block: &[u8]) -> Option<u64> {
    // The fold has no early exit, so it compiles to wide instructions: segments are mostly zeros here.
    if block.iter().fold(0, |seen, byte| seen | byte) == 0 {
        return None;
    }
    let last = block.iter().rposition(|byte| *byte != 0)?;
    Some((last as u64).saturating_add(1))
}
