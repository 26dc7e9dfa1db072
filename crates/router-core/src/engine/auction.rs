//! The uncross that ends an auction: trades at one price until the book is crossed no more.

use super::auction_price::{uncross_price, UncrossPrice};
use super::book::{Book, Shared};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::reason::Reason;
use super::rules::{Side, StpMode};
use super::settle::{settle, Party};
use super::slab::{flag, NIL};

/// The two orders that meet, by slot.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    buy: u32,
    sell: u32,
    /// The one with the earlier priority.
    maker: u32,
    taker: u32,
}

impl Book {
    /// Trades while the book is crossed.
    pub(crate) fn uncross(&mut self, shared: &mut Shared, out: &mut dyn Sink) {
        while let Some(found) = self.find_uncross() {
            out.event(self.uncross_event(shared.sequence, &found));
            while let Some(meeting) = self.meeting_at(found.price) {
                self.meet(shared, meeting, found.price, out);
            }
        }
    }

    fn find_uncross(&self) -> Option<UncrossPrice> {
        let reference = if self.last == 0 { self.mark } else { self.last };
        let reference = (reference != 0).then_some(i64::from(reference));
        uncross_price(
            self.open_levels(Side::Buy),
            self.open_levels(Side::Sell),
            reference,
            self.rules.tick_step,
        )
    }

