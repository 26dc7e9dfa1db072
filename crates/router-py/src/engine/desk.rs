//! `Desk`: the engine with the memory that batches pass through.

use bytemuck::Zeroable;
use pyo3::Python;
use router_core::engine::{command_len, CommandRecord, Engine, EventRecord};

use super::arrays::Lane;

/// Records of the longest command: a bracket with its two legs.
const LONGEST: usize = 3;

pub(crate) struct Desk {
    engine: Engine,
    commands: Vec<CommandRecord>,
    /// Events that were not written into a caller's array yet, from `sent` on.
    events: Vec<EventRecord>,
    sent: usize,
}

impl Desk {
    pub(crate) const fn new(engine: Engine) -> Self {
        Self {
            engine,
            commands: Vec::new(),
            events: Vec::new(),
            sent: 0,
        }
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn waiting(&self) -> usize {
        self.events.len().saturating_sub(self.sent)
    }

    /// Copies `count` commands from `first` on.
    pub(crate) fn load(&mut self, py: Python<'_>, lane: &Lane, first: usize, count: usize) {
        self.commands.resize(count, CommandRecord::zeroed());
        lane.read(py, first, &mut self.commands);
    }

    /// Matches loaded commands until `room` events are there; returns how many were consumed.
    ///
    /// A command whose legs may be missing because they are not loaded yet is left over.
    pub(crate) fn work(&mut self, room: usize, is_last: bool) -> usize {
        let mut done = 0_usize;
        while let Some(left) = self.commands.get(done..).filter(|left| !left.is_empty()) {
            if self.events.len() >= room || (!is_last && left.len() < LONGEST) {
                break;
            }
            let count = command_len(left);
            let command = left.get(..count).unwrap_or(left);
            self.engine.submit(command, &mut self.events);
            done = done.saturating_add(count);
        }
        done
    }

    /// Runs one command and hands its events over; those that wait stay where they are.
    pub(crate) fn run<T>(
        &mut self,
        record: CommandRecord,
        read: impl FnOnce(u64, &[EventRecord]) -> T,
    ) -> T {
        let (sequence, first) = (self.engine.sequence(), self.events.len());
        self.engine.submit(&[record], &mut self.events);
        let told = read(sequence, self.events.get(first..).unwrap_or(&[]));
        self.events.truncate(first);
        told
    }

    /// Writes waiting events into `out` from `first` on; returns how many.
    pub(crate) fn deliver(&mut self, py: Python<'_>, out: &Lane, first: usize) -> usize {
        let room = out.len().saturating_sub(first);
        let waiting = self.events.get(self.sent..).unwrap_or(&[]);
        let count = waiting.len().min(room);
        out.write(py, first, waiting.get(..count).unwrap_or(waiting));
        self.sent = self.sent.saturating_add(count);
        if self.sent >= self.events.len() {
            self.events.clear();
            self.sent = 0;
        }
        count
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let records = self
            .commands
            .capacity()
            .saturating_add(self.events.capacity());
        let staged = records.saturating_mul(std::mem::size_of::<EventRecord>());
        self.engine.memory_bytes().saturating_add(staged)
    }
}
