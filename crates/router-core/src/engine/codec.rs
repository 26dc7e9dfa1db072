//! Commands to records and back. Both directions name every command, so that a new one cannot be
//! left out of the journal.

use super::command::{mode, scope, Command, CommandKind, CommandRecord, NewInstrument, NewOrder};
use super::rules::{
    order_flags, ListRole, OrderType, PegKind, Phase, RuleKind, Side, StpMode, Tif,
};

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
        } => CommandRecord {
            flags: given(account.is_some(), scope::ACCOUNT)
                | given(side.is_some(), scope::SIDE)
                | given(instrument.is_some(), scope::INSTRUMENT),
            account: account.unwrap_or(0),
            side: side.map_or(0, Side::number),
            instrument: instrument.unwrap_or(0),
            ..of_kind(CommandKind::MassCancel)
        },
        Command::Disconnect { session } => CommandRecord {
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
        } => CommandRecord {
            display: tier,
            price: maker_ppm,
            trigger: taker_ppm,
            ..of_kind(CommandKind::SetTier)
        },
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

/// The command of a record. A record decodes exactly if it is what [`encode`] gives for its command.
///
/// # Errors
/// [`Malformed`] if a number stands for nothing or a field that the kind does not use is not 0.
pub fn decode(record: &CommandRecord) -> Result<Command, Malformed> {
    let kind = CommandKind::from_number(record.kind).ok_or(Malformed)?;
    let command = decode_kind(kind, record)?;
    if encode(&command) == *record {
        Ok(command)
    } else {
        Err(Malformed)
    }
}

fn decode_kind(kind: CommandKind, record: &CommandRecord) -> Result<Command, Malformed> {
    let &CommandRecord {
        instrument,
        account,
        client_id,
        order_id,
        price,
        qty,
        ..
    } = record;
    Ok(match kind {
        CommandKind::New => Command::New(decode_new(record)?),
        CommandKind::Cancel => Command::Cancel {
            instrument,
            account,
            order_id,
        },
        CommandKind::CancelByClientId => Command::CancelByClientId { account, client_id },
        CommandKind::Amend => {
            let requeue = record.flags == order_flags::REQUEUE;
            Command::Amend {
                instrument,
                account,
                order_id,
                price,
                qty,
                requeue,
            }
        }
        CommandKind::Reduce => Command::Reduce {
            instrument,
            account,
            order_id,
            qty,
        },
        CommandKind::MassCancel => Command::MassCancel {
            account: scoped(record, scope::ACCOUNT).then_some(account),
            side: if scoped(record, scope::SIDE) {
                Some(decode_side(record)?)
            } else {
                None
            },
            instrument: scoped(record, scope::INSTRUMENT).then_some(instrument),
        },
        CommandKind::Disconnect => Command::Disconnect {
            session: u32::try_from(order_id).map_err(|_| Malformed)?,
        },
        CommandKind::Tick => Command::Tick { now_ns: qty },
        CommandKind::AddInstrument
        | CommandKind::SetRule
        | CommandKind::SetPhase
        | CommandKind::SetMark
        | CommandKind::SetPosition
        | CommandKind::Deposit
        | CommandKind::Withdraw
        | CommandKind::SetTier
        | CommandKind::SetAccount
        | CommandKind::SetKill => decode_admin(kind, record)?,
    })
}

fn decode_admin(kind: CommandKind, record: &CommandRecord) -> Result<Command, Malformed> {
    let &CommandRecord {
        instrument,
        account,
        price,
        qty,
        trigger,
        display,
        expire_s,
        ..
    } = record;
    let asset = display;
    Ok(match kind {
        CommandKind::AddInstrument => Command::AddInstrument(decode_instrument(record)),
        CommandKind::SetRule => {
            let rule = RuleKind::from_number(record.order_type).ok_or(Malformed)?;
            Command::SetRule {
                instrument,
                rule,
                value: qty,
            }
        }
        CommandKind::SetPhase => {
            let phase = Phase::from_number(record.order_type).ok_or(Malformed)?;
            Command::SetPhase { instrument, phase }
        }
        CommandKind::SetMark => Command::SetMark { instrument, price },
        CommandKind::SetPosition => Command::SetPosition {
            instrument,
            account,
            position: price,
        },
        CommandKind::Deposit => Command::Deposit {
            account,
            asset,
            amount: amount(record),
        },
        CommandKind::Withdraw => Command::Withdraw {
            account,
            asset,
            amount: amount(record),
        },
        CommandKind::SetTier => Command::SetTier {
            tier: display,
            maker_ppm: price,
            taker_ppm: trigger,
        },
        CommandKind::SetAccount => Command::SetAccount {
            account,
            tier: display,
            group: expire_s,
        },
        CommandKind::SetKill => Command::SetKill {
            account: scoped(record, scope::ACCOUNT).then_some(account),
            on: scoped(record, scope::ON),
        },
        CommandKind::New
        | CommandKind::Cancel
        | CommandKind::CancelByClientId
        | CommandKind::Amend
        | CommandKind::Reduce
        | CommandKind::MassCancel
        | CommandKind::Disconnect
        | CommandKind::Tick => return Err(Malformed),
    })
}

/// The new order of a record of kind `New`.
pub(crate) fn decode_new(record: &CommandRecord) -> Result<NewOrder, Malformed> {
    let peg = u8::try_from(record.flags >> order_flags::PEG_SHIFT).map_err(|_| Malformed)?;
    let named = order_flags::ALL | (3 << order_flags::PEG_SHIFT);
    if record.flags & !named != 0 {
        return Err(Malformed);
    }
    Ok(NewOrder {
        instrument: record.instrument,
        account: record.account,
        client_id: record.client_id,
        session: u32::try_from(record.order_id).map_err(|_| Malformed)?,
        side: decode_side(record)?,
        order_type: OrderType::from_number(record.order_type).ok_or(Malformed)?,
        tif: Tif::from_number(record.tif).ok_or(Malformed)?,
        flags: record.flags & order_flags::ALL,
        stp: StpMode::from_number(record.stp).ok_or(Malformed)?,
        peg: PegKind::from_number(peg).ok_or(Malformed)?,
        list: ListRole::from_number(record.list).ok_or(Malformed)?,
        price: record.price,
        qty: record.qty,
        trigger: record.trigger,
        display: record.display,
        expire_s: record.expire_s,
    })
}

fn decode_instrument(record: &CommandRecord) -> NewInstrument {
    NewInstrument {
        instrument: record.instrument,
        base_asset: record.display,
        quote_asset: record.expire_s,
        lot_units: record.order_id,
        tick_units: record.qty,
        max_qty: record.client_id,
        funded: scoped(record, mode::FUNDED),
        positions: scoped(record, mode::POSITIONS),
    }
}

fn decode_side(record: &CommandRecord) -> Result<Side, Malformed> {
    Side::from_number(record.side).ok_or(Malformed)
}

fn amount(record: &CommandRecord) -> u128 {
    (u128::from(record.client_id) << 64) | u128::from(record.qty)
}

const fn scoped(record: &CommandRecord, bit: u16) -> bool {
    record.flags & bit != 0
}
