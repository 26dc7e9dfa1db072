//! The engine's front: records in, events out, one command after another.

use super::ahead::AHEAD;
use super::book::{Book, Shared};
use super::codec::decode;
use super::command::{command_len, Command, CommandKind, CommandRecord};
use super::event::{EventKind, EventRecord, Sink};
use super::expiry::Expiry;
use super::reason::Reason;
use super::rules::{Limits, ListRole};

/// The matching engine.
///
/// It is a pure function of the commands given to it: equal commands give equal events and equal state,
/// however they are cut into submissions (a list must come in one piece).
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) books: Vec<Book>,
    pub(crate) shared: Shared,
}

impl Engine {
    /// An engine without instruments and balances.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let shared = Shared {
            limits,
            sequence: 0,
            now_ns: 0,
            open_orders: 0,
            listed: true,
            funds: super::funds::Funds::default(),
            accounts: super::accounts::Accounts::default(),
            clients: super::clients::Clients::default(),
            expiry: Expiry::default(),
        };
        Self {
            books: Vec::new(),
            shared,
        }
    }

    /// Applies commands in order and tells `sink` what happened. A record that cannot be applied gives
    /// a `Rejected` event; nothing else follows from it.
    pub fn submit<S: Sink>(&mut self, records: &[CommandRecord], sink: &mut S) {
        let mut rest = records;
        let mut seen = 0;
        while let Some(record) = rest.first() {
            if seen == 0 && self.looks_ahead() {
                self.look_ahead(rest);
                seen = AHEAD;
            }
            let len = if record.list == 0 {
                1
            } else {
                command_len(rest)
            };
            let (command, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            self.apply(record, command, sink);
            self.shared.sequence = self.shared.sequence.wrapping_add(len as u64);
            seen = seen.saturating_sub(len);
            rest = behind;
        }
    }

    fn apply<S: Sink>(&mut self, record: &CommandRecord, command: &[CommandRecord], sink: &mut S) {
        match CommandKind::from_number(record.kind) {
            Some(CommandKind::New) if record.list == ListRole::None.number() => {
                self.place(record, sink);
            }
            Some(CommandKind::New) => self.place_list(command, sink),
            Some(CommandKind::Cancel) => self.cancel(record, sink),
            Some(CommandKind::Amend) => self.amend(record, sink),
            Some(CommandKind::Reduce) => self.reduce(record, sink),
            Some(
                CommandKind::CancelByClientId
                | CommandKind::MassCancel
                | CommandKind::Disconnect
                | CommandKind::Tick
                | CommandKind::AddInstrument
                | CommandKind::SetRule
                | CommandKind::SetPhase
                | CommandKind::SetMark
                | CommandKind::SetPosition
                | CommandKind::Deposit
                | CommandKind::Withdraw
                | CommandKind::SetTier
                | CommandKind::SetAccount
                | CommandKind::SetKill,
            ) => self.apply_rare(record, sink),
            None => self.reject(record, Reason::Malformed, sink),
        }
    }

    #[cold]
    #[inline(never)]
    fn apply_rare<S: Sink>(&mut self, record: &CommandRecord, sink: &mut S) {
        match decode(record) {
            Ok(Command::CancelByClientId { account, client_id }) => {
                self.cancel_by_client_id(record, account, client_id, sink);
            }
            Ok(command) => self.administer(record, &command, sink),
            Err(_) => self.reject(record, Reason::Malformed, sink),
        }
    }

    /// Says that a command is refused. Nothing may have been changed by it.
    #[cold]
    #[inline(never)]
    pub(crate) fn reject<S: Sink>(&self, record: &CommandRecord, reason: Reason, out: &mut S) {
        out.event(rejected(self.shared.sequence, record, reason));
    }

    /// Records seen so far, which is the sequence number of the next one.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.shared.sequence
    }

    /// The caps.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.shared.limits
    }
}

impl Book {
    /// True if orders exist that follow what others do, so that a command has an end to look after.
    #[inline]
    pub(crate) fn has_followers(&self) -> bool {
        // One branch instead of six, which never go another way on most books.
        let followers = (self.armed | self.pending) as usize | self.pegs.len();
        followers | self.work.waiting() != 0
    }

    /// Does the waiting work, then prices the pegs.
    #[cold]
    #[inline(never)]
    pub(crate) fn finish(&mut self, shared: &mut Shared, out: &mut dyn Sink) {
        self.run_work(shared, out);
        self.work.begin();
        if !self.pegs.is_empty() {
            self.price_pegs(shared, out);
        }
    }
}

/// The event for a refused command.
pub(crate) fn rejected(sequence: u64, record: &CommandRecord, reason: Reason) -> EventRecord {
    let order_id = match CommandKind::from_number(record.kind) {
        Some(CommandKind::Cancel | CommandKind::Amend | CommandKind::Reduce) => record.order_id,
        Some(
            CommandKind::New
            | CommandKind::CancelByClientId
            | CommandKind::MassCancel
            | CommandKind::Disconnect
            | CommandKind::Tick
            | CommandKind::AddInstrument
            | CommandKind::SetRule
            | CommandKind::SetPhase
            | CommandKind::SetMark
            | CommandKind::SetPosition
            | CommandKind::Deposit
            | CommandKind::Withdraw
            | CommandKind::SetTier
            | CommandKind::SetAccount
            | CommandKind::SetKill,
        )
        | None => 0,
    };
    EventRecord {
        kind: EventKind::Rejected.number(),
        reason: reason.number(),
        instrument: record.instrument,
        command: sequence,
        account: record.account,
        order_id,
        other_id: record.client_id,
        ..EventRecord::default()
    }
}
