//! Writes the workloads as files of 40-byte records, for engines that are not written in Rust.
//!
//! `matching-tapes FOLDER [--first N] [NAME ...]` writes `NAME.bin`, or with `--first` only the first N
//! commands as `NAME-first.bin`, and the state in which they end as JSON beside it; prints the SHA-256.
#![allow(clippy::print_stdout, reason = "the report is the purpose")]

use router_bench::workload::{write_records, Command, EndState, ReferenceBook, Workload};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::Path;

const USAGE: &str = "usage: matching-tapes FOLDER [--first N] [xc|itch|deep|liq ...]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or(USAGE)?;
    let mut first = None;
    let mut workloads = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "--first" {
            first = Some(arguments.next().ok_or(USAGE)?.parse()?);
        } else {
            workloads.push(Workload::named(&argument).ok_or(USAGE)?);
        }
    }
    if workloads.is_empty() {
        workloads.extend(Workload::ALL);
    }
    std::fs::create_dir_all(&folder)?;
    for workload in workloads {
        write(workload, first, Path::new(&folder))?;
    }
    Ok(())
}

fn write(workload: Workload, first: Option<usize>, folder: &Path) -> Result<(), Box<dyn Error>> {
    let tape = workload.generate();
    if tape.end != workload.oracle() {
        return Err(format!("{}: ended in {:?}", workload.name(), tape.end).into());
    }
    let (name, commands) = match first {
        None => (workload.name().to_owned(), tape.commands.as_slice()),
        Some(first) => {
            let commands = tape.commands.get(..first).ok_or("the tape is shorter")?;
            (format!("{}-first", workload.name()), commands)
        }
    };
    let mut bytes = Vec::new();
    write_records(commands, &mut bytes)?;
    let file = folder.join(name);
    std::fs::write(file.with_extension("bin"), &bytes)?;
    let end = end_of(commands);
    std::fs::write(file.with_extension("json"), end_json(&end))?;
    let digest = Sha256::digest(&bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{} {hex} {:016x}", file.display(), end.l2_hash);
    Ok(())
}

fn end_of(commands: &[Command]) -> EndState {
    let mut book = ReferenceBook::default();
    for command in commands {
        book.apply(command);
    }
    book.end_state()
}

fn end_json(end: &EndState) -> String {
    let value = serde_json::json!({
        "trades": end.trades,
        "volume": end.volume,
        "bids": end.bids,
        "asks": end.asks,
        "bid_levels": end.bid_levels,
        "ask_levels": end.ask_levels,
        "l2_hash": format!("{:016x}", end.l2_hash),
    });
    format!("{value:#}\n")
}
