//! A tape as the engine's own command records.

use crate::workload::{Action, Command, Side};
use router_core::engine::{
    self as engine, encode, CommandRecord, NewInstrument, NewOrder, Phase, StpMode, Tif,
};

/// Base units of the traded asset per lot.
pub const LOT_UNITS: u64 = 1_000_000_000_000;
/// Base units of the paid asset per tick and lot.
pub const TICK_UNITS: u64 = 1_000_000;
/// What every account gets of both assets; no tape spends nearly as much.
pub const DEPOSIT_UNITS: u128 = 1_000_000_000_000_000_000_000_000_000_000;
/// Fee of the resting order, parts per million.
const MAKER_PPM: i64 = 100;
/// Fee of the incoming order, parts per million.
const TAKER_PPM: i64 = 250;

/// What the engine does besides matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duties {
    /// Match and say what happened.
    Matching,
    /// Hold, settle, charge fees and check every fill for self-trade.
    ///
    /// The tapes know no self-trade prevention, so a user's buys and sells belong to two accounts:
    /// the check is made and never strikes.
    Funds,
}

impl Duties {
    fn account(self, command: &Command) -> u32 {
        match self {
            Self::Matching => command.user,
            Self::Funds => command.user * 2 + command.side as u32,
        }
    }

    /// Accounts that a tape of `users` owners needs.
    #[must_use]
    pub fn accounts(self, users: u32) -> u32 {
        match self {
            Self::Matching => users + 1,
            Self::Funds => users * 2 + 2,
        }
    }
}

/// Commands that prepare an engine for a tape: one instrument per id below `instruments`, open for
/// trading, and, where funds count, fees and balances.
#[must_use]
pub fn opening(duties: Duties, users: u32, instruments: u32) -> Vec<CommandRecord> {
    let funded = duties == Duties::Funds;
    let mut commands = Vec::new();
    if funded {
        commands.push(engine::Command::SetTier {
            tier: 0,
            maker_ppm: MAKER_PPM,
            taker_ppm: TAKER_PPM,
        });
        for account in 0..duties.accounts(users) {
            commands.extend([0, 1].map(|asset| engine::Command::Deposit {
                account,
                asset,
                amount: DEPOSIT_UNITS,
            }));
        }
    }
    for instrument in 0..instruments {
        commands.push(engine::Command::AddInstrument(NewInstrument {
            instrument,
            base_asset: 0,
            quote_asset: 1,
            lot_units: LOT_UNITS,
            tick_units: TICK_UNITS,
            max_qty: 0,
            funded,
            positions: false,
        }));
        commands.push(engine::Command::SetPhase {
            instrument,
            phase: Phase::Continuous,
        });
    }
    commands.iter().map(encode).collect()
}

/// The tape on `instrument`. The engine numbers accepted orders from 1 as the tapes do, so that an
/// order has the same id in both.
#[must_use]
pub fn records(commands: &[Command], duties: Duties, instrument: u32) -> Vec<CommandRecord> {
    let records = commands
        .iter()
        .map(|command| record(command, duties, instrument));
    records.collect()
}

/// One command of a tape as the engine's record.
#[must_use]
pub fn record(command: &Command, duties: Duties, instrument: u32) -> CommandRecord {
    let account = duties.account(command);
    let order_id = command.id;
    encode(&match command.action {
        Action::New => engine::Command::New(NewOrder {
            tif: if command.immediate {
                Tif::Ioc
            } else {
                Tif::Gtc
            },
            stp: match duties {
                Duties::Matching => StpMode::None,
                Duties::Funds => StpMode::ExpireTaker,
            },
            ..NewOrder::limit(
                instrument,
                account,
                side(command.side),
                command.price,
                command.quantity as u64,
            )
        }),
        Action::Cancel => engine::Command::Cancel {
            instrument,
            account,
            order_id,
        },
        Action::Move => engine::Command::Amend {
            instrument,
            account,
            order_id,
            price: command.price,
            qty: 0,
            requeue: true,
        },
        Action::Reduce => engine::Command::Reduce {
            instrument,
            account,
            order_id,
            qty: command.quantity as u64,
        },
    })
}

fn side(side: Side) -> engine::Side {
    match side {
        Side::Buy => engine::Side::Buy,
        Side::Sell => engine::Side::Sell,
    }
}
