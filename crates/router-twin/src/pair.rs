//! Engine and twin side by side, and the shortest tape on which they differ.

use router_core::engine::{command_len, image_hash, CommandRecord, Engine, EventRecord, Limits};

use crate::Twin;

/// What differs after a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The events.
    Events,
    /// The state.
    State,
}

/// Both engines with the same past.
pub struct Pair {
    /// The fast one.
    pub engine: Engine,
    /// The slow one.
    pub twin: Twin,
}

impl Pair {
    /// Two engines without instruments.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            engine: Engine::new(limits),
            twin: Twin::new(limits),
        }
    }

    /// Gives both the same records and returns their events.
    ///
    /// # Errors
    /// [`Difference`] when events or state differ.
    pub fn submit(&mut self, records: &[CommandRecord]) -> Result<Vec<EventRecord>, Difference> {
        let (fast, slow) = self.submit_unchecked(records);
        if fast != slow {
            return Err(Difference::Events);
        }
        if self.engine.state_hash() != image_hash(&self.twin.image()) {
            return Err(Difference::State);
        }
        Ok(fast)
    }

    /// Gives both the same records and returns the events of the engine and of the twin.
    pub fn submit_unchecked(
        &mut self,
        records: &[CommandRecord],
    ) -> (Vec<EventRecord>, Vec<EventRecord>) {
        let mut fast = Vec::new();
        self.engine.submit(records, &mut fast);
        (fast, self.twin.submit(records))
    }
}

/// A sequence of submissions.
pub type Tape = Vec<Vec<CommandRecord>>;

/// The first submission of a tape after which the two differ.
#[must_use]
pub fn first_difference(
    limits: Limits,
    tape: &[Vec<CommandRecord>],
) -> Option<(usize, Difference)> {
    let mut pair = Pair::new(limits);
    tape.iter()
        .enumerate()
        .find_map(|(at, records)| pair.submit(records).err().map(|found| (at, found)))
}

/// Leaves out submissions for as long as `fails` still holds.
pub fn minimise(
    tape: &[Vec<CommandRecord>],
    fails: impl Fn(&[Vec<CommandRecord>]) -> bool,
) -> Tape {
    let mut kept = tape.to_vec();
    let mut piece = kept.len().div_ceil(2);
    while piece > 0 {
        let mut start = 0;
        while start < kept.len() {
            let end = start.saturating_add(piece).min(kept.len());
            let without: Tape = kept
                .iter()
                .take(start)
                .chain(kept.iter().skip(end))
                .cloned()
                .collect();
            if fails(&without) {
                kept = without;
            } else {
                start = end;
            }
        }
        piece = if piece == 1 { 0 } else { piece.div_ceil(2) };
    }
    kept
}

/// The commands of a submission: single records, and lists as a whole.
#[must_use]
pub fn commands(records: &[CommandRecord]) -> Vec<&[CommandRecord]> {
    let mut found = Vec::new();
    let mut rest = records;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(command_len(rest).clamp(1, rest.len()));
        found.push(now);
        rest = later;
    }
    found
}
