//! Ticks and square-root prices: `sqrt(1.0001^tick) * 2^96`, as the contract rounds them.

use crate::num::U256;

/// Lowest tick of any pool.
pub const MIN_TICK: i32 = -887_272;
/// Highest tick of any pool.
pub const MAX_TICK: i32 = 887_272;
/// Square-root price (Q64.96) at [`MIN_TICK`].
pub const MIN_SQRT_RATIO: U256 = U256::from_limbs([4_295_128_739, 0, 0, 0]);
/// Square-root price (Q64.96) at [`MAX_TICK`]; a pool's price is always below it.
pub const MAX_SQRT_RATIO: U256 =
    U256::from_limbs([0x5d95_1d52_6398_8d26, 0xefd1_fc6a_5064_8849, 0xfffd_8963, 0]);

/// One in Q128.128.
const ONE_X128: U256 = U256::from_limbs([0, 0, 1, 0]);

/// `bit_len` of the price 1.0 in Q64.96.
const PRICE_POINT_BITS: i64 = 97;

/// Bits after the point of the logarithm from which a tick is estimated.
const LOG_BITS: u32 = 20;

/// Bits after the point of an estimated tick.
const TICK_BITS: u32 = 40;

/// Ticks for a doubling of the square-root price, with 20 bits after the point.
const TICKS_PER_OCTAVE: i64 = 14_537_076_765;

/// 2^-10 ticks: far more than the rounding of the constant, the squarings and the price at a tick
/// (at most 2^-15 ticks together).
const TICK_SLACK: i64 = 1 << 30;

/// Factor of each bit of `|tick|` from the lowest up: `2^128 / sqrt(1.0001)^(2^bit)`.
const BIT_FACTORS: [u128; 20] = [
    0xfffc_b933_bd6f_ad37_aa2d_162d_1a59_4001,
    0xfff9_7272_373d_4132_59a4_6990_580e_213a,
    0xfff2_e50f_5f65_6932_ef12_357c_f3c7_fdcc,
    0xffe5_caca_7e10_e4e6_1c36_24ea_a094_1cd0,
    0xffcb_9843_d60f_6159_c9db_5883_5c92_6644,
    0xff97_3b41_fa98_c081_472e_6896_dfb2_54c0,
    0xff2e_a164_66c9_6a38_43ec_78b3_26b5_2861,
    0xfe5d_ee04_6a99_a2a8_11c4_61f1_969c_3053,
    0xfcbe_86c7_900a_88ae_dcff_c83b_479a_a3a4,
    0xf987_a725_3ac4_1317_6f2b_074c_f781_5e54,
    0xf339_2b08_22b7_0005_940c_7a39_8e4b_70f3,
    0xe715_9475_a2c2_9b74_43b2_9c7f_a6e8_89d9,
    0xd097_f3bd_fd20_22b8_845a_d8f7_92aa_5825,
    0xa9f7_4646_2d87_0fdf_8a65_dc1f_90e0_61e5,
    0x70d8_69a1_56d2_a1b8_90bb_3df6_2baf_32f7,
    0x31be_135f_97d0_8fd9_8123_1505_542f_cfa6,
    0x09aa_508b_5b7a_84e1_c677_de54_f3e9_9bc9,
    0x005d_6af8_dedb_8119_6699_c329_225e_e604,
    0x0000_2216_e584_f5fa_1ea9_2604_1bed_fe98,
    0x0000_0000_048a_1703_91f7_dc42_444e_8fa2,
];

/// Returns the square-root price (Q64.96, rounded up) at `tick`; `None` outside the tick range.
#[must_use]
pub fn sqrt_ratio_at_tick(tick: i32) -> Option<U256> {
    let magnitude = tick.unsigned_abs();
    if magnitude > MAX_TICK.unsigned_abs() {
        return None;
    }
    let ratio = BIT_FACTORS
        .iter()
        .enumerate()
        .filter(|(bit, _)| magnitude >> bit & 1 == 1)
        .try_fold(ONE_X128, |ratio: U256, (_, factor)| {
            ratio
                .checked_mul(U256::from(*factor))
                .map(|product| product.wrapping_shr(128))
        })?;
    let ratio = if tick > 0 {
        U256::MAX.checked_div(ratio)?
    } else {
        ratio
    };
    let truncated = ratio.wrapping_shr(32);
    if ratio.as_limbs().first()? & 0xffff_ffff == 0 {
        Some(truncated)
    } else {
        truncated.checked_add(U256::ONE)
    }
}

/// Returns the highest tick whose square-root price is at most `sqrt_price_x96`; `None` below
/// [`MIN_SQRT_RATIO`] or from [`MAX_SQRT_RATIO`] on.
#[must_use]
pub fn tick_at_sqrt_ratio(sqrt_price_x96: U256) -> Option<i32> {
    if sqrt_price_x96 < MIN_SQRT_RATIO || sqrt_price_x96 >= MAX_SQRT_RATIO {
        return None;
    }
    let (low, high) = tick_bounds(sqrt_price_x96)?;
    // The answer is unique because the price at a tick strictly rises with the tick.
    if low == high || sqrt_ratio_at_tick(high).is_none_or(|ratio| ratio > sqrt_price_x96) {
        Some(low)
    } else {
        Some(high)
    }
}

/// Returns two equal or neighbouring ticks, one of which is the answer.
///
/// The logarithm is taken to [`LOG_BITS`] bits after the point, which is about 0.013 ticks, so the
/// two are nearly always equal.
fn tick_bounds(sqrt_price_x96: U256) -> Option<(i32, i32)> {
    let log = log2_floor(sqrt_price_x96)?;
    let low = log.checked_mul(TICKS_PER_OCTAVE)?.checked_sub(TICK_SLACK)?;
    let high = log
        .checked_add(1)?
        .checked_mul(TICKS_PER_OCTAVE)?
        .checked_add(TICK_SLACK)?;
    let to_tick = |scaled: i64| i32::try_from(scaled >> TICK_BITS).ok();
    Some((to_tick(low)?.max(MIN_TICK), to_tick(high)?.min(MAX_TICK)))
}

/// Returns `log2(sqrt_price)` with [`LOG_BITS`] bits after the point, rounded down, or one unit
/// less. Squaring a number in [1, 2) shows the next bit of its logarithm.
fn log2_floor(sqrt_price_x96: U256) -> Option<i64> {
    let bits = sqrt_price_x96.bit_len();
    let whole = i64::try_from(bits).ok()?.checked_sub(PRICE_POINT_BITS)?;
    // The mantissa has its point after the highest of 64 bits.
    let aligned = match bits.checked_sub(64) {
        Some(excess) => sqrt_price_x96.wrapping_shr(excess),
        None => sqrt_price_x96.wrapping_shl(64_usize.checked_sub(bits)?),
    };
    let mut mantissa = u128::from(*aligned.as_limbs().first()?);
    let mut log = whole;
    for _ in 0..LOG_BITS {
        let square = mantissa.checked_mul(mantissa)? >> 63;
        let bit = square >> 64;
        mantissa = if bit == 1 { square >> 1 } else { square };
        log = log.checked_mul(2)?.checked_add(i64::try_from(bit).ok()?)?;
    }
    Some(log)
}
