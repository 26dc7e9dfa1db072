//! Frames: a header, then whole records, then zeros up to the next block.

use super::fields::{open_sealed, seal, Put};
use super::{
    hash64, Chain, Defect, Position, BLOCK_BYTES, FORMAT_VERSION, MAX_FRAME_BYTES, RECORD_BYTES,
};

/// Bytes of a frame's header; the first record starts behind it.
pub const FRAME_HEADER_BYTES: usize = 128;

const MAGIC: [u8; 4] = *b"RJFR";

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum FrameKind {
    /// Records, in the order in which they were applied.
    Records = 1,
    /// A writer begins a new epoch here; holds no records.
    Opened = 2,
}

impl FrameKind {
    const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Records),
            2 => Some(Self::Opened),
            _ => None,
        }
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the frame is for.
    pub kind: FrameKind,
    /// The epoch of its writer.
    pub epoch: u64,
    /// The sequence of its first record, or of the next one if it has none.
    pub first_sequence: u64,
    /// How many records it holds: 1 to [`max_records`] for records, else 0.
    pub count: u32,
    /// The version of the rules by which the records were applied.
    pub semantics: u32,
    /// Where it was written.
    pub position: Position,
    /// The hash of all frames before it.
    pub previous: Chain,
    /// [`hash64`] of everything behind the header, padding included.
    pub body_hash: u64,
    /// CRC32C of the same bytes.
    pub body_checksum: u32,
}

/// Returns the bytes of a frame of `count` records: a multiple of [`BLOCK_BYTES`].
#[must_use]
pub const fn frame_bytes(count: usize) -> usize {
    count
        .saturating_mul(RECORD_BYTES)
        .saturating_add(FRAME_HEADER_BYTES)
        .div_ceil(BLOCK_BYTES)
        .saturating_mul(BLOCK_BYTES)
}

/// Returns how many records fit into a frame of at most `limit` bytes.
#[must_use]
pub const fn max_records(limit: usize) -> usize {
    let limit = if limit < MAX_FRAME_BYTES {
        limit
    } else {
        MAX_FRAME_BYTES
    };
    limit.saturating_sub(FRAME_HEADER_BYTES) / RECORD_BYTES
}

impl FrameHeader {
    /// Returns the bytes of the whole frame.
    #[must_use]
    pub const fn frame_bytes(&self) -> usize {
        frame_bytes(self.count as usize)
    }

    /// Reads a header. Its own checksum is verified, the body is not.
    ///
    /// # Errors
    /// The first [`Defect`] found; [`Defect::Blank`] if there are only zeros.
    pub fn decode(bytes: &[u8]) -> Result<Self, Defect> {
        let header = bytes.get(..FRAME_HEADER_BYTES).ok_or(Defect::Short)?;
        let mut take = open_sealed(header, MAGIC, FORMAT_VERSION)?;
        let kind = FrameKind::from_number(take.u16()?).ok_or(Defect::Kind)?;
        let decoded = Self {
            kind,
            epoch: take.u64()?,
            first_sequence: take.u64()?,
            count: take.u32()?,
            semantics: take.u32()?,
            position: Position {
                segment: take.u64()?,
                offset: take.u64()?,
            },
            previous: Chain(take.u64()?),
            body_hash: take.u64()?,
            body_checksum: take.u32()?,
        };
        let fits = (decoded.count as usize) <= max_records(MAX_FRAME_BYTES);
        if !fits || (kind == FrameKind::Records) == (decoded.count == 0) {
            return Err(Defect::Length);
        }
        Ok(decoded)
    }

    /// Writes the header into the first [`FRAME_HEADER_BYTES`] and returns the frame's chain.
    fn encode(&self, header: &mut [u8]) -> Chain {
        header.fill(0);
        Put::new(header)
            .bytes(MAGIC)
            .u16(FORMAT_VERSION)
            .u16(self.kind as u16)
            .u64(self.epoch)
            .u64(self.first_sequence)
            .u32(self.count)
            .u32(self.semantics)
            .u64(self.position.segment)
            .u64(self.position.offset)
            .u64(self.previous.0)
            .u64(self.body_hash)
            .u32(self.body_checksum);
        seal(header);
        Chain(hash64(header))
    }
}

/// Closes a frame: `frame` already holds the records behind the header, and zeros behind them.
///
/// The hash and checksum fields of `header` are computed here. Returns the frame's chain.
///
/// # Errors
/// [`Defect::Length`] if `frame` is not exactly as long as `header.count` makes it.
pub fn seal_frame(frame: &mut [u8], mut header: FrameHeader) -> Result<Chain, Defect> {
    if frame.len() != header.frame_bytes() || frame.len() > MAX_FRAME_BYTES {
        return Err(Defect::Length);
    }
    let (head, body) = frame
        .split_at_mut_checked(FRAME_HEADER_BYTES)
        .ok_or(Defect::Length)?;
    header.body_checksum = crc32c::crc32c(body);
    header.body_hash = hash64(body);
    Ok(header.encode(head))
}

/// Checks the body of a frame and returns the frame's chain and the bytes of its records.
///
/// # Errors
/// [`Defect::Length`], [`Defect::BodyChecksum`] or [`Defect::BodyHash`].
pub fn check_body<'a>(frame: &'a [u8], header: &FrameHeader) -> Result<(Chain, &'a [u8]), Defect> {
    if frame.len() != header.frame_bytes() {
        return Err(Defect::Length);
    }
    let (head, body) = frame
        .split_at_checked(FRAME_HEADER_BYTES)
        .ok_or(Defect::Short)?;
    if crc32c::crc32c(body) != header.body_checksum {
        return Err(Defect::BodyChecksum);
    }
    if hash64(body) != header.body_hash {
        return Err(Defect::BodyHash);
    }
    let records = (header.count as usize)
        .checked_mul(RECORD_BYTES)
        .and_then(|bytes| body.get(..bytes))
        .ok_or(Defect::Length)?;
    Ok((Chain(hash64(head)), records))
}
