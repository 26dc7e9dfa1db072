//! Laws of the solver on random small markets: no panic, bounds hold, single paths never win.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; amounts under test are built within range"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use router_core::amm::{Tick, V2Pool, V3Pool, U256};
use router_core::solver::{LadderSpec, Market, MarketBuilder, Plan, SolveError, SolveRequest};

const TOKENS: u32 = 4;

#[derive(Clone, Debug)]
enum Venue {
    V2(V2Pool),
    V3(V3Pool),
    Book(LadderSpec),
}

#[derive(Clone, Debug)]
struct Listed {
    token0: u32,
    token1: u32,
    venue: Venue,
}

/// Pools of any depth at any price: most of these markets are full of arbitrage.
fn any_venue() -> impl Strategy<Value = Venue> {
    let v2 = (1_u32..=100, 1_u32..=100, any::<u128>(), 0_u32..20_000).prop_map(
        |(bits0, bits1, seed, fee_ppm)| {
            let reserve = |bits: u32| (seed >> (128 - bits)).max(1);
            Venue::V2(V2Pool::new(reserve(bits0), reserve(bits1), fee_ppm).unwrap())
        },
    );
    let ranges = prop::collection::vec((-300_i32..299, 1_i32..300, 1_u32..90), 1..5);
    let v3 = (ranges, prop::sample::select(vec![1_i32, 10, 60, 200])).prop_map(v3_pool);
    let levels = prop::collection::vec((1_u64..50, 1_u64..1_000_000), 0..6);
    let book = (levels.clone(), levels, 1_u64..10_u64.pow(12), 0_u32..5_000).prop_map(book);
    prop_oneof![3 => v2, 3 => v3, 2 => book]
}

fn v3_pool((ranges, spacing): (Vec<(i32, i32, u32)>, i32)) -> Venue {
    let mut cells = BTreeMap::<i32, (u128, i128)>::new();
    let mut active = 0_u128;
    for (lower, width, bits) in ranges {
        let (lower, upper) = (lower * spacing, (lower + width).min(300) * spacing);
        let liquidity = 1_u128 << bits;
        for (index, change) in [(lower, liquidity as i128), (upper, -(liquidity as i128))] {
            let cell = cells.entry(index).or_default();
            cell.0 += liquidity;
            cell.1 += change;
        }
        if lower <= 0 && 0 < upper {
            active += liquidity;
        }
    }
    let ticks: Vec<Tick> = cells
        .into_iter()
        .map(|(index, (liquidity_gross, liquidity_net))| Tick {
            index,
            liquidity_gross,
            liquidity_net,
        })
        .collect();
    let price = U256::ONE << 96;
    Venue::V3(V3Pool::new(3_000, spacing, price, 0, active, Arc::from(ticks)).unwrap())
}

type Levels = Vec<(u64, u64)>;

fn book((bids, asks, lot, fee): (Levels, Levels, u64, u32)) -> Venue {
    let mut price = 1_000_000_u64;
    let bids = bids
        .into_iter()
        .map(|(gap, lots)| {
            price -= gap;
            (price, lots)
        })
        .collect();
    price = 1_000_000;
    let asks = asks
        .into_iter()
        .map(|(gap, lots)| {
            price += gap;
            (price, lots)
        })
        .collect();
    Venue::Book(LadderSpec {
        lot_units: U256::from(lot),
        tick_units: U256::from(1 + lot / 1_000_000),
        tick_divisor: U256::ONE,
        taker_fee_ppm: fee,
        bids,
        asks,
    })
}

fn any_market() -> impl Strategy<Value = Vec<Listed>> {
    let listed = (0..TOKENS, 1..TOKENS, any_venue()).prop_map(|(token0, step, venue)| Listed {
        token0,
        token1: (token0 + step) % TOKENS,
        venue,
    });
    prop::collection::vec(listed, 1..7)
}

fn any_amount() -> impl Strategy<Value = U256> {
    (0_usize..=256, any::<[u64; 4]>()).prop_map(|(bits, limbs)| {
        if bits == 0 {
            U256::ZERO
        } else {
            U256::from_limbs(limbs) >> (256 - bits)
        }
    })
}

fn market_of(listed: &[Listed]) -> Market {
    let mut builder = MarketBuilder::new(TOKENS).unwrap();
    for Listed {
        token0,
        token1,
        venue,
    } in listed
    {
        match venue {
            Venue::V2(pool) => builder.add_v2(*token0, *token1, *pool),
            Venue::V3(pool) => builder.add_v3(*token0, *token1, pool.clone()),
            Venue::Book(spec) => builder.add_ladder(*token0, *token1, spec),
        }
        .unwrap();
    }
    builder.build()
}

fn request(amount: U256) -> SolveRequest {
    SolveRequest {
        token_in: 0,
        token_out: 1,
        amount,
        exact_out: false,
        limit: None,
        max_hops: 3,
        max_legs: 32,
        gas_price_wei: U256::ZERO,
        native_token: None,
        base_gas: 0,
    }
}

