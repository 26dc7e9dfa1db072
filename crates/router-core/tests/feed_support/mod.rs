//! A stand-in for the engine: random legal event streams and the displayed book that they must lead to.
#![allow(dead_code, reason = "each test file uses a part")]

use proptest::prelude::*;
use router_core::engine::{event_flags, CommandKind, EventKind, EventRecord, Reason};
use router_core::feed::{FeedRecord, Publisher};

/// An order of the stand-in, in order of its place in the queue.
#[derive(Clone, Copy, Debug)]
struct Order {
    id: u64,
    side: u8,
    price: i64,
    shown: u64,
    hidden: u64,
    display: u64,
}

/// What happens to the stand-in; numbers choose among what is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Rest(u8, i64, u64, u64),
    Trade(usize, u64),
    Uncross(usize, usize, u64),
    Reduce(usize, u64),
    Replace(usize, i64),
    Cancel(usize),
    Private,
    Phase(u8),
}

pub(crate) fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_u8..2, 1_i64..30, 1_u64..50, 0_u64..100).prop_map(|(side, price, shown, hidden)| Step::Rest(side, price, shown, hidden)),
        4 => (0_usize..64, 1_u64..50).prop_map(|(pick, lots)| Step::Trade(pick, lots)),
        1 => (0_usize..64, 0_usize..64, 1_u64..50).prop_map(|(buy, sell, lots)| Step::Uncross(buy, sell, lots)),
        2 => (0_usize..64, 1_u64..50).prop_map(|(pick, lots)| Step::Reduce(pick, lots)),
        1 => (0_usize..64, 1_i64..30).prop_map(|(pick, price)| Step::Replace(pick, price)),
        2 => (0_usize..64).prop_map(Step::Cancel),
        1 => Just(Step::Private),
        1 => (0_u8..4).prop_map(Step::Phase),
    ]
}

/// Batches of steps: each step is a command, each batch a submission.
pub(crate) fn any_batches() -> impl Strategy<Value = Vec<Vec<Step>>> {
    prop::collection::vec(prop::collection::vec(any_step(), 0..12), 1..24)
}

/// The stand-in with one instrument.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    orders: Vec<Order>,
    next_id: u64,
    command: u64,
    pub(crate) phase: u8,
}

/// Account and client id that no public record may show.
pub(crate) const ACCOUNT: u32 = 0xA0A1_A2A3;
pub(crate) const CLIENT_ID: u64 = 0xC0C1_C2C3_C4C5_C6C7;

impl StandIn {
    /// The stand-in and the events of its first command, which adds the instrument.
    pub(crate) fn start() -> (Self, Vec<EventRecord>) {
        let stand_in = Self {
            orders: Vec::new(),
            next_id: 1,
            command: 0,
            phase: 0,
        };
        let added = EventRecord {
            qty: u64::from(CommandKind::AddInstrument.number()),
            ..stand_in.event(EventKind::Configured)
        };
        (stand_in, vec![added])
    }

    fn event(&self, kind: EventKind) -> EventRecord {
        EventRecord {
            kind: kind.number(),
            command: self.command,
            account: ACCOUNT,
            ..EventRecord::default()
        }
    }

    fn of(&self, kind: EventKind, order: &Order) -> EventRecord {
        EventRecord {
            side: order.side,
            order_id: order.id,
            price: order.price,
            ..self.event(kind)
        }
    }

    fn rested(&self, order: &Order, flags: u8) -> EventRecord {
        EventRecord {
            flags,
            qty: order.shown,
            leaves: order.shown + order.hidden,
            ..self.of(EventKind::Rested, order)
        }
    }

