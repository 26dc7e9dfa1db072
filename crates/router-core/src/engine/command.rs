//! What the engine is told: 64-byte command records and their meaning.

use bytemuck::{Pod, Zeroable};

use super::numbered::numbered;
use super::rules::{ListRole, OrderType, PegKind, Phase, RuleKind, Side, StpMode, Tif};

/// One command, 64 bytes, little endian. Fields that a kind does not name must be 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Pod, Zeroable)]
#[repr(C)]
pub struct CommandRecord {
    /// [`CommandKind`].
    pub kind: u8,
    /// [`Side`].
    pub side: u8,
    /// [`OrderType`]; rule of `SetRule`, phase of `SetPhase`.
    pub order_type: u8,
    /// [`Tif`].
    pub tif: u8,
    /// Order flags with the peg kind in the top two bits; scope or mode bits of other kinds.
    pub flags: u16,
    /// [`StpMode`].
    pub stp: u8,
    /// [`ListRole`].
    pub list: u8,
    /// Instrument.
    pub instrument: u32,
    /// Account.
    pub account: u32,
    /// Client id; high half of an amount; `max_qty` of a new instrument.
    pub client_id: u64,
    /// Order; session token of a new order; `lot_units` of a new instrument.
    pub order_id: u64,
    /// Price, ticks; net position; maker ppm.
    pub price: i64,
    /// Lots; value of a rule; low half of an amount; time; `tick_units` of a new instrument.
    pub qty: u64,
    /// Trigger price, trailing distance or peg offset, ticks; taker ppm.
    pub trigger: i64,
    /// Displayed lots of an iceberg; asset; tier.
    pub display: u32,
    /// Good-till date, seconds; quote asset; trade group.
    pub expire_s: u32,
}

numbered! {
    /// Kind of a command, and the record fields that it uses. Numbers never change.
    CommandKind {
        /// All fields; the session token is in `order_id`.
        New = 1,
        /// `instrument`, `account`, `order_id`.
        Cancel = 2,
        /// `account`, `client_id`.
        CancelByClientId = 3,
        /// `instrument`, `account`, `order_id`, `price`, `qty`, flag `REQUEUE`.
        Amend = 4,
        /// `instrument`, `account`, `order_id`, `qty`.
        Reduce = 5,
        /// `flags` of [`scope`] say which of `account`, `side`, `instrument` are given.
        MassCancel = 6,
        /// `order_id`: session token.
        Disconnect = 7,
        /// `qty`: time in ns.
        Tick = 8,
        /// `instrument`, `display` base asset, `expire_s` quote asset, `order_id` lot units,
        /// `qty` tick units, `client_id` greatest quantity (0 = default), `flags` of [`mode`].
        AddInstrument = 9,
        /// `instrument`, `order_type` the rule, `qty` the value.
        SetRule = 10,
        /// `instrument`, `order_type` the phase.
        SetPhase = 11,
        /// `instrument`, `price`.
        SetMark = 12,
        /// `instrument`, `account`, `price` net position in lots.
        SetPosition = 13,
        /// `account`, `display` asset, amount in `client_id` (high) and `qty` (low).
        Deposit = 14,
        /// As `Deposit`.
        Withdraw = 15,
        /// `display` tier, `price` maker ppm, `trigger` taker ppm.
        SetTier = 16,
        /// `account`, `display` tier, `expire_s` trade group.
        SetAccount = 17,
        /// `flags`: [`scope::ACCOUNT`] for one account (else the venue), [`scope::ON`].
        SetKill = 18,
    }
}

/// Bits of `flags` of `MassCancel` and `SetKill`.
pub mod scope {
    /// `account` is given.
    pub const ACCOUNT: u16 = 1;
    /// `side` is given.
    pub const SIDE: u16 = 2;
    /// `instrument` is given.
    pub const INSTRUMENT: u16 = 4;
    /// The switch is set, not cleared.
    pub const ON: u16 = 8;
}

/// Bits of `flags` of `AddInstrument`.
pub mod mode {
    /// Balances are checked and settled.
    pub const FUNDED: u16 = 1;
    /// Net positions are kept.
    pub const POSITIONS: u16 = 2;
}

/// A new order. Prices and quantities are as given: the engine checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Instrument.
    pub instrument: u32,
    /// Owner.
    pub account: u32,
    /// Owner's id, 0 = none.
    pub client_id: u64,
    /// Session token, 0 = none.
    pub session: u32,
    /// Side.
    pub side: Side,
    /// Type.
    pub order_type: OrderType,
    /// Time in force.
    pub tif: Tif,
    /// Bits of `order_flags`.
    pub flags: u16,
    /// Self-trade prevention.
    pub stp: StpMode,
    /// What a pegged order follows.
    pub peg: PegKind,
    /// Place in a list.
    pub list: ListRole,
    /// Limit, protection or cap in ticks, 0 = none.
    pub price: i64,
    /// Lots, or tick-lots with the quote flag.
    pub qty: u64,
    /// Trigger price, trailing distance or peg offset, ticks.
    pub trigger: i64,
    /// Displayed lots, 0 = all.
    pub display: u32,
    /// Good-till date, seconds.
    pub expire_s: u32,
}

