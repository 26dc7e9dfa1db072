//! Random administrative commands, and the opening that makes instruments trade.

use std::collections::VecDeque;

use router_core::engine::{
    class, rules::MAX_TIME_NS, Command, CommandKind, NewInstrument, Phase, RuleKind, Side, MAX_QTY,
};

use super::{Generator, Profile};

/// Tiers that an engine has.
const TIERS: u32 = 16;
/// The most that one side gets and the least that the other pays, ppm.
const MOST_REBATE: i64 = 20_000;

impl Generator {
    /// Three instruments in continuous trading, deposits, fees and a trade group.
    pub(super) fn draw_opening(&mut self) -> VecDeque<Vec<Command>> {
        let mut opening = VecDeque::new();
        for instrument in 0..3 {
            opening.push_back(Command::AddInstrument(NewInstrument {
                instrument,
                base_asset: 1,
                quote_asset: 0,
                lot_units: 3,
                tick_units: 2,
                max_qty: 0,
                funded: instrument == 1,
                positions: instrument == 2,
            }));
            opening.push_back(Command::SetPhase {
                instrument,
                phase: Phase::Continuous,
            });
        }
        for account in 0..6 {
            for (asset, most) in [(0, 60_000), (1, 900)] {
                let poor = self.profile == Profile::Funded && self.rng.chance(500);
                let amount = u128::from(1 + self.rng.below(if poor { most / 20 } else { most }));
                opening.push_back(Command::Deposit {
                    account,
                    asset,
                    amount,
                });
            }
        }
        // First what one side pays, so that the other may be paid.
        for tier in 0..TIERS {
            opening.push_back(Command::SetTier {
                tier,
                maker_ppm: if self.takers_pay { 0 } else { MOST_REBATE },
                taker_ppm: if self.takers_pay { MOST_REBATE } else { 0 },
            });
        }
        for tier in 0..3 {
            opening.push_back(self.draw_fair_tier(tier));
        }
        opening.push_back(Command::SetAccount {
            account: 1,
            tier: 1,
            group: 7,
        });
        opening.push_back(Command::SetAccount {
            account: 2,
            tier: 2,
            group: 7,
        });
        opening.into_iter().map(|command| vec![command]).collect()
    }

    /// An administrative command, a mass cancel or a tick of the kind.
    pub(super) fn draw_switch(&mut self, kind: CommandKind) -> Command {
        let instrument = self.draw_instrument();
        let account = self.draw_account();
        let asset = if self.rng.chance(20) {
            4
        } else {
            self.rng.narrow(3)
        };
        match kind {
            CommandKind::MassCancel => self.draw_mass_cancel(instrument, account),
            CommandKind::Disconnect => self.draw_disconnect(),
            CommandKind::AddInstrument => self.draw_added(),
            CommandKind::SetRule => self.draw_rule(instrument),
            CommandKind::SetPhase => self.draw_phase(instrument),
            CommandKind::SetMark => Command::SetMark {
                instrument,
                price: self.draw_price(instrument),
            },
            CommandKind::SetPosition => {
                let position = i64::from(self.rng.narrow(41)) - 20;
                Command::SetPosition {
                    instrument,
                    account,
                    position,
                }
            }
            CommandKind::Deposit => Command::Deposit {
                account,
                asset,
                amount: self.draw_amount(),
            },
            CommandKind::Withdraw => Command::Withdraw {
                account,
                asset,
                amount: self.draw_amount(),
            },
            CommandKind::SetTier => {
                let tier = self.rng.narrow(17);
                self.draw_tier(tier)
            }
            CommandKind::SetAccount => {
                let group = if self.rng.chance(500) { 7 } else { 0 };
                Command::SetAccount {
                    account,
                    tier: self.rng.narrow(4),
                    group,
                }
            }
            CommandKind::SetKill => {
                let account = (!self.rng.chance(200)).then_some(account);
                self.repair(12, Command::SetKill { account, on: false });
                Command::SetKill {
                    account,
                    on: self.rng.chance(700),
                }
            }
            CommandKind::Tick
            | CommandKind::New
            | CommandKind::Cancel
            | CommandKind::CancelByClientId
            | CommandKind::Amend
            | CommandKind::Reduce => self.draw_tick(),
        }
    }

    fn draw_disconnect(&mut self) -> Command {
        let account = self.draw_seen().account;
        let session = if self.rng.chance(150) {
            0
        } else {
            1 + self.rng.narrow(2)
        };
        Command::Disconnect { account, session }
    }

    pub(super) fn draw_tick(&mut self) -> Command {
        if self.rng.chance(30) {
            return Command::Tick {
                now_ns: self.rng.below(self.now_ns),
            };
        }
        if self.rng.chance(15) {
            return Command::Tick {
                now_ns: MAX_TIME_NS + 1 + self.rng.below(1 << 61),
            };
        }
        self.now_ns += self.rng.below(1_500_000_000);
        Command::Tick {
            now_ns: self.now_ns,
        }
    }

