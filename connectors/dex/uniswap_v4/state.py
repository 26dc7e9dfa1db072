"""State of Uniswap V4 pools: read from the manager's storage, and followed by its logs.

The manager keeps all pools in one mapping and shows any of its storage slots, many in one call. A
swap's log carries price, liquidity and tick; a position changes the two ticks it spans.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from eth_utils.crypto import keccak

from connectors.chain.abi import AbiEvent, AbiFunction
from connectors.chain.rpc import Json, JsonRpc, from_hex, to_hex, to_quantity
from connectors.dex.uniswap_v3.state import WORD_BITS, word_range
from router.core import V4Pool
from router.domain.errors import VenueUnavailable
from router.domain.market import PoolRef
from router.domain.settlement import Log

SWAPPED: Final = AbiEvent.declare(
    "Swap",
    ["bytes32", "address", "int128", "int128", "uint160", "uint128", "int24", "uint24"],
    [True, True, False, False, False, False, False, False],
)
MODIFIED: Final = AbiEvent.declare(
    "ModifyLiquidity",
    ["bytes32", "address", "int24", "int24", "int256", "bytes32"],
    [True, True, False, False, False, False],
)
PROTOCOL_FEE_UPDATED: Final = AbiEvent.declare(
    "ProtocolFeeUpdated", ["bytes32", "uint24"], [True, False]
)
INITIALIZED: Final = AbiEvent.declare(
    "Initialize",
    ["bytes32", "address", "address", "uint24", "int24", "address", "uint160", "int24"],
    [True, True, True, False, False, False, False, False],
)
_SWAP_TOPIC: Final = "0x" + SWAPPED.topic0.hex()
_MODIFY_TOPIC: Final = "0x" + MODIFIED.topic0.hex()
_FEE_TOPIC: Final = "0x" + PROTOCOL_FEE_UPDATED.topic0.hex()
INITIALIZE_TOPIC: Final = "0x" + INITIALIZED.topic0.hex()
V4_TOPICS: Final = (_SWAP_TOPIC, _MODIFY_TOPIC, _FEE_TOPIC, INITIALIZE_TOPIC)

EXTSLOAD: Final = AbiFunction.declare("extsload", ["bytes32[]"], ["bytes32[]"])
# A slot costs about 2,500 gas and 32 bytes each way: a call stays below 6 million gas.
SLOTS_PER_CALL: Final = 2_000
CALLS_PER_BATCH: Final = 8
CALL_GAS: Final = 10_000_000
_WORD: Final = 32
# Where the manager keeps its mapping of pools, and where a pool keeps what, counted in slots.
_POOLS_SLOT: Final = 6
_LIQUIDITY: Final = 3
_TICKS: Final = 4
_BITMAP: Final = 5
_MASK_24: Final = 2**24 - 1
_MASK_128: Final = 2**128 - 1
_MASK_160: Final = 2**160 - 1


def apply_v4_log(core: V4Pool, log: Log) -> V4Pool:
    """Return the pool after one of its own logs; others change nothing."""
    topic = log.topics[0]
    topics = [from_hex(t) for t in log.topics]
    if topic == _SWAP_TOPIC:
        *_, sqrt_price_x96, liquidity, tick, _ = SWAPPED.decode_log(topics, log.data)
        return core.with_swap(sqrt_price_x96, liquidity, tick)
    if topic == _MODIFY_TOPIC:
        _, _, lower, upper, delta, _ = MODIFIED.decode_log(topics, log.data)
        # A change of nothing only collects fees.
        return core.with_liquidity_change(lower, upper, delta) if delta else core
    if topic == _FEE_TOPIC:
        _, protocol_fee = PROTOCOL_FEE_UPDATED.decode_log(topics, log.data)
        return core.with_fees(core.lp_fee_ppm, protocol_fee)
    return core


@dataclass(frozen=True, slots=True)
class _Head:
    """What one slot says of a pool: price, tick and fees."""

    sqrt_price_x96: int
    tick: int
    protocol_fee: int
    lp_fee_ppm: int

    @classmethod
    def of(cls, word: int) -> "_Head":
        return cls(
            word & _MASK_160,
            _signed(word >> 160 & _MASK_24, 24),
            word >> 184 & _MASK_24,
            word >> 208 & _MASK_24,
        )


async def read_v4_pools(rpc: JsonRpc, refs: Sequence[PoolRef], block: Json) -> list[V4Pool | None]:
    """Read pools with all their ticks as of one block; None for a pool without a price.

    Three rounds for each manager: price, fees and liquidity; the tick bitmaps; the ticks.

    Raises:
        VenueUnavailable: VENUE_UNAVAILABLE, there is no pool manager; CHAIN_UNAVAILABLE.
        RpcError: RPC_ERROR, the node does not have the block.
    """
    pools: dict[str, V4Pool | None] = {}
    for manager in dict.fromkeys(ref.address for ref in refs):
        storage = _Storage(rpc, manager, block)
        pools |= await _read_manager(storage, [ref for ref in refs if ref.address == manager])
    return [pools[ref.pool_id] for ref in refs]


async def _read_manager(storage: "_Storage", refs: Sequence[PoolRef]) -> dict[str, V4Pool | None]:
    bases = {ref.pool_id: _base(ref.pool_id) for ref in refs}
    await storage.load(s for base in bases.values() for s in (base, base + _LIQUIDITY))
    await storage.load(s for ref in refs for _, s in _bitmap_slots(ref.pool_id, ref.tick_spacing))
    indices = {ref.pool_id: list(_initialised(storage, ref)) for ref in refs}
    await storage.load(_tick_slot(id_, index) for id_, found in indices.items() for index in found)
    pools: dict[str, V4Pool | None] = {}
    for ref in refs:
        head = _Head.of(storage[bases[ref.pool_id]])
        if not head.sqrt_price_x96:
            pools[ref.pool_id] = None
            continue
        pools[ref.pool_id] = V4Pool(
            head.lp_fee_ppm,
            head.protocol_fee,
            ref.tick_spacing,
            head.sqrt_price_x96,
            head.tick,
            storage[bases[ref.pool_id] + _LIQUIDITY] & _MASK_128,
            [
                _tick(index, storage[_tick_slot(ref.pool_id, index)])
                for index in indices[ref.pool_id]
            ],
        )
    return pools


class _Storage:
    """Slots of one manager as of one block, read once each."""

    def __init__(self, rpc: JsonRpc, manager: str, block: Json) -> None:
        self._rpc = rpc
        self._manager = manager
        self._block = block
        self._words: dict[int, int] = {}

    def __getitem__(self, slot: int) -> int:
        return self._words[slot]

    async def load(self, slots: Iterable[int]) -> None:
        wanted = list(slots)
        groups = [wanted[at : at + SLOTS_PER_CALL] for at in range(0, len(wanted), SLOTS_PER_CALL)]
        for at in range(0, len(groups), CALLS_PER_BATCH):
            together = groups[at : at + CALLS_PER_BATCH]
            answers = await self._rpc.batch(
                [("eth_call", [self._call(group), self._block]) for group in together]
            )
            for group, answer in zip(together, answers, strict=True):
                self._words |= zip(group, self._words_of(answer, len(group)), strict=True)

    def _call(self, slots: Sequence[int]) -> Mapping[str, str]:
        call_data = EXTSLOAD.encode_call([slot.to_bytes(_WORD, "big") for slot in slots])
        return {"to": self._manager, "data": to_hex(call_data), "gas": to_quantity(CALL_GAS)}

    def _words_of(self, answer: str, count: int) -> list[int]:
        returned = from_hex(answer)
        # An offset and a length come first; the layout is fixed, so words are cut out directly.
        if len(returned) != (2 + count) * _WORD:
            raise VenueUnavailable(
                "VENUE_UNAVAILABLE", f"There is no V4 pool manager at {self._manager}."
            )
        return [
            int.from_bytes(returned[at : at + _WORD], "big")
            for at in range(2 * _WORD, len(returned), _WORD)
        ]


def _base(pool_id: str) -> int:
    return _slot_of(from_hex(pool_id), _POOLS_SLOT)


def _slot_of(key: bytes, mapping_slot: int) -> int:
    return int.from_bytes(keccak(key + mapping_slot.to_bytes(_WORD, "big")), "big")


@lru_cache(maxsize=64)
def _bitmap_slots(pool_id: str, spacing: int) -> tuple[tuple[int, int], ...]:
    """Return (word, slot) of the whole bitmap; hashing thousands of keys is worth remembering."""
    mapping = _base(pool_id) + _BITMAP
    first, last = word_range(spacing)
    return tuple(
        (word, _slot_of(word.to_bytes(_WORD, "big", signed=True), mapping))
        for word in range(first, last + 1)
    )


def _tick_slot(pool_id: str, index: int) -> int:
    return _slot_of(index.to_bytes(_WORD, "big", signed=True), _base(pool_id) + _TICKS)


def _initialised(storage: _Storage, ref: PoolRef) -> Iterator[int]:
    for word, slot in _bitmap_slots(ref.pool_id, ref.tick_spacing):
        bits = storage[slot]
        while bits:
            lowest = bits & -bits
            yield (word * WORD_BITS + lowest.bit_length() - 1) * ref.tick_spacing
            bits ^= lowest


def _tick(index: int, word: int) -> tuple[int, int, int]:
    """Return (index, gross, net): gross is the lower half of the word, net the upper, signed."""
    return index, word & _MASK_128, _signed(word >> 128, 128)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
