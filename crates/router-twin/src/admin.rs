//! Section 2: instruments, accounts, assets and switches.

use router_core::engine::{
    class, Command, CommandKind, EventKind, EventRecord, NewInstrument, Phase, Reason, RuleKind,
    Rules, Tier, MAX_PRICE, MAX_QTY,
};
use std::collections::BTreeMap;

use crate::checks::ensure;
use crate::settle::signed_units;
use crate::state::Instrument;
use crate::work::Reference;
use crate::{Outcome, Refusal, Twin};

const MAX_AMOUNT: u128 = 1 << 120;
const MAX_FEE_PPM: i64 = 100_000;
const TIERS: u32 = 16;

impl Twin {
    pub(crate) fn administer(&mut self, command: &Command) -> Outcome {
        match *command {
            Command::AddInstrument(ref added) => self.add_instrument(added),
            Command::SetRule {
                instrument,
                rule,
                value,
            } => self.set_rule(instrument, rule, value),
            Command::SetPhase { instrument, phase } => {
                self.check_instrument(instrument)?;
                self.set_phase(instrument, phase);
                Ok(())
            }
            Command::SetMark { instrument, price } => self.set_mark(instrument, price),
            Command::SetPosition {
                instrument,
                account,
                position,
            } => self.set_position(instrument, account, position),
            Command::Deposit {
                account,
                asset,
                amount,
            } => self.deposit(account, asset, amount),
            Command::Withdraw {
                account,
                asset,
                amount,
            } => self.withdraw(account, asset, amount),
            Command::SetTier {
                tier,
                maker_ppm,
                taker_ppm,
            } => self.set_tier(tier, maker_ppm, taker_ppm),
            Command::SetAccount {
                account,
                tier,
                group,
            } => self.set_account(account, tier, group),
            Command::SetKill { account, on } => self.set_kill(account, on),
            Command::New(_)
            | Command::Cancel { .. }
            | Command::CancelByClientId { .. }
            | Command::Amend { .. }
            | Command::Reduce { .. }
            | Command::MassCancel { .. }
            | Command::Disconnect { .. }
            | Command::Tick { .. } => Err(Reason::Malformed.into()),
        }
    }

    fn check_instrument(&self, i: u32) -> Outcome {
        ensure(self.instruments.contains_key(&i), Reason::UnknownInstrument)
    }

    fn check_account(&self, account: u32) -> Outcome {
        ensure(account < self.limits.max_accounts, Reason::UnknownAccount)
    }

    fn check_asset(&self, asset: u32) -> Outcome {
        ensure(asset < self.limits.max_assets, Reason::UnknownAsset)
    }

    /// Says that an administrative command was applied.
    pub(crate) fn configured(&mut self, kind: CommandKind, instrument: u32, account: u32) {
        self.emit(EventRecord {
            kind: EventKind::Configured.number(),
            instrument,
            account,
            qty: u64::from(kind.number()),
            ..EventRecord::default()
        });
    }

    fn add_instrument(&mut self, added: &NewInstrument) -> Outcome {
        let next = self.instruments.len() as u64;
        let fits =
            u64::from(added.instrument) == next && added.instrument < self.limits.max_instruments;
        ensure(fits, Reason::UnknownInstrument)?;
        self.check_asset(added.base_asset)?;
        self.check_asset(added.quote_asset)?;
        ensure(
            !(added.funded && added.positions),
            Reason::InvalidCombination,
        )?;
        ensure(
            !added.funded || added.base_asset != added.quote_asset,
            Reason::InvalidCombination,
        )?;
        ensure(
            !added.funded || (added.lot_units >= 1 && added.tick_units >= 1),
            Reason::OutOfRange,
        )?;
        let max_qty = if added.max_qty == 0 {
            MAX_QTY
        } else {
            added.max_qty
        };
        let inst = Instrument {
            base: added.base_asset,
            quote: added.quote_asset,
            lot_units: added.lot_units,
            tick_units: added.tick_units,
            funded: added.funded,
            positions: added.positions,
            rules: Rules {
                max_qty,
                ..Rules::default()
            },
            phase: Phase::Closed,
            last: 0,
            mark: 0,
            next_id: 1,
            rests: 0,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            orders: BTreeMap::new(),
            net: BTreeMap::new(),
        };
        ensure(products_fit(&inst, max_qty), Reason::OutOfRange)?;
        self.instruments.insert(added.instrument, inst);
        self.configured(CommandKind::AddInstrument, added.instrument, 0);
        Ok(())
    }

