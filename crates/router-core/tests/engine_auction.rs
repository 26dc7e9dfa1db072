//! The price of an uncross against a search over every price.
#![allow(missing_docs, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use router_core::engine::auction_price::{uncross_price, UncrossPrice};

type Levels = BTreeMap<i64, u128>;

fn levels() -> impl Strategy<Value = Levels> {
    prop::collection::btree_map(1..40_i64, 1..20_u128, 0..12)
}

fn search(bids: &Levels, asks: &Levels, reference: Option<i64>, step: i64) -> Option<UncrossPrice> {
    let (best_bid, best_ask) = (*bids.keys().next_back()?, *asks.keys().next()?);
    let mut found: Vec<UncrossPrice> = Vec::new();
    for price in best_ask..=best_bid {
        let is_reference = reference == Some(price) && price % step == 0;
        if bids.contains_key(&price) || asks.contains_key(&price) || is_reference {
            let bid: u128 = bids.range(price..).map(|(_, lots)| lots).sum();
            let ask: u128 = asks.range(..=price).map(|(_, lots)| lots).sum();
            found.push(UncrossPrice {
                price,
                volume: bid.min(ask),
                surplus: bid.abs_diff(ask),
            });
        }
    }
    let distance = |price: i64| reference.map_or(0, |mid| mid.abs_diff(price));
    found.into_iter().min_by_key(|at| {
        (
            u128::MAX - at.volume,
            at.surplus,
            distance(at.price),
            at.price,
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_uncross_price_is_the_best_of_all_prices(
        bids in levels(), asks in levels(), reference in prop::option::of(1..40_i64), step in 1..4_u32
    ) {
        let found = uncross_price(
            bids.iter().rev().map(|(price, lots)| (*price, *lots)),
            asks.iter().map(|(price, lots)| (*price, *lots)),
            reference,
            step,
        );
        prop_assert_eq!(found, search(&bids, &asks, reference, i64::from(step)));
    }
}
