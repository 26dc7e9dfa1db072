//! The small types and numbers of the rules: sides, types, phases, limits.

use super::numbered::numbered;

/// Version of the rules in `docs/specs/matching.md`; raised when any of them changes.
pub const SEMANTICS_VERSION: u32 = 2;
/// Highest price in ticks.
pub const MAX_PRICE: i64 = 0x7FFF_FFFE;
/// Highest quantity in lots that an instrument may allow, and its default.
pub const MAX_QTY: u64 = 1 << 40;
/// Most slices of an iceberg; it bounds the trades that one order can cause.
pub const MAX_SLICES: u64 = 1_000;
/// Highest quote amount in tick-lots.
pub const MAX_QUOTE: u64 = 1 << 62;
/// Highest amount of an asset, and bound of every product of an instrument's numbers.
pub const MAX_AMOUNT: u128 = 1 << 120;
/// Most rounds of an uncross that find a price; it bounds the work that self-trade prevention causes.
pub const MAX_ROUNDS: u32 = 8;
/// Latest time, ns since 1970: in the year 2116, and far from the end of what a time can hold.
pub const MAX_TIME_NS: u64 = 1 << 62;
/// Caps of armed and of pegged orders of an instrument that was just added.
pub const USUAL_FOLLOWERS: u32 = 1_000;
/// Number of fee tiers.
pub const TIERS: usize = 16;
/// Bound of the absolute value of a fee rate in parts per million.
pub const MAX_FEE_PPM: i64 = 100_000;
/// Parts per million in one.
pub const PPM: u64 = 1_000_000;

