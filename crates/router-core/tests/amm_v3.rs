//! Laws of the V3 pool. That its numbers are the contract's is shown against real contracts.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a failing test may panic; oracles work on numbers far from their limits"
)]

use std::sync::Arc;

use proptest::prelude::*;
use router_core::amm::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, AmmError, Quote, Tick, V3Pool, MAX_SQRT_RATIO,
    MIN_SQRT_RATIO, U256, V3_GAS, V3_GAS_PER_CROSSED_TICK, V3_GAS_PER_STEP,
};

/// A position as (lower, upper, liquidity), in multiples of the spacing.
type Position = (i32, i32, u128);

fn ratio(tick: i32) -> U256 {
    sqrt_ratio_at_tick(tick).unwrap()
}

fn empty_pool(fee_ppm: u32, spacing: i32, price: U256) -> V3Pool {
    let tick = tick_at_sqrt_ratio(price).unwrap();
    V3Pool::new(fee_ppm, spacing, price, tick, 0, Arc::from([])).unwrap()
}

fn pool_of(fee_ppm: u32, spacing: i32, price: U256, positions: &[Position]) -> V3Pool {
    let empty = empty_pool(fee_ppm, spacing, price);
    positions
        .iter()
        .fold(empty, |pool, (lower, upper, liquidity)| {
            let delta = i128::try_from(*liquidity).unwrap();
            pool.with_liquidity_change(lower * spacing, upper * spacing, delta)
                .unwrap()
        })
}

fn any_liquidity() -> impl Strategy<Value = u128> {
    (1_u32..100, any::<u128>()).prop_map(|(bits, seed)| (seed >> (128 - bits)).max(1))
}

/// Positions that overlap, touch and leave gaps, over a few bitmap words.
fn any_positions() -> impl Strategy<Value = Vec<Position>> {
    let place = prop_oneof![-6_i32..6, -300_i32..300];
    let width = prop_oneof![1_i32..4, 1_i32..600];
    let position =
        (place, width, any_liquidity()).prop_map(|(low, width, l)| (low, low + width, l));
    prop::collection::vec(position, 1..7)
}

fn any_pool() -> impl Strategy<Value = V3Pool> {
    let spacing = prop_oneof![Just(1_i32), Just(10), Just(60), Just(200)];
    let fee = prop_oneof![
        Just(100_u32),
        Just(500),
        Just(3_000),
        Just(10_000),
        0_u32..1_000_000
    ];
    (fee, spacing, -40_i32..40, any::<u64>(), any_positions()).prop_map(
        |(fee, spacing, place, seed, positions)| {
            let (low, high) = (ratio(place * spacing), ratio((place + 1) * spacing));
            // Every fourth price stands exactly on a usable tick.
            let inside = if seed % 4 == 0 {
                U256::ZERO
            } else {
                U256::from(seed)
            };
            let price = low + (high - low) * inside / (U256::from(1) << 64);
            pool_of(fee, spacing, price, &positions)
        },
    )
}

fn any_amount() -> impl Strategy<Value = U256> {
    (1_u32..=110, any::<u128>()).prop_map(|(bits, seed)| U256::from((seed >> (128 - bits)).max(1)))
}

