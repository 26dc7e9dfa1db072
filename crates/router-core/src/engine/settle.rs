//! What trades and open orders do to balances.

use super::book::{Book, Shared, Terms};
use super::event::{EventKind, EventRecord, Sink};
use super::funds::{base_units, quote_units};
use super::rules::Side;
use super::slab::NIL;

/// One side of a trade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Party {
    /// Owner.
    pub(crate) account: u32,
    /// Order.
    pub(crate) id: u64,
    /// Side.
    pub(crate) side: Side,
    /// Price at which the order holds funds, 0 if it holds none and pays from what is available.
    pub(crate) hold_price: u32,
    /// Fee rate of this trade, ppm.
    pub(crate) ppm: i32,
    /// True if the order holds funds for this trade.
    pub(crate) holds: bool,
}

/// Pays a trade: first the first party, whose fee is told first.
#[inline]
pub(crate) fn settle<S: Sink>(
    terms: &Terms,
    shared: &mut Shared,
    parties: [Party; 2],
    price: u32,
    lots: u64,
    out: &mut S,
) {
    let base = base_units(lots, terms.lot_units);
    let quote = quote_units(i64::from(price), lots, terms.tick_units);
    for party in parties {
        let (pays, paid, gets, got) = match party.side {
            Side::Buy => (terms.quote_asset, quote, terms.base_asset, base),
            Side::Sell => (terms.base_asset, base, terms.quote_asset, quote),
        };
        if party.holds {
            let held = match party.side {
                Side::Buy if party.hold_price != price => {
                    quote_units(i64::from(party.hold_price), lots, terms.tick_units)
                }
                Side::Buy | Side::Sell => paid,
            };
            shared.funds.pay_held(party.account, pays, held, paid);
        } else {
            shared.funds.pay(party.account, pays, paid);
        }
        let fee = shared.funds.receive(party.account, gets, got, party.ppm);
        if fee != 0 {
            out.event(fee_event(terms, shared.sequence, &party, gets, fee));
        }
    }
}

fn fee_event(terms: &Terms, sequence: u64, party: &Party, asset: u32, fee: i128) -> EventRecord {
    EventRecord {
        kind: EventKind::Fee.number(),
        side: party.side.number(),
        instrument: terms.id,
        command: sequence,
        account: party.account,
        order_id: party.id,
        other_id: u64::from(asset),
        ..EventRecord::default()
    }
    .with_amount(fee)
}

impl Terms {
    /// Asset and base units that an order of `lots` at `price` needs.
    #[inline]
    pub(crate) fn need(&self, side: Side, price: u32, lots: u64) -> (u32, u128) {
        match side {
            Side::Buy => (
                self.quote_asset,
                quote_units(i64::from(price), lots, self.tick_units),
            ),
            Side::Sell => (self.base_asset, base_units(lots, self.lot_units)),
        }
    }
}

impl Book {
    /// Price at which an open order holds funds.
    #[inline]
    pub(crate) fn hold_price(&self, slot: u32) -> u32 {
        match self.slab.exotic(slot) {
            Some(exotic) if exotic.peg != super::rules::PegKind::None => exotic.cap,
            Some(_) | None => self.slab.hot(slot).price(),
        }
    }

    /// Holds what `lots` of an order need. What was checked is there.
    #[inline]
    pub(crate) fn hold(
        &self,
        shared: &mut Shared,
        account: u32,
        side: Side,
        price: u32,
        lots: u64,
    ) {
        if self.terms.funded {
            let (asset, units) = self.terms.need(side, price, lots);
            let held = shared.funds.hold(account, asset, units);
            debug_assert!(held, "an order rests that was not paid for");
        }
    }

    /// Frees what `lots` of an order hold.
    #[inline]
    pub(crate) fn free(
        &self,
        shared: &mut Shared,
        account: u32,
        side: Side,
        price: u32,
        lots: u64,
    ) {
        if self.terms.funded {
            let (asset, units) = self.terms.need(side, price, lots);
            shared.funds.release(account, asset, units);
        }
    }

    /// Frees what an open order that is in no list holds for `lots` of its open lots.
    pub(crate) fn free_lots(&self, shared: &mut Shared, slot: u32, lots: u64) {
        if self.terms.funded && slot != NIL {
            let order = *self.slab.hot(slot);
            self.free(
                shared,
                order.account,
                order.side(),
                self.hold_price(slot),
                lots,
            );
        }
    }
}
