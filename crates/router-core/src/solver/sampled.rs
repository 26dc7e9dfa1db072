//! A curve for pools without a closed form: constant products through exact quotes.
//!
//! The exact pool is asked at growing inputs; the upper concave hull of the answers is joined by
//! constant-product segments whose end slopes are estimated from their neighbours. Between samples
//! the pool is asked again, and the whole curve is raised by twice the largest shortfall found
//! there. A bound over such a venue therefore rests on the pool being concave and even between the
//! samples, which no closed form proves: the curve is marked as numeric.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::curve::AmmCurve;

/// Samples of one direction and how they grow: from a millionth of the balance to tenfold.
const SAMPLES: i32 = 97;
const FIRST: f64 = 1e-6;
const GROWTH: f64 = 1.183;

/// Outputs below this many units are mostly rounding and teach nothing.
const LEAST_OUT: f64 = 1e5;

/// Returns the curve through `quote(input) -> output`; `None` when nothing is quoted. `balance_in`
/// and `balance_out` are base units.
pub(super) fn sampled_curve(
    balance_in: f64,
    balance_out: f64,
    quote: impl Fn(f64) -> Option<(f64, f64)>,
) -> Option<AmmCurve> {
    let mut points = vec![(0.0, 0.0)];
    for step in 0..SAMPLES {
        let Some(point) = quote(balance_in * FIRST * GROWTH.powi(step)) else {
            continue;
        };
        if point.1 >= LEAST_OUT || step == SAMPLES - 1 {
            push_concave(&mut points, point);
        }
    }
    let curve = joined(&points, balance_out, 1.0)?;
    let root = GROWTH.sqrt();
    let shortfall = points
        .iter()
        .skip(1)
        .filter_map(|(amount_in, _)| quote(amount_in * root))
        .filter(|(_, out)| *out >= LEAST_OUT)
        .map(|(amount_in, out)| out / curve.output(amount_in) - 1.0)
        .filter(|share| share.is_finite())
        .fold(0.0, f64::max);
    joined(&points, balance_out, 1.0 + 2.0 * shortfall + 1e-12)
}

/// Adds a point and takes out those below the new upper hull.
fn push_concave(points: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    while let [.., before, last] = points.as_slice() {
        let kept = (last.1 - before.1) * (point.0 - last.0);
        let next = (point.1 - last.1) * (last.0 - before.0);
        if kept > next {
            break;
        }
        points.pop();
    }
    if points
        .last()
        .is_some_and(|last| point.0 > last.0 && point.1 > last.1)
    {
        points.push(point);
    }
}

/// Joins hull points by constant products, outputs raised by `lift`, and lets the last one run on
/// to an empty pool.
fn joined(points: &[(f64, f64)], balance_out: f64, lift: f64) -> Option<AmmCurve> {
    let chords: Vec<(f64, f64)> = points
        .windows(2)
        .filter_map(|pair| match pair {
            [from, to] => Some((to.0 - from.0, (to.1 - from.1) * lift)),
            _ => None,
        })
        .collect();
    let slope = |index: usize| chords.get(index).map(|(run, rise)| rise / run);
    let mut chain = Vec::with_capacity(chords.len().saturating_add(1));
    let mut end = (0.0, 0.0);
    for (index, (run, rise)) in chords.iter().enumerate() {
        let here = rise / run;
        let before = index.checked_sub(1).and_then(slope);
        let after = slope(index.saturating_add(1));
        // Slopes at the ends are geometric means with the neighbours; the lesser bend of the two
        // ends serves both, so that slopes fall throughout.
        let bend = match (before, after) {
            (Some(before), Some(after)) => (here / before).max(after / here),
            (None, Some(after)) => after / here,
            (Some(before), None) => here / before,
            (None, None) => 0.9,
        };
        let bend = bend.clamp(1e-6, 1.0 - 1e-12).sqrt();
        let (start, stop) = ((here / bend).sqrt(), (here * bend).sqrt());
        let liquidity = rise / (start - stop);
        chain.push((liquidity, start, stop, *run, *rise));
        end = (liquidity, stop);
    }
    let (liquidity, stop) = end;
    let given: f64 = chords.iter().map(|(_, rise)| rise).sum();
    let rest = (balance_out * lift - given).max(0.0);
    let tail = liquidity.max(rest / stop);
    chain.push((tail, stop, 0.0, f64::INFINITY, tail * stop));
    AmmCurve::new(1.0, &chain)
}
