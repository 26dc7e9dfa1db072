//! Snapshot files: written aside, read back, renamed.

use router_core::journal::{Cursor, Defect, SnapshotHeader, SNAPSHOT_HEADER_BYTES};

use crate::disk::{read_up_to, Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::machine::StateMachine;
use crate::names;

/// Bytes that are written and synced at once: small enough to let the writer's own syncs through.
const PIECE_BYTES: usize = 4 << 20;

/// A snapshot that was read and whose state has the hash that it had when it was saved.
pub(crate) struct Loaded<S> {
    pub(crate) header: SnapshotHeader,
    pub(crate) state: S,
}

/// Saves a state that holds all records before `cursor`, and makes it durable.
///
/// The file gets its name only after it has been read back into a fresh machine with the same hash.
pub(crate) fn write<S: StateMachine>(
    disk: &impl Disk,
    cursor: Cursor,
    state: &S,
) -> Result<(), JournalError> {
    let mut body = Vec::new();
    state.save(&mut body);
    let header = SnapshotHeader::of(cursor, S::semantics_version(), state.state_hash(), &body);
    let id = FileId::Snapshot(cursor.next_sequence);
    let name = names::snapshot(cursor.next_sequence);
    let unfinished = names::unfinished(&name);
    write_file(disk, &unfinished, id, &header, &body)?;
    drop(body);
    read::<S>(disk, &unfinished, id)?;
    disk.rename(&unfinished, &name)
        .map_err(|error| JournalError::io(id, &error))?;
    disk.sync_names()
        .map_err(|error| JournalError::sync(FileId::Directory, &error))
}

fn write_file(
    disk: &impl Disk,
    name: &str,
    id: FileId,
    header: &SnapshotHeader,
    body: &[u8],
) -> Result<(), JournalError> {
    let failed = |error| JournalError::io(id, &error);
    let file = disk.open(name, Access::Create).map_err(failed)?;
    file.write_at(&header.encode(), 0).map_err(failed)?;
    let mut offset = SNAPSHOT_HEADER_BYTES as u64;
    for piece in body.chunks(PIECE_BYTES) {
        file.write_at(piece, offset).map_err(failed)?;
        file.sync()
            .map_err(|error| JournalError::sync(id, &error))?;
        offset = offset.saturating_add(piece.len() as u64);
    }
    file.sync().map_err(|error| JournalError::sync(id, &error))
}

/// Reads the snapshot of all records before `end` into a fresh machine.
pub(crate) fn load<S: StateMachine>(disk: &impl Disk, end: u64) -> Result<Loaded<S>, JournalError> {
    let id = FileId::Snapshot(end);
    let loaded = read::<S>(disk, &names::snapshot(end), id)?;
    if loaded.header.cursor.next_sequence != end {
        return Err(damaged(id, Defect::Sequence));
    }
    Ok(loaded)
}

/// Reads header and length only: whether the file looks like what its name says.
pub(crate) fn peek(disk: &impl Disk, end: u64) -> Result<SnapshotHeader, JournalError> {
    let id = FileId::Snapshot(end);
    let failed = |error| JournalError::io(id, &error);
    let file = disk
        .open(&names::snapshot(end), Access::Read)
        .map_err(failed)?;
    let header = header_of(&file, id)?;
    if header.cursor.next_sequence != end {
        return Err(damaged(id, Defect::Sequence));
    }
    Ok(header)
}

fn header_of(file: &impl DiskFile, id: FileId) -> Result<SnapshotHeader, JournalError> {
    let failed = |error| JournalError::io(id, &error);
    let mut bytes = [0; SNAPSHOT_HEADER_BYTES];
    read_up_to(file, &mut bytes, 0).map_err(failed)?;
    let header = SnapshotHeader::decode(&bytes).map_err(|defect| damaged(id, defect))?;
    let whole = header.body_bytes.checked_add(SNAPSHOT_HEADER_BYTES as u64);
    if whole != Some(file.bytes().map_err(failed)?) {
        return Err(damaged(id, Defect::Length));
    }
    Ok(header)
}

fn read<S: StateMachine>(
    disk: &impl Disk,
    name: &str,
    id: FileId,
) -> Result<Loaded<S>, JournalError> {
    let failed = |error| JournalError::io(id, &error);
    let file = disk.open(name, Access::Read).map_err(failed)?;
    let header = header_of(&file, id)?;
    if header.semantics != S::semantics_version() {
        return Err(JournalError::Semantics {
            file: id,
            found: header.semantics,
            ours: S::semantics_version(),
        });
    }
    // The length was compared with that of the file, so it is no bigger than what is there.
    let length = usize::try_from(header.body_bytes).map_err(|_| damaged(id, Defect::Length))?;
    let mut body = Vec::new();
    body.try_reserve_exact(length)
        .map_err(|_| damaged(id, Defect::Length))?;
    body.resize(length, 0);
    let read = read_up_to(&file, &mut body, SNAPSHOT_HEADER_BYTES as u64).map_err(failed)?;
    if read != length {
        return Err(damaged(id, Defect::Length));
    }
    header.check(&body).map_err(|defect| damaged(id, defect))?;
    let state = S::load(&body).ok_or_else(|| damaged(id, Defect::State))?;
    if state.state_hash() != header.state_hash {
        return Err(damaged(id, Defect::StateHash));
    }
    Ok(Loaded { header, state })
}

const fn damaged(file: FileId, defect: Defect) -> JournalError {
    JournalError::Corrupt {
        file,
        offset: 0,
        defect,
    }
}
