//! Laws of the V4 pool: where the contracts agree it is the V3 pool, whose laws are shown there.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; oracles work on numbers far from their limits"
)]

use std::sync::Arc;

use proptest::prelude::*;
use router_core::amm::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, AmmError, Tick, V3Pool, V4Pool, U256, V4_GAS,
    V4_GAS_PER_CROSSED_TICK, V4_GAS_PER_STEP,
};

const PPM_ONE: u32 = 1_000_000;

/// A position as (lower, upper, liquidity), in multiples of the spacing.
type Position = (i32, i32, u128);

fn empty_pool(lp_fee_ppm: u32, protocol_fee: u32, spacing: i32, price: U256) -> V4Pool {
    let tick = tick_at_sqrt_ratio(price).unwrap();
    V4Pool::new(
        lp_fee_ppm,
        protocol_fee,
        spacing,
        price,
        tick,
        0,
        Arc::from([]),
    )
    .unwrap()
}

fn any_liquidity() -> impl Strategy<Value = u128> {
    (1_u32..100, any::<u128>()).prop_map(|(bits, seed)| (seed >> (128 - bits)).max(1))
}

fn any_positions() -> impl Strategy<Value = Vec<Position>> {
    let place = prop_oneof![-6_i32..6, -25_i32..25];
    let position =
        (place, 1_i32..4, any_liquidity()).prop_map(|(low, width, l)| (low, low + width, l));
    prop::collection::vec(position, 1..7)
}

fn any_lp_fee() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(100_u32),
        Just(3_000),
        0_u32..PPM_ONE,
        Just(PPM_ONE - 1),
        Just(PPM_ONE)
    ]
}

fn any_protocol_fee() -> impl Strategy<Value = u32> {
    let half = || prop_oneof![Just(0_u32), Just(1_000), 0_u32..=1_000];
    (half(), half()).prop_map(|(zero, one)| one << 12 | zero)
}

fn any_pool() -> impl Strategy<Value = V4Pool> {
    let spacing = prop_oneof![Just(1_i32), Just(10), Just(60), 1_i32..3_000];
    let fees = (any_lp_fee(), any_protocol_fee());
    (fees, spacing, -6_i32..6, any::<u64>(), any_positions()).prop_map(
        |((lp_fee, protocol_fee), spacing, place, seed, positions)| {
            let low = sqrt_ratio_at_tick(place * spacing).unwrap();
            let high = sqrt_ratio_at_tick((place + 1) * spacing).unwrap();
            // Every fourth price stands exactly on a usable tick.
            let inside = if seed % 4 == 0 { 0 } else { seed };
            let price = low + (high - low) * U256::from(inside) / (U256::from(1) << 64);
            let pool = empty_pool(lp_fee, protocol_fee, spacing, price);
            positions
                .iter()
                .fold(pool, |pool, (lower, upper, liquidity)| {
                    let delta = i128::try_from(*liquidity).unwrap();
                    pool.with_liquidity_change(lower * spacing, upper * spacing, delta)
                        .unwrap()
                })
        },
    )
}

fn any_amount() -> impl Strategy<Value = U256> {
    (1_u32..=110, any::<u128>()).prop_map(|(bits, seed)| U256::from((seed >> (128 - bits)).max(1)))
}

/// The V3 pool with the whole fee of one direction; none for 100 %, which V3 refuses.
fn v3_of(pool: &V4Pool, way: bool) -> Option<V3Pool> {
    V3Pool::new(
        pool.swap_fee_ppm(way),
        pool.tick_spacing(),
        pool.sqrt_price_x96(),
        pool.tick(),
        pool.liquidity(),
        Arc::from(pool.ticks()),
    )
    .ok()
}

