//! Looking ahead in a batch: what the next commands will touch is read before it is needed.
//!
//! The reads of several commands do not wait for one another, while those of one command do. Only books
//! that no longer fit the near caches gain from it. Nothing is decided here: the values are dropped.

use core::hint::black_box;

use super::command::{CommandKind, CommandRecord};
use super::submit::Engine;

/// Commands that are looked at together.
pub(crate) const AHEAD: usize = 16;
const SMALL_BOOK: u32 = 65_536;

impl Engine {
    /// True if the books are large enough for looking ahead to pay.
    #[inline]
    pub(crate) const fn looks_ahead(&self) -> bool {
        self.shared.open_orders > SMALL_BOOK
    }

    /// Reads what the first commands of `records` will touch.
    #[inline(never)]
    pub(crate) fn look_ahead(&self, records: &[CommandRecord]) {
        let mut slots = [0u32; AHEAD];
        for (slot, record) in slots.iter_mut().zip(records) {
            if record.kind != CommandKind::New.number() {
                let book = self.books.get(record.instrument as usize);
                *slot = book.map_or(0, |book| book.slot_of(record.order_id));
            }
        }
        let mut seen: u64 = 0;
        let mut neighbours = [(0u32, 0u32, [0u32; 3]); AHEAD];
        let accounts = &self.shared.accounts;
        for ((slot, pair), record) in slots.iter().zip(&mut neighbours).zip(records) {
            let Some(book) = self.books.get(record.instrument as usize) else {
                continue;
            };
            let order = book.slab.hot(*slot);
            let listed = accounts.peek(book.slab.handle(*slot), record.account);
            *pair = (order.prev, order.next, listed);
            seen ^= book.slab.cold(*slot).total;
            seen ^= book.peek(order.side(), order.price());
        }
        for (pair, record) in neighbours.iter().zip(records) {
            let Some(book) = self.books.get(record.instrument as usize) else {
                continue;
            };
            seen ^= book.slab.hot(pair.0).open ^ book.slab.hot(pair.1).open;
            seen ^= u64::from(accounts.peek_links(pair.2));
        }
        black_box(seen);
    }
}
