"""Many calls in one: Multicall3's `aggregate3`, packed and unpacked by slicing.

Decoding a thousand results through eth-abi costs more than the node needs to answer them, and
the layout is fixed, so words are cut out directly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connectors.chain.abi import AbiFunction
from connectors.chain.rpc import Json, JsonRpc, from_hex, to_hex
from router.domain.errors import VenueUnavailable

MULTICALL3_ADDRESS: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"
CALLS_PER_CHUNK: Final = 500
# Nodes refuse a request body of more than about 2 MB, and one packed call is half a kilobyte.
CHUNKS_PER_BATCH: Final = 4
AGGREGATE3: Final = AbiFunction.declare(
    "aggregate3", ["(address,bool,bytes)[]"], ["(bool,bytes)[]"]
)
GET_BLOCK_NUMBER: Final = AbiFunction.declare("getBlockNumber", [], ["uint256"])
WORD: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What one call did: its output, or with `ok` False its revert data."""

    ok: bool
    output: bytes


class Multicall:
    """Runs calls at one block through the Multicall3 contract; a failed call fails alone."""

    def __init__(self, rpc: JsonRpc, address: str = MULTICALL3_ADDRESS) -> None:
        self._rpc = rpc
        self._address = address

    async def run(
        self, calls: Sequence[tuple[str, bytes]], block: Json = "latest"
    ) -> list[CallResult]:
        """Return each call's result in order.

        Long lists go out in chunks of `CALLS_PER_CHUNK`. They see the same state only if `block`
        names one: a quantity, or `{"blockHash": ...}`.

        Raises:
            RpcError: RPC_ERROR, the node refused, for instance because it lacks the block.
            VenueUnavailable: CHAIN_UNAVAILABLE, also when there is no Multicall3.
        """
        results: list[CallResult] = []
        for at in range(0, len(calls), CALLS_PER_CHUNK * CHUNKS_PER_BATCH):
            window = calls[at : at + CALLS_PER_CHUNK * CHUNKS_PER_BATCH]
            results += await self._run_batch(window, block)
        return results

    async def _run_batch(self, calls: Sequence[tuple[str, bytes]], block: Json) -> list[CallResult]:
        chunks = [calls[at : at + CALLS_PER_CHUNK] for at in range(0, len(calls), CALLS_PER_CHUNK)]
        answers = await self._rpc.batch(
            [
                ("eth_call", [{"to": self._address, "data": to_hex(pack_aggregate3(chunk))}, block])
                for chunk in chunks
            ]
        )
        results: list[CallResult] = []
        for chunk, answer in zip(chunks, answers, strict=True):
            unpacked = unpack_aggregate3(from_hex(answer))
            if len(unpacked) != len(chunk):
                raise VenueUnavailable(
                    "CHAIN_UNAVAILABLE", f"There is no Multicall3 at {self._address}."
                )
            results += unpacked
        return results


def pack_aggregate3(calls: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the call data of `aggregate3`, each call allowed to fail."""
    return AGGREGATE3.encode_call([(target, True, call_data) for target, call_data in calls])


def unpack_aggregate3(returned: bytes) -> list[CallResult]:
    """Return the results in the output of `aggregate3`; none when the output is too short."""
    if len(returned) < 2 * WORD:
        return []
    count = _word(returned, WORD)
    first = 2 * WORD
    results = []
    for i in range(count):
        at = first + _word(returned, first + i * WORD)
        length = _word(returned, at + 2 * WORD)
        begin = at + 3 * WORD
        results.append(
            CallResult(ok=_word(returned, at) == 1, output=returned[begin : begin + length])
        )
    return results


def _word(payload: bytes, at: int) -> int:
    return int.from_bytes(payload[at : at + WORD], "big")