/// Asserts what every plan must satisfy from its own figures.
fn check_shape(plan: &Plan, listed: &[Listed], asked: &SolveRequest) {
    let mut balances = [U256::ZERO; TOKENS as usize];
    balances[0] = plan.amount_in + plan.unspent_in;
    let mut venues: Vec<u32> = plan.legs.iter().map(|leg| leg.venue).collect();
    for leg in &plan.legs {
        let venue = &listed[leg.venue as usize];
        let (from, to) = (leg.token_in, leg.token_out);
        assert!(
            (venue.token0, venue.token1) == (from, to)
                || (venue.token1, venue.token0) == (from, to)
        );
        balances[from as usize] = balances[from as usize].checked_sub(leg.amount_in).unwrap();
        balances[to as usize] += leg.amount_out;
        assert!(!leg.amount_out.is_zero());
        assert!(from != asked.token_out && to != asked.token_in);
    }
    venues.sort_unstable();
    venues.dedup();
    assert_eq!(venues.len(), plan.legs.len(), "a venue is used twice");
    assert_eq!(balances[1], plan.amount_out);
    assert_eq!(balances[0], plan.unspent_in);
    for (token, units) in &plan.dust {
        assert_eq!(balances[*token as usize], *units);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn selling_any_amount_in_any_market_is_refused_or_bounded(
        listed in any_market(),
        amount in any_amount(),
    ) {
        let market = market_of(&listed);
        let asked = request(amount);
        match market.solve(&asked) {
            Ok(plan) => {
                check_shape(&plan, &listed, &asked);
                prop_assert!(plan.amount_out <= plan.bound);
                prop_assert!(plan.amount_out >= plan.best_single);
                prop_assert_eq!(plan.amount_in + plan.unspent_in, amount);
                prop_assert_eq!(market.solve(&asked).unwrap(), plan);
            }
            Err(error) => prop_assert!(amount.is_zero() == matches!(error, SolveError::InvalidRequest(_))),
        }
    }

    #[test]
    fn buying_any_amount_in_any_market_is_refused_or_delivered(
        listed in any_market(),
        amount in any_amount(),
    ) {
        let asked = SolveRequest { exact_out: true, ..request(amount) };
        if let Ok(plan) = market_of(&listed).solve(&asked) {
            check_shape(&plan, &listed, &asked);
            prop_assert!(plan.amount_out >= amount);
            prop_assert!(plan.amount_in >= plan.bound);
            prop_assert!(plan.best_single.is_zero() || plan.amount_in <= plan.best_single);
            prop_assert!(plan.unspent_in.is_zero());
        }
    }

    #[test]
    fn gas_of_any_price_keeps_the_net_amount_below_its_bound(
        listed in any_market(),
        amount in any_amount(),
        gas_price_bits in 0_usize..80,
        max_legs in 1_u32..6,
        exact_out: bool,
    ) {
        let asked = SolveRequest {
            exact_out,
            limit: None,
            max_legs,
            gas_price_wei: U256::ONE << gas_price_bits,
            native_token: Some(if exact_out { 0 } else { 1 }),
            base_gas: 21_000,
            ..request(amount)
        };
        if let Ok(plan) = market_of(&listed).solve(&asked) {
            check_shape(&plan, &listed, &asked);
            prop_assert!(plan.legs.len() <= max_legs as usize);
            prop_assert_eq!(plan.gas_cost, asked.gas_price_wei * U256::from(plan.gas));
            if exact_out {
                prop_assert!(plan.amount_in + plan.gas_cost >= plan.bound_net);
            } else {
                prop_assert!(plan.amount_out <= plan.bound_net.saturating_add(plan.gas_cost));
            }
        }
    }

    #[test]
    fn more_to_sell_never_bounds_lower(listed in any_market(), bits in 1_usize..100) {
        let market = market_of(&listed);
        let (less, more) = (U256::ONE << bits, U256::ONE << (bits + 1));
        if let (Ok(small), Ok(large)) = (market.solve(&request(less)), market.solve(&request(more))) {
            prop_assert!(small.amount_out <= large.bound);
            // Concave outputs: twice the input never gives more than twice the bound.
            prop_assert!(large.amount_out <= small.bound * U256::from(2) + U256::from(2));
        }
    }
}

#[test]
fn a_market_refuses_what_no_venue_can_be() {
    let pool = V2Pool::new(1, 1, 0).unwrap();
    let mut builder = MarketBuilder::new(2).unwrap();
    for (token0, token1) in [(0, 0), (0, 2), (2, 0)] {
        let refused = builder.add_v2(token0, token1, pool).unwrap_err();
        assert_eq!(refused.code(), "INVALID_REQUEST");
    }
    assert!(MarketBuilder::new(u32::MAX).is_err());
    assert_eq!(builder.build().venue_count(), 0);
}

#[test]
fn a_wide_market_is_solved_by_conjugate_gradients_as_tightly() {
    let count = 120;
    let mut builder = MarketBuilder::new(count).unwrap();
    for token in 2..count {
        let depth = 10_u128.pow(24) + u128::from(token) * 10_u128.pow(21);
        for (from, to) in [(0, token), (token, 1)] {
            let pool = V2Pool::new(depth, depth + u128::from(token), 500).unwrap();
            builder.add_v2(from, to, pool).unwrap();
        }
    }
    let asked = SolveRequest {
        max_legs: 500,
        ..request(U256::from(10).pow(U256::from(25)))
    };
    let plan = builder.build().solve(&asked).unwrap();
    assert_eq!(plan.legs.len(), 236);
    assert!(plan.amount_out <= plan.bound);
    assert!(plan.gap_bps < 1e-4, "{}", plan.gap_bps);
}
