//! Every law is seen broken: true steps are spoiled in the one way that a test's name says.

#![allow(clippy::arithmetic_side_effects, reason = "a failing test may panic")]

use router_core::engine::image::{InstrumentImage, LinkImage, OrderImage};
use router_core::engine::{
    decode, encode, event_flags, order_flags, Command, EventKind, EventRecord, OrderType, Phase,
    StpMode, Tif,
};
use router_twin::gen::{Generator, Profile};
use router_twin::laws::{broken, Law, Step};
use router_twin::pair::commands;
use router_twin::Twin;

/// Spoils steps of a random run and asserts that the law reports each of them.
fn bites(law: Law, profile: Profile, spoil: impl Fn(&mut Step) -> Option<()>) {
    let mut generator = Generator::new(11, profile);
    let mut twin = Twin::new(Generator::limits());
    let mut spoiled = 0;
    for _ in 0..6_000 {
        let submission = generator.submission();
        for records in commands(&submission) {
            let before = twin.image();
            let events = twin.submit(records);
            generator.observe(&events);
            let after = twin.image();
            let mut step = Step {
                before,
                records: records.to_vec(),
                events,
                after,
            };
            if spoiled < 20 && spoil(&mut step).is_some() {
                spoiled += 1;
                let laws = broken(&step);
                assert!(
                    laws.contains(&law),
                    "{law:?} was not reported, but {laws:?}"
                );
            }
        }
    }
    assert!(spoiled > 0, "no step could be spoiled for {law:?}");
}

fn trade(step: &mut Step) -> Option<&mut EventRecord> {
    let mut events = step.events.iter_mut();
    events.find(|event| {
        event.event_kind() == Some(EventKind::Trade) && event.flags & event_flags::AUCTION == 0
    })
}

fn event(step: &mut Step, kind: EventKind) -> Option<&mut EventRecord> {
    step.events
        .iter_mut()
        .find(|event| event.event_kind() == Some(kind))
}

fn orders(inst: &InstrumentImage) -> impl Iterator<Item = &OrderImage> {
    let levels = inst.bids.iter().chain(&inst.asks);
    levels.flat_map(|level| &level.orders)
}

fn resting(inst: &mut InstrumentImage) -> Option<&mut OrderImage> {
    let levels = inst.bids.iter_mut().chain(&mut inst.asks);
    levels.flat_map(|level| &mut level.orders).next()
}

/// Gives the taker of the command's first trade other flags, as if it had come with them.
fn retaken(step: &mut Step, change: impl Fn(&mut router_core::engine::NewOrder)) -> Option<()> {
    trade(step)?;
    let record = step.records.first_mut()?;
    let Ok(Command::New(mut new)) = decode(record) else {
        return None;
    };
    change(&mut new);
    *record = encode(&Command::New(new));
    Some(())
}

#[test]
fn never_crossed_sees_a_bid_lifted_to_the_best_offer() {
    bites(Law::NeverCrossed, Profile::Continuous, |step| {
        let inst = step.after.instruments.first_mut()?;
        let ask = inst.asks.first()?.price;
        let open = inst.phase == Phase::Continuous;
        inst.bids.first_mut()?.price = ask;
        open.then_some(())
    });
}

#[test]
fn price_priority_sees_a_trade_with_the_second_best_level() {
    bites(Law::PricePriority, Profile::Continuous, |step| {
        let event = trade(step)?;
        let (i, side) = (event.instrument, event.side);
        let inst = step.before.instruments.get(usize::try_from(i).ok()?)?;
        let levels = if side == 0 { &inst.asks } else { &inst.bids };
        let second = levels.get(1)?;
        let (price, maker) = (second.price, *second.orders.first()?);
        let best = levels.first()?.price;
        let event = trade(step)?;
        if event.price != best {
            return None;
        }
        event.price = price;
        event.other_id = maker.id;
        event.other_account = maker.account;
        Some(())
    });
}

#[test]
fn first_in_first_out_sees_a_trade_with_the_second_in_line() {
    bites(Law::FirstInFirstOut, Profile::Continuous, |step| {
        let event = trade(step)?;
        let (i, side, price) = (event.instrument, event.side, event.price);
        let inst = step.before.instruments.get(usize::try_from(i).ok()?)?;
        let mut levels = if side == 0 {
            inst.asks.iter()
        } else {
            inst.bids.iter()
        };
        let level = levels.find(|level| level.price == price)?;
        let second = *level.orders.get(1)?;
        let event = trade(step)?;
        if event.other_id == second.id {
            return None;
        }
        event.other_id = second.id;
        event.other_account = second.account;
        Some(())
    });
}

#[test]
fn maker_price_sees_a_print_one_tick_beside_the_maker() {
    bites(Law::MakerPrice, Profile::Continuous, |step| {
        trade(step)?.price += 1;
        Some(())
    });
}

