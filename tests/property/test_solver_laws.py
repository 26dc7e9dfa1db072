"""Laws of the solver through the seam: plans replay, bounds hold, nothing simple wins."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from router.core import CoreError, MarketBuilder, Plan, V2Pool
from tests.property.solver_markets import (
    World,
    grid_best,
    path_cost,
    path_out,
    paths,
    replay,
    world_of,
)

# Laws that a heuristic step could break on a rare market run on the same markets every time.
steady = settings(derandomize=True, deadline=None, max_examples=300)
wide = settings(deadline=None, max_examples=300)
seeds = st.integers(0, 2**32)
sizes = st.floats(-9, 1.5)


def pair_of(world: World, seed: int) -> tuple[int, int]:
    token_in, token_out = random.Random(seed + 1).sample(range(world.token_count), 2)
    return token_in, token_out


def solved(world: World, token_in: int, token_out: int, amount: int, **options: Any) -> Plan | None:
    """Return the plan, or nothing when the market cannot serve the order."""
    try:
        return world.market().solve(token_in, token_out, amount, **{"max_legs": 64, **options})
    except CoreError as refused:
        if refused.code in {"NO_ROUTE", "INSUFFICIENT_LIQUIDITY"}:
            return None
        raise


def order_of(seed: int, size: float, **kind: Any) -> tuple[World, int, int, int, Plan | None]:
    world = world_of(seed, **kind)
    token_in, token_out = pair_of(world, seed)
    amount = world.units(token_in, world.depth * 10**size)
    plan = solved(world, token_in, token_out, amount)
    return world, token_in, token_out, amount, plan


@wide
@given(seeds, sizes, st.booleans())
def test_a_plan_replays_to_the_unit_on_untouched_venues(
    seed: int, size: float, arbitrage: bool
) -> None:
    world, token_in, token_out, amount, plan = order_of(seed, size, arbitrage=arbitrage)
    assume(plan is not None)
    assert plan is not None
    replay(world, plan, token_in, token_out, amount)
    assert plan.amount_in + plan.unspent_in == amount


@wide
@given(seeds, st.floats(-12, 12), st.booleans(), st.integers(1, 5), st.integers(1, 8))
def test_no_value_is_above_its_bound_whatever_the_size_and_the_limits(
    seed: int, size: float, arbitrage: bool, max_hops: int, max_legs: int
) -> None:
    world = world_of(seed, arbitrage=arbitrage)
    token_in, token_out = pair_of(world, seed)
    amount = world.units(token_in, world.depth * 10**size)
    plan = solved(world, token_in, token_out, amount, max_hops=max_hops, max_legs=max_legs)
    assume(plan is not None)
    assert plan is not None
    assert 0 < plan.amount_out <= plan.bound
    assert plan.amount_out >= plan.best_single or max_legs < max_hops
    assert len(plan.legs) <= max_legs
    replay(world, plan, token_in, token_out, amount, max_hops)


@wide
@given(seeds, sizes, st.booleans())
def test_no_single_path_beats_the_plan_and_a_refusal_means_there_is_none(
    seed: int, size: float, arbitrage: bool
) -> None:
    world, token_in, token_out, amount, plan = order_of(seed, size, arbitrage=arbitrage)
    outs = [path_out(world, path, amount)[0] for path in paths(world, token_in, token_out)]
    if plan is None:
        assert not any(outs)
    else:
        assert plan.best_single == max(outs)
        assert plan.amount_out >= max(outs)


@steady
@given(seeds, st.floats(-3, 0.5))
def test_no_split_in_steps_of_five_percent_beats_the_plan(seed: int, size: float) -> None:
    world, token_in, token_out, amount, plan = order_of(seed, size, fine=True)
    assume(plan is not None and len(list(paths(world, token_in, token_out))) <= 7)
    assert plan is not None
    assert plan.amount_out >= grid_best(world, token_in, token_out, amount, width=2)


@steady
@given(seeds, st.floats(-3, -0.5))
def test_the_gap_before_gas_is_tiny_without_arbitrage(seed: int, size: float) -> None:
    *_, plan = order_of(seed, size, fine=True)
    assume(plan is not None and not plan.unspent_in and not plan.dust)
    assert plan is not None
    assert plan.gap_bps < 0.1


@wide
@given(seeds, sizes, st.booleans())
def test_the_same_question_has_the_same_answer(seed: int, size: float, arbitrage: bool) -> None:
    world, token_in, token_out, amount, plan = order_of(seed, size, arbitrage=arbitrage)
    assert solved(world, token_in, token_out, amount) == plan


@wide
@given(seeds, st.floats(-9, 1), st.booleans())
def test_an_exact_output_is_delivered_for_no_more_than_any_single_path_asks(
    seed: int, size: float, arbitrage: bool
) -> None:
    world = world_of(seed, arbitrage=arbitrage)
    token_in, token_out = pair_of(world, seed)
    wanted = world.units(token_out, world.depth * 10**size)
    plan = solved(world, token_in, token_out, wanted, exact_out=True)
    costs = [path_cost(world, path, wanted) for path in paths(world, token_in, token_out)]
    possible = [cost for cost in costs if cost is not None]
    if plan is None:
        assert not possible
        return
    replay(world, plan, token_in, token_out, plan.amount_in)
    assert plan.amount_out >= wanted
    assert plan.amount_in >= plan.bound
    assert plan.unspent_in == 0
    if possible:
        assert plan.best_single == min(possible)
        assert plan.amount_in <= min(possible)


@steady
@given(seeds, st.floats(-3, -0.5))
def test_an_exact_output_costs_what_an_exact_input_sells_for(seed: int, size: float) -> None:
    world = world_of(seed, fine=True)
    token_in, token_out = pair_of(world, seed)
    wanted = world.units(token_out, world.depth * 10**size)
    bought = solved(world, token_in, token_out, wanted, exact_out=True)
    assume(bought is not None)
    assert bought is not None
    less = solved(world, token_in, token_out, bought.amount_in * 999_990 // 1_000_000)
    assert less is None or less.amount_out < wanted


def gas_terms(world: World, token_in: int, native: int, amount: int, seed: int) -> dict[str, int]:
    """Return gas options that cost from a thousandth of a percent to a tenth of the order."""
    rng = random.Random(seed + 2)
    worth = amount * world.unit_price[token_in] * 10 ** rng.uniform(-5, -1)
    return {
        "gas_price_wei": max(1, int(worth / 1e5 / world.unit_price[native])),
        "native_token": native,
        "base_gas": rng.choice([0, 21_000]),
    }


def net_of(
    world: World, amount_out: int, legs: list[tuple[int, int]], terms: dict[str, int]
) -> int:
    """Return an output after the gas of `(venue, gas)` legs."""
    on_chain = [gas for index, gas in legs if world.venues[index].on_chain]
    gas = sum(on_chain) + (terms["base_gas"] if on_chain else 0)
    return amount_out - gas * terms["gas_price_wei"]


@wide
@given(seeds, st.floats(-5, 1), st.booleans())
def test_gas_is_counted_and_no_single_path_nets_more(
    seed: int, size: float, arbitrage: bool
) -> None:
    world = world_of(seed, arbitrage=arbitrage)
    token_in, token_out = pair_of(world, seed)
    amount = world.units(token_in, world.depth * 10**size)
    terms = gas_terms(world, token_in, token_out, amount, seed)
    plan = solved(world, token_in, token_out, amount, **terms)
    assume(plan is not None)
    assert plan is not None
    replay(world, plan, token_in, token_out, amount)
    legs = [(leg.venue, leg.gas) for leg in plan.legs]
    assert plan.net == net_of(world, plan.amount_out, legs, terms)
    assert plan.net == plan.amount_out - plan.gas_cost <= plan.bound_net
    assert plan.amount_out <= plan.bound
    for path in paths(world, token_in, token_out):
        out, _ = path_out(world, path, amount)
        if out:
            assert plan.net >= net_of(world, out, path_gas(world, path, amount), terms)


def path_gas(world: World, path: tuple[tuple[int, int], ...], amount: int) -> list[tuple[int, int]]:
    legs = []
    for index, token in path:
        trade = world.venues[index].trade(token, amount)
        legs.append((index, trade.gas))
        amount = trade.amount_out
    return legs


@settings(derandomize=True, deadline=None, max_examples=60)
@given(seeds, st.floats(-3, 0))
def test_after_gas_no_choice_of_up_to_six_venues_is_better(seed: int, size: float) -> None:
    world = world_of(seed, fine=True, venues=random.Random(seed).randint(2, 6))
    token_in, token_out = pair_of(world, seed)
    amount = world.units(token_in, world.depth * 10**size)
    terms = gas_terms(world, token_in, token_out, amount, seed)
    plan = solved(world, token_in, token_out, amount, **terms)
    assume(plan is not None)
    assert plan is not None
    count = len(world.venues)
    for chosen in range(1, 2**count):
        subset = [index for index in range(count) if chosen >> index & 1]
        try:
            part = world.market(subset).solve(token_in, token_out, amount, max_legs=64)
        except CoreError:
            continue
        legs = [(subset[leg.venue], leg.gas) for leg in part.legs]
        # Unit rounding is not the question here: a ten-millionth of the amount is.
        assert plan.net + part.amount_out // 10**7 + 2 >= net_of(
            world, part.amount_out, legs, terms
        )


def test_gas_is_priced_at_the_native_token_when_another_is_optimised() -> None:
    builder = MarketBuilder(3)
    builder.add_v2(0, 1, V2Pool(10**22, 3 * 10**13))
    builder.add_v2(1, 2, V2Pool(10**13, 10**25))
    market = builder.build()
    plan = market.solve(1, 2, 10**9, gas_price_wei=10**10, native_token=0, base_gas=21_000)
    assert plan.gas == 21_000 + sum(leg.gas for leg in plan.legs)
    # One coin is worth 3,000 units of token 1 less two fees, each of which is one unit of token 2.
    in_coins = plan.gas * 10**10
    assert in_coins * 2_980 < plan.gas_cost < in_coins * 2_983
    bought = market.solve(
        1, 2, 10**20, exact_out=True, gas_price_wei=10**10, native_token=0, base_gas=21_000
    )
    assert bought.net == bought.amount_in + bought.gas_cost
    assert bought.net >= bought.bound_net


def two_islands() -> MarketBuilder:
    builder = MarketBuilder(4)
    builder.add_v2(0, 1, V2Pool(10**20, 10**20))
    builder.add_v2(2, 3, V2Pool(0, 0))
    return builder


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda m: m.solve(0, 0, 1), "INVALID_REQUEST"),
        (lambda m: m.solve(0, 9, 1), "INVALID_REQUEST"),
        (lambda m: m.solve(-1, 1, 1), "INVALID_REQUEST"),
        (lambda m: m.solve(0, 1, 0), "INVALID_REQUEST"),
        (lambda m: m.solve(0, 1, 1, max_hops=0), "INVALID_REQUEST"),
        (lambda m: m.solve(0, 1, 1, max_legs=0), "INVALID_REQUEST"),
        (lambda m: m.solve(0, 1, 10**9, gas_price_wei=1), "INVALID_REQUEST"),
        (lambda m: m.solve(0, 1, 10**9, gas_price_wei=1, native_token=3), "INVALID_REQUEST"),
        (lambda m: m.solve(0, 1, 2**256), "AMOUNT_RANGE"),
        (lambda m: m.solve(0, 1, -1), "AMOUNT_RANGE"),
        (lambda m: m.solve(0, 2, 1), "NO_ROUTE"),
        (lambda m: m.solve(2, 3, 1), "INSUFFICIENT_LIQUIDITY"),
        (lambda m: m.solve(0, 1, 1), "INSUFFICIENT_LIQUIDITY"),
        (lambda m: m.solve(0, 1, 10**20, exact_out=True), "INSUFFICIENT_LIQUIDITY"),
    ],
)
def test_a_question_without_an_answer_says_why(ask: Callable[[Any], Plan], code: str) -> None:
    with pytest.raises(CoreError) as refused:
        ask(two_islands().build())
    assert refused.value.code == code


@pytest.mark.parametrize(
    "levels",
    [
        {"bids": [(10, 1), (11, 1)], "asks": []},
        {"bids": [], "asks": [(11, 1), (11, 1)]},
        {"bids": [(0, 1)], "asks": []},
        {"bids": [(1, 0)], "asks": []},
        {"bids": [(2**64, 1)], "asks": []},
    ],
)
def test_a_book_whose_levels_cannot_be_is_refused(levels: dict[str, list[tuple[int, int]]]) -> None:
    with pytest.raises(CoreError) as refused:
        MarketBuilder(2).add_ladder(0, 1, 1, 1, 0, levels["bids"], levels["asks"])
    assert refused.value.code == "INVALID_REQUEST"


def test_a_book_serves_only_the_last_hop() -> None:
    builder = MarketBuilder(3)
    builder.add_ladder(0, 1, 10**9, 1, 0, [(10**9, 10**6)], [])
    builder.add_v2(1, 2, V2Pool(10**20, 10**20))
    with pytest.raises(CoreError) as refused:
        builder.build().solve(0, 2, 10**12)
    assert refused.value.code == "NO_ROUTE"
    assert builder.build().solve(0, 1, 10**12).legs[0].lots == 1_000


def test_what_no_venue_takes_stays_unspent() -> None:
    builder = MarketBuilder(2)
    builder.add_ladder(0, 1, 10, 1, 1_000, [(7, 3), (6, 2)], [])
    plan = builder.build().solve(0, 1, 99)
    assert (plan.amount_in, plan.unspent_in, plan.legs[0].lots) == (50, 49, 5)
    assert plan.amount_out == 33 - 1  # the fee of 0.033 is rounded up
    assert plan.legs[0].limit_price_ticks == 6
    assert not plan.legs[0].takes_rest


def test_the_rest_of_a_lot_goes_through_a_pool_or_along_another_path() -> None:
    builder = MarketBuilder(3)
    builder.add_ladder(0, 1, 10**6, 1, 0, [(10**6, 1_000)], [])
    builder.add_v2(0, 2, V2Pool(10**15, 10**15))
    builder.add_v2(2, 1, V2Pool(10**15, 10**15))
    detour = builder.build().solve(0, 1, 10_500_000)
    assert (detour.legs[-1].lots, detour.unspent_in, len(detour.legs)) == (10, 0, 3)
    builder.add_v2(0, 1, V2Pool(10**15, 10**15))
    pool = builder.build().solve(0, 1, 10_500_000)
    assert (pool.legs[-1].lots, pool.unspent_in, len(pool.legs)) == (10, 0, 2)
    assert 10_000_000 < detour.amount_out < pool.amount_out


def test_no_more_of_a_middle_token_is_bought_than_later_legs_take() -> None:
    builder = MarketBuilder(3)
    builder.add_v2(0, 2, V2Pool(10**15, 10**15))
    builder.add_ladder(2, 1, 10**6, 1, 0, [(10**6, 5)], [])
    plan = builder.build().solve(0, 1, 10**9)
    assert plan.legs[-1].lots == 5
    assert plan.unspent_in > 10**9 - 5_100_000
    assert sum(units for _, units in plan.dust) <= 1


def test_an_exact_output_is_completed_by_a_pool_where_a_lot_would_overshoot() -> None:
    builder = MarketBuilder(2)
    builder.add_ladder(0, 1, 10**6, 1, 0, [(10**6, 1_000)], [])
    builder.add_v2(0, 1, V2Pool(10**15, 10**15))
    plan = builder.build().solve(0, 1, 10_500_000, exact_out=True)
    assert plan.amount_out == 10_500_000
    assert (plan.legs[-1].lots, len(plan.legs)) == (10, 2)
