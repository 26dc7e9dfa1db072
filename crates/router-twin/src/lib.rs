//! A slow second engine, written from `docs/specs/matching.md` in the plainest way.
//!
//! It shares the records and the state image with the engine in `router-core`, and no other code.
//! Both must give equal events and equal images for every command.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "overflow checks are on in every profile: a twin that miscounts shall stop at once"
)]

mod accept;
mod admin;
mod amend;
mod auction;
mod cancel;
mod checks;
pub mod cover;
mod cross;
pub mod drill;
pub mod gen;
mod image;
pub mod laws;
pub mod pair;
mod pegs;
mod settle;
mod state;
mod work;

use std::collections::{BTreeMap, VecDeque};

use router_core::engine::{
    command_len, decode, event_flags, Command, CommandKind, CommandRecord, EventKind, EventRecord,
    Limits, NewOrder, Reason, Side, Tier,
};
use state::{Account, Instrument, Known, Money, Order};
use work::Work;

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It breaks a rule.
    Rejected(Reason),
    /// Its client id stands for an order.
    Duplicate { instrument: u32, order: u64 },
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::Rejected(reason)
    }
}

/// Outcome of a command or of a check of one.
pub(crate) type Outcome = Result<(), Refusal>;

/// The slow engine.
#[derive(Debug, Clone)]
pub struct Twin {
    limits: Limits,
    sequence: u64,
    now_ns: u64,
    venue_killed: bool,
    tiers: BTreeMap<u32, Tier>,
    accounts: BTreeMap<u32, Account>,
    money: BTreeMap<(u32, u32), Money>,
    fees: BTreeMap<u32, i128>,
    instruments: BTreeMap<u32, Instrument>,
    /// Client ids, the one to be forgotten first in front.
    known: VecDeque<Known>,
    work: Work,
    out: Vec<EventRecord>,
}

