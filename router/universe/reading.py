"""Read universe files: `docs/specs/universes.md` has the format."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from router.domain.amounts import PPM_ONE
from router.domain.assets import MAX_DECIMALS
from router.domain.errors import UsageError
from router.universe.fields import Fields, object_of, units_of
from router.universe.records import (
    BookRecord,
    OrderRecord,
    PairRecord,
    PoolRecord,
    RangesRecord,
    RefusedOrder,
    StableRecord,
    Token,
    TokenId,
    Universe,
    WeightedRecord,
)

_TICK_MAX = 887_272
_COINS_MAX = 8


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a JSON file holds.

    Raises:
        UsageError: UNIVERSE_INVALID, it is no JSON.
        OSError: it cannot be read.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError("UNIVERSE_INVALID", f"{path.name} is no JSON: {why}.") from error


def read_universe(path: Path) -> Universe:
    """Read a universe file; its orders may be absent.

    Raises:
        UsageError: UNIVERSE_INVALID, with the place of the first thing that is wrong.
        OSError: it cannot be read.
    """
    document = Fields(object_of(read_json(path), path.name), path.name)
    tokens = tuple(
        _token(found, index) for index, found in enumerate(document.objects("tokens", "token"))
    )
    pools = tuple(_pool(found, len(tokens)) for found in document.objects("pools", "pool"))
    _refuse_doubles(pools, path.name)
    orders = document.list_of("orders") if "orders" in document.members else []
    return Universe(
        name=str(document.members.get("name", path.stem)),
        seed=document.integer("seed", 0, 2**63) if "seed" in document.members else 0,
        tokens=tokens,
        pools=pools,
        orders=orders_of(orders, len(tokens)),
    )


def read_orders(path: Path, token_count: int) -> tuple[OrderRecord | RefusedOrder, ...]:
    """Read a file of orders: a list, or an object whose `orders` are one.

    Raises:
        UsageError: UNIVERSE_INVALID, there is no list of orders.
        OSError: it cannot be read.
    """
    document = read_json(path)
    if not isinstance(document, list):
        document = Fields(object_of(document, path.name), path.name).list_of("orders")
    return orders_of(document, token_count)


def orders_of(listed: list[Any], token_count: int) -> tuple[OrderRecord | RefusedOrder, ...]:
    """Return the orders of a list; one that is wrong is told as such and holds up no other."""
    return tuple(_order(found, index, token_count) for index, found in enumerate(listed))


def _order(found: Any, index: int, token_count: int) -> OrderRecord | RefusedOrder:  # noqa: ANN401
    order_id = found.get("id", index) if isinstance(found, dict) else index
    if isinstance(order_id, bool) or not isinstance(order_id, int | str):
        order_id = index
    try:
        order = Fields(object_of(found, f"order {index}"), f"order {index}")
        return OrderRecord(
            order_id=order_id,
            token_in=_listed(order, "tokenIn", token_count),
            token_out=_listed(order, "tokenOut", token_count),
            amount_in=_order_amount(order),
            gas_price_wei=order.units("gasPriceWei") if "gasPriceWei" in order.members else 0,
            size_frac=order.number("sizeFrac"),
            direct=bool(order.members.get("direct")),
        )
    except UsageError as error:
        code = "ORDER_INVALID" if error.code == "UNIVERSE_INVALID" else error.code
        return RefusedOrder(order_id=order_id, code=code, message=error.message)


def _listed(order: Fields, name: str, token_count: int) -> TokenId:
    """Return a token id of an order; one beyond the universe's is an unknown asset."""
    token = order.integer(name, 0, 2**32)
    if token >= token_count:
        raise UsageError("ASSET_UNKNOWN", f"{order.place}: the universe has no token {token}.")
    return token


def _order_amount(order: Fields) -> int:
    amount = units_of(order.members.get("amountIn"))
    if amount is None and "amountIn" not in order.members:
        raise order.refuse("amountIn", "an amount")
    if not amount:
        found = repr(order.members["amountIn"])[:40]
        raise UsageError(
            "AMOUNT_RANGE", f"{order.place}: amountIn {found} is not from 1 to 2^256-1 base units."
        )
    return amount


def _token(found: Fields, index: int) -> Token:
    if found.integer("id", 0, 2**32) != index:
        raise found.refuse("id", f"{index}, its place in the list")
    return Token(
        symbol=found.text("symbol"),
        address=_address(found),
        decimals=found.integer("decimals", 0, MAX_DECIMALS),
        price_usd=found.number("priceUsd"),
    )


def _pool(found: Fields, token_count: int) -> PoolRecord:
    named = Fields(found.members, f"{found.place} ({found.text('id')})")
    kind = named.text("type")
    reader = _READERS.get(kind)
    if reader is None:
        raise named.refuse("type", f"one of {', '.join(_READERS)}")
    record = reader(named, token_count)
    if len(set(record.tokens)) != len(record.tokens):
        raise UsageError("UNIVERSE_INVALID", f"{named.place} trades a token for itself.")
    return record


