//! Laws: whatever fails at whatever moment, everything acknowledged comes back, once, in order.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is a failed test"
)]

mod sim;

use std::time::Duration;

use proptest::prelude::*;
use router_journal::{JournalError, Options};
use sim::disk::{Fault, Operation, SimDisk};
use sim::drive::{check_events, check_recovered, chooser, open, run, small, Known, Step, LONG};
use sim::machine::records;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..300_u64).prop_map(Step::Submit),
        4 => (1..60_u64).prop_map(Step::Wait),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..14)
}

fn options(every: u64) -> Options {
    Options {
        snapshot_every: every,
        ..small()
    }
}

/// A hundred cases of each law unless `PROPTEST_CASES` says otherwise.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: cases.and_then(|text| text.parse().ok()).unwrap_or(100),
        // The seed of a failing case is printed; the test binaries know no source file to keep it beside.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Opens, checks, writes on, and opens once more: recovery twice in a row.
fn recover_twice(disk: &SimDisk, every: u64, known: &mut Known) -> Result<(), TestCaseError> {
    for round in 0..2 {
        let (mut journal, report) = open(disk, options(every))
            .map_err(|error| TestCaseError::fail(format!("refused: {error}")))?;
        check_recovered(known, &journal, &report);
        prop_assert!(round == 0 || report.torn.is_none(), "{report:?}");
        let batch = records(report.next_sequence, 30);
        let ticket = journal.submit_and_wait(&batch, LONG, &mut Vec::new());
        known.sent = report.next_sequence + 30;
        known.acknowledged = ticket.unwrap().end;
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_power_cut_at_any_moment_loses_nothing_acknowledged(
        steps in steps(), every in 0..3_u64, at in 0..400_u64, seed: u64,
    ) {
        let disk = SimDisk::default();
        disk.inject(None, at, Fault::PowerCut);
        let mut known = Known::default();
        run(&disk, options(every), &steps, &mut known);
        check_events(&known);
        let next = disk.after_power_cut(&mut chooser(seed));
        recover_twice(&next, every, &mut known)?;
    }

    #[test]
    fn a_kill_at_any_moment_loses_nothing_acknowledged(
        steps in steps(), every in 0..3_u64, at in 0..400_u64,
    ) {
        let disk = SimDisk::default();
        disk.inject(None, at, Fault::PowerCut);
        let mut known = Known::default();
        run(&disk, options(every), &steps, &mut known);
        check_events(&known);
        recover_twice(&disk.after_kill(), every, &mut known)?;
    }

    #[test]
    fn a_failing_disk_stops_the_writer_and_loses_nothing_acknowledged(
        steps in steps(), every in 0..3_u64, at in 0..60_u64, seed: u64,
        kind in prop::sample::select(vec![Operation::Write, Operation::Sync, Operation::SyncNames]),
        full: bool, cut: bool, later: u64,
    ) {
        let disk = SimDisk::default();
        let fault = if full { Fault::Full } else { Fault::Io };
        disk.inject(Some(kind), at, fault);
        let mut known = Known::default();
        run(&disk, options(every), &steps, &mut known);
        check_events(&known);
        let next = if cut {
            disk.after_power_cut(&mut chooser(seed))
        } else {
            disk.after_kill()
        };
        recover_twice(&next, every, &mut known)?;
        // What the first recovery built on must be on the disk, not only in the cache.
        let next = next.after_power_cut(&mut chooser(later));
        recover_twice(&next, every, &mut known)?;
    }

    #[test]
    fn a_recovery_that_is_cut_off_anywhere_is_simply_repeated(
        steps in steps(), at in 0..400_u64, seed: u64,
    ) {
        let disk = SimDisk::default();
        disk.inject(None, at, Fault::PowerCut);
        let mut known = Known::default();
        run(&disk, options(2), &steps, &mut known);
        let mut choose = chooser(seed);
        let mut disk = disk.after_power_cut(&mut choose);
        for cut in 0..200 {
            disk.inject(None, cut, Fault::PowerCut);
            let opened = open(&disk, options(2));
            let whole = opened.is_ok();
            drop(opened);
            disk = if choose(2) == 0 {
                disk.after_kill()
            } else {
                disk.after_power_cut(&mut choose)
            };
            if whole {
                break;
            }
        }
        recover_twice(&disk, 2, &mut known)?;
    }

    #[test]
    fn a_disk_that_lies_about_a_sync_is_found_out_or_harmless(
        steps in steps(), at in 0..60_u64, seed: u64,
    ) {
        let disk = SimDisk::default();
        disk.inject(Some(Operation::Sync), at, Fault::Lose);
        let mut known = Known::default();
        run(&disk, options(0), &steps, &mut known);
        prop_assert_eq!(known.failure, None);
        let next = disk.after_power_cut(&mut chooser(seed));
        match open(&next, options(0)) {
            Ok((journal, report)) => {
                // The lie may concern the very last group, and the mark that would tell be lost as well.
                let lost = known.acknowledged.saturating_sub(report.next_sequence);
                prop_assert!(lost <= 127, "{lost} lost");
                known.acknowledged = known.acknowledged.min(report.next_sequence);
                check_recovered(&known, &journal, &report);
            }
            Err(error) => prop_assert!(
                matches!(
                    error,
                    JournalError::Corrupt { .. }
                        | JournalError::AcknowledgedLost { .. }
                        | JournalError::MissingSegment { .. }
                ),
                "{error}"
            ),
        }
    }
}

#[test]
fn after_a_failed_sync_nothing_more_is_acknowledged_and_no_sync_is_tried_again() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, options(0)).unwrap();
    journal
        .submit_and_wait(&records(0, 10), LONG, &mut Vec::new())
        .unwrap();
    disk.wait_for("segment-00000000000000000001.journal");
    disk.inject(Some(Operation::Sync), 0, Fault::Io);
    let mut out = Vec::new();
    let failed = journal
        .submit_and_wait(&records(10, 5), LONG, &mut out)
        .unwrap_err();
    assert_eq!(failed.code(), "journal_sync_failed");
    assert!(out.is_empty());
    let syncs = disk.count(Operation::Sync);
    assert_eq!(journal.submit(&records(15, 1)).unwrap_err(), failed);
    assert_eq!(journal.poll(&mut out).unwrap_err(), failed);
    assert_eq!(journal.durable_end(), 10);
    assert_eq!(journal.close(&mut out).unwrap_err(), failed);
    assert!(out.is_empty());
    assert_eq!(disk.count(Operation::Sync), syncs);
}

