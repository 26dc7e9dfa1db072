//! Laws of the state after a command.

use std::collections::{BTreeMap, BTreeSet};

use router_core::engine::image::{InstrumentImage, LinkImage, OrderImage};
use router_core::engine::{Command, Image, OrderType, Phase, Reason, Side, Tif};

use super::{require, Law, Step};

/// Every open order of an instrument.
pub(super) fn orders(inst: &InstrumentImage) -> impl Iterator<Item = &OrderImage> {
    let levels = inst.bids.iter().chain(&inst.asks);
    let waiting = inst.armed.iter().chain(&inst.pending).chain(&inst.parked);
    levels.flat_map(|level| &level.orders).chain(waiting)
}

pub(super) fn judge(step: &Step, found: &mut Vec<Law>) {
    for inst in &step.after.instruments {
        never_crossed(inst, found);
        no_rest_for_immediate(inst, found);
        links_agree(inst, found);
        exits_wait_for_trading(inst, found);
    }
    account_caps(&step.after, found);
    tiers_never_pay(&step.after, found);
    let ids = step
        .after
        .client_ids
        .iter()
        .map(|one| (one.account, one.client_id));
    let unique: BTreeSet<(u32, u64)> = ids.collect();
    require(
        unique.len() == step.after.client_ids.len(),
        Law::ClientIdsAreUnique,
        found,
    );
    funds_conserved(step, found);
    let held = held(&step.after);
    require(held == needs(&step.after), Law::HeldIsNeeded, found);
}

fn never_crossed(inst: &InstrumentImage, found: &mut Vec<Law>) {
    if let (Some(bid), Some(ask)) = (inst.bids.first(), inst.asks.first()) {
        let fine = inst.phase != Phase::Continuous || bid.price < ask.price;
        require(fine, Law::NeverCrossed, found);
    }
}

fn no_rest_for_immediate(inst: &InstrumentImage, found: &mut Vec<Law>) {
    for order in inst
        .bids
        .iter()
        .chain(&inst.asks)
        .flat_map(|level| &level.orders)
    {
        let lasts = matches!(order.tif, Tif::Gtc | Tif::Gtd | Tif::Day);
        let market = matches!(
            order.order_type,
            OrderType::Market | OrderType::Stop | OrderType::TrailingStop
        );
        require(
            lasts && !market && order.open > 0,
            Law::NoRestForImmediate,
            found,
        );
    }
}

fn links_agree(inst: &InstrumentImage, found: &mut Vec<Law>) {
    let links: BTreeMap<u64, LinkImage> =
        orders(inst).map(|order| (order.id, order.link)).collect();
    for (id, link) in &links {
        let agrees = match *link {
            LinkImage::None => true,
            LinkImage::Oco { sibling } => {
                links.get(&sibling) == Some(&LinkImage::Oco { sibling: *id })
            }
            LinkImage::BracketHead { take_profit, stop } => {
                let exit = |sibling| Some(&LinkImage::BracketExit { head: *id, sibling }).copied();
                links.get(&take_profit).copied() == exit(stop)
                    && links.get(&stop).copied() == exit(take_profit)
            }
            LinkImage::BracketExit { head, sibling } => match links.get(&head) {
                Some(LinkImage::BracketHead { take_profit, stop }) => {
                    take_profit == id || stop == id
                }
                Some(_) => false,
                // The head is done and they wait for trading.
                None => links.get(&sibling) == Some(&LinkImage::BracketExit { head, sibling: *id }),
            },
        };
        require(agrees, Law::LinksAgree, found);
    }
}

/// Exits whose head is done.
fn exits_wait_for_trading(inst: &InstrumentImage, found: &mut Vec<Law>) {
    let open: BTreeSet<u64> = orders(inst).map(|order| order.id).collect();
    for order in &inst.pending {
        let LinkImage::BracketExit { head, sibling } = order.link else {
            continue;
        };
        if open.contains(&head) {
            continue;
        }
        let mut others = inst.pending.iter();
        let other = others.find(|other| other.id == sibling);
        let fits = inst.phase != Phase::Continuous
            && order.total == order.open
            && other.is_some_and(|other| other.open == order.open);
        require(fits, Law::ExitsWaitForTrading, found);
    }
}

