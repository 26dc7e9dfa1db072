//! Lists of orders: pairs of which one cancels the other, and brackets.

use super::book::{Book, Shared};
use super::checks::{is_stop, may_rest, Room};
use super::codec::decode_new;
use super::command::{CommandRecord, NewOrder};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::image::LinkImage;
use super::place::Refusal;
use super::reason::Reason;
use super::rules::{order_flags, ListRole, OrderType, Phase, Side};
use super::slab::{flag, Stage, NIL};
use super::submit::Engine;
use super::taker::Taker;

impl Engine {
    /// Takes a head with its legs: one command.
    pub(crate) fn place_list(&mut self, records: &[CommandRecord], out: &mut dyn Sink) {
        let Some(record) = records.first() else {
            return;
        };
        let sequence = self.shared.sequence;
        match self.enter_list(records, out) {
            Ok(instrument) => {
                if let Some(book) = self.books.get_mut(instrument as usize) {
                    if book.has_followers() {
                        book.finish(&mut self.shared, out);
                    }
                }
            }
            Err(refusal) => out.event(refusal.event(sequence, record)),
        }
    }

    fn enter_list(
        &mut self,
        records: &[CommandRecord],
        out: &mut dyn Sink,
    ) -> Result<u32, Refusal> {
        let decoded: Result<Vec<NewOrder>, _> = records.iter().map(decode_new).collect();
        let Ok(orders) = decoded else {
            return Err(Reason::Malformed.into());
        };
        let Some((head, legs)) = orders.split_first() else {
            return Err(Reason::Malformed.into());
        };
        if legs.is_empty() || head.list.legs() != legs.len() {
            return Err(Reason::Malformed.into());
        }
        let shared = &mut self.shared;
        let book = self
            .books
            .get_mut(head.instrument as usize)
            .ok_or(Reason::UnknownInstrument)?;
        let mut taker = book.admit_list(shared, head, legs)?;
        match legs {
            [leg] => book.enter_pair(shared, (head, &mut taker), leg, out),
            [take_profit, stop] => {
                book.enter_bracket(shared, (head, &mut taker), [take_profit, stop], out);
            }
            _ => return Err(Reason::Malformed.into()),
        }
        Ok(head.instrument)
    }
}

impl Book {
    /// All checks of a list.
    fn admit_list(
        &self,
        shared: &Shared,
        head: &NewOrder,
        legs: &[NewOrder],
    ) -> Result<Taker, Refusal> {
        if head.account >= shared.limits.max_accounts {
            return Err(Reason::UnknownAccount.into());
        }
        if let Some(first) = shared.clients.get(head.account, head.client_id) {
            return Err(Refusal::Duplicate(first));
        }
        self.check_head(shared, head, legs)?;
        let mut before = vec![head.client_id];
        for leg in legs {
            let known = shared.clients.get(leg.account, leg.client_id).is_some();
            if leg.client_id != 0 && (known || before.contains(&leg.client_id)) {
                return Err(Reason::DuplicateLeg.into());
            }
            before.push(leg.client_id);
            let room = Room {
                orders: 0,
                client_ids: 0,
            };
            self.check(shared, leg, room)?;
            if head.list == ListRole::OcoHead {
                self.check_trigger(leg)?;
            }
        }
        let taker = self.prepare(shared, head)?;
        self.check_list_funds(shared, head, legs, &taker)?;
        Ok(taker)
    }

    /// Checks 4 to 13 of a head, with the shape of the list where the combination is checked.
    fn check_head(
        &self,
        shared: &Shared,
        head: &NewOrder,
        legs: &[NewOrder],
    ) -> Result<(), Reason> {
        let ids = legs.iter().filter(|leg| leg.client_id != 0).count();
        let mut room = Room::of(head);
        room.orders = u32::try_from(legs.len()).unwrap_or(0).saturating_add(1);
        room.client_ids = room
            .client_ids
            .saturating_add(u32::try_from(ids).unwrap_or(0));
        let checked = self.check(shared, head, room);
        let came_to_the_shape = !matches!(
            checked,
            Err(Reason::Killed
                | Reason::ClassDisabled
                | Reason::PhaseRefuses
                | Reason::InvalidCombination)
        );
        if came_to_the_shape && !has_shape(head, legs) {
            return Err(Reason::InvalidCombination);
        }
        checked
    }

    fn check_list_funds(
        &self,
        shared: &Shared,
        head: &NewOrder,
        legs: &[NewOrder],
        taker: &Taker,
    ) -> Result<(), Reason> {
        self.check_funds(shared, head, taker)?;
        let [leg] = legs else {
            return Ok(());
        };
        let price = u32::try_from(leg.price).unwrap_or(0);
        let (asset, need) = self.terms.need(leg.side, price, leg.qty);
        if !self.terms.funded || shared.funds.covers(leg.account, asset, need) {
            Ok(())
        } else {
            Err(Reason::InsufficientFunds)
        }
    }

    fn enter_pair(
        &mut self,
        shared: &mut Shared,
        (head, taker): (&NewOrder, &mut Taker),
        leg: &NewOrder,
        out: &mut dyn Sink,
    ) {
        let mut waiting = self.taker_of(shared, leg);
        self.open_listed(shared, head, taker, 0, out);
        self.open_listed(shared, leg, &mut waiting, 0, out);
        let sibling = taker.id;
        self.set_link(waiting.slot, LinkImage::Oco { sibling });
        let sibling = waiting.id;
        self.set_link(taker.slot, LinkImage::Oco { sibling });
        self.arm(shared, waiting.slot, out);
        self.act_listed(shared, taker, out);
    }

