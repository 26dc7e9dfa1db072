//! Every byte of a journal damaged in turn: what was acknowledged is there or recovery refuses.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

mod sim;

use std::time::Duration;

use router_journal::{verify, JournalError, Options, RecoveryReport};
use sim::disk::SimDisk;
use sim::drive::{genesis, open, LONG};
use sim::machine::{oracle_from, records, Counter};

const SEGMENT: &str = "segment-00000000000000000000.journal";
const MARK: &str = "commit-mark";

fn tiny() -> Options {
    Options {
        segment_bytes: 32 << 10,
        group_bytes: 8 << 10,
        window: 256,
        snapshot_every: 0,
        // The mark is written after each group but only synced when the test says so.
        idle_sync: Duration::from_secs(3600),
        ..Options::default()
    }
}

/// Three groups of 10, 70 and 5 records in one segment, all acknowledged; then the process is killed.
fn three_groups() -> SimDisk {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, tiny()).unwrap();
    let mut sent = 0;
    for count in [10, 70, 5] {
        let batch = records(sent, count);
        journal
            .submit_and_wait(&batch, LONG, &mut Vec::new())
            .unwrap();
        sent += count;
    }
    disk.wait_for("segment-00000000000000000001.journal");
    disk.kill();
    drop(journal);
    disk.after_kill()
}

const SENT: u64 = 85;
/// Where the last frame of [`three_groups`] starts and where the used part of the segment ends.
const LAST: usize = 4096 * 5;
const END: usize = 4096 * 6;

fn whole(recovered: &(Counter, RecoveryReport), count: u64) {
    assert_eq!(recovered.1.next_sequence, count);
    assert_eq!(recovered.0, oracle_from(genesis(), &records(0, count)));
}

#[test]
fn every_flipped_byte_of_an_acknowledged_log_is_refused_never_cut() {
    let disk = three_groups();
    whole(&verify(&disk).unwrap(), SENT);
    let good = disk.contents(SEGMENT);
    // Every byte of the last frame and of all headers, every seventh elsewhere.
    let wanted = |offset: &usize| {
        let in_last = (LAST..END).contains(offset);
        in_last || offset % 4096 < 128 || offset % 7 == 0
    };
    for offset in (0..good.len()).filter(wanted) {
        let mut bad = good.clone();
        bad[offset] ^= 1 << (offset % 8);
        disk.set_contents(SEGMENT, bad);
        let found = verify::<Counter>(&disk);
        if offset < END {
            let error = found.map(|_| offset).unwrap_err();
            let typed = matches!(
                error,
                JournalError::Corrupt { .. } | JournalError::AcknowledgedLost { .. }
            );
            assert!(typed, "byte {offset}: {error}");
        } else {
            let found = found.unwrap();
            whole(&found, SENT);
            assert_eq!(found.1.torn.unwrap().position.offset, END as u64);
        }
    }
}

#[test]
fn without_its_mark_only_the_last_group_can_be_taken_for_torn() {
    let disk = three_groups();
    disk.set_contents(MARK, vec![0; 8192]);
    whole(&verify(&disk).unwrap(), SENT);
    let good = disk.contents(SEGMENT);
    for offset in (0..END).step_by(7) {
        let mut bad = good.clone();
        bad[offset] ^= 0x40;
        disk.set_contents(SEGMENT, bad);
        match verify::<Counter>(&disk) {
            Ok(found) => {
                assert!(
                    offset >= LAST,
                    "byte {offset} of a group that others follow"
                );
                whole(&found, 80);
                let torn = found.1.torn.unwrap();
                assert_eq!(
                    (torn.position.offset, torn.first_sequence),
                    (LAST as u64, 80)
                );
            }
            Err(error) => {
                assert!(offset < LAST, "byte {offset}: {error}");
                assert_eq!(error.code(), "journal_corrupt");
            }
        }
    }
}