    fn set_rule(&mut self, i: u32, rule: RuleKind, value: u64) -> Outcome {
        self.check_instrument(i)?;
        let inst = self.at(i);
        let mut rules = inst.rules;
        let narrow = u32::try_from(value).map_err(|_| Refusal::Rejected(Reason::OutOfRange));
        match rule {
            RuleKind::TickStep => rules.tick_step = narrow?,
            RuleKind::LotStep => rules.lot_step = value,
            RuleKind::MinQty => rules.min_qty = value,
            RuleKind::MaxQty => rules.max_qty = value,
            RuleKind::MinNotional => rules.min_notional = value,
            RuleKind::BandPpm => rules.band_ppm = narrow?,
            RuleKind::CollarPpm => rules.collar_ppm = narrow?,
            RuleKind::MaxOpen => rules.max_open = narrow?,
            RuleKind::MaxArmed => rules.max_armed = narrow?,
            RuleKind::MaxPegs => rules.max_pegs = narrow?,
            RuleKind::DisabledClasses => rules.disabled = narrow?,
        }
        let fits = (1..=MAX_PRICE).contains(&i64::from(rules.tick_step))
            && (1..=MAX_QTY).contains(&rules.lot_step)
            && rules.min_qty >= 1
            && rules.min_qty <= rules.max_qty
            && rules.band_ppm <= 1_000_000
            && rules.collar_ppm <= 1_000_000
            && rules.disabled & !class::ALL == 0
            && products_fit(inst, rules.max_qty);
        ensure(fits, Reason::OutOfRange)?;
        self.at_mut(i).rules = rules;
        self.work.touched.insert(i);
        self.configured(CommandKind::SetRule, i, 0);
        Ok(())
    }

    fn set_mark(&mut self, i: u32, price: i64) -> Outcome {
        self.check_instrument(i)?;
        ensure((1..=MAX_PRICE).contains(&price), Reason::InvalidPrice)?;
        self.at_mut(i).mark = price;
        self.work.touched.insert(i);
        self.work.of(i).references.push_back(Reference {
            is_mark: true,
            price,
        });
        self.configured(CommandKind::SetMark, i, 0);
        Ok(())
    }

    fn set_position(&mut self, i: u32, account: u32, position: i64) -> Outcome {
        self.check_instrument(i)?;
        self.check_account(account)?;
        ensure(self.at(i).positions, Reason::InvalidCombination)?;
        ensure(position.unsigned_abs() <= MAX_QTY, Reason::OutOfRange)?;
        self.at_mut(i).net.insert(account, position);
        self.configured(CommandKind::SetPosition, i, account);
        Ok(())
    }

    fn deposit(&mut self, account: u32, asset: u32, amount: u128) -> Outcome {
        self.check_account(account)?;
        self.check_asset(asset)?;
        ensure(amount > 0, Reason::InvalidQuantity)?;
        let total = self.total(asset).checked_add_unsigned(amount);
        let fits = total.is_some_and(|total| total <= signed_units(MAX_AMOUNT));
        ensure(fits, Reason::OutOfRange)?;
        self.money.entry((account, asset)).or_default().available += amount;
        self.say_balance(account, asset);
        Ok(())
    }