    fn draw_mass_cancel(&mut self, instrument: u32, account: u32) -> Command {
        let side = self.rng.one_of(&[Side::Buy, Side::Sell], Side::Buy);
        Command::MassCancel {
            account: self.rng.chance(600).then_some(account),
            side: self.rng.chance(300).then_some(side),
            instrument: self.rng.chance(400).then_some(instrument),
        }
    }

    fn draw_added(&mut self) -> Command {
        let odd = self.rng.chance(300);
        Command::AddInstrument(NewInstrument {
            instrument: self.rng.narrow(5),
            base_asset: self.rng.narrow(5),
            quote_asset: self.rng.narrow(5),
            lot_units: if odd {
                self.rng.extreme()
            } else {
                self.rng.below(4)
            },
            tick_units: if odd {
                self.rng.extreme()
            } else {
                self.rng.below(4)
            },
            max_qty: if self.rng.chance(500) {
                0
            } else {
                self.rng.below(2_000)
            },
            funded: self.rng.chance(300),
            positions: self.rng.chance(300),
        })
    }

    fn draw_phase(&mut self, instrument: u32) -> Command {
        self.repair(
            40,
            Command::SetPhase {
                instrument,
                phase: Phase::Continuous,
            },
        );
        let auctions = self.profile == Profile::Auctions && self.rng.chance(600);
        let phases = [
            Phase::Closed,
            Phase::Halted,
            Phase::Auction,
            Phase::Auction,
            Phase::Continuous,
            Phase::Continuous,
        ];
        let drawn = self.rng.one_of(&phases, Phase::Continuous);
        let phase = if auctions { Phase::Auction } else { drawn };
        Command::SetPhase { instrument, phase }
    }

    fn draw_amount(&mut self) -> u128 {
        match self.rng.below(60) {
            0 => u128::from(self.rng.bits()) << self.rng.below(65),
            1 => u128::from(self.rng.extreme()),
            _ => u128::from(self.rng.below(3_000)),
        }
    }

    fn draw_tier(&mut self, tier: u32) -> Command {
        if self.rng.chance(60) {
            let wide = 100_001 - i64::from(self.rng.narrow(200_003));
            return Command::SetTier {
                tier,
                maker_ppm: wide,
                taker_ppm: -wide,
            };
        }
        if self.rng.chance(60) {
            return Command::SetTier {
                tier,
                maker_ppm: i64::from(self.rng.narrow(6)) - 3,
                taker_ppm: i64::from(self.rng.narrow(6)) - 3,
            };
        }
        self.draw_fair_tier(tier)
    }

    /// One side pays at least as much as the other may get.
    fn draw_fair_tier(&mut self, tier: u32) -> Command {
        let pays = MOST_REBATE + i64::from(self.rng.narrow(50_000));
        let gets = i64::from(self.rng.narrow(40_000)) - MOST_REBATE;
        let (maker_ppm, taker_ppm) = if self.takers_pay {
            (gets, pays)
        } else {
            (pays, gets)
        };
        Command::SetTier {
            tier,
            maker_ppm,
            taker_ppm,
        }
    }

    /// Sets a rule, and plans to put it back.
    fn draw_rule(&mut self, instrument: u32) -> Command {
        let rule = self.rng.one_of(RuleKind::ALL, RuleKind::TickStep);
        let plain = match rule {
            RuleKind::TickStep | RuleKind::LotStep | RuleKind::MinQty => 1,
            RuleKind::MaxQty => MAX_QTY,
            RuleKind::MinNotional
            | RuleKind::BandPpm
            | RuleKind::CollarPpm
            | RuleKind::DisabledClasses => 0,
            RuleKind::MaxOpen | RuleKind::MaxArmed | RuleKind::MaxPegs => 1_000,
        };
        self.repair(
            60,
            Command::SetRule {
                instrument,
                rule,
                value: plain,
            },
        );
        if self.rng.chance(30) {
            return Command::SetRule {
                instrument,
                rule,
                value: self.rng.extreme(),
            };
        }
        let value = match rule {
            RuleKind::TickStep | RuleKind::LotStep => self.rng.below(4),
            RuleKind::MinQty => self.rng.below(5),
            RuleKind::MaxQty => 5 + self.rng.below(30),
            RuleKind::MinNotional => self.rng.below(600),
            RuleKind::BandPpm => 10_000 + self.rng.below(100_000),
            RuleKind::CollarPpm => self.rng.below(80_000),
            RuleKind::MaxOpen => 10 + self.rng.below(30),
            RuleKind::MaxArmed | RuleKind::MaxPegs => self.rng.below(6),
            RuleKind::DisabledClasses => self.rng.bits() & self.rng.bits() & u64::from(class::ALL),
        };
        Command::SetRule {
            instrument,
            rule,
            value,
        }
    }

    /// Plans a command for one of the next submissions.
    pub(super) fn repair(&mut self, within: u64, command: Command) {
        let due = self.submissions + 1 + self.rng.below(within);
        self.repairs.push((due, command));
    }
}
