//! Powers of numbers with 18 decimals, bit for bit the vault's `LogExpMath`.
//!
//! The contract computes in `int256` and divides towards zero, so the sign and the magnitude of a
//! logarithm can be kept apart. `None` is where the contract reverts.

use super::fixed_point::ONE;
use crate::num::U256;

/// One with 20 decimals, in which logarithms and exponentials are computed.
const ONE_20: U256 = small(100_000_000_000_000_000_000);

/// One with 36 decimals, for logarithms of numbers near one.
const ONE_36: U256 = small(1_000_000_000_000_000_000_000_000_000_000_000_000);

/// Numbers nearer to one than 0.1 take the logarithm with 36 decimals.
const NEAR_ONE: U256 = small(100_000_000_000_000_000);

/// Exponents of e beyond which the result does not fit, with 18 decimals.
const MAX_EXPONENT: U256 = small(130_000_000_000_000_000_000);
const MAX_NEGATIVE_EXPONENT: U256 = small(41_000_000_000_000_000_000);

/// Largest exponent of a power, exclusive: `2^254 / 10^20`.
const EXPONENT_BOUND: U256 = U256::from_limbs([
    0x4181_ea80_59f7_6532,
    0xa88f_4bb1_ca6b_cf58,
    0xbce_5086_4921_11ae,
    0,
]);

/// 2^7 and 2^6 with 18 decimals, and e to these powers without decimals.
const X0: U256 = small(128_000_000_000_000_000_000);
const A0: U256 = U256::from_limbs([
    0x262_8270_0000_0000,
    0xf53a_2717_2fa9_ec63,
    0x195_e54c_5dd4_2177,
    0,
]);
const X1: U256 = small(64_000_000_000_000_000_000);
const A1: U256 = small(6_235_149_080_811_616_882_910_000_000);

/// 2^5, 2^4 and so on to 2^-4, and e to these powers, all with 20 decimals.
const POWERS: [(U256, U256); 10] = [
    (
        small(3_200_000_000_000_000_000_000),
        small(7_896_296_018_268_069_516_100_000_000_000_000),
    ),
    (
        small(1_600_000_000_000_000_000_000),
        small(888_611_052_050_787_263_676_000_000),
    ),
    (
        small(800_000_000_000_000_000_000),
        small(298_095_798_704_172_827_474_000),
    ),
    (
        small(400_000_000_000_000_000_000),
        small(5_459_815_003_314_423_907_810),
    ),
    (
        small(200_000_000_000_000_000_000),
        small(738_905_609_893_065_022_723),
    ),
    (
        small(100_000_000_000_000_000_000),
        small(271_828_182_845_904_523_536),
    ),
    (
        small(50_000_000_000_000_000_000),
        small(164_872_127_070_012_814_685),
    ),
    (
        small(25_000_000_000_000_000_000),
        small(128_402_541_668_774_148_407),
    ),
    (
        small(12_500_000_000_000_000_000),
        small(113_314_845_306_682_631_683),
    ),
    (
        small(6_250_000_000_000_000_000),
        small(106_449_445_891_785_942_956),
    ),
];

/// How many of [`POWERS`] an exponential splits off; the series is precise enough for the rest.
const POWERS_OF_EXP: usize = 8;

/// Last term of the exponential's Taylor series.
const LAST_TERM: u64 = 12;

/// Divisors of the terms of the logarithm's series after the first.
const LN_DIVISORS: [u64; 5] = [3, 5, 7, 9, 11];
const LN_36_DIVISORS: [u64; 7] = [3, 5, 7, 9, 11, 13, 15];

const fn small(value: u128) -> U256 {
    let low = value & 0xffff_ffff_ffff_ffff;
    U256::from_limbs([low as u64, (value >> 64) as u64, 0, 0])
}

/// A signed number.
#[derive(Clone, Copy)]
struct Signed {
    negative: bool,
    magnitude: U256,
}

/// Returns `base` to the power of `exponent`, all with 18 decimals.
pub(super) fn pow(base: U256, exponent: U256) -> Option<U256> {
    if exponent.is_zero() {
        return Some(ONE);
    }
    if base.is_zero() {
        return Some(U256::ZERO);
    }
    if base.bit_len() > 255 || exponent >= EXPONENT_BOUND {
        return None;
    }
    let near_one = base.abs_diff(ONE) < NEAR_ONE;
    let (negative, product) = if near_one {
        let log = ln_36(base)?;
        // The contract keeps the 18 decimals more from overflowing by multiplying in two parts.
        let (whole, part) = log.magnitude.div_rem(ONE);
        let part = part.checked_mul(exponent)?.checked_div(ONE)?;
        let product = whole.checked_mul(exponent)?.checked_add(part)?;
        (log.negative, product)
    } else {
        let log = ln(base)?;
        (log.negative, log.magnitude.checked_mul(exponent)?)
    };
    exp(Signed {
        negative,
        magnitude: product.checked_div(ONE)?,
    })
}

