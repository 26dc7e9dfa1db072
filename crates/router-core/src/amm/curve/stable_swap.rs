//! Curve StableSwap: plain pools, lending pools by their rates, metapools by the price of the base
//! pool's token as a rate, and StableSwap-NG with its fee that rises off the peg.

use super::invariant::{balance_for, invariant, Amp};
use super::{at, check_pair, replaced};
use crate::amm::{AmmError, MultiPool, Quote};
use crate::num::{mul_div_ceil, mul_div_floor, U256};

/// Estimated gas of a leg: two iterations of Newton, two transfers.
pub const CURVE_STABLE_GAS: u64 = 130_000;

/// Units of a fee in one.
const FEE_ONE: U256 = U256::from_limbs([10_000_000_000, 0, 0, 0]);

/// Units of a rate in one.
const RATE_ONE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Largest fee and largest amplification without its precision.
const MAX_FEE: U256 = U256::from_limbs([5_000_000_000, 0, 0, 0]);
const MAX_AMP: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// Steps in which the search for an input may double or halve.
const SEARCH_STEPS: usize = 600;

/// Which contract a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CurveEra {
    /// Pools of 2020 to 2022: the fee is a part of the output before it is scaled down.
    Classic,
    /// StableSwap-NG: as classic, but the fee rises off the peg.
    Ng,
    /// The pools of universe files: the fee is a part of the output in base units, rounded up.
    Plain,
}

/// A pool's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StableSwapTerms {
    /// Scaled units (18 decimals) per base unit of each coin, with 18 decimals more.
    pub rates: Vec<U256>,
    /// Amplification with its precision.
    pub amp: U256,
    /// Units of the amplification in one: 1 or 100.
    pub amp_precision: u32,
    /// Part of the output, in 10^-10.
    pub fee: U256,
    /// Part of the fee that leaves the pool, in 10^-10.
    pub admin_fee: U256,
    /// NG only: how much higher the fee is far off the peg, in 10^-10; 0 and 10^10 mean flat.
    pub offpeg_fee_multiplier: U256,
    /// Which contract it is.
    pub era: CurveEra,
}

/// A StableSwap pool's state. Balances are base units.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StableSwapPool {
    balances: Vec<U256>,
    terms: StableSwapTerms,
}

/// Input, output and fee of a swap, the last two in scaled units.
struct Swap {
    out: U256,
    fee: U256,
}

impl StableSwapPool {
    /// Returns the pool.
    ///
    /// # Errors
    /// `InvalidPool` for what no such contract can be.
    pub fn new(balances: Vec<U256>, terms: StableSwapTerms) -> Result<Self, AmmError> {
        let invalid = |reason| Err(AmmError::InvalidPool(reason));
        if !(2..=8).contains(&balances.len()) || terms.rates.len() != balances.len() {
            return invalid("A Curve pool has two to eight coins, each with its rate.");
        }
        if terms.rates.iter().any(U256::is_zero) {
            return invalid("The rate of a Curve coin is zero.");
        }
        let precision = U256::from(terms.amp_precision);
        let most = MAX_AMP.saturating_mul(precision);
        if precision.is_zero() || terms.amp < precision || terms.amp > most {
            return invalid("The amplification of a Curve pool is 1 to 1,000,000.");
        }
        if terms.fee > MAX_FEE || terms.admin_fee > FEE_ONE {
            return invalid("The fee of a Curve pool is above 50 %.");
        }
        if terms.offpeg_fee_multiplier.saturating_mul(terms.fee) > FEE_ONE.saturating_mul(FEE_ONE) {
            return invalid("The fee of a Curve pool is above 100 % off the peg.");
        }
        Ok(Self { balances, terms })
    }

    /// Balances in base units.
    #[must_use]
    pub fn balances(&self) -> &[U256] {
        &self.balances
    }

    /// Parameters.
    #[must_use]
    pub const fn terms(&self) -> &StableSwapTerms {
        &self.terms
    }

    /// Whether the fee is the same at every price.
    #[must_use]
    pub fn has_flat_fee(&self) -> bool {
        self.terms.era != CurveEra::Ng || self.terms.offpeg_fee_multiplier <= FEE_ONE
    }

