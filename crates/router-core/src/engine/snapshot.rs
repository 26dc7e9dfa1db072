//! The state as an image.

use super::book::Book;
use super::clients::Clients;
use super::funds::Balance;
use super::image::{
    AccountImage, BalanceImage, ClientIdImage, FeeImage, Image, InstrumentImage, LevelImage,
    OrderImage, PositionImage,
};
use super::image_codec::{
    write_client_id, write_count, write_front, write_list, write_order, write_terms, ByteSink,
};
use super::rules::{order_flags, PegKind, Side};
use super::slab::{flag, Slot, Stage};
use super::state_hash::StateHasher;
use super::submit::Engine;

impl Engine {
    /// The whole state in canonical order.
    #[must_use]
    pub fn image(&self) -> Image {
        Image {
            instruments: self.instrument_images(),
            client_ids: self.client_id_images().collect(),
            ..self.front()
        }
    }

    /// The image without instruments and client ids.
    fn front(&self) -> Image {
        let shared = &self.shared;
        let fees = (0..shared.funds.assets())
            .map(|asset| FeeImage {
                asset,
                amount: shared.funds.fees(asset),
            })
            .filter(|fee| fee.amount != 0);
        Image {
            limits: shared.limits,
            sequence: shared.sequence,
            now_ns: shared.now_ns,
            venue_killed: shared.accounts.venue_killed,
            tiers: shared.accounts.tiers().to_vec(),
            fees: fees.collect(),
            accounts: self.account_images(),
            instruments: Vec::new(),
            client_ids: Vec::new(),
        }
    }

    /// Hash over the encoding of [`Self::image`], order by order: no copy of the orders is made.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hasher = StateHasher::default();
        write_front(&self.front(), &mut hasher);
        write_count(self.books.len(), &mut hasher);
        for book in &self.books {
            write_book(&self.shared.clients, book, &mut hasher);
        }
        write_count(self.shared.clients.len(), &mut hasher);
        for client_id in self.client_id_images() {
            write_client_id(&client_id, &mut hasher);
        }
        hasher.finish()
    }

    fn client_id_images(&self) -> impl Iterator<Item = ClientIdImage> + '_ {
        self.shared.clients.line().map(|entry| ClientIdImage {
            account: entry.account,
            client_id: entry.client_id,
            instrument: entry.target.instrument,
            order_id: entry.target.order,
            since_ns: entry.time_ns,
        })
    }

    fn instrument_images(&self) -> Vec<InstrumentImage> {
        let clients = &self.shared.clients;
        let books = self.books.iter();
        books.map(|book| instrument_image(clients, book)).collect()
    }

    fn account_images(&self) -> Vec<AccountImage> {
        let shared = &self.shared;
        let mut positions = shared.accounts.positions().peekable();
        let mut images = Vec::new();
        for account in self.known_accounts() {
            let standing = shared.accounts.standing(account);
            let mut image = AccountImage {
                account,
                tier: u32::from(standing.tier),
                group: standing.group,
                killed: standing.killed,
                ..AccountImage::default()
            };
            if account < shared.funds.accounts() {
                image.balances = self.balance_images(account);
            }
            while let Some((_, instrument, lots)) =
                positions.next_if(|(owner, _, _)| *owner == account)
            {
                image.positions.push(PositionImage { instrument, lots });
            }
            if image
                != (AccountImage {
                    account,
                    ..AccountImage::default()
                })
            {
                images.push(image);
            }
        }
        images
    }

    /// Accounts of which something may not be as at the start, ascending.
    fn known_accounts(&self) -> Vec<u32> {
        let shared = &self.shared;
        let mut accounts: Vec<u32> = (0..shared.funds.accounts()).collect();
        accounts.extend(shared.accounts.touched());
        accounts.extend(shared.accounts.positions().map(|(account, _, _)| account));
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }

    fn balance_images(&self, account: u32) -> Vec<BalanceImage> {
        let funds = &self.shared.funds;
        let all = (0..funds.assets()).map(|asset| {
            let Balance { available, held } = funds.balance(account, asset);
            BalanceImage {
                asset,
                available,
                held,
            }
        });
        all.filter(|image| image.available != 0 || image.held != 0)
            .collect()
    }
}