#[test]
fn a_writer_that_stopped_takes_no_snapshot_and_deletes_nothing() {
    let disk = SimDisk::default();
    let later = Options {
        idle_sync: Duration::from_millis(200),
        ..options(0)
    };
    let (mut journal, _) = open(&disk, later).unwrap();
    disk.wait_for("segment-00000000000000000001.journal");
    journal
        .submit_and_wait(&records(0, 10), LONG, &mut Vec::new())
        .unwrap();
    // Everything is durable when the sync of the mark fails.
    disk.inject(Some(Operation::Sync), 0, Fault::Io);
    let since = std::time::Instant::now();
    let failure = loop {
        if let Some(failure) = journal.failure() {
            break failure;
        }
        assert!(since.elapsed().as_secs() < 20);
        std::thread::yield_now();
    };
    let mark = router_journal::FileId::Mark;
    assert_eq!(
        failure,
        JournalError::SyncFailed {
            file: mark,
            os: Some(5)
        }
    );
    let operations = disk.operations();
    assert_eq!(journal.durable_end(), 10);
    assert_eq!(journal.snapshot_now(LONG).unwrap_err(), failure);
    assert_eq!(
        disk.operations(),
        operations,
        "nothing more is done to the disk"
    );
}

#[test]
fn each_snapshot_that_a_power_cut_leaves_has_its_segments() {
    for cut in 0..200 {
        let disk = SimDisk::default();
        let one = Options {
            keep_snapshots: 1,
            ..options(0)
        };
        let (mut journal, _) = open(&disk, one).unwrap();
        let send = |journal: &mut sim::drive::Journal, from| {
            let sent = journal.submit_and_wait(&records(from, 600), LONG, &mut Vec::new());
            sent.and_then(|_| journal.snapshot_now(LONG)).is_ok()
        };
        assert!(send(&mut journal, 0));
        disk.inject(None, cut, Fault::PowerCut);
        let done = send(&mut journal, 600) && send(&mut journal, 1200);
        drop(journal);
        let left = disk.after_power_cut(&mut |_| 0);
        let snapshots = left.names().into_iter();
        for kept in snapshots.filter(|name| name.ends_with(".state")) {
            let alone = left.after_kill();
            for name in left.names() {
                if name.ends_with(".state") && name != kept {
                    alone.delete(&name);
                }
            }
            let found = router_journal::verify::<sim::machine::Counter>(&alone);
            let end = found.unwrap_or_else(|error| panic!("cut at {cut}, {kept}: {error}"));
            assert!(end.1.next_sequence >= 600);
        }
        if done {
            return;
        }
    }
    panic!("two hundred operations were not enough");
}

