//! Directions with a closed form that is no chain of constant products.
//!
//! Weighted pools: `B_out (1 - (B_in / (B_in + u))^w)` with `w` the ratio of the weights. Stable
//! pools: the output balance solves a quadratic, so output and slope have closed forms, and the
//! slope is inverted by safeguarded Newton inside a bracket from a table. Outputs are computed
//! without a difference of near equals, so that dust keeps its digits.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::curve::Response;

/// A curve this close above its first price counts as about to trade when slopes are assembled.
const NEAR_SPOT: f64 = 1e-9;

/// Slopes in the table of a stable direction.
const TABLE: usize = 64;

/// The table's first input and each next one, as shares of the pool.
const TABLE_START: f64 = 1e-7;
const TABLE_GROWTH: f64 = 1.45;

/// Most Newton steps for one slope.
const MAX_STEPS: usize = 40;

/// Relative change of the input at which a slope is found: profits are flat there, so that their
/// error is of the order of its square.
const SETTLED: f64 = 1e-10;

/// One direction of a weighted or stable pool, in the pool's own scaled units.
#[derive(Clone, Debug)]
pub(super) struct SmoothCurve {
    /// Scaled net input per base unit of input.
    gain: f64,
    /// Base units of output per scaled output.
    paid: f64,
    /// Most base units that the pool takes; beyond, it gives no more.
    in_limit: f64,
    out_limit: f64,
    spot: f64,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Weighted(Weighted),
    Stable(Box<Stable>),
}

#[derive(Clone, Copy, Debug)]
struct Weighted {
    balance_in: f64,
    balance_out: f64,
    exponent: f64,
}

#[derive(Clone, Debug)]
struct Stable {
    balance_in: f64,
    balance_out: f64,
    /// Sum of the roots of the quadratic in the output before any input.
    linear: f64,
    /// Product part that an input uses up.
    product: f64,
    /// Falling `(input, slope)`.
    table: Vec<(f64, f64)>,
}

/// What a stable direction is made of: scaled balances of all coins.
#[derive(Clone, Copy, Debug)]
pub(super) struct StableSpec<'a> {
    pub(super) balances: &'a [f64],
    pub(super) coin_in: usize,
    pub(super) coin_out: usize,
    /// Amplification times the number of coins.
    pub(super) amp_times_coins: f64,
}

/// Between base units and a pool's scaled units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    pub(super) gain: f64,
    pub(super) paid: f64,
    /// Most base units of input.
    pub(super) in_limit: f64,
}

impl SmoothCurve {
    /// Returns the curve of a weighted direction; `None` when it cannot trade.
    pub(super) fn weighted(
        scaling: Scaling,
        balance_in: f64,
        balance_out: f64,
        exponent: f64,
    ) -> Option<Self> {
        let form = Form::Weighted(Weighted {
            balance_in,
            balance_out,
            exponent,
        });
        Self::new(scaling, form, None)
    }

    /// Returns the curve of a stable direction; `None` when it cannot trade.
    pub(super) fn stable(scaling: Scaling, spec: StableSpec<'_>) -> Option<Self> {
        let stable = Stable::new(spec)?;
        let whole = stable.balance_out * scaling.paid;
        Self::new(scaling, Form::Stable(Box::new(stable)), Some(whole))
    }

    fn new(scaling: Scaling, form: Form, whole: Option<f64>) -> Option<Self> {
        let (_, slope, _) = form.at(0.0);
        let spot = slope * scaling.gain * scaling.paid;
        let (out, _, _) = form.at(scaling.in_limit * scaling.gain);
        (spot > 0.0 && spot.is_finite() && scaling.in_limit > 0.0).then_some(Self {
            gain: scaling.gain,
            paid: scaling.paid,
            in_limit: scaling.in_limit,
            out_limit: whole.unwrap_or(out * scaling.paid),
            spot,
            form,
        })
    }

    pub(super) const fn spot(&self) -> f64 {
        self.spot
    }

    pub(super) fn respond(&self, ratio: f64) -> Response {
        if ratio > self.spot * (1.0 + NEAR_SPOT) {
            return Response::default();
        }
        let wanted = ratio / (self.gain * self.paid);
        let limit = self.in_limit * self.gain;
        let net = if ratio >= self.spot {
            0.0
        } else {
            self.form.input_at_slope(wanted, limit)
        };
        if net >= limit {
            return Response {
                amount_in: self.in_limit,
                amount_out: self.out_limit,
                exhausted: true,
                ..Response::default()
            };
        }
        let (out, slope, bend) = self.form.at(net);
        Response {
            amount_in: net / self.gain,
            amount_out: out * self.paid,
            stiffness: slope / bend / self.gain,
            exhausted: false,
            on_ramp: false,
        }
    }

    pub(super) fn output(&self, amount_in: f64) -> f64 {
        self.form.at(amount_in.min(self.in_limit) * self.gain).0 * self.paid
    }

    /// Returns the input for `amount_out`; infinite when the pool cannot deliver it.
    pub(super) fn input(&self, amount_out: f64) -> f64 {
        if amount_out >= self.output(self.in_limit) {
            return f64::INFINITY;
        }
        self.form.input_for(amount_out / self.paid) / self.gain
    }

    pub(super) fn marginal(&self, amount_in: f64) -> f64 {
        let net = amount_in.min(self.in_limit) * self.gain;
        self.form.at(net).1 * self.gain * self.paid
    }
}

impl Form {
    /// Returns output, slope, and minus the slope's derivative, after `net` of input.
    fn at(&self, net: f64) -> (f64, f64, f64) {
        match self {
            Self::Weighted(pool) => pool.at(net),
            Self::Stable(pool) => pool.at(net),
        }
    }