    /// Returns what the contract's `get_dy` says, which may differ from what `exchange` pays by a unit.
    ///
    /// # Errors
    /// As [`MultiPool::quote_exact_in`].
    pub fn get_dy(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        let coins = (coin_in, coin_out);
        self.check(coins, amount_in)?;
        self.view(coins, amount_in).ok_or(AmmError::Overflow)
    }

    /// Returns the invariant with 18 decimals.
    ///
    /// # Errors
    /// `Overflow` where the contract reverts.
    pub fn invariant(&self) -> Result<U256, AmmError> {
        self.scaled()
            .and_then(|scaled| invariant(&scaled, self.amp()))
            .ok_or(AmmError::Overflow)
    }

    fn view(&self, coins: (usize, usize), amount_in: U256) -> Option<U256> {
        if self.terms.era == CurveEra::Ng {
            return self.paid(coins, &self.swap(coins, amount_in)?);
        }
        let swap = self.swap(coins, amount_in)?;
        let gross = mul_div_floor(swap.out, RATE_ONE, at(&self.terms.rates, coins.1))?;
        gross.checked_sub(self.terms.fee.checked_mul(gross)?.checked_div(FEE_ONE)?)
    }

    fn amp(&self) -> Amp {
        Amp {
            value: self.terms.amp,
            precision: U256::from(self.terms.amp_precision),
            divides_late: self.terms.era == CurveEra::Ng,
        }
    }

    fn scaled(&self) -> Option<Vec<U256>> {
        let rates = self.terms.rates.iter();
        let scaled =
            |(balance, rate): (&U256, &U256)| balance.checked_mul(*rate)?.checked_div(RATE_ONE);
        self.balances.iter().zip(rates).map(scaled).collect()
    }

    fn swap(&self, coins: (usize, usize), amount_in: U256) -> Option<Swap> {
        let scaled = self.scaled()?;
        let d = invariant(&scaled, self.amp())?;
        let before = at(&scaled, coins.0);
        let added = amount_in.checked_mul(at(&self.terms.rates, coins.0))?;
        let x = before.checked_add(added.checked_div(RATE_ONE)?)?;
        let y = balance_for(&scaled, coins, x, d, self.amp())?;
        let whole = at(&scaled, coins.1);
        let out = whole.checked_sub(y)?.checked_sub(U256::ONE)?;
        let middle = |a: U256, b: U256| Some(a.checked_add(b)? >> 1);
        let fee = self.fee_at(middle(before, x)?, middle(whole, y)?)?;
        Some(Swap {
            out,
            fee: out.checked_mul(fee)?.checked_div(FEE_ONE)?,
        })
    }

    /// The fee while a swap passes through these scaled balances of its coins.
    fn fee_at(&self, x: U256, y: U256) -> Option<U256> {
        if self.has_flat_fee() {
            return Some(self.terms.fee);
        }
        let multiplier = self.terms.offpeg_fee_multiplier;
        let sum = x.checked_add(y)?;
        let peak = multiplier
            .checked_sub(FEE_ONE)?
            .checked_mul(U256::from(4))?
            .checked_mul(x)?
            .checked_mul(y)?
            .checked_div(sum.checked_mul(sum)?)?;
        multiplier
            .checked_mul(self.terms.fee)?
            .checked_div(peak.checked_add(FEE_ONE)?)
    }

    /// Base units that a swap pays.
    fn paid(&self, coins: (usize, usize), swap: &Swap) -> Option<U256> {
        let rate = at(&self.terms.rates, coins.1);
        if self.terms.era == CurveEra::Plain {
            let gross = mul_div_floor(swap.out, RATE_ONE, rate)?;
            return gross.checked_sub(mul_div_ceil(gross, self.terms.fee, FEE_ONE)?);
        }
        mul_div_floor(swap.out.checked_sub(swap.fee)?, RATE_ONE, rate)
    }