#[test]
fn quantities_see_a_trade_that_leaves_one_lot_too_many() {
    bites(Law::Quantities, Profile::Continuous, |step| {
        trade(step)?.leaves += 1;
        Some(())
    });
}

#[test]
fn quantities_see_a_filled_maker_that_is_not_called_done() {
    bites(Law::Quantities, Profile::Continuous, |step| {
        trade(step)?.flags ^= event_flags::MAKER_DONE;
        Some(())
    });
}

#[test]
fn quantities_see_a_cancel_of_one_lot_too_few() {
    bites(Law::Quantities, Profile::Continuous, |step| {
        event(step, EventKind::Cancelled)?.qty -= 1;
        Some(())
    });
}

#[test]
fn funds_conserved_sees_one_unit_of_a_fee_lost() {
    bites(Law::FundsConserved, Profile::Funded, |step| {
        event(step, EventKind::Fee)?;
        step.after.fees.first_mut()?.amount -= 1;
        Some(())
    });
}

#[test]
fn funds_conserved_sees_one_unit_made_from_nothing() {
    bites(Law::FundsConserved, Profile::Funded, |step| {
        let account = step.after.accounts.first_mut()?;
        account.balances.first_mut()?.available += 1;
        Some(())
    });
}

#[test]
fn held_is_needed_sees_a_hold_that_outlives_its_order() {
    bites(Law::HeldIsNeeded, Profile::Funded, |step| {
        let inst = step.after.instruments.get_mut(1)?;
        let level = inst.bids.first_mut()?;
        level.orders.pop().map(|_| ())
    });
}

#[test]
fn held_is_needed_sees_one_unit_of_a_hold_freed_too_early() {
    bites(Law::HeldIsNeeded, Profile::Funded, |step| {
        let mut balances = step
            .after
            .accounts
            .iter_mut()
            .flat_map(|account| &mut account.balances);
        let balance = balances.find(|balance| balance.held > 0)?;
        balance.held -= 1;
        balance.available += 1;
        Some(())
    });
}

#[test]
fn no_rest_for_immediate_sees_a_resting_ioc_rest() {
    bites(Law::NoRestForImmediate, Profile::Continuous, |step| {
        resting(step.after.instruments.first_mut()?)?.tif = Tif::Ioc;
        Some(())
    });
}

#[test]
fn no_rest_for_immediate_sees_a_resting_market_order() {
    bites(Law::NoRestForImmediate, Profile::Continuous, |step| {
        resting(step.after.instruments.first_mut()?)?.order_type = OrderType::Market;
        Some(())
    });
}

#[test]
fn all_or_nothing_sees_a_partly_filled_fok() {
    bites(Law::AllOrNothing, Profile::Continuous, |step| {
        let last = step.events.last()?;
        let part = matches!(
            last.event_kind(),
            Some(EventKind::Cancelled | EventKind::Rested)
        );
        let part = part && last.order_id == trade(step)?.order_id;
        let quote = |new: &router_core::engine::NewOrder| new.flags & order_flags::QUOTE != 0;
        let by_quote = step.records.first().map(decode);
        let by_quote = matches!(by_quote, Some(Ok(Command::New(ref new))) if quote(new));
        (part && !by_quote).then_some(())?;
        retaken(step, |new| {
            new.tif = Tif::Fok;
            new.expire_s = 0;
        })
    });
}

#[test]
fn post_only_never_takes_sees_a_post_only_taker() {
    bites(Law::PostOnlyNeverTakes, Profile::Continuous, |step| {
        retaken(step, |new| new.flags |= order_flags::POST_ONLY)
    });
}

#[test]
fn refusal_changes_nothing_sees_a_refused_order_that_moved_the_last_price() {
    bites(Law::RefusalChangesNothing, Profile::Continuous, |step| {
        event(step, EventKind::Rejected)?;
        step.after.instruments.first_mut()?.last_price += 1;
        Some(())
    });
}

#[test]
fn refusal_changes_nothing_sees_a_refused_order_whose_client_id_is_kept() {
    bites(Law::RefusalChangesNothing, Profile::Continuous, |step| {
        event(step, EventKind::Rejected)?;
        let mut kept = step.after.client_ids.last().copied()?;
        kept.client_id += 1_000;
        step.after.client_ids.push(kept);
        Some(())
    });
}

#[test]
fn refusal_changes_nothing_sees_an_order_id_used_up() {
    bites(Law::RefusalChangesNothing, Profile::Continuous, |step| {
        event(step, EventKind::Rejected)?;
        step.after.instruments.first_mut()?.next_order_id += 1;
        Some(())
    });
}