    /// Returns the input after which the slope is `wanted`, at most `limit`.
    fn input_at_slope(&self, wanted: f64, limit: f64) -> f64 {
        match self {
            Self::Weighted(pool) => pool.input_at_slope(wanted).min(limit),
            Self::Stable(pool) => pool.input_at_slope(wanted, limit),
        }
    }

    fn input_for(&self, out: f64) -> f64 {
        match self {
            Self::Weighted(pool) => pool.input_for(out),
            Self::Stable(pool) => pool.input_for(out),
        }
    }
}

impl Weighted {
    fn at(&self, net: f64) -> (f64, f64, f64) {
        let grown = (net / self.balance_in).ln_1p();
        let left = (-self.exponent * grown).exp_m1();
        let total = self.balance_in + net;
        let slope = self.balance_out * (1.0 + left) * self.exponent / total;
        (
            -self.balance_out * left,
            slope,
            slope * (self.exponent + 1.0) / total,
        )
    }

    fn input_at_slope(&self, wanted: f64) -> f64 {
        let first = self.balance_out * self.exponent / self.balance_in;
        self.balance_in * ((first / wanted).ln() / (self.exponent + 1.0)).exp_m1()
    }

    fn input_for(&self, out: f64) -> f64 {
        let left = (-out / self.balance_out).ln_1p();
        self.balance_in * (-left / self.exponent).exp_m1()
    }
}

impl Stable {
    fn new(spec: StableSpec<'_>) -> Option<Self> {
        let balance_in = spec.balances.get(spec.coin_in).copied()?;
        let balance_out = spec.balances.get(spec.coin_out).copied()?;
        let invariant = invariant(spec.balances, spec.amp_times_coins)?;
        let sum: f64 = spec.balances.iter().sum();
        // How far the pool is from a constant sum; the quadratic's terms hang on it.
        let excess = sum - invariant + invariant / spec.amp_times_coins;
        let mut pool = Self {
            balance_in,
            balance_out,
            linear: balance_out + excess,
            product: balance_out * excess,
            table: Vec::new(),
        };
        if !(excess > 0.0 && excess.is_finite()) {
            return None;
        }
        let mut net = invariant * TABLE_START;
        for _ in 0..TABLE {
            pool.table.push((net, pool.at(net).1));
            net *= TABLE_GROWTH;
        }
        Some(pool)
    }

    fn at(&self, net: f64) -> (f64, f64, f64) {
        let total = self.balance_in + net;
        let part = self.product / total;
        let sum = self.linear + net;
        let product = net * (self.balance_out + part);
        let root = (sum * sum - 4.0 * product).max(0.0).sqrt();
        let out = 2.0 * product / (sum + root);
        let change = self.balance_out + part * self.balance_in / total;
        let slope = (change - out) / root;
        let bent = 2.0 * part * self.balance_in / (total * total);
        let bend = (bent + 2.0 * slope * (1.0 - slope)) / root;
        (out, slope, bend)
    }

    fn input_at_slope(&self, wanted: f64, limit: f64) -> f64 {
        let met = self.table.partition_point(|(_, slope)| *slope > wanted);
        let mut low = met
            .checked_sub(1)
            .and_then(|index| self.table.get(index))
            .map_or(0.0, |(net, _)| *net);
        let mut high = self.table.get(met).map_or(limit, |(net, _)| *net);
        if low >= limit || self.at(limit).1 >= wanted {
            return limit;
        }
        high = high.min(limit);
        let mut net = 0.5 * (low + high);
        for _ in 0..MAX_STEPS {
            let (_, slope, bend) = self.at(net);
            if slope > wanted {
                low = net;
            } else {
                high = net;
            }
            let step = net + (slope - wanted) / bend;
            let next = if step > low && step < high {
                step
            } else {
                0.5 * (low + high)
            };
            let settled = (next - net).abs() <= SETTLED * next;
            net = next;
            if settled {
                break;
            }
        }
        net
    }

    /// The same quadratic read the other way round.
    fn input_for(&self, out: f64) -> f64 {
        let (mut low, mut high) = (0.0, self.balance_in.max(self.balance_out));
        while self.at(high).0 < out && high < f64::MAX * 0.1 {
            low = high;
            high *= 4.0;
        }
        let mut net = (out / self.at(0.0).1).clamp(low, high);
        for _ in 0..MAX_STEPS * 2 {
            let (given, slope, _) = self.at(net);
            if given < out {
                low = net;
            } else {
                high = net;
            }
            let step = net + (out - given) / slope;
            let next = if step > low && step < high {
                step
            } else {
                0.5 * (low + high)
            };
            let settled = (next - net).abs() <= f64::EPSILON * next;
            net = next;
            if settled {
                break;
            }
        }
        net
    }
}

/// Returns the StableSwap invariant by Newton's method; `None` when a balance is not above zero or
/// it does not settle.
fn invariant(balances: &[f64], amp_times_coins: f64) -> Option<f64> {
    let sum: f64 = balances.iter().sum();
    if balances.iter().any(|balance| *balance <= 0.0) || !sum.is_finite() {
        return None;
    }
    let count = balances.len() as f64;
    let mut value = sum;
    for _ in 0..MAX_STEPS {
        let product = balances.iter().fold(value, |product, balance| {
            product * value / (balance * count)
        });
        let next = (amp_times_coins * sum + count * product) * value
            / ((amp_times_coins - 1.0) * value + (count + 1.0) * product);
        let settled = (next - value).abs() <= 2.0 * f64::EPSILON * next;
        value = next;
        if settled {
            break;
        }
    }
    value.is_finite().then_some(value)
}
