//! Administrative commands: instruments, accounts, balances, phases.

use super::book::{Book, Terms};
use super::command::{Command, CommandRecord, NewInstrument};
use super::event::{EventKind, EventRecord, Sink};
use super::reason::Reason;
use super::rules::{
    class, Phase, RuleKind, Rules, Tier, Tif, MAX_AMOUNT, MAX_FEE_PPM, MAX_PRICE, MAX_QTY, PPM,
    TIERS,
};
use super::submit::{rejected, Engine};

type Applied = Result<(), Reason>;

impl Engine {
    /// Applies or rejects a command that is not about one order: everything but `New`, `Cancel`,
    /// `CancelByClientId`, `Amend` and `Reduce`.
    pub(crate) fn administer(
        &mut self,
        record: &CommandRecord,
        command: &Command,
        out: &mut dyn Sink,
    ) {
        let applied = match *command {
            Command::AddInstrument(ref added) => self.add_instrument(record, added, out),
            Command::SetRule {
                instrument,
                rule,
                value,
            } => self.set_rule(record, (instrument, rule, value), out),
            Command::SetPhase { instrument, phase } => self.set_phase(instrument, phase, out),
            Command::SetMark { instrument, price } => self.set_mark(record, instrument, price, out),
            Command::SetPosition {
                instrument,
                account,
                position,
            } => self.set_position(record, (instrument, account, position), out),
            Command::Deposit {
                account,
                asset,
                amount,
            } => self.deposit(account, asset, amount, out),
            Command::Withdraw {
                account,
                asset,
                amount,
            } => self.withdraw(account, asset, amount, out),
            Command::SetTier {
                tier,
                maker_ppm,
                taker_ppm,
            } => self.set_tier(record, tier, (maker_ppm, taker_ppm), out),
            Command::SetAccount {
                account,
                tier,
                group,
            } => self.set_account(record, account, (tier, group), out),
            Command::MassCancel { .. }
            | Command::Disconnect { .. }
            | Command::Tick { .. }
            | Command::SetKill { .. } => self.sweep_out(record, command, out),
            Command::New(_)
            | Command::Cancel { .. }
            | Command::CancelByClientId { .. }
            | Command::Amend { .. }
            | Command::Reduce { .. } => Err(Reason::Malformed),
        };
        if let Err(reason) = applied {
            out.event(rejected(self.shared.sequence, record, reason));
        }
    }

    pub(crate) fn configured(&self, record: &CommandRecord, out: &mut dyn Sink) {
        out.event(EventRecord {
            kind: EventKind::Configured.number(),
            instrument: record.instrument,
            command: self.shared.sequence,
            account: record.account,
            qty: u64::from(record.kind),
            ..EventRecord::default()
        });
    }

    fn add_instrument(
        &mut self,
        record: &CommandRecord,
        added: &NewInstrument,
        out: &mut dyn Sink,
    ) -> Applied {
        let limits = self.shared.limits;
        let is_next = usize::try_from(added.instrument).ok() == Some(self.books.len());
        require(
            is_next && added.instrument < limits.max_instruments,
            Reason::UnknownInstrument,
        )?;
        let assets = [added.base_asset, added.quote_asset];
        let known = assets.iter().all(|asset| *asset < limits.max_assets);
        require(known, Reason::UnknownAsset)?;
        let mut rules = Rules::default();
        if added.max_qty != 0 {
            rules.max_qty = added.max_qty;
        }
        let terms = Terms {
            id: added.instrument,
            base_asset: added.base_asset,
            quote_asset: added.quote_asset,
            lot_units: added.lot_units,
            tick_units: added.tick_units,
            funded: added.funded,
            positions: added.positions,
        };
        require(terms.combine(), Reason::InvalidCombination)?;
        let fits = rules.max_qty <= MAX_QTY && terms.has_units() && terms.carries(rules.max_qty);
        require(fits, Reason::OutOfRange)?;
        for asset in assets {
            self.shared.funds.widen(asset);
        }
        self.books.push(Book::new(terms, rules));
        self.configured(record, out);
        Ok(())
    }

    fn set_rule(
        &mut self,
        record: &CommandRecord,
        (instrument, rule, value): (u32, RuleKind, u64),
        out: &mut dyn Sink,
    ) -> Applied {
        let rules = self.book(instrument)?.changed_rules(rule, value)?;
        self.configured(record, out);
        if let Some(book) = self.books.get_mut(instrument as usize) {
            book.rules = rules;
            book.finish(&mut self.shared, out);
        }
        Ok(())
    }

