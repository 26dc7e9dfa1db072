//! The price of an uncross against a search over every price, and what an uncross makes of a crossed book.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; numbers under test are small"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use router_core::engine::auction_price::{uncross_price, UncrossPrice};
use router_core::engine::rules::MAX_ROUNDS;
use router_core::engine::{
    encode, event_flags, order_flags, Command, Engine, EventKind, EventRecord, Limits, ListRole,
    NewInstrument, NewOrder, OrderType, Phase, Reason, Side, StpMode,
};

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

/// An engine with one instrument that keeps positions, in this phase.
fn venue(phase: Phase) -> Engine {
    let mut engine = Engine::new(Limits::default());
    let added = Command::AddInstrument(NewInstrument {
        instrument: 0,
        base_asset: 0,
        quote_asset: 0,
        lot_units: 0,
        tick_units: 0,
        max_qty: 0,
        funded: false,
        positions: true,
    });
    told(&mut engine, &[added, enter(phase)]);
    engine
}

const fn enter(phase: Phase) -> Command {
    Command::SetPhase {
        instrument: 0,
        phase,
    }
}

fn told(engine: &mut Engine, commands: &[Command]) -> Vec<EventRecord> {
    let records: Vec<_> = commands.iter().map(encode).collect();
    let mut events = Vec::new();
    engine.submit(&records, &mut events);
    events
}

fn order(account: u32, side: Side, price: i64, lots: u64, stp: StpMode) -> NewOrder {
    NewOrder {
        stp,
        ..NewOrder::limit(0, account, side, price, lots)
    }
}

fn is(event: &EventRecord, kind: EventKind) -> bool {
    event.kind == kind.number()
}

fn is_crossed(engine: &Engine) -> bool {
    let best = |side| engine.best(0, side).map(|level| level.price);
    matches!((best(Side::Buy), best(Side::Sell)), (Some(bid), Some(ask)) if bid >= ask)
}

/// Price and lots of each trade of an uncross.
fn prints(events: &[EventRecord]) -> Vec<(i64, u64)> {
    let trades = events.iter().filter(|event| is(event, EventKind::Trade));
    trades.map(|trade| (trade.price, trade.qty)).collect()
}

/// Holds the events of an uncross against what is said about its rounds.
fn inspect(events: &[EventRecord]) -> Result<(), TestCaseError> {
    let mut rounds = 0;
    let mut round: Vec<(i64, u64)> = Vec::new();
    for event in events {
        if is(event, EventKind::Trade) {
            prop_assert!(event.flags & event_flags::AUCTION != 0);
            round.push((event.price, event.qty));
        } else if is(event, EventKind::Uncross) {
            rounds += 1;
            prop_assert!(!round.is_empty(), "an uncross without a trade");
            prop_assert!(round.iter().all(|(price, _)| *price == event.price));
            prop_assert_eq!(round.iter().map(|(_, lots)| lots).sum::<u64>(), event.qty);
            round.clear();
        }
    }
    prop_assert!(rounds <= MAX_ROUNDS);
    Ok(())
}

/// Bids that an offer of their own owner in front of all others takes out one by one, each in a round of its own:
/// at each price below there is an offer, so that the most lots trade where only the best bid is.
fn one_removal_a_round(bids: u64, offers: u64) -> Vec<Command> {
    let mut commands = vec![order(1, Side::Sell, 1, 1, StpMode::None)];
    let (low, high) = (10_i64, 10 + i64::try_from(bids).unwrap_or(0));
    for price in low..high {
        commands.push(order(2, Side::Sell, price, offers, StpMode::None));
        commands.push(order(1, Side::Buy, price, 1 << 39, StpMode::ExpireTaker));
    }
    commands.into_iter().map(Command::New).collect()
}

#[derive(Clone, Debug)]
struct Draw {
    account: u32,
    side: Side,
    price: i64,
    lots: u64,
    stp: StpMode,
    display: u32,
    kind: u8,
}

