//! Laws of balances, fees and client ids.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::expect_used)]

use std::collections::HashMap;

use proptest::prelude::*;
use router_core::engine::clients::{ClientEntry, ClientOrder, Clients};
use router_core::engine::funds::{base_units, fee_units, quote_units, Funds};

const PPM: i128 = 1_000_000;

fn units() -> impl Strategy<Value = u128> {
    prop_oneof![0..1_000_u128, 0..=u128::from(u64::MAX), 0..=(1_u128 << 120)]
}

#[derive(Clone, Debug)]
enum Move {
    Deposit(u128),
    Withdraw(u128),
    Hold(u128),
    Release(u128),
    Trade { held: u128, paid: u128, ppm: i32 },
}

fn moves() -> impl Strategy<Value = Move> {
    let small = 0..10_000_u128;
    prop_oneof![
        small.clone().prop_map(Move::Deposit),
        (1..10_000_u128).prop_map(Move::Withdraw),
        small.clone().prop_map(Move::Hold),
        small.clone().prop_map(Move::Release),
        (small.clone(), small, -100_000..=100_000_i32).prop_map(|(held, paid, ppm)| Move::Trade {
            held,
            paid,
            ppm
        }),
    ]
}

fn step(funds: &mut Funds, account: u32, asset: u32, action: &Move) {
    let balance = funds.balance(account, asset);
    match *action {
        Move::Deposit(amount) => {
            funds.deposit(account, asset, amount);
        }
        Move::Withdraw(amount) => {
            let left = funds.withdraw(account, asset, amount);
            assert_eq!(left, balance.available.checked_sub(amount));
        }
        Move::Hold(amount) => {
            assert_eq!(
                funds.hold(account, asset, amount),
                amount <= balance.available
            );
        }
        Move::Release(amount) => funds.release(account, asset, amount.min(balance.held)),
        Move::Trade { held, paid, ppm } => {
            let held = held.min(balance.held);
            let paid = paid.min(held);
            funds.pay_held(account, asset, held, paid);
            funds.receive((account + 1) % 4, asset, paid, ppm);
        }
    }
}

proptest! {
    #[test]
    fn a_fee_is_rounded_against_the_account_at_any_size(received in units(), ppm in -100_000..=100_000_i32) {
        let fee = fee_units(received, ppm);
        let whole = i128::try_from(received / 1_000_000).expect("fits") * i128::from(ppm);
        let part = i128::try_from(received % 1_000_000).expect("fits") * i128::from(ppm);
        // Rounding up serves both signs: a rebate is a negative fee and loses its fraction.
        let ceiling = whole + part.div_euclid(PPM) + i128::from(part.rem_euclid(PPM) != 0);
        prop_assert_eq!(fee, ceiling);
        prop_assert!(fee <= i128::try_from(received).expect("fits"));
    }

    #[test]
    fn amounts_of_a_trade_are_exact_products(price in 1..=0x7FFF_FFFE_i64, lots in 1..=(1_u64 << 40), units in 1..=(1_u64 << 49)) {
        let exact = u128::from(price.unsigned_abs()) * u128::from(lots) * u128::from(units);
        prop_assert_eq!(quote_units(price, lots, units), exact);
        prop_assert_eq!(base_units(lots, units), u128::from(lots) * u128::from(units));
    }

    #[test]
    fn only_deposits_and_withdrawals_change_the_sum_of_an_asset(
        actions in prop::collection::vec((0..4_u32, 0..5_u32, moves()), 1..200)
    ) {
        let mut funds = Funds::default();
        let mut outside = HashMap::new();
        for (account, asset, action) in &actions {
            let before = funds.balance(*account, *asset).available;
            step(&mut funds, *account, *asset, action);
            let flow: &mut i128 = outside.entry(*asset).or_default();
            match action {
                Move::Deposit(amount) => *flow += i128::try_from(*amount).expect("small"),
                Move::Withdraw(amount) if *amount <= before => *flow -= i128::try_from(*amount).expect("small"),
                Move::Withdraw(_) | Move::Hold(_) | Move::Release(_) | Move::Trade { .. } => {}
            }
        }
        for (asset, flow) in outside {
            let owned: u128 = (0..4).map(|account| {
                let balance = funds.balance(account, asset);
                balance.available + balance.held
            }).sum();
            prop_assert_eq!(i128::try_from(owned).expect("small") + funds.fees(asset), flow);
            prop_assert_eq!(funds.total(asset), flow);
        }
    }

    #[test]
    fn client_ids_answer_like_a_map_with_a_line(
        steps in prop::collection::vec((0..3_u32, 1..40_u64, 0..3_u64), 1..400), window in 0..20_u64
    ) {
        let mut clients = Clients::default();
        let mut line: Vec<ClientEntry> = Vec::new();
        let mut now = 0;
        for (count, (account, client_id, wait)) in steps.into_iter().enumerate() {
            now += wait;
            let is_open = |target: ClientOrder| target.order % 3 == 0;
            clients.forget(now, window, |due| is_open(due.target));
            let (old, kept): (Vec<_>, Vec<_>) = line.iter().partition(|entry| now - entry.time_ns > window);
            line = kept;
            line.extend(old.into_iter().filter(|entry| is_open(entry.target)).map(|entry| ClientEntry { time_ns: now, ..entry }));
            let known = line.iter().find(|entry| entry.account == account && entry.client_id == client_id);
            prop_assert_eq!(clients.get(account, client_id), known.map(|entry| entry.target));
            if known.is_none() {
                let target = ClientOrder { instrument: account + 7, order: count as u64 };
                let entry = ClientEntry { account, client_id, target, time_ns: now };
                clients.insert(entry);
                line.push(entry);
            }
            prop_assert!(clients.line().eq(line.iter().copied()));
        }
        for entry in &line {
            prop_assert_eq!(clients.get(entry.account, entry.client_id), Some(entry.target));
        }
        prop_assert_eq!(clients.len(), line.len());
    }
}

#[test]
fn a_deposit_that_would_lift_an_asset_over_its_bound_is_not_taken() {
    let mut funds = Funds::default();
    assert!(funds.takes_deposit(3, 1 << 120));
    funds.deposit(1, 3, (1 << 120) - 1);
    assert!(funds.takes_deposit(3, 1));
    assert!(!funds.takes_deposit(3, 2));
    assert!(!funds.takes_deposit(3, u128::MAX));
    assert!(funds.takes_deposit(2, 1 << 120));
}
