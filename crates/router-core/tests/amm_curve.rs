//! Laws of the Curve pools.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; oracles work on numbers far from their limits"
)]

use proptest::prelude::*;
use router_core::amm::{
    AmmError, CryptoParams, CryptoPool, CryptoVersion, CurveEra, MultiPool, StableSwapPool,
    StableSwapTerms, UnderlyingPool, U256,
};

fn ten(power: u32) -> U256 {
    U256::from(10).pow(U256::from(power))
}

fn eras() -> impl Strategy<Value = CurveEra> {
    prop_oneof![
        Just(CurveEra::Original),
        Just(CurveEra::Classic),
        Just(CurveEra::Ng),
        Just(CurveEra::Plain),
    ]
}

/// Terms of a pool of coins with these decimals; a rate is up to twice a plain one.
fn terms(decimals: &[u32], amp: u64, fee: u64, era: CurveEra, worth: u64) -> StableSwapTerms {
    let amp_precision = if era == CurveEra::Original { 1 } else { 100 };
    StableSwapTerms {
        rates: decimals
            .iter()
            .map(|decimals| ten(36 - decimals) / U256::from(1_000) * U256::from(worth))
            .collect(),
        amp: U256::from(amp) * U256::from(amp_precision),
        amp_precision,
        fee: U256::from(fee),
        admin_fee: U256::from(5_000_000_000_u64),
        offpeg_fee_multiplier: U256::ZERO,
        era,
    }
}

/// Whole coins of one or another size, in base units.
fn held(decimals: u32) -> impl Strategy<Value = U256> {
    (1_000_u64..1_000_000_000).prop_map(move |whole| U256::from(whole) * ten(decimals))
}

/// A pool of two or three coins that are worth about the same and not far out of balance.
fn likely_pool() -> impl Strategy<Value = StableSwapPool> {
    let coins = prop_oneof![
        Just(vec![18_u32, 6]),
        Just(vec![18, 6, 6]),
        Just(vec![8, 18])
    ];
    (
        coins,
        eras(),
        10_u64..3_000,
        0_u64..40_000_000,
        1_000_u64..1_300,
    )
        .prop_flat_map(|(decimals, era, amp, fee, worth)| {
            let balances: Vec<_> = decimals.iter().map(|decimals| held(*decimals)).collect();
            (balances, Just(terms(&decimals, amp, fee, era, worth)))
        })
        .prop_map(|(balances, terms)| StableSwapPool::new(balances, terms).unwrap())
}

/// A part of what a pool holds of the coin paid in, with a coin to be paid in and one to be paid.
fn amount_of(pool: &StableSwapPool, way: bool, millionths: u64) -> (usize, usize, U256) {
    let (coin_in, coin_out) = if way { (0, 1) } else { (1, 0) };
    let amount = pool.balances()[coin_in] / U256::from(1_000_000) * U256::from(millionths);
    (coin_in, coin_out, amount.max(U256::ONE))
}

/// How much an output may waver by the contract's rounding: a few units of 18 decimals, turned into
/// base units.
fn waver(pool: &StableSwapPool, coin: usize) -> U256 {
    U256::from(4) * ten(18) / pool.terms().rates[coin] + U256::from(2)
}

