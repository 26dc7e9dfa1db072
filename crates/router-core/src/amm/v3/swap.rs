//! The pool's `swap` loop.

use super::pool::{V3Pool, V3_GAS, V3_GAS_PER_CROSSED_TICK, V3_GAS_PER_STEP};
use super::step::{Remaining, Step, Stretch};
use super::tick_math::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK,
};
use crate::amm::{AmmError, Quote};
use crate::num::U256;

/// Amounts are `int256` in the contract, so the highest bit must stay clear.
const AMOUNT_BITS: usize = 255;

/// One tick bitmap word holds this many compressed ticks; the mask picks the place in the word.
const WORD_MASK: i32 = 0xff;

/// Compressed ticks per word, as a power of two.
const WORD_BITS: u32 = 8;

/// In what the versions of the contract differ within a swap.
#[derive(Clone, Copy, Debug)]
pub(in crate::amm) struct Terms {
    /// Whole fee in parts per million of the input.
    pub(in crate::amm) fee_ppm: u32,
    /// Whether what the price rounds away within a step counts as input (V4) or as fee (V3).
    pub(in crate::amm) leftover_is_input: bool,
}

impl Terms {
    pub(super) const fn v3(fee_ppm: u32) -> Self {
        Self {
            fee_ppm,
            leftover_is_input: false,
        }
    }
}

/// Where the next step ends at the latest: an initialised tick or the edge of the bitmap word.
#[derive(Clone, Copy, Debug)]
struct Stop {
    tick: i32,
    liquidity_net: Option<i128>,
}

/// A swap under way.
struct Swap<'pool> {
    pool: &'pool V3Pool,
    terms: Terms,
    zero_for_one: bool,
    limit: U256,
    remaining: Remaining,
    price: U256,
    tick: i32,
    liquidity: u128,
    /// Number of initialised ticks at or below `tick`.
    below: usize,
    amount_in: U256,
    amount_out: U256,
    fee_amount: U256,
    ticks_crossed: u32,
    steps: u32,
}

/// Runs the swap of `remaining` until it is done, the limit is reached or the pool is dry.
pub(in crate::amm) fn swap(
    pool: &V3Pool,
    zero_for_one: bool,
    remaining: Remaining,
    limit: Option<U256>,
    terms: Terms,
) -> Result<Quote<V3Pool>, AmmError> {
    if remaining.amount().is_zero() || remaining.amount().bit_len() > AMOUNT_BITS {
        return Err(AmmError::AmountRange);
    }
    let limit = checked_limit(pool, zero_for_one, limit)?;
    let mut swap = Swap {
        pool,
        terms,
        zero_for_one,
        limit,
        remaining,
        price: pool.sqrt_price_x96(),
        tick: pool.tick(),
        liquidity: pool.liquidity(),
        below: pool
            .ticks()
            .partition_point(|tick| tick.index <= pool.tick()),
        amount_in: U256::ZERO,
        amount_out: U256::ZERO,
        fee_amount: U256::ZERO,
        ticks_crossed: 0,
        steps: 0,
    };
    swap.run().ok_or(AmmError::Overflow)?;
    swap.quote()
}

/// Returns the limit to stop at, exclusive of the ends of the price range.
fn checked_limit(pool: &V3Pool, zero_for_one: bool, limit: Option<U256>) -> Result<U256, AmmError> {
    let price = pool.sqrt_price_x96();
    let lowest = MIN_SQRT_RATIO
        .checked_add(U256::ONE)
        .ok_or(AmmError::Overflow)?;
    let highest = MAX_SQRT_RATIO
        .checked_sub(U256::ONE)
        .ok_or(AmmError::Overflow)?;
    let Some(limit) = limit else {
        let end = if zero_for_one { lowest } else { highest };
        return if price == end {
            Err(AmmError::EmptyPool)
        } else {
            Ok(end)
        };
    };
    let ahead = if zero_for_one {
        (lowest..price).contains(&limit)
    } else {
        price < limit && limit <= highest
    };
    if ahead {
        Ok(limit)
    } else {
        Err(AmmError::InvalidRequest(
            "The price limit is not ahead of the pool's price.",
        ))
    }
}

