//! One venue and its exact integer quotes.

use std::sync::Arc;

use super::ladder::{LadderFill, LadderSide};
use super::smooth::{stable_most_in, weighted_most_in};
use crate::amm::{
    AmmError, BalancerStablePool, CryptoPool, MultiPool, Quote, SolidlyPool, StableSwapPool,
    V2Pool, V3Pool, V4Pool, WeightedPool, BALANCER_STABLE_GAS, CURVE_CRYPTO_GAS, CURVE_STABLE_GAS,
    SOLIDLY_GAS, SOLIDLY_STABLE_GAS, V2_GAS, V3_GAS, V4_GAS, WEIGHTED_GAS,
};
use crate::num::U256;

/// Largest reserve of a V2 pair.
const MAX_V2_RESERVE: u128 = (1 << 112) - 1;

/// Largest amount a V3 pool accepts (`int256`).
const MAX_V3_AMOUNT: U256 = U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 1]);

/// A place to trade two or more tokens.
#[derive(Clone, Debug)]
pub(super) struct Venue {
    /// Coins of a pool in its order; base and quote of a book.
    pub(super) tokens: Arc<[u32]>,
    pub(super) kind: VenueKind,
    /// Takes the place of the pool's own estimate.
    pub(super) leg_gas: Option<LegGas>,
}

/// What a leg is reckoned to cost, by whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegGas {
    /// Gas of a leg that crosses no tick.
    pub base: u64,
    /// Gas of each tick crossed.
    pub per_tick: u64,
}

impl LegGas {
    fn of(self, ticks_crossed: u32) -> u64 {
        let crossing = self.per_tick.saturating_mul(u64::from(ticks_crossed));
        self.base.saturating_add(crossing)
    }
}

/// Which coins of a venue are swapped, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) coin_in: u8,
    pub(super) coin_out: u8,
}

impl Way {
    /// Whether the first coin is paid in.
    pub(super) const fn is_forward(self) -> bool {
        self.coin_in == 0
    }

    /// Both places.
    pub(super) fn coins(self) -> (usize, usize) {
        (usize::from(self.coin_in), usize::from(self.coin_out))
    }
}

/// The venue's state.
#[derive(Clone, Debug)]
pub(super) enum VenueKind {
    V2(V2Pool),
    V3(V3Pool),
    V4(V4Pool),
    Weighted(WeightedPool),
    BalancerStable(BalancerStablePool),
    StableSwap(StableSwapPool),
    Solidly(SolidlyPool),
    Crypto(CryptoPool),
    Ladder { bids: LadderSide, asks: LadderSide },
}

/// The exact trade of one venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trade {
    pub(super) amount_in: U256,
    pub(super) amount_out: U256,
    pub(super) fee_amount: U256,
    pub(super) ticks_crossed: u32,
    pub(super) gas: u64,
    pub(super) lots: u64,
    pub(super) limit_price_ticks: u64,
}

impl Venue {
    pub(super) const fn is_ladder(&self) -> bool {
        matches!(self.kind, VenueKind::Ladder { .. })
    }

