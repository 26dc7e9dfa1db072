//! Aerodrome and Velodrome V2 pairs: `x * y`, or `x^3 * y + y^3 * x` for coins of equal worth.
//!
//! Bit for bit the pair's `getAmountOut` and its check in `swap`. The fee leaves the pair.

use super::{AmmError, MultiPool, Quote};
use crate::num::{div_ceil, to_u128, U256};

/// Estimated gas of one leg: a V2 leg, the fee's query and its transfer out of the pair.
pub const SOLIDLY_GAS: u64 = 110_000;

/// Estimated gas of one leg of a stable pair: Newton's rounds and the invariant besides.
pub const SOLIDLY_STABLE_GAS: u64 = 125_000;

/// Fees are parts of this.
const FEE_ONE: u16 = 10_000;

/// One in the 18 decimals of the stable curve.
const ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Rounds after which the contract gives up.
const MAX_ROUNDS: u32 = 255;

/// Most decimals with which a coin's unit still fits the contract's sums.
const MAX_DECIMALS: u8 = 36;

/// A pair's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SolidlyPool {
    reserves: [u128; 2],
    decimals: [u8; 2],
    fee_bps: u16,
    stable: bool,
}

/// The two sides of a swap.
#[derive(Clone, Copy, Debug)]
struct Sides {
    coin_in: usize,
    reserve_in: U256,
    reserve_out: U256,
    unit_in: U256,
    unit_out: U256,
}

impl SolidlyPool {
    /// Returns the pair; reserves are base units and may be zero, then it quotes nothing. The fee
    /// is in parts of 10,000, as the factory's `getFee` returns it.
    ///
    /// # Errors
    /// `InvalidPool` when the fee is 100 % or more or a coin has more than 36 decimals.
    pub fn new(
        reserves: [u128; 2],
        decimals: [u8; 2],
        fee_bps: u16,
        stable: bool,
    ) -> Result<Self, AmmError> {
        if fee_bps >= FEE_ONE {
            return Err(AmmError::InvalidPool("The pool fee is 100 % or more."));
        }
        if decimals.iter().any(|decimals| *decimals > MAX_DECIMALS) {
            return Err(AmmError::InvalidPool("A coin has more than 36 decimals."));
        }
        Ok(Self {
            reserves,
            decimals,
            fee_bps,
            stable,
        })
    }

    /// Reserves in base units.
    #[must_use]
    pub const fn balances(&self) -> &[u128; 2] {
        &self.reserves
    }

    /// Decimals of the coins.
    #[must_use]
    pub const fn decimals(&self) -> [u8; 2] {
        self.decimals
    }

    /// Fee in parts of 10,000 of the input.
    #[must_use]
    pub const fn fee_bps(&self) -> u16 {
        self.fee_bps
    }

    /// Whether the pair is for coins of equal worth.
    #[must_use]
    pub const fn is_stable(&self) -> bool {
        self.stable
    }

    fn sides(&self, coin_in: usize, coin_out: usize, amount: U256) -> Result<Sides, AmmError> {
        let [first, second] = self.reserves.map(U256::from);
        let [unit0, unit1] = self.units().ok_or(AmmError::Overflow)?;
        let sides = match (coin_in, coin_out) {
            (0, 1) => Sides {
                coin_in,
                reserve_in: first,
                reserve_out: second,
                unit_in: unit0,
                unit_out: unit1,
            },
            (1, 0) => Sides {
                coin_in,
                reserve_in: second,
                reserve_out: first,
                unit_in: unit1,
                unit_out: unit0,
            },
            _ => {
                return Err(AmmError::InvalidRequest(
                    "The pair's coins are 0 and 1, one in and the other out.",
                ))
            }
        };
        if amount.is_zero() {
            return Err(AmmError::AmountRange);
        }
        if first.is_zero() || second.is_zero() {
            return Err(AmmError::EmptyPool);
        }
        Ok(sides)
    }

    fn units(&self) -> Option<[U256; 2]> {
        let [decimals0, decimals1] = self.decimals;
        let unit = |decimals: u8| U256::from(10_u64).checked_pow(U256::from(decimals));
        Some([unit(decimals0)?, unit(decimals1)?])
    }

