//! An engine out of an image.

use super::admin::tiers_fit;
use super::book::{Book, Terms};
use super::clients::{ClientEntry, ClientOrder, Clients};
use super::funds::Balance;
use super::image::{AccountImage, ClientIdImage, Image, InstrumentImage, LinkImage, OrderImage};
use super::rules::{
    class, OrderType, PegKind, Rules, Side, MAX_AMOUNT, MAX_PRICE, MAX_QTY, MAX_TIME_NS, PPM, TIERS,
};
use super::slab::{flag, Cold, Exotic, Slot, Stage};
use super::snapshot::FLAG_PAIRS;
use super::submit::Engine;
use super::triggers::Armed;

/// Why an image is no state of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// A number lies outside its bounds: an account, asset, instrument, price, quantity or id.
    OutOfBounds,
    /// The engine built from it does not give the same image: something is doubled, out of order or
    /// does not fit together.
    Inconsistent,
}

type Restored<T> = Result<T, RestoreError>;

/// Order ids are kept in 48 bits.
const MAX_ORDER_ID: u64 = (1 << 48) - 1;

impl Engine {
    /// The engine whose state an image is.
    ///
    /// # Errors
    /// [`RestoreError`] if no engine has this image.
    pub fn from_image(image: &Image) -> Restored<Self> {
        within(image.now_ns <= MAX_TIME_NS)?;
        let mut engine = Self::new(image.limits);
        engine.shared.sequence = image.sequence;
        engine.shared.now_ns = image.now_ns;
        engine.shared.accounts.venue_killed = image.venue_killed;
        engine.restore_tiers(image)?;
        for account in &image.accounts {
            engine.restore_account(account)?;
        }
        engine.restore_assets(image)?;
        // Orders keep the numbers of their client ids, so these come first.
        engine.restore_client_ids(image)?;
        for instrument in &image.instruments {
            engine.restore_instrument(instrument)?;
        }
        engine.restore_positions(image)?;
        if engine.image() == *image {
            Ok(engine)
        } else {
            Err(RestoreError::Inconsistent)
        }
    }

    fn restore_tiers(&mut self, image: &Image) -> Restored<()> {
        within(image.tiers.len() == TIERS && tiers_fit(&image.tiers))?;
        for (number, tier) in (0_u32..).zip(&image.tiers) {
            if let Some(place) = self.shared.accounts.tier_mut(number) {
                *place = *tier;
            }
        }
        Ok(())
    }

    fn restore_account(&mut self, image: &AccountImage) -> Restored<()> {
        let account = image.account;
        within(account < self.shared.limits.max_accounts && (image.tier as usize) < TIERS)?;
        if image.tier != 0 || image.group != 0 || image.killed {
            if let Some(standing) = self.shared.accounts.standing_mut(account) {
                standing.tier = u8::try_from(image.tier).unwrap_or(0);
                standing.group = image.group;
                standing.killed = image.killed;
            }
        }
        for balance in &image.balances {
            within(balance.asset < self.shared.limits.max_assets)?;
            let amounts = Balance {
                available: balance.available,
                held: balance.held,
            };
            self.shared
                .funds
                .restore_balance(account, balance.asset, amounts);
        }
        Ok(())
    }

    fn restore_positions(&mut self, image: &Image) -> Restored<()> {
        for account in &image.accounts {
            for position in &account.positions {
                let book = self.books.get(position.instrument as usize);
                within(book.is_some_and(|book| book.terms.positions))?;
                self.shared.accounts.set_position(
                    position.instrument,
                    account.account,
                    position.lots,
                );
            }
        }
        Ok(())
    }

    /// Sets the fees, and as totals what accounts and house have together.
    fn restore_assets(&mut self, image: &Image) -> Restored<()> {
        for fee in &image.fees {
            within(fee.asset < self.shared.limits.max_assets)?;
            self.shared.funds.restore_fees(fee.asset, fee.amount);
        }
        within(self.shared.funds.restore_totals())?;
        let funds = &self.shared.funds;
        let mut totals = (0..funds.assets()).map(|asset| funds.total(asset));
        within(totals.all(|total| u128::try_from(total).is_ok_and(|total| total <= MAX_AMOUNT)))
    }

