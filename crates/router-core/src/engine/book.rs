//! One instrument: its rules, its orders, and where they wait; and what instruments share.

use std::collections::BTreeMap;

use super::accounts::Accounts;
use super::clients::{ClientEntry, Clients};
use super::event::{EventKind, EventRecord};
use super::expiry::Expiry;
use super::funds::Funds;
use super::ids::IdIndex;
use super::ladder::Ladder;
use super::reason::Reason;
use super::rules::{Limits, Phase, Rules, Side};
use super::slab::{Slab, Slot, Stage};
use super::triggers::Triggers;
use super::work::Work;

/// What all instruments share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// Caps.
    pub(crate) limits: Limits,
    /// Sequence number of the command at work, which its events carry.
    pub(crate) sequence: u64,
    /// Time of the last tick, ns.
    pub(crate) now_ns: u64,
    /// Open orders of all instruments.
    pub(crate) open_orders: u32,
    /// The open orders of each account are listed.
    pub(crate) listed: bool,
    /// Balances.
    pub(crate) funds: Funds,
    /// Tiers, groups, kill switches, positions.
    pub(crate) accounts: Accounts,
    /// Client ids.
    pub(crate) clients: Clients,
    /// Good-till dates.
    pub(crate) expiry: Expiry,
}

impl Shared {
    /// Notes an order that has a slot from now on.
    #[inline]
    pub(crate) fn opened(&mut self, slab: &mut Slab, instrument: u32, slot: u32, account: u32) {
        self.open_orders = self.open_orders.wrapping_add(1);
        if self.listed {
            self.accounts.enlist(slab, instrument, slot, account);
        }
    }

    /// Stores a client id of an account that is not known yet.
    #[inline]
    pub(crate) fn remember(&mut self, entry: ClientEntry) {
        self.accounts.remember_client_id(entry.account);
        self.clients.insert(entry);
    }

    /// Number of the client id of an order that just entered; it was the last to be stored.
    #[inline]
    pub(crate) fn number_of_newest(&self, client_id: u64) -> u32 {
        if client_id == 0 {
            0
        } else {
            self.clients.newest()
        }
    }

    /// Frees the slot of an order that is in no level any more.
    #[inline]
    pub(crate) fn closed(&mut self, slab: &mut Slab, slot: u32, account: u32) {
        self.open_orders = self.open_orders.wrapping_sub(1);
        if self.listed {
            self.accounts.strike(slab, slot, account);
        }
        slab.remove(slot);
    }
}

/// What an instrument is, fixed when it is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Its id.
    pub(crate) id: u32,
    /// Asset that is traded.
    pub(crate) base_asset: u32,
    /// Asset that is paid.
    pub(crate) quote_asset: u32,
    /// Base units of the base asset per lot.
    pub(crate) lot_units: u64,
    /// Base units of the quote asset per tick and lot.
    pub(crate) tick_units: u64,
    /// Balances are checked and settled.
    pub(crate) funded: bool,
    /// Net positions are kept.
    pub(crate) positions: bool,
}

/// One instrument.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    /// What it is.
    pub(crate) terms: Terms,
    /// Its rules.
    pub(crate) rules: Rules,
    /// Its phase.
    pub(crate) phase: Phase,
    /// Price of the last trade, 0 = none.
    pub(crate) last: u32,
    /// Mark price, 0 = none.
    pub(crate) mark: u32,
    /// Id of the next order.
    pub(crate) next_id: u64,
    /// Orders that went to a tail so far.
    pub(crate) rests: u64,
    /// Bids.
    pub(crate) bids: Ladder,
    /// Offers.
    pub(crate) asks: Ladder,
    /// Open orders.
    pub(crate) slab: Slab,
    /// Their slots by id.
    pub(crate) ids: IdIndex,
    /// Armed stops, searched by price.
    pub(crate) triggers: Triggers,
    /// Armed orders.
    pub(crate) armed: u32,
    /// Exits that wait for the head of their bracket.
    pub(crate) pending: u32,
    /// Pegged orders, parked or resting: slots by id.
    pub(crate) pegs: BTreeMap<u64, u32>,
    /// Activations, references and fired stops that wait for their turn.
    pub(crate) work: Work,
}

