//! The words behind the numbers in records, so that the Python side can be held against them.

use std::collections::BTreeMap;

use router_core::engine::command::{mode, scope};
use router_core::engine::{
    class, event_flags, order_flags, CommandKind, EventKind, ListRole, OrderType, PegKind, Phase,
    Reason, RuleKind, Side, StpMode, Tif,
};

type Words = BTreeMap<String, u32>;

fn listed<T: std::fmt::Debug + Copy>(all: &[T], number: impl Fn(T) -> u8) -> Words {
    all.iter()
        .map(|value| (format!("{value:?}"), u32::from(number(*value))))
        .collect()
}

fn bits(named: &[(&str, u32)]) -> Words {
    named
        .iter()
        .map(|(name, bit)| ((*name).to_owned(), *bit))
        .collect()
}

macro_rules! flags {
    ($module:ident: $($name:ident),+) => {
        bits(&[$((stringify!($name), u32::from($module::$name))),+])
    };
}

/// Every list of words with their numbers, by the name of its Python class.
pub(super) fn vocabulary() -> BTreeMap<&'static str, Words> {
    BTreeMap::from([
        ("CommandKind", listed(CommandKind::ALL, CommandKind::number)),
        ("EventKind", listed(EventKind::ALL, EventKind::number)),
        ("Reason", listed(Reason::ALL, Reason::number)),
        ("BookSide", listed(Side::ALL, Side::number)),
        ("OrderType", listed(OrderType::ALL, OrderType::number)),
        ("Tif", listed(Tif::ALL, Tif::number)),
        ("StpMode", listed(StpMode::ALL, StpMode::number)),
        ("PegKind", listed(PegKind::ALL, PegKind::number)),
        ("ListRole", listed(ListRole::ALL, ListRole::number)),
        ("Phase", listed(Phase::ALL, Phase::number)),
        ("RuleKind", listed(RuleKind::ALL, RuleKind::number)),
        (
            "OrderFlag",
            flags!(order_flags: POST_ONLY, SLIDE, REDUCE_ONLY, QUOTE, MARK, REQUEUE),
        ),
        ("Scope", flags!(scope: ACCOUNT, SIDE, INSTRUMENT, ON)),
        ("InstrumentMode", flags!(mode: FUNDED, POSITIONS)),
        (
            "OrderClass",
            flags!(class: MARKET, QUOTE, MARKET_TO_LIMIT, IOC, FOK, POST_ONLY, ICEBERG, STOP,
                STOP_LIMIT, TRAILING, PEGGED, REDUCE_ONLY, GTD, DAY, OCO, BRACKET, AMEND),
        ),
        (
            "EventFlag",
            flags!(event_flags: MAKER_DONE, REFILL, AUCTION, PENDING, QUOTE),
        ),
    ])
}
