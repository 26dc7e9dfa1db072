//! The curves of venues.
#![allow(
    clippy::float_arithmetic,
    reason = "floats rank and bound; every amount is re-priced in integers after"
)]

use super::curve::{AmmCurve, Curve, LadderCurve};
use super::float::{floor_u256, to_f64};
use super::ladder::LadderSide;
use super::sampled::sampled_curve;
use super::venue::Way;
use crate::amm::{sqrt_ratio_at_tick, CryptoPool, MultiPool, SolidlyPool, V2Pool, V3Pool, V4Pool};
use crate::num::{PPM_ONE, U256};

/// Two to the power of 96.
const Q96: f64 = 79_228_162_514_264_337_593_543_950_336.0;

/// Basis points in one.
const BPS_ONE: f64 = 10_000.0;

/// Share of the input that is not the fee.
fn keep_share(fee_ppm: u32) -> f64 {
    f64::from(PPM_ONE.saturating_sub(fee_ppm)) / f64::from(PPM_ONE)
}

/// Returns the curve of a V2 direction; `None` when it cannot trade.
pub(super) fn v2_curve(pool: &V2Pool, zero_for_one: bool) -> Option<Curve> {
    let (reserve_in, reserve_out) = if zero_for_one {
        (pool.reserve0(), pool.reserve1())
    } else {
        (pool.reserve1(), pool.reserve0())
    };
    if reserve_in == 0 || reserve_out == 0 {
        return None;
    }
    product_curve(reserve_in, reserve_out, keep_share(pool.fee_ppm())).map(Curve::Amm)
}

/// Returns the curve of a Solidly pair, whose contract rounds the fee down; a stable pair is asked
/// for samples. `None` when it cannot trade.
pub(super) fn solidly_curve(pool: &SolidlyPool, zero_for_one: bool) -> Option<Curve> {
    let [first, second] = *pool.balances();
    let (coins, (reserve_in, reserve_out)) = if zero_for_one {
        ((0, 1), (first, second))
    } else {
        ((1, 0), (second, first))
    };
    if reserve_in == 0 || reserve_out == 0 {
        return None;
    }
    let is_whole = |(reserve, decimals): (&u128, u8)| {
        10_u128
            .checked_pow(u32::from(decimals))
            .is_some_and(|one| *reserve >= one)
    };
    // With less than a whole coin the contract's own numbers are too coarse for any curve.
    if pool.is_stable() && !pool.balances().iter().zip(pool.decimals()).all(is_whole) {
        return None;
    }
    let curve = if pool.is_stable() {
        sampled_curve(reserve_in as f64, reserve_out as f64, |amount_in| {
            let amount_in = floor_u256(amount_in);
            let quote = pool.quote_exact_in(coins.0, coins.1, amount_in).ok()?;
            Some((to_f64(quote.amount_in), to_f64(quote.amount_out)))
        })
    } else {
        let keep = 1.0 - f64::from(pool.fee_bps()) / BPS_ONE;
        product_curve(reserve_in, reserve_out, keep)
    };
    curve.map(Curve::Numeric)
}

/// Returns the curve of a tricrypto pool through samples; `None` when it cannot trade.
pub(super) fn crypto_curve(pool: &CryptoPool, way: Way) -> Option<Curve> {
    let (coin_in, coin_out) = way.coins();
    let balance = |coin: usize| pool.balances().get(coin).map(|units| to_f64(*units));
    sampled_curve(balance(coin_in)?, balance(coin_out)?, |amount_in| {
        let amount_in = floor_u256(amount_in);
        let quote = pool.quote_exact_in(coin_in, coin_out, amount_in).ok()?;
        Some((to_f64(quote.amount_in), to_f64(quote.amount_out)))
    })
    .map(Curve::Numeric)
}

fn product_curve(reserve_in: u128, reserve_out: u128, keep: f64) -> Option<AmmCurve> {
    let (reserve_in, reserve_out) = (reserve_in as f64, reserve_out as f64);
    let whole = (
        reserve_in.sqrt() * reserve_out.sqrt(),
        (reserve_out / reserve_in).sqrt(),
        0.0,
        f64::INFINITY,
        reserve_out,
    );
    AmmCurve::new(keep, &[whole])
}

