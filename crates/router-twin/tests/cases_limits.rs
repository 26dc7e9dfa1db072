//! Cases of what protects the venue and its accounts from each other: tiers, caps, bands, time.

mod desk;

use desk::{cancelled, kinds, refusal, Desk, Who};
use router_core::engine::rules::{MAX_TIME_NS, TIERS};
use router_core::engine::{
    order_flags, Command, EventKind, Limits, ListRole, NewInstrument, NewOrder, OrderType, Reason,
    RuleKind, Side, Tif,
};

use Side::{Buy, Sell};

cases! {
    a_funded_instrument_has_two_assets_and_units
    no_tier_gives_more_than_the_cheapest_taker_pays
    followers_are_capped_from_the_start
    an_account_with_all_its_orders_is_full_and_the_others_are_not
    a_list_needs_room_for_all_its_orders
    a_client_id_of_a_closed_order_counts_until_it_is_forgotten
    a_full_book_is_named_before_a_full_account
    market_to_limit_takes_no_price_outside_the_band
    a_post_only_order_slides_to_no_price_outside_the_band
    a_fired_stop_limit_slides_wherever_the_book_is
    time_ends_before_it_overflows
    a_session_belongs_to_one_account
}

fn plain(who: Who) -> Desk {
    Desk::seat(who, Limits::default(), false, false)
}

fn small(who: Who, orders: u32, ids: u32) -> Desk {
    let limits = Limits {
        max_account_orders: orders,
        max_account_client_ids: ids,
        ..Limits::default()
    };
    Desk::seat(who, limits, false, false)
}

fn rule(desk: &mut Desk, rule: RuleKind, value: u64) {
    desk.tell(Command::SetRule {
        instrument: 0,
        rule,
        value,
    });
}

fn mark(desk: &mut Desk, price: i64) -> Vec<router_core::engine::EventRecord> {
    desk.tell(Command::SetMark {
        instrument: 0,
        price,
    })
}

fn tier(desk: &mut Desk, tier: u32, maker_ppm: i64, taker_ppm: i64) -> Option<Reason> {
    refusal(&desk.tell(Command::SetTier {
        tier,
        maker_ppm,
        taker_ppm,
    }))
}

fn a_funded_instrument_has_two_assets_and_units(who: Who) {
    let mut desk = plain(who);
    let mut add = |funded, quote_asset, lot_units, tick_units| {
        refusal(&desk.tell(Command::AddInstrument(NewInstrument {
            instrument: 1,
            base_asset: 1,
            quote_asset,
            lot_units,
            tick_units,
            max_qty: 0,
            funded,
            positions: false,
        })))
    };
    assert_eq!(add(true, 1, 0, 0), Some(Reason::InvalidCombination));
    assert_eq!(add(true, 0, 0, 1), Some(Reason::OutOfRange));
    assert_eq!(add(true, 0, 1, 0), Some(Reason::OutOfRange));
    assert_eq!(add(false, 1, 0, 0), None);
}

fn no_tier_gives_more_than_the_cheapest_taker_pays(who: Who) {
    let mut desk = plain(who);
    assert_eq!(tier(&mut desk, 0, -1, 1), Some(Reason::OutOfRange));
    for number in 0..u32::try_from(TIERS).unwrap_or(0) {
        assert_eq!(tier(&mut desk, number, 0, 10), None);
    }
    assert_eq!(tier(&mut desk, 2, -11, 10), Some(Reason::OutOfRange));
    assert_eq!(tier(&mut desk, 2, -10, 10), None);
    assert_eq!(tier(&mut desk, 3, 0, 9), Some(Reason::OutOfRange));
    assert_eq!(tier(&mut desk, 2, -9, 10), None);
    assert_eq!(tier(&mut desk, 3, 0, 9), None);
}

fn followers_are_capped_from_the_start(who: Who) {
    let rules = plain(who).image().rules;
    assert_eq!((rules.max_armed, rules.max_pegs), (1_000, 1_000));
}

fn an_account_with_all_its_orders_is_full_and_the_others_are_not(who: Who) {
    let mut desk = small(who, 2, 9);
    desk.limit(1, Sell, 100, 1);
    desk.limit(1, Buy, 90, 1);
    let third = NewOrder::limit(0, 1, Buy, 91, 1);
    assert_eq!(refusal(&desk.place(third)), Some(Reason::AccountFull));
    let immediate = NewOrder::market(0, 1, Buy, 1);
    assert_eq!(refusal(&desk.place(immediate)), Some(Reason::AccountFull));
    assert_eq!(desk.limit(2, Buy, 91, 1), 3);
    desk.cancel(1, 1);
    assert_eq!(desk.limit(1, Buy, 91, 1), 4);
}

/// A sell pair of a limit at 110 and a stop at 90.
fn pair(client_id: u64) -> [Command; 2] {
    let head = NewOrder {
        list: ListRole::OcoHead,
        client_id,
        ..NewOrder::limit(0, 1, Sell, 110, 1)
    };
    let leg = NewOrder {
        order_type: OrderType::Stop,
        tif: Tif::Ioc,
        price: 0,
        trigger: 90,
        list: ListRole::Leg,
        client_id: 0,
        ..head
    };
    [Command::New(head), Command::New(leg)]
}

