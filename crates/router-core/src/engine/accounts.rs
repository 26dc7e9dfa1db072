//! Fee tier, trade group, kill switch, open orders, client ids and net positions of the accounts.

use std::collections::BTreeMap;

use super::roster::Roster;
use super::rules::{Side, Tier, TIERS};
use super::slab::Slab;

/// What is kept per account besides its balances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Trade group, 0 = none.
    pub(crate) group: u32,
    /// Fee tier, below [`TIERS`].
    pub(crate) tier: u8,
    /// Kill switch.
    pub(crate) killed: bool,
}

/// The open orders of an account: touched by every order, so it is small.
#[derive(Clone, Copy, Debug, Default)]
struct Holding {
    /// Open orders on all instruments.
    orders: u32,
    /// Where their list begins.
    head: u32,
}

/// Accounts whose standings lie together.
const CHUNK_BITS: u32 = 10;
const CHUNK: usize = 1 << CHUNK_BITS;
const IN_CHUNK: u32 = (1 << CHUNK_BITS) - 1;

/// Something of every account, in chunks that are missing where no account was ever touched: room for
/// more is never made by copying what is there.
#[derive(Clone, Debug)]
struct Table<T> {
    chunks: Vec<Option<Box<[T; CHUNK]>>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T: Copy + Default> Table<T> {
    #[inline]
    fn get(&self, account: u32) -> T {
        match self.chunks.get((account >> CHUNK_BITS) as usize) {
            Some(Some(chunk)) => chunk.get(place(account)).copied().unwrap_or_default(),
            Some(None) | None => T::default(),
        }
    }

    #[inline]
    fn get_mut(&mut self, account: u32) -> Option<&mut T> {
        let number = (account >> CHUNK_BITS) as usize;
        if !matches!(self.chunks.get(number), Some(Some(_))) {
            self.add_chunk(number);
        }
        match self.chunks.get_mut(number) {
            Some(Some(chunk)) => chunk.get_mut(place(account)),
            Some(None) | None => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn add_chunk(&mut self, number: usize) {
        if self.chunks.len() <= number {
            self.chunks.resize(number.saturating_add(1), None);
        }
        if let Some(chunk) = self.chunks.get_mut(number) {
            *chunk = vec![T::default(); CHUNK].into_boxed_slice().try_into().ok();
        }
    }

    fn touched(&self) -> impl Iterator<Item = u32> + '_ {
        let chunks = (0_u32..).zip(&self.chunks);
        let there = chunks.filter(|(_, chunk)| chunk.is_some());
        there.flat_map(|(number, _)| {
            let first = number << CHUNK_BITS;
            first..=(first | IN_CHUNK)
        })
    }

    fn memory_bytes(&self) -> usize {
        let there = self.chunks.iter().flatten().count();
        let chunks = self.chunks.capacity();
        there
            .saturating_mul(size_of::<[T; CHUNK]>())
            .saturating_add(chunks.saturating_mul(size_of::<usize>()))
    }
}

/// Place in its chunk.
#[inline]
const fn place(account: u32) -> usize {
    (account & IN_CHUNK) as usize
}

/// All accounts; those without a place in the table stand as at the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    standings: Table<Standing>,
    holdings: Table<Holding>,
    client_ids: Table<u32>,
    roster: Roster,
    tiers: [Tier; TIERS],
    positions: BTreeMap<(u32, u32), i64>,
    /// Kill switch of the venue.
    pub(crate) venue_killed: bool,
}

impl Accounts {
    /// How the account stands.
    #[inline]
    pub(crate) fn standing(&self, account: u32) -> Standing {
        self.standings.get(account)
    }

    /// How the account stands, to change it.
    pub(crate) fn standing_mut(&mut self, account: u32) -> Option<&mut Standing> {
        self.standings.get_mut(account)
    }

    /// Notes an order that is open from now on.
    #[inline]
    pub(crate) fn enlist(&mut self, slab: &mut Slab, instrument: u32, slot: u32, account: u32) {
        let Self {
            holdings, roster, ..
        } = self;
        if let Some(holding) = holdings.get_mut(account) {
            holding.head = roster.enlist(slab, instrument, slot, holding.head);
            holding.orders = holding.orders.wrapping_add(1);
        }
    }

    /// Forgets an order that is open no more, before its slot is freed.
    #[inline]
    pub(crate) fn strike(&mut self, slab: &Slab, slot: u32, account: u32) {
        let Self {
            holdings, roster, ..
        } = self;
        if let Some(holding) = holdings.get_mut(account) {
            holding.head = roster.strike(slab, slot, holding.head);
            holding.orders = holding.orders.wrapping_sub(1);
        }
    }