/// Returns the curve of a V3 direction over all its ranges; `None` when it cannot trade.
pub(super) fn v3_curve(pool: &V3Pool, zero_for_one: bool) -> Option<Curve> {
    ticks_curve(pool, pool.fee_ppm(), zero_for_one)
}

/// Returns the curve of a V4 direction over all its ranges; `None` when it cannot trade.
pub(super) fn v4_curve(pool: &V4Pool, zero_for_one: bool) -> Option<Curve> {
    ticks_curve(pool.state(), pool.swap_fee_ppm(zero_for_one), zero_for_one)
}

fn ticks_curve(pool: &V3Pool, fee_ppm: u32, zero_for_one: bool) -> Option<Curve> {
    let mut chain = Vec::new();
    let mut from = pool.sqrt_price_x96();
    let mut liquidity = Some(pool.liquidity());
    let mut step = |index: i32, change: Option<i128>| -> Option<()> {
        let to = sqrt_ratio_at_tick(index)?;
        chain.extend(range(liquidity?, from, to, zero_for_one));
        from = to;
        liquidity = liquidity?.checked_add_signed(change?);
        Some(())
    };
    let split = pool
        .ticks()
        .partition_point(|tick| tick.index <= pool.tick());
    let (below, above) = pool.ticks().split_at_checked(split)?;
    if zero_for_one {
        for tick in below.iter().rev() {
            step(tick.index, tick.liquidity_net.checked_neg())?;
        }
    } else {
        for tick in above {
            step(tick.index, Some(tick.liquidity_net))?;
        }
    }
    AmmCurve::new(keep_share(fee_ppm), &chain).map(Curve::Amm)
}

/// Returns the curve of one side of a book; `None` when nothing rests there.
pub(super) fn ladder_curve(side: &LadderSide) -> Option<Curve> {
    let keep = keep_share(side.fee_ppm());
    let sizes = side
        .level_amounts()
        .map(|(amount_in, gross_out)| (to_f64(amount_in), to_f64(gross_out) * keep));
    LadderCurve::new(sizes).map(Curve::Ladder)
}

/// Returns one V3 range as a segment; `None` when it is empty. Differences of square-root prices
/// are taken in integers, so narrow ranges keep their digits.
fn range(
    liquidity: u128,
    from: U256,
    to: U256,
    zero_for_one: bool,
) -> Option<(f64, f64, f64, f64, f64)> {
    let distance = to_f64(from.abs_diff(to)) / Q96;
    if liquidity == 0 || distance <= 0.0 {
        return None;
    }
    let liquidity = liquidity as f64;
    let (start, end) = (to_f64(from) / Q96, to_f64(to) / Q96);
    let token1 = liquidity * distance;
    let token0 = token1 / start / end;
    Some(if zero_for_one {
        (liquidity, start, end, token0, token1)
    } else {
        (liquidity, 1.0 / start, 1.0 / end, token1, token0)
    })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a failing test may panic; amounts under test are built within range"
)]
mod tests {
    use super::*;
    use crate::solver::LadderSpec;
    use proptest::prelude::*;
    use std::sync::Arc;

    use crate::amm::Tick;

    /// A pool at tick zero with nested and one detached range.
    fn v3(liquidity: u128, widths: &[i32], fee_ppm: u32) -> V3Pool {
        let mut net = std::collections::BTreeMap::<i32, (u128, i128)>::new();
        let mut active = 0;
        let outer = widths.iter().copied().max().unwrap_or(1);
        for (lower, upper) in widths
            .iter()
            .map(|width| (-width * 60, width * 60))
            .chain([((outer + 5) * 60, (outer + 9) * 60)])
        {
            for (index, change) in [(lower, liquidity as i128), (upper, -(liquidity as i128))] {
                let cell = net.entry(index).or_default();
                cell.0 += liquidity;
                cell.1 += change;
            }
            if lower <= 0 && 0 < upper {
                active += liquidity;
            }
        }
        let ticks: Vec<Tick> = net
            .into_iter()
            .map(|(index, (liquidity_gross, liquidity_net))| Tick {
                index,
                liquidity_gross,
                liquidity_net,
            })
            .collect();
        let price = U256::ONE << 96;
        V3Pool::new(fee_ppm, 60, price, 0, active, Arc::from(ticks)).unwrap()
    }