    /// Returns the fee on an input, rounded down as the pair does.
    fn fee_on(&self, amount_in: U256) -> Option<U256> {
        let scaled = amount_in.checked_mul(U256::from(self.fee_bps))?;
        scaled.checked_div(U256::from(FEE_ONE))
    }

    /// Returns the contract's `getAmountOut`; `None` where it reverts.
    fn amount_out(&self, sides: &Sides, amount_in: U256) -> Option<U256> {
        let kept = amount_in.checked_sub(self.fee_on(amount_in)?)?;
        if !self.stable {
            let numerator = kept.checked_mul(sides.reserve_out)?;
            return numerator.checked_div(sides.reserve_in.checked_add(kept)?);
        }
        let invariant = self.invariant()?;
        let held_in = scaled(sides.reserve_in, sides.unit_in)?;
        let held_out = scaled(sides.reserve_out, sides.unit_out)?;
        let grown = held_in.checked_add(scaled(kept, sides.unit_in)?)?;
        let left = self.other_balance(grown, invariant, held_out)?;
        let paid = held_out.checked_sub(left)?;
        paid.checked_mul(sides.unit_out)?.checked_div(ONE)
    }

    /// Returns the pair's `_k` of its reserves.
    fn invariant(&self) -> Option<U256> {
        let [first, second] = self.reserves.map(U256::from);
        if self.stable {
            self.stable_invariant(first, second)
        } else {
            first.checked_mul(second)
        }
    }

    fn stable_invariant(&self, first: U256, second: U256) -> Option<U256> {
        let [unit0, unit1] = self.units()?;
        curve(scaled(first, unit0)?, scaled(second, unit1)?)
    }

    /// Returns the balance that keeps `invariant` with `other`, by the contract's Newton rounds.
    fn other_balance(&self, other: U256, invariant: U256, start: U256) -> Option<U256> {
        let mut balance = start;
        for _ in 0..MAX_ROUNDS {
            let value = curve(other, balance)?;
            let slope = slope(other, balance)?;
            let gap = value.abs_diff(invariant);
            let step = gap.checked_mul(ONE)?.checked_div(slope)?;
            if value < invariant {
                if step.is_zero() {
                    let next = balance.checked_add(U256::ONE)?;
                    // The contract scales by the coins' decimals once more here.
                    if self.stable_invariant(other, next)? > invariant {
                        return Some(next);
                    }
                }
                balance = balance.checked_add(step.max(U256::ONE))?;
            } else {
                if step.is_zero() {
                    let below = balance.checked_sub(U256::ONE);
                    if gap.is_zero() || curve(other, below?)? < invariant {
                        return Some(balance);
                    }
                }
                balance = balance.checked_sub(step.max(U256::ONE))?;
            }
        }
        None
    }