    fn set_phase(&mut self, instrument: u32, phase: Phase, out: &mut dyn Sink) -> Applied {
        self.book(instrument)?;
        let Some(book) = self.books.get_mut(instrument as usize) else {
            return Err(Reason::UnknownInstrument);
        };
        let shared = &mut self.shared;
        book.phase = phase;
        out.event(EventRecord {
            kind: EventKind::Phase.number(),
            instrument,
            command: shared.sequence,
            qty: u64::from(phase.number()),
            ..EventRecord::default()
        });
        match phase {
            Phase::Closed => {
                let is_day = |book: &Book, slot: u32| book.slab.hot(slot).tif() == Tif::Day;
                book.remove_all(shared, Reason::Expired, &is_day, out);
            }
            Phase::Continuous => {
                book.queue_waiting_exits();
                book.uncross(shared, out);
                for (price, mark) in [(book.last, false), (book.mark, true)] {
                    if price != 0 {
                        book.work.references.push_back((price, mark));
                    }
                }
            }
            Phase::Halted | Phase::Auction => {}
        }
        book.finish(shared, out);
        Ok(())
    }

    fn set_mark(
        &mut self,
        record: &CommandRecord,
        instrument: u32,
        price: i64,
        out: &mut dyn Sink,
    ) -> Applied {
        self.book(instrument)?;
        require((1..=MAX_PRICE).contains(&price), Reason::InvalidPrice)?;
        let mark = u32::try_from(price).map_err(|_| Reason::InvalidPrice)?;
        self.configured(record, out);
        if let Some(book) = self.books.get_mut(instrument as usize) {
            book.mark = mark;
            book.work.references.push_back((mark, true));
            book.finish(&mut self.shared, out);
        }
        Ok(())
    }

    fn set_position(
        &mut self,
        record: &CommandRecord,
        (instrument, account, position): (u32, u32, i64),
        out: &mut dyn Sink,
    ) -> Applied {
        let keeps_positions = self.book(instrument)?.terms.positions;
        self.known_account(account)?;
        require(keeps_positions, Reason::InvalidCombination)?;
        require(position.unsigned_abs() <= MAX_QTY, Reason::OutOfRange)?;
        let accounts = &mut self.shared.accounts;
        accounts.set_position(instrument, account, position);
        self.configured(record, out);
        Ok(())
    }

    fn deposit(&mut self, account: u32, asset: u32, amount: u128, out: &mut dyn Sink) -> Applied {
        self.known_account(account)?;
        self.known_asset(asset)?;
        require(amount != 0, Reason::InvalidQuantity)?;
        let fits = self.shared.funds.takes_deposit(asset, amount);
        require(fits, Reason::OutOfRange)?;
        let available = self.shared.funds.deposit(account, asset, amount);
        self.tell_balance(account, asset, available, out);
        Ok(())
    }

    fn withdraw(&mut self, account: u32, asset: u32, amount: u128, out: &mut dyn Sink) -> Applied {
        self.known_account(account)?;
        self.known_asset(asset)?;
        require(amount != 0, Reason::InvalidQuantity)?;
        let funds = &mut self.shared.funds;
        let available = funds
            .withdraw(account, asset, amount)
            .ok_or(Reason::InsufficientFunds)?;
        self.tell_balance(account, asset, available, out);
        Ok(())
    }

    fn tell_balance(&self, account: u32, asset: u32, available: u128, out: &mut dyn Sink) {
        let event = EventRecord {
            kind: EventKind::Balance.number(),
            command: self.shared.sequence,
            account,
            other_id: u64::from(asset),
            ..EventRecord::default()
        };
        out.event(event.with_amount(i128::try_from(available).unwrap_or(i128::MAX)));
    }

    fn set_tier(
        &mut self,
        record: &CommandRecord,
        tier: u32,
        (maker_ppm, taker_ppm): (i64, i64),
        out: &mut dyn Sink,
    ) -> Applied {
        let rate = |ppm: i64| i32::try_from(ppm).map_err(|_| Reason::OutOfRange);
        let changed = Tier {
            maker_ppm: rate(maker_ppm)?,
            taker_ppm: rate(taker_ppm)?,
        };
        let mut tiers = self.shared.accounts.tiers().to_vec();
        let place = tiers.get_mut(tier as usize);
        *place.ok_or(Reason::OutOfRange)? = changed;
        require(tiers_fit(&tiers), Reason::OutOfRange)?;
        if let Some(place) = self.shared.accounts.tier_mut(tier) {
            *place = changed;
        }
        self.configured(record, out);
        Ok(())
    }

