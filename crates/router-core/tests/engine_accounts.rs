//! What belongs to one account: its caps, and commands that remove its orders.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing
)]

mod command_tape;

use command_tape::{opening, Draws, Tape, ACCOUNTS};
use proptest::prelude::*;
use router_core::engine::image::{InstrumentImage, OrderImage};
use router_core::engine::{
    encode, image_hash, Command, Engine, EventKind, EventRecord, Image, Limits, ListRole, NewOrder,
    OrderType, Reason, RuleKind, Side, Tif,
};
use std::collections::BTreeMap;

fn told(engine: &mut Engine, commands: &[Command]) -> Vec<EventRecord> {
    let records: Vec<_> = commands.iter().map(encode).collect();
    let mut events = Vec::new();
    engine.submit(&records, &mut events);
    events
}

fn venue(limits: Limits) -> Engine {
    let mut engine = Engine::new(limits);
    engine.submit(&opening(0), &mut Vec::new());
    engine
}

fn bid(instrument: u32, account: u32, client_id: u64) -> NewOrder {
    NewOrder {
        client_id,
        ..NewOrder::limit(instrument, account, Side::Buy, 90, 1)
    }
}

/// The reason of the only event, or none if the order was accepted.
fn refusal(engine: &mut Engine, orders: &[NewOrder]) -> Option<Reason> {
    let commands: Vec<Command> = orders.iter().copied().map(Command::New).collect();
    let events = told(engine, &commands);
    let first = events.first().unwrap();
    (first.kind == EventKind::Rejected.number()).then(|| Reason::from_number(first.reason).unwrap())
}

fn orders(instrument: &InstrumentImage) -> impl Iterator<Item = &OrderImage> {
    let levels = instrument.bids.iter().chain(&instrument.asks);
    let resting = levels.flat_map(|level| &level.orders);
    let waiting = instrument.armed.iter().chain(&instrument.pending);
    resting.chain(waiting).chain(&instrument.parked)
}

/// Instrument and id of every order that fits, in order.
fn open(image: &Image, fits: impl Fn(u32, &OrderImage) -> bool) -> Vec<(u32, u64)> {
    let mut found = Vec::new();
    for (number, instrument) in (0..).zip(&image.instruments) {
        let fitting = orders(instrument).filter(|order| fits(number, order));
        found.extend(fitting.map(|order| (number, order.id)));
    }
    found.sort_unstable();
    found
}

fn cap_of_orders(max_account_orders: u32) -> Engine {
    venue(Limits {
        max_account_orders,
        ..Limits::default()
    })
}

#[test]
fn an_account_may_have_as_many_open_orders_on_all_instruments_as_its_cap_and_no_more() {
    let mut engine = cap_of_orders(3);
    for instrument in [0, 2, 0] {
        assert_eq!(refusal(&mut engine, &[bid(instrument, 0, 0)]), None);
    }
    let taker = NewOrder {
        tif: Tif::Ioc,
        ..bid(2, 0, 0)
    };
    for order in [bid(0, 0, 0), bid(2, 0, 0), taker] {
        assert_eq!(refusal(&mut engine, &[order]), Some(Reason::AccountFull));
    }
    assert_eq!(
        refusal(&mut engine, &[bid(0, 1, 0)]),
        None,
        "another account"
    );
    let cancel = Command::Cancel {
        instrument: 2,
        account: 0,
        order_id: 1,
    };
    told(&mut engine, &[cancel]);
    assert_eq!(refusal(&mut engine, &[bid(0, 0, 0)]), None);
    assert_eq!(
        refusal(&mut engine, &[bid(0, 0, 0)]),
        Some(Reason::AccountFull)
    );
}

#[test]
fn a_trade_makes_room_for_the_account_whose_order_it_filled() {
    let mut engine = cap_of_orders(1);
    assert_eq!(refusal(&mut engine, &[bid(0, 0, 0)]), None);
    assert_eq!(
        refusal(&mut engine, &[bid(0, 0, 0)]),
        Some(Reason::AccountFull)
    );
    let ask = NewOrder::limit(0, 1, Side::Sell, 90, 1);
    assert_eq!(refusal(&mut engine, &[ask]), None);
    assert_eq!(refusal(&mut engine, &[bid(0, 0, 0)]), None);
}

