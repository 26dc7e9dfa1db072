//! The laws hold after every random command, of the twin and, where both agree, of the engine.
#![allow(clippy::panic, reason = "a broken law ends the test")]

use router_twin::gen::{Generator, Profile};
use router_twin::laws::{broken, Step};
use router_twin::Twin;

const COUNT: u64 = if cfg!(debug_assertions) {
    1_500
} else {
    15_000
};

fn hold(profile: Profile) {
    for seed in 1..=6_u64 {
        let mut generator = Generator::new(seed, profile);
        let mut twin = Twin::new(Generator::limits());
        let mut before = twin.image();
        for number in 0..COUNT / 6 {
            let records = generator.submission();
            // A spoiled list may be two commands; one step is one command.
            for records in router_twin::pair::commands(&records) {
                let events = twin.submit(records);
                generator.observe(&events);
                let after = twin.image();
                let step = Step {
                    before,
                    records: records.to_vec(),
                    events,
                    after,
                };
                let laws = broken(&step);
                assert!(
                    laws.is_empty(),
                    "seed {seed}, {profile:?}, {number}: {laws:?} {:?}\n{:#?}",
                    step.records,
                    step.events
                );
                before = step.after;
            }
        }
    }
}

#[test]
fn laws_hold_in_continuous_trading() {
    hold(Profile::Continuous);
}

#[test]
fn laws_hold_in_auctions() {
    hold(Profile::Auctions);
}

#[test]
fn laws_hold_for_stops_and_lists() {
    hold(Profile::Stops);
}

#[test]
fn laws_hold_for_funds_and_fees() {
    hold(Profile::Funded);
}

#[test]
fn laws_hold_for_positions() {
    hold(Profile::Positions);
}

#[test]
fn laws_hold_for_pegs_and_icebergs() {
    hold(Profile::Pegs);
}