#[test]
fn no_self_trade_sees_a_print_within_one_account() {
    bites(Law::NoSelfTrade, Profile::Continuous, |step| {
        let event = trade(step)?;
        event.other_account = event.account;
        retaken(step, |new| new.stp = StpMode::ExpireMaker)
    });
}

#[test]
fn no_self_trade_sees_a_print_within_a_trade_group() {
    bites(Law::NoSelfTrade, Profile::Continuous, |step| {
        let event = trade(step)?;
        let (one, other) = (event.account, event.other_account);
        for account in &mut step.before.accounts {
            if account.account == one || account.account == other {
                account.group = 9;
            }
        }
        retaken(step, |new| new.stp = StpMode::Decrement)
    });
}

#[test]
fn events_rebuild_the_book_sees_a_maker_removed_without_an_event() {
    bites(Law::EventsRebuildTheBook, Profile::Continuous, |step| {
        let at = step
            .events
            .iter()
            .position(|event| event.event_kind() == Some(EventKind::Cancelled))?;
        let gone = step.events.remove(at);
        let i = usize::try_from(gone.instrument).ok()?;
        let inst = step.before.instruments.get(i)?;
        let mut known = inst
            .bids
            .iter()
            .chain(&inst.asks)
            .flat_map(|level| &level.orders);
        known.any(|order| order.id == gone.order_id).then_some(())
    });
}

#[test]
fn events_rebuild_the_book_sees_a_queue_in_another_order() {
    bites(Law::EventsRebuildTheBook, Profile::Continuous, |step| {
        let inst = step.after.instruments.first_mut()?;
        let mut levels = inst.bids.iter_mut().chain(&mut inst.asks);
        levels
            .find(|level| level.orders.len() > 1)?
            .orders
            .reverse();
        Some(())
    });
}

#[test]
fn events_rebuild_the_book_sees_a_phantom_level() {
    bites(Law::EventsRebuildTheBook, Profile::Continuous, |step| {
        let inst = step.after.instruments.first_mut()?;
        let mut phantom = inst.bids.first()?.clone();
        phantom.price -= 50;
        inst.bids.push(phantom);
        Some(())
    });
}

#[test]
fn events_rebuild_the_book_sees_a_stop_that_vanished() {
    bites(Law::EventsRebuildTheBook, Profile::Stops, |step| {
        step.after.instruments.get_mut(1)?.armed.pop().map(|_| ())
    });
}

#[test]
fn events_name_the_command_sees_a_sequence_number_that_is_off_by_one() {
    bites(Law::EventsNameTheCommand, Profile::Continuous, |step| {
        step.events.last_mut()?.command += 1;
        Some(())
    });
}

#[test]
fn client_ids_are_unique_sees_the_same_id_twice() {
    bites(Law::ClientIdsAreUnique, Profile::Continuous, |step| {
        let first = step.after.client_ids.first().copied()?;
        step.after.client_ids.push(first);
        Some(())
    });
}

#[test]
fn client_ids_are_unique_sees_a_second_order_for_a_known_id() {
    bites(Law::ClientIdsAreUnique, Profile::Continuous, |step| {
        event(step, EventKind::Duplicate)?.order_id += 1;
        Some(())
    });
}

#[test]
fn reduce_only_reduces_sees_an_order_that_opens_a_position() {
    bites(Law::ReduceOnlyReduces, Profile::Positions, |step| {
        let event = trade(step)?;
        let (i, account) = (event.instrument, event.account);
        for owner in &mut step.before.accounts {
            if owner.account == account {
                owner.positions.retain(|position| position.instrument != i);
            }
        }
        let inst = step.before.instruments.get(usize::try_from(i).ok()?)?;
        inst.positions.then_some(())?;
        retaken(step, |new| new.flags |= order_flags::REDUCE_ONLY)
    });
}

#[test]
fn links_agree_sees_a_leg_whose_sibling_is_gone() {
    bites(Law::LinksAgree, Profile::Stops, |step| {
        let inst = step.after.instruments.get_mut(1)?;
        let linked = inst
            .armed
            .iter()
            .position(|order| order.link != Default::default())?;
        inst.armed.remove(linked);
        Some(())
    });
}

/// The first exit that waits though the head of its bracket is done.
fn waiting(step: &mut Step) -> Option<(&mut InstrumentImage, usize)> {
    let mut instruments = step.after.instruments.iter_mut();
    instruments.find_map(|inst| {
        let open: Vec<u64> = orders(inst).map(|order| order.id).collect();
        let waits = |order: &OrderImage| {
            matches!(order.link, LinkImage::BracketExit { head, .. } if !open.contains(&head))
        };
        let at = inst.pending.iter().position(waits)?;
        Some((inst, at))
    })
}

