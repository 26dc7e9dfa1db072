//! Running a workload until the disk fails, and checking what comes back.

use std::time::Duration;

use router_journal::{Durable, JournalError, Options, Record, RecoveryReport, StateMachine};

use super::disk::SimDisk;
use super::machine::{oracle_from, records, Counter};

pub const LONG: Duration = Duration::from_secs(20);

pub type Journal = Durable<Counter, SimDisk>;

/// Small segments and groups, so that a short workload rolls often.
pub fn small() -> Options {
    Options {
        segment_bytes: 32 << 10,
        group_bytes: 8 << 10,
        window: 256,
        snapshot_every: 0,
        ..Options::default()
    }
}

pub fn genesis() -> Counter {
    Counter::with_ballast(5000)
}

pub fn open(disk: &SimDisk, options: Options) -> Result<(Journal, RecoveryReport), JournalError> {
    Durable::open(disk.clone(), options, genesis)
}

/// One thing that a client does.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Submits so many records and goes on at once.
    Submit(u64),
    /// Submits so many records and waits until they are durable.
    Wait(u64),
    Snapshot,
    Reopen,
}

/// What a client knows when it is over.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Records that were handed over; the last ones may not have been taken.
    pub sent: u64,
    /// Records whose events came back.
    pub acknowledged: u64,
    /// All events that came back since the last reopening.
    pub events: Vec<Record>,
    /// The first record whose events are in `events`.
    pub events_from: u64,
    pub failure: Option<JournalError>,
}

/// Runs the steps until one fails.
pub fn run(disk: &SimDisk, options: Options, steps: &[Step], known: &mut Known) {
    known.failure = try_run(disk, options, steps, known).err();
}

fn try_run(
    disk: &SimDisk,
    options: Options,
    steps: &[Step],
    known: &mut Known,
) -> Result<(), JournalError> {
    let mut journal = reopen(disk, options, known)?;
    for step in steps {
        let outcome = take(&mut journal, *step, known);
        note(&mut journal, known);
        outcome?;
        if matches!(step, Step::Reopen) {
            let closed = journal.close(&mut known.events);
            // What became durable while it was closed shows in the events only.
            known.acknowledged = known.acknowledged.max(records_told(&known.events));
            closed?;
            journal = reopen(disk, options, known)?;
        }
    }
    let end = journal.next_sequence();
    let outcome = journal.wait_durable(end, LONG, &mut known.events);
    note(&mut journal, known);
    outcome.map(drop)
}

fn take(journal: &mut Journal, step: Step, known: &mut Known) -> Result<(), JournalError> {
    match step {
        Step::Submit(count) => {
            known.sent += count;
            let batch = records(known.sent - count, count);
            let mut rest = &batch[..];
            while !rest.is_empty() {
                match journal.submit(rest) {
                    Ok(ticket) => rest = &rest[ticket.taken..],
                    Err(JournalError::Busy) => {
                        let next = journal.durable_end() + 1;
                        journal.wait_durable(next, LONG, &mut known.events)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Step::Wait(count) => {
            known.sent += count;
            let batch = records(known.sent - count, count);
            journal.submit_and_wait(&batch, LONG, &mut known.events)?;
        }
        Step::Snapshot => {
            journal.snapshot_now(LONG)?;
        }
        Step::Reopen => {}
    }
    Ok(())
}

fn note(journal: &mut Journal, known: &mut Known) {
    // A failure is reported by the step; here it only matters what became durable before it.
    let _ = journal.poll(&mut known.events);
    known.acknowledged = known.acknowledged.max(journal.durable_end());
}

/// Returns how many records the events speak of: each begins with the number of its record.
fn records_told(events: &[Record]) -> u64 {
    let last = events.last().map(|event| event[..8].try_into().unwrap());
    last.map_or(0, |number| u64::from_le_bytes(number) + 1)
}

fn reopen(disk: &SimDisk, options: Options, known: &mut Known) -> Result<Journal, JournalError> {
    let (journal, _) = open(disk, options)?;
    known.events_from = journal.next_sequence();
    known.events.clear();
    Ok(journal)
}

/// Checks that the events that came back are those of exactly the acknowledged records.
pub fn check_events(known: &Known) {
    let mut machine = oracle_from(genesis(), &records(0, known.events_from));
    let mut expected = Vec::new();
    let count = known.acknowledged.saturating_sub(known.events_from);
    machine.apply(&records(known.events_from, count), &mut expected);
    let seen = known.events.len().min(expected.len());
    assert_eq!(
        known.events[..seen],
        expected[..seen],
        "other events or another order"
    );
    assert!(
        known.events.len() <= expected.len(),
        "events before their records were durable"
    );
}

/// Checks that nothing acknowledged is missing, nothing is there twice and nothing was invented.
pub fn check_recovered(known: &Known, journal: &Journal, report: &RecoveryReport) {
    assert!(
        report.next_sequence >= known.acknowledged,
        "acknowledged {} but recovered {}",
        known.acknowledged,
        report.next_sequence
    );
    assert!(report.next_sequence <= known.sent);
    let expected = oracle_from(genesis(), &records(0, report.next_sequence));
    assert_eq!(journal.state(), &expected);
    assert_eq!(report.state_hash, expected.state_hash());
}

/// A small generator, so that a failing seed fails again.
pub fn chooser(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    }
}
