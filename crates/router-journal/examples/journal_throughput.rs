//! Measures a disk: how many commands per second become durable, in which groups, how late, and how
//! fast a journal is read back.
//!
//! `cargo run --release -p router-journal --example journal_throughput -- DIRECTORY [RECORDS] [PER_SECOND]`
//!
//! The directory must be empty or hold a journal of this program; it is left as it is. Without a rate
//! the records are submitted as fast as they are taken.
#![allow(
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "a program for people, outside the library"
)]

use std::error::Error;
use std::time::{Duration, Instant};

use router_journal::{Directory, Durable, JournalError, Options, Record, StateMachine};

/// Counts, so that the figures are those of the journal and not of an engine.
#[derive(Default)]
struct Tally {
    count: u64,
    sum: u64,
}

impl StateMachine for Tally {
    fn apply(&mut self, records: &[Record], events: &mut Vec<Record>) {
        for record in records {
            self.count += 1;
            self.sum = self.sum.rotate_left(1) ^ u64::from(record[8]);
        }
        events.extend_from_slice(records);
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.sum.to_le_bytes());
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk()?;
        let (sum, _) = rest.split_first_chunk()?;
        Some(Self {
            count: u64::from_le_bytes(*count),
            sum: u64::from_le_bytes(*sum),
        })
    }

    fn state_hash(&self) -> u64 {
        self.sum ^ self.count
    }

    fn semantics_version() -> u32 {
        1
    }
}

/// The most records of one submission in the closed loop.
const BATCH: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a directory")?;
    let count: u64 = arguments
        .next()
        .map_or(Ok(10_000_000), |text| text.parse())?;
    let rate: Option<u64> = arguments.next().map(|text| text.parse()).transpose()?;
    let disk = Directory::open(&path)?;
    let options = Options {
        snapshot_every: 0,
        ..Options::default()
    };
    let (mut journal, report) = Durable::open(disk.clone(), options, Tally::default)?;
    println!("opened: {report:?}");
    let since = Instant::now();
    let mut late = match rate {
        None => closed_loop(&mut journal, count)?,
        Some(rate) => open_loop(&mut journal, count, rate)?,
    };
    let seconds = since.elapsed().as_secs_f64();
    println!(
        "{count} records durable in {seconds:.3} s: {:.0}/s",
        count as f64 / seconds
    );
    println!("{:?}", journal.groups());
    late.sort_unstable();
    for per_mille in [500, 900, 990, 999] {
        if let Some(micros) = late.get(late.len() * per_mille / 1000) {
            println!("p{:<5} {micros} us", per_mille as f64 / 10.0);
        }
    }
    journal.close(&mut Vec::new())?;
    let (_, report) = router_journal::verify::<Tally>(&disk)?;
    println!("read back: {report:?}");
    Ok(())
}

/// Submits as fast as the window allows; returns nothing, because there is no intended time.
fn closed_loop(
    journal: &mut Durable<Tally, Directory>,
    count: u64,
) -> Result<Vec<u64>, JournalError> {
    let mut batch = vec![[0_u8; 64]; BATCH];
    let mut out = Vec::with_capacity(1 << 17);
    let mut sent = 0;
    while sent < count {
        for record in &mut batch {
            record[8..16].copy_from_slice(&sent.to_le_bytes());
            sent += 1;
        }
        journal.submit_and_take(&batch, &mut out)?;
    }
    journal.wait_durable(journal.next_sequence(), PATIENCE, &mut out)?;
    Ok(Vec::new())
}

/// Submits single records at their intended times; returns how late each 16th was durable, in microseconds.
fn open_loop(
    journal: &mut Durable<Tally, Directory>,
    count: u64,
    rate: u64,
) -> Result<Vec<u64>, JournalError> {
    let mut out = Vec::with_capacity(1 << 17);
    let mut late = Vec::new();
    let first = journal.next_sequence();
    let since = Instant::now();
    let (mut sent, mut seen) = (0_u64, 0_u64);
    while seen < count {
        let now = since.elapsed();
        let due = u64::try_from(now.as_nanos() * u128::from(rate) / 1_000_000_000).unwrap_or(count);
        let room = due.min(count).min(sent + 64);
        while sent < room {
            let mut record = [0; 64];
            record[8..16].copy_from_slice(&sent.to_le_bytes());
            match journal.submit(&[record]) {
                Ok(_) => sent += 1,
                Err(JournalError::Busy) => break,
                Err(error) => return Err(error),
            }
        }
        out.clear();
        let durable = journal.poll(&mut out)? - first;
        if durable > seen {
            let now = since.elapsed().as_nanos();
            for number in (seen..durable).filter(|number| number % 16 == 0) {
                let meant = u128::from(number) * 1_000_000_000 / u128::from(rate);
                late.push(u64::try_from(now.saturating_sub(meant) / 1000).unwrap_or(u64::MAX));
            }
            seen = durable;
        }
    }
    Ok(late)
}

trait Take {
    fn submit_and_take(
        &mut self,
        batch: &[Record],
        out: &mut Vec<Record>,
    ) -> Result<(), JournalError>;
}

impl Take for Durable<Tally, Directory> {
    /// Submits a batch, waiting for room, and throws released events away.
    fn submit_and_take(
        &mut self,
        batch: &[Record],
        out: &mut Vec<Record>,
    ) -> Result<(), JournalError> {
        let mut rest = batch;
        while !rest.is_empty() {
            match self.submit(rest) {
                Ok(ticket) => rest = &rest[ticket.taken..],
                Err(JournalError::Busy) => {
                    self.wait_durable(self.durable_end() + 1, PATIENCE, out)?;
                }
                Err(error) => return Err(error),
            }
            out.clear();
            self.poll(out)?;
        }
        Ok(())
    }
}
