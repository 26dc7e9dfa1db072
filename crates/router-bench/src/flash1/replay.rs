//! The order flow through our engine: one message per call, its reports into a queue.

use super::Message;
use crate::measure::{pin_to_core, Stopwatch, Timing};
use router_flash::abi::Report;
use router_flash::Matcher;
use rtrb::{Consumer, Producer, RingBuffer};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Reports that a queue holds, as in the public harness.
const QUEUE: usize = 1 << 20;
/// Reports that stay in a processor's cache.
const WINDOW: usize = 1 << 12;

/// Every report of a flow, in order.
#[must_use]
pub fn all_reports(messages: &[Message]) -> Vec<Report> {
    let mut matcher = Matcher::new();
    let mut reports = Vec::with_capacity(messages.len() * 2);
    for message in messages {
        deliver(&mut matcher, message, &mut |report| reports.push(*report));
    }
    reports
}

/// One thread, reports into a window that is written again and again.
///
/// # Errors
///
/// The system has no clock of the thread.
pub fn one_thread(messages: &[Message]) -> nix::Result<Timing> {
    let mut matcher = Matcher::new();
    let mut window = vec![Report::default(); WINDOW];
    let mut written = 0_usize;
    let watch = Stopwatch::start()?;
    for message in messages {
        deliver(&mut matcher, message, &mut |report| {
            window[written % WINDOW] = *report;
            written += 1;
        });
    }
    let timing = watch.stop(messages.len() as u64)?;
    std::hint::black_box(&window);
    Ok(timing)
}

/// Two threads as in the public harness: matching here, reports drained on `drainer_core`.
///
/// # Errors
///
/// A thread cannot be kept on its core, or the system has no clock of the thread.
pub fn two_threads(
    messages: &[Message],
    drainer_core: usize,
) -> nix::Result<(Timing, Vec<Report>)> {
    let (mut queue, drained) = RingBuffer::new(QUEUE);
    let is_over = AtomicBool::new(false);
    let room = messages.len() * 2;
    thread::scope(|scope| {
        let drainer = scope.spawn(|| drain(drained, &is_over, drainer_core, room));
        let timing = matched(messages, &mut queue);
        is_over.store(true, Ordering::Release);
        match drainer.join() {
            Ok(reports) => Ok((timing?, reports?)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn matched(messages: &[Message], queue: &mut Producer<Report>) -> nix::Result<Timing> {
    let mut matcher = Matcher::new();
    let watch = Stopwatch::start()?;
    for message in messages {
        deliver(&mut matcher, message, &mut |report| {
            while queue.push(*report).is_err() {
                spin_loop();
            }
        });
    }
    watch.stop(messages.len() as u64)
}

fn drain(
    mut queue: Consumer<Report>,
    is_over: &AtomicBool,
    core: usize,
    room: usize,
) -> nix::Result<Vec<Report>> {
    pin_to_core(core)?;
    let mut reports = Vec::with_capacity(room);
    loop {
        // Read before the queue: what was pushed before the end is then seen below.
        let last_round = is_over.load(Ordering::Acquire);
        while let Ok(report) = queue.pop() {
            reports.push(report);
        }
        if last_round {
            return Ok(reports);
        }
        spin_loop();
    }
}

/// A call of its own for each message, as through a shared object.
#[inline(never)]
fn deliver(matcher: &mut Matcher, message: &Message, push: &mut impl FnMut(&Report)) {
    match message {
        Message::New(order) => matcher.new_order(order, push),
        Message::Cancel(cancel) => matcher.cancel(cancel, push),
        Message::Modify(modify) => matcher.modify(modify, push),
    }
}
