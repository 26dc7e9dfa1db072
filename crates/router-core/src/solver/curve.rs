//! What a venue gives for what it takes in one direction, as a concave float curve.
//!
//! An AMM direction is a chain of constant-product segments. With `r` the square root of the
//! marginal output per net input, liquidity `L` moves from `r_start` to `r_end` by taking
//! `L (1/r - 1/r_start)` and paying `L (r_start - r)`; this is the V3 swap in either direction,
//! and V2 is one segment that ends at zero. Closed forms of the best response at a price ratio:
//! Angeris, Chitra, Evans, Boyd (arXiv 2204.05238) and Diamandis et al. (arXiv 2302.04938).
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::smooth::SmoothCurve;

/// Relative price spread given to each ladder level while the dual is minimised, so that flows are
/// unique; the certified bound is evaluated without it.
const LEVEL_SPREAD: f64 = 1e-8;

/// A curve this close above its first price counts as about to trade when slopes are assembled.
const NEAR_SPOT: f64 = 1e-9;

/// The best trade at a price ratio.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Response {
    /// Input, fee included.
    pub(super) amount_in: f64,
    pub(super) amount_out: f64,
    /// Minus the derivative of the input by the logarithm of the ratio, at least zero.
    pub(super) stiffness: f64,
    /// Everything the venue has is taken.
    pub(super) exhausted: bool,
    /// The stiffness is that of a level's narrow ramp and says nothing beyond it.
    pub(super) on_ramp: bool,
}

/// One direction of a venue.
#[derive(Clone, Debug)]
pub(super) enum Curve {
    Amm(AmmCurve),
    /// A chain drawn through exact quotes, or one whose contract rounds its fee down: the pool may
    /// give a unit more than the curve says.
    Numeric(AmmCurve),
    Ladder(LadderCurve),
    Smooth(SmoothCurve),
}

/// Constant-product segments in the order in which a swap meets them.
#[derive(Clone, Debug)]
pub(super) struct AmmCurve {
    keep: f64,
    spot: f64,
    segments: Vec<Segment>,
    net_in_total: f64,
    out_total: f64,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    liquidity: f64,
    root_start: f64,
    root_end: f64,
    net_in_before: f64,
    out_before: f64,
}

/// Levels with the fee in their slope.
#[derive(Clone, Debug)]
pub(super) struct LadderCurve {
    levels: Vec<LevelPiece>,
    in_total: f64,
    out_total: f64,
}

#[derive(Clone, Copy, Debug)]
struct LevelPiece {
    slope: f64,
    size_in: f64,
    in_before: f64,
    out_before: f64,
}

impl Curve {
    /// Output per input unit at zero size, fee included.
    pub(super) fn spot(&self) -> f64 {
        match self {
            Self::Amm(curve) | Self::Numeric(curve) => curve.spot,
            Self::Ladder(curve) => curve.levels.first().map_or(0.0, |level| level.slope),
            Self::Smooth(curve) => curve.spot(),
        }
    }

    /// Returns the trade that maximises `output - ratio * input`, ladders slightly smoothed.
    pub(super) fn respond(&self, ratio: f64) -> Response {
        match self {
            Self::Amm(curve) | Self::Numeric(curve) => curve.respond(ratio),
            Self::Ladder(curve) => curve.respond(ratio),
            Self::Smooth(curve) => curve.respond(ratio),
        }
    }

    /// Returns `(input, output)` of a trade that maximises `output - ratio * input`, unsmoothed.
    pub(super) fn best_trade(&self, ratio: f64) -> (f64, f64) {
        match self {
            Self::Amm(curve) | Self::Numeric(curve) => {
                let response = curve.respond(ratio);
                (response.amount_in, response.amount_out)
            }
            Self::Ladder(curve) => curve.best_trade(ratio),
            Self::Smooth(curve) => {
                let response = curve.respond(ratio);
                (response.amount_in, response.amount_out)
            }
        }
    }

    /// Output by which the venue may pay more than the curve says; a bound counts it at any price.
    pub(super) const fn excess(&self) -> f64 {
        match self {
            Self::Smooth(curve) => curve.excess(),
            Self::Amm(_) | Self::Numeric(_) | Self::Ladder(_) => 0.0,
        }
    }