#[test]
fn a_write_cut_off_at_any_byte_is_cut_and_reported() {
    let disk = three_groups();
    let good = disk.contents(SEGMENT);
    disk.set_contents(MARK, vec![0; 8192]);
    for kept in (LAST..END).step_by(13) {
        let mut torn = good.clone();
        torn[kept..].fill(0);
        // The group is whole when only padding is missing.
        let all = torn == good;
        disk.set_contents(SEGMENT, torn);
        let found = verify::<Counter>(&disk).unwrap();
        whole(&found, if all { SENT } else { 80 });
        assert_eq!(found.1.torn.is_some(), !all && kept > LAST, "byte {kept}");
    }
}

#[test]
fn a_truncated_segment_is_refused_at_every_length() {
    let disk = three_groups();
    let good = disk.contents(SEGMENT);
    for kept in (0..good.len()).step_by(97) {
        disk.set_contents(SEGMENT, good[..kept].to_vec());
        let code = verify::<Counter>(&disk).unwrap_err().code();
        assert!(
            ["journal_corrupt", "journal_acknowledged_lost"].contains(&code),
            "{code}"
        );
    }
}

#[test]
fn any_flipped_byte_of_the_mark_changes_nothing_but_the_report() {
    let disk = three_groups();
    let good = disk.contents(MARK);
    let used = (0..64).chain(4096..4160);
    for offset in used {
        let mut bad = good.clone();
        bad[offset] ^= 0x10;
        disk.set_contents(MARK, bad);
        let found = verify(&disk).unwrap();
        whole(&found, SENT);
        assert!(found.1.mark_damaged);
    }
}

#[test]
fn swapped_doubled_and_missing_groups_are_refused() {
    let disk = three_groups();
    let good = disk.contents(SEGMENT);
    let last = good[LAST..END].to_vec();
    let first = good[4096 * 2..4096 * 3].to_vec();
    let mut doubled = good.clone();
    doubled[END..END + 4096].copy_from_slice(&last);
    let mut swapped = good.clone();
    swapped[LAST..END].copy_from_slice(&first);
    swapped[4096 * 2..4096 * 3].copy_from_slice(&last);
    let mut missing = good.clone();
    missing[4096 * 2..4096 * 3].fill(0);
    for (name, bad) in [
        ("doubled", doubled),
        ("swapped", swapped),
        ("missing", missing),
    ] {
        disk.set_contents(SEGMENT, bad);
        let error = verify::<Counter>(&disk).unwrap_err();
        assert_eq!(error.code(), "journal_corrupt", "{name}: {error}");
    }
}

#[test]
fn missing_files_are_refused_by_name() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, tiny()).unwrap();
    journal
        .submit_and_wait(&records(0, 2000), LONG, &mut Vec::new())
        .unwrap();
    journal.close(&mut Vec::new()).unwrap();
    let begun: Vec<String> = (0..4).map(|n| format!("segment-{n:020}.journal")).collect();
    for (number, name) in begun.iter().enumerate() {
        let copy = disk.after_kill();
        copy.delete(name);
        let error = verify::<Counter>(&copy).unwrap_err();
        let segment = number as u64;
        assert_eq!(error, JournalError::MissingSegment { segment }, "{name}");
    }
    let copy = disk.after_kill();
    copy.delete("snapshot-00000000000000000000.state");
    assert_eq!(
        verify::<Counter>(&copy).unwrap_err(),
        JournalError::NoUsableSnapshot
    );
    let empty = SimDisk::default();
    assert_eq!(
        verify::<Counter>(&empty).unwrap_err(),
        JournalError::NoJournal
    );
    let refuse = Options {
        create: false,
        ..tiny()
    };
    assert_eq!(open(&empty, refuse).err(), Some(JournalError::NoJournal));
}

