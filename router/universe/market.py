"""The core's market over a universe, and the pools that could not be in it."""

from collections.abc import Callable
from dataclasses import dataclass

from router.core import CoreError, Market, MarketBuilder, V2Pool, V3Pool
from router.domain.errors import FailureError
from router.universe.ladders import lot_ladder
from router.universe.records import (
    BookRecord,
    PairRecord,
    PoolRecord,
    RangesRecord,
    StableRecord,
    Universe,
    WeightedRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A pool that no quote can use, and why."""

    pool_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseMarket:
    """`pool_ids[i]` is the file's name of venue i; token ids are those of the file."""

    market: Market
    pool_ids: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def market_of(
    universe: Universe, on_pool: Callable[[int, int], None] | None = None
) -> UniverseMarket:
    """Return the market of every pool that can be quoted exactly, and name the others.

    `on_pool` is called with how many pools are in and how many there are.
    """
    builder = MarketBuilder(len(universe.tokens))
    decimals = tuple(token.decimals for token in universe.tokens)
    pool_ids: list[str] = []
    left_out: list[LeftOut] = []
    for index, pool in enumerate(universe.pools):
        try:
            venue = _add(builder, pool, decimals)
        except (CoreError, FailureError) as error:
            left_out.append(LeftOut(pool_id=pool.pool_id, code=error.code, message=error.message))
        else:
            assert venue == len(pool_ids), "the core numbers venues in the order they are added"
            pool_ids.append(pool.pool_id)
        if on_pool is not None and index % 64 == 0:
            on_pool(index, len(universe.pools))
    return UniverseMarket(
        market=builder.build(), pool_ids=tuple(pool_ids), left_out=tuple(left_out)
    )


def _add(builder: MarketBuilder, pool: PoolRecord, decimals: tuple[int, ...]) -> int:
    match pool:
        case PairRecord():
            pair = V2Pool(pool.reserve0, pool.reserve1, pool.fee_ppm)
            return builder.add_v2(pool.token0, pool.token1, pair)
        case RangesRecord():
            ranges = V3Pool(
                pool.fee_ppm,
                pool.tick_spacing,
                pool.sqrt_price_x96,
                pool.tick,
                pool.liquidity,
                pool.ticks,
            )
            return builder.add_v3(pool.token0, pool.token1, ranges)
        case BookRecord():
            return _add_book(builder, pool, decimals)
        case WeightedRecord() | StableRecord():
            raise FailureError(
                "POOL_UNSUPPORTED", f"Pool {pool.pool_id}: the solver has no such kind yet."
            )


def _add_book(builder: MarketBuilder, book: BookRecord, decimals: tuple[int, ...]) -> int:
    ladder = lot_ladder(
        book.bids,
        book.asks,
        base_decimals=decimals[book.base],
        quote_decimals=decimals[book.quote],
    )
    return builder.add_ladder(
        book.base,
        book.quote,
        ladder.lot_units,
        ladder.tick_units,
        book.taker_fee_ppm,
        ladder.bids,
        ladder.asks,
        tick_divisor=ladder.tick_divisor,
    )
