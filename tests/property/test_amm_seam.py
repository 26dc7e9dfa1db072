"""Laws of the pools as Python sees them: exact integers in, exact integers out."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from router.core import CoreError, V2Pool, V3Pool

T = TypeVar("T")

MAX_RESERVE = 2**112 - 1
MIN_SQRT_RATIO = 4295128739
MAX_SQRT_RATIO = 1461446703485210103287273052203988822378723970342
ONE_X96 = 2**96
CODES = {
    "AMOUNT_RANGE",
    "EMPTY_POOL",
    "INSUFFICIENT_LIQUIDITY",
    "INVALID_POOL",
    "OVERFLOW",
    "INVALID_REQUEST",
}

reserves = st.integers(1, MAX_RESERVE)
any_int = st.one_of(
    st.integers(-(2**300), 2**300),
    st.integers(-3, 3),
    st.sampled_from([2**n + d for n in (31, 63, 64, 112, 127, 128, 255, 256) for d in (-1, 0, 1)]),
)


def answer(ask: Callable[[], T]) -> T | str:
    """Return the answer, or the code of the refusal."""
    try:
        return ask()
    except CoreError as refused:
        return refused.code


@st.composite
def v3_pools(draw: st.DrawFn) -> V3Pool:
    """Pools at tick 0 whose positions overlap and leave gaps."""
    spacing = draw(st.sampled_from([1, 10, 60, 200]))
    pool = V3Pool(draw(st.integers(0, 999_999)), spacing, ONE_X96, 0, 0, [])
    for _ in range(draw(st.integers(1, 5))):
        lower = draw(st.integers(-400, 399))
        upper = draw(st.integers(lower + 1, 400))
        liquidity = draw(st.integers(1, 2**90))
        pool = pool.with_liquidity_change(lower * spacing, upper * spacing, liquidity)
    return pool


@given(reserves, reserves, st.integers(0, 999_999), st.booleans(), reserves)
def test_v2_amounts_are_the_closed_formulas(
    reserve0: int, reserve1: int, fee_ppm: int, zero_for_one: bool, amount: int
) -> None:
    pool = V2Pool(reserve0, reserve1, fee_ppm)
    reserve_in, reserve_out = (reserve0, reserve1) if zero_for_one else (reserve1, reserve0)
    if reserve_in + amount <= MAX_RESERVE:
        kept = amount * (1_000_000 - fee_ppm)
        out = kept * reserve_out // (reserve_in * 1_000_000 + kept)
        quote = pool.quote_exact_in(zero_for_one, amount)
        assert (quote.amount_in, quote.amount_out) == (amount, out)
        assert quote.fee_amount == -(-amount * fee_ppm // 1_000_000)
    if amount < reserve_out:
        numerator = reserve_in * amount * 1_000_000
        paid = numerator // ((reserve_out - amount) * (1_000_000 - fee_ppm)) + 1
        if reserve_in + paid <= MAX_RESERVE:
            assert pool.quote_exact_out(zero_for_one, amount).amount_in == paid
        else:
            with pytest.raises(CoreError, match="outgrows"):
                pool.quote_exact_out(zero_for_one, amount)


@given(v3_pools())
def test_a_v3_pool_is_rebuilt_from_what_it_tells(pool: V3Pool) -> None:
    again = V3Pool(
        pool.fee_ppm,
        pool.tick_spacing,
        pool.sqrt_price_x96,
        pool.tick,
        pool.liquidity,
        pool.ticks,
    )
    assert again == pool


@given(v3_pools(), st.booleans(), st.integers(1, 2**255 - 1))
def test_v3_next_states_are_reached_by_events_too(
    pool: V3Pool, zero_for_one: bool, amount: int
) -> None:
    quote = answer(lambda: pool.quote_exact_in(zero_for_one, amount))
    if isinstance(quote, str):
        assert quote == "EMPTY_POOL"
        return
    after = quote.next
    assert isinstance(after, V3Pool)
    assert pool.with_swap(after.sqrt_price_x96, after.liquidity, after.tick) == after


@given(v3_pools(), st.booleans(), st.integers(1, 2**120))
def test_v3_exact_out_asks_for_what_exact_in_needs(
    pool: V3Pool, zero_for_one: bool, amount: int
) -> None:
    asked = answer(lambda: pool.quote_exact_out(zero_for_one, amount))
    if isinstance(asked, str):
        assert asked in {"INSUFFICIENT_LIQUIDITY", "EMPTY_POOL"}
        return
    assert asked.amount_out == amount
    assert pool.quote_exact_in(zero_for_one, asked.amount_in).amount_out >= amount
    assume(asked.amount_in > 1)
    less = pool.quote_exact_in(zero_for_one, asked.amount_in - 1)
    assert less.amount_out <= pool.quote_exact_in(zero_for_one, asked.amount_in).amount_out


@given(st.booleans(), any_int, any_int, any_int)
def test_no_integer_escapes_as_anything_but_a_core_error(
    zero_for_one: bool, first: int, second: int, third: int
) -> None:
    pool = V3Pool(500, 10, ONE_X96, 0, 7, [(-10, 7, 7), (10, 7, -7)])
    calls = [
        lambda: V2Pool(first, second, third).quote_exact_in(zero_for_one, 10**6),
        lambda: V2Pool(10**9, 10**9).quote_exact_in(zero_for_one, first),
        lambda: V2Pool(10**9, 10**9).quote_exact_out(zero_for_one, first),
        lambda: pool.quote_exact_in(zero_for_one, first, second),
        lambda: pool.quote_exact_out(zero_for_one, first, second),
        lambda: pool.with_swap(first, second, third),
        lambda: pool.with_liquidity_change(first, second, third),
        lambda: V3Pool(first, second, third, 0, 0, []),
        lambda: V3Pool(500, 10, first, second, third, []),
        lambda: V3Pool(500, 10, ONE_X96, 0, 0, [(first, second, third)]),
    ]
    for call in calls:
        outcome = answer(call)
        assert not isinstance(outcome, str) or outcome in CODES
