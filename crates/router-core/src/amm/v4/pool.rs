//! The pool's state; the walk over the ticks is V3's.

use std::sync::Arc;

use crate::amm::v3::{swap, Remaining, Terms, Tick, V3Pool};
use crate::amm::{AmmError, Quote};
use crate::num::{PPM_ONE, U256};

/// Gas of one V4 leg that ends in its first step, with both transfers, as measured on the devnet.
/// The swap itself costs less than V3's, which writes an oracle; the unlocking and settling more.
pub const V4_GAS: u64 = 76_000;

/// Estimated gas of each further step of a V4 leg, as in V3.
pub const V4_GAS_PER_STEP: u64 = 7_200;

/// Estimated gas of each initialised tick crossed: less than V3's, for a tick keeps no seconds.
pub const V4_GAS_PER_CROSSED_TICK: u64 = 13_000;

/// Largest tick spacing the pool manager accepts.
const MAX_TICK_SPACING: i32 = 32_767;

/// Largest protocol fee of a direction, in parts per million.
const MAX_PROTOCOL_FEE_PPM: u32 = 1_000;

/// The protocol fee holds one direction in each 12 bits.
const PROTOCOL_FEE_BITS: u32 = 12;
const PROTOCOL_FEE_MASK: u32 = 0xfff;

/// The manager keeps a swap's amounts as `int128`: what is paid in as a negative number.
const MAX_PAID: U256 = U256::from_limbs([0, 1 << 63, 0, 0]);

/// A pool with every initialised tick, sorted. Clones share the ticks.
///
/// A pool with a dynamic fee is quoted with the fee that is stored now. Hooks that change a swap's
/// fee or amounts are not modelled: such a pool must not be quoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct V4Pool {
    state: V3Pool,
    protocol_fee: u32,
}

impl V4Pool {
    /// Returns the pool; `ticks` are all initialised ticks by rising index. `protocol_fee` is as
    /// stored: token0's part in the low 12 bits, token1's in the next 12, each at most 1000.
    ///
    /// # Errors
    /// `InvalidPool` when the pool manager cannot hold such a pool.
    pub fn new(
        lp_fee_ppm: u32,
        protocol_fee: u32,
        tick_spacing: i32,
        sqrt_price_x96: U256,
        tick: i32,
        liquidity: u128,
        ticks: Arc<[Tick]>,
    ) -> Result<Self, AmmError> {
        check_fees(lp_fee_ppm, protocol_fee)?;
        if !(1..=MAX_TICK_SPACING).contains(&tick_spacing) {
            return Err(AmmError::InvalidPool(
                "The tick spacing is outside 1..32767.",
            ));
        }
        let state = V3Pool::from_state(
            lp_fee_ppm,
            tick_spacing,
            sqrt_price_x96,
            tick,
            liquidity,
            ticks,
        )?;
        Ok(Self {
            state,
            protocol_fee,
        })
    }

    /// Fee of the liquidity providers in parts per million of what the protocol's fee leaves.
    #[must_use]
    pub const fn lp_fee_ppm(&self) -> u32 {
        self.state.fee_ppm()
    }

    /// Protocol fee as stored: two times 12 bits.
    #[must_use]
    pub const fn protocol_fee(&self) -> u32 {
        self.protocol_fee
    }

    /// Whole fee of one direction in parts per million of the input, rounded up.
    #[must_use]
    pub const fn swap_fee_ppm(&self, zero_for_one: bool) -> u32 {
        let protocol = if zero_for_one {
            self.protocol_fee & PROTOCOL_FEE_MASK
        } else {
            self.protocol_fee >> PROTOCOL_FEE_BITS
        };
        let lp = self.state.fee_ppm();
        // The protocol's part is at most 1000 and the providers' at most a million.
        let both = protocol.saturating_mul(lp) / PPM_ONE;
        protocol.saturating_add(lp).saturating_sub(both)
    }

    /// Distance between usable ticks.
    #[must_use]
    pub const fn tick_spacing(&self) -> i32 {
        self.state.tick_spacing()
    }

    /// Square root of token1 per token0 (base units), Q64.96.
    #[must_use]
    pub const fn sqrt_price_x96(&self) -> U256 {
        self.state.sqrt_price_x96()
    }

    /// The pool's current tick. After a swap down that stops on a tick it is one below it.
    #[must_use]
    pub const fn tick(&self) -> i32 {
        self.state.tick()
    }

    /// Liquidity in range at the current tick.
    #[must_use]
    pub const fn liquidity(&self) -> u128 {
        self.state.liquidity()
    }

