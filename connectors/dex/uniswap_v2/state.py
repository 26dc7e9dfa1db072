"""State of Uniswap V2 pairs: read through Multicall3, and followed by `Sync` logs.

`Sync` carries both reserves after the change, so a pair's newest log is its whole state.
"""

from collections.abc import Sequence
from typing import Final

from connectors.chain.abi import AbiError, AbiEvent, AbiFunction
from connectors.chain.multicall import Multicall
from connectors.chain.rpc import Json, from_hex
from router.core import V2Pool
from router.domain.errors import VenueUnavailable
from router.domain.market import PoolRef
from router.domain.settlement import Log

SYNCED: Final = AbiEvent.declare("Sync", ["uint112", "uint112"], [False, False])
GET_RESERVES: Final = AbiFunction.declare("getReserves", [], ["uint112", "uint112", "uint32"])
V2_TOPICS: Final = ("0x" + SYNCED.topic0.hex(),)


def apply_v2_log(core: V2Pool, log: Log) -> V2Pool:
    """Return the pair after one of its `Sync` logs; other logs change nothing."""
    if not log.topics or log.topics[0] not in V2_TOPICS:
        return core
    reserve0, reserve1 = SYNCED.decode_log([from_hex(topic) for topic in log.topics], log.data)
    return V2Pool(reserve0, reserve1, core.fee_ppm)


async def read_pairs(multicall: Multicall, refs: Sequence[PoolRef], block: Json) -> list[V2Pool]:
    """Read reserves as of one block, without a code override.

    Raises:
        VenueUnavailable: VENUE_UNAVAILABLE, an address is no pair; CHAIN_UNAVAILABLE.
        RpcError: RPC_ERROR, the node does not have the block.
    """
    results = await multicall.run([(r.address, GET_RESERVES.encode_call()) for r in refs], block)
    pairs = []
    for ref, result in zip(refs, results, strict=True):
        try:
            reserve0, reserve1, _ = GET_RESERVES.decode_output(result.output)
        except AbiError as error:
            raise VenueUnavailable(
                "VENUE_UNAVAILABLE", f"There is no V2 pair at {ref.address}."
            ) from error
        pairs.append(V2Pool(reserve0, reserve1, ref.fee_ppm))
    return pairs
