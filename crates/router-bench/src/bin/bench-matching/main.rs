//! Measures the matching engine: every figure behind a gate that its end state is the published one.
//!
//! `bench-matching [--runs N] [--core N] [--out FILE] [SECTION ...]` prints tables and writes JSON. What
//! is inside each timer is said in `docs/development/matching-benchmark.md`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that goes wrong has to stop, statistics are floats, tables are the purpose"
)]

mod flash1;
mod journaled;
mod latency;
mod memory;
mod recovery;
mod sweep;
mod symbols;
mod throughput;

use router_bench::measure::{pin_to_core, Machine, Report};
use std::error::Error;
use std::path::PathBuf;

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: bench-matching [--runs N] [--core N] [--out FILE] [SECTION ...]";

/// A part of the benchmark.
type Section = (&'static str, fn(&mut Bench) -> Outcome<()>);

const SECTIONS: &[Section] = &[
    ("throughput", throughput::run),
    ("latency", latency::run),
    ("journaled", journaled::run),
    ("sweep", sweep::run),
    ("symbols", symbols::run),
    ("memory", memory::run),
    ("recovery", recovery::run),
    ("flash1", flash1::run),
];

/// What all sections share.
struct Bench {
    runs: usize,
    /// Core for a second thread.
    other_core: usize,
    /// Where journals are written: on the disk that is measured.
    scratch: PathBuf,
    report: Report,
}

struct Options {
    runs: usize,
    core: usize,
    out: PathBuf,
    sections: Vec<Section>,
}

fn options() -> Outcome<Options> {
    let mut options = Options {
        runs: 5,
        core: 1,
        out: PathBuf::from("var/bench/matching_engine.json"),
        sections: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => options.runs = arguments.next().ok_or(USAGE)?.parse()?,
            "--core" => options.core = arguments.next().ok_or(USAGE)?.parse()?,
            "--out" => options.out = arguments.next().ok_or(USAGE)?.into(),
            name => {
                let known = SECTIONS.iter().find(|section| section.0 == name);
                options.sections.push(*known.ok_or_else(|| unknown(name))?);
            }
        }
    }
    if options.sections.is_empty() {
        options.sections = SECTIONS.to_vec();
    }
    Ok(options)
}

fn unknown(name: &str) -> String {
    let known: Vec<&str> = SECTIONS.iter().map(|section| section.0).collect();
    format!("unknown section {name}; known are {}", known.join(", "))
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    if let (Some(memory::CHILD), Some(case)) = (arguments.next().as_deref(), arguments.next()) {
        return memory::child(&case);
    }
    let options = options()?;
    let machine = Machine::observe();
    let pinned = pin_to_core(options.core).is_ok();
    println!("{}", machine.line());
    println!(
        "{} runs each, {}",
        options.runs,
        if pinned {
            format!("on core {}", options.core)
        } else {
            "not pinned".to_owned()
        }
    );
    let mut bench = Bench {
        runs: options.runs,
        other_core: usize::from(options.core == 0),
        scratch: options.out.with_file_name("journals"),
        report: Report::default(),
    };
    bench.report.value("machine", machine.json());
    bench
        .report
        .value("pinned", pinned.then_some(options.core).into());
    for (_, section) in &options.sections {
        section(&mut bench)?;
    }
    if let Some(folder) = options.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.out, format!("{:#}\n", bench.report.json()))?;
    Ok(())
}