impl Twin {
    /// An engine without instruments.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            sequence: 0,
            now_ns: 0,
            venue_killed: false,
            tiers: BTreeMap::new(),
            accounts: BTreeMap::new(),
            money: BTreeMap::new(),
            fees: BTreeMap::new(),
            instruments: BTreeMap::new(),
            known: VecDeque::new(),
            work: Work::default(),
            out: Vec::new(),
        }
    }

    /// Applies commands in order and returns their events.
    pub fn submit(&mut self, records: &[CommandRecord]) -> Vec<EventRecord> {
        let mut rest = records;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(command_len(rest).clamp(1, rest.len()));
            self.run(now);
            rest = later;
        }
        std::mem::take(&mut self.out)
    }

    fn run(&mut self, records: &[CommandRecord]) {
        self.work = Work::default();
        match self.apply(records) {
            Ok(()) => self.finish_work(),
            Err(refusal) => self.refuse(records, refusal),
        }
        self.sequence += records.len() as u64;
    }

    fn apply(&mut self, records: &[CommandRecord]) -> Outcome {
        let mut commands = Vec::new();
        for record in records {
            commands.push(decode(record).map_err(|_| Reason::Malformed)?);
        }
        let Some(first) = commands.first().copied() else {
            return Err(Reason::Malformed.into());
        };
        match first {
            Command::New(_) => {
                let orders: Vec<NewOrder> = commands.iter().filter_map(new_order).collect();
                self.place_orders(&orders)
            }
            Command::Cancel {
                instrument,
                account,
                order_id,
            } => self.cancel(instrument, account, order_id),
            Command::CancelByClientId { account, client_id } => {
                self.cancel_by_client_id(account, client_id)
            }
            Command::Amend {
                instrument,
                account,
                order_id,
                price,
                qty,
                requeue,
            } => {
                let target = self.target(instrument, account, order_id)?;
                self.amend(instrument, target, price, qty, requeue)
            }
            Command::Reduce {
                instrument,
                account,
                order_id,
                qty,
            } => self.reduce(instrument, account, order_id, qty),
            Command::MassCancel {
                account,
                side,
                instrument,
            } => self.mass_cancel(account, side, instrument),
            Command::Disconnect { account, session } => self.disconnect(account, session),
            Command::Tick { now_ns } => self.tick(now_ns),
            Command::AddInstrument(_)
            | Command::SetRule { .. }
            | Command::SetPhase { .. }
            | Command::SetMark { .. }
            | Command::SetPosition { .. }
            | Command::Deposit { .. }
            | Command::Withdraw { .. }
            | Command::SetTier { .. }
            | Command::SetAccount { .. }
            | Command::SetKill { .. } => self.administer(&first),
        }
    }

    fn refuse(&mut self, records: &[CommandRecord], refusal: Refusal) {
        let record = records.first().copied().unwrap_or_default();
        let mut event = EventRecord {
            kind: EventKind::Rejected.number(),
            instrument: record.instrument,
            account: record.account,
            other_id: record.client_id,
            ..EventRecord::default()
        };
        match refusal {
            Refusal::Rejected(reason) => {
                event.reason = reason.number();
                let on_order = matches!(
                    CommandKind::from_number(record.kind),
                    Some(CommandKind::Cancel | CommandKind::Amend | CommandKind::Reduce)
                );
                event.order_id = if on_order { record.order_id } else { 0 };
            }
            Refusal::Duplicate { instrument, order } => {
                event.kind = EventKind::Duplicate.number();
                event.instrument = instrument;
                event.order_id = order;
            }
        }
        self.emit(event);
    }

    fn emit(&mut self, mut event: EventRecord) {
        event.command = self.sequence;
        self.out.push(event);
    }

    /// Emits an event about an order; `price`, `qty` and `leaves` as the kind wants them.
    fn say(
        &mut self,
        kind: EventKind,
        i: u32,
        order: &Order,
        numbers: (i64, u64, u64),
        more: More,
    ) {
        self.work.touched.insert(i);
        self.emit(EventRecord {
            kind: kind.number(),
            reason: more.reason.number(),
            side: order.side.number(),
            flags: more.flags,
            instrument: i,
            account: order.account,
            order_id: order.id,
            other_id: more.other_id,
            price: numbers.0,
            qty: numbers.1,
            leaves: numbers.2,
            ..EventRecord::default()
        });
    }

    fn at(&self, i: u32) -> &Instrument {
        must(self.instruments.get(&i), "a known instrument")
    }

    fn at_mut(&mut self, i: u32) -> &mut Instrument {
        must(self.instruments.get_mut(&i), "a known instrument")
    }

    fn order(&self, i: u32, id: u64) -> &Order {
        must(self.at(i).orders.get(&id), "an open order")
    }

    fn order_mut(&mut self, i: u32, id: u64) -> &mut Order {
        must(self.at_mut(i).orders.get_mut(&id), "an open order")
    }

    fn is_open(&self, i: u32, id: u64) -> bool {
        self.at(i).orders.contains_key(&id)
    }

    fn account(&self, account: u32) -> Account {
        self.accounts.get(&account).copied().unwrap_or_default()
    }

    fn same_owner(&self, one: u32, other: u32) -> bool {
        let group = self.account(one).group;
        one == other || (group != 0 && group == self.account(other).group)
    }
}

/// The rarer fields of an event.
#[derive(Clone, Copy)]
pub(crate) struct More {
    pub(crate) reason: Reason,
    pub(crate) flags: u8,
    pub(crate) other_id: u64,
}

/// None of the rarer fields.
pub(crate) const PLAIN: More = More {
    reason: Reason::None,
    flags: 0,
    other_id: 0,
};

/// Only a reason.
pub(crate) fn because(reason: Reason) -> More {
    More { reason, ..PLAIN }
}

/// Only flags.
pub(crate) fn flagged(flags: u8) -> More {
    More { flags, ..PLAIN }
}

/// The quote flag for a quote order.
pub(crate) fn quote_flag(order: &Order) -> u8 {
    if order.has(router_core::engine::order_flags::QUOTE) {
        event_flags::QUOTE
    } else {
        0
    }
}

fn new_order(command: &Command) -> Option<NewOrder> {
    if let Command::New(order) = command {
        Some(*order)
    } else {
        None
    }
}

/// Unwraps what the twin's own bookkeeping promises.
pub(crate) fn must<T>(value: Option<T>, what: &str) -> T {
    value.unwrap_or_else(|| unreachable!("the twin lost {what}"))
}

/// The step by which a price of this side gets worse for its owner.
pub(crate) fn away(side: Side, step: i64) -> i64 {
    match side {
        Side::Buy => -step,
        Side::Sell => step,
    }
}