    pub(crate) fn step(&mut self, step: Step, events: &mut Vec<EventRecord>) {
        self.command += 1;
        let last = self.orders.len();
        match step {
            Step::Rest(side, price, shown, hidden) => self.rest(side, price, shown, hidden, events),
            Step::Phase(phase) => {
                self.phase = phase;
                events.push(EventRecord {
                    qty: u64::from(phase),
                    ..self.event(EventKind::Phase)
                });
            }
            Step::Trade(pick, lots) if last > 0 => self.trade(pick % last, lots, events),
            Step::Uncross(buy, sell, lots) => self.uncross(buy, sell, lots, events),
            Step::Reduce(pick, lots) if last > 0 => self.reduce(pick % last, lots, events),
            Step::Cancel(pick) if last > 0 => {
                let order = self.orders.remove(pick % last);
                events.push(EventRecord {
                    reason: Reason::Requested.number(),
                    qty: order.shown + order.hidden,
                    ..self.of(EventKind::Cancelled, &order)
                });
            }
            Step::Replace(pick, price) if last > 0 => {
                let mut order = self.orders.remove(pick % last);
                order.price = price;
                events.push(EventRecord {
                    leaves: order.shown + order.hidden,
                    ..self.of(EventKind::Replaced, &order)
                });
                events.push(self.rested(&order, 0));
                self.orders.push(order);
            }
            _ => self.private(events),
        }
    }

    fn rest(
        &mut self,
        side: u8,
        price: i64,
        shown: u64,
        hidden: u64,
        events: &mut Vec<EventRecord>,
    ) {
        let order = Order {
            id: self.next_id,
            side,
            price,
            shown,
            hidden,
            display: shown,
        };
        self.next_id += 1;
        events.push(EventRecord {
            other_id: CLIENT_ID,
            qty: shown + hidden,
            ..self.of(EventKind::Accepted, &order)
        });
        events.push(self.rested(&order, 0));
        self.orders.push(order);
    }

    /// Takes lots off; returns the refilled order, which is then the last of all.
    fn take(&mut self, place: usize, lots: u64) -> Option<Order> {
        let order = &mut self.orders[place];
        order.shown -= lots;
        if order.shown > 0 {
            return None;
        }
        let mut gone = self.orders.remove(place);
        gone.shown = gone.display.min(gone.hidden);
        gone.hidden -= gone.shown;
        (gone.shown > 0).then_some(gone)
    }

    fn trade(&mut self, place: usize, lots: u64, events: &mut Vec<EventRecord>) {
        let maker = self.orders[place];
        let lots = lots.min(maker.shown);
        let taker = self.next_id;
        self.next_id += 1;
        events.push(EventRecord {
            order_id: taker,
            other_id: maker.id,
            other_account: ACCOUNT,
            side: 1 - maker.side,
            qty: lots,
            ..self.of(EventKind::Trade, &maker)
        });
        events.push(self.event(EventKind::Fee));
        if let Some(refilled) = self.take(place, lots) {
            events.push(self.rested(&refilled, event_flags::REFILL));
            self.orders.push(refilled);
        }
    }

    fn uncross(&mut self, buy: usize, sell: usize, lots: u64, events: &mut Vec<EventRecord>) {
        let pick = |side: u8, nth: usize| {
            let of_side: Vec<Order> = self
                .orders
                .iter()
                .filter(|o| o.side == side)
                .copied()
                .collect();
            (!of_side.is_empty()).then(|| of_side[nth % of_side.len()])
        };
        let (Some(buy), Some(sell)) = (pick(0, buy), pick(1, sell)) else {
            return self.private(events);
        };
        let lots = lots.min(buy.shown).min(sell.shown);
        events.push(EventRecord {
            flags: event_flags::AUCTION,
            other_id: sell.id,
            other_account: ACCOUNT,
            qty: lots,
            leaves: buy.shown + buy.hidden - lots,
            price: sell.price,
            ..self.of(EventKind::Trade, &buy)
        });
        for id in [buy.id, sell.id] {
            let place = self.orders.iter().position(|o| o.id == id).unwrap();
            if let Some(refilled) = self.take(place, lots) {
                events.push(self.rested(&refilled, event_flags::REFILL));
                self.orders.push(refilled);
            }
        }
        events.push(EventRecord {
            price: sell.price,
            qty: lots,
            leaves: buy.hidden,
            ..self.event(EventKind::Uncross)
        });
    }

    fn reduce(&mut self, place: usize, lots: u64, events: &mut Vec<EventRecord>) {
        let order = self.orders[place];
        let open = order.shown + order.hidden;
        if lots >= open {
            return self.private(events);
        }
        let left = open - lots;
        let shown = order.shown.min(left);
        self.orders[place] = Order {
            shown,
            hidden: left - shown,
            ..order
        };
        events.push(EventRecord {
            qty: lots,
            leaves: left,
            ..self.of(EventKind::Reduced, &order)
        });
    }

