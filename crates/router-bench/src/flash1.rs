//! The workload of the public matching-engine benchmark, and the hash by which it judges an engine.
//!
//! Written from the public description of flash1-dev/matching-engine-benchmark
//! (`docs/development/flash1-abi.md`), so that our engine can be checked and timed on it without that
//! project's programs. What those programs measure in addition is the hand-over of reports to a
//! second thread.

mod canonical;
mod scenario;

pub use canonical::canonical_hash;
pub use scenario::Scenario;

use router_flash::abi::{Cancel, Modify, NewOrder};

/// One message of the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A new order.
    New(NewOrder),
    /// A removal.
    Cancel(Cancel),
    /// Out, and in again.
    Modify(Modify),
}

/// New orders in the published workload.
pub const PUBLISHED_ORDERS: usize = 1_000_000;
/// Seed of the published workload.
pub const PUBLISHED_SEED: u32 = 23;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Action, Command, ReferenceBook, Side};
    use router_flash::abi::{Kind, Report};

    /// The reports a right engine makes, by the reference book.
    fn reports(messages: &[Message]) -> Vec<Report> {
        let mut book = ReferenceBook::default();
        let mut reports = Vec::new();
        for message in messages {
            match message {
                Message::New(order) => place(&mut book, order, &mut reports),
                Message::Cancel(cancel) => take_out(&mut book, cancel, &mut reports),
                Message::Modify(modify) => enter_anew(&mut book, modify, &mut reports),
            }
        }
        reports
    }

    fn place(book: &mut ReferenceBook, order: &NewOrder, reports: &mut Vec<Report>) {
        reports.push(Report {
            kind: Kind::OrderAck,
            side: order.side,
            sequence: order.sequence,
            order_id: order.order_id,
            price: order.price,
            quantity: order.quantity,
            ..Report::default()
        });
        let left = offer(book, order, reports);
        if left > 0 && order.immediate == 1 {
            reports.push(Report {
                kind: Kind::CancelAck,
                side: order.side,
                sequence: order.sequence,
                order_id: order.order_id,
                price: order.price,
                ..Report::default()
            });
        }
    }

    fn offer(book: &mut ReferenceBook, order: &NewOrder, reports: &mut Vec<Report>) -> u32 {
        book.apply(&Command {
            id: order.order_id,
            price: order.price,
            quantity: i64::from(order.quantity),
            user: 1,
            action: Action::New,
            side: if order.side == 0 {
                Side::Buy
            } else {
                Side::Sell
            },
            immediate: order.immediate == 1,
        });
        let mut left = order.quantity;
        for fill in book.fills() {
            left -= fill.quantity as u32;
            reports.push(Report {
                kind: Kind::Trade,
                sequence: order.sequence,
                price: fill.price,
                quantity: fill.quantity as u32,
                maker_id: fill.maker,
                taker_id: order.order_id,
                ..Report::default()
            });
        }
        left
    }

    fn remove(book: &mut ReferenceBook, id: u64) -> Option<(Side, i64)> {
        let (side, price, _) = book.order(id)?;
        book.apply(&Command {
            id,
            price: 0,
            quantity: 0,
            user: 1,
            action: Action::Cancel,
            side,
            immediate: false,
        });
        Some((side, price))
    }

    fn take_out(book: &mut ReferenceBook, cancel: &Cancel, reports: &mut Vec<Report>) {
        let removed = remove(book, cancel.order_id);
        let (kind, side, price) = removed.map_or((Kind::CancelReject, 0, 0), |(side, price)| {
            (Kind::CancelAck, side as u8, price)
        });
        reports.push(Report {
            kind,
            side,
            sequence: cancel.sequence,
            order_id: cancel.order_id,
            price,
            ..Report::default()
        });
    }

    fn enter_anew(book: &mut ReferenceBook, modify: &Modify, reports: &mut Vec<Report>) {
        let rests = remove(book, modify.order_id).is_some();
        if rests {
            let order = NewOrder {
                order_id: modify.order_id,
                sequence: modify.sequence,
                price: modify.price,
                quantity: modify.quantity,
                side: modify.side,
                ..NewOrder::default()
            };
            offer(book, &order, reports);
        }
        reports.push(Report {
            kind: if rests {
                Kind::ModifyAck
            } else {
                Kind::ModifyReject
            },
            side: modify.side,
            sequence: modify.sequence,
            order_id: modify.order_id,
            price: modify.price,
            quantity: modify.quantity,
            ..Report::default()
        });
    }

    #[test]
    fn the_reference_book_on_our_workload_gives_the_published_hash() {
        let messages = Scenario::Normal.generate(PUBLISHED_ORDERS, PUBLISHED_SEED);
        assert_eq!(messages.len(), 1_996_097);
        let mut reports = reports(&messages);
        assert_eq!(
            canonical_hash(&mut reports),
            Scenario::Normal.published_hash()
        );
    }
}
