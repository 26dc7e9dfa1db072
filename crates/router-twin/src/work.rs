//! What follows a command's own action: activations, references, fired stops, pegs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use router_core::engine::{order_flags, EventKind, OrderType, Phase, Reason, Side, Tif};

use crate::state::{Link, Order, Place};
use crate::{Twin, PLAIN};

/// The exits of a bracket whose head is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activation {
    pub(crate) profit: u64,
    pub(crate) stop: u64,
}

/// A new last or mark price.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) is_mark: bool,
    pub(crate) price: i64,
}

/// What the running command has left to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Work {
    /// Instruments with events.
    pub(crate) touched: BTreeSet<u32>,
    queues: BTreeMap<u32, Queues>,
}

/// The queues of one instrument.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queues {
    pub(crate) activations: VecDeque<Activation>,
    pub(crate) references: VecDeque<Reference>,
    pub(crate) fires: VecDeque<u64>,
    /// Price of the last trade of the command.
    print: Option<i64>,
}

impl Work {
    pub(crate) fn of(&mut self, i: u32) -> &mut Queues {
        self.queues.entry(i).or_default()
    }
}

impl Queues {
    /// Notes the price of a trade.
    pub(crate) fn trade(&mut self, price: i64) {
        if self.print.replace(price) != Some(price) {
            self.references.push_back(Reference {
                is_mark: false,
                price,
            });
        }
    }
}

impl Twin {
    /// Works until nothing is left, then moves pegs once.
    pub(crate) fn finish_work(&mut self) {
        let instruments: Vec<u32> = self.instruments.keys().copied().collect();
        for i in instruments {
            self.finish_work_of(i);
        }
        for i in std::mem::take(&mut self.work.touched) {
            if self.at(i).phase == Phase::Continuous {
                self.move_pegs(i);
            }
        }
    }

    fn finish_work_of(&mut self, i: u32) {
        loop {
            let work = self.work.of(i);
            if let Some(activation) = work.activations.pop_front() {
                self.activate(i, activation);
            } else if let Some(reference) = work.references.pop_front() {
                self.look(i, reference);
            } else if let Some(id) = work.fires.pop_front() {
                let order = self.at(i).orders.get(&id);
                if order.is_some_and(|order| order.place == Place::Firing) {
                    self.fire(i, id);
                }
            } else {
                return;
            }
        }
    }

    /// Takes out the stops that a reference fires; the others' watermarks follow it.
    fn look(&mut self, i: u32, reference: Reference) {
        let Reference { is_mark, price } = reference;
        if self.at(i).phase != Phase::Continuous {
            return;
        }
        let mut fired = Vec::new();
        for order in self.at_mut(i).orders.values_mut() {
            if order.place != Place::Armed || order.has(order_flags::MARK) != is_mark {
                continue;
            }
            if order.fires_at(price) {
                order.place = Place::Firing;
                fired.push(order.id);
            } else if order.kind == OrderType::TrailingStop {
                order.watermark = Some(better(order, price));
            }
        }
        self.work.of(i).fires.extend(fired);
    }

    fn fire(&mut self, i: u32, id: u64) {
        let order = self.order(i, id).clone();
        self.say(
            EventKind::Triggered,
            i,
            &order,
            (order.price, order.open, 0),
            PLAIN,
        );
        self.free_hold(i, id);
        self.order_mut(i, id).place = Place::Acting;
        self.cancel_sibling(i, id);
        if order.has(order_flags::POST_ONLY) {
            let slide = order.has(order_flags::SLIDE);
            match self.post_only_price(i, order.side, order.price, slide) {
                Some(price) => self.order_mut(i, id).price = price,
                None => return self.remove(i, id, Reason::WouldCross),
            }
        }
        if self.reducible_lots(i, &order) == 0 {
            return self.remove(i, id, Reason::ReduceOnly);
        }
        if order.tif == Tif::Fok && !self.fok_feasible(i, &order) {
            return self.remove(i, id, Reason::NotFillable);
        }
        self.act(i, id);
    }

    /// Brings the exits of a bracket to life.
    fn activate(&mut self, i: u32, activation: Activation) {
        let Activation { profit, stop } = activation;
        if !self.is_open(i, profit) || !self.is_open(i, stop) {
            return;
        }
        if self.at(i).phase != Phase::Continuous {
            return;
        }
        let lots = self.payable_lots(i, activation);
        if lots == 0 {
            return self.drop_exits(i, profit, stop, Reason::InsufficientFunds);
        }
        for id in [profit, stop] {
            let order = self.order_mut(i, id);
            order.open = lots;
            order.place = Place::Acting;
            let order = order.clone();
            self.say(
                EventKind::Activated,
                i,
                &order,
                (order.price, lots, 0),
                PLAIN,
            );
        }
        self.link_pair(i, profit, stop);
        self.arm(i, stop);
        let order = self.order(i, profit).clone();
        let free = if order.has(order_flags::POST_ONLY) {
            self.post_only_price(i, order.side, order.price, true)
        } else {
            Some(order.price)
        };
        match free {
            Some(price) => {
                self.order_mut(i, profit).price = price;
                self.free_hold(i, profit);
                self.act(i, profit);
            }
            None => self.remove(i, profit, Reason::WouldCross),
        }
        self.fire_if_met(i, stop);
    }

    /// Lets the exits whose turn came outside continuous trading have another.
    pub(crate) fn wake_exits(&mut self, i: u32) {
        let waiting = self.at(i).orders.values().filter_map(|order| {
            let Link::Exit { head, sibling } = order.link else {
                return None;
            };
            let profit = !self.is_open(i, head) && order.id < sibling;
            profit.then_some(Activation {
                profit: order.id,
                stop: sibling,
            })
        });
        let waiting: Vec<Activation> = waiting.collect();
        self.work.of(i).activations.extend(waiting);
    }

    fn fire_if_met(&mut self, i: u32, stop: u64) {
        let Some(order) = self.at(i).orders.get(&stop) else {
            return;
        };
        if order.place == Place::Armed && order.fires_at(self.at(i).reference(order.flags)) {
            self.order_mut(i, stop).place = Place::Firing;
            self.work.of(i).fires.push_back(stop);
        }
    }

    fn drop_exits(&mut self, i: u32, profit: u64, stop: u64, reason: Reason) {
        for id in [profit, stop] {
            self.order_mut(i, id).link = Link::None;
        }
        self.remove(i, profit, reason);
        self.remove(i, stop, reason);
    }

    /// The lots that the exits of a bracket come to life with.
    fn payable_lots(&self, i: u32, activation: Activation) -> u64 {
        let Activation { profit, stop } = activation;
        let inst = self.at(i);
        let (profit, stop) = (self.order(i, profit), self.order(i, stop));
        let mut payable = profit.open;
        if inst.funded {
            let one = |order: &Order| inst.need(order.side, order.price, 1);
            let unit = one(profit).max(one(stop));
            let available = self.available(profit.account, inst.paid_asset(profit.side));
            if let Some(most) = available.checked_div(unit) {
                payable = payable.min(u64::try_from(most).unwrap_or(u64::MAX));
            }
        }
        payable - payable % inst.rules.lot_step
    }
}

/// The watermark of a trailing stop after a new reference.
fn better(order: &Order, price: i64) -> i64 {
    let before = order.watermark.unwrap_or(price);
    match order.side {
        Side::Sell => before.max(price),
        Side::Buy => before.min(price),
    }
}
