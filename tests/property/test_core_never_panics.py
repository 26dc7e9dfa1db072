"""Whatever is asked of the core, it answers, or refuses with a `CoreError`; it never panics."""

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core import (
    BalancerStablePool,
    CoreError,
    Engine,
    MarketBuilder,
    Plan,
    SolidlyPool,
    V2Pool,
    V3Pool,
    V4Pool,
    WeightedPool,
)
from tests.property.solver_markets import LadderVenue, PoolVenue, Venue, World, replay

# A Rust panic is a BaseException in Python: it passes this net, and so does an OverflowError.
REFUSALS = (CoreError, TypeError, ValueError)

EDGES = [0, 1, 2, 3, 997, 10**6 - 1, 10**6, 2**20, 2**31 - 1, 2**31, 2**32, 2**53 + 1]
EDGES += [2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**96, 2**112 - 1, 2**112, 2**127, 2**128 - 1]
EDGES += [2**128, 2**160, 2**255 - 1, 2**255, 2**256 - 1, 2**256, 10**100]
NUMBERS = st.one_of(
    st.sampled_from([sign * edge for edge in EDGES for sign in (1, -1)]),
    st.integers(-(2**257), 2**257),
    st.integers(0, 5),
)
GARBAGE = st.one_of(
    NUMBERS,
    st.sampled_from(["buy", "sell", ""]),
    st.booleans(),
    st.none(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3),
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=3),
)

SQRT_ONE = 2**96
TICKS = [(-600, 10**18, 10**18), (600, 10**18, -(10**18))]


def pool_subjects() -> list[tuple[Callable[..., Any], int]]:
    """Return the constructors and methods of the pools that only quote."""
    factors = [WeightedPool.scaling_factor(18), WeightedPool.scaling_factor(6)]
    v4 = V4Pool(3000, 4100, 60, SQRT_ONE, 0, 10**18, TICKS)
    weighted = WeightedPool([10**18, 10**6], [8 * 10**17, 2 * 10**17], factors, 10**15, 2)
    stable = BalancerStablePool([10**18, 10**6], factors, 100_000, 10**15, 1)
    pair = SolidlyPool((10**18, 10**6), (18, 6), 30, True)
    return [
        (V4Pool, 7),
        (v4.quote_exact_in, 3),
        (v4.quote_exact_out, 3),
        (v4.with_swap, 3),
        (v4.with_liquidity_change, 3),
        (v4.with_fees, 2),
        (v4.swap_fee_ppm, 1),
        (WeightedPool, 5),
        (WeightedPool.scaling_factor, 1),
        (lambda a, b, c, d: WeightedPool([a, b], [c, d], factors, 0, 1), 4),
        (lambda a, b, c: WeightedPool([1, 1], [10**18] * 2, [a, b], c, 2), 3),
        (weighted.quote_exact_in, 3),
        (weighted.quote_exact_out, 3),
        (BalancerStablePool, 5),
        (lambda a, b, c, d: BalancerStablePool([a, b], factors, c, d, 2), 4),
        (lambda a, b: BalancerStablePool([1, 1], [a, b], 1000, 0, 1), 2),
        (stable.quote_exact_in, 3),
        (stable.quote_exact_out, 3),
        (SolidlyPool, 4),
        (lambda a, b, c, d: SolidlyPool((a, b), (c, d), 30, True), 4),
        (pair.quote_exact_in, 3),
        (pair.quote_exact_out, 3),
    ]


