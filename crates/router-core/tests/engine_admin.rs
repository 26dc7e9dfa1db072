//! What an administrator may set: instruments, fee tiers, time.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failing test may panic; numbers under test are small"
)]

use proptest::prelude::*;
use router_core::engine::rules::{MAX_TIME_NS, TIERS};
use router_core::engine::{
    encode, Command, Engine, EventKind, EventRecord, Limits, NewInstrument, NewOrder, Phase,
    Reason, RestoreError, Side,
};

/// Base units of a lot and of a tick and lot, and the price of every trade.
const LOT_UNITS: u64 = 7;
const TICK_UNITS: u64 = 3;
const PRICE: i64 = 50;

fn told(engine: &mut Engine, command: &Command) -> Vec<EventRecord> {
    let mut events = Vec::new();
    engine.submit(&[encode(command)], &mut events);
    events
}

/// The reason of a command that must be refused, without a change of state.
fn refused(engine: &mut Engine, command: &Command) -> Option<Reason> {
    let before = engine.image();
    let events = told(engine, command);
    let is_refused = events.len() == 1 && events[0].kind == EventKind::Rejected.number();
    let mut after = engine.image();
    after.sequence = before.sequence;
    (is_refused && after == before).then(|| events[0].event_reason().expect("a known reason"))
}

fn applied(engine: &mut Engine, command: &Command) -> bool {
    told(engine, command)
        .iter()
        .all(|event| event.kind != EventKind::Rejected.number())
}

const FUNDED: NewInstrument = NewInstrument {
    instrument: 0,
    base_asset: 1,
    quote_asset: 0,
    lot_units: LOT_UNITS,
    tick_units: TICK_UNITS,
    max_qty: 0,
    funded: true,
    positions: false,
};

fn tier(tier: u32, maker_ppm: i64, taker_ppm: i64) -> Command {
    Command::SetTier {
        tier,
        maker_ppm,
        taker_ppm,
    }
}

#[test]
fn a_funded_instrument_trades_two_assets_and_neither_is_free() {
    let one_asset = NewInstrument {
        base_asset: 0,
        ..FUNDED
    };
    let free_lots = NewInstrument {
        lot_units: 0,
        ..FUNDED
    };
    let free_ticks = NewInstrument {
        tick_units: 0,
        ..FUNDED
    };
    let mut engine = Engine::new(Limits::default());
    for (added, reason) in [
        (one_asset, Reason::InvalidCombination),
        (free_lots, Reason::OutOfRange),
        (free_ticks, Reason::OutOfRange),
        // The combination is looked at before the numbers, the assets before both.
        (
            NewInstrument {
                lot_units: 0,
                ..one_asset
            },
            Reason::InvalidCombination,
        ),
        (
            NewInstrument {
                base_asset: 64,
                quote_asset: 64,
                ..FUNDED
            },
            Reason::UnknownAsset,
        ),
    ] {
        let command = Command::AddInstrument(added);
        assert_eq!(refused(&mut engine, &command), Some(reason), "{added:?}");
        let unfunded = NewInstrument {
            funded: false,
            ..added
        };
        let is_known = unfunded.base_asset < 64;
        let mut other = Engine::new(Limits::default());
        assert_eq!(
            applied(&mut other, &Command::AddInstrument(unfunded)),
            is_known
        );
    }
    assert!(applied(&mut engine, &Command::AddInstrument(FUNDED)));
}

#[test]
fn a_rebate_is_refused_until_every_taker_rate_pays_for_it() {
    let mut engine = Engine::new(Limits::default());
    let rebate = tier(3, -50, 50);
    for number in 0..TIERS as u32 {
        assert_eq!(refused(&mut engine, &rebate), Some(Reason::OutOfRange));
        assert!(applied(&mut engine, &tier(number, 0, 50)));
    }
    assert!(applied(&mut engine, &rebate));
    // From now on no taker rate may sink below what the rebate costs, whatever the tier earns by itself.
    assert_eq!(
        refused(&mut engine, &tier(9, 1_000, 49)),
        Some(Reason::OutOfRange)
    );
    assert_eq!(
        refused(&mut engine, &tier(16, 0, 50)),
        Some(Reason::OutOfRange)
    );
    assert_eq!(
        refused(&mut engine, &tier(0, 100_001, 50)),
        Some(Reason::OutOfRange)
    );
    assert!(applied(&mut engine, &tier(3, 0, 50)));
    assert!(applied(&mut engine, &tier(9, 1_000, 0)));
}

