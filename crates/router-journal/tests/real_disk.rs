//! The journal on a real file system: in a fresh temporary directory, or under `JOURNAL_TEST_DIR`.
//!
//! `JOURNAL_TEST_FULL_DIR` names a directory on a small file system (a tmpfs of a few MiB) that the test
//! of the full disk may fill.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is a failed test, and a skipped test says why"
)]

mod sim;

use std::path::Path;
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

#[test]
fn a_really_full_disk_loses_nothing_acknowledged_and_opens_when_there_is_room() {
    let Ok(small) = std::env::var("JOURNAL_TEST_FULL_DIR") else {
        println!("skipped: JOURNAL_TEST_FULL_DIR names no small file system");
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
