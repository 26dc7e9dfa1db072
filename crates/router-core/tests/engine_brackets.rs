//! Exits of brackets: how many lots they protect, and what happens to them while nothing may trade.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failing test may panic; numbers under test are small"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use router_core::engine::image::{InstrumentImage, LinkImage, OrderImage};
use router_core::engine::{
    encode, Command, Engine, EventKind, EventRecord, Limits, ListRole, NewInstrument, NewOrder,
    OrderType, Phase, Reason, Side,
};

const TRADER: u32 = 1;
const OTHER: u32 = 2;

fn venue(funded: bool) -> Engine {
    let mut engine = Engine::new(Limits::default());
    let added = Command::AddInstrument(NewInstrument {
        instrument: 0,
        base_asset: 1,
        quote_asset: 0,
        lot_units: 1,
        tick_units: 1,
        max_qty: 0,
        funded,
        positions: false,
    });
    told(&mut engine, &[added, enter(Phase::Continuous)]);
    engine
}

const fn enter(phase: Phase) -> Command {
    Command::SetPhase {
        instrument: 0,
        phase,
    }
}

const fn cancel(order_id: u64) -> Command {
    Command::Cancel {
        instrument: 0,
        account: TRADER,
        order_id,
    }
}

fn told(engine: &mut Engine, commands: &[Command]) -> Vec<EventRecord> {
    let records: Vec<_> = commands.iter().map(encode).collect();
    let mut events = Vec::new();
    engine.submit(&records, &mut events);
    events
}

fn limit(account: u32, side: Side, price: i64, lots: u64) -> Command {
    Command::New(NewOrder::limit(0, account, side, price, lots))
}

fn bracket(side: Side, lots: u64) -> [Command; 3] {
    bracket_at(100, side, lots)
}

/// A bracket: a head that buys or sells, take profit and stop 10 ticks away.
fn bracket_at(price: i64, side: Side, lots: u64) -> [Command; 3] {
    let away = if side == Side::Buy { 10 } else { -10 };
    let head = NewOrder {
        list: ListRole::BracketHead,
        ..NewOrder::limit(0, TRADER, side, price, lots)
    };
    let profit = NewOrder {
        list: ListRole::Leg,
        ..NewOrder::limit(0, TRADER, side.opposite(), price + away, lots)
    };
    let stop = NewOrder {
        order_type: OrderType::StopLimit,
        trigger: price - away,
        price: price - 2 * away,
        ..profit
    };
    [head, profit, stop].map(Command::New)
}

fn is(event: &EventRecord, kind: EventKind) -> bool {
    event.kind == kind.number()
}

/// Order, kind and lots of each event about an order of the trader.
fn story(events: &[EventRecord]) -> Vec<(u64, EventKind, u64)> {
    let own = events.iter().filter(|event| event.account == TRADER);
    own.map(|event| (event.order_id, event.event_kind().unwrap(), event.qty))
        .collect()
}

fn pending(engine: &Engine) -> Vec<OrderImage> {
    engine.image().instruments[0].pending.clone()
}

fn open_ids(image: &InstrumentImage) -> Vec<u64> {
    let levels = image.bids.iter().chain(&image.asks);
    let resting = levels.flat_map(|level| &level.orders);
    let all = resting.chain(&image.armed).chain(&image.pending);
    all.chain(&image.parked).map(|order| order.id).collect()
}

/// The head of an exit, if it waits for one.
fn head_of(order: &OrderImage) -> Option<u64> {
    match order.link {
        LinkImage::BracketExit { head, .. } => Some(head),
        LinkImage::None | LinkImage::Oco { .. } | LinkImage::BracketHead { .. } => None,
    }
}

/// The engine built from the image of this one.
fn reborn(engine: &Engine) -> Engine {
    Engine::from_image(&engine.image()).unwrap()
}

/// A bracket of 10 lots, of which `filled` are filled when it is cancelled in a halt; its orders are 1, 2, 3.
fn halted(engine: &mut Engine, filled: u64) -> Vec<EventRecord> {
    told(engine, &bracket(Side::Buy, 10));
    told(
        engine,
        &[
            limit(OTHER, Side::Sell, 100, filled),
            enter(Phase::Halted),
            cancel(1),
        ],
    )
}

#[test]
fn exits_that_cannot_come_to_life_wait_without_a_word_with_what_was_filled() {
    let mut engine = venue(false);
    let events = halted(&mut engine, 4);
    let last = events.last().unwrap();
    assert!(is(last, EventKind::Cancelled) && last.order_id == 1 && last.qty == 6);
    let waiting = pending(&engine);
    let numbers: Vec<_> = waiting
        .iter()
        .map(|order| (order.id, order.total, order.open, head_of(order)))
        .collect();
    assert_eq!(numbers, [(2, 4, 4, Some(1)), (3, 4, 4, Some(1))]);
    for phase in [Phase::Auction, Phase::Closed, Phase::Halted] {
        assert_eq!(told(&mut engine, &[enter(phase)]).len(), 1);
    }
    assert_eq!(pending(&engine), waiting);
}

#[test]
fn waiting_exits_come_to_life_when_trading_goes_on_also_in_an_engine_out_of_an_image() {
    let mut engine = venue(false);
    halted(&mut engine, 4);
    let mut again = reborn(&engine);
    let events = told(&mut engine, &[enter(Phase::Continuous)]);
    assert_eq!(
        story(&events),
        [
            (2, EventKind::Activated, 4),
            (3, EventKind::Activated, 4),
            (3, EventKind::Armed, 4),
            (2, EventKind::Rested, 4)
        ]
    );
    assert_eq!(told(&mut again, &[enter(Phase::Continuous)]), events);
    assert_eq!(again.image(), engine.image());
    assert!(told(&mut engine, &[enter(Phase::Continuous)]).len() == 1);
}

