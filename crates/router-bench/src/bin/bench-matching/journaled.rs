//! With the journal: an acknowledgement is an event that came out after the fdatasync of its command.

use crate::throughput::{checked, limits};
use crate::{Bench, Outcome};
use quanta::Clock;
use router_bench::gate::{end_state, funds_are_conserved};
use router_bench::measure::{off_core, timed, Latencies, Row, Spread, Timing};
use router_bench::tape::{opening, records, Duties, DEPOSIT_UNITS};
use router_bench::workload::Workload;
use router_core::engine::CountingSink;
use router_journal::{Directory, Durable, Groups, JournalError, Matching, Options, Record};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DUTIES: Duties = Duties::Funds;
const BATCH: usize = 256;
const DEADLINE: Duration = Duration::from_secs(60);
const RATES: [u64; 4] = [100_000, 500_000, 1_000_000, 2_000_000];
/// Seconds of arrivals.
const SECONDS: u64 = 2;

pub(crate) type Journal = Durable<Matching, Directory>;

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let tape = checked(Workload::Xc)?;
    let commands = bare(&tape.commands);
    throughput(bench, &commands)?;
    let mut rows = Vec::new();
    for rate in RATES {
        rows.push(latency(bench, &commands, rate)?);
    }
    bench.report.section(
        "journaled_latency",
        "Journaled latency, open loop, from due to acknowledged, median of runs (min..max)",
        &[
            "xc with funds",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "p99.99",
            "max",
            "commands per sync",
            "disk, MiB",
            "segments kept",
        ],
        &rows,
    );
    Ok(())
}

/// The tape as the journal's records.
pub(crate) fn bare(commands: &[router_bench::workload::Command]) -> Vec<Record> {
    records(commands, DUTIES, 0)
        .into_iter()
        .map(bytemuck::cast)
        .collect()
}

/// A folder of our own for a journal, empty; removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(bench: &Bench, name: &str) -> Outcome<Self> {
        let path = bench.scratch.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the scratch folder, where the next run removes it.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A journal whose engine is ready for the tape.
pub(crate) fn opened(folder: &Folder, options: Options) -> Outcome<Journal> {
    let users = Workload::Xc.size().users;
    let directory = Directory::open(folder.path())?;
    let genesis = || Matching::new(limits(DUTIES, users));
    // The journal's own threads have to find another core than the one this thread spins on.
    let (mut journal, _) =
        off_core(|| Durable::open(directory, options, genesis))?.map_err(told)?;
    let records: Vec<Record> = opening(DUTIES, users, 1)
        .into_iter()
        .map(bytemuck::cast)
        .collect();
    journal
        .submit_and_wait(&records, DEADLINE, &mut Vec::new())
        .map_err(told)?;
    Ok(journal)
}

pub(crate) fn told(error: JournalError) -> String {
    format!("the journal says {error:?}")
}

fn throughput(bench: &mut Bench, commands: &[Record]) -> Outcome<()> {
    let mut runs = Vec::new();
    let mut groups = Groups::default();
    for _ in 0..bench.runs {
        let folder = Folder::new(bench, "throughput")?;
        let mut journal = opened(&folder, Options::default())?;
        let before = journal.groups();
        runs.push(acknowledged(&mut journal, commands)?);
        gate(&journal)?;
        groups = journal.groups();
        groups.count -= before.count;
        groups.records -= before.records;
        groups.micros -= before.micros;
    }
    let count = groups.count.max(1);
    let row = Row::new("xc, holds, fees, STP checks, journal")
        .throughput(&runs)
        .cell("syncs", groups.count.to_string(), json!(groups.count))
        .cell(
            "per_sync",
            (groups.records / count).to_string(),
            json!(groups.records / count),
        )
        .cell(
            "sync_us",
            (groups.micros / count).to_string(),
            json!(groups.micros / count),
        )
        .text("sizes", sizes(&groups));
    bench.report.section(
        "journaled",
        "Journaled throughput, every acknowledgement after fdatasync, million commands/s",
        &[
            "",
            "thread CPU (engine)",
            "wall",
            "ns",
            "syncs",
            "commands per sync",
            "us per sync",
            "syncs by commands",
        ],
        &[row],
    );
    Ok(())
}

