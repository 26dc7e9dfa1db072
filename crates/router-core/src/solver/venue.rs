//! One venue and its exact integer quotes.

use super::ladder::{LadderFill, LadderSide};
use super::pair::{CoinPool, Pair};
use crate::amm::{AmmError, Quote, V2Pool, V3Pool, V4Pool, V2_GAS, V3_GAS, V4_GAS};
use crate::num::U256;

/// Largest reserve of a V2 pair.
const MAX_V2_RESERVE: u128 = (1 << 112) - 1;

/// Largest amount a V3 pool accepts (`int256`).
const MAX_V3_AMOUNT: U256 = U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 1]);

/// Largest amount of a V4 swap: its balance changes are `int128`.
const MAX_V4_AMOUNT: U256 = U256::from_limbs([u64::MAX, u64::MAX >> 1, 0, 0]);

/// A place to trade two or more tokens.
#[derive(Clone, Debug)]
pub(super) struct Venue {
    /// Tokens of a pool's coins in its order; base and quote of a book.
    pub(super) tokens: Vec<u32>,
    pub(super) kind: VenueKind,
}

/// The venue's state.
#[derive(Clone, Debug)]
pub(super) enum VenueKind {
    V2(V2Pool),
    V3(V3Pool),
    V4(V4Pool),
    Coins(CoinPool),
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
    /// Every ordered pair of its coins.
    pub(super) fn pairs(&self) -> impl Iterator<Item = Pair> {
        let count = u8::try_from(self.tokens.len()).unwrap_or(u8::MAX);
        (0..count).flat_map(move |coin_in| {
            (0..count)
                .filter(move |coin_out| *coin_out != coin_in)
                .map(move |coin_out| Pair { coin_in, coin_out })
        })
    }

    /// Whether it has more coins than one trade names.
    pub(super) fn has_many_coins(&self) -> bool {
        self.tokens.len() > 2
    }

    pub(super) const fn is_ladder(&self) -> bool {
        matches!(self.kind, VenueKind::Ladder { .. })
    }

    /// Least gas of a leg here.
    pub(super) fn least_gas(&self) -> u64 {
        match &self.kind {
            VenueKind::V2(_) => V2_GAS,
            VenueKind::V3(_) => V3_GAS,
            VenueKind::V4(_) => V4_GAS,
            VenueKind::Coins(pool) => pool.least_gas(),
            VenueKind::Ladder { .. } => 0,
        }
    }

    /// Returns the trade for at most `amount_in`; pools take less when they run dry, books when
    /// a part is no whole lot. Nothing tradeable is the empty trade.
    pub(super) fn trade_exact_in(&self, pair: Pair, amount_in: U256) -> Trade {
        let forward = pair.is_forward();
        if amount_in.is_zero() {
            return Trade::default();
        }
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
            VenueKind::V3(pool) => v3_trade(amount_in.min(MAX_V3_AMOUNT), |amount| {
                pool.quote_exact_in(forward, amount, None).map(Trade::from)
            }),
            VenueKind::V4(pool) => v3_trade(amount_in.min(MAX_V4_AMOUNT), |amount| {
                pool.quote_exact_in(forward, amount, None).map(Trade::from)
            }),
            VenueKind::Coins(pool) => pool.trade_exact_in(pair, amount_in),
            VenueKind::Ladder { bids, asks } => {
                let side = if forward { bids } else { asks };
                Ok(side.fill(side.lots_for_input(amount_in)).into())
            }
        };
        trade
            .ok()
            .filter(|trade| !trade.amount_out.is_zero())
            .unwrap_or_default()
    }

    /// Returns the cheapest trade that delivers `amount_out`, books rounded up to a whole lot.
    ///
    /// # Errors
    /// `InsufficientLiquidity` when the venue cannot deliver it, else the pool's refusal.
    pub(super) fn trade_exact_out(&self, pair: Pair, amount_out: U256) -> Result<Trade, AmmError> {
        let forward = pair.is_forward();
        match &self.kind {
            VenueKind::V2(pool) => pool.quote_exact_out(forward, amount_out).map(Trade::from),
            VenueKind::V3(pool) => pool
                .quote_exact_out(forward, amount_out, None)
                .map(Trade::from),
            VenueKind::V4(pool) => pool
                .quote_exact_out(forward, amount_out, None)
                .map(Trade::from),
            VenueKind::Coins(pool) => pool.trade_exact_out(pair, amount_out),
            VenueKind::Ladder { bids, asks } => {
                let side = if forward { bids } else { asks };
                side.lots_for_output(amount_out)
                    .map(|lots| side.fill(lots).into())
                    .ok_or(AmmError::InsufficientLiquidity)
            }
        }
    }
}

/// Quotes a V3 pool; one that runs dry is quoted again for what it takes, since that is what a leg
/// offers and walking on to the end of the price range costs gas.
fn v3_trade(
    amount_in: U256,
    quote: impl Fn(U256) -> Result<Trade, AmmError>,
) -> Result<Trade, AmmError> {
    let trade = quote(amount_in)?;
    let taken = trade.amount_in;
    if taken == amount_in || taken.is_zero() {
        return Ok(trade);
    }
    quote(taken)
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
