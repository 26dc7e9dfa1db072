//! Looking at a journal without changing it.

use std::time::Instant;

use router_core::journal::Record;

use crate::disk::Disk;
use crate::error::JournalError;
use crate::machine::StateMachine;
use crate::names::Listing;
use crate::recover::{inspect, read_from_oldest};
use crate::report::RecoveryReport;

/// Does what recovery does, in memory only, and returns the state with the report.
///
/// Takes no lock: with a writer at work, its unfinished group shows as a torn tail, or the call fails
/// because segments were deleted meanwhile.
///
/// # Errors
/// [`JournalError::NoJournal`] if there is none; what recovery refuses; what the disk says.
pub fn verify<S: StateMachine>(disk: &impl Disk) -> Result<(S, RecoveryReport), JournalError> {
    let since = Instant::now();
    let listing = Listing::read(disk)?;
    if listing.is_empty() {
        return Err(JournalError::NoJournal);
    }
    let found = inspect::<S>(disk, listing)?;
    let micros = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
    let report = RecoveryReport {
        micros,
        ..found.report
    };
    Ok((found.state, report))
}

/// Calls `visit` with the sequence and the records of each frame that is still there, oldest first.
///
/// # Errors
/// As [`verify`], and what `visit` returns.
pub fn read_records(
    disk: &impl Disk,
    visit: impl FnMut(u64, &[Record]) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    read_from_oldest(disk, visit)
}