/// The bytes of an instrument's image.
fn write_book(clients: &Clients, book: &Book, out: &mut StateHasher) {
    write_terms(&terms_image(book), out);
    for side in [Side::Buy, Side::Sell] {
        let ladder = book.side(side);
        write_count(ladder.iter().count(), out);
        for (key, level) in ladder.iter() {
            out.put(&i64::from(ladder.key(key)).to_le_bytes());
            write_count(level.count as usize, out);
            for slot in book.queue(side, key) {
                write_order(&order_image(clients, book, slot), out);
            }
        }
    }
    for stage in [Stage::Armed, Stage::Pending, Stage::Parked] {
        write_list(&staged_images(clients, book, stage), out, write_order);
    }
}

fn instrument_image(clients: &Clients, book: &Book) -> InstrumentImage {
    InstrumentImage {
        bids: level_images(clients, book, Side::Buy),
        asks: level_images(clients, book, Side::Sell),
        armed: staged_images(clients, book, Stage::Armed),
        pending: staged_images(clients, book, Stage::Pending),
        parked: staged_images(clients, book, Stage::Parked),
        ..terms_image(book)
    }
}

/// The image of an instrument without its orders.
fn terms_image(book: &Book) -> InstrumentImage {
    let terms = &book.terms;
    InstrumentImage {
        base_asset: terms.base_asset,
        quote_asset: terms.quote_asset,
        lot_units: terms.lot_units,
        tick_units: terms.tick_units,
        funded: terms.funded,
        positions: terms.positions,
        rules: book.rules,
        phase: book.phase,
        last_price: i64::from(book.last),
        mark_price: i64::from(book.mark),
        next_order_id: book.next_id,
        rests: book.rests,
        bids: Vec::new(),
        asks: Vec::new(),
        armed: Vec::new(),
        pending: Vec::new(),
        parked: Vec::new(),
    }
}

fn level_images(clients: &Clients, book: &Book, side: Side) -> Vec<LevelImage> {
    let ladder = book.side(side);
    let levels = ladder.iter().map(|(key, _)| LevelImage {
        price: i64::from(ladder.key(key)),
        orders: book
            .queue(side, key)
            .map(|slot| order_image(clients, book, slot))
            .collect(),
    });
    levels.collect()
}

/// Orders that wait outside the levels, by id.
fn staged_images(clients: &Clients, book: &Book, stage: Stage) -> Vec<OrderImage> {
    let waiting = (book.armed as usize).saturating_add(book.pending as usize);
    if waiting == 0 && book.pegs.is_empty() {
        return Vec::new();
    }
    let slots = book.slab.iter().map(|(slot, _)| slot);
    let staged = slots.filter(|slot| book.stage(*slot) == stage);
    let mut images: Vec<OrderImage> = staged
        .map(|slot| order_image(clients, book, slot))
        .collect();
    images.sort_unstable_by_key(|order| order.id);
    images
}

fn order_image(clients: &Clients, book: &Book, slot: u32) -> OrderImage {
    let hot = book.slab.hot(slot);
    let cold = book.slab.cold(slot);
    let exotic = book.slab.exotic(slot).copied();
    let stage = book.stage(slot);
    let rests = stage == Stage::Resting;
    let exotic = exotic.unwrap_or_default();
    let watermark = match stage {
        Stage::Armed => book.triggers.watermark(book.rail(slot), hot.id()),
        Stage::Acting | Stage::Resting | Stage::Pending | Stage::Parked => None,
    };
    OrderImage {
        id: hot.id(),
        account: hot.account,
        side: hot.side(),
        order_type: hot.order_type(),
        tif: hot.tif(),
        flags: given_flags(hot),
        stp: hot.stp(),
        peg: exotic.peg,
        price: i64::from(if exotic.peg == PegKind::None {
            hot.price()
        } else {
            exotic.cap
        }),
        total: cold.total,
        open: hot.open,
        displayed: if rests { book.shown(slot) } else { 0 },
        display: exotic.display,
        trigger: exotic.trigger,
        watermark: watermark.unwrap_or(0),
        expire_s: exotic.expire_s,
        session: cold.session,
        client_id: clients.client_id(cold.client),
        priority: if rests { cold.priority } else { 0 },
        link: exotic.link,
    }
}

/// Flags of the record and of the slot that mean the same.
pub(super) const FLAG_PAIRS: [(u16, u16); 4] = [
    (order_flags::POST_ONLY, flag::POST_ONLY),
    (order_flags::SLIDE, flag::SLIDE),
    (order_flags::REDUCE_ONLY, flag::REDUCE_ONLY),
    (order_flags::MARK, flag::MARK),
];

fn given_flags(hot: &Slot) -> u16 {
    let given = FLAG_PAIRS.iter().filter(|(_, own)| hot.has(*own));
    given.fold(0, |flags, (record, _)| flags | record)
}
