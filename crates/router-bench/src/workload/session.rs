//! What the generators share: the book they watch, the orders alive, and the tape they write.

use super::draws::Draws;
use super::reference::{ReferenceBook, Resting};
use super::{Action, Command, Side, Size, Tape};
use std::collections::HashMap;

/// A generator at work: each command it writes is carried out on the reference book at once.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) draws: Draws,
    pub(super) book: ReferenceBook,
    users: i64,
    tape: Vec<Command>,
    /// Resting ids in an order that allows a uniform pick; the last one fills a gap.
    live: Vec<u64>,
    positions: HashMap<u64, usize>,
    next_id: u64,
}

impl Session {
    pub(super) fn new(size: Size) -> Self {
        Self {
            draws: Draws::new(size.seed),
            book: ReferenceBook::default(),
            users: i64::from(size.users),
            tape: Vec::with_capacity(size.commands + size.resting),
            live: Vec::new(),
            positions: HashMap::new(),
            next_id: 1,
        }
    }

    pub(super) fn finish(self) -> Tape {
        Tape {
            commands: self.tape,
            end: self.book.end_state(),
        }
    }

    /// Writes a new order; its owner is drawn last.
    pub(super) fn place(&mut self, side: Side, price: i64, quantity: i64, immediate: bool) {
        let user = 1 + self.draws.below(self.users) as u32;
        let id = self.next_id;
        self.next_id += 1;
        self.emit(Command {
            id,
            price,
            quantity,
            user,
            action: Action::New,
            side,
            immediate,
        });
        if self.book.is_resting(id) {
            self.positions.insert(id, self.live.len());
            self.live.push(id);
        }
    }

    pub(super) fn cancel(&mut self, (side, order): (Side, Resting)) {
        self.change(Action::Cancel, side, order, 0, 0);
    }

    pub(super) fn reduce(&mut self, (side, order): (Side, Resting)) {
        let by = 1 + self.draws.below(order.quantity);
        self.change(Action::Reduce, side, order, 0, by);
    }

    pub(super) fn shift(&mut self, (side, order): (Side, Resting), price: i64) {
        self.change(Action::Move, side, order, price, order.quantity);
    }

    fn change(&mut self, action: Action, side: Side, order: Resting, price: i64, quantity: i64) {
        self.emit(Command {
            id: order.id,
            price,
            quantity,
            user: order.user,
            action,
            side,
            immediate: false,
        });
        if !self.book.is_resting(order.id) {
            self.forget(order.id);
        }
    }

    fn emit(&mut self, command: Command) {
        self.book.apply(&command);
        self.tape.push(command);
        let fills = self.book.fills().to_vec();
        for fill in fills.iter().filter(|fill| fill.maker_done) {
            self.forget(fill.maker);
        }
    }

    fn forget(&mut self, id: u64) {
        let Some(gap) = self.positions.remove(&id) else {
            return;
        };
        self.live.swap_remove(gap);
        if let Some(moved) = self.live.get(gap) {
            self.positions.insert(*moved, gap);
        }
    }

    pub(super) fn live_count(&self) -> usize {
        self.live.len()
    }

    /// A uniform pick among the resting orders; draws once.
    pub(super) fn pick_any(&mut self) -> Option<u64> {
        let index = self.draws.index(self.live.len());
        self.live.get(index).copied()
    }

    /// A uniform pick among the `among` resting orders placed first; draws once.
    pub(super) fn pick_old(&mut self, among: usize) -> Option<u64> {
        let nth = self.draws.index(among.min(self.live.len()));
        self.book.nth_oldest(nth)
    }
}
