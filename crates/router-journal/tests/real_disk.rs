//! The journal on a real file system: in a fresh temporary directory, or under `JOURNAL_TEST_DIR`.
//!
//! The test of the full disk mounts a tmpfs of 8 MiB for itself, in a mount namespace that nobody else sees.
//! Where that is not allowed, `JOURNAL_TEST_FULL_DIR` may name a directory on a small file system to fill.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is a failed test, and a skipped test says why"
)]

mod sim;

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use router_journal::{verify, Directory, Durable, JournalError, Options, RecoveryReport};
use sim::machine::{oracle, records, Counter};

const LONG: Duration = Duration::from_secs(60);

type Journal = Durable<Counter, Directory>;

fn place() -> tempfile::TempDir {
    match std::env::var("JOURNAL_TEST_DIR") {
        Ok(directory) => tempfile::tempdir_in(directory).unwrap(),
        Err(_) => tempfile::tempdir().unwrap(),
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 1 << 20,
        snapshot_every: 2,
        ..Options::default()
    }
}

fn open(path: &Path) -> Result<(Journal, RecoveryReport), JournalError> {
    let disk = Directory::open(path).unwrap();
    Durable::open(disk, options(), Counter::default)
}

#[test]
fn records_survive_reopening_with_snapshots_on_a_real_file_system() {
    let place = place();
    let mut sent = 0;
    for _ in 0..3 {
        let (mut journal, report) = open(place.path()).unwrap();
        assert_eq!(report.next_sequence, sent);
        assert_eq!(journal.state(), &oracle(&records(0, sent)));
        journal
            .submit_and_wait(&records(sent, 60_000), LONG, &mut Vec::new())
            .unwrap();
        sent += 60_000;
        journal.snapshot_now(LONG).unwrap();
        journal.close(&mut Vec::new()).unwrap();
    }
    let disk = Directory::open(place.path()).unwrap();
    let (state, report) = verify::<Counter>(&disk).unwrap();
    assert_eq!(state, oracle(&records(0, sent)));
    assert!(report.clean);
    assert!(report.snapshot_end > 0);
    let files = std::fs::read_dir(place.path()).unwrap().count();
    assert!(files < 16, "{files} files: covered segments stay");
}

#[test]
fn the_lock_of_a_directory_keeps_a_second_writer_out_until_the_first_is_gone() {
    let place = place();
    let (first, _) = open(place.path()).unwrap();
    assert_eq!(open(place.path()).err(), Some(JournalError::Locked));
    first.close(&mut Vec::new()).unwrap();
    let (_, report) = open(place.path()).unwrap();
    assert_eq!(report.epoch, 2);
}

#[test]
fn a_flipped_byte_in_a_real_segment_is_refused_with_file_and_offset() {
    let place = place();
    let (mut journal, _) = open(place.path()).unwrap();
    journal
        .submit_and_wait(&records(0, 10), LONG, &mut Vec::new())
        .unwrap();
    journal.close(&mut Vec::new()).unwrap();
    let path = place.path().join("segment-00000000000000000000.journal");
    let mut bytes = std::fs::read(&path).unwrap();
    // The frame of the new epoch is at 4,096, the one with the records behind it.
    bytes[8192 + 200] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = open(place.path()).err().unwrap();
    assert_eq!(error.code(), "journal_acknowledged_lost", "{error}");
}

const FULL_DIR: &str = "JOURNAL_TEST_FULL_DIR";

/// Runs one test again with a tmpfs of its own, as root or as root of a namespace for users.
fn again_on_a_small_file_system(test: &str) {
    let mount = "mount -t tmpfs -o size=8m journal-test \"$0\" || exit 77; exec \"$@\"";
    let point = tempfile::tempdir().unwrap();
    let mut told = String::new();
    for rights in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let ran = Command::new("unshare")
            .args(rights)
            .args(["sh", "-c", mount])
            .arg(point.path())
            .arg(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(FULL_DIR, point.path())
            .output();
        match ran {
            Ok(ran) if String::from_utf8_lossy(&ran.stdout).contains("running 1 test") => {
                let text = String::from_utf8_lossy(&ran.stdout);
                let errors = String::from_utf8_lossy(&ran.stderr);
                assert!(ran.status.success(), "{text}{errors}");
                assert!(text.contains(FILLED), "{text}{errors}");
                println!("on a tmpfs of its own: {text}");
                return;
            }
            Ok(ran) => told.push_str(&String::from_utf8_lossy(&ran.stderr)),
            Err(error) => told.push_str(&error.to_string()),
        }
    }
    println!(
        "skipped: no small file system, as {FULL_DIR} names none and mounting one fails: {told}"
    );
}

