//! The five flows of the public matching-engine benchmark, one message per call.

use crate::{Bench, Outcome};
use router_bench::flash1::{
    all_reports, canonical_hash, one_thread, two_threads, Scenario, PUBLISHED_ORDERS,
    PUBLISHED_SEED,
};
use router_bench::measure::{Row, Timing};

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let mut rows = Vec::new();
    for scenario in Scenario::ALL {
        let messages = scenario.generate(PUBLISHED_ORDERS, PUBLISHED_SEED);
        let hash = canonical_hash(&mut all_reports(&messages));
        if hash != scenario.published_hash() {
            return Err(format!("{}: the reports hash to {hash}", scenario.name()).into());
        }
        let runs: Result<Vec<Timing>, _> = (0..bench.runs).map(|_| one_thread(&messages)).collect();
        rows.push(row(scenario, "one thread", &runs?, &hash));
        let mut runs = Vec::new();
        for _ in 0..bench.runs {
            let (timing, mut reports) = two_threads(&messages, bench.other_core)?;
            if canonical_hash(&mut reports) != hash {
                return Err(format!("{}: a timed run reported otherwise", scenario.name()).into());
            }
            runs.push(timing);
        }
        rows.push(row(scenario, "two threads", &runs, &hash));
    }
    bench.report.section(
        "flash1",
        "flash1 benchmark flows, seed 23, one message per call, million messages/s",
        &["flow", "thread CPU", "wall", "ns", "hash of all reports"],
        &rows,
    );
    Ok(())
}

fn row(scenario: Scenario, threads: &str, runs: &[Timing], hash: &str) -> Row {
    let short = hash.get(..8).unwrap_or(hash);
    Row::new(format!("{}, {threads}", scenario.name()))
        .throughput(runs)
        .text("hash", format!("{short}.. as published"))
}
