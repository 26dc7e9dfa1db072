//! The state in the canonical order of section 15.

use std::collections::BTreeMap;

use router_core::engine::image::{
    AccountImage, BalanceImage, ClientIdImage, FeeImage, InstrumentImage, LevelImage, LinkImage,
    OrderImage, PositionImage,
};
use router_core::engine::{Image, OrderType, Side};

use crate::state::{Instrument, Link, Order, Place};
use crate::Twin;

const TIERS: u32 = 16;

impl Twin {
    /// The whole state as plain values.
    #[must_use]
    pub fn image(&self) -> Image {
        let tiers = (0..TIERS).map(|tier| self.tiers.get(&tier).copied().unwrap_or_default());
        let fees = self.fees.iter().filter(|(_, amount)| **amount != 0);
        let known = self.known.iter().map(|one| ClientIdImage {
            account: one.account,
            client_id: one.client_id,
            instrument: one.instrument,
            order_id: one.order,
            since_ns: one.time_ns,
        });
        Image {
            limits: self.limits,
            sequence: self.sequence,
            now_ns: self.now_ns,
            venue_killed: self.venue_killed,
            tiers: tiers.collect(),
            fees: fees
                .map(|(asset, amount)| FeeImage {
                    asset: *asset,
                    amount: *amount,
                })
                .collect(),
            accounts: self.account_images(),
            instruments: self.instruments.values().map(instrument_image).collect(),
            client_ids: known.collect(),
        }
    }

    fn account_images(&self) -> Vec<AccountImage> {
        let mut images: BTreeMap<u32, AccountImage> = BTreeMap::new();
        for (account, settings) in &self.accounts {
            let image = images.entry(*account).or_default();
            image.tier = settings.tier;
            image.group = settings.group;
            image.killed = settings.killed;
        }
        for ((account, asset), money) in &self.money {
            if money.available != 0 || money.held != 0 {
                images
                    .entry(*account)
                    .or_default()
                    .balances
                    .push(BalanceImage {
                        asset: *asset,
                        available: money.available,
                        held: money.held,
                    });
            }
        }
        for (i, inst) in &self.instruments {
            for (account, lots) in inst.net.iter().filter(|(_, lots)| **lots != 0) {
                let position = PositionImage {
                    instrument: *i,
                    lots: *lots,
                };
                images.entry(*account).or_default().positions.push(position);
            }
        }
        images.retain(|_, image| *image != AccountImage::default());
        for (account, image) in &mut images {
            image.account = *account;
        }
        images.into_values().collect()
    }
}

fn instrument_image(inst: &Instrument) -> InstrumentImage {
    let at = |place: Place| {
        let orders = inst
            .orders
            .values()
            .filter(move |order| order.place == place);
        orders.map(order_image).collect::<Vec<_>>()
    };
    let levels = |side: Side| {
        let prices = inst.prices(side).into_iter();
        let level = |price| LevelImage {
            price,
            orders: inst.queue(side, price).map(order_image).collect(),
        };
        prices.map(level).collect::<Vec<_>>()
    };
    InstrumentImage {
        base_asset: inst.base,
        quote_asset: inst.quote,
        lot_units: inst.lot_units,
        tick_units: inst.tick_units,
        funded: inst.funded,
        positions: inst.positions,
        rules: inst.rules,
        phase: inst.phase,
        last_price: inst.last,
        mark_price: inst.mark,
        next_order_id: inst.next_id,
        rests: inst.rests,
        bids: levels(Side::Buy),
        asks: levels(Side::Sell),
        armed: at(Place::Armed),
        pending: at(Place::Pending),
        parked: at(Place::Parked),
    }
}

fn order_image(order: &Order) -> OrderImage {
    let rests = order.place == Place::Resting;
    let trails = order.place == Place::Armed && order.kind == OrderType::TrailingStop;
    OrderImage {
        id: order.id,
        account: order.account,
        side: order.side,
        order_type: order.kind,
        tif: order.tif,
        flags: order.flags,
        stp: order.stp,
        peg: order.peg,
        price: order.price,
        total: order.open + order.filled,
        open: order.open,
        displayed: if rests { order.shown } else { 0 },
        display: order.display,
        trigger: order.trigger,
        watermark: if trails {
            order.watermark.unwrap_or(0)
        } else {
            0
        },
        expire_s: order.expire_s,
        session: order.session,
        client_id: order.client_id,
        priority: if rests { order.priority } else { 0 },
        link: match order.link {
            Link::None => LinkImage::None,
            Link::Pair { sibling } => LinkImage::Oco { sibling },
            Link::Head { profit, stop } => LinkImage::BracketHead {
                take_profit: profit,
                stop,
            },
            Link::Exit { head, sibling } => LinkImage::BracketExit { head, sibling },
        },
    }
}