def subjects() -> list[tuple[Callable[..., Any], int]]:
    """Return every constructor and method of the seam with the number of its arguments."""
    v2 = V2Pool(10**9, 10**9)
    v3 = V3Pool(3000, 60, SQRT_ONE, 0, 10**18, TICKS)
    engine = Engine(max_accounts=4)
    engine.add_instrument(0)
    engine.set_phase(0, 3)
    engine.place(0, 1, 1, 10, 5)
    engine.place(0, 2, 0, 9, 5)
    builder = MarketBuilder(3)
    builder.add_v2(0, 1, v2)
    builder.add_v3(1, 2, v3)
    builder.add_ladder(0, 2, 10, 1, 100, [(9, 5)], [(10, 5)])
    market = builder.build()
    return [
        (V2Pool, 3),
        (v2.quote_exact_in, 2),
        (v2.quote_exact_out, 2),
        (V3Pool, 6),
        (v3.quote_exact_in, 3),
        (v3.quote_exact_out, 3),
        (v3.with_swap, 3),
        (v3.with_liquidity_change, 3),
        (engine.place, 5),
        (engine.cancel, 3),
        (engine.set_phase, 2),
        (lambda a, b, c, d: engine.command(a, flags=b, price=c, qty=d), 4),
        (lambda a, b, c, d: engine.amend(0, a, b, price=c, qty=d), 4),
        (
            lambda a, b, c, d: engine.add_instrument(
                1, lot_units=a, tick_units=b, max_qty=c, mode=d
            ),
            4,
        ),
        (engine.levels, 3),
        (engine.depth, 3),
        (engine.orders, 2),
        (engine.order_ids, 2),
        (engine.makers, 4),
        (engine.best, 1),
        (engine.submit, 2),
        (engine.drain, 1),
        (Engine.load, 1),
        (MarketBuilder, 1),
        (builder.add_v2, 3),
        (builder.add_v3, 3),
        (builder.add_ladder, 7),
        (market.solve, 3),
        (
            lambda a, b, c, d: market.solve(
                0, 1, 100, max_hops=a, max_legs=b, base_gas=c, native_token=d
            ),
            4,
        ),
        (lambda a, b, c: market.solve(0, 2, a, exact_out=b, gas_price_wei=c, native_token=1), 3),
    ]


@settings(max_examples=1000, deadline=None)
@given(data=st.data())
def test_garbage_is_refused_and_never_panics(data: st.DataObject) -> None:
    call, count = data.draw(st.sampled_from([*subjects(), *pool_subjects()]))
    arguments = data.draw(st.lists(GARBAGE, min_size=count, max_size=count))
    try:
        answer = call(*arguments)
    except REFUSALS:
        return
    assert repr(answer)


@settings(max_examples=600, deadline=None)
@given(
    reserves=st.tuples(NUMBERS, NUMBERS),
    fee=st.sampled_from([0, 1, 3000, 999_999]),
    amount=NUMBERS,
    down=st.booleans(),
)
def test_an_extreme_pair_gives_what_it_has_or_refuses(
    reserves: tuple[int, int], fee: int, amount: int, down: bool
) -> None:
    try:
        pool = V2Pool(*reserves, fee)
        quote = pool.quote_exact_in(down, amount)
    except CoreError:
        return
    assert quote.amount_in == amount
    assert quote.amount_out < reserves[1 if down else 0]


def extreme_v3(rng: random.Random) -> V3Pool:
    """Return a pool at tick 0: empty, without ticks, of one unit, or as deep as ticks can be."""
    liquidity = rng.choice([0, 1, 10**3, 10**18, 2**100, 2**113])
    fee = rng.choice([0, 100, 3000, 999_999])
    if liquidity == 0:
        far = 10 ** rng.randint(0, 30)
        ticks = rng.choice([[], [(60, far, far), (6000, far, -far)]])
        return V3Pool(fee, 60, SQRT_ONE, 0, 0, ticks)
    width = rng.choice([60, 600, 887_220])
    return V3Pool(
        fee,
        60,
        SQRT_ONE,
        0,
        liquidity,
        [(-width, liquidity, liquidity), (width, liquidity, -liquidity)],
    )


