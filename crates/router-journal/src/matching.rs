//! The matching engine as a journal's state machine.

use bytemuck::Zeroable;
use router_core::engine::image_codec::encode_image;
use router_core::engine::image_decode::decode_image;
use router_core::engine::{
    CommandKind, CommandRecord, Engine, EventRecord, Limits, ListRole, Sink, SEMANTICS_VERSION,
};
use router_core::journal::Record;

use crate::machine::StateMachine;

/// A matching engine that takes and gives bare records.
pub struct Matching {
    engine: Engine,
    /// Kept for its room: the records of one call, aligned.
    commands: Vec<CommandRecord>,
}

impl Matching {
    /// An engine without instruments and balances.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::from(Engine::new(limits))
    }

    /// The engine, to look at its books.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl From<Engine> for Matching {
    fn from(engine: Engine) -> Self {
        Self {
            engine,
            commands: Vec::new(),
        }
    }
}

/// Writes events as bare records.
struct Bare<'a>(&'a mut Vec<Record>);

impl Sink for Bare<'_> {
    #[inline]
    fn event(&mut self, event: EventRecord) {
        self.0.push(bytemuck::cast(event));
    }
}

impl StateMachine for Matching {
    fn apply(&mut self, records: &[Record], events: &mut Vec<Record>) {
        self.commands.resize(records.len(), CommandRecord::zeroed());
        bytemuck::cast_slice_mut::<_, Record>(&mut self.commands).copy_from_slice(records);
        self.engine.submit(&self.commands, &mut Bare(events));
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&encode_image(&self.engine.image()));
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        let image = decode_image(bytes).ok()?;
        Engine::from_image(&image).ok().map(Self::from)
    }

    fn state_hash(&self) -> u64 {
        self.engine.state_hash()
    }

    fn semantics_version() -> u32 {
        SEMANTICS_VERSION
    }

    fn starts_submission(record: &Record) -> bool {
        let command: CommandRecord = bytemuck::cast(*record);
        let is_leg = command.list == ListRole::Leg.number();
        !(is_leg && command.kind == CommandKind::New.number())
    }
}
