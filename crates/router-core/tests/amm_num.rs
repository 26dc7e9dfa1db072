//! Laws of the 256-bit helpers, against plain 512-bit arithmetic.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; the oracle works on numbers far from its limits"
)]

use proptest::prelude::*;
use router_core::num::{div_ceil, mul_div_ceil, mul_div_floor, sqrt_floor, to_u128, U256};
use ruint::aliases::{U1024, U512};

/// Numbers of every length, so that small and huge ones are equally likely.
fn any_u256() -> impl Strategy<Value = U256> {
    (0_usize..=256, any::<[u64; 4]>()).prop_map(|(bits, limbs)| {
        let value = U256::from_limbs(limbs);
        if bits == 0 {
            U256::ZERO
        } else {
            value >> (256 - bits)
        }
    })
}

fn wide(value: U256) -> U1024 {
    U1024::from(value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_are_divided_as_in_exact_arithmetic(a in any_u256(), b in any_u256(), d in any_u256()) {
        let floor = mul_div_floor(a, b, d);
        let ceil = mul_div_ceil(a, b, d);
        if d.is_zero() {
            prop_assert_eq!((floor, ceil), (None, None));
        } else {
            let product = wide(a) * wide(b);
            let exact_floor = product / wide(d);
            let exact_ceil = (product + wide(d) - U1024::from(1)) / wide(d);
            prop_assert_eq!(floor, U256::checked_from_limbs_slice(exact_floor.as_limbs()));
            prop_assert_eq!(ceil, U256::checked_from_limbs_slice(exact_ceil.as_limbs()));
        }
    }

    #[test]
    fn division_up_is_the_least_multiple_that_covers(a in any_u256(), d in any_u256()) {
        match div_ceil(a, d) {
            None => prop_assert!(d.is_zero()),
            Some(quotient) => {
                prop_assert!(wide(quotient) * wide(d) >= wide(a));
                prop_assert!(quotient.is_zero() || (wide(quotient) - U1024::from(1)) * wide(d) < wide(a));
            }
        }
    }

    #[test]
    fn the_root_is_the_largest_whose_square_fits(value in any_u256()) {
        let root = U512::from(sqrt_floor(value));
        let next = root + U512::from(1);
        prop_assert!(root * root <= U512::from(value) && next * next > U512::from(value));
    }

    #[test]
    fn narrowing_keeps_the_value_or_refuses(value in any_u256()) {
        match to_u128(value) {
            Some(narrow) => prop_assert_eq!(U256::from(narrow), value),
            None => prop_assert!(value > U256::from(u128::MAX)),
        }
    }
}

#[test]
fn the_largest_numbers_do_not_overflow_between() {
    assert_eq!(
        mul_div_floor(U256::MAX, U256::MAX, U256::MAX),
        Some(U256::MAX)
    );
    assert_eq!(
        mul_div_ceil(U256::MAX, U256::MAX, U256::MAX - U256::ONE),
        None
    );
    assert_eq!(div_ceil(U256::MAX, U256::ONE), Some(U256::MAX));
}
