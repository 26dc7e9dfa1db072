//! Finding the order that a command means, cancelling it, taking lots off it.

use super::command::CommandRecord;
use super::event::Sink;
use super::reason::Reason;
use super::rules::order_flags;
use super::slab::{flag, NIL};
use super::submit::Engine;

/// True if no field is set that `Cancel`, `Reduce` and `Amend` do not use.
#[inline]
fn is_bare(record: &CommandRecord) -> bool {
    let bytes = record.side | record.order_type | record.tif | record.stp | record.list;
    let words = record.client_id | record.trigger.unsigned_abs();
    u64::from(bytes) | words | u64::from(record.display) | u64::from(record.expire_s) == 0
}

impl Engine {
    /// The open order that a record means.
    #[inline]
    fn target(&self, record: &CommandRecord) -> Result<u32, Reason> {
        let book = self
            .books
            .get(record.instrument as usize)
            .ok_or(Reason::UnknownInstrument)?;
        if record.account >= self.shared.limits.max_accounts {
            return Err(Reason::UnknownAccount);
        }
        let slot = book.slot_of(record.order_id);
        if slot == NIL {
            let issued = (1..book.next_id).contains(&record.order_id);
            return Err(if issued {
                Reason::OrderClosed
            } else {
                Reason::UnknownOrder
            });
        }
        if book.slab.hot(slot).account != record.account {
            return Err(Reason::NotOwner);
        }
        Ok(slot)
    }

    /// Cancels an order.
    #[inline]
    pub(crate) fn cancel<S: Sink>(&mut self, record: &CommandRecord, out: &mut S) {
        if record.flags != 0 || record.price != 0 || record.qty != 0 || !is_bare(record) {
            self.reject(record, Reason::Malformed, out);
            return;
        }
        match self.target(record) {
            Ok(slot) => self.cancel_slot(record.instrument, slot, out),
            Err(reason) => self.reject(record, reason, out),
        }
    }

    #[inline]
    fn cancel_slot<S: Sink>(&mut self, instrument: u32, slot: u32, out: &mut S) {
        let Some(book) = self.books.get_mut(instrument as usize) else {
            return;
        };
        book.remove_order(&mut self.shared, slot, Reason::Requested, out);
        if book.has_followers() {
            book.finish(&mut self.shared, out);
        }
    }

    /// Cancels the order that a client id stands for.
    pub(crate) fn cancel_by_client_id<S: Sink>(
        &mut self,
        record: &CommandRecord,
        account: u32,
        client_id: u64,
        out: &mut S,
    ) {
        if account >= self.shared.limits.max_accounts {
            self.reject(record, Reason::UnknownAccount, out);
            return;
        }
        let Some(order) = self.shared.clients.get(account, client_id) else {
            self.reject(record, Reason::UnknownOrder, out);
            return;
        };
        let book = self.books.get(order.instrument as usize);
        match book.map_or(NIL, |book| book.slot_of(order.order)) {
            NIL => self.reject(record, Reason::OrderClosed, out),
            slot => self.cancel_slot(order.instrument, slot, out),
        }
    }

    /// Takes lots off an order, which keeps its place.
    #[inline]
    pub(crate) fn reduce<S: Sink>(&mut self, record: &CommandRecord, out: &mut S) {
        if record.flags != 0 || record.price != 0 || !is_bare(record) {
            self.reject(record, Reason::Malformed, out);
            return;
        }
        let slot = match self.target(record) {
            Ok(slot) => slot,
            Err(reason) => return self.reject(record, reason, out),
        };
        let Some(book) = self.books.get_mut(record.instrument as usize) else {
            return;
        };
        let order = book.slab.hot(slot);
        let refusal = if order.has(flag::LINKED) {
            Some(Reason::Linked)
        } else if record.qty == 0 {
            Some(Reason::InvalidQuantity)
        } else {
            None
        };
        if let Some(reason) = refusal {
            return self.reject(record, reason, out);
        }
        if record.qty >= order.open {
            book.remove_order(&mut self.shared, slot, Reason::Requested, out);
        } else {
            book.reduce_in_place(&mut self.shared, slot, record.qty, Reason::Requested, out);
        }
        if book.has_followers() {
            book.finish(&mut self.shared, out);
        }
    }

    /// Changes price or total of an order.
    #[inline]
    pub(crate) fn amend<S: Sink>(&mut self, record: &CommandRecord, out: &mut S) {
        if record.flags & !order_flags::REQUEUE != 0 || !is_bare(record) {
            self.reject(record, Reason::Malformed, out);
            return;
        }
        let slot = match self.target(record) {
            Ok(slot) => slot,
            Err(reason) => return self.reject(record, reason, out),
        };
        let Some(book) = self.books.get_mut(record.instrument as usize) else {
            return;
        };
        match book.change(&mut self.shared, slot, record, out) {
            Ok(()) => {
                if book.has_followers() {
                    book.finish(&mut self.shared, out);
                }
            }
            Err(reason) => self.reject(record, reason, out),
        }
    }
}
