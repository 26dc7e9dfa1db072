//! Solves the Newton system of the dual: a weighted graph Laplacian with one token held fixed.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::{add_at, at, push_at, set_at};

/// Up to this many tokens the system is factorised densely; beyond, conjugate gradients.
const DENSE_LIMIT: usize = 48;

/// From this many tokens on those with few neighbours are eliminated first.
const SPARSE_FROM: usize = 12;

/// Most neighbours of a token that is eliminated first: each pair of them becomes an arc.
const FEW: usize = 6;

/// Most conjugate-gradient steps.
const MAX_CG_STEPS: usize = 200;

/// Relative residual at which conjugate gradients stop.
const CG_TOLERANCE: f64 = 1e-12;

/// Symmetric arcs `(a, b, weight)`, positive diagonal shifts and the fixed token.
pub(super) struct Laplacian {
    count: usize,
    fixed: usize,
    diagonal: Vec<f64>,
    arcs: Vec<(usize, usize, f64)>,
}

impl Laplacian {
    pub(super) fn new(count: usize, fixed: usize) -> Self {
        Self {
            count,
            fixed,
            diagonal: vec![0.0; count],
            arcs: Vec::new(),
        }
    }

    /// Adds `weight * (x_a - x_b)^2 / 2`.
    pub(super) fn add_arc(&mut self, a: usize, b: usize, weight: f64) {
        if weight > 0.0 && weight.is_finite() {
            add_at(&mut self.diagonal, a, weight);
            add_at(&mut self.diagonal, b, weight);
            self.arcs.push((a, b, weight));
        }
    }

    pub(super) fn diagonal(&self, token: usize) -> f64 {
        at(&self.diagonal, token)
    }

    /// Adds `weight * x_token^2 / 2`.
    pub(super) fn shift(&mut self, token: usize, weight: f64) {
        add_at(&mut self.diagonal, token, weight);
    }

