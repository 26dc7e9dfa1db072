//! A script that both engines play; every event is compared, whole, with what the rules give by hand.
//!
//! Events are written as lines, such as `trade #4 a2 buy with #3 a1: 100x5 left 0 done`: order,
//! account, side, price `x` lots. What a line does not name is 0 in the event.

use router_core::engine::{
    decode_image, encode, encode_image, event_flags, order_flags, Command, CommandKind, Engine,
    EventKind, EventRecord, Image, Limits, ListRole, NewInstrument, NewOrder, OrderType, PegKind,
    Phase, Reason, Side, StpMode, Tif,
};
use router_twin::Twin;

/// Quote and base asset of the instrument.
pub(crate) const QUOTE: u32 = 0;
pub(crate) const BASE: u32 = 1;

/// A plain limit order to buy.
pub(crate) fn buy(account: u32, price: i64, qty: u64) -> NewOrder {
    NewOrder::limit(0, account, Side::Buy, price, qty)
}

/// A plain limit order to sell.
pub(crate) fn sell(account: u32, price: i64, qty: u64) -> NewOrder {
    NewOrder::limit(0, account, Side::Sell, price, qty)
}

/// What else an order may be.
pub(crate) trait Shape: Sized {
    fn tif(self, tif: Tif) -> Self;
    fn flags(self, flags: u16) -> Self;
    fn stp(self, stp: StpMode) -> Self;
    fn client(self, client_id: u64) -> Self;
    fn iceberg(self, display: u32) -> Self;
    fn until(self, expire_s: u32) -> Self;
    /// A market order; a price becomes its protection.
    fn market(self) -> Self;
    fn market_to_limit(self) -> Self;
    /// A stop; a price becomes its protection.
    fn stop(self, trigger: i64) -> Self;
    fn stop_limit(self, trigger: i64) -> Self;
    fn trailing(self, distance: i64) -> Self;
    /// A pegged order; a price becomes its cap.
    fn peg(self, peg: PegKind, offset: i64) -> Self;
}

impl Shape for NewOrder {
    fn tif(self, tif: Tif) -> Self {
        Self { tif, ..self }
    }

    fn flags(self, flags: u16) -> Self {
        Self {
            flags: self.flags | flags,
            ..self
        }
    }

    fn stp(self, stp: StpMode) -> Self {
        Self { stp, ..self }
    }

    fn client(self, client_id: u64) -> Self {
        Self { client_id, ..self }
    }

    fn iceberg(self, display: u32) -> Self {
        Self { display, ..self }
    }

    fn until(self, expire_s: u32) -> Self {
        Self {
            expire_s,
            tif: Tif::Gtd,
            ..self
        }
    }

    fn market(self) -> Self {
        Self {
            order_type: OrderType::Market,
            tif: Tif::Ioc,
            ..self
        }
    }

    fn market_to_limit(self) -> Self {
        Self {
            order_type: OrderType::MarketToLimit,
            price: 0,
            ..self
        }
    }

    fn stop(self, trigger: i64) -> Self {
        Self {
            order_type: OrderType::Stop,
            tif: Tif::Ioc,
            trigger,
            ..self
        }
    }

    fn stop_limit(self, trigger: i64) -> Self {
        Self {
            order_type: OrderType::StopLimit,
            trigger,
            ..self
        }
    }

    fn trailing(self, distance: i64) -> Self {
        Self {
            order_type: OrderType::TrailingStop,
            tif: Tif::Ioc,
            trigger: distance,
            ..self
        }
    }

    fn peg(self, peg: PegKind, offset: i64) -> Self {
        Self {
            order_type: OrderType::Pegged,
            peg,
            trigger: offset,
            ..self
        }
    }
}

/// Both engines with one instrument, number 0, in continuous trading.
pub(crate) struct Script {
    engine: Engine,
    twin: Twin,
    sequence: u64,
}

impl Script {
    pub(crate) fn plain() -> Self {
        Self::with(false, false, (1, 1))
    }

    pub(crate) fn positions() -> Self {
        Self::with(false, true, (1, 1))
    }

