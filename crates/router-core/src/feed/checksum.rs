//! The checksum that lets a consumer prove its book: CRC-32 (IEEE 802.3, the one of zlib and gzip).
//!
//! Bytes of the depth checksum: for bids, then for asks: the number of levels that follow (u64, at most
//! [`LEVELS`]), then for each of them, best first, price in ticks (i64) and displayed lots (u64).
//! Bytes of the order checksum: the same, and behind each level the number of its orders that follow (u64, at
//! most [`QUEUE`]), then for each of them, from the head of the queue, order id (u64) and displayed lots (u64).
//! All numbers are little endian.

use super::view::{View, ASK, BID};

/// Levels a side that a checksum covers.
pub const LEVELS: usize = 10;

/// Orders of each level that the order checksum covers.
pub const QUEUE: usize = 10;

/// Bytes of a depth checksum at most.
const DEPTH_BYTES: usize = 336;

/// Returns the checksum of a depth from price and displayed lots of each level, best first.
///
/// Levels behind the first [`LEVELS`] of a side are left out.
#[must_use]
pub fn depth_checksum(bids: &[(i64, u64)], asks: &[(i64, u64)]) -> u64 {
    let mut bytes = Vec::with_capacity(DEPTH_BYTES);
    for side in [bids, asks] {
        let top = side.get(..LEVELS).unwrap_or(side);
        add_count(&mut bytes, top.len());
        for &(price, qty) in top {
            add_level(&mut bytes, price, qty);
        }
    }
    sum_of(&bytes)
}

/// Returns the depth checksum of what is displayed.
pub(super) fn view_checksum(view: &View) -> u64 {
    let mut bytes = Vec::with_capacity(DEPTH_BYTES);
    for side in [BID, ASK] {
        add_count(&mut bytes, view.levels(side).take(LEVELS).count());
        for (price, level) in view.levels(side).take(LEVELS) {
            add_level(&mut bytes, price, level.qty);
        }
    }
    sum_of(&bytes)
}

/// Returns the order checksum of what is displayed.
pub(super) fn queue_checksum(view: &View) -> u64 {
    let mut bytes = Vec::with_capacity(DEPTH_BYTES);
    for side in [BID, ASK] {
        add_count(&mut bytes, view.levels(side).take(LEVELS).count());
        for (price, level) in view.levels(side).take(LEVELS) {
            add_level(&mut bytes, price, level.qty);
            add_count(
                &mut bytes,
                view.orders.walk(level.queue).take(QUEUE).count(),
            );
            for slot in view.orders.walk(level.queue).take(QUEUE) {
                bytes.extend_from_slice(&slot.id.to_le_bytes());
                bytes.extend_from_slice(&slot.shown.to_le_bytes());
            }
        }
    }
    sum_of(&bytes)
}

fn add_count(bytes: &mut Vec<u8>, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&count.to_le_bytes());
}

fn add_level(bytes: &mut Vec<u8>, price: i64, qty: u64) {
    bytes.extend_from_slice(&price.to_le_bytes());
    bytes.extend_from_slice(&qty.to_le_bytes());
}

fn sum_of(bytes: &[u8]) -> u64 {
    u64::from(crc32fast::hash(bytes))
}
