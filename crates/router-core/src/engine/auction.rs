//! The uncross that ends an auction: rounds of trades at one price each until the book is crossed no more.
//!
//! What self-trade prevention and reduce-only remove does not start the search for a price anew: every
//! meeting costs the same, and the search is made at most [`MAX_ROUNDS`] times.

use super::auction_price::{uncross_price, UncrossPrice};
use super::book::{Book, Shared};
use super::event::{event_flags, EventKind, EventRecord, Sink};
use super::ladder::Ladder;
use super::reason::Reason;
use super::rules::{Side, StpMode, MAX_ROUNDS};
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
    /// Prices of their levels.
    bid: u32,
    ask: u32,
}

impl Book {
    /// Trades while the book is crossed.
    pub(crate) fn uncross(&mut self, shared: &mut Shared, out: &mut dyn Sink) {
        for _ in 0..MAX_ROUNDS {
            let Some(found) = self.find_uncross() else {
                return;
            };
            let price = u32::try_from(found.price).unwrap_or(0);
            let traded = self.uncross_at(shared, price, out);
            if traded != 0 {
                out.event(self.uncross_event(shared.sequence, &found, traded));
            }
        }
        self.uncross_singly(shared, out);
    }

    /// One round: meetings at `price` as long as both sides accept it. Returns the lots that were traded.
    fn uncross_at(&mut self, shared: &mut Shared, price: u32, out: &mut dyn Sink) -> u64 {
        let mut traded: u64 = 0;
        while let Some(meeting) = self.meeting() {
            if meeting.bid < price || meeting.ask > price {
                break;
            }
            traded = traded.saturating_add(self.meet(shared, meeting, price, out));
        }
        traded
    }

    /// Order by order: each meeting at the price of whoever came first.
    fn uncross_singly(&mut self, shared: &mut Shared, out: &mut dyn Sink) {
        while let Some(meeting) = self.meeting() {
            if meeting.bid < meeting.ask {
                return;
            }
            let price = if meeting.maker == meeting.buy {
                meeting.bid
            } else {
                meeting.ask
            };
            self.meet(shared, meeting, price, out);
        }
    }

    /// The price of a round, `None` if the book is not crossed.
    fn find_uncross(&self) -> Option<UncrossPrice> {
        let (bid, ask) = (self.bids.best_price()?, self.asks.best_price()?);
        if bid < ask {
            return None;
        }
        let reference = if self.last == 0 { self.mark } else { self.last };
        let reference = (reference != 0).then_some(i64::from(reference));
        uncross_price(
            self.open_levels(Side::Buy, ask),
            self.open_levels(Side::Sell, bid),
            reference,
            self.rules.tick_step,
        )
    }

    /// Prices down to `worst`, and open lots, hidden ones included, best first.
    fn open_levels(&self, side: Side, worst: u32) -> impl Iterator<Item = (i64, u128)> + '_ {
        let ladder = self.side(side);
        let last = ladder.key(worst);
        let crossed = ladder.iter().take_while(move |(key, _)| *key <= last);
        crossed.map(move |(key, _)| {
            let open = self.queue(side, key).map(|slot| self.slab.hot(slot).open);
            let lots = open.fold(0_u128, |sum, open| sum.saturating_add(u128::from(open)));
            (i64::from(ladder.key(key)), lots)
        })
    }

    fn uncross_event(&self, sequence: u64, found: &UncrossPrice, traded: u64) -> EventRecord {
        EventRecord {
            kind: EventKind::Uncross.number(),
            instrument: self.terms.id,
            command: sequence,
            price: found.price,
            qty: traded,
            leaves: u64::try_from(found.surplus).unwrap_or(u64::MAX),
            ..EventRecord::default()
        }
    }

    /// The heads of the best levels, crossed or not.
    fn meeting(&self) -> Option<Meeting> {
        let head = |ladder: &Ladder| {
            let head = ladder.level(ladder.best_key())?.head;
            (head != NIL).then_some((head, ladder.best_price()?))
        };
        let ((buy, bid), (sell, ask)) = (head(&self.bids)?, head(&self.asks)?);
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
            bid,
            ask,
        })
    }

    /// Lets two orders trade and returns the lots, or removes or reduces what may not trade.
    fn meet(&mut self, shared: &mut Shared, at: Meeting, price: u32, out: &mut dyn Sink) -> u64 {
        let stp = self.slab.hot(at.taker).stp();
        if stp != StpMode::None && self.is_one_owner(shared, at) {
            self.prevent_meeting(shared, at, stp, out);
            return 0;
        }
        let mut lots = self.shown(at.maker).min(self.shown(at.taker));
        let is_own = self.slab.hot(at.maker).account == self.slab.hot(at.taker).account;
        for slot in [at.maker, at.taker] {
            let order = *self.slab.hot(slot);
            if order.has(flag::REDUCE_ONLY) {
                let accounts = &shared.accounts;
                let reducible = accounts.reducible(self.terms.id, order.account, order.side());
                // A trade with oneself moves no position.
                if reducible == 0 || is_own {
                    let mut out = out;
                    self.remove_order(shared, slot, Reason::ReduceOnly, &mut out);
                    return 0;
                }
                lots = lots.min(reducible);
            }
        }
        self.trade_meeting(shared, at, (price, lots), out);
        lots
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
        (price, lots): (u32, u64),
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
            price: i64::from(price),
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
        self.last = price;
        if self.armed | self.pending != 0 {
            self.work.print(price);
        }
        let mut out = out;
        if self.terms.funded {
            let parties = [self.party(shared, at.buy), self.party(shared, at.sell)];
            settle(&self.terms, shared, parties, price, lots, &mut out);
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
