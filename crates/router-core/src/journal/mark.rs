//! Commit marks: what was durable when nothing came after it.

use super::fields::{open_sealed, seal, Put};
use super::{Chain, Defect, Position, FORMAT_VERSION};

const MAGIC: [u8; 4] = *b"RJMK";
const CLEAN: u16 = 1;

/// Bytes of a mark: within one disk sector, so it is never half written.
pub const MARK_BYTES: usize = 64;

/// Says that everything before a place had been synced. Two slots take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitMark {
    /// Counts the marks; of two whole slots the higher one counts.
    pub turn: u64,
    /// The epoch of the writer.
    pub epoch: u64,
    /// The sequence behind the last durable record.
    pub end_sequence: u64,
    /// Where the last durable frame ends.
    pub position: Position,
    /// The hash of all frames before that place.
    pub chain: Chain,
    /// Whether the writer closed the journal here.
    pub clean: bool,
}

impl CommitMark {
    /// Writes the mark.
    pub fn encode(&self, slot: &mut [u8; MARK_BYTES]) {
        slot.fill(0);
        Put::new(slot)
            .bytes(MAGIC)
            .u16(FORMAT_VERSION)
            .u16(if self.clean { CLEAN } else { 0 })
            .u64(self.turn)
            .u64(self.epoch)
            .u64(self.end_sequence)
            .u64(self.position.segment)
            .u64(self.position.offset)
            .u64(self.chain.0);
        seal(slot);
    }

    /// Reads a mark.
    ///
    /// # Errors
    /// The first [`Defect`] found; [`Defect::Blank`] if the slot was never written.
    pub fn decode(slot: &[u8]) -> Result<Self, Defect> {
        let slot = slot.get(..MARK_BYTES).ok_or(Defect::Short)?;
        let mut take = open_sealed(slot, MAGIC, FORMAT_VERSION)?;
        let clean = match take.u16()? {
            0 => false,
            CLEAN => true,
            _ => return Err(Defect::Kind),
        };
        Ok(Self {
            turn: take.u64()?,
            epoch: take.u64()?,
            end_sequence: take.u64()?,
            position: Position {
                segment: take.u64()?,
                offset: take.u64()?,
            },
            chain: Chain(take.u64()?),
            clean,
        })
    }
}