/// A state is right when the checks of the constructor accept it.
fn assert_consistent(pool: &V4Pool) {
    let again = V4Pool::new(
        pool.lp_fee_ppm(),
        pool.protocol_fee(),
        pool.tick_spacing(),
        pool.sqrt_price_x96(),
        pool.tick(),
        pool.liquidity(),
        Arc::from(pool.ticks()),
    );
    assert_eq!(again.as_ref(), Ok(pool));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_swap_is_that_of_a_v3_pool_with_the_whole_fee(pool in any_pool(), way in any::<bool>(), amount in any_amount()) {
        let Some(v3) = v3_of(&pool, way) else { return Ok(()) };
        let pairs = [
            (pool.quote_exact_in(way, amount, None), v3.quote_exact_in(way, amount, None)),
            (pool.quote_exact_out(way, amount, None), v3.quote_exact_out(way, amount, None)),
        ];
        for (quote, expected) in pairs {
            match (quote, expected) {
                (Ok(quote), Ok(expected)) => {
                    prop_assert_eq!(quote.amount_in, expected.amount_in);
                    prop_assert_eq!(quote.amount_out, expected.amount_out);
                    // V3 books what the price rounds away as fee.
                    prop_assert!(quote.fee_amount <= expected.fee_amount);
                    prop_assert_eq!(quote.next.sqrt_price_x96(), expected.next.sqrt_price_x96());
                    prop_assert_eq!(quote.next.tick(), expected.next.tick());
                    prop_assert_eq!(quote.next.liquidity(), expected.next.liquidity());
                }
                (quote, expected) => prop_assert_eq!(quote.map(|_| ()), expected.map(|_| ())),
            }
        }
    }

    #[test]
    fn the_pool_after_a_swap_is_a_pool_with_the_same_fees(pool in any_pool(), way in any::<bool>(), amount in any_amount()) {
        for quote in [pool.quote_exact_in(way, amount, None), pool.quote_exact_out(way, amount, None)] {
            let Ok(quote) = quote else { continue };
            assert_consistent(&quote.next);
            prop_assert!(quote.fee_amount <= quote.amount_in);
            let steps = u64::from(quote.steps - 1) * V4_GAS_PER_STEP;
            let crossings = u64::from(quote.ticks_crossed) * V4_GAS_PER_CROSSED_TICK;
            prop_assert_eq!(quote.gas, V4_GAS + steps + crossings);
        }
    }

    #[test]
    fn the_input_asked_for_an_output_buys_it(pool in any_pool(), way in any::<bool>(), amount in any_amount()) {
        if let Ok(quote) = pool.quote_exact_out(way, amount, None) {
            prop_assert_eq!(quote.amount_out, amount);
            let bought = pool.quote_exact_in(way, quote.amount_in, None).unwrap();
            prop_assert!(bought.amount_out >= amount);
        }
    }

    #[test]
    fn more_input_never_buys_less(pool in any_pool(), way in any::<bool>(), amount in any_amount(), more in any_amount()) {
        if let Ok(quote) = pool.quote_exact_in(way, amount, None) {
            let larger = pool.quote_exact_in(way, amount + more, None).unwrap();
            prop_assert!(larger.amount_out >= quote.amount_out);
            prop_assert!(larger.amount_in >= quote.amount_in);
        }
    }

    #[test]
    fn two_swaps_never_pay_more_than_one(pool in any_pool(), way in any::<bool>(), first in any_amount(), second in any_amount()) {
        let Ok(one) = pool.quote_exact_in(way, first, None) else { return Ok(()) };
        let Ok(whole) = pool.quote_exact_in(way, first + second, None) else { return Ok(()) };
        let rest = one.next.quote_exact_in(way, second, None);
        let paid = rest.map_or(U256::ZERO, |two| two.amount_out);
        prop_assert!(one.amount_out + paid <= whole.amount_out);
    }

    #[test]
    fn there_and_back_never_profits(pool in any_pool(), way in any::<bool>(), amount in any_amount()) {
        let Ok(there) = pool.quote_exact_in(way, amount, None) else { return Ok(()) };
        if there.amount_out.is_zero() { return Ok(()) }
        let Ok(back) = there.next.quote_exact_in(!way, there.amount_out, None) else { return Ok(()) };
        prop_assert!(back.amount_out <= there.amount_in);
    }

    #[test]
    fn the_whole_fee_is_the_protocols_and_then_the_providers(pool in any_pool(), way in any::<bool>()) {
        let part = if way { pool.protocol_fee() % 4096 } else { pool.protocol_fee() / 4096 };
        let (protocol, lp) = (u64::from(part), u64::from(pool.lp_fee_ppm()));
        let million = u64::from(PPM_ONE);
        let kept = (million - protocol) * (million - lp);
        let exact = (million * million - kept).div_ceil(million);
        prop_assert_eq!(u64::from(pool.swap_fee_ppm(way)), exact);
    }

    #[test]
    fn no_amount_and_no_limit_panics(
        pool in any_pool(), way in any::<bool>(), amount in any::<[u64; 4]>(), limit in any::<[u64; 3]>(), bits in 1_usize..=256,
    ) {
        let amount = U256::from_limbs(amount) >> (256 - bits);
        let [low, middle, high] = limit;
        let limit = Some(U256::from_limbs([low, middle, high, 0]) >> 32);
        for limit in [None, limit] {
            for quote in [pool.quote_exact_in(way, amount, limit), pool.quote_exact_out(way, amount, limit)] {
                let Ok(quote) = quote else { continue };
                prop_assert!(quote.amount_in.bit_len() <= 128 && quote.amount_out.bit_len() <= 127);
            }
        }
    }

    #[test]
    fn no_state_panics(
        lp_fee in any::<u32>(), protocol_fee in any::<u32>(), spacing in any::<i32>(), price in any::<[u64; 3]>(),
        tick in any::<i32>(), liquidity in any::<u128>(), ticks in prop::collection::vec((any::<i32>(), any::<u128>(), any::<i128>()), 0..4),
    ) {
        let [low, middle, high] = price;
        let price = U256::from_limbs([low, middle, high, 0]) >> 32;
        let ticks = ticks.into_iter().map(|(index, liquidity_gross, liquidity_net)| Tick { index, liquidity_gross, liquidity_net });
        let pool = V4Pool::new(lp_fee, protocol_fee, spacing, price, tick, liquidity, ticks.collect());
        prop_assert_eq!(pool.map(|_| ()).map_err(AmmError::code), Err("INVALID_POOL"));
    }
}