fn a_list_needs_room_for_all_its_orders(who: Who) {
    let mut desk = small(who, 3, 9);
    desk.limit(1, Buy, 50, 1);
    desk.limit(1, Buy, 50, 1);
    assert_eq!(refusal(&desk.list(&pair(7))), Some(Reason::AccountFull));
    desk.cancel(1, 1);
    let expected = [
        (EventKind::Accepted, 3),
        (EventKind::Accepted, 4),
        (EventKind::Armed, 4),
        (EventKind::Rested, 3),
    ];
    assert_eq!(kinds(&desk.list(&pair(7))), expected);
}

fn a_client_id_of_a_closed_order_counts_until_it_is_forgotten(who: Who) {
    let mut desk = small(who, 9, 1);
    let named = |client_id| NewOrder {
        client_id,
        ..NewOrder::limit(0, 1, Buy, 50, 1)
    };
    desk.place(named(7));
    desk.cancel(1, 1);
    assert_eq!(refusal(&desk.place(named(8))), Some(Reason::AccountFull));
    assert_eq!(desk.limit(1, Buy, 50, 1), 2);
    let now_ns = Limits::default().client_window_ns.saturating_add(1);
    desk.tell(Command::Tick { now_ns });
    assert_eq!(refusal(&desk.place(named(8))), None);
}

fn a_full_book_is_named_before_a_full_account(who: Who) {
    let mut desk = small(who, 1, 9);
    rule(&mut desk, RuleKind::MaxOpen, 1);
    desk.limit(1, Buy, 50, 1);
    let more = NewOrder::limit(0, 1, Buy, 51, 1);
    assert_eq!(refusal(&desk.place(more)), Some(Reason::BookFull));
    rule(&mut desk, RuleKind::MaxOpen, 2);
    assert_eq!(refusal(&desk.place(more)), Some(Reason::AccountFull));
}

fn market_to_limit_takes_no_price_outside_the_band(who: Who) {
    let mut desk = plain(who);
    desk.limit(1, Sell, 106, 1);
    desk.limit(1, Buy, 95, 1);
    mark(&mut desk, 100);
    rule(&mut desk, RuleKind::BandPpm, 50_000);
    let taker = |side| NewOrder {
        order_type: OrderType::MarketToLimit,
        ..NewOrder::limit(0, 2, side, 0, 1)
    };
    assert_eq!(refusal(&desk.place(taker(Buy))), Some(Reason::OutsideBand));
    assert_eq!(desk.depth(Sell), [(106, 1)]);
    assert_eq!(refusal(&desk.place(taker(Sell))), None);
}

fn sliding(price: i64) -> NewOrder {
    NewOrder {
        flags: order_flags::POST_ONLY | order_flags::SLIDE,
        ..NewOrder::limit(0, 2, Buy, price, 1)
    }
}

fn a_post_only_order_slides_to_no_price_outside_the_band(who: Who) {
    let mut desk = plain(who);
    desk.limit(1, Sell, 95, 1);
    desk.place(sliding(80));
    mark(&mut desk, 100);
    rule(&mut desk, RuleKind::BandPpm, 50_000);
    assert_eq!(refusal(&desk.place(sliding(99))), Some(Reason::OutsideBand));
    assert_eq!(refusal(&desk.amend(2, 2, 99, 0)), Some(Reason::OutsideBand));
    rule(&mut desk, RuleKind::BandPpm, 60_000);
    desk.place(sliding(99));
    desk.amend(2, 2, 99, 0);
    assert_eq!(desk.queue(Buy, 94), [3, 2]);
}

fn a_fired_stop_limit_slides_wherever_the_book_is(who: Who) {
    let mut desk = plain(who);
    desk.limit(1, Sell, 90, 1);
    mark(&mut desk, 100);
    rule(&mut desk, RuleKind::BandPpm, 50_000);
    let stop = NewOrder {
        order_type: OrderType::StopLimit,
        trigger: 101,
        flags: order_flags::POST_ONLY | order_flags::SLIDE | order_flags::MARK,
        ..NewOrder::limit(0, 2, Buy, 99, 1)
    };
    desk.place(stop);
    let expected = [
        (EventKind::Configured, 0),
        (EventKind::Triggered, 2),
        (EventKind::Rested, 2),
    ];
    assert_eq!(kinds(&mark(&mut desk, 101)), expected);
    assert_eq!(desk.depth(Buy), [(89, 1)]);
}

fn time_ends_before_it_overflows(who: Who) {
    let mut desk = plain(who);
    let mut tick = |now_ns| refusal(&desk.tell(Command::Tick { now_ns }));
    assert_eq!(tick(MAX_TIME_NS + 1), Some(Reason::OutOfRange));
    assert_eq!(tick(u64::MAX), Some(Reason::OutOfRange));
    assert_eq!(tick(MAX_TIME_NS), None);
    assert_eq!(tick(MAX_TIME_NS - 1), Some(Reason::TimeBackwards));
}

fn a_session_belongs_to_one_account(who: Who) {
    let mut desk = plain(who);
    for account in [1, 2] {
        desk.place(NewOrder {
            session: 5,
            ..NewOrder::limit(0, account, Buy, 50, 1)
        });
    }
    let mut disconnect = |account, session| desk.tell(Command::Disconnect { account, session });
    let gone = cancelled(&disconnect(2, 5));
    assert_eq!(gone, [(2, Some(Reason::Disconnected))]);
    assert_eq!(refusal(&disconnect(1, 0)), Some(Reason::OutOfRange));
    assert_eq!(cancelled(&disconnect(1, 4)), []);
}
