"""The Balancer pools follow their curves, computed here with 80 digits, and err for the pool."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core import BalancerStablePool, CoreError, WeightedPool

ONE = 10**18
DIGITS = 80
# What a power may be off, as a part of the balance: the contract allows 10^-14 of the power, and
# the logarithm of a number with 18 decimals is multiplied by up to 99.
POWER_ERROR = Decimal("3e-14")
# Both stable contracts divide by the amplification before they multiply by its precision of 1000.
STABLE_ERROR = 10**6


@st.composite
def weighted_pools(draw: st.DrawFn) -> WeightedPool:
    decimals = draw(st.lists(st.sampled_from([6, 8, 18]), min_size=2, max_size=4))
    weight = st.one_of(
        st.sampled_from([ONE // 2, ONE // 5, ONE * 4 // 5, ONE // 4]), st.integers(ONE // 100, ONE)
    )
    return WeightedPool(
        [draw(st.integers(10**places, 10 ** (places + 9))) for places in decimals],
        [draw(weight) for _ in decimals],
        [WeightedPool.scaling_factor(places) for places in decimals],
        draw(st.sampled_from([0, 10**12, 3 * 10**15, 10**17])),
        draw(st.sampled_from([1, 2])),
    )


@st.composite
def stable_pools(draw: st.DrawFn) -> BalancerStablePool:
    decimals = draw(st.lists(st.sampled_from([6, 18]), min_size=2, max_size=5))
    size = draw(st.integers(0, 6))
    rate = st.integers(ONE, 2 * ONE)
    return BalancerStablePool(
        [draw(st.integers(1, 1000)) * 10 ** (places + size) for places in decimals],
        [BalancerStablePool.scaling_factor(places) * draw(rate) // ONE for places in decimals],
        draw(st.integers(1, 5000)) * 1000,
        draw(st.sampled_from([0, 10**12, 3 * 10**15, 10**17])),
        draw(st.sampled_from([1, 2])),
    )


def in_wholes(pool: WeightedPool | BalancerStablePool) -> list[Decimal]:
    """Return the balances in the pool's whole units, exactly."""
    pairs = zip(pool.balances, pool.scaling_factors, strict=True)
    return [Decimal(balance * factor) / ONE**2 for balance, factor in pairs]


def base_units(pool: WeightedPool | BalancerStablePool, coin: int, wholes: Decimal) -> Decimal:
    return wholes * ONE**2 / pool.scaling_factors[coin]


def kept_wholes(pool: WeightedPool | BalancerStablePool, amount: int) -> Decimal:
    kept = Decimal(amount) * (ONE - pool.swap_fee) / ONE
    return kept * pool.scaling_factors[0] / ONE**2


def down(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_FLOOR))


def up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


@given(weighted_pools(), st.integers(1, 290))
def test_a_weighted_pool_pays_what_its_curve_says_or_hardly_less(
    pool: WeightedPool, thousandths: int
) -> None:
    amount = max(1, pool.balances[0] * thousandths // 1000)
    quote = pool.quote_exact_in(0, 1, amount)
    with localcontext(prec=DIGITS):
        balance_in, balance_out, *_ = in_wholes(pool)
        exponent = Decimal(pool.weights[0]) / pool.weights[1]
        grown = balance_in + kept_wholes(pool, amount)
        exact = balance_out * (1 - (balance_in / grown) ** exponent)
        error = balance_out * POWER_ERROR
        assert quote.amount_out <= down(base_units(pool, 1, exact))
        # The fee and the output are each rounded by up to one unit.
        unit = pool.balances[1] * 4 // pool.balances[0] * max(1, up(exponent)) + 2
        assert quote.amount_out >= down(base_units(pool, 1, exact - error)) - unit


@given(weighted_pools(), st.integers(1, 290))
def test_a_weighted_pool_asks_what_its_curve_says_or_hardly_more(
    pool: WeightedPool, thousandths: int
) -> None:
    amount = max(1, pool.balances[1] * thousandths // 1000)
    with localcontext(prec=DIGITS):
        balance_in, balance_out, *_ = in_wholes(pool)
        exponent = Decimal(pool.weights[1]) / pool.weights[0]
        wanted = Decimal(amount * pool.scaling_factors[1]) / ONE**2
        growth = (balance_out / (balance_out - wanted)) ** exponent
        exact = balance_in * (growth - 1)
        gross = base_units(pool, 0, exact) * ONE / (ONE - pool.swap_fee)
        error = base_units(pool, 0, balance_in * growth * POWER_ERROR) * 2
        if pool.balances[0] + gross >= 2**112:
            with pytest.raises(CoreError, match="outgrows"):
                pool.quote_exact_out(0, 1, amount)
            return
        quote = pool.quote_exact_out(0, 1, amount)
        assert up(gross) <= quote.amount_in <= up(gross + error) + 3


def invariant(balances: list[Decimal], amp: int) -> Decimal:
    """Return D of Ann * S + D = Ann * D + D^(n+1) / (n^n P), where Ann = amp / 1000 * n."""
    count = len(balances)
    ann = Decimal(amp) / 1000 * count
    total = sum(balances)
    found = total
    for _ in range(300):
        power = found
        for balance in balances:
            power = power * found / (balance * count)
        after = (ann * total + power * count) * found / ((ann - 1) * found + (count + 1) * power)
        if abs(after - found) < Decimal(10) ** (30 - DIGITS):
            return after
        found = after
    raise AssertionError("Newton's method did not end")


def balance_left(balances: list[Decimal], amp: int, coin: int, kept: Decimal) -> Decimal:
    """Return the balance of `coin` that keeps the invariant `kept` with the other balances."""
    count = len(balances)
    ann = Decimal(amp) / 1000 * count
    c = kept
    total = Decimal(0)
    for place, balance in enumerate(balances):
        if place != coin:
            c = c * kept / (balance * count)
            total += balance
    c = c * kept / (ann * count)
    b = total + kept / ann - kept
    return (-b + (b * b + 4 * c).sqrt()) / 2


@given(stable_pools(), st.integers(1, 900), st.integers(0, 40))
def test_a_stable_pool_pays_what_its_curve_says(
    pool: BalancerStablePool, thousandths: int, halvings: int
) -> None:
    amount = max(1, pool.balances[0] * thousandths // 1000 >> halvings)
    try:
        quote = pool.quote_exact_in(0, 1, amount)
    except CoreError:
        return
    with localcontext(prec=DIGITS):
        balances = in_wholes(pool)
        kept = invariant(balances, pool.amp)
        before = balances[1]
        balances[0] += kept_wholes(pool, amount)
        exact = base_units(pool, 1, before - balance_left(balances, pool.amp, 1, kept))
        slack = STABLE_ERROR * ONE // pool.scaling_factors[1] + 3
        unit = up(Decimal(quote.amount_out + 1) / amount) * 2
        assert -slack - unit <= quote.amount_out - exact <= slack


@given(stable_pools())
def test_the_invariant_of_a_stable_pool_is_that_of_its_curve(pool: BalancerStablePool) -> None:
    try:
        found = pool.invariant()
    except CoreError:
        return
    with localcontext(prec=DIGITS):
        exact = invariant(in_wholes(pool), pool.amp) * ONE
        assert abs(found - exact) < STABLE_ERROR
