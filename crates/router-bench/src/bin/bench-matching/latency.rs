//! Latency in the process under a fixed rate of arrivals, beside an empty loop on the same core.

use crate::throughput::{checked, opened};
use crate::{Bench, Outcome};
use router_bench::measure::{open_loop, Latencies, LatencyRun, Row, Spread};
use router_bench::tape::{records, Duties};
use router_bench::workload::Workload;
use router_core::engine::{CommandRecord, CountingSink, EventRecord};
use serde_json::json;

/// Commands that bring the book to its usual size, and the processor to speed.
const WARM_UP: usize = 500_000;
const RATES: [u64; 5] = [100_000, 500_000, 1_000_000, 2_000_000, 4_000_000];
/// The rate of the claim.
const MAIN_RATE: u64 = 1_000_000;
const COLUMNS: [&str; 7] = ["", "p50", "p90", "p99", "p99.9", "p99.99", "max"];

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let tape = checked(Workload::Xc)?;
    let mut rows = Vec::new();
    let mut causes = Vec::new();
    for (name, duties) in [
        ("matching", Duties::Matching),
        ("with funds", Duties::Funds),
    ] {
        let records = records(&tape.commands, duties, 0);
        for rate in RATES {
            let runs = measured(bench, &records, duties, rate)?;
            let label = format!("xc, {name}, {} k/s", rate / 1_000);
            if rate == MAIN_RATE {
                causes.push(cause(&label, &runs));
            }
            rows.push(percentiles(label.clone(), &runs, |run| &run.latencies));
            if rate == MAIN_RATE {
                rows.push(undisturbed(&label, &runs));
            }
        }
    }
    for rate in RATES {
        let runs = repeated(bench, || Ok(open_loop(count(rate), rate, |_| {})?))?;
        let label = format!("empty loop, {} k/s", rate / 1_000);
        if rate == MAIN_RATE {
            causes.push(cause(&label, &runs));
        }
        rows.push(percentiles(label.clone(), &runs, |run| &run.latencies));
        if rate == MAIN_RATE {
            rows.push(undisturbed(&label, &runs));
        }
    }
    let heading = "Latency in process, open loop, from due to done, median of runs (min..max)";
    bench.report.section("latency", heading, &COLUMNS, &rows);
    bench.report.section(
        "latency_cause",
        "What made the slowest thousandth late at 1 M/s, operations of all runs",
        &[
            "",
            "own work",
            "behind other work",
            "thread not running",
            "core taken away, times",
            "page faults",
            "p99.9 from picked up to done",
        ],
        &causes,
    );
    Ok(())
}

/// Half a second of arrivals, at most a million.
fn count(rate: u64) -> usize {
    (rate as usize / 2).min(1_000_000)
}

fn repeated(
    bench: &Bench,
    mut one: impl FnMut() -> Outcome<LatencyRun>,
) -> Outcome<Vec<LatencyRun>> {
    (0..bench.runs).map(|_| one()).collect()
}

fn measured(
    bench: &Bench,
    records: &[CommandRecord],
    duties: Duties,
    rate: u64,
) -> Outcome<Vec<LatencyRun>> {
    let (warm_up, rest) = records.split_at(WARM_UP);
    repeated(bench, || {
        let mut engine = opened(duties, Workload::Xc.size());
        engine.submit(warm_up, &mut CountingSink::default());
        let mut events: Vec<EventRecord> = Vec::with_capacity(1 << 16);
        Ok(open_loop(count(rate), rate, |index| {
            events.clear();
            engine.submit(std::slice::from_ref(&rest[index]), &mut events);
        })?)
    })
}

fn percentiles(name: String, runs: &[LatencyRun], part: impl Fn(&LatencyRun) -> &Latencies) -> Row {
    let mut row = Row::new(name);
    for (position, key) in COLUMNS.iter().skip(1).enumerate() {
        let values = runs
            .iter()
            .map(|run| f64::from(part(run).summary()[position]));
        row = row.duration(key, Spread::of(values));
    }
    row
}

/// Without what fell into gaps in which the thread was not running.
fn undisturbed(label: &str, runs: &[LatencyRun]) -> Row {
    let count = |part: fn(&LatencyRun) -> &Latencies| -> usize {
        runs.iter().map(|run| part(run).count()).sum()
    };
    let kept = count(|run| &run.undisturbed) as f64 * 100.0;
    let share = kept / count(|run| &run.latencies) as f64;
    let name = format!("  of these undisturbed ({share:.2}%), {label}");
    percentiles(name, runs, |run| &run.undisturbed)
}

fn cause(name: &str, runs: &[LatencyRun]) -> Row {
    let sum = |of: fn(&LatencyRun) -> i64| -> i64 { runs.iter().map(of).sum() };
    let counts = [
        ("own_work", sum(|run| run.lateness.own_work as i64)),
        ("behind_work", sum(|run| run.lateness.behind_work as i64)),
        ("not_running", sum(|run| run.lateness.not_running as i64)),
        ("core_taken_away", sum(|run| run.switches.involuntary)),
        ("page_faults", sum(|run| run.switches.page_faults)),
    ];
    let row = counts.iter().fold(Row::new(name), |row, (key, count)| {
        row.cell(key, count.to_string(), json!(count))
    });
    let service = runs
        .iter()
        .map(|run| f64::from(run.service.percentile(99_900)));
    row.duration("service_p99.9", Spread::of(service))
}
