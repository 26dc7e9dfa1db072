//! The price of an uncross, as a pure function of the levels of both sides.

/// What an uncross does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UncrossPrice {
    /// The one price of all its trades, ticks.
    pub price: i64,
    /// Lots that can trade at it.
    pub volume: u128,
    /// Lots that are left at it on one side.
    pub surplus: u128,
}

/// Returns the price at which a crossed book uncrosses, `None` when it is not crossed.
///
/// `bids` and `asks` are levels as (price, lots with hidden ones), best first. `reference` is a
/// candidate too where it lies between the best prices and on the tick step.
pub fn uncross_price(
    bids: impl Iterator<Item = (i64, u128)>,
    asks: impl Iterator<Item = (i64, u128)>,
    reference: Option<i64>,
    tick_step: u32,
) -> Option<UncrossPrice> {
    let mut bids = bids.peekable();
    let mut asks = asks.peekable();
    let best_bid = bids.peek()?.0;
    let best_ask = asks.peek()?.0;
    if best_bid < best_ask {
        return None;
    }
    let bids: Vec<_> = bids.take_while(|(price, _)| *price >= best_ask).collect();
    let asks: Vec<_> = asks.take_while(|(price, _)| *price <= best_bid).collect();
    let candidate = reference.filter(|price| {
        (best_ask..=best_bid).contains(price) && price.checked_rem(i64::from(tick_step)) == Some(0)
    });
    let prices = candidates(&bids, &asks, candidate);
    best_of(&prices, &bids, &asks, reference)
}

fn candidates(bids: &[(i64, u128)], asks: &[(i64, u128)], extra: Option<i64>) -> Vec<i64> {
    let levels = bids.iter().chain(asks).map(|(price, _)| *price);
    let mut prices: Vec<i64> = levels.chain(extra).collect();
    prices.sort_unstable();
    prices.dedup();
    prices
}

/// Walks the candidates upwards with the lots that would be on either side at each.
fn best_of(
    prices: &[i64],
    bids: &[(i64, u128)],
    asks: &[(i64, u128)],
    reference: Option<i64>,
) -> Option<UncrossPrice> {
    let mut lower_bids = bids.iter().rev().peekable();
    let mut asks = asks.iter().peekable();
    let mut bid_lots = bids
        .iter()
        .fold(0_u128, |sum, (_, lots)| sum.saturating_add(*lots));
    let mut ask_lots = 0_u128;
    let mut best: Option<UncrossPrice> = None;
    for price in prices {
        while let Some((_, lots)) = asks.next_if(|(level, _)| level <= price) {
            ask_lots = ask_lots.saturating_add(*lots);
        }
        while let Some((_, lots)) = lower_bids.next_if(|(level, _)| level < price) {
            bid_lots = bid_lots.saturating_sub(*lots);
        }
        let found = UncrossPrice {
            price: *price,
            volume: bid_lots.min(ask_lots),
            surplus: bid_lots.abs_diff(ask_lots),
        };
        if best.is_none_or(|best| beats(&found, &best, reference)) {
            best = Some(found);
        }
    }
    best
}

/// Says whether a candidate with a higher price is better than the best one below it.
fn beats(found: &UncrossPrice, best: &UncrossPrice, reference: Option<i64>) -> bool {
    if found.volume != best.volume {
        return found.volume > best.volume;
    }
    if found.surplus != best.surplus {
        return found.surplus < best.surplus;
    }
    reference.is_some_and(|mid| mid.abs_diff(found.price) < mid.abs_diff(best.price))
}
