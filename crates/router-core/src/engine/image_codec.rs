//! The state image as bytes: versioned, little endian, one encoding per image.
//!
//! Layout: magic, image version, semantics version, then the fields of [`Image`] in their order.
//! Numbers are fixed-width, booleans and enums one byte, lists a `u32` count and their members.

use super::image::{
    AccountImage, BalanceImage, ClientIdImage, FeeImage, Image, InstrumentImage, LevelImage,
    LinkImage, OrderImage, PositionImage,
};
use super::rules::{Limits, Rules, Tier, SEMANTICS_VERSION};
use super::state_hash::StateHasher;

/// First bytes of an encoded image.
pub const IMAGE_MAGIC: u32 = 0x4D49_5452;
/// Version of the layout; raised when a field is added, dropped or moved.
pub const IMAGE_VERSION: u32 = 2;

/// Where encoded bytes go.
pub trait ByteSink {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl ByteSink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Returns the bytes of an image.
#[must_use]
pub fn encode_image(image: &Image) -> Vec<u8> {
    let mut out = Vec::new();
    write_image(image, &mut out);
    out
}

/// Returns the 64-bit hash of the bytes of an image, without keeping them.
///
/// It tells states apart; it does not withstand somebody who looks for collisions.
#[must_use]
pub fn image_hash(image: &Image) -> u64 {
    let mut hasher = StateHasher::default();
    write_image(image, &mut hasher);
    hasher.finish()
}

/// Sends the bytes of an image to a sink, in many small pieces.
pub fn write_image<S: ByteSink>(image: &Image, out: &mut S) {
    write_front(image, out);
    write_list(&image.instruments, out, write_instrument);
    write_list(&image.client_ids, out, write_client_id);
}

/// Everything in front of the instruments.
pub(super) fn write_front<S: ByteSink>(image: &Image, out: &mut S) {
    let Image {
        limits,
        sequence,
        now_ns,
        venue_killed,
        tiers,
        fees,
        accounts,
        instruments: _,
        client_ids: _,
    } = image;
    out.put(&IMAGE_MAGIC.to_le_bytes());
    out.put(&IMAGE_VERSION.to_le_bytes());
    out.put(&SEMANTICS_VERSION.to_le_bytes());
    write_limits(limits, out);
    out.put(&sequence.to_le_bytes());
    out.put(&now_ns.to_le_bytes());
    out.put(&[u8::from(*venue_killed)]);
    write_list(tiers, out, write_tier);
    write_list(fees, out, write_fee);
    write_list(accounts, out, write_account);
}

/// The number of items of a list, which stands in front of them.
pub(super) fn write_count<S: ByteSink>(count: usize, out: &mut S) {
    // Every list is capped by a `u32` of the limits, so the count fits.
    out.put(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

pub(super) fn write_list<T, S: ByteSink>(items: &[T], out: &mut S, write: fn(&T, &mut S)) {
    write_count(items.len(), out);
    for item in items {
        write(item, out);
    }
}

fn write_limits<S: ByteSink>(limits: &Limits, out: &mut S) {
    let Limits {
        max_accounts,
        max_assets,
        max_instruments,
        max_orders,
        max_client_ids,
        max_account_orders,
        max_account_client_ids,
        client_window_ns,
    } = limits;
    for cap in [
        max_accounts,
        max_assets,
        max_instruments,
        max_orders,
        max_client_ids,
        max_account_orders,
        max_account_client_ids,
    ] {
        out.put(&cap.to_le_bytes());
    }
    out.put(&client_window_ns.to_le_bytes());
}

fn write_tier<S: ByteSink>(tier: &Tier, out: &mut S) {
    let Tier {
        maker_ppm,
        taker_ppm,
    } = tier;
    out.put(&maker_ppm.to_le_bytes());
    out.put(&taker_ppm.to_le_bytes());
}

fn write_fee<S: ByteSink>(fee: &FeeImage, out: &mut S) {
    let FeeImage { asset, amount } = fee;
    out.put(&asset.to_le_bytes());
    out.put(&amount.to_le_bytes());
}

fn write_account<S: ByteSink>(image: &AccountImage, out: &mut S) {
    let AccountImage {
        account,
        tier,
        group,
        killed,
        balances,
        positions,
    } = image;
    for number in [account, tier, group] {
        out.put(&number.to_le_bytes());
    }
    out.put(&[u8::from(*killed)]);
    write_list(balances, out, write_balance);
    write_list(positions, out, write_position);
}

fn write_balance<S: ByteSink>(balance: &BalanceImage, out: &mut S) {
    let BalanceImage {
        asset,
        available,
        held,
    } = balance;
    out.put(&asset.to_le_bytes());
    out.put(&available.to_le_bytes());
    out.put(&held.to_le_bytes());
}

fn write_position<S: ByteSink>(position: &PositionImage, out: &mut S) {
    let PositionImage { instrument, lots } = position;
    out.put(&instrument.to_le_bytes());
    out.put(&lots.to_le_bytes());
}

pub(super) fn write_client_id<S: ByteSink>(id: &ClientIdImage, out: &mut S) {
    let ClientIdImage {
        account,
        client_id,
        instrument,
        order_id,
        since_ns,
    } = id;
    out.put(&account.to_le_bytes());
    out.put(&client_id.to_le_bytes());
    out.put(&instrument.to_le_bytes());
    out.put(&order_id.to_le_bytes());
    out.put(&since_ns.to_le_bytes());
}

fn write_instrument<S: ByteSink>(image: &InstrumentImage, out: &mut S) {
    write_terms(image, out);
    write_list(&image.bids, out, write_level);
    write_list(&image.asks, out, write_level);
    write_list(&image.armed, out, write_order);
    write_list(&image.pending, out, write_order);
    write_list(&image.parked, out, write_order);
}

/// Everything of an instrument in front of its orders.
pub(super) fn write_terms<S: ByteSink>(image: &InstrumentImage, out: &mut S) {
    let InstrumentImage {
        base_asset,
        quote_asset,
        lot_units,
        tick_units,
        funded,
        positions,
        rules,
        phase,
        last_price,
        mark_price,
        next_order_id,
        rests,
        bids: _,
        asks: _,
        armed: _,
        pending: _,
        parked: _,
    } = image;
    out.put(&base_asset.to_le_bytes());
    out.put(&quote_asset.to_le_bytes());
    out.put(&lot_units.to_le_bytes());
    out.put(&tick_units.to_le_bytes());
    out.put(&[u8::from(*funded), u8::from(*positions)]);
    write_rules(rules, out);
    out.put(&[phase.number()]);
    out.put(&last_price.to_le_bytes());
    out.put(&mark_price.to_le_bytes());
    out.put(&next_order_id.to_le_bytes());
    out.put(&rests.to_le_bytes());
}

fn write_rules<S: ByteSink>(rules: &Rules, out: &mut S) {
    let Rules {
        tick_step,
        lot_step,
        min_qty,
        max_qty,
        min_notional,
        band_ppm,
        collar_ppm,
        max_open,
        max_armed,
        max_pegs,
        disabled,
    } = rules;
    out.put(&tick_step.to_le_bytes());
    for number in [lot_step, min_qty, max_qty, min_notional] {
        out.put(&number.to_le_bytes());
    }
    for number in [
        band_ppm, collar_ppm, max_open, max_armed, max_pegs, disabled,
    ] {
        out.put(&number.to_le_bytes());
    }
}

fn write_level<S: ByteSink>(level: &LevelImage, out: &mut S) {
    let LevelImage { price, orders } = level;
    out.put(&price.to_le_bytes());
    write_list(orders, out, write_order);
}

pub(super) fn write_order<S: ByteSink>(order: &OrderImage, out: &mut S) {
    let OrderImage {
        id,
        account,
        side,
        order_type,
        tif,
        flags,
        stp,
        peg,
        price,
        total,
        open,
        displayed,
        display,
        trigger,
        watermark,
        expire_s,
        session,
        client_id,
        priority,
        link,
    } = order;
    out.put(&id.to_le_bytes());
    out.put(&account.to_le_bytes());
    out.put(&[
        side.number(),
        order_type.number(),
        tif.number(),
        stp.number(),
        peg.number(),
    ]);
    out.put(&flags.to_le_bytes());
    out.put(&price.to_le_bytes());
    for lots in [total, open, displayed] {
        out.put(&lots.to_le_bytes());
    }
    out.put(&display.to_le_bytes());
    out.put(&trigger.to_le_bytes());
    out.put(&watermark.to_le_bytes());
    out.put(&expire_s.to_le_bytes());
    out.put(&session.to_le_bytes());
    out.put(&client_id.to_le_bytes());
    out.put(&priority.to_le_bytes());
    write_link(link, out);
}

fn write_link<S: ByteSink>(link: &LinkImage, out: &mut S) {
    let (tag, first, second) = match *link {
        LinkImage::None => (0_u8, 0_u64, 0_u64),
        LinkImage::Oco { sibling } => (1, sibling, 0),
        LinkImage::BracketHead { take_profit, stop } => (2, take_profit, stop),
        LinkImage::BracketExit { head, sibling } => (3, head, sibling),
    };
    out.put(&[tag]);
    out.put(&first.to_le_bytes());
    out.put(&second.to_le_bytes());
}
