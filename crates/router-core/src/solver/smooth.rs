//! Curves without segments: weighted pools in closed form, stable pools by Newton's method.
//!
//! A weighted pool pays `B_o (1 - (B_i / (B_i + x))^r)` with `r` the ratio of the weights. For two
//! coins of a stable pool, with `S` and `P` sum and product of the others,
//! `x y (x + y + S + D/(A n) - D)` does not change (the invariant of StableSwap solved for a pair), so
//! with `Q = S + D/(A n) - D` the price is `y (2x + y + Q) / (x (2y + x + Q))`, and what is paid for an
//! input is a root of a quadratic, taken without a difference of near equals.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::curve::{Curve, Response};
use super::float::to_f64;
use super::venue::Way;
use crate::amm::{AmmError, BalancerStablePool, StableSwapPool, WeightedPool};
use crate::num::{mul_div_floor, U256};

/// A curve this close above its first price counts as about to trade when slopes are assembled.
const NEAR_SPOT: f64 = 1e-9;

/// Units in one of Balancer's fees, of Curve's fees, and of rates.
const ONE_18: f64 = 1e18;
const ONE_10: f64 = 1e10;

/// A stable pool is asked for at most this many times its whole size: beyond, nothing is left to buy and
/// the contract's numbers run over.
const MOST_OF_STABLE: u64 = 50;

/// How far off the integer iterations of Curve's and of Balancer's contracts are, in 18-decimal units:
/// the first stop within a unit of the invariant and of the balance, the second divide by the
/// amplification before they multiply by its precision.
const CURVE_COARSENESS: f64 = 4.0;
const BALANCER_COARSENESS: f64 = 1e6;

/// Most steps of Newton's method.
const MAX_STEPS: usize = 60;

/// Relative change of the logarithm of the price at which a root is final.
const CLOSE: f64 = 1e-15;

/// One direction of a pool whose price moves without kinks.
#[derive(Clone, Debug)]
pub(super) struct SmoothCurve {
    /// Share of the input and of the output that is not the fee.
    keep_in: f64,
    keep_out: f64,
    /// Largest net input.
    net_most: f64,
    /// Largest output.
    out_most: f64,
    /// Output by which the contract's integer iterations may lie above the curve.
    excess: f64,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Weighted {
        balance_in: f64,
        balance_out: f64,
        /// Weight of the input by weight of the output.
        ratio: f64,
        /// Most that is paid out in one swap.
        pays: f64,
    },
    Stable {
        /// Balances with 18 decimals and `Q`.
        x: f64,
        y: f64,
        q: f64,
        /// 18-decimal units per base unit.
        scale_in: f64,
        scale_out: f64,
    },
}

impl SmoothCurve {
    fn new(keep_in: f64, keep_out: f64, net_most: f64, form: Form) -> Option<Self> {
        let mut curve = Self {
            keep_in,
            keep_out,
            net_most,
            out_most: f64::INFINITY,
            excess: 0.0,
            form,
        };
        let all = curve.keep_out * curve.paid(net_most);
        curve.out_most = match curve.form {
            Form::Weighted { pays, .. } => all.min(pays),
            Form::Stable { .. } => all,
        };
        let spot = curve.spot();
        (spot > 0.0 && spot.is_finite() && all.is_finite()).then_some(curve)
    }

    /// Output by which the contract may pay more than the curve says, at any size.
    pub(super) const fn excess(&self) -> f64 {
        self.excess
    }

    /// Output per input unit at zero size, fees included.
    pub(super) fn spot(&self) -> f64 {
        self.keep_in * self.keep_out * self.slope(0.0)
    }

    /// The trade that maximises `output - ratio * input`.
    pub(super) fn respond(&self, ratio: f64) -> Response {
        let spot = self.spot();
        if ratio > spot * (1.0 + NEAR_SPOT) {
            return Response::default();
        }
        let wanted = ratio / (self.keep_in * self.keep_out);
        let free = self.net_at(wanted).max(0.0);
        let net = free.min(self.net_most);
        let is_inside = free < self.net_most;
        Response {
            amount_in: net / self.keep_in,
            amount_out: self.keep_out * self.paid(net),
            stiffness: if is_inside {
                1.0 / (self.log_fall(net) * self.keep_in)
            } else {
                0.0
            },
            exhausted: !is_inside,
            on_ramp: false,
        }
    }

    /// Output for an input; what the pool cannot take is ignored.
    pub(super) fn output(&self, amount_in: f64) -> f64 {
        self.keep_out * self.paid((amount_in * self.keep_in).min(self.net_most))
    }

    /// Input for an output; infinite when the pool cannot deliver it.
    pub(super) fn input(&self, amount_out: f64) -> f64 {
        if amount_out > self.out_most {
            return f64::INFINITY;
        }
        self.price_of(amount_out / self.keep_out) / self.keep_in
    }

