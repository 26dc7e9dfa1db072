//! The short tape of a row, played on both engines.

use router_core::engine::{
    decode_image, encode, encode_image, Command, CommandRecord, Engine, EventKind, EventRecord,
    Limits, ListRole, NewInstrument, NewOrder, OrderType, PegKind, Phase, Reason, RuleKind, Side,
    StpMode, Tif,
};
use router_twin::pair::Pair;

use crate::rows::{is_stop, Books, Change, Crash, Marks, Role, Row, Scene};

/// Whose order it is.
const OWNER: u32 = 1;
/// In the same trade group.
const FRIEND: u32 = 5;
/// Two others.
const OTHERS: [u32; 2] = [2, 3];
const CLIENT_ID: u64 = 77;
const LOTS: u64 = 6;
/// Price of the first print and of the first mark.
const MIDDLE: i64 = 100;
/// Commands of a tape among which a crash may fall.
const PLACES: usize = 60;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Applied,
    Refused(Option<Reason>),
}

/// What became of the order and of its amend.
pub(crate) struct Played {
    pub(crate) order: Outcome,
    pub(crate) amend: Option<Outcome>,
}

struct Run {
    row: Row,
    pair: Pair,
    past: Vec<CommandRecord>,
    told: usize,
    /// After so many commands the engine is thrown away.
    crash_at: Option<usize>,
}

/// Plays the tape of a row.
pub(crate) fn play(number: usize, row: Row) -> Played {
    let crash_at = match row.crash {
        Crash::ImageAnywhere | Crash::Replay => Some(number * 7 % PLACES),
        Crash::Never | Crash::ImageAfterOrder | Crash::ImageAfterAmend => None,
    };
    let limits = Limits {
        max_accounts: 6,
        max_assets: 2,
        max_instruments: 1,
        max_orders: 64,
        max_client_ids: 8,
        ..Limits::default()
    };
    let mut run = Run {
        row,
        pair: Pair::new(limits),
        past: Vec::new(),
        told: 0,
        crash_at,
    };
    run.open();
    run.set_scene();
    run.phase(row.phase);
    let events = run.tell(&run.orders());
    let (order, id) = run.outcome(&events);
    if row.crash == Crash::ImageAfterOrder {
        run.restore();
    }
    let amend = run.amend(id);
    if row.crash == Crash::ImageAfterAmend {
        run.restore();
    }
    run.close(id);
    Played { order, amend }
}

impl Run {
    fn tell(&mut self, commands: &[Command]) -> Vec<EventRecord> {
        let records: Vec<_> = commands.iter().map(encode).collect();
        let events = match self.pair.submit(&records) {
            Ok(events) => events,
            Err(difference) => panic!(
                "{difference:?} differ at {commands:?}\nof {:?}\nafter {:?}",
                self.row,
                self.past
                    .iter()
                    .map(router_core::engine::decode)
                    .collect::<Vec<_>>()
            ),
        };
        self.past.extend(records);
        self.told += 1;
        if self.crash_at == Some(self.told) {
            match self.row.crash {
                Crash::Replay => self.replay(),
                Crash::Never
                | Crash::ImageAfterOrder
                | Crash::ImageAfterAmend
                | Crash::ImageAnywhere => self.restore(),
            }
        }
        events
    }

    /// Goes on from the saved state.
    fn restore(&mut self) {
        let bytes = encode_image(&self.pair.engine.image());
        let image = decode_image(&bytes).unwrap_or_else(|error| panic!("{error:?}"));
        let restored = Engine::from_image(&image);
        self.pair.engine = restored.unwrap_or_else(|error| panic!("{error:?} of {:?}", self.row));
        assert_eq!(encode_image(&self.pair.engine.image()), bytes);
    }

    /// Goes on from the tape so far, given at once.
    fn replay(&mut self) {
        let before = self.pair.engine.state_hash();
        let mut engine = Engine::new(self.pair.engine.image().limits);
        engine.submit(&self.past, &mut Vec::<EventRecord>::new());
        assert_eq!(engine.state_hash(), before, "{:?}", self.row);
        self.pair.engine = engine;
    }

    fn phase(&mut self, phase: Phase) {
        self.tell(&[Command::SetPhase {
            instrument: 0,
            phase,
        }]);
    }

    fn open(&mut self) {
        let Row { books, side, .. } = self.row;
        self.tell(&[Command::AddInstrument(NewInstrument {
            instrument: 0,
            base_asset: 1,
            quote_asset: 0,
            lot_units: 3,
            tick_units: 2,
            max_qty: 0,
            funded: books == Books::Funded,
            positions: books == Books::Positions,
        })]);
        self.phase(Phase::Continuous);
        for account in [OWNER, FRIEND] {
            self.tell(&[Command::SetAccount {
                account,
                tier: 1,
                group: 9,
            }]);
        }
        if books == Books::Funded {
            for account in 0..6 {
                for asset in 0..2 {
                    self.tell(&[Command::Deposit {
                        account,
                        asset,
                        amount: 1_000_000,
                    }]);
                }
            }
            self.tell(&[Command::SetTier {
                tier: 1,
                maker_ppm: 1_500,
                taker_ppm: 2_500,
            }]);
        }
        if books == Books::Positions {
            let lots = if side == Side::Sell { 8 } else { -8 };
            for (account, position) in [(OWNER, lots), (2, -lots)] {
                self.tell(&[Command::SetPosition {
                    instrument: 0,
                    account,
                    position,
                }]);
            }
        }
        self.tell(&[Command::SetRule {
            instrument: 0,
            rule: RuleKind::CollarPpm,
            value: 40_000,
        }]);
    }

