//! Events that wait until the records that caused them are durable.

use std::collections::VecDeque;

use router_core::journal::Record;

/// Above this many released events in front, the rest is moved down.
const SLACK: usize = 1 << 16;

/// Events in order, with the sequence that must be durable before they may go out.
#[derive(Debug, Default)]
pub(crate) struct Held {
    events: Vec<Record>,
    /// How many of `events` are already released.
    head: usize,
    /// For each piece: the sequence behind it and how many events it gave.
    pieces: VecDeque<(u64, usize)>,
}

impl Held {
    pub(crate) fn waiting(&self) -> usize {
        self.events.len().saturating_sub(self.head)
    }

    /// Lets `apply` append events that wait for everything before `end` to be durable.
    pub(crate) fn hold(&mut self, end: u64, apply: impl FnOnce(&mut Vec<Record>)) {
        let before = self.events.len();
        apply(&mut self.events);
        let count = self.events.len().saturating_sub(before);
        self.pieces.push_back((end, count));
    }

    /// Appends all events to `out` that may go out, in order.
    pub(crate) fn release(&mut self, durable_end: u64, out: &mut Vec<Record>) {
        let mut count = 0_usize;
        while let Some((end, events)) = self.pieces.front().copied() {
            if end > durable_end {
                break;
            }
            count = count.saturating_add(events);
            self.pieces.pop_front();
        }
        let to = self.head.saturating_add(count);
        out.extend_from_slice(self.events.get(self.head..to).unwrap_or_default());
        self.head = to;
        if self.head >= self.events.len() {
            self.events.clear();
            self.head = 0;
        } else if self.head >= SLACK && self.head >= self.waiting() {
            self.events.drain(..self.head);
            self.head = 0;
        }
    }
}
