//! What the engine says: 64-byte event records.

use bytemuck::{Pod, Zeroable};

use super::numbered::numbered;
use super::reason::Reason;
use super::rules::Side;

numbered! {
    /// Kind of an event, and what its fields hold. Fields not named are 0. Numbers never change.
    ///
    /// `command` is always the sequence number of the command; unless said otherwise `instrument`,
    /// `account`, `order_id` and `side` are those of the order the event is about.
    EventKind {
        /// An order was taken: `other_id` client id, `price` (0 = none), `qty` lots (flag
        /// `QUOTE`: budget). Flag `PENDING`: an exit that waits for its bracket head.
        Accepted = 1,
        /// A command was refused: `reason`, `instrument`, `account` and `other_id` (client id) as in
        /// the record; `order_id` as in the record for cancel, amend and reduce, else 0; `side` 0.
        Rejected = 2,
        /// A client id was used before: `account`, `other_id` client id, `order_id` and
        /// `instrument` of the first order; `side` 0.
        Duplicate = 3,
        /// A trade: the taker is `account`, `order_id`, `side`; the maker `other_account`,
        /// `other_id`; `price`, `qty`, `leaves` (open lots, or budget, of the taker).
        /// Flag `MAKER_DONE`. Flag `AUCTION`: the buy order stands in the taker's fields.
        Trade = 4,
        /// An order went to the tail of its level: `price`, `qty` displayed lots, `leaves` open lots.
        /// Flag `REFILL`: an iceberg showed its next slice.
        Rested = 5,
        /// Open lots were taken off in place: `reason`, `price`, `qty` lots taken, `leaves` open lots.
        Reduced = 6,
        /// An order took new numbers: `price`, `qty` total lots, `leaves` open lots.
        Replaced = 7,
        /// An order is gone: `reason`, `price`, `qty` open lots (flag `QUOTE`: budget) that it lost.
        Cancelled = 8,
        /// A stop waits: `price` current trigger price (0 = a trailing stop without watermark or
        /// with a trigger below 1), `qty` open lots.
        Armed = 9,
        /// A stop fired: `price` its limit or protection (0 = none), `qty` open lots.
        Triggered = 10,
        /// An exit of a bracket came to life: `price`, `qty` lots.
        Activated = 11,
        /// A pegged order has no price now: `qty` open lots.
        Parked = 12,
        /// A fee: `order_id`, `account`, `side`, `other_id` asset, amount in `price` (high) and
        /// `qty` (low), negative for a rebate.
        Fee = 13,
        /// A deposit or withdrawal: `account`, `other_id` asset, available amount in `price` and
        /// `qty`; `instrument` 0.
        Balance = 14,
        /// An instrument entered a phase: `qty` the phase's number.
        Phase = 15,
        /// A round of an uncross has traded: its `price`, `qty` the lots of its trades, which stand before it,
        /// `leaves` |surplus| when the price was found; `side` 0.
        Uncross = 16,
        /// An administrative command was applied: `instrument` and `account` as in the record,
        /// `qty` the command's kind.
        Configured = 17,
    }
}

/// Bits of [`EventRecord::flags`].
pub mod event_flags {
    /// The maker of the trade is filled.
    pub const MAKER_DONE: u8 = 1;
    /// The order rests because its displayed lots were refilled.
    pub const REFILL: u8 = 2;
    /// The trade is part of an uncross.
    pub const AUCTION: u8 = 4;
    /// The order waits for the head of its bracket.
    pub const PENDING: u8 = 8;
    /// Quantities of the event are quote amounts in tick-lots.
    pub const QUOTE: u8 = 16;
}

/// One event, 64 bytes, little endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct EventRecord {
    /// [`EventKind`].
    pub kind: u8,
    /// [`Reason`].
    pub reason: u8,
    /// [`Side`], where there is one.
    pub side: u8,
    /// Bits of [`event_flags`].
    pub flags: u8,
    /// Instrument.
    pub instrument: u32,
    /// Sequence number of the command.
    pub command: u64,
    /// Account of the order.
    pub account: u32,
    /// Account of the maker.
    pub other_account: u32,
    /// Order.
    pub order_id: u64,
    /// Maker's order, client id or asset.
    pub other_id: u64,
    /// Ticks, or the high half of an amount.
    pub price: i64,
    /// Lots, or the low half of an amount.
    pub qty: u64,
    /// Lots left.
    pub leaves: u64,
}

impl EventRecord {
    /// The kind, if the record is one of ours.
    #[must_use]
    pub const fn event_kind(&self) -> Option<EventKind> {
        EventKind::from_number(self.kind)
    }

    /// The reason, if the record is one of ours.
    #[must_use]
    pub const fn event_reason(&self) -> Option<Reason> {
        Reason::from_number(self.reason)
    }

    /// The side, if the record is one of ours.
    #[must_use]
    pub const fn event_side(&self) -> Option<Side> {
        Side::from_number(self.side)
    }

    /// The signed amount of a `Fee` or `Balance`, base units of the asset `other_id`.
    #[must_use]
    pub fn amount(&self) -> i128 {
        (i128::from(self.price) << 64) | i128::from(self.qty)
    }

    /// Puts a signed amount into `price` and `qty`.
    #[must_use]
    pub fn with_amount(mut self, amount: i128) -> Self {
        let bytes = amount.to_le_bytes();
        let (low, high) = bytes.split_at(8);
        self.qty = low.try_into().map_or(0, u64::from_le_bytes);
        self.price = high.try_into().map_or(0, i64::from_le_bytes);
        self
    }
}

/// Where events go, in order.
pub trait Sink {
    /// Takes the next event.
    fn event(&mut self, event: EventRecord);
}

impl Sink for Vec<EventRecord> {
    #[inline]
    fn event(&mut self, event: EventRecord) {
        self.push(event);
    }
}

impl<T: Sink + ?Sized> Sink for &mut T {
    #[inline]
    fn event(&mut self, event: EventRecord) {
        (**self).event(event);
    }
}

/// A sink that keeps nothing but counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountingSink {
    /// Events seen.
    pub events: u64,
    /// Trades seen.
    pub trades: u64,
    /// Lots of the trades, wrapping.
    pub lots: u64,
}

impl Sink for CountingSink {
    #[inline]
    fn event(&mut self, event: EventRecord) {
        self.events = self.events.wrapping_add(1);
        if event.kind == EventKind::Trade.number() {
            self.trades = self.trades.wrapping_add(1);
            self.lots = self.lots.wrapping_add(event.qty);
        }
    }
}