def _pair(found: Fields, token_count: int) -> PairRecord:
    return PairRecord(
        pool_id=found.text("id"),
        address=_address(found),
        token0=found.integer("token0", 0, token_count - 1),
        token1=found.integer("token1", 0, token_count - 1),
        reserve0=found.units("reserve0"),
        reserve1=found.units("reserve1"),
        fee_ppm=_fee(found, "feePpm"),
        tvl_usd=found.number("tvlUsd"),
    )


def _ranges(found: Fields, token_count: int) -> RangesRecord:
    return RangesRecord(
        pool_id=found.text("id"),
        address=_address(found),
        token0=found.integer("token0", 0, token_count - 1),
        token1=found.integer("token1", 0, token_count - 1),
        fee_ppm=_fee(found, "feePpm"),
        tick_spacing=found.integer("tickSpacing", 1, 16_384),
        sqrt_price_x96=found.units("sqrtPriceX96", 2**160 - 1),
        tick=found.integer("tick", -_TICK_MAX - 1, _TICK_MAX),
        liquidity=found.units("liquidity", 2**128 - 1),
        ticks=tuple(_tick(tick, found.place) for tick in found.list_of("ticks")),
        reserve0=found.units("reserve0") if "reserve0" in found.members else 0,
        reserve1=found.units("reserve1") if "reserve1" in found.members else 0,
        tvl_usd=found.number("tvlUsd"),
    )


def _tick(found: Any, place: str) -> tuple[int, int, int]:  # noqa: ANN401 - any JSON value
    tick = Fields(object_of(found, f"{place}: a tick"), f"{place}, tick")
    return (
        tick.integer("index", -_TICK_MAX, _TICK_MAX),
        tick.units("liquidityGross", 2**128 - 1),
        tick.signed("liquidityNet", 128),
    )


def _weighted(found: Fields, token_count: int) -> WeightedRecord:
    tokens = _coins(found, token_count)
    weights = found.list_of("weights")
    if len(weights) != len(tokens) or not all(isinstance(weight, str) for weight in weights):
        raise found.refuse("weights", "one decimal string for each token")
    return WeightedRecord(
        pool_id=found.text("id"),
        address=_address(found),
        tokens=tokens,
        reserves=_reserves(found, len(tokens)),
        weights=tuple(weights),
        fee_ppm=_fee(found, "feePpm"),
        tvl_usd=found.number("tvlUsd"),
    )


def _stable(found: Fields, token_count: int) -> StableRecord:
    tokens = _coins(found, token_count)
    return StableRecord(
        pool_id=found.text("id"),
        address=_address(found),
        tokens=tokens,
        reserves=_reserves(found, len(tokens)),
        amp=found.integer("amp", 1, 10**6),
        fee_ppm=_fee(found, "feePpm"),
        tvl_usd=found.number("tvlUsd"),
    )


def _book(found: Fields, token_count: int) -> BookRecord:
    return BookRecord(
        pool_id=found.text("id"),
        base=found.integer("base", 0, token_count - 1),
        quote=found.integer("quote", 0, token_count - 1),
        taker_fee_ppm=_fee(found, "takerFeePpm"),
        bids=_levels(found, "bids"),
        asks=_levels(found, "asks"),
    )


def _levels(found: Fields, side: str) -> tuple[tuple[str, str], ...]:
    levels = found.list_of(side)
    for level in levels:
        if not (
            isinstance(level, list)
            and len(level) == 2
            and all(isinstance(number, str) for number in level)
        ):
            wanted = "two decimal strings, price and size"
            raise UsageError(
                "UNIVERSE_INVALID", f"{found.place}: level {level!r:.40} of {side} is not {wanted}."
            )
    return tuple((price, size) for price, size in levels)


def _coins(found: Fields, token_count: int) -> tuple[TokenId, ...]:
    coins = found.list_of("tokens")
    good = all(type(coin) is int and 0 <= coin < token_count for coin in coins)
    if not good or not 2 <= len(coins) <= _COINS_MAX:
        raise found.refuse("tokens", f"2 to {_COINS_MAX} token ids below {token_count}")
    return tuple(coins)


def _reserves(found: Fields, count: int) -> tuple[int, ...]:
    listed = [units_of(units) for units in found.list_of("reserves")]
    reserves = tuple(units for units in listed if units is not None)
    if len(listed) != count or len(reserves) != count:
        raise found.refuse("reserves", "an amount of base units for each token")
    return reserves


def _fee(found: Fields, name: str) -> int:
    return found.integer(name, 0, PPM_ONE - 1)


def _address(found: Fields) -> str:
    return found.text("address") if found.members.get("address") else ""


def _refuse_doubles(pools: tuple[PoolRecord, ...], place: str) -> None:
    seen: set[str] = set()
    for pool in pools:
        if pool.pool_id in seen:
            raise UsageError("UNIVERSE_INVALID", f"{place} has two pools {pool.pool_id!r}.")
        seen.add(pool.pool_id)


_READERS: dict[str, Callable[[Fields, int], PoolRecord]] = {
    "v2": _pair,
    "v3": _ranges,
    "weighted": _weighted,
    "stable": _stable,
    "clob": _book,
}
