//! Time per fill of orders that take a whole side.

use crate::throughput::limits;
use crate::{Bench, Outcome};
use router_bench::measure::{Row, Stopwatch, Timing};
use router_bench::tape::{opening, record, Duties};
use router_bench::workload::{Action, Command, Side};
use router_core::engine::{CommandRecord, CountingSink, Engine, EventRecord};

const FILLS: u64 = 5_000;
const LEVELS: u64 = 50;
const SWEEPS: u64 = 200;
const USERS: u32 = 1_000;

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let mut rows = Vec::new();
    for (name, duties) in [
        ("matching only", Duties::Matching),
        ("holds, fees, STP checks", Duties::Funds),
    ] {
        let runs: Outcome<Vec<Timing>> = (0..bench.runs).map(|_| swept(duties)).collect();
        rows.push(Row::new(name).throughput(&runs?));
    }
    bench.report.section(
        "sweep",
        "Sweeps: one order takes 5,000 resting ones over 50 levels, million fills/s and ns per fill",
        &["", "thread CPU", "wall", "ns"],
        &rows,
    );
    Ok(())
}

fn order(id: u64, side: Side, price: u64, quantity: u64, duties: Duties) -> CommandRecord {
    let command = Command {
        id,
        price: price as i64,
        quantity: quantity as i64,
        user: 1 + (id % u64::from(USERS - 1)) as u32,
        action: Action::New,
        side,
        immediate: side == Side::Buy,
    };
    record(&command, duties, 0)
}

/// Only the taking orders are inside the clock.
fn swept(duties: Duties) -> Outcome<Timing> {
    let mut engine = Engine::new(limits(duties, USERS));
    engine.submit(&opening(duties, USERS, 1), &mut CountingSink::default());
    let mut events: Vec<EventRecord> = Vec::with_capacity(1 << 16);
    let mut total = Timing::default();
    for sweep in 0..SWEEPS {
        let first = sweep * (FILLS + 1) + 1;
        let makers: Vec<CommandRecord> = (0..FILLS)
            .map(|maker| order(first + maker, Side::Sell, 1_000 + maker % LEVELS, 1, duties))
            .collect();
        engine.submit(&makers, &mut CountingSink::default());
        let taker = order(first + FILLS, Side::Buy, 2_000, FILLS, duties);
        events.clear();
        let watch = Stopwatch::start()?;
        engine.submit(&[taker], &mut events);
        let timing = watch.stop(FILLS)?;
        if engine.open_orders() != 0 {
            return Err("a sweep left orders behind".into());
        }
        total.cpu += timing.cpu;
        total.wall += timing.wall;
        total.operations += timing.operations;
    }
    Ok(total)
}