    fn set_account(
        &mut self,
        record: &CommandRecord,
        account: u32,
        (tier, group): (u32, u32),
        out: &mut dyn Sink,
    ) -> Applied {
        self.known_account(account)?;
        let number = u8::try_from(tier).map_err(|_| Reason::OutOfRange)?;
        require(usize::from(number) < TIERS, Reason::OutOfRange)?;
        if let Some(standing) = self.shared.accounts.standing_mut(account) {
            standing.tier = number;
            standing.group = group;
        }
        self.configured(record, out);
        Ok(())
    }

    pub(crate) fn book(&self, instrument: u32) -> Result<&Book, Reason> {
        let book = self.books.get(instrument as usize);
        book.ok_or(Reason::UnknownInstrument)
    }

    pub(crate) fn known_account(&self, account: u32) -> Applied {
        let known = account < self.shared.limits.max_accounts;
        require(known, Reason::UnknownAccount)
    }

    fn known_asset(&self, asset: u32) -> Applied {
        require(asset < self.shared.limits.max_assets, Reason::UnknownAsset)
    }
}

/// True if every rate is in range and no pair of accounts earns by trading with itself, whatever tiers
/// they have.
pub(crate) fn tiers_fit(tiers: &[Tier]) -> bool {
    let makers = tiers.iter().map(|tier| i64::from(tier.maker_ppm));
    let takers = tiers.iter().map(|tier| i64::from(tier.taker_ppm));
    let mut rates = makers.clone().chain(takers.clone());
    let in_range = rates.all(|ppm| (-MAX_FEE_PPM..=MAX_FEE_PPM).contains(&ppm));
    let (maker, taker) = (makers.min().unwrap_or(0), takers.min().unwrap_or(0));
    in_range && maker.saturating_add(taker) >= 0
}

impl Terms {
    /// True if what the instrument is to do goes together.
    pub(crate) const fn combine(&self) -> bool {
        !(self.funded && (self.positions || self.base_asset == self.quote_asset))
    }

    /// True if whoever gets something pays for it: on a funded instrument neither side is free.
    pub(crate) const fn has_units(&self) -> bool {
        !self.funded || (self.lot_units != 0 && self.tick_units != 0)
    }

    /// True if no amount of an order of `max_qty` lots exceeds [`MAX_AMOUNT`].
    pub(crate) fn carries(&self, max_qty: u64) -> bool {
        let notional = u128::from(max_qty).checked_mul(u128::from(MAX_PRICE.unsigned_abs()));
        let quote = notional.and_then(|amount| amount.checked_mul(u128::from(self.tick_units)));
        let base = u128::from(max_qty).checked_mul(u128::from(self.lot_units));
        quote.is_some_and(|amount| amount <= MAX_AMOUNT)
            && base.is_some_and(|amount| amount <= MAX_AMOUNT)
    }
}

impl Book {
    /// The rules with one of them set, if its value is in range.
    fn changed_rules(&self, rule: RuleKind, value: u64) -> Result<Rules, Reason> {
        let mut rules = self.rules;
        let narrow = u32::try_from(value).map_err(|_| Reason::OutOfRange);
        let is_step = value != 0;
        let fits = match rule {
            RuleKind::TickStep => {
                rules.tick_step = narrow?;
                is_step && i64::from(rules.tick_step) <= MAX_PRICE
            }
            RuleKind::LotStep => {
                rules.lot_step = value;
                is_step && value <= MAX_QTY
            }
            RuleKind::MinQty => {
                rules.min_qty = value;
                is_step && value <= rules.max_qty
            }
            RuleKind::MaxQty => {
                rules.max_qty = value;
                value >= rules.min_qty && value <= MAX_QTY && self.terms.carries(value)
            }
            RuleKind::MinNotional => {
                rules.min_notional = value;
                true
            }
            RuleKind::BandPpm => {
                rules.band_ppm = narrow?;
                value <= PPM
            }
            RuleKind::CollarPpm => {
                rules.collar_ppm = narrow?;
                value <= PPM
            }
            RuleKind::MaxOpen => {
                rules.max_open = narrow?;
                true
            }
            RuleKind::MaxArmed => {
                rules.max_armed = narrow?;
                true
            }
            RuleKind::MaxPegs => {
                rules.max_pegs = narrow?;
                true
            }
            RuleKind::DisabledClasses => {
                rules.disabled = narrow?;
                rules.disabled & !class::ALL == 0
            }
        };
        require(fits, Reason::OutOfRange).map(|()| rules)
    }
}

fn require(holds: bool, reason: Reason) -> Applied {
    if holds {
        Ok(())
    } else {
        Err(reason)
    }
}