impl Swap<'_> {
    /// `None` where the contract reverts.
    fn run(&mut self) -> Option<()> {
        while !self.remaining.amount().is_zero() && self.price != self.limit {
            if self.liquidity == 0 {
                self.skip_empty_words()?;
            }
            let stop = self.next_stop()?;
            self.steps = self.steps.checked_add(1)?;
            let stop_price = sqrt_ratio_at_tick(stop.tick)?;
            let stretch = Stretch {
                price: self.price,
                target: self.nearer(stop_price),
                liquidity: self.liquidity,
                fee_ppm: self.terms.fee_ppm,
                leftover_is_input: self.terms.leftover_is_input,
            };
            let step = stretch.swap(self.remaining)?;
            self.book(&step)?;
            self.advance(step.price, stop, stop_price)?;
        }
        Some(())
    }

    fn nearer(&self, stop_price: U256) -> U256 {
        if self.zero_for_one {
            stop_price.max(self.limit)
        } else {
            stop_price.min(self.limit)
        }
    }

    fn book(&mut self, step: &Step) -> Option<()> {
        let taken = step.amount_in.checked_add(step.fee_amount)?;
        self.remaining = match self.remaining {
            Remaining::In(left) => Remaining::In(left.checked_sub(taken)?),
            Remaining::Out(left) => Remaining::Out(left.checked_sub(step.amount_out)?),
        };
        self.amount_in = self.amount_in.checked_add(taken)?;
        self.amount_out = self.amount_out.checked_add(step.amount_out)?;
        self.fee_amount = self.fee_amount.checked_add(step.fee_amount)?;
        (self.amount_in.bit_len().max(self.amount_out.bit_len()) <= AMOUNT_BITS).then_some(())
    }

    /// Moves to the price the step reached and crosses the stop if it was reached.
    fn advance(&mut self, price: U256, stop: Stop, stop_price: U256) -> Option<()> {
        if price == stop_price {
            if let Some(net) = stop.liquidity_net {
                self.cross(net)?;
            }
            self.tick = if self.zero_for_one {
                stop.tick.checked_sub(1)?
            } else {
                stop.tick
            };
        } else if price != self.price {
            self.tick = tick_at_sqrt_ratio(price)?;
        }
        self.price = price;
        Some(())
    }

    fn cross(&mut self, net: i128) -> Option<()> {
        if self.zero_for_one {
            self.liquidity = self.liquidity.checked_add_signed(net.checked_neg()?)?;
            self.below = self.below.checked_sub(1)?;
        } else {
            self.liquidity = self.liquidity.checked_add_signed(net)?;
            self.below = self.below.checked_add(1)?;
        }
        self.ticks_crossed = self.ticks_crossed.checked_add(1)?;
        Some(())
    }

    /// Returns where the pool's bitmap search within one word ends.
    ///
    /// The pool looks at one 256-tick word at a time and also stops at the edge of a word without
    /// an initialised tick. Each stop rounds once more, so the edges must be kept.
    fn next_stop(&self) -> Option<Stop> {
        let spacing = self.pool.tick_spacing();
        let compressed = self.tick.checked_div_euclid(spacing)?;
        let ahead = self.tick_ahead();
        if self.zero_for_one {
            let edge = (compressed & !WORD_MASK).checked_mul(spacing)?;
            Some(match ahead {
                Some((tick, net)) if tick >= edge => Stop {
                    tick,
                    liquidity_net: Some(net),
                },
                _ => Stop {
                    tick: edge.max(MIN_TICK),
                    liquidity_net: None,
                },
            })
        } else {
            let edge = (compressed.checked_add(1)? | WORD_MASK).checked_mul(spacing)?;
            Some(match ahead {
                Some((tick, net)) if tick <= edge => Stop {
                    tick,
                    liquidity_net: Some(net),
                },
                _ => Stop {
                    tick: edge.min(MAX_TICK),
                    liquidity_net: None,
                },
            })
        }
    }

    fn tick_ahead(&self) -> Option<(i32, i128)> {
        let place = if self.zero_for_one {
            self.below.checked_sub(1)?
        } else {
            self.below
        };
        self.pool
            .ticks()
            .get(place)
            .map(|tick| (tick.index, tick.liquidity_net))
    }

    /// Leaps over the words in which nothing can happen.
    ///
    /// Without liquidity a step exchanges nothing and pays no fee, so the pool's walk from edge
    /// to edge only moves the tick. The leap ends in the word where the walk first meets an
    /// initialised tick or the limit, at the tick from which the pool would search that word. The
    /// pool's steps over the words in between are counted.
    fn skip_empty_words(&mut self) -> Option<()> {
        let limit_tick = tick_at_sqrt_ratio(self.limit)?;
        let spacing = self.pool.tick_spacing();
        let ahead = self.tick_ahead().map(|(tick, _)| tick);
        if self.zero_for_one {
            let event = ahead.map_or(limit_tick, |tick| tick.max(limit_tick));
            let last = event.checked_div_euclid(spacing)? | WORD_MASK;
            let entry = last.checked_add(1)?.checked_mul(spacing)?.checked_sub(1)?;
            if entry < self.tick {
                let from = self.tick.checked_div_euclid(spacing)?;
                self.count_words(last, from)?;
                self.tick = entry;
            }
        } else {
            let event = ahead.map_or(limit_tick, |tick| tick.min(limit_tick));
            let first = event.checked_div_euclid(spacing)? & !WORD_MASK;
            let entry = first.checked_mul(spacing)?.checked_sub(1)?;
            if entry > self.tick {
                let from = self.tick.checked_div_euclid(spacing)?.checked_add(1)?;
                self.count_words(from, first)?;
                self.tick = entry;
            }
        }
        Some(())
    }

    /// Counts one step for each edge of a word between two compressed ticks, `lower` the lower one.
    fn count_words(&mut self, lower: i32, upper: i32) -> Option<()> {
        let edges = (upper >> WORD_BITS).checked_sub(lower >> WORD_BITS)?;
        self.steps = self.steps.checked_add(u32::try_from(edges).ok()?)?;
        Some(())
    }

    fn quote(self) -> Result<Quote<V3Pool>, AmmError> {
        if self.amount_in.is_zero() && self.amount_out.is_zero() {
            return Err(AmmError::EmptyPool);
        }
        let further_steps = u64::from(self.steps.saturating_sub(1));
        let walk_gas = further_steps.saturating_mul(V3_GAS_PER_STEP);
        let crossing_gas = u64::from(self.ticks_crossed).saturating_mul(V3_GAS_PER_CROSSED_TICK);
        Ok(Quote {
            amount_in: self.amount_in,
            amount_out: self.amount_out,
            fee_amount: self.fee_amount,
            ticks_crossed: self.ticks_crossed,
            steps: self.steps,
            gas: V3_GAS.saturating_add(walk_gas).saturating_add(crossing_gas),
            next: self.pool.moved(self.price, self.tick, self.liquidity),
        })
    }
}
