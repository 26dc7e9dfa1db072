//! A price-time book seen from outside: levels of whole lots, swept best first.
//!
//! One lot is `lot_units` of base and costs `price_ticks * tick_units / tick_divisor` of quote.
//! Fractions of a quote unit are added up over the whole order and then rounded once, against the
//! taker. The taker's fee is taken from the whole gross output of the order and rounded up.

use super::SolveError;
use crate::num::{div_ceil, mul_div_ceil, PPM_ONE, U256};

/// What a book is made of; levels are `(price_ticks, lots)`, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderSpec {
    /// Base units in one lot.
    pub lot_units: U256,
    /// Quote units of `tick_divisor` lots per tick of price.
    pub tick_units: U256,
    /// One where every price of a lot is a whole number of quote units.
    pub tick_divisor: U256,
    /// Taker fee in parts per million of the output.
    pub taker_fee_ppm: u32,
    /// Levels that buy base, by falling price.
    pub bids: Vec<(u64, u64)>,
    /// Levels that sell base, by rising price.
    pub asks: Vec<(u64, u64)>,
}

/// One side of a book as a taker meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LadderSide {
    /// The taker pays base and hits bids.
    sells_base: bool,
    lot_units: U256,
    tick_divisor: U256,
    fee_ppm: u32,
    levels: Vec<Level>,
    total_lots: u64,
}

/// A price level; `lot_quote` is the quote value of one lot times the divisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Level {
    price_ticks: u64,
    lots: u64,
    lot_quote: U256,
}

/// The exact result of taking a number of lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LadderFill {
    pub(super) lots: u64,
    pub(super) amount_in: U256,
    pub(super) amount_out: U256,
    pub(super) fee_amount: U256,
    pub(super) limit_price_ticks: u64,
}

impl LadderSide {
    /// Builds one side from the book.
    ///
    /// # Errors
    /// `InvalidRequest` for a zero unit, price or size, a fee of 100 % or more, or levels that are
    /// not strictly worse one after another; `Overflow` when the whole side exceeds 256 bits.
    pub(super) fn new(spec: &LadderSpec, sells_base: bool) -> Result<Self, SolveError> {
        let units = [spec.lot_units, spec.tick_units, spec.tick_divisor];
        if units.iter().any(|units| units.is_zero()) {
            return Err(SolveError::InvalidRequest(
                "A book's lot and tick units must be above zero.",
            ));
        }
        if spec.taker_fee_ppm >= PPM_ONE {
            return Err(SolveError::InvalidRequest(
                "The taker fee is 100 % or more.",
            ));
        }
        let listed = if sells_base { &spec.bids } else { &spec.asks };
        check_order(listed, sells_base)?;
        let mut levels = Vec::with_capacity(listed.len());
        let (mut total_lots, mut total_quote) = (0_u64, U256::ZERO);
        for &(price_ticks, lots) in listed {
            let lot_quote = U256::from(price_ticks)
                .checked_mul(spec.tick_units)
                .ok_or(SolveError::Overflow)?;
            total_quote = lot_quote
                .checked_mul(U256::from(lots))
                .and_then(|quote| total_quote.checked_add(quote))
                .ok_or(SolveError::Overflow)?;
            total_lots = total_lots.checked_add(lots).ok_or(SolveError::Overflow)?;
            levels.push(Level {
                price_ticks,
                lots,
                lot_quote,
            });
        }
        // The fee and exact-out steps multiply the whole side by up to a million.
        let headroom = U256::from(PPM_ONE);
        total_quote
            .checked_mul(headroom)
            .ok_or(SolveError::Overflow)?;
        U256::from(total_lots)
            .checked_mul(spec.lot_units)
            .and_then(|base| base.checked_mul(headroom))
            .ok_or(SolveError::Overflow)?;
        Ok(Self {
            sells_base,
            lot_units: spec.lot_units,
            tick_divisor: spec.tick_divisor,
            fee_ppm: spec.taker_fee_ppm,
            levels,
            total_lots,
        })
    }

