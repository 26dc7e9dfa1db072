//! What an order is told before it is taken, against what would become of it: fill or kill, funds, bands.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failing test may panic; numbers under test are small"
)]

use proptest::prelude::*;
use router_core::engine::{
    encode, order_flags, Command, Engine, EventKind, EventRecord, Limits, NewInstrument, NewOrder,
    OrderType, Phase, Reason, RestingOrder, RuleKind, Side, StpMode, Tif,
};

const LOT_UNITS: u64 = 3;
const TICK_UNITS: u64 = 2;
/// The account whose orders are looked at, and one of its trade group.
const TAKER: u32 = 9;
const RELATIVE: u32 = 2;

fn told(engine: &mut Engine, command: Command) -> Vec<EventRecord> {
    let mut events = Vec::new();
    engine.submit(&[encode(&command)], &mut events);
    events
}

fn refusal(events: &[EventRecord]) -> Option<Reason> {
    let first = &events[0];
    (first.kind == EventKind::Rejected.number()).then(|| first.event_reason().unwrap())
}

fn traded(events: &[EventRecord]) -> u64 {
    let trades = events
        .iter()
        .filter(|event| event.kind == EventKind::Trade.number());
    trades.map(|trade| trade.qty).sum()
}

fn set(rule: RuleKind, value: u64) -> Command {
    Command::SetRule {
        instrument: 0,
        rule,
        value,
    }
}

/// An open venue; accounts 0 to 3 have all the money there is.
fn venue(funded: bool) -> Engine {
    let mut engine = Engine::new(Limits::default());
    told(
        &mut engine,
        Command::AddInstrument(NewInstrument {
            instrument: 0,
            base_asset: 1,
            quote_asset: 0,
            lot_units: LOT_UNITS,
            tick_units: TICK_UNITS,
            max_qty: 0,
            funded,
            positions: false,
        }),
    );
    for (account, asset) in (0..4).flat_map(|account| [(account, 0), (account, 1)]) {
        let amount = 1 << 60;
        let deposit = Command::Deposit {
            account,
            asset,
            amount,
        };
        told(&mut engine, deposit);
    }
    for account in [RELATIVE, TAKER] {
        let (tier, group) = (0, 5);
        told(
            &mut engine,
            Command::SetAccount {
                account,
                tier,
                group,
            },
        );
    }
    let phase = Phase::Continuous;
    told(
        &mut engine,
        Command::SetPhase {
            instrument: 0,
            phase,
        },
    );
    engine
}

type Maker = (u32, i64, u64, u32);

/// Owner, distance from the best price, lots, lots shown (0: all).
fn makers() -> impl Strategy<Value = Vec<Maker>> {
    prop::collection::vec((0..4_u32, 0..5_i64, 1..20_u64, 0..5_u32), 0..14)
}

fn rest(engine: &mut Engine, side: Side, makers: &[Maker]) {
    for (account, away, lots, display) in makers.iter().copied() {
        let price = if side == Side::Buy {
            100 - away
        } else {
            100 + away
        };
        let order = NewOrder {
            display,
            ..NewOrder::limit(0, account, side, price, lots)
        };
        assert_eq!(refusal(&told(engine, Command::New(order))), None);
    }
}

fn taker(side: Side, limit: i64, lots: u64, stp: StpMode) -> NewOrder {
    NewOrder {
        order_type: if limit == 0 {
            OrderType::Market
        } else {
            OrderType::Limit
        },
        tif: Tif::Ioc,
        stp,
        ..NewOrder::limit(0, TAKER, side, limit, lots)
    }
}

fn sides() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn modes() -> impl Strategy<Value = StpMode> {
    prop::sample::select(StpMode::ALL.to_vec())
}

fn is_own(order: &RestingOrder) -> bool {
    order.account == RELATIVE || order.account == TAKER
}

