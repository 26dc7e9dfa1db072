//! `Desk`: an engine, in memory or with its journal, and the memory that batches pass through.

use std::time::Duration;

use bytemuck::Zeroable;
use pyo3::prelude::*;
use router_core::engine::{command_len, CommandKind, CommandRecord, Engine, EventRecord, ListRole};
use router_journal::{Directory, Durable, JournalError, Matching, Record};

use super::arrays::Lane;
use super::durable::closed;

/// Records of the longest command: a bracket with its two legs.
const LONGEST: usize = 3;

/// Where commands go.
enum Core {
    /// Nothing is kept.
    Memory(Box<Engine>),
    /// Events are given out when their commands are on the disk.
    Journal(Box<Durable<Matching, Directory>>, Duration),
    Closed,
}

pub(super) struct Desk {
    core: Core,
    commands: Vec<CommandRecord>,
    /// Events that were not written into a caller's array yet, from `sent` on.
    events: Vec<EventRecord>,
    sent: usize,
    /// Kept for its room: events as the journal gives them.
    bare: Vec<Record>,
}

impl Desk {
    fn over(core: Core) -> Self {
        Self {
            core,
            commands: Vec::new(),
            events: Vec::new(),
            sent: 0,
            bare: Vec::new(),
        }
    }

    pub(super) fn in_memory(engine: Engine) -> Self {
        Self::over(Core::Memory(Box::new(engine)))
    }

    pub(super) fn durable(journal: Durable<Matching, Directory>, timeout: Duration) -> Self {
        Self::over(Core::Journal(Box::new(journal), timeout))
    }

    pub(super) fn engine(&self) -> PyResult<&Engine> {
        match &self.core {
            Core::Memory(engine) => Ok(engine),
            Core::Journal(journal, _) => Ok(journal.state().engine()),
            Core::Closed => Err(closed()),
        }
    }

    /// The journal with its deadline, if there is one.
    pub(super) fn journal(&mut self) -> Option<(&mut Durable<Matching, Directory>, Duration)> {
        match &mut self.core {
            Core::Journal(journal, timeout) => Some((journal, *timeout)),
            Core::Memory(_) | Core::Closed => None,
        }
    }

    /// Writes what waits for the disk and lets the journal go; events that wait can be drained.
    pub(super) fn close(&mut self) -> Result<(), JournalError> {
        match std::mem::replace(&mut self.core, Core::Closed) {
            Core::Journal(journal, _) => {
                let done = journal.close(&mut self.bare);
                self.unpack();
                done
            }
            Core::Memory(_) | Core::Closed => Ok(()),
        }
    }

    /// Number of events that wait, with those whose commands have come to the disk meanwhile.
    pub(super) fn waiting(&mut self) -> usize {
        self.collect();
        self.events.len().saturating_sub(self.sent)
    }

    /// Takes the events of what is on the disk since a call gave up or failed.
    fn collect(&mut self) {
        if let Core::Journal(journal, _) = &mut self.core {
            // Why the writer stopped, if it did, is for whoever sends the next command.
            let _ = journal.poll(&mut self.bare);
            self.unpack();
        }
    }

    /// Copies `count` commands from `first` on.
    pub(super) fn load(&mut self, py: Python<'_>, lane: &Lane, first: usize, count: usize) {
        self.commands.resize(count, CommandRecord::zeroed());
        lane.read(py, first, &mut self.commands);
    }

    /// Takes one command instead of a batch.
    pub(super) fn load_one(&mut self, record: CommandRecord) {
        self.commands.clear();
        self.commands.push(record);
    }