/// A state is right when the checks of the constructor accept it.
fn assert_consistent(pool: &V3Pool) {
    let again = V3Pool::new(
        pool.fee_ppm(),
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
    fn the_pool_after_a_swap_is_a_pool(pool in any_pool(), way in any::<bool>(), amount in any_amount()) {
        for quote in [pool.quote_exact_in(way, amount, None), pool.quote_exact_out(way, amount, None)] {
            let Ok(quote) = quote else { continue };
            assert_consistent(&quote.next);
            let (before, after) = (pool.sqrt_price_x96(), quote.next.sqrt_price_x96());
            let ahead = if way { after <= before } else { after >= before };
            prop_assert!(ahead, "the price moves with the swap");
            prop_assert!(quote.fee_amount <= quote.amount_in);
        }
    }

    #[test]
    fn the_input_asked_for_an_output_buys_it(pool in any_pool(), way in any::<bool>(), amount in any_amount()) {
        if let Ok(quote) = pool.quote_exact_out(way, amount, None) {
            prop_assert_eq!(quote.amount_out, amount);
            let bought = pool.quote_exact_in(way, quote.amount_in, None).unwrap();
            prop_assert!(bought.amount_out >= amount);
            prop_assert_eq!(bought.amount_in, quote.amount_in);
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
    fn two_swaps_never_pay_more_than_one(
        pool in any_pool(), way in any::<bool>(), first in any_amount(), second in any_amount(),
    ) {
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
    fn a_price_limit_is_never_passed(
        pool in any_pool(), way in any::<bool>(), amount in any_amount(), reach in 1_i32..2_000,
    ) {
        let limit = ratio(if way { pool.tick() - reach } else { pool.tick() + 1 + reach });
        let Ok(free) = pool.quote_exact_in(way, amount, None) else { return Ok(()) };
        let Ok(bound) = pool.quote_exact_in(way, amount, Some(limit)) else { return Ok(()) };
        let (end, free_end) = (bound.next.sqrt_price_x96(), free.next.sqrt_price_x96());
        let expected = if way { free_end.max(limit) } else { free_end.min(limit) };
        prop_assert_eq!(end, expected);
        prop_assert!(bound.amount_in == amount || end == limit || free.amount_in < amount);
        assert_consistent(&bound.next);
    }

    #[test]
    fn minting_and_burning_the_same_restores_the_pool(
        pool in any_pool(), low in -500_i32..500, width in 1_i32..500, liquidity in any_liquidity(),
    ) {
        let (lower, upper) = (low * pool.tick_spacing(), (low + width) * pool.tick_spacing());
        let delta = i128::try_from(liquidity).unwrap();
        let minted = pool.with_liquidity_change(lower, upper, delta).unwrap();
        prop_assert_ne!(&minted, &pool);
        prop_assert_eq!(minted.with_liquidity_change(lower, upper, -delta).unwrap(), pool);
    }

    #[test]
    fn the_order_of_mints_does_not_matter(mut positions in any_positions(), place in -40_i32..40) {
        let one = pool_of(3_000, 60, ratio(place * 60), &positions);
        positions.reverse();
        prop_assert_eq!(one, pool_of(3_000, 60, ratio(place * 60), &positions));
    }

    #[test]
    fn a_swap_event_leads_where_the_quote_leads(pool in any_pool(), way in any::<bool>(), amount in any_amount()) {
        if let Ok(quote) = pool.quote_exact_in(way, amount, None) {
            let next = &quote.next;
            let told = pool.with_swap(next.sqrt_price_x96(), next.liquidity(), next.tick());
            prop_assert_eq!(told.as_ref(), Ok(next));
            prop_assert!(pool.with_swap(next.sqrt_price_x96(), next.liquidity() + 1, next.tick()).is_err());
        }
    }

    #[test]
    fn gas_is_never_below_the_least_and_grows_with_steps_and_crossings(
        pool in any_pool(), way in any::<bool>(), amount in any_amount(), more in any_amount(),
    ) {
        let Ok(quote) = pool.quote_exact_in(way, amount, None) else { return Ok(()) };
        prop_assert!(quote.steps >= 1.max(quote.ticks_crossed));
        let steps = u64::from(quote.steps - 1) * V3_GAS_PER_STEP;
        let crossings = u64::from(quote.ticks_crossed) * V3_GAS_PER_CROSSED_TICK;
        prop_assert_eq!(quote.gas, V3_GAS + steps + crossings);
        let larger = pool.quote_exact_in(way, amount + more, None).unwrap();
        prop_assert!(larger.steps >= quote.steps && larger.gas >= quote.gas);
    }

    #[test]
    fn no_amount_and_no_limit_panics(
        pool in any_pool(), way in any::<bool>(), amount in any::<[u64; 4]>(), limit in any::<[u64; 3]>(), bits in 1_usize..=256,
    ) {
        let amount = U256::from_limbs(amount) >> (256 - bits);
        let [low, middle, high] = limit;
        let limit = Some(U256::from_limbs([low, middle, high, 0]) >> 32);
        for limit in [None, limit] {
            let sold = pool.quote_exact_in(way, amount, limit);
            let bought = pool.quote_exact_out(way, amount, limit);
            prop_assert!(bits < 256 || amount.bit_len() < 256 || (sold.is_err() && bought.is_err()));
        }
    }
}

const GAP_LIQUIDITY: u128 = 1_000_000_000_000;

/// Liquidity around the price and again far away on both sides, nothing between.
fn pool_with_gaps(spacing: i32) -> V3Pool {
    let far = 5_000;
    let positions = [
        (-1, 1, GAP_LIQUIDITY),
        (far, far + 1, GAP_LIQUIDITY),
        (-far - 1, -far, GAP_LIQUIDITY),
    ];
    pool_of(3_000, spacing, ratio(0), &positions)
}

#[test]
fn a_limit_inside_a_gap_ends_on_the_tick_where_the_walk_over_the_words_ends() {
    for spacing in [1, 10, 60] {
        let pool = pool_with_gaps(spacing);
        let words = (1..19).flat_map(|word| [word * 256, word * 256 - 1, word * 256 + 255]);
        for place in words.chain((2..4_990).step_by(41)) {
            for tick in [place * spacing, place * spacing + spacing / 2] {
                let rise = pool
                    .quote_exact_in(false, U256::from(1) << 100, Some(ratio(tick)))
                    .unwrap();
                assert_eq!(rise.next.tick(), tick, "up, spacing {spacing}");
                let fall = pool
                    .quote_exact_in(true, U256::from(1) << 100, Some(ratio(-tick)))
                    .unwrap();
                // The walk down stops at the first tick of a word and stands one below it then.
                let first_of_word = tick % (spacing * 256) == 0;
                assert_eq!(fall.next.tick(), -tick - i32::from(first_of_word), "down");
                assert_eq!(fall.next.sqrt_price_x96(), ratio(-tick));
                assert_eq!((rise.next.liquidity(), fall.next.liquidity()), (0, 0));
            }
        }
    }
}

#[test]
fn a_gap_costs_nothing_and_hides_nothing() {
    for way in [true, false] {
        let pool = pool_with_gaps(60);
        let all = U256::from(1) << 120;
        let whole = pool.quote_exact_in(way, all, None).unwrap();
        let edge = ratio(if way { -60 } else { 60 });
        let near = pool.quote_exact_in(way, all, Some(edge)).unwrap();
        let far = near.next.quote_exact_in(way, all, None).unwrap();
        assert_eq!(whole.amount_in, near.amount_in + far.amount_in);
        assert_eq!(whole.amount_out, near.amount_out + far.amount_out);
        assert_eq!(whole.ticks_crossed, 3);
        assert_eq!(whole.next, far.next);
        let end = whole.next.sqrt_price_x96();
        let limit = if way {
            MIN_SQRT_RATIO + U256::ONE
        } else {
            MAX_SQRT_RATIO - U256::ONE
        };
        assert_eq!(
            end, limit,
            "a swap that runs dry ends at the end of the price range"
        );
    }
}

/// What is left of the steps that did not cross a tick, when the swap ended between two stops.
fn edges_passed(quote: &Quote<V3Pool>) -> u32 {
    quote.steps - quote.ticks_crossed - 1
}

#[test]
fn every_word_on_the_way_is_a_step_also_without_liquidity() {
    for (spacing, words) in [(1, 19), (10, 7), (60, 1), (200, 0)] {
        // A unit of liquidity everywhere makes the core walk where a gap makes it leap.
        let ends = 887_272 / spacing;
        let gap = pool_of(3_000, spacing, ratio(0), &[(-1, 1, GAP_LIQUIDITY)]);
        let thin = gap
            .with_liquidity_change(-ends * spacing, ends * spacing, 1)
            .unwrap();
        for place in [words * 256 + 3, words * 256 + 200] {
            let limit = place * spacing + spacing / 2;
            for (way, tick) in [(false, limit), (true, -limit)] {
                let all = U256::from(1) << 100;
                let leapt = gap.quote_exact_in(way, all, Some(ratio(tick))).unwrap();
                let walked = thin.quote_exact_in(way, all, Some(ratio(tick))).unwrap();
                assert_eq!((leapt.ticks_crossed, walked.ticks_crossed), (1, 1));
                assert_eq!(leapt.steps, walked.steps, "{tick}, spacing {spacing}");
                // The price stands on the first tick of a word, which a walk down passes at once.
                let passed = u32::try_from(words + i32::from(way)).unwrap();
                assert_eq!(edges_passed(&leapt), passed, "{tick}, spacing {spacing}");
            }
        }
    }
}

#[test]
fn a_pool_that_runs_dry_takes_less_and_refuses_exact_outputs() {
    let pool = pool_of(3_000, 60, ratio(0), &[(-1, 1, 1_000_000)]);
    let all = U256::from(1) << 100;
    let sold = pool.quote_exact_in(true, all, None).unwrap();
    assert!(sold.amount_in < all);
    let refused = pool.quote_exact_out(true, sold.amount_out + U256::ONE, None);
    assert_eq!(refused.unwrap_err(), AmmError::InsufficientLiquidity);
    let limit = Some(MIN_SQRT_RATIO + U256::ONE);
    let partly = pool.quote_exact_out(true, all, limit).unwrap();
    assert_eq!(partly.amount_out, sold.amount_out);
    assert_eq!(
        sold.next.quote_exact_in(true, all, None).unwrap_err(),
        AmmError::EmptyPool
    );
    assert_eq!(
        sold.next.quote_exact_out(true, all, None).unwrap_err(),
        AmmError::EmptyPool
    );
}

#[test]
fn amounts_are_bounded_as_int256() {
    let pool = pool_of(3_000, 60, ratio(0), &[(-10, 10, 1_000_000)]);
    let largest = (U256::from(1) << 255) - U256::ONE;
    assert!(pool.quote_exact_in(true, largest, None).is_ok());
    for amount in [U256::ZERO, largest + U256::ONE, U256::MAX] {
        assert_eq!(
            pool.quote_exact_in(true, amount, None).unwrap_err(),
            AmmError::AmountRange
        );
        assert_eq!(
            pool.quote_exact_out(true, amount, None).unwrap_err(),
            AmmError::AmountRange
        );
    }
}

#[test]
fn a_limit_behind_the_price_or_out_of_range_is_refused() {
    let pool = pool_of(3_000, 60, ratio(0), &[(-10, 10, 1_000_000)]);
    let one = U256::ONE;
    let cases = [
        (true, ratio(0)),
        (true, ratio(1)),
        (true, MIN_SQRT_RATIO),
        (true, U256::ZERO),
        (false, ratio(0)),
        (false, ratio(-1)),
        (false, MAX_SQRT_RATIO),
        (false, U256::MAX),
    ];
    for (way, limit) in cases {
        let refused = pool.quote_exact_in(way, one, Some(limit)).unwrap_err();
        assert_eq!(refused.code(), "INVALID_REQUEST");
    }
}

#[test]
fn a_huge_input_is_priced_by_the_formula_of_the_contract_for_huge_inputs() {
    // Where amount * price leaves 256 bits the contract divides twice and rounds differently.
    let (spacing, ends, liquidity) = (16_383, 54, 1_u128 << 126);
    let price = ratio(884_000);
    let pool = pool_of(0, spacing, price, &[(-ends, ends, liquidity)]);
    let amount: U256 = U256::from(1) << 100;
    let scaled: U256 = U256::from(liquidity) << 96;
    assert_eq!(amount.checked_mul(price), None);
    let expected = scaled.div_ceil(scaled / price + amount);
    let quote = pool.quote_exact_in(true, amount, None).unwrap();
    assert_eq!(quote.next.sqrt_price_x96(), expected);
    assert_eq!(quote.amount_in, amount);
}

fn tick(index: i32, liquidity_gross: u128, liquidity_net: i128) -> Tick {
    Tick {
        index,
        liquidity_gross,
        liquidity_net,
    }
}

#[test]
fn states_that_no_contract_can_be_in_are_refused() {
    let ends = [tick(-60, 5, 5), tick(60, 5, -5)];
    let state = |spacing, price, at, liquidity, ticks: &[Tick]| {
        V3Pool::new(3_000, spacing, price, at, liquidity, Arc::from(ticks))
    };
    assert!(state(60, ratio(0), 0, 5, &ends).is_ok());
    assert!(
        state(60, ratio(0), -1, 5, &ends).is_ok(),
        "after a swap down that stopped on tick 0"
    );
    let wrong = [
        state(60, ratio(1), -1, 5, &ends),
        state(60, ratio(0), 1, 5, &ends),
        state(60, U256::ZERO, 0, 5, &ends),
        state(60, MAX_SQRT_RATIO, 887_272, 0, &[]),
        state(60, ratio(0), 0, 4, &ends),
        state(60, ratio(0), 0, 0, &[tick(60, 5, -5), tick(-60, 5, 5)]),
        state(
            60,
            ratio(0),
            0,
            5,
            &[tick(-60, 5, 5), tick(60, 5, -5), tick(60, 5, 0)],
        ),
        state(60, ratio(0), 0, 5, &[tick(-60, 5, 5), tick(61, 5, -5)]),
        state(60, ratio(0), 0, 5, &[tick(-60, 5, 5)]),
        state(60, ratio(0), 0, 5, &[tick(-60, 4, 5), tick(60, 5, -5)]),
        state(60, ratio(0), 0, 0, &[tick(0, 0, 0)]),
        state(60, ratio(0), 0, 0, &[tick(-60, 5, -5), tick(60, 5, 5)]),
        state(
            60,
            ratio(0),
            0,
            0,
            &[tick(887_280, 5, 5), tick(887_340, 5, -5)],
        ),
        state(0, ratio(0), 0, 0, &[]),
        state(-60, ratio(0), 0, 0, &[]),
        state(16_384, ratio(0), 0, 0, &[]),
        V3Pool::new(1_000_000, 60, ratio(0), 0, 0, Arc::from([])),
    ];
    for (place, refused) in wrong.into_iter().enumerate() {
        assert_eq!(refused.unwrap_err().code(), "INVALID_POOL", "case {place}");
    }
}

#[test]
fn liquidity_changes_that_do_not_fit_are_refused() {
    let pool = pool_of(3_000, 60, ratio(0), &[(-1, 1, 5)]);
    let change = |lower, upper, delta| pool.with_liquidity_change(lower, upper, delta);
    assert_eq!(change(60, 60, 1).unwrap_err().code(), "INVALID_REQUEST");
    assert_eq!(change(60, -60, 1).unwrap_err().code(), "INVALID_REQUEST");
    for refused in [
        change(-60, 60, -6),
        change(-120, 60, -1),
        change(-61, 60, 1),
        change(-60, 887_280, 1),
        change(-60, 60, i128::MIN),
        change(i32::MIN, i32::MAX, 1),
    ] {
        assert_eq!(refused.unwrap_err().code(), "INVALID_POOL");
    }
    assert_eq!(change(-600, 600, 0).unwrap(), pool);
    assert_eq!(
        change(-60, 60, -5).unwrap(),
        empty_pool(3_000, 60, ratio(0))
    );
}

#[test]
fn liquidity_in_range_follows_the_tick_not_the_price() {
    let pool = pool_of(3_000, 60, ratio(0), &[(-1, 1, 1_000_000)]);
    let fallen = pool
        .quote_exact_in(true, U256::from(1) << 80, Some(ratio(-60)))
        .unwrap()
        .next;
    assert_eq!((fallen.tick(), fallen.sqrt_price_x96()), (-61, ratio(-60)));
    let above = fallen.with_liquidity_change(-60, 60, 7).unwrap();
    assert_eq!(above.liquidity(), 0);
    let below = fallen.with_liquidity_change(-120, -60, 7).unwrap();
    assert_eq!(below.liquidity(), 7);
    let again = above.quote_exact_in(false, U256::from(10), None).unwrap();
    assert_eq!(
        again.ticks_crossed, 1,
        "the tick it stands on is crossed on the way up"
    );
}