    /// Output per further input unit after an input, fees included.
    pub(super) fn marginal(&self, amount_in: f64) -> f64 {
        let net = (amount_in * self.keep_in).min(self.net_most);
        self.keep_in * self.keep_out * self.slope(net)
    }

    /// Output before its fee for a net input.
    fn paid(&self, net: f64) -> f64 {
        match self.form {
            Form::Weighted {
                balance_in,
                balance_out,
                ratio,
                ..
            } => -balance_out * (-ratio * (net / balance_in).ln_1p()).exp_m1(),
            Form::Stable {
                x,
                y,
                q,
                scale_in,
                scale_out,
            } => other_side(x, y, q, net * scale_in) / scale_out,
        }
    }

    /// Net input for an output before its fee.
    fn price_of(&self, out: f64) -> f64 {
        match self.form {
            Form::Weighted {
                balance_in,
                balance_out,
                ratio,
                ..
            } => balance_in * (-(-out / balance_out).ln_1p() / ratio).exp_m1(),
            Form::Stable {
                x,
                y,
                q,
                scale_in,
                scale_out,
            } => -other_side(y, x, q, -out * scale_out) / scale_in,
        }
    }

    /// Output before its fee per further net input.
    fn slope(&self, net: f64) -> f64 {
        match self.form {
            Form::Weighted {
                balance_in,
                balance_out,
                ratio,
                ..
            } => {
                let fall = (-(ratio + 1.0) * (net / balance_in).ln_1p()).exp();
                balance_out * ratio / balance_in * fall
            }
            Form::Stable {
                x,
                y,
                q,
                scale_in,
                scale_out,
            } => {
                let added = net * scale_in;
                let left = y - other_side(x, y, q, added);
                price(x + added, left, q) * scale_in / scale_out
            }
        }
    }

    /// By how much the logarithm of the price falls per further net input.
    fn log_fall(&self, net: f64) -> f64 {
        match self.form {
            Form::Weighted {
                balance_in, ratio, ..
            } => (ratio + 1.0) / (balance_in + net),
            Form::Stable {
                x, y, q, scale_in, ..
            } => {
                let added = net * scale_in;
                log_fall(x + added, y - other_side(x, y, q, added), q) * scale_in
            }
        }
    }

    /// Net input after which the slope is `wanted`; negative above the first price.
    fn net_at(&self, wanted: f64) -> f64 {
        if let Form::Weighted {
            balance_in, ratio, ..
        } = self.form
        {
            let over = (self.slope(0.0) / wanted).ln();
            return balance_in * (over / (ratio + 1.0)).exp_m1();
        }
        let target = wanted.ln();
        let (mut low, mut high) = (0.0, self.net_most);
        if self.slope(high) >= wanted {
            return high;
        }
        let mut net = 0.0;
        for _ in 0..MAX_STEPS {
            let over = self.slope(net).ln() - target;
            if over > 0.0 {
                low = net;
            } else {
                high = net;
            }
            if over.abs() <= CLOSE {
                break;
            }
            let step = over / self.log_fall(net);
            let next = net + step;
            // Away from the peg the price falls ever more steeply, so a step may overshoot.
            let inside = next > low && next < high;
            let next = if inside { next } else { 0.5 * (low + high) };
            if next == net {
                break;
            }
            net = next;
        }
        net
    }
}

/// How much `y` falls when `x` grows by `added`, so that `x y (x + y + q)` stays.
fn other_side(x: f64, y: f64, q: f64, added: f64) -> f64 {
    let sum = x + y + q;
    let p = y + sum + added;
    let product = added * (y + y * sum / (x + added));
    2.0 * product / (p + (p * p - 4.0 * product).max(0.0).sqrt())
}

/// Units of `y` per unit of `x`.
fn price(x: f64, y: f64, q: f64) -> f64 {
    y * (2.0 * x + y + q) / (x * (2.0 * y + x + q))
}

/// By how much the logarithm of [`price`] falls per unit of `x`.
fn log_fall(x: f64, y: f64, q: f64) -> f64 {
    let s = price(x, y, q);
    let rise = (2.0 - s) / (2.0 * x + y + q) - s / y;
    let fall = (1.0 - 2.0 * s) / (2.0 * y + x + q) + 1.0 / x;
    (fall - rise).max(f64::MIN_POSITIVE)
}

/// Returns the curve of a weighted pool; `None` when it cannot trade.
pub(super) fn weighted_curve(pool: &WeightedPool, way: Way) -> Option<Curve> {
    let (coin_in, coin_out) = way.coins();
    let balance = |coin: usize| Some(*pool.balances().get(coin)? as f64);
    let weight = |coin: usize| Some(*pool.weights().get(coin)? as f64);
    let (balance_in, balance_out) = (balance(coin_in)?, balance(coin_out)?);
    if balance_in <= 0.0 || balance_out <= 0.0 {
        return None;
    }
    let keep = 1.0 - pool.swap_fee() as f64 / ONE_18;
    let form = Form::Weighted {
        balance_in,
        balance_out,
        ratio: weight(coin_in)? / weight(coin_out)?,
        pays: balance_out * (pool.most_out_tenths() as f64 / 10.0),
    };
    let takes = balance_in * (pool.most_in_tenths() as f64 / 10.0);
    SmoothCurve::new(keep, 1.0, takes, form).map(Curve::Smooth)
}

