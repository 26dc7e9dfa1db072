//! Arbitrary and mutated files: no panic, no endless loop, no memory by an unverified length.
//!
//! Each test runs for about two seconds; `JOURNAL_FUZZ_SECONDS` lets it run longer and
//! `JOURNAL_FUZZ_SEED` repeats a run. The seed is printed.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a panic is a failed test, and the seed must be seen"
)]

mod sim;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use router_core::journal::{
    check_body, CommitMark, FrameHeader, SegmentHeader, SnapshotHeader, MAX_FRAME_BYTES,
};
use router_journal::{read_records, verify, Options};
use sim::disk::SimDisk;
use sim::drive::{chooser, genesis, open, small, LONG};
use sim::machine::{oracle_from, records, Counter};

fn seconds() -> Duration {
    let text = std::env::var("JOURNAL_FUZZ_SECONDS").unwrap_or_default();
    Duration::from_secs(text.parse().unwrap_or(2))
}

fn seed() -> u64 {
    let text = std::env::var("JOURNAL_FUZZ_SEED").unwrap_or_default();
    let seed = text.parse().unwrap_or(0x5eed_0001);
    println!("JOURNAL_FUZZ_SEED={seed}");
    seed
}

/// A journal with several segments, snapshots, epochs and a mark.
fn journal() -> SimDisk {
    let disk = SimDisk::default();
    for part in 0..3 {
        let options = Options {
            idle_sync: Duration::from_secs(3600),
            ..small()
        };
        let (mut journal, _) = open(&disk, options).unwrap();
        for piece in 0..20 {
            let batch = records(part * 800 + piece * 40, 40);
            journal
                .submit_and_wait(&batch, LONG, &mut Vec::new())
                .unwrap();
        }
        if part == 1 {
            journal.snapshot_now(LONG).unwrap();
        }
        journal.close(&mut Vec::new()).unwrap();
    }
    disk
}

/// Corrects the checksum of a header, so that a mutation gets past it.
fn reseal(bytes: &mut [u8], from: usize, length: usize) {
    let Some(header) = bytes.get_mut(from..from + length) else {
        return;
    };
    let checksum = crc32c::crc32c(&header[..length - 4]);
    header[length - 4..].copy_from_slice(&checksum.to_le_bytes());
}

/// Damages one file in one of several ways.
fn mutate(bytes: &mut Vec<u8>, name: &str, choose: &mut impl FnMut(usize) -> usize) {
    if bytes.is_empty() {
        bytes.push(1);
    }
    let length = bytes.len();
    let block = choose(length.div_ceil(4096)) * 4096;
    match choose(8) {
        0 => bytes[choose(length)] ^= 1 << choose(8),
        1 => bytes.truncate(choose(length)),
        2 => bytes.extend(std::iter::repeat_n(choose(256) as u8, choose(9000))),
        3 => {
            let to = choose(length.div_ceil(4096)) * 4096;
            let end = (block + 4096).min(length);
            let copy = bytes[block..end].to_vec();
            let room = copy.len().min(length - to);
            bytes[to..to + room].copy_from_slice(&copy[..room]);
        }
        4 => {
            let end = (block + 4096).min(length);
            bytes[block..end].fill(0);
        }
        5 => {
            let from = choose(length);
            let end = (from + choose(300)).min(length);
            bytes[from..end].fill_with(|| choose(256) as u8);
        }
        _ => {
            // A field of a header is changed and the header sealed again.
            let (from, size) = match name.split('-').next() {
                Some("segment") if block == 0 => (0, 4096),
                Some("segment") => (block, 128),
                Some("commit") => (block, 64),
                _ => (0, 128),
            };
            let at = from + 4 + choose(size.min(76) - 4);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = choose(256) as u8;
            }
            reseal(bytes, from, size);
        }
    }
}

#[test]
fn no_mutation_of_a_journal_makes_recovery_panic_or_lie() {
    let good = journal();
    let names = good.names();
    let mut choose = chooser(seed());
    let since = Instant::now();
    let (mut refused, mut accepted) = (0_u64, 0_u64);
    while since.elapsed() < seconds() {
        let disk = good.after_kill();
        for _ in 0..=choose(2) {
            let name = &names[choose(names.len())];
            if choose(20) == 0 {
                disk.delete(name);
                break;
            }
            let mut bytes = disk.contents(name);
            mutate(&mut bytes, name, &mut choose);
            disk.set_contents(name, bytes);
        }
        let verified = verify::<Counter>(&disk);
        let _ = read_records(&disk, |_, _| Ok(()));
        match &verified {
            Err(_) => refused += 1,
            Ok((state, report)) => {
                accepted += 1;
                let expected = oracle_from(genesis(), &records(0, report.next_sequence));
                assert_eq!(state, &expected);
            }
        }
        if choose(4) == 0 {
            let opened = open(&disk, small());
            assert_eq!(opened.is_ok(), verified.is_ok() || disk.names().is_empty());
        }
    }
    println!("{refused} refused, {accepted} accepted");
    assert!(refused > 0 && accepted > 0);
}

#[test]
fn files_of_noise_are_refused() {
    let mut choose = chooser(seed());
    let since = Instant::now();
    let names = [
        "commit-mark",
        "snapshot-00000000000000000000.state",
        "segment-00000000000000000000.journal",
        "segment-00000000000000000001.journal",
    ];
    while since.elapsed() < seconds() {
        let disk = SimDisk::default();
        for name in names {
            let mut noise = vec![0; choose(40_000)];
            noise.fill_with(|| choose(256) as u8);
            disk.set_contents(name, noise);
        }
        assert!(verify::<Counter>(&disk).is_err());
    }
}

#[test]
fn a_snapshot_that_claims_to_be_huge_is_refused_by_its_length() {
    let disk = journal();
    let name = disk
        .names()
        .into_iter()
        .rfind(|name| name.starts_with("snapshot"));
    let name = name.unwrap();
    let mut bytes = disk.contents(&name);
    bytes[56..64].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    reseal(&mut bytes, 0, 128);
    disk.set_contents(&name, bytes);
    let (_, report) = verify::<Counter>(&disk).unwrap();
    assert_eq!(report.snapshots_refused, 1);
}

proptest! {
    #[test]
    fn decoders_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let frame = FrameHeader::decode(&bytes);
        prop_assert!(frame.is_err());
        prop_assert!(SegmentHeader::decode(&bytes).is_err());
        prop_assert!(CommitMark::decode(&bytes).is_err());
        prop_assert!(SnapshotHeader::decode(&bytes).is_err());
    }

    #[test]
    fn a_sealed_frame_header_never_claims_more_than_a_frame_may_be(
        mut bytes in prop::collection::vec(any::<u8>(), 4096),
    ) {
        bytes[..4].copy_from_slice(b"RJFR");
        bytes[4..8].copy_from_slice(&[1, 0, 1, 0]);
        // Half of all counts are small enough to be believed.
        bytes[26] = 0;
        bytes[27] = 0;
        reseal(&mut bytes, 0, 128);
        if let Ok(header) = FrameHeader::decode(&bytes) {
            prop_assert!(header.frame_bytes() <= MAX_FRAME_BYTES);
            prop_assert!(check_body(&bytes, &header).is_err());
        }
    }
}
