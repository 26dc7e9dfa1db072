//! Laws of the journal's bytes: what is written is read, and no single flipped bit goes unseen.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a panic is a failed test"
)]

use proptest::prelude::*;
use router_core::journal::{
    check_body, frame_bytes, hash64, seal_frame, Chain, CommitMark, Cursor, Defect, FrameHeader,
    FrameKind, Position, SegmentHeader, SnapshotHeader, BLOCK_BYTES, FRAME_HEADER_BYTES,
    MARK_BYTES,
};

fn cursor() -> impl Strategy<Value = Cursor> {
    (any::<[u64; 3]>(), any::<u32>(), any::<u32>()).prop_map(|(words, segment, block)| Cursor {
        position: Position {
            segment: u64::from(segment),
            offset: u64::from(block) * BLOCK_BYTES as u64,
        },
        next_sequence: words[0] >> 1,
        epoch: words[1],
        chain: Chain(words[2]),
    })
}

/// A whole frame with so many records at a place, and the place.
fn frame() -> impl Strategy<Value = (Vec<u8>, Cursor)> {
    (cursor(), prop::collection::vec(any::<[u8; 32]>(), 1..150)).prop_map(|(cursor, halves)| {
        let mut bytes = vec![0; frame_bytes(halves.len())];
        for (record, half) in bytes[FRAME_HEADER_BYTES..].chunks_mut(64).zip(&halves) {
            record[..32].copy_from_slice(half);
        }
        let header = FrameHeader {
            kind: FrameKind::Records,
            epoch: cursor.epoch,
            first_sequence: cursor.next_sequence,
            count: halves.len() as u32,
            semantics: 1,
            position: cursor.position,
            previous: cursor.chain,
            body_hash: 0,
            body_checksum: 0,
        };
        seal_frame(&mut bytes, header).unwrap();
        (bytes, cursor)
    })
}

/// Reads a frame at a place as recovery does; returns the place behind it.
fn admit(bytes: &[u8], mut cursor: Cursor) -> Result<Cursor, Defect> {
    let header = FrameHeader::decode(bytes)?;
    cursor.expects(&header)?;
    let (chain, _) = check_body(
        bytes.get(..header.frame_bytes()).ok_or(Defect::Short)?,
        &header,
    )?;
    cursor.pass(&header, chain)?;
    Ok(cursor)
}

proptest! {
    #[test]
    fn a_frame_is_read_where_it_was_written((bytes, cursor) in frame()) {
        let behind = admit(&bytes, cursor).unwrap();
        prop_assert_eq!(behind.position.offset, cursor.position.offset + bytes.len() as u64);
        prop_assert!(behind.next_sequence > cursor.next_sequence);
        prop_assert!(behind.chain != cursor.chain);
    }

    #[test]
    fn any_flipped_bit_of_a_frame_is_seen((bytes, cursor) in frame(), at: prop::sample::Index, bit in 0..8) {
        let mut bad = bytes.clone();
        bad[at.index(bytes.len())] ^= 1_u8 << bit;
        prop_assert!(admit(&bad, cursor).is_err());
    }

    #[test]
    fn a_frame_fits_only_its_own_place((bytes, cursor) in frame(), by in 1..1_000_000_u64) {
        let refused = [
            (Defect::Misplaced, Cursor {
                position: Position { segment: cursor.position.segment + by, ..cursor.position },
                ..cursor
            }),
            (Defect::Misplaced, Cursor {
                position: Position { offset: cursor.position.offset + by, ..cursor.position },
                ..cursor
            }),
            (Defect::Sequence, Cursor { next_sequence: cursor.next_sequence + by, ..cursor }),
            (Defect::Chain, Cursor { chain: Chain(cursor.chain.0 ^ by), ..cursor }),
        ];
        for (defect, other) in refused {
            prop_assert_eq!(admit(&bytes, other), Err(defect));
        }
        if let Some(epoch) = cursor.epoch.checked_add(by) {
            prop_assert_eq!(admit(&bytes, Cursor { epoch, ..cursor }), Err(Defect::Epoch));
        }
    }

    #[test]
    fn headers_come_back_as_they_were_and_show_any_flipped_bit(
        cursor in cursor(), words: [u64; 4], clean: bool, at: prop::sample::Index, bit in 0..8,
    ) {
        let segment = SegmentHeader {
            segment: words[0],
            segment_bytes: words[1],
            epoch: words[2],
            first_sequence: words[3],
            previous: cursor.chain,
        };
        let mut block = [0xff; BLOCK_BYTES];
        segment.encode(&mut block);
        prop_assert_eq!(SegmentHeader::decode(&block), Ok(segment));
        block[at.index(BLOCK_BYTES)] ^= 1_u8 << bit;
        prop_assert!(SegmentHeader::decode(&block).is_err());

        let mark = CommitMark {
            turn: words[0],
            epoch: cursor.epoch,
            end_sequence: cursor.next_sequence,
            position: cursor.position,
            chain: cursor.chain,
            clean,
        };
        let mut slot = [0xff; MARK_BYTES];
        mark.encode(&mut slot);
        prop_assert_eq!(CommitMark::decode(&slot), Ok(mark));
        slot[at.index(MARK_BYTES)] ^= 1_u8 << bit;
        prop_assert!(CommitMark::decode(&slot).is_err());

        let snapshot = SnapshotHeader::of(cursor, 7, words[0], &block);
        let mut bytes = snapshot.encode();
        prop_assert_eq!(SnapshotHeader::decode(&bytes), Ok(snapshot));
        prop_assert_eq!(snapshot.check(&block), Ok(()));
        bytes[at.index(bytes.len())] ^= 1_u8 << bit;
        prop_assert!(SnapshotHeader::decode(&bytes).is_err());
    }

    #[test]
    fn the_hash_changes_with_every_bit_and_with_the_length(
        bytes in prop::collection::vec(any::<u8>(), 1..300), at: prop::sample::Index, bit in 0..8,
    ) {
        let hash = hash64(&bytes);
        let mut other = bytes.clone();
        other[at.index(bytes.len())] ^= 1_u8 << bit;
        prop_assert!(hash != hash64(&other));
        other.clone_from(&bytes);
        other.push(0);
        prop_assert!(hash != hash64(&other));
    }
}

#[test]
fn a_whole_header_of_a_later_version_is_told_from_damage() {
    let mut slot = [0; MARK_BYTES];
    slot[..4].copy_from_slice(b"RJMK");
    slot[4] = 2;
    let checksum = crc32c::crc32c(&slot[..MARK_BYTES - 4]);
    slot[MARK_BYTES - 4..].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(CommitMark::decode(&slot), Err(Defect::Version));
}