/// Returns the curve of a Balancer stable pool; `None` when it cannot trade.
pub(super) fn balancer_stable_curve(pool: &BalancerStablePool, way: Way) -> Option<Curve> {
    let balances: Vec<f64> = pool.balances().iter().map(|units| *units as f64).collect();
    let factors = pool.scaling_factors();
    let scales: Vec<f64> = factors.iter().map(|f| to_f64(*f) / ONE_18).collect();
    let invariant = to_f64(pool.invariant().ok()?);
    let amp = pool.amp() as f64 / 1_000.0;
    let keep = 1.0 - pool.swap_fee() as f64 / ONE_18;
    let curve = stable_curve(&balances, &scales, invariant, amp, (keep, 1.0), way)?;
    Some(exceeded(curve, BALANCER_COARSENESS, invariant))
}

/// Returns the curve of a StableSwap pool; `None` when it cannot trade. Where the fee rises off the
/// peg, the curve has the lowest fee: it lies above what the pool pays, so bounds hold.
pub(super) fn stable_swap_curve(pool: &StableSwapPool, way: Way) -> Option<Curve> {
    let balances: Vec<f64> = pool.balances().iter().map(|units| to_f64(*units)).collect();
    let terms = pool.terms();
    let scales: Vec<f64> = terms.rates.iter().map(|r| to_f64(*r) / ONE_18).collect();
    let invariant = to_f64(pool.invariant().ok()?);
    let amp = to_f64(terms.amp) / f64::from(terms.amp_precision);
    let keep = 1.0 - to_f64(terms.fee) / ONE_10;
    let curve = stable_curve(&balances, &scales, invariant, amp, (1.0, keep), way)?;
    Some(exceeded(curve, CURVE_COARSENESS, invariant))
}

/// Marks how far the iterations of a contract may be above the curve, given in 18-decimal units where
/// the pool is balanced: far off the peg a unit of the invariant is worth more of a coin.
fn exceeded(mut curve: SmoothCurve, units: f64, invariant: f64) -> Curve {
    if let Form::Stable { y, scale_out, .. } = curve.form {
        let stretch = 1.0 + 4.0 * y / invariant;
        curve.excess = units * stretch / scale_out + 1.0;
    }
    Curve::Smooth(curve)
}

fn stable_curve(
    balances: &[f64],
    scales: &[f64],
    invariant: f64,
    amp: f64,
    (keep_in, keep_out): (f64, f64),
    way: Way,
) -> Option<SmoothCurve> {
    if balances.iter().any(|balance| *balance <= 0.0) {
        return None;
    }
    let scaled = |coin: usize| Some(balances.get(coin)? * scales.get(coin)?);
    let (coin_in, coin_out) = way.coins();
    let (x, y) = (scaled(coin_in)?, scaled(coin_out)?);
    let all: f64 = balances.iter().zip(scales).map(|(b, s)| b * s).sum();
    let total_amp = amp * balances.len() as f64;
    let form = Form::Stable {
        x,
        y,
        q: (all - x - y) + invariant / total_amp - invariant,
        scale_in: *scales.get(coin_in)?,
        scale_out: *scales.get(coin_out)?,
    };
    let most = MOST_OF_STABLE as f64 * invariant / scales.get(coin_in)?;
    SmoothCurve::new(keep_in, keep_out, most * keep_in, form)
}

/// Largest input, fee included, that a weighted pool takes in one swap.
pub(super) fn weighted_most_in(pool: &WeightedPool, coin_in: usize) -> U256 {
    let balance = pool.balances().get(coin_in).copied().unwrap_or(0);
    let net = mul_div_floor(
        U256::from(balance),
        U256::from(pool.most_in_tenths()),
        U256::from(10),
    );
    let one = U256::from(1_000_000_000_000_000_000_u64);
    let kept = one.saturating_sub(U256::from(pool.swap_fee()));
    net.and_then(|net| mul_div_floor(net, one, kept))
        .unwrap_or_default()
}

/// Largest input that a stable pool is asked for, by its invariant and the factors of its coins.
pub(super) fn stable_most_in(
    invariant: Result<U256, AmmError>,
    factors: &[U256],
    coin_in: usize,
) -> U256 {
    let factor = factors.get(coin_in).copied().unwrap_or_default();
    let one = U256::from(1_000_000_000_000_000_000_u64);
    let most = invariant
        .ok()
        .and_then(|d| d.checked_mul(U256::from(MOST_OF_STABLE)));
    most.and_then(|most| mul_div_floor(most, one, factor))
        .unwrap_or_default()
}
