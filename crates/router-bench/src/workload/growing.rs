//! `liq`: buys and sells in turn, prices uniform over ten ticks a side, of which six cross.

use super::session::Session;
use super::{Side, Size, Tape};

const LOWEST_BUY: i64 = 1_880;
const LOWEST_SELL: i64 = 1_884;
const TICKS: i64 = 10;
const LOT: i64 = 100;

pub(super) fn generate(size: Size) -> Tape {
    let mut session = Session::new(size);
    for index in 0..size.commands {
        let (side, lowest) = if index % 2 == 0 {
            (Side::Buy, LOWEST_BUY)
        } else {
            (Side::Sell, LOWEST_SELL)
        };
        let quantity = (session.draws.below(10) + 1) * LOT;
        let price = lowest + session.draws.below(TICKS);
        session.place(side, price, quantity, false);
    }
    session.finish()
}