    /// Prices and open lots, hidden ones included, best first.
    fn open_levels(&self, side: Side) -> impl Iterator<Item = (i64, u128)> + '_ {
        let ladder = self.side(side);
        ladder.iter().map(move |(key, _)| {
            let open = self.queue(side, key).map(|slot| self.slab.hot(slot).open);
            let lots = open.fold(0_u128, |sum, open| sum.saturating_add(u128::from(open)));
            (i64::from(ladder.key(key)), lots)
        })
    }

    fn uncross_event(&self, sequence: u64, found: &UncrossPrice) -> EventRecord {
        EventRecord {
            kind: EventKind::Uncross.number(),
            instrument: self.terms.id,
            command: sequence,
            price: found.price,
            qty: u64::try_from(found.volume).unwrap_or(u64::MAX),
            leaves: u64::try_from(found.surplus).unwrap_or(u64::MAX),
            ..EventRecord::default()
        }
    }

    /// The heads of the best levels, if both accept the price.
    fn meeting_at(&self, price: i64) -> Option<Meeting> {
        let head = |side: Side| {
            let ladder = self.side(side);
            let head = ladder.level(ladder.best_key())?.head;
            let level = i64::from(ladder.best_price()?);
            let accepts = match side {
                Side::Buy => level >= price,
                Side::Sell => level <= price,
            };
            (accepts && head != NIL).then_some(head)
        };
        let (buy, sell) = (head(Side::Buy)?, head(Side::Sell)?);
        let buy_is_later = self.slab.cold(buy).priority > self.slab.cold(sell).priority;
        let (maker, taker) = if buy_is_later {
            (sell, buy)
        } else {
            (buy, sell)
        };
        Some(Meeting {
            buy,
            sell,
            maker,
            taker,
        })
    }

    /// Lets two orders trade, or removes or reduces what may not trade.
    fn meet(&mut self, shared: &mut Shared, at: Meeting, price: i64, out: &mut dyn Sink) {
        let stp = self.slab.hot(at.taker).stp();
        if stp != StpMode::None && self.is_one_owner(shared, at) {
            self.prevent_meeting(shared, at, stp, out);
            return;
        }
        let mut lots = self.shown(at.maker).min(self.shown(at.taker));
        for slot in [at.maker, at.taker] {
            let order = *self.slab.hot(slot);
            if order.has(flag::REDUCE_ONLY) {
                let accounts = &shared.accounts;
                let reducible = accounts.reducible(self.terms.id, order.account, order.side());
                if reducible == 0 {
                    let mut out = out;
                    self.remove_order(shared, slot, Reason::ReduceOnly, &mut out);
                    return;
                }
                lots = lots.min(reducible);
            }
        }
        self.trade_meeting(shared, at, (price, lots), out);
    }

    fn is_one_owner(&self, shared: &Shared, at: Meeting) -> bool {
        let (maker, taker) = (
            self.slab.hot(at.maker).account,
            self.slab.hot(at.taker).account,
        );
        let group = shared.accounts.standing(taker).group;
        maker == taker || (group != 0 && shared.accounts.standing(maker).group == group)
    }

    fn prevent_meeting(
        &mut self,
        shared: &mut Shared,
        at: Meeting,
        stp: StpMode,
        out: &mut dyn Sink,
    ) {
        let mut out = out;
        let gone: &[u32] = match stp {
            StpMode::None => &[],
            StpMode::ExpireMaker => &[at.maker],
            StpMode::ExpireTaker => &[at.taker],
            StpMode::ExpireBoth => &[at.maker, at.taker],
            StpMode::Decrement => return self.decrement_meeting(shared, at, out),
        };
        for slot in gone {
            self.remove_order(shared, *slot, Reason::SelfTrade, &mut out);
        }
    }

    fn decrement_meeting(&mut self, shared: &mut Shared, at: Meeting, out: &mut dyn Sink) {
        let mut out = out;
        let lots = self
            .slab
            .hot(at.maker)
            .open
            .min(self.slab.hot(at.taker).open);
        for slot in [at.maker, at.taker] {
            if lots == self.slab.hot(slot).open {
                self.remove_order(shared, slot, Reason::SelfTrade, &mut out);
            } else {
                self.reduce_in_place(shared, slot, lots, Reason::SelfTrade, &mut out);
                self.link_touched(shared, slot, out);
            }
        }
    }

    fn trade_meeting(
        &mut self,
        shared: &mut Shared,
        at: Meeting,
        (price, lots): (i64, u64),
        out: &mut dyn Sink,
    ) {
        let (buy, sell) = (*self.slab.hot(at.buy), *self.slab.hot(at.sell));
        let done = if lots == sell.open {
            event_flags::MAKER_DONE
        } else {
            0
        };
        out.event(EventRecord {
            flags: event_flags::AUCTION | done,
            other_account: sell.account,
            other_id: sell.id(),
            price,
            qty: lots,
            leaves: buy.open.saturating_sub(lots),
            ..self.about(shared.sequence, EventKind::Trade, &buy)
        });
        if self.terms.positions {
            let id = self.terms.id;
            shared
                .accounts
                .shift_position(id, buy.account, Side::Buy, lots);
            shared
                .accounts
                .shift_position(id, sell.account, Side::Sell, lots);
        }
        let ticks = u32::try_from(price).unwrap_or(0);
        self.last = ticks;
        if self.armed | self.pending != 0 {
            self.work.print(ticks);
        }
        let mut out = out;
        if self.terms.funded {
            let parties = [self.party(shared, at.buy), self.party(shared, at.sell)];
            settle(&self.terms, shared, parties, ticks, lots, &mut out);
        }
        for (slot, order) in [(at.buy, buy), (at.sell, sell)] {
            self.reduce_maker(shared, slot, lots, &mut out);
            debug_assert!(order.open >= lots, "an order trades more than it has");
        }
        for (slot, order) in [(at.buy, buy), (at.sell, sell)] {
            if order.open != lots {
                self.refill(shared, slot, &mut out);
            }
        }
    }

    fn party(&self, shared: &Shared, slot: u32) -> Party {
        let order = self.slab.hot(slot);
        Party {
            account: order.account,
            id: order.id(),
            side: order.side(),
            hold_price: self.hold_price(slot),
            // Both rested; a rebate would have nobody who pays for it.
            ppm: shared.accounts.rates(order.account).maker_ppm.max(0),
            holds: true,
        }
    }
}