#[test]
fn a_full_disk_stops_the_writer_by_name_and_more_room_lets_it_open_again() {
    let disk = SimDisk::default();
    let mut known = Known::default();
    disk.limit_growth(Some(100 << 10));
    run(&disk, options(0), &[Step::Wait(3000)], &mut known);
    let failure = known.failure.unwrap();
    assert_eq!(failure.code(), "journal_disk_full");
    assert!(known.acknowledged > 0);
    check_events(&known);
    disk.limit_growth(None);
    recover_twice(&disk, 0, &mut known).unwrap();
}

#[test]
fn a_slow_sync_fills_the_window_and_then_refuses_without_taking_anything() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, options(0)).unwrap();
    let slow = Fault::Slow(Duration::from_millis(60));
    disk.inject(Some(Operation::Sync), 0, slow);
    let taken = journal.submit(&records(0, 1)).unwrap().taken;
    let mut sent = taken as u64;
    let refused = loop {
        match journal.submit(&records(sent, 50)) {
            Ok(ticket) => sent += ticket.taken as u64,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, JournalError::Busy);
    assert!(refused.is_transient());
    assert_eq!(journal.next_sequence(), sent);
    assert!(sent <= 256);
    let soon = Duration::from_millis(1);
    let late = journal.wait_durable(sent, soon, &mut Vec::new());
    assert_eq!(late.unwrap_err().code(), "journal_deadline");
    assert_eq!(journal.wait_durable(sent, LONG, &mut Vec::new()), Ok(sent));
}

#[test]
fn a_frame_that_a_failed_sync_left_in_the_cache_is_written_again_before_anything_rests_on_it() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, options(0)).unwrap();
    journal
        .submit_and_wait(&records(0, 10), LONG, &mut Vec::new())
        .unwrap();
    disk.wait_for("segment-00000000000000000001.journal");
    disk.inject(Some(Operation::Sync), 0, Fault::Io);
    let batch = records(10, 5);
    assert!(journal
        .submit_and_wait(&batch, LONG, &mut Vec::new())
        .is_err());
    disk.kill();
    drop(journal);
    // The cache still shows the frame of the failed sync; the disk does not hold it.
    let disk = disk.after_kill();
    let (mut journal, report) = open(&disk, options(0)).unwrap();
    assert_eq!(report.next_sequence, 15);
    journal
        .submit_and_wait(&records(15, 1), LONG, &mut Vec::new())
        .unwrap();
    disk.kill();
    let (journal, report) = open(&disk.after_power_cut(&mut |_| 0), options(0)).unwrap();
    assert_eq!(report.next_sequence, 16);
    assert_eq!(journal.state().count, 16);
}