    /// Ids stand in the order of their times, none of which is yet to come, and name orders that were
    /// given; no cap was ever exceeded, for the caps of an engine never change.
    fn restore_client_ids(&mut self, image: &Image) -> Restored<()> {
        let limits = self.shared.limits;
        within(image.client_ids.len() <= limits.max_client_ids as usize)?;
        let mut since_ns = 0;
        for client_id in &image.client_ids {
            within((since_ns..=image.now_ns).contains(&client_id.since_ns))?;
            since_ns = client_id.since_ns;
            let instrument = image.instruments.get(client_id.instrument as usize);
            let next = instrument.map_or(0, |instrument| instrument.next_order_id);
            within((1..next).contains(&client_id.order_id))?;
            self.restore_client_id(client_id)?;
            let known = self.shared.accounts.client_ids(client_id.account);
            within(known <= limits.max_account_client_ids)?;
        }
        Ok(())
    }

    fn restore_client_id(&mut self, image: &ClientIdImage) -> Restored<()> {
        let shared = &mut self.shared;
        within(image.client_id != 0 && image.account < shared.limits.max_accounts)?;
        if shared.clients.get(image.account, image.client_id).is_some() {
            return Err(RestoreError::Inconsistent);
        }
        shared.remember(ClientEntry {
            account: image.account,
            client_id: image.client_id,
            target: ClientOrder {
                instrument: image.instrument,
                order: image.order_id,
            },
            time_ns: image.since_ns,
        });
        Ok(())
    }

    fn restore_instrument(&mut self, image: &InstrumentImage) -> Restored<()> {
        let id = u32::try_from(self.books.len()).unwrap_or(u32::MAX);
        let limits = self.shared.limits;
        within(id < limits.max_instruments && image.next_order_id <= MAX_ORDER_ID)?;
        within(image.base_asset < limits.max_assets && image.quote_asset < limits.max_assets)?;
        let terms = Terms {
            id,
            base_asset: image.base_asset,
            quote_asset: image.quote_asset,
            lot_units: image.lot_units,
            tick_units: image.tick_units,
            funded: image.funded,
            positions: image.positions,
        };
        within(terms.combine() && terms.has_units() && rules_fit(&terms, &image.rules))?;
        let mut book = Book::new(terms, image.rules);
        book.phase = image.phase;
        book.last = price_or_none(image.last_price)?;
        book.mark = price_or_none(image.mark_price)?;
        book.next_id = image.next_order_id;
        book.rests = image.rests;
        self.books.push(book);
        self.restore_orders(id, image)
    }

    fn restore_orders(&mut self, instrument: u32, image: &InstrumentImage) -> Restored<()> {
        let mut ids = Vec::new();
        for (side, levels) in [(Side::Buy, &image.bids), (Side::Sell, &image.asks)] {
            for level in levels {
                let price = price_or_none(level.price)?;
                within(price != 0 && !level.orders.is_empty())?;
                let mut last = 0;
                for order in &level.orders {
                    within(order.side == side && order.priority > last)?;
                    last = order.priority;
                    let slot = self.restore_order(instrument, order, Stage::Resting, price)?;
                    ids.push((order.id, slot));
                }
            }
        }
        let staged = [
            (Stage::Armed, &image.armed),
            (Stage::Pending, &image.pending),
            (Stage::Parked, &image.parked),
        ];
        for (stage, orders) in staged {
            for order in orders {
                let price = price_or_none(order.price)?;
                let price = if order.peg == PegKind::None { price } else { 0 };
                let slot = self.restore_order(instrument, order, stage, price)?;
                ids.push((order.id, slot));
            }
        }
        self.restore_ids(instrument, ids)
    }

    /// In order of id, as they once came: so the index takes no more than their number is worth, however
    /// high they are.
    fn restore_ids(&mut self, instrument: u32, mut ids: Vec<(u64, u32)>) -> Restored<()> {
        ids.sort_unstable();
        let mut before = 0;
        for (id, slot) in ids {
            if id == before {
                return Err(RestoreError::Inconsistent);
            }
            before = id;
            if let Some(book) = self.books.get_mut(instrument as usize) {
                book.ids.set(&book.slab, id, slot);
            }
        }
        Ok(())
    }

    /// Puts an order where it was; `price` is that of its level, or its limit when it is in none.
    fn restore_order(
        &mut self,
        instrument: u32,
        order: &OrderImage,
        stage: Stage,
        price: u32,
    ) -> Restored<u32> {
        let limits = &self.shared.limits;
        let Some(book) = self.books.get_mut(instrument as usize) else {
            return Err(RestoreError::OutOfBounds);
        };
        within(order.id != 0 && order.id < book.next_id && order.account < limits.max_accounts)?;
        within(order.open != 0 && order.open <= order.total && order.displayed <= order.open)?;
        within(order.total <= MAX_QTY && order.priority <= book.rests)?;
        let own = self.shared.accounts.open_orders(order.account);
        within(own < limits.max_account_orders && self.shared.open_orders < limits.max_orders)?;
        let client = client_number(&self.shared.clients, instrument, order)?;
        let slot = restore_slot(book, order, (stage, client), price)?;
        if order.expire_s != 0 {
            self.shared
                .expiry
                .insert(order.expire_s, instrument, order.id);
        }
        self.shared
            .opened(&mut book.slab, instrument, slot, order.account);
        restore_place(book, order, stage, slot);
        Ok(slot)
    }
}

