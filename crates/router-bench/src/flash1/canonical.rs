//! The text of all reports in a fixed order, and its SHA-256.

use router_flash::abi::{Kind, Report};
use sha2::{Digest, Sha256};
use std::io::Write;

/// Sorts the reports by message and kind, keeping the order of equals, and hashes one line for each,
/// with a line feed between them; 64 hexadecimal digits.
#[must_use]
pub fn canonical_hash(reports: &mut [Report]) -> String {
    reports.sort_by_key(|report| (report.sequence, report.kind));
    let mut hash = Sha256::new();
    let mut line = Vec::with_capacity(96);
    for (position, report) in reports.iter().enumerate() {
        line.clear();
        if position > 0 {
            line.push(b'\n');
        }
        write_line(report, &mut line);
        hash.update(&line);
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_line(report: &Report, line: &mut Vec<u8>) {
    let Report {
        kind,
        side,
        sequence,
        order_id,
        price,
        quantity,
        maker_id,
        taker_id,
        ..
    } = *report;
    let number = kind as u8;
    let written = match kind {
        Kind::OrderAck | Kind::ModifyAck => {
            write!(
                line,
                "{number},{sequence},{side},{order_id},{price},{quantity}"
            )
        }
        Kind::Trade => write!(
            line,
            "{number},{sequence},{price},{quantity},{maker_id},{taker_id}"
        ),
        Kind::CancelAck => write!(line, "{number},{sequence},{side},{order_id},{price}"),
        Kind::CancelReject | Kind::ModifyReject => write!(line, "{number},{sequence},{order_id}"),
    };
    debug_assert!(written.is_ok(), "a vector takes every byte");
}
