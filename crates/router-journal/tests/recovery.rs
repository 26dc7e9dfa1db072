//! Recovery by example: what is cut, what is refused, and what comes back.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

mod sim;

use std::time::Duration;

use router_journal::{Durable, JournalError, Options, RecoveryReport};
use sim::disk::SimDisk;
use sim::machine::{leg, oracle, record, records, Counter};

const LONG: Duration = Duration::from_secs(20);

fn small() -> Options {
    Options {
        segment_bytes: 64 << 10,
        group_bytes: 8 << 10,
        window: 512,
        snapshot_every: 0,
        ..Options::default()
    }
}

type Journal = Durable<Counter, SimDisk>;

fn open(disk: &SimDisk, options: Options) -> Result<(Journal, RecoveryReport), JournalError> {
    Durable::open(disk.clone(), options, Counter::default)
}

#[test]
fn events_come_back_in_order_and_only_when_durable() {
    let disk = SimDisk::default();
    let (mut journal, report) = open(&disk, small()).unwrap();
    assert!(report.created);
    let mut out = Vec::new();
    let ticket = journal
        .submit_and_wait(&records(0, 1000), LONG, &mut out)
        .unwrap();
    assert_eq!((ticket.first, ticket.end, ticket.taken), (0, 1000, 1000));
    let mut expected = Vec::new();
    let mut machine = Counter::default();
    router_journal::StateMachine::apply(&mut machine, &records(0, 1000), &mut expected);
    assert_eq!(out, expected);
    journal.close(&mut out).unwrap();
    assert_eq!(out, expected);
}

#[test]
fn a_closed_journal_comes_back_the_same_twice_in_a_row() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    journal
        .submit_and_wait(&records(0, 3000), LONG, &mut Vec::new())
        .unwrap();
    let hash = router_journal::StateMachine::state_hash(journal.state());
    journal.close(&mut Vec::new()).unwrap();
    for epoch in 2..5 {
        let (journal, report) = open(&disk, small()).unwrap();
        assert_eq!(report.state_hash, hash);
        assert_eq!(report.next_sequence, 3000);
        assert_eq!(report.torn, None);
        assert_eq!(report.epoch, epoch);
        assert!(report.clean);
        assert_eq!(journal.state(), &oracle(&records(0, 3000)));
        journal.close(&mut Vec::new()).unwrap();
    }
}

#[test]
fn a_second_writer_is_refused_by_name() {
    let disk = SimDisk::default();
    let (first, _) = open(&disk, small()).unwrap();
    assert_eq!(open(&disk, small()).err(), Some(JournalError::Locked));
    drop(first);
    assert!(open(&disk, small()).is_ok());
}

#[test]
fn linked_records_stay_in_one_frame() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut tape = Vec::new();
    for number in 0..2000_u64 {
        tape.push(record(number * 3));
        tape.push(leg(number * 3 + 1));
        tape.push(leg(number * 3 + 2));
    }
    journal
        .submit_and_wait(&tape, LONG, &mut Vec::new())
        .unwrap();
    journal.close(&mut Vec::new()).unwrap();
    let mut all = Vec::new();
    router_journal::read_records(&disk, |_, records| {
        assert_eq!(records[0][1], 0, "a frame begins with a head");
        all.extend_from_slice(records);
        Ok(())
    })
    .unwrap();
    assert_eq!(all, tape);
}

#[test]
fn a_submission_longer_than_a_frame_is_refused_whole() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut long = vec![record(0)];
    long.extend((1..200).map(leg));
    let refused = journal.submit(&long).unwrap_err();
    assert_eq!(refused.code(), "journal_submission_too_large");
    assert_eq!(journal.next_sequence(), 0);
}

#[test]
fn snapshots_are_taken_while_records_come_and_old_segments_go() {
    let disk = SimDisk::default();
    let options = Options {
        snapshot_every: 2,
        ..small()
    };
    let (mut journal, _) = open(&disk, options).unwrap();
    let mut sent = 0;
    while journal.snapshots().taken < 4 || journal.snapshots().segments_deleted == 0 {
        journal
            .submit_and_wait(&records(sent, 200), LONG, &mut Vec::new())
            .unwrap();
        sent += 200;
        assert!(sent < 2_000_000, "{:?}", journal.snapshots());
    }
    assert_eq!(journal.snapshots().failure, None);
    journal.close(&mut Vec::new()).unwrap();
    let (journal, report) = open(&disk, options).unwrap();
    assert!(report.snapshot_end > 0);
    assert_eq!(report.next_sequence, sent);
    assert_eq!(journal.state(), &oracle(&records(0, sent)));
}

#[test]
fn a_damaged_newest_snapshot_gives_way_to_the_older_one() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    for part in 0..3 {
        journal
            .submit_and_wait(&records(part * 2000, 2000), LONG, &mut Vec::new())
            .unwrap();
        journal.snapshot_now(LONG).unwrap();
    }
    journal.close(&mut Vec::new()).unwrap();
    let newest = disk
        .names()
        .into_iter()
        .filter(|name| name.starts_with("snapshot"))
        .max()
        .unwrap();
    disk.flip(&newest, 130, 1);
    let (journal, report) = open(&disk, small()).unwrap();
    assert_eq!(report.snapshots_refused, 1);
    assert_eq!(report.snapshot_end, 4000);
    assert_eq!(journal.state(), &oracle(&records(0, 6000)));
    drop(journal);
    for name in disk
        .names()
        .into_iter()
        .filter(|name| name.starts_with("snapshot"))
    {
        disk.flip(&name, 131, 1);
    }
    assert_eq!(
        open(&disk, small()).err().unwrap().code(),
        "journal_corrupt"
    );
}

#[test]
fn a_snapshot_that_loads_into_another_state_than_was_saved_is_refused() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let batch = records(0, 100);
    journal
        .submit_and_wait(&batch, LONG, &mut Vec::new())
        .unwrap();
    journal.snapshot_now(LONG).unwrap();
    journal.close(&mut Vec::new()).unwrap();
    let name = "snapshot-00000000000000000100.state";
    let mut bytes = disk.contents(name);
    // The state hash of the header, with the header's checksum made right again.
    bytes[48] ^= 1;
    let checksum = crc32c::crc32c(&bytes[..124]);
    bytes[124..128].copy_from_slice(&checksum.to_le_bytes());
    disk.set_contents(name, bytes);
    let (journal, report) = open(&disk, small()).unwrap();
    assert_eq!((report.snapshots_refused, report.snapshot_end), (1, 0));
    assert_eq!(journal.state(), &oracle(&batch));
}
