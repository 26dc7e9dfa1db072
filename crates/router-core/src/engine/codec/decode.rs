//! Records to commands.

use super::{encode, Malformed};
use crate::engine::command::{
    mode, scope, Command, CommandKind, CommandRecord, NewInstrument, NewOrder,
};
use crate::engine::rules::{
    order_flags, ListRole, OrderType, PegKind, Phase, RuleKind, Side, StpMode, Tif,
};

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
            account,
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
