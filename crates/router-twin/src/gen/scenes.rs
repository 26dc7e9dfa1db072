//! Short scripts for what single random commands seldom reach: rounds of an uncross, brackets whose
//! head ends outside continuous trading, and accounts that reach their caps.

use router_core::engine::{Command, ListRole, NewOrder, OrderType, Phase, Side, StpMode, Tif};

use super::Generator;

/// Longer than the memory of client ids.
const LONG_NS: u64 = 6_000_000_000;

impl Generator {
    /// Plans the commands of a scene as the next submissions.
    pub(super) fn plan_scene(&mut self) {
        let instrument = if self.rng.chance(800) {
            self.main
        } else {
            self.rng.narrow(3)
        };
        match self.rng.weighted(&self.profile.scenes()) {
            0 => self.plan_stairs(instrument),
            1 => self.plan_bracket(instrument),
            _ => self.plan_hoard(instrument),
        }
    }

    fn plan(&mut self, command: Command) {
        self.script.push_back(vec![command]);
    }

    fn plan_phase(&mut self, instrument: u32, phase: Phase) {
        self.plan(Command::SetPhase { instrument, phase });
    }

    fn plan_clearing(&mut self, instrument: u32) {
        self.plan(Command::MassCancel {
            account: None,
            side: None,
            instrument: Some(instrument),
        });
    }

    /// One order against a flight of orders of the same owner, so that each round removes one.
    fn plan_stairs(&mut self, instrument: u32) {
        if self.rng.chance(800) {
            self.plan_clearing(instrument);
        }
        self.plan_phase(instrument, Phase::Auction);
        // Others either stand among the flight, or behind what all rounds take away.
        let late = self.rng.chance(400);
        let owner = self.rng.narrow(6);
        let lots = 1 + self.rng.below(8);
        let mut orders = self.flight(instrument, owner, lots, late);
        let side = orders.first().map_or(Side::Buy, |first| first.side);
        let times = if late { 1 } else { 1 + self.rng.below(4) };
        let deep = NewOrder {
            stp: self.rng.one_of(StpMode::ALL, StpMode::None),
            ..NewOrder::limit(
                instrument,
                owner,
                side.opposite(),
                100 - inward(side) * 12,
                lots * times,
            )
        };
        let first = late || self.rng.chance(700);
        orders.insert(if first { 0 } else { orders.len() }, deep);
        for order in orders {
            self.plan(Command::New(order));
        }
        self.plan_phase(instrument, Phase::Continuous);
    }

    /// Orders at one price after the other, the best first.
    fn flight(&mut self, instrument: u32, owner: u32, lots: u64, late: bool) -> Vec<NewOrder> {
        let side = self.rng.one_of(&[Side::Buy, Side::Sell], Side::Buy);
        let modes = [
            StpMode::ExpireTaker,
            StpMode::ExpireBoth,
            StpMode::Decrement,
        ];
        let mode = self.rng.one_of(&modes, StpMode::ExpireTaker);
        let spread = if mode == StpMode::ExpireTaker { 1 } else { 4 };
        let steps = if late { 11 } else { 2 } + self.rng.narrow(if late { 3 } else { 11 });
        let mut orders = Vec::new();
        for step in 0..steps {
            let strange = if late { step > 8 } else { self.rng.chance(300) };
            let account = if strange { self.rng.narrow(6) } else { owner };
            let price = 100 + inward(side) * (14 - i64::from(step));
            let mut order = NewOrder::limit(instrument, account, side, price, lots);
            order.stp = StpMode::ExpireTaker;
            if !late {
                order.qty += self.rng.below(spread);
                order.stp = if self.rng.chance(100) {
                    StpMode::None
                } else {
                    mode
                };
            }
            orders.push(order);
        }
        orders
    }