/// How much less an input is by the same.
fn waver_in(pool: &StableSwapPool, coin_in: usize) -> U256 {
    U256::from(64) * ten(18) / pool.terms().rates[coin_in] + U256::from(2)
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn more_in_gives_no_less_out(
        pool in likely_pool(), way in any::<bool>(), millionths in 1_u64..900_000, more in 1_u64..100_000,
    ) {
        let (coin_in, coin_out, amount) = amount_of(&pool, way, millionths);
        let larger = amount + amount_of(&pool, way, more).2;
        let quote = pool.quote_exact_in(coin_in, coin_out, amount).unwrap();
        let more = pool.quote_exact_in(coin_in, coin_out, larger).unwrap();
        prop_assert!(more.amount_out + waver(&pool, coin_out) >= quote.amount_out);
    }

    #[test]
    fn exact_out_delivers_and_a_unit_less_does_not(
        pool in likely_pool(), way in any::<bool>(), millionths in 1_u64..900_000,
    ) {
        let (coin_out, coin_in, amount) = amount_of(&pool, way, millionths);
        let quote = pool.quote_exact_out(coin_in, coin_out, amount).unwrap();
        prop_assert!(quote.amount_out >= amount);
        let replay = pool.quote_exact_in(coin_in, coin_out, quote.amount_in).unwrap();
        prop_assert_eq!(&replay, &quote);
        let less = quote.amount_in - U256::ONE;
        if let Ok(less) = pool.quote_exact_in(coin_in, coin_out, less) {
            prop_assert!(less.amount_out < amount);
        }
    }

    #[test]
    fn buying_back_what_was_sold_costs_no_more(
        pool in likely_pool(), way in any::<bool>(), millionths in 1_u64..900_000,
    ) {
        let (coin_in, coin_out, amount) = amount_of(&pool, way, millionths);
        let sold = pool.quote_exact_in(coin_in, coin_out, amount).unwrap();
        prop_assume!(!sold.amount_out.is_zero());
        let bought = pool.quote_exact_out(coin_in, coin_out, sold.amount_out).unwrap();
        prop_assert!(bought.amount_in <= amount + waver_in(&pool, coin_in));
    }

    #[test]
    fn a_swap_never_lowers_the_invariant(
        pool in likely_pool(), way in any::<bool>(), millionths in 1_u64..900_000,
    ) {
        let (coin_in, coin_out, amount) = amount_of(&pool, way, millionths);
        let quote = pool.quote_exact_in(coin_in, coin_out, amount).unwrap();
        let after = quote.next.invariant().unwrap();
        // The first contracts write balances back rounded down: a base unit's worth each.
        let lost = pool.terms().rates.iter().map(|rate| rate / ten(18)).sum::<U256>();
        let allowed = if pool.terms().era == CurveEra::Original { lost } else { U256::ZERO };
        prop_assert!(after + allowed + U256::from(4) >= pool.invariant().unwrap());
    }

    #[test]
    fn splitting_a_swap_in_two_gains_nothing(
        pool in likely_pool(), way in any::<bool>(), first in 1_u64..400_000, second in 1_u64..400_000,
    ) {
        let (coin_in, coin_out, first) = amount_of(&pool, way, first);
        let second = amount_of(&pool, way, second).2;
        let whole = pool.quote_exact_in(coin_in, coin_out, first + second).unwrap();
        let one = pool.quote_exact_in(coin_in, coin_out, first).unwrap();
        let two = one.next.quote_exact_in(coin_in, coin_out, second).unwrap();
        // What the first half leaves of its fee makes the second a little better: never by more
        // than that fee, and without a fee by rounding only.
        let fee = pool.terms().fee;
        let kept = one.amount_out * fee / U256::from(10_000_000_000_u64);
        let kept = kept * U256::from(2) + waver(&pool, coin_out) * U256::from(2);
        prop_assert!(one.amount_out + two.amount_out <= whole.amount_out + kept);
    }

    #[test]
    fn going_there_and_back_gains_nothing(
        pool in likely_pool(), way in any::<bool>(), millionths in 1_u64..900_000,
    ) {
        let (coin_in, coin_out, amount) = amount_of(&pool, way, millionths);
        let there = pool.quote_exact_in(coin_in, coin_out, amount).unwrap();
        if there.amount_out.is_zero() {
            return Ok(());
        }
        if let Ok(back) = there.next.quote_exact_in(coin_out, coin_in, there.amount_out) {
            prop_assert!(back.amount_out <= amount + waver_in(&pool, coin_in));
        }
    }

    #[test]
    fn the_fee_is_a_part_of_the_input(
        pool in likely_pool(), way in any::<bool>(), millionths in 1_u64..900_000,
    ) {
        let (coin_in, coin_out, amount) = amount_of(&pool, way, millionths);
        let quote = pool.quote_exact_in(coin_in, coin_out, amount).unwrap();
        let most = amount * pool.terms().fee / U256::from(10_000_000_000_u64) + U256::ONE;
        prop_assert!(quote.fee_amount <= most);
    }
}

/// Numbers of every length up to 2^256, with nothing, one unit and 10^30 among them.
fn any_units() -> impl Strategy<Value = U256> {
    prop_oneof![
        Just(U256::ZERO),
        Just(U256::ONE),
        Just(ten(30)),
        (0_usize..256, any::<[u64; 4]>()).prop_map(|(bits, limbs)| U256::from_limbs(limbs) >> bits),
        (1_u64..1_000_000, 0_u32..30).prop_map(|(digits, zeros)| U256::from(digits) * ten(zeros)),
    ]
}

fn any_terms(count: usize) -> impl Strategy<Value = StableSwapTerms> {
    let rates = prop::collection::vec(
        prop_oneof![Just(ten(18)), Just(ten(30)), any_units()],
        count,
    );
    let fee = prop_oneof![Just(0_u64), Just(4_000_000), 0_u64..5_000_000_000];
    let multiplier = prop_oneof![Just(0_u64), Just(20_000_000_000), any::<u64>()];
    let precision = prop_oneof![Just(1_u32), Just(100)];
    (rates, 1_u64..2_000_000, fee, multiplier, eras(), precision).prop_map(
        |(rates, amp, fee, multiplier, era, amp_precision)| StableSwapTerms {
            rates,
            amp: U256::from(amp) * U256::from(amp_precision),
            amp_precision,
            fee: U256::from(fee),
            admin_fee: U256::from(fee) * U256::from(2),
            offpeg_fee_multiplier: U256::from(multiplier),
            era,
        },
    )
}

