//! Any bytes at the engine's door: no panic, an answer to every command, caps kept, memory bounded.
//!
//! `ENGINE_FUZZ_RECORDS` sets the length of the long run, `ENGINE_FUZZ_SEED` its start (printed).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; numbers under test are small"
)]

mod command_tape;

use command_tape::{opening, Draws, Tape};
use proptest::prelude::*;
use router_core::engine::{
    command_len, decode, encode, image_hash, CommandKind, CommandRecord, Engine, EventKind,
    EventRecord, Limits,
};
use router_core::feed::Publisher;

const LIMITS: Limits = Limits {
    max_accounts: 6,
    max_assets: 3,
    max_instruments: 5,
    max_orders: 96,
    max_client_ids: 48,
    max_account_orders: 40,
    max_account_client_ids: 30,
    client_window_ns: 5_000_000_000,
};
/// Bytes that an engine with these limits may take, whatever it is told.
const MEMORY_BOUND: usize = 32 << 20;
/// Numbers at which arithmetic may break.
const EDGES: [u64; 20] = [
    0,
    1,
    2,
    5,
    15,
    16,
    95,
    100,
    1_000_000,
    (1 << 31) - 2,
    (1 << 31) - 1,
    1 << 31,
    u32::MAX as u64,
    1 << 40,
    (1 << 40) + 1,
    1 << 62,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// An engine under fire with the publisher that must be able to follow it.
struct Target {
    engine: Engine,
    publisher: Publisher,
    tape: Tape,
    events: Vec<EventRecord>,
}

impl Target {
    fn new() -> Self {
        let mut target = Self {
            engine: Engine::new(LIMITS),
            publisher: Publisher::new(1),
            tape: Tape::default(),
            events: Vec::new(),
        };
        target.submit(&opening(0));
        target
    }

    /// Submits records one command at a time and checks each answer.
    fn submit(&mut self, records: &[CommandRecord]) {
        let mut rest = records;
        while !rest.is_empty() {
            let (command, behind) = rest.split_at(command_len(rest));
            self.one(command);
            rest = behind;
        }
    }

    fn one(&mut self, command: &[CommandRecord]) {
        let sequence = self.engine.sequence();
        self.events.clear();
        self.engine.submit(command, &mut self.events);
        assert_eq!(self.engine.sequence(), sequence + command.len() as u64);
        assert!(
            !self.events.is_empty() || is_tick(&command[0]),
            "no answer to {command:?}"
        );
        for event in &self.events {
            assert!(
                event.event_kind().is_some() && event.event_reason().is_some(),
                "{event:?}"
            );
            assert_eq!(event.command, sequence, "{event:?} to {command:?}");
        }
        let refused = self
            .events
            .iter()
            .any(|event| is(event, EventKind::Rejected) || is(event, EventKind::Duplicate));
        assert!(
            !refused || self.events.len() == 1,
            "more than a refusal: {:?}",
            self.events
        );
        assert!(self.engine.open_orders() <= LIMITS.max_orders);
        assert!(self.engine.instruments() <= LIMITS.max_instruments);
        self.tape.learn(&self.events);
        self.publisher
            .publish(&self.events, &mut Vec::new(), &mut Vec::new())
            .unwrap();
    }

    /// Checks what is too slow for every record.
    fn inspect(&self) {
        assert!(
            self.engine.memory_bytes() <= MEMORY_BOUND,
            "{} bytes",
            self.engine.memory_bytes()
        );
        let image = self.engine.image();
        let again = Engine::from_image(&image).unwrap().image();
        assert_eq!(image_hash(&again), image_hash(&image));
        assert_eq!(self.engine.state_hash(), image_hash(&image));
        assert!(image.client_ids.len() <= LIMITS.max_client_ids as usize);
    }

    /// Something between a good command and noise.
    fn shot(&mut self, word: u64) -> Vec<CommandRecord> {
        let mut draws = Draws(word);
        let mut records = self.tape.command(draws.word());
        match draws.below(8) {
            0..3 => {}
            3 => records = vec![noise(&mut draws)],
            4 | 5 => {
                let at = draws.below(records.len() as u64) as usize;
                records[at] = bent(records[at], &mut draws);
            }
            6 => {
                let mut bytes: [u8; 64] = bytemuck::cast(records[0]);
                bytes[draws.below(64) as usize] = draws.word() as u8;
                records[0] = bytemuck::cast(bytes);
            }
            _ => {
                let kind = 1 + draws.below(CommandKind::ALL.len() as u64) as u8;
                records[0] = bent(CommandRecord { kind, ..records[0] }, &mut draws);
            }
        }
        records
    }
}

fn is(event: &EventRecord, kind: EventKind) -> bool {
    event.kind == kind.number()
}

fn is_tick(record: &CommandRecord) -> bool {
    record.kind == CommandKind::Tick.number()
}

fn noise(draws: &mut Draws) -> CommandRecord {
    let mut record: CommandRecord = bytemuck::cast([0_u64; 8].map(|_| draws.word()));
    record.kind = draws.below(20) as u8;
    record
}

/// The record with one or two numbers at an edge.
fn bent(mut record: CommandRecord, draws: &mut Draws) -> CommandRecord {
    for _ in 0..=draws.below(2) {
        let edge = EDGES[draws.below(EDGES.len() as u64) as usize];
        match draws.below(10) {
            0 => record.price = edge as i64,
            1 => record.qty = edge,
            2 => record.trigger = edge as i64,
            3 => record.display = edge as u32,
            4 => record.expire_s = edge as u32,
            5 => record.client_id = edge,
            6 => record.order_id = edge,
            7 => record.instrument = edge as u32,
            8 => record.account = edge as u32,
            _ => record.flags = edge as u16,
        }
    }
    record
}

fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(bytes in any::<[u64; 8]>(), kind in 0_u8..20, word in any::<u64>()) {
        let noise = CommandRecord { kind, ..bytemuck::cast(bytes) };
        let mut near = Target::new().shot(word);
        near.push(noise);
        for record in near {
            if let Ok(command) = decode(&record) {
                prop_assert_eq!(encode(&command), record);
            }
        }
    }

    #[test]
    fn any_records_are_answered_within_the_caps(words in prop::collection::vec(any::<u64>(), 1..160)) {
        let mut target = Target::new();
        for word in words {
            let records = target.shot(word);
            target.submit(&records);
        }
        target.inspect();
    }

    #[test]
    fn any_bytes_are_answered(records in prop::collection::vec(any::<[u64; 8]>(), 1..40)) {
        let mut target = Target::new();
        let records: Vec<CommandRecord> = records.into_iter().map(bytemuck::cast).collect();
        target.submit(&records);
        target.inspect();
    }

    #[test]
    fn a_refused_command_leaves_the_state_as_it_was(words in prop::collection::vec(any::<u64>(), 1..80)) {
        let mut target = Target::new();
        for word in words {
            let mut before = target.engine.image();
            let records = target.shot(word);
            target.submit(&records);
            let refused = target.events.iter().any(|event| is(event, EventKind::Rejected) || is(event, EventKind::Duplicate));
            if refused && command_len(&records) == records.len() {
                before.sequence = target.engine.sequence();
                prop_assert_eq!(target.engine.image(), before);
            }
        }
    }
}

