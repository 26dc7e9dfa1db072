//! A state that was saved between any two submissions goes on exactly as the one that was never saved.
#![allow(clippy::panic, reason = "a difference ends the test")]
use router_core::engine::{decode_image, encode_image, CommandRecord, Engine, EventRecord};
use router_twin::gen::{Generator, Profile};

/// Submissions of one tape; every boundary between them is a place to stop.
const SUBMISSIONS: usize = 400;
/// Tapes of each profile.
const TAPES: u64 = 2;

/// A submission, with what the engine answered and the state after it.
struct Step {
    records: Vec<CommandRecord>,
    events: Vec<EventRecord>,
    state_hash: u64,
}

fn apply(engine: &mut Engine, records: &[CommandRecord]) -> Vec<EventRecord> {
    let mut events = Vec::new();
    engine.submit(records, &mut events);
    events
}

/// Plays a tape once; returns it with the saved state before each step.
fn play(seed: u64, profile: Profile) -> (Vec<Step>, Vec<Vec<u8>>) {
    let mut generator = Generator::new(seed, profile);
    let mut engine = Engine::new(Generator::limits());
    let (mut steps, mut saved) = (Vec::new(), Vec::new());
    for _ in 0..SUBMISSIONS {
        saved.push(encode_image(&engine.image()));
        let records = generator.submission();
        let events = apply(&mut engine, &records);
        generator.observe(&events);
        steps.push(Step {
            records,
            events,
            state_hash: engine.state_hash(),
        });
    }
    (steps, saved)
}

fn check(seed: u64, profile: Profile) {
    let (steps, saved) = play(seed, profile);
    for (start, bytes) in saved.iter().enumerate() {
        let image = decode_image(bytes).unwrap_or_else(|error| panic!("{error:?}"));
        let mut engine = Engine::from_image(&image).unwrap_or_else(|error| panic!("{error:?}"));
        for (place, step) in steps.iter().enumerate().skip(start) {
            let told = apply(&mut engine, &step.records);
            assert!(
                told == step.events,
                "{profile:?} seed {seed}: restored before {start}, other events at {place}: {:?}\n{told:#?}\n{:#?}",
                step.records,
                step.events
            );
        }
        let last = steps.last().map(|step| step.state_hash);
        assert_eq!(
            Some(engine.state_hash()),
            last,
            "{profile:?} seed {seed}, restored before {start}"
        );
    }
}

#[test]
fn a_state_restored_at_any_boundary_replays_the_rest_alike() {
    for profile in Profile::ALL {
        for seed in 0..TAPES {
            check(seed, *profile);
        }
    }
}
