"""The core's market over a universe, and the pools that could not be in it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from router.core import (
    CoreError,
    Market,
    MarketBuilder,
    StableSwapPool,
    V2Pool,
    V3Pool,
    WeightedPool,
)
from router.domain.amounts import PPM_ONE
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

PoolKind: TypeAlias = Literal["v2", "v3", "weighted", "stable", "clob"]
_KINDS: dict[type, PoolKind] = {
    PairRecord: "v2",
    RangesRecord: "v3",
    WeightedRecord: "weighted",
    StableRecord: "stable",
    BookRecord: "clob",
}
POOL_KINDS = frozenset(_KINDS.values())
_PLAIN_WEIGHT = re.compile(r"[01](\.[0-9]{1,18})?")
_WAD = 10**18
_CURVE_FEE_ONE = 10**10
# How the contract computes powers: exact products for the exponents 1, 2 and 4.
_WEIGHTED_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LegGas:
    """Gas of one swap: `base`, and `per_tick` crossed."""

    base: int
    per_tick: int = 0


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
    universe: Universe,
    *,
    leg_gas: Mapping[PoolKind, LegGas] | None = None,
    on_pool: Callable[[int, int], None] | None = None,
) -> UniverseMarket:
    """Return the market of every pool that can be quoted exactly, and name the others.

    Legs over a kind in `leg_gas` are reckoned with that gas, others with the core's estimates.
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
            gas = (leg_gas or {}).get(_KINDS[type(pool)])
            if gas is not None:
                builder.set_leg_gas(venue, gas.base, gas.per_tick)
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
        case WeightedRecord():
            return builder.add_multi(pool.tokens, _weighted(pool, decimals))
        case StableRecord():
            return builder.add_multi(pool.tokens, _stable(pool, decimals))


def _weighted(pool: WeightedRecord, decimals: Sequence[int]) -> WeightedPool:
    """Return Balancer's pool without the contract's cap of 30 % of a balance, as files have it.

    Its own powers round further down than exact ones would.

    Raises:
        FailureError: VENUE_UNAVAILABLE, a weight is finer than 18 decimals.
        CoreError: the core refuses the state.
    """
    if not all(_PLAIN_WEIGHT.fullmatch(weight) for weight in pool.weights):
        raise FailureError("VENUE_UNAVAILABLE", "A weight is no decimal of at most 18 places.")
    return WeightedPool(
        pool.reserves,
        [int(Fraction(weight) * _WAD) for weight in pool.weights],
        [WeightedPool.scaling_factor(decimals[token]) for token in pool.tokens],
        pool.fee_ppm * _WAD // PPM_ONE,
        _WEIGHTED_VERSION,
        capped=False,
    )


def _stable(pool: StableRecord, decimals: Sequence[int]) -> StableSwapPool:
    """Return Curve's pool with its fee rounded up in base units, as universe files have it.

    Raises:
        FailureError: VENUE_UNAVAILABLE, a token has more than 18 decimals.
        CoreError: the core refuses the state.
    """
    if any(decimals[token] > 18 for token in pool.tokens):
        raise FailureError("VENUE_UNAVAILABLE", "A stable pool's token has over 18 decimals.")
    rates = [10 ** (36 - decimals[token]) for token in pool.tokens]
    fee = pool.fee_ppm * _CURVE_FEE_ONE // PPM_ONE
    return StableSwapPool(pool.reserves, rates, pool.amp, fee, amp_precision=1, era="plain")


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
