//! Recovery of ten million journaled commands without a snapshot behind them.

use crate::journaled::{bare, opened, told, Folder};
use crate::throughput::limits;
use crate::{Bench, Outcome};
use router_bench::measure::{off_core, Row, Spread};
use router_bench::tape::Duties;
use router_bench::workload::{Size, Workload};
use router_journal::{Directory, Durable, Matching, Options};
use serde_json::json;
use std::time::Duration;

const COMMANDS: usize = 10_000_000;
const BATCH: usize = 65_536;
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let folder = Folder::new(bench, "recovery")?;
    // No snapshots: everything has to be replayed.
    let options = Options {
        snapshot_every: 0,
        ..Options::default()
    };
    let written = write(&folder, options)?;
    let mut seconds = Vec::new();
    let mut replayed = 0;
    for _ in 0..bench.runs {
        let directory = Directory::open(folder.path())?;
        let users = Workload::Xc.size().users;
        let genesis = || Matching::new(limits(Duties::Funds, users));
        let (journal, report) =
            off_core(|| Durable::open(directory, options, genesis))?.map_err(told)?;
        if report.state_hash != written || report.records_replayed < COMMANDS as u64 {
            return Err(format!("recovered to another state: {report:?}").into());
        }
        replayed = report.records_replayed;
        seconds.push(report.micros as f64 / 1e6);
        journal.close(&mut Vec::new()).map_err(told)?;
    }
    let row = Row::new("xc with funds, from the first command, files in the page cache")
        .cell("records", replayed.to_string(), json!(replayed))
        .spread("seconds", Spread::of(seconds.clone()), 1.0)
        .spread(
            "records_per_s",
            Spread::of(seconds.iter().map(|taken| replayed as f64 / taken)),
            1e6,
        )
        .text("state", format!("{written:016x} as before"));
    bench.report.section(
        "recovery",
        "Recovery, seconds and million commands/s",
        &["", "commands", "s", "million/s", "state hash"],
        &[row],
    );
    Ok(())
}

/// Writes the journal and returns the hash of the state in which it ends.
fn write(folder: &Folder, options: Options) -> Outcome<u64> {
    let size = Size {
        commands: COMMANDS,
        ..Workload::Xc.size()
    };
    let commands = bare(&Workload::Xc.generate_sized(size).commands);
    let mut journal = opened(folder, options)?;
    let mut events = Vec::new();
    for batch in commands.chunks(BATCH) {
        events.clear();
        journal
            .submit_and_wait(batch, DEADLINE, &mut events)
            .map_err(told)?;
    }
    let hash = journal.state().engine().state_hash();
    journal.close(&mut Vec::new()).map_err(told)?;
    Ok(hash)
}