impl Book {
    /// An instrument as it is when it has been added.
    pub(crate) fn new(terms: Terms, rules: Rules) -> Self {
        Self {
            terms,
            rules,
            phase: Phase::Closed,
            last: 0,
            mark: 0,
            next_id: 1,
            rests: 0,
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            slab: Slab::new(),
            ids: IdIndex::default(),
            triggers: Triggers::default(),
            armed: 0,
            pending: 0,
            pegs: BTreeMap::new(),
            work: Work::default(),
        }
    }

    /// The levels of a side.
    #[inline]
    pub(crate) fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// The levels of a side and the orders, to change both.
    #[inline]
    pub(crate) fn side_mut(&mut self, side: Side) -> (&mut Ladder, &mut Slab) {
        match side {
            Side::Buy => (&mut self.bids, &mut self.slab),
            Side::Sell => (&mut self.asks, &mut self.slab),
        }
    }

    /// Slot of an open order, [`super::slab::NIL`] if it is not open.
    #[inline]
    pub(crate) fn slot_of(&self, id: u64) -> u32 {
        self.ids.get(&self.slab, id)
    }

    /// Where an order is.
    pub(crate) fn stage(&self, slot: u32) -> Stage {
        self.slab
            .exotic(slot)
            .map_or(Stage::Resting, |exotic| exotic.stage)
    }

    /// Puts an order into another stage; plain orders only ever rest.
    pub(crate) fn set_stage(&mut self, slot: u32, stage: Stage) {
        if let Some(exotic) = self.slab.exotic_mut(slot) {
            exotic.stage = stage;
        }
    }

    /// Lots that an order shows in its level.
    #[inline]
    pub(crate) fn shown(&self, slot: u32) -> u64 {
        let hot = self.slab.hot(slot);
        if hot.flags() & super::slab::flag::ICEBERG == 0 {
            hot.open
        } else {
            self.slab
                .exotic(slot)
                .map_or(hot.open, |exotic| exotic.displayed)
        }
    }

    /// Reads the level of a price and drops what it says.
    #[inline]
    pub(crate) fn peek(&self, side: Side, price: u32) -> u64 {
        self.side(side).peek(price)
    }

    /// Slots of a level, head first.
    pub(crate) fn queue(&self, side: Side, key: u32) -> impl Iterator<Item = u32> + '_ {
        let head = self.side(side).level(key).map_or(0, |level| level.head);
        core::iter::successors((head != 0).then_some(head), |slot| {
            let next = self.slab.hot(*slot).next;
            (next != 0).then_some(next)
        })
    }

    /// An event about an order, with its place, owner and side filled in.
    #[inline]
    pub(crate) fn about(&self, sequence: u64, kind: EventKind, order: &Slot) -> EventRecord {
        EventRecord {
            kind: kind.number(),
            side: order.side().number(),
            instrument: self.terms.id,
            command: sequence,
            account: order.account,
            order_id: order.id(),
            price: i64::from(order.price()),
            ..EventRecord::default()
        }
    }

    /// A `Cancelled` event of an open order.
    pub(crate) fn cancelled(&self, sequence: u64, order: &Slot, reason: Reason) -> EventRecord {
        EventRecord {
            reason: reason.number(),
            qty: order.open,
            ..self.about(sequence, EventKind::Cancelled, order)
        }
    }

    /// Bytes taken.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.slab
            .memory_bytes()
            .saturating_add(self.ids.memory_bytes())
            .saturating_add(self.bids.memory_bytes())
            .saturating_add(self.asks.memory_bytes())
            .saturating_add(
                (self.armed as usize)
                    .saturating_add(self.pegs.len())
                    .saturating_mul(160),
            )
    }
}
