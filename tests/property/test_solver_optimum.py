"""The optimum checked without the solver: every unit of a fine grid, refined to single units."""

from collections.abc import Callable

import pytest

from router.core import V2Pool
from tests.property.solver_markets import LadderVenue, PoolVenue, World, path_out

GRID = 400


def refined_best(value: Callable[[int], int], total: int) -> int:
    """Return the maximum of a concave function of 0..total: a grid, then ever finer ones."""
    low, high = 0, total
    while True:
        step = max(1, (high - low) // GRID)
        best = max(range(low, high + 1, step), key=value)
        if step == 1:
            return value(best)
        low, high = max(low, best - 2 * step), min(high, best + 2 * step)


def three_pools() -> World:
    """Two direct pools and one reached through a third token; one unit is worth one everywhere."""
    venues = (
        PoolVenue(0, 1, V2Pool(10**13, 10**13, 3000)),
        PoolVenue(0, 1, V2Pool(4 * 10**12, 4 * 10**12 + 10**9, 500)),
        PoolVenue(0, 2, V2Pool(8 * 10**12, 8 * 10**12, 100)),
        PoolVenue(2, 1, V2Pool(6 * 10**12, 6 * 10**12, 100)),
    )
    return World((1.0, 1.0, 1.0), venues, 1e13)


@pytest.mark.parametrize("amount", [10**9, 10**10, 10**12, 2 * 10**13])
def test_two_pools_are_split_as_the_finest_grid_splits_them(amount: int) -> None:
    world = three_pools()
    first, second = world.venues[:2]

    def value(part: int) -> int:
        return first.trade(0, part).amount_out + second.trade(0, amount - part).amount_out

    best = refined_best(value, amount)
    plan = world.market([0, 1]).solve(0, 1, amount)
    # The staircase of whole units hides a unit or two from a search that assumes concavity.
    assert best - 1 <= plan.amount_out <= plan.bound
    assert plan.bound - best <= max(2, best // 10**9)


@pytest.mark.parametrize("amount", [10**10, 10**12, 10**13])
def test_a_direct_pool_and_a_detour_are_split_as_the_finest_grid_splits_them(amount: int) -> None:
    world = three_pools()
    detour = ((2, 0), (3, 2))

    def value(part: int) -> int:
        direct = world.venues[0].trade(0, part).amount_out
        return direct + path_out(world, detour, amount - part)[0]

    best = refined_best(value, amount)
    plan = world.market([0, 2, 3]).solve(0, 1, amount)
    assert best - 2 <= plan.amount_out <= plan.bound
    assert plan.bound - best <= max(4, best // 10**9)


@pytest.mark.parametrize("amount", [10**10, 3 * 10**11, 5 * 10**12])
def test_a_book_and_a_pool_are_split_as_every_number_of_lots_splits_them(amount: int) -> None:
    pool = PoolVenue(0, 1, V2Pool(10**13, 10**13, 3000))
    book = LadderVenue(0, 1, 10**8, 10**3, 400, ((10**5 + 50, 900), (10**5 - 300, 5_000)), ())
    world = World((1.0, 1.0), (pool, book), 1e13)
    lots = range(min(5_900, amount // 10**8) + 1)
    best = max(
        book.trade(0, count * 10**8).amount_out + pool.trade(0, amount - count * 10**8).amount_out
        for count in lots
    )
    plan = world.market().solve(0, 1, amount)
    assert plan.amount_out == best
    assert plan.unspent_in == 0


def test_three_pools_are_split_as_a_two_dimensional_grid_splits_them() -> None:
    amount = 10**13
    world = three_pools()
    first, second = world.venues[:2]
    detour = ((2, 0), (3, 2))
    step = amount // 200
    parts = [step * index for index in range(201)]
    outs = [
        [first.trade(0, part).amount_out for part in parts],
        [second.trade(0, part).amount_out for part in parts],
        [path_out(world, detour, part)[0] if part else 0 for part in parts],
    ]
    best = max(
        outs[0][i] + outs[1][j] + outs[2][200 - i - j] for i in range(201) for j in range(201 - i)
    )
    plan = world.market().solve(0, 1, amount)
    assert best < plan.amount_out <= plan.bound
    # The grid is half a percent wide and losses are of second order.
    assert plan.amount_out - best < plan.amount_out // 10**5
    assert plan.gap_bps < 1e-5
