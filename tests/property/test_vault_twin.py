"""The Balancer and Aerodrome pools equal a plain-integer twin of the contracts, unit by unit.

The twin is written for the reader, from the contracts' published formulas: it has no bounds and
no checks, only the order of multiplications and divisions and the direction of each rounding.
"""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from router.core import BalancerStablePool, CoreError, SolidlyPool, WeightedPool

ONE = 10**18
ONE_20 = 10**20
ONE_36 = 10**36
E_128 = 38877084059945950922200000000000000000000000000000000000
E_64 = 6235149080811616882910000000
# 2^5 to 2^-4 and e to these powers, with 20 decimals.
POWERS = [
    (3200 * ONE, 7896296018268069516100000000000000),
    (1600 * ONE, 888611052050787263676000000),
    (800 * ONE, 298095798704172827474000),
    (400 * ONE, 5459815003314423907810),
    (200 * ONE, 738905609893065022723),
    (100 * ONE, 271828182845904523536),
    (50 * ONE, 164872127070012814685),
    (25 * ONE, 128402541668774148407),
    (25 * ONE // 2, 113314845306682631683),
    (25 * ONE // 4, 106449445891785942956),
]


def ceil_div(a: int, b: int) -> int:
    return -(-a // b)


def floor_div(a: int, b: int) -> int:
    return a // b


def exp(exponent: int) -> int:
    if exponent < 0:
        return ONE_36 // exp(-exponent)
    first = 1
    for power, e_to_power in ((128 * ONE, E_128), (64 * ONE, E_64)):
        if exponent >= power and first == 1:
            exponent -= power
            first = e_to_power
    exponent *= 100
    product = ONE_20
    for power, e_to_power in POWERS[:8]:
        if exponent >= power:
            exponent -= power
            product = product * e_to_power // ONE_20
    total = ONE_20 + exponent
    term = exponent
    for divisor in range(2, 13):
        term = term * exponent // ONE_20 // divisor
        total += term
    return product * total // ONE_20 * first // 100


def odd_series(ratio: int, one: int, last: int) -> int:
    square = ratio * ratio // one
    power = total = ratio
    for divisor in range(3, last + 1, 2):
        power = power * square // one
        total += power // divisor
    return 2 * total


def ln(value: int) -> int:
    if value < ONE:
        return -ln(ONE_36 // value)
    total = 0
    for power, e_to_power in ((128 * ONE, E_128), (64 * ONE, E_64)):
        if value >= e_to_power * ONE:
            value //= e_to_power
            total += power
    value *= 100
    total *= 100
    for power, e_to_power in POWERS:
        if value >= e_to_power:
            value = value * ONE_20 // e_to_power
            total += power
    ratio = (value - ONE_20) * ONE_20 // (value + ONE_20)
    return (total + odd_series(ratio, ONE_20, 11)) // 100


def power_of(base: int, exponent: int) -> int:
    if abs(base - ONE) < ONE // 10:
        scaled = base * ONE
        ratio = abs(scaled - ONE_36) * ONE_36 // (scaled + ONE_36)
        log = odd_series(ratio, ONE_36, 15)
        product = log // ONE * exponent + log % ONE * exponent // ONE
        sign = 1 if base >= ONE else -1
    else:
        product = abs(ln(base)) * exponent
        sign = 1 if base >= ONE else -1
    return exp(sign * (product // ONE))


def power_up(base: int, exponent: int, version: int) -> int:
    if version == 2 and exponent in (ONE, 2 * ONE, 4 * ONE):
        for _ in range(exponent // ONE // 2):
            base = ceil_div(base * base, ONE)
        return base
    power = power_of(base, exponent)
    return power + ceil_div(power * 10000, ONE) + 1


def upscaled(pool: WeightedPool | BalancerStablePool, coin: int, amount: int) -> int:
    return amount * pool.scaling_factors[coin] // ONE


def weighted_out(pool: WeightedPool, amount: int) -> int:
    kept = upscaled(pool, 0, amount - ceil_div(amount * pool.swap_fee, ONE))
    held_in, held_out = (upscaled(pool, coin, pool.balances[coin]) for coin in (0, 1))
    exponent = pool.weights[0] * ONE // pool.weights[1]
    left = power_up(ceil_div(held_in * ONE, held_in + kept), exponent, pool.version)
    return held_out * max(0, ONE - left) // ONE * ONE // pool.scaling_factors[1]


def weighted_in(pool: WeightedPool, amount: int) -> int:
    wanted = upscaled(pool, 1, amount)
    held_in, held_out = (upscaled(pool, coin, pool.balances[coin]) for coin in (0, 1))
    exponent = ceil_div(pool.weights[1] * ONE, pool.weights[0])
    grown = power_up(ceil_div(held_out * ONE, held_out - wanted), exponent, pool.version)
    price = ceil_div(held_in * (grown - ONE), ONE)
    return ceil_div(ceil_div(price * ONE, pool.scaling_factors[0]) * ONE, ONE - pool.swap_fee)


def invariant(balances: list[int], amp: int, version: int) -> int:
    """Return the invariant, or -1 where the contract gives up."""
    count, total = len(balances), sum(balances)
    found, ann = total, amp * count
    for _ in range(255):
        before = found
        if version == 1:
            power = count * balances[0]
            for balance in balances[1:]:
                power = ceil_div(power * balance * count, found)
            numerator = count * found * found + ceil_div(ann * total * power, 1000)
            denominator = (count + 1) * found + (ann - 1000) * power // 1000
            found = ceil_div(numerator, denominator)
        else:
            power = found
            for balance in balances:
                power = power * found // (balance * count)
            numerator = (ann * total // 1000 + power * count) * found
            found = numerator // ((ann - 1000) * found // 1000 + (count + 1) * power)
        if abs(found - before) <= 1:
            return found
    return -1


def balance_left(balances: list[int], amp: int, coin: int, kept: int) -> int:
    count = len(balances)
    ann = amp * count
    power = balances[0] * count
    for balance in balances[1:]:
        power = power * balance * count // kept
    c = ceil_div(kept * kept, ann * power) * 1000 * balances[coin]
    b = sum(balances) - balances[coin] + kept // ann * 1000
    found = ceil_div(kept * kept + c, kept + b)
    before = found + 2
    while abs(found - before) > 1:
        before = found
        found = ceil_div(found * found + c, 2 * found + b - kept)
    return found


def stable_out(pool: BalancerStablePool, amount: int) -> int:
    balances = [upscaled(pool, coin, held) for coin, held in enumerate(pool.balances)]
    kept = invariant(balances, pool.amp, pool.version)
    balances[0] += upscaled(pool, 0, amount - ceil_div(amount * pool.swap_fee, ONE))
    paid = balances[1] - balance_left(balances, pool.amp, 1, kept) - 1
    return paid * ONE // pool.scaling_factors[1]


def stable_in(pool: BalancerStablePool, amount: int) -> int:
    balances = [upscaled(pool, coin, held) for coin, held in enumerate(pool.balances)]
    kept = invariant(balances, pool.amp, pool.version)
    balances[1] -= upscaled(pool, 1, amount)
    price = balance_left(balances, pool.amp, 0, kept) - balances[0] + 1
    return ceil_div(ceil_div(price * ONE, pool.scaling_factors[0]) * ONE, ONE - pool.swap_fee)


def solidly_curve(x: int, y: int) -> int:
    return (x * y // ONE) * (x * x // ONE + y * y // ONE) // ONE


def solidly_left(pool: SolidlyPool, other: int, kept: int, start: int) -> int | None:
    """Return the balance that keeps the invariant; one step below it the contract scales again.

    That outgrows 256 bits for two coins of few decimals, and the contract reverts: nothing then.
    """
    found = start
    units = [10**places for places in pool.decimals]
    while True:
        value = solidly_curve(other, found)
        slope = 3 * other * (found * found // ONE) // ONE + other * other // ONE * other // ONE
        step = abs(kept - value) * ONE // slope
        if step == 0 and value < kept:
            scaled_again = solidly_curve(other * ONE // units[0], (found + 1) * ONE // units[1])
            if scaled_again * ONE >= 2**256:
                return None
            if scaled_again > kept:
                return found + 1
        if step == 0 and (
            value == kept or (value > kept and solidly_curve(other, found - 1) < kept)
        ):
            return found
        found += max(step, 1) if value < kept else -max(step, 1)


def solidly_out(pool: SolidlyPool, amount: int) -> int | None:
    kept = amount - amount * pool.fee_bps // 10000
    reserve_in, reserve_out = pool.balances
    if not pool.stable:
        return kept * reserve_out // (reserve_in + kept)
    unit_in, unit_out = (10**places for places in pool.decimals)
    held_in, held_out = reserve_in * ONE // unit_in, reserve_out * ONE // unit_out
    grown = held_in + kept * ONE // unit_in
    left = solidly_left(pool, grown, solidly_curve(held_in, held_out), held_out)
    return None if left is None else (held_out - left) * unit_out // ONE


fees = st.sampled_from([0, 1, 10**12, 3 * 10**15, 17609 * 10**11, 10**17])
versions = st.sampled_from([1, 2])


@st.composite
def weighted_pools(draw: st.DrawFn) -> WeightedPool:
    places = draw(st.lists(st.sampled_from([0, 2, 6, 8, 18]), min_size=2, max_size=8))
    ratio = st.sampled_from([ONE // 2, ONE // 4, ONE // 5, ONE * 4 // 5, ONE // 3])
    weight = st.one_of(ratio, st.integers(ONE // 100, ONE))
    return WeightedPool(
        [draw(st.integers(10 ** (place + 1), 10 ** (place + 12))) for place in places],
        [draw(weight) for _ in places],
        [WeightedPool.scaling_factor(place) for place in places],
        draw(fees),
        draw(versions),
    )


@st.composite
def stable_pools(draw: st.DrawFn) -> BalancerStablePool:
    places = draw(st.lists(st.sampled_from([6, 8, 18]), min_size=2, max_size=5))
    rate = st.one_of(st.just(ONE), st.integers(ONE // 2, 2 * ONE))
    return BalancerStablePool(
        [draw(st.integers(10**place, 10 ** (place + 5))) for place in places],
        [BalancerStablePool.scaling_factor(place) * draw(rate) // ONE for place in places],
        draw(st.one_of(st.just(1000), st.integers(1000, 5_000_000))),
        draw(fees),
        draw(versions),
    )


@st.composite
def pairs(draw: st.DrawFn) -> SolidlyPool:
    first, second = (draw(st.sampled_from([6, 8, 18])) for _ in range(2))
    reserves = (
        draw(st.integers(10**first, 10 ** (first + 6))),
        draw(st.integers(10**second, 10 ** (second + 6))),
    )
    return SolidlyPool(reserves, (first, second), draw(st.integers(0, 300)), draw(st.booleans()))


def agree(ask: Callable[[], int], expected: Callable[[], int | None], *, refused: bool) -> None:
    """Compare an answer with the twin's; a refusal must be one that the twin would share."""
    try:
        value = ask()
    except CoreError:
        assert refused
        return
    assert value == expected()


@given(weighted_pools(), st.integers(1, 290), st.integers(0, 40))
def test_weighted_swaps_are_the_twins(pool: WeightedPool, part: int, halvings: int) -> None:
    amount = max(1, pool.balances[0] * part // 1000 >> halvings)
    agree(
        lambda: pool.quote_exact_in(0, 1, amount).amount_out,
        lambda: weighted_out(pool, amount),
        refused=False,
    )
    wanted = max(1, pool.balances[1] * part // 1000 >> halvings)
    agree(
        lambda: pool.quote_exact_out(0, 1, wanted).amount_in,
        lambda: weighted_in(pool, wanted),
        refused=pool.balances[0] + weighted_in(pool, wanted) >= 2**112,
    )


@given(stable_pools(), st.integers(1, 999), st.integers(0, 40))
def test_stable_swaps_are_the_twins(pool: BalancerStablePool, part: int, halvings: int) -> None:
    scaled = [upscaled(pool, coin, held) for coin, held in enumerate(pool.balances)]
    found = invariant(scaled, pool.amp, pool.version)
    agree(pool.invariant, lambda: found, refused=found < 0)
    amount = max(1, pool.balances[0] * part // 1000 >> halvings)
    agree(
        lambda: pool.quote_exact_in(0, 1, amount).amount_out,
        lambda: stable_out(pool, amount),
        refused=found < 0 or stable_out(pool, amount) < 0,
    )
    wanted = max(1, pool.balances[1] * part // 1000 >> halvings)
    agree(
        lambda: pool.quote_exact_out(0, 1, wanted).amount_in,
        lambda: stable_in(pool, wanted),
        refused=found < 0 or stable_in(pool, wanted) > 2**112,
    )


@given(pairs(), st.integers(1, 2000), st.integers(0, 40))
def test_pair_swaps_are_the_twins(pool: SolidlyPool, part: int, halvings: int) -> None:
    amount = max(1, pool.balances[0] * part // 1000 >> halvings)
    expected = solidly_out(pool, amount)
    agree(
        lambda: pool.quote_exact_in(0, 1, amount).amount_out,
        lambda: expected,
        refused=expected is None,
    )
