//! `xc`: the mix of exchange-core's own benchmark on one symbol, most commands move an order.

use super::session::Session;
use super::{Side, Size, Tape};

const START_PRICE: i64 = 63_095;
/// Five hundredths of the start price, cut.
const DEVIATION: i64 = 3_154;
const LOWEST_PRICE: i64 = START_PRICE - 5 * DEVIATION;
const HIGHEST_PRICE: i64 = START_PRICE + 5 * DEVIATION;
/// Moves, reductions and cancels pick among this many of the oldest orders.
const OLDEST: usize = 512;
/// The book's size is looked at every so many commands.
const OBSERVED_EVERY: usize = 512;

/// The generator's slow view of the book, by which it decides whether a side lacks orders.
struct View {
    half: i64,
    counts: [i64; 2],
    filled_once: bool,
    next_look: usize,
    interval: usize,
}

impl View {
    fn new(target: usize) -> Self {
        let interval = OBSERVED_EVERY.min(target + 1);
        Self {
            half: (target / 2) as i64,
            counts: [0, 0],
            filled_once: false,
            next_look: interval,
            interval,
        }
    }

    fn look(&mut self, index: usize, session: &Session) {
        if index >= self.next_look {
            self.next_look += self.interval;
            self.counts = [Side::Buy, Side::Sell].map(|side| session.book.count(side) as i64);
        }
    }

    /// Whether `side` lacks orders, and the range of the draw that picks the action.
    fn appetite(&mut self, side: Side) -> (bool, i64) {
        let lack = self.half - self.counts[side as usize];
        let hurry = !self.filled_once || lack > (self.half * 3 / 4).min(512);
        if lack <= 0 {
            self.filled_once = true;
            return (false, 40);
        }
        (true, if hurry { 2 } else { 10 })
    }
}

pub(super) fn generate(size: Size) -> Tape {
    let mut session = Session::new(size);
    let mut view = View::new(size.resting);
    for index in 0..size.commands + size.resting {
        if index < size.resting {
            rest(&mut session);
        } else {
            step(&mut session, &mut view);
        }
        view.look(index, &session);
    }
    session.finish()
}

fn step(session: &mut Session, view: &mut View) {
    let side = drawn_side(session);
    let (lacking, range) = view.appetite(side);
    let draw = session.draws.below(range);
    if draw < 2 || session.live_count() == 0 {
        if lacking {
            rest(session);
        } else {
            take(session);
        }
        return;
    }
    let Some(id) = session.pick_old(OLDEST) else {
        return;
    };
    let Some((side, price, order)) = session.book.order(id) else {
        return;
    };
    match draw {
        2 => session.cancel((side, order)),
        3 => session.reduce((side, order)),
        _ => {
            let moved = moved_price(session, price);
            session.shift((side, order), moved);
        }
    }
}

fn drawn_side(session: &mut Session) -> Side {
    if session.draws.below(4) >= 2 {
        Side::Buy
    } else {
        Side::Sell
    }
}

fn drawn_quantity(session: &mut Session) -> i64 {
    1 + session.draws.below(6) * session.draws.below(6) * session.draws.below(6)
}

fn last_price(session: &Session) -> i64 {
    session
        .book
        .last_price()
        .unwrap_or(START_PRICE)
        .clamp(LOWEST_PRICE, HIGHEST_PRICE)
}

/// A new order on the far side of the last price, nearer ones more likely.
fn rest(session: &mut Session) {
    let side = drawn_side(session);
    let unit = session.draws.unit();
    let spread = 1 + (unit * unit * DEVIATION as f64) as i64;
    let sum: i64 = (0..4).map(|_| session.draws.below(spread)).sum();
    let offset = sum / 4 * 2 - spread;
    let distance = match side {
        Side::Buy => -offset.abs(),
        Side::Sell => offset.abs(),
    };
    let price = last_price(session) + distance;
    let quantity = drawn_quantity(session);
    session.place(side, price, quantity, false);
}

/// An order that takes what there is, at the edge of the range.
fn take(session: &mut Session) {
    let side = drawn_side(session);
    let price = match side {
        Side::Buy => HIGHEST_PRICE,
        Side::Sell => LOWEST_PRICE,
    };
    let quantity = drawn_quantity(session);
    session.place(side, price, quantity, true);
}

/// A hundredth of the way to the last price, at least one tick; either way if it is there.
#[allow(clippy::cast_precision_loss, reason = "prices are far below 53 bits")]
fn moved_price(session: &mut Session, price: i64) -> i64 {
    let last = last_price(session);
    let part = (last - price) as f64 * 0.01;
    let step = match price.cmp(&last) {
        std::cmp::Ordering::Greater => part.floor() as i64,
        std::cmp::Ordering::Less => part.ceil() as i64,
        std::cmp::Ordering::Equal => session.draws.below(2) * 2 - 1,
    };
    (price + step).min(HIGHEST_PRICE)
}