    /// Base units of the fee that leave the pool.
    fn admin_part(&self, coins: (usize, usize), swap: &Swap) -> Option<U256> {
        let part = swap
            .fee
            .checked_mul(self.terms.admin_fee)?
            .checked_div(FEE_ONE)?;
        mul_div_floor(part, RATE_ONE, at(&self.terms.rates, coins.1))
    }

    fn check(&self, coins: (usize, usize), amount: U256) -> Result<(), AmmError> {
        check_pair(self.balances.len(), coins.0, coins.1)?;
        if amount.is_zero() {
            return Err(AmmError::AmountRange);
        }
        if self.balances.iter().any(U256::is_zero) {
            return Err(AmmError::EmptyPool);
        }
        Ok(())
    }

    fn settled(&self, coins: (usize, usize), amount_in: U256) -> Option<Quote<Self>> {
        let swap = self.swap(coins, amount_in)?;
        let amount_out = self.paid(coins, &swap)?;
        let fee_amount = mul_div_floor(swap.fee, RATE_ONE, at(&self.terms.rates, coins.1))?;
        let leaves = amount_out.checked_add(self.admin_part(coins, &swap)?)?;
        let after_in = at(&self.balances, coins.0).checked_add(amount_in)?;
        let after_out = at(&self.balances, coins.1).checked_sub(leaves)?;
        Some(Quote {
            amount_in,
            amount_out,
            fee_amount,
            ticks_crossed: 0,
            steps: 0,
            gas: CURVE_STABLE_GAS,
            next: Self {
                balances: replaced(&self.balances, &[(coins.0, after_in), (coins.1, after_out)]),
                terms: self.terms.clone(),
            },
        })
    }

    /// Whether an input delivers at least `wanted`; one that the contract refuses does not.
    fn delivers(&self, coins: (usize, usize), amount_in: U256, wanted: U256) -> bool {
        self.swap(coins, amount_in)
            .and_then(|swap| self.paid(coins, &swap))
            .is_some_and(|out| out >= wanted)
    }

    /// An input near the one that delivers `wanted`, from the invariant read backwards.
    fn guess_in(&self, coins: (usize, usize), wanted: U256) -> Option<U256> {
        let scaled = self.scaled()?;
        let d = invariant(&scaled, self.amp())?;
        let net = mul_div_ceil(wanted, at(&self.terms.rates, coins.1), RATE_ONE)?;
        let gross = mul_div_ceil(net, FEE_ONE, FEE_ONE.checked_sub(self.terms.fee)?)?;
        let left = at(&scaled, coins.1).checked_sub(gross)?;
        if left.is_zero() {
            return None;
        }
        let x = balance_for(&scaled, (coins.1, coins.0), left, d, self.amp())?;
        let added = x.checked_sub(at(&scaled, coins.0))?;
        mul_div_ceil(added, RATE_ONE, at(&self.terms.rates, coins.0))
    }

    /// The least input that delivers `wanted`; outputs rise with inputs.
    fn least_in(&self, coins: (usize, usize), wanted: U256) -> Option<U256> {
        let start = self
            .guess_in(coins, wanted)
            .unwrap_or_else(|| at(&self.balances, coins.0))
            .max(U256::ONE);
        let (mut low, mut high) = (U256::ZERO, start);
        let mut step = U256::ONE;
        if self.delivers(coins, start, wanted) {
            for _ in 0..SEARCH_STEPS {
                let lower = high.saturating_sub(step);
                if lower.is_zero() || !self.delivers(coins, lower, wanted) {
                    low = lower;
                    break;
                }
                high = lower;
                step = step.saturating_mul(U256::from(4));
            }
        } else {
            let mut found = false;
            for _ in 0..SEARCH_STEPS {
                low = high;
                high = high.checked_add(step)?;
                if self.delivers(coins, high, wanted) {
                    found = true;
                    break;
                }
                // Beyond this the pool has nothing to give, and the contract's numbers run over.
                if high.bit_len() > 200 {
                    return None;
                }
                step = step.saturating_mul(U256::from(4));
            }
            if !found {
                return None;
            }
        }
        while high.checked_sub(low)? > U256::ONE {
            let middle = low.checked_add(high)? >> 1;
            if self.delivers(coins, middle, wanted) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }
}

impl MultiPool for StableSwapPool {
    fn coin_count(&self) -> usize {
        self.balances.len()
    }

