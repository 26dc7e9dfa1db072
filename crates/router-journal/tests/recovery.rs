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

use router_journal::{
    Durable, FileId, JournalError, Options, Record, RecoveryReport, Snapshots, StateMachine,
};
use sim::disk::SimDisk;
use sim::machine::{leg, oracle, record, records, Counter, SEMANTICS};

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
    StateMachine::apply(&mut machine, &records(0, 1000), &mut expected);
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
    let hash = StateMachine::state_hash(journal.state());
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
    // Those that are kept to be written over are gone as well.
    let gone = |told: Snapshots| told.segments_deleted + told.segments_kept;
    while journal.snapshots().taken < 4 || gone(journal.snapshots()) == 0 {
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

/// The same machine under the next version of its rules.
#[derive(Debug)]
struct Later(Counter);

impl StateMachine for Later {
    fn apply(&mut self, records: &[Record], events: &mut Vec<Record>) {
        self.0.apply(records, events);
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        Counter::load(bytes).map(Self)
    }

    fn state_hash(&self) -> u64 {
        self.0.state_hash()
    }

    fn semantics_version() -> u32 {
        SEMANTICS + 1
    }
}

#[test]
fn a_journal_of_other_rules_is_refused_with_what_to_do_and_not_one_byte_is_changed() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    for part in 0..3 {
        journal
            .submit_and_wait(&records(part * 2000, 2000), LONG, &mut Vec::new())
            .unwrap();
        journal.snapshot_now(LONG).unwrap();
    }
    disk.kill();
    drop(journal);
    let disk = disk.after_kill();
    // What recovery would remove stays too.
    disk.set_contents("segment-00000000000000000099.journal.tmp", vec![1; 4096]);
    let all = |disk: &SimDisk| -> Vec<(String, Vec<u8>)> {
        let names = disk.names().into_iter();
        names
            .map(|name| (name.clone(), disk.contents(&name)))
            .collect()
    };
    let before = all(&disk);
    let genesis = || Later(Counter::default());
    let opened = Durable::open(disk.clone(), small(), genesis);
    let error = opened.err().expect("other rules");
    let verified = router_journal::verify::<Later>(&disk).err();
    assert_eq!(verified, Some(error));
    let expected = JournalError::Semantics {
        file: FileId::Snapshot(6000),
        found: SEMANTICS,
        ours: SEMANTICS + 1,
    };
    assert_eq!(error, expected);
    assert_eq!(error.code(), "journal_semantics");
    let text = error.to_string();
    for part in [
        "version 3",
        "version 4",
        "nothing was changed",
        "new journal",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(all(&disk), before);
    assert!(open(&disk, small()).is_ok(), "the program that wrote it");
}

#[test]
fn a_covered_segment_is_written_over_and_nothing_of_it_is_left_in_the_new_one() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut sent = 0;
    let mut send = |journal: &mut Journal| {
        journal
            .submit_and_wait(&records(sent, 2000), LONG, &mut Vec::new())
            .unwrap();
        sent += 2000;
    };
    for _ in 0..4 {
        send(&mut journal);
        journal.snapshot_now(LONG).unwrap();
    }
    let kept = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".journal.tmp"));
    assert!(kept.count() > 0, "{:?}", disk.names());
    let creations = disk.created();
    let told = journal.snapshots();
    assert!(told.segments_kept > 0, "{told:?}");
    send(&mut journal);
    assert!(disk.created() - creations < 2, "new files beside kept ones");
    disk.kill();
    drop(journal);
    // Blocks of the active segment that no frame was written to are zeros, and so is the spare.
    let disk = disk.after_kill();
    let (journal, report) = open(&disk, small()).unwrap();
    assert_eq!((report.next_sequence, report.torn), (sent, None));
    assert_eq!(journal.state(), &oracle(&records(0, sent)));
    let left = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".tmp"));
    assert_eq!(left.count(), 0, "what was kept is gone after a recovery");
}

#[test]
fn the_disk_in_use_stays_bounded_and_is_told() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    let mut most = 0;
    for part in 0..20 {
        journal
            .submit_and_wait(&records(part * 2000, 2000), LONG, &mut Vec::new())
            .unwrap();
        journal.snapshot_now(LONG).unwrap();
        let told = journal.disk_use().unwrap();
        assert_eq!(told.snapshots, 2);
        most = most.max(told.bytes());
    }
    // Two snapshots' worth of segments, the active one, the next, and those that are kept.
    assert!(most < (2 * 4 + 2 + 4) * (64 << 10), "{most}");
    let in_use = disk.bytes_in_use();
    journal.close(&mut Vec::new()).unwrap();
    // A segment may have been begun since the last look.
    assert!(in_use <= most + (64 << 10) + 8192);
}

#[test]
fn snapshots_go_on_behind_one_that_was_found_damaged() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, small()).unwrap();
    for part in 0..2 {
        journal
            .submit_and_wait(&records(part * 2000, 2000), LONG, &mut Vec::new())
            .unwrap();
        journal.snapshot_now(LONG).unwrap();
    }
    journal.close(&mut Vec::new()).unwrap();
    disk.flip("snapshot-00000000000000004000.state", 130, 1);
    let options = Options {
        snapshot_every: 2,
        ..small()
    };
    let (mut journal, report) = open(&disk, options).unwrap();
    assert_eq!(report.snapshots_refused, 1);
    let mut sent = 4000;
    while journal.snapshots().taken < 1 {
        journal
            .submit_and_wait(&records(sent, 200), LONG, &mut Vec::new())
            .unwrap();
        sent += 200;
        assert_eq!(journal.snapshots().failure, None);
        assert!(sent < 2_000_000);
    }
}
