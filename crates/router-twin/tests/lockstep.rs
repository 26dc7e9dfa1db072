//! Engine and twin give equal events and equal state hashes after every random command.
//!
//! `LOCKSTEP_SEED` and `LOCKSTEP_COUNT` set the first seed and the submissions per profile. A failure
//! prints its seed and the shortest tape that was found.

#![allow(clippy::panic, reason = "a difference ends the test")]

use std::fmt::Write as _;

use router_core::engine::{decode, CommandRecord};
use router_twin::gen::{Generator, Profile};
use router_twin::pair::{first_difference, minimise, Difference, Pair, Tape};

/// Submissions after which a run begins anew, so that tapes stay short and openings vary.
const RUN: u64 = 2_500;
/// More than two million in all, in a release build.
const PER_PROFILE: u64 = if cfg!(debug_assertions) {
    4_000
} else {
    340_000
};

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn walk(profile: Profile) {
    let count = from_env("LOCKSTEP_COUNT").unwrap_or(PER_PROFILE);
    let first = from_env("LOCKSTEP_SEED").unwrap_or(1);
    let runs = count.div_ceil(RUN);
    for seed in (first..).take(usize::try_from(runs).unwrap_or(usize::MAX)) {
        if let Some((tape, difference)) = run(seed, profile) {
            panic!(
                "seed {seed}, {profile:?}: {difference:?} differ\n{}",
                explain(&tape)
            );
        }
    }
}

fn run(seed: u64, profile: Profile) -> Option<(Tape, Difference)> {
    let mut generator = Generator::new(seed, profile);
    let mut pair = Pair::new(Generator::limits());
    let mut tape = Tape::new();
    for _ in 0..RUN {
        let records = generator.submission();
        tape.push(records.clone());
        match pair.submit(&records) {
            Ok(events) => generator.observe(&events),
            Err(difference) => return Some((tape, difference)),
        }
    }
    None
}

/// The shortest tape that was found, and what the two make of its end.
fn explain(tape: &[Vec<CommandRecord>]) -> String {
    let limits = Generator::limits();
    let short = minimise(tape, |tape| first_difference(limits, tape).is_some());
    let mut text = String::new();
    let mut pair = Pair::new(limits);
    for records in &short {
        for record in records {
            let _ = writeln!(text, "  {:?}", decode(record));
        }
        let (fast, slow) = pair.submit_unchecked(records);
        if fast == slow {
            for event in &fast {
                let _ = writeln!(text, "      {:?} {event:?}", event.event_kind());
            }
        } else {
            for (name, events) in [("engine", fast), ("twin", slow)] {
                for event in events {
                    let _ = writeln!(
                        text,
                        "    {name} {:?} {:?} {event:?}",
                        event.event_kind(),
                        event.event_reason()
                    );
                }
            }
        }
    }
    let fast = format!("{:#?}", pair.engine.image());
    let slow = format!("{:#?}", pair.twin.image());
    let (fast, slow) = (
        fast.lines().collect::<Vec<_>>(),
        slow.lines().collect::<Vec<_>>(),
    );
    let same = fast
        .iter()
        .zip(&slow)
        .take_while(|(one, other)| one == other)
        .count();
    let backwards = fast.iter().rev().zip(slow.iter().rev());
    let tail = backwards.take_while(|(one, other)| one == other).count();
    for (name, lines) in [("engine", fast), ("twin", slow)] {
        let shown = lines.len().saturating_sub(tail).max(same);
        for line in lines.iter().take(shown).skip(same.saturating_sub(4)) {
            let _ = writeln!(text, "  {name} {line}");
        }
    }
    text
}

#[test]
fn they_agree_in_continuous_trading() {
    walk(Profile::Continuous);
}

#[test]
fn they_agree_in_auctions() {
    walk(Profile::Auctions);
}

#[test]
fn they_agree_on_stops_and_lists() {
    walk(Profile::Stops);
}

#[test]
fn they_agree_on_funds_and_fees() {
    walk(Profile::Funded);
}

#[test]
fn they_agree_on_positions() {
    walk(Profile::Positions);
}

#[test]
fn they_agree_on_pegs_and_icebergs() {
    walk(Profile::Pegs);
}
