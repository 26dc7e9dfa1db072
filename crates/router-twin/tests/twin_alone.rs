//! The twin and its generator by themselves.
#![allow(clippy::arithmetic_side_effects, reason = "a failing test may panic")]

use std::collections::BTreeMap;

use router_core::engine::{EventKind, EventRecord, Reason};
use router_twin::gen::{Generator, Profile};
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

fn count(events: &[EventRecord], kind: EventKind) -> usize {
    let of_kind = |event: &&EventRecord| event.event_kind() == Some(kind);
    events.iter().filter(of_kind).count()
}

#[test]
fn what_takes_several_commands_to_set_up_comes_up_too() {
    let (mut rounds, mut waited) = (0, 0);
    for seed in 0..4 {
        for profile in [Profile::Auctions, Profile::Stops] {
            let mut generator = Generator::new(seed, profile);
            let mut twin = Twin::new(Generator::limits());
            for _ in 0..20_000 {
                let events = twin.submit(&generator.submission());
                generator.observe(&events);
                rounds += usize::from(count(&events, EventKind::Uncross) > 1);
                let opens = count(&events, EventKind::Phase) > 0;
                let wakes = events
                    .iter()
                    .position(|event| event.event_kind() == Some(EventKind::Activated));
                let trades = count(&events, EventKind::Trade);
                // Without an uncross nothing but a pair that waited can come to life.
                waited += usize::from(
                    opens && wakes == Some(1) || (opens && wakes.is_some() && trades == 0),
                );
            }
        }
    }
    println!("{rounds} commands had several rounds, {waited} woke exits that had waited");
    assert!(rounds > 5 && waited > 3);
}
