//! Laws of the Balancer pools. That their numbers are the contracts' is shown against recorded
//! answers; that they follow the exact curves, by the Python tests with many digits.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; oracles work on numbers far from their limits"
)]

use std::sync::Arc;

use proptest::prelude::*;
use router_core::amm::{
    scaling_factor, AmmError, BalancerStablePool, MultiPool, PowVersion, StableVersion,
    WeightedPool, BALANCER_STABLE_GAS, U256, WEIGHTED_GAS,
};

const ONE: u64 = 1_000_000_000_000_000_000;

/// Distance of computed from exact balances, in units of 18 decimals: both contracts divide by the
/// amplification before they multiply by its precision of 1000.
const NEWTON_SLACK: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// Weights that are one hundredth at least, in ratios that take the shortcuts and in others.
fn any_weight() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(ONE / 2),
        Just(ONE / 4),
        Just(ONE / 5),
        Just(ONE / 5 * 4),
        ONE / 100..=ONE,
    ]
}

fn any_fee() -> impl Strategy<Value = u64> {
    prop_oneof![Just(3_000_000_000_000_000), Just(1), Just(0), 0..ONE / 10]
}

/// Whole coins of every size that a pool may hold, with a fraction.
fn any_balance(decimals: u8) -> impl Strategy<Value = u128> {
    (0_u32..9, 1_u128..1_000_000_000).prop_map(move |(digits, part)| {
        let unit = 10_u128.pow(u32::from(decimals));
        (unit * 10_u128.pow(digits) / 1_000_000_000 * part).max(unit / 1_000)
    })
}

fn any_pow_version() -> impl Strategy<Value = PowVersion> {
    prop_oneof![Just(PowVersion::General), Just(PowVersion::Shortcuts)]
}

fn any_stable_version() -> impl Strategy<Value = StableVersion> {
    prop_oneof![
        Just(StableVersion::RoundedUp),
        Just(StableVersion::RoundedDown)
    ]
}

fn any_coin() -> impl Strategy<Value = (u8, u128, u64)> {
    prop_oneof![Just(18_u8), Just(6), Just(8)]
        .prop_flat_map(|decimals| (Just(decimals), any_balance(decimals), any_weight()))
}

fn any_weighted() -> impl Strategy<Value = WeightedPool> {
    let coins = prop::collection::vec(any_coin(), 2..=8);
    (coins, any_fee(), any_pow_version()).prop_map(|(coins, fee, version)| {
        let balances: Vec<u128> = coins.iter().map(|coin| coin.1).collect();
        let weights: Arc<[u64]> = coins.iter().map(|coin| coin.2).collect();
        let factors = coins.iter().map(|coin| scaling_factor(coin.0).unwrap());
        WeightedPool::new(&balances, weights, factors.collect(), fee, version).unwrap()
    })
}

/// Balances of one pool within a factor of a thousand, with rates up to a factor of two.
fn any_stable() -> impl Strategy<Value = BalancerStablePool> {
    let coin = (
        prop_oneof![Just(18_u8), Just(6)],
        1_u128..1_000,
        ONE..2 * ONE,
    );
    let coins = prop::collection::vec(coin, 2..=5);
    (
        coins,
        0_u32..7,
        1_u64..=5_000,
        any_fee(),
        any_stable_version(),
    )
        .prop_map(|(coins, size, amp, fee, version)| {
            let balances: Vec<u128> = coins
                .iter()
                .map(|coin| coin.1 * 10_u128.pow(u32::from(coin.0) + size) / 1_000)
                .collect();
            let factors: Arc<[U256]> = coins
                .iter()
                .map(|coin| scaling_factor(coin.0).unwrap() * U256::from(coin.2) / U256::from(ONE))
                .collect();
            BalancerStablePool::new(&balances, factors, amp * 1_000, fee, version).unwrap()
        })
}

/// A part of a balance, from dust to more than all of it.
fn any_part() -> impl Strategy<Value = (u32, u128)> {
    (0_u32..60, 1_u128..=1_100)
}

fn part_of(balance: u128, part: (u32, u128)) -> U256 {
    let whole = U256::from(balance) * U256::from(part.1) / U256::from(1_000_u64);
    (whole >> usize::try_from(part.0).unwrap()).max(U256::ONE)
}