    /// Base units per lot and quote units per tick and lot.
    pub(crate) fn funded(lot_units: u64, tick_units: u64) -> Self {
        Self::with(true, false, (lot_units, tick_units))
    }

    fn with(funded: bool, positions: bool, (lot_units, tick_units): (u64, u64)) -> Self {
        let mut script = Self::without_instruments(Limits::default());
        script.given(Command::AddInstrument(NewInstrument {
            instrument: 0,
            base_asset: BASE,
            quote_asset: QUOTE,
            lot_units,
            tick_units,
            max_qty: 0,
            funded,
            positions,
        }));
        script.given(Command::SetPhase {
            instrument: 0,
            phase: Phase::Continuous,
        });
        script
    }

    pub(crate) fn without_instruments(limits: Limits) -> Self {
        Self {
            engine: Engine::new(limits),
            twin: Twin::new(limits),
            sequence: 0,
        }
    }

    /// Applies a command and compares the events of each engine with the lines.
    pub(crate) fn tell(&mut self, commands: &[Command], lines: &str) {
        let wanted: Vec<String> = lines
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        for (name, events) in self.apply(commands) {
            let told: Vec<String> = events.iter().map(show).collect();
            assert_eq!(told, wanted, "the {name} (left), by hand (right)");
        }
    }

    /// Applies what a case starts from; neither engine may refuse it.
    pub(crate) fn given(&mut self, command: Command) {
        for (name, events) in self.apply(&[command]) {
            let first = events.first().and_then(EventRecord::event_kind);
            let refused = [Some(EventKind::Rejected), Some(EventKind::Duplicate)];
            assert!(
                !refused.contains(&first),
                "the {name} refuses {command:?}: {:?}",
                events.first().map(show)
            );
        }
    }

