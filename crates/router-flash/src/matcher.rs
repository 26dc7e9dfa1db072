//! From the benchmark's messages to orders of the book, and from its events to the reports.
//!
//! The book keeps the benchmark's own order ids, so there is no table beside it. The hand-over of a
//! report is a closure: inlined, so that the book's event record need not exist in memory.

use crate::abi::{Cancel, Kind, Modify, NewOrder, Report};
use router_core::engine::{EventKind, EventRecord, PlainBook, PlainOrder, Side, Sink, MAX_PRICE};

/// The highest id that is kept; the interface promises dense ids from 1.
pub const MAX_ID: u64 = u32::MAX as u64;

/// The book as the benchmark sees it.
#[derive(Debug, Default)]
pub struct Matcher {
    book: PlainBook,
}

impl Matcher {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Acknowledges an order, lets it trade, and cancels what an immediate one leaves.
    ///
    /// An order that the book cannot keep (no quantity, a price outside 1..=2^31 - 2, an id above
    /// [`MAX_ID`] or of a resting order) is acknowledged and cancelled at once.
    #[inline]
    pub fn new_order(&mut self, order: &NewOrder, mut push: impl FnMut(&Report)) {
        push(&Report {
            kind: Kind::OrderAck,
            side: order.side,
            sequence: order.sequence,
            order_id: order.order_id,
            price: order.price,
            quantity: order.quantity,
            ..Report::default()
        });
        let rests = order.immediate == 0;
        let left = self.offer(order, rests, &mut push);
        if left > 0 {
            push(&Report {
                kind: Kind::CancelAck,
                side: order.side,
                sequence: order.sequence,
                order_id: order.order_id,
                price: order.price,
                quantity: left,
                ..Report::default()
            });
        }
    }

    /// Takes a resting order out.
    #[inline]
    pub fn cancel(&mut self, cancel: &Cancel, mut push: impl FnMut(&Report)) {
        let mut report = Report {
            kind: Kind::CancelReject,
            sequence: cancel.sequence,
            order_id: cancel.order_id,
            ..Report::default()
        };
        if let Some(gone) = self.book.take_out(cancel.order_id) {
            report.kind = Kind::CancelAck;
            report.side = gone.side.number();
            report.price = i64::from(gone.price);
            report.quantity = u32::try_from(gone.qty).unwrap_or(u32::MAX);
        }
        push(&report);
    }

    /// Takes a resting order out and enters it anew, behind the others.
    #[inline]
    pub fn modify(&mut self, modify: &Modify, mut push: impl FnMut(&Report)) {
        let mut report = Report {
            kind: Kind::ModifyReject,
            sequence: modify.sequence,
            order_id: modify.order_id,
            ..Report::default()
        };
        if self.book.take_out(modify.order_id).is_some() {
            let order = NewOrder {
                order_id: modify.order_id,
                sequence: modify.sequence,
                price: modify.price,
                quantity: modify.quantity,
                side: modify.side,
                ..NewOrder::default()
            };
            self.offer(&order, true, &mut push);
            report.kind = Kind::ModifyAck;
            report.side = modify.side;
            report.price = modify.price;
            report.quantity = modify.quantity;
        }
        push(&report);
    }

    /// Returns what was neither filled nor rests.
    #[inline]
    fn offer(&mut self, order: &NewOrder, rests: bool, push: &mut impl FnMut(&Report)) -> u32 {
        let Some(offered) = self.fitting(order, rests) else {
            return order.quantity;
        };
        let mut reports = Reports {
            order,
            push,
            left: 0,
        };
        self.book.offer(&offered, &mut reports);
        reports.left
    }

    #[inline]
    fn fitting(&self, order: &NewOrder, rests: bool) -> Option<PlainOrder> {
        let price = u32::try_from(order.price)
            .ok()
            .filter(|price| *price != 0)?;
        let fits = i64::from(price) <= MAX_PRICE && order.quantity != 0 && order.order_id <= MAX_ID;
        (fits && !self.book.rests(order.order_id)).then_some(PlainOrder {
            id: order.order_id,
            side: side(order.side),
            price,
            qty: u64::from(order.quantity),
            rests,
        })
    }

    /// Best bid in ticks.
    #[must_use]
    pub fn best_bid(&self) -> Option<i64> {
        self.book.best(Side::Buy).map(|level| level.price)
    }

    /// Best offer in ticks.
    #[must_use]
    pub fn best_ask(&self) -> Option<i64> {
        self.book.best(Side::Sell).map(|level| level.price)
    }

    /// Total resting quantity at a price; side 0 buys, 1 sells.
    #[must_use]
    pub fn depth_at(&self, price: i64, number: u8) -> u64 {
        self.book
            .level(side(number), price)
            .map_or(0, |level| level.qty)
    }
}

#[inline]
fn side(number: u8) -> Side {
    if number == 0 {
        Side::Buy
    } else {
        Side::Sell
    }
}

/// Turns trades into reports and notes what an immediate order left.
struct Reports<'a, P> {
    order: &'a NewOrder,
    push: &'a mut P,
    left: u32,
}

impl<P: FnMut(&Report)> Sink for Reports<'_, P> {
    #[inline]
    fn event(&mut self, event: EventRecord) {
        if event.kind == EventKind::Trade.number() {
            (self.push)(&Report {
                kind: Kind::Trade,
                sequence: self.order.sequence,
                price: event.price,
                quantity: u32::try_from(event.qty).unwrap_or(u32::MAX),
                maker_id: event.other_id,
                taker_id: self.order.order_id,
                ..Report::default()
            });
        } else if event.kind == EventKind::Cancelled.number() {
            self.left = u32::try_from(event.qty).unwrap_or(u32::MAX);
        }
    }
}