    /// Notes that an account has a client id less.
    pub(crate) fn forget_client_id(&mut self, account: u32) {
        if let Some(count) = self.client_ids.get_mut(account) {
            *count = count.wrapping_sub(1);
        }
    }

    /// Notes that an account has a client id more.
    #[inline]
    pub(crate) fn remember_client_id(&mut self, account: u32) {
        if let Some(count) = self.client_ids.get_mut(account) {
            *count = count.wrapping_add(1);
        }
    }

    /// Open orders of an account on all instruments.
    #[inline]
    pub(crate) fn open_orders(&self, account: u32) -> u32 {
        self.holdings.get(account).orders
    }

    /// Known client ids of an account.
    #[inline]
    pub(crate) fn client_ids(&self, account: u32) -> u32 {
        self.client_ids.get(account)
    }

    /// The list neighbours of an order and where its account's list begins, read early.
    #[inline]
    pub(crate) fn peek(&self, handle: u32, account: u32) -> [u32; 3] {
        let (newer, older) = self.roster.peek(handle);
        [newer, older, self.holdings.get(account).head]
    }

    /// Reads the links of some handles and drops what they say.
    #[inline]
    pub(crate) fn peek_links(&self, handles: [u32; 3]) -> u32 {
        handles.into_iter().fold(0, |seen, handle| {
            let (newer, older) = self.roster.peek(handle);
            seen ^ newer ^ older
        })
    }

    /// Instruments and slots of the open orders of an account, in no order.
    pub(crate) fn orders(&self, account: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.roster.orders(self.holdings.get(account).head)
    }

    /// Accounts that may not stand as at the start, ascending.
    pub(crate) fn touched(&self) -> impl Iterator<Item = u32> + '_ {
        self.standings.touched()
    }

    /// True if the venue or the account is stopped.
    #[inline]
    pub(crate) fn is_killed(&self, account: u32) -> bool {
        self.venue_killed || self.standing(account).killed
    }

    /// Rates of an account.
    #[inline]
    pub(crate) fn rates(&self, account: u32) -> Tier {
        self.tier(u32::from(self.standing(account).tier))
    }

    /// Rates of a tier.
    #[inline]
    pub(crate) fn tier(&self, tier: u32) -> Tier {
        self.tiers.get(tier as usize).copied().unwrap_or_default()
    }

    /// Rates of a tier, to change them.
    pub(crate) fn tier_mut(&mut self, tier: u32) -> Option<&mut Tier> {
        self.tiers.get_mut(tier as usize)
    }

    /// All tiers.
    pub(crate) fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// Net lots of an account on an instrument.
    pub(crate) fn position(&self, instrument: u32, account: u32) -> i64 {
        self.positions
            .get(&(account, instrument))
            .copied()
            .unwrap_or(0)
    }

    /// Sets a net position.
    pub(crate) fn set_position(&mut self, instrument: u32, account: u32, lots: i64) {
        if lots == 0 {
            self.positions.remove(&(account, instrument));
        } else {
            self.positions.insert((account, instrument), lots);
        }
    }

    /// Books a trade of an account.
    pub(crate) fn shift_position(&mut self, instrument: u32, account: u32, side: Side, lots: u64) {
        let lots = i64::try_from(lots).unwrap_or(i64::MAX);
        let now = self.position(instrument, account);
        let then = match side {
            Side::Buy => now.saturating_add(lots),
            Side::Sell => now.saturating_sub(lots),
        };
        self.set_position(instrument, account, then);
    }

    /// Lots by which an order of `side` can still reduce the position.
    pub(crate) fn reducible(&self, instrument: u32, account: u32, side: Side) -> u64 {
        let position = self.position(instrument, account);
        match side {
            Side::Buy => u64::try_from(position.saturating_neg()).unwrap_or(0),
            Side::Sell => u64::try_from(position).unwrap_or(0),
        }
    }

    /// Net positions that are not 0, by (account, instrument).
    pub(crate) fn positions(&self) -> impl Iterator<Item = (u32, u32, i64)> + '_ {
        self.positions
            .iter()
            .map(|((account, instrument), lots)| (*account, *instrument, *lots))
    }

    /// Bytes taken, positions estimated.
    pub(crate) fn memory_bytes(&self) -> usize {
        let standings = self.standings.memory_bytes();
        standings
            .saturating_add(self.holdings.memory_bytes())
            .saturating_add(self.client_ids.memory_bytes())
            .saturating_add(self.roster.memory_bytes())
            .saturating_add(self.positions.len().saturating_mul(32))
    }
}
