//! The book as the events tell it, beginning from the state before a command.

use std::collections::{BTreeMap, VecDeque};

use router_core::engine::image::{InstrumentImage, LevelImage, LinkImage};
use router_core::engine::{
    decode, event_flags, order_flags, Command, EventKind, EventRecord, ListRole, Phase, Side,
    StpMode, Tif,
};

use super::state::orders;
use super::{require, Law, Step};

/// What is known of an open order.
#[derive(Debug, Clone)]
struct Known {
    account: u32,
    side: Side,
    flags: u16,
    tif: Tif,
    stp: StpMode,
    priority: u64,
    open: u64,
    shown: u64,
    level: Option<i64>,
    /// Open lots when it began to act in this command, and lots that it took since.
    acts: (u64, u64),
    /// Lots that it traded since it was accepted.
    filled: u64,
    /// The exits of which it is the head.
    exits: Option<[u64; 2]>,
}

#[derive(Debug, Default)]
struct Book {
    known: BTreeMap<u64, Known>,
    bids: BTreeMap<i64, VecDeque<u64>>,
    asks: BTreeMap<i64, VecDeque<u64>>,
    net: BTreeMap<u32, i128>,
    positions: bool,
    rests: u64,
}

pub(super) fn judge(step: &Step, found: &mut Vec<Law>) {
    let mut books: BTreeMap<u32, Book> = BTreeMap::new();
    for (i, inst) in (0..).zip(&step.before.instruments) {
        books.insert(i, Book::of(inst));
    }
    for account in &step.before.accounts {
        for position in &account.positions {
            if let Some(book) = books.get_mut(&position.instrument) {
                book.net.insert(account.account, i128::from(position.lots));
            }
        }
    }
    let mut reader = Reader {
        step,
        books,
        accepted: 0,
        found,
    };
    let mut uncrossing = None;
    for event in &step.events {
        uncrossing = opened(event).or(uncrossing);
        let follows = matches!(
            event.event_kind(),
            Some(EventKind::Activated | EventKind::Triggered | EventKind::Replaced)
        );
        if follows {
            uncrossing
                .take()
                .into_iter()
                .for_each(|i| reader.uncrossed(i));
        }
        reader.read(event);
    }
    uncrossing.into_iter().for_each(|i| reader.uncrossed(i));
    let Reader { books, found, .. } = reader;
    for (i, inst) in (0..).zip(&step.after.instruments) {
        let same = books.get(&i).is_none_or(|book| book.agrees(inst));
        require(same, Law::EventsRebuildTheBook, found);
    }
    for known in books.values().flat_map(|book| book.known.values()) {
        all_or_nothing(known, found);
    }
}

/// The instrument that enters continuous trading with an event.
fn opened(event: &EventRecord) -> Option<u32> {
    let opens = event.event_kind() == Some(EventKind::Phase)
        && event.qty == u64::from(Phase::Continuous.number());
    opens.then_some(event.instrument)
}

fn all_or_nothing(known: &Known, found: &mut Vec<Law>) {
    let (wanted, taken) = known.acts;
    let whole = known.tif != Tif::Fok || taken == 0 || taken == wanted;
    require(whole, Law::AllOrNothing, found);
}

impl Book {
    fn of(inst: &InstrumentImage) -> Self {
        let mut book = Self {
            positions: inst.positions,
            rests: inst.rests,
            ..Self::default()
        };
        for order in orders(inst) {
            let known = Known {
                account: order.account,
                side: order.side,
                flags: order.flags,
                tif: order.tif,
                stp: order.stp,
                priority: order.priority,
                open: order.open,
                shown: order.displayed,
                level: None,
                acts: (0, 0),
                filled: order.total - order.open,
                exits: match order.link {
                    LinkImage::BracketHead { take_profit, stop } => Some([take_profit, stop]),
                    LinkImage::None | LinkImage::Oco { .. } | LinkImage::BracketExit { .. } => None,
                },
            };
            book.known.insert(order.id, known);
        }
        for (side, levels) in [(Side::Buy, &inst.bids), (Side::Sell, &inst.asks)] {
            for level in levels {
                for order in &level.orders {
                    book.push(side, level.price, order.id);
                }
            }
        }
        book
    }

    fn levels(&mut self, side: Side) -> &mut BTreeMap<i64, VecDeque<u64>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn push(&mut self, side: Side, price: i64, id: u64) {
        self.levels(side).entry(price).or_default().push_back(id);
        if let Some(known) = self.known.get_mut(&id) {
            known.level = Some(price);
        }
    }

    fn pull(&mut self, id: u64) {
        let Some(known) = self.known.get_mut(&id) else {
            return;
        };
        let (side, level) = (known.side, known.level.take());
        let levels = self.levels(side);
        let Some(price) = level else { return };
        if let Some(queue) = levels.get_mut(&price) {
            queue.retain(|one| *one != id);
            if queue.is_empty() {
                levels.remove(&price);
            }
        }
    }