impl NewOrder {
    /// A plain limit order, good till cancelled.
    #[must_use]
    pub const fn limit(instrument: u32, account: u32, side: Side, price: i64, qty: u64) -> Self {
        Self {
            instrument,
            account,
            client_id: 0,
            session: 0,
            side,
            order_type: OrderType::Limit,
            tif: Tif::Gtc,
            flags: 0,
            stp: StpMode::None,
            peg: PegKind::None,
            list: ListRole::None,
            price,
            qty,
            trigger: 0,
            display: 0,
            expire_s: 0,
        }
    }

    /// A market order, immediate or cancel.
    #[must_use]
    pub const fn market(instrument: u32, account: u32, side: Side, qty: u64) -> Self {
        let mut order = Self::limit(instrument, account, side, 0, qty);
        order.order_type = OrderType::Market;
        order.tif = Tif::Ioc;
        order
    }
}

/// What a command record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A new order, or a head or leg of a list.
    New(NewOrder),
    /// Cancels an order.
    Cancel {
        /// Instrument.
        instrument: u32,
        /// Owner.
        account: u32,
        /// Order.
        order_id: u64,
    },
    /// Cancels the order with a client id.
    CancelByClientId {
        /// Owner.
        account: u32,
        /// Owner's id.
        client_id: u64,
    },
    /// Gives an order another price or total quantity.
    Amend {
        /// Instrument.
        instrument: u32,
        /// Owner.
        account: u32,
        /// Order.
        order_id: u64,
        /// New price, 0 = keep.
        price: i64,
        /// New total lots with what was filled, 0 = keep.
        qty: u64,
        /// Gives up the place in the queue in any case.
        requeue: bool,
    },
    /// Takes lots off an order.
    Reduce {
        /// Instrument.
        instrument: u32,
        /// Owner.
        account: u32,
        /// Order.
        order_id: u64,
        /// Lots to take off.
        qty: u64,
    },
    /// Cancels every order that fits.
    MassCancel {
        /// Only of this account.
        account: Option<u32>,
        /// Only of this side.
        side: Option<Side>,
        /// Only of this instrument.
        instrument: Option<u32>,
    },
    /// Cancels every order that an account sent in a session.
    Disconnect {
        /// The account.
        account: u32,
        /// Session token.
        session: u32,
    },
    /// Sets the time.
    Tick {
        /// Now, ns.
        now_ns: u64,
    },
    /// Adds an instrument.
    AddInstrument(NewInstrument),
    /// Sets a rule of an instrument.
    SetRule {
        /// Instrument.
        instrument: u32,
        /// Which rule.
        rule: RuleKind,
        /// Its value.
        value: u64,
    },
    /// Changes the phase of an instrument.
    SetPhase {
        /// Instrument.
        instrument: u32,
        /// New phase.
        phase: Phase,
    },
    /// Sets the mark price.
    SetMark {
        /// Instrument.
        instrument: u32,
        /// Mark, ticks.
        price: i64,
    },
    /// Sets a net position.
    SetPosition {
        /// Instrument.
        instrument: u32,
        /// Account.
        account: u32,
        /// Net lots, negative = short.
        position: i64,
    },
    /// Adds to an available balance.
    Deposit {
        /// Account.
        account: u32,
        /// Asset.
        asset: u32,
        /// Base units.
        amount: u128,
    },
    /// Takes from an available balance.
    Withdraw {
        /// Account.
        account: u32,
        /// Asset.
        asset: u32,
        /// Base units.
        amount: u128,
    },
    /// Sets the rates of a fee tier.
    SetTier {
        /// Tier.
        tier: u32,
        /// Maker rate, ppm.
        maker_ppm: i64,
        /// Taker rate, ppm.
        taker_ppm: i64,
    },
    /// Sets tier and trade group of an account.
    SetAccount {
        /// Account.
        account: u32,
        /// Tier.
        tier: u32,
        /// Trade group, 0 = none.
        group: u32,
    },
    /// Sets or clears a kill switch.
    SetKill {
        /// One account, or the venue.
        account: Option<u32>,
        /// Set or cleared.
        on: bool,
    },
}

/// An instrument to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewInstrument {
    /// Its id, the next free one.
    pub instrument: u32,
    /// Asset that is traded.
    pub base_asset: u32,
    /// Asset that is paid.
    pub quote_asset: u32,
    /// Base units of the base asset per lot.
    pub lot_units: u64,
    /// Base units of the quote asset per tick and lot.
    pub tick_units: u64,
    /// Greatest quantity of an order, 0 = the default.
    pub max_qty: u64,
    /// Balances are checked and settled.
    pub funded: bool,
    /// Net positions are kept.
    pub positions: bool,
}

/// Number of records from the start of `records` that make one command: a head with the legs right
/// behind it, else one. A head that lacks legs takes those that are there.
#[must_use]
pub fn command_len(records: &[CommandRecord]) -> usize {
    let Some(head) = records.first() else {
        return 0;
    };
    if head.kind != CommandKind::New.number() || head.list == 0 {
        return 1;
    }
    let wanted = ListRole::from_number(head.list).map_or(0, ListRole::legs);
    let legs = records
        .iter()
        .skip(1)
        .take(wanted)
        .take_while(|record| is_leg(record))
        .count();
    legs.saturating_add(1)
}

fn is_leg(record: &CommandRecord) -> bool {
    record.kind == CommandKind::New.number() && record.list == ListRole::Leg.number()
}