/// What a weighted quote may be off the exact curve, in base units: the contract allows a power an
/// error of 10^-14 of the balance, and rounds numbers with 18 decimals.
fn slack(pool: &WeightedPool, coin: usize) -> U256 {
    let balance = U256::from(pool.balances()[coin]);
    balance / U256::from(10_000_000_000_000_u64) + U256::from(2_u64)
}

/// What a stable quote may be off the exact curve, in base units.
fn stable_slack(pool: &BalancerStablePool, coin: usize) -> U256 {
    NEWTON_SLACK * U256::from(ONE) / pool.scaling_factors()[coin] + U256::from(2_u64)
}

/// Reserves, and what left and came, add up.
fn assert_moved(before: &[u128], after: &[u128], pair: (usize, usize), amounts: (U256, U256)) {
    for (coin, (before, after)) in before.iter().zip(after).enumerate() {
        let (before, after) = (U256::from(*before), U256::from(*after));
        if coin == pair.0 {
            assert_eq!(after, before + amounts.0);
        } else if coin == pair.1 {
            assert_eq!(after, before - amounts.1);
        } else {
            assert_eq!(after, before);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_weighted_swap_moves_what_it_takes_and_pays(pool in any_weighted(), part in any_part()) {
        let amount = part_of(pool.balances()[0], part);
        if let Ok(quote) = pool.quote_exact_in(0, 1, amount) {
            prop_assert_eq!(quote.amount_in, amount);
            prop_assert!(quote.fee_amount <= amount);
            prop_assert_eq!(quote.gas, WEIGHTED_GAS);
            assert_moved(pool.balances(), quote.next.balances(), (0, 1), (amount, quote.amount_out));
        }
        let amount = part_of(pool.balances()[1], part);
        if let Ok(quote) = pool.quote_exact_out(0, 1, amount) {
            prop_assert_eq!(quote.amount_out, amount);
            assert_moved(pool.balances(), quote.next.balances(), (0, 1), (quote.amount_in, amount));
        }
    }

    #[test]
    fn more_input_never_buys_less_of_a_weighted_pool(pool in any_weighted(), part in any_part(), more in 1_u128..1_000) {
        let amount = part_of(pool.balances()[0], part);
        let greater = amount + U256::from(more);
        if let (Ok(less), Ok(quote)) = (pool.quote_exact_in(0, 1, amount), pool.quote_exact_in(0, 1, greater)) {
            prop_assert!(quote.amount_out + slack(&pool, 1) >= less.amount_out);
        }
    }

    #[test]
    fn the_input_asked_for_an_output_buys_it_of_a_weighted_pool(pool in any_weighted(), part in any_part()) {
        let asked = part_of(pool.balances()[1], part);
        if let Ok(quote) = pool.quote_exact_out(0, 1, asked) {
            if let Ok(bought) = pool.quote_exact_in(0, 1, quote.amount_in) {
                prop_assert!(bought.amount_out + slack(&pool, 1) >= asked);
            }
        }
    }

    #[test]
    fn two_weighted_swaps_never_pay_more_than_one(pool in any_weighted(), part in any_part(), share in 1_u64..100) {
        let amount = part_of(pool.balances()[0], part);
        let first = (amount * U256::from(share) / U256::from(100_u64)).max(U256::ONE);
        let second = amount.saturating_sub(first).max(U256::ONE);
        if let Ok(whole) = pool.quote_exact_in(0, 1, first + second) {
            let one = pool.quote_exact_in(0, 1, first).unwrap();
            let two = one.next.quote_exact_in(0, 1, second).unwrap();
            prop_assert!(one.amount_out + two.amount_out <= whole.amount_out + slack(&pool, 1));
        }
    }

    #[test]
    fn there_and_back_never_profits_in_a_weighted_pool(pool in any_weighted(), part in any_part()) {
        let amount = part_of(pool.balances()[0], part);
        let there = [pool.quote_exact_in(0, 1, amount), pool.quote_exact_out(0, 1, part_of(pool.balances()[1], part))];
        for there in there.into_iter().flatten() {
            if let Ok(back) = there.next.quote_exact_in(1, 0, there.amount_out) {
                prop_assert!(back.amount_out <= there.amount_in);
            }
        }
    }

    #[test]
    fn a_stable_swap_moves_what_it_takes_and_pays(pool in any_stable(), part in any_part()) {
        let amount = part_of(pool.balances()[0], part);
        if let Ok(quote) = pool.quote_exact_in(0, 1, amount) {
            prop_assert_eq!(quote.gas, BALANCER_STABLE_GAS);
            assert_moved(pool.balances(), quote.next.balances(), (0, 1), (amount, quote.amount_out));
        }
        let amount = part_of(pool.balances()[1], part);
        if let Ok(quote) = pool.quote_exact_out(0, 1, amount) {
            prop_assert_eq!(quote.amount_out, amount);
            assert_moved(pool.balances(), quote.next.balances(), (0, 1), (quote.amount_in, amount));
        }
    }

    #[test]
    fn the_invariant_of_a_stable_pool_never_falls(pool in any_stable(), part in any_part()) {
        // The older contract's rounding up may keep Newton's method from ending, so it reverts.
        let Ok(before) = pool.invariant() else { return Ok(()) };
        let quotes = [
            pool.quote_exact_in(0, 1, part_of(pool.balances()[0], part)),
            pool.quote_exact_out(0, 1, part_of(pool.balances()[1], part)),
        ];
        for quote in quotes.into_iter().flatten() {
            let Ok(after) = quote.next.invariant() else { continue };
            prop_assert!(after + NEWTON_SLACK >= before);
        }
    }

    #[test]
    fn more_input_never_buys_less_of_a_stable_pool(pool in any_stable(), part in any_part(), more in 1_u128..1_000) {
        let amount = part_of(pool.balances()[0], part);
        let greater = amount + U256::from(more);
        if let (Ok(less), Ok(quote)) = (pool.quote_exact_in(0, 1, amount), pool.quote_exact_in(0, 1, greater)) {
            prop_assert!(quote.amount_out + stable_slack(&pool, 1) >= less.amount_out);
        }
    }

    #[test]
    fn there_and_back_never_profits_in_a_stable_pool(pool in any_stable(), part in any_part()) {
        let there = [
            pool.quote_exact_in(0, 1, part_of(pool.balances()[0], part)),
            pool.quote_exact_out(0, 1, part_of(pool.balances()[1], part)),
        ];
        for there in there.into_iter().flatten() {
            if let Ok(back) = there.next.quote_exact_in(1, 0, there.amount_out) {
                prop_assert!(back.amount_out <= there.amount_in);
            }
        }
    }

    #[test]
    fn two_stable_swaps_never_pay_more_than_one(pool in any_stable(), part in any_part(), share in 1_u64..100) {
        // Of three coins or more the first swap's fee may better the price between two of them.
        if pool.coin_count() > 2 && pool.swap_fee() > 1 { return Ok(()) }
        let amount = part_of(pool.balances()[0], part);
        let first = (amount * U256::from(share) / U256::from(100_u64)).max(U256::ONE);
        let second = amount.saturating_sub(first).max(U256::ONE);
        let Ok(whole) = pool.quote_exact_in(0, 1, first + second) else { return Ok(()) };
        let Ok(one) = pool.quote_exact_in(0, 1, first) else { return Ok(()) };
        let Ok(two) = one.next.quote_exact_in(0, 1, second) else { return Ok(()) };
        prop_assert!(one.amount_out + two.amount_out <= whole.amount_out + stable_slack(&pool, 1));
    }

    #[test]
    fn the_input_asked_for_an_output_buys_it_of_a_stable_pool(pool in any_stable(), part in any_part()) {
        let asked = part_of(pool.balances()[1], part);
        if let Ok(quote) = pool.quote_exact_out(0, 1, asked) {
            let bought = pool.quote_exact_in(0, 1, quote.amount_in);
            let delivered = bought.map_or(U256::ZERO, |bought| bought.amount_out);
            prop_assert!(delivered + stable_slack(&pool, 1) >= asked);
        }
    }

    #[test]
    fn no_state_and_no_amount_panics(
        seeds in prop::collection::vec((any::<u128>(), 0_u32..=112, any::<[u64; 4]>(), 0_usize..256, any_weight()), 2..=8),
        fee in prop_oneof![any_fee(), 0..ONE],
        amp in 1_000_u64..=5_000_000,
        limbs in any::<[u64; 4]>(),
        shift in 0_usize..256,
        pow_version in any_pow_version(),
        stable_version in any_stable_version(),
    ) {
        let balances: Vec<u128> = seeds.iter().map(|seed| (seed.0 >> 16).checked_shr(seed.1).unwrap_or(0)).collect();
        let factors: Arc<[U256]> = seeds.iter().map(|seed| (U256::from_limbs(seed.2) >> seed.3).max(U256::ONE)).collect();
        let weights = seeds.iter().map(|seed| seed.4).collect();
        let amount = U256::from_limbs(limbs) >> shift;
        let weighted = WeightedPool::new(&balances, weights, Arc::clone(&factors), fee, pow_version).unwrap();
        let answers = [weighted.quote_exact_in(0, 1, amount), weighted.quote_exact_out(0, 1, amount)];
        for quote in answers.into_iter().flatten() {
            prop_assert!(quote.amount_out <= U256::from(balances[1]));
        }
        if balances.len() <= 5 {
            let stable = BalancerStablePool::new(&balances, factors, amp, fee, stable_version).unwrap();
            let answers = [stable.quote_exact_in(0, 1, amount), stable.quote_exact_out(0, 1, amount)];
            for quote in answers.into_iter().flatten() {
                prop_assert!(quote.amount_out <= U256::from(balances[1]));
            }
        }
    }
}

#[test]
fn a_state_no_contract_can_be_in_is_refused() {
    let factors: Arc<[U256]> = Arc::from([scaling_factor(18).unwrap(); 2]);
    let weights: Arc<[u64]> = Arc::from([ONE / 2; 2]);
    let weighted = |balances: &[u128], weights: &Arc<[u64]>, fee: u64| {
        let version = PowVersion::General;
        let pool = WeightedPool::new(
            balances,
            Arc::clone(weights),
            Arc::clone(&factors),
            fee,
            version,
        );
        pool.map(|_| ()).map_err(AmmError::code)
    };
    assert_eq!(weighted(&[1, 1], &weights, 0), Ok(()));
    assert_eq!(weighted(&[1], &weights, 0), Err("INVALID_POOL"));
    assert_eq!(weighted(&[1, 1 << 112], &weights, 0), Err("INVALID_POOL"));
    assert_eq!(weighted(&[1, 1], &weights, ONE), Err("INVALID_POOL"));
    assert_eq!(
        weighted(&[1, 1], &Arc::from([ONE / 2; 3]), 0),
        Err("INVALID_POOL")
    );
    assert_eq!(
        weighted(&[1, 1], &Arc::from([ONE / 101, ONE]), 0),
        Err("INVALID_POOL")
    );
    assert_eq!(
        scaling_factor(19).map_err(AmmError::code),
        Err("INVALID_POOL")
    );
    for amp in [999, 5_000_001] {
        let version = StableVersion::RoundedDown;
        let pool = BalancerStablePool::new(&[1, 1], Arc::clone(&factors), amp, 0, version);
        assert_eq!(pool.map_err(AmmError::code), Err("INVALID_POOL"));
    }
}

#[test]
fn an_empty_pool_a_missing_coin_and_nothing_are_refused() {
    let factors: Arc<[U256]> = Arc::from([scaling_factor(18).unwrap(); 3]);
    let version = StableVersion::RoundedDown;
    let pool = |balances: &[u128]| {
        BalancerStablePool::new(balances, Arc::clone(&factors), 100_000, 0, version).unwrap()
    };
    let coin = u128::from(ONE);
    let refused = |pool: &BalancerStablePool, coin_in, coin_out, amount: u64| {
        let answer = pool.quote_exact_in(coin_in, coin_out, U256::from(amount));
        answer.map(|_| ()).unwrap_err().code()
    };
    let full = pool(&[coin, coin, coin]);
    assert_eq!(full.coin_count(), 3);
    assert_eq!(refused(&full, 0, 0, ONE), "INVALID_REQUEST");
    assert_eq!(refused(&full, 0, 3, ONE), "INVALID_REQUEST");
    assert_eq!(refused(&full, 0, 1, 0), "AMOUNT_RANGE");
    assert_eq!(refused(&pool(&[coin, coin, 0]), 0, 1, ONE), "EMPTY_POOL");
    let all = full.quote_exact_out(0, 1, U256::from(ONE));
    assert_eq!(all.map(|_| ()), Err(AmmError::InsufficientLiquidity));
}
