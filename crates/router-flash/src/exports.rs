//! The C functions. The only module of the workspace with `unsafe`, because C is spoken here.
//!
//! The benchmark drives one engine from one thread: `engine_init` first, `engine_shutdown` last. The
//! engine lives behind one pointer, so that a call costs no lock.
#![allow(unsafe_code, reason = "a C interface takes and hands out raw pointers")]

use crate::abi::{Cancel, Modify, NewOrder, Report};
use crate::matcher::Matcher;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The benchmark's queue of reports, as a table of functions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Transport {
    /// Makes a queue for at least so many reports.
    pub create: Option<unsafe extern "C" fn(capacity: u32) -> *mut c_void>,
    /// Adds a report; 0 if the queue is full.
    pub push: unsafe extern "C" fn(queue: *mut c_void, report: *const Report) -> c_int,
    /// Takes at most `max` reports off.
    pub drain: Option<unsafe extern "C" fn(queue: *mut c_void, out: *mut Report, max: u32) -> u32>,
    /// Makes what was pushed visible.
    pub flush: Option<unsafe extern "C" fn(queue: *mut c_void)>,
    /// Ends a queue.
    pub destroy: Option<unsafe extern "C" fn(queue: *mut c_void)>,
}

struct Session {
    matcher: Matcher,
    push: unsafe extern "C" fn(queue: *mut c_void, report: *const Report) -> c_int,
    queue: *mut c_void,
}

static SESSION: AtomicPtr<Session> = AtomicPtr::new(std::ptr::null_mut());

/// The session between `engine_init` and `engine_shutdown`.
fn session() -> Option<&'static mut Session> {
    let pointer = SESSION.load(Ordering::Relaxed);
    // SAFETY: the pointer is null or came from `Box::into_raw` in `engine_init`, and is freed only by
    // `replace_session`. The interface promises calls from one thread, none inside another, so no
    // second reference exists while this one is used: every caller drops it before it returns.
    unsafe { pointer.as_mut() }
}

fn replace_session(next: *mut Session) {
    let last = SESSION.swap(next, Ordering::Relaxed);
    if !last.is_null() {
        // SAFETY: it came from `Box::into_raw`, nobody else frees it, and nobody can reach it any more.
        drop(unsafe { Box::from_raw(last) });
    }
}

/// Hands a report over, waiting while the queue is full.
#[inline]
fn push(
    function: unsafe extern "C" fn(*mut c_void, *const Report) -> c_int,
    queue: *mut c_void,
    report: &Report,
) {
    // SAFETY: function and queue are the pair that `engine_init` was given; the report lives through
    // the call, and the queue copies it.
    while unsafe { function(queue, report) } == 0 {
        std::hint::spin_loop();
    }
}

/// Starts an empty engine; the seed is not needed.
///
/// # Safety
///
/// `transport` points to a table whose `push` takes `queue`, both valid until `engine_shutdown`.
#[no_mangle]
pub unsafe extern "C" fn engine_init(_seed: u64, transport: *const Transport, queue: *mut c_void) {
    // SAFETY: the caller's promise.
    let Some(transport) = (unsafe { transport.as_ref() }) else {
        return;
    };
    let session = Session {
        matcher: Matcher::new(),
        push: transport.push,
        queue,
    };
    replace_session(Box::into_raw(Box::new(session)));
}

/// Ends the engine.
#[no_mangle]
pub extern "C" fn engine_shutdown() {
    replace_session(std::ptr::null_mut());
}

/// Takes a new order.
///
/// # Safety
///
/// `order` is null or points to a record for the time of the call.
#[no_mangle]
pub unsafe extern "C" fn engine_on_new_order(order: *const NewOrder) {
    // SAFETY: the caller's promise.
    if let (Some(order), Some(session)) = (unsafe { order.as_ref() }, session()) {
        let (function, queue) = (session.push, session.queue);
        session
            .matcher
            .new_order(order, |report| push(function, queue, report));
    }
}

/// Takes a cancel.
///
/// # Safety
///
/// `cancel` is null or points to a record for the time of the call.
#[no_mangle]
pub unsafe extern "C" fn engine_on_cancel(cancel: *const Cancel) {
    // SAFETY: the caller's promise.
    if let (Some(cancel), Some(session)) = (unsafe { cancel.as_ref() }, session()) {
        let (function, queue) = (session.push, session.queue);
        session
            .matcher
            .cancel(cancel, |report| push(function, queue, report));
    }
}

/// Takes a modify.
///
/// # Safety
///
/// `modify` is null or points to a record for the time of the call.
#[no_mangle]
pub unsafe extern "C" fn engine_on_modify(modify: *const Modify) {
    // SAFETY: the caller's promise.
    if let (Some(modify), Some(session)) = (unsafe { modify.as_ref() }, session()) {
        let (function, queue) = (session.push, session.queue);
        session
            .matcher
            .modify(modify, |report| push(function, queue, report));
    }
}

/// Does nothing: every call has done its work when it returns.
#[no_mangle]
pub extern "C" fn engine_flush() {}

/// Best bid in ticks, the least number if there is none.
#[no_mangle]
pub extern "C" fn engine_query_best_bid() -> i64 {
    session()
        .and_then(|session| session.matcher.best_bid())
        .unwrap_or(i64::MIN)
}

/// Best offer in ticks, the greatest number if there is none.
#[no_mangle]
pub extern "C" fn engine_query_best_ask() -> i64 {
    session()
        .and_then(|session| session.matcher.best_ask())
        .unwrap_or(i64::MAX)
}

/// Total resting quantity at a price; side 0 buys, 1 sells.
#[no_mangle]
pub extern "C" fn engine_query_depth_at(price: i64, side: u8) -> u64 {
    session().map_or(0, |session| session.matcher.depth_at(price, side))
}
