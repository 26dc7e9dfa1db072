//! The index of ids against a map, and that it grows with the open orders only.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "numbers under test are small"
)]

use proptest::prelude::*;
use std::collections::BTreeMap;

use super::IdIndex;
use crate::engine::rules::Side;
use crate::engine::slab::{Cold, Slab, Slot};

struct Orders {
    slab: Slab,
    ids: IdIndex,
    open: BTreeMap<u64, u32>,
}

impl Orders {
    fn new() -> Self {
        Self {
            slab: Slab::new(),
            ids: IdIndex::default(),
            open: BTreeMap::new(),
        }
    }

    fn add(&mut self, id: u64) {
        let slot = self
            .slab
            .insert(Slot::new(id, 0, Side::Buy, 1, 1, 0), Cold::default());
        self.ids.set(&self.slab, id, slot);
        self.open.insert(id, slot);
    }

    fn end(&mut self, id: u64) {
        if let Some(slot) = self.open.remove(&id) {
            self.slab.remove(slot);
            self.ids.clear(id, slot);
        }
    }

    fn get(&self, id: u64) -> u32 {
        self.ids.get(&self.slab, id)
    }

    fn is_right(&self) -> bool {
        self.open.iter().all(|(id, slot)| {
            self.get(*id) == *slot
                && [id ^ 1, id ^ (1 << 20), id + 128]
                    .into_iter()
                    .all(|other| self.get(other) == self.open.get(&other).copied().unwrap_or(0))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Ids ascend with gaps of every size; some orders end at once, some never.
    #[test]
    fn open_orders_are_found_under_ids_with_any_gaps(
        steps in prop::collection::vec((0..4_u32, 0..3_000_u64, 1..60_u64, any::<u64>()), 1..40)
    ) {
        let mut orders = Orders::new();
        let mut id = 1;
        for (size, gap, count, choice) in steps {
            id += gap << (size * 9);
            for number in 0..count * 20 {
                orders.add(id);
                if (choice >> (number % 64)) & 1 == 0 {
                    orders.end(id - number / 2);
                }
                id += 1;
            }
            if choice % 3 == 0 {
                let half: Vec<u64> = orders.open.keys().copied().step_by(2).collect();
                half.into_iter().for_each(|id| orders.end(id));
            }
        }
        prop_assert!(orders.is_right());
    }

    #[test]
    fn open_orders_are_found_in_whatever_order_they_came(ids in prop::collection::btree_set(1..3_000_000_u64, 1..300), seed in any::<u64>()) {
        let mut orders = Orders::new();
        let mut shuffled: Vec<u64> = ids.into_iter().collect();
        shuffled.sort_unstable_by_key(|id| (id ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for (count, id) in shuffled.iter().enumerate() {
            orders.add(*id);
            if seed >> (count % 64) & 1 == 1 {
                orders.end(*id);
            }
        }
        prop_assert!(orders.is_right());
    }
}

#[test]
fn a_low_id_after_a_far_one_that_ended_does_not_hide_its_neighbours() {
    let mut orders = Orders::new();
    for id in [5, 1_000_000_000] {
        orders.add(id);
    }
    orders.end(1_000_000_000);
    orders.add(6);
    assert!(orders.is_right());
    orders.end(5);
    orders.end(6);
    assert!(orders.is_right());
}

#[test]
fn an_order_that_stays_for_a_million_million_others_costs_no_directory_of_them() {
    let mut orders = Orders::new();
    let mut id = 1;
    for jump in 0..40 {
        orders.add(id);
        for next in 1..5_000 {
            orders.add(id + next);
            orders.end(id + next);
        }
        id += 5_000 + (1 << jump);
    }
    assert!(id > 1_000_000_000_000);
    assert!(orders.is_right());
    assert_eq!(orders.open.len(), 40);
    let bytes = orders.ids.memory_bytes();
    assert!(bytes < 100_000, "{bytes} bytes");
}

#[test]
fn the_index_takes_few_bytes_per_open_order_whatever_ages_they_have() {
    let mut orders = Orders::new();
    let mut draw = 1_u64;
    for id in 1..=1_500_000_u64 {
        orders.add(id);
        if orders.open.len() > 150_000 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let about = (draw >> 33) % id;
            let oldest = orders.open.range(about..).next().map(|(id, _)| *id);
            orders.end(oldest.unwrap_or(id));
        }
    }
    assert!(orders.is_right());
    let each = orders.ids.memory_bytes() / orders.open.len();
    assert!(each <= 16, "{each} bytes per order");
}
