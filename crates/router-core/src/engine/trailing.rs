//! Trailing orders of one side and source, without touching each of them on every new reference.
//!
//! Prices are those of a sell: the watermark is the highest reference seen, the trigger lies below it.
//! Orders with one watermark form a group. A new high merges groups, the smaller into the larger, so
//! that an order moves at most a logarithmic number of times.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::triggers::Armed;

/// The trailing orders of one ladder.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    unmarked: BTreeMap<u64, (i64, Armed)>,
    groups: Vec<Group>,
    free: Vec<usize>,
    by_watermark: BTreeMap<i64, usize>,
    by_trigger: BTreeSet<(i64, usize)>,
    places: HashMap<u64, Place, BuildHasherDefault<IdHasher>>,
}

#[derive(Debug, Clone, Default)]
struct Group {
    watermark: i64,
    orders: BTreeSet<(i64, Armed)>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    group: usize,
    distance: i64,
    armed: Armed,
}

/// Order ids are dense, so one multiplication spreads them; the map is looked up, never walked.
#[derive(Debug, Clone, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

impl Group {
    /// The highest trigger in the group.
    fn nearest(&self) -> Option<i64> {
        let (distance, _) = self.orders.first()?;
        Some(self.watermark.saturating_sub(*distance))
    }
}

impl Trail {
    /// Arms an order; without a watermark it takes the first reference as its own.
    pub(super) fn arm(&mut self, distance: i64, watermark: Option<i64>, armed: Armed) {
        match watermark {
            Some(watermark) => self.join(distance, watermark, armed),
            None => {
                self.unmarked.insert(armed.order, (distance, armed));
            }
        }
    }

    /// Takes an order out; false when it is not here.
    pub(super) fn disarm(&mut self, order: u64) -> bool {
        if self.unmarked.remove(&order).is_some() {
            return true;
        }
        let Some(place) = self.places.remove(&order) else {
            return false;
        };
        self.edit(place.group, |orders| {
            orders.remove(&(place.distance, place.armed));
        });
        true
    }

    /// Returns the watermark of an order that has one.
    pub(super) fn watermark(&self, order: u64) -> Option<i64> {
        let place = self.places.get(&order)?;
        self.groups.get(place.group).map(|group| group.watermark)
    }

    /// Appends what `price` fires to `fired` and then lets the watermarks follow it.
    pub(super) fn reference(&mut self, price: i64, fired: &mut Vec<Armed>) {
        while let Some((trigger, group)) = self.by_trigger.last().copied() {
            if trigger < price {
                break;
            }
            self.fire(group, price, fired);
        }
        self.raise(price);
    }

    fn fire(&mut self, group: usize, price: i64, fired: &mut Vec<Armed>) {
        let first = fired.len();
        let watermark = self.groups.get(group).map_or(0, |group| group.watermark);
        let reach = watermark.saturating_sub(price);
        self.edit(group, |orders| {
            while let Some((distance, armed)) = orders.first().copied() {
                if distance > reach {
                    return;
                }
                orders.pop_first();
                fired.push(armed);
            }
        });
        for armed in fired.iter().skip(first) {
            self.places.remove(&armed.order);
        }
    }

    /// Merges all groups with a lower watermark, and the orders without one, into the one at `price`.
    fn raise(&mut self, price: i64) {
        while let Some((watermark, group)) = self.by_watermark.first_key_value() {
            if *watermark >= price {
                break;
            }
            let group = *group;
            match self.by_watermark.get(&price).copied() {
                Some(target) => self.merge(group, target),
                None => self.rename(group, price),
            }
        }
        while let Some((_, (distance, armed))) = self.unmarked.pop_first() {
            self.join(distance, price, armed);
        }
    }

    fn rename(&mut self, group: usize, watermark: i64) {
        self.unlist(group);
        if let Some(renamed) = self.groups.get_mut(group) {
            renamed.watermark = watermark;
        }
        self.list(group);
    }

    /// Empties one of two groups into the other; what is left carries the watermark of `target`.
    fn merge(&mut self, group: usize, target: usize) {
        self.unlist(group);
        self.unlist(target);
        let mut orders = self.take_orders(group);
        let mut more = self.take_orders(target);
        let kept = if orders.len() < more.len() {
            target
        } else {
            group
        };
        if orders.len() < more.len() {
            core::mem::swap(&mut orders, &mut more);
        }
        for (distance, armed) in more {
            self.places.insert(
                armed.order,
                Place {
                    group: kept,
                    distance,
                    armed,
                },
            );
            orders.insert((distance, armed));
        }
        let watermark = self.groups.get(target).map_or(0, |at| at.watermark);
        if let Some(at) = self.groups.get_mut(kept) {
            *at = Group { watermark, orders };
        }
        self.free.push(if kept == group { target } else { group });
        self.list(kept);
    }

    fn take_orders(&mut self, group: usize) -> BTreeSet<(i64, Armed)> {
        self.groups
            .get_mut(group)
            .map(|at| core::mem::take(&mut at.orders))
            .unwrap_or_default()
    }

    fn join(&mut self, distance: i64, watermark: i64, armed: Armed) {
        let group = match self.by_watermark.get(&watermark) {
            Some(group) => *group,
            None => self.open_group(watermark),
        };
        self.places.insert(
            armed.order,
            Place {
                group,
                distance,
                armed,
            },
        );
        self.edit(group, |orders| {
            orders.insert((distance, armed));
        });
    }

    fn open_group(&mut self, watermark: i64) -> usize {
        let group = Group {
            watermark,
            orders: BTreeSet::new(),
        };
        let Some(place) = self.free.pop() else {
            self.groups.push(group);
            return self.groups.len().saturating_sub(1);
        };
        if let Some(at) = self.groups.get_mut(place) {
            *at = group;
        }
        place
    }

    /// Changes the orders of a group and keeps both lists of groups right; an empty group goes.
    fn edit(&mut self, group: usize, change: impl FnOnce(&mut BTreeSet<(i64, Armed)>)) {
        self.unlist(group);
        let Some(at) = self.groups.get_mut(group) else {
            return;
        };
        change(&mut at.orders);
        if at.orders.is_empty() {
            self.free.push(group);
        } else {
            self.list(group);
        }
    }

    fn unlist(&mut self, group: usize) {
        if let Some(at) = self.groups.get(group) {
            if let Some(nearest) = at.nearest() {
                self.by_trigger.remove(&(nearest, group));
                self.by_watermark.remove(&at.watermark);
            }
        }
    }

    fn list(&mut self, group: usize) {
        if let Some(at) = self.groups.get(group) {
            if let Some(nearest) = at.nearest() {
                self.by_trigger.insert((nearest, group));
                self.by_watermark.insert(at.watermark, group);
            }
        }
    }
}
