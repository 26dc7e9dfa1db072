//! Writes the workloads as files of 40-byte records, for engines that are not written in Rust.
//!
//! `matching-tapes FOLDER [NAME ...]`; prints the SHA-256 and the end state of each file.
#![allow(clippy::print_stdout, reason = "the report is the purpose")]

use router_bench::workload::{write_records, Workload};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or("usage: matching-tapes FOLDER [NAME ...]")?;
    let names: Vec<String> = arguments.collect();
    if let Some(unknown) = names.iter().find(|name| Workload::named(name).is_none()) {
        return Err(format!("unknown tape {unknown}; known are xc, itch, deep, liq").into());
    }
    std::fs::create_dir_all(&folder)?;
    for workload in Workload::ALL {
        if names.is_empty() || names.iter().any(|name| name == workload.name()) {
            write(workload, Path::new(&folder))?;
        }
    }
    Ok(())
}

fn write(workload: Workload, folder: &Path) -> Result<(), Box<dyn Error>> {
    let tape = workload.generate();
    if tape.end != workload.oracle() {
        return Err(format!("{}: ended in {:?}", workload.name(), tape.end).into());
    }
    let mut bytes = Vec::new();
    write_records(&tape.commands, &mut bytes)?;
    std::fs::write(folder.join(workload.name()).with_extension("bin"), &bytes)?;
    let digest = Sha256::digest(&bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{} {hex} {:?}", workload.name(), tape.end);
    Ok(())
}
