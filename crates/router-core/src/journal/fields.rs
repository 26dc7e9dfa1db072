//! Writing and reading fixed fields one after the other, and sealing them with a checksum.

use super::Defect;

/// Bytes of the checksum at the end of each header.
const SEAL_BYTES: usize = 4;

/// Writes fields one after the other. What does not fit is dropped, so callers size the buffer.
pub(super) struct Put<'a>(&'a mut [u8]);

impl<'a> Put<'a> {
    pub(super) fn new(buffer: &'a mut [u8]) -> Self {
        Self(buffer)
    }

    pub(super) fn bytes<const N: usize>(&mut self, value: [u8; N]) -> &mut Self {
        let rest = std::mem::take(&mut self.0);
        debug_assert!(rest.len() >= N, "headers are sized for their fields");
        if let Some((head, tail)) = rest.split_first_chunk_mut::<N>() {
            *head = value;
            self.0 = tail;
        }
        self
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(value.to_le_bytes())
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(value.to_le_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(value.to_le_bytes())
    }
}

/// Reads fields one after the other.
pub(super) struct Take<'a>(&'a [u8]);

impl<'a> Take<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Defect> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Defect::Short)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Defect> {
        self.bytes().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Defect> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Defect> {
        self.bytes().map(u64::from_le_bytes)
    }
}

/// Writes the checksum of everything before the last four bytes into the last four bytes.
pub(super) fn seal(header: &mut [u8]) {
    if let Some((fields, checksum)) = header.split_last_chunk_mut::<SEAL_BYTES>() {
        *checksum = crc32c::crc32c(fields).to_le_bytes();
    }
}

/// Checks magic and checksum of a header that [`seal`] closed, then its version.
///
/// The order matters: a whole header of an unknown version is [`Defect::Version`], never damage.
///
/// # Errors
/// The first [`Defect`] found; [`Defect::Blank`] if all bytes are zero.
pub(super) fn open_sealed<'a>(
    header: &'a [u8],
    magic: [u8; 4],
    version: u16,
) -> Result<Take<'a>, Defect> {
    if is_zero(header) {
        return Err(Defect::Blank);
    }
    let (fields, checksum) = header
        .split_last_chunk::<SEAL_BYTES>()
        .ok_or(Defect::Short)?;
    let mut take = Take::new(fields);
    if take.bytes::<4>()? != magic {
        return Err(Defect::Magic);
    }
    if crc32c::crc32c(fields) != u32::from_le_bytes(*checksum) {
        return Err(Defect::HeaderChecksum);
    }
    if take.u16()? != version {
        return Err(Defect::Version);
    }
    Ok(take)
}

/// Returns whether all bytes are zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |seen, byte| seen | byte) == 0
}
