//! Where the displayed lots of a crossed book would trade.

use std::collections::BTreeMap;

use super::view::{ASK, BID};

/// The price of an uncross of displayed lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indicative {
    /// Ticks.
    pub price: i64,
    /// Lots that trade.
    pub volume: u64,
    /// Lots that would trade at the price but find nobody.
    pub surplus: u64,
    /// Side of the surplus: 0 bid, 1 ask.
    pub side: u8,
}

/// Returns the price of the greatest volume, then of the least surplus, then the nearest to `reference`
/// (0 = unknown), then the lowest; none if the book is not crossed.
///
/// Levels come best first as price and lots.
#[must_use]
pub fn indicative(
    bids: impl Iterator<Item = (i64, u64)>,
    asks: impl Iterator<Item = (i64, u64)>,
    reference: i64,
) -> Option<Indicative> {
    let mut bids = bids.peekable();
    let mut asks = asks.peekable();
    let best_bid = bids.peek()?.0;
    let best_ask = asks.peek()?.0;
    if best_bid < best_ask {
        return None;
    }
    let mut prices: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    let mut demand = 0_u64;
    for (price, lots) in bids.take_while(|level| level.0 >= best_ask) {
        demand = demand.saturating_add(lots);
        prices.entry(price).or_default().0 = lots;
    }
    for (price, lots) in asks.take_while(|level| level.0 <= best_bid) {
        prices.entry(price).or_default().1 = lots;
    }
    if (best_ask..=best_bid).contains(&reference) {
        prices.entry(reference).or_default();
    }
    best_of(&prices, demand, reference)
}

/// Walks the candidates upwards: supply grows by what is asked at a price, demand falls by what was bid below it.
fn best_of(
    prices: &BTreeMap<i64, (u64, u64)>,
    mut demand: u64,
    reference: i64,
) -> Option<Indicative> {
    let mut supply = 0_u64;
    let mut best: Option<(Indicative, u64)> = None;
    for (&price, &(bid, asked)) in prices {
        supply = supply.saturating_add(asked);
        let found = Indicative {
            price,
            volume: demand.min(supply),
            surplus: demand.abs_diff(supply),
            side: if supply > demand { ASK } else { BID },
        };
        let distance = if reference == 0 {
            0
        } else {
            price.abs_diff(reference)
        };
        if best.is_none_or(|(kept, far)| better(&found, distance, &kept, far)) {
            best = Some((found, distance));
        }
        demand = demand.saturating_sub(bid);
    }
    best.map(|(found, _)| found)
}

fn better(found: &Indicative, distance: u64, kept: &Indicative, far: u64) -> bool {
    (kept.volume, found.surplus, distance) < (found.volume, kept.surplus, far)
}
