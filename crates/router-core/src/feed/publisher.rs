//! The publisher: the engine's events in, the public feed out.

use crate::engine::image::InstrumentImage;
use crate::engine::{CommandKind, EventKind, EventRecord, Image};

use super::error::OutOfStep;
use super::indicative::{indicative, Indicative};
use super::instrument::{Instrument, Out};
use super::record::{FeedKind, FeedRecord};
use super::snapshot;
use super::view::{View, ASK, BID};

/// Turns event records into the public feed.
///
/// It needs nothing but the events, so it can run behind the journal and see only what is durable. Memory: the
/// most orders that were displayed at once, per instrument.
#[derive(Clone, Debug)]
pub struct Publisher {
    epoch: u64,
    instruments: Vec<Instrument>,
    busy: Vec<u32>,
    /// Least sequence that the next command may have.
    next_command: u64,
    broken: Option<OutOfStep>,
}

impl Publisher {
    /// Returns the publisher of an engine that has not seen a command.
    ///
    /// `epoch` must be higher than that of every publisher before it whose records a consumer may still hold.
    #[must_use]
    pub const fn new(epoch: u64) -> Self {
        Self {
            epoch,
            instruments: Vec::new(),
            busy: Vec::new(),
            next_command: 0,
            broken: None,
        }
    }

    /// Returns the publisher of an engine with this state; its next event is that of command `image.sequence` or later.
    ///
    /// # Errors
    /// The image shows an order twice, or a number of it is outside its range.
    pub fn from_image(image: &Image, epoch: u64) -> Result<Self, OutOfStep> {
        let mut publisher = Self::new(epoch);
        for instrument in &image.instruments {
            let mut added = publisher.blank()?;
            added.phase = instrument.phase.number();
            added.last_price = instrument.last_price;
            added.view = view_of(instrument)?;
            added.note_top();
            publisher.instruments.push(added);
        }
        publisher.next_command = image.sequence;
        Ok(publisher)
    }

    fn blank(&self) -> Result<Instrument, OutOfStep> {
        let number = u32::try_from(self.instruments.len()).map_err(|_| OutOfStep::TooMany)?;
        Ok(Instrument::new(number, self.epoch))
    }