    fn apply(&mut self, commands: &[Command]) -> [(&'static str, Vec<EventRecord>); 2] {
        let records: Vec<_> = commands.iter().map(encode).collect();
        let mut fast = Vec::new();
        self.engine.submit(&records, &mut fast);
        let slow = self.twin.submit(&records);
        for event in fast.iter().chain(&slow) {
            assert_eq!(event.command, self.sequence, "{}", show(event));
        }
        self.sequence += records.len() as u64;
        [("engine", fast), ("twin", slow)]
    }

    /// Throws the engine away and goes on from its saved state.
    pub(crate) fn restore(&mut self) {
        let bytes = encode_image(&self.engine.image());
        let image = decode_image(&bytes).unwrap_or_else(|error| panic!("{error:?}"));
        let restored = Engine::from_image(&image);
        self.engine = restored.unwrap_or_else(|error| panic!("{error:?}"));
    }

    pub(crate) fn place(&mut self, order: NewOrder, lines: &str) {
        self.tell(&[Command::New(order)], lines);
    }

    /// Orders that a case starts from.
    pub(crate) fn book(&mut self, orders: &[NewOrder]) {
        for order in orders {
            self.given(Command::New(*order));
        }
    }

    pub(crate) fn oco(&mut self, head: NewOrder, leg: NewOrder, lines: &str) {
        let list = ListRole::OcoHead;
        self.list(&[NewOrder { list, ..head }, leg], lines);
    }

    pub(crate) fn bracket(&mut self, orders: [NewOrder; 3], lines: &str) {
        let [head, profit, stop] = orders;
        let list = ListRole::BracketHead;
        self.list(&[NewOrder { list, ..head }, profit, stop], lines);
    }

    fn list(&mut self, orders: &[NewOrder], lines: &str) {
        let role = |(at, order): (usize, &NewOrder)| {
            let list = if at == 0 { order.list } else { ListRole::Leg };
            Command::New(NewOrder { list, ..*order })
        };
        let commands: Vec<Command> = orders.iter().enumerate().map(role).collect();
        self.tell(&commands, lines);
    }

    pub(crate) fn cancel(&mut self, account: u32, order_id: u64, lines: &str) {
        self.tell(
            &[Command::Cancel {
                instrument: 0,
                account,
                order_id,
            }],
            lines,
        );
    }

    /// Price or quantity 0 is kept.
    pub(crate) fn amend(&mut self, account: u32, order_id: u64, to: (i64, u64), lines: &str) {
        let (price, qty) = to;
        self.tell(
            &[Command::Amend {
                instrument: 0,
                account,
                order_id,
                price,
                qty,
                requeue: false,
            }],
            lines,
        );
    }

    pub(crate) fn phase(&mut self, phase: Phase, lines: &str) {
        self.tell(
            &[Command::SetPhase {
                instrument: 0,
                phase,
            }],
            lines,
        );
    }

    pub(crate) fn mark(&mut self, price: i64, lines: &str) {
        self.tell(
            &[Command::SetMark {
                instrument: 0,
                price,
            }],
            lines,
        );
    }

    pub(crate) fn rule(&mut self, rule: router_core::engine::RuleKind, value: u64) {
        self.given(Command::SetRule {
            instrument: 0,
            rule,
            value,
        });
    }

    /// Gives base units; of 0 there is nothing to give.
    pub(crate) fn deposit(&mut self, account: u32, asset: u32, amount: u128) {
        if amount == 0 {
            return;
        }
        self.given(Command::Deposit {
            account,
            asset,
            amount,
        });
    }

    /// A trade at a price by accounts 8 and 9, through an empty touch; takes two order ids.
    pub(crate) fn print(&mut self, price: i64) {
        self.book(&[sell(8, price, 1), buy(9, price, 1)]);
    }

    /// Available and held base units, which both engines must show.
    pub(crate) fn money(&self, account: u32, asset: u32) -> (u128, u128) {
        let images = [self.engine.image(), self.twin.image()];
        let [fast, slow] = images.map(|image| balance(&image, account, asset));
        assert_eq!(fast, slow, "engine (left) and twin (right)");
        fast
    }

    /// Fees of the house in an asset, which both engines must show.
    pub(crate) fn fees(&self, asset: u32) -> i128 {
        let images = [self.engine.image(), self.twin.image()];
        let [fast, slow] = images.map(|image| {
            let found = image.fees.iter().find(|fee| fee.asset == asset);
            found.map_or(0, |fee| fee.amount)
        });
        assert_eq!(fast, slow, "engine (left) and twin (right)");
        fast
    }
}

fn balance(image: &Image, account: u32, asset: u32) -> (u128, u128) {
    let accounts = image.accounts.iter().filter(|one| one.account == account);
    let mut balances = accounts.flat_map(|one| &one.balances);
    let found = balances.find(|one| one.asset == asset);
    found.map_or((0, 0), |one| (one.available, one.held))
}

fn amount(event: &EventRecord) -> i128 {
    (i128::from(event.price) << 64) | i128::from(event.qty)
}

/// A line, and the event that it stands for.
type Shown = (String, EventRecord);

/// The event as a line. Fields that the line does not show must be 0.
fn show(event: &EventRecord) -> String {
    let Some(kind) = event.event_kind() else {
        return format!("{event:?}");
    };
    let used = EventRecord {
        kind: event.kind,
        flags: event.flags,
        command: event.command,
        instrument: event.instrument,
        account: event.account,
        order_id: event.order_id,
        ..EventRecord::default()
    };
    let (text, used) = match kind {
        EventKind::Rejected
        | EventKind::Duplicate
        | EventKind::Balance
        | EventKind::Phase
        | EventKind::Uncross
        | EventKind::Configured => show_answer(kind, event, used),
        EventKind::Accepted
        | EventKind::Trade
        | EventKind::Rested
        | EventKind::Reduced
        | EventKind::Replaced
        | EventKind::Cancelled
        | EventKind::Armed
        | EventKind::Triggered
        | EventKind::Activated
        | EventKind::Parked
        | EventKind::Fee => show_order(kind, event, used),
    };
    assert_eq!(used, *event, "more than `{text}` shows");
    let instrument = match event.instrument {
        0 => String::new(),
        other => format!(" on {other}"),
    };
    text + &flags(event.flags) + &instrument
}

/// An event that is about no open order.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "`show` has named every kind"
)]
fn show_answer(kind: EventKind, event: &EventRecord, mut used: EventRecord) -> Shown {
    let account = format!("a{}", event.account);
    let number = u8::try_from(event.qty).ok();
    (used.other_id, used.reason) = (event.other_id, event.reason);
    let text = match kind {
        EventKind::Rejected => {
            let reason = event.event_reason().unwrap_or(Reason::None);
            let id = match event.order_id {
                0 => String::new(),
                id => format!(" #{id}"),
            };
            format!("reject {account} {reason:?}{id}{}", client(event.other_id))
        }
        EventKind::Duplicate => {
            let id = event.order_id;
            format!("duplicate #{id} {account}{}", client(event.other_id))
        }
        EventKind::Balance => {
            (used.price, used.qty) = (event.price, event.qty);
            let (units, asset) = (amount(event), event.other_id);
            format!("balance {account} {units} of asset {asset}")
        }
        EventKind::Uncross => {
            (used.price, used.qty, used.leaves) = (event.price, event.qty, event.leaves);
            let (price, lots, surplus) = (event.price, event.qty, event.leaves);
            format!("uncross {price}x{lots} surplus {surplus}")
        }
        EventKind::Phase => {
            used.qty = event.qty;
            let phase = number.and_then(Phase::from_number);
            format!(
                "phase {}",
                phase.map_or("?".to_owned(), |one| format!("{one:?}"))
            )
        }
        _ => {
            used.qty = event.qty;
            let command = number.and_then(CommandKind::from_number);
            let name = command.map_or("?".to_owned(), |one| format!("{one:?}"));
            format!("configured {name} {account}")
        }
    };
    (text, used)
}