fn draws() -> impl Strategy<Value = Draw> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let numbers = (1..12_i64, 1..30_u64, 0..6_u32, 0..10_u8);
    let stp = prop::sample::select(StpMode::ALL.to_vec());
    (0..4_u32, side, numbers, stp).prop_map(|(account, side, numbers, stp)| {
        let (price, lots, display, kind) = numbers;
        Draw {
            account,
            side,
            price,
            lots,
            stp,
            display,
            kind,
        }
    })
}

impl Draw {
    fn order(&self) -> NewOrder {
        NewOrder {
            display: self.display,
            ..order(self.account, self.side, self.price, self.lots, self.stp)
        }
    }

    /// Something that rests in continuous trading and may not be given in an auction: all on one side of the
    /// auction's prices, so that it meets the other side only there.
    fn before(&self) -> Vec<Command> {
        let head = order(self.account, Side::Sell, self.price, self.lots, self.stp);
        let stop = |side, trigger| NewOrder {
            order_type: OrderType::StopLimit,
            trigger,
            list: ListRole::Leg,
            ..order(self.account, side, self.price, self.lots, self.stp)
        };
        let listed = |list| NewOrder { list, ..head };
        let profit = NewOrder {
            list: ListRole::Leg,
            side: Side::Buy,
            price: 1,
            ..head
        };
        let orders = match self.kind {
            0..3 => vec![NewOrder {
                flags: order_flags::REDUCE_ONLY,
                ..head
            }],
            3..6 => vec![listed(ListRole::OcoHead), stop(Side::Sell, 1)],
            6..8 => vec![listed(ListRole::BracketHead), profit, stop(Side::Buy, 15)],
            _ => vec![self.order_selling()],
        };
        orders.into_iter().map(Command::New).collect()
    }

    fn order_selling(&self) -> NewOrder {
        NewOrder {
            side: Side::Sell,
            ..self.order()
        }
    }
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

    #[test]
    fn after_an_uncross_the_book_is_crossed_no_more(
        before in prop::collection::vec(draws(), 0..12),
        during in prop::collection::vec(draws(), 0..50),
        positions in prop::array::uniform4(-40..40_i64),
    ) {
        let mut engine = venue(Phase::Continuous);
        for (account, position) in (0..).zip(positions) {
            told(&mut engine, &[Command::SetPosition { instrument: 0, account, position }]);
            told(&mut engine, &[Command::SetAccount { account, tier: 0, group: account / 3 }]);
        }
        for draw in &before {
            told(&mut engine, &draw.before());
        }
        told(&mut engine, &[enter(Phase::Auction)]);
        for draw in &during {
            told(&mut engine, &[Command::New(draw.order())]);
        }
        let events = told(&mut engine, &[enter(Phase::Continuous)]);
        prop_assert!(!is_crossed(&engine));
        // What fires or comes to life then trades as ever.
        let ordinary = |event: &EventRecord| is(event, EventKind::Activated) || is(event, EventKind::Triggered);
        let end = events.iter().position(ordinary).unwrap_or(events.len());
        inspect(&events[..end])?;
        let image = engine.image();
        prop_assert_eq!(Engine::from_image(&image).map(|engine| engine.image()), Ok(image));
    }

    #[test]
    fn without_removals_one_round_is_enough(during in prop::collection::vec(draws(), 0..60)) {
        let mut engine = venue(Phase::Auction);
        for draw in &during {
            let order = NewOrder { stp: StpMode::None, ..draw.order() };
            told(&mut engine, &[Command::New(order)]);
        }
        let was_crossed = is_crossed(&engine);
        let events = told(&mut engine, &[enter(Phase::Continuous)]);
        inspect(&events)?;
        let rounds = events.iter().filter(|event| is(event, EventKind::Uncross)).count();
        prop_assert_eq!(rounds, usize::from(was_crossed));
        let last = events.iter().rev().find(|event| !is(event, EventKind::Rested));
        prop_assert_eq!(last.map(|event| is(event, EventKind::Uncross)), Some(was_crossed));
    }
}