    /// Every direction with its tokens.
    pub(super) fn arcs(&self) -> impl Iterator<Item = (Way, (u32, u32))> + '_ {
        let coins = || (0_u8..).zip(self.tokens.iter().copied());
        coins().flat_map(move |(coin_in, from)| {
            let others = coins().filter(move |(coin_out, _)| *coin_out != coin_in);
            others.map(move |(coin_out, to)| (Way { coin_in, coin_out }, (from, to)))
        })
    }

    /// Whether it has more than one pair of coins, so that a plan could use it twice.
    pub(super) fn has_many_pairs(&self) -> bool {
        self.tokens.len() > 2
    }

    /// Least gas of a leg here.
    pub(super) const fn least_gas(&self) -> u64 {
        if let Some(leg_gas) = self.leg_gas {
            return leg_gas.base;
        }
        match self.kind {
            VenueKind::V2(_) => V2_GAS,
            VenueKind::V3(_) => V3_GAS,
            VenueKind::V4(_) => V4_GAS,
            VenueKind::Weighted(_) => WEIGHTED_GAS,
            VenueKind::BalancerStable(_) => BALANCER_STABLE_GAS,
            VenueKind::StableSwap(_) => CURVE_STABLE_GAS,
            VenueKind::Solidly(ref pool) if pool.is_stable() => SOLIDLY_STABLE_GAS,
            VenueKind::Solidly(_) => SOLIDLY_GAS,
            VenueKind::Crypto(_) => CURVE_CRYPTO_GAS,
            VenueKind::Ladder { .. } => 0,
        }
    }

    /// Returns the trade for at most `amount_in`; pools take less when they run dry, books when
    /// a part is no whole lot. Nothing tradeable is the empty trade.
    pub(super) fn trade_exact_in(&self, way: Way, amount_in: U256) -> Trade {
        if amount_in.is_zero() {
            return Trade::default();
        }
        let forward = way.is_forward();
        let (coin_in, coin_out) = way.coins();
        let trade = match &self.kind {
            VenueKind::V2(pool) => {
                let reserve_in = if forward {
                    pool.reserve0()
                } else {
                    pool.reserve1()
                };
                let room = U256::from(MAX_V2_RESERVE.saturating_sub(reserve_in));
                pool.quote_exact_in(forward, amount_in.min(room))
                    .map(Trade::from)
            }
            VenueKind::V3(pool) => run_dry(amount_in.min(MAX_V3_AMOUNT), |amount| {
                pool.quote_exact_in(forward, amount, None).map(Trade::from)
            }),
            VenueKind::V4(pool) => run_dry(amount_in.min(MAX_V3_AMOUNT), |amount| {
                pool.quote_exact_in(forward, amount, None).map(Trade::from)
            }),
            VenueKind::Weighted(pool) => pool
                .quote_exact_in(
                    coin_in,
                    coin_out,
                    amount_in.min(weighted_most_in(pool, coin_in)),
                )
                .map(Trade::from),
            VenueKind::BalancerStable(pool) => {
                let most = stable_most_in(pool.invariant(), pool.scaling_factors(), coin_in);
                pool.quote_exact_in(coin_in, coin_out, amount_in.min(most))
                    .map(Trade::from)
            }
            VenueKind::StableSwap(pool) => {
                let most = stable_most_in(pool.invariant(), &pool.terms().rates, coin_in);
                pool.quote_exact_in(coin_in, coin_out, amount_in.min(most))
                    .map(Trade::from)
            }
            VenueKind::Solidly(pool) => halved(amount_in, |amount| {
                let quote = pool.quote_exact_in(coin_in, coin_out, amount)?;
                Ok(quote.into())
            }),
            VenueKind::Crypto(pool) => halved(amount_in, |amount| {
                let quote = pool.quote_exact_in(coin_in, coin_out, amount)?;
                Ok(quote.into())
            }),
            VenueKind::Ladder { bids, asks } => {
                let side = if forward { bids } else { asks };
                Ok(side.fill(side.lots_for_input(amount_in)).into())
            }
        };
        trade
            .ok()
            .filter(|trade| !trade.amount_out.is_zero())
            .map(|trade| self.reckoned(trade))
            .unwrap_or_default()
    }

    fn reckoned(&self, trade: Trade) -> Trade {
        let gas = self.leg_gas.map(|gas| gas.of(trade.ticks_crossed));
        Trade {
            gas: gas.unwrap_or(trade.gas),
            ..trade
        }
    }

    /// Returns the trade of an input near `start` that delivers at least `amount_out`. Legs are run as
    /// exact inputs, and what Balancer's pools ask for an exact output may buy a little less when it
    /// is paid as an exact input.
    fn paying_enough(&self, way: Way, amount_out: U256, start: U256) -> Result<Trade, AmmError> {
        let mut paid = start;
        let mut more = U256::ONE;
        for _ in 0..RAISES {
            let trade = self.trade_exact_in(way, paid);
            if trade.amount_out >= amount_out {
                return Ok(trade);
            }
            if trade.amount_in < paid {
                break;
            }
            paid = paid.saturating_add(more);
            more = more.saturating_add(more);
        }
        Err(AmmError::InsufficientLiquidity)
    }

    /// Returns the cheapest trade that delivers `amount_out`, books rounded up to a whole lot.
    ///
    /// # Errors
    /// `InsufficientLiquidity` when the venue cannot deliver it, else the pool's refusal.
    pub(super) fn trade_exact_out(&self, way: Way, amount_out: U256) -> Result<Trade, AmmError> {
        let forward = way.is_forward();
        let (coin_in, coin_out) = way.coins();
        let trade = match &self.kind {
            VenueKind::V2(pool) => pool.quote_exact_out(forward, amount_out).map(Trade::from),
            VenueKind::V3(pool) => pool
                .quote_exact_out(forward, amount_out, None)
                .map(Trade::from),
            VenueKind::V4(pool) => pool
                .quote_exact_out(forward, amount_out, None)
                .map(Trade::from),
            VenueKind::Weighted(pool) => pool
                .quote_exact_out(coin_in, coin_out, amount_out)
                .and_then(|quote| self.paying_enough(way, amount_out, quote.amount_in)),
            VenueKind::BalancerStable(pool) => pool
                .quote_exact_out(coin_in, coin_out, amount_out)
                .and_then(|quote| self.paying_enough(way, amount_out, quote.amount_in)),
            VenueKind::StableSwap(pool) => pool
                .quote_exact_out(coin_in, coin_out, amount_out)
                .map(Trade::from),
            VenueKind::Solidly(pool) => pool
                .quote_exact_out(coin_in, coin_out, amount_out)
                .map(Trade::from),
            VenueKind::Crypto(pool) => pool
                .quote_exact_out(coin_in, coin_out, amount_out)
                .map(Trade::from),
            VenueKind::Ladder { bids, asks } => {
                let side = if forward { bids } else { asks };
                side.lots_for_output(amount_out)
                    .map(|lots| side.fill(lots).into())
                    .ok_or(AmmError::InsufficientLiquidity)
            }
        };
        trade.map(|trade| self.reckoned(trade))
    }
}

