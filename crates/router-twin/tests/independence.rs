//! Who shares no instrument, account or asset does not notice the other; nor does anybody notice what
//! was refused.
//!
//! Two random tapes of different instruments, accounts and assets are shuffled into one. Each must get
//! the events, and leave the state, that it gets and leaves alone. Time and fee tiers are common: ticks
//! belong to both tapes, tiers are set beforehand.
#![allow(
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a difference ends the test"
)]

use std::collections::VecDeque;

use router_core::engine::image::{AccountImage, ClientIdImage, FeeImage, Image, InstrumentImage};
use router_core::engine::{
    decode, encode, Command, CommandKind, CommandRecord, Engine, EventKind, EventRecord, Limits,
    NewInstrument, Phase,
};
use router_twin::gen::{Generator, Profile, Rng};
use router_twin::pair::Pair;

/// Submissions of each of two tapes.
const LENGTH: usize = if cfg!(debug_assertions) { 150 } else { 600 };
/// Pairs of tapes of each pair of profiles.
const SEEDS: u64 = 3;
/// Instruments, accounts and assets of one tape; the next tape's begin there.
const INSTRUMENTS: u32 = 3;
const ACCOUNTS: u32 = 6;
const ASSETS: u32 = 3;
/// What lies outside every tape is moved up here, where nothing is.
const NOWHERE: u32 = 1_000;

/// Room for both, so that no cap is shared.
fn limits() -> Limits {
    Limits {
        max_accounts: 2 * ACCOUNTS,
        max_assets: 2 * ASSETS,
        max_instruments: 2 * INSTRUMENTS,
        max_orders: 10_000,
        max_client_ids: 10_000,
        max_account_orders: 20,
        max_account_client_ids: 16,
        ..Generator::limits()
    }
}

fn moved(number: u32, own: u32, side: u32) -> u32 {
    if number < own {
        number + side * own
    } else {
        number.saturating_add(NOWHERE)
    }
}

/// A record moved to the tape's own instruments, accounts and assets; `None` when it is about what both
/// share.
fn move_record(record: &CommandRecord, side: u32) -> Option<CommandRecord> {
    let Ok(mut command) = decode(record) else {
        return Some(*record);
    };
    let own_instrument = |number: &mut u32| *number = moved(*number, INSTRUMENTS, side);
    let own_account = |number: &mut u32| *number = moved(*number, ACCOUNTS, side);
    let own_asset = |number: &mut u32| *number = moved(*number, ASSETS, side);
    match &mut command {
        Command::AddInstrument(_)
        | Command::SetTier { .. }
        | Command::SetKill { account: None, .. } => return None,
        Command::Tick { .. } => {}
        Command::New(order) => {
            own_instrument(&mut order.instrument);
            own_account(&mut order.account);
        }
        Command::Cancel {
            instrument,
            account,
            ..
        }
        | Command::Amend {
            instrument,
            account,
            ..
        }
        | Command::Reduce {
            instrument,
            account,
            ..
        }
        | Command::SetPosition {
            instrument,
            account,
            ..
        } => {
            own_instrument(instrument);
            own_account(account);
        }
        Command::CancelByClientId { account, .. }
        | Command::Disconnect { account, .. }
        | Command::SetKill {
            account: Some(account),
            ..
        } => own_account(account),
        Command::MassCancel {
            account,
            instrument,
            ..
        } => {
            if account.is_none() && instrument.is_none() {
                *instrument = Some(0);
            }
            account.iter_mut().for_each(own_account);
            instrument.iter_mut().for_each(own_instrument);
        }
        Command::SetRule { instrument, .. }
        | Command::SetPhase { instrument, .. }
        | Command::SetMark { instrument, .. } => own_instrument(instrument),
        Command::Deposit { account, asset, .. } | Command::Withdraw { account, asset, .. } => {
            own_account(account);
            own_asset(asset);
        }
        Command::SetAccount { account, group, .. } => {
            own_account(account);
            *group += if *group == 0 { 0 } else { side };
        }
    }
    Some(encode(&command))
}