#[test]
fn a_list_needs_room_for_all_its_orders_and_client_ids_at_once() {
    let leg = |side, order_type, client_id| NewOrder {
        order_type,
        list: ListRole::Leg,
        trigger: if order_type == OrderType::Limit {
            0
        } else {
            80
        },
        price: if order_type == OrderType::Limit {
            120
        } else {
            0
        },
        tif: if order_type == OrderType::Limit {
            Tif::Gtc
        } else {
            Tif::Ioc
        },
        ..NewOrder {
            side,
            ..bid(0, 0, client_id)
        }
    };
    let bracket = [
        NewOrder {
            list: ListRole::BracketHead,
            ..bid(0, 0, 1)
        },
        leg(Side::Sell, OrderType::Limit, 0),
        leg(Side::Sell, OrderType::Stop, 2),
    ];
    for (cap, full) in [(2, true), (3, false)] {
        let expected = full.then_some(Reason::AccountFull);
        assert_eq!(refusal(&mut cap_of_orders(cap), &bracket), expected);
    }
    for (cap, full) in [(1, true), (2, false)] {
        let mut engine = venue(Limits {
            max_account_client_ids: cap,
            ..Limits::default()
        });
        let expected = full.then_some(Reason::AccountFull);
        assert_eq!(refusal(&mut engine, &bracket), expected);
    }
}

#[test]
fn a_known_client_id_counts_until_it_is_forgotten_and_an_order_without_one_needs_no_room() {
    let mut engine = venue(Limits {
        max_account_client_ids: 2,
        client_window_ns: 10,
        ..Limits::default()
    });
    let closed = NewOrder {
        tif: Tif::Ioc,
        ..bid(0, 0, 1)
    };
    assert_eq!(refusal(&mut engine, &[closed]), None);
    assert_eq!(refusal(&mut engine, &[bid(2, 0, 2)]), None);
    assert_eq!(
        refusal(&mut engine, &[bid(0, 0, 3)]),
        Some(Reason::AccountFull)
    );
    assert_eq!(refusal(&mut engine, &[bid(0, 0, 0)]), None);
    assert_eq!(
        refusal(&mut engine, &[bid(0, 1, 3)]),
        None,
        "another account"
    );
    told(&mut engine, &[Command::Tick { now_ns: 11 }]);
    assert_eq!(refusal(&mut engine, &[bid(0, 0, 3)]), None);
    assert_eq!(
        refusal(&mut engine, &[bid(0, 0, 4)]),
        Some(Reason::AccountFull)
    );
}

#[test]
fn a_full_book_is_named_before_a_full_account() {
    let mut engine = venue(Limits {
        max_account_orders: 1,
        max_account_client_ids: 0,
        ..Limits::default()
    });
    assert_eq!(refusal(&mut engine, &[bid(0, 0, 0)]), None);
    told(
        &mut engine,
        &[Command::SetRule {
            instrument: 0,
            rule: RuleKind::MaxOpen,
            value: 1,
        }],
    );
    assert_eq!(
        refusal(&mut engine, &[bid(0, 0, 5)]),
        Some(Reason::BookFull)
    );
    assert_eq!(
        refusal(&mut engine, &[bid(2, 0, 0)]),
        Some(Reason::AccountFull)
    );
    assert_eq!(
        refusal(&mut engine, &[bid(2, 1, 5)]),
        Some(Reason::AccountFull)
    );
}