    /// Returns the output for `amount_in`; what the venue cannot take is ignored.
    pub(super) fn output(&self, amount_in: f64) -> f64 {
        match self {
            Self::Amm(curve) | Self::Numeric(curve) => curve.output(amount_in),
            Self::Ladder(curve) => curve.output(amount_in),
            Self::Smooth(curve) => curve.output(amount_in),
        }
    }

    /// Returns the input for `amount_out`; infinite when the venue cannot deliver it.
    pub(super) fn input(&self, amount_out: f64) -> f64 {
        match self {
            Self::Amm(curve) | Self::Numeric(curve) => curve.input(amount_out),
            Self::Ladder(curve) => curve.input(amount_out),
            Self::Smooth(curve) => curve.input(amount_out),
        }
    }

    /// Returns the output per further input unit after `amount_in`, fee included; beyond the end,
    /// what the last unit gave.
    pub(super) fn marginal(&self, amount_in: f64) -> f64 {
        match self {
            Self::Amm(curve) | Self::Numeric(curve) => curve.marginal(amount_in),
            Self::Ladder(curve) => curve.marginal(amount_in),
            Self::Smooth(curve) => curve.marginal(amount_in),
        }
    }
}

impl Curve {
    /// Whether the venue may give a unit more than the curve says.
    pub(super) const fn is_numeric(&self) -> bool {
        matches!(self, Self::Numeric(_))
    }
}

impl AmmCurve {
    /// Joins segments `(liquidity, root_start, root_end, net_in, out)` in swap order; `None` when
    /// they cannot trade. `keep` is the share of the input that is not the fee.
    pub(super) fn new(keep: f64, chain: &[(f64, f64, f64, f64, f64)]) -> Option<Self> {
        let (mut net_in_total, mut out_total) = (0.0, 0.0);
        let mut segments = Vec::with_capacity(chain.len());
        for &(liquidity, root_start, root_end, net_in, out) in chain {
            segments.push(Segment {
                liquidity,
                root_start,
                root_end,
                net_in_before: net_in_total,
                out_before: out_total,
            });
            net_in_total += net_in;
            out_total += out;
        }
        let first = segments.first()?;
        let spot = keep * first.root_start * first.root_start;
        (spot > 0.0 && spot.is_finite()).then_some(Self {
            keep,
            spot,
            segments,
            net_in_total,
            out_total,
        })
    }

    fn respond(&self, ratio: f64) -> Response {
        let root = (ratio / self.keep).sqrt();
        if ratio > self.spot * (1.0 + NEAR_SPOT) {
            return Response::default();
        }
        let met = self
            .segments
            .partition_point(|segment| segment.root_start > root);
        let Some(segment) = self.segments.get(met.saturating_sub(1)) else {
            return Response::default();
        };
        if root >= segment.root_start {
            // Just above the first price: nothing trades, but the next step down would.
            return Response {
                stiffness: segment.liquidity / (2.0 * segment.root_start * self.keep),
                ..Response::default()
            };
        }
        let stop = root.max(segment.root_end);
        let fall = segment.root_start - stop;
        let stopped_inside = root > segment.root_end;
        let net_in = if stop > 0.0 {
            segment.liquidity * fall / (segment.root_start * stop)
        } else {
            f64::MAX
        };
        Response {
            amount_in: (segment.net_in_before + net_in) / self.keep,
            amount_out: segment.out_before + segment.liquidity * fall,
            stiffness: if stopped_inside {
                segment.liquidity / (2.0 * root * self.keep)
            } else {
                0.0
            },
            exhausted: !stopped_inside && met == self.segments.len(),
            on_ramp: false,
        }
    }

    pub(super) fn output(&self, amount_in: f64) -> f64 {
        let net = amount_in * self.keep;
        if net >= self.net_in_total {
            return self.out_total;
        }
        let Some(segment) = self.segment_at(|segment| segment.net_in_before <= net) else {
            return 0.0;
        };
        let paid = (net - segment.net_in_before) * segment.root_start;
        // L r^2 x / (L + r x): no difference of near equals, so dust keeps its digits.
        segment.out_before
            + segment.liquidity * segment.root_start * paid / (segment.liquidity + paid)
    }

