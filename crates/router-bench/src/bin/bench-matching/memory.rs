//! Memory per resting order, by the system's count and by the engine's own.

use crate::{Bench, Outcome};
use bytemuck::Zeroable;
use router_bench::measure::{resident_bytes, Row};
use router_bench::tape::{opening, records, Duties};
use router_bench::workload::Workload;
use router_core::engine::{
    self as engine, encode, CommandRecord, CountingSink, Engine, Limits, NewOrder, Side,
};
use serde_json::{json, Value};
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

/// First argument of the process of a case.
pub(crate) const CHILD: &str = "--memory-case";

const ORDERS: u64 = 1_000_000;
/// Levels of a side.
const LEVELS: u64 = 2_500;
const BEST_BID: i64 = 99_999;
const USERS: u32 = 10_000;
const INSTRUMENTS: u32 = 10_000;

/// What the orders are like.
#[derive(Clone, Copy)]
enum Orders {
    /// A million that all rest.
    Resting { client_ids: bool },
    /// Those that a tape leaves, after many that came and went.
    Tape(Workload),
    /// So many on each of many instruments.
    Spread(u32),
}

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    duties: Duties,
    orders: Orders,
}

const NO_IDS: Orders = Orders::Resting { client_ids: false };
const IDS: Orders = Orders::Resting { client_ids: true };
const DEEP: Orders = Orders::Tape(Workload::Deep);

const CASES: [Case; 8] = [
    case("plain", Duties::Matching, NO_IDS),
    case("funded", Duties::Funds, NO_IDS),
    case("deep", Duties::Matching, DEEP),
    case("deep, funded", Duties::Funds, DEEP),
    case("with client ids", Duties::Matching, IDS),
    case("funded, with client ids", Duties::Funds, IDS),
    case(
        "10,000 instruments, empty",
        Duties::Matching,
        Orders::Spread(0),
    ),
    case(
        "10,000 instruments, 10 each",
        Duties::Matching,
        Orders::Spread(10),
    ),
];

const fn case(name: &'static str, duties: Duties, orders: Orders) -> Case {
    Case {
        name,
        duties,
        orders,
    }
}

/// Each case in a process of its own: what another has freed would hide what this one takes.
pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let mut rows = Vec::new();
    for case in CASES {
        let child = hear(&case)?;
        if !child.status.success() {
            let told = String::from_utf8_lossy(&child.stderr);
            return Err(format!("memory, {}: {told}", case.name).into());
        }
        let figures: Value = serde_json::from_slice(&child.stdout)?;
        let per = figures["per"].as_f64().unwrap_or_default();
        let row = ["resident", "counted"]
            .iter()
            .fold(Row::new(case.name), |row, key| {
                let bytes = figures[*key].as_f64().unwrap_or_default() / per;
                row.cell(key, format!("{bytes:.1}"), json!(bytes))
            });
        rows.push(row);
    }
    bench.report.section(
        "memory",
        "Memory with 1,000,000 resting orders in 5,000 levels (deep: what its tape leaves), bytes per \
         order, all in; of instruments, bytes per instrument",
        &["orders", "resident", "by the engine's count"],
        &rows,
    );
    Ok(())
}

/// Fills an engine and prints what that took; the other end of [`run`].
pub(crate) fn child(name: &str) -> Outcome<()> {
    let case = CASES
        .iter()
        .find(|case| case.name == name)
        .ok_or("no such case")?;
    let (resident, engine) = match case.orders {
        Orders::Resting { client_ids } => resting(case.duties, client_ids),
        Orders::Tape(workload) => taped(case.duties, workload)?,
        Orders::Spread(each) => spread(case.duties, each),
    };
    let expected = match case.orders {
        Orders::Resting { .. } => ORDERS,
        Orders::Tape(workload) => {
            let end = workload.oracle();
            (end.bids + end.asks) as u64
        }
        Orders::Spread(each) => u64::from(each) * u64::from(INSTRUMENTS),
    };
    if u64::from(engine.open_orders()) != expected {
        return Err(format!("{} orders rest", engine.open_orders()).into());
    }
    let per = match case.orders {
        Orders::Spread(_) => u64::from(INSTRUMENTS),
        Orders::Resting { .. } | Orders::Tape(_) => expected,
    };
    println!(
        "{}",
        json!({"resident": resident, "counted": engine.memory_bytes(), "per": per})
    );
    Ok(())
}

