//! Balances: what every account has available and held per asset, and what the house earned.
//!
//! Amounts are base units. Available and held of one account and asset share a cache line; rows grow
//! when an account is first credited, the row width when an asset is first used.

use super::rules::{MAX_AMOUNT, PPM};

/// What one account has of one asset, in base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Free to be held or withdrawn.
    pub available: u128,
    /// Pays for open orders.
    pub held: u128,
}

/// All balances of the engine.
#[derive(Debug, Clone, Default)]
pub struct Funds {
    rows: Vec<Balance>,
    width: usize,
    fees: Vec<i128>,
    totals: Vec<i128>,
}

const PPM_WIDE: u128 = PPM as u128;

/// Returns the fee on `received`, rounded against the account: up when paid, down when it is a rebate.
///
/// `ppm` is in -1,000,000..=1,000,000; a negative result is a rebate.
#[inline]
#[must_use]
pub fn fee_units(received: u128, ppm: i32) -> i128 {
    if ppm == 0 {
        return 0;
    }
    let rate = ppm.unsigned_abs();
    let narrow = u64::try_from(received)
        .ok()
        .and_then(|units| units.checked_mul(u64::from(rate)));
    let (floor, exact) = match narrow {
        Some(product) => {
            let floor = product / PPM;
            (u128::from(floor), floor.wrapping_mul(PPM) == product)
        }
        None => fee_floor_wide(received, rate),
    };
    // A fee is at most a tenth of 2^120, so it fits.
    if ppm < 0 {
        (floor as i128).wrapping_neg()
    } else {
        (floor as i128).wrapping_add(i128::from(!exact))
    }
}

/// Returns the floor of `received * rate / 10^6` and whether nothing was cut off.
#[cold]
fn fee_floor_wide(received: u128, rate: u32) -> (u128, bool) {
    let whole = (received / PPM_WIDE).saturating_mul(u128::from(rate));
    let part = (received % PPM_WIDE).wrapping_mul(u128::from(rate));
    (whole.saturating_add(part / PPM_WIDE), part % PPM_WIDE == 0)
}

/// Returns `price x lots x tick_units`: the quote base units of a trade.
///
/// `AddInstrument` and `SetRule` bound the product by [`MAX_AMOUNT`].
#[inline]
#[must_use]
pub fn quote_units(price: i64, lots: u64, tick_units: u64) -> u128 {
    let price = price.unsigned_abs();
    match price.checked_mul(lots) {
        Some(notional) => u128::from(notional).wrapping_mul(u128::from(tick_units)),
        None => {
            let notional = u128::from(price).wrapping_mul(u128::from(lots));
            notional.wrapping_mul(u128::from(tick_units))
        }
    }
}

/// Returns `lots x lot_units`: the base units of a trade; bounded like [`quote_units`].
#[inline]
#[must_use]
pub fn base_units(lots: u64, lot_units: u64) -> u128 {
    u128::from(lots).wrapping_mul(u128::from(lot_units))
}

impl Funds {
    /// Returns what the account has of the asset; zeros when it never had any.
    #[inline]
    #[must_use]
    pub fn balance(&self, account: u32, asset: u32) -> Balance {
        match self.place(account, asset) {
            Some(place) => self.rows.get(place).copied().unwrap_or_default(),
            None => Balance::default(),
        }
    }

    /// Returns the signed earnings of the house in the asset.
    #[must_use]
    pub fn fees(&self, asset: u32) -> i128 {
        at(asset)
            .and_then(|place| self.fees.get(place))
            .copied()
            .unwrap_or(0)
    }

    /// Returns what was deposited less what was withdrawn of the asset.
    #[must_use]
    pub fn total(&self, asset: u32) -> i128 {
        at(asset)
            .and_then(|place| self.totals.get(place))
            .copied()
            .unwrap_or(0)
    }

    /// Returns the number of assets that were ever used.
    #[must_use]
    pub fn assets(&self) -> u32 {
        u32::try_from(self.fees.len()).unwrap_or(u32::MAX)
    }