/// Submits as fast as the journal takes commands, and takes the events as they come out.
fn acknowledged(journal: &mut Journal, commands: &[Record]) -> Outcome<Timing> {
    let mut events = Vec::with_capacity(1 << 20);
    let (timing, done) = timed(commands.len() as u64, || -> Result<(), JournalError> {
        let mut rest = commands;
        while let Some(batch) = rest
            .get(..BATCH.min(rest.len()))
            .filter(|batch| !batch.is_empty())
        {
            match journal.submit(batch) {
                Ok(ticket) => rest = rest.get(ticket.taken..).unwrap_or_default(),
                Err(JournalError::Busy) => {
                    let some = journal.durable_end() + 1;
                    journal.wait_durable(some, DEADLINE, &mut events)?;
                }
                Err(error) => return Err(error),
            }
            events.clear();
            journal.poll(&mut events)?;
        }
        let end = journal.next_sequence();
        journal.wait_durable(end, DEADLINE, &mut events)?;
        Ok(())
    })?;
    done.map_err(told)?;
    Ok(timing)
}

fn gate(journal: &Journal) -> Outcome<()> {
    let oracle = Workload::Xc.oracle();
    let engine = journal.state().engine();
    let counted = CountingSink {
        trades: oracle.trades,
        lots: oracle.volume,
        events: 0,
    };
    let accounts = DUTIES.accounts(Workload::Xc.size().users);
    let deposited = u128::from(accounts) * DEPOSIT_UNITS;
    if end_state(engine, 0, &counted) == oracle && funds_are_conserved(engine, deposited, 2) {
        Ok(())
    } else {
        Err("xc with the journal ended elsewhere".into())
    }
}

fn sizes(groups: &Groups) -> String {
    let counted: Vec<String> = groups
        .by_size
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(power, count)| format!("{}+: {count}", 1_u64 << power))
        .collect();
    counted.join(", ")
}

fn latency(bench: &Bench, commands: &[Record], rate: u64) -> Outcome<Row> {
    let count = ((rate * SECONDS) as usize).min(commands.len());
    let mut all = Vec::new();
    let mut per_sync = Vec::new();
    let mut disk_mib = Vec::new();
    let mut reused = Vec::new();
    for _ in 0..bench.runs {
        let folder = Folder::new(bench, "latency")?;
        let mut journal = opened(&folder, Options::default())?;
        let before = journal.groups();
        all.push(paced(&mut journal, &commands[..count], rate)?);
        let after = journal.groups();
        let syncs = (after.count - before.count).max(1);
        per_sync.push((after.records - before.records) as f64 / syncs as f64);
        disk_mib.push(journal.disk_use().map_err(told)?.bytes() as f64 / f64::from(1 << 20));
        reused.push(journal.snapshots().segments_kept as f64);
    }
    let mut row = Row::new(format!("{} k/s", rate / 1_000));
    for (position, key) in ["p50", "p90", "p99", "p99.9", "p99.99", "max"]
        .iter()
        .enumerate()
    {
        let values = all.iter().map(|run| f64::from(run.summary()[position]));
        row = row.duration(key, Spread::of(values));
    }
    Ok(row
        .spread("per_sync", Spread::of(per_sync), 1.0)
        .spread("disk_mib", Spread::of(disk_mib), 1.0)
        .spread("segments_kept", Spread::of(reused), 1.0))
}

/// Submits what is due and looks for what is durable, over and over, on this thread.
fn paced(journal: &mut Journal, commands: &[Record], rate: u64) -> Outcome<Latencies> {
    let clock = Clock::new();
    let first = journal.next_sequence();
    let mut events = Vec::with_capacity(1 << 20);
    let mut latencies: Vec<u32> = Vec::with_capacity(commands.len());
    let origin = clock.raw();
    let due_ns = |index: usize| index as u128 * 1_000_000_000 / u128::from(rate);
    let mut sent = 0;
    while latencies.len() < commands.len() {
        let now = u128::from(clock.delta_as_nanos(origin, clock.raw()));
        let due = (now * u128::from(rate) / 1_000_000_000) as usize + 1;
        let due = due.min(commands.len());
        if due > sent {
            match journal.submit(&commands[sent..due]) {
                Ok(ticket) => sent += ticket.taken,
                Err(JournalError::Busy) => {}
                Err(error) => return Err(told(error).into()),
            }
        }
        events.clear();
        let durable = journal.poll(&mut events).map_err(told)?;
        let acknowledged = durable.saturating_sub(first) as usize;
        if acknowledged > latencies.len() {
            let now = u128::from(clock.delta_as_nanos(origin, clock.raw()));
            latencies.extend(
                (latencies.len()..acknowledged).map(|index| {
                    u32::try_from(now.saturating_sub(due_ns(index))).unwrap_or(u32::MAX)
                }),
            );
        }
    }
    Ok(Latencies::new(latencies))
}
