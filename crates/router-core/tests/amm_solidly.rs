//! Laws of the Aerodrome and Velodrome pairs.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; oracles work on numbers far from their limits"
)]

use proptest::prelude::*;
use router_core::amm::{AmmError, MultiPool, SolidlyPool, SOLIDLY_GAS, SOLIDLY_STABLE_GAS, U256};

/// What a quote may be off the exact curve, in base units: the pair rounds its invariant with 18
/// decimals, in which the reserves of the strategies below are never small.
const SLACK: U256 = U256::from_limbs([2, 0, 0, 0]);

fn any_fee() -> impl Strategy<Value = u16> {
    prop_oneof![Just(30_u16), Just(5), Just(0), 0_u16..300]
}

/// Pairs of whole coins within a factor of a thousand.
fn any_pair() -> impl Strategy<Value = SolidlyPool> {
    let decimals = || prop_oneof![Just(6_u8), Just(18), Just(8)];
    let amounts = (1_u128..1_000, 1_u128..1_000, 0_u32..7);
    (amounts, decimals(), decimals(), any_fee(), any::<bool>()).prop_map(
        |((first, second, size), decimals0, decimals1, fee, stable)| {
            let reserve0 = first * 10_u128.pow(u32::from(decimals0) + size);
            let reserve1 = second * 10_u128.pow(u32::from(decimals1) + size);
            SolidlyPool::new([reserve0, reserve1], [decimals0, decimals1], fee, stable).unwrap()
        },
    )
}

fn other(coin: usize) -> usize {
    1 - coin
}

fn reserve(pool: &SolidlyPool, coin: usize) -> U256 {
    let [first, second] = pool.balances().map(U256::from);
    if coin == 0 {
        first
    } else {
        second
    }
}

/// A part of a reserve, from dust to more than all of it.
fn part_of(reserve: U256, part: (usize, u64)) -> U256 {
    ((reserve * U256::from(part.1) / U256::from(1_000_u64)) >> part.0).max(U256::ONE)
}

