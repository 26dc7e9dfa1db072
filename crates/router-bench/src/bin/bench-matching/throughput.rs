//! Commands per second: matching alone on every tape, then with everything a funded market needs.

use crate::{Bench, Outcome};
use router_bench::gate::{end_state, funds_are_conserved};
use router_bench::measure::{timed, Row, Timing};
use router_bench::tape::{opening, records, Duties, DEPOSIT_UNITS};
use router_bench::workload::{Size, Tape, Workload};
use router_core::engine::{CommandRecord, CountingSink, Engine, EventRecord, Limits};

/// Commands per call.
const BATCH: usize = 256;

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let mut rows = Vec::new();
    for workload in Workload::ALL {
        let tape = checked(workload)?;
        rows.push(batched(bench, workload, &tape, Duties::Matching)?);
        if workload == Workload::Xc {
            rows.push(single(bench, workload, &tape)?);
        }
    }
    let tape = checked(Workload::Xc)?;
    rows.push(batched(bench, Workload::Xc, &tape, Duties::Funds)?);
    bench.report.section(
        "throughput",
        "Throughput, million commands/s, median (min..max); 64-byte events written, end state equal",
        &["tape and duties", "thread CPU", "wall", "ns", "end state"],
        &rows,
    );
    Ok(())
}

/// The published tape; an error if ours is another.
pub(crate) fn checked(workload: Workload) -> Outcome<Tape> {
    let tape = workload.generate();
    if tape.end == workload.oracle() {
        Ok(tape)
    } else {
        Err(format!(
            "{}: the reference book ended in {:?}",
            workload.name(),
            tape.end
        )
        .into())
    }
}

/// An engine that is ready for a tape.
pub(crate) fn opened(duties: Duties, size: Size) -> Engine {
    let mut engine = Engine::new(limits(duties, size.users));
    engine.submit(
        &opening(duties, size.users, 1),
        &mut CountingSink::default(),
    );
    engine
}

pub(crate) fn limits(duties: Duties, users: u32) -> Limits {
    Limits {
        max_accounts: duties.accounts(users),
        ..Limits::default()
    }
}

fn batched(bench: &Bench, workload: Workload, tape: &Tape, duties: Duties) -> Outcome<Row> {
    let records = records(&tape.commands, duties, 0);
    gate(workload, &records, duties)?;
    let mut events: Vec<EventRecord> = Vec::with_capacity(1 << 16);
    let mut runs = Vec::new();
    for _ in 0..bench.runs {
        let mut engine = opened(duties, workload.size());
        let (timing, ()) = timed(records.len() as u64, || {
            for batch in records.chunks(BATCH) {
                events.clear();
                engine.submit(batch, &mut events);
            }
        })?;
        same_book(workload, &engine)?;
        runs.push(timing);
    }
    let duties = match duties {
        Duties::Matching => "matching only",
        Duties::Funds => "holds, fees, STP checks",
    };
    Ok(row(
        format!("{}, {duties}, batches of {BATCH}", workload.name()),
        &runs,
        workload,
    ))
}

fn single(bench: &Bench, workload: Workload, tape: &Tape) -> Outcome<Row> {
    let records = records(&tape.commands, Duties::Matching, 0);
    let mut events: Vec<EventRecord> = Vec::with_capacity(1 << 16);
    let mut runs = Vec::new();
    for _ in 0..bench.runs {
        let mut engine = opened(Duties::Matching, workload.size());
        let (timing, ()) = timed(records.len() as u64, || {
            for record in &records {
                events.clear();
                engine.submit(std::slice::from_ref(record), &mut events);
            }
        })?;
        same_book(workload, &engine)?;
        runs.push(timing);
    }
    Ok(row(
        format!("{}, matching only, one per call", workload.name()),
        &runs,
        workload,
    ))
}

fn row(name: String, runs: &[Timing], workload: Workload) -> Row {
    let hash = format!("{:016x}", workload.oracle().l2_hash);
    Row::new(name).throughput(runs).text("l2_hash", hash)
}

/// Runs the tape once without a clock and compares everything.
fn gate(workload: Workload, records: &[CommandRecord], duties: Duties) -> Outcome<()> {
    let size = workload.size();
    let mut engine = opened(duties, size);
    let mut counted = CountingSink::default();
    engine.submit(records, &mut counted);
    let end = end_state(&engine, 0, &counted);
    if end != workload.oracle() {
        return Err(format!(
            "{} {duties:?}: the engine ended in {end:?}",
            workload.name()
        )
        .into());
    }
    let deposited = u128::from(duties.accounts(size.users)) * DEPOSIT_UNITS;
    if duties == Duties::Funds && !funds_are_conserved(&engine, deposited, 2) {
        return Err(format!(
            "{}: balances and fees are not what was paid in",
            workload.name()
        )
        .into());
    }
    Ok(())
}

/// Compares what is left after a timed run, of which the trades were not counted.
fn same_book(workload: Workload, engine: &Engine) -> Outcome<()> {
    let oracle = workload.oracle();
    let counted = CountingSink {
        trades: oracle.trades,
        lots: oracle.volume,
        events: 0,
    };
    if end_state(engine, 0, &counted) == oracle {
        Ok(())
    } else {
        Err(format!("{}: a timed run ended in another book", workload.name()).into())
    }
}
