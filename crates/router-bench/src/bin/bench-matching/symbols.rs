//! Many instruments: 10,000 of them with a million resting orders and 3.3 million accounts.

use crate::{Bench, Outcome};
use router_bench::gate::end_state;
use router_bench::measure::{timed, Row};
use router_bench::symbols::{Market, Mix};
use router_bench::tape::{opening, Duties};
use router_core::engine::{CountingSink, Engine, EventRecord, Limits};
use serde_json::json;

const BATCH: usize = 256;

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let market = Market::MEDIUM;
    let mix = market.generate();
    let mut runs = Vec::new();
    let mut bytes = 0;
    for _ in 0..bench.runs {
        let mut engine = opened(market, &mix);
        let mut events: Vec<EventRecord> = Vec::with_capacity(1 << 16);
        let (timing, ()) = timed(mix.trading.len() as u64, || {
            for batch in mix.trading.chunks(BATCH) {
                events.clear();
                engine.submit(batch, &mut events);
            }
        })?;
        gate(&engine, &mix)?;
        bytes = engine.memory_bytes();
        runs.push(timing);
    }
    let mebibytes = bytes >> 20;
    let row = Row::new("medium, matching only, batches of 256")
        .throughput(&runs)
        .cell("engine_mib", mebibytes.to_string(), json!(mebibytes));
    bench.report.section(
        "symbols",
        "10,000 instruments (Pareto 1.5), 1 M resting orders, 3.3 M accounts, million commands/s",
        &["", "thread CPU", "wall", "ns", "engine MiB"],
        &[row],
    );
    Ok(())
}

fn opened(market: Market, mix: &Mix) -> Engine {
    let mut engine = Engine::new(Limits {
        max_accounts: Duties::Matching.accounts(market.users),
        max_instruments: market.instruments,
        ..Limits::default()
    });
    let mut counted = CountingSink::default();
    engine.submit(
        &opening(Duties::Matching, market.users, market.instruments),
        &mut counted,
    );
    engine.submit(&mix.filling, &mut counted);
    engine
}

/// Every instrument's book has to be the reference book's; trades are not counted here.
fn gate(engine: &Engine, mix: &Mix) -> Outcome<()> {
    for (instrument, end) in (0..).zip(&mix.ends) {
        let counted = CountingSink {
            trades: end.trades,
            lots: end.volume,
            events: 0,
        };
        if end_state(engine, instrument, &counted) != *end {
            return Err(format!("instrument {instrument} ended in another book").into());
        }
    }
    Ok(())
}
