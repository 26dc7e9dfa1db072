//! The dual's derivatives at some prices, and what earlier points taught.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::cells::{add_at, at};
use super::curve::Response;
use super::linear::Laplacian;

/// What is left of a remembered second derivative after each step.
const FADE: f64 = 0.3;

/// A secant this much steeper than both ends shows a kink between them.
const KINK: f64 = 2.0;

/// The dual and its derivatives at some prices.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    pub(super) prices: Vec<f64>,
    /// Value left over per token: received minus tendered, times the price. It is the gradient by
    /// relative prices.
    pub(super) residual: Vec<f64>,
    /// Value received plus value tendered per token, the order included.
    pub(super) throughput: Vec<f64>,
    /// Diagonal of the Hessian.
    pub(super) pull: Vec<f64>,
    /// The Hessian by relative prices, venue by venue, by rising venue.
    arcs: Vec<Arc>,
    /// Value of the order at these prices.
    pub(super) order_value: f64,
    /// The dual itself.
    pub(super) value: f64,
}

/// One venue's second derivative, and what it takes.
#[derive(Clone, Copy, Debug)]
struct Arc {
    venue: usize,
    from: usize,
    to: usize,
    weight: f64,
    amount_in: f64,
    on_ramp: bool,
}

impl Point {
    /// Begins a point with nothing but the order.
    pub(super) fn start(&mut self, prices: &[f64], order_token: usize, order_worth: f64) {
        self.prices.clear();
        self.prices.extend_from_slice(prices);
        for cells in [&mut self.residual, &mut self.throughput, &mut self.pull] {
            cells.clear();
            cells.resize(prices.len(), 0.0);
        }
        self.arcs.clear();
        add_at(&mut self.residual, order_token, order_worth);
        add_at(&mut self.throughput, order_token, order_worth.abs());
        self.order_value = order_worth.abs();
        self.value = order_worth;
    }

    /// Adds a venue's trade; venues come by rising number.
    pub(super) fn add(&mut self, venue: usize, (from, to): (usize, usize), response: &Response) {
        if response.amount_in <= 0.0 && response.stiffness <= 0.0 {
            return;
        }
        let price_in = at(&self.prices, from);
        let paid = price_in * response.amount_in;
        let received = at(&self.prices, to) * response.amount_out;
        add_at(&mut self.residual, from, -paid);
        add_at(&mut self.residual, to, received);
        add_at(&mut self.throughput, from, paid);
        add_at(&mut self.throughput, to, received);
        self.value += received - paid;
        let weight = price_in * response.stiffness;
        add_at(&mut self.pull, from, weight);
        add_at(&mut self.pull, to, weight);
        self.arcs.push(Arc {
            venue,
            from,
            to,
            weight,
            amount_in: response.amount_in,
            on_ramp: response.on_ramp,
        });
    }

    /// The Hessian by relative prices at this point; a venue that resisted lately still does.
    pub(super) fn hessian(&self, fixed: usize, memory: &Memory) -> Laplacian {
        let mut system = Laplacian::new(self.prices.len(), fixed);
        for arc in &self.arcs {
            if arc.weight >= find(&memory.arcs, arc.venue).map_or(0.0, |known| known.weight) {
                system.add_arc(arc.from, arc.to, arc.weight);
            }
        }
        for arc in &memory.arcs {
            if arc.weight > find(&self.arcs, arc.venue).map_or(0.0, |now| now.weight) {
                system.add_arc(arc.from, arc.to, arc.weight);
            }
        }
        system
    }

    fn ratio(&self, arc: &Arc) -> f64 {
        at(&self.prices, arc.from) / at(&self.prices, arc.to)
    }
}

/// What venues resisted in earlier points, fading.
///
/// Where a venue stops trading its second derivative drops to nothing at once, and a level of a
/// book or an empty range shows no second derivative on either side of its kink. Without a memory
/// the steps would run across such a place and back again and again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    arcs: Vec<Arc>,
}

impl Memory {
    /// Takes in a step: the second derivatives of its start, and the secants across kinks.
    pub(super) fn keep(&mut self, before: &Point, after: &Point) {
        let mut arcs: Vec<Arc> = self
            .arcs
            .iter()
            .map(|arc| Arc {
                weight: arc.weight * FADE,
                ..*arc
            })
            .collect();
        arcs.extend(before.arcs.iter().filter(|arc| !arc.on_ramp));
        arcs.extend(
            after
                .arcs
                .iter()
                .filter_map(|arc| secant(arc, before, after)),
        );
        arcs.extend(
            before
                .arcs
                .iter()
                .filter(|arc| find(&after.arcs, arc.venue).is_none())
                .filter_map(|arc| secant(arc, before, after)),
        );
        arcs.sort_by(|left, right| {
            let order = left.venue.cmp(&right.venue);
            order.then(right.weight.total_cmp(&left.weight))
        });
        arcs.dedup_by_key(|arc| arc.venue);
        self.arcs = arcs;
    }
}

/// Returns the mean second derivative of a venue between two points where a kink hides it.
fn secant(arc: &Arc, before: &Point, after: &Point) -> Option<Arc> {
    let start = find(&before.arcs, arc.venue);
    let end = find(&after.arcs, arc.venue);
    let amount = |arc: Option<&Arc>| arc.map_or(0.0, |arc| arc.amount_in);
    let steepest = start
        .map_or(0.0, |arc| arc.weight)
        .max(end.map_or(0.0, |arc| arc.weight));
    let change = (after.ratio(arc) / before.ratio(arc) - 1.0).abs();
    let moved = (amount(end) - amount(start)).abs() * at(&after.prices, arc.from);
    let weight = moved / change;
    (weight.is_finite() && weight > steepest * KINK).then_some(Arc { weight, ..*arc })
}

/// Returns a venue's arc among arcs by rising venue.
fn find(arcs: &[Arc], venue: usize) -> Option<&Arc> {
    arcs.binary_search_by_key(&venue, |arc| arc.venue)
        .ok()
        .and_then(|index| arcs.get(index))
}