    /// Returns `x` with `L x = right` and `x[fixed] = 0`.
    pub(super) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let moving: Vec<usize> = (0..self.count)
            .filter(|token| *token != self.fixed && self.diagonal(*token) > 0.0)
            .collect();
        // A token that nothing resists moves as far as it can, which the caller dampens.
        let mut x: Vec<f64> = right
            .iter()
            .map(|value| {
                if *value == 0.0 {
                    0.0
                } else {
                    value / f64::MIN_POSITIVE
                }
            })
            .collect();
        set_at(&mut x, self.fixed, 0.0);
        let part = self.only(&moving);
        let wanted: Vec<f64> = moving.iter().map(|token| at(right, *token)).collect();
        let steps = if moving.len() < SPARSE_FROM {
            part.solve_dense(&wanted)
        } else {
            part.solve_sparse(wanted)
        };
        for (token, step) in moving.iter().zip(steps) {
            set_at(&mut x, *token, step);
        }
        x
    }

    /// Returns the system of some tokens, the others held fixed.
    fn only(&self, tokens: &[usize]) -> Self {
        let mut places = vec![usize::MAX; self.count];
        for (place, token) in tokens.iter().enumerate() {
            set_at(&mut places, *token, place);
        }
        let place = |token: usize| places.get(token).copied().filter(|p| *p < usize::MAX);
        Self {
            count: tokens.len(),
            fixed: usize::MAX,
            diagonal: tokens.iter().map(|token| self.diagonal(*token)).collect(),
            arcs: self
                .arcs
                .iter()
                .filter_map(|(a, b, weight)| Some((place(*a)?, place(*b)?, *weight)))
                .collect(),
        }
    }

    /// Eliminates tokens with few neighbours, fewest first, and solves for the others densely: most
    /// tokens of a market trade against a few hubs only, so that little is left.
    fn solve_sparse(&self, mut right: Vec<f64>) -> Vec<f64> {
        let order = self.by_degree();
        let mut places = vec![0; self.count];
        for (place, token) in order.iter().enumerate() {
            set_at(&mut places, *token, place);
        }
        // Arcs lie with the end that comes first in the order.
        let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); self.count];
        for &(a, b, weight) in &self.arcs {
            let (first, last) = if at(&places, a) < at(&places, b) {
                (a, b)
            } else {
                (b, a)
            };
            push_at(&mut rows, first, (last, weight));
        }
        let mut diagonal = self.diagonal.clone();
        let mut gone: usize = 0;
        for token in &order {
            let row = merged(rows.get_mut(*token));
            if row.len() > FEW {
                // The order is by the first number of arcs, so one behind may have fewer now; it is
                // left to the dense part.
                if let Some(kept) = rows.get_mut(*token) {
                    *kept = row;
                }
                break;
            }
            let original = self.diagonal(*token);
            let mut pivot = at(&diagonal, *token);
            if pivot <= original * 1e-14 {
                pivot = original;
                set_at(&mut diagonal, *token, pivot);
            }
            let known = at(&right, *token) / pivot;
            for (index, &(first, weight)) in row.iter().enumerate() {
                add_at(&mut right, first, weight * known);
                add_at(&mut diagonal, first, -weight * weight / pivot);
                for &(second, other) in row.get(index.wrapping_add(1)..).unwrap_or_default() {
                    let (early, late) = if at(&places, first) < at(&places, second) {
                        (first, second)
                    } else {
                        (second, first)
                    };
                    push_at(&mut rows, early, (late, weight * other / pivot));
                }
            }
            if let Some(kept) = rows.get_mut(*token) {
                *kept = row;
            }
            gone = gone.wrapping_add(1);
        }
        let (eliminated, core) = order.split_at_checked(gone).unwrap_or_default();
        let mut x = self.solve_core(core, &rows, &diagonal, &right);
        for token in eliminated.iter().rev() {
            let row = rows.get(*token).map_or(&[][..], Vec::as_slice);
            let pulled: f64 = row
                .iter()
                .map(|(other, weight)| weight * at(&x, *other))
                .sum();
            let value = (at(&right, *token) + pulled) / at(&diagonal, *token);
            set_at(&mut x, *token, value);
        }
        x
    }

    /// Solves for the tokens that were not eliminated; zero for the others.
    fn solve_core(
        &self,
        core: &[usize],
        rows: &[Vec<(usize, f64)>],
        diagonal: &[f64],
        right: &[f64],
    ) -> Vec<f64> {
        let mut places = vec![usize::MAX; self.count];
        for (place, token) in core.iter().enumerate() {
            set_at(&mut places, *token, place);
        }
        let arcs = core.iter().flat_map(|token| {
            let row = rows.get(*token).map_or(&[][..], Vec::as_slice);
            row.iter()
                .map(move |(other, weight)| (*token, *other, *weight))
        });
        let part = Self {
            count: core.len(),
            fixed: usize::MAX,
            diagonal: core.iter().map(|token| at(diagonal, *token)).collect(),
            arcs: arcs
                .map(|(a, b, weight)| (at(&places, a), at(&places, b), weight))
                .collect(),
        };
        let wanted: Vec<f64> = core.iter().map(|token| at(right, *token)).collect();
        let steps = if core.len() <= DENSE_LIMIT {
            part.solve_dense(&wanted)
        } else {
            part.solve_iteratively(&wanted)
        };
        let mut x = vec![0.0; self.count];
        for (token, step) in core.iter().zip(steps) {
            set_at(&mut x, *token, step);
        }
        x
    }

    /// Tokens by rising number of arcs.
    fn by_degree(&self) -> Vec<usize> {
        let mut degrees = vec![0_usize; self.count];
        for &(a, b, _) in &self.arcs {
            for token in [a, b] {
                let degree = at(&degrees, token).wrapping_add(1);
                set_at(&mut degrees, token, degree);
            }
        }
        let mut order: Vec<usize> = (0..self.count).collect();
        order.sort_by_key(|token| (at(&degrees, *token), *token));
        order
    }

    /// Cholesky without square roots (`L D L^T`).
    fn solve_dense(&self, right: &[f64]) -> Vec<f64> {
        let (factors, pivots) = self.factorise();
        let count = self.count;
        let mut x: Vec<f64> = right.to_vec();
        set_at(&mut x, self.fixed, 0.0);
        for (row, factors) in factors.chunks_exact(count.max(1)).enumerate() {
            let (above, here) = x.split_at_mut_checked(row).unwrap_or_default();
            if let Some(value) = here.first_mut() {
                *value -= dot(factors.get(..row).unwrap_or_default(), above);
            }
        }
        for (value, pivot) in x.iter_mut().zip(&pivots) {
            *value /= pivot;
        }
        for row in (0..count).rev() {
            for outer in row.wrapping_add(1)..count {
                let above = at(&factors, self.cell(outer, row)) * at(&x, outer);
                add_at(&mut x, row, -above);
            }
        }
        x
    }

    /// Returns the lower factor and the pivots. A vanished pivot becomes its diagonal, which turns
    /// the step of that token into a plain gradient step.
    fn factorise(&self) -> (Vec<f64>, Vec<f64>) {
        let count = self.count.max(1);
        let mut matrix = self.lower_matrix();
        let mut pivots: Vec<f64> = Vec::with_capacity(count);
        for row in 0..self.count {
            let (above, below) = matrix
                .split_at_mut_checked(self.cell(row, 0))
                .unwrap_or_default();
            let Some((here, [own, ..])) = below.split_at_mut_checked(row) else {
                break;
            };
            // First the factors times their pivots, since later ones need them so.
            for (column, factors) in above.chunks_exact(count).enumerate() {
                let known = dot(
                    here.get(..column).unwrap_or_default(),
                    factors.get(..column).unwrap_or_default(),
                );
                add_at(here, column, -known);
            }
            let original = *own;
            let mut pivot = original;
            for (value, above) in here.iter_mut().zip(&pivots) {
                let factor = *value / above;
                pivot -= *value * factor;
                *value = factor;
            }
            if pivot <= original * 1e-14 {
                pivot = original.max(f64::MIN_POSITIVE);
            }
            pivots.push(pivot);
        }
        (matrix, pivots)
    }

    /// The lower half as a dense matrix; the fixed token is a row of the identity.
    fn lower_matrix(&self) -> Vec<f64> {
        let mut matrix = vec![0.0; self.count.saturating_mul(self.count)];
        for &(a, b, weight) in &self.arcs {
            if a != self.fixed && b != self.fixed {
                add_at(&mut matrix, self.cell(a.max(b), a.min(b)), -weight);
            }
        }
        for token in 0..self.count {
            let own = if token == self.fixed {
                1.0
            } else {
                self.diagonal(token)
            };
            set_at(&mut matrix, self.cell(token, token), own);
        }
        matrix
    }

    const fn cell(&self, row: usize, column: usize) -> usize {
        row.wrapping_mul(self.count).wrapping_add(column)
    }

    /// Conjugate gradients, preconditioned by the diagonal.
    fn solve_iteratively(&self, right: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; self.count];
        let mut residual = right.to_vec();
        set_at(&mut residual, self.fixed, 0.0);
        let mut step = self.precondition(&residual);
        let mut energy = dot(&residual, &step);
        let goal = energy * CG_TOLERANCE * CG_TOLERANCE;
        for _ in 0..MAX_CG_STEPS {
            let image = self.multiply(&step);
            let curvature = dot(&step, &image);
            if !(energy > goal && curvature > 0.0) {
                break;
            }
            let length = energy / curvature;
            for (value, move_by) in x.iter_mut().zip(&step) {
                *value += length * move_by;
            }
            for (value, move_by) in residual.iter_mut().zip(&image) {
                *value -= length * move_by;
            }
            let scaled = self.precondition(&residual);
            let next = dot(&residual, &scaled);
            let keep = next / energy;
            for (value, fresh) in step.iter_mut().zip(&scaled) {
                *value = fresh + keep * *value;
            }
            energy = next;
        }
        x
    }

    fn precondition(&self, residual: &[f64]) -> Vec<f64> {
        residual
            .iter()
            .zip(&self.diagonal)
            .map(|(value, own)| if *own > 0.0 { value / own } else { *value })
            .collect()
    }

    fn multiply(&self, x: &[f64]) -> Vec<f64> {
        let mut image: Vec<f64> = x
            .iter()
            .zip(&self.diagonal)
            .map(|(value, own)| value * own)
            .collect();
        for &(a, b, weight) in &self.arcs {
            add_at(&mut image, a, -weight * at(x, b));
            add_at(&mut image, b, -weight * at(x, a));
        }
        set_at(&mut image, self.fixed, 0.0);
        image
    }
}

