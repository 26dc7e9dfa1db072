//! The whole state as plain values in one canonical order.
//!
//! Two engines with equal images answer every later command with equal events. Whoever keeps a
//! number that can change an event lists it here.

use super::rules::{Limits, OrderType, PegKind, Phase, Rules, Side, StpMode, Tier, Tif};

/// The state of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Caps of the engine.
    pub limits: Limits,
    /// Records seen: the sequence number of the next one.
    pub sequence: u64,
    /// Time of the last tick, ns.
    pub now_ns: u64,
    /// Kill switch of the venue.
    pub venue_killed: bool,
    /// The fee tiers, [`super::rules::TIERS`] of them.
    pub tiers: Vec<Tier>,
    /// Fees of the house, only those that are not 0, by asset.
    pub fees: Vec<FeeImage>,
    /// Accounts of which something is not as at the start, by account.
    pub accounts: Vec<AccountImage>,
    /// Instruments by id.
    pub instruments: Vec<InstrumentImage>,
    /// Client ids, the one to be forgotten first in front.
    pub client_ids: Vec<ClientIdImage>,
}

/// Fees that the house took in one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeImage {
    /// Asset.
    pub asset: u32,
    /// Base units, negative when rebates were higher.
    pub amount: i128,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountImage {
    /// Its id.
    pub account: u32,
    /// Fee tier.
    pub tier: u32,
    /// Trade group, 0 = none.
    pub group: u32,
    /// Kill switch.
    pub killed: bool,
    /// Balances of which one part is not 0, by asset.
    pub balances: Vec<BalanceImage>,
    /// Net positions that are not 0, by instrument.
    pub positions: Vec<PositionImage>,
}

/// A balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceImage {
    /// Asset.
    pub asset: u32,
    /// Free to use, base units.
    pub available: u128,
    /// Held for open orders, base units.
    pub held: u128,
}

/// A net position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionImage {
    /// Instrument.
    pub instrument: u32,
    /// Net lots, negative = short.
    pub lots: i64,
}

/// A client id and the order that it named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIdImage {
    /// Owner.
    pub account: u32,
    /// Owner's id.
    pub client_id: u64,
    /// Instrument of the order.
    pub instrument: u32,
    /// The order.
    pub order_id: u64,
    /// Time from which its age counts, ns.
    pub since_ns: u64,
}

/// An instrument with its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentImage {
    /// Asset that is traded.
    pub base_asset: u32,
    /// Asset that is paid.
    pub quote_asset: u32,
    /// Base units of the base asset per lot.
    pub lot_units: u64,
    /// Base units of the quote asset per tick and lot.
    pub tick_units: u64,
    /// Balances are checked and settled.
    pub funded: bool,
    /// Net positions are kept.
    pub positions: bool,
    /// Rules.
    pub rules: Rules,
    /// Phase.
    pub phase: Phase,
    /// Price of the last trade, 0 = none.
    pub last_price: i64,
    /// Mark price, 0 = none.
    pub mark_price: i64,
    /// Id of the next order.
    pub next_order_id: u64,
    /// Orders that went to the tail of a level so far (`Rested` events).
    pub rests: u64,
    /// Bids, highest price first.
    pub bids: Vec<LevelImage>,
    /// Offers, lowest price first.
    pub asks: Vec<LevelImage>,
    /// Armed stops by id.
    pub armed: Vec<OrderImage>,
    /// Exits that wait for the head of their bracket, by id.
    pub pending: Vec<OrderImage>,
    /// Pegged orders without a price, by id.
    pub parked: Vec<OrderImage>,
}

/// A price level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelImage {
    /// Ticks.
    pub price: i64,
    /// Orders, head first.
    pub orders: Vec<OrderImage>,
}

/// How an order hangs together with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkImage {
    /// It does not.
    #[default]
    None,
    /// One cancels the other.
    Oco {
        /// The other.
        sibling: u64,
    },
    /// Head of a bracket.
    BracketHead {
        /// Its take profit.
        take_profit: u64,
        /// Its stop.
        stop: u64,
    },
    /// Exit that waits for the head of its bracket.
    BracketExit {
        /// The head.
        head: u64,
        /// The other exit.
        sibling: u64,
    },
}

/// An open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderImage {
    /// Its id.
    pub id: u64,
    /// Owner.
    pub account: u32,
    /// Side.
    pub side: Side,
    /// Type as given; a fired stop-limit keeps its type.
    pub order_type: OrderType,
    /// Time in force.
    pub tif: Tif,
    /// Bits of `order_flags` as given.
    pub flags: u16,
    /// Self-trade prevention.
    pub stp: StpMode,
    /// What it follows.
    pub peg: PegKind,
    /// Limit, protection or cap, ticks, 0 = none. A resting pegged order rests at its level's price.
    pub price: i64,
    /// Lots in all, with those filled; open lots plus filled lots at any time.
    pub total: u64,
    /// Open lots.
    pub open: u64,
    /// Displayed lots of a resting order, else 0.
    pub displayed: u64,
    /// Lots an iceberg shows at a time, 0 = plain.
    pub display: u32,
    /// Trigger price, distance or offset, ticks.
    pub trigger: i64,
    /// Watermark of an armed trailing stop, 0 = none.
    pub watermark: i64,
    /// Good-till date, seconds, 0 = none.
    pub expire_s: u32,
    /// Session token, 0 = none.
    pub session: u32,
    /// Owner's id, 0 = none.
    pub client_id: u64,
    /// The instrument's number of rests when it last went to a tail, 0 if it does not rest.
    pub priority: u64,
    /// Links.
    pub link: LinkImage,
}
