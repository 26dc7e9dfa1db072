//! Random command records that mostly make sense: each is drawn from one word, so that a failing tape shrinks
//! by leaving words out.
#![allow(dead_code, reason = "each test file uses a part")]

use router_core::engine::rules::TIERS;
use router_core::engine::{
    encode, order_flags, Command, CommandRecord, EventKind, EventRecord, ListRole, NewInstrument,
    NewOrder, OrderType, PegKind, Phase, RuleKind, Side, StpMode, Tif,
};

pub(crate) const ACCOUNTS: u64 = 4;
pub(crate) const INSTRUMENTS: u64 = 3;
/// Orders that cancels and amends choose among.
const REMEMBERED: usize = 64;

/// Numbers from one word (SplitMix64).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn price(&mut self) -> i64 {
        95 + self.below(11) as i64
    }
}

/// The records that list three instruments (plain, funded, with positions), fund accounts and open the market.
pub(crate) fn opening(first_account: u32) -> Vec<CommandRecord> {
    let mut commands = Vec::new();
    for instrument in 0..INSTRUMENTS as u32 {
        commands.push(Command::AddInstrument(NewInstrument {
            instrument,
            base_asset: 1,
            quote_asset: 0,
            lot_units: 10,
            tick_units: 3,
            max_qty: 0,
            funded: instrument == 1,
            positions: instrument == 2,
        }));
        commands.push(Command::SetPhase {
            instrument,
            phase: Phase::Continuous,
        });
    }
    for account in first_account..first_account + ACCOUNTS as u32 {
        for asset in 0..2 {
            commands.push(Command::Deposit {
                account,
                asset,
                amount: 50_000,
            });
        }
    }
    // A rebate needs taker rates that pay for it in every tier.
    for tier in 0..TIERS as u32 {
        commands.push(Command::SetTier {
            tier,
            maker_ppm: 0,
            taker_ppm: 2_500,
        });
    }
    commands.push(Command::SetTier {
        tier: 1,
        maker_ppm: -100,
        taker_ppm: 2_500,
    });
    commands.push(Command::SetAccount {
        account: first_account + 1,
        tier: 1,
        group: 5,
    });
    commands.iter().map(encode).collect()
}

/// Draws commands and remembers the orders that they may refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape {
    known: Vec<(u32, u64, u32)>,
    place: usize,
    clock_ns: u64,
    /// Accounts are numbered from here.
    first_account: u32,
    /// Added to every client id that is not 0.
    client_base: u64,
}

impl Tape {
    /// A tape whose accounts and client ids lie elsewhere.
    pub(crate) fn shifted(first_account: u32, client_base: u64) -> Self {
        Self {
            first_account,
            client_base,
            ..Self::default()
        }
    }

    /// Remembers the orders that were accepted.
    pub(crate) fn learn(&mut self, events: &[EventRecord]) {
        for event in events {
            if event.kind != EventKind::Accepted.number() {
                continue;
            }
            let order = (event.instrument, event.order_id, event.account);
            if self.known.len() < REMEMBERED {
                self.known.push(order);
            } else {
                self.known[self.place % REMEMBERED] = order;
                self.place += 1;
            }
        }
    }

    /// The records of one command.
    pub(crate) fn command(&mut self, word: u64) -> Vec<CommandRecord> {
        let mut draws = Draws(word);
        let commands = match draws.below(100) {
            0..64 => self.new_orders(&mut draws),
            64..93 => vec![self.about_an_order(&mut draws)],
            _ => vec![self.administration(&mut draws)],
        };
        commands.iter().map(encode).collect()
    }

    fn account(&self, draws: &mut Draws) -> u32 {
        self.first_account + draws.below(ACCOUNTS) as u32
    }

