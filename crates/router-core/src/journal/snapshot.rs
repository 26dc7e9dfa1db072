//! The header of a snapshot file; the saved state follows it.

use super::fields::{open_sealed, seal, Put};
use super::{hash64, Chain, Cursor, Defect, Position, FORMAT_VERSION};

const MAGIC: [u8; 4] = *b"RJSN";

/// Bytes of a snapshot's header.
pub const SNAPSHOT_HEADER_BYTES: usize = 128;

/// The header of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// Where the log goes on behind what the snapshot holds.
    pub cursor: Cursor,
    /// The version of the rules of the state machine that saved it.
    pub semantics: u32,
    /// The hash of the saved state, as the state machine itself computes it.
    pub state_hash: u64,
    /// Bytes of the saved state.
    pub body_bytes: u64,
    /// CRC32C of the saved state.
    pub body_checksum: u32,
    /// [`hash64`] of the saved state.
    pub body_hash: u64,
}

impl SnapshotHeader {
    /// Returns the header for a saved state.
    #[must_use]
    pub fn of(cursor: Cursor, semantics: u32, state_hash: u64, body: &[u8]) -> Self {
        Self {
            cursor,
            semantics,
            state_hash,
            body_bytes: body.len() as u64,
            body_checksum: crc32c::crc32c(body),
            body_hash: hash64(body),
        }
    }

    /// Returns the header as bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; SNAPSHOT_HEADER_BYTES] {
        let mut header = [0; SNAPSHOT_HEADER_BYTES];
        Put::new(&mut header)
            .bytes(MAGIC)
            .u16(FORMAT_VERSION)
            .u16(0)
            .u64(self.cursor.position.segment)
            .u64(self.cursor.position.offset)
            .u64(self.cursor.next_sequence)
            .u64(self.cursor.epoch)
            .u64(self.cursor.chain.0)
            .u64(self.state_hash)
            .u64(self.body_bytes)
            .u64(self.body_hash)
            .u32(self.body_checksum)
            .u32(self.semantics);
        seal(&mut header);
        header
    }

    /// Reads a header.
    ///
    /// # Errors
    /// The first [`Defect`] found.
    pub fn decode(bytes: &[u8]) -> Result<Self, Defect> {
        let header = bytes.get(..SNAPSHOT_HEADER_BYTES).ok_or(Defect::Short)?;
        let mut take = open_sealed(header, MAGIC, FORMAT_VERSION)?;
        take.u16()?;
        let position = Position {
            segment: take.u64()?,
            offset: take.u64()?,
        };
        let cursor = Cursor {
            position,
            next_sequence: take.u64()?,
            epoch: take.u64()?,
            chain: Chain(take.u64()?),
        };
        Ok(Self {
            cursor,
            state_hash: take.u64()?,
            body_bytes: take.u64()?,
            body_hash: take.u64()?,
            body_checksum: take.u32()?,
            semantics: take.u32()?,
        })
    }

    /// Checks the saved state against the header.
    ///
    /// # Errors
    /// [`Defect::Length`], [`Defect::BodyChecksum`] or [`Defect::BodyHash`].
    pub fn check(&self, body: &[u8]) -> Result<(), Defect> {
        if body.len() as u64 != self.body_bytes {
            return Err(Defect::Length);
        }
        if crc32c::crc32c(body) != self.body_checksum {
            return Err(Defect::BodyChecksum);
        }
        if hash64(body) != self.body_hash {
            return Err(Defect::BodyHash);
        }
        Ok(())
    }
}
