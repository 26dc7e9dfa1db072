//! The file of the two commit marks.

use router_core::journal::{CommitMark, Cursor, Defect, BLOCK_BYTES, MARK_BYTES};

use crate::disk::{read_up_to, Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::names;

const SLOTS: u64 = 2;
const FILE_BYTES: usize = BLOCK_BYTES * 2;

/// What the mark file says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MarkRead {
    /// The newer of the whole marks.
    pub(crate) mark: Option<CommitMark>,
    /// Whether a slot holds something that is not a mark.
    pub(crate) damaged: bool,
}

/// Reads both slots; a missing file is the same as an empty one.
pub(crate) fn read(disk: &impl Disk, present: bool) -> Result<MarkRead, JournalError> {
    let mut found = MarkRead::default();
    if !present {
        return Ok(found);
    }
    let failed = |error| JournalError::io(FileId::Mark, &error);
    let file = disk.open(names::MARK, Access::Read).map_err(failed)?;
    for slot in 0..SLOTS {
        let mut bytes = [0; MARK_BYTES];
        read_up_to(&file, &mut bytes, offset_of(slot)).map_err(failed)?;
        match CommitMark::decode(&bytes) {
            Ok(mark) => {
                let newer = found.mark.is_none_or(|other| mark.turn > other.turn);
                found.mark = if newer { Some(mark) } else { found.mark };
            }
            Err(Defect::Blank) => {}
            Err(_) => found.damaged = true,
        }
    }
    Ok(found)
}

fn offset_of(turn: u64) -> u64 {
    (turn & 1).saturating_mul(BLOCK_BYTES as u64)
}

/// The mark file of a writer.
#[derive(Debug)]
pub(crate) struct MarkFile<F> {
    file: F,
    turn: u64,
    /// Whether the newest mark has not been synced.
    unsynced: bool,
}

impl<F: DiskFile> MarkFile<F> {
    /// Opens the file behind the newest mark, or makes a new one.
    pub(crate) fn open<D: Disk<File = F>>(
        disk: &D,
        present: bool,
        last: Option<CommitMark>,
    ) -> Result<Self, JournalError> {
        let failed = |error| JournalError::io(FileId::Mark, &error);
        if !present {
            let unfinished = names::unfinished(names::MARK);
            let file = disk.open(&unfinished, Access::Create).map_err(failed)?;
            file.write_at(&[0; FILE_BYTES], 0).map_err(failed)?;
            file.sync()
                .map_err(|error| JournalError::sync(FileId::Mark, &error))?;
            disk.rename(&unfinished, names::MARK).map_err(failed)?;
            disk.sync_names()
                .map_err(|error| JournalError::sync(FileId::Directory, &error))?;
        }
        let file = disk.open(names::MARK, Access::Write).map_err(failed)?;
        Ok(Self {
            file,
            turn: last.map_or(0, |mark| mark.turn),
            unsynced: false,
        })
    }

    /// Writes that everything before `cursor` is durable. Costs no sync.
    pub(crate) fn write(&mut self, cursor: &Cursor, clean: bool) -> Result<(), JournalError> {
        self.turn = self.turn.saturating_add(1);
        let mark = CommitMark {
            turn: self.turn,
            epoch: cursor.epoch,
            end_sequence: cursor.next_sequence,
            position: cursor.position,
            chain: cursor.chain,
            clean,
        };
        let mut slot = [0; MARK_BYTES];
        mark.encode(&mut slot);
        self.unsynced = true;
        self.file
            .write_at(&slot, offset_of(self.turn))
            .map_err(|error| JournalError::io(FileId::Mark, &error))
    }

    /// Syncs the newest mark if it is not.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        if self.unsynced {
            self.file
                .sync()
                .map_err(|error| JournalError::sync(FileId::Mark, &error))?;
            self.unsynced = false;
        }
        Ok(())
    }

    pub(crate) const fn is_unsynced(&self) -> bool {
        self.unsynced
    }
}