/// Number of an order's client id, which has to be known as that of this order.
fn client_number(clients: &Clients, instrument: u32, order: &OrderImage) -> Restored<u32> {
    if order.client_id == 0 {
        return Ok(0);
    }
    let target = ClientOrder {
        instrument,
        order: order.id,
    };
    let number = clients.number(order.account, order.client_id);
    match number.filter(|_| clients.get(order.account, order.client_id) == Some(target)) {
        Some(number) => Ok(number),
        None => Err(RestoreError::Inconsistent),
    }
}

fn restore_slot(
    book: &mut Book,
    order: &OrderImage,
    (stage, client): (Stage, u32),
    price: u32,
) -> Restored<u32> {
    let numbers = u16::from(order.stp.number())
        | (u16::from(order.tif.number()) << flag::TIF_SHIFT)
        | (u16::from(order.order_type.number()) << flag::TYPE_SHIFT);
    let given = FLAG_PAIRS
        .iter()
        .filter(|(record, _)| order.flags & record != 0);
    let mut flags = given.fold(numbers, |flags, (_, own)| flags | own);
    if order.display != 0 {
        flags |= flag::ICEBERG;
    }
    if order.link != LinkImage::None {
        flags |= flag::LINKED;
    }
    let cold = Cold {
        total: order.total,
        priority: order.priority,
        client,
        exotic: 0,
        session: order.session,
    };
    let hot = Slot::new(
        order.id,
        flags,
        order.side,
        price,
        order.open,
        order.account,
    );
    let slot = book.slab.insert(hot, cold);
    let exotic = Exotic {
        stage,
        peg: order.peg,
        cap: if order.peg == PegKind::None {
            0
        } else {
            price_or_none(order.price)?
        },
        display: order.display,
        displayed: if order.display == 0 {
            0
        } else {
            order.displayed
        },
        trigger: order.trigger,
        expire_s: order.expire_s,
        link: order.link,
    };
    if exotic
        != (Exotic {
            stage: Stage::Resting,
            ..Exotic::default()
        })
    {
        book.slab.attach(slot, exotic);
    }
    Ok(slot)
}

fn restore_place(book: &mut Book, order: &OrderImage, stage: Stage, slot: u32) {
    if order.peg != PegKind::None {
        book.pegs.insert(order.id, slot);
    }
    match stage {
        Stage::Resting => {
            let shown = book.shown(slot);
            let (ladder, slab) = book.side_mut(order.side);
            ladder.push(slab, slot, shown);
        }
        Stage::Armed => {
            book.armed = book.armed.saturating_add(1);
            let rail = book.rail(slot);
            let armed = Armed {
                order: order.id,
                slot,
            };
            if order.order_type == OrderType::TrailingStop {
                let watermark = (order.watermark != 0).then_some(order.watermark);
                book.triggers
                    .arm_trailing(rail, order.trigger, watermark, armed);
            } else {
                book.triggers.arm_stop(rail, order.trigger, armed);
            }
        }
        Stage::Pending => book.pending = book.pending.saturating_add(1),
        Stage::Parked | Stage::Acting => {}
    }
}

/// True if commands could have set these rules.
fn rules_fit(terms: &Terms, rules: &Rules) -> bool {
    let ppm = u64::from(rules.band_ppm.max(rules.collar_ppm));
    (1..=MAX_PRICE).contains(&i64::from(rules.tick_step))
        && (1..=MAX_QTY).contains(&rules.lot_step)
        && (1..=rules.max_qty).contains(&rules.min_qty)
        && rules.max_qty <= MAX_QTY
        && terms.carries(rules.max_qty)
        && ppm <= PPM
        && rules.disabled & !class::ALL == 0
}

fn price_or_none(price: i64) -> Restored<u32> {
    within((0..=MAX_PRICE).contains(&price))?;
    u32::try_from(price).map_err(|_| RestoreError::OutOfBounds)
}

fn within(holds: bool) -> Restored<()> {
    if holds {
        Ok(())
    } else {
        Err(RestoreError::OutOfBounds)
    }
}
