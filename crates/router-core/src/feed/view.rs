//! What of one instrument is displayed: orders, levels, and which levels a batch has touched.

use std::collections::BTreeMap;

use super::error::OutOfStep;
use super::queue::{Ends, Orders, Slot};

/// Number of the bid side, as in the records.
pub(super) const BID: u8 = 0;
/// Number of the ask side.
pub(super) const ASK: u8 = 1;

/// A level: what it shows, and what the feed has last said of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) queue: Ends,
    pub(super) qty: u64,
    pub(super) count: u64,
    said: (u64, u64),
    touched: bool,
}

impl Level {
    const NEW: Self = Self {
        queue: Ends::EMPTY,
        qty: 0,
        count: 0,
        said: (0, 0),
        touched: false,
    };

    fn touch(&mut self, side: u8, price: i64, touched: &mut Vec<(u8, i64)>) {
        if !self.touched {
            self.touched = true;
            touched.push((side, price));
        }
    }
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It shows this many lots in its place.
    Shows(u64),
    /// It is no longer displayed.
    Gone,
}

/// A level that a batch has changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    pub(super) side: u8,
    pub(super) price: i64,
    pub(super) qty: u64,
    pub(super) count: u64,
}

/// Levels by price.
#[derive(Clone, Debug, Default)]
struct Sides {
    bids: BTreeMap<i64, Level>,
    asks: BTreeMap<i64, Level>,
}

impl Sides {
    const fn of_mut(&mut self, side: u8) -> &mut BTreeMap<i64, Level> {
        if side == BID {
            &mut self.bids
        } else {
            &mut self.asks
        }
    }
}

/// The displayed book of one instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    sides: Sides,
    pub(super) orders: Orders,
    touched: Vec<(u8, i64)>,
}

impl View {
    /// Shows an order behind all others of its price.
    pub(super) fn rest(
        &mut self,
        id: u64,
        side: u8,
        price: i64,
        shown: u64,
    ) -> Result<(), OutOfStep> {
        if shown == 0 || price < 1 || side > ASK {
            return Err(OutOfStep::OutOfRange);
        }
        let levels = self.sides.of_mut(side);
        let level = levels.entry(price).or_insert(Level::NEW);
        level.qty = level.qty.checked_add(shown).ok_or(OutOfStep::OutOfRange)?;
        level.count = level.count.checked_add(1).ok_or(OutOfStep::TooMany)?;
        level.touch(side, price, &mut self.touched);
        self.orders.append(&mut level.queue, id, side, price, shown)
    }

    /// Takes traded lots off the order; it leaves its level when nothing is shown any more.
    pub(super) fn trade(&mut self, id: u64, lots: u64) -> Result<Change, OutOfStep> {
        let place = self.orders.place_of(id).ok_or(OutOfStep::OrderUnknown)?;
        let shown = self.orders.at(place).ok_or(OutOfStep::OrderUnknown)?.shown;
        let left = shown.checked_sub(lots).ok_or(OutOfStep::Lots)?;
        self.show(place, left)
    }

    /// Shows at most `open` lots of the order, in its place; none if it is not displayed.
    pub(super) fn cap(&mut self, id: u64, open: u64) -> Result<Option<Change>, OutOfStep> {
        let Some(place) = self.orders.place_of(id) else {
            return Ok(None);
        };
        let shown = self.orders.at(place).ok_or(OutOfStep::OrderUnknown)?.shown;
        if open >= shown {
            return Ok(None);
        }
        self.show(place, open).map(Some)
    }

    /// Takes the order out; none if it is not displayed.
    pub(super) fn remove(&mut self, id: u64) -> Result<Option<Change>, OutOfStep> {
        match self.orders.place_of(id) {
            Some(place) => self.show(place, 0).map(Some),
            None => Ok(None),
        }
    }

    fn show(&mut self, place: u32, left: u64) -> Result<Change, OutOfStep> {
        let Slot {
            side, price, shown, ..
        } = *self.orders.at(place).ok_or(OutOfStep::OrderUnknown)?;
        let levels = self.sides.of_mut(side);
        let level = levels.get_mut(&price).ok_or(OutOfStep::OrderUnknown)?;
        let less = shown.checked_sub(left).ok_or(OutOfStep::Lots)?;
        level.qty = level.qty.checked_sub(less).ok_or(OutOfStep::Lots)?;
        level.touch(side, price, &mut self.touched);
        if left == 0 {
            level.count = level.count.checked_sub(1).ok_or(OutOfStep::Lots)?;
            self.orders.unlink(&mut level.queue, place)?;
            return Ok(Change::Gone);
        }
        if let Some(slot) = self.orders.at_mut(place) {
            slot.shown = left;
        }
        Ok(Change::Shows(left))
    }

    /// Hands each level that differs from what was last said of it to `say`, once, and forgets empty ones.
    pub(super) fn settle(&mut self, mut say: impl FnMut(Changed)) {
        let mut touched = std::mem::take(&mut self.touched);
        for &(side, price) in &touched {
            let levels = self.sides.of_mut(side);
            let Some(level) = levels.get_mut(&price) else {
                continue;
            };
            level.touched = false;
            let now = (level.qty, level.count);
            if level.said != now {
                level.said = now;
                let (qty, count) = now;
                say(Changed {
                    side,
                    price,
                    qty,
                    count,
                });
            }
            if now.1 == 0 {
                levels.remove(&price);
            }
        }
        touched.clear();
        self.touched = touched;
    }

    /// Returns the levels of a side, best first; meaningful once settled.
    pub(super) fn levels(&self, side: u8) -> Box<dyn Iterator<Item = (i64, &Level)> + '_> {
        if side == BID {
            Box::new(
                self.sides
                    .bids
                    .iter()
                    .rev()
                    .map(|(price, level)| (*price, level)),
            )
        } else {
            Box::new(self.sides.asks.iter().map(|(price, level)| (*price, level)))
        }
    }

    /// Returns price and displayed lots of the best level, or zeros.
    pub(super) fn best(&self, side: u8) -> (i64, u64) {
        self.levels(side)
            .next()
            .map_or((0, 0), |(price, level)| (price, level.qty))
    }
}
