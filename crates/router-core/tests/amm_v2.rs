//! Laws of the V2 pair.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; oracles work on numbers far from their limits"
)]

use proptest::prelude::*;
use router_core::amm::{AmmError, V2Pool, U256};

const MAX_RESERVE: u128 = (1 << 112) - 1;

/// Amounts of every length up to the reserve limit, so that dust and drains are both common.
fn any_reserve() -> impl Strategy<Value = u128> {
    (1_u32..=112, any::<u128>()).prop_map(|(bits, seed)| (seed >> (128 - bits)).max(1))
}

fn any_pool() -> impl Strategy<Value = V2Pool> {
    let fee_ppm = prop_oneof![Just(3_000_u32), Just(2_500), Just(0), 0_u32..1_000_000];
    (any_reserve(), any_reserve(), fee_ppm)
        .prop_map(|(reserve0, reserve1, fee)| V2Pool::new(reserve0, reserve1, fee).unwrap())
}

fn product(pool: &V2Pool) -> U256 {
    U256::from(pool.reserve0()) * U256::from(pool.reserve1())
}

fn reserves(pool: &V2Pool, zero_for_one: bool) -> (U256, U256) {
    let (first, second) = (U256::from(pool.reserve0()), U256::from(pool.reserve1()));
    if zero_for_one {
        (first, second)
    } else {
        (second, first)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_default_fee_is_the_library_formula_bit_for_bit(
        reserve0 in any_reserve(), reserve1 in any_reserve(), amount in any_reserve(), way in any::<bool>(),
    ) {
        let pool = V2Pool::new(reserve0, reserve1, 3_000).unwrap();
        let (reserve_in, reserve_out) = reserves(&pool, way);
        let amount = U256::from(amount);
        if let Ok(quote) = pool.quote_exact_in(way, amount) {
            let kept = amount * U256::from(997);
            let out = kept * reserve_out / (reserve_in * U256::from(1_000) + kept);
            prop_assert_eq!(quote.amount_out, out);
        }
        if let Ok(quote) = pool.quote_exact_out(way, amount) {
            let numerator = reserve_in * amount * U256::from(1_000);
            let denominator = (reserve_out - amount) * U256::from(997);
            prop_assert_eq!(quote.amount_in, numerator / denominator + U256::ONE);
        }
    }

    #[test]
    fn the_product_of_the_reserves_never_falls(pool in any_pool(), way in any::<bool>(), amount in any_reserve()) {
        if let Ok(quote) = pool.quote_exact_in(way, U256::from(amount)) {
            prop_assert!(product(&quote.next) >= product(&pool));
        }
        if let Ok(quote) = pool.quote_exact_out(way, U256::from(amount)) {
            prop_assert!(product(&quote.next) >= product(&pool));
        }
    }

    #[test]
    fn what_moves_is_what_the_reserves_move(pool in any_pool(), way in any::<bool>(), amount in any_reserve()) {
        if let Ok(quote) = pool.quote_exact_in(way, U256::from(amount)) {
            let (reserve_in, reserve_out) = reserves(&pool, way);
            let (next_in, next_out) = reserves(&quote.next, way);
            prop_assert_eq!(quote.amount_in, U256::from(amount));
            prop_assert_eq!(next_in - reserve_in, quote.amount_in);
            prop_assert_eq!(reserve_out - next_out, quote.amount_out);
            prop_assert!(quote.amount_out < reserve_out);
            prop_assert!(quote.fee_amount <= quote.amount_in);
        }
    }

    #[test]
    fn the_input_asked_for_an_output_buys_it(pool in any_pool(), way in any::<bool>(), amount in any_reserve()) {
        let asked = U256::from(amount);
        if let Ok(quote) = pool.quote_exact_out(way, asked) {
            let bought = pool.quote_exact_in(way, quote.amount_in).unwrap();
            prop_assert!(bought.amount_out >= asked);
        }
    }

    #[test]
    fn two_swaps_never_pay_more_than_one(
        pool in any_pool(), way in any::<bool>(), amount in any_reserve(), share in 1_u128..100,
    ) {
        let first = (amount / 100 * share).max(1);
        let second = amount.saturating_sub(first).max(1);
        if let Ok(whole) = pool.quote_exact_in(way, U256::from(first + second)) {
            let one = pool.quote_exact_in(way, U256::from(first)).unwrap();
            let two = one.next.quote_exact_in(way, U256::from(second)).unwrap();
            prop_assert!(one.amount_out + two.amount_out <= whole.amount_out);
        }
    }

    #[test]
    fn there_and_back_never_profits(pool in any_pool(), way in any::<bool>(), amount in any_reserve()) {
        if let Ok(there) = pool.quote_exact_in(way, U256::from(amount)) {
            if !there.amount_out.is_zero() {
                let back = there.next.quote_exact_in(!way, there.amount_out).unwrap();
                prop_assert!(back.amount_out <= there.amount_in);
            }
        }
    }

    #[test]
    fn no_amount_panics(pool in any_pool(), way in any::<bool>(), limbs in any::<[u64; 4]>()) {
        let amount = U256::from_limbs(limbs);
        prop_assert_eq!(pool.quote_exact_in(way, amount).map(|quote| quote.amount_in).unwrap_err().code(), "OVERFLOW");
        let refused = pool.quote_exact_out(way, amount).map(|quote| quote.amount_in).unwrap_err();
        prop_assert_eq!(refused, AmmError::InsufficientLiquidity);
    }
}

#[test]
fn the_input_reserve_is_bounded_by_112_bits() {
    let pool = V2Pool::new(MAX_RESERVE - 5, 1_000, 3_000).unwrap();
    assert!(pool.quote_exact_in(true, U256::from(5)).is_ok());
    assert_eq!(
        pool.quote_exact_in(true, U256::from(6)).unwrap_err(),
        AmmError::Overflow
    );
    assert_eq!(
        pool.quote_exact_out(true, U256::from(999)).unwrap_err(),
        AmmError::Overflow
    );
}

#[test]
fn refusals_name_their_reason() {
    let pool = V2Pool::new(1_000, 1_000, 3_000).unwrap();
    assert_eq!(
        pool.quote_exact_in(true, U256::ZERO).unwrap_err(),
        AmmError::AmountRange
    );
    assert_eq!(
        pool.quote_exact_out(true, U256::ZERO).unwrap_err(),
        AmmError::AmountRange
    );
    let drained = pool.quote_exact_out(true, U256::from(1_000)).unwrap_err();
    assert_eq!(drained, AmmError::InsufficientLiquidity);
    let empty = V2Pool::new(0, 1_000, 3_000).unwrap();
    assert_eq!(
        empty.quote_exact_in(true, U256::ONE).unwrap_err(),
        AmmError::EmptyPool
    );
    assert_eq!(
        empty.quote_exact_out(false, U256::ONE).unwrap_err(),
        AmmError::EmptyPool
    );
    assert_eq!(
        V2Pool::new(MAX_RESERVE + 1, 1, 0).unwrap_err().code(),
        "INVALID_POOL"
    );
    assert_eq!(
        V2Pool::new(1, 1, 1_000_000).unwrap_err().code(),
        "INVALID_POOL"
    );
}

#[test]
fn dust_buys_nothing_and_still_counts_as_input() {
    let pool = V2Pool::new(1_000_000, 10, 3_000).unwrap();
    let quote = pool.quote_exact_in(true, U256::ONE).unwrap();
    assert_eq!(
        (quote.amount_out, quote.next.reserve0()),
        (U256::ZERO, 1_000_001)
    );
}
