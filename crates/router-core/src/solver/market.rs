//! An immutable set of venues, prepared once and asked many times.

use super::curve::Curve;
use super::ladder::{LadderSide, LadderSpec};
use super::segments::{crypto_curve, ladder_curve, solidly_curve, v2_curve, v3_curve, v4_curve};
use super::smooth::{balancer_stable_curve, stable_swap_curve, weighted_curve};
use super::venue::{LegGas, Venue, VenueKind, Way};
use super::SolveError;
use crate::amm::{
    BalancerStablePool, CryptoPool, MultiPool, SolidlyPool, StableSwapPool, V2Pool, V3Pool, V4Pool,
    WeightedPool,
};

/// Largest number of tokens or venues of a market.
const MAX_COUNT: u32 = 1 << 20;

/// One direction of a venue that can trade.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) venue: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) way: Way,
    pub(super) curve: Curve,
}

/// Venues over dense token ids, with the curve of each direction and the edges of each token.
#[derive(Clone, Debug)]
pub struct Market {
    token_count: u32,
    venues: Vec<Venue>,
    edges: Vec<Edge>,
    /// Compressed rows: the edges out of token `t` are `out_edges[out_start[t]..out_start[t + 1]]`.
    out_start: Vec<u32>,
    out_edges: Vec<u32>,
}

impl Market {
    /// Number of token ids; ids are `0..token_count`.
    #[must_use]
    pub const fn token_count(&self) -> u32 {
        self.token_count
    }

    /// Number of venues.
    #[must_use]
    pub fn venue_count(&self) -> usize {
        self.venues.len()
    }

    pub(super) fn venues(&self) -> &[Venue] {
        &self.venues
    }

    pub(super) fn venue(&self, index: u32) -> Option<&Venue> {
        self.venues.get(usize::try_from(index).ok()?)
    }

    pub(super) fn edges(&self) -> &[Edge] {
        &self.edges
    }

    pub(super) fn edge(&self, index: u32) -> Option<&Edge> {
        self.edges.get(usize::try_from(index).ok()?)
    }

    /// Whether the edge's venue is a book.
    pub(super) fn is_ladder(&self, edge: &Edge) -> bool {
        self.venue(edge.venue).is_some_and(Venue::is_ladder)
    }

    /// Returns `(index, edge)` of every direction that pays `token`.
    pub(super) fn edges_from(&self, token: u32) -> impl Iterator<Item = (u32, &Edge)> + '_ {
        let row = usize::try_from(token).unwrap_or(usize::MAX);
        let bounds = self.out_start.get(row..).and_then(|rows| match rows {
            [start, end, ..] => Some((usize::try_from(*start).ok()?, usize::try_from(*end).ok()?)),
            _ => None,
        });
        bounds
            .and_then(|(start, end)| self.out_edges.get(start..end))
            .unwrap_or_default()
            .iter()
            .filter_map(|index| Some((*index, self.edge(*index)?)))
    }
}

/// Collects venues; each `add` returns the venue's index in plans.
#[derive(Clone, Debug)]
pub struct MarketBuilder {
    token_count: u32,
    venues: Vec<Venue>,
}

impl MarketBuilder {
    /// Starts a market over the token ids `0..token_count`.
    ///
    /// # Errors
    /// `InvalidRequest` for more than a million tokens.
    pub fn new(token_count: u32) -> Result<Self, SolveError> {
        if token_count > MAX_COUNT {
            return Err(SolveError::InvalidRequest(
                "The market has too many tokens.",
            ));
        }
        Ok(Self {
            token_count,
            venues: Vec::new(),
        })
    }

    /// Adds a V2 pair of two tokens.
    ///
    /// # Errors
    /// `InvalidRequest` for a bad token id or too many venues.
    pub fn add_v2(&mut self, token0: u32, token1: u32, pool: V2Pool) -> Result<u32, SolveError> {
        self.add(&[token0, token1], VenueKind::V2(pool))
    }