def extreme_ladder(rng: random.Random, base: int, quote: int) -> LadderVenue:
    """Return a book of one-lot levels or of as many lots as fit, cheap or dear."""
    lots = rng.choice([1, 1, 10**6, 2**60])
    best = rng.choice([4, 10**6, 2**63])
    bids = tuple((best - level, lots) for level in range(rng.randint(0, 3)))
    asks = tuple((best + 1 + level, lots) for level in range(rng.randint(0, 3)))
    lot, tick = 10 ** rng.choice([0, 6, 18]), 10 ** rng.choice([0, 6, 18])
    return LadderVenue(base, quote, lot, tick, rng.choice([0, 1, 400, 999_999]), bids, asks)


def extreme_world(rng: random.Random) -> World:
    """Return venues whose prices have nothing to do with one another: cycles pay."""
    count = rng.randint(2, 4)
    venues: list[Venue] = []
    for _ in range(rng.randint(1, 7)):
        token0, token1 = rng.sample(range(count), 2)
        kind = rng.randint(0, 2)
        if kind == 0:
            sizes = [rng.choice([0, 1, 2, 10**6, 10**18, 2**100, 2**112 - 1]) for _ in range(2)]
            pool = V2Pool(*sizes, rng.choice([0, 1, 3000, 999_999]))
            venues.append(PoolVenue(token0, token1, pool))
        elif kind == 1:
            venues.append(PoolVenue(token0, token1, extreme_v3(rng)))
        else:
            venues.append(extreme_ladder(rng, token0, token1))
    return World((1.0,) * count, tuple(venues), 1.0)


def check_bounds(plan: Plan, *, exact_out: bool) -> None:
    assert 0 <= plan.gap_bps <= 10_000
    assert 0 <= plan.gap_net_bps <= 10_000
    assert not math.isnan(plan.spot_price)
    if exact_out:
        assert plan.net == plan.amount_in + plan.gas_cost
        assert plan.bound <= plan.amount_in
        assert plan.bound_net <= plan.net
    else:
        assert plan.net == plan.amount_out - plan.gas_cost
        assert plan.bound >= plan.amount_out
        assert plan.bound_net >= plan.net


@pytest.mark.parametrize("seed", range(250))
def test_a_plan_over_an_extreme_market_replays_or_is_refused(seed: int) -> None:
    rng = random.Random(seed)
    world = extreme_world(rng)
    market = world.market()
    amounts = [1, 2, 10**6, 10**18, 2**100, 2**128, 2**255, 2**256 - 1]
    for exact_out, gas_price in itertools.product((False, True), (0, 1, 10**9, 2**256 - 1)):
        amount = rng.choice(amounts)
        try:
            plan = market.solve(
                0,
                1,
                amount,
                exact_out=exact_out,
                gas_price_wei=gas_price,
                native_token=rng.randrange(world.token_count),
                base_gas=rng.choice([0, 2**64 - 1]),
                max_hops=rng.choice([1, 3, 2**32 - 1]),
                max_legs=rng.choice([1, 8, 2**32 - 1]),
            )
        except CoreError:
            continue
        replay(world, plan, 0, 1, plan.amount_in if exact_out else amount, world.token_count)
        assert not exact_out or plan.amount_out >= amount
        check_bounds(plan, exact_out=exact_out)


@pytest.mark.parametrize("exact_out", [False, True])
def test_the_largest_hop_limit_is_as_good_as_none(exact_out: bool) -> None:
    # Nothing joins token 3 to the order; a hop limit that saturates must not let it in.
    builder = MarketBuilder(4)
    builder.add_v2(0, 1, V2Pool(10**9, 10**9))
    builder.add_v2(2, 3, V2Pool(10**9, 1))
    builder.add_ladder(1, 3, 1, 10**18, 0, [(10**6, 1)], [(10**6 + 1, 1)])
    market = builder.build()
    plans = [
        market.solve(0, 1, 10**6, exact_out=exact_out, max_hops=hops) for hops in (4, 2**32 - 1)
    ]
    assert plans[0] == plans[1]
    assert plans[1].gap_bps < 1