#[test]
fn twenty_thousand_pairs_of_one_owner_go_in_one_step_each_and_print_nothing() {
    for stp in [
        StpMode::ExpireMaker,
        StpMode::ExpireTaker,
        StpMode::ExpireBoth,
        StpMode::Decrement,
    ] {
        let mut engine = venue(Phase::Auction);
        let pairs: Vec<Command> = (0..20_000)
            .flat_map(|n| [(Side::Sell, 1 + n), (Side::Buy, 40_000 - n)])
            .map(|(side, price)| Command::New(order(1, side, price, 1, stp)))
            .collect();
        told(&mut engine, &pairs);
        let events = told(&mut engine, &[enter(Phase::Continuous)]);
        let (first, rest) = (&events[0], &events[1..]);
        assert!(is(first, EventKind::Phase));
        assert!(rest.len() <= 40_000);
        assert!(rest.iter().all(|event| is(event, EventKind::Cancelled)
            && event.event_reason() == Some(Reason::SelfTrade)));
        assert!(!is_crossed(&engine));
    }
}

#[test]
fn removals_that_leave_a_round_without_a_trade_cost_one_step_each() {
    let mut engine = venue(Phase::Auction);
    told(&mut engine, &one_removal_a_round(20_000, 1));
    assert!(is_crossed(&engine));
    let events = told(&mut engine, &[enter(Phase::Continuous)]);
    assert_eq!(events.len(), 1 + 20_000);
    assert!(events[1..]
        .iter()
        .all(|event| is(event, EventKind::Cancelled)));
    assert!(!is_crossed(&engine));
}

#[test]
fn what_eight_rounds_leave_crossed_trades_at_the_price_of_the_earlier_order() {
    let mut engine = venue(Phase::Auction);
    told(&mut engine, &one_removal_a_round(20, 5));
    let others = [
        order(3, Side::Buy, 9, 7, StpMode::None),
        order(4, Side::Sell, 8, 3, StpMode::None),
    ];
    told(&mut engine, &others.map(Command::New));
    let events = told(&mut engine, &[enter(Phase::Continuous)]);
    // The bids of account 1 go one by one. Then the bid at 9 meets the offer at 1, which came before it, and that
    // at 8, which came after it.
    assert_eq!(prints(&events), [(1, 1), (9, 3)]);
    assert!(!events.iter().any(|event| is(event, EventKind::Uncross)));
    let rest = events
        .iter()
        .filter(|event| is(event, EventKind::Cancelled))
        .count();
    assert_eq!(rest, 20);
    assert!(!is_crossed(&engine));
}

#[test]
fn a_round_keeps_its_price_when_removals_change_the_volume() {
    let mut engine = venue(Phase::Auction);
    let orders = [
        order(1, Side::Sell, 10, 6, StpMode::None),
        order(2, Side::Sell, 12, 1, StpMode::None),
        order(1, Side::Buy, 14, 9, StpMode::ExpireMaker),
        order(3, Side::Buy, 11, 2, StpMode::None),
    ];
    told(&mut engine, &orders.map(Command::New));
    let events = told(&mut engine, &[enter(Phase::Continuous)]);
    // 7 lots would trade at 12 and at 14; the lower price wins. The offer at 10 goes, then 1 lot trades at 12.
    let removed = &events[1];
    assert_eq!(
        (removed.event_reason(), removed.order_id),
        (Some(Reason::SelfTrade), 1)
    );
    assert_eq!(prints(&events), [(12, 1)]);
    let uncross = events.iter().find(|event| is(event, EventKind::Uncross));
    let told = uncross.map(|event| (event.price, event.qty, event.leaves));
    assert_eq!(told, Some((12, 1, 2)));
}