/// What both tapes start from.
fn opening() -> Vec<CommandRecord> {
    let mut commands = Vec::new();
    for tier in 0..16 {
        commands.push(Command::SetTier {
            tier,
            maker_ppm: 0,
            taker_ppm: 20_000 + i64::from(tier) * 1_000,
        });
    }
    commands.push(Command::SetTier {
        tier: 1,
        maker_ppm: -15_000,
        taker_ppm: 30_000,
    });
    for instrument in 0..2 * INSTRUMENTS {
        let (side, kind) = (instrument / INSTRUMENTS, instrument % INSTRUMENTS);
        commands.push(Command::AddInstrument(NewInstrument {
            instrument,
            base_asset: side * ASSETS + 1,
            quote_asset: side * ASSETS,
            lot_units: 3,
            tick_units: 2,
            max_qty: 0,
            funded: kind == 1,
            positions: kind == 2,
        }));
        commands.push(Command::SetPhase {
            instrument,
            phase: Phase::Continuous,
        });
    }
    commands.iter().map(encode).collect()
}

/// The part of the state that one tape can reach.
#[derive(Debug, PartialEq)]
struct Own {
    now_ns: u64,
    instruments: Vec<InstrumentImage>,
    accounts: Vec<AccountImage>,
    fees: Vec<FeeImage>,
    client_ids: Vec<ClientIdImage>,
}

fn own(image: Image, side: u32) -> Own {
    let ours = |number: u32, of: u32| number / of == side;
    let mut instruments = image.instruments;
    instruments.rotate_left((side * INSTRUMENTS) as usize);
    instruments.truncate(INSTRUMENTS as usize);
    Own {
        now_ns: image.now_ns,
        instruments,
        accounts: image
            .accounts
            .into_iter()
            .filter(|one| ours(one.account, ACCOUNTS))
            .collect(),
        fees: image
            .fees
            .into_iter()
            .filter(|one| ours(one.asset, ASSETS))
            .collect(),
        client_ids: image
            .client_ids
            .into_iter()
            .filter(|one| ours(one.account, ACCOUNTS))
            .collect(),
    }
}

fn without_numbers(events: &[EventRecord]) -> Vec<EventRecord> {
    let bare = |event: &EventRecord| EventRecord {
        command: 0,
        ..*event
    };
    events.iter().map(bare).collect()
}

fn is_tick(records: &[CommandRecord]) -> bool {
    let tick = CommandKind::Tick.number();
    records.first().is_some_and(|record| record.kind == tick)
}

/// Draws a tape on an engine of its own, and moves it.
fn draw(seed: u64, profile: Profile, side: u32) -> VecDeque<Vec<CommandRecord>> {
    let mut generator = Generator::new(seed, profile);
    let mut engine = Engine::new(Generator::limits());
    let mut tape = VecDeque::new();
    for _ in 0..LENGTH {
        let records = generator.submission();
        let mut events = Vec::new();
        engine.submit(&records, &mut events);
        generator.observe(&events);
        let made: Option<Vec<_>> = records.iter().map(|one| move_record(one, side)).collect();
        tape.extend(made.filter(|made| !made.is_empty()));
    }
    tape
}

/// A command of the shuffled tape: whose it is (`None`: of both), and its records.
type Dealt = (Option<u32>, Vec<CommandRecord>);

/// Shuffles two tapes; the ticks of the first are for both, those of the second are left out.
fn shuffle(rng: &mut Rng, mut tapes: [VecDeque<Vec<CommandRecord>>; 2]) -> Vec<Dealt> {
    let mut dealt = Vec::new();
    let [_, second] = &mut tapes;
    second.retain(|records| !is_tick(records));
    while tapes.iter().any(|tape| !tape.is_empty()) {
        let side = rng.narrow(2);
        let drawn = tapes.get_mut(side as usize).and_then(VecDeque::pop_front);
        if let Some(records) = drawn {
            let whose = (!is_tick(&records)).then_some(side);
            dealt.push((whose, records));
        }
    }
    dealt
}

fn submit(pair: &mut Pair, records: &[CommandRecord]) -> Vec<EventRecord> {
    pair.submit(records)
        .unwrap_or_else(|difference| panic!("{difference:?} differ at {records:?}"))
}