#[test]
fn an_image_with_tiers_or_instruments_that_no_command_makes_is_refused() {
    let mut engine = Engine::new(Limits::default());
    assert!(applied(&mut engine, &Command::AddInstrument(FUNDED)));
    let image = engine.image();
    assert!(Engine::from_image(&image).is_ok());
    let refuses = |bent: &dyn Fn(&mut router_core::engine::Image)| {
        let mut other = image.clone();
        bent(&mut other);
        matches!(
            Engine::from_image(&other).err(),
            Some(RestoreError::OutOfBounds)
        )
    };
    assert!(refuses(&|image| image.tiers[4].maker_ppm = -1));
    assert!(refuses(&|image| image.tiers[4].taker_ppm = 100_001));
    assert!(refuses(&|image| image.instruments[0].base_asset = 0));
    assert!(refuses(&|image| image.instruments[0].tick_units = 0));
}

#[test]
fn time_ends_where_a_time_can_still_be_held() {
    let mut engine = Engine::new(Limits::default());
    let tick = |now_ns| Command::Tick { now_ns };
    assert_eq!(
        refused(&mut engine, &tick(MAX_TIME_NS + 1)),
        Some(Reason::OutOfRange)
    );
    assert_eq!(
        refused(&mut engine, &tick(u64::MAX)),
        Some(Reason::OutOfRange)
    );
    assert!(applied(&mut engine, &tick(MAX_TIME_NS)));
    assert_eq!(
        refused(&mut engine, &tick(MAX_TIME_NS - 1)),
        Some(Reason::TimeBackwards)
    );
}

/// What the house got by each trade, in quote units times base units of a lot, at the price of the trade.
fn earnings(events: &[EventRecord]) -> Vec<i128> {
    let mut earned = Vec::new();
    for event in events {
        if event.kind == EventKind::Trade.number() {
            earned.push(0);
        } else if event.kind == EventKind::Fee.number() {
            let worth = if event.other_id == 0 {
                i128::from(LOT_UNITS)
            } else {
                i128::from(PRICE) * i128::from(TICK_UNITS)
            };
            *earned.last_mut().expect("a fee follows its trade") += event.amount() * worth;
        }
    }
    earned
}

proptest! {
    #[test]
    fn the_house_never_pays_for_a_trade_whatever_tiers_are_set(
        floor in 0..700_i64,
        tiers in prop::collection::vec((0..16_u32, -600..700_i64, -600..700_i64), 1..80),
        places in prop::array::uniform2(0..16_u32),
        trades in prop::collection::vec((0..2_u32, 0..2_u32, any::<bool>(), 1..4_000_u64), 1..30),
        auction in any::<bool>(),
    ) {
        let mut engine = Engine::new(Limits::default());
        // With taker rates that pay for it, rebates are taken; all else is refused.
        for number in 0..TIERS as u32 {
            prop_assert!(applied(&mut engine, &tier(number, 0, floor)));
        }
        for (number, maker_ppm, taker_ppm) in tiers {
            told(&mut engine, &tier(number, maker_ppm, taker_ppm));
        }
        prop_assert!(applied(&mut engine, &Command::AddInstrument(FUNDED)));
        for (account, tier) in (0..2).zip(places) {
            for asset in 0..2 {
                told(&mut engine, &Command::Deposit { account, asset, amount: 1 << 60 });
            }
            told(&mut engine, &Command::SetAccount { account, tier, group: 0 });
        }
        let phase = |phase| Command::SetPhase { instrument: 0, phase };
        told(&mut engine, &phase(if auction { Phase::Auction } else { Phase::Continuous }));
        let mut earned = Vec::new();
        for (maker, taker, buys, lots) in trades {
            let (first, second) = if buys { (Side::Buy, Side::Sell) } else { (Side::Sell, Side::Buy) };
            told(&mut engine, &Command::New(NewOrder::limit(0, maker, first, PRICE, lots)));
            let events = told(&mut engine, &Command::New(NewOrder::limit(0, taker, second, PRICE, lots)));
            earned.extend(earnings(&events));
        }
        earned.extend(earnings(&told(&mut engine, &phase(Phase::Continuous))));
        prop_assert!(!earned.is_empty());
        prop_assert!(earned.iter().all(|earned| *earned >= 0), "{earned:?}");
    }
}
