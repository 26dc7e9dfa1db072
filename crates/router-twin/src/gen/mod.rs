//! Random submissions of every command kind, from a seed alone.
//!
//! Prices, sizes, accounts and ids are few, so that orders meet, repeat and collide.

mod orders;
mod profile;
mod rng;
mod scenes;
mod switches;

use std::collections::VecDeque;

use router_core::engine::{
    encode, event_flags, Command, CommandKind, CommandRecord, EventKind, EventRecord, Limits,
    ListRole,
};

pub use profile::Profile;
pub use rng::Rng;

/// Orders that later commands may name.
const REMEMBERED: usize = 48;

/// An order that was accepted.
#[derive(Debug, Clone, Copy)]
struct Seen {
    instrument: u32,
    account: u32,
    order_id: u64,
}

/// Draws submissions; [`Generator::observe`] makes it name orders that exist.
#[derive(Debug, Clone)]
pub struct Generator {
    rng: Rng,
    profile: Profile,
    now_ns: u64,
    seen: VecDeque<Seen>,
    /// The order that went last.
    gone: Option<Seen>,
    /// The instrument to which most commands go.
    main: u32,
    /// What comes next in any case: the opening, or the rest of a scene.
    script: VecDeque<Vec<Command>>,
    /// Whether takers pay and makers may get rebates, or the other way round.
    takers_pay: bool,
    /// Commands that undo a switch, with the submission at which they are due.
    repairs: Vec<(u64, Command)>,
    submissions: u64,
}

impl Generator {
    /// A generator; equal seeds and profiles give equal submissions for equal observations.
    #[must_use]
    pub fn new(seed: u64, profile: Profile) -> Self {
        let mut made = Self {
            rng: Rng::new(seed),
            profile,
            now_ns: 0,
            seen: VecDeque::new(),
            gone: None,
            main: profile.main_instrument(),
            script: VecDeque::new(),
            takers_pay: true,
            repairs: Vec::new(),
            submissions: 0,
        };
        if made.rng.chance(400) {
            made.main = made.rng.narrow(3);
        }
        made.takers_pay = made.rng.chance(700);
        made.script = made.draw_opening();
        made
    }

    /// Caps under which its commands reach every rule: few accounts, small books, short memory.
    #[must_use]
    pub fn limits() -> Limits {
        Limits {
            max_accounts: 6,
            max_assets: 4,
            max_instruments: 4,
            max_orders: 48,
            max_client_ids: 40,
            max_account_orders: 20,
            max_account_client_ids: 16,
            client_window_ns: 5_000_000_000,
        }
    }

    /// Remembers the orders that were accepted until they are gone, and the one that went last.
    pub fn observe(&mut self, events: &[EventRecord]) {
        for event in events {
            let done = event.flags & event_flags::MAKER_DONE != 0;
            match event.event_kind() {
                Some(EventKind::Accepted) => self.remember(event),
                Some(EventKind::Cancelled) => self.forget(event.instrument, event.order_id),
                Some(EventKind::Trade) => {
                    if done {
                        self.forget(event.instrument, event.other_id);
                    }
                    if event.leaves == 0 {
                        self.forget(event.instrument, event.order_id);
                    }
                }
                Some(_) | None => {}
            }
        }
    }

