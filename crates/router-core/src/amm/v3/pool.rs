//! The pool's state.

use std::sync::Arc;

use super::step::Remaining;
use super::swap::{swap, Terms};
use super::tick_math::{sqrt_ratio_at_tick, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK};
use crate::amm::{AmmError, Quote};
use crate::num::{PPM_ONE, U256};

/// Estimated gas of one V3 leg that ends in its first step: what `make bench`
/// (`benches/gas_model.py`) prints, rounded, as are the two below. No V3 leg is estimated at less.
pub const V3_GAS: u64 = 73_500;

/// Estimated gas of each further step of a V3 leg: it reads a word of the tick bitmap and prices
/// one stretch.
pub const V3_GAS_PER_STEP: u64 = 7_200;

/// Estimated gas of each initialised tick crossed, besides the step that ends there. A tick that
/// was never crossed costs up to 34,200 more, once: the pool's state as it is read does not tell.
pub const V3_GAS_PER_CROSSED_TICK: u64 = 18_000;

/// Largest tick spacing the factory accepts.
const MAX_TICK_SPACING: i32 = 16_383;

/// An initialised tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tick {
    /// Tick index, a multiple of the pool's spacing.
    pub index: i32,
    /// Liquidity of all positions that begin or end here; above zero.
    pub liquidity_gross: u128,
    /// Liquidity that is added when the price rises through this tick.
    pub liquidity_net: i128,
}

/// A pool with every initialised tick, sorted. Clones share the ticks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct V3Pool {
    fee_ppm: u32,
    tick_spacing: i32,
    sqrt_price_x96: U256,
    tick: i32,
    liquidity: u128,
    ticks: Arc<[Tick]>,
}

impl V3Pool {
    /// Fee in parts per million of the input.
    #[must_use]
    pub const fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    /// Distance between usable ticks.
    #[must_use]
    pub const fn tick_spacing(&self) -> i32 {
        self.tick_spacing
    }

    /// Square root of token1 per token0 (base units), Q64.96.
    #[must_use]
    pub const fn sqrt_price_x96(&self) -> U256 {
        self.sqrt_price_x96
    }

    /// The pool's current tick. After a swap down that stops on a tick it is one below it.
    #[must_use]
    pub const fn tick(&self) -> i32 {
        self.tick
    }

    /// Liquidity in range at the current tick.
    #[must_use]
    pub const fn liquidity(&self) -> u128 {
        self.liquidity
    }

    /// Every initialised tick, by rising index.
    #[must_use]
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// Returns the pool; `ticks` are all initialised ticks by rising index.
    ///
    /// # Errors
    /// `InvalidPool` when no pool contract can be in this state.
    pub fn new(
        fee_ppm: u32,
        tick_spacing: i32,
        sqrt_price_x96: U256,
        tick: i32,
        liquidity: u128,
        ticks: Arc<[Tick]>,
    ) -> Result<Self, AmmError> {
        if fee_ppm >= PPM_ONE {
            return Err(AmmError::InvalidPool("The pool fee is 100 % or more."));
        }
        if !(1..=MAX_TICK_SPACING).contains(&tick_spacing) {
            return Err(AmmError::InvalidPool(
                "The tick spacing is outside 1..16383.",
            ));
        }
        Self::from_state(
            fee_ppm,
            tick_spacing,
            sqrt_price_x96,
            tick,
            liquidity,
            ticks,
        )
    }

    /// Returns the pool with the fee and spacing as they are: their bounds are the version's.
    pub(in crate::amm) fn from_state(
        fee_ppm: u32,
        tick_spacing: i32,
        sqrt_price_x96: U256,
        tick: i32,
        liquidity: u128,
        ticks: Arc<[Tick]>,
    ) -> Result<Self, AmmError> {
        let pool = Self {
            fee_ppm,
            tick_spacing,
            sqrt_price_x96,
            tick,
            liquidity,
            ticks,
        };
        pool.check_price()?;
        pool.check_ticks()?;
        Ok(pool)
    }

