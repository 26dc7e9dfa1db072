//! Memory per resting order, by the system's count and by the engine's own.

use crate::{Bench, Outcome};
use router_bench::measure::{resident_bytes, Row};
use router_bench::tape::{opening, Duties};
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

/// What the orders are like.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    duties: Duties,
    client_ids: bool,
}

const CASES: [Case; 3] = [
    Case {
        name: "plain",
        duties: Duties::Matching,
        client_ids: false,
    },
    Case {
        name: "funded",
        duties: Duties::Funds,
        client_ids: false,
    },
    Case {
        name: "funded, with client ids",
        duties: Duties::Funds,
        client_ids: true,
    },
];

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
        rows.push(
            ["resident", "counted"]
                .iter()
                .fold(Row::new(case.name), |row, key| {
                    let bytes = figures[*key].as_f64().unwrap_or_default() / ORDERS as f64;
                    row.cell(key, format!("{bytes:.1}"), json!(bytes))
                }),
        );
    }
    bench.report.section(
        "memory",
        "Memory with 1,000,000 resting orders in 5,000 levels, bytes per order, all in",
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
    let before = resident_bytes();
    let mut engine = Engine::new(Limits {
        max_accounts: case.duties.accounts(USERS),
        ..Limits::default()
    });
    engine.submit(
        &opening(case.duties, USERS, 1),
        &mut CountingSink::default(),
    );
    for number in 1..=ORDERS {
        engine.submit(
            &[order(number, case.client_ids)],
            &mut CountingSink::default(),
        );
    }
    if u64::from(engine.open_orders()) != ORDERS {
        return Err(format!("{} orders rest", engine.open_orders()).into());
    }
    let resident = resident_bytes().saturating_sub(before);
    println!(
        "{}",
        json!({"resident": resident, "counted": engine.memory_bytes()})
    );
    Ok(())
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
