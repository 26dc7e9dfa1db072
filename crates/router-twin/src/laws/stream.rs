//! Laws of the events of a command as a whole.

use std::collections::BTreeMap;

use router_core::engine::{decode, event_flags, Command, EventKind, Image};

use super::{require, Law, Step};

pub(super) fn judge(step: &Step, found: &mut Vec<Law>) {
    let names = |event: &router_core::engine::EventRecord| event.command == step.before.sequence;
    require(
        step.events.iter().all(names),
        Law::EventsNameTheCommand,
        found,
    );
    refusal_changes_nothing(step, found);
    client_ids_repeat(step, found);
    uncross_tells_its_trades(step, found);
}

fn is_refusal(kind: Option<EventKind>) -> bool {
    matches!(kind, Some(EventKind::Rejected | EventKind::Duplicate))
}

fn refusal_changes_nothing(step: &Step, found: &mut Vec<Law>) {
    if !step
        .events
        .iter()
        .any(|event| is_refusal(event.event_kind()))
    {
        return;
    }
    let sequence = step.before.sequence + step.records.len() as u64;
    let expected = Image {
        sequence,
        ..step.before.clone()
    };
    let alone = step.events.len() == 1;
    require(
        alone && expected == step.after,
        Law::RefusalChangesNothing,
        found,
    );
}

/// A client id that is known gives the first order again, and no other.
fn client_ids_repeat(step: &Step, found: &mut Vec<Law>) {
    let Some(Ok(Command::New(new))) = step.records.first().map(decode) else {
        return;
    };
    let known = step.before.client_ids.iter();
    let mut known =
        known.filter(|one| one.client_id == new.client_id && one.account == new.account);
    let Some(first) = known.next() else { return };
    let fits = step
        .events
        .first()
        .is_some_and(|event| match event.event_kind() {
            Some(EventKind::Duplicate) => {
                event.order_id == first.order_id && event.instrument == first.instrument
            }
            // An unknown instrument or a torn list is refused before the client id is looked at.
            Some(EventKind::Rejected) => true,
            Some(_) | None => false,
        });
    require(fits, Law::ClientIdsAreUnique, found);
}

fn uncross_tells_its_trades(step: &Step, found: &mut Vec<Law>) {
    let mut rounds: BTreeMap<u32, Vec<(i64, u64)>> = BTreeMap::new();
    for event in &step.events {
        let trades = rounds.entry(event.instrument).or_default();
        match event.event_kind() {
            Some(EventKind::Trade) if event.flags & event_flags::AUCTION != 0 => {
                trades.push((event.price, event.qty));
            }
            Some(EventKind::Uncross) => {
                let at_its_price = trades.iter().all(|(price, _)| *price == event.price);
                let lots: u64 = trades.drain(..).map(|(_, lots)| lots).sum();
                let tells = at_its_price && lots == event.qty && lots > 0;
                require(tells, Law::UncrossTellsItsTrades, found);
            }
            Some(_) | None => {}
        }
    }
}