/// Runs the commands of `whose` alone, or all; returns the events by command, and the state.
fn run(dealt: &[Dealt], only: Option<u32>) -> (Vec<Vec<EventRecord>>, Image) {
    let mut pair = Pair::new(limits());
    submit(&mut pair, &opening());
    let mut events = Vec::new();
    for (whose, records) in dealt {
        let taken = only.is_none() || whose.is_none() || *whose == only;
        events.push(if taken {
            without_numbers(&submit(&mut pair, records))
        } else {
            Vec::new()
        });
    }
    (events, pair.engine.image())
}

/// The events of a tick are those of both; each keeps those of its instruments.
fn of_side(events: &[EventRecord], side: u32) -> Vec<EventRecord> {
    let ours = |event: &&EventRecord| event.instrument / INSTRUMENTS == side;
    events.iter().filter(ours).copied().collect()
}

fn check(seed: u64, profiles: [Profile; 2]) -> usize {
    let mut rng = Rng::new(seed);
    let [one, other] = profiles;
    let tapes = [draw(seed, one, 0), draw(seed + 1_000, other, 1)];
    let dealt = shuffle(&mut rng, tapes);
    let (together, state) = run(&dealt, None);
    for side in [0, 1] {
        let (alone, left) = run(&dealt, Some(side));
        for (at, (whose, records)) in dealt.iter().enumerate() {
            let both = together.get(at).cloned().unwrap_or_default();
            let mine = alone.get(at).cloned().unwrap_or_default();
            let (both, mine) = match whose {
                None => (of_side(&both, side), of_side(&mine, side)),
                Some(whose) if *whose == side => (both, mine),
                Some(_) => continue,
            };
            assert_eq!(both, mine, "seed {seed}, {profiles:?}, {at}: {records:?}");
        }
        assert_eq!(
            own(state.clone(), side),
            own(left, side),
            "seed {seed}, {profiles:?}: another state of side {side}"
        );
    }
    let trade = |event: &&EventRecord| event.event_kind() == Some(EventKind::Trade);
    together.iter().flatten().filter(trade).count()
}

#[test]
fn tapes_that_share_nothing_do_not_notice_each_other() {
    let mut trades = 0;
    for (place, one) in Profile::ALL.iter().enumerate() {
        for other in Profile::ALL.iter().skip(place) {
            for seed in 0..SEEDS {
                trades += check(seed * 7 + place as u64, [*one, *other]);
            }
        }
    }
    println!("{trades} trades in shuffled tapes");
    assert!(trades > 1_000, "hardly anything traded: {trades}");
}

fn refused(events: &[EventRecord]) -> bool {
    matches!(events, [event] if matches!(
        event.event_kind(),
        Some(EventKind::Rejected | EventKind::Duplicate)
    ))
}

/// Whether an engine in this state refuses the command.
fn would_refuse(image: &Image, records: &[CommandRecord]) -> bool {
    let mut probe = Engine::from_image(image).unwrap_or_else(|error| panic!("{error:?}"));
    let mut events = Vec::new();
    probe.submit(records, &mut events);
    refused(&events)
}

/// Plays a tape, and beside it the same tape with commands between that are all refused.
fn check_refused(seed: u64, profile: Profile) -> usize {
    let mut generator = Generator::new(seed, profile);
    let mut noise = Generator::new(seed + 500, profile);
    let mut plain = Pair::new(Generator::limits());
    let mut noisy = Pair::new(Generator::limits());
    let mut added = 0;
    for at in 0..LENGTH {
        let records = generator.submission();
        let events = submit(&mut plain, &records);
        generator.observe(&events);
        let with_noise = submit(&mut noisy, &records);
        assert_eq!(
            without_numbers(&events),
            without_numbers(&with_noise),
            "seed {seed}, {profile:?}, {at}: {records:?}"
        );
        noise.observe(&events);
        let more = noise.submission();
        let mut before = noisy.engine.image();
        if would_refuse(&before, &more) {
            submit(&mut noisy, &more);
            added += 1;
            before.sequence += more.len() as u64;
            assert_eq!(noisy.engine.image(), before, "{more:?} was refused");
        }
    }
    added
}

#[test]
fn commands_that_are_all_refused_change_nothing_but_the_sequence() {
    let mut added = 0;
    for profile in Profile::ALL {
        for seed in 0..2 * SEEDS {
            added += check_refused(seed, *profile);
        }
    }
    println!("{added} refused commands between");
    assert!(added > 1_000, "hardly anything was refused: {added}");
}