    /// Adds a V3 pool of two tokens.
    ///
    /// # Errors
    /// `InvalidRequest` for a bad token id or too many venues.
    pub fn add_v3(&mut self, token0: u32, token1: u32, pool: V3Pool) -> Result<u32, SolveError> {
        self.add(&[token0, token1], VenueKind::V3(pool))
    }

    /// Adds a V4 pool without hooks of two tokens.
    ///
    /// # Errors
    /// `InvalidRequest` for a bad token id or too many venues.
    pub fn add_v4(&mut self, token0: u32, token1: u32, pool: V4Pool) -> Result<u32, SolveError> {
        self.add(&[token0, token1], VenueKind::V4(pool))
    }

    /// Adds a Balancer weighted pool; `tokens` are its coins in their order.
    ///
    /// # Errors
    /// `InvalidRequest` for tokens that are not one per coin, a bad token id or too many venues.
    pub fn add_weighted(&mut self, tokens: &[u32], pool: WeightedPool) -> Result<u32, SolveError> {
        one_per_coin(tokens, &pool)?;
        self.add(tokens, VenueKind::Weighted(pool))
    }

    /// Adds a Balancer stable pool without its own token; `tokens` are its coins in their order.
    ///
    /// # Errors
    /// `InvalidRequest` for tokens that are not one per coin, a bad token id or too many venues.
    pub fn add_balancer_stable(
        &mut self,
        tokens: &[u32],
        pool: BalancerStablePool,
    ) -> Result<u32, SolveError> {
        one_per_coin(tokens, &pool)?;
        self.add(tokens, VenueKind::BalancerStable(pool))
    }

    /// Adds a Curve StableSwap pool; `tokens` are its coins in their order.
    ///
    /// # Errors
    /// `InvalidRequest` for tokens that are not one per coin, a bad token id or too many venues.
    pub fn add_stable_swap(
        &mut self,
        tokens: &[u32],
        pool: StableSwapPool,
    ) -> Result<u32, SolveError> {
        one_per_coin(tokens, &pool)?;
        self.add(tokens, VenueKind::StableSwap(pool))
    }

    /// Adds a Solidly pair (Aerodrome and others) of two tokens. A stable pair with less than a whole
    /// coin on a side is not used: the contract's own numbers are too coarse there.
    ///
    /// # Errors
    /// `InvalidRequest` for tokens that are not one per coin, a bad token id or too many venues.
    pub fn add_solidly(&mut self, tokens: &[u32], pool: SolidlyPool) -> Result<u32, SolveError> {
        one_per_coin(tokens, &pool)?;
        self.add(tokens, VenueKind::Solidly(pool))
    }

    /// Adds a Curve tricrypto pool; `tokens` are its coins in their order.
    ///
    /// # Errors
    /// `InvalidRequest` for tokens that are not one per coin, a bad token id or too many venues.
    pub fn add_crypto(&mut self, tokens: &[u32], pool: CryptoPool) -> Result<u32, SolveError> {
        one_per_coin(tokens, &pool)?;
        self.add(tokens, VenueKind::Crypto(pool))
    }

    /// Adds a book whose base and quote are two tokens.
    ///
    /// # Errors
    /// `InvalidRequest` for a bad token id, unit, fee or level, or too many venues; `Overflow`
    /// when a side exceeds 256 bits.
    pub fn add_ladder(
        &mut self,
        base: u32,
        quote: u32,
        spec: &LadderSpec,
    ) -> Result<u32, SolveError> {
        let kind = VenueKind::Ladder {
            bids: LadderSide::new(spec, true)?,
            asks: LadderSide::new(spec, false)?,
        };
        self.add(&[base, quote], kind)
    }