/// An engine that is ready, with the records that made it so and what was resident before: records that
/// are given back would leave memory for the engine to use unseen.
fn opened(duties: Duties, users: u32, instruments: u32) -> (u64, Vec<CommandRecord>, Engine) {
    let opening = opening(duties, users, instruments);
    let before = resident_bytes();
    let mut engine = Engine::new(Limits {
        max_accounts: duties.accounts(users),
        max_instruments: instruments,
        ..Limits::default()
    });
    engine.submit(&opening, &mut CountingSink::default());
    (before, opening, engine)
}

fn taken(before: u64, opening: Vec<CommandRecord>) -> u64 {
    let resident = resident_bytes().saturating_sub(before);
    drop(opening);
    resident
}

fn resting(duties: Duties, client_ids: bool) -> (u64, Engine) {
    let (before, opening, mut engine) = opened(duties, USERS, 1);
    for number in 1..=ORDERS {
        engine.submit(&[order(number, client_ids)], &mut CountingSink::default());
    }
    (taken(before, opening), engine)
}

/// The tape comes in pieces: the memory in which it was made would be used again by the engine.
fn taped(duties: Duties, workload: Workload) -> Outcome<(u64, Engine)> {
    let mut tape = std::io::stdin().lock();
    let (before, opening, mut engine) = opened(duties, workload.size().users, 1);
    let mut piece = [CommandRecord::zeroed(); 256];
    loop {
        let bytes = tape.read(bytemuck::cast_slice_mut(&mut piece))?;
        let records = bytes / size_of::<CommandRecord>();
        let behind = bytes % size_of::<CommandRecord>();
        if bytes == 0 {
            break;
        }
        if behind != 0 {
            let piece: &mut [u8] = bytemuck::cast_slice_mut(&mut piece);
            tape.read_exact(&mut piece[bytes..bytes - behind + size_of::<CommandRecord>()])?;
        }
        let records = records + usize::from(behind != 0);
        engine.submit(&piece[..records], &mut CountingSink::default());
    }
    Ok((taken(before, opening), engine))
}

/// The size from which the system's allocator takes memory from the system and gives it back, as it is at
/// first: it would rise with what the harness gives back, and then large tables move by copying.
const ALLOCATOR: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");

/// Gives the process of a case the tape that it asks for, and hears its figures.
fn hear(case: &Case) -> Outcome<Output> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([CHILD, case.name])
        .env(ALLOCATOR.0, ALLOCATOR.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let (Some(mut tape), Orders::Tape(workload)) = (child.stdin.take(), case.orders) {
        let records = records(&workload.generate().commands, case.duties, 0);
        tape.write_all(bytemuck::cast_slice(&records))?;
    }
    Ok(child.wait_with_output()?)
}

/// Five bids and five offers in neighbouring levels, and so on.
fn spread(duties: Duties, each: u32) -> (u64, Engine) {
    let (before, opening, mut engine) = opened(duties, USERS, INSTRUMENTS);
    for count in 0..each {
        for instrument in 0..INSTRUMENTS {
            let depth = i64::from(count / 2);
            let (side, price) = if count % 2 == 0 {
                (Side::Buy, BEST_BID - depth)
            } else {
                (Side::Sell, BEST_BID + 1 + depth)
            };
            let account = (instrument + count) % USERS;
            let order = NewOrder::limit(instrument, account, side, price, 1);
            engine.submit(
                &[encode(&engine::Command::New(order))],
                &mut CountingSink::default(),
            );
        }
    }
    (taken(before, opening), engine)
}

/// Prices spread over the levels in no order, as they would come.
fn order(number: u64, client_ids: bool) -> CommandRecord {
    let depth = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % LEVELS;
    let (side, price) = if number % 2 == 0 {
        (Side::Buy, BEST_BID - depth as i64)
    } else {
        (Side::Sell, BEST_BID + 1 + depth as i64)
    };
    let account = (number % u64::from(USERS)) as u32;
    encode(&engine::Command::New(NewOrder {
        client_id: if client_ids { number } else { 0 },
        ..NewOrder::limit(0, account, side, price, 1 + number % 100)
    }))
}
