"""Universes joined into one: tokens are the same where their addresses are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from router.universe.records import (
    BookRecord,
    OrderRecord,
    PairRecord,
    PoolRecord,
    RangesRecord,
    RefusedOrder,
    Token,
    TokenId,
    Universe,
)

# Gas is priced in the first token, so the wrapped coin of Ethereum comes first where it is.
WRAPPED_COIN = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"


def merged(universes: Sequence[Universe]) -> Universe:
    """Return one universe; of two pools with one id the later file's counts.

    The first file that knows a token's symbol and decimals names it; orders are kept in order.
    """
    listed: dict[str, Token] = {}
    for universe in universes:
        for index, token in enumerate(universe.tokens):
            listed.setdefault(_key(universe, index), token)
    keys = sorted(listed, key=lambda key: key != WRAPPED_COIN)  # the sort keeps the others' order
    ids = {key: index for index, key in enumerate(keys)}
    pools: dict[str, PoolRecord] = {}
    orders: list[OrderRecord | RefusedOrder] = []
    for universe in universes:
        new = {index: ids[_key(universe, index)] for index in range(len(universe.tokens))}
        pools |= {pool.pool_id: _renumbered(pool, new) for pool in universe.pools}
        orders += [
            order
            if isinstance(order, RefusedOrder)
            else replace(order, token_in=new[order.token_in], token_out=new[order.token_out])
            for order in universe.orders
        ]
    return Universe(
        name=universes[0].name,
        seed=universes[0].seed,
        tokens=tuple(listed[key] for key in keys),
        pools=tuple(pools.values()),
        orders=tuple(orders),
    )


def _key(universe: Universe, index: TokenId) -> str:
    """Return a token's address, or a name of its own where it has none."""
    return universe.tokens[index].address.lower() or f"{id(universe)} {index}"


def _renumbered(pool: PoolRecord, new: Mapping[TokenId, TokenId]) -> PoolRecord:
    if isinstance(pool, BookRecord):
        return replace(pool, base=new[pool.base], quote=new[pool.quote])
    if isinstance(pool, PairRecord | RangesRecord):
        return replace(pool, token0=new[pool.token0], token1=new[pool.token1])
    return replace(pool, tokens=tuple(new[token] for token in pool.tokens))