#[test]
fn a_frame_of_another_history_is_refused_by_its_chain() {
    let disk = three_groups();
    disk.set_contents(MARK, vec![0; 8192]);
    let other = SimDisk::default();
    let (mut journal, _) = open(&other, tiny()).unwrap();
    for (from, count) in [(1000, 10), (10, 70), (80, 5)] {
        let batch = records(from, count);
        journal
            .submit_and_wait(&batch, LONG, &mut Vec::new())
            .unwrap();
    }
    drop(journal);
    // The same place, sequence, epoch and records, but behind ten other records.
    let mut grafted = disk.contents(SEGMENT);
    grafted[LAST..END].copy_from_slice(&other.contents(SEGMENT)[LAST..END]);
    disk.set_contents(SEGMENT, grafted);
    let error = verify::<Counter>(&disk).unwrap_err();
    let expected = JournalError::Corrupt {
        file: router_journal::FileId::Segment(0),
        offset: LAST as u64,
        defect: router_journal::Defect::Chain,
    };
    assert_eq!(error, expected);
}

#[test]
fn an_idle_writer_has_its_mark_on_the_disk_so_that_rot_is_told_from_a_torn_write() {
    let disk = SimDisk::default();
    let idle = Options {
        idle_sync: Duration::from_millis(1),
        ..tiny()
    };
    let (mut journal, _) = open(&disk, idle).unwrap();
    disk.wait_for("segment-00000000000000000001.journal");
    let before = disk.count(sim::disk::Operation::Sync);
    journal
        .submit_and_wait(&records(0, 5), LONG, &mut Vec::new())
        .unwrap();
    // One sync for the group, one for the mark.
    let since = std::time::Instant::now();
    while disk.count(sim::disk::Operation::Sync) < before + 2 {
        assert!(since.elapsed().as_secs() < 20, "the mark was never synced");
        std::thread::yield_now();
    }
    disk.kill();
    let cut = disk.after_power_cut(&mut |_| 0);
    assert_eq!(verify::<Counter>(&cut).unwrap().1.next_sequence, 5);
    cut.flip(SEGMENT, 8192 + 200, 1);
    let error = verify::<Counter>(&cut).unwrap_err();
    assert_eq!(error.code(), "journal_acknowledged_lost");
}

#[test]
fn a_snapshot_newer_than_the_log_is_refused() {
    let disk = three_groups();
    disk.set_contents(MARK, vec![0; 8192]);
    let (mut journal, _) = open(&disk, tiny()).unwrap();
    journal.snapshot_now(LONG).unwrap();
    drop(journal);
    disk.set_contents(MARK, vec![0; 8192]);
    // The newest snapshot is damaged, and the log behind the older one ends before it.
    disk.flip("snapshot-00000000000000000085.state", 200, 1);
    assert_eq!(verify::<Counter>(&disk).unwrap().1.next_sequence, SENT);
    let mut cut = disk.contents(SEGMENT);
    cut[LAST..].fill(0);
    disk.set_contents(SEGMENT, cut);
    let error = verify::<Counter>(&disk).unwrap_err();
    let expected = JournalError::Corrupt {
        file: router_journal::FileId::Snapshot(85),
        offset: 0,
        defect: router_journal::Defect::Sequence,
    };
    assert_eq!(error, expected);
}

#[test]
fn nothing_of_a_torn_write_is_left_behind_what_is_written_over_it() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, tiny()).unwrap();
    journal
        .submit_and_wait(&records(0, 120), LONG, &mut Vec::new())
        .unwrap();
    disk.kill();
    drop(journal);
    let disk = disk.after_kill();
    disk.set_contents(MARK, vec![0; 8192]);
    // Two blocks of which the first, with the header, never arrived.
    let mut torn = disk.contents(SEGMENT);
    torn[8192..8192 + 4096].fill(0);
    disk.set_contents(SEGMENT, torn);
    let (journal, report) = open(&disk, tiny()).unwrap();
    assert_eq!(report.next_sequence, 0);
    let torn = report.torn.unwrap();
    assert_eq!((torn.position.offset, torn.records), (8192, None));
    assert!(torn.bytes > 4096);
    drop(journal);
    assert_eq!(verify::<Counter>(&disk).unwrap().1.torn, None);
}