/// A venue after a random tape, and a twin of it out of its image.
fn traded(words: &[u64], limits: Limits) -> [Engine; 2] {
    let mut engine = venue(limits);
    let mut tape = Tape::default();
    let mut events = Vec::new();
    for word in words {
        events.clear();
        engine.submit(&tape.command(*word), &mut events);
        tape.learn(&events);
    }
    let restored = Engine::from_image(&engine.image()).unwrap();
    [engine, restored]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn removals_of_an_account_take_exactly_its_orders_in_order_of_instrument_and_id(
        words in prop::collection::vec(any::<u64>(), 1..200), choice in any::<u64>()
    ) {
        let mut draws = Draws(choice);
        let account = draws.below(ACCOUNTS) as u32;
        let side = (draws.below(2) == 0).then_some(Side::Buy);
        let instrument = (draws.below(2) == 0).then(|| draws.below(3) as u32);
        let session = 1 + draws.below(2) as u32;
        let command = match draws.below(3) {
            0 => Command::Disconnect { account, session },
            1 => Command::SetKill { account: Some(account), on: true },
            _ => Command::MassCancel { account: Some(account), side, instrument },
        };
        let mass = matches!(command, Command::MassCancel { .. });
        let disconnect = matches!(command, Command::Disconnect { .. });
        let [mut engine, mut restored] = traded(&words, Limits::default());
        let fits = |number, order: &OrderImage| order.account == account
            && (!mass || (side.is_none_or(|side| order.side == side) && instrument.is_none_or(|only| only == number)))
            && (!disconnect || order.session == session);
        let expected = open(&engine.image(), fits);
        let events = told(&mut engine, &[command]);
        let direct = [Reason::Disconnected, Reason::Killed, Reason::MassCancel].map(Reason::number);
        let gone: Vec<(u32, u64)> = events.iter()
            .filter(|event| event.kind == EventKind::Cancelled.number() && direct.contains(&event.reason))
            .map(|event| (event.instrument, event.order_id)).collect();
        let linked: Vec<(u32, u64)> = events.iter()
            .filter(|event| event.reason == Reason::Linked.number())
            .map(|event| (event.instrument, event.order_id)).collect();
        let rest: Vec<(u32, u64)> = expected.into_iter().filter(|order| !linked.contains(order)).collect();
        prop_assert_eq!(gone, rest);
        prop_assert_eq!(events, told(&mut restored, &[command]));
        prop_assert_eq!(engine.image(), restored.image());
        prop_assert_eq!(engine.state_hash(), image_hash(&restored.image()));
    }

    #[test]
    fn caps_count_what_the_image_shows(words in prop::collection::vec(any::<u64>(), 1..250)) {
        let limits = Limits { max_account_orders: 12, max_account_client_ids: 8, ..Limits::default() };
        let [mut engine, mut restored] = traded(&words, limits);
        let image = engine.image();
        let mut counted: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for order in image.instruments.iter().flat_map(orders) {
            counted.entry(order.account).or_default().0 += 1;
        }
        for known in &image.client_ids {
            counted.entry(known.account).or_default().1 += 1;
        }
        told(&mut engine, &[Command::AddInstrument(plain_instrument())]);
        told(&mut engine, &[Command::SetPhase { instrument: 3, phase: router_core::engine::Phase::Continuous }]);
        told(&mut restored, &[Command::AddInstrument(plain_instrument())]);
        told(&mut restored, &[Command::SetPhase { instrument: 3, phase: router_core::engine::Phase::Continuous }]);
        for account in 0..ACCOUNTS as u32 {
            let (orders, client_ids) = counted.get(&account).copied().unwrap_or_default();
            prop_assert!(orders <= 12 && client_ids <= 8);
            if image.venue_killed || image.accounts.iter().any(|own| own.account == account && own.killed) {
                continue;
            }
            let free = |engine: &mut Engine| {
                let places = (0..14).take_while(|_| refusal(engine, &[bid(3, account, 0)]).is_none()).count();
                told(engine, &[Command::MassCancel { account: Some(account), side: None, instrument: Some(3) }]);
                let names = (1_000..1_010_u64).take_while(|id| {
                    let taker = NewOrder { tif: Tif::Ioc, ..bid(3, account, *id) };
                    refusal(engine, &[taker]).is_none()
                }).count();
                (places as u32, names as u32)
            };
            let ids = if orders == 12 { 0 } else { 8 - client_ids };
            prop_assert_eq!(free(&mut engine), (12 - orders, ids));
            prop_assert_eq!(free(&mut restored), (12 - orders, ids));
        }
    }
}

fn plain_instrument() -> router_core::engine::NewInstrument {
    router_core::engine::NewInstrument {
        instrument: 3,
        base_asset: 1,
        quote_asset: 0,
        lot_units: 1,
        tick_units: 1,
        max_qty: 0,
        funded: false,
        positions: false,
    }
}
