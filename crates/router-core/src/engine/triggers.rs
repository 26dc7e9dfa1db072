//! Armed stop orders of one instrument, ordered so that a reference finds what it fires.
//!
//! Buys are kept mirrored: with prices negated a buy fires and trails exactly like a sell, so that one
//! ladder serves both sides.

use std::collections::BTreeMap;

use super::trailing::Trail;

/// An armed order: its id on the instrument and the caller's slot for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Armed {
    /// The order id.
    pub order: u64,
    /// Where the caller keeps the order.
    pub slot: u32,
}

/// Which ladder of an instrument an order is armed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rail {
    /// True for a buy: it fires when the reference rises to the trigger.
    pub buy: bool,
    /// True when the mark price is the reference, false for the last trade price.
    pub mark: bool,
}

/// All armed orders of one instrument.
#[derive(Debug, Clone, Default)]
pub struct Triggers {
    ladders: [Ladder; 4],
}

#[derive(Debug, Clone, Default)]
struct Ladder {
    stops: BTreeMap<(i64, u64), u32>,
    trail: Trail,
}

impl Triggers {
    /// Arms a stop at a trigger price.
    pub fn arm_stop(&mut self, rail: Rail, trigger: i64, armed: Armed) {
        let mirrored = mirror(rail, trigger);
        self.ladder_mut(rail)
            .stops
            .insert((mirrored, armed.order), armed.slot);
    }

    /// Arms a trailing order; without a watermark it takes the first reference as its own.
    pub fn arm_trailing(
        &mut self,
        rail: Rail,
        distance: i64,
        watermark: Option<i64>,
        armed: Armed,
    ) {
        let mirrored = watermark.map(|price| mirror(rail, price));
        self.ladder_mut(rail).trail.arm(distance, mirrored, armed);
    }

    /// Disarms a stop; false when it is not armed at that price.
    pub fn disarm_stop(&mut self, rail: Rail, trigger: i64, order: u64) -> bool {
        let mirrored = mirror(rail, trigger);
        self.ladder_mut(rail)
            .stops
            .remove(&(mirrored, order))
            .is_some()
    }

    /// Disarms a trailing order; false when it is not armed.
    pub fn disarm_trailing(&mut self, rail: Rail, order: u64) -> bool {
        self.ladder_mut(rail).trail.disarm(order)
    }

    /// Returns the watermark of a trailing order, if it has one.
    #[must_use]
    pub fn watermark(&self, rail: Rail, order: u64) -> Option<i64> {
        let mirrored = self.ladder(rail).trail.watermark(order)?;
        Some(mirror(rail, mirrored))
    }

    /// Takes out every order that a new reference fires and then moves the watermarks.
    ///
    /// The orders are appended to `fired` in order of id over both sides.
    pub fn reference(&mut self, mark: bool, price: i64, fired: &mut Vec<Armed>) {
        let first = fired.len();
        for buy in [false, true] {
            let rail = Rail { buy, mark };
            let mirrored = mirror(rail, price);
            let ladder = self.ladder_mut(rail);
            if !ladder.stops.is_empty() {
                take_stops(&mut ladder.stops, mirrored, fired);
            }
            ladder.trail.reference(mirrored, fired);
        }
        if let Some(new) = fired.get_mut(first..) {
            new.sort_unstable();
        }
    }

    fn ladder(&self, rail: Rail) -> &Ladder {
        let [last_sell, last_buy, mark_sell, mark_buy] = &self.ladders;
        match (rail.mark, rail.buy) {
            (false, false) => last_sell,
            (false, true) => last_buy,
            (true, false) => mark_sell,
            (true, true) => mark_buy,
        }
    }

    fn ladder_mut(&mut self, rail: Rail) -> &mut Ladder {
        let [last_sell, last_buy, mark_sell, mark_buy] = &mut self.ladders;
        match (rail.mark, rail.buy) {
            (false, false) => last_sell,
            (false, true) => last_buy,
            (true, false) => mark_sell,
            (true, true) => mark_buy,
        }
    }
}

/// Negates prices of buys; being its own inverse it also turns them back.
fn mirror(rail: Rail, price: i64) -> i64 {
    if rail.buy {
        price.saturating_neg()
    } else {
        price
    }
}

fn take_stops(stops: &mut BTreeMap<(i64, u64), u32>, price: i64, fired: &mut Vec<Armed>) {
    while let Some(last) = stops.last_entry() {
        let (trigger, order) = *last.key();
        if trigger < price {
            return;
        }
        fired.push(Armed {
            order,
            slot: last.remove(),
        });
    }
}