    fn best(&self, side: Side) -> Option<(i64, u64)> {
        let level = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        };
        level.and_then(|(price, queue)| Some((*price, *queue.front()?)))
    }

    fn agrees(&self, inst: &InstrumentImage) -> bool {
        let told = |level: &LevelImage| {
            let orders = level
                .orders
                .iter()
                .map(|order| (order.id, order.open, order.displayed));
            (level.price, orders.collect::<Vec<_>>())
        };
        let mine = |(price, queue): (&i64, &VecDeque<u64>)| {
            let known = queue
                .iter()
                .filter_map(|id| Some((*id, self.known.get(id)?)));
            (
                *price,
                known
                    .map(|(id, one)| (id, one.open, one.shown))
                    .collect::<Vec<_>>(),
            )
        };
        let bids = self
            .bids
            .iter()
            .rev()
            .map(mine)
            .eq(inst.bids.iter().map(told));
        let asks = self.asks.iter().map(mine).eq(inst.asks.iter().map(told));
        let mut waiting: Vec<(u64, u64)> = inst
            .armed
            .iter()
            .chain(&inst.pending)
            .chain(&inst.parked)
            .map(|order| (order.id, order.open))
            .collect();
        waiting.sort_unstable();
        let known = self.known.iter().filter(|(_, one)| one.level.is_none());
        bids && asks && known.map(|(id, one)| (*id, one.open)).eq(waiting)
    }
}

struct Reader<'a> {
    step: &'a Step,
    books: BTreeMap<u32, Book>,
    accepted: usize,
    found: &'a mut Vec<Law>,
}

impl Reader<'_> {
    fn read(&mut self, event: &EventRecord) {
        let Some(kind) = event.event_kind() else {
            return;
        };
        let id = event.order_id;
        match kind {
            EventKind::Accepted => return self.accept(event),
            EventKind::Trade => return self.trade(event),
            EventKind::Rested
            | EventKind::Reduced
            | EventKind::Replaced
            | EventKind::Cancelled
            | EventKind::Armed
            | EventKind::Triggered
            | EventKind::Activated
            | EventKind::Parked => {}
            EventKind::Rejected
            | EventKind::Duplicate
            | EventKind::Fee
            | EventKind::Balance
            | EventKind::Phase
            | EventKind::Uncross
            | EventKind::Configured => return,
        }
        let book = self.books.entry(event.instrument).or_default();
        let fits = book
            .known
            .get(&id)
            .is_some_and(|known| adds_up(kind, event, known.open));
        require(fits, Law::Quantities, self.found);
        book.change(kind, event, self.found);
    }

    /// With the first event that an uncross cannot cause, and at the end, the uncross is over.
    fn uncrossed(&mut self, instrument: u32) {
        let Some(book) = self.books.get(&instrument) else {
            return;
        };
        if let (Some((bid, _)), Some((ask, _))) = (book.best(Side::Buy), book.best(Side::Sell)) {
            require(bid < ask, Law::UncrossLeavesNoCross, self.found);
        }
    }

    fn accept(&mut self, event: &EventRecord) {
        let record = self.step.records.get(self.accepted).map(decode);
        self.accepted += 1;
        let Some(Ok(Command::New(new))) = record else {
            return;
        };
        let known = Known {
            account: new.account,
            side: new.side,
            flags: new.flags,
            tif: new.tif,
            stp: new.stp,
            priority: 0,
            open: event.qty,
            shown: 0,
            level: None,
            acts: (event.qty, 0),
            filled: 0,
            exits: (new.list == ListRole::BracketHead)
                .then(|| [event.order_id + 1, event.order_id + 2]),
        };
        let book = self.books.entry(event.instrument).or_default();
        book.known.insert(event.order_id, known);
    }

    fn trade(&mut self, event: &EventRecord) {
        let (one, other) = (event.order_id, event.other_id);
        let groups = (self.group(event.account), self.group(event.other_account));
        let book = self.books.entry(event.instrument).or_default();
        let pair = (
            book.known.get(&one).cloned(),
            book.known.get(&other).cloned(),
        );
        let (Some(taker), Some(maker)) = pair else {
            self.found.push(Law::Quantities);
            return;
        };
        let auction = event.flags & event_flags::AUCTION != 0;
        let best = book.best(maker.side);
        if !auction {
            let at_best = best.is_some_and(|(price, _)| price == event.price);
            require(at_best, Law::PricePriority, self.found);
            require(
                maker.level == Some(event.price),
                Law::MakerPrice,
                self.found,
            );
            let takes = taker.flags & order_flags::POST_ONLY == 0;
            require(takes, Law::PostOnlyNeverTakes, self.found);
        } else {
            let bid = book.best(Side::Buy);
            let heads = bid.map(|(_, id)| id) == Some(one) && best.map(|(_, id)| id) == Some(other);
            require(heads, Law::PricePriority, self.found);
            let between = bid.is_some_and(|(price, _)| price >= event.price)
                && best.is_some_and(|(price, _)| price <= event.price);
            require(between, Law::MakerPrice, self.found);
        }
        let first = book.levels(maker.side).get(&maker.level.unwrap_or(0));
        let head = first.and_then(|queue| queue.front()) == Some(&other);
        require(head, Law::FirstInFirstOut, self.found);
        let decides = if auction && maker.priority > taker.priority {
            maker.stp
        } else {
            taker.stp
        };
        let same = event.account == event.other_account || (groups.0 != 0 && groups.0 == groups.1);
        require(
            !same || decides == StpMode::None,
            Law::NoSelfTrade,
            self.found,
        );
        let by_quote = taker.flags & order_flags::QUOTE != 0;
        let spent = if by_quote {
            event.price.unsigned_abs() * event.qty
        } else {
            event.qty
        };
        let done = event.flags & event_flags::MAKER_DONE != 0;
        let adds_up = taker.open == event.leaves + spent
            && maker.open >= event.qty
            && maker.shown >= event.qty
            && done == (maker.open == event.qty);
        require(adds_up, Law::Quantities, self.found);
        book.fill(one, spent, event.qty, self.found);
        book.fill(other, event.qty, event.qty, self.found);
    }

    fn group(&self, account: u32) -> u32 {
        let mut accounts = self.step.before.accounts.iter();
        accounts
            .find(|one| one.account == account)
            .map_or(0, |one| one.group)
    }
}