    /// # Errors
    /// `Overflow` also for an input so small that the contract's subtraction of one reverts.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError> {
        self.check((coin_in, coin_out), amount_in)?;
        self.settled((coin_in, coin_out), amount_in)
            .ok_or(AmmError::Overflow)
    }

    /// The contract has no such swap: this is the least input that delivers at least `amount_out`.
    fn quote_exact_out(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError> {
        let coins = (coin_in, coin_out);
        self.check(coins, amount_out)?;
        if amount_out >= at(&self.balances, coin_out) {
            return Err(AmmError::InsufficientLiquidity);
        }
        let paid = self
            .least_in(coins, amount_out)
            .ok_or(AmmError::InsufficientLiquidity)?;
        self.settled(coins, paid).ok_or(AmmError::Overflow)
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; amounts under test are built within range"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pool(era: CurveEra, dai: u64, usdc: u64, amp: u64) -> StableSwapPool {
        let terms = StableSwapTerms {
            rates: vec![RATE_ONE, RATE_ONE * U256::from(1_000_000_000_000_u64)],
            amp: U256::from(amp * 100),
            amp_precision: 100,
            fee: U256::from(4_000_000),
            admin_fee: U256::from(5_000_000_000_u64),
            offpeg_fee_multiplier: U256::from(20_000_000_000_u64),
            era,
        };
        let dai = U256::from(dai) * U256::from(1_000_000_000_000_u64);
        StableSwapPool::new(vec![dai, U256::from(usdc)], terms).unwrap()
    }

    fn eras() -> impl Strategy<Value = CurveEra> {
        prop_oneof![
            Just(CurveEra::Classic),
            Just(CurveEra::Ng),
            Just(CurveEra::Plain)
        ]
    }

    proptest! {
        #[test]
        fn the_least_input_delivers_and_a_unit_less_does_not(
            era in eras(),
            dai in 1_u64 << 30..1 << 45,
            usdc in 1_u64 << 30..1 << 45,
            amp in 1_u64..2_000,
            part in 2_u64..100_000,
            forward: bool,
        ) {
            let pool = pool(era, dai, usdc, amp);
            let coins = if forward { (0, 1) } else { (1, 0) };
            let wanted = at(&pool.balances, coins.1) / U256::from(part);
            prop_assume!(!wanted.is_zero());
            let quote = pool.quote_exact_out(coins.0, coins.1, wanted);
            prop_assume!(quote.is_ok());
            let paid = quote.unwrap().amount_in;
            prop_assert!(pool.delivers(coins, paid, wanted));
            prop_assert!(!pool.delivers(coins, paid - U256::ONE, wanted));
        }

        #[test]
        fn a_swap_never_lowers_the_invariant(
            era in eras(),
            dai in 1_u64 << 30..1 << 45,
            usdc in 1_u64 << 30..1 << 45,
            amp in 1_u64..2_000,
            amount in 1_u64 << 20..1 << 44,
        ) {
            let pool = pool(era, dai, usdc, amp);
            let quote = pool.quote_exact_in(1, 0, U256::from(amount));
            prop_assume!(quote.is_ok());
            let next = quote.unwrap().next;
            let d = |pool: &StableSwapPool| invariant(&pool.scaled().unwrap(), pool.amp()).unwrap();
            prop_assert!(d(&next) + U256::from(2) >= d(&pool));
        }
    }

    #[test]
    fn far_off_the_peg_the_fee_of_ng_rises() {
        let near = pool(CurveEra::Ng, 1 << 40, 1 << 40, 200);
        let far = pool(CurveEra::Ng, 1 << 44, 1 << 40, 200);
        let fee = |pool: &StableSwapPool| {
            let scaled = pool.scaled().unwrap();
            pool.fee_at(scaled[0], scaled[1]).unwrap()
        };
        assert_eq!(fee(&near), U256::from(4_000_000));
        assert!(fee(&far) > U256::from(6_000_000));
    }
}
