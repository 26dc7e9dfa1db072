//! Commands that remove many orders: mass cancel, disconnect, kill switches, and time.

use super::book::{Book, Shared};
use super::command::{Command, CommandRecord};
use super::event::Sink;
use super::reason::Reason;
use super::rules::{Side, MAX_TIME_NS};
use super::slab::NIL;
use super::submit::Engine;

type Applied = Result<(), Reason>;

impl Engine {
    /// Applies `MassCancel`, `Disconnect`, `SetKill` or `Tick`.
    pub(crate) fn sweep_out(
        &mut self,
        record: &CommandRecord,
        command: &Command,
        out: &mut dyn Sink,
    ) -> Applied {
        match *command {
            Command::MassCancel {
                account,
                side,
                instrument,
            } => self.mass_cancel(record, (account, side, instrument), out),
            Command::Disconnect { account, session } => {
                self.known_account(account)?;
                if session == 0 {
                    return Err(Reason::OutOfRange);
                }
                self.configured(record, out);
                let fits = |book: &Book, slot: u32| book.slab.cold(slot).session == session;
                self.remove_of(Reason::Disconnected, (account, None), &fits, out);
                Ok(())
            }
            Command::SetKill { account, on } => self.set_kill(record, account, on, out),
            Command::Tick { now_ns } => self.tick(now_ns, out),
            Command::New(_)
            | Command::Cancel { .. }
            | Command::CancelByClientId { .. }
            | Command::Amend { .. }
            | Command::Reduce { .. }
            | Command::AddInstrument(_)
            | Command::SetRule { .. }
            | Command::SetPhase { .. }
            | Command::SetMark { .. }
            | Command::SetPosition { .. }
            | Command::Deposit { .. }
            | Command::Withdraw { .. }
            | Command::SetTier { .. }
            | Command::SetAccount { .. } => Err(Reason::Malformed),
        }
    }

    fn mass_cancel(
        &mut self,
        record: &CommandRecord,
        (account, side, instrument): (Option<u32>, Option<Side>, Option<u32>),
        out: &mut dyn Sink,
    ) -> Applied {
        if let Some(instrument) = instrument {
            self.book(instrument)?;
        }
        if let Some(account) = account {
            self.known_account(account)?;
        }
        self.configured(record, out);
        let fits = |book: &Book, slot: u32| {
            let order = book.slab.hot(slot);
            side.is_none_or(|side| order.side() == side)
        };
        match account {
            Some(account) => {
                self.remove_of(Reason::MassCancel, (account, instrument), &fits, out);
            }
            None => self.remove_where(Reason::MassCancel, instrument, &fits, out),
        }
        Ok(())
    }

    fn set_kill(
        &mut self,
        record: &CommandRecord,
        account: Option<u32>,
        on: bool,
        out: &mut dyn Sink,
    ) -> Applied {
        match account {
            Some(account) => {
                self.known_account(account)?;
                if let Some(standing) = self.shared.accounts.standing_mut(account) {
                    standing.killed = on;
                }
            }
            None => self.shared.accounts.venue_killed = on,
        }
        self.configured(record, out);
        if on {
            let fits = |_: &Book, _: u32| true;
            match account {
                Some(account) => self.remove_of(Reason::Killed, (account, None), &fits, out),
                None => self.remove_where(Reason::Killed, None, &fits, out),
            }
        }
        Ok(())
    }

