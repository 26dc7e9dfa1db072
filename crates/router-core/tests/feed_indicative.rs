//! The indicative price: the best of all candidates, and that of the auction where no lots are hidden.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; numbers under test are small"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use router_core::engine::{
    encode, Command, Engine, EventKind, EventRecord, Limits, NewInstrument, NewOrder, Phase, Side,
};
use router_core::feed::{indicative, Indicative, Publisher};

type Levels = BTreeMap<i64, u64>;

fn any_levels() -> impl Strategy<Value = Levels> {
    prop::collection::btree_map(1_i64..25, 1_u64..30, 0..12)
}

fn found(bids: &Levels, asks: &Levels, reference: i64) -> Option<Indicative> {
    let bids = bids.iter().rev().map(|(price, lots)| (*price, *lots));
    indicative(
        bids,
        asks.iter().map(|(price, lots)| (*price, *lots)),
        reference,
    )
}

/// Every candidate looked at by its definition.
fn by_definition(bids: &Levels, asks: &Levels, reference: i64) -> Option<Indicative> {
    let (best_bid, best_ask) = (*bids.keys().next_back()?, *asks.keys().next()?);
    let candidates = bids.keys().chain(asks.keys()).chain([&reference]);
    let rank = |price: i64| {
        let demand: u64 = bids.range(price..).map(|level| level.1).sum();
        let supply: u64 = asks.range(..=price).map(|level| level.1).sum();
        let far = if reference == 0 {
            0
        } else {
            price.abs_diff(reference)
        };
        let side = u8::from(supply > demand);
        let best = Indicative {
            price,
            volume: demand.min(supply),
            surplus: demand.abs_diff(supply),
            side,
        };
        ((u64::MAX - best.volume, best.surplus, far, price), best)
    };
    let inside = candidates.filter(|price| (best_ask..=best_bid).contains(price));
    inside
        .map(|price| rank(*price))
        .min_by_key(|ranked| ranked.0)
        .map(|ranked| ranked.1)
}

/// An engine in an auction over these plain orders, after a trade at `reference` where it is not 0.
fn auction(bids: &Levels, asks: &Levels, reference: i64) -> (Engine, Publisher) {
    let mut engine = Engine::new(Limits::default());
    let mut publisher = Publisher::new(1);
    let order = |side, price, lots| Command::New(NewOrder::limit(0, 0, side, price, lots));
    let phase = |phase| Command::SetPhase {
        instrument: 0,
        phase,
    };
    let mut commands = vec![
        Command::AddInstrument(NewInstrument {
            instrument: 0,
            base_asset: 1,
            quote_asset: 0,
            lot_units: 1,
            tick_units: 1,
            max_qty: 0,
            funded: false,
            positions: false,
        }),
        phase(Phase::Continuous),
    ];
    if reference > 0 {
        commands.push(order(Side::Buy, reference, 1));
        commands.push(order(Side::Sell, reference, 1));
    }
    commands.push(phase(Phase::Auction));
    commands.extend(
        bids.iter()
            .map(|(price, lots)| order(Side::Buy, *price, *lots)),
    );
    commands.extend(
        asks.iter()
            .map(|(price, lots)| order(Side::Sell, *price, *lots)),
    );
    let records: Vec<_> = commands.iter().map(encode).collect();
    let mut events = Vec::new();
    engine.submit(&records, &mut events);
    publisher
        .publish(&events, &mut Vec::new(), &mut Vec::new())
        .unwrap();
    (engine, publisher)
}

proptest! {
    #[test]
    fn no_candidate_is_better_than_the_price_found(bids in any_levels(), asks in any_levels(), reference in 0_i64..25) {
        prop_assert_eq!(found(&bids, &asks, reference), by_definition(&bids, &asks, reference));
    }

    #[test]
    fn the_auction_of_plain_orders_finds_the_price_that_was_indicated(bids in any_levels(), asks in any_levels(), reference in 0_i64..25) {
        let (mut engine, publisher) = auction(&bids, &asks, reference);
        let mut records = Vec::new();
        publisher.indicative(0, &mut records).unwrap();
        let mut events: Vec<EventRecord> = Vec::new();
        engine.submit(&[encode(&Command::SetPhase { instrument: 0, phase: Phase::Continuous })], &mut events);
        let uncross = events.iter().find(|event| event.kind == EventKind::Uncross.number());
        let told = uncross.map_or((0, 0, 0), |event| (event.price, event.qty, event.leaves));
        prop_assert_eq!((records[0].price, records[0].qty, records[0].extra), told);
    }
}