    /// A price so many ticks worse for a taker on the side of the order.
    fn beyond(&self, ticks: i64) -> i64 {
        match self.row.side {
            Side::Buy => MIDDLE + ticks,
            Side::Sell => MIDDLE - ticks,
        }
    }

    fn place(&mut self, order: NewOrder) {
        self.tell(&[Command::New(order)]);
    }

    fn set_scene(&mut self) {
        let (side, against) = (self.row.side, self.row.side.opposite());
        let limit = |account, side, price, qty| NewOrder::limit(0, account, side, price, qty);
        let [one, other] = OTHERS;
        self.place(limit(one, against, MIDDLE, 1));
        self.place(limit(other, side, MIDDLE, 1));
        self.tell(&[Command::SetMark {
            instrument: 0,
            price: MIDDLE,
        }]);
        let (near, far) = (self.beyond(1), self.beyond(2));
        match self.row.scene {
            Scene::Empty => {}
            Scene::OneLevel => self.place(limit(one, against, near, 10)),
            Scene::OwnAcross => {
                self.place(limit(one, against, near, 2));
                self.place(limit(FRIEND, against, near, 4));
                self.place(limit(OWNER, against, far, 3));
                self.place(limit(other, against, far, 10));
            }
            Scene::Deep => self.set_deep(),
        }
    }

    fn set_deep(&mut self) {
        let (side, against) = (self.row.side, self.row.side.opposite());
        let [one, other] = OTHERS;
        for ticks in 1..6 {
            for account in OTHERS {
                let iceberg = NewOrder {
                    display: 2,
                    ..NewOrder::limit(0, account, against, self.beyond(ticks), 3)
                };
                self.place(iceberg);
                let behind = NewOrder::limit(0, account, side, self.beyond(-ticks - 2), 2);
                self.place(behind);
            }
        }
        if self.row.books == Books::Positions {
            self.place(NewOrder {
                flags: router_core::engine::order_flags::REDUCE_ONLY,
                ..NewOrder::limit(0, one, against, self.beyond(1), 4)
            });
        }
        self.place(NewOrder {
            order_type: OrderType::Pegged,
            peg: PegKind::Primary,
            ..NewOrder::limit(0, other, against, self.beyond(2), 3)
        });
        self.place(NewOrder {
            order_type: OrderType::Stop,
            tif: Tif::Ioc,
            trigger: self.beyond(2),
            ..NewOrder::limit(0, one, side, self.beyond(9), 3)
        });
    }

    /// The order that the row is about.
    fn subject(&self) -> NewOrder {
        let Row {
            kind,
            tif,
            marks,
            stp,
            side,
            reaches,
            ..
        } = self.row;
        let priced = reaches || self.row.books == Books::Funded;
        let (price, trigger) = match kind {
            OrderType::Limit => (self.beyond(if reaches { 2 } else { -1 }), 0),
            OrderType::Market => (if reaches { self.beyond(2) } else { 0 }, 0),
            OrderType::MarketToLimit => (0, 0),
            OrderType::Stop => (if priced { self.beyond(7) } else { 0 }, self.beyond(3)),
            OrderType::StopLimit => (self.beyond(if reaches { 7 } else { 1 }), self.beyond(3)),
            OrderType::TrailingStop => (if priced { self.beyond(7) } else { 0 }, 2),
            OrderType::Pegged => (if priced { self.beyond(4) } else { 0 }, 1),
        };
        let peg = match (kind, tif) {
            (OrderType::Pegged, Tif::Gtc) => PegKind::Mid,
            (OrderType::Pegged, Tif::Day) => PegKind::Primary,
            (OrderType::Pegged, _) => PegKind::Market,
            _ => PegKind::None,
        };
        let quote = marks == Marks::Quote;
        NewOrder {
            client_id: CLIENT_ID,
            session: 4,
            order_type: kind,
            tif,
            flags: marks.flags(),
            stp,
            peg,
            trigger,
            qty: if quote { LOTS * 100 } else { LOTS },
            display: if marks == Marks::Iceberg { 2 } else { 0 },
            expire_s: if tif == Tif::Gtd { 5 } else { 0 },
            ..NewOrder::limit(0, OWNER, side, price, 0)
        }
    }