    /// What all accounts and the house have of an asset together.
    fn total(&self, asset: u32) -> i128 {
        let rows = self.money.iter().filter(|((_, one), _)| *one == asset);
        let accounts: i128 = rows
            .map(|(_, money)| signed_units(money.available + money.held))
            .sum();
        accounts + self.fees.get(&asset).copied().unwrap_or(0)
    }

    fn withdraw(&mut self, account: u32, asset: u32, amount: u128) -> Outcome {
        self.check_account(account)?;
        self.check_asset(asset)?;
        ensure(amount > 0, Reason::InvalidQuantity)?;
        ensure(
            self.available(account, asset) >= amount,
            Reason::InsufficientFunds,
        )?;
        self.money.entry((account, asset)).or_default().available -= amount;
        self.say_balance(account, asset);
        Ok(())
    }

    fn say_balance(&mut self, account: u32, asset: u32) {
        let available = signed_units(self.available(account, asset));
        let event = EventRecord {
            kind: EventKind::Balance.number(),
            account,
            other_id: u64::from(asset),
            ..EventRecord::default()
        };
        self.emit(event.with_amount(available));
    }

    fn set_tier(&mut self, tier: u32, maker_ppm: i64, taker_ppm: i64) -> Outcome {
        ensure(tier < TIERS, Reason::OutOfRange)?;
        let bounds = -MAX_FEE_PPM..=MAX_FEE_PPM;
        let fits = bounds.contains(&maker_ppm) && bounds.contains(&taker_ppm);
        ensure(fits, Reason::OutOfRange)?;
        let narrow = |ppm: i64| i32::try_from(ppm).unwrap_or(0);
        let rates = Tier {
            maker_ppm: narrow(maker_ppm),
            taker_ppm: narrow(taker_ppm),
        };
        let mut tiers = self.tiers.clone();
        tiers.insert(tier, rates);
        ensure(nobody_earns_alone(&tiers), Reason::OutOfRange)?;
        self.tiers = tiers;
        self.configured(CommandKind::SetTier, 0, 0);
        Ok(())
    }

    fn set_account(&mut self, account: u32, tier: u32, group: u32) -> Outcome {
        self.check_account(account)?;
        ensure(tier < TIERS, Reason::OutOfRange)?;
        let settings = self.accounts.entry(account).or_default();
        settings.tier = tier;
        settings.group = group;
        self.configured(CommandKind::SetAccount, 0, account);
        Ok(())
    }

    fn set_kill(&mut self, account: Option<u32>, on: bool) -> Outcome {
        match account {
            Some(account) => {
                self.check_account(account)?;
                self.accounts.entry(account).or_default().killed = on;
            }
            None => self.venue_killed = on,
        }
        self.configured(CommandKind::SetKill, 0, account.unwrap_or(0));
        if on {
            self.remove_all(Reason::Killed, |_, order| {
                account.is_none_or(|account| account == order.account)
            });
        }
        Ok(())
    }
}

/// Whether no two accounts of one owner get more back than they pay when they trade.
fn nobody_earns_alone(tiers: &BTreeMap<u32, Tier>) -> bool {
    let rates = |tier: u32| tiers.get(&tier).copied().unwrap_or_default();
    let maker = (0..TIERS).map(|tier| rates(tier).maker_ppm).min();
    let taker = (0..TIERS).map(|tier| rates(tier).taker_ppm).min();
    maker.unwrap_or(0) + taker.unwrap_or(0) >= 0
}

fn products_fit(inst: &Instrument, max_qty: u64) -> bool {
    let paid = u128::from(MAX_PRICE.unsigned_abs())
        .checked_mul(u128::from(max_qty))
        .and_then(|product| product.checked_mul(u128::from(inst.tick_units)));
    let given = u128::from(max_qty).checked_mul(u128::from(inst.lot_units));
    max_qty <= MAX_QTY
        && paid.is_some_and(|units| units <= MAX_AMOUNT)
        && given.is_some_and(|units| units <= MAX_AMOUNT)
}