fn account_caps(image: &Image, found: &mut Vec<Law>) {
    let mut open: BTreeMap<u32, u64> = BTreeMap::new();
    for order in image.instruments.iter().flat_map(orders) {
        *open.entry(order.account).or_default() += 1;
    }
    let mut ids: BTreeMap<u32, u64> = BTreeMap::new();
    for known in &image.client_ids {
        *ids.entry(known.account).or_default() += 1;
    }
    let orders_fit = open
        .values()
        .all(|count| *count <= u64::from(image.limits.max_account_orders));
    let ids_fit = ids
        .values()
        .all(|count| *count <= u64::from(image.limits.max_account_client_ids));
    require(orders_fit && ids_fit, Law::AccountCaps, found);
}

fn tiers_never_pay(image: &Image, found: &mut Vec<Law>) {
    let pays = |maker: i32| {
        let mut takers = image.tiers.iter();
        takers.any(|tier| maker + tier.taker_ppm < 0)
    };
    let fair = !image.tiers.iter().any(|tier| pays(tier.maker_ppm));
    require(fair, Law::TiersNeverPay, found);
}

/// Everything of each asset: available, held and fees.
fn totals(image: &Image) -> BTreeMap<u32, i128> {
    let mut totals = BTreeMap::new();
    for balance in image.accounts.iter().flat_map(|account| &account.balances) {
        let units = i128::try_from(balance.available + balance.held).unwrap_or(i128::MAX);
        *totals.entry(balance.asset).or_default() += units;
    }
    for fee in &image.fees {
        *totals.entry(fee.asset).or_default() += fee.amount;
    }
    totals.retain(|_, units| *units != 0);
    totals
}

fn funds_conserved(step: &Step, found: &mut Vec<Law>) {
    let mut expected = totals(&step.before);
    let refused = step
        .events
        .first()
        .is_some_and(|event| event.reason != Reason::None.number());
    let command = step.records.first().map(router_core::engine::decode);
    match command {
        Some(Ok(Command::Deposit { asset, amount, .. })) if !refused => {
            *expected.entry(asset).or_default() += i128::try_from(amount).unwrap_or(0);
        }
        Some(Ok(Command::Withdraw { asset, amount, .. })) if !refused => {
            *expected.entry(asset).or_default() -= i128::try_from(amount).unwrap_or(0);
        }
        Some(_) | None => {}
    }
    expected.retain(|_, units| *units != 0);
    require(expected == totals(&step.after), Law::FundsConserved, found);
}

/// What is held, by account and asset.
fn held(image: &Image) -> BTreeMap<(u32, u32), u128> {
    let mut held = BTreeMap::new();
    for account in &image.accounts {
        for balance in account.balances.iter().filter(|balance| balance.held > 0) {
            held.insert((account.account, balance.asset), balance.held);
        }
    }
    held
}

/// What the open orders need, by account and asset.
fn needs(image: &Image) -> BTreeMap<(u32, u32), u128> {
    let mut needs: BTreeMap<(u32, u32), u128> = BTreeMap::new();
    for inst in image.instruments.iter().filter(|inst| inst.funded) {
        let open: BTreeMap<u64, &OrderImage> =
            orders(inst).map(|order| (order.id, order)).collect();
        for order in open.values() {
            let units = match order.link {
                LinkImage::BracketExit { .. } => 0,
                LinkImage::Oco { sibling } if sibling < order.id => 0,
                LinkImage::Oco { sibling } => {
                    need(inst, order).max(open.get(&sibling).map_or(0, |other| need(inst, other)))
                }
                LinkImage::None | LinkImage::BracketHead { .. } => need(inst, order),
            };
            let asset = match order.side {
                Side::Buy => inst.quote_asset,
                Side::Sell => inst.base_asset,
            };
            *needs.entry((order.account, asset)).or_default() += units;
        }
    }
    needs.retain(|_, units| *units > 0);
    needs
}

fn need(inst: &InstrumentImage, order: &OrderImage) -> u128 {
    let lots = u128::from(order.open);
    match order.side {
        Side::Buy => lots * u128::from(order.price.unsigned_abs()) * u128::from(inst.tick_units),
        Side::Sell => lots * u128::from(inst.lot_units),
    }
}
