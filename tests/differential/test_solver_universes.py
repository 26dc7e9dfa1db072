"""The solver against bounds that an interior-point solver proved over the same pools."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router.core import Market, MarketBuilder, V2Pool, V3Pool

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data" / "universes"
SAMPLE = ROOT / "tests" / "golden" / "universes"
# Books in whole lots of a ten-thousandth of the base, prices in hundredths of the quote.
LOTS_PER_TOKEN = 10_000
TICKS_PER_UNIT = 100


def folder_of(name: str) -> Path:
    for folder in (SHARED, SAMPLE):
        if (folder / f"{name}.json").exists():
            return folder
    pytest.skip(f"the universe {name!r} is kept outside the repository and is not here")


def add_book(builder: MarketBuilder, pool: dict[str, Any], decimals: list[int]) -> None:
    base, quote = pool["base"], pool["quote"]
    lot_units = 10 ** decimals[base] // LOTS_PER_TOKEN
    tick_units = 10 ** decimals[quote] // (LOTS_PER_TOKEN * TICKS_PER_UNIT)

    def levels(side: str) -> list[tuple[int, int]]:
        return [
            (int(Decimal(price) * TICKS_PER_UNIT), int(Decimal(size) * LOTS_PER_TOKEN))
            for price, size in pool[side]
        ]

    builder.add_ladder(
        base, quote, lot_units, tick_units, pool["takerFeePpm"], levels("bids"), levels("asks")
    )


def load(name: str) -> tuple[Market, list[dict[str, Any]], list[float], bool]:
    """Return the market, the orders, their upper bounds, and whether every venue is in it."""
    folder = folder_of(name)
    universe = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    lines = (folder / f"{name}_bounds.jsonl").read_text(encoding="utf-8").splitlines()
    bounds = {line["order"]: line["ub"] for line in map(json.loads, lines)}
    decimals = [token["decimals"] for token in universe["tokens"]]
    builder = MarketBuilder(len(decimals))
    complete = True
    for pool in universe["pools"]:
        if pool["type"] == "v2":
            reserves = int(pool["reserve0"]), int(pool["reserve1"])
            builder.add_v2(pool["token0"], pool["token1"], V2Pool(*reserves, pool["feePpm"]))
        elif pool["type"] == "v3":
            builder.add_v3(pool["token0"], pool["token1"], v3_of(pool))
        elif pool["type"] == "clob":
            add_book(builder, pool, decimals)
        else:
            complete = False
    orders = universe["orders"]
    return builder.build(), orders, [bounds[order["id"]] for order in orders], complete


def v3_of(pool: dict[str, Any]) -> V3Pool:
    ticks = [
        (tick["index"], int(tick["liquidityGross"]), int(tick["liquidityNet"]))
        for tick in pool["ticks"]
    ]
    return V3Pool(
        pool["feePpm"],
        pool["tickSpacing"],
        int(pool["sqrtPriceX96"]),
        pool["tick"],
        int(pool["liquidity"]),
        ticks,
    )


def test_every_order_over_pools_alone_reaches_the_proved_bound() -> None:
    market, orders, bounds, complete = load("small")
    assert complete
    for order, bound in zip(orders, bounds, strict=True):
        plan = market.solve(
            order["tokenIn"], order["tokenOut"], int(order["amountIn"]), max_legs=64
        )
        # The yardstick's own gap is up to 1.4e-9; our value may not pass it by more.
        assert bound * (1 - 2e-8) - 2 <= plan.amount_out <= bound * (1 + 2e-9)
        assert plan.amount_out <= plan.bound
        assert plan.gap_bps < 1e-3 or plan.bound - plan.amount_out <= 3


@pytest.mark.parametrize("name", ["medium", "direct"])
def test_no_value_passes_the_bound_of_a_universe_with_more_venues(name: str) -> None:
    market, orders, bounds, complete = load(name)
    assert not complete
    for order, bound in zip(orders, bounds, strict=True):
        plan = market.solve(
            order["tokenIn"], order["tokenOut"], int(order["amountIn"]), max_legs=64
        )
        assert plan.best_single <= plan.amount_out <= min(plan.bound, bound * (1 + 4e-6))
        # What is left out makes the yardstick looser, so only our own gap is judged.
        assert plan.gap_bps < 0.1
