//! Laws of the events of a command as a whole.

use router_core::engine::{decode, event_flags, rules::MAX_ROUNDS, Command, EventKind, Image};

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
    uncross_tells_its_round(step, found);
    no_rebate_in_uncross(step, found);
}

fn uncross_tells_its_round(step: &Step, found: &mut Vec<Law>) {
    let (mut rounds, mut lots, mut price) = (0, 0, None);
    let mut tells = true;
    for event in &step.events {
        match event.event_kind() {
            Some(EventKind::Phase) => (lots, price) = (0, None),
            Some(EventKind::Trade) if event.flags & event_flags::AUCTION != 0 => {
                lots += event.qty;
                // Trades at two prices are of no one round; `Uncross` must not follow them.
                price = match price {
                    Some(before) if before != event.price => Some(0),
                    Some(_) | None => Some(event.price),
                };
            }
            Some(EventKind::Uncross) => {
                rounds += 1;
                tells &= event.qty == lots && price == Some(event.price);
                (lots, price) = (0, None);
            }
            Some(_) | None => {}
        }
    }
    require(
        tells && rounds <= MAX_ROUNDS,
        Law::UncrossTellsItsRound,
        found,
    );
}

fn no_rebate_in_uncross(step: &Step, found: &mut Vec<Law>) {
    let mut auction = false;
    for event in &step.events {
        if event.event_kind() == Some(EventKind::Trade) {
            auction = event.flags & event_flags::AUCTION != 0;
        } else if event.event_kind() == Some(EventKind::Fee) {
            let paid = !auction || event.amount() > 0;
            require(paid, Law::NoRebateInUncross, found);
        }
    }
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