numbered! {
    /// Side of an order.
    Side {
        /// Bid.
        Buy = 0,
        /// Offer.
        Sell = 1,
    }
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

numbered! {
    /// Type of an order.
    OrderType {
        /// At a price or better.
        Limit = 0,
        /// At what there is.
        Market = 1,
        /// A limit order at the best opposite price of its arrival.
        MarketToLimit = 2,
        /// A market order once a trigger price is reached.
        Stop = 3,
        /// A limit order once a trigger price is reached.
        StopLimit = 4,
        /// A stop whose trigger follows the best price seen.
        TrailingStop = 5,
        /// A limit order whose price follows the best prices of others.
        Pegged = 6,
    }
}

numbered! {
    /// How long an order lives.
    Tif {
        /// Until cancelled.
        Gtc = 0,
        /// What does not fill at once is dropped.
        Ioc = 1,
        /// Wholly at once or not at all.
        Fok = 2,
        /// Until `expire_s`.
        Gtd = 3,
        /// Until the instrument closes.
        Day = 4,
    }
}

numbered! {
    /// What happens when a taker meets an order of the same owner. The taker's mode decides.
    StpMode {
        /// They trade.
        None = 0,
        /// The resting order goes.
        ExpireMaker = 1,
        /// The arriving order goes.
        ExpireTaker = 2,
        /// Both go.
        ExpireBoth = 3,
        /// Both lose the lots of the smaller.
        Decrement = 4,
    }
}

numbered! {
    /// What a pegged order follows.
    PegKind {
        /// Not pegged.
        None = 0,
        /// Best price of the own side.
        Primary = 1,
        /// Best price of the opposite side.
        Market = 2,
        /// Middle of both.
        Mid = 3,
    }
}

numbered! {
    /// Place of an order in a list.
    ListRole {
        /// Not in a list.
        None = 0,
        /// Head of a pair of which one cancels the other; one leg follows.
        OcoHead = 1,
        /// Head of a bracket; take profit and stop follow.
        BracketHead = 2,
        /// Leg of the head before it.
        Leg = 3,
    }
}

impl ListRole {
    /// Number of legs that follow a record with this role.
    #[must_use]
    pub const fn legs(self) -> usize {
        match self {
            Self::None | Self::Leg => 0,
            Self::OcoHead => 1,
            Self::BracketHead => 2,
        }
    }
}

numbered! {
    /// What an instrument does with orders. Orders are cancelled and reduced in every phase.
    Phase {
        /// Nothing is taken; entering ends DAY orders.
        Closed = 0,
        /// Nothing is taken: only cancel and reduce.
        Halted = 1,
        /// Orders rest without matching, to be uncrossed.
        Auction = 2,
        /// Orders match as they arrive.
        Continuous = 3,
    }
}

numbered! {
    /// A rule of an instrument, as `SetRule` names it.
    RuleKind {
        /// Prices are multiples of it.
        TickStep = 0,
        /// Quantities are multiples of it.
        LotStep = 1,
        /// Least quantity.
        MinQty = 2,
        /// Greatest quantity.
        MaxQty = 3,
        /// Least price times quantity.
        MinNotional = 4,
        /// Band of prices around the reference, ppm.
        BandPpm = 5,
        /// How far a market order may walk, ppm.
        CollarPpm = 6,
        /// Cap of open orders.
        MaxOpen = 7,
        /// Cap of armed orders.
        MaxArmed = 8,
        /// Cap of pegged orders.
        MaxPegs = 9,
        /// Classes that are switched off.
        DisabledClasses = 10,
    }
}

/// Flags of new orders and amends, as in the record.
pub mod order_flags {
    /// Must not trade on arrival.
    pub const POST_ONLY: u16 = 1;
    /// A post-only order that would trade takes a price that does not.
    pub const SLIDE: u16 = 2;
    /// Must not open or turn a position.
    pub const REDUCE_ONLY: u16 = 4;
    /// The quantity is a quote amount.
    pub const QUOTE: u16 = 8;
    /// The trigger looks at the mark price.
    pub const MARK: u16 = 16;
    /// An amend gives up the place in the queue even if nothing changes.
    pub const REQUEUE: u16 = 32;
    /// Every flag of above.
    pub const ALL: u16 = 63;
    /// Where the peg kind begins in the record's flags.
    pub const PEG_SHIFT: u32 = 14;
}

/// Classes of orders that can be switched off, one bit each.
pub mod class {
    /// Market orders.
    pub const MARKET: u32 = 1;
    /// Market orders by quote amount.
    pub const QUOTE: u32 = 1 << 1;
    /// Market-to-limit orders.
    pub const MARKET_TO_LIMIT: u32 = 1 << 2;
    /// Limit orders with immediate or cancel.
    pub const IOC: u32 = 1 << 3;
    /// Limit orders with fill or kill.
    pub const FOK: u32 = 1 << 4;
    /// Post-only orders.
    pub const POST_ONLY: u32 = 1 << 5;
    /// Icebergs (`display` > 0).
    pub const ICEBERG: u32 = 1 << 6;
    /// Stops.
    pub const STOP: u32 = 1 << 7;
    /// Stop-limits.
    pub const STOP_LIMIT: u32 = 1 << 8;
    /// Trailing stops.
    pub const TRAILING: u32 = 1 << 9;
    /// Pegged orders.
    pub const PEGGED: u32 = 1 << 10;
    /// Reduce-only orders.
    pub const REDUCE_ONLY: u32 = 1 << 11;
    /// Orders good till a date.
    pub const GTD: u32 = 1 << 12;
    /// Orders good for the day.
    pub const DAY: u32 = 1 << 13;
    /// Head and leg of an OCO.
    pub const OCO: u32 = 1 << 14;
    /// Head and exits of a bracket.
    pub const BRACKET: u32 = 1 << 15;
    /// Amends.
    pub const AMEND: u32 = 1 << 16;
    /// Every class.
    pub const ALL: u32 = (1 << 17) - 1;
}

/// Rules of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Prices are multiples of it, ticks.
    pub tick_step: u32,
    /// Quantities are multiples of it, lots.
    pub lot_step: u64,
    /// Least quantity, lots.
    pub min_qty: u64,
    /// Greatest quantity, lots.
    pub max_qty: u64,
    /// Least price times quantity, tick-lots.
    pub min_notional: u64,
    /// Band around the reference, ppm; 0 = off.
    pub band_ppm: u32,
    /// Collar of market orders, ppm; 0 = off.
    pub collar_ppm: u32,
    /// Cap of open orders.
    pub max_open: u32,
    /// Cap of armed orders.
    pub max_armed: u32,
    /// Cap of pegged orders.
    pub max_pegs: u32,
    /// Classes that are switched off: bits of [`class`].
    pub disabled: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            tick_step: 1,
            lot_step: 1,
            min_qty: 1,
            max_qty: MAX_QTY,
            min_notional: 0,
            band_ppm: 0,
            collar_ppm: 0,
            max_open: u32::MAX,
            max_armed: USUAL_FOLLOWERS,
            max_pegs: USUAL_FOLLOWERS,
            disabled: 0,
        }
    }
}

/// Maker and taker fee rates of a tier, ppm of what is received; negative is a rebate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tier {
    /// Rate of a maker.
    pub maker_ppm: i32,
    /// Rate of a taker.
    pub taker_ppm: i32,
}

/// Caps of a whole engine; they bound its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Accounts 0..this exist.
    pub max_accounts: u32,
    /// Assets 0..this exist.
    pub max_assets: u32,
    /// Instruments that may be added.
    pub max_instruments: u32,
    /// Open orders of all instruments together.
    pub max_orders: u32,
    /// Client ids that are remembered.
    pub max_client_ids: u32,
    /// Open orders of one account on all instruments together.
    pub max_account_orders: u32,
    /// Client ids of one account that are remembered.
    pub max_account_client_ids: u32,
    /// How long the client id of a closed order is remembered, ns.
    pub client_window_ns: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_accounts: 1 << 16,
            max_assets: 64,
            max_instruments: 1 << 10,
            max_orders: 1 << 22,
            max_client_ids: 1 << 22,
            max_account_orders: 1 << 17,
            max_account_client_ids: 1 << 18,
            client_window_ns: 86_400_000_000_000,
        }
    }
}
