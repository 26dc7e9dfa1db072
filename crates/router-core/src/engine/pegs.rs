//! The price pass over pegged orders that ends a command.

use super::book::{Book, Shared};
use super::event::{EventKind, EventRecord, Sink};
use super::rules::{PegKind, Phase, Side, MAX_PRICE};
use super::slab::Stage;

/// Best prices of levels that hold at least one order which is not pegged.
#[derive(Clone, Copy, Debug)]
struct References {
    bid: Option<i64>,
    ask: Option<i64>,
}

impl Book {
    /// Prices every pegged order anew. Called once at the end of a command that was not rejected and made
    /// an event on this instrument; only called if there are pegged orders.
    pub(crate) fn price_pegs(&mut self, shared: &mut Shared, out: &mut dyn Sink) {
        if self.phase != Phase::Continuous {
            return;
        }
        let references = References {
            bid: self.unpegged_best(Side::Buy),
            ask: self.unpegged_best(Side::Sell),
        };
        let pegs: Vec<u32> = self.pegs.values().copied().collect();
        for slot in pegs {
            let price = self.peg_price(slot, references).unwrap_or(0);
            self.move_peg(shared.sequence, slot, price, out);
        }
    }

    fn unpegged_best(&self, side: Side) -> Option<i64> {
        let ladder = self.side(side);
        let mut levels = ladder.iter().map(|(key, _)| key);
        let key = levels.find(|key| self.queue(side, *key).any(|slot| !self.is_pegged(slot)))?;
        Some(i64::from(ladder.key(key)))
    }

    fn is_pegged(&self, slot: u32) -> bool {
        self.slab
            .exotic(slot)
            .is_some_and(|exotic| exotic.peg != PegKind::None)
    }

    /// The price that an order should rest at now, if there is one.
    fn peg_price(&self, slot: u32, references: References) -> Option<u32> {
        let exotic = self.slab.exotic(slot)?;
        let side = self.slab.hot(slot).side();
        let reference = peg_reference(exotic.peg, side, references)?;
        let step = i64::from(self.rules.tick_step);
        let opposite = self.side(side.opposite()).best_price().map(i64::from);
        let cap = (exotic.cap != 0).then_some(i64::from(exotic.cap));
        let price = match side {
            Side::Buy => {
                let wanted = reference.saturating_sub(exotic.trigger);
                let capped = cap.map_or(wanted, |cap| wanted.min(cap));
                let rounded = capped.saturating_sub(capped.checked_rem_euclid(step)?);
                opposite.map_or(rounded, |ask| rounded.min(ask.saturating_sub(step)))
            }
            Side::Sell => {
                let wanted = reference.saturating_add(exotic.trigger);
                let capped = cap.map_or(wanted, |cap| wanted.max(cap));
                let above = capped.saturating_neg().checked_rem_euclid(step)?;
                let rounded = capped.saturating_add(above);
                opposite.map_or(rounded, |bid| rounded.max(bid.saturating_add(step)))
            }
        };
        let valid = (1..=MAX_PRICE).contains(&price).then_some(price)?;
        u32::try_from(valid).ok()
    }

    /// Takes a pegged order to another price, or out of the levels when `price` is 0.
    fn move_peg(&mut self, sequence: u64, slot: u32, price: u32, out: &mut dyn Sink) {
        let order = *self.slab.hot(slot);
        let rests = self.stage(slot) == Stage::Resting;
        let current = if rests { order.price() } else { 0 };
        if current == price {
            return;
        }
        if rests {
            let (ladder, slab) = self.side_mut(order.side());
            ladder.unlink(slab, slot, order.open);
        }
        if let Some(hot) = self.slab.hot_mut(slot) {
            hot.set_price(price);
        }
        if price == 0 {
            self.set_stage(slot, Stage::Parked);
            let parked = self.about(sequence, EventKind::Parked, self.slab.hot(slot));
            out.event(EventRecord {
                qty: order.open,
                ..parked
            });
            return;
        }
        self.set_stage(slot, Stage::Resting);
        self.rests = self.rests.wrapping_add(1);
        if let Some(cold) = self.slab.cold_mut(slot) {
            cold.priority = self.rests;
        }
        let (ladder, slab) = self.side_mut(order.side());
        ladder.push(slab, slot, order.open);
        let order = *self.slab.hot(slot);
        let replaced = self.about(sequence, EventKind::Replaced, &order);
        let total = self.slab.cold(slot).total;
        out.event(EventRecord {
            qty: total,
            leaves: order.open,
            ..replaced
        });
        let rested = self.about(sequence, EventKind::Rested, &order);
        out.event(EventRecord {
            qty: order.open,
            leaves: order.open,
            ..rested
        });
    }
}

fn peg_reference(peg: PegKind, side: Side, references: References) -> Option<i64> {
    let References { bid, ask } = references;
    let (own, opposite) = match side {
        Side::Buy => (bid, ask),
        Side::Sell => (ask, bid),
    };
    match peg {
        PegKind::None => None,
        PegKind::Primary => own,
        PegKind::Market => opposite,
        PegKind::Mid => {
            let sum = bid?.saturating_add(ask?);
            Some(match side {
                Side::Buy => sum >> 1,
                Side::Sell => sum.saturating_add(1) >> 1,
            })
        }
    }
}