    /// Returns the swap of `amount_in`; without a limit a pool that runs dry takes less.
    ///
    /// # Errors
    /// `AmountRange` for zero or above `int256`, `InvalidRequest` for a limit on the wrong side
    /// of the price, `EmptyPool` when nothing is exchanged, `Overflow` when the contract reverts.
    pub fn quote_exact_in(
        &self,
        zero_for_one: bool,
        amount_in: U256,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Quote<Self>, AmmError> {
        swap(
            self,
            zero_for_one,
            Remaining::In(amount_in),
            sqrt_price_limit_x96,
            Terms::v3(self.fee_ppm),
        )
    }

    /// Returns the swap that delivers `amount_out`; with a limit it may deliver less.
    ///
    /// # Errors
    /// As [`V3Pool::quote_exact_in`], and `InsufficientLiquidity` when there is no limit and the
    /// pool cannot deliver `amount_out`.
    pub fn quote_exact_out(
        &self,
        zero_for_one: bool,
        amount_out: U256,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Quote<Self>, AmmError> {
        let unlimited = sqrt_price_limit_x96.is_none();
        let quote = swap(
            self,
            zero_for_one,
            Remaining::Out(amount_out),
            sqrt_price_limit_x96,
            Terms::v3(self.fee_ppm),
        )?;
        if unlimited && quote.amount_out < amount_out {
            return Err(AmmError::InsufficientLiquidity);
        }
        Ok(quote)
    }

    /// Returns the pool after a `Swap` event: only price, tick and liquidity in range change.
    ///
    /// # Errors
    /// `InvalidPool` when the values contradict each other or the known ticks.
    pub fn with_swap(
        &self,
        sqrt_price_x96: U256,
        liquidity: u128,
        tick: i32,
    ) -> Result<Self, AmmError> {
        let pool = self.moved(sqrt_price_x96, tick, liquidity);
        pool.check_price()?;
        pool.check_ticks()?;
        Ok(pool)
    }

    /// Returns the pool after a `Mint` (`delta` above zero) or `Burn` (below zero) event over
    /// `tick_lower..tick_upper`; a tick whose gross liquidity falls to zero is removed.
    ///
    /// # Errors
    /// `InvalidRequest` when the range is empty, `InvalidPool` when the event contradicts the
    /// known ticks (a burn of more than there is, a tick off the spacing).
    pub fn with_liquidity_change(
        &self,
        tick_lower: i32,
        tick_upper: i32,
        delta: i128,
    ) -> Result<Self, AmmError> {
        if tick_lower >= tick_upper {
            return Err(AmmError::InvalidRequest(
                "The lower tick is not below the upper tick.",
            ));
        }
        // A burn of zero only collects fees; it must not create ticks.
        if delta == 0 {
            return Ok(self.clone());
        }
        let misfit = AmmError::InvalidPool("The liquidity change does not fit the known ticks.");
        let upper_net = delta.checked_neg().ok_or(misfit)?;
        let mut ticks = self.ticks.to_vec();
        change_tick(&mut ticks, tick_lower, delta, delta).ok_or(misfit)?;
        change_tick(&mut ticks, tick_upper, delta, upper_net).ok_or(misfit)?;
        let in_range = (tick_lower..tick_upper).contains(&self.tick);
        let liquidity = if in_range {
            self.liquidity.checked_add_signed(delta).ok_or(misfit)?
        } else {
            self.liquidity
        };
        let pool = Self {
            liquidity,
            ticks: ticks.into(),
            ..self.clone()
        };
        pool.check_ticks()?;
        Ok(pool)
    }

    /// Returns the pool with another fee, unchecked.
    pub(in crate::amm) fn with_fee_ppm(&self, fee_ppm: u32) -> Self {
        Self {
            fee_ppm,
            ..self.clone()
        }
    }

    /// Returns the pool at another place, unchecked: for states that a swap computed.
    pub(super) fn moved(&self, sqrt_price_x96: U256, tick: i32, liquidity: u128) -> Self {
        Self {
            sqrt_price_x96,
            tick,
            liquidity,
            ..self.clone()
        }
    }

    fn check_price(&self) -> Result<(), AmmError> {
        let mismatch = AmmError::InvalidPool("The tick and the square-root price do not match.");
        if self.sqrt_price_x96 < MIN_SQRT_RATIO || self.sqrt_price_x96 >= MAX_SQRT_RATIO {
            return Err(AmmError::InvalidPool(
                "The square-root price is out of range.",
            ));
        }
        // A swap down that stops exactly on a tick leaves the pool one tick below it, hence the
        // upper bound is inclusive.
        let above = self.tick.checked_add(1).and_then(sqrt_ratio_at_tick);
        match (sqrt_ratio_at_tick(self.tick), above) {
            (Some(low), Some(high)) if (low..=high).contains(&self.sqrt_price_x96) => Ok(()),
            _ => Err(mismatch),
        }
    }

    fn check_ticks(&self) -> Result<(), AmmError> {
        let mut last = MIN_TICK.checked_sub(1);
        let mut in_range: u128 = 0;
        let mut at_price: u128 = 0;
        for tick in self.ticks.iter() {
            if Some(tick.index) <= last || tick.index > MAX_TICK {
                return Err(AmmError::InvalidPool(
                    "The ticks are not sorted, unique and in range.",
                ));
            }
            if tick.index.checked_rem(self.tick_spacing) != Some(0) {
                return Err(AmmError::InvalidPool(
                    "A tick is not a multiple of the spacing.",
                ));
            }
            if tick.liquidity_gross == 0 || tick.liquidity_net.unsigned_abs() > tick.liquidity_gross
            {
                return Err(AmmError::InvalidPool(
                    "A tick's gross liquidity is below its net.",
                ));
            }
            in_range =
                in_range
                    .checked_add_signed(tick.liquidity_net)
                    .ok_or(AmmError::InvalidPool(
                        "The liquidity in range leaves 128 bits.",
                    ))?;
            if tick.index <= self.tick {
                at_price = in_range;
            }
            last = Some(tick.index);
        }
        if in_range != 0 {
            return Err(AmmError::InvalidPool(
                "The net liquidity of all ticks is not zero.",
            ));
        }
        if at_price != self.liquidity {
            return Err(AmmError::InvalidPool(
                "The liquidity is not the sum of the ticks below.",
            ));
        }
        Ok(())
    }
}

/// Adds to a tick's liquidity, creating or removing the tick; `None` when it does not fit.
fn change_tick(ticks: &mut Vec<Tick>, index: i32, gross: i128, net: i128) -> Option<()> {
    match ticks.binary_search_by_key(&index, |tick| tick.index) {
        Ok(place) => {
            let tick = ticks.get_mut(place)?;
            tick.liquidity_gross = tick.liquidity_gross.checked_add_signed(gross)?;
            tick.liquidity_net = tick.liquidity_net.checked_add(net)?;
            if tick.liquidity_gross == 0 {
                ticks.remove(place);
            }
        }
        Err(place) => {
            let liquidity_gross = u128::try_from(gross).ok()?;
            ticks.insert(
                place,
                Tick {
                    index,
                    liquidity_gross,
                    liquidity_net: net,
                },
            );
        }
    }
    Some(())
}