    /// A bracket of which a part trades, and whose head then ends outside continuous trading.
    fn plan_bracket(&mut self, instrument: u32) {
        if self.rng.chance(700) {
            self.plan_clearing(instrument);
        }
        self.plan_phase(instrument, Phase::Continuous);
        let (account, other) = (self.rng.narrow(6), self.rng.narrow(6));
        let list = self.bracket(instrument, account);
        let Some(head) = list.first().copied() else {
            return;
        };
        self.script
            .push_back(list.into_iter().map(Command::New).collect());
        let part = 1 + self.rng.below(head.qty);
        let meets = NewOrder::limit(instrument, other, head.side.opposite(), head.price, part);
        self.plan(Command::New(NewOrder {
            tif: Tif::Ioc,
            ..meets
        }));
        let phases = [Phase::Halted, Phase::Auction, Phase::Closed];
        let phase = self.rng.one_of(&phases, Phase::Halted);
        self.plan_phase(instrument, phase);
        if phase == Phase::Auction && self.rng.chance(500) {
            let qty = 1 + self.rng.below(12);
            self.plan(Command::New(NewOrder { qty, ..meets }));
        } else {
            let side = self.rng.chance(900).then_some(head.side);
            self.plan(Command::MassCancel {
                account: Some(account),
                side,
                instrument: Some(instrument),
            });
        }
        self.plan_change_of_wait(account, head.side.opposite());
        self.plan_phase(instrument, Phase::Continuous);
    }

    /// What may happen while exits wait.
    fn plan_change_of_wait(&mut self, account: u32, exits: Side) {
        match self.rng.below(6) {
            0 => self.plan(Command::MassCancel {
                account: Some(account),
                side: Some(exits),
                instrument: None,
            }),
            1 => {
                let amount = 1 + u128::from(self.rng.below(900));
                self.plan(Command::Withdraw {
                    account,
                    asset: 1,
                    amount,
                });
            }
            2 => {
                let command = self.draw_tick();
                self.plan(command);
            }
            _ => {}
        }
    }

    fn bracket(&mut self, instrument: u32, account: u32) -> Vec<NewOrder> {
        let side = self.rng.one_of(&[Side::Buy, Side::Sell], Side::Buy);
        let outward = inward(side);
        let head = NewOrder {
            tif: self.rng.one_of(&[Tif::Gtc, Tif::Day], Tif::Gtc),
            list: ListRole::BracketHead,
            client_id: self.draw_client_id(),
            ..NewOrder::limit(instrument, account, side, 100, 2 + self.rng.below(10))
        };
        let far = i64::from(self.rng.narrow(6));
        let profit = NewOrder {
            price: 100 + outward * far,
            client_id: 0,
            side: side.opposite(),
            list: ListRole::Leg,
            tif: self.rng.one_of(&[Tif::Gtc, Tif::Gtc, Tif::Day], Tif::Gtc),
            ..head
        };
        let kinds = [OrderType::Stop, OrderType::TrailingStop];
        let kind = self.rng.one_of(&kinds, OrderType::Stop);
        let trails = kind == OrderType::TrailingStop;
        let stop = NewOrder {
            order_type: kind,
            tif: Tif::Ioc,
            price: if side == Side::Sell { 110 } else { 0 },
            trigger: if trails { 1 + far } else { 100 - outward * far },
            ..profit
        };
        vec![head, profit, stop]
    }

    /// Many orders far from the middle, of one account or of all, which go away some time later.
    fn plan_hoard(&mut self, instrument: u32) {
        let owner = self.rng.narrow(6);
        let alone = self.rng.chance(750);
        let named = self.rng.chance(500);
        if self.rng.chance(700) {
            // Room for all of them: nothing open, and the client ids of before forgotten.
            self.plan(Command::MassCancel {
                account: None,
                side: None,
                instrument: None,
            });
            self.now_ns += LONG_NS;
            let now_ns = self.now_ns;
            self.plan(Command::Tick { now_ns });
        }
        let first = 100 + self.rng.below(1_000_000);
        let count = if alone { 14 } else { 44 } + self.rng.below(14);
        for number in 0..count {
            let account = if alone { owner } else { self.rng.narrow(6) };
            let side = self.rng.one_of(&[Side::Buy, Side::Sell], Side::Buy);
            let away = if side == Side::Buy { -1 } else { 1 };
            let price = 100 + away * (30 + i64::from(self.rng.narrow(20)));
            let spread = if alone { 0 } else { self.rng.narrow(3) };
            let session = self.rng.narrow(3);
            self.plan(Command::New(NewOrder {
                client_id: if named { first + number } else { 0 },
                session,
                ..NewOrder::limit((instrument + spread) % 3, account, side, price, 1)
            }));
        }
        let account = alone.then_some(owner);
        self.repair(
            60,
            Command::MassCancel {
                account,
                side: None,
                instrument: None,
            },
        );
    }
}

/// The direction in which a price of this side meets the other side.
fn inward(side: Side) -> i64 {
    match side {
        Side::Buy => 1,
        Side::Sell => -1,
    }
}
