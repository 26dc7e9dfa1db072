//! Laws of the tick mathematics.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; amounts under test are built within range"
)]

use proptest::prelude::*;
use router_core::amm::{
    sqrt_ratio_at_tick, tick_at_sqrt_ratio, MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK,
    U256,
};

fn ratio(tick: i32) -> U256 {
    sqrt_ratio_at_tick(tick).unwrap()
}

fn decimal(text: &str) -> U256 {
    text.parse().unwrap()
}

#[test]
fn prices_at_known_ticks_are_those_the_contract_returns() {
    let known = [
        (0, "79228162514264337593543950336"),
        (50, "79426470787362580746886972461"),
        (-50, "79030349367926598376800521322"),
        (100, "79625275426524748796330556128"),
        (-100, "78833030112140176575862854579"),
        (250, "80224679980005306637834519095"),
        (-250, "78244023372248365697264290337"),
        (50_000, "965075977353221155028623082916"),
        (-50_000, "6504256538020985011912221507"),
        (250_000, "21246587762933397357449903968194344"),
        (-250_000, "295440463448801648376846"),
        (738_203, "847134979253254120489401328389043031315994541"),
        (-738_203, "7409801140451"),
    ];
    for (tick, price) in known {
        assert_eq!(ratio(tick), decimal(price), "tick {tick}");
    }
}

#[test]
fn the_tick_range_ends_where_the_contract_ends_it() {
    assert_eq!(ratio(MIN_TICK), MIN_SQRT_RATIO);
    assert_eq!(ratio(MAX_TICK), MAX_SQRT_RATIO);
    assert_eq!(sqrt_ratio_at_tick(MAX_TICK + 1), None);
    assert_eq!(sqrt_ratio_at_tick(MIN_TICK - 1), None);
    assert_eq!(sqrt_ratio_at_tick(i32::MIN), None);
    assert_eq!(tick_at_sqrt_ratio(MIN_SQRT_RATIO), Some(MIN_TICK));
    assert_eq!(tick_at_sqrt_ratio(MIN_SQRT_RATIO - U256::ONE), None);
    assert_eq!(
        tick_at_sqrt_ratio(MAX_SQRT_RATIO - U256::ONE),
        Some(MAX_TICK - 1)
    );
    assert_eq!(tick_at_sqrt_ratio(MAX_SQRT_RATIO), None);
    assert_eq!(tick_at_sqrt_ratio(U256::MAX), None);
    assert_eq!(tick_at_sqrt_ratio(U256::ZERO), None);
}

#[test]
fn the_tick_of_a_price_turns_exactly_at_the_price_of_the_tick() {
    // A prime stride meets every residue of the spacings; both ends are walked tick by tick.
    let ends = (MIN_TICK + 1..MIN_TICK + 3_000).chain(MAX_TICK - 3_000..MAX_TICK);
    for tick in ends.chain((MIN_TICK + 1..MAX_TICK).step_by(61)) {
        let price = ratio(tick);
        assert_eq!(tick_at_sqrt_ratio(price), Some(tick));
        assert_eq!(tick_at_sqrt_ratio(price - U256::ONE), Some(tick - 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_price_at_a_tick_rises_with_the_tick(tick in MIN_TICK..MAX_TICK) {
        prop_assert!(ratio(tick) < ratio(tick + 1));
    }

    #[test]
    fn a_price_lies_between_its_tick_and_the_next(bits in 32_usize..160, seed in any::<[u64; 3]>()) {
        let [low, middle, high] = seed;
        let spread = U256::from_limbs([low, middle, high, 0]) >> (192 - bits);
        let price = (spread + MIN_SQRT_RATIO).min(MAX_SQRT_RATIO - U256::ONE);
        let tick = tick_at_sqrt_ratio(price).unwrap();
        prop_assert!(ratio(tick) <= price && price < ratio(tick + 1));
    }
}