    fn new_orders(&self, draws: &mut Draws) -> Vec<Command> {
        let head = self.order(draws);
        let leg = |draws: &mut Draws, side, order_type| NewOrder {
            side,
            order_type,
            list: ListRole::Leg,
            client_id: 0,
            price: if order_type == OrderType::Stop {
                0
            } else {
                draws.price()
            },
            trigger: if order_type == OrderType::Limit {
                0
            } else {
                draws.price()
            },
            display: 0,
            flags: 0,
            peg: PegKind::None,
            tif: if order_type == OrderType::Stop {
                Tif::Ioc
            } else {
                Tif::Gtc
            },
            expire_s: 0,
            ..head
        };
        let plain = head.order_type == OrderType::Limit && head.display == 0 && head.expire_s == 0;
        if !plain || !draws.one_in(6) {
            return vec![Command::New(head)];
        }
        let stop = draws.pick(&[OrderType::Stop, OrderType::StopLimit]);
        let exit = head.side.opposite();
        let mut orders = if draws.one_in(2) {
            vec![
                NewOrder {
                    list: ListRole::OcoHead,
                    ..head
                },
                leg(draws, head.side, stop),
            ]
        } else {
            vec![
                NewOrder {
                    list: ListRole::BracketHead,
                    ..head
                },
                leg(draws, exit, OrderType::Limit),
                leg(draws, exit, stop),
            ]
        };
        if draws.one_in(20) {
            orders.pop();
        }
        orders.into_iter().map(Command::New).collect()
    }

    fn order(&self, draws: &mut Draws) -> NewOrder {
        let side = draws.pick(Side::ALL);
        let instrument = draws.below(INSTRUMENTS) as u32;
        let account = self.account(draws);
        let mut order = NewOrder::limit(
            instrument,
            account,
            side,
            draws.price(),
            1 + draws.below(30),
        );
        order.stp = draws.pick(StpMode::ALL);
        order.session = draws.below(3) as u32;
        if draws.one_in(4) {
            order.client_id = self.client_base + 1 + draws.below(300);
        }
        match draws.below(20) {
            0..3 => take(&mut order, draws),
            3..5 => arm(&mut order, draws),
            5 => follow(&mut order, draws),
            6..9 => order.display = 1 + draws.below(6) as u32,
            _ => plain(&mut order, draws),
        }
        if instrument == 2 && draws.one_in(6) {
            order.flags |= order_flags::REDUCE_ONLY;
        }
        order
    }

    fn about_an_order(&self, draws: &mut Draws) -> Command {
        let known = self.known.get(draws.below(REMEMBERED as u64) as usize);
        let (instrument, order_id, mut account) =
            known.copied().unwrap_or((0, 1, self.first_account));
        if draws.one_in(20) {
            account = self.account(draws);
        }
        match draws.below(20) {
            0..6 => Command::Cancel {
                instrument,
                account,
                order_id,
            },
            6 => Command::CancelByClientId {
                account,
                client_id: self.client_base + 1 + draws.below(300),
            },
            7..15 => Command::Amend {
                instrument,
                account,
                order_id,
                price: if draws.one_in(2) { 0 } else { draws.price() },
                qty: if draws.one_in(3) {
                    0
                } else {
                    1 + draws.below(40)
                },
                requeue: draws.one_in(8),
            },
            15..19 => Command::Reduce {
                instrument,
                account,
                order_id,
                qty: draws.below(20),
            },
            _ => Command::Disconnect {
                account,
                session: draws.below(3) as u32,
            },
        }
    }

    fn administration(&mut self, draws: &mut Draws) -> Command {
        let instrument = draws.below(INSTRUMENTS) as u32;
        let account = self.account(draws);
        let asset = draws.below(2) as u32;
        match draws.below(24) {
            0..4 => {
                self.clock_ns += draws.below(2_000_000_000);
                Command::Tick {
                    now_ns: self.clock_ns,
                }
            }
            4..13 => Command::SetPhase {
                instrument,
                phase: draws.pick(&PHASES),
            },
            13..16 => Command::SetMark {
                instrument,
                price: draws.price(),
            },
            16 => rule(instrument, draws),
            17 => Command::SetPosition {
                instrument,
                account,
                position: draws.below(100) as i64 - 50,
            },
            18 | 19 => Command::Deposit {
                account,
                asset,
                amount: u128::from(draws.below(9_000)),
            },
            20 => Command::Withdraw {
                account,
                asset,
                amount: u128::from(draws.below(9_000)),
            },
            21 => Command::SetKill {
                account: Some(account),
                on: draws.one_in(4),
            },
            22 => Command::SetAccount {
                account,
                tier: draws.below(3) as u32,
                group: draws.below(3) as u32,
            },
            _ => Command::MassCancel {
                account: draws.one_in(2).then_some(account),
                side: draws.one_in(2).then_some(Side::Buy),
                instrument: Some(instrument),
            },
        }
    }
}