/// Takes a row out with its arcs to one neighbour added up.
fn merged(row: Option<&mut Vec<(usize, f64)>>) -> Vec<(usize, f64)> {
    let mut row = row.map(core::mem::take).unwrap_or_default();
    row.sort_by_key(|(other, _)| *other);
    row.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1 += next.1;
        }
        is_same
    });
    row
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; amounts under test are built within range"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(count: usize, weights: &[f64]) -> Laplacian {
        let mut system = Laplacian::new(count, 0);
        for token in 0..count {
            let next = (token + 1) % count;
            system.add_arc(token, next, at(weights, token));
            system.shift(token, 1e-3);
        }
        system
    }

    proptest! {
        #[test]
        fn both_ways_solve_the_system(
            weights in prop::collection::vec(0.1_f64..10.0, 12),
            right in prop::collection::vec(-1.0_f64..1.0, 12),
        ) {
            let system = ring(12, &weights);
            let mut free = right.clone();
            set_at(&mut free, 0, 0.0);
            let mut sparse = system.only(&(1..12).collect::<Vec<_>>()).solve_sparse(free.into_iter().skip(1).collect());
            sparse.insert(0, 0.0);
            for x in [system.solve_dense(&right), system.solve_iteratively(&right), sparse] {
                let image = system.multiply(&x);
                prop_assert!(at(&x, 0).abs() < 1e-12);
                for token in 1..12 {
                    prop_assert!((at(&image, token) - at(&right, token)).abs() < 1e-8);
                }
            }
        }
    }
}