/// What a market order needs, in lots of the base asset or in tick-lots, as the rules have it.
fn need(engine: &Engine, order: &NewOrder, collar_ppm: u64) -> u128 {
    let by_quote = order.flags & order_flags::QUOTE != 0;
    let is_buy = order.side == Side::Buy;
    if is_buy && by_quote {
        return u128::from(order.qty);
    }
    if is_buy && order.price != 0 {
        return u128::from(order.qty) * u128::from(order.price.unsigned_abs());
    }
    let makers: Vec<_> = engine.orders(0, order.side.opposite()).collect();
    let Some(best) = makers.first().map(|maker| maker.price) else {
        return 0;
    };
    let collar = i64::try_from(collar_ppm).unwrap();
    let limit = match (order.price, collar, is_buy) {
        (0, 0, true) => i64::MAX,
        (0, 0, false) => 0,
        (0, _, true) => best * (1_000_000 + collar) / 1_000_000,
        (0, _, false) => (best * (1_000_000 - collar) + 999_999) / 1_000_000,
        (price, _, _) => price,
    };
    let (mut left, mut lots, mut cost) = (order.qty, 0_u64, 0_u128);
    for level in makers.chunk_by(|one, next| one.price == next.price) {
        let price = level[0].price;
        if (is_buy && price > limit) || (!is_buy && price < limit) {
            break;
        }
        let counted = level
            .iter()
            .filter(|maker| order.stp == StpMode::None || !is_own(maker));
        let held: u64 = counted.map(|maker| maker.open).sum();
        let each = price.unsigned_abs();
        let wanted = if by_quote { left / each } else { left };
        let taken = wanted.min(held);
        lots += taken;
        cost += u128::from(taken) * u128::from(each);
        left -= if by_quote { taken * each } else { taken };
        if by_quote && wanted < held {
            break;
        }
    }
    if is_buy {
        cost
    } else {
        u128::from(lots)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn fill_or_kill_is_refused_exactly_when_the_same_order_would_not_be_filled(
        side in sides(), makers in makers(), away in 0..7_i64, lots in 1..80_u64, stp in modes(), collar in 0..2_u64,
    ) {
        let mut engine = venue(false);
        told(&mut engine, set(RuleKind::CollarPpm, collar * 20_000));
        rest(&mut engine, side.opposite(), &makers);
        let limit = match (away, side) {
            (0, _) => 0,
            (_, Side::Buy) => 99 + away,
            (_, Side::Sell) => 101 - away,
        };
        let order = taker(side, limit, lots, stp);
        let filled = traded(&told(&mut engine.clone(), Command::New(order))) == lots;
        let events = told(&mut engine, Command::New(NewOrder { tif: Tif::Fok, ..order }));
        prop_assert_eq!(refusal(&events), (!filled).then_some(Reason::NotFillable));
        prop_assert_eq!(traded(&events), if filled { lots } else { 0 });
    }

    #[test]
    fn a_market_order_is_taken_exactly_when_what_is_available_pays_for_what_it_meets(
        side in sides(), makers in makers(), protection in prop_oneof![3 => Just(0_i64), 1 => 96..105_i64],
        (lots, by_quote) in (1..60_u64, any::<bool>()), stp in modes(), collar in 0..2_u64, share in 0..14_u128,
    ) {
        let mut engine = venue(true);
        told(&mut engine, set(RuleKind::CollarPpm, collar * 20_000));
        rest(&mut engine, side.opposite(), &makers);
        let by_quote = by_quote && stp != StpMode::Decrement;
        let order = NewOrder {
            order_type: OrderType::Market,
            flags: if by_quote { order_flags::QUOTE } else { 0 },
            // A lot at 100 too little, so that what a level leaves of it would buy a lot at the next.
            qty: if by_quote { lots * 100 - 1 } else { lots },
            ..taker(side, protection, lots, stp)
        };
        let (asset, unit) = if side == Side::Buy { (0, TICK_UNITS) } else { (1, LOT_UNITS) };
        let units = need(&engine, &order, collar * 20_000) * u128::from(unit);
        // Around what is needed, to the unit, and far from it.
        let amount = match share {
            0..8 => units * share / 4,
            8..11 => (units + share).saturating_sub(9),
            _ => (units * share).saturating_sub(9),
        };
        told(&mut engine, Command::Deposit { account: TAKER, asset, amount });
        let events = told(&mut engine, Command::New(order));
        let is_short = amount < units;
        prop_assert_eq!(refusal(&events), is_short.then_some(Reason::InsufficientFunds), "{} of {}", amount, units);
        let image = engine.image();
        let all: u128 = image.accounts.iter().flat_map(|account| &account.balances).map(|have| have.available + have.held).sum();
        prop_assert_eq!(all, amount + 8 * (1 << 60));
    }
}

/// Were all orders of the level looked at, this would be forty billion looks.
#[test]
fn small_orders_in_front_of_a_long_level_look_at_few_of_its_orders() {
    let mut engine = venue(true);
    let crowd: Vec<_> = (0..100_000)
        .map(|_| {
            encode(&Command::New(NewOrder::limit(
                0,
                RELATIVE,
                Side::Sell,
                100,
                10,
            )))
        })
        .collect();
    engine.submit(&crowd, &mut Vec::new());
    let quote = 200_u64;
    let enough = u128::from(400_000 * quote * TICK_UNITS);
    let deposit = |amount| Command::Deposit {
        account: 7,
        asset: 0,
        amount,
    };
    told(&mut engine, deposit(enough));
    let mut lots = 0;
    let kinds = [
        (OrderType::Limit, Tif::Fok, 100),
        (OrderType::Market, Tif::Fok, 0),
        (OrderType::Market, Tif::Ioc, 0),
    ];
    for (order_type, tif, price) in kinds.into_iter().cycle().take(200_000) {
        let order = NewOrder {
            order_type,
            tif,
            stp: StpMode::ExpireTaker,
            ..NewOrder::limit(0, 7, Side::Buy, price, 1)
        };
        lots += traded(&told(&mut engine, Command::New(order)));
    }
    assert_eq!(lots, 200_000);
    // And an order that asks for more than its owner can pay is refused at the first lot too many.
    let withdrawn = Command::Withdraw {
        account: 7,
        asset: 0,
        amount: enough - u128::from(200_150 * 100 * TICK_UNITS),
    };
    assert_eq!(refusal(&told(&mut engine, withdrawn)), None);
    for _ in 0..200_000 {
        let order = NewOrder {
            order_type: OrderType::Market,
            tif: Tif::Ioc,
            ..NewOrder::limit(0, 7, Side::Buy, 0, 1 << 39)
        };
        let events = told(&mut engine, Command::New(order));
        assert_eq!(refusal(&events), Some(Reason::InsufficientFunds));
    }
}

/// A venue with a band of 5 % around a mark of 100 and one offer at its lower end.
fn banded() -> Engine {
    let mut engine = venue(false);
    told(&mut engine, set(RuleKind::BandPpm, 50_000));
    let mark = Command::SetMark {
        instrument: 0,
        price: 100,
    };
    told(&mut engine, mark);
    rest(&mut engine, Side::Sell, &[(0, -5, 4, 0)]);
    engine
}

fn sliding(price: i64) -> NewOrder {
    NewOrder {
        flags: order_flags::POST_ONLY | order_flags::SLIDE,
        ..NewOrder::limit(0, 1, Side::Buy, price, 2)
    }
}

#[test]
fn a_price_taken_from_the_other_side_lies_in_the_band_too() {
    let order = Command::New(NewOrder {
        order_type: OrderType::MarketToLimit,
        ..NewOrder::limit(0, 1, Side::Buy, 0, 2)
    });
    let mut engine = banded();
    let mark = Command::SetMark {
        instrument: 0,
        price: 120,
    };
    assert_eq!(traded(&told(&mut engine, order)), 2);
    told(&mut engine, mark);
    assert_eq!(
        refusal(&told(&mut engine, order)),
        Some(Reason::OutsideBand)
    );
}

#[test]
fn a_price_slid_out_of_the_band_is_refused_to_new_orders_and_to_amends() {
    let mut engine = banded();
    let slides = Command::New(sliding(97));
    assert_eq!(
        refusal(&told(&mut engine, slides)),
        Some(Reason::OutsideBand)
    );
    rest(&mut engine, Side::Sell, &[(0, 1, 4, 0)]);
    let cancel = Command::Cancel {
        instrument: 0,
        account: 0,
        order_id: 1,
    };
    told(&mut engine, cancel);
    let accepted = told(&mut engine, Command::New(sliding(103)));
    assert_eq!((refusal(&accepted), accepted[0].price), (None, 100));
    let amend = |price| Command::Amend {
        instrument: 0,
        account: 1,
        order_id: 3,
        price,
        qty: 0,
        requeue: false,
    };
    let slid = told(&mut engine, amend(104));
    assert_eq!((refusal(&slid), slid[0].price), (None, 100));
    told(&mut engine, amend(95));
    rest(&mut engine, Side::Sell, &[(0, -4, 4, 0)]);
    let mark = Command::SetMark {
        instrument: 0,
        price: 102,
    };
    told(&mut engine, mark);
    let before = engine.image();
    assert_eq!(
        refusal(&told(&mut engine, amend(100))),
        Some(Reason::OutsideBand)
    );
    let mut after = engine.image();
    after.sequence = before.sequence;
    assert_eq!(after, before);
}
