//! The C functions, called as the benchmark calls them, through a queue of our own.
#![allow(
    unsafe_code,
    clippy::arithmetic_side_effects,
    reason = "a test calls C functions and may stop"
)]

use router_flash::abi::{Cancel, Kind, Modify, NewOrder, Report};
use router_flash::exports::{
    engine_flush, engine_init, engine_on_cancel, engine_on_modify, engine_on_new_order,
    engine_query_best_ask, engine_query_best_bid, engine_query_depth_at, engine_shutdown,
    Transport,
};
use std::ffi::{c_int, c_void};

/// A queue that refuses every second push, so that the engine has to try again.
#[derive(Default)]
struct Stubborn {
    reports: Vec<Report>,
    refusals: usize,
}

unsafe extern "C" fn push(queue: *mut c_void, report: *const Report) -> c_int {
    // SAFETY: the test hands a `Stubborn` to `engine_init` and keeps it until `engine_shutdown`.
    let queue = unsafe { &mut *queue.cast::<Stubborn>() };
    if queue.refusals <= queue.reports.len() {
        queue.refusals += 1;
        return 0;
    }
    // SAFETY: the engine hands over a report that lives through the call.
    queue.reports.push(unsafe { *report });
    1
}

fn new(order_id: u64, sequence: u64, side: u8, quantity: u32, price: i64) -> NewOrder {
    NewOrder {
        order_id,
        sequence,
        price,
        quantity,
        side,
        ..NewOrder::default()
    }
}

/// What the functions report of a short session, through a queue that refuses.
fn session() -> Vec<Report> {
    let transport = Transport {
        create: None,
        push,
        drain: None,
        flush: None,
        destroy: None,
    };
    let mut queue = Stubborn::default();
    let sink: *mut Stubborn = &mut queue;
    let modify = Modify {
        order_id: 1,
        sequence: 2,
        price: 101,
        quantity: 11,
        side: 0,
        ..Modify::default()
    };
    let cancel = |sequence| Cancel {
        order_id: 1,
        sequence,
    };
    // SAFETY: every pointer is to a value that outlives the call; transport and queue outlive all.
    unsafe {
        engine_init(23, &transport, sink.cast());
        assert_eq!(best(), (i64::MIN, i64::MAX));
        engine_on_new_order(&new(1, 0, 0, 10, 100));
        engine_on_new_order(&new(2, 1, 1, 4, 102));
        engine_on_modify(&modify);
        assert_eq!(best(), (101, 102));
        assert_eq!(
            (engine_query_depth_at(101, 0), engine_query_depth_at(100, 0)),
            (11, 0)
        );
        engine_on_new_order(&new(3, 3, 1, 5, 101));
        engine_on_cancel(&cancel(4));
        engine_on_cancel(&cancel(5));
        engine_on_new_order(std::ptr::null());
    }
    engine_flush();
    engine_shutdown();
    queue.reports
}

fn best() -> (i64, i64) {
    (engine_query_best_bid(), engine_query_best_ask())
}

#[test]
fn the_functions_report_every_message_and_answer_about_the_book() {
    let told: Vec<(Kind, u64, u32)> = session()
        .iter()
        .map(|report| (report.kind, report.sequence, report.quantity))
        .collect();
    assert_eq!(
        told,
        [
            (Kind::OrderAck, 0, 10),
            (Kind::OrderAck, 1, 4),
            (Kind::ModifyAck, 2, 11),
            (Kind::OrderAck, 3, 5),
            (Kind::Trade, 3, 5),
            (Kind::CancelAck, 4, 6),
            (Kind::CancelReject, 5, 0),
        ]
    );
    engine_shutdown();
    assert_eq!(
        engine_query_depth_at(101, 0),
        0,
        "without a session there is no book"
    );
}