const PHASES: [Phase; 8] = [
    Phase::Continuous,
    Phase::Continuous,
    Phase::Continuous,
    Phase::Continuous,
    Phase::Auction,
    Phase::Auction,
    Phase::Halted,
    Phase::Closed,
];

fn plain(order: &mut NewOrder, draws: &mut Draws) {
    order.tif = draws.pick(&[
        Tif::Gtc,
        Tif::Gtc,
        Tif::Gtc,
        Tif::Ioc,
        Tif::Fok,
        Tif::Gtd,
        Tif::Day,
    ]);
    if order.tif == Tif::Gtd {
        order.expire_s = 1 + draws.below(60) as u32;
    }
    if !matches!(order.tif, Tif::Ioc | Tif::Fok) && draws.one_in(4) {
        order.flags |= draws.pick(&[
            order_flags::POST_ONLY,
            order_flags::POST_ONLY | order_flags::SLIDE,
        ]);
    }
}

fn take(order: &mut NewOrder, draws: &mut Draws) {
    order.order_type = draws.pick(&[
        OrderType::Market,
        OrderType::Market,
        OrderType::MarketToLimit,
    ]);
    if order.order_type == OrderType::MarketToLimit {
        order.price = 0;
        return;
    }
    order.tif = draws.pick(&[Tif::Ioc, Tif::Ioc, Tif::Fok]);
    if draws.one_in(2) {
        order.price = 0;
    }
    if order.tif == Tif::Ioc && draws.one_in(3) {
        order.flags |= order_flags::QUOTE;
        order.qty *= 100;
    }
}

fn arm(order: &mut NewOrder, draws: &mut Draws) {
    order.order_type = draws.pick(&[
        OrderType::Stop,
        OrderType::StopLimit,
        OrderType::TrailingStop,
    ]);
    order.trigger = draws.price();
    if order.order_type == OrderType::TrailingStop {
        order.trigger = 1 + draws.below(6) as i64;
    }
    if order.order_type != OrderType::StopLimit {
        order.tif = Tif::Ioc;
    }
    if order.order_type != OrderType::StopLimit && draws.one_in(2) {
        order.price = 0;
    }
    if draws.one_in(3) {
        order.flags |= order_flags::MARK;
    }
}

fn follow(order: &mut NewOrder, draws: &mut Draws) {
    order.order_type = OrderType::Pegged;
    order.peg = draws.pick(&[PegKind::Primary, PegKind::Market, PegKind::Mid]);
    order.trigger = draws.below(4) as i64;
    if draws.one_in(2) {
        order.price = 0;
    }
}

fn rule(instrument: u32, draws: &mut Draws) -> Command {
    let (rule, value) = match draws.below(6) {
        0 => (RuleKind::TickStep, 1 + draws.below(2)),
        1 => (RuleKind::LotStep, 1 + draws.below(2)),
        2 => (RuleKind::BandPpm, draws.below(2) * 80_000),
        3 => (RuleKind::CollarPpm, draws.below(2) * 30_000),
        4 => (RuleKind::MaxOpen, 20 + draws.below(400)),
        _ => (
            RuleKind::DisabledClasses,
            draws.word() & draws.word() & draws.word() & 0x1_FFFF,
        ),
    };
    Command::SetRule {
        instrument,
        rule,
        value,
    }
}