#[test]
fn the_widest_spacing_of_the_pool_manager_is_a_pool() {
    let price = U256::from(1) << 96;
    let pool = empty_pool(3_000, 0, 32_767, price);
    let end = 887_272 / 32_767 * 32_767;
    let pool = pool.with_liquidity_change(-end, end, 1_000_000).unwrap();
    for way in [true, false] {
        let dry = pool
            .quote_exact_in(way, U256::from(1) << 120, None)
            .unwrap();
        assert_eq!(dry.ticks_crossed, 1);
        assert_eq!(dry.next.liquidity(), 0);
        assert_consistent(&dry.next);
    }
    for spacing in [0, -1, 32_768] {
        let pool = V4Pool::new(3_000, 0, spacing, price, 0, 0, Arc::from([]));
        assert_eq!(
            pool.map(|_| ()).map_err(AmmError::code),
            Err("INVALID_POOL")
        );
    }
}

#[test]
fn a_fee_of_the_whole_input_delivers_nothing() {
    let pool = empty_pool(PPM_ONE, 0, 60, U256::from(1) << 96);
    let pool = pool.with_liquidity_change(-600, 600, 1 << 60).unwrap();
    for way in [true, false] {
        let paid = U256::from(1_000_000_u64);
        let quote = pool.quote_exact_in(way, paid, None).unwrap();
        assert_eq!((quote.amount_in, quote.amount_out), (paid, U256::ZERO));
        assert_eq!(quote.fee_amount, paid);
        let refused = pool.quote_exact_out(way, U256::ONE, None);
        assert_eq!(refused.map(|_| ()), Err(AmmError::InsufficientLiquidity));
    }
}
