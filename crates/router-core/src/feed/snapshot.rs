//! Snapshots: the state of a channel as of its last record.

use super::checksum::{queue_checksum, view_checksum};
use super::instrument::Instrument;
use super::record::{FeedKind, FeedRecord};
use super::view::{View, ASK, BID};

/// Appends all levels of an instrument.
pub(super) fn depth(instrument: &Instrument, command: u64, out: &mut Vec<FeedRecord>) {
    let view = &instrument.view;
    let sequence = instrument.depth.sequence;
    let blank = |kind| FeedRecord {
        sequence,
        ..instrument.record(kind, command)
    };
    out.push(FeedRecord {
        flags: instrument.phase,
        qty: count(view.levels(BID).count()),
        extra: count(view.levels(ASK).count()),
        ..blank(FeedKind::DepthSnapshot)
    });
    for side in [BID, ASK] {
        for (price, level) in view.levels(side) {
            out.push(FeedRecord {
                side,
                price,
                qty: level.qty,
                extra: level.count,
                ..blank(FeedKind::SnapshotLevel)
            });
        }
    }
    out.push(FeedRecord {
        qty: view_checksum(view),
        ..blank(FeedKind::SnapshotEnd)
    });
}

/// Appends all displayed orders of an instrument.
pub(super) fn orders(instrument: &Instrument, command: u64, out: &mut Vec<FeedRecord>) {
    let view = &instrument.view;
    let sequence = instrument.orders.sequence;
    let blank = |kind| FeedRecord {
        sequence,
        ..instrument.record(kind, command)
    };
    out.push(FeedRecord {
        flags: instrument.phase,
        qty: orders_of(view, BID),
        extra: orders_of(view, ASK),
        ..blank(FeedKind::OrdersSnapshot)
    });
    for side in [BID, ASK] {
        for (price, level) in view.levels(side) {
            for slot in view.orders.walk(level.queue) {
                out.push(FeedRecord {
                    side,
                    price,
                    qty: slot.shown,
                    extra: slot.id,
                    ..blank(FeedKind::SnapshotOrder)
                });
            }
        }
    }
    out.push(FeedRecord {
        qty: queue_checksum(view),
        ..blank(FeedKind::SnapshotEnd)
    });
}

fn orders_of(view: &View, side: u8) -> u64 {
    view.levels(side)
        .fold(0, |sum, (_, level)| u64::saturating_add(sum, level.count))
}

fn count(levels: usize) -> u64 {
    u64::try_from(levels).unwrap_or(u64::MAX)
}
