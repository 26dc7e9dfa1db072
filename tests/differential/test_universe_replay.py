"""The bench's replay, which shares no code with the core, against the core and its plans."""

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest
from router_replay import Infeasible, ReplayUniverse
from router_universes import direct, medium, small

from router.core import CoreError, PoolQuote, StableSwapPool, V2Pool, V3Pool, WeightedPool
from router.universe.market import market_of
from router.universe.quoting import OfflineLimits, OfflineQuote, quote_body, quote_order
from router.universe.records import OrderRecord, Universe
from router.universe.writing import universe_json

DIRECTIONS = ((0, 1), (1, 0))


def core_pool(record: Mapping[str, Any], decimals: list[int]) -> Any:
    if record["type"] == "v2":
        return V2Pool(int(record["reserve0"]), int(record["reserve1"]), record["feePpm"])
    if record["type"] == "v3":
        ticks = [
            (tick["index"], int(tick["liquidityGross"]), int(tick["liquidityNet"]))
            for tick in record["ticks"]
        ]
        prices = int(record["sqrtPriceX96"]), record["tick"], int(record["liquidity"])
        return V3Pool(record["feePpm"], record["tickSpacing"], *prices, ticks)
    reserves = [int(units) for units in record["reserves"]]
    if record["type"] == "stable":
        rates = [10 ** (36 - decimals[token]) for token in record["tokens"]]
        fee = record["feePpm"] * 10**4
        return StableSwapPool(reserves, rates, record["amp"], fee, amp_precision=1, era="plain")
    weights = [int(float(weight) * 100) * 10**16 for weight in record["weights"]]
    factors = [WeightedPool.scaling_factor(decimals[token]) for token in record["tokens"]]
    return WeightedPool(reserves, weights, factors, record["feePpm"] * 10**12, 2, capped=False)


def quoted(pool: Any, coins: tuple[int, int], amount: int) -> PoolQuote:
    if isinstance(pool, V2Pool | V3Pool):
        return pool.quote_exact_in(coins == (0, 1), amount)
    found: PoolQuote = pool.quote_exact_in(*coins, amount)
    return found


@pytest.mark.parametrize("kind", ["v2", "v3", "stable", "weighted"])
def test_the_replay_and_the_core_agree_on_swaps_one_after_the_other(kind: str) -> None:
    rng = random.Random(kind)
    document = json.loads(universe_json(medium()))
    decimals = [token["decimals"] for token in document["tokens"]]
    replay = ReplayUniverse(document)
    compared = 0
    for record in [pool for pool in document["pools"] if pool["type"] == kind] * 3:
        theirs, ours = replay.pool(record["id"]), core_pool(record, decimals)
        tokens = record.get("tokens") or [record["token0"], record["token1"]]
        depths = record.get("reserves") or [record["reserve0"], record["reserve1"]]
        for _ in range(3):
            i, o = rng.choice(DIRECTIONS)
            amount = int(int(depths[i]) * 10 ** rng.uniform(-9, -0.1)) + 1
            out, left = theirs.swap(tokens[i], tokens[o], amount)
            try:
                quote = quoted(ours, (i, o), amount)
            except CoreError:
                assert out == 0, (record["id"], amount)
                break
            ours = quote.next
            compared += 1
            if kind == "weighted":
                # The contract's own powers lose up to 1e-14 of the balance, never in our favour.
                assert 0 <= out - quote.amount_out <= int(depths[o]) * 3 // 10**14 + 2
                break
            assert (quote.amount_out, quote.amount_in) == (out, amount - left)
    assert compared >= 9


@pytest.mark.parametrize("made", [small(), direct(), medium()], ids=["small", "direct", "medium"])
@pytest.mark.parametrize("gas_price_wei", [0, 20 * 10**9])
def test_every_plan_is_executed_as_it_says(made: Universe, gas_price_wei: int) -> None:
    document = json.loads(universe_json(made))
    replay, market = ReplayUniverse(document), market_of(made)
    assert market.left_out == ()
    orders = {order["id"]: order for order in document["orders"]}
    for order in made.orders[:60]:
        quote = quote_order(market, order, OfflineLimits(gas_price_wei=gas_price_wei))
        assert isinstance(quote, OfflineQuote), quote
        body = quote_body(quote)
        outcome = replay.fills(orders[quote.order_id], body["fills"])
        assert outcome.amount_out == int(body["buyAmount"]) <= int(body["upperBound"])
        assert int(body["buyAmountNet"]) <= int(body["upperBoundNet"])


def test_the_replay_refuses_what_cannot_be_executed() -> None:
    made = small()
    document = json.loads(universe_json(made))
    replay, market = ReplayUniverse(document), market_of(made)
    order = made.orders[0]
    assert isinstance(order, OrderRecord)
    quote = quote_order(market, order, OfflineLimits(max_legs=1))
    assert isinstance(quote, OfflineQuote)
    (fill, *_), told = quote_body(quote)["fills"], document["orders"][0]
    wrong: tuple[dict[str, Any], ...] = (
        {"amountIn": str(order.amount_in + 1)},
        {"amountOut": str(int(fill["amountOut"]) + 1)},
        {"tokenIn": fill["tokenOut"]},
        {"pool": "none"},
        {"amountIn": "0"},
    )
    for change in wrong:
        with pytest.raises(Infeasible):
            replay.fills(told, [{**fill, **change}])
    with pytest.raises(Infeasible):
        replay.fills(told, [fill, fill])