/// Quotes a pool that refuses very large offers; it is offered half as much until it takes it.
fn halved(
    amount_in: U256,
    quote: impl Fn(U256) -> Result<Trade, AmmError>,
) -> Result<Trade, AmmError> {
    let mut offer = amount_in;
    loop {
        match quote(offer) {
            Err(AmmError::Overflow | AmmError::AmountRange | AmmError::InsufficientLiquidity)
                if offer > U256::ONE =>
            {
                offer = offer.wrapping_shr(1);
            }
            answer => return answer,
        }
    }
}

/// Rounds in which an input is raised until it delivers.
const RAISES: usize = 40;

/// Quotes a pool with ticks; one that runs dry is quoted again for what it takes, since that is what
/// a leg offers and walking on to the end of the price range costs gas.
fn run_dry(
    amount_in: U256,
    quote: impl Fn(U256) -> Result<Trade, AmmError>,
) -> Result<Trade, AmmError> {
    let trade = quote(amount_in)?;
    if trade.amount_in == amount_in || trade.amount_in.is_zero() {
        return Ok(trade);
    }
    quote(trade.amount_in)
}

impl<P> From<Quote<P>> for Trade {
    fn from(quote: Quote<P>) -> Self {
        Self {
            amount_in: quote.amount_in,
            amount_out: quote.amount_out,
            fee_amount: quote.fee_amount,
            ticks_crossed: quote.ticks_crossed,
            gas: quote.gas,
            lots: 0,
            limit_price_ticks: 0,
        }
    }
}

impl From<LadderFill> for Trade {
    fn from(fill: LadderFill) -> Self {
        Self {
            amount_in: fill.amount_in,
            amount_out: fill.amount_out,
            fee_amount: fill.fee_amount,
            ticks_crossed: 0,
            gas: 0,
            lots: fill.lots,
            limit_price_ticks: fill.limit_price_ticks,
        }
    }
}
