//! One step of a swap: within one liquidity, up to one target price.

use super::sqrt_price::{
    amount0_between, amount1_between, price_after_input, price_after_output, Rounding,
};
use crate::num::{mul_div_ceil, mul_div_floor, PPM_ONE, U256};

/// What of the swap is still to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::amm) enum Remaining {
    /// Input left to take, fee included.
    In(U256),
    /// Output left to pay.
    Out(U256),
}

impl Remaining {
    pub(super) const fn amount(self) -> U256 {
        match self {
            Self::In(amount) | Self::Out(amount) => amount,
        }
    }
}

/// What a step exchanged; `amount_in` is without the fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) price: U256,
    pub(super) amount_in: U256,
    pub(super) amount_out: U256,
    pub(super) fee_amount: U256,
}

/// A stretch of constant liquidity from `price` to `target`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) price: U256,
    pub(super) target: U256,
    pub(super) liquidity: u128,
    pub(super) fee_ppm: u32,
    /// Whether input that the price rounds away counts as input or as fee.
    pub(super) leftover_is_input: bool,
}

impl Stretch {
    /// Swaps as much of `remaining` as the stretch holds; `None` where the contract reverts.
    pub(super) fn swap(&self, remaining: Remaining) -> Option<Step> {
        match remaining {
            Remaining::In(amount) => self.swap_in(amount),
            Remaining::Out(amount) => self.swap_out(amount),
        }
    }

    fn swap_in(&self, amount: U256) -> Option<Step> {
        let kept_ppm = self.kept_ppm()?;
        let payable = mul_div_floor(amount, kept_ppm, U256::from(PPM_ONE))?;
        let whole_in = self.input_to(self.target)?;
        if payable >= whole_in {
            return self.step(self.target, whole_in, self.output_to(self.target)?);
        }
        let zero_for_one = self.zero_for_one();
        let price = price_after_input(self.price, self.liquidity, payable, zero_for_one)?;
        // `payable` is below the least input that reaches the target and the price rounds away
        // from it, so this step stops short: it takes the rest, and V3 books the leftover as fee.
        let amount_in = if self.leftover_is_input {
            payable
        } else {
            self.input_to(price)?
        };
        let fee_amount = amount.checked_sub(amount_in)?;
        Some(Step {
            price,
            amount_in,
            amount_out: self.output_to(price)?,
            fee_amount,
        })
    }

    fn swap_out(&self, amount: U256) -> Option<Step> {
        let whole_out = self.output_to(self.target)?;
        if amount >= whole_out {
            return self.step(self.target, self.input_to(self.target)?, whole_out);
        }
        let zero_for_one = self.zero_for_one();
        let price = price_after_output(self.price, self.liquidity, amount, zero_for_one)?;
        let available = if price == self.target {
            whole_out
        } else {
            self.output_to(price)?
        };
        self.step(price, self.input_to(price)?, available.min(amount))
    }

    /// Adds the fee on the whole of `amount_in`, rounded up; a fee of 100 % leaves no input here.
    fn step(&self, price: U256, amount_in: U256, amount_out: U256) -> Option<Step> {
        let kept_ppm = self.kept_ppm()?;
        let fee_amount = if kept_ppm.is_zero() {
            amount_in
        } else {
            mul_div_ceil(amount_in, U256::from(self.fee_ppm), kept_ppm)?
        };
        Some(Step {
            price,
            amount_in,
            amount_out,
            fee_amount,
        })
    }

    fn input_to(&self, price: U256) -> Option<U256> {
        if self.zero_for_one() {
            amount0_between(price, self.price, self.liquidity, Rounding::Up)
        } else {
            amount1_between(self.price, price, self.liquidity, Rounding::Up)
        }
    }

    fn output_to(&self, price: U256) -> Option<U256> {
        if self.zero_for_one() {
            amount1_between(price, self.price, self.liquidity, Rounding::Down)
        } else {
            amount0_between(self.price, price, self.liquidity, Rounding::Down)
        }
    }

    fn zero_for_one(&self) -> bool {
        self.price >= self.target
    }

    fn kept_ppm(&self) -> Option<U256> {
        PPM_ONE.checked_sub(self.fee_ppm).map(U256::from)
    }
}