    fn input(&self, amount_out: f64) -> f64 {
        if amount_out >= self.out_total {
            return f64::INFINITY;
        }
        let Some(segment) = self.segment_at(|segment| segment.out_before <= amount_out) else {
            return f64::INFINITY;
        };
        let wanted = amount_out - segment.out_before;
        let left = segment.liquidity * segment.root_start - wanted;
        let net = wanted * segment.liquidity / (segment.root_start * left);
        (segment.net_in_before + net) / self.keep
    }

    fn marginal(&self, amount_in: f64) -> f64 {
        let net = amount_in * self.keep;
        let Some(segment) = self.segment_at(|segment| segment.net_in_before <= net) else {
            return self.spot;
        };
        let paid = net - segment.net_in_before;
        let root = segment.liquidity / (segment.liquidity / segment.root_start + paid);
        let root = root.max(segment.root_end);
        self.keep * root * root
    }

    fn segment_at(&self, begun: impl Fn(&Segment) -> bool) -> Option<&Segment> {
        let index = self.segments.partition_point(begun);
        self.segments.get(index.checked_sub(1)?)
    }
}

impl LadderCurve {
    /// Joins levels `(input, output after fee)`, best first; `None` when there are none.
    pub(super) fn new(sizes: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let (mut in_total, mut out_total) = (0.0, 0.0);
        let mut levels = Vec::new();
        for (size_in, size_out) in sizes {
            levels.push(LevelPiece {
                slope: size_out / size_in,
                size_in,
                in_before: in_total,
                out_before: out_total,
            });
            in_total += size_in;
            out_total += size_out;
        }
        (!levels.is_empty()).then_some(Self {
            levels,
            in_total,
            out_total,
        })
    }

    fn respond(&self, ratio: f64) -> Response {
        let full = self.levels.partition_point(|level| level.slope >= ratio);
        let (mut amount_in, mut amount_out) = self.before(full);
        let mut stiffness = 0.0;
        for level in self.levels.iter().skip(full) {
            let spread = LEVEL_SPREAD * level.slope;
            let part = (level.slope + spread - ratio) / spread;
            if part <= 0.0 {
                break;
            }
            let part = part.min(1.0);
            amount_in += level.size_in * part;
            amount_out += level.size_in * part * level.slope;
            stiffness += level.size_in * ratio / spread;
        }
        Response {
            amount_in,
            amount_out,
            stiffness,
            exhausted: full == self.levels.len(),
            on_ramp: stiffness > 0.0,
        }
    }

    fn best_trade(&self, ratio: f64) -> (f64, f64) {
        self.before(self.levels.partition_point(|level| level.slope > ratio))
    }

    /// Cumulative input and output of the first `count` levels.
    fn before(&self, count: usize) -> (f64, f64) {
        self.levels
            .get(count)
            .map_or((self.in_total, self.out_total), |level| {
                (level.in_before, level.out_before)
            })
    }

    fn output(&self, amount_in: f64) -> f64 {
        if amount_in >= self.in_total {
            return self.out_total;
        }
        self.level_at(|level| level.in_before <= amount_in)
            .map_or(0.0, |level| {
                level.out_before + (amount_in - level.in_before) * level.slope
            })
    }

    fn input(&self, amount_out: f64) -> f64 {
        if amount_out > self.out_total {
            return f64::INFINITY;
        }
        self.level_at(|level| level.out_before <= amount_out)
            .map_or(f64::INFINITY, |level| {
                level.in_before + (amount_out - level.out_before) / level.slope
            })
    }

    fn marginal(&self, amount_in: f64) -> f64 {
        self.level_at(|level| level.in_before <= amount_in)
            .map_or(0.0, |level| level.slope)
    }

    fn level_at(&self, begun: impl Fn(&LevelPiece) -> bool) -> Option<&LevelPiece> {
        let index = self.levels.partition_point(begun);
        self.levels.get(index.checked_sub(1)?)
    }
}
