//! The two coins of a trade, and pools of several coins.

use crate::amm::{
    AmmError, BalancerStablePool, MultiPool, Quote, SolidlyPool, WeightedPool, BALANCER_STABLE_GAS,
    SOLIDLY_GAS, SOLIDLY_STABLE_GAS, WEIGHTED_GAS,
};
use crate::num::U256;

use super::venue::Trade;

/// Most halvings of an offer that a pool refuses as too large.
const MAX_HALVINGS: usize = 255;

/// Which coin of a venue is paid and which is received, numbered as in the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) coin_in: u8,
    pub(super) coin_out: u8,
}

impl Pair {
    /// Token0 (or the base of a book) is paid in.
    pub(super) const FORWARD: Self = Self {
        coin_in: 0,
        coin_out: 1,
    };
    pub(super) const BACKWARD: Self = Self {
        coin_in: 1,
        coin_out: 0,
    };

    /// Whether the first coin is paid.
    pub(super) const fn is_forward(self) -> bool {
        self.coin_in == 0
    }

    pub(super) fn coins(self) -> (usize, usize) {
        (usize::from(self.coin_in), usize::from(self.coin_out))
    }
}

/// A pool of two or more coins that is neither V2, V3 nor V4.
#[derive(Clone, Debug)]
pub enum CoinPool {
    /// Balancer V2 weighted.
    Weighted(WeightedPool),
    /// Balancer V2 stable.
    BalancerStable(BalancerStablePool),
    /// Aerodrome and other Solidly pairs.
    Solidly(SolidlyPool),
}

impl From<WeightedPool> for CoinPool {
    fn from(pool: WeightedPool) -> Self {
        Self::Weighted(pool)
    }
}

impl From<BalancerStablePool> for CoinPool {
    fn from(pool: BalancerStablePool) -> Self {
        Self::BalancerStable(pool)
    }
}

impl From<SolidlyPool> for CoinPool {
    fn from(pool: SolidlyPool) -> Self {
        Self::Solidly(pool)
    }
}

impl CoinPool {
    pub(super) fn coin_count(&self) -> usize {
        match self {
            Self::Weighted(pool) => pool.coin_count(),
            Self::BalancerStable(pool) => pool.coin_count(),
            Self::Solidly(pool) => pool.coin_count(),
        }
    }

    /// Least gas of a leg here.
    pub(super) fn least_gas(&self) -> u64 {
        match self {
            Self::Weighted(_) => WEIGHTED_GAS,
            Self::BalancerStable(_) => BALANCER_STABLE_GAS,
            Self::Solidly(pool) => {
                if pool.is_stable() {
                    SOLIDLY_STABLE_GAS
                } else {
                    SOLIDLY_GAS
                }
            }
        }
    }

    /// Quotes at most `amount_in`: where the pool refuses so much, what it takes.
    pub(super) fn trade_exact_in(&self, pair: Pair, amount_in: U256) -> Result<Trade, AmmError> {
        let mut offer = amount_in;
        if let Self::Weighted(pool) = self {
            offer = offer.min(most_weighted(pool, pair));
        }
        for _ in 0..MAX_HALVINGS {
            match self.quote_exact_in(pair, offer) {
                Err(AmmError::Overflow | AmmError::InsufficientLiquidity) if offer > U256::ONE => {
                    offer = offer.wrapping_shr(1);
                }
                answer => return answer,
            }
        }
        Err(AmmError::Overflow)
    }

    fn quote_exact_in(&self, pair: Pair, amount_in: U256) -> Result<Trade, AmmError> {
        match self {
            Self::Weighted(pool) => quote_in(pool, pair, amount_in),
            Self::BalancerStable(pool) => quote_in(pool, pair, amount_in),
            Self::Solidly(pool) => quote_in(pool, pair, amount_in),
        }
    }

    pub(super) fn trade_exact_out(&self, pair: Pair, amount_out: U256) -> Result<Trade, AmmError> {
        match self {
            Self::Weighted(pool) => quote_out(pool, pair, amount_out),
            Self::BalancerStable(pool) => quote_out(pool, pair, amount_out),
            Self::Solidly(pool) => quote_out(pool, pair, amount_out),
        }
    }
}

fn quote_in<P: MultiPool>(pool: &P, pair: Pair, amount: U256) -> Result<Trade, AmmError> {
    let (coin_in, coin_out) = pair.coins();
    let quote: Quote<P> = pool.quote_exact_in(coin_in, coin_out, amount)?;
    Ok(quote.into())
}

fn quote_out<P: MultiPool>(pool: &P, pair: Pair, amount: U256) -> Result<Trade, AmmError> {
    let (coin_in, coin_out) = pair.coins();
    let quote: Quote<P> = pool.quote_exact_out(coin_in, coin_out, amount)?;
    Ok(quote.into())
}

/// Three tenths of the balance, which is the most that a weighted pool takes, fee included. It is a
/// few units less than what the pool could take at most.
pub(super) fn most_weighted(pool: &WeightedPool, pair: Pair) -> U256 {
    let unit = U256::from(1_000_000_000_000_000_000_u64);
    let balance = pool.balances().get(pair.coins().0).copied();
    let kept = U256::from(balance.unwrap_or(0))
        .saturating_mul(U256::from(3_u64))
        .checked_div(U256::from(10_u64))
        .unwrap_or(U256::ZERO)
        .saturating_sub(U256::from(2_u64));
    let share = unit.saturating_sub(U256::from(pool.swap_fee()));
    crate::num::mul_div_floor(kept, unit, share).unwrap_or(kept)
}