#[test]
fn a_long_run_of_bent_commands_is_answered_within_the_caps() {
    let records = number_of("ENGINE_FUZZ_RECORDS", 150_000);
    let seed = number_of("ENGINE_FUZZ_SEED", 1);
    println!("ENGINE_FUZZ_SEED={seed} ENGINE_FUZZ_RECORDS={records}");
    let mut words = Draws(seed);
    let mut target = Target::new();
    for count in 0..records {
        let shot = target.shot(words.word());
        target.submit(&shot);
        // A fresh venue now and then, since switches and caps that bent commands set stay set.
        if count % 2_000 == 1_999 {
            target.inspect();
            target = Target::new();
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_commands() {
    let mut words = Draws(number_of("ENGINE_FUZZ_SEED", 1));
    let mut target = Target::new();
    let mut accepted = 0_usize;
    let mut memory = Vec::new();
    for count in 0..120_000 {
        let command = target.tape.command(words.word());
        target.submit(&command);
        accepted += usize::from(
            target
                .events
                .first()
                .is_some_and(|event| is(event, EventKind::Accepted)),
        );
        if count % 40_000 == 39_999 {
            target.inspect();
            memory.push(target.engine.memory_bytes());
        }
    }
    println!("{accepted} orders accepted, bytes {memory:?}");
    assert!(
        accepted > 10_000,
        "the venue stood still: {accepted} orders"
    );
    assert!(memory[2] <= memory[0] + memory[0] / 4, "{memory:?}");
}
