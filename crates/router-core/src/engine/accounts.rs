//! Fee tier, trade group, kill switch and net positions of the accounts.

use std::collections::BTreeMap;

use super::rules::{Side, Tier, TIERS};

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

/// All accounts; those beyond the end of the table stand as at the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    standings: Vec<Standing>,
    tiers: [Tier; TIERS],
    positions: BTreeMap<(u32, u32), i64>,
    /// Kill switch of the venue.
    pub(crate) venue_killed: bool,
}

impl Accounts {
    /// How the account stands.
    #[inline]
    pub(crate) fn standing(&self, account: u32) -> Standing {
        self.standings
            .get(account as usize)
            .copied()
            .unwrap_or_default()
    }

    /// How the account stands, to change it.
    pub(crate) fn standing_mut(&mut self, account: u32) -> Option<&mut Standing> {
        let at = account as usize;
        if self.standings.len() <= at {
            self.standings
                .resize(at.saturating_add(1), Standing::default());
        }
        self.standings.get_mut(at)
    }

    /// Accounts of which something may not be as at the start.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.standings.len()).unwrap_or(u32::MAX)
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
        let standings = self
            .standings
            .capacity()
            .saturating_mul(size_of::<Standing>());
        standings.saturating_add(self.positions.len().saturating_mul(32))
    }
}
