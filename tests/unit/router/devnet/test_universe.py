"""The plan of the devnet is coherent before any chain exists."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.devnet import universe
from router.devnet.universe import TICK_SPACING, V2_PAIRS, V3_POOLS, TokenPlan, V3Plan

pools = st.sampled_from(V3_POOLS)


@given(pools, st.booleans())
def test_a_starting_price_is_the_exact_floor_of_the_square_root(
    plan: V3Plan, base_is_token0: bool
) -> None:
    quote_units, base_units = universe.price_ratio(plan.base, plan.quote, plan.offset_ppm)
    above, below = (quote_units, base_units) if base_is_token0 else (base_units, quote_units)
    root = universe.sqrt_price_x96(plan, base_is_token0=base_is_token0)
    assert root**2 * below <= above << 192 < (root + 1) ** 2 * below


@given(pools, st.integers(-400_000, 400_000))
def test_positions_are_well_formed_around_every_price(plan: V3Plan, tick: int) -> None:
    spacing = TICK_SPACING[plan.fee_ppm]
    for lower, upper, side_usd in universe.positions(plan, tick):
        assert lower % spacing == upper % spacing == 0
        assert -universe.MAX_TICK <= lower <= tick < upper <= universe.MAX_TICK
        assert side_usd > 0


@pytest.mark.parametrize("plan", V3_POOLS, ids=lambda p: f"{p.base}/{p.quote}/{p.fee_ppm}")
def test_a_pool_has_overlapping_ranges_that_use_its_whole_depth(plan: V3Plan) -> None:
    ranges = [(lower, upper) for lower, upper, _ in universe.positions(plan, 0)]
    assert len(set(ranges)) >= 5
    assert all(a[0] < b[1] and b[0] < a[1] for a, b in combinations(ranges, 2))
    assert sum(part.share_bps for part in plan.ranges) == 10_000


def test_the_busy_pool_initialises_more_than_400_ticks() -> None:
    ticks = {t for low, up, _ in universe.positions(V3_POOLS[0], 201_234) for t in (low, up)}
    assert len(ticks) > 400


def test_no_pool_is_off_the_reference_price_by_more_than_half_its_fee() -> None:
    assert all(abs(plan.offset_ppm) <= plan.fee_ppm // 2 for plan in V3_POOLS)
    assert all(abs(plan.offset_ppm) <= universe.V2_FEE_PPM // 2 for plan in V2_PAIRS)


def test_the_plan_has_the_pools_that_routing_needs() -> None:
    assert len(V2_PAIRS) >= 6
    assert len(V3_POOLS) >= 12
    assert {plan.fee_ppm for plan in V3_POOLS} == set(TICK_SPACING)


@given(st.sampled_from(V2_PAIRS))
def test_reserves_give_a_pair_its_planned_price(plan: universe.V2Plan) -> None:
    base_units, quote_units = universe.pair_amounts(plan)
    above, below = universe.price_ratio(plan.base, plan.quote, plan.offset_ppm)
    assert quote_units * below <= base_units * above < (quote_units + 1) * below


@given(st.sampled_from(universe.TOKENS), st.integers(0, 10**12))
def test_dollars_buy_no_more_than_they_are_worth(plan: TokenPlan, amount_usd: int) -> None:
    units = plan.units(amount_usd)
    assert units * plan.price_usd <= amount_usd * 10**plan.decimals
    assert (units + 1) * plan.price_usd > amount_usd * 10**plan.decimals


def test_an_unplanned_symbol_is_a_programmers_error() -> None:
    with pytest.raises(ValueError, match="DOGE"):
        universe.token("DOGE")


def test_the_deployer_can_pay_for_every_pool_and_its_gifts() -> None:
    for plan in universe.TOKENS:
        pooled_usd = sum(
            pool.depth_usd
            for pool in (*V2_PAIRS, *V3_POOLS)
            if plan.symbol in (pool.base, pool.quote)
        )
        given_usd = sum(universe.HOLDINGS_USD.values())
        assert pooled_usd + given_usd < universe.DEPLOYER_SUPPLY_USD