    /// Returns the number of accounts that were ever credited.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        let rows = self.rows.len().checked_div(self.width).unwrap_or(0);
        u32::try_from(rows).unwrap_or(u32::MAX)
    }

    /// Returns the bytes that the tables take.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let rows = self.rows.capacity().saturating_mul(size_of::<Balance>());
        let assets = self.fees.capacity().saturating_add(self.totals.capacity());
        rows.saturating_add(assets.saturating_mul(size_of::<i128>()))
    }

    /// Says whether the account could hold `units` of the asset now.
    #[inline]
    #[must_use]
    pub fn covers(&self, account: u32, asset: u32, units: u128) -> bool {
        self.balance(account, asset).available >= units
    }

    /// Says whether a deposit keeps the asset within [`MAX_AMOUNT`].
    #[must_use]
    pub fn takes_deposit(&self, asset: u32, units: u128) -> bool {
        match i128::try_from(units) {
            Ok(more) => match self.total(asset).checked_add(more) {
                Some(sum) => u128::try_from(sum).map_or(true, |sum| sum <= MAX_AMOUNT),
                None => false,
            },
            Err(_) => false,
        }
    }

    /// Adds outside money and returns the new available amount.
    pub fn deposit(&mut self, account: u32, asset: u32, units: u128) -> u128 {
        self.widen(asset);
        self.shift_total(asset, i128::try_from(units).unwrap_or(i128::MAX));
        self.credit(account, asset, units);
        self.balance(account, asset).available
    }

    /// Takes available money out; `None` when there is less than `units`.
    pub fn withdraw(&mut self, account: u32, asset: u32, units: u128) -> Option<u128> {
        let cell = self.cell(account, asset)?;
        let left = cell.available.checked_sub(units)?;
        cell.available = left;
        self.shift_total(
            asset,
            i128::try_from(units).unwrap_or(i128::MAX).saturating_neg(),
        );
        Some(left)
    }

    /// Moves `units` from available to held; false, and nothing changes, when there is less.
    #[inline]
    pub fn hold(&mut self, account: u32, asset: u32, units: u128) -> bool {
        if units == 0 {
            return true;
        }
        let Some(cell) = self.cell(account, asset) else {
            return false;
        };
        let Some(left) = cell.available.checked_sub(units) else {
            return false;
        };
        cell.available = left;
        cell.held = cell.held.wrapping_add(units);
        true
    }

    /// Moves `units` from held back to available.
    #[inline]
    pub fn release(&mut self, account: u32, asset: u32, units: u128) {
        if let Some(cell) = self.cell(account, asset) {
            debug_assert!(cell.held >= units, "more is freed than was held");
            let freed = units.min(cell.held);
            cell.held = cell.held.wrapping_sub(freed);
            cell.available = cell.available.wrapping_add(freed);
        }
    }

    /// Pays `paid` out of a hold of `held` for this trade and frees what a better price saved.
    #[inline]
    pub fn pay_held(&mut self, account: u32, asset: u32, held: u128, paid: u128) {
        if let Some(cell) = self.cell(account, asset) {
            debug_assert!(
                cell.held >= held && held >= paid,
                "a trade costs more than its hold"
            );
            let freed = held.min(cell.held);
            cell.held = cell.held.wrapping_sub(freed);
            cell.available = cell.available.wrapping_add(freed.saturating_sub(paid));
        }
    }

    /// Pays `paid` out of the available amount: a taker that holds nothing.
    #[inline]
    pub fn pay(&mut self, account: u32, asset: u32, paid: u128) {
        if let Some(cell) = self.cell(account, asset) {
            debug_assert!(
                cell.available >= paid,
                "a taker pays more than it was checked for"
            );
            cell.available = cell.available.saturating_sub(paid);
        }
    }

    /// Gives the receiver of a trade its `units` less the fee, and the fee to the house; returns the fee.
    #[inline]
    pub fn receive(&mut self, account: u32, asset: u32, units: u128, ppm: i32) -> i128 {
        let fee = fee_units(units, ppm);
        // A fee is at most a tenth of `units`, so a positive one never exceeds it.
        self.credit(
            account,
            asset,
            units.wrapping_add_signed(fee.wrapping_neg()),
        );
        if fee != 0 {
            self.earn(asset, fee);
        }
        fee
    }

    /// Makes room for the asset in every row; cheap when it is known.
    pub fn widen(&mut self, asset: u32) {
        let Some(needed) = at(asset).and_then(|place| place.checked_add(1)) else {
            return;
        };
        if needed > self.fees.len() {
            self.fees.resize(needed, 0);
            self.totals.resize(needed, 0);
        }
        if needed <= self.width {
            return;
        }
        let width = needed.next_power_of_two();
        let old = core::mem::take(&mut self.rows);
        let accounts = old.len().checked_div(self.width).unwrap_or(0);
        self.rows.reserve(accounts.saturating_mul(width));
        for row in old.chunks(self.width.max(1)) {
            let end = self.rows.len().saturating_add(width);
            self.rows.extend_from_slice(row);
            self.rows.resize(end, Balance::default());
        }
        self.width = width;
    }

    /// Sets one balance as it is in an image.
    pub fn restore_balance(&mut self, account: u32, asset: u32, balance: Balance) {
        self.widen(asset);
        self.lengthen(account);
        if let Some(cell) = self.cell(account, asset) {
            *cell = balance;
        }
    }

    /// Sets the house's earnings in an asset as they are in an image.
    pub fn restore_fees(&mut self, asset: u32, fees: i128) {
        self.widen(asset);
        if let Some(cell) = at(asset).and_then(|place| self.fees.get_mut(place)) {
            *cell = fees;
        }
    }

    /// Computes the totals from balances and fees; false when a sum does not fit.
    pub fn restore_totals(&mut self) -> bool {
        self.totals.clone_from(&self.fees);
        for row in self.rows.chunks(self.width.max(1)) {
            for (total, balance) in self.totals.iter_mut().zip(row) {
                let owned = balance.available.checked_add(balance.held);
                let sum = owned.and_then(|owned| total.checked_add_unsigned(owned));
                let Some(sum) = sum else {
                    return false;
                };
                *total = sum;
            }
        }
        true
    }

    #[inline]
    fn credit(&mut self, account: u32, asset: u32, units: u128) {
        if self.cell(account, asset).is_none() {
            self.widen(asset);
            self.lengthen(account);
        }
        if let Some(cell) = self.cell(account, asset) {
            cell.available = cell.available.saturating_add(units);
        }
    }

    #[inline]
    fn earn(&mut self, asset: u32, fee: i128) {
        if let Some(cell) = at(asset).and_then(|place| self.fees.get_mut(place)) {
            *cell = cell.saturating_add(fee);
        }
    }

    fn shift_total(&mut self, asset: u32, change: i128) {
        if let Some(cell) = at(asset).and_then(|place| self.totals.get_mut(place)) {
            *cell = cell.saturating_add(change);
        }
    }

    #[cold]
    fn lengthen(&mut self, account: u32) {
        let rows = at(account).and_then(|row| row.checked_add(1));
        if let Some(needed) = rows.and_then(|rows| rows.checked_mul(self.width)) {
            if needed > self.rows.len() {
                self.rows.resize(needed, Balance::default());
            }
        }
    }

    #[inline]
    fn place(&self, account: u32, asset: u32) -> Option<usize> {
        let column = at(asset)?;
        if column >= self.width {
            return None;
        }
        at(account)?.checked_mul(self.width)?.checked_add(column)
    }

    #[inline]
    fn cell(&mut self, account: u32, asset: u32) -> Option<&mut Balance> {
        let place = self.place(account, asset)?;
        self.rows.get_mut(place)
    }
}

#[inline]
fn at(id: u32) -> Option<usize> {
    usize::try_from(id).ok()
}