/// Returns e to the power of `exponent`.
fn exp(exponent: Signed) -> Option<U256> {
    if exponent.negative {
        if exponent.magnitude > MAX_NEGATIVE_EXPONENT {
            return None;
        }
        return ONE_36.checked_div(exp_of_positive(exponent.magnitude)?);
    }
    if exponent.magnitude > MAX_EXPONENT {
        return None;
    }
    exp_of_positive(exponent.magnitude)
}

fn exp_of_positive(exponent: U256) -> Option<U256> {
    let (rest, first) = if exponent >= X0 {
        (exponent.checked_sub(X0)?, A0)
    } else if exponent >= X1 {
        (exponent.checked_sub(X1)?, A1)
    } else {
        (exponent, U256::ONE)
    };
    let hundred = U256::from(100_u64);
    let mut rest = rest.checked_mul(hundred)?;
    let mut product = ONE_20;
    for (power, e_to_power) in POWERS.into_iter().take(POWERS_OF_EXP) {
        if rest >= power {
            rest = rest.checked_sub(power)?;
            product = product.checked_mul(e_to_power)?.checked_div(ONE_20)?;
        }
    }
    let mut term = rest;
    let mut sum = ONE_20.checked_add(term)?;
    for divisor in 2..=LAST_TERM {
        term = term.checked_mul(rest)?.checked_div(ONE_20)?;
        term = term.checked_div(U256::from(divisor))?;
        sum = sum.checked_add(term)?;
    }
    let scaled = product.checked_mul(sum)?.checked_div(ONE_20)?;
    scaled.checked_mul(first)?.checked_div(hundred)
}

/// Returns the natural logarithm with 18 decimals.
fn ln(value: U256) -> Option<Signed> {
    let negative = value < ONE;
    let above_one = if negative {
        ONE_36.checked_div(value)?
    } else {
        value
    };
    Some(Signed {
        negative,
        magnitude: ln_above_one(above_one)?,
    })
}

fn ln_above_one(value: U256) -> Option<U256> {
    let hundred = U256::from(100_u64);
    let mut rest = value;
    let mut sum = U256::ZERO;
    for (power, e_to_power) in [(X0, A0), (X1, A1)] {
        if rest >= e_to_power.checked_mul(ONE)? {
            rest = rest.checked_div(e_to_power)?;
            sum = sum.checked_add(power)?;
        }
    }
    rest = rest.checked_mul(hundred)?;
    sum = sum.checked_mul(hundred)?;
    for (power, e_to_power) in POWERS {
        if rest >= e_to_power {
            rest = rest.checked_mul(ONE_20)?.checked_div(e_to_power)?;
            sum = sum.checked_add(power)?;
        }
    }
    let ratio = rest
        .checked_sub(ONE_20)?
        .checked_mul(ONE_20)?
        .checked_div(rest.checked_add(ONE_20)?)?;
    let series = odd_series(ratio, ONE_20, &LN_DIVISORS)?;
    sum.checked_add(series)?.checked_div(hundred)
}

/// Returns the natural logarithm of a number near one, with 36 decimals.
fn ln_36(value: U256) -> Option<Signed> {
    let scaled = value.checked_mul(ONE)?;
    let ratio = scaled
        .abs_diff(ONE_36)
        .checked_mul(ONE_36)?
        .checked_div(scaled.checked_add(ONE_36)?)?;
    Some(Signed {
        negative: scaled < ONE_36,
        magnitude: odd_series(ratio, ONE_36, &LN_36_DIVISORS)?,
    })
}

/// Returns twice the inverse hyperbolic tangent of `ratio` as a series in its odd powers.
fn odd_series(ratio: U256, one: U256, divisors: &[u64]) -> Option<U256> {
    let square = ratio.checked_mul(ratio)?.checked_div(one)?;
    let mut power = ratio;
    let mut sum = ratio;
    for divisor in divisors {
        power = power.checked_mul(square)?.checked_div(one)?;
        sum = sum.checked_add(power.checked_div(U256::from(*divisor))?)?;
    }
    sum.checked_mul(U256::from(2_u64))
}
