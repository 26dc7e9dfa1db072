//! Commands to records and back. Both directions name every command, so that a new one cannot be
//! left out of the journal.

mod decode;

pub use decode::decode;
pub(crate) use decode::decode_new;

use super::command::{mode, scope, Command, CommandKind, CommandRecord, NewInstrument, NewOrder};
use super::rules::{order_flags, Side};

/// A record that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The record that stands for a command.
#[must_use]
pub fn encode(command: &Command) -> CommandRecord {
    match *command {
        Command::New(ref order) => encode_new(order),
        Command::Cancel {
            instrument,
            account,
            order_id,
        } => CommandRecord {
            order_id,
            ..on_order(CommandKind::Cancel, instrument, account)
        },
        Command::CancelByClientId { account, client_id } => CommandRecord {
            account,
            client_id,
            ..of_kind(CommandKind::CancelByClientId)
        },
        Command::Amend {
            instrument,
            account,
            order_id,
            price,
            qty,
            requeue,
        } => CommandRecord {
            order_id,
            price,
            qty,
            flags: if requeue { order_flags::REQUEUE } else { 0 },
            ..on_order(CommandKind::Amend, instrument, account)
        },
        Command::Reduce {
            instrument,
            account,
            order_id,
            qty,
        } => CommandRecord {
            order_id,
            qty,
            ..on_order(CommandKind::Reduce, instrument, account)
        },
        Command::MassCancel {
            account,
            side,
            instrument,
        } => encode_mass_cancel(account, side, instrument),
        Command::Disconnect { account, session } => CommandRecord {
            account,
            order_id: u64::from(session),
            ..of_kind(CommandKind::Disconnect)
        },
        Command::Tick { now_ns } => CommandRecord {
            qty: now_ns,
            ..of_kind(CommandKind::Tick)
        },
        Command::AddInstrument(_)
        | Command::SetRule { .. }
        | Command::SetPhase { .. }
        | Command::SetMark { .. }
        | Command::SetPosition { .. }
        | Command::Deposit { .. }
        | Command::Withdraw { .. }
        | Command::SetTier { .. }
        | Command::SetAccount { .. }
        | Command::SetKill { .. } => encode_admin(command),
    }
}

fn encode_admin(command: &Command) -> CommandRecord {
    match *command {
        Command::AddInstrument(ref added) => encode_instrument(added),
        Command::SetRule {
            instrument,
            rule,
            value,
        } => CommandRecord {
            order_type: rule.number(),
            qty: value,
            ..on_order(CommandKind::SetRule, instrument, 0)
        },
        Command::SetPhase { instrument, phase } => CommandRecord {
            order_type: phase.number(),
            ..on_order(CommandKind::SetPhase, instrument, 0)
        },
        Command::SetMark { instrument, price } => CommandRecord {
            price,
            ..on_order(CommandKind::SetMark, instrument, 0)
        },
        Command::SetPosition {
            instrument,
            account,
            position,
        } => CommandRecord {
            price: position,
            ..on_order(CommandKind::SetPosition, instrument, account)
        },
        Command::Deposit {
            account,
            asset,
            amount,
        } => encode_amount(CommandKind::Deposit, account, asset, amount),
        Command::Withdraw {
            account,
            asset,
            amount,
        } => encode_amount(CommandKind::Withdraw, account, asset, amount),
        Command::SetTier {
            tier,
            maker_ppm,
            taker_ppm,
        } => encode_tier(tier, maker_ppm, taker_ppm),
        Command::SetAccount {
            account,
            tier,
            group,
        } => CommandRecord {
            account,
            display: tier,
            expire_s: group,
            ..of_kind(CommandKind::SetAccount)
        },
        Command::SetKill { account, on } => CommandRecord {
            flags: given(account.is_some(), scope::ACCOUNT) | given(on, scope::ON),
            account: account.unwrap_or(0),
            ..of_kind(CommandKind::SetKill)
        },
        Command::New(_)
        | Command::Cancel { .. }
        | Command::CancelByClientId { .. }
        | Command::Amend { .. }
        | Command::Reduce { .. }
        | Command::MassCancel { .. }
        | Command::Disconnect { .. }
        | Command::Tick { .. } => CommandRecord::default(),
    }
}

fn encode_new(order: &NewOrder) -> CommandRecord {
    let peg = u16::from(order.peg.number()) << order_flags::PEG_SHIFT;
    CommandRecord {
        kind: CommandKind::New.number(),
        side: order.side.number(),
        order_type: order.order_type.number(),
        tif: order.tif.number(),
        flags: (order.flags & order_flags::ALL) | peg,
        stp: order.stp.number(),
        list: order.list.number(),
        instrument: order.instrument,
        account: order.account,
        client_id: order.client_id,
        order_id: u64::from(order.session),
        price: order.price,
        qty: order.qty,
        trigger: order.trigger,
        display: order.display,
        expire_s: order.expire_s,
    }
}

fn encode_mass_cancel(
    account: Option<u32>,
    side: Option<Side>,
    instrument: Option<u32>,
) -> CommandRecord {
    CommandRecord {
        flags: given(account.is_some(), scope::ACCOUNT)
            | given(side.is_some(), scope::SIDE)
            | given(instrument.is_some(), scope::INSTRUMENT),
        account: account.unwrap_or(0),
        side: side.map_or(0, Side::number),
        instrument: instrument.unwrap_or(0),
        ..of_kind(CommandKind::MassCancel)
    }
}

fn encode_tier(tier: u32, maker_ppm: i64, taker_ppm: i64) -> CommandRecord {
    CommandRecord {
        display: tier,
        price: maker_ppm,
        trigger: taker_ppm,
        ..of_kind(CommandKind::SetTier)
    }
}

fn encode_instrument(added: &NewInstrument) -> CommandRecord {
    CommandRecord {
        display: added.base_asset,
        expire_s: added.quote_asset,
        order_id: added.lot_units,
        qty: added.tick_units,
        client_id: added.max_qty,
        flags: given(added.funded, mode::FUNDED) | given(added.positions, mode::POSITIONS),
        ..on_order(CommandKind::AddInstrument, added.instrument, 0)
    }
}

fn encode_amount(kind: CommandKind, account: u32, asset: u32, amount: u128) -> CommandRecord {
    let (high, low) = halves(amount);
    CommandRecord {
        account,
        display: asset,
        client_id: high,
        qty: low,
        ..of_kind(kind)
    }
}

fn halves(amount: u128) -> (u64, u64) {
    let low = u64::try_from(amount & u128::from(u64::MAX)).unwrap_or(0);
    (u64::try_from(amount >> 64).unwrap_or(0), low)
}

fn of_kind(kind: CommandKind) -> CommandRecord {
    CommandRecord {
        kind: kind.number(),
        ..CommandRecord::default()
    }
}

fn on_order(kind: CommandKind, instrument: u32, account: u32) -> CommandRecord {
    CommandRecord {
        instrument,
        account,
        ..of_kind(kind)
    }
}

const fn given(is_given: bool, bit: u16) -> u16 {
    if is_given {
        bit
    } else {
        0
    }
}
