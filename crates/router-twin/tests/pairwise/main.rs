//! Any four properties of an order, its arrival, its amend and a crash meet in some short tape.
//!
//! Three covering arrays: of rows that phase and combination let through, so that what meets really
//! trades; of those in which an order is still there when its amend comes; and of any rows, most of
//! which must be refused for exactly that.
#![allow(
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a difference ends the test"
)]

mod rows;
mod tape;

use std::collections::{BTreeMap, BTreeSet};

use router_core::engine::{OrderType, Phase, Reason, Tif};
use router_twin::cover::{Factors, Partial};

use rows::{allowed, is_stop, lasts, phase_takes, sizes, type_takes, Change, Row};
use tape::{play, Outcome};

/// How often something was applied and refused.
#[derive(Default, Clone, Copy)]
struct Count {
    applied: u32,
    refused: u32,
}

impl Count {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Applied => self.applied += 1,
            Outcome::Refused(_) => self.refused += 1,
        }
    }
}

/// What became of all rows.
#[derive(Default)]
struct Tally {
    orders: BTreeMap<(u8, u8, u8), Count>,
    amends: BTreeMap<(u8, u8), Count>,
    reasons: BTreeSet<Option<Reason>>,
}

fn play_all(rows: &[Vec<usize>]) -> Tally {
    let mut tally = Tally::default();
    for (number, values) in rows.iter().enumerate() {
        let row = Row::new(values).unwrap_or_else(|| panic!("no row {values:?}"));
        let played = play(number, row);
        let whole: Vec<_> = values.iter().copied().map(Some).collect();
        check_outcome(row, &whole, played.order);
        let key = (row.phase.number(), row.kind.number(), row.tif.number());
        tally.orders.entry(key).or_default().add(played.order);
        if let Some(amend) = played.amend {
            let change = Change::ALL.iter().position(|one| *one == row.change);
            let key = (row.phase.number(), change.unwrap_or(0) as u8);
            tally.amends.entry(key).or_default().add(amend);
        }
        if let Outcome::Refused(reason) = played.order {
            tally.reasons.insert(reason);
        }
    }
    tally
}

/// Phase and combination refuse exactly the rows that the rules name; later checks may refuse others.
fn check_outcome(row: Row, values: &Partial, outcome: Outcome) {
    let early = matches!(
        outcome,
        Outcome::Refused(Some(Reason::PhaseRefuses | Reason::InvalidCombination))
    );
    assert_eq!(early, !allowed(values), "{outcome:?} of {row:?}");
    let later = matches!(
        outcome,
        Outcome::Applied
            | Outcome::Refused(Some(
                Reason::WouldTrigger
                    | Reason::NoLiquidity
                    | Reason::WouldCross
                    | Reason::NothingToReduce
                    | Reason::NotFillable
            ))
    );
    assert!(early || later, "{outcome:?} of {row:?}");
}

fn covered(factors: &Factors, rows: &[Vec<usize>], strength: usize) -> usize {
    let found: BTreeSet<_> = rows
        .iter()
        .flat_map(|row| factors.within(row, strength))
        .collect();
    for one in factors.combinations(strength) {
        assert!(
            found.contains(&one) || !factors.possible(&one),
            "{one:?} never meet"
        );
    }
    found.len()
}

fn print(name: &str, rows: usize, tally: &Tally) {
    println!("{name}: {rows} rows; applied/refused by phase and type");
    for phase in Phase::ALL {
        print!("{:>11}", format!("{phase:?}"));
        for kind in OrderType::ALL {
            let of = tally
                .orders
                .iter()
                .filter(|((one, other, _), _)| (*one, *other) == (phase.number(), kind.number()));
            let sum = of.fold(Count::default(), |sum, (_, one)| Count {
                applied: sum.applied + one.applied,
                refused: sum.refused + one.refused,
            });
            print!("  {kind:?} {}/{}", sum.applied, sum.refused);
        }
        println!();
    }
    for ((phase, change), count) in &tally.amends {
        let phase = Phase::from_number(*phase);
        let change = Change::ALL.get(usize::from(*change));
        println!(
            "  amend {change:?} after {phase:?}: {}/{}",
            count.applied, count.refused
        );
    }
}

#[test]
fn any_four_properties_that_may_meet_do_and_both_engines_agree() {
    let sizes = sizes();
    let factors = Factors {
        sizes: &sizes,
        fits: &allowed,
    };
    let rows = factors.cover(4, 11);
    let met = covered(&factors, &rows, 4);
    let tally = play_all(&rows);
    print(&format!("{met} fours that may meet"), rows.len(), &tally);
    for phase in Phase::ALL {
        for (kind, tif) in OrderType::ALL
            .iter()
            .flat_map(|kind| Tif::ALL.iter().map(move |tif| (*kind, *tif)))
        {
            let key = (phase.number(), kind.number(), tif.number());
            let applied = tally.orders.get(&key).map_or(0, |count| count.applied);
            let wanted = type_takes(kind, tif) && phase_takes(*phase, kind, tif);
            assert_eq!(applied > 0, wanted, "{kind:?} {tif:?} in {phase:?}");
        }
    }
}

/// Orders that are still there when the amend comes.
fn stays(values: &Partial) -> bool {
    let at = |place: usize| values.get(place).copied().flatten();
    let tif = at(1).and_then(|at| Tif::ALL.get(at).copied());
    let kind = at(0).and_then(|at| OrderType::ALL.get(at).copied());
    let rests = match (kind, tif) {
        (Some(kind), Some(tif)) => is_stop(kind) || lasts(tif),
        _ => true,
    };
    rests
        && at(3).is_none_or(|role| role == 0)
        && at(7).is_none_or(|change| change > 0)
        && at(11).is_none_or(|reaches| reaches == 0)
        && allowed(values)
}

#[test]
fn any_four_properties_of_an_order_that_is_amended_meet_and_both_engines_agree() {
    let sizes = sizes();
    let factors = Factors {
        sizes: &sizes,
        fits: &stays,
    };
    let rows = factors.cover(4, 13);
    let met = covered(&factors, &rows, 4);
    let tally = play_all(&rows);
    print(&format!("{met} fours with an amend"), rows.len(), &tally);
    for phase in [Phase::Auction, Phase::Continuous] {
        for change in 1..Change::ALL.len() as u8 {
            let count = tally.amends.get(&(phase.number(), change)).copied();
            let count = count.unwrap_or_default();
            assert!(count.applied > 10, "amend {change} in {phase:?}");
        }
    }
}

#[test]
fn any_three_properties_meet_and_what_does_not_fit_is_refused() {
    let sizes = sizes();
    let factors = Factors {
        sizes: &sizes,
        fits: &|_| true,
    };
    let rows = factors.cover(3, 12);
    let met = covered(&factors, &rows, 3);
    let tally = play_all(&rows);
    print(&format!("{met} triples of any kind"), rows.len(), &tally);
    let both = [Reason::PhaseRefuses, Reason::InvalidCombination];
    assert!(both
        .iter()
        .all(|reason| tally.reasons.contains(&Some(*reason))));
}