fn any_part() -> impl Strategy<Value = (usize, u64)> {
    (0_usize..40, 1_u64..=1_100)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fee_leaves_the_pair_and_the_rest_moves(pool in any_pair(), coin in 0_usize..2, part in any_part()) {
        let amount = part_of(reserve(&pool, coin), part);
        let Ok(quote) = pool.quote_exact_in(coin, other(coin), amount) else { return Ok(()) };
        prop_assert_eq!(quote.amount_in, amount);
        prop_assert_eq!(quote.fee_amount, amount * U256::from(pool.fee_bps()) / U256::from(10_000_u64));
        prop_assert_eq!(reserve(&quote.next, coin), reserve(&pool, coin) + amount - quote.fee_amount);
        prop_assert_eq!(reserve(&quote.next, other(coin)), reserve(&pool, other(coin)) - quote.amount_out);
        prop_assert_eq!(quote.gas, if pool.is_stable() { SOLIDLY_STABLE_GAS } else { SOLIDLY_GAS });
    }

    #[test]
    fn more_input_never_buys_less(pool in any_pair(), coin in 0_usize..2, part in any_part(), more in 1_u64..1_000_000) {
        let amount = part_of(reserve(&pool, coin), part);
        let less = pool.quote_exact_in(coin, other(coin), amount);
        let quote = pool.quote_exact_in(coin, other(coin), amount + U256::from(more));
        if let (Ok(less), Ok(quote)) = (less, quote) {
            prop_assert!(quote.amount_out + SLACK >= less.amount_out);
        }
    }

    #[test]
    fn an_output_costs_an_input_that_delivers_it_and_one_less_does_not(pool in any_pair(), coin in 0_usize..2, part in any_part()) {
        let asked = part_of(reserve(&pool, other(coin)), part);
        let Ok(quote) = pool.quote_exact_out(coin, other(coin), asked) else { return Ok(()) };
        prop_assert!(quote.amount_out >= asked);
        let same = pool.quote_exact_in(coin, other(coin), quote.amount_in);
        prop_assert_eq!(same, Ok(quote.clone()));
        if let Ok(less) = pool.quote_exact_in(coin, other(coin), quote.amount_in - U256::ONE) {
            prop_assert!(less.amount_out < asked);
        }
    }

    #[test]
    fn two_swaps_never_pay_more_than_one(pool in any_pair(), coin in 0_usize..2, part in any_part(), share in 1_u64..100) {
        let amount = part_of(reserve(&pool, coin), part);
        let first = (amount * U256::from(share) / U256::from(100_u64)).max(U256::ONE);
        let second = amount.saturating_sub(first).max(U256::ONE);
        let Ok(whole) = pool.quote_exact_in(coin, other(coin), first + second) else { return Ok(()) };
        let Ok(one) = pool.quote_exact_in(coin, other(coin), first) else { return Ok(()) };
        let Ok(two) = one.next.quote_exact_in(coin, other(coin), second) else { return Ok(()) };
        // The fee is rounded down in each swap, so two may keep a unit of input more.
        let unit = whole.amount_out * U256::from(2_u64) / (first + second) + SLACK;
        prop_assert!(one.amount_out + two.amount_out <= whole.amount_out + unit);
    }

    #[test]
    fn there_and_back_never_profits(pool in any_pair(), coin in 0_usize..2, part in any_part()) {
        let amount = part_of(reserve(&pool, coin), part);
        let Ok(there) = pool.quote_exact_in(coin, other(coin), amount) else { return Ok(()) };
        let Ok(back) = there.next.quote_exact_in(other(coin), coin, there.amount_out) else { return Ok(()) };
        prop_assert!(back.amount_out <= there.amount_in);
    }

    #[test]
    fn no_state_and_no_amount_panics(
        reserves in any::<[u128; 2]>(), shifts in [0_u32..128, 0_u32..128], decimals in [0_u8..=36, 0_u8..=36],
        fee in 0_u16..10_000, stable in any::<bool>(), limbs in any::<[u64; 4]>(), shift in 0_usize..256,
    ) {
        let [first, second] = reserves;
        let reserves = [first >> shifts[0], second >> shifts[1]];
        let pool = SolidlyPool::new(reserves, decimals, fee, stable).unwrap();
        let amount = U256::from_limbs(limbs) >> shift;
        for quote in [pool.quote_exact_in(0, 1, amount), pool.quote_exact_out(0, 1, amount)].into_iter().flatten() {
            prop_assert!(quote.amount_out < U256::from(reserves[1]));
        }
    }
}

#[test]
fn questions_without_an_answer_are_refused() {
    let pool = SolidlyPool::new([1_000_000, 1_000_000], [6, 6], 30, true).unwrap();
    let thousand = U256::from(1_000_u64);
    assert_eq!(pool.coin_count(), 2);
    for (coin_in, coin_out) in [(0, 0), (0, 2), (2, 1)] {
        let refused = pool.quote_exact_in(coin_in, coin_out, thousand);
        assert_eq!(refused.unwrap_err().code(), "INVALID_REQUEST");
    }
    assert_eq!(
        pool.quote_exact_in(0, 1, U256::ZERO),
        Err(AmmError::AmountRange)
    );
    let all = pool.quote_exact_out(0, 1, U256::from(1_000_000_u64));
    assert_eq!(all, Err(AmmError::InsufficientLiquidity));
    let empty = SolidlyPool::new([0, 1], [6, 6], 30, true).unwrap();
    assert_eq!(
        empty.quote_exact_in(0, 1, thousand),
        Err(AmmError::EmptyPool)
    );
    assert!(SolidlyPool::new([1, 1], [6, 6], 10_000, true).is_err());
    assert!(SolidlyPool::new([1, 1], [37, 6], 30, true).is_err());
}