    fn tick(&mut self, now_ns: u64, out: &mut dyn Sink) -> Applied {
        if now_ns < self.shared.now_ns {
            return Err(Reason::TimeBackwards);
        }
        if now_ns > MAX_TIME_NS {
            return Err(Reason::OutOfRange);
        }
        self.shared.now_ns = now_ns;
        let mut touched = Vec::new();
        while let Some((instrument, order)) = self.shared.expiry.pop_due(now_ns) {
            let Some(book) = self.books.get_mut(instrument as usize) else {
                continue;
            };
            let slot = book.slot_of(order);
            if slot != NIL {
                let mut out: &mut dyn Sink = out;
                book.remove_order(&mut self.shared, slot, Reason::Expired, &mut out);
                touched.push(instrument);
            }
        }
        let window_ns = self.shared.limits.client_window_ns;
        let books = &mut self.books;
        let Shared {
            clients, accounts, ..
        } = &mut self.shared;
        clients.forget(now_ns, window_ns, |due| {
            let book = books.get_mut(due.target.instrument as usize);
            let is_open = book.is_some_and(|book| {
                let slot = book.slot_of(due.target.order);
                if let Some(cold) = book.slab.cold_mut(slot).filter(|_| slot != NIL) {
                    cold.client = due.number;
                }
                slot != NIL
            });
            if !is_open {
                accounts.forget_client_id(due.account);
            }
            is_open
        });
        touched.sort_unstable();
        touched.dedup();
        self.finish_all(&touched, out);
        Ok(())
    }

    /// Removes every order that fits, by instrument and id, and does the work that follows.
    fn remove_where(
        &mut self,
        reason: Reason,
        only: Option<u32>,
        fits: &dyn Fn(&Book, u32) -> bool,
        out: &mut dyn Sink,
    ) {
        let mut touched = Vec::new();
        for book in &mut self.books {
            if only.is_none_or(|only| only == book.terms.id)
                && book.remove_all(&mut self.shared, reason, fits, out)
            {
                touched.push(book.terms.id);
            }
        }
        self.finish_all(&touched, out);
    }

    /// As [`Self::remove_where`] for the orders of an account, without looking at those of others.
    fn remove_of(
        &mut self,
        reason: Reason,
        (account, only): (u32, Option<u32>),
        fits: &dyn Fn(&Book, u32) -> bool,
        out: &mut dyn Sink,
    ) {
        let mut found: Vec<(u32, u64, u32)> = Vec::new();
        for (instrument, slot) in self.shared.accounts.orders(account) {
            if let Some(book) = self.books.get(instrument as usize) {
                if only.is_none_or(|only| only == instrument) && fits(book, slot) {
                    found.push((instrument, book.slab.hot(slot).id(), slot));
                }
            }
        }
        found.sort_unstable();
        for (instrument, order, slot) in &found {
            if let Some(book) = self.books.get_mut(*instrument as usize) {
                // A partner may have gone with an order before it.
                if book.slot_of(*order) == *slot {
                    let mut out: &mut dyn Sink = out;
                    book.remove_order(&mut self.shared, *slot, reason, &mut out);
                }
            }
        }
        let mut touched: Vec<u32> = found.iter().map(|(instrument, _, _)| *instrument).collect();
        touched.dedup();
        self.finish_all(&touched, out);
    }

    /// Does the work that a command left on several instruments, then prices their pegs.
    fn finish_all(&mut self, instruments: &[u32], out: &mut dyn Sink) {
        for instrument in instruments {
            if let Some(book) = self.books.get_mut(*instrument as usize) {
                book.run_work(&mut self.shared, out);
                book.work.begin();
            }
        }
        for instrument in instruments {
            if let Some(book) = self.books.get_mut(*instrument as usize) {
                book.price_pegs(&mut self.shared, out);
            }
        }
    }
}

impl Book {
    /// Removes every order that fits, in order of id; false if there is none.
    pub(crate) fn remove_all(
        &mut self,
        shared: &mut Shared,
        reason: Reason,
        fits: &dyn Fn(&Self, u32) -> bool,
        out: &mut dyn Sink,
    ) -> bool {
        let slots = self.slab.iter().map(|(slot, order)| (order.id(), slot));
        let mut found: Vec<(u64, u32)> = slots.filter(|(_, slot)| fits(self, *slot)).collect();
        found.sort_unstable();
        for (order, slot) in &found {
            // A partner may have gone with an order before it.
            if self.slot_of(*order) == *slot {
                let mut out: &mut dyn Sink = out;
                self.remove_order(shared, *slot, reason, &mut out);
            }
        }
        !found.is_empty()
    }
}