    fn enter_bracket(
        &mut self,
        shared: &mut Shared,
        (head, taker): (&NewOrder, &mut Taker),
        exits: [&NewOrder; 2],
        out: &mut dyn Sink,
    ) {
        self.open_listed(shared, head, taker, 0, out);
        let [mut profit, mut stop] = exits.map(|exit| self.taker_of(shared, exit));
        for (exit, waiting) in exits.into_iter().zip([&mut profit, &mut stop]) {
            self.open_listed(shared, exit, waiting, event_flags::PENDING, out);
            self.set_stage(waiting.slot, Stage::Pending);
            self.pending = self.pending.wrapping_add(1);
        }
        let head = taker.id;
        for (own, sibling) in [(&profit, stop.id), (&stop, profit.id)] {
            self.set_link(own.slot, LinkImage::BracketExit { head, sibling });
        }
        let link = LinkImage::BracketHead {
            take_profit: profit.id,
            stop: stop.id,
        };
        self.set_link(taker.slot, link);
        self.act_listed(shared, taker, out);
    }

    fn open_listed(
        &mut self,
        shared: &mut Shared,
        order: &NewOrder,
        taker: &mut Taker,
        flags: u8,
        out: &mut dyn Sink,
    ) {
        let mut out = out;
        self.accept(shared, order, taker, flags, &mut out);
        self.open_slot(shared, order, taker);
    }

    /// Lets a linked order with a slot act.
    fn act_listed(&mut self, shared: &mut Shared, taker: &mut Taker, out: &mut dyn Sink) {
        taker.flags = self.slab.hot(taker.slot).flags();
        let mut out = out;
        self.act(shared, taker, &mut out);
    }

    /// Brings the exits of a bracket whose head is done to life; outside `Continuous` they wait on.
    pub(crate) fn activate(&mut self, shared: &mut Shared, exits: (u64, u64), out: &mut dyn Sink) {
        let (profit, stop) = (self.slot_of(exits.0), self.slot_of(exits.1));
        if profit == NIL || stop == NIL || self.phase != Phase::Continuous {
            return;
        }
        let lots = self.payable(shared, [profit, stop]);
        if lots == 0 {
            self.drop_exits(shared, exits, Reason::InsufficientFunds, out);
            return;
        }
        self.size_exits(exits, lots);
        for (slot, sibling) in [(profit, exits.1), (stop, exits.0)] {
            self.awake(slot, sibling);
            let order = *self.slab.hot(slot);
            out.event(EventRecord {
                qty: lots,
                ..self.about(shared.sequence, EventKind::Activated, &order)
            });
        }
        self.arm(shared, stop, out);
        self.act_profit(shared, profit, out);
        let stop = self.slot_of(exits.1);
        if stop != NIL && self.stage(stop) == Stage::Armed {
            self.fire_if_met(stop);
        }
    }

    /// Lots of two exits that what is available pays for, at the larger need, in whole lot steps.
    fn payable(&self, shared: &Shared, exits: [u32; 2]) -> u64 {
        let mut lots = u64::MAX;
        for slot in exits {
            let order = self.slab.hot(slot);
            lots = lots.min(order.open);
            if self.terms.funded {
                let (asset, each) = self.terms.need(order.side(), order.price(), 1);
                let available = shared.funds.balance(order.account, asset).available;
                if let Some(most) = available.checked_div(each) {
                    lots = lots.min(u64::try_from(most).unwrap_or(u64::MAX));
                }
            }
        }
        let over = lots.checked_rem(self.rules.lot_step).unwrap_or(0);
        lots.saturating_sub(over)
    }

    /// Turns a pending exit into one of a pair.
    fn awake(&mut self, slot: u32, sibling: u64) {
        self.pending = self.pending.wrapping_sub(1);
        self.set_stage(slot, Stage::Acting);
        self.set_link(slot, LinkImage::Oco { sibling });
    }

    /// Lets a take profit act as an arriving limit order; a post-only one that would cross slides.
    fn act_profit(&mut self, shared: &mut Shared, slot: u32, out: &mut dyn Sink) {
        let mut taker = self.taker_at(shared, slot);
        let given = taker.flags;
        taker.flags |= flag::SLIDE;
        let checked = self.check_post_only(&mut taker);
        taker.flags = given;
        let mut out = out;
        match checked {
            Ok(()) => self.act(shared, &mut taker, &mut out),
            Err(reason) => self.cancel_taker(shared, &taker, reason, &mut out),
        }
    }
}

/// Says whether head and legs make a pair or a bracket.
fn has_shape(head: &NewOrder, legs: &[NewOrder]) -> bool {
    let is_alike = |leg: &NewOrder, side: Side| {
        leg.account == head.account
            && leg.instrument == head.instrument
            && leg.qty == head.qty
            && leg.side == side
    };
    let is_resting_limit =
        |order: &NewOrder| order.order_type == OrderType::Limit && may_rest(order.tif);
    match (head.list, legs) {
        (ListRole::OcoHead, [leg]) => {
            is_resting_limit(head) && is_stop(leg.order_type) && is_alike(leg, head.side)
        }
        (ListRole::BracketHead, [profit, stop]) => {
            let exit_side = head.side.opposite();
            matches!(head.order_type, OrderType::Limit | OrderType::Market)
                && head.flags & order_flags::QUOTE == 0
                && is_resting_limit(profit)
                && is_stop(stop.order_type)
                && is_alike(profit, exit_side)
                && is_alike(stop, exit_side)
        }
        (ListRole::None | ListRole::Leg | ListRole::OcoHead | ListRole::BracketHead, _) => false,
    }
}