fn any_stable() -> impl Strategy<Value = Result<StableSwapPool, AmmError>> {
    (2_usize..=8)
        .prop_flat_map(|count| {
            let balances = prop::collection::vec(any_units(), count);
            (balances, any_terms(count), any_units())
        })
        .prop_map(|(balances, terms, supply)| {
            StableSwapPool::new(balances, terms).map(|pool| pool.with_supply(supply))
        })
}

/// Asks a pool everything; what it answers must fit together.
fn interrogate<P: MultiPool + PartialEq + std::fmt::Debug>(
    pool: &P,
    (coin_in, coin_out): (usize, usize),
    amount: U256,
) -> Result<(), TestCaseError> {
    if let Ok(quote) = pool.quote_exact_in(coin_in, coin_out, amount) {
        prop_assert_eq!(quote.amount_in, amount);
        prop_assert!(quote.fee_amount <= amount);
        prop_assert!(quote.gas > 0);
    }
    if let Ok(quote) = pool.quote_exact_out(coin_in, coin_out, amount) {
        prop_assert!(quote.amount_out >= amount);
        let replay = pool.quote_exact_in(coin_in, coin_out, quote.amount_in);
        prop_assert_eq!(replay.unwrap(), quote);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn no_stable_pool_panics(
        pool in any_stable(), coin_in in 0_usize..9, coin_out in 0_usize..9, amount in any_units(),
    ) {
        if let Ok(pool) = pool {
            interrogate(&pool, (coin_in, coin_out), amount)?;
            let _ = (pool.virtual_price(), pool.invariant());
            let _ = (pool.withdrawn(coin_in, amount), pool.shares_without_fee(coin_in, amount));
            let _ = pool.get_dy(coin_in, coin_out, amount);
        }
    }

    #[test]
    fn no_underlying_pool_panics(
        balances in (any_units(), any_units()), terms in any_terms(2), base in any_stable(),
        precisions in (any_units(), any_units()),
        coin_in in 0_usize..9, coin_out in 0_usize..9, amount in any_units(),
    ) {
        let own = StableSwapPool::new(vec![balances.0, balances.1], terms);
        let Ok(own) = own else { return Ok(()) };
        let lent = UnderlyingPool::lent(own.clone(), vec![precisions.0, precisions.1].into());
        if let Ok(lent) = lent {
            interrogate(&lent, (coin_in, coin_out), amount)?;
        }
        if let Ok(over) = base.and_then(|base| UnderlyingPool::over(own, base)) {
            interrogate(&over, (coin_in, coin_out), amount)?;
            let _ = over.get_dy(coin_in, coin_out, amount);
        }
    }

    #[test]
    fn no_crypto_pool_panics(
        balances in (any_units(), any_units(), any_units()), prices in (any_units(), any_units()),
        invariant in any_units(), ann in any::<u32>(), gamma in any::<u64>(), fees in any::<[u32; 3]>(),
        coin_in in 0_usize..4, coin_out in 0_usize..4, amount in any_units(), second in any::<bool>(),
    ) {
        let params = CryptoParams {
            ann: u64::from(ann >> 4),
            gamma: gamma >> 9,
            mid_fee: u64::from(fees[0] >> 8),
            out_fee: u64::from(fees[1]),
            fee_gamma: u64::from(fees[2]),
            version: if second { CryptoVersion::Tricrypto2 } else { CryptoVersion::Tricrypto },
        };
        let balances = [balances.0, balances.1, balances.2];
        let precisions = [1_000_000_000_000, 10_000_000_000, 1];
        let prices = [prices.0, prices.1];
        if let Ok(pool) = CryptoPool::new(balances, precisions, prices, invariant, params) {
            interrogate(&pool, (coin_in, coin_out), amount)?;
            let _ = pool.fee();
        }
    }
}

/// A tricrypto pool near its balance: as recorded, a little moved.
fn likely_crypto() -> impl Strategy<Value = CryptoPool> {
    let near = || 700_u64..1_400;
    (near(), near(), near(), any::<bool>()).prop_filter_map(
        "in reach",
        |(usdt, wbtc, weth, second)| {
            let params = CryptoParams {
                ann: if second { 1_707_629 } else { 364_500 },
                gamma: if second {
                    11_809_167_828_997
                } else {
                    69_999_999_999_999
                },
                mid_fee: 4_000_000,
                out_fee: 40_000_000,
                fee_gamma: 10_000_000_000_000_000,
                version: if second {
                    CryptoVersion::Tricrypto2
                } else {
                    CryptoVersion::Tricrypto
                },
            };
            let balances = [
                U256::from(usdt) * U256::from(87_415_844_u64),
                U256::from(wbtc) * U256::from(129_348_u64),
                U256::from(weth) * U256::from(43_137_143_734_068_899_u64),
            ];
            let prices = [
                U256::from(75_804_766_119_084_u64) * ten(9),
                U256::from(2_345_740_822_056_210_u64) * ten(6),
            ];
            let precisions = [1_000_000_000_000, 10_000_000_000, 1];
            let rough = CryptoPool::new(
                balances,
                precisions,
                prices,
                U256::from(286_349_051_375_u64) * ten(12),
                params,
            )
            .unwrap();
            // Any swap that the contract takes brings the invariant to what the balances are worth.
            let moved = rough.quote_exact_in(2, 0, ten(16)).ok()?.next;
            Some(
                CryptoPool::new(
                    *moved.balances(),
                    precisions,
                    prices,
                    moved.invariant(),
                    params,
                )
                .unwrap(),
            )
        },
    )
}

/// The invariant is known to this part, by which outputs may be off: 10^14 on the contract's word.
fn crypto_waver(pool: &CryptoPool, coin: usize) -> U256 {
    pool.balances()[coin] / ten(12) + U256::from(4)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn more_in_gives_no_less_out_of_a_crypto_pool(
        pool in likely_crypto(), coins in (0_usize..3, 1_usize..3), parts in (1_u64..300, 1_u64..300),
    ) {
        let (coin_in, coin_out) = (coins.0, (coins.0 + coins.1) % 3);
        let unit = pool.balances()[coin_in] / U256::from(1_000);
        let amounts = (unit * U256::from(parts.0), unit * U256::from(parts.0 + parts.1));
        let less = pool.get_dy(coin_in, coin_out, amounts.0);
        let more = pool.get_dy(coin_in, coin_out, amounts.1);
        if let (Ok(less), Ok(more)) = (less, more) {
            prop_assert!(more + crypto_waver(&pool, coin_out) >= less);
        }
    }

    #[test]
    fn exact_out_of_a_crypto_pool_delivers(
        pool in likely_crypto(), coins in (0_usize..3, 1_usize..3), part in 1_u64..300,
    ) {
        let (coin_in, coin_out) = (coins.0, (coins.0 + coins.1) % 3);
        let amount = pool.balances()[coin_out] / U256::from(1_000) * U256::from(part);
        if let Ok(quote) = pool.quote_exact_out(coin_in, coin_out, amount) {
            prop_assert!(quote.amount_out >= amount);
            if let Ok(less) = pool.get_dy(coin_in, coin_out, quote.amount_in - U256::ONE) {
                prop_assert!(less < amount);
            }
        }
    }

    #[test]
    fn a_swap_never_lowers_the_invariant_of_a_crypto_pool(
        pool in likely_crypto(), coins in (0_usize..3, 1_usize..3), part in 1_u64..300,
    ) {
        let (coin_in, coin_out) = (coins.0, (coins.0 + coins.1) % 3);
        let amount = pool.balances()[coin_in] / U256::from(1_000) * U256::from(part);
        if let Ok(quote) = pool.quote_exact_in(coin_in, coin_out, amount) {
            let allowed = pool.invariant() / ten(12);
            prop_assert!(quote.next.invariant() + allowed >= pool.invariant());
        }
    }
}

#[test]
fn far_off_the_peg_the_fee_of_ng_rises() {
    let pool = |usdc: u64| {
        let flat = terms(&[18, 6], 200, 4_000_000, CurveEra::Ng, 1_000);
        let rising = StableSwapTerms {
            offpeg_fee_multiplier: U256::from(50_000_000_000_u64),
            ..flat.clone()
        };
        let balances = vec![ten(24), U256::from(usdc) * ten(6)];
        [flat, rising].map(|terms| StableSwapPool::new(balances.clone(), terms).unwrap())
    };
    let loss = |usdc: u64| {
        let [flat, rising] = pool(usdc).map(|pool| pool.get_dy(0, 1, ten(20)).unwrap());
        flat - rising
    };
    assert_eq!(loss(1_000_000), U256::ZERO);
    assert!(loss(60_000) > U256::from(10_000));
}

#[test]
fn a_ramp_is_rounded_towards_its_beginning() {
    let at = |from: u64, to: u64, time| {
        StableSwapTerms::amp_at((U256::from(from), 100), (U256::from(to), 200), time)
    };
    assert_eq!(at(1_000, 2_001, 150), Ok(U256::from(1_500)));
    assert_eq!(at(2_001, 1_000, 150), Ok(U256::from(1_501)));
    assert_eq!(at(2_001, 1_000, 200), Ok(U256::from(1_000)));
    assert!(at(1_000, 2_000, 99).is_err());
}
