//! What the publisher knows of one instrument, and the two channels that speak of it.

use crate::engine::{event_flags, EventRecord};

use super::checksum::{queue_checksum, view_checksum};
use super::error::OutOfStep;
use super::record::{FeedKind, FeedRecord, FLAG_AUCTION};
use super::view::{Change, View, ASK, BID};

/// A dense sequence of records.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Channel {
    pub(super) sequence: u64,
    /// The present batch has records.
    open: bool,
}

impl Channel {
    fn say(&mut self, out: &mut Vec<FeedRecord>, record: FeedRecord) -> Result<(), OutOfStep> {
        self.sequence = self.sequence.checked_add(1).ok_or(OutOfStep::OutOfRange)?;
        self.open = true;
        out.push(FeedRecord {
            sequence: self.sequence,
            ..record
        });
        Ok(())
    }

    /// Leaves a gap, so that whoever followed before must start anew.
    pub(super) fn skip(&mut self) {
        self.sequence = self.sequence.saturating_add(1);
    }
}

/// Where the records of the two channels go.
#[derive(Debug)]
pub(super) struct Out<'a> {
    pub(super) depth: &'a mut Vec<FeedRecord>,
    pub(super) orders: &'a mut Vec<FeedRecord>,
}

/// One instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct Instrument {
    pub(super) number: u32,
    pub(super) epoch: u64,
    pub(super) view: View,
    pub(super) phase: u8,
    pub(super) last_price: i64,
    pub(super) depth: Channel,
    pub(super) orders: Channel,
    /// Somebody wants the order channel.
    pub(super) watched: bool,
    /// It is in the publisher's list of instruments with news.
    pub(super) busy: bool,
    /// Command of the last trade and number of its trades so far.
    prints: (u64, u64),
    top_said: (i64, u64, i64, u64),
}

impl Instrument {
    pub(super) fn new(number: u32, epoch: u64) -> Self {
        Self {
            number,
            epoch,
            ..Self::default()
        }
    }

    pub(super) const fn record(&self, kind: FeedKind, command: u64) -> FeedRecord {
        FeedRecord {
            kind: kind as u8,
            side: 0,
            flags: 0,
            reserved: 0,
            instrument: self.number,
            epoch: self.epoch,
            sequence: 0,
            command,
            price: 0,
            qty: 0,
            other_price: 0,
            extra: 0,
        }
    }

    /// Shows an order at the tail of its level.
    pub(super) fn rest(&mut self, event: &EventRecord, out: &mut Out<'_>) -> Result<(), OutOfStep> {
        let (id, side, price, shown) = (event.order_id, event.side, event.price, event.qty);
        self.view.rest(id, side, price, shown)?;
        if !self.watched {
            return Ok(());
        }
        let added = FeedRecord {
            side,
            price,
            qty: shown,
            extra: id,
            ..self.record(FeedKind::OrderAdd, event.command)
        };
        self.orders.say(out.orders, added)
    }

    /// Prints a trade and takes its lots off what is displayed.
    pub(super) fn trade(
        &mut self,
        event: &EventRecord,
        out: &mut Out<'_>,
    ) -> Result<(), OutOfStep> {
        let auction = event.flags & event_flags::AUCTION != 0;
        let ordinal = if self.prints.0 == event.command {
            self.prints.1.saturating_add(1)
        } else {
            1
        };
        self.prints = (event.command, ordinal);
        self.last_price = event.price;
        let print = FeedRecord {
            side: event.side,
            flags: if auction { FLAG_AUCTION } else { 0 },
            price: event.price,
            qty: event.qty,
            extra: ordinal,
            ..self.record(FeedKind::Trade, event.command)
        };
        self.depth.say(out.depth, print)?;
        if auction {
            let change = self.view.trade(event.order_id, event.qty)?;
            self.tell(event.order_id, change, event.command, out)?;
        }
        let change = self.view.trade(event.other_id, event.qty)?;
        self.tell(event.other_id, change, event.command, out)
    }

    /// Caps what an order shows by its open lots; an order that is not displayed is nobody's business.
    pub(super) fn reduce(
        &mut self,
        event: &EventRecord,
        out: &mut Out<'_>,
    ) -> Result<(), OutOfStep> {
        match self.view.cap(event.order_id, event.leaves)? {
            Some(change) => self.tell(event.order_id, change, event.command, out),
            None => Ok(()),
        }
    }

