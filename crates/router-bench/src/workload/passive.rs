//! `itch` and `deep`: passive adds at a geometric distance from the touch, uniform cancels.

use super::reference::Resting;
use super::session::Session;
use super::{Side, Size, Tape};

/// Mean distance from the touch in `itch`.
pub(super) const NEAR_TICKS: f64 = 12.0;
/// Mean distance from the touch in `deep`.
pub(super) const FAR_TICKS: f64 = 400.0;

const MIDDLE: i64 = 100_000;
/// Below this many orders the book only grows.
const FEWEST_ORDERS: usize = 16;

pub(super) fn generate(size: Size, mean_ticks: f64) -> Tape {
    let mut session = Session::new(size);
    for _ in 0..size.resting {
        add(&mut session, mean_ticks);
    }
    for _ in 0..size.commands {
        step(&mut session, size.resting, mean_ticks);
    }
    session.finish()
}

fn step(session: &mut Session, target: usize, mean_ticks: f64) {
    let draw = session.draws.unit();
    // The share of adds leans against the book's distance from its target size.
    let adds = if session.live_count() < target {
        0.52
    } else {
        0.40
    };
    if draw < adds || session.live_count() < FEWEST_ORDERS {
        add(session, mean_ticks);
    } else if draw < 0.86 {
        if let Some((side, _, order)) = pick(session) {
            session.cancel((side, order));
        }
    } else if draw < 0.89 {
        if let Some((side, _, order)) = pick(session) {
            session.reduce((side, order));
        }
    } else if draw < 0.96 {
        if let Some((side, _, order)) = pick(session) {
            let price = passive_price(session, side, mean_ticks);
            session.shift((side, order), price);
        }
    } else {
        take(session);
    }
}

fn pick(session: &mut Session) -> Option<(Side, i64, Resting)> {
    let id = session.pick_any()?;
    session.book.order(id)
}

fn add(session: &mut Session, mean_ticks: f64) {
    let side = drawn_side(session);
    let price = passive_price(session, side, mean_ticks);
    let quantity = 1 + session.draws.below(10) * session.draws.below(10);
    session.place(side, price, quantity, false);
}

fn take(session: &mut Session) {
    let side = drawn_side(session);
    let price = match side {
        Side::Buy => MIDDLE * 2,
        Side::Sell => 1,
    };
    let quantity = 1 + session.draws.below(10) * session.draws.below(10) * 2;
    session.place(side, price, quantity, true);
}

fn drawn_side(session: &mut Session) -> Side {
    if session.draws.below(2) == 0 {
        Side::Buy
    } else {
        Side::Sell
    }
}

/// One tick behind the other side's best, and a geometric distance further away, at least 1.
fn passive_price(session: &mut Session, side: Side, mean_ticks: f64) -> i64 {
    let distance = (-(1.0 - session.draws.unit()).ln() * mean_ticks) as i64;
    let price = match side {
        Side::Buy => session.book.best(Side::Sell).unwrap_or(MIDDLE + 1) - 1 - distance,
        Side::Sell => session.book.best(Side::Buy).unwrap_or(MIDDLE - 1) + 1 + distance,
    };
    price.max(1)
}
