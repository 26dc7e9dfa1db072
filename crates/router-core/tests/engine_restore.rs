//! Images that no engine can have are refused, and none makes an engine larger than what it says.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing
)]

mod command_tape;

use command_tape::{opening, Tape};
use proptest::prelude::*;
use router_core::engine::image::{BalanceImage, ClientIdImage, FeeImage, PositionImage};
use router_core::engine::{
    encode, encode_image, Command, Engine, EventRecord, Image, Limits, NewOrder, RestoreError,
    Side, Tier, Tif,
};

const LAST_TIME: u64 = 1 << 62;

/// Three instruments (plain, funded, with positions), an order with a client id on each.
fn image() -> Image {
    let mut engine = Engine::new(Limits::default());
    engine.submit(&opening(0), &mut Vec::new());
    let mut commands = vec![Command::Tick { now_ns: 1_000 }];
    for instrument in 0..3 {
        for number in 1..3 {
            commands.push(Command::New(NewOrder {
                client_id: u64::from(instrument * 10 + number),
                ..NewOrder::limit(instrument, 0, Side::Buy, 100, 2)
            }));
        }
    }
    let records: Vec<_> = commands.iter().map(encode).collect();
    engine.submit(&records, &mut Vec::new());
    engine.image()
}

fn refused(change: impl FnOnce(&mut Image)) -> bool {
    let mut changed = image();
    change(&mut changed);
    assert_ne!(changed, image(), "the change is none");
    Engine::from_image(&changed).is_err()
}

#[test]
fn an_image_of_an_engine_is_taken() {
    assert_eq!(Engine::from_image(&image()).unwrap().image(), image());
}

#[test]
fn tiers_between_which_a_trade_with_oneself_earns_are_refused() {
    let rebate = Tier {
        maker_ppm: -101,
        taker_ppm: 0,
    };
    let paid = |image: &mut Image| image.tiers.iter_mut().for_each(|tier| tier.taker_ppm = 101);
    assert!(refused(|image| image.tiers[3] = rebate));
    let mut fine = image();
    paid(&mut fine);
    fine.tiers[3].maker_ppm = -101;
    assert!(Engine::from_image(&fine).is_ok());
}

#[test]
fn an_instrument_that_could_not_have_been_added_is_refused() {
    assert!(refused(|image| image.instruments[1].tick_units = 0));
    assert!(refused(|image| image.instruments[1].lot_units = 0));
    assert!(refused(|image| image.instruments[1].base_asset = 0));
    assert!(refused(|image| image.instruments[1].positions = true));
    assert!(refused(|image| image.instruments[0].tick_units = u64::MAX));
    assert!(!refused(|image| image.instruments[0].lot_units = 0));
}

#[test]
fn rules_that_could_not_have_been_set_are_refused() {
    assert!(refused(|image| image.instruments[0].rules.tick_step = 0));
    assert!(refused(|image| image.instruments[0].rules.lot_step = 0));
    assert!(refused(|image| image.instruments[0].rules.min_qty = 0));
    assert!(refused(
        |image| image.instruments[0].rules.max_qty = (1 << 40) + 1
    ));
    assert!(refused(
        |image| image.instruments[0].rules.band_ppm = 1_000_001
    ));
    assert!(refused(
        |image| image.instruments[0].rules.disabled = 1 << 17
    ));
    assert!(!refused(
        |image| image.instruments[0].rules.band_ppm = 1_000_000
    ));
}

#[test]
fn times_beyond_the_last_or_yet_to_come_or_out_of_order_are_refused() {
    assert!(!refused(|image| image.now_ns = LAST_TIME));
    assert!(refused(|image| image.now_ns = LAST_TIME + 1));
    assert!(refused(
        |image| image.client_ids[5].since_ns = image.now_ns + 1
    ));
    assert!(refused(|image| image.client_ids[1].since_ns -= 1));
    assert!(!refused(|image| image.client_ids[0].since_ns -= 1));
}

#[test]
fn client_ids_and_orders_have_to_name_each_other() {
    assert!(refused(|image| image.client_ids[0].order_id = 2));
    assert!(refused(|image| image.client_ids[0].order_id = 3));
    assert!(refused(|image| image.client_ids[0].instrument = 3));
    assert!(refused(|image| image.client_ids.truncate(5)));
    assert!(refused(|image| image.client_ids[1] = image.client_ids[0]));
    assert!(refused(|image| image.client_ids.push(ClientIdImage {
        client_id: 77,
        order_id: 0,
        ..image.client_ids[0]
    })));
}

