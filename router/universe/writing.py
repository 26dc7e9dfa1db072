"""Write universe files, the reverse of `reading`."""

import json
from typing import Any

from router.universe.records import (
    BookRecord,
    OrderRecord,
    PairRecord,
    PoolRecord,
    RangesRecord,
    Universe,
    WeightedRecord,
)


def universe_json(universe: Universe) -> str:
    """Return the file of a universe; refused orders are left out."""
    document = {
        "name": universe.name,
        "seed": universe.seed,
        "tokens": [
            {
                "id": index,
                "symbol": token.symbol,
                "address": token.address,
                "decimals": token.decimals,
                "priceUsd": token.price_usd,
            }
            for index, token in enumerate(universe.tokens)
        ],
        "pools": [_pool(pool) for pool in universe.pools],
        "orders": [_order(order) for order in universe.orders if isinstance(order, OrderRecord)],
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"


def _order(order: OrderRecord) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "tokenIn": order.token_in,
        "tokenOut": order.token_out,
        "amountIn": str(order.amount_in),
        "gasPriceWei": str(order.gas_price_wei),
        "sizeFrac": order.size_frac,
        "direct": order.direct,
    }


def _pool(pool: PoolRecord) -> dict[str, Any]:
    if isinstance(pool, BookRecord):
        return {
            "id": pool.pool_id,
            "type": "clob",
            "base": pool.base,
            "quote": pool.quote,
            "takerFeePpm": pool.taker_fee_ppm,
            "bids": [list(level) for level in pool.bids],
            "asks": [list(level) for level in pool.asks],
        }
    shared = {
        "id": pool.pool_id,
        "address": pool.address,
        "feePpm": pool.fee_ppm,
        "tvlUsd": pool.tvl_usd,
    }
    if isinstance(pool, PairRecord | RangesRecord):
        pair = {
            "token0": pool.token0,
            "token1": pool.token1,
            "reserve0": str(pool.reserve0),
            "reserve1": str(pool.reserve1),
        }
        if isinstance(pool, PairRecord):
            return {**shared, "type": "v2", **pair}
        return {**shared, "type": "v3", **pair, **_ranges(pool)}
    coins = {"tokens": list(pool.tokens), "reserves": [str(units) for units in pool.reserves]}
    if isinstance(pool, WeightedRecord):
        return {**shared, "type": "weighted", **coins, "weights": list(pool.weights)}
    return {**shared, "type": "stable", **coins, "amp": pool.amp}


def _ranges(pool: RangesRecord) -> dict[str, Any]:
    return {
        "tickSpacing": pool.tick_spacing,
        "sqrtPriceX96": str(pool.sqrt_price_x96),
        "tick": pool.tick,
        "liquidity": str(pool.liquidity),
        "ticks": [
            {"index": index, "liquidityNet": str(net), "liquidityGross": str(gross)}
            for index, gross, net in pool.ticks
        ],
    }
