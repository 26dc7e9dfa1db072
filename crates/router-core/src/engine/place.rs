//! New orders: from the record to the order that acts, is armed or parked.

use super::book::{Book, Shared};
use super::checks::{is_plain, is_stop, Room};
use super::clients::{ClientEntry, ClientOrder};
use super::codec::decode_new;
use super::command::{CommandRecord, NewOrder};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::reason::Reason;
use super::rules::{ListRole, OrderType, Tif};
use super::slab::{flag, Cold, Exotic, Slot, Stage};
use super::submit::{rejected, Engine};
use super::taker::Taker;

impl Engine {
    /// Takes a new order that is in no list.
    #[inline]
    pub(crate) fn place<S: Sink>(&mut self, record: &CommandRecord, out: &mut S) {
        let Ok(order) = decode_new(record) else {
            self.reject(record, Reason::Malformed, out);
            return;
        };
        let shared = &mut self.shared;
        let Some(book) = self.books.get_mut(order.instrument as usize) else {
            self.reject(record, Reason::UnknownInstrument, out);
            return;
        };
        match book.admit(shared, &order) {
            Ok(mut taker) => {
                book.enter(shared, &order, &mut taker, out);
                if book.has_followers() {
                    book.finish(shared, out);
                }
            }
            Err(refusal) => out.event(refusal.event(shared.sequence, record)),
        }
    }
}

/// Why an order was not taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// A check failed.
    Reason(Reason),
    /// The client id stands for this order.
    Duplicate(ClientOrder),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

impl Refusal {
    #[cold]
    pub(crate) fn event(self, sequence: u64, record: &CommandRecord) -> EventRecord {
        match self {
            Self::Reason(reason) => rejected(sequence, record, reason),
            Self::Duplicate(first) => EventRecord {
                kind: EventKind::Duplicate.number(),
                instrument: first.instrument,
                command: sequence,
                account: record.account,
                order_id: first.order,
                other_id: record.client_id,
                ..EventRecord::default()
            },
        }
    }
}

impl Book {
    /// All checks of an order that is in no list.
    #[inline]
    fn admit(&self, shared: &Shared, order: &NewOrder) -> Result<Taker, Refusal> {
        if order.account >= shared.limits.max_accounts {
            return Err(Reason::UnknownAccount.into());
        }
        if order.client_id != 0 {
            if let Some(first) = shared.clients.get(order.account, order.client_id) {
                return Err(Refusal::Duplicate(first));
            }
        }
        self.check(shared, order, Room::of(order))?;
        if is_stop(order.order_type) {
            self.check_trigger(order)?;
        }
        let taker = self.prepare(shared, order)?;
        self.check_funds(shared, order, &taker)?;
        Ok(taker)
    }

    /// Takes an order that passed all checks.
    #[inline]
    fn enter<S: Sink>(
        &mut self,
        shared: &mut Shared,
        order: &NewOrder,
        taker: &mut Taker,
        out: &mut S,
    ) {
        self.accept(shared, order, taker, 0, out);
        if is_plain(order) {
            self.act(shared, taker, out);
        } else {
            self.enter_exotic(shared, order, taker, out);
        }
    }

    #[inline(never)]
    fn enter_exotic<S: Sink>(
        &mut self,
        shared: &mut Shared,
        order: &NewOrder,
        taker: &mut Taker,
        out: &mut S,
    ) {
        match order.order_type {
            OrderType::Limit | OrderType::Market | OrderType::MarketToLimit => {
                if is_exotic(order) {
                    self.open_slot(shared, order, taker);
                }
                self.act(shared, taker, out);
            }
            OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop => {
                self.open_slot(shared, order, taker);
                self.hold(shared, taker.account, taker.side, taker.price, taker.open);
                self.arm(shared, taker.slot, out);
            }
            OrderType::Pegged => {
                self.open_slot(shared, order, taker);
                self.hold(shared, taker.account, taker.side, taker.price, taker.open);
                self.set_stage(taker.slot, Stage::Parked);
                // What is parked has no price, as after a pass over the pegs.
                if let Some(hot) = self.slab.hot_mut(taker.slot) {
                    hot.set_price(0);
                }
                self.pegs.insert(taker.id, taker.slot);
                out.event(self.parked(shared.sequence, taker.slot));
            }
        }
    }

    /// The `Parked` event of a pegged order.
    pub(crate) fn parked(&self, sequence: u64, slot: u32) -> EventRecord {
        let order = self.slab.hot(slot);
        EventRecord {
            price: 0,
            qty: order.open,
            ..self.about(sequence, EventKind::Parked, order)
        }
    }

    /// Gives an order its id: event, client id. `flags` are those of the event.
    #[inline]
    pub(crate) fn accept<S: Sink>(
        &mut self,
        shared: &mut Shared,
        order: &NewOrder,
        taker: &mut Taker,
        flags: u8,
        out: &mut S,
    ) {
        taker.id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        out.event(EventRecord {
            kind: EventKind::Accepted.number(),
            side: taker.side.number(),
            flags: flags
                | if taker.by_quote {
                    event_flags::QUOTE
                } else {
                    0
                },
            instrument: self.terms.id,
            command: shared.sequence,
            account: taker.account,
            order_id: taker.id,
            other_id: order.client_id,
            price: i64::from(taker.price),
            qty: order.qty,
            ..EventRecord::default()
        });
        if order.client_id != 0 {
            shared.remember(ClientEntry {
                account: order.account,
                client_id: order.client_id,
                target: ClientOrder {
                    instrument: self.terms.id,
                    order: taker.id,
                },
                time_ns: shared.now_ns,
            });
        }
    }

    /// Gives an accepted order its slot before it acts, in stage `Acting`, with an exotic part.
    /// Links are for the caller to set.
    pub(crate) fn open_slot(&mut self, shared: &mut Shared, order: &NewOrder, taker: &mut Taker) {
        let is_iceberg = order.display != 0 && u64::from(order.display) < order.qty;
        if is_iceberg {
            taker.flags |= flag::ICEBERG;
        }
        let hot = Slot::new(
            taker.id,
            taker.flags,
            taker.side,
            taker.price,
            taker.open,
            taker.account,
        );
        let cold = Cold {
            client: shared.number_of_newest(taker.client_id),
            total: taker.total,
            priority: 0,
            exotic: 0,
            session: taker.session,
        };
        taker.slot = self.slab.insert(hot, cold);
        let is_pegged = matches!(order.order_type, OrderType::Pegged);
        self.slab.attach(
            taker.slot,
            Exotic {
                peg: order.peg,
                cap: if is_pegged { taker.price } else { 0 },
                display: if is_iceberg { order.display } else { 0 },
                trigger: order.trigger,
                expire_s: order.expire_s,
                ..Exotic::default()
            },
        );
        taker.flags |= flag::EXOTIC;
        self.ids.set(&self.slab, taker.id, taker.slot);
        shared.opened(&mut self.slab, self.terms.id, taker.slot, taker.account);
        if order.expire_s != 0 {
            shared
                .expiry
                .insert(order.expire_s, self.terms.id, taker.id);
        }
    }
}

/// True if an order needs more than a slot.
fn is_exotic(order: &NewOrder) -> bool {
    matches!(order.tif, Tif::Gtd)
        || (order.display != 0 && u64::from(order.display) < order.qty)
        || !matches!(order.list, ListRole::None)
}