    /// Takes an order from view.
    pub(super) fn remove(
        &mut self,
        event: &EventRecord,
        out: &mut Out<'_>,
    ) -> Result<(), OutOfStep> {
        match self.view.remove(event.order_id)? {
            Some(change) => self.tell(event.order_id, change, event.command, out),
            None => Ok(()),
        }
    }

    fn tell(
        &mut self,
        id: u64,
        change: Change,
        command: u64,
        out: &mut Out<'_>,
    ) -> Result<(), OutOfStep> {
        if !self.watched {
            return Ok(());
        }
        let (kind, qty) = match change {
            Change::Shows(shown) => (FeedKind::OrderChange, shown),
            Change::Gone => (FeedKind::OrderDelete, 0),
        };
        let told = FeedRecord {
            qty,
            extra: id,
            ..self.record(kind, command)
        };
        self.orders.say(out.orders, told)
    }

    /// Notes a new phase.
    pub(super) fn enter(
        &mut self,
        event: &EventRecord,
        out: &mut Out<'_>,
    ) -> Result<(), OutOfStep> {
        self.phase = u8::try_from(event.qty).map_err(|_| OutOfStep::OutOfRange)?;
        let entered = FeedRecord {
            flags: self.phase,
            ..self.record(FeedKind::Phase, event.command)
        };
        self.depth.say(out.depth, entered)
    }

    /// Sums up the prints of a round of an uncross. Its surplus stays inside, for it counts hidden lots.
    pub(super) fn uncross(
        &mut self,
        event: &EventRecord,
        out: &mut Out<'_>,
    ) -> Result<(), OutOfStep> {
        let found = FeedRecord {
            price: event.price,
            qty: event.qty,
            ..self.record(FeedKind::Uncross, event.command)
        };
        self.depth.say(out.depth, found)
    }

    /// Ends the batch: levels that changed, the top if it changed, the checksums.
    pub(super) fn settle(&mut self, command: u64, out: &mut Out<'_>) -> Result<(), OutOfStep> {
        let blank = self.record(FeedKind::Level, command);
        let depth = &mut self.depth;
        let mut said = Ok(());
        self.view.settle(|level| {
            let delta = FeedRecord {
                side: level.side,
                price: level.price,
                qty: level.qty,
                extra: level.count,
                ..blank
            };
            said = said.and_then(|()| depth.say(out.depth, delta));
        });
        said?;
        self.say_top(command, out)?;
        self.end(command, out)
    }

    fn top(&self) -> (i64, u64, i64, u64) {
        let (bid, bid_qty) = self.view.best(BID);
        let (ask, ask_qty) = self.view.best(ASK);
        (bid, bid_qty, ask, ask_qty)
    }

    /// Takes the present top as known to every consumer: a snapshot tells it.
    pub(super) fn note_top(&mut self) {
        self.top_said = self.top();
    }

    fn say_top(&mut self, command: u64, out: &mut Out<'_>) -> Result<(), OutOfStep> {
        let top = self.top();
        if top == self.top_said {
            return Ok(());
        }
        self.top_said = top;
        let (bid, bid_qty, ask, ask_qty) = top;
        let told = FeedRecord {
            price: bid,
            qty: bid_qty,
            other_price: ask,
            extra: ask_qty,
            ..self.record(FeedKind::Top, command)
        };
        self.depth.say(out.depth, told)
    }

    fn end(&mut self, command: u64, out: &mut Out<'_>) -> Result<(), OutOfStep> {
        if self.depth.open {
            let end = FeedRecord {
                flags: self.phase,
                qty: view_checksum(&self.view),
                ..self.record(FeedKind::DepthEnd, command)
            };
            self.depth.say(out.depth, end)?;
            self.depth.open = false;
        }
        if self.orders.open {
            let end = FeedRecord {
                flags: self.phase,
                qty: queue_checksum(&self.view),
                ..self.record(FeedKind::OrdersEnd, command)
            };
            self.orders.say(out.orders, end)?;
            self.orders.open = false;
        }
        Ok(())
    }
}
