//! A process under load is killed at random moments, again and again, over one journal.
//!
//! After every death: what was acknowledged is there, nothing is there twice, and the state that is
//! recovered is the state of an independent replay of exactly as many records of the tape.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a failing test may panic"
)]

use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use router_twin::drill::{profile, Tape};
use router_twin::gen::Rng;

/// Deaths of one run over all journals; `DRILL_KILLS` asks for more.
const KILLS: u64 = 300;
/// Deaths of one journal: a longer one is mostly read again.
const KILLS_OF_ONE: u64 = 25;

fn kills() -> u64 {
    std::env::var("DRILL_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(KILLS)
}

fn seed() -> u64 {
    std::env::var("DRILL_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()))
}

fn spawn(directory: &Path, seed: u64) -> (Child, ChildStdout) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_drill"))
        .arg(directory)
        .arg(seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, stdout)
}

fn word(stdout: &mut ChildStdout) -> Option<u64> {
    let mut bytes = [0; 8];
    stdout.read_exact(&mut bytes).ok()?;
    Some(u64::from_le_bytes(bytes))
}

/// What one life of the process told before it was killed.
struct Life {
    recovered: u64,
    state_hash: u64,
    acknowledged: u64,
}

/// Starts the process, waits until it has acknowledged something or `patience` is over, and kills it.
fn live_and_die(directory: &Path, seed: u64, rng: &mut Rng) -> Option<Life> {
    let (mut child, mut stdout) = spawn(directory, seed);
    let told = [word(&mut stdout), word(&mut stdout), word(&mut stdout)];
    let [Some(recovered), Some(state_hash), Some(_)] = told else {
        child.wait().unwrap();
        return None;
    };
    // Most deaths while it writes, some while it still catches up with the tape.
    if !rng.chance(20) {
        assert!(word(&mut stdout).is_some_and(|end| end > recovered));
    }
    thread::sleep(Duration::from_micros(rng.below(30_000)));
    child.kill().unwrap();
    let mut acknowledged = recovered;
    while let Some(end) = word(&mut stdout) {
        assert_ne!(end, u64::MAX, "the journal failed by itself");
        assert!(end >= acknowledged, "acknowledgements go backwards");
        acknowledged = end;
    }
    child.wait().unwrap();
    Some(Life {
        recovered,
        state_hash,
        acknowledged,
    })
}

#[test]
fn nothing_that_was_acknowledged_is_lost_or_done_twice_by_a_kill() {
    let (kills, seed) = (kills(), seed());
    println!("DRILL_SEED={seed} DRILL_KILLS={kills}");
    let mut rng = Rng::new(seed);
    let (mut deaths, mut acknowledged_in_all) = (0, 0);
    for journal in 0_u64.. {
        if deaths == kills {
            break;
        }
        let directory = tempfile::tempdir().unwrap();
        let tape_seed = seed.wrapping_add(journal);
        let mut tape = Tape::new(tape_seed, profile(tape_seed));
        let mut acknowledged = 0;
        for _ in 0..KILLS_OF_ONE.min(kills - deaths) {
            let life = live_and_die(directory.path(), tape_seed, &mut rng).unwrap();
            assert!(
                life.recovered >= acknowledged,
                "acknowledged before {acknowledged}, recovered {}",
                life.recovered
            );
            assert!(tape.play_to(life.recovered), "half a submission was kept");
            assert_eq!(tape.engine().state_hash(), life.state_hash);
            acknowledged = life.acknowledged;
            deaths += 1;
        }
        acknowledged_in_all += acknowledged;
    }
    println!("{deaths} kills, {acknowledged_in_all} records acknowledged in all");
    assert!(acknowledged_in_all > deaths, "the drill did no work");
}
