//! The part of a market that one order can use.
//!
//! A plan's token graph is acyclic, so no leg pays the target or buys the source, and a venue only
//! matters when it lies on a walk from source to target within the hop limit. Books run last, so
//! they only take part where they deliver the target.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::{at, push_at, set_at};
use super::market::{Edge, Market};
use super::plan::SolveRequest;
use super::venue::Venue;
use super::SolveError;

/// One usable direction, with tokens renumbered densely.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScopeEdge<'m> {
    pub(super) edge: &'m Edge,
    pub(super) venue: &'m Venue,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) is_ladder: bool,
    /// Output per input unit at zero size.
    pub(super) spot: f64,
}

/// Usable directions by rising `from`, and what the tokens are worth at zero size.
#[derive(Debug)]
pub(super) struct Scope<'m> {
    /// Market ids of the dense tokens.
    pub(super) tokens: Vec<u32>,
    pub(super) source: usize,
    pub(super) target: usize,
    pub(super) max_hops: u32,
    pub(super) edges: Vec<ScopeEdge<'m>>,
    outgoing: Vec<Vec<usize>>,
    incoming: Vec<Vec<usize>>,
    /// Whether a pool has more than one pair of coins here.
    pub(super) has_many_pairs: bool,
    /// Fewest hops from a token to the target.
    pub(super) hops_to_target: Vec<u32>,
    /// Fewest hops from the source to a token.
    pub(super) hops_from_source: Vec<u32>,
    /// Best output of target per unit of the token at zero size, within the hop limit.
    pub(super) rate_to_target: Vec<f64>,
    /// Best output of the token per unit of source at zero size, within the hop limit.
    pub(super) rate_from_source: Vec<f64>,
}

impl<'m> Scope<'m> {
    /// Cuts the market down to what the order can use.
    ///
    /// # Errors
    /// `NoRoute` when no venues join the tokens within the hop limit, `InsufficientLiquidity`
    /// when they do but are empty.
    pub(super) fn new(market: &'m Market, request: &SolveRequest) -> Result<Self, SolveError> {
        let usable: Vec<&Edge> = market
            .edges()
            .iter()
            .filter(|edge| {
                edge.to != request.token_in
                    && edge.from != request.token_out
                    && (edge.to == request.token_out || !market.is_ladder(edge))
            })
            .collect();
        // No route is longer, and the distance of an unreachable token stays above every limit.
        let hops = request.max_hops.min(market.token_count());
        let forward = distances(market, request.token_in, hops, || {
            usable.iter().map(|edge| (edge.from, edge.to))
        });
        let backward = distances(market, request.token_out, hops, || {
            usable.iter().map(|edge| (edge.to, edge.from))
        });
        let near = |edge: &Edge| {
            let before = distance(&forward, edge.from);
            let after = distance(&backward, edge.to);
            before.saturating_add(after).saturating_add(1) <= hops
        };
        let mut kept: Vec<&Edge> = usable.into_iter().filter(|edge| near(edge)).collect();
        if kept.is_empty() {
            return Err(why_empty(market, request));
        }
        kept.sort_by_key(|edge| (edge.from, edge.venue, edge.way));
        Ok(Self::number(market, request, &kept, &forward, &backward))
    }

