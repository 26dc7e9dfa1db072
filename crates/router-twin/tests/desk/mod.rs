//! A desk at which both engines get the same commands; they must agree on every one.
#![allow(
    dead_code,
    clippy::panic,
    reason = "each test file uses some of it, and a difference ends a test"
)]

use router_core::engine::image::{InstrumentImage, OrderImage};
use router_core::engine::{
    encode, Command, EventKind, EventRecord, Image, Limits, NewInstrument, NewOrder, Phase, Reason,
    Side,
};
use router_twin::pair::Pair;

/// Who sits at a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The twin by itself.
    Twin,
    /// Engine and twin.
    Both,
}

/// Makes each case a test of the twin by itself and one of both.
#[macro_export]
macro_rules! cases {
    ($($name:ident)*) => {
        mod twin {
            $(#[test] fn $name() { super::$name($crate::desk::Who::Twin); })*
        }
        mod both {
            $(#[test] fn $name() { super::$name($crate::desk::Who::Both); })*
        }
    };
}

/// Both engines with one instrument, number 0, in continuous trading.
pub(crate) struct Desk {
    pair: Pair,
    who: Who,
}

impl Desk {
    pub(crate) fn plain() -> Self {
        Self::with(false, false)
    }

    pub(crate) fn funded() -> Self {
        Self::with(true, false)
    }

    pub(crate) fn positions() -> Self {
        Self::with(false, true)
    }

    fn with(funded: bool, positions: bool) -> Self {
        Self::seat(Who::Both, Limits::default(), funded, positions)
    }

    pub(crate) fn seat(who: Who, limits: Limits, funded: bool, positions: bool) -> Self {
        let mut desk = Self {
            pair: Pair::new(limits),
            who,
        };
        desk.tell(Command::AddInstrument(NewInstrument {
            instrument: 0,
            base_asset: 1,
            quote_asset: 0,
            lot_units: 1,
            tick_units: 1,
            max_qty: 0,
            funded,
            positions,
        }));
        desk.phase(Phase::Continuous);
        desk
    }

    pub(crate) fn tell(&mut self, command: Command) -> Vec<EventRecord> {
        self.list(&[command])
    }

    pub(crate) fn list(&mut self, commands: &[Command]) -> Vec<EventRecord> {
        let records: Vec<_> = commands.iter().map(encode).collect();
        if self.who == Who::Twin {
            return self.pair.twin.submit(&records);
        }
        match self.pair.submit(&records) {
            Ok(events) => events,
            Err(difference) => panic!("engine and twin disagree on {commands:?}: {difference:?}"),
        }
    }

    pub(crate) fn phase(&mut self, phase: Phase) -> Vec<EventRecord> {
        self.tell(Command::SetPhase {
            instrument: 0,
            phase,
        })
    }

    pub(crate) fn place(&mut self, order: NewOrder) -> Vec<EventRecord> {
        self.tell(Command::New(order))
    }

    /// Places a plain limit order and returns its id.
    pub(crate) fn limit(&mut self, account: u32, side: Side, price: i64, qty: u64) -> u64 {
        let events = self.place(NewOrder::limit(0, account, side, price, qty));
        events.first().map_or(0, |event| event.order_id)
    }

    pub(crate) fn cancel(&mut self, account: u32, order_id: u64) -> Vec<EventRecord> {
        self.tell(Command::Cancel {
            instrument: 0,
            account,
            order_id,
        })
    }

    pub(crate) fn amend(
        &mut self,
        account: u32,
        order_id: u64,
        price: i64,
        qty: u64,
    ) -> Vec<EventRecord> {
        let requeue = false;
        self.tell(Command::Amend {
            instrument: 0,
            account,
            order_id,
            price,
            qty,
            requeue,
        })
    }

    pub(crate) fn give(&mut self, account: u32, asset: u32, amount: u128) {
        self.tell(Command::Deposit {
            account,
            asset,
            amount,
        });
    }

    pub(crate) fn image(&self) -> InstrumentImage {
        let mut instruments = self.state().instruments;
        instruments.remove(0)
    }

    fn state(&self) -> Image {
        match self.who {
            Who::Twin => self.pair.twin.image(),
            Who::Both => self.pair.engine.image(),
        }
    }

    /// Available and held of an account and asset.
    pub(crate) fn money(&self, account: u32, asset: u32) -> (u128, u128) {
        let image = self.state();
        let mut accounts = image.accounts.iter().filter(|one| one.account == account);
        let balances = accounts
            .next()
            .map(|one| one.balances.clone())
            .unwrap_or_default();
        let found = balances.iter().find(|balance| balance.asset == asset);
        found.map_or((0, 0), |balance| (balance.available, balance.held))
    }

    /// Price and open lots of each level of a side, best first.
    pub(crate) fn depth(&self, side: Side) -> Vec<(i64, u64)> {
        let image = self.image();
        let levels = if side == Side::Buy {
            image.bids
        } else {
            image.asks
        };
        let lots = |orders: &[OrderImage]| orders.iter().map(|order| order.open).sum();
        levels
            .iter()
            .map(|level| (level.price, lots(&level.orders)))
            .collect()
    }

    /// Ids of a level, head first.
    pub(crate) fn queue(&self, side: Side, price: i64) -> Vec<u64> {
        let image = self.image();
        let levels = if side == Side::Buy {
            image.bids
        } else {
            image.asks
        };
        let level = levels.into_iter().find(|level| level.price == price);
        level.map_or(Vec::new(), |level| {
            level.orders.iter().map(|order| order.id).collect()
        })
    }
}

/// Maker, price and lots of each trade.
pub(crate) fn trades(events: &[EventRecord]) -> Vec<(u64, i64, u64)> {
    let trades = events
        .iter()
        .filter(|event| event.event_kind() == Some(EventKind::Trade));
    trades
        .map(|event| (event.other_id, event.price, event.qty))
        .collect()
}

/// Kind and order of each event.
pub(crate) fn kinds(events: &[EventRecord]) -> Vec<(EventKind, u64)> {
    events
        .iter()
        .filter_map(|event| Some((event.event_kind()?, event.order_id)))
        .collect()
}

/// The reason of the only event.
pub(crate) fn refusal(events: &[EventRecord]) -> Option<Reason> {
    match events {
        [event] if event.event_kind() == Some(EventKind::Rejected) => event.event_reason(),
        _ => None,
    }
}

/// Order and reason of each cancellation.
pub(crate) fn cancelled(events: &[EventRecord]) -> Vec<(u64, Option<Reason>)> {
    let gone = events
        .iter()
        .filter(|event| event.event_kind() == Some(EventKind::Cancelled));
    gone.map(|event| (event.order_id, event.event_reason()))
        .collect()
}
