//! Recovery: first look and change nothing, then mend what an interrupted write left.

use router_core::journal::{
    Cursor, Defect, FrameHeader, FrameKind, Position, Record, BLOCK_BYTES, MAX_FRAME_BYTES,
};

use crate::covered::remove;
use crate::disk::{read_up_to, Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::machine::StateMachine;
use crate::mark::{self, MarkRead};
use crate::names::{self, Listing};
use crate::report::{RecoveryReport, TornTail};
use crate::snapshots::{self, Loaded};
use crate::walk::{Walk, Walked};

/// A journal as it was found.
pub(crate) struct Found<S> {
    pub(crate) state: S,
    pub(crate) walked: Walked,
    pub(crate) mark: MarkRead,
    pub(crate) listing: Listing,
    pub(crate) report: RecoveryReport,
}

/// Reads snapshot and log and replays them. Changes nothing on the disk, so it can be interrupted
/// and repeated at will.
pub(crate) fn inspect<S: StateMachine>(
    disk: &impl Disk,
    listing: Listing,
) -> Result<Found<S>, JournalError> {
    let mark = mark::read(disk, listing.has_mark)?;
    let (loaded, snapshots_refused) = newest_usable::<S>(disk, &listing)?;
    let Loaded { header, mut state } = loaded;
    let mut records_replayed = 0_u64;
    let mut events = Vec::new();
    let walk = Walk::new(disk, &listing.segments, mark.mark, header.cursor);
    let walked = walk.run(None, &mut |frame, records| {
        replay(&mut state, frame, records, &mut events)?;
        records_replayed = records_replayed.saturating_add(u64::from(frame.count));
        Ok(())
    })?;
    reaches_every_snapshot(&walked, &listing)?;
    let clean = mark
        .mark
        .is_some_and(|mark| mark.clean && mark.position == walked.cursor.position);
    let report = RecoveryReport {
        created: false,
        snapshot_end: header.cursor.next_sequence,
        snapshots_refused,
        records_replayed,
        frames_read: walked.frames,
        next_sequence: walked.cursor.next_sequence,
        state_hash: state.state_hash(),
        epoch: walked.cursor.epoch,
        torn: walked.torn,
        clean,
        mark_damaged: mark.damaged,
        micros: 0,
    };
    Ok(Found {
        state,
        walked,
        mark,
        listing,
        report,
    })
}

/// Applies the records of one frame; their events were given out before the crash, or never will be.
pub(crate) fn replay<S: StateMachine>(
    state: &mut S,
    frame: &FrameHeader,
    records: &[Record],
    events: &mut Vec<Record>,
) -> Result<(), JournalError> {
    if frame.kind == FrameKind::Opened {
        return Ok(());
    }
    if frame.semantics != S::semantics_version() {
        return Err(JournalError::Semantics {
            file: FileId::Segment(frame.position.segment),
            found: frame.semantics,
            ours: S::semantics_version(),
        });
    }
    state.apply(records, events);
    events.clear();
    Ok(())
}

/// Loads the newest snapshot that is whole and has its segments; also returns how many were not whole.
pub(crate) fn newest_usable<S: StateMachine>(
    disk: &impl Disk,
    listing: &Listing,
) -> Result<(Loaded<S>, u32), JournalError> {
    let mut refused = 0_u32;
    let mut first_damage = None;
    for end in listing.snapshots.iter().rev().copied() {
        match snapshots::load::<S>(disk, end) {
            Ok(loaded) => {
                let cursor = loaded.header.cursor;
                let segment = cursor.position.segment;
                if cursor == Cursor::origin() || listing.segments.contains(&segment) {
                    return Ok((loaded, refused));
                }
                return Err(first_damage.unwrap_or(JournalError::MissingSegment { segment }));
            }
            Err(damage @ JournalError::Corrupt { .. }) => {
                refused = refused.saturating_add(1);
                first_damage = first_damage.or(Some(damage));
            }
            Err(error) => return Err(error),
        }
    }
    Err(first_damage.unwrap_or(JournalError::NoUsableSnapshot))
}

/// A snapshot proves by its name alone that the records before it had been durable.
fn reaches_every_snapshot(walked: &Walked, listing: &Listing) -> Result<(), JournalError> {
    match listing.snapshots.last() {
        Some(end) if *end > walked.cursor.next_sequence => Err(JournalError::Corrupt {
            file: FileId::Snapshot(*end),
            offset: 0,
            defect: Defect::Sequence,
        }),
        _ => Ok(()),
    }
}

/// Makes the disk what [`inspect`] found: torn bytes are zeroed, files that never counted are removed,
/// and the last frame is written and synced once more.
///
/// The last frame is written again because its sync may have failed: then the system's cache shows
/// bytes that the disk does not hold, and a mere sync would not write them.
///
/// Returns the number of a prepared, unused segment that is still good.
pub(crate) fn repair<S>(
    disk: &impl Disk,
    found: &Found<S>,
    segment_bytes: u64,
) -> Result<Option<u64>, JournalError> {
    for name in &found.listing.unfinished {
        remove(disk, name, FileId::Directory)?;
    }
    let walked = &found.walked;
    if let Some(torn) = walked.torn.filter(|torn| torn.position.offset > 0) {
        zero(disk, &torn)?;
    }
    if let Some((position, length)) = walked.last {
        rewrite(disk, position, length)?;
    }
    let spare = keep_one_unused(disk, found, segment_bytes)?;
    disk.sync_names()
        .map_err(|error| JournalError::sync(FileId::Directory, &error))?;
    Ok(spare)
}

fn zero(disk: &impl Disk, torn: &TornTail) -> Result<(), JournalError> {
    let id = FileId::Segment(torn.position.segment);
    let failed = |error| JournalError::io(id, &error);
    let file = disk
        .open(&names::segment(torn.position.segment), Access::Write)
        .map_err(failed)?;
    let zeros = vec![0; MAX_FRAME_BYTES];
    let mut offset = torn.position.offset;
    let mut left = torn.bytes;
    while left > 0 {
        let piece = left.min(zeros.len() as u64);
        let bytes = usize::try_from(piece).unwrap_or(0);
        let bytes = zeros.get(..bytes).unwrap_or_default();
        file.write_at(bytes, offset).map_err(failed)?;
        offset = offset.saturating_add(piece);
        left = left.saturating_sub(piece);
    }
    file.sync().map_err(|error| JournalError::sync(id, &error))
}

fn rewrite(disk: &impl Disk, position: Position, length: usize) -> Result<(), JournalError> {
    let id = FileId::Segment(position.segment);
    let failed = |error| JournalError::io(id, &error);
    let file = disk
        .open(&names::segment(position.segment), Access::Write)
        .map_err(failed)?;
    // The header of a segment is written together with its first frame.
    let first = position == Position::start_of(position.segment);
    let (from, bytes) = if first {
        (0, length.saturating_add(BLOCK_BYTES))
    } else {
        (position.offset, length)
    };
    let mut copy = vec![0; bytes];
    let read = read_up_to(&file, &mut copy, from).map_err(failed)?;
    copy.truncate(read);
    file.write_at(&copy, from).map_err(failed)?;
    file.sync().map_err(|error| JournalError::sync(id, &error))
}

/// Removes all segments that were never begun, but for the next one if it has the right size.
fn keep_one_unused<S>(
    disk: &impl Disk,
    found: &Found<S>,
    segment_bytes: u64,
) -> Result<Option<u64>, JournalError> {
    let walked = &found.walked;
    let current = walked.cursor.position.segment;
    let next = if walked.begun {
        current.saturating_add(1)
    } else {
        current
    };
    let torn = walked.torn.map(|torn| torn.position);
    let mut spare = None;
    for segment in found
        .listing
        .segments
        .iter()
        .copied()
        .filter(|n| *n >= next)
    {
        let name = names::segment(segment);
        let id = FileId::Segment(segment);
        let dirty = torn == Some(Position { segment, offset: 0 });
        if segment == next && !dirty {
            let file = disk
                .open(&name, Access::Read)
                .map_err(|error| JournalError::io(id, &error))?;
            let bytes = file.bytes().map_err(|error| JournalError::io(id, &error))?;
            if bytes == segment_bytes {
                spare = Some(segment);
                continue;
            }
        }
        remove(disk, &name, id)?;
    }
    Ok(spare)
}

/// Gives all records to `visit` that are in the segments behind the oldest snapshot.
pub(crate) fn read_from_oldest(
    disk: &impl Disk,
    mut visit: impl FnMut(u64, &[Record]) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let listing = Listing::read(disk)?;
    let mark = mark::read(disk, listing.has_mark)?;
    let oldest = listing.snapshots.first().copied();
    let from = match oldest {
        Some(end) => snapshots::peek(disk, end)?.cursor,
        None if listing.is_empty() => return Err(JournalError::NoJournal),
        None => return Err(JournalError::NoUsableSnapshot),
    };
    let walk = Walk::new(disk, &listing.segments, mark.mark, from);
    walk.run(None, &mut |frame, records| {
        if records.is_empty() {
            return Ok(());
        }
        visit(frame.first_sequence, records)
    })?;
    Ok(())
}