    /// Taker fee in parts per million of the output.
    pub(super) const fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    /// Returns `(input, gross output)` of one whole level in base units, best level first; what is
    /// no whole number is rounded in the taker's favour, so that a bound over levels stays one.
    pub(super) fn level_amounts(&self) -> impl Iterator<Item = (U256, U256)> + '_ {
        self.levels.iter().map(|level| {
            let lots = U256::from(level.lots);
            let base = lots.saturating_mul(self.lot_units);
            let quote = lots.saturating_mul(level.lot_quote);
            if self.sells_base {
                (base, self.quote_ceil(quote))
            } else {
                (self.quote_floor(quote), base)
            }
        })
    }

    fn quote_floor(&self, divided: U256) -> U256 {
        divided.checked_div(self.tick_divisor).unwrap_or(divided)
    }

    fn quote_ceil(&self, divided: U256) -> U256 {
        div_ceil(divided, self.tick_divisor).unwrap_or(divided)
    }

    /// Returns the most lots that `amount_in` pays for.
    pub(super) fn lots_for_input(&self, amount_in: U256) -> u64 {
        if self.sells_base {
            return clamp_lots(
                amount_in.checked_div(self.lot_units).unwrap_or(U256::ZERO),
                self.total_lots,
            );
        }
        // More than the product can hold pays for every lot: the constructor has bounded them.
        let (mut left, mut taken) = (amount_in.saturating_mul(self.tick_divisor), 0_u64);
        for level in &self.levels {
            let affordable = left.checked_div(level.lot_quote).unwrap_or(U256::ZERO);
            let lots = clamp_lots(affordable, level.lots);
            taken = taken.saturating_add(lots);
            left = left.saturating_sub(U256::from(lots).saturating_mul(level.lot_quote));
            if lots < level.lots {
                break;
            }
        }
        taken
    }

    /// Returns the fewest lots that deliver `amount_out` after the fee; `None` when all do not.
    pub(super) fn lots_for_output(&self, amount_out: U256) -> Option<u64> {
        let kept = U256::from(PPM_ONE.checked_sub(self.fee_ppm)?);
        let gross = mul_div_ceil(amount_out, U256::from(PPM_ONE), kept)?;
        if !self.sells_base {
            let lots = div_ceil(gross, self.lot_units)?;
            return (lots <= U256::from(self.total_lots)).then(|| clamp_lots(lots, u64::MAX));
        }
        let (mut left, mut taken) = (gross.checked_mul(self.tick_divisor)?, 0_u64);
        for level in &self.levels {
            let wanted = div_ceil(left, level.lot_quote)?;
            let lots = clamp_lots(wanted, level.lots);
            taken = taken.checked_add(lots)?;
            left = left.saturating_sub(U256::from(lots).checked_mul(level.lot_quote)?);
            if left.is_zero() {
                return Some(taken);
            }
        }
        None
    }

    /// Returns the exact fill of `lots`, at most what rests there.
    pub(super) fn fill(&self, lots: u64) -> LadderFill {
        let (mut left, mut quote, mut limit_price_ticks) = (lots, U256::ZERO, 0);
        for level in &self.levels {
            if left == 0 {
                break;
            }
            let taken = left.min(level.lots);
            quote = quote.saturating_add(U256::from(taken).saturating_mul(level.lot_quote));
            left = left.saturating_sub(taken);
            limit_price_ticks = level.price_ticks;
        }
        let lots = lots.saturating_sub(left);
        let base = U256::from(lots).saturating_mul(self.lot_units);
        let (amount_in, gross) = if self.sells_base {
            (base, self.quote_floor(quote))
        } else {
            (self.quote_ceil(quote), base)
        };
        // The constructor proved that a whole side times a million fits.
        let fee_amount =
            mul_div_ceil(gross, U256::from(self.fee_ppm), U256::from(PPM_ONE)).unwrap_or(gross);
        LadderFill {
            lots,
            amount_in,
            amount_out: gross.saturating_sub(fee_amount),
            fee_amount,
            limit_price_ticks,
        }
    }
}

fn clamp_lots(lots: U256, limit: u64) -> u64 {
    u64::try_from(lots).map_or(limit, |lots| lots.min(limit))
}

fn check_order(levels: &[(u64, u64)], falling: bool) -> Result<(), SolveError> {
    if levels.iter().any(|&(price, lots)| price == 0 || lots == 0) {
        return Err(SolveError::InvalidRequest(
            "A book level has no price or no size.",
        ));
    }
    let sorted = levels.windows(2).all(|pair| match pair {
        [(first, _), (second, _)] if falling => first > second,
        [(first, _), (second, _)] => first < second,
        _ => true,
    });
    if sorted {
        Ok(())
    } else {
        Err(SolveError::InvalidRequest(
            "The book levels are not sorted best first.",
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failing test may panic")]
mod tests {
    use super::*;

    /// Lots that cost 2.25 and 2.5 quote units.
    fn side(sells_base: bool) -> LadderSide {
        let levels = |first, second| vec![(first, 3), (second, 10)];
        let spec = LadderSpec {
            lot_units: U256::from(10),
            tick_units: U256::ONE,
            tick_divisor: U256::from(4),
            taker_fee_ppm: 0,
            bids: levels(10, 9),
            asks: levels(9, 10),
        };
        LadderSide::new(&spec, sells_base).unwrap()
    }

    #[test]
    fn fractions_of_a_quote_unit_are_rounded_once_against_the_taker() {
        // 3 * 2.25 + 2 * 2.5 = 11.75 is paid as 12; 3 * 2.5 + 2 * 2.25 = 12 is received.
        let bought = side(false).fill(5);
        assert_eq!(bought.amount_in, U256::from(12));
        assert_eq!(bought.amount_out, U256::from(50));
        let sold = side(true).fill(5);
        assert_eq!(sold.amount_in, U256::from(50));
        assert_eq!(sold.amount_out, U256::from(12));
        assert_eq!(side(true).fill(1).amount_out, U256::from(2));
    }

    #[test]
    fn lots_for_an_input_are_the_most_that_it_pays_for() {
        let asks = side(false);
        for paid in 0..40_u64 {
            let lots = asks.lots_for_input(U256::from(paid));
            assert!(asks.fill(lots).amount_in <= U256::from(paid));
            let more = asks.fill(lots.saturating_add(1));
            assert!(lots == 13 || more.amount_in > U256::from(paid));
        }
    }

    #[test]
    fn lots_for_an_output_are_the_fewest_that_deliver_it() {
        let bids = side(true);
        for wanted in 1..=30_u64 {
            let lots = bids.lots_for_output(U256::from(wanted)).unwrap();
            assert!(bids.fill(lots).amount_out >= U256::from(wanted));
            assert!(bids.fill(lots.saturating_sub(1)).amount_out < U256::from(wanted));
        }
        assert_eq!(bids.lots_for_output(U256::from(31)), None);
    }
}
