//! Uniswap V2 pair: `x * y = k`, the fee taken from the input.

use super::{AmmError, Quote};
use crate::num::{div_ceil, to_u128, PPM_ONE, U256};

/// Estimated gas of one V2 leg: what `make bench` (`benches/gas_model.py`) prints, rounded. It is
/// what a plan uses more for the leg, so calls, transfers and storage refunds are in it.
pub const V2_GAS: u64 = 67_000;

/// Largest reserve the pair can store (`uint112`).
const MAX_RESERVE: u128 = (1 << 112) - 1;

/// A pair's state; reserves are base units below 2^112.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct V2Pool {
    reserve0: u128,
    reserve1: u128,
    fee_ppm: u32,
}

impl V2Pool {
    /// Returns the pool; reserves may be zero, then it quotes nothing.
    ///
    /// # Errors
    /// `InvalidPool` when a reserve exceeds 112 bits or the fee is 100 % or more.
    pub fn new(reserve0: u128, reserve1: u128, fee_ppm: u32) -> Result<Self, AmmError> {
        if reserve0 > MAX_RESERVE || reserve1 > MAX_RESERVE {
            return Err(AmmError::InvalidPool("A V2 reserve exceeds 112 bits."));
        }
        if fee_ppm >= PPM_ONE {
            return Err(AmmError::InvalidPool("The pool fee is 100 % or more."));
        }
        Ok(Self {
            reserve0,
            reserve1,
            fee_ppm,
        })
    }

    /// Reserve of token0 in base units.
    #[must_use]
    pub const fn reserve0(&self) -> u128 {
        self.reserve0
    }

    /// Reserve of token1 in base units.
    #[must_use]
    pub const fn reserve1(&self) -> u128 {
        self.reserve1
    }

    /// Fee in parts per million of the input.
    #[must_use]
    pub const fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    /// Returns the swap of exactly `amount_in`, the output rounded down in the pool's favour.
    ///
    /// Like `UniswapV2Library.getAmountOut`, dust may buy an output of zero.
    ///
    /// # Errors
    /// `AmountRange` for zero, `EmptyPool` without reserves, `Overflow` when the pair's input
    /// reserve would exceed 112 bits.
    pub fn quote_exact_in(
        &self,
        zero_for_one: bool,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        if amount_in.is_zero() {
            return Err(AmmError::AmountRange);
        }
        let (reserve_in, reserve_out) = self.live_reserves(zero_for_one)?;
        let paid = to_u128(amount_in).ok_or(AmmError::Overflow)?;
        self.reserve_after(reserve_in, paid)?;
        let out = self
            .amount_out_floor(reserve_in, reserve_out, paid)
            .ok_or(AmmError::Overflow)?;
        self.settled(zero_for_one, paid, out)
    }

    /// Returns the cheapest swap that the library would offer for exactly `amount_out`: the
    /// input is rounded down and then raised by one unit, as `UniswapV2Library.getAmountIn` does.
    ///
    /// # Errors
    /// `AmountRange` for zero, `EmptyPool` without reserves, `InsufficientLiquidity` when the
    /// output reserve is not larger than `amount_out`, `Overflow` when the pair's input reserve
    /// would exceed 112 bits.
    pub fn quote_exact_out(
        &self,
        zero_for_one: bool,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError> {
        if amount_out.is_zero() {
            return Err(AmmError::AmountRange);
        }
        let (reserve_in, reserve_out) = self.live_reserves(zero_for_one)?;
        let out = to_u128(amount_out)
            .filter(|out| *out < reserve_out)
            .ok_or(AmmError::InsufficientLiquidity)?;
        let paid = self
            .amount_in_above(reserve_in, reserve_out, out)
            .ok_or(AmmError::Overflow)?;
        self.settled(zero_for_one, paid, out)
    }

    fn live_reserves(&self, zero_for_one: bool) -> Result<(u128, u128), AmmError> {
        if self.reserve0 == 0 || self.reserve1 == 0 {
            return Err(AmmError::EmptyPool);
        }
        Ok(if zero_for_one {
            (self.reserve0, self.reserve1)
        } else {
            (self.reserve1, self.reserve0)
        })
    }

    fn kept_ppm(&self) -> Option<U256> {
        PPM_ONE.checked_sub(self.fee_ppm).map(U256::from)
    }

    fn amount_out_floor(&self, reserve_in: u128, reserve_out: u128, paid: u128) -> Option<u128> {
        let kept = U256::from(paid).checked_mul(self.kept_ppm()?)?;
        let numerator = kept.checked_mul(U256::from(reserve_out))?;
        let denominator = U256::from(reserve_in)
            .checked_mul(U256::from(PPM_ONE))?
            .checked_add(kept)?;
        to_u128(numerator.checked_div(denominator)?)
    }

    fn amount_in_above(&self, reserve_in: u128, reserve_out: u128, out: u128) -> Option<u128> {
        let numerator = U256::from(reserve_in)
            .checked_mul(U256::from(out))?
            .checked_mul(U256::from(PPM_ONE))?;
        let denominator =
            U256::from(reserve_out.checked_sub(out)?).checked_mul(self.kept_ppm()?)?;
        to_u128(numerator.checked_div(denominator)?.checked_add(U256::ONE)?)
    }

    fn reserve_after(&self, reserve_in: u128, paid: u128) -> Result<u128, AmmError> {
        reserve_in
            .checked_add(paid)
            .filter(|reserve| *reserve <= MAX_RESERVE)
            .ok_or(AmmError::Overflow)
    }

    fn settled(&self, zero_for_one: bool, paid: u128, out: u128) -> Result<Quote<Self>, AmmError> {
        let (reserve_in, reserve_out) = self.live_reserves(zero_for_one)?;
        let grown = self.reserve_after(reserve_in, paid)?;
        let shrunk = reserve_out
            .checked_sub(out)
            .ok_or(AmmError::InsufficientLiquidity)?;
        let (reserve0, reserve1) = if zero_for_one {
            (grown, shrunk)
        } else {
            (shrunk, grown)
        };
        let amount_in = U256::from(paid);
        let fee_amount = amount_in
            .checked_mul(U256::from(self.fee_ppm))
            .and_then(|scaled| div_ceil(scaled, U256::from(PPM_ONE)))
            .ok_or(AmmError::Overflow)?;
        Ok(Quote {
            amount_in,
            amount_out: U256::from(out),
            fee_amount,
            ticks_crossed: 0,
            steps: 0,
            gas: V2_GAS,
            next: Self {
                reserve0,
                reserve1,
                fee_ppm: self.fee_ppm,
            },
        })
    }
}