    fn add(&mut self, tokens: &[u32], kind: VenueKind) -> Result<u32, SolveError> {
        if tokens.iter().any(|token| *token >= self.token_count) {
            return Err(SolveError::InvalidRequest("A token id is out of range."));
        }
        let mut distinct = tokens.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() != tokens.len() {
            return Err(SolveError::InvalidRequest(
                "The tokens of a venue are different ones.",
            ));
        }
        let index = u32::try_from(self.venues.len())
            .ok()
            .filter(|index| *index < MAX_COUNT)
            .ok_or(SolveError::InvalidRequest(
                "The market has too many venues.",
            ))?;
        self.venues.push(Venue {
            tokens: tokens.into(),
            kind,
            leg_gas: None,
        });
        Ok(index)
    }

    /// Reckons legs over a venue with this gas instead of the pool's own estimate.
    ///
    /// # Errors
    /// `InvalidRequest` when there is no such venue.
    pub fn set_leg_gas(&mut self, venue: u32, leg_gas: LegGas) -> Result<(), SolveError> {
        let found = usize::try_from(venue)
            .ok()
            .and_then(|index| self.venues.get_mut(index));
        let venue = found.ok_or(SolveError::InvalidRequest("There is no such venue."))?;
        venue.leg_gas = Some(leg_gas);
        Ok(())
    }

    /// Prepares curves and adjacency; the builder keeps its venues and may go on.
    #[must_use]
    pub fn build(&self) -> Market {
        let edges: Vec<Edge> = (0_u32..)
            .zip(&self.venues)
            .flat_map(|(index, venue)| {
                venue
                    .arcs()
                    .filter_map(move |(way, arc)| edge_of(index, venue, way, arc))
            })
            .collect();
        let mut order: Vec<u32> = (0_u32..).zip(&edges).map(|(index, _)| index).collect();
        order.sort_by_key(|index| {
            usize::try_from(*index)
                .ok()
                .and_then(|index| edges.get(index))
                .map(|edge| edge.from)
        });
        let mut counts = vec![0_u32; usize::try_from(self.token_count).unwrap_or(0)];
        for edge in &edges {
            if let Some(count) = usize::try_from(edge.from)
                .ok()
                .and_then(|from| counts.get_mut(from))
            {
                *count = count.saturating_add(1);
            }
        }
        let mut out_start = vec![0_u32];
        let mut sum = 0_u32;
        for count in counts {
            sum = sum.saturating_add(count);
            out_start.push(sum);
        }
        Market {
            token_count: self.token_count,
            venues: self.venues.clone(),
            edges,
            out_start,
            out_edges: order,
        }
    }
}

/// Refuses tokens that are not one per coin of a pool.
fn one_per_coin(tokens: &[u32], pool: &impl MultiPool) -> Result<(), SolveError> {
    if tokens.len() == pool.coin_count() {
        Ok(())
    } else {
        Err(SolveError::InvalidRequest(
            "A pool needs one token per coin.",
        ))
    }
}

/// Returns one direction of a venue, or `None` when nothing can trade that way.
fn edge_of(index: u32, venue: &Venue, way: Way, (from, to): (u32, u32)) -> Option<Edge> {
    let forward = way.is_forward();
    let curve = match &venue.kind {
        VenueKind::V2(pool) => v2_curve(pool, forward)?,
        VenueKind::V3(pool) => v3_curve(pool, forward)?,
        VenueKind::V4(pool) => v4_curve(pool, forward)?,
        VenueKind::Solidly(pool) => solidly_curve(pool, forward)?,
        VenueKind::Crypto(pool) => crypto_curve(pool, way)?,
        VenueKind::Weighted(pool) => weighted_curve(pool, way)?,
        VenueKind::BalancerStable(pool) => balancer_stable_curve(pool, way)?,
        VenueKind::StableSwap(pool) => stable_swap_curve(pool, way)?,
        VenueKind::Ladder { bids, asks } => ladder_curve(if forward { bids } else { asks })?,
    };
    Some(Edge {
        venue: index,
        from,
        to,
        way,
        curve,
    })
}
