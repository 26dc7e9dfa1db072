//! The 64-byte record that the public feed consists of.

use bytemuck::{Pod, Zeroable};

/// What a [`FeedRecord`] says. The numbers are part of the format and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FeedKind {
    /// `side` aggressor (of an auction print: buy, with [`FLAG_AUCTION`]), `price`, `qty`; `command` and `extra`
    /// (1, 2, ... per command and instrument) name the print for good.
    Trade = 1,
    /// `flags` the new phase.
    Phase = 2,
    /// `price` of a round of an uncross, `qty` lots of its prints, which stand before it.
    Uncross = 3,
    /// `side`, `price`, `qty` displayed lots (0: the level is gone), `extra` number of orders.
    Level = 4,
    /// `price`, `qty` of the best bid, `other_price`, `extra` of the best ask; price 0: that side is empty.
    Top = 5,
    /// End of a batch of the depth channel: `qty` the checksum of the book, `flags` the phase.
    DepthEnd = 6,
    /// On demand, outside the sequence: `price` at which displayed lots would uncross (0: the book is not
    /// crossed), `qty` volume, `extra` surplus, `side` of the surplus.
    Indicative = 7,
    /// `side`, `price`, `qty` displayed lots, `extra` order id: the order is the last of its level.
    OrderAdd = 16,
    /// `extra` order id, `qty` its new displayed lots: it keeps its place.
    OrderChange = 17,
    /// `extra` order id.
    OrderDelete = 18,
    /// End of a batch of the order channel: `qty` the checksum of the orders, `flags` the phase.
    OrdersEnd = 19,
    /// Start of a snapshot of the depth: `qty` bid levels, `extra` ask levels, `flags` the phase.
    DepthSnapshot = 32,
    /// As `Level`, never with 0 lots: bids best first, then asks best first.
    SnapshotLevel = 33,
    /// Start of a snapshot of the orders: `qty` bid orders, `extra` ask orders, `flags` the phase.
    OrdersSnapshot = 34,
    /// As `OrderAdd`: bids best first, then asks best first, each level head to tail.
    SnapshotOrder = 35,
    /// End of a snapshot: `qty` the checksum.
    SnapshotEnd = 36,
}

impl FeedKind {
    /// Returns the kind with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Trade,
            2 => Self::Phase,
            3 => Self::Uncross,
            4 => Self::Level,
            5 => Self::Top,
            6 => Self::DepthEnd,
            7 => Self::Indicative,
            16 => Self::OrderAdd,
            17 => Self::OrderChange,
            18 => Self::OrderDelete,
            19 => Self::OrdersEnd,
            32 => Self::DepthSnapshot,
            33 => Self::SnapshotLevel,
            34 => Self::OrdersSnapshot,
            35 => Self::SnapshotOrder,
            36 => Self::SnapshotEnd,
            _ => return None,
        })
    }
}

/// Flag of a trade that an uncross printed.
pub const FLAG_AUCTION: u8 = 1;

/// One record of the public feed, little endian.
///
/// It has no place for an account, a client id or hidden lots: what it cannot hold cannot leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct FeedRecord {
    /// Number of a [`FeedKind`].
    pub kind: u8,
    /// 0 buy or bid, 1 sell or ask.
    pub side: u8,
    /// [`FLAG_AUCTION`] of a trade, the phase of `Phase`, of an end and of the start of a snapshot; else 0.
    pub flags: u8,
    /// Always 0.
    pub reserved: u8,
    /// Dense number of the instrument.
    pub instrument: u32,
    /// Changes whenever the publisher was built anew: sequences of two epochs have nothing in common.
    pub epoch: u64,
    /// Dense per instrument, channel and epoch, from 1. Records of a snapshot carry the last sequence that they hold.
    pub sequence: u64,
    /// Sequence of the command that caused it; of an end or a snapshot the last command published.
    pub command: u64,
    /// Ticks.
    pub price: i64,
    /// Lots, or what [`FeedKind`] says.
    pub qty: u64,
    /// Ticks of the best ask in `Top`; else 0.
    pub other_price: i64,
    /// Order id, number of orders, or what [`FeedKind`] says.
    pub extra: u64,
}

impl FeedRecord {
    /// Returns the kind, or none for a number that this version does not know.
    #[must_use]
    pub const fn kind(&self) -> Option<FeedKind> {
        FeedKind::from_number(self.kind)
    }
}