    /// The order, with what stands beside it in its list.
    fn orders(&self) -> Vec<Command> {
        let subject = self.subject();
        let beside = |side, kind, ticks| {
            let plain = NewOrder::limit(0, OWNER, side, self.beyond(ticks), subject.qty);
            let stop = is_stop(kind);
            NewOrder {
                order_type: kind,
                list: ListRole::Leg,
                trigger: if stop { self.beyond(ticks) } else { 0 },
                tif: if kind == OrderType::Stop {
                    Tif::Ioc
                } else {
                    Tif::Gtc
                },
                stp: StpMode::ExpireMaker,
                ..plain
            }
        };
        let (side, against) = (self.row.side, self.row.side.opposite());
        let (limit, stop) = (OrderType::Limit, OrderType::Stop);
        let as_role = |list, order| NewOrder { list, ..order };
        let leg = as_role(ListRole::Leg, subject);
        let list = match self.row.role {
            Role::Alone => vec![subject],
            Role::OcoHead => vec![
                as_role(ListRole::OcoHead, subject),
                beside(side, OrderType::StopLimit, 4),
            ],
            Role::OcoLeg => vec![as_role(ListRole::OcoHead, beside(side, limit, -1)), leg],
            Role::BracketHead => vec![
                as_role(ListRole::BracketHead, subject),
                beside(against, limit, 5),
                beside(against, stop, -5),
            ],
            Role::TakeProfit => vec![
                as_role(ListRole::BracketHead, beside(against, limit, 2)),
                leg,
                beside(side, OrderType::StopLimit, 6),
            ],
            Role::BracketStop => vec![
                as_role(ListRole::BracketHead, beside(against, limit, 1)),
                beside(side, limit, -3),
                leg,
            ],
        };
        list.into_iter().map(Command::New).collect()
    }

    /// What became of the list, and the id of the order that the row is about.
    fn outcome(&self, events: &[EventRecord]) -> (Outcome, u64) {
        let refused = events.iter().find(|event| {
            matches!(
                event.event_kind(),
                Some(EventKind::Rejected | EventKind::Duplicate)
            )
        });
        if let Some(event) = refused {
            return (Outcome::Refused(event.event_reason()), 1);
        }
        let ours = events.iter().find(|event| {
            event.event_kind() == Some(EventKind::Accepted) && event.other_id == CLIENT_ID
        });
        let id = ours.map(|event| event.order_id);
        (
            Outcome::Applied,
            id.unwrap_or_else(|| panic!("neither accepted nor refused: {:?}", self.row)),
        )
    }

    fn amend(&mut self, order_id: u64) -> Option<Outcome> {
        let better = self.beyond(if self.row.reaches { 3 } else { -2 });
        let (price, qty, requeue) = match self.row.change {
            Change::None => return None,
            Change::Less => (0, LOTS - 1, false),
            Change::More => (0, LOTS + 3, false),
            Change::Price => (better, 0, false),
            Change::Requeue => (0, 0, true),
        };
        let events = self.tell(&[Command::Amend {
            instrument: 0,
            account: OWNER,
            order_id,
            price,
            qty,
            requeue,
        }]);
        Some(self.outcome_of_amend(&events))
    }

    fn outcome_of_amend(&self, events: &[EventRecord]) -> Outcome {
        match events {
            [event] if event.event_kind() == Some(EventKind::Rejected) => {
                Outcome::Refused(event.event_reason())
            }
            [] => panic!("an amend without an event: {:?}", self.row),
            _ => Outcome::Applied,
        }
    }

    /// Lets everything happen to it that may: uncross, triggers, fills, expiry, cancel, close.
    fn close(&mut self, order_id: u64) {
        let (side, against) = (self.row.side, self.row.side.opposite());
        let [one, other] = OTHERS;
        self.phase(Phase::Continuous);
        self.place(NewOrder::market(0, one, against, 2));
        let marks = [self.beyond(3), self.beyond(-4)];
        self.tell(&[Command::SetMark {
            instrument: 0,
            price: marks.first().copied().unwrap_or(1),
        }]);
        for ticks in [4, -1] {
            let price = self.beyond(ticks);
            self.place(NewOrder::limit(0, one, against, price, 2));
            self.place(NewOrder::limit(0, other, side, price, 3));
        }
        self.tell(&[Command::Reduce {
            instrument: 0,
            account: OWNER,
            order_id,
            qty: 1,
        }]);
        self.phase(Phase::Auction);
        self.place(NewOrder::limit(0, other, side, self.beyond(2), 4));
        self.place(NewOrder::limit(0, OWNER, against, self.beyond(-2), 3));
        self.phase(Phase::Halted);
        self.tell(&[Command::SetMark {
            instrument: 0,
            price: marks.last().copied().unwrap_or(1),
        }]);
        self.tell(&[Command::Tick {
            now_ns: 5_000_000_000,
        }]);
        self.phase(Phase::Continuous);
        self.tell(&[Command::CancelByClientId {
            account: OWNER,
            client_id: CLIENT_ID,
        }]);
        self.tell(&[Command::Disconnect {
            account: OWNER,
            session: 4,
        }]);
        self.phase(Phase::Closed);
        self.tell(&[Command::MassCancel {
            account: None,
            side: None,
            instrument: None,
        }]);
    }
}
