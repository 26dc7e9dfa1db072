"""State of Uniswap V3 pools: read through Multicall3, and followed by the pool's own logs.

A swap changes price, tick and liquidity, and its log carries all three. A position changes the
two ticks it spans. Fees, oracle and protocol share change no amount that a swap pays out.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from connectors.chain.abi import AbiError, AbiEvent, AbiFunction
from connectors.chain.multicall import CallResult, Multicall
from connectors.chain.rpc import Json, from_hex
from router.core import V3Pool
from router.domain.errors import VenueUnavailable
from router.domain.market import PoolRef
from router.domain.settlement import Log

MIN_TICK: Final = -887_272
MAX_TICK: Final = 887_272
WORD_BITS: Final = 256

SWAPPED: Final = AbiEvent.declare(
    "Swap",
    ["address", "address", "int256", "int256", "uint160", "uint128", "int24"],
    [True, True, False, False, False, False, False],
)
MINTED: Final = AbiEvent.declare(
    "Mint",
    ["address", "address", "int24", "int24", "uint128", "uint256", "uint256"],
    [False, True, True, True, False, False, False],
)
BURNED: Final = AbiEvent.declare(
    "Burn",
    ["address", "int24", "int24", "uint128", "uint256", "uint256"],
    [True, True, True, False, False, False],
)
INITIALIZED: Final = AbiEvent.declare("Initialize", ["uint160", "int24"], [False, False])
_SWAP_TOPIC: Final = "0x" + SWAPPED.topic0.hex()
_MINT_TOPIC: Final = "0x" + MINTED.topic0.hex()
_BURN_TOPIC: Final = "0x" + BURNED.topic0.hex()
INITIALIZE_TOPIC: Final = "0x" + INITIALIZED.topic0.hex()
V3_TOPICS: Final = (_SWAP_TOPIC, _MINT_TOPIC, _BURN_TOPIC, INITIALIZE_TOPIC)

_SLOT0: Final = AbiFunction.declare(
    "slot0", [], ["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"]
)
_LIQUIDITY: Final = AbiFunction.declare("liquidity", [], ["uint128"])
_TICK_SPACING: Final = AbiFunction.declare("tickSpacing", [], ["int24"])
_TICK_BITMAP: Final = AbiFunction.declare("tickBitmap", ["int16"], ["uint256"])
_TICKS: Final = AbiFunction.declare(
    "ticks",
    ["int24"],
    ["uint128", "int128", "uint256", "uint256", "int56", "uint160", "uint32", "bool"],
)


def apply_v3_log(core: V3Pool, log: Log) -> V3Pool:
    """Return the pool after one of its logs; logs that change no swap change nothing."""
    topic = log.topics[0] if log.topics else ""
    topics = [from_hex(t) for t in log.topics]
    if topic == _SWAP_TOPIC:
        *_, sqrt_price_x96, liquidity, tick = SWAPPED.decode_log(topics, log.data)
        return core.with_swap(sqrt_price_x96, liquidity, tick)
    if topic == _MINT_TOPIC:
        _, _, lower, upper, amount, _, _ = MINTED.decode_log(topics, log.data)
        return core.with_liquidity_change(lower, upper, amount) if amount else core
    if topic == _BURN_TOPIC:
        # A burn of nothing only collects fees.
        _, lower, upper, amount, _, _ = BURNED.decode_log(topics, log.data)
        return core.with_liquidity_change(lower, upper, -amount) if amount else core
    return core


def word_range(tick_spacing: int) -> tuple[int, int]:
    """Return the first and last word of the tick bitmap that can hold a usable tick."""
    return (MIN_TICK // tick_spacing) >> 8, (MAX_TICK // tick_spacing) >> 8


async def read_pools(
    multicall: Multicall, refs: Sequence[PoolRef], block: Json
) -> list[V3Pool | None]:
    """Read pools with all their ticks as of one block, without a code override.

    Three rounds: price, liquidity and spacing; then the tick bitmaps; then the ticks. A pool that
    was never given a price is None.

    Raises:
        VenueUnavailable: VENUE_UNAVAILABLE, an address is no pool; CHAIN_UNAVAILABLE.
        RpcError: RPC_ERROR, the node does not have the block.
    """
    head_calls = [
        (ref.address, function.encode_call())
        for ref in refs
        for function in (_SLOT0, _LIQUIDITY, _TICK_SPACING)
    ]
    results = iter(await multicall.run(head_calls, block))
    heads = [
        (
            _output(ref, _SLOT0, next(results)),
            _output(ref, _LIQUIDITY, next(results))[0],
            _output(ref, _TICK_SPACING, next(results))[0],
        )
        for ref in refs
    ]
    spacings = [spacing for _, _, spacing in heads]
    ticks = await _read_ticks(multicall, refs, spacings, block)
    return [
        V3Pool(ref.fee_ppm, spacing, slot0[0], slot0[1], liquidity, pool_ticks)
        if slot0[0]
        else None
        for ref, (slot0, liquidity, spacing), pool_ticks in zip(refs, heads, ticks, strict=True)
    ]


async def _read_ticks(
    multicall: Multicall, refs: Sequence[PoolRef], spacings: Sequence[int], block: Json
) -> list[list[tuple[int, int, int]]]:
    words = [
        (at, word)
        for at, spacing in enumerate(spacings)
        for word in range(word_range(spacing)[0], word_range(spacing)[1] + 1)
    ]
    word_calls = [(refs[at].address, _TICK_BITMAP.encode_call(word)) for at, word in words]
    bitmaps = await multicall.run(word_calls, block)
    indices = [
        (at, index)
        for (at, word), result in zip(words, bitmaps, strict=True)
        for index in _set_ticks(word, int.from_bytes(result.output, "big"), spacings[at])
    ]
    tick_calls = [(refs[at].address, _TICKS.encode_call(index)) for at, index in indices]
    results = await multicall.run(tick_calls, block)
    ticks: list[list[tuple[int, int, int]]] = [[] for _ in refs]
    for (at, index), result in zip(indices, results, strict=True):
        gross, net, *_ = _output(refs[at], _TICKS, result)
        ticks[at].append((index, gross, net))
    return ticks


def _set_ticks(word: int, bitmap: int, spacing: int) -> Iterator[int]:
    while bitmap:
        lowest = bitmap & -bitmap
        yield (word * WORD_BITS + lowest.bit_length() - 1) * spacing
        bitmap ^= lowest


def _output(ref: PoolRef, function: AbiFunction, result: CallResult) -> tuple[Any, ...]:
    try:
        return function.decode_output(result.output)
    except AbiError as error:
        raise VenueUnavailable(
            "VENUE_UNAVAILABLE", f"There is no V3 pool at {ref.address}."
        ) from error