    /// Events that are nobody else's business.
    fn private(&self, events: &mut Vec<EventRecord>) {
        for kind in [
            EventKind::Rejected,
            EventKind::Duplicate,
            EventKind::Balance,
            EventKind::Armed,
        ] {
            events.push(EventRecord {
                other_id: CLIENT_ID,
                order_id: self.next_id + 1_000_000,
                ..self.event(kind)
            });
        }
    }

    /// Price, id and displayed lots of each order of a side: best level first, head first.
    pub(crate) fn queue(&self, side: u8) -> Vec<(i64, u64, u64)> {
        let mut queue: Vec<_> = self
            .orders
            .iter()
            .filter(|o| o.side == side)
            .map(|o| (o.price, o.id, o.shown))
            .collect();
        queue.sort_by_key(|(price, _, _)| if side == 0 { -price } else { *price });
        queue
    }

    /// Price, displayed lots and number of orders of each level of a side, best first.
    pub(crate) fn depth(&self, side: u8) -> Vec<(i64, u64, u64)> {
        levels_of(&self.queue(side))
    }
}

/// Sums a queue up to levels.
pub(crate) fn levels_of(queue: &[(i64, u64, u64)]) -> Vec<(i64, u64, u64)> {
    let mut levels: Vec<(i64, u64, u64)> = Vec::new();
    for (price, _, shown) in queue {
        match levels.last_mut().filter(|level| level.0 == *price) {
            Some(level) => *level = (*price, level.1 + shown, level.2 + 1),
            None => levels.push((*price, *shown, 1)),
        }
    }
    levels
}

/// The displayed book: depth of both sides, queues of both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) depth: [Vec<(i64, u64, u64)>; 2],
    pub(crate) queues: [Vec<(i64, u64, u64)>; 2],
}

/// What one batch published and what the book was after it.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) depth: Vec<FeedRecord>,
    pub(crate) orders: Vec<FeedRecord>,
    pub(crate) depth_snapshot: Vec<FeedRecord>,
    pub(crate) orders_snapshot: Vec<FeedRecord>,
    pub(crate) truth: Truth,
}

/// Publishes a batch of events of instrument 0 and takes snapshots behind it.
pub(crate) fn publish(publisher: &mut Publisher, events: &[EventRecord], truth: Truth) -> Batch {
    let mut batch = Batch {
        depth: Vec::new(),
        orders: Vec::new(),
        depth_snapshot: Vec::new(),
        orders_snapshot: Vec::new(),
        truth,
    };
    publisher
        .publish(events, &mut batch.depth, &mut batch.orders)
        .unwrap();
    publisher
        .depth_snapshot(0, &mut batch.depth_snapshot)
        .unwrap();
    publisher
        .orders_snapshot(0, &mut batch.orders_snapshot)
        .unwrap();
    batch
}

/// Runs the stand-in and publishes its events; the first batch is that of the listing.
pub(crate) fn run(batches: &[Vec<Step>]) -> (Publisher, Vec<Batch>) {
    let (mut stand_in, events) = StandIn::start();
    let mut publisher = Publisher::new(7);
    let mut done = vec![publish(&mut publisher, &events, Truth::default())];
    publisher.watch_orders(0, true).unwrap();
    done[0].orders_snapshot.clear();
    publisher
        .orders_snapshot(0, &mut done[0].orders_snapshot)
        .unwrap();
    for steps in batches {
        let mut events = Vec::new();
        for step in steps {
            stand_in.step(*step, &mut events);
        }
        let truth = Truth {
            depth: [stand_in.depth(0), stand_in.depth(1)],
            queues: [stand_in.queue(0), stand_in.queue(1)],
        };
        done.push(publish(&mut publisher, &events, truth));
    }
    (publisher, done)
}

/// CRC-32 bit by bit, as its definition has it.
pub(crate) fn crc32(bytes: &[u8]) -> u64 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    u64::from(!crc)
}