    /// Matches loaded commands until `room` events are there; returns how many were consumed.
    ///
    /// A command whose legs may be missing because they are not loaded yet is left over. With a
    /// journal as many commands as there is room for events are one group, and are on the disk
    /// when this returns.
    ///
    /// # Errors
    /// What the journal says. Events of what is on the disk are there all the same.
    pub(super) fn work(&mut self, room: usize, is_last: bool) -> Result<usize, JournalError> {
        match &mut self.core {
            Core::Memory(engine) => {
                Ok(run(engine, &self.commands, &mut self.events, room, is_last))
            }
            Core::Journal(journal, timeout) => {
                let count = whole_commands(&self.commands, room, is_last);
                let records = self.commands.get(..count).unwrap_or(&[]);
                let records = bytemuck::cast_slice(records);
                let done = journal.submit_and_wait(records, *timeout, &mut self.bare);
                self.unpack();
                if done.is_err() {
                    self.collect();
                }
                done.map(|ticket| ticket.taken)
            }
            Core::Closed => Ok(0),
        }
    }

    fn unpack(&mut self) {
        let bare = self.bare.drain(..);
        self.events
            .extend(bare.map(|record| bytemuck::pod_read_unaligned::<EventRecord>(&record)));
    }

    /// Runs the loaded command, whose sequence number is given, and hands its events over.
    ///
    /// Others stay and wait: a journal first gives the events of commands whose callers had gone
    /// before they were on the disk.
    ///
    /// # Errors
    /// What the journal says.
    pub(super) fn run_one<T>(
        &mut self,
        sequence: u64,
        read: impl FnOnce(&[EventRecord]) -> T,
    ) -> Result<T, JournalError> {
        let waiting = self.events.len();
        self.work(usize::MAX, true)?;
        let new = self.events.iter().skip(waiting);
        let late = new.take_while(|event| event.command < sequence).count();
        let first = waiting.saturating_add(late);
        let told = read(self.events.get(first..).unwrap_or(&[]));
        self.events.truncate(first);
        Ok(told)
    }

    /// Writes waiting events into `out` from `first` on; returns how many.
    pub(super) fn deliver(&mut self, py: Python<'_>, out: &Lane, first: usize) -> usize {
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

    /// Lets the first `count` events of `out`, which a failing call has written, wait again.
    pub(super) fn take_back(&mut self, py: Python<'_>, out: &Lane, count: usize) {
        let mut events = vec![EventRecord::zeroed(); count];
        out.read(py, 0, &mut events);
        events.extend_from_slice(self.events.get(self.sent..).unwrap_or(&[]));
        self.events = events;
        self.sent = 0;
    }

    pub(super) fn memory_bytes(&self) -> PyResult<usize> {
        let records = self.commands.capacity();
        let records = records.saturating_add(self.events.capacity());
        let staged = records.saturating_mul(std::mem::size_of::<EventRecord>());
        Ok(self.engine()?.memory_bytes().saturating_add(staged))
    }
}

/// Matches commands until there are `room` events or none are left; returns how many.
fn run(
    engine: &mut Engine,
    commands: &[CommandRecord],
    events: &mut Vec<EventRecord>,
    room: usize,
    is_last: bool,
) -> usize {
    let mut rest = commands;
    while events.len() < room {
        let Some(count) = next_command(rest, is_last) else {
            break;
        };
        let (command, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        engine.submit(command, events);
        rest = behind;
    }
    commands.len().saturating_sub(rest.len())
}

/// Number of records of `most` commands, or of all, so that what comes next is no leg of a list:
/// the journal would not know whether the leg's head was in an earlier call.
fn whole_commands(commands: &[CommandRecord], most: usize, is_last: bool) -> usize {
    let mut rest = commands;
    let mut whole = 0_usize;
    let mut count = 0_usize;
    while let Some(records) = next_command(rest, is_last) {
        rest = rest.get(records..).unwrap_or(&[]);
        count = count.saturating_add(1);
        if !rest.first().is_some_and(is_leg) {
            whole = commands.len().saturating_sub(rest.len());
            if count >= most {
                break;
            }
        }
    }
    whole
}

fn is_leg(record: &CommandRecord) -> bool {
    record.kind == CommandKind::New.number() && record.list == ListRole::Leg.number()
}

/// Number of records of the first command, if it is certain that all of them are here.
fn next_command(rest: &[CommandRecord], is_last: bool) -> Option<usize> {
    let head = rest.first()?;
    if !is_last && rest.len() < LONGEST {
        return None;
    }
    Some(if head.list == 0 { 1 } else { command_len(rest) })
}
