//! Where an engine stands after a tape, in the terms of the published end states.

use crate::workload::{l2_hash, EndState};
use router_core::engine::{CountingSink, Engine, Side};

/// The end state of `instrument`, with the trades that `counted` saw.
#[must_use]
pub fn end_state(engine: &Engine, instrument: u32, counted: &CountingSink) -> EndState {
    let levels = |side| -> Vec<(i64, u64)> {
        engine
            .depth(instrument, side)
            .map(|level| (level.price, level.qty))
            .collect()
    };
    let orders = |side| {
        engine
            .depth(instrument, side)
            .map(|level| level.count as usize)
            .sum()
    };
    let (bids, asks) = (levels(Side::Buy), levels(Side::Sell));
    EndState {
        trades: counted.trades,
        volume: counted.lots,
        bids: orders(Side::Buy),
        asks: orders(Side::Sell),
        bid_levels: bids.len(),
        ask_levels: asks.len(),
        l2_hash: l2_hash(asks, bids),
    }
}

/// Whether the sum of available, held and house fees of every asset is what was deposited.
#[must_use]
pub fn funds_are_conserved(engine: &Engine, deposited: u128, assets: u32) -> bool {
    let image = engine.image();
    (0..assets).all(|asset| {
        let balances = image.accounts.iter().flat_map(|account| &account.balances);
        let owned: u128 = balances
            .filter(|balance| balance.asset == asset)
            .map(|balance| balance.available + balance.held)
            .sum();
        let fees: i128 = image
            .fees
            .iter()
            .filter(|fee| fee.asset == asset)
            .map(|fee| fee.amount)
            .sum();
        owned.checked_add_signed(fees) == Some(deposited)
    })
}
