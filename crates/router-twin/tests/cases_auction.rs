//! Cases of the uncross and of exits that wait for trading.

mod desk;

use desk::{cancelled, kinds, refusal, trades, Desk, Who};
use router_core::engine::image::LinkImage;
use router_core::engine::rules::TIERS;
use router_core::engine::{
    event_flags, Command, EventKind, EventRecord, Limits, ListRole, NewOrder, OrderType, Phase,
    Reason, Side, StpMode, Tif,
};

use EventKind::{Activated, Armed, Cancelled, Fee, Rested, Trade, Uncross};
use Side::{Buy, Sell};

cases! {
    an_uncross_is_told_after_its_trades
    a_round_without_a_trade_is_not_told
    each_round_finds_a_price_of_its_own
    the_ninth_meeting_is_at_the_price_of_the_earlier_offer
    the_ninth_meeting_is_at_the_price_of_the_earlier_bid
    nobody_is_paid_in_an_uncross
    exits_of_a_head_that_ends_in_a_halt_wait_for_trading
    exits_are_woken_before_the_uncross_and_act_after_it
    exits_that_wait_go_together
}

fn plain(who: Who) -> Desk {
    Desk::seat(who, Limits::default(), false, false)
}

/// Price, lots and surplus of each round that is told.
fn rounds(events: &[EventRecord]) -> Vec<(i64, u64, u64)> {
    let told = events
        .iter()
        .filter(|event| event.event_kind() == Some(Uncross));
    told.map(|event| (event.price, event.qty, event.leaves))
        .collect()
}

/// A bid that goes when it meets an offer of its owner.
fn shy(price: i64, qty: u64) -> NewOrder {
    NewOrder {
        stp: StpMode::ExpireTaker,
        ..NewOrder::limit(0, 1, Buy, price, qty)
    }
}

fn an_uncross_is_told_after_its_trades(who: Who) {
    let mut desk = plain(who);
    desk.phase(Phase::Auction);
    desk.limit(1, Buy, 105, 5);
    desk.limit(2, Sell, 100, 2);
    desk.limit(3, Sell, 101, 1);
    let events = desk.phase(Phase::Continuous);
    let expected = [(EventKind::Phase, 0), (Trade, 1), (Trade, 1), (Uncross, 0)];
    assert_eq!(kinds(&events), expected);
    // 3 lots at 101 and at 105, surplus 2 at both; without a reference the lower price.
    assert_eq!(trades(&events), [(2, 101, 2), (3, 101, 1)]);
    assert_eq!(rounds(&events), [(101, 3, 2)]);
}

