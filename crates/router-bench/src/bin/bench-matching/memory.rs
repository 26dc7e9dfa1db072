//! Memory per resting order, by the system's count and by the engine's own.

use crate::{Bench, Outcome};
use router_bench::measure::{resident_bytes, Row};
use router_bench::tape::{opening, records, Duties};
use router_bench::workload::Workload;
use router_core::engine::{
    self as engine, encode, CommandRecord, CountingSink, Engine, Limits, NewOrder, Side,
};
use serde_json::{json, Value};
use std::process::Command;

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
        let child = Command::new(std::env::current_exe()?)
            .args([CHILD, case.name])
            .output()?;
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
        Orders::Tape(workload) => taped(case.duties, workload),
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

fn opened(duties: Duties, users: u32, instruments: u32) -> Engine {
    let mut engine = Engine::new(Limits {
        max_accounts: duties.accounts(users),
        max_instruments: instruments,
        ..Limits::default()
    });
    let opening = opening(duties, users, instruments);
    engine.submit(&opening, &mut CountingSink::default());
    engine
}

fn resting(duties: Duties, client_ids: bool) -> (u64, Engine) {
    let before = resident_bytes();
    let mut engine = opened(duties, USERS, 1);
    for number in 1..=ORDERS {
        engine.submit(&[order(number, client_ids)], &mut CountingSink::default());
    }
    (resident_bytes().saturating_sub(before), engine)
}

fn taped(duties: Duties, workload: Workload) -> (u64, Engine) {
    let size = workload.size();
    let tape = records(&workload.generate().commands, duties, 0);
    let before = resident_bytes();
    let mut engine = opened(duties, size.users, 1);
    engine.submit(&tape, &mut CountingSink::default());
    (resident_bytes().saturating_sub(before), engine)
}

/// Five bids and five offers in neighbouring levels, and so on.
fn spread(duties: Duties, each: u32) -> (u64, Engine) {
    let before = resident_bytes();
    let mut engine = opened(duties, USERS, INSTRUMENTS);
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
    (resident_bytes().saturating_sub(before), engine)
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
