//! Crossing between integers and floats.
//!
//! Floats rank and bound; every amount is re-priced in integers after.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use crate::num::{mul_div_floor, U256};

/// Two to the power of 64.
const LIMB: f64 = 18_446_744_073_709_551_616.0;

/// Fixed-point one of a share.
const SHARE_ONE: u64 = 1 << 62;

/// Returns the value as a float, within four units in the last place.
pub(super) fn to_f64(value: U256) -> f64 {
    value
        .as_limbs()
        .iter()
        .rev()
        .fold(0.0, |sum, limb| sum * LIMB + *limb as f64)
}

/// Returns the largest integer that is at most `value`; below zero and for NaN it is zero, above
/// 256 bits the largest.
pub(super) fn floor_u256(value: f64) -> U256 {
    if value.is_nan() || value < 1.0 {
        return U256::ZERO;
    }
    let bits = value.to_bits();
    let exponent = usize::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    let mantissa = U256::from(bits & 0x000f_ffff_ffff_ffff | 0x0010_0000_0000_0000);
    // A value of one or more has a biased exponent of at least 1023; the mantissa has 52 bits of
    // fraction.
    match exponent.checked_sub(1_075) {
        Some(left) if left > 203 => U256::MAX,
        Some(left) => mantissa.wrapping_shl(left),
        None => mantissa.wrapping_shr(1_075_usize.saturating_sub(exponent)),
    }
}

/// Returns the smallest integer that is at least `value`; bounded as [`floor_u256`].
pub(super) fn ceil_u256(value: f64) -> U256 {
    if value.is_nan() || value <= 0.0 {
        return U256::ZERO;
    }
    floor_u256(value.ceil())
}

/// Returns `amount` times a share in 0..=1, rounded down.
pub(super) fn share_floor(amount: U256, share: f64) -> U256 {
    let fixed = (share.clamp(0.0, 1.0) * SHARE_ONE as f64) as u64;
    mul_div_floor(
        amount,
        U256::from(fixed.min(SHARE_ONE)),
        U256::from(SHARE_ONE),
    )
    .unwrap_or(amount)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; amounts under test are built within range"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn floor_inverts_every_exactly_representable_integer(mantissa in 0_u64..1 << 53, shift in 0_usize..200) {
            let value = U256::from(mantissa).wrapping_shl(shift);
            prop_assert_eq!(floor_u256(to_f64(value)), value);
            prop_assert_eq!(ceil_u256(to_f64(value)), value);
        }

        #[test]
        fn floor_and_ceil_enclose_the_value(value in 0.0_f64..1e15) {
            prop_assert!(to_f64(floor_u256(value)) <= value);
            prop_assert!(to_f64(ceil_u256(value)) >= value);
            prop_assert!(to_f64(ceil_u256(value)) - to_f64(floor_u256(value)) <= 1.0);
        }

        #[test]
        fn a_share_never_exceeds_the_whole(limbs: [u64; 4], share in -0.5_f64..1.5) {
            let amount = U256::from_limbs(limbs);
            prop_assert!(share_floor(amount, share) <= amount);
        }
    }

    #[test]
    fn values_outside_the_integers_saturate() {
        assert_eq!(floor_u256(f64::INFINITY), U256::MAX);
        assert_eq!(floor_u256(f64::NAN), U256::ZERO);
        assert_eq!(floor_u256(-3.0), U256::ZERO);
        assert_eq!(ceil_u256(1e-300), U256::ONE);
    }
}