fn a_round_without_a_trade_is_not_told(who: Who) {
    let mut desk = plain(who);
    desk.phase(Phase::Auction);
    desk.limit(1, Sell, 90, 4);
    desk.place(shy(110, 4));
    desk.place(shy(109, 4));
    desk.limit(2, Buy, 108, 4);
    let events = desk.phase(Phase::Continuous);
    let expected = [
        (EventKind::Phase, 0),
        (Cancelled, 2),
        (Cancelled, 3),
        (Trade, 4),
        (Uncross, 0),
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(rounds(&events), [(90, 4, 0)]);
}

fn each_round_finds_a_price_of_its_own(who: Who) {
    let mut desk = plain(who);
    desk.phase(Phase::Auction);
    desk.limit(1, Sell, 90, 8);
    desk.limit(2, Buy, 110, 4);
    desk.place(shy(109, 4));
    desk.limit(2, Buy, 108, 4);
    let events = desk.phase(Phase::Continuous);
    // 109: 8 lots, no surplus. Then 4 lots at 90 and at 108: 108 is nearer to 109.
    let expected = [
        (EventKind::Phase, 0),
        (Trade, 2),
        (Cancelled, 3),
        (Uncross, 0),
        (Trade, 4),
        (Uncross, 0),
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(rounds(&events), [(109, 4, 0), (108, 4, 0)]);
}

/// Eight rounds take away one bid each; what then is left meets one by one.
fn after_eight_rounds(desk: &mut Desk) -> Vec<EventRecord> {
    for price in (113..=120).rev() {
        desk.place(shy(price, 4));
    }
    desk.limit(2, Buy, 112, 3);
    let events = desk.phase(Phase::Continuous);
    assert_eq!(cancelled(&events).len(), 8);
    assert_eq!(rounds(&events), []);
    let last = events.last().copied().unwrap_or_default();
    assert_ne!(last.flags & event_flags::AUCTION, 0);
    events
}

fn the_ninth_meeting_is_at_the_price_of_the_earlier_offer(who: Who) {
    let mut desk = plain(who);
    desk.phase(Phase::Auction);
    desk.limit(1, Sell, 90, 4);
    let events = after_eight_rounds(&mut desk);
    assert_eq!(trades(&events), [(1, 90, 3)]);
    assert_eq!(desk.depth(Sell), [(90, 1)]);
}

fn the_ninth_meeting_is_at_the_price_of_the_earlier_bid(who: Who) {
    let mut desk = plain(who);
    desk.phase(Phase::Auction);
    desk.limit(3, Buy, 111, 1);
    desk.limit(1, Sell, 90, 4);
    let events = after_eight_rounds(&mut desk);
    assert_eq!(trades(&events), [(2, 90, 3), (2, 111, 1)]);
    assert_eq!((desk.depth(Buy), desk.depth(Sell)), (vec![], vec![]));
}

fn nobody_is_paid_in_an_uncross(who: Who) {
    let mut desk = Desk::seat(who, Limits::default(), true, false);
    for tier in 0..u32::try_from(TIERS).unwrap_or(0) {
        let maker_ppm = if tier == 1 { 10_000 } else { 0 };
        let taker_ppm = 20_000;
        desk.tell(Command::SetTier {
            tier,
            maker_ppm,
            taker_ppm,
        });
    }
    let (tier, maker_ppm, taker_ppm) = (0, -20_000, 20_000);
    desk.tell(Command::SetTier {
        tier,
        maker_ppm,
        taker_ppm,
    });
    let (account, tier, group) = (1, 1, 0);
    desk.tell(Command::SetAccount {
        account,
        tier,
        group,
    });
    desk.give(1, 0, 10_100);
    desk.give(2, 1, 150);
    desk.phase(Phase::Auction);
    desk.limit(1, Buy, 101, 100);
    desk.limit(2, Sell, 100, 150);
    let events = desk.phase(Phase::Continuous);
    // The buyer gets 100 lots and pays a hundredth of them; the seller's rebate stays with the house.
    assert_eq!(rounds(&events), [(100, 100, 50)]);
    let fees = events
        .iter()
        .filter(|event| event.event_kind() == Some(Fee));
    let fees: Vec<_> = fees.map(|event| (event.order_id, event.amount())).collect();
    assert_eq!(fees, [(1, 1)]);
    assert_eq!((desk.money(1, 1), desk.money(1, 0)), ((99, 0), (100, 0)));
    assert_eq!((desk.money(2, 0), desk.money(2, 1)), ((10_000, 0), (0, 50)));
}

/// A bid for 6 lots at 100 with a take profit at 105 and a stop at 90, of which 4 are filled.
fn bracket(who: Who) -> Desk {
    let mut desk = plain(who);
    let head = NewOrder {
        list: ListRole::BracketHead,
        ..NewOrder::limit(0, 1, Buy, 100, 6)
    };
    let profit = NewOrder {
        list: ListRole::Leg,
        ..NewOrder::limit(0, 1, Sell, 105, 6)
    };
    let stop = NewOrder {
        order_type: OrderType::Stop,
        tif: Tif::Ioc,
        price: 0,
        trigger: 90,
        ..profit
    };
    desk.list(&[head, profit, stop].map(Command::New));
    desk.limit(2, Sell, 100, 4);
    desk
}

fn exits_of_a_head_that_ends_in_a_halt_wait_for_trading(who: Who) {
    let mut desk = bracket(who);
    desk.phase(Phase::Halted);
    assert_eq!(kinds(&desk.cancel(1, 1)), [(Cancelled, 1)]);
    let waiting: Vec<_> = desk
        .image()
        .pending
        .iter()
        .map(|one| (one.id, one.total, one.open))
        .collect();
    assert_eq!(waiting, [(2, 4, 4), (3, 4, 4)]);
    let expected = [
        (EventKind::Phase, 0),
        (Activated, 2),
        (Activated, 3),
        (Armed, 3),
        (Rested, 2),
    ];
    assert_eq!(kinds(&desk.phase(Phase::Continuous)), expected);
    assert_eq!(desk.depth(Sell), [(105, 4)]);
}

fn exits_are_woken_before_the_uncross_and_act_after_it(who: Who) {
    let mut desk = bracket(who);
    desk.phase(Phase::Auction);
    desk.cancel(1, 1);
    desk.limit(3, Buy, 106, 3);
    desk.limit(2, Sell, 104, 2);
    let events = desk.phase(Phase::Continuous);
    // Both prices trade 2 lots with a surplus of 1; 104 is nearer to the last price of 100. The
    // take profit of 4 lots then meets the bid that is left.
    let expected = [
        (EventKind::Phase, 0),
        (Trade, 5),
        (Uncross, 0),
        (Activated, 2),
        (Activated, 3),
        (Armed, 3),
        (Trade, 2),
        (Cancelled, 3),
        (Rested, 2),
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(trades(&events), [(6, 104, 2), (5, 106, 1)]);
    assert_eq!(desk.depth(Sell), [(105, 3)]);
}

fn exits_that_wait_go_together(who: Who) {
    let mut desk = bracket(who);
    desk.phase(Phase::Halted);
    desk.cancel(1, 1);
    let pending = desk.image().pending;
    let links: Vec<_> = pending.iter().map(|order| order.link).collect();
    let exit = |sibling| LinkImage::BracketExit { head: 1, sibling };
    assert_eq!(links, [exit(3), exit(2)]);
    assert_eq!(refusal(&desk.amend(1, 2, 106, 0)), Some(Reason::Linked));
    let events = desk.cancel(1, 3);
    let gone = [(3, Some(Reason::Requested)), (2, Some(Reason::Linked))];
    assert_eq!(cancelled(&events), gone);
    assert_eq!(
        kinds(&desk.phase(Phase::Continuous)),
        [(EventKind::Phase, 0)]
    );
}