#[test]
fn uncross_leaves_no_cross_sees_an_auction_that_trades_nothing() {
    bites(Law::UncrossLeavesNoCross, Profile::Auctions, |step| {
        event(step, EventKind::Uncross)?;
        step.events
            .retain(|event| event.event_kind() == Some(EventKind::Phase));
        Some(())
    });
}

#[test]
fn uncross_tells_its_round_sees_one_lot_too_many() {
    bites(Law::UncrossTellsItsRound, Profile::Auctions, |step| {
        event(step, EventKind::Uncross)?.qty += 1;
        Some(())
    });
}

#[test]
fn uncross_tells_its_round_sees_a_trade_at_another_price() {
    bites(Law::UncrossTellsItsRound, Profile::Auctions, |step| {
        event(step, EventKind::Uncross)?;
        let mut events = step.events.iter_mut();
        events
            .find(|event| event.flags & event_flags::AUCTION != 0)?
            .price += 1;
        Some(())
    });
}

#[test]
fn uncross_tells_its_round_sees_an_uncross_before_its_trades() {
    bites(Law::UncrossTellsItsRound, Profile::Auctions, |step| {
        let kind = Some(EventKind::Uncross);
        let mut events = step.events.iter();
        let at = events.position(|event| event.event_kind() == kind)?;
        let told = step.events.remove(at);
        step.events.insert(1, told);
        Some(())
    });
}

#[test]
fn no_rebate_in_uncross_sees_a_unit_that_the_house_pays() {
    bites(Law::NoRebateInUncross, Profile::Funded, |step| {
        let auction = |event: &EventRecord| event.flags & event_flags::AUCTION != 0;
        let at = step.events.iter().position(auction)?;
        let fee = step.events.get_mut(at + 1)?;
        (fee.event_kind() == Some(EventKind::Fee)).then_some(())?;
        *fee = fee.with_amount(-1);
        Some(())
    });
}

#[test]
fn exits_wait_for_trading_sees_exits_that_sleep_through_the_opening() {
    bites(Law::ExitsWaitForTrading, Profile::Stops, |step| {
        waiting(step)?.0.phase = Phase::Continuous;
        Some(())
    });
}

#[test]
fn exits_wait_for_trading_sees_exits_of_unequal_lots() {
    bites(Law::ExitsWaitForTrading, Profile::Stops, |step| {
        let (inst, at) = waiting(step)?;
        inst.pending.get_mut(at)?.open += 1;
        inst.pending.get_mut(at)?.total += 1;
        Some(())
    });
}

#[test]
fn events_rebuild_the_book_sees_waiting_exits_that_are_not_for_what_was_filled() {
    bites(Law::EventsRebuildTheBook, Profile::Stops, |step| {
        let (inst, at) = waiting(step)?;
        inst.pending.get_mut(at)?.open += 1;
        Some(())
    });
}

#[test]
fn account_caps_sees_an_account_with_more_orders_than_it_may_have() {
    bites(Law::AccountCaps, Profile::Continuous, |step| {
        resting(step.after.instruments.first_mut()?)?;
        step.after.limits.max_account_orders = 0;
        Some(())
    });
}

#[test]
fn account_caps_sees_an_account_with_more_client_ids_than_it_may_have() {
    bites(Law::AccountCaps, Profile::Continuous, |step| {
        step.after.client_ids.first()?;
        step.after.limits.max_account_client_ids = 0;
        Some(())
    });
}

#[test]
fn tiers_never_pay_sees_a_rebate_that_no_taker_pays_for() {
    bites(Law::TiersNeverPay, Profile::Funded, |step| {
        let least = step.after.tiers.iter().map(|tier| tier.taker_ppm).min()?;
        step.after.tiers.last_mut()?.maker_ppm = -least - 1;
        Some(())
    });
}

#[test]
fn price_priority_sees_an_auction_trade_behind_the_head() {
    bites(Law::PricePriority, Profile::Auctions, |step| {
        let auction = |event: &EventRecord| event.flags & event_flags::AUCTION != 0;
        let at = 1;
        auction(step.events.get(at)?).then_some(())?;
        let place = usize::try_from(step.events.get(at)?.instrument).ok()?;
        let asks = &step.before.instruments.get(place)?.asks;
        let mut orders = asks.iter().flat_map(|level| &level.orders);
        let known = step.events.get(at)?.other_id;
        let other = *orders.find(|order| order.id != known)?;
        let trade = step.events.get_mut(at)?;
        trade.other_id = other.id;
        trade.other_account = other.account;
        Some(())
    });
}

#[test]
fn no_law_is_without_a_test_that_sees_it_broken() {
    let source = include_str!("laws_bite.rs");
    for law in Law::ALL {
        assert!(
            source.contains(&format!("bites(Law::{law:?},")),
            "nothing breaks {law:?}"
        );
    }
}
