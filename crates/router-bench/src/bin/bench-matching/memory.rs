//! Memory per resting order, by the system's count and by the engine's own.

use crate::{Bench, Outcome};
use router_bench::measure::{resident_bytes, Row};
use router_bench::tape::{opening, Duties};
use router_core::engine::{
    encode, Command, CommandRecord, CountingSink, Engine, Limits, NewOrder, Side,
};
use serde_json::json;

const ORDERS: u64 = 1_000_000;
/// Levels of a side.
const LEVELS: u64 = 2_500;
const BEST_BID: i64 = 99_999;
const USERS: u32 = 10_000;

pub(crate) fn run(bench: &mut Bench) -> Outcome<()> {
    let mut rows = Vec::new();
    for (name, duties, client_ids) in [
        ("plain", Duties::Matching, false),
        ("funded", Duties::Funds, false),
        ("funded, with client ids", Duties::Funds, true),
    ] {
        rows.push(resting(name, duties, client_ids)?);
    }
    bench.report.section(
        "memory",
        "Memory with 1,000,000 resting orders in 5,000 levels, bytes per order, all in",
        &["orders", "resident", "by the engine's count"],
        &rows,
    );
    Ok(())
}

fn resting(name: &str, duties: Duties, client_ids: bool) -> Outcome<Row> {
    let before = resident_bytes();
    let mut engine = Engine::new(Limits {
        max_accounts: duties.accounts(USERS),
        ..Limits::default()
    });
    engine.submit(&opening(duties, USERS, 1), &mut CountingSink::default());
    for number in 1..=ORDERS {
        engine.submit(&[order(number, client_ids)], &mut CountingSink::default());
    }
    if u64::from(engine.open_orders()) != ORDERS {
        return Err(format!("{name}: {} orders rest", engine.open_orders()).into());
    }
    let resident = resident_bytes().saturating_sub(before) as f64 / ORDERS as f64;
    let counted = engine.memory_bytes() as f64 / ORDERS as f64;
    Ok(Row::new(name)
        .cell("resident", format!("{resident:.1}"), json!(resident))
        .cell("counted", format!("{counted:.1}"), json!(counted)))
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
    encode(&Command::New(NewOrder {
        client_id: if client_ids { number } else { 0 },
        ..NewOrder::limit(0, account, side, price, 1 + number % 100)
    }))
}
