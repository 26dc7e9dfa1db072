//! Why a command was refused or an order was taken away.

use super::numbered::numbered;

numbered! {
    /// Reason of a `Rejected`, `Reduced` or `Cancelled` event. Numbers never change.
    Reason {
        /// No reason: the event needs none.
        None = 0,
        /// The record does not decode, or a list lacks its legs, or a leg its head.
        Malformed = 1,
        /// No such instrument, or not the next id when one is added.
        UnknownInstrument = 2,
        /// The account lies beyond the engine's limit.
        UnknownAccount = 3,
        /// The asset lies beyond the engine's limit.
        UnknownAsset = 4,
        /// The venue or the account is stopped by its kill switch.
        Killed = 5,
        /// A class of the order is switched off on the instrument.
        ClassDisabled = 6,
        /// The phase of the instrument does not take this.
        PhaseRefuses = 7,
        /// Type, time in force, flags and fields do not go together.
        InvalidCombination = 8,
        /// Quantity outside its bounds or not on the lot step.
        InvalidQuantity = 9,
        /// Price outside its bounds or not on the tick step.
        InvalidPrice = 10,
        /// Price times quantity is below the instrument's least.
        BelowMinNotional = 11,
        /// Price outside the band around the reference.
        OutsideBand = 12,
        /// The good-till date has passed.
        AlreadyExpired = 13,
        /// A cap on orders or client ids is reached.
        BookFull = 14,
        /// The trigger of the stop is met already.
        WouldTrigger = 15,
        /// There is nothing on the opposite side to take a price from.
        NoLiquidity = 16,
        /// A post-only order would trade.
        WouldCross = 17,
        /// There is no position to reduce.
        NothingToReduce = 18,
        /// A fill-or-kill order cannot be filled wholly.
        NotFillable = 19,
        /// Available funds are below the need.
        InsufficientFunds = 20,
        /// A number of an administrative command is outside its bounds.
        OutOfRange = 21,
        /// A leg of a list repeats a client id.
        DuplicateLeg = 22,
        /// The order is linked to another, which forbids this or went away.
        Linked = 23,
        /// The order id or client id was never issued.
        UnknownOrder = 24,
        /// The order existed and is gone.
        OrderClosed = 25,
        /// The order belongs to another account.
        NotOwner = 26,
        /// The amend changes nothing.
        NoChange = 27,
        /// A tick lies before the present time.
        TimeBackwards = 28,
        /// What was left of an order that may not rest.
        Unfilled = 29,
        /// Self-trade prevention.
        SelfTrade = 30,
        /// A reduce-only order has nothing left to reduce.
        ReduceOnly = 31,
        /// The owner asked for it.
        Requested = 32,
        /// Part of a mass cancel.
        MassCancel = 33,
        /// Its session disconnected.
        Disconnected = 34,
        /// Its time has come.
        Expired = 35,
        /// A cap of the account on its open orders or client ids is reached.
        AccountFull = 36,
    }
}
