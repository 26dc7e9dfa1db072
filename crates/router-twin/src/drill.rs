//! The tape that a killed process writes and that its judge replays.
//!
//! The tape is a function of a seed: submission by submission, each drawn after the answers to the
//! ones before. Whoever has applied the first `n` records therefore knows the rest.

use router_core::engine::{CommandRecord, Engine, EventRecord};
use router_core::journal::Record;
use router_journal::{Matching, StateMachine};

use crate::gen::{Generator, Profile};

/// The tape, with an engine of its own that has applied every record given out so far.
#[derive(Debug)]
pub struct Tape {
    generator: Generator,
    engine: Engine,
    events: Vec<EventRecord>,
}

impl Tape {
    /// A tape from its first record.
    #[must_use]
    pub fn new(seed: u64, profile: Profile) -> Self {
        Self {
            generator: Generator::new(seed, profile),
            engine: Engine::new(Generator::limits()),
            events: Vec::new(),
        }
    }

    /// Applies the next submission, and returns its records. One that begins with a leg is passed over:
    /// the journal takes no such thing.
    pub fn step(&mut self) -> Vec<CommandRecord> {
        let mut records = self.generator.submission();
        while !starts(&records) {
            records = self.generator.submission();
        }
        self.events.clear();
        self.engine.submit(&records, &mut self.events);
        self.generator.observe(&self.events);
        records
    }

    /// Plays until `sequence` records have been given out; says whether a submission ends there.
    pub fn play_to(&mut self, sequence: u64) -> bool {
        while self.engine.sequence() < sequence {
            self.step();
        }
        self.engine.sequence() == sequence
    }

    /// The engine that has applied everything given out so far.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn starts(records: &[CommandRecord]) -> bool {
    let first = records.first().map(|record| bytemuck::cast(*record));
    first.is_some_and(|record| Matching::starts_submission(&record))
}

/// The profile that a seed stands for.
#[must_use]
pub fn profile(seed: u64) -> Profile {
    let place = usize::try_from(seed).unwrap_or(0) % Profile::ALL.len();
    Profile::ALL
        .get(place)
        .copied()
        .unwrap_or(Profile::Continuous)
}

/// Bare bytes of records, as the journal takes them.
#[must_use]
pub fn bare(records: &[CommandRecord]) -> Vec<Record> {
    records
        .iter()
        .map(|record| bytemuck::cast(*record))
        .collect()
}
