"""Laws of the solver over every kind of venue, over hostile markets, and against the clock."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from router.core import (
    BalancerStablePool,
    CoreError,
    Market,
    MarketBuilder,
    Plan,
    SolidlyPool,
    StableSwapPool,
    V2Pool,
    V4Pool,
    WeightedPool,
)

# Laws that a heuristic step could break on a rare market run on the same markets every time; they
# are about searches that came to their end.
steady = settings(derandomize=True, deadline=None, max_examples=150)
wide = settings(deadline=None, max_examples=150)
seeds = st.integers(0, 2**32)
ONE = 10**18
FACTOR = WeightedPool.scaling_factor(18)

Pool = V2Pool | V4Pool | WeightedPool | BalancerStablePool | StableSwapPool | SolidlyPool
Placed = tuple[tuple[int, ...], Pool]


def near(rng: random.Random, depth: int) -> int:
    return int(depth * rng.uniform(0.7, 1.4))


def pool_of(rng: random.Random, coins: int, depth: int) -> Pool:
    """Return a pool over coins of 18 decimals that are worth about the same."""
    kind = rng.randrange(6)
    if kind == 0 or (coins > 2 and kind in {1, 2}):
        weights = [ONE // coins] * coins
        weights[0] += ONE - sum(weights)
        held = [near(rng, depth) for _ in range(coins)]
        return WeightedPool(held, weights, [FACTOR] * coins, rng.choice([10**15, 3 * 10**15]), 2)
    if kind == 1:
        return V2Pool(near(rng, depth), near(rng, depth), rng.choice([500, 3000]))
    if kind == 2:
        reserves = (near(rng, depth), near(rng, depth))
        return SolidlyPool(reserves, (18, 18), rng.choice([1, 5, 30]), rng.random() < 0.6)
    held = [near(rng, depth) for _ in range(coins)]
    if kind in {3, 4}:
        return BalancerStablePool(held, [FACTOR] * coins, rng.choice([50, 500]) * 1000, 10**14, 2)
    return StableSwapPool(
        held, [10**18] * coins, rng.choice([20, 400]), 4 * 10**6, amp_precision=1, era="plain"
    )


def placed(seed: int, count: int | None = None) -> tuple[int, list[Placed]]:
    rng = random.Random(seed)
    tokens = rng.randint(2, 5)
    depth = int(ONE * 10 ** rng.uniform(1, 7))
    venues: list[Placed] = []
    for _ in range(count or rng.randint(1, 8)):
        coins = rng.randint(2, min(4, tokens))
        pool = pool_of(rng, coins, depth)
        width = 2 if isinstance(pool, V2Pool | SolidlyPool) else coins
        venues.append((tuple(rng.sample(range(tokens), width)), pool))
    return tokens, venues


def market_of(tokens: int, venues: list[Placed]) -> Market:
    builder = MarketBuilder(tokens)
    for coins, pool in venues:
        if isinstance(pool, V2Pool):
            builder.add_v2(coins[0], coins[1], pool)
        elif isinstance(pool, V4Pool):
            builder.add_v4(coins[0], coins[1], pool)
        else:
            builder.add_multi(list(coins), pool)
    return builder.build()


def order_of(seed: int, size: float) -> tuple[int, int, int]:
    rng = random.Random(seed + 7)
    tokens, venues = placed(seed)
    del venues
    token_in, token_out = rng.sample(range(tokens), 2)
    return token_in, token_out, max(1, int(ONE * 10**size))


def solved(market: Market, order: tuple[int, int, int], **terms: int | bool) -> Plan | None:
    try:
        return market.solve(*order, **{"max_legs": 32, **terms})  # type: ignore[arg-type]
    except CoreError as refused:
        if refused.code in {"NO_ROUTE", "INSUFFICIENT_LIQUIDITY"}:
            return None
        raise


def replayed(venues: list[Placed], plan: Plan, order: tuple[int, int, int]) -> None:
    """Swap leg by leg on the pools themselves and compare every amount."""
    token_in, token_out, amount = order
    held = {token_in: amount}
    assert len({leg.venue for leg in plan.legs}) == len(plan.legs), "a pool is used twice"
    for leg in plan.legs:
        coins, pool = venues[leg.venue]
        into, out = coins.index(leg.token_in), coins.index(leg.token_out)
        if isinstance(pool, V2Pool | V4Pool):
            quote = pool.quote_exact_in(into == 0, leg.amount_in)
        else:
            quote = pool.quote_exact_in(into, out, leg.amount_in)
        assert (quote.amount_in, quote.amount_out) == (leg.amount_in, leg.amount_out)
        held[leg.token_in] = held.get(leg.token_in, 0) - leg.amount_in
        assert held[leg.token_in] >= 0
        held[leg.token_out] = held.get(leg.token_out, 0) + leg.amount_out
    assert held[token_out] == plan.amount_out


@wide
@given(seeds, st.floats(-16, 9))
def test_plans_over_every_kind_replay_and_stay_below_their_bound(seed: int, size: float) -> None:
    tokens, venues = placed(seed)
    order = order_of(seed, size)
    plan = solved(market_of(tokens, venues), order)
    assume(plan is not None)
    assert plan is not None
    assert 0 < plan.amount_out <= plan.bound
    assert plan.amount_out >= plan.best_single
    replayed(venues, plan, order)


@steady
@given(seeds, st.floats(-6, 5))
def test_no_pool_alone_pays_more_than_the_plan(seed: int, size: float) -> None:
    tokens, venues = placed(seed)
    order = order_of(seed, size)
    plan = solved(market_of(tokens, venues), order)
    assume(plan is not None)
    assert plan is not None
    for venue in venues:
        alone = solved(market_of(tokens, [venue]), order)
        assert alone is None or alone.amount_out <= plan.amount_out


@steady
@given(seeds, st.floats(-6, 4), st.integers(1, 4))
def test_a_further_pool_never_costs_more_than_rounding(seed: int, size: float, more: int) -> None:
    tokens, venues = placed(seed)
    order = order_of(seed, size)
    rng = random.Random(seed + 3)
    added = [*venues]
    for _ in range(more):
        pool = V2Pool(near(rng, 10**21), near(rng, 10**21), 3000)
        coins = rng.sample(range(tokens), 2)
        added.append(((coins[0], coins[1]), pool))
    before = solved(market_of(tokens, venues), order)
    after = solved(market_of(tokens, added), order)
    assume(before is not None)
    assert before is not None
    assert after is not None
    assume(not after.stopped_early)
    assert after.amount_out >= before.amount_out * (1 - 1e-5) - 2


@steady
@given(seeds, st.floats(-6, 4))
def test_the_order_of_the_pools_does_not_change_the_value(seed: int, size: float) -> None:
    tokens, venues = placed(seed)
    order = order_of(seed, size)
    shuffled = [*venues]
    random.Random(seed + 5).shuffle(shuffled)
    plan = solved(market_of(tokens, venues), order)
    other = solved(market_of(tokens, shuffled), order)
    assume(plan is not None)
    assert plan is not None
    assert other is not None
    assume(not plan.stopped_early)
    assert other.amount_out == pytest.approx(plan.amount_out, rel=1e-5, abs=2)


@steady
@given(seeds, st.floats(-3, 2))
def test_more_input_never_buys_noticeably_less(seed: int, size: float) -> None:
    tokens, venues = placed(seed)
    token_in, token_out, amount = order_of(seed, size)
    market = market_of(tokens, venues)
    plans = [solved(market, (token_in, token_out, amount * part)) for part in (1, 2, 5, 20)]
    outputs = [p.amount_out for p in plans if p is not None and not p.stopped_early]
    for less, more in pairwise(outputs):
        assert more >= less * (1 - 1e-6) - 2


@steady
@given(seeds, st.floats(-3, 2))
def test_what_an_exact_output_costs_buys_it_back(seed: int, size: float) -> None:
    tokens, venues = placed(seed)
    token_in, token_out, amount = order_of(seed, size)
    market = market_of(tokens, venues)
    bought = solved(market, (token_in, token_out, amount), exact_out=True)
    assume(bought is not None)
    assert bought is not None
    assert bought.amount_out >= amount
    assert bought.bound <= bought.amount_in
    sold = solved(market, (token_in, token_out, bought.amount_in))
    assert sold is not None
    # Exact-out may overshoot a little; selling its input gives at least the order but for rounding.
    assert sold.amount_out >= amount * (1 - 1e-6) - 3 * len(bought.legs)


EXTREMES = [1, 2, 999, 10**6, 10**18, 10**30, 2**112 - 1]


@wide
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 3),
            st.sampled_from(EXTREMES),
            st.sampled_from(EXTREMES),
            st.sampled_from([0, 1, 3000, 999_999]),
        ).filter(lambda venue: venue[0] != venue[1]),
        min_size=1,
        max_size=10,
    ),
    st.sampled_from([1, 7, 100, 10**9, 10**24, 10**38, 2**200, 2**256 - 1]),
    st.booleans(),
)
def test_cycles_and_absurd_reserves_never_break_a_plan(
    pairs: list[tuple[int, int, int, int, int]], amount: int, exact_out: bool
) -> None:
    venues: list[Placed] = []
    for a, b, reserve_a, reserve_b, fee in pairs:
        venues.append(((a, b), V2Pool(min(reserve_a, 2**112 - 1), min(reserve_b, 2**112 - 1), fee)))
    market = market_of(4, venues)
    try:
        plan = market.solve(0, 1, amount, exact_out=exact_out, max_legs=16)
    except CoreError as refused:
        if refused.code in {"NO_ROUTE", "INSUFFICIENT_LIQUIDITY", "OVERFLOW"}:
            return
        raise
    if exact_out:
        assert plan.bound <= plan.amount_in
        assert plan.amount_out >= amount
    else:
        assert 0 < plan.amount_out <= plan.bound
        assert plan.amount_in + plan.unspent_in == amount
    replayed(venues, plan, (0, 1, plan.amount_in if exact_out else amount))


def crowd(count: int) -> Market:
    rng = random.Random(count)
    builder = MarketBuilder(40)
    for _ in range(count):
        a, b = rng.sample(range(40), 2)
        builder.add_v2(a, b, V2Pool(near(rng, 10**21), near(rng, 10**21), 3000))
    return builder.build()


def test_a_deadline_that_has_passed_still_gives_a_plan_with_a_bound_and_says_so() -> None:
    market = crowd(400)
    full = market.solve(0, 1, 10**22, max_legs=32)
    cut = market.solve(0, 1, 10**22, max_legs=32, deadline_micros=0)
    assert cut.stopped_early
    assert cut.best_single <= cut.amount_out <= cut.bound
    assert cut.bound >= full.amount_out


def test_a_market_full_of_arbitrage_is_answered_in_bounded_time() -> None:
    market = crowd(2_000)
    begun = time.perf_counter()
    plan = market.solve(0, 1, 10**23, max_legs=32)
    assert time.perf_counter() - begun < 5
    assert plan.amount_out <= plan.bound
    assert plan.stopped_early


def test_many_orders_at_once_are_answered_as_one_by_one() -> None:
    market = crowd(60)
    rng = random.Random(4)
    orders = [(i % 40, (i * 7 + 1) % 40, int(10 ** rng.uniform(1, 22))) for i in range(60)]
    asked = [*orders, (0, 0, 1), (0, 99, 1), (0, 1, 0)]
    together = market.quote_many(asked, max_legs=16, threads=3)
    assert len(together) == len(asked)
    for order, answer in zip(asked, together, strict=True):
        assert answer_of(market, order) == (
            answer.code if isinstance(answer, CoreError) else answer
        )


def answer_of(market: Market, order: tuple[int, int, int]) -> Plan | str:
    """Return the plan, or the code of the refusal."""
    try:
        return market.solve(*order, max_legs=16)
    except CoreError as refused:
        return refused.code


def calm(seed: int) -> list[Placed]:
    """Return pairs among three tokens at one price, apart by less than their fee."""
    rng = random.Random(seed)
    venues: list[Placed] = []
    for _ in range(rng.randint(1, 7)):
        a, b = rng.sample(range(3), 2)
        depth = int(ONE * 10 ** rng.uniform(2, 5))
        venues.append(((a, b), V2Pool(depth, int(depth * rng.uniform(0.999, 1.001)), 3000)))
    return venues


@steady
@given(seeds, st.floats(0, 5), st.floats(0.5, 1.05))
def test_a_limit_price_sells_just_what_reaches_it(seed: int, size: float, part: float) -> None:
    venues = calm(seed)
    market = market_of(3, venues)
    amount = int(ONE * 10**size)
    whole = solved(market, (0, 1, amount))
    assume(whole is not None)
    assert whole is not None
    limit = (int(whole.spot_price * part * 10**18), 10**18)
    try:
        plan = market.solve(0, 1, amount, max_legs=32, limit=limit)
    except CoreError as refused:
        if refused.code != "INSUFFICIENT_LIQUIDITY":
            raise
        assert part > 1 - 1e-6
        return
    assert part < 1 + 1e-6
    assert plan.amount_in + plan.unspent_in == amount
    assert plan.amount_out * limit[1] >= limit[0] * plan.amount_in
    assert plan.amount_out <= plan.bound
    replayed(venues, plan, (0, 1, plan.amount_in))
    if plan.unspent_in:
        # A little more does not reach the limit any more.
        further = max(1, min(plan.unspent_in, plan.amount_in // 100))
        more = solved(market, (0, 1, plan.amount_in + further))
        assert more is not None
        gained = more.amount_out - plan.amount_out
        assert gained * limit[1] <= limit[0] * further * (1 + 1e-5) + 10 * limit[1]
    else:
        assert plan.amount_out == pytest.approx(whole.amount_out, rel=1e-9)
