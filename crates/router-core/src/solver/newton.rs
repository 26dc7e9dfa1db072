//! Damped Newton with a derivative-only line search.
//!
//! The dual is convex in the prices and its Hessian by relative prices is a graph Laplacian, so a
//! Newton step is always a descent direction. The line search looks at the slope along the ray and
//! never at the value: for dust orders the value changes below the float's last digit while the
//! slope, which is an imbalance of amounts, keeps its digits. At the kinks of ladder levels it
//! bisects into the narrow ramp that stands for the level.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::set_at;
use super::point::{Memory, Point};

/// Most Newton steps.
const MAX_STEPS: usize = 60;

/// Most evaluations of one line search.
const MAX_SEARCH: usize = 60;

/// Imbalance, as a share of the order's value, at which prices are final.
const TOLERANCE: f64 = 1e-10;

/// Relative error of a price ratio in a response: what it moves is not an imbalance.
const NOISE: f64 = 4.0 * f64::EPSILON;

/// Relative difference of two values that tells points apart; on the ramps of book levels values
/// are only right to their width.
const VALUE_NOISE: f64 = 1e-7;

/// Steps without progress after which prices are final.
const PATIENCE: usize = 5;

/// A line search ends when the slope fell to this share.
const FLAT: f64 = 0.2;

/// Relative shift of the diagonal that keeps the system regular.
const SHIFT: f64 = 1e-13;

/// Most that a price moves, relative, by a direction of length one.
const STEP_LIMIT: f64 = 0.5;

/// A convex function of prices.
pub(super) trait Descent {
    /// Token whose price does not move.
    fn fixed(&self) -> usize;

    /// Whether time is up.
    fn is_over(&self) -> bool;

    /// Writes the derivatives at `prices` into `point`.
    fn evaluate(&self, prices: &[f64], point: &mut Point);
}

/// Returns prices that minimise the function, starting from `start`: the best that were met.
pub(super) fn minimise(function: &impl Descent, start: &[f64]) -> Vec<f64> {
    let mut point = Point::default();
    function.evaluate(start, &mut point);
    let mut best = Mark::of(function, &point);
    let mut idle = 0_usize;
    let mut trial = Point::default();
    let mut before = Point::default();
    let mut memory = Memory::default();
    for _ in 0..MAX_STEPS {
        if best.imbalance <= TOLERANCE || idle >= PATIENCE || function.is_over() {
            break;
        }
        let direction = direction(function, &point, &memory);
        before.clone_from(&point);
        if !line_search(function, &mut point, &mut trial, &direction) {
            break;
        }
        memory.keep(&before, &point);
        let mark = Mark::of(function, &point);
        if mark.improves_on(&best) {
            best = mark;
            idle = 0;
        } else {
            idle = idle.saturating_add(1);
        }
    }
    best.prices
}

/// A point worth returning to.
struct Mark {
    prices: Vec<f64>,
    value: f64,
    imbalance: f64,
}

impl Mark {
    fn of(function: &impl Descent, point: &Point) -> Self {
        Self {
            prices: point.prices.clone(),
            value: point.value,
            imbalance: imbalance(function, point) / point.order_value.max(f64::MIN_POSITIVE),
        }
    }

    /// Less imbalance or a clearly lower value. When the venues run dry prices fall without end and
    /// the imbalance says nothing; for dust the value says nothing.
    fn improves_on(&self, best: &Self) -> bool {
        let gain = best.value - self.value;
        let scale = best.value.abs().max(self.value.abs());
        if gain.abs() > scale * VALUE_NOISE {
            gain > 0.0
        } else {
            self.imbalance < best.imbalance * 0.9
        }
    }
}

/// Largest imbalance of a token beyond what the last digit of the prices explains.
fn imbalance(function: &impl Descent, point: &Point) -> f64 {
    point
        .residual
        .iter()
        .zip(point.throughput.iter().zip(&point.pull))
        .enumerate()
        .filter(|(token, _)| *token != function.fixed())
        .map(|(_, (value, (moved, pull)))| value.abs() - NOISE * (moved + pull))
        .fold(0.0, f64::max)
}

