//! The disk as the journal sees it: two small ports, so that tests can break it.

use std::io;

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For reading; it must exist.
    Read,
    /// For reading and writing; it must exist.
    Write,
    /// For writing aligned blocks past the system's cache; it must exist. Refused with
    /// [`io::ErrorKind::InvalidInput`] or [`io::ErrorKind::Unsupported`] where that cannot be done.
    Bypass,
    /// For reading and writing, new and empty: what had the name before is gone.
    Create,
}

/// A directory of files, not deeper than one level.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// Keeps other writers out until it is dropped.
    type Lock: Send;

    /// Takes the lock file without waiting; `None` if somebody else has it.
    ///
    /// # Errors
    /// What the operating system says.
    fn lock(&self) -> io::Result<Option<Self::Lock>>;

    /// Returns the names of all files, in any order.
    ///
    /// # Errors
    /// What the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file.
    ///
    /// # Errors
    /// What the operating system says.
    fn open(&self, name: &str, access: Access) -> io::Result<Self::File>;

    /// Gives a file another name, replacing what has it.
    ///
    /// # Errors
    /// What the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the operating system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all names durable.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync_names(&self) -> io::Result<()>;
}

/// An open file, read and written at offsets.
pub trait DiskFile: Send + 'static {
    /// Returns the length in bytes.
    ///
    /// # Errors
    /// What the operating system says.
    fn bytes(&self) -> io::Result<u64>;

    /// Reads at most `buffer.len()` bytes at an offset; 0 only at the end of the file.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// What the operating system says; some of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the file's bytes and its length durable.
    ///
    /// # Errors
    /// What the operating system says; what was written since the last sync may then be lost.
    fn sync(&self) -> io::Result<()>;

    /// Lets the system forget what it keeps of the file in memory, so that the next read asks the disk.
    ///
    /// # Errors
    /// What the operating system says.
    fn forget(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Fills the buffer from an offset as far as the file reaches; returns how much that is.
pub(crate) fn read_up_to(
    file: &impl DiskFile,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut filled = 0_usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(filled as u64);
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