#[test]
fn what_was_counted_beyond_a_cap_is_refused_for_caps_never_change() {
    for (orders, ids, fine) in [(6, 6, true), (5, 6, false), (6, 5, false)] {
        let mut full = image();
        full.limits.max_account_orders = orders;
        full.limits.max_account_client_ids = ids;
        assert_eq!(Engine::from_image(&full).is_ok(), fine, "{orders} {ids}");
    }
    assert!(refused(|image| image.limits.max_orders = 5));
    assert!(refused(|image| image.limits.max_client_ids = 5));
}

#[test]
fn places_in_a_queue_have_to_ascend() {
    assert!(refused(
        |image| image.instruments[0].bids[0].orders[0].priority = 2
    ));
    assert!(refused(
        |image| image.instruments[0].bids[0].orders[0].priority = 0
    ));
    assert!(refused(
        |image| image.instruments[0].bids[0].orders[1].priority = 9
    ));
    assert!(refused(
        |image| image.instruments[0].bids[0].orders[1].id = 1
    ));
}

#[test]
fn money_beyond_the_bound_and_positions_where_none_are_kept_are_refused() {
    let balance = BalanceImage {
        asset: 2,
        available: (1 << 120) + 1,
        held: 0,
    };
    assert!(refused(|image| image.accounts[0].balances.push(balance)));
    assert!(refused(|image| image.fees.push(FeeImage {
        asset: 3,
        amount: -1
    })));
    for (instrument, fine) in [(0, false), (1, false), (2, true), (3, false)] {
        let position = PositionImage {
            instrument,
            lots: 5,
        };
        let taken = !refused(|image| image.accounts[0].positions.push(position));
        assert_eq!(taken, fine, "{instrument}");
    }
}

#[test]
fn an_image_that_claims_the_highest_ids_takes_no_more_memory_than_an_honest_one() {
    let honest = Engine::from_image(&image()).unwrap().memory_bytes();
    let mut lying = image();
    for instrument in &mut lying.instruments {
        instrument.next_order_id = (1 << 48) - 1;
    }
    let high = (1 << 48) - 2;
    lying.instruments[0].bids[0].orders[1].id = high;
    lying.client_ids[1].order_id = high;
    let engine = Engine::from_image(&lying).unwrap();
    assert!(engine.memory_bytes() <= honest + 8_192);
    lying.instruments[0].next_order_id += 1;
    assert!(matches!(
        Engine::from_image(&lying),
        Err(RestoreError::OutOfBounds)
    ));
}

#[test]
fn an_order_that_outlives_very_many_costs_no_memory_for_them() {
    let mut engine = Engine::new(Limits::default());
    engine.submit(&opening(0), &mut Vec::new());
    let rests = NewOrder::limit(0, 0, Side::Buy, 100, 1);
    let passes = NewOrder {
        tif: Tif::Ioc,
        ..rests
    };
    engine.submit(&[encode(&Command::New(rests))], &mut Vec::new());
    let before = engine.memory_bytes();
    let passing = [encode(&Command::New(passes)); 1_000];
    for round in 0..1_000 {
        engine.submit(&passing, &mut Vec::new());
        if round % 100 == 0 {
            engine.submit(&[encode(&Command::New(rests))], &mut Vec::new());
        }
    }
    let after = engine.memory_bytes();
    assert!(after < before + 40_000, "{before} bytes, then {after}");
    let cancel = Command::Cancel {
        instrument: 0,
        account: 0,
        order_id: 1,
    };
    let mut events: Vec<EventRecord> = Vec::new();
    engine.submit(&[encode(&cancel)], &mut events);
    assert_eq!((events.len(), events[0].order_id, events[0].qty), (1, 1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_engine_out_of_an_image_is_not_much_larger_than_the_image(words in prop::collection::vec(any::<u64>(), 1..400)) {
        let mut engine = Engine::new(Limits::default());
        engine.submit(&opening(0), &mut Vec::new());
        let mut tape = Tape::default();
        let mut events = Vec::new();
        for word in words {
            events.clear();
            engine.submit(&tape.command(word), &mut events);
            tape.learn(&events);
        }
        let image = engine.image();
        let restored = Engine::from_image(&image).unwrap();
        // Tables that every engine has, however little is in it.
        let tables = 128 << 10;
        prop_assert!(restored.memory_bytes() <= tables + 4 * encode_image(&image).len());
        prop_assert_eq!(restored.image(), image);
    }
}
