//! What the benchmark's rules make of a message, by the reference book.

use super::Message;
use crate::workload::{Action, Command, ReferenceBook, Side};
use router_flash::abi::{Cancel, Kind, Modify, NewOrder, Report};

/// A slow engine that is obviously right.
#[derive(Debug, Default)]
pub struct Judge {
    book: ReferenceBook,
}

impl Judge {
    /// Carries out a message and adds the reports that it has to give.
    pub fn judge(&mut self, message: &Message, reports: &mut Vec<Report>) {
        match message {
            Message::New(order) => self.place(order, reports),
            Message::Cancel(cancel) => self.take_out(cancel, reports),
            Message::Modify(modify) => self.enter_anew(modify, reports),
        }
    }

    /// Whether an order rests.
    #[must_use]
    pub fn rests(&self, id: u64) -> bool {
        self.book.is_resting(id)
    }

    /// Best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<i64> {
        self.book.best(side)
    }

    /// Total resting quantity at a price.
    #[must_use]
    pub fn depth_at(&self, side: Side, price: i64) -> u64 {
        let levels = self.book.levels(side);
        levels
            .iter()
            .find(|level| level.0 == price)
            .map_or(0, |level| level.1)
    }

    fn place(&mut self, order: &NewOrder, reports: &mut Vec<Report>) {
        let about = Report {
            side: order.side,
            sequence: order.sequence,
            order_id: order.order_id,
            price: order.price,
            ..Report::default()
        };
        reports.push(Report {
            kind: Kind::OrderAck,
            quantity: order.quantity,
            ..about
        });
        let left = self.offer(order, reports);
        if left > 0 && order.immediate == 1 {
            reports.push(Report {
                kind: Kind::CancelAck,
                quantity: left,
                ..about
            });
        }
    }

    fn offer(&mut self, order: &NewOrder, reports: &mut Vec<Report>) -> u32 {
        self.book.apply(&Command {
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
        for fill in self.book.fills() {
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

    /// Side, price and rest of the order that was removed.
    fn remove(&mut self, id: u64) -> Option<(Side, i64, i64)> {
        let (side, price, resting) = self.book.order(id)?;
        self.book.apply(&Command {
            id,
            price: 0,
            quantity: 0,
            user: 1,
            action: Action::Cancel,
            side,
            immediate: false,
        });
        Some((side, price, resting.quantity))
    }

    fn take_out(&mut self, cancel: &Cancel, reports: &mut Vec<Report>) {
        let mut report = Report {
            kind: Kind::CancelReject,
            sequence: cancel.sequence,
            order_id: cancel.order_id,
            ..Report::default()
        };
        if let Some((side, price, quantity)) = self.remove(cancel.order_id) {
            report.kind = Kind::CancelAck;
            report.side = side as u8;
            report.price = price;
            report.quantity = quantity as u32;
        }
        reports.push(report);
    }

    fn enter_anew(&mut self, modify: &Modify, reports: &mut Vec<Report>) {
        let mut report = Report {
            kind: Kind::ModifyReject,
            sequence: modify.sequence,
            order_id: modify.order_id,
            ..Report::default()
        };
        if self.remove(modify.order_id).is_some() {
            let order = NewOrder {
                order_id: modify.order_id,
                sequence: modify.sequence,
                price: modify.price,
                quantity: modify.quantity,
                side: modify.side,
                ..NewOrder::default()
            };
            self.offer(&order, reports);
            report.kind = Kind::ModifyAck;
            report.side = modify.side;
            report.price = modify.price;
            report.quantity = modify.quantity;
        }
        reports.push(report);
    }
}
