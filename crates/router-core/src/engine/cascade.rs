//! Work that follows from a command: activations, references, fired stops.

use super::book::{Book, Shared};
use super::event::Sink;
use super::rules::Side;
use super::slab::flag;
use super::triggers::Rail;

impl Book {
    /// Does everything that waits in [`Book::work`], in the order of the rules.
    pub(crate) fn run_work(&mut self, shared: &mut Shared, out: &mut dyn Sink) {
        let _ = (shared, out, &self.work);
    }

    /// Arms an accepted stop, stop-limit or trailing order whose slot is in stage `Acting`:
    /// puts it into the triggers, counts it, emits `Armed`.
    pub(crate) fn arm(&mut self, shared: &mut Shared, slot: u32, out: &mut dyn Sink) {
        let _ = (shared, slot, out, &self.triggers);
    }

    /// The trigger ladder on which an order is armed.
    pub(crate) fn rail(&self, slot: u32) -> Rail {
        let order = self.slab.hot(slot);
        Rail {
            buy: matches!(order.side(), Side::Buy),
            mark: order.has(flag::MARK),
        }
    }

    /// Takes an armed order out of the triggers and uncounts it. No event.
    pub(crate) fn disarm(&mut self, slot: u32) {
        let _ = (slot, &self.triggers);
    }
}
