use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::{Ladder, NO_KEY};
use crate::engine::rules::Side;
use crate::engine::slab::{Cold, Slab, Slot};

/// Levels of a side as queues of (slot, lots), by key.
type Model = BTreeMap<u32, VecDeque<(u32, u64)>>;

#[derive(Clone, Debug)]
enum Act {
    Push { price: u32, lots: u64 },
    Unlink { nth: usize },
    Shrink { nth: usize },
}

fn price() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => 50_000..50_040u32,
        2 => 48_000..53_000u32,
        2 => 1..400_000u32,
        1 => 1..=0x7FFF_FFFEu32,
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (price(), 1..100u64).prop_map(|(price, lots)| Act::Push { price, lots }),
        4 => any::<prop::sample::Index>().prop_map(|nth| Act::Unlink { nth: nth.index(1 << 20) }),
        1 => any::<prop::sample::Index>().prop_map(|nth| Act::Shrink { nth: nth.index(1 << 20) }),
    ]
}

fn order(side: Side, id: u64, price: u32, lots: u64) -> Slot {
    Slot::new(id, 0, side, price, lots, 0)
}

struct Pair {
    side: Side,
    slab: Slab,
    ladder: Ladder,
    model: Model,
    live: Vec<u32>,
    ids: u64,
}

impl Pair {
    fn new(side: Side) -> Self {
        Self {
            side,
            slab: Slab::new(),
            ladder: Ladder::new(side),
            model: Model::new(),
            live: Vec::new(),
            ids: 0,
        }
    }

    fn apply(&mut self, act: &Act) {
        match *act {
            Act::Push { price, lots } => {
                self.ids = self.ids.saturating_add(1);
                let slot = self
                    .slab
                    .insert(order(self.side, self.ids, price, lots), Cold::default());
                self.ladder.push(&mut self.slab, slot, lots);
                self.model
                    .entry(self.ladder.key(price))
                    .or_default()
                    .push_back((slot, lots));
                self.live.push(slot);
            }
            Act::Unlink { nth } => {
                let Some(at) = nth.checked_rem(self.live.len()) else {
                    return;
                };
                let slot = self.live.swap_remove(at);
                let hot = *self.slab.hot(slot);
                self.ladder.unlink(&mut self.slab, slot, hot.open);
                self.slab.remove(slot);
                let key = self.ladder.key(hot.price());
                if let Some(queue) = self.model.get_mut(&key) {
                    queue.retain(|(other, _)| *other != slot);
                    if queue.is_empty() {
                        self.model.remove(&key);
                    }
                }
            }
            Act::Shrink { nth } => {
                let Some(slot) = nth
                    .checked_rem(self.live.len())
                    .and_then(|at| self.live.get(at))
                else {
                    return;
                };
                let hot = *self.slab.hot(*slot);
                if hot.open < 2 {
                    return;
                }
                let key = self.ladder.key(hot.price());
                self.ladder.shrink(key, 1);
                if let Some(place) = self.slab.hot_mut(*slot) {
                    place.open = hot.open.wrapping_sub(1);
                }
                let queue = self.model.get_mut(&key).into_iter().flatten();
                for (_, lots) in queue.filter(|(other, _)| other == slot) {
                    *lots = lots.wrapping_sub(1);
                }
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let best = self.model.keys().next().copied().unwrap_or(NO_KEY);
        prop_assert_eq!(self.ladder.best_key(), best);
        let levels: Vec<_> = self
            .ladder
            .iter()
            .map(|(key, level)| {
                (
                    key,
                    level.qty,
                    level.count,
                    self.queue(level.head, level.tail),
                )
            })
            .collect();
        let expected: Vec<_> = self
            .model
            .iter()
            .map(|(key, queue)| {
                let qty = queue.iter().map(|(_, lots)| lots).sum::<u64>();
                let count = u32::try_from(queue.len()).unwrap_or(u32::MAX);
                (
                    *key,
                    qty,
                    count,
                    queue.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(),
                )
            })
            .collect();
        prop_assert_eq!(levels, expected);
        Ok(())
    }

    /// The queue walked forwards; empty if walking back from the tail does not give the same.
    fn queue(&self, head: u32, tail: u32) -> Vec<u32> {
        let walk = |from: u32, step: fn(&Slot) -> u32| -> Vec<u32> {
            let next = |slot: &u32| Some(step(self.slab.hot(*slot))).filter(|next| *next != 0);
            std::iter::successors((from != 0).then_some(from), next).collect()
        };
        let forwards = walk(head, |slot| slot.next);
        let mut back = walk(tail, |slot| slot.prev);
        back.reverse();
        if back == forwards {
            forwards
        } else {
            Vec::new()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_ladder_is_an_ordered_map_of_queues(
        is_buy in any::<bool>(),
        acts in prop::collection::vec(act(), 1..400),
    ) {
        let mut pair = Pair::new(if is_buy { Side::Buy } else { Side::Sell });
        for act in &acts {
            pair.apply(act);
            pair.check()?;
        }
    }
}

#[test]
fn far_prices_do_not_make_the_band_move_with_every_order() {
    let mut pair = Pair::new(Side::Sell);
    for round in 0..2_000u32 {
        let price: u32 = if round.is_multiple_of(2) {
            1_000
        } else {
            2_000_000_000
        };
        pair.apply(&Act::Push {
            price: price.wrapping_add(round),
            lots: 1,
        });
    }
    assert!(pair.check().is_ok());
    assert!(pair.ladder.memory_bytes() < 16 << 20);
}

#[test]
fn a_side_takes_memory_by_its_levels_and_not_by_how_far_apart_they_are() {
    for gap in [1, 50, 3_000, 1 << 27] {
        let mut pair = Pair::new(Side::Sell);
        assert!(pair.ladder.memory_bytes() < 100);
        for number in 0..10 {
            let slot = pair.slab.insert(
                Slot::new(number + 1, 0, Side::Sell, 1 + gap * number as u32, 1, 0),
                Cold::default(),
            );
            pair.ladder.push(&mut pair.slab, slot, 1);
        }
        let bytes = pair.ladder.memory_bytes();
        assert!(bytes < 32 << 10, "{bytes} bytes for gaps of {gap}");
        assert!(gap != 1 || bytes < 8 << 10, "{bytes} bytes for neighbours");
    }
}