    /// Returns the least input that the search around `guess` finds to deliver `amount_out`.
    fn least_input(&self, sides: &Sides, amount_out: U256, guess: U256) -> Option<U256> {
        let delivers = |amount: U256| {
            let out = self.amount_out(sides, amount);
            out.is_some_and(|out| out >= amount_out)
        };
        let mut high = guess.max(U256::ONE);
        let mut stride = U256::ONE;
        while !delivers(high) {
            high = high.checked_add(stride)?;
            stride = stride.checked_mul(U256::from(2_u64))?;
            if high.bit_len() > 128 {
                return None;
            }
        }
        let mut low = high.saturating_sub(U256::ONE);
        stride = U256::ONE;
        while !low.is_zero() && delivers(low) {
            high = low;
            low = low.saturating_sub(stride);
            stride = stride.checked_mul(U256::from(2_u64))?;
        }
        // `high` delivers and `low` does not.
        while high.checked_sub(low)? > U256::ONE {
            let middle = low.checked_add(high.checked_sub(low)?.wrapping_shr(1))?;
            if delivers(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    /// Returns about the input that buys `amount_out`.
    fn guess_input(&self, sides: &Sides, amount_out: U256) -> Option<U256> {
        let left = sides.reserve_out.checked_sub(amount_out)?;
        let kept = if self.stable {
            let held_in = scaled(sides.reserve_in, sides.unit_in)?;
            let left = scaled(left, sides.unit_out)?;
            let grown = self.other_balance(left, self.invariant()?, held_in)?;
            let paid = grown.saturating_sub(held_in);
            paid.checked_mul(sides.unit_in)?.checked_div(ONE)?
        } else {
            div_ceil(amount_out.checked_mul(sides.reserve_in)?, left)?
        };
        let share = FEE_ONE.checked_sub(self.fee_bps)?;
        div_ceil(kept.checked_mul(U256::from(FEE_ONE))?, U256::from(share))
    }

    fn settled(
        &self,
        sides: &Sides,
        amount_in: U256,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let fee_amount = self.fee_on(amount_in).ok_or(AmmError::Overflow)?;
        if amount_out >= sides.reserve_out {
            return Err(AmmError::InsufficientLiquidity);
        }
        let grown = amount_in
            .checked_sub(fee_amount)
            .and_then(|kept| sides.reserve_in.checked_add(kept))
            .and_then(to_u128)
            .ok_or(AmmError::Overflow)?;
        let shrunk = sides.reserve_out.checked_sub(amount_out).and_then(to_u128);
        let shrunk = shrunk.ok_or(AmmError::Overflow)?;
        let reserves = if sides.coin_in == 0 {
            [grown, shrunk]
        } else {
            [shrunk, grown]
        };
        let next = Self { reserves, ..*self };
        let before = self.invariant().ok_or(AmmError::Overflow)?;
        if next.invariant().ok_or(AmmError::Overflow)? < before {
            return Err(AmmError::InvalidRequest(
                "The pair would refuse the swap: its invariant would fall.",
            ));
        }
        Ok(Quote {
            amount_in,
            amount_out,
            fee_amount,
            ticks_crossed: 0,
            steps: 0,
            gas: if self.stable {
                SOLIDLY_STABLE_GAS
            } else {
                SOLIDLY_GAS
            },
            next,
        })
    }
}

impl MultiPool for SolidlyPool {
    fn coin_count(&self) -> usize {
        self.reserves.len()
    }

    /// Dust may buy an output of zero, as `getAmountOut` says; the pair would revert.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent or when the pair would refuse the swap,
    /// `AmountRange` for zero, `EmptyPool` without reserves, `InsufficientLiquidity` when nothing
    /// would be left, `Overflow` where the contract reverts because a number outgrows its type or
    /// does not converge.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let sides = self.sides(coin_in, coin_out, amount_in)?;
        let amount_out = self.amount_out(&sides, amount_in);
        self.settled(&sides, amount_in, amount_out.ok_or(AmmError::Overflow)?)
    }

    /// The contract has no exact-out: this is the least input that delivers `amount_out`, found by
    /// bisection and checked. It takes `amount_in` and pays what exact-in pays for it, which may
    /// be more than `amount_out`.
    ///
    /// # Errors
    /// As for exact-in; `InsufficientLiquidity` also for the whole reserve or more.
    fn quote_exact_out(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let sides = self.sides(coin_in, coin_out, amount_out)?;
        if amount_out >= sides.reserve_out {
            return Err(AmmError::InsufficientLiquidity);
        }
        let guess = self.guess_input(&sides, amount_out);
        let amount_in = self
            .least_input(&sides, amount_out, guess.ok_or(AmmError::Overflow)?)
            .ok_or(AmmError::InsufficientLiquidity)?;
        self.quote_exact_in(coin_in, coin_out, amount_in)
    }
}

/// Returns `amount` with 18 decimals, rounded down; `unit` is one whole coin.
fn scaled(amount: U256, unit: U256) -> Option<U256> {
    amount.checked_mul(ONE)?.checked_div(unit)
}

fn product(a: U256, b: U256) -> Option<U256> {
    a.checked_mul(b)?.checked_div(ONE)
}

/// Returns `x^3 * y + y^3 * x`, rounded as the contract does.
fn curve(x: U256, y: U256) -> Option<U256> {
    let squares = product(x, x)?.checked_add(product(y, y)?)?;
    product(product(x, y)?, squares)
}

/// Returns the curve's derivative in `y`, rounded as the contract does.
fn slope(x: U256, y: U256) -> Option<U256> {
    let three_x = x.checked_mul(U256::from(3_u64))?;
    let first = product(three_x, product(y, y)?)?;
    first.checked_add(product(product(x, x)?, x)?)
}
