//! The first block of a segment.

use super::fields::{open_sealed, seal, Put};
use super::{Chain, Defect, BLOCK_BYTES, FORMAT_VERSION};

const MAGIC: [u8; 4] = *b"RJSG";

/// The header of a segment; it fills the first block and is written together with the first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Number of the segment, dense from zero.
    pub segment: u64,
    /// Bytes of the whole file.
    pub segment_bytes: u64,
    /// The epoch of the writer that began it.
    pub epoch: u64,
    /// The sequence of the first record that can be in it.
    pub first_sequence: u64,
    /// The hash of all frames before it.
    pub previous: Chain,
}

impl SegmentHeader {
    /// Writes the header over a whole block.
    pub fn encode(&self, block: &mut [u8; BLOCK_BYTES]) {
        block.fill(0);
        Put::new(block)
            .bytes(MAGIC)
            .u16(FORMAT_VERSION)
            .u16(0)
            .u64(self.segment)
            .u64(self.segment_bytes)
            .u64(self.epoch)
            .u64(self.first_sequence)
            .u64(self.previous.0);
        seal(block);
    }

    /// Reads a header; the checksum covers the whole block.
    ///
    /// # Errors
    /// The first [`Defect`] found; [`Defect::Blank`] if the block holds only zeros.
    pub fn decode(block: &[u8]) -> Result<Self, Defect> {
        let block = block.get(..BLOCK_BYTES).ok_or(Defect::Short)?;
        let mut take = open_sealed(block, MAGIC, FORMAT_VERSION)?;
        take.u16()?;
        Ok(Self {
            segment: take.u64()?,
            segment_bytes: take.u64()?,
            epoch: take.u64()?,
            first_sequence: take.u64()?,
            previous: Chain(take.u64()?),
        })
    }
}
