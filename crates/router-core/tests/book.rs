//! Laws of the order book, and the outcome of each order kind.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; lots under test are small"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use router_core::book::{Book, Fill, Kind, Order, Reason, RestingOrder, Side, Status};

#[derive(Clone, Copy, Debug)]
enum Command {
    Place(u64, Order),
    Cancel(u64),
}

fn any_order() -> impl Strategy<Value = Order> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let kind = prop_oneof![
        6 => Just(Kind::Limit),
        1 => Just(Kind::Market),
        1 => Just(Kind::Ioc),
        1 => Just(Kind::Fok),
        2 => Just(Kind::PostOnly),
    ];
    // Few prices and small sizes, so that queues form and orders meet.
    (side, kind, 1_u64..12, 1_u64..20).prop_map(|(side, kind, price_ticks, lots)| Order {
        side,
        kind,
        price_ticks,
        lots,
    })
}

fn any_commands() -> impl Strategy<Value = Vec<Command>> {
    let command = prop_oneof![
        5 => (0_u64..60, any_order()).prop_map(|(id, order)| Command::Place(id, order)),
        1 => (0_u64..60).prop_map(Command::Cancel),
    ];
    prop::collection::vec(command, 0..120)
}

fn run(commands: &[Command]) -> Book {
    let mut book = Book::new();
    for command in commands {
        match *command {
            Command::Place(id, order) => drop(book.place(id, order)),
            Command::Cancel(id) => drop(book.cancel(id)),
        }
    }
    book
}

fn orders(book: &Book) -> Vec<RestingOrder> {
    book.orders_of(Side::Buy)
        .chain(book.orders_of(Side::Sell))
        .collect()
}

fn lots_of(book: &Book, side: Side) -> u128 {
    book.levels_of(side).map(|level| level.lots).sum()
}

fn best(book: &Book, side: Side) -> Option<u64> {
    book.levels_of(side).next().map(|level| level.price_ticks)
}