    /// Publishes the events of a submission as one batch: per instrument what happened, then each level that
    /// changed once, then the top if it changed, then the checksum.
    ///
    /// `events` are all events of one or more commands; a command is never cut in two. Records are appended to
    /// `depth` and, for instruments that are watched, to `orders`.
    ///
    /// # Errors
    /// The events do not continue what was published. Nothing is appended, and the publisher is of no use any more.
    pub fn publish(
        &mut self,
        events: &[EventRecord],
        depth: &mut Vec<FeedRecord>,
        orders: &mut Vec<FeedRecord>,
    ) -> Result<(), OutOfStep> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let before = (depth.len(), orders.len());
        let result = self.take(events, &mut Out { depth, orders });
        if let Err(broken) = result {
            depth.truncate(before.0);
            orders.truncate(before.1);
            self.broken = Some(broken);
        }
        result
    }

    fn take(&mut self, events: &[EventRecord], out: &mut Out<'_>) -> Result<(), OutOfStep> {
        let mut command = self.next_command;
        for event in events {
            if event.command < command {
                return Err(OutOfStep::Backwards);
            }
            command = event.command;
            self.one(event, out)?;
        }
        if !events.is_empty() {
            self.next_command = command.checked_add(1).ok_or(OutOfStep::OutOfRange)?;
        }
        let mut busy = std::mem::take(&mut self.busy);
        busy.sort_unstable();
        for number in busy.drain(..) {
            let instrument = self.at_mut(number)?;
            instrument.busy = false;
            instrument.settle(command, out)?;
        }
        self.busy = busy;
        Ok(())
    }

    fn one(&mut self, event: &EventRecord, out: &mut Out<'_>) -> Result<(), OutOfStep> {
        match event.event_kind().ok_or(OutOfStep::OutOfRange)? {
            EventKind::Trade => self.about(event)?.trade(event, out),
            EventKind::Rested => self.about(event)?.rest(event, out),
            EventKind::Reduced => self.about(event)?.reduce(event, out),
            EventKind::Replaced | EventKind::Cancelled | EventKind::Parked => {
                self.about(event)?.remove(event, out)
            }
            EventKind::Phase => self.about(event)?.enter(event, out),
            EventKind::Uncross => self.about(event)?.uncross(event, out),
            EventKind::Configured => self.configured(event),
            EventKind::Accepted
            | EventKind::Rejected
            | EventKind::Duplicate
            | EventKind::Armed
            | EventKind::Triggered
            | EventKind::Activated
            | EventKind::Fee
            | EventKind::Balance => Ok(()),
        }
    }

    fn configured(&mut self, event: &EventRecord) -> Result<(), OutOfStep> {
        if event.qty != u64::from(CommandKind::AddInstrument.number()) {
            return Ok(());
        }
        let added = self.blank()?;
        if added.number != event.instrument {
            return Err(OutOfStep::Instrument);
        }
        self.instruments.push(added);
        Ok(())
    }

    fn about(&mut self, event: &EventRecord) -> Result<&mut Instrument, OutOfStep> {
        let place = usize::try_from(event.instrument).map_err(|_| OutOfStep::Instrument)?;
        let instrument = self
            .instruments
            .get_mut(place)
            .ok_or(OutOfStep::Instrument)?;
        if !instrument.busy {
            instrument.busy = true;
            self.busy.push(event.instrument);
        }
        Ok(instrument)
    }

    fn at(&self, number: u32) -> Result<&Instrument, OutOfStep> {
        usize::try_from(number)
            .ok()
            .and_then(|place| self.instruments.get(place))
            .ok_or(OutOfStep::Instrument)
    }

    fn at_mut(&mut self, number: u32) -> Result<&mut Instrument, OutOfStep> {
        usize::try_from(number)
            .ok()
            .and_then(|place| self.instruments.get_mut(place))
            .ok_or(OutOfStep::Instrument)
    }

    /// Turns the order channel of an instrument on or off. Turning it on leaves a gap in its sequence.
    ///
    /// # Errors
    /// The instrument does not exist.
    pub fn watch_orders(&mut self, instrument: u32, watched: bool) -> Result<(), OutOfStep> {
        let instrument = self.at_mut(instrument)?;
        if watched && !instrument.watched {
            instrument.orders.skip();
        }
        instrument.watched = watched;
        Ok(())
    }

    /// Appends a snapshot of the levels as of the last batch.
    ///
    /// # Errors
    /// The instrument does not exist, or the publisher is of no use any more.
    pub fn depth_snapshot(
        &self,
        instrument: u32,
        out: &mut Vec<FeedRecord>,
    ) -> Result<(), OutOfStep> {
        snapshot::depth(self.whole(instrument)?, self.last_command(), out);
        Ok(())
    }

    /// Appends a snapshot of the displayed orders as of the last batch.
    ///
    /// # Errors
    /// The instrument does not exist, or the publisher is of no use any more.
    pub fn orders_snapshot(
        &self,
        instrument: u32,
        out: &mut Vec<FeedRecord>,
    ) -> Result<(), OutOfStep> {
        snapshot::orders(self.whole(instrument)?, self.last_command(), out);
        Ok(())
    }

    fn whole(&self, instrument: u32) -> Result<&Instrument, OutOfStep> {
        match self.broken {
            Some(broken) => Err(broken),
            None => self.at(instrument),
        }
    }

    const fn last_command(&self) -> u64 {
        self.next_command.saturating_sub(1)
    }

    /// Appends where the displayed lots of an instrument would uncross now, as a record outside the sequence.
    ///
    /// Hidden lots do not count, so the auction may find another price.
    ///
    /// # Errors
    /// The instrument does not exist, or the publisher is of no use any more.
    pub fn indicative(&self, instrument: u32, out: &mut Vec<FeedRecord>) -> Result<(), OutOfStep> {
        let instrument = self.whole(instrument)?;
        let view = &instrument.view;
        let found = indicative(
            view.levels(BID).map(|(price, level)| (price, level.qty)),
            view.levels(ASK).map(|(price, level)| (price, level.qty)),
            instrument.last_price,
        );
        let Indicative {
            price,
            volume,
            surplus,
            side,
        } = found.unwrap_or_default();
        out.push(FeedRecord {
            side,
            flags: instrument.phase,
            sequence: instrument.depth.sequence,
            price,
            qty: volume,
            extra: surplus,
            ..instrument.record(FeedKind::Indicative, self.last_command())
        });
        Ok(())
    }

    /// Returns price, displayed lots and number of orders of up to `levels` levels of a side, best first.
    ///
    /// # Errors
    /// The instrument does not exist, or the publisher is of no use any more.
    pub fn depth(
        &self,
        instrument: u32,
        side: u8,
        levels: usize,
    ) -> Result<Vec<(i64, u64, u64)>, OutOfStep> {
        let view = &self.whole(instrument)?.view;
        Ok(view
            .levels(side)
            .take(levels)
            .map(|(price, level)| (price, level.qty, level.count))
            .collect())
    }

    /// Returns the number of instruments.
    #[must_use]
    pub fn instruments(&self) -> usize {
        self.instruments.len()
    }
}

fn view_of(image: &InstrumentImage) -> Result<View, OutOfStep> {
    let mut view = View::default();
    for (side, levels) in [(BID, &image.bids), (ASK, &image.asks)] {
        for level in levels {
            for order in &level.orders {
                view.rest(order.id, side, level.price, order.displayed)?;
            }
        }
    }
    view.settle(|_| {});
    Ok(view)
}