    fn curves(liquidity: u64, widths: &[i32], fee_ppm: u32) -> Vec<Curve> {
        let pool = v3(u128::from(liquidity), widths, fee_ppm);
        let pair = V2Pool::new(u128::from(liquidity), u128::from(liquidity) * 2, fee_ppm).unwrap();
        let spec = LadderSpec {
            lot_units: U256::from(1_000),
            tick_units: U256::ONE,
            tick_divisor: U256::ONE,
            taker_fee_ppm: fee_ppm / 10,
            bids: (0..5).map(|level| (1_000 - level * 3, 1 + level)).collect(),
            asks: vec![],
        };
        let side = LadderSide::new(&spec, true).unwrap();
        [
            v3_curve(&pool, true),
            v3_curve(&pool, false),
            v2_curve(&pair, true),
            v2_curve(&pair, false),
            ladder_curve(&side),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    proptest! {
        #[test]
        fn a_v3_curve_is_the_exact_quote_without_its_rounding(
            liquidity in 10_u64.pow(9)..10_u64.pow(15),
            widths in prop::collection::vec(1_i32..40, 1..4),
            fee_ppm in prop::sample::select(vec![100_u32, 3_000, 10_000]),
            part in 1e-6_f64..2.0,
            down: bool,
        ) {
            let pool = v3(u128::from(liquidity), &widths, fee_ppm);
            let curve = v3_curve(&pool, down).unwrap();
            let paid = (liquidity as f64 * part) as u64;
            let quote = pool.quote_exact_in(down, U256::from(paid.max(1)), None).unwrap();
            let (exact_in, exact_out) = (to_f64(quote.amount_in), to_f64(quote.amount_out));
            let smooth = curve.output(exact_in);
            prop_assert!(exact_out <= smooth * (1.0 + 1e-12) + 1e-6);
            // Each crossed range may lose a unit of input and of output to rounding.
            let crossed = f64::from(quote.ticks_crossed) + 2.0;
            let loose = crossed * (2.0 + curve.spot()) + smooth * 1e-12;
            prop_assert!(smooth - exact_out <= loose, "{smooth} {exact_out}");
        }

        #[test]
        fn the_best_trade_earns_more_than_any_other(
            liquidity in 10_u64.pow(6)..10_u64.pow(15),
            widths in prop::collection::vec(1_i32..40, 1..4),
            fee_ppm in prop::sample::select(vec![0_u32, 100, 3_000]),
            below_spot in 1e-9_f64..0.2,
            other in 0.0_f64..3.0,
        ) {
            for curve in curves(liquidity, &widths, fee_ppm) {
                let ratio = curve.spot() * (1.0 - below_spot);
                let (amount_in, amount_out) = curve.best_trade(ratio);
                let best = amount_out - ratio * amount_in;
                let rival = amount_in * other + 1.0;
                let earned = curve.output(rival) - ratio * rival;
                prop_assert!(best >= earned - (amount_out + rival * ratio) * 1e-12);
            }
        }

        #[test]
        fn input_inverts_output(
            liquidity in 10_u64.pow(6)..10_u64.pow(15),
            widths in prop::collection::vec(1_i32..40, 1..4),
            below_spot in 1e-6_f64..0.05,
        ) {
            for curve in curves(liquidity, &widths, 3_000) {
                let (amount_in, amount_out) = curve.best_trade(curve.spot() * (1.0 - below_spot));
                let back = curve.input(amount_out * (1.0 - 1e-9));
                prop_assert!(amount_out == 0.0 || (back / amount_in - 1.0).abs() < 1e-6);
            }
        }

        #[test]
        fn stiffness_is_the_derivative_of_the_input(
            liquidity in 10_u64.pow(6)..10_u64.pow(15),
            below_spot in 1e-3_f64..0.2,
        ) {
            for curve in curves(liquidity, &[400], 3_000) {
                let ratio = curve.spot() * (1.0 - below_spot);
                let here = curve.respond(ratio);
                let near = curve.respond(ratio * (1.0 + 1e-6));
                if here.stiffness > 0.0 && !here.on_ramp && near.stiffness > 0.0 {
                    let slope = (here.amount_in - near.amount_in) / 1e-6;
                    prop_assert!((slope / here.stiffness - 1.0).abs() < 1e-3);
                }
            }
        }
    }
}