    /// Every initialised tick, by rising index.
    #[must_use]
    pub fn ticks(&self) -> &[Tick] {
        self.state.ticks()
    }

    /// Price, tick and liquidity as a V3 pool has them. Its fee is that of the providers alone, so
    /// it must not be quoted itself.
    #[must_use]
    pub const fn state(&self) -> &V3Pool {
        &self.state
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
        self.swap(zero_for_one, Remaining::In(amount_in), sqrt_price_limit_x96)
    }

    /// Returns the swap that delivers `amount_out`; with a limit it may deliver less.
    ///
    /// # Errors
    /// As [`V4Pool::quote_exact_in`], and `InsufficientLiquidity` when the fee is 100 %, or when
    /// there is no limit and the pool cannot deliver `amount_out`.
    pub fn quote_exact_out(
        &self,
        zero_for_one: bool,
        amount_out: U256,
        sqrt_price_limit_x96: Option<U256>,
    ) -> Result<Quote<Self>, AmmError> {
        if self.swap_fee_ppm(zero_for_one) >= PPM_ONE {
            return Err(AmmError::InsufficientLiquidity);
        }
        let unlimited = sqrt_price_limit_x96.is_none();
        let quote = self.swap(
            zero_for_one,
            Remaining::Out(amount_out),
            sqrt_price_limit_x96,
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
        let state = self.state.with_swap(sqrt_price_x96, liquidity, tick)?;
        Ok(self.at(state))
    }

    /// Returns the pool after a `ModifyLiquidity` event over `tick_lower..tick_upper`; a tick
    /// whose gross liquidity falls to zero is removed.
    ///
    /// # Errors
    /// `InvalidRequest` when the range is empty, `InvalidPool` when the event contradicts the
    /// known ticks (a removal of more than there is, a tick off the spacing).
    pub fn with_liquidity_change(
        &self,
        tick_lower: i32,
        tick_upper: i32,
        delta: i128,
    ) -> Result<Self, AmmError> {
        let state = self
            .state
            .with_liquidity_change(tick_lower, tick_upper, delta)?;
        Ok(self.at(state))
    }

    /// Returns the pool with other fees, as after `ProtocolFeeUpdated` or an update of a dynamic
    /// fee.
    ///
    /// # Errors
    /// `InvalidPool` when a fee exceeds its bound.
    pub fn with_fees(&self, lp_fee_ppm: u32, protocol_fee: u32) -> Result<Self, AmmError> {
        check_fees(lp_fee_ppm, protocol_fee)?;
        Ok(Self {
            state: self.state.with_fee_ppm(lp_fee_ppm),
            protocol_fee,
        })
    }

    fn at(&self, state: V3Pool) -> Self {
        Self {
            state,
            protocol_fee: self.protocol_fee,
        }
    }

    fn swap(
        &self,
        zero_for_one: bool,
        remaining: Remaining,
        limit: Option<U256>,
    ) -> Result<Quote<Self>, AmmError> {
        let terms = Terms {
            fee_ppm: self.swap_fee_ppm(zero_for_one),
            leftover_is_input: true,
        };
        let quote = swap(&self.state, zero_for_one, remaining, limit, terms)?;
        if quote.amount_in > MAX_PAID || quote.amount_out >= MAX_PAID {
            return Err(AmmError::Overflow);
        }
        let further_steps = u64::from(quote.steps.saturating_sub(1));
        let walk_gas = further_steps.saturating_mul(V4_GAS_PER_STEP);
        let crossing_gas = u64::from(quote.ticks_crossed).saturating_mul(V4_GAS_PER_CROSSED_TICK);
        Ok(Quote {
            amount_in: quote.amount_in,
            amount_out: quote.amount_out,
            fee_amount: quote.fee_amount,
            ticks_crossed: quote.ticks_crossed,
            steps: quote.steps,
            gas: V4_GAS.saturating_add(walk_gas).saturating_add(crossing_gas),
            next: self.at(quote.next),
        })
    }
}

fn check_fees(lp_fee_ppm: u32, protocol_fee: u32) -> Result<(), AmmError> {
    if lp_fee_ppm > PPM_ONE {
        return Err(AmmError::InvalidPool("The pool fee is above 100 %."));
    }
    let halves = [
        protocol_fee & PROTOCOL_FEE_MASK,
        protocol_fee >> PROTOCOL_FEE_BITS,
    ];
    if halves.iter().any(|half| *half > MAX_PROTOCOL_FEE_PPM) {
        return Err(AmmError::InvalidPool(
            "The protocol fee of a direction is above 0.1 %.",
        ));
    }
    Ok(())
}
