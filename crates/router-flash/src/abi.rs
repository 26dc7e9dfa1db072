//! Records of the benchmark's C interface. Prices are ticks, sides 0 buy and 1 sell.

/// A new order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct NewOrder {
    /// Dense id from 1, chosen by the benchmark; free again when the order is gone.
    pub order_id: u64,
    /// Position of the message in the workload, from 0.
    pub sequence: u64,
    /// Limit.
    pub price: i64,
    /// Size.
    pub quantity: u32,
    /// 0 buys, 1 sells.
    pub side: u8,
    /// 1 if what does not fill at once is cancelled.
    pub immediate: u8,
    /// Always 0.
    pub reserved: [u8; 2],
}

/// Asks for the removal of a resting order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Cancel {
    /// The order meant.
    pub order_id: u64,
    /// Position of the message in the workload.
    pub sequence: u64,
}

/// Asks to take a resting order out and enter it anew, behind the others of its new price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Modify {
    /// The order meant.
    pub order_id: u64,
    /// Position of the message in the workload.
    pub sequence: u64,
    /// New limit.
    pub price: i64,
    /// New size, whatever has been filled before.
    pub quantity: u32,
    /// Side of the order, as it was.
    pub side: u8,
    /// Always 0.
    pub reserved: [u8; 3],
}

/// What a report says; the numbers are the interface's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A new order was taken.
    #[default]
    OrderAck = 0,
    /// A fill, at the resting order's price.
    Trade = 1,
    /// A cancelled order, or the rest of an immediate one.
    CancelAck = 2,
    /// An order entered anew.
    ModifyAck = 3,
    /// A cancel of an order that does not rest.
    CancelReject = 4,
    /// A modify of an order that does not rest.
    ModifyReject = 5,
}

/// One report, a cache line long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Report {
    /// What happened.
    pub kind: Kind,
    /// Side of the order the report is about; 0 in trades and rejects.
    pub side: u8,
    /// Always 0.
    pub reserved: [u8; 6],
    /// Position of the message that caused it.
    pub sequence: u64,
    /// The order it is about; 0 in trades.
    pub order_id: u64,
    /// Limit of the order, or price of the fill.
    pub price: i64,
    /// Size of the order, or of the fill, or the cancelled rest.
    pub quantity: u32,
    /// Always 0.
    pub reserved2: u32,
    /// Resting order of a trade.
    pub maker_id: u64,
    /// Incoming order of a trade.
    pub taker_id: u64,
    /// Always 0.
    pub reserved3: u64,
}

const _: () = assert!(size_of::<NewOrder>() == 32);
const _: () = assert!(size_of::<Cancel>() == 16);
const _: () = assert!(size_of::<Modify>() == 32);
const _: () = assert!(size_of::<Report>() == 64);