fn limit(side: Side, price_ticks: u64, lots: u64) -> Order {
    Order {
        side,
        kind: Kind::Limit,
        price_ticks,
        lots,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_book_is_never_crossed(commands in any_commands()) {
        let book = run(&commands);
        if let (Some(bid), Some(ask)) = (best(&book, Side::Buy), best(&book, Side::Sell)) {
            prop_assert!(bid < ask);
        }
    }

    #[test]
    fn lots_are_conserved(commands in any_commands(), order in any_order()) {
        let mut book = run(&commands);
        let (own, other) = (lots_of(&book, order.side), lots_of(&book, order.side.opposite()));
        let placement = book.place(1_000, order).unwrap();
        let traded: u64 = placement.fills.iter().map(|fill| fill.lots).sum();
        prop_assert_eq!(placement.filled_lots, traded);
        prop_assert_eq!(placement.filled_lots + placement.resting_lots + placement.canceled_lots, order.lots);
        prop_assert_eq!(lots_of(&book, order.side.opposite()), other - u128::from(traded));
        prop_assert_eq!(lots_of(&book, order.side), own + u128::from(placement.resting_lots));
    }

    #[test]
    fn makers_are_filled_in_priority_order_and_wholly_but_the_last(commands in any_commands(), order in any_order()) {
        let mut book = run(&commands);
        let makers: Vec<_> = book.orders_of(order.side.opposite()).collect();
        let placement = book.place(1_000, order).unwrap();
        for (place, fill) in placement.fills.iter().enumerate() {
            let maker = makers[place];
            prop_assert_eq!((fill.maker_order_id, fill.price_ticks), (maker.order_id, maker.price_ticks));
            prop_assert_eq!(fill.lots + fill.maker_remaining_lots, maker.lots);
            prop_assert!(fill.lots > 0 && order.accepts(fill.price_ticks));
            prop_assert!(fill.maker_remaining_lots == 0 || place + 1 == placement.fills.len());
        }
    }

    #[test]
    fn an_order_stops_only_when_done_or_out_of_makers(commands in any_commands(), order in any_order()) {
        let mut book = run(&commands);
        let placement = book.place(1_000, order).unwrap();
        if placement.status != Status::Rejected && placement.filled_lots < order.lots {
            let ahead = best(&book, order.side.opposite());
            prop_assert!(ahead.is_none_or(|price| !order.accepts(price)));
        }
    }

    #[test]
    fn a_preview_is_the_placement_and_changes_nothing(commands in any_commands(), order in any_order()) {
        let mut book = run(&commands);
        let (before, sequence) = (orders(&book), book.sequence());
        let preview = book.preview(order).unwrap();
        prop_assert_eq!((&orders(&book), book.sequence()), (&before, sequence));
        prop_assert_eq!(book.place(1_000, order).unwrap(), preview);
    }

    #[test]
    fn the_sequence_counts_the_commands_that_changed_the_book(commands in any_commands()) {
        let mut book = Book::new();
        for command in commands {
            let (before, sequence) = (orders(&book), book.sequence());
            match command {
                Command::Place(id, order) => drop(book.place(id, order)),
                Command::Cancel(id) => drop(book.cancel(id)),
            }
            prop_assert_eq!(book.sequence() - sequence, u64::from(orders(&book) != before));
        }
    }

    #[test]
    fn levels_are_the_sums_of_their_orders_best_first(commands in any_commands()) {
        let book = run(&commands);
        for side in [Side::Buy, Side::Sell] {
            let mut sums: BTreeMap<u64, u128> = BTreeMap::new();
            for order in book.orders_of(side) {
                prop_assert!(order.lots > 0 && order.side == side);
                *sums.entry(order.price_ticks).or_default() += u128::from(order.lots);
            }
            let mut expected: Vec<_> = sums.into_iter().collect();
            if side == Side::Buy { expected.reverse(); }
            let levels: Vec<_> = book.levels_of(side).map(|level| (level.price_ticks, level.lots)).collect();
            prop_assert_eq!(levels, expected);
        }
    }

    #[test]
    fn placing_and_canceling_leaves_the_orders_as_they_were(commands in any_commands(), order in any_order()) {
        let mut book = run(&commands);
        let before = orders(&book);
        let placement = book.place(1_000, order).unwrap();
        prop_assert_eq!(book.cancel(1_000), placement.resting_lots);
        if placement.fills.is_empty() {
            prop_assert_eq!(orders(&book), before);
        }
        prop_assert_eq!(book.cancel(1_000), 0);
    }

    #[test]
    fn the_same_commands_make_the_same_book(commands in any_commands()) {
        prop_assert_eq!(orders(&run(&commands)), orders(&run(&commands)));
    }
}

fn book_with_two_asks() -> Book {
    let mut book = Book::new();
    book.place(1, limit(Side::Sell, 10, 5)).unwrap();
    book.place(2, limit(Side::Sell, 11, 5)).unwrap();
    book
}

#[test]
fn a_limit_order_takes_what_it_may_and_rests_the_rest() {
    let mut book = book_with_two_asks();
    let placement = book.place(3, limit(Side::Buy, 10, 8)).unwrap();
    assert_eq!(
        (placement.status, placement.reason),
        (Status::PartlyFilled, None)
    );
    let fill = Fill {
        maker_order_id: 1,
        price_ticks: 10,
        lots: 5,
        maker_remaining_lots: 0,
    };
    assert_eq!(placement.fills, [fill]);
    assert_eq!(
        (
            placement.filled_lots,
            placement.resting_lots,
            placement.canceled_lots
        ),
        (5, 3, 0)
    );
    assert_eq!(
        (best(&book, Side::Buy), best(&book, Side::Sell)),
        (Some(10), Some(11))
    );
}

#[test]
fn a_market_order_ignores_its_price_and_never_rests() {
    let mut book = book_with_two_asks();
    let order = Order {
        side: Side::Buy,
        kind: Kind::Market,
        price_ticks: 0,
        lots: 12,
    };
    let placement = book.place(3, order).unwrap();
    assert_eq!(
        (placement.status, placement.reason),
        (Status::PartlyFilled, Some(Reason::NoLiquidity))
    );
    assert_eq!(
        (
            placement.filled_lots,
            placement.resting_lots,
            placement.canceled_lots
        ),
        (10, 0, 2)
    );
    assert!(orders(&book).is_empty());
    let placement = book.place(3, order).unwrap();
    assert_eq!(
        (placement.status, placement.reason),
        (Status::Canceled, Some(Reason::NoLiquidity))
    );
}

#[test]
fn an_ioc_order_never_rests() {
    let mut book = book_with_two_asks();
    let order = Order {
        side: Side::Buy,
        kind: Kind::Ioc,
        price_ticks: 10,
        lots: 8,
    };
    let placement = book.place(3, order).unwrap();
    assert_eq!(
        (placement.status, placement.reason),
        (Status::PartlyFilled, Some(Reason::NoLiquidity))
    );
    assert_eq!((placement.filled_lots, placement.canceled_lots), (5, 3));
    assert_eq!(best(&book, Side::Buy), None);
}

#[test]
fn a_fok_order_fills_wholly_or_leaves_no_trace() {
    let mut book = book_with_two_asks();
    let (before, sequence) = (orders(&book), book.sequence());
    let order = Order {
        side: Side::Buy,
        kind: Kind::Fok,
        price_ticks: 11,
        lots: 11,
    };
    let refused = book.place(3, order).unwrap();
    assert_eq!(
        (refused.status, refused.reason),
        (Status::Rejected, Some(Reason::NotFillable))
    );
    assert_eq!(
        (
            refused.fills.len(),
            refused.filled_lots,
            refused.canceled_lots
        ),
        (0, 0, 11)
    );
    assert_eq!((orders(&book), book.sequence()), (before, sequence));
    let filled = book.place(3, Order { lots: 10, ..order }).unwrap();
    assert_eq!((filled.status, filled.filled_lots), (Status::Filled, 10));
}

#[test]
fn a_post_only_order_rests_or_is_rejected() {
    let mut book = book_with_two_asks();
    let order = Order {
        side: Side::Buy,
        kind: Kind::PostOnly,
        price_ticks: 10,
        lots: 1,
    };
    let refused = book.place(3, order).unwrap();
    assert_eq!(
        (refused.status, refused.reason),
        (Status::Rejected, Some(Reason::WouldCross))
    );
    let resting = book
        .place(
            3,
            Order {
                price_ticks: 9,
                ..order
            },
        )
        .unwrap();
    assert_eq!((resting.status, resting.resting_lots), (Status::Resting, 1));
}

#[test]
fn a_partly_filled_maker_keeps_its_place() {
    let mut book = Book::new();
    for id in [1, 2] {
        book.place(id, limit(Side::Sell, 10, 5)).unwrap();
    }
    book.place(3, limit(Side::Buy, 10, 2)).unwrap();
    let placement = book.place(4, limit(Side::Buy, 10, 4)).unwrap();
    let fills: Vec<_> = placement
        .fills
        .iter()
        .map(|fill| (fill.maker_order_id, fill.lots))
        .collect();
    assert_eq!(fills, [(1, 3), (2, 1)]);
}

#[test]
fn malformed_orders_are_refused_and_change_nothing() {
    let mut book = book_with_two_asks();
    let (before, sequence) = (orders(&book), book.sequence());
    let kinds = [
        Kind::Limit,
        Kind::Ioc,
        Kind::Fok,
        Kind::PostOnly,
        Kind::Market,
    ];
    for kind in kinds {
        let order = Order {
            side: Side::Buy,
            kind,
            price_ticks: 1,
            lots: 0,
        };
        assert_eq!(book.place(3, order).unwrap_err().code(), "ORDER_INVALID");
        assert_eq!(book.preview(order).unwrap_err().code(), "ORDER_INVALID");
    }
    for kind in &kinds[..4] {
        let order = Order {
            side: Side::Buy,
            kind: *kind,
            price_ticks: 0,
            lots: 1,
        };
        assert!(book.place(3, order).is_err());
    }
    assert!(
        book.place(1, limit(Side::Buy, 1, 1)).is_err(),
        "the id rests already"
    );
    assert_eq!((orders(&book), book.sequence()), (before, sequence));
}

#[test]
fn the_largest_orders_add_up() {
    let mut book = Book::new();
    for id in 0..3 {
        book.place(id, limit(Side::Sell, u64::MAX, u64::MAX))
            .unwrap();
    }
    assert_eq!(lots_of(&book, Side::Sell), 3 * u128::from(u64::MAX));
    let fok = Order {
        side: Side::Buy,
        kind: Kind::Fok,
        price_ticks: u64::MAX,
        lots: u64::MAX,
    };
    assert_eq!(book.place(9, fok).unwrap().status, Status::Filled);
}
