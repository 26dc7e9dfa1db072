//! Snapshot files: written aside, read back, renamed.

use std::{thread, time::Duration};

use router_core::journal::{Cursor, Defect, SnapshotHeader, SNAPSHOT_HEADER_BYTES};

use crate::disk::{read_up_to, Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::machine::StateMachine;
use crate::names;
use crate::pace;

/// Bytes that are written and synced at once while nobody else writes.
const PIECE_BYTES: usize = 4 << 20;
/// The same while a writer is at work: small enough to let its own syncs through.
const SLOW_BYTES: usize = 2 * pace::SLICE_BYTES;

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
    write_in(disk, cursor, state, PIECE_BYTES, Duration::ZERO)
}

/// Does what [`write`] does in slices that leave the disk to the writer.
pub(crate) fn write_slowly<S: StateMachine>(
    disk: &impl Disk,
    cursor: Cursor,
    state: &S,
) -> Result<(), JournalError> {
    write_in(disk, cursor, state, SLOW_BYTES, pace::PAUSE)
}

fn write_in<S: StateMachine>(
    disk: &impl Disk,
    cursor: Cursor,
    state: &S,
    piece_bytes: usize,
    pause: Duration,
) -> Result<(), JournalError> {
    let mut body = Vec::new();
    state.save(&mut body);
    let header = SnapshotHeader::of(cursor, S::semantics_version(), state.state_hash(), &body);
    let id = FileId::Snapshot(cursor.next_sequence);
    let name = names::snapshot(cursor.next_sequence);
    let unfinished = names::unfinished(&name);
    let written = disk
        .open(&unfinished, Access::Create)
        .and_then(|file| file.write_at(&header.encode(), 0).map(|()| file))
        .map_err(|error| JournalError::io(id, &error))
        .and_then(|file| write_body(&file, id, body.chunks(piece_bytes), pause));
    if written.is_err() {
        // Half a snapshot takes room that others need. If it cannot be removed, a recovery does it.
        let _ = disk.remove(&unfinished);
    }
    written?;
    drop(body);
    read::<S>(disk, &unfinished, id)?;
    disk.rename(&unfinished, &name)
        .map_err(|error| JournalError::io(id, &error))?;
    disk.sync_names()
        .map_err(|error| JournalError::sync(FileId::Directory, &error))
}

fn write_body<'b>(
    file: &impl DiskFile,
    id: FileId,
    pieces: impl Iterator<Item = &'b [u8]>,
    pause: Duration,
) -> Result<(), JournalError> {
    let mut offset = SNAPSHOT_HEADER_BYTES as u64;
    for piece in pieces {
        file.write_at(piece, offset)
            .map_err(|error| JournalError::io(id, &error))?;
        file.sync()
            .map_err(|error| JournalError::sync(id, &error))?;
        offset = offset.saturating_add(piece.len() as u64);
        thread::sleep(pause);
    }
    file.sync()
        .map_err(|error| JournalError::sync(id, &error))?;
    // What is read back shall come from the disk.
    file.forget().map_err(|error| JournalError::io(id, &error))
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
