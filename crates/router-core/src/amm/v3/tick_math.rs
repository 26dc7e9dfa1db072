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
    // The answer is unique because the price at a tick strictly rises with the tick.
    let (mut low, mut high) = (MIN_TICK, MAX_TICK);
    while low.checked_add(1)? < high {
        let middle = low.checked_add(high)?.div_euclid(2);
        if sqrt_ratio_at_tick(middle)? <= sqrt_price_x96 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}