#[test]
fn waiting_pairs_go_in_order_of_take_profit_and_before_those_that_the_uncross_frees() {
    let mut engine = venue(false);
    let sells = |price, lots| limit(OTHER, Side::Sell, price, lots);
    // Heads 1 and 5 trade a lot each and go in a halt, the later one first; head 9 is filled by the uncross.
    for (price, lots) in [(100, 5), (101, 5)] {
        told(&mut engine, &bracket_at(price, Side::Buy, lots));
        told(&mut engine, &[sells(price, 1)]);
    }
    told(&mut engine, &bracket_at(99, Side::Buy, 2));
    told(&mut engine, &[enter(Phase::Halted), cancel(5), cancel(1)]);
    told(&mut engine, &[enter(Phase::Auction), sells(99, 2)]);
    let events = told(&mut engine, &[enter(Phase::Continuous)]);
    let alive = |event: &EventRecord| is(event, EventKind::Activated);
    let uncross = events
        .iter()
        .position(|event| is(event, EventKind::Uncross));
    assert!(uncross.unwrap() < events.iter().position(alive).unwrap());
    let numbers: Vec<_> = events
        .iter()
        .filter(|event| alive(event))
        .map(|event| (event.order_id, event.qty))
        .collect();
    assert_eq!(numbers, [(2, 1), (3, 1), (6, 1), (7, 1), (10, 2), (11, 2)]);
}

#[test]
fn removing_one_waiting_exit_removes_the_other_with_what_was_filled() {
    let mut engine = venue(false);
    halted(&mut engine, 4);
    let events = told(&mut engine, &[cancel(3)]);
    assert_eq!(
        story(&events),
        [(3, EventKind::Cancelled, 4), (2, EventKind::Cancelled, 4)]
    );
    assert_eq!(events[1].event_reason(), Some(Reason::Linked));
    assert_eq!(engine.open_orders(), 0);
    assert_eq!(told(&mut engine, &[enter(Phase::Continuous)]).len(), 1);
}

#[test]
fn exits_that_nothing_pays_for_go_with_what_was_filled() {
    let mut engine = venue(true);
    let deposit = |account, asset, amount| Command::Deposit {
        account,
        asset,
        amount,
    };
    told(
        &mut engine,
        &[deposit(TRADER, 0, 1_000), deposit(OTHER, 1, 1_000)],
    );
    halted(&mut engine, 4);
    let withdraw = Command::Withdraw {
        account: TRADER,
        asset: 1,
        amount: 4,
    };
    told(&mut engine, &[withdraw]);
    let events = told(&mut engine, &[enter(Phase::Continuous)]);
    assert_eq!(
        story(&events),
        [(2, EventKind::Cancelled, 4), (3, EventKind::Cancelled, 4)]
    );
    assert!(events[1..]
        .iter()
        .all(|event| event.event_reason() == Some(Reason::InsufficientFunds)));
}

/// Commands of a run: brackets, the other side's orders, cancels, phases.
fn steps() -> impl Strategy<Value = (u8, bool, u64, u64)> {
    (0..16_u8, any::<bool>(), 1..12_u64, 1..40_u64)
}

fn commands(step: (u8, bool, u64, u64)) -> Vec<Command> {
    let (kind, buys, lots, order_id) = step;
    let side = if buys { Side::Buy } else { Side::Sell };
    match kind {
        0..4 => bracket(side, lots).to_vec(),
        4..8 => vec![limit(OTHER, side, 100, lots)],
        8..10 => vec![limit(OTHER, side, if buys { 111 } else { 89 }, lots)],
        10..13 => vec![cancel(order_id)],
        13 => vec![enter(Phase::Halted)],
        14 => vec![enter(Phase::Auction)],
        _ => vec![enter(Phase::Continuous)],
    }
}

proptest! {
    #[test]
    fn exits_protect_what_was_filled_and_wait_only_while_nothing_may_trade(steps in prop::collection::vec(steps(), 1..80)) {
        let mut engine = venue(false);
        let mut filled: BTreeMap<u64, u64> = BTreeMap::new();
        let mut head_of_exit: BTreeMap<u64, u64> = BTreeMap::new();
        for step in steps {
            let events = told(&mut engine, &commands(step));
            for event in events.iter().filter(|event| is(event, EventKind::Trade)) {
                for order in [event.order_id, event.other_id] {
                    *filled.entry(order).or_default() += event.qty;
                }
            }
            let image = engine.image();
            let open = open_ids(&image.instruments[0]);
            for exit in &image.instruments[0].pending {
                let head = head_of(exit).unwrap();
                head_of_exit.insert(exit.id, head);
                if !open.contains(&head) {
                    let lots = filled.get(&head).copied().unwrap_or(0);
                    prop_assert_eq!((exit.total, exit.open), (lots, lots));
                    prop_assert!(image.instruments[0].phase != Phase::Continuous);
                }
            }
            for event in events.iter().filter(|event| is(event, EventKind::Activated)) {
                if let Some(head) = head_of_exit.get(&event.order_id) {
                    prop_assert_eq!(Some(&event.qty), filled.get(head));
                }
            }
            prop_assert_eq!(reborn(&engine).image(), image);
        }
    }
}