/// Returns the Newton step in relative prices. A step that is too long is damped by each token's
/// throughput: the damped matrix is diagonally dominant by `damping * throughput`, and no imbalance
/// exceeds the throughput, so no part of the step exceeds `1 / damping`.
fn direction(function: &impl Descent, point: &Point, memory: &Memory) -> Vec<f64> {
    let plain = newton_step(function, point, memory, 0.0);
    let longest = plain.iter().map(|value| value.abs()).fold(0.0, f64::max);
    if longest <= STEP_LIMIT && slope(point, &plain, 0.0) < 0.0 {
        return plain;
    }
    newton_step(function, point, memory, 1.0 / STEP_LIMIT)
}

fn newton_step(function: &impl Descent, point: &Point, memory: &Memory, damping: f64) -> Vec<f64> {
    let fixed = function.fixed();
    let mut system = point.hessian(fixed, memory);
    for (token, throughput) in point.throughput.iter().enumerate() {
        let own = system.diagonal(token);
        system.shift(token, own * SHIFT + damping * throughput);
    }
    let right: Vec<f64> = point.residual.iter().map(|value| -value).collect();
    let mut step = system.solve(&right);
    set_at(&mut step, fixed, 0.0);
    step
}

/// Derivative along `direction` at `length`, with `point` evaluated there.
fn slope(point: &Point, direction: &[f64], length: f64) -> f64 {
    point
        .residual
        .iter()
        .zip(direction)
        .map(|(value, step)| value * step / (1.0 + length * step))
        .sum()
}

/// Moves `point` along `direction` to where the slope is flat; false when it cannot move.
fn line_search(
    function: &impl Descent,
    point: &mut Point,
    trial: &mut Point,
    direction: &[f64],
) -> bool {
    let origin = point.prices.clone();
    let first = slope(point, direction, 0.0);
    if !(first < 0.0 && first.is_finite()) {
        return false;
    }
    let steepest = direction.iter().copied().fold(0.0, f64::min);
    // No price falls below a twentieth of where it was.
    let longest = if steepest < 0.0 {
        -0.95 / steepest
    } else {
        1e3
    };
    let (mut low, mut low_slope) = (0.0, first);
    let mut high: Option<(f64, f64)> = None;
    let mut length = 1.0_f64.min(longest);
    let mut moved = false;
    for round in 0..MAX_SEARCH {
        let prices: Vec<f64> = origin
            .iter()
            .zip(direction)
            .map(|(price, step)| price * (1.0 + length * step))
            .collect();
        function.evaluate(&prices, trial);
        let here = slope(trial, direction, length);
        if !here.is_finite() {
            return moved;
        }
        if here <= 0.0 {
            (low, low_slope) = (length, here);
            std::mem::swap(point, trial);
            moved = true;
        } else {
            high = Some((length, here));
        }
        if here.abs() <= FLAT * first.abs() {
            if here > 0.0 {
                std::mem::swap(point, trial);
            }
            return true;
        }
        length = match high {
            None if length >= longest => return true,
            None => (length * 4.0).min(longest),
            Some(end) if end.0 - low <= 1e-15 * end.0 => break,
            Some(end) => inside((low, low_slope), end, round),
        };
    }
    moved
}

/// Returns a length between both ends: by turns the secant, kept off the ends, and the middle.
fn inside(low: (f64, f64), high: (f64, f64), round: usize) -> f64 {
    let width = high.0 - low.0;
    if round % 2 == 1 {
        return low.0 + width * 0.5;
    }
    let secant = low.1 / (low.1 - high.1);
    low.0 + width * secant.clamp(0.05, 0.95)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; amounts under test are built within range"
)]
mod tests {
    use super::*;

    #[test]
    fn the_next_length_stays_between_the_ends() {
        for round in 0..4 {
            let length = inside((0.25, -3.0), (1.0, 1e9), round);
            assert!(length > 0.25 && length < 1.0, "{length}");
        }
    }
}
