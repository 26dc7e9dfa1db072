//! A price-time priority book that is obviously right: ordered maps and nothing else.

use super::{Action, Command, Side};
use std::collections::BTreeMap;

/// What a run left behind; equal for every right engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndState {
    /// Fills.
    pub trades: u64,
    /// Lots filled.
    pub volume: u64,
    /// Resting bids.
    pub bids: usize,
    /// Resting offers.
    pub asks: usize,
    /// Prices with a resting bid.
    pub bid_levels: usize,
    /// Prices with a resting offer.
    pub ask_levels: usize,
    /// [`l2_hash`] of the book.
    pub l2_hash: u64,
}

/// Hashes (price, total quantity) of every level, offers from the best, then bids from the best.
#[must_use]
pub fn l2_hash(
    asks: impl IntoIterator<Item = (i64, u64)>,
    bids: impl IntoIterator<Item = (i64, u64)>,
) -> u64 {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(1_099_511_628_211);
    asks.into_iter()
        .chain(bids)
        .fold(1_469_598_103_934_665_603, |hash, (price, quantity)| {
            mix(mix(hash, price as u64), quantity)
        })
}

/// A resting order.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    /// Its id.
    pub id: u64,
    /// Its owner.
    pub user: u32,
    /// What is left of it.
    pub quantity: i64,
}

/// One fill.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// The resting order.
    pub maker: u64,
    /// Its price.
    pub price: i64,
    /// Lots.
    pub quantity: i64,
    /// True if nothing is left of the resting order.
    pub maker_done: bool,
}

/// Place of an order in its side: best price first, then first come. Rank is the price of an offer
/// and minus the price of a bid.
type Place = (i64, u64);

/// The reference book.
#[derive(Debug, Default)]
pub struct ReferenceBook {
    sides: [BTreeMap<Place, Resting>; 2],
    places: BTreeMap<u64, (Side, Place)>,
    arrivals: u64,
    trades: u64,
    volume: u64,
    last_price: Option<i64>,
    /// Fills of the last command, in order.
    fills: Vec<Fill>,
}

fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => -price,
        Side::Sell => price,
    }
}

impl ReferenceBook {
    /// Carries out one command; an id that does not rest changes nothing.
    pub fn apply(&mut self, command: &Command) {
        self.fills.clear();
        match command.action {
            Action::New => self.place(command),
            Action::Cancel => drop(self.take_out(command.id)),
            Action::Move => {
                if let Some((side, resting)) = self.take_out(command.id) {
                    self.place(&Command {
                        side,
                        quantity: resting.quantity,
                        user: resting.user,
                        immediate: false,
                        ..*command
                    });
                }
            }
            Action::Reduce => self.reduce(command.id, command.quantity),
        }
    }

    fn place(&mut self, order: &Command) {
        let left = self.cross(order.side, order.price, order.quantity);
        if left > 0 && !order.immediate {
            self.rest(order, left);
        }
    }

    fn cross(&mut self, side: Side, limit: i64, mut quantity: i64) -> i64 {
        let maker_side = side.opposite();
        let worst = rank(maker_side, limit);
        while quantity > 0 {
            let Some(mut best) = self.sides[maker_side as usize].first_entry() else {
                break;
            };
            let price = rank(maker_side, best.key().0);
            if best.key().0 > worst {
                break;
            }
            let maker = best.get_mut();
            let fill = quantity.min(maker.quantity);
            maker.quantity -= fill;
            quantity -= fill;
            self.trades += 1;
            self.volume += fill as u64;
            self.last_price = Some(price);
            self.fills.push(Fill {
                maker: maker.id,
                price,
                quantity: fill,
                maker_done: maker.quantity == 0,
            });
            if maker.quantity == 0 {
                self.places.remove(&maker.id);
                best.remove();
            }
        }
        quantity
    }

    fn rest(&mut self, order: &Command, quantity: i64) {
        let place = (rank(order.side, order.price), self.arrivals);
        self.arrivals += 1;
        let resting = Resting {
            id: order.id,
            user: order.user,
            quantity,
        };
        self.sides[order.side as usize].insert(place, resting);
        self.places.insert(order.id, (order.side, place));
    }

    fn take_out(&mut self, id: u64) -> Option<(Side, Resting)> {
        let (side, place) = self.places.remove(&id)?;
        Some((side, self.sides[side as usize].remove(&place)?))
    }

    fn reduce(&mut self, id: u64, by: i64) {
        let Some(&(side, place)) = self.places.get(&id) else {
            return;
        };
        let Some(resting) = self.sides[side as usize].get_mut(&place) else {
            return;
        };
        if by < resting.quantity {
            resting.quantity -= by;
        } else {
            self.take_out(id);
        }
    }

    /// Fills of the last command, in order.
    #[must_use]
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// Whether `id` rests.
    #[must_use]
    pub fn is_resting(&self, id: u64) -> bool {
        self.places.contains_key(&id)
    }

    /// Side, price and order behind `id`.
    #[must_use]
    pub fn order(&self, id: u64) -> Option<(Side, i64, Resting)> {
        let &(side, place) = self.places.get(&id)?;
        Some((
            side,
            rank(side, place.0),
            *self.sides[side as usize].get(&place)?,
        ))
    }

    /// The resting order with the `nth` smallest id, from 0.
    pub(super) fn nth_oldest(&self, nth: usize) -> Option<u64> {
        self.places.keys().nth(nth).copied()
    }

    /// Best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<i64> {
        self.sides[side as usize]
            .first_key_value()
            .map(|(place, _)| rank(side, place.0))
    }

    /// Price of the last fill.
    #[must_use]
    pub fn last_price(&self) -> Option<i64> {
        self.last_price
    }

    /// Resting orders of a side.
    #[must_use]
    pub fn count(&self, side: Side) -> usize {
        self.sides[side as usize].len()
    }

    /// (price, total quantity) of every level of a side, best first.
    #[must_use]
    pub fn levels(&self, side: Side) -> Vec<(i64, u64)> {
        let mut levels: Vec<(i64, u64)> = Vec::new();
        for (place, resting) in &self.sides[side as usize] {
            let price = rank(side, place.0);
            let quantity = resting.quantity as u64;
            match levels.last_mut() {
                Some(level) if level.0 == price => level.1 += quantity,
                _ => levels.push((price, quantity)),
            }
        }
        levels
    }

    /// Where the book stands.
    #[must_use]
    pub fn end_state(&self) -> EndState {
        let (bids, asks) = (self.levels(Side::Buy), self.levels(Side::Sell));
        EndState {
            trades: self.trades,
            volume: self.volume,
            bids: self.count(Side::Buy),
            asks: self.count(Side::Sell),
            bid_levels: bids.len(),
            ask_levels: asks.len(),
            l2_hash: l2_hash(asks, bids),
        }
    }
}