/// What the test says when the disk was full.
const FILLED: &str = "the disk was full after";

#[test]
fn a_really_full_disk_loses_nothing_acknowledged_and_opens_when_there_is_room() {
    let Ok(small) = std::env::var(FULL_DIR) else {
        again_on_a_small_file_system(
            "a_really_full_disk_loses_nothing_acknowledged_and_opens_when_there_is_room",
        );
        return;
    };
    let place = tempfile::tempdir_in(small).unwrap();
    let filler = place.path().join("filler");
    std::fs::write(&filler, vec![1; 2 << 20]).unwrap();
    let keep_all = Options {
        snapshot_every: 0,
        ..options()
    };
    let disk = Directory::open(place.path()).unwrap();
    let (mut journal, _) = Durable::open(disk.clone(), keep_all, Counter::default).unwrap();
    let mut sent = 0;
    let failure = loop {
        let batch = records(sent, 1000);
        match journal.submit_and_wait(&batch, LONG, &mut Vec::new()) {
            Ok(_) => sent += 1000,
            Err(error) => break error,
        }
        assert!(sent < 10_000_000, "the file system is not small");
    };
    assert_eq!(failure.code(), "journal_disk_full");
    let acknowledged = journal.durable_end();
    assert!(acknowledged >= sent);
    println!("{FILLED} {acknowledged} records");
    drop(journal);
    std::fs::remove_file(filler).unwrap();
    for _ in 0..2 {
        let (mut journal, report) =
            Durable::open(disk.clone(), keep_all, Counter::default).unwrap();
        assert!(report.next_sequence >= acknowledged);
        assert_eq!(journal.state(), &oracle(&records(0, report.next_sequence)));
        let batch = records(report.next_sequence, 100);
        journal
            .submit_and_wait(&batch, LONG, &mut Vec::new())
            .unwrap();
    }
}

#[test]
fn a_snapshot_that_finds_the_disk_full_gives_back_what_is_kept_for_reuse() {
    let Ok(small) = std::env::var(FULL_DIR) else {
        again_on_a_small_file_system(
            "a_snapshot_that_finds_the_disk_full_gives_back_what_is_kept_for_reuse",
        );
        return;
    };
    let place = tempfile::tempdir_in(small).unwrap();
    let by_hand = Options {
        segment_bytes: 256 << 10,
        snapshot_every: 0,
        ..options()
    };
    let disk = Directory::open(place.path()).unwrap();
    let genesis = || Counter::with_ballast(600 << 10);
    let (mut journal, _) = Durable::open(disk, by_hand, genesis).unwrap();
    let mut sent = 0;
    for count in [20_000, 1] {
        let batch = records(sent, count);
        journal
            .submit_and_wait(&batch, LONG, &mut Vec::new())
            .unwrap();
        sent += count;
        journal.snapshot_now(LONG).unwrap();
    }
    let kept = journal.disk_use().unwrap();
    assert!(kept.spares >= 3, "{kept:?}");
    // The filler takes all that is left but for half a snapshot.
    let filler = std::fs::File::create(place.path().join("filler")).unwrap();
    let mut filled = 0;
    while filler.write_at(&[1; 4096], filled).is_ok() {
        filled += 4096;
    }
    filler.set_len(filled - (300 << 10)).unwrap();
    let full = journal.snapshot_now(LONG).unwrap_err();
    assert_eq!(full.code(), "journal_disk_full");
    println!("{FILLED} {filled} bytes of filler");
    assert_eq!(journal.failure(), None, "the writer goes on");
    journal.snapshot_now(LONG).unwrap();
}