/// An event that is about an order.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "`show` has named every kind"
)]
fn show_order(kind: EventKind, event: &EventRecord, mut used: EventRecord) -> Shown {
    let side = if event.side == 0 { "buy" } else { "sell" };
    let order = format!("#{} a{} {side}", event.order_id, event.account);
    let (price, qty, leaves) = (event.price, event.qty, event.leaves);
    let reason = event.event_reason().unwrap_or(Reason::None);
    (used.side, used.price, used.qty) = (event.side, price, qty);
    let text = match kind {
        EventKind::Accepted => {
            used.other_id = event.other_id;
            format!("accept {order} {price}x{qty}{}", client(event.other_id))
        }
        EventKind::Trade => {
            (used.other_id, used.other_account) = (event.other_id, event.other_account);
            used.leaves = leaves;
            let (maker, whose) = (event.other_id, event.other_account);
            format!("trade {order} with #{maker} a{whose}: {price}x{qty} left {leaves}")
        }
        EventKind::Rested => {
            used.leaves = leaves;
            format!("rest {order} {price}x{qty}/{leaves}")
        }
        EventKind::Reduced => {
            (used.reason, used.leaves) = (event.reason, leaves);
            format!("reduce {order} {price}x{qty} left {leaves} {reason:?}")
        }
        EventKind::Replaced => {
            used.leaves = leaves;
            format!("replace {order} {price}x{qty} left {leaves}")
        }
        EventKind::Cancelled => {
            used.reason = event.reason;
            format!("cancel {order} {price}x{qty} {reason:?}")
        }
        EventKind::Armed => format!("arm {order} {price}x{qty}"),
        EventKind::Triggered => format!("trigger {order} {price}x{qty}"),
        EventKind::Activated => format!("activate {order} {price}x{qty}"),
        EventKind::Parked => {
            used.price = 0;
            format!("park {order} x{qty}")
        }
        _ => {
            used.other_id = event.other_id;
            format!("fee {order} {} of asset {}", amount(event), event.other_id)
        }
    };
    (text, used)
}

fn client(id: u64) -> String {
    match id {
        0 => String::new(),
        id => format!(" client {id}"),
    }
}

fn flags(bits: u8) -> String {
    let names = [
        (event_flags::MAKER_DONE, " done"),
        (event_flags::REFILL, " refill"),
        (event_flags::AUCTION, " auction"),
        (event_flags::PENDING, " pending"),
        (event_flags::QUOTE, " quote"),
    ];
    let set = names.iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, name)| *name).collect()
}

/// Post-only and slide together.
pub(crate) const SLIDES: u16 = order_flags::POST_ONLY | order_flags::SLIDE;