/// Whether the lots of an event fit the open lots that were told before.
fn adds_up(kind: EventKind, event: &EventRecord, open: u64) -> bool {
    if kind == EventKind::Rested {
        return event.leaves == open && event.qty <= open;
    }
    if kind == EventKind::Reduced {
        return event.leaves.checked_add(event.qty) == Some(open);
    }
    if kind == EventKind::Activated {
        return (1..=open).contains(&event.qty);
    }
    kind == EventKind::Replaced || event.qty == open
}

impl Book {
    fn change(&mut self, kind: EventKind, event: &EventRecord, found: &mut Vec<Law>) {
        let id = event.order_id;
        if matches!(
            kind,
            EventKind::Rested | EventKind::Replaced | EventKind::Parked | EventKind::Cancelled
        ) {
            self.pull(id);
        }
        let rests = self.rests + u64::from(kind == EventKind::Rested);
        self.rests = rests;
        let Some(known) = self.known.get_mut(&id) else {
            return;
        };
        if kind == EventKind::Rested {
            known.shown = event.qty;
            known.priority = rests;
            let side = known.side;
            self.push(side, event.price, id);
        } else if kind == EventKind::Reduced {
            known.open = event.leaves;
            known.shown = known.shown.min(known.open);
        } else if kind == EventKind::Replaced {
            known.open = event.leaves;
        } else if kind == EventKind::Cancelled {
            all_or_nothing(known, found);
            self.end(id);
        } else if matches!(kind, EventKind::Triggered | EventKind::Activated) {
            known.open = event.qty;
            known.acts = (event.qty, 0);
        }
    }

    /// Takes a trade off an order; a filled one is gone.
    fn fill(&mut self, id: u64, spent: u64, lots: u64, found: &mut Vec<Law>) {
        let Some(known) = self.known.get_mut(&id) else {
            return;
        };
        known.open = known.open.saturating_sub(spent);
        known.shown = known.shown.saturating_sub(lots);
        known.acts.1 += lots;
        known.filled += lots;
        let gone = known.open == 0;
        let signed = if known.side == Side::Buy {
            i128::from(lots)
        } else {
            -i128::from(lots)
        };
        let reduces = known.flags & order_flags::REDUCE_ONLY != 0;
        if self.positions {
            let net = self.net.entry(known.account).or_default();
            let after = *net + signed;
            let shrinks = after.abs() <= net.abs() && after.signum() * net.signum() >= 0;
            require(!reduces || shrinks, Law::ReduceOnlyReduces, found);
            *net = after;
        }
        if gone {
            all_or_nothing(known, found);
            self.pull(id);
            self.end(id);
        }
    }

    /// An order is gone; exits of a head that traded are for what it traded.
    fn end(&mut self, id: u64) {
        let gone = self.known.remove(&id);
        let head = gone.filter(|gone| gone.filled > 0);
        let Some((lots, exits)) = head.and_then(|head| Some((head.filled, head.exits?))) else {
            return;
        };
        for exit in exits {
            if let Some(known) = self.known.get_mut(&exit) {
                known.open = lots;
            }
        }
    }
}
