//! What a StableSwap pool is, besides what it holds.

use crate::amm::AmmError;
use crate::num::U256;

/// Most coins of a pool.
pub(super) const MAX_COINS: usize = 8;

/// Units of a fee in one.
pub(super) const FEE_ONE: U256 = U256::from_limbs([10_000_000_000, 0, 0, 0]);

/// Units of a rate in one.
pub(super) const RATE_ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Largest fee, and largest amplification without its precision.
const MAX_FEE: U256 = U256::from_limbs([5_000_000_000, 0, 0, 0]);
const MAX_AMP: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// Which contract a pool is: it decides the roundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CurveEra {
    /// The lending pools of early 2020 (Compound, USDT, Y, BUSD, PAX, sUSD): the output is not
    /// lessened by one, and both balances are written back from the invariant's numbers.
    Original,
    /// Pools of 2020 to 2022: the fee is a part of the output before it is scaled down. With an
    /// amplification of precision 1 it is one like 3pool, whose `get_dy` takes the fee after.
    Classic,
    /// StableSwap-NG, and the two-coin pools of the older factories: another order of divisions in
    /// the invariant, and a fee that may rise off the peg.
    Ng,
    /// The pools of universe files: the fee is a part of the output in base units, rounded up.
    Plain,
}

/// A pool's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StableSwapTerms {
    /// Scaled units (18 decimals) per base unit of each coin, with 18 decimals more: 10^(36 -
    /// decimals), times what one of the coin is worth (a lending protocol's rate, a base pool's
    /// virtual price, an oracle's rate).
    pub rates: Vec<U256>,
    /// Amplification with its precision, at the block of the quote: see [`StableSwapTerms::amp_at`].
    pub amp: U256,
    /// Units of the amplification in one: 1 or 100.
    pub amp_precision: u32,
    /// Part of the output, in 10^-10.
    pub fee: U256,
    /// Part of the fee that leaves the pool, in 10^-10.
    pub admin_fee: U256,
    /// NG only: how much higher the fee is far off the peg, in 10^-10; up to 10^10 it is flat.
    pub offpeg_fee_multiplier: U256,
    /// Which contract it is.
    pub era: CurveEra,
}

impl StableSwapTerms {
    /// Returns the amplification at `time` of a ramp from one (value, time) to another, as the
    /// contract rounds it. Times are seconds.
    ///
    /// # Errors
    /// `InvalidPool` for a ramp that has not begun, `Overflow` where the contract reverts.
    pub fn amp_at(
        (initial, initial_time): (U256, u64),
        (future, future_time): (U256, u64),
        time: u64,
    ) -> Result<U256, AmmError> {
        if time >= future_time {
            return Ok(future);
        }
        let begun = AmmError::InvalidPool("The ramp of the amplification has not begun.");
        let passed = time.checked_sub(initial_time).ok_or(begun)?;
        let length = future_time.checked_sub(initial_time).ok_or(begun)?;
        let moved = future
            .abs_diff(initial)
            .checked_mul(U256::from(passed))
            .and_then(|moved| moved.checked_div(U256::from(length)))
            .ok_or(AmmError::Overflow)?;
        let amp = if future > initial {
            initial.checked_add(moved)
        } else {
            initial.checked_sub(moved)
        };
        amp.ok_or(AmmError::Overflow)
    }

    /// Refuses what no such contract can be; `count` is the number of balances.
    pub(super) fn check(&self, count: usize) -> Result<(), AmmError> {
        let invalid = |reason| Err(AmmError::InvalidPool(reason));
        if !(2..=MAX_COINS).contains(&count) || self.rates.len() != count {
            return invalid("A Curve pool has two to eight coins, each with its rate.");
        }
        if self.rates.iter().any(U256::is_zero) {
            return invalid("The rate of a Curve coin is zero.");
        }
        let precision = U256::from(self.amp_precision);
        let most = MAX_AMP.saturating_mul(precision);
        if precision.is_zero() || self.amp < precision || self.amp > most {
            return invalid("The amplification of a Curve pool is 1 to 1,000,000.");
        }
        if self.era == CurveEra::Original && self.amp_precision != 1 {
            return invalid("The amplification of a Curve pool of early 2020 has no precision.");
        }
        if self.fee > MAX_FEE || self.admin_fee > FEE_ONE {
            return invalid("The fee of a Curve pool is above 50 %.");
        }
        if self.offpeg_fee_multiplier.saturating_mul(self.fee) > FEE_ONE.saturating_mul(FEE_ONE) {
            return invalid("The fee of a Curve pool is above 100 % off the peg.");
        }
        Ok(())
    }

    pub(super) fn has_flat_fee(&self) -> bool {
        self.era != CurveEra::Ng || self.offpeg_fee_multiplier <= FEE_ONE
    }

    /// Returns whether it is one of the first contracts. They stop after their rounds with the number
    /// they have, where later ones revert, and their views take the fee in base units.
    pub(super) fn is_early(&self) -> bool {
        matches!(self.era, CurveEra::Original | CurveEra::Classic) && self.amp_precision == 1
    }
}
