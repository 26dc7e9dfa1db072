//! Displayed orders of one instrument: slots in one array, queues of a level linked through it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::error::OutOfStep;

/// End of a queue.
pub(super) const NONE: u32 = u32::MAX;

/// Spreads dense order ids; the keys come from the engine, never from a client.
#[derive(Clone, Copy, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        let spread = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = spread ^ spread.wrapping_shr(32);
    }
}

/// A displayed order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) id: u64,
    pub(super) price: i64,
    /// Displayed lots, never 0.
    pub(super) shown: u64,
    pub(super) side: u8,
    previous: u32,
    pub(super) next: u32,
}

/// First and last slot of a level's queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) head: u32,
    tail: u32,
}

impl Ends {
    pub(super) const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
    };
}

/// All displayed orders of an instrument, found by id. Memory: the most orders that were displayed at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    slots: Vec<Slot>,
    free: Vec<u32>,
    ids: HashMap<u64, u32, BuildHasherDefault<IdHasher>>,
}

impl Orders {
    pub(super) fn place_of(&self, id: u64) -> Option<u32> {
        self.ids.get(&id).copied()
    }

    pub(super) fn at(&self, place: u32) -> Option<&Slot> {
        self.slots.get(usize::try_from(place).ok()?)
    }

    pub(super) fn at_mut(&mut self, place: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(place).ok()?)
    }

    /// Puts an order behind the last of its queue.
    pub(super) fn append(
        &mut self,
        queue: &mut Ends,
        id: u64,
        side: u8,
        price: i64,
        shown: u64,
    ) -> Result<(), OutOfStep> {
        let slot = Slot {
            id,
            price,
            shown,
            side,
            previous: queue.tail,
            next: NONE,
        };
        let place = self.store(slot)?;
        if self.ids.insert(id, place).is_some() {
            return Err(OutOfStep::OrderTwice);
        }
        match self.at_mut(queue.tail) {
            Some(last) => last.next = place,
            None => queue.head = place,
        }
        queue.tail = place;
        Ok(())
    }

    fn store(&mut self, slot: Slot) -> Result<u32, OutOfStep> {
        if let Some(place) = self.free.pop() {
            *self.at_mut(place).ok_or(OutOfStep::OrderUnknown)? = slot;
            return Ok(place);
        }
        let place = u32::try_from(self.slots.len()).map_err(|_| OutOfStep::TooMany)?;
        self.slots.push(slot);
        Ok(place)
    }

    /// Takes the order at `place` out of its queue.
    pub(super) fn unlink(&mut self, queue: &mut Ends, place: u32) -> Result<(), OutOfStep> {
        let gone = *self.at(place).ok_or(OutOfStep::OrderUnknown)?;
        match self.at_mut(gone.previous) {
            Some(before) => before.next = gone.next,
            None => queue.head = gone.next,
        }
        match self.at_mut(gone.next) {
            Some(behind) => behind.previous = gone.previous,
            None => queue.tail = gone.previous,
        }
        self.ids.remove(&gone.id);
        self.free.push(place);
        Ok(())
    }

    /// Returns the orders of a queue from its head.
    pub(super) fn walk(&self, queue: Ends) -> impl Iterator<Item = &Slot> {
        std::iter::successors(self.at(queue.head), |slot| self.at(slot.next))
    }
}
