//! How orders go: cancels, reductions, mass cancels, expiry, and what goes with them.

use router_core::engine::{rules::MAX_TIME_NS, CommandKind, EventKind, Reason, Side};

use crate::checks::ensure;
use crate::state::{Known, Link, Order, Place};
use crate::work::Activation;
use crate::{quote_flag, More, Outcome, Refusal, Twin, PLAIN};

const NS: u64 = 1_000_000_000;

impl Twin {
    /// Cancels an open order and what is linked to it.
    pub(crate) fn remove(&mut self, i: u32, id: u64, reason: Reason) {
        self.free_hold(i, id);
        let order = self.order(i, id).clone();
        if order.place == Place::Resting {
            self.unqueue(i, id);
        }
        self.at_mut(i).orders.remove(&id);
        let more = More {
            reason,
            flags: quote_flag(&order),
            ..PLAIN
        };
        self.say(
            EventKind::Cancelled,
            i,
            &order,
            (order.event_price(), order.open, 0),
            more,
        );
        self.unlink(i, &order);
    }

    /// Settles the links of an order that is gone already.
    pub(crate) fn unlink(&mut self, i: u32, gone: &Order) {
        match gone.link {
            Link::None => {}
            Link::Pair { sibling } => {
                self.order_mut(i, sibling).link = Link::None;
                self.remove(i, sibling, Reason::Linked);
            }
            Link::Exit { head, sibling } => {
                if self.is_open(i, head) {
                    self.order_mut(i, head).link = Link::None;
                }
                self.order_mut(i, sibling).link = Link::None;
                self.remove(i, sibling, Reason::Linked);
            }
            Link::Head { profit, stop } => {
                if gone.filled > 0 {
                    for id in [profit, stop] {
                        self.order_mut(i, id).open = gone.filled;
                    }
                    let pair = Activation { profit, stop };
                    self.work.of(i).activations.push_back(pair);
                    return;
                }
                for id in [profit, stop] {
                    self.order_mut(i, id).link = Link::None;
                    self.remove(i, id, Reason::Linked);
                }
            }
        }
    }

    /// Cancels the other one of a pair.
    pub(crate) fn cancel_sibling(&mut self, i: u32, id: u64) {
        if let Link::Pair { sibling } = self.order(i, id).link {
            self.order_mut(i, id).link = Link::None;
            self.order_mut(i, sibling).link = Link::None;
            self.remove(i, sibling, Reason::Linked);
        }
    }

    /// The open order that a command names.
    pub(crate) fn target(&self, i: u32, account: u32, id: u64) -> Result<u64, Refusal> {
        let inst = self.instruments.get(&i);
        let inst = inst.ok_or(Refusal::Rejected(Reason::UnknownInstrument))?;
        ensure(account < self.limits.max_accounts, Reason::UnknownAccount)?;
        ensure(id != 0 && id < inst.next_id, Reason::UnknownOrder)?;
        let order = inst
            .orders
            .get(&id)
            .ok_or(Refusal::Rejected(Reason::OrderClosed))?;
        ensure(order.account == account, Reason::NotOwner)?;
        Ok(id)
    }

    pub(crate) fn cancel(&mut self, i: u32, account: u32, id: u64) -> Outcome {
        let id = self.target(i, account, id)?;
        self.remove(i, id, Reason::Requested);
        Ok(())
    }

    pub(crate) fn cancel_by_client_id(&mut self, account: u32, client_id: u64) -> Outcome {
        ensure(account < self.limits.max_accounts, Reason::UnknownAccount)?;
        let found = self.find_client_id(account, client_id);
        let (i, id) = found.ok_or(Refusal::Rejected(Reason::UnknownOrder))?;
        ensure(self.is_open(i, id), Reason::OrderClosed)?;
        self.remove(i, id, Reason::Requested);
        Ok(())
    }

    pub(crate) fn reduce(&mut self, i: u32, account: u32, id: u64, lots: u64) -> Outcome {
        let id = self.target(i, account, id)?;
        ensure(self.order(i, id).link == Link::None, Reason::Linked)?;
        ensure(lots > 0, Reason::InvalidQuantity)?;
        if lots >= self.order(i, id).open {
            self.remove(i, id, Reason::Requested);
        } else {
            self.take_off(i, id, lots, Reason::Requested);
        }
        Ok(())
    }

    pub(crate) fn mass_cancel(
        &mut self,
        account: Option<u32>,
        side: Option<Side>,
        instrument: Option<u32>,
    ) -> Outcome {
        let known = instrument.is_none_or(|i| self.instruments.contains_key(&i));
        ensure(known, Reason::UnknownInstrument)?;
        let known = account.is_none_or(|account| account < self.limits.max_accounts);
        ensure(known, Reason::UnknownAccount)?;
        self.configured(
            CommandKind::MassCancel,
            instrument.unwrap_or(0),
            account.unwrap_or(0),
        );
        self.remove_all(Reason::MassCancel, |i, order| {
            account.is_none_or(|account| account == order.account)
                && side.is_none_or(|side| side == order.side)
                && instrument.is_none_or(|instrument| instrument == i)
        });
        Ok(())
    }

    pub(crate) fn disconnect(&mut self, account: u32, session: u32) -> Outcome {
        ensure(account < self.limits.max_accounts, Reason::UnknownAccount)?;
        ensure(session != 0, Reason::OutOfRange)?;
        self.configured(CommandKind::Disconnect, 0, account);
        self.remove_all(Reason::Disconnected, |_, order| {
            order.account == account && order.session == session
        });
        Ok(())
    }

    /// Removes every order that fits, in order of instrument and id.
    pub(crate) fn remove_all(&mut self, reason: Reason, fits: impl Fn(u32, &Order) -> bool) {
        let mut found = Vec::new();
        for (i, inst) in &self.instruments {
            let orders = inst.orders.values();
            found.extend(
                orders
                    .filter(|order| fits(*i, order))
                    .map(|order| (*i, order.id)),
            );
        }
        self.remove_each(found, reason);
    }

    fn remove_each(&mut self, found: Vec<(u32, u64)>, reason: Reason) {
        for (i, id) in found {
            if self.is_open(i, id) {
                self.remove(i, id, reason);
            }
        }
    }

    pub(crate) fn tick(&mut self, now_ns: u64) -> Outcome {
        ensure(now_ns >= self.now_ns, Reason::TimeBackwards)?;
        ensure(now_ns <= MAX_TIME_NS, Reason::OutOfRange)?;
        self.now_ns = now_ns;
        let mut due = Vec::new();
        for (i, inst) in &self.instruments {
            for order in inst.orders.values() {
                if order.expire_s != 0 && u64::from(order.expire_s) * NS <= now_ns {
                    due.push((order.expire_s, *i, order.id));
                }
            }
        }
        due.sort_unstable();
        self.remove_each(
            due.into_iter().map(|(_, i, id)| (i, id)).collect(),
            Reason::Expired,
        );
        self.forget_client_ids();
        Ok(())
    }

    fn forget_client_ids(&mut self) {
        let window = self.limits.client_window_ns;
        while let Some(first) = self.known.front().copied() {
            if self.now_ns - first.time_ns <= window {
                return;
            }
            self.known.pop_front();
            if self.is_open(first.instrument, first.order) {
                self.known.push_back(Known {
                    time_ns: self.now_ns,
                    ..first
                });
            }
        }
    }
}