    fn remember(&mut self, event: &EventRecord) {
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen {
            instrument: event.instrument,
            account: event.account,
            order_id: event.order_id,
        });
    }

    fn forget(&mut self, instrument: u32, order_id: u64) {
        let is_it = |seen: &Seen| (seen.instrument, seen.order_id) == (instrument, order_id);
        if let Some(place) = self.seen.iter().position(is_it) {
            self.gone = self.seen.remove(place);
        }
    }

    /// The next submission: one command, which may be a list of records.
    pub fn submission(&mut self) -> Vec<CommandRecord> {
        if self.script.is_empty() && self.submissions > 0 && self.rng.chance(6) {
            self.plan_scene();
        }
        if let Some(commands) = self.script.pop_front() {
            return commands.iter().map(encode).collect();
        }
        self.submissions += 1;
        let due = self
            .repairs
            .iter()
            .position(|(due, _)| *due <= self.submissions);
        if let Some(place) = due {
            return vec![encode(&self.repairs.swap_remove(place).1)];
        }
        let kind = self.draw_kind();
        let mut records: Vec<CommandRecord> = self.draw(kind).iter().map(encode).collect();
        if self.rng.chance(12) {
            // A spoiled record may have thrown a switch that nobody plans to put back.
            self.repair(
                8,
                Command::SetKill {
                    account: None,
                    on: false,
                },
            );
            self.spoil(&mut records);
        }
        records
    }

    fn draw_kind(&mut self) -> CommandKind {
        let weights = CommandKind::ALL
            .iter()
            .map(|kind| self.profile.weight(*kind));
        let weights: Vec<u64> = weights.collect();
        let place = self.rng.weighted(&weights);
        CommandKind::ALL
            .get(place)
            .copied()
            .unwrap_or(CommandKind::Tick)
    }

    /// Draws a command of a kind. Every kind is named: a new one must be drawn too.
    fn draw(&mut self, kind: CommandKind) -> Vec<Command> {
        match kind {
            CommandKind::New => self.draw_orders(),
            CommandKind::Cancel => {
                let Seen {
                    instrument,
                    account,
                    order_id,
                } = self.draw_seen();
                vec![Command::Cancel {
                    instrument,
                    account,
                    order_id,
                }]
            }
            CommandKind::CancelByClientId => {
                let client_id = self.draw_client_id();
                vec![Command::CancelByClientId {
                    account: self.draw_account(),
                    client_id,
                }]
            }
            CommandKind::Amend => self.draw_amend(),
            CommandKind::Reduce => {
                let Seen {
                    instrument,
                    account,
                    order_id,
                } = self.draw_seen();
                let qty = self.rng.below(6);
                vec![Command::Reduce {
                    instrument,
                    account,
                    order_id,
                    qty,
                }]
            }
            CommandKind::MassCancel
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
            | CommandKind::SetKill => vec![self.draw_switch(kind)],
        }
    }

    fn draw_amend(&mut self) -> Vec<Command> {
        let Seen {
            instrument,
            account,
            order_id,
        } = self.draw_seen();
        let keeps_price = self.rng.chance(400);
        let price = if keeps_price {
            0
        } else {
            self.draw_price(instrument)
        };
        let qty = if self.rng.chance(300) {
            0
        } else {
            self.draw_lots()
        };
        let requeue = self.rng.chance(150);
        vec![Command::Amend {
            instrument,
            account,
            order_id,
            price,
            qty,
            requeue,
        }]
    }

    /// Mostly an order that was accepted, sometimes any numbers.
    fn draw_seen(&mut self) -> Seen {
        let place = self.rng.index(self.seen.len().max(1));
        let mut found = self.seen.get(place).copied();
        if self.gone.is_some() && self.rng.chance(30) {
            found = self.gone;
        }
        match found {
            Some(seen) if !self.rng.chance(40) => seen,
            Some(seen) if self.rng.chance(500) => Seen {
                account: self.draw_account(),
                ..seen
            },
            Some(_) | None => Seen {
                instrument: self.draw_instrument(),
                account: self.draw_account(),
                order_id: self.rng.below(200),
            },
        }
    }

    fn draw_instrument(&mut self) -> u32 {
        match self.rng.below(100) {
            0..=84 => self.main,
            85..=98 => self.rng.narrow(4),
            _ => 7,
        }
    }

    fn draw_account(&mut self) -> u32 {
        if self.rng.chance(8) {
            return 6;
        }
        self.rng.narrow(6)
    }

    fn draw_client_id(&mut self) -> u64 {
        if self.rng.chance(650) {
            return 0;
        }
        1 + self.rng.below(24)
    }

    fn draw_lots(&mut self) -> u64 {
        match self.rng.below(200) {
            0 => self.rng.extreme(),
            1..=20 => 10 * (1 + self.rng.below(4)),
            _ => 1 + self.rng.below(12),
        }
    }

    /// A price near the middle of the instrument, so that both sides meet.
    fn draw_price(&mut self, instrument: u32) -> i64 {
        let middle = if instrument == 3 { 9 } else { 100 };
        match self.rng.below(300) {
            0 => i64::from_le_bytes(self.rng.extreme().to_le_bytes()),
            1 => i64::from(self.rng.narrow(4)) + router_core::engine::MAX_PRICE - 2,
            2..=6 => i64::from(self.rng.narrow(8)),
            _ => middle - 7 + i64::from(self.rng.narrow(15)),
        }
    }

    /// Makes records that mean nothing, or lists that are torn.
    fn spoil(&mut self, records: &mut Vec<CommandRecord>) {
        match self.rng.below(4) {
            0 => {
                records.pop();
                if records.is_empty() {
                    records.push(CommandRecord::default());
                }
            }
            1 => {
                if let Some(last) = records.last_mut() {
                    last.list = ListRole::Leg.number();
                }
            }
            2 => {
                let noise = self.rng.below(256) as u8;
                let place = self.rng.below(10);
                if let Some(last) = records.last_mut() {
                    disturb(last, place, noise);
                }
            }
            _ => {
                let noise = [
                    self.rng.bits(),
                    self.rng.bits(),
                    self.rng.bits(),
                    self.rng.bits(),
                ];
                let [order_id, qty, client_id, bits] = noise;
                let kind = (bits & 31) as u8;
                records.push(CommandRecord {
                    kind,
                    order_id,
                    qty,
                    client_id,
                    ..Default::default()
                });
            }
        }
    }
}

fn disturb(record: &mut CommandRecord, place: u64, noise: u8) {
    match place {
        0 => record.kind = noise,
        1 => record.side = noise,
        2 => record.order_type = noise,
        3 => record.tif = noise,
        4 => record.flags ^= 1 << (noise & 15),
        5 => record.stp = noise,
        6 => record.list = noise & 7,
        7 => record.order_id ^= 1 << (noise & 63),
        8 => record.trigger ^= i64::from(noise),
        _ => record.expire_s ^= u32::from(noise),
    }
}