    fn number(
        market: &'m Market,
        request: &SolveRequest,
        kept: &[&'m Edge],
        forward: &[u32],
        backward: &[u32],
    ) -> Self {
        let mut tokens: Vec<u32> = kept.iter().flat_map(|edge| [edge.from, edge.to]).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let local = |token: u32| tokens.binary_search(&token).unwrap_or(usize::MAX);
        let edges: Vec<ScopeEdge<'m>> = kept
            .iter()
            .filter_map(|edge| {
                Some(ScopeEdge {
                    edge,
                    venue: market.venue(edge.venue)?,
                    from: local(edge.from),
                    to: local(edge.to),
                    is_ladder: market.is_ladder(edge),
                    spot: edge.curve.spot(),
                })
            })
            .collect();
        let (source, target) = (local(request.token_in), local(request.token_out));
        let count = tokens.len();
        let steps = || edges.iter().map(|edge| (edge, edge.spot));
        let rate_to_target = rates(count, target, request.max_hops, || {
            steps().map(|(edge, spot)| (edge.to, edge.from, spot))
        });
        let rate_from_source = rates(count, source, request.max_hops, || {
            steps().map(|(edge, spot)| (edge.from, edge.to, spot))
        });
        let mut outgoing = vec![Vec::new(); count];
        let mut incoming = vec![Vec::new(); count];
        for (index, edge) in edges.iter().enumerate() {
            push_at(&mut outgoing, edge.from, index);
            push_at(&mut incoming, edge.to, index);
        }
        let pick = |all: &[u32]| tokens.iter().map(|token| distance(all, *token)).collect();
        Self {
            has_many_pairs: edges.iter().any(|edge| edge.venue.has_many_pairs()),
            hops_to_target: pick(backward),
            hops_from_source: pick(forward),
            source,
            target,
            max_hops: request.max_hops,
            edges,
            outgoing,
            incoming,
            rate_to_target,
            rate_from_source,
            tokens,
        }
    }

    /// Number of dense tokens.
    pub(super) fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// Indices of the edges that pay `token`.
    pub(super) fn edges_from(&self, token: usize) -> &[usize] {
        self.outgoing.get(token).map_or(&[], Vec::as_slice)
    }

    /// Indices of the edges that deliver `token`.
    pub(super) fn edges_into(&self, token: usize) -> &[usize] {
        self.incoming.get(token).map_or(&[], Vec::as_slice)
    }

    /// Market id of a dense token.
    pub(super) fn token_id(&self, token: usize) -> u32 {
        at(&self.tokens, token)
    }

    /// Output of target per unit of source at zero size.
    pub(super) fn spot_price(&self) -> f64 {
        at(&self.rate_to_target, self.source)
    }
}

fn distance(all: &[u32], token: u32) -> u32 {
    usize::try_from(token)
        .ok()
        .and_then(|token| all.get(token).copied())
        .unwrap_or(u32::MAX)
}

/// Returns the fewest steps from `start` to every token, at most `hops`; `u32::MAX` beyond.
fn distances<I: Iterator<Item = (u32, u32)>>(
    market: &Market,
    start: u32,
    hops: u32,
    arcs: impl Fn() -> I,
) -> Vec<u32> {
    let mut reached = vec![u32::MAX; usize::try_from(market.token_count()).unwrap_or(0)];
    set_at(
        &mut reached,
        usize::try_from(start).unwrap_or(usize::MAX),
        0,
    );
    for round in 0..hops.min(market.token_count()) {
        let mut grew = false;
        for (from, to) in arcs() {
            if distance(&reached, from) == round && distance(&reached, to) == u32::MAX {
                let index = usize::try_from(to).unwrap_or(usize::MAX);
                set_at(&mut reached, index, round.saturating_add(1));
                grew = true;
            }
        }
        if !grew {
            break;
        }
    }
    reached
}

/// Returns the best product of spot prices along at most `hops` arcs from `start`, in rounds over
/// snapshots, so that the hop limit is exact.
fn rates<I: Iterator<Item = (usize, usize, f64)>>(
    count: usize,
    start: usize,
    hops: u32,
    arcs: impl Fn() -> I,
) -> Vec<f64> {
    let mut best = vec![0.0; count];
    set_at(&mut best, start, 1.0);
    for _ in 0..hops.min(u32::try_from(count).unwrap_or(u32::MAX)) {
        let before = best.clone();
        for (from, to, spot) in arcs() {
            let rate = at(&before, from) * spot;
            if rate > at(&best, to) {
                set_at(&mut best, to, rate);
            }
        }
        if best == before {
            break;
        }
    }
    best
}

/// Tells an order that no venue joins from one whose venues are empty.
fn why_empty(market: &Market, request: &SolveRequest) -> SolveError {
    let reached = distances(market, request.token_in, request.max_hops, || {
        market
            .venues()
            .iter()
            .flat_map(|venue| {
                let any = !venue.is_ladder();
                venue.arcs().map(move |(_, arc)| (arc, any))
            })
            .filter(|((_, to), any)| *any || *to == request.token_out)
            .map(|(arc, _)| arc)
    });
    if distance(&reached, request.token_out) == u32::MAX {
        SolveError::NoRoute
    } else {
        SolveError::InsufficientLiquidity
    }
}
