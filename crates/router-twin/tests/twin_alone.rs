//! The twin and its generator by themselves.
#![allow(clippy::arithmetic_side_effects, reason = "a failing test may panic")]

use std::collections::BTreeMap;

use router_core::engine::image::{InstrumentImage, LinkImage, OrderImage};
use router_core::engine::{
    decode, event_flags, Command, CommandRecord, EventKind, EventRecord, NewOrder, OrderType,
    Reason,
};
use router_twin::gen::{Generator, Profile};
use router_twin::pair::commands;
use router_twin::Twin;

#[test]
fn every_event_kind_and_every_reason_comes_up() {
    let mut kinds: BTreeMap<EventKind, u64> = BTreeMap::new();
    let mut reasons: BTreeMap<Reason, u64> = BTreeMap::new();
    for (seed, profile) in (1..).zip(Profile::ALL) {
        let mut generator = Generator::new(seed, *profile);
        let mut twin = Twin::new(Generator::limits());
        for _ in 0..20_000 {
            let events = twin.submit(&generator.submission());
            generator.observe(&events);
            for event in &events {
                let (kind, reason) = (event.event_kind(), event.event_reason());
                *kinds
                    .entry(kind.unwrap_or(EventKind::Rejected))
                    .or_default() += 1;
                *reasons.entry(reason.unwrap_or(Reason::None)).or_default() += 1;
            }
        }
    }
    println!("{kinds:?}\n{reasons:?}");
    for kind in EventKind::ALL {
        assert!(kinds.contains_key(kind), "no {kind:?} came up");
    }
    for reason in Reason::ALL {
        assert!(reasons.contains_key(reason), "no reason {reason:?} came up");
    }
}

#[test]
fn equal_seeds_give_equal_submissions() {
    for profile in Profile::ALL {
        let (mut one, mut other) = (Generator::new(5, *profile), Generator::new(5, *profile));
        let mut differs = Generator::new(6, *profile);
        let mut differences = 0;
        for _ in 0..500 {
            let records = one.submission();
            assert_eq!(
                records,
                other.submission(),
                "{profile:?} is not a function of its seed"
            );
            differences += u32::from(records != differs.submission());
        }
        assert!(differences > 100, "{profile:?} does not look at its seed");
    }
}

/// What was seen of the rarer rules.
#[derive(Debug, Default)]
struct Rare {
    caps: BTreeMap<&'static str, u64>,
    most_rounds: usize,
    trades_behind_all_rounds: u64,
    waits: u64,
    woken: u64,
    rebates: u64,
    disconnected: u64,
}

/// The caps that an order which was refused for want of room has reached.
fn reached(twin: &Twin, order: &NewOrder, reason: Reason) -> Option<&'static str> {
    let image = twin.image();
    let limits = image.limits;
    let place = usize::try_from(order.instrument).ok()?;
    let inst = image.instruments.get(place)?;
    let all = |inst: &InstrumentImage| -> Vec<OrderImage> {
        let levels = inst.bids.iter().chain(&inst.asks);
        let waits = inst.armed.iter().chain(&inst.pending).chain(&inst.parked);
        let rests = levels.flat_map(|level| &level.orders);
        rests.chain(waits).copied().collect()
    };
    let more = 1 + order.list.legs();
    let open: Vec<OrderImage> = image.instruments.iter().flat_map(all).collect();
    let own = open.iter().filter(|one| one.account == order.account);
    if reason == Reason::AccountFull {
        let full = own.count() + more > usize::try_from(limits.max_account_orders).ok()?;
        return Some(if full {
            "account orders"
        } else {
            "account client ids"
        });
    }
    let here = all(inst);
    let pegs = here
        .iter()
        .filter(|one| one.order_type == OrderType::Pegged);
    let caps = [
        (open.len() + more, limits.max_orders, "orders"),
        (here.len() + more, inst.rules.max_open, "open"),
        (
            image.client_ids.len() + more,
            limits.max_client_ids,
            "client ids",
        ),
        (inst.armed.len() + 1, inst.rules.max_armed, "armed"),
        (pegs.count() + 1, inst.rules.max_pegs, "pegs"),
    ];
    let full = |cap: u32| usize::try_from(cap).unwrap_or(usize::MAX);
    let found = caps.iter().find(|(count, cap, _)| *count > full(*cap));
    Some(found.map_or("unknown", |(_, _, name)| *name))
}

impl Rare {
    fn see(&mut self, twin: &Twin, records: &[CommandRecord], events: &[EventRecord]) {
        let first = records.first().map(decode);
        let reason = events.first().and_then(EventRecord::event_reason);
        let full = matches!(reason, Some(Reason::BookFull | Reason::AccountFull));
        if let (true, Some(Ok(Command::New(order))), Some(reason)) = (full, first, reason) {
            if let Some(name) = reached(twin, &order, reason) {
                *self.caps.entry(name).or_default() += 1;
            }
        }
        let (mut rounds, mut behind) = (0, 0);
        for event in events {
            match event.event_kind() {
                Some(EventKind::Uncross) => (rounds, behind) = (rounds + 1, 0),
                Some(EventKind::Trade) if event.flags & event_flags::AUCTION != 0 => behind += 1,
                Some(EventKind::Fee) if event.amount() < 0 => self.rebates += 1,
                Some(EventKind::Cancelled) => {
                    let hit = event.event_reason() == Some(Reason::Disconnected);
                    self.disconnected += u64::from(hit);
                }
                Some(_) | None => {}
            }
        }
        self.most_rounds = self.most_rounds.max(rounds);
        self.trades_behind_all_rounds += behind;
        let opens = matches!(first, Some(Ok(Command::SetPhase { .. })));
        let woken = events
            .iter()
            .filter(|event| event.event_kind() == Some(EventKind::Activated));
        self.woken += if opens { woken.count() as u64 } else { 0 };
        for inst in twin.image().instruments {
            let levels = inst.bids.iter().chain(&inst.asks);
            let rests: Vec<u64> = levels
                .flat_map(|level| &level.orders)
                .map(|order| order.id)
                .collect();
            let alone = |order: &&OrderImage| matches!(order.link, LinkImage::BracketExit { head, .. } if !rests.contains(&head));
            self.waits += inst.pending.iter().filter(alone).count() as u64;
        }
    }
}

#[test]
fn every_cap_and_the_rarer_turns_come_up() {
    let mut rare = Rare::default();
    for profile in Profile::ALL {
        for seed in 1..=6 {
            let mut generator = Generator::new(seed, *profile);
            let mut twin = Twin::new(Generator::limits());
            for _ in 0..4_000 {
                let submission = generator.submission();
                for records in commands(&submission) {
                    let events = twin.submit(records);
                    generator.observe(&events);
                    rare.see(&twin, records, &events);
                }
            }
        }
    }
    println!("{rare:?}");
    for cap in [
        "orders",
        "open",
        "client ids",
        "armed",
        "pegs",
        "account orders",
        "account client ids",
    ] {
        assert!(
            rare.caps.get(cap).is_some_and(|count| *count > 10),
            "{cap}: {rare:?}"
        );
    }
    assert!(rare.most_rounds >= 3, "{rare:?}");
    assert!(rare.trades_behind_all_rounds > 10, "{rare:?}");
    assert!(rare.waits > 50 && rare.woken > 50, "{rare:?}");
    assert!(rare.rebates > 50 && rare.disconnected > 50, "{rare:?}");
}
