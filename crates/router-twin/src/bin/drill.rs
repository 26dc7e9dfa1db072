//! A process that is there to be killed: it writes the tape of a seed into a journal and prints, in
//! little endian, where it recovered and then every sequence as soon as all before it is durable.
//!
//! `drill DIRECTORY SEED`: three words first (sequence, state hash, commands in all), then one word per
//! acknowledgement. It ends by itself only when the journal fails; then the last word is `u64::MAX`.

use std::io::{self, StdoutLock, Write};
use std::process::ExitCode;
use std::time::Duration;

use router_core::journal::Record;
use router_journal::{Directory, Durable, JournalError, Matching, Options};
use router_twin::drill::{bare, profile, Tape};
use router_twin::gen::Generator;

const DEADLINE: Duration = Duration::from_secs(30);
/// Submissions of one batch at most; the size of a batch goes up and down between 1 and this.
const BATCH: u64 = 64;

/// Why the drill ended.
enum Ended {
    Journal(JournalError),
    Output(io::Error),
    Usage,
    /// The journal ends inside a submission of the tape.
    NotOnTape(u64),
}

impl From<JournalError> for Ended {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 256 << 10,
        snapshot_every: 2,
        ..Options::default()
    }
}

fn word(out: &mut StdoutLock<'_>, value: u64) -> Result<(), Ended> {
    out.write_all(&value.to_le_bytes())?;
    Ok(out.flush()?)
}

/// Writes records without waiting for them, and acknowledges what has become durable meanwhile: death
/// finds some records acknowledged, some synced, some written and some only applied.
fn write(
    durable: &mut Durable<Matching, Directory>,
    records: &[Record],
    acknowledged: &mut u64,
    out: &mut StdoutLock<'_>,
) -> Result<(), Ended> {
    let mut events = Vec::new();
    let mut rest = records;
    while !rest.is_empty() {
        let durable_end = match durable.submit(rest) {
            Ok(ticket) => {
                rest = rest.get(ticket.taken..).unwrap_or_default();
                durable.poll(&mut events)?
            }
            Err(JournalError::Busy) => {
                let next = durable.durable_end().saturating_add(1);
                durable.wait_durable(next, DEADLINE, &mut events)?
            }
            Err(error) => return Err(error.into()),
        };
        if durable_end > *acknowledged {
            *acknowledged = durable_end;
            word(out, durable_end)?;
        }
    }
    Ok(())
}

fn run(out: &mut StdoutLock<'_>) -> Result<(), Ended> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or(Ended::Usage)?;
    let seed = arguments
        .next()
        .and_then(|seed| seed.parse().ok())
        .ok_or(Ended::Usage)?;
    let genesis = || Matching::new(Generator::limits());
    let (mut durable, report) = Durable::open(Directory::open(path)?, options(), genesis)?;
    word(out, report.next_sequence)?;
    word(out, report.state_hash)?;
    word(out, report.records_replayed)?;
    let mut tape = Tape::new(seed, profile(seed));
    if !tape.play_to(report.next_sequence) {
        return Err(Ended::NotOnTape(report.next_sequence));
    }
    let mut acknowledged = report.next_sequence;
    for batch in 1_u64.. {
        let mut records = Vec::new();
        for _ in 0..=batch.wrapping_mul(batch) % BATCH {
            records.extend(tape.step());
        }
        write(&mut durable, &bare(&records), &mut acknowledged, out)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let told = match run(&mut out) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Ended::Journal(error)) => format!("{}: {error}", error.code()),
        Err(Ended::Output(error)) => format!("output: {error}"),
        Err(Ended::Usage) => "usage: drill DIRECTORY SEED".to_owned(),
        Err(Ended::NotOnTape(at)) => format!("the journal ends at {at}, inside a submission"),
    };
    // A reader that is gone can be told nothing.
    drop(word(&mut out, u64::MAX));
    drop(writeln!(io::stderr(), "{told}"));
    ExitCode::FAILURE
}
