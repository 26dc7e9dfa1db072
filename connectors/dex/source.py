"""Pools of one chain, read whole once and kept current from logs: port `PoolSource`.

Balancer's and Curve's pools, which change without a log, are few values each and are read at every
block.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from connectors.chain.heads import DEFAULT_HISTORY, HeadTracker
from connectors.chain.node import RpcChain, parse_log, shaped_as
from connectors.chain.rpc import JsonRpc, RpcError
from connectors.dex.pool_state import ChainPool, Core
from connectors.dex.reader import HeadMoved, WholePoolReader
from connectors.dex.uniswap_v2.state import V2_TOPICS, apply_v2_log
from connectors.dex.uniswap_v3.state import INITIALIZE_TOPIC, V3_TOPICS, apply_v3_log
from connectors.dex.uniswap_v4.state import INITIALIZE_TOPIC as V4_INITIALIZE_TOPIC
from connectors.dex.uniswap_v4.state import V4_TOPICS, apply_v4_log
from router.core import V2Pool, V3Pool, V4Pool
from router.domain.errors import VenueUnavailable
from router.domain.market import BlockRef, PoolRef, Protocol
from router.domain.settlement import Log

MOVING_CHAIN_ATTEMPTS: Final = 4
DEFAULT_DEADLINE_S: Final = 30.0
_UNLOGGED: Final = frozenset({Protocol.BALANCER, Protocol.CURVE})
_OWN_CONTRACT: Final = frozenset({Protocol.UNISWAP_V2, Protocol.UNISWAP_V3})
_FIRST_PRICE_TOPICS: Final = frozenset({INITIALIZE_TOPIC, V4_INITIALIZE_TOPIC})


class ChainPoolSource:
    """Follows the pools of `refs`; each snapshot is a new immutable tuple.

    A new block costs one query for its logs, which are folded into the pools. After a
    reorganisation, or an absence longer than the remembered history, all pools are read whole.
    """

    def __init__(
        self,
        rpc: JsonRpc,
        refs: Sequence[PoolRef],
        *,
        reader: WholePoolReader | None = None,
        deadline_s: float = DEFAULT_DEADLINE_S,
    ) -> None:
        assert deadline_s > 0, deadline_s
        self._rpc = rpc
        self._refs = tuple(refs)
        self._unlogged = tuple(ref for ref in refs if ref.protocol in _UNLOGGED)
        self._filters = _filters(self._refs)
        self._venue_ids = {(ref.pool_id or ref.address).lower(): ref.venue_id for ref in self._refs}
        self._reader = reader or WholePoolReader(rpc)
        self._deadline_s = deadline_s
        self._tracker = HeadTracker(RpcChain(rpc), history=DEFAULT_HISTORY)
        self._lock = asyncio.Lock()
        self._pools: dict[str, ChainPool] | None = None
        self._snapshot: tuple[BlockRef, tuple[ChainPool, ...]] | None = None
        self.whole_reads = 0

    async def snapshot(self) -> tuple[BlockRef, tuple[ChainPool, ...]]:
        """Return all pools as of one block; cheap when nothing changed since the last call.

        A V3 or V4 pool without a price is left out.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE, or VENUE_UNAVAILABLE when an address is no pool.
        """
        try:
            async with asyncio.timeout(self._deadline_s), self._lock:
                return await self._current()
        except TimeoutError as error:
            raise VenueUnavailable(
                "CHAIN_UNAVAILABLE", f"The pools could not be read in {self._deadline_s:g} s."
            ) from error

    async def _current(self) -> tuple[BlockRef, tuple[ChainPool, ...]]:
        failure: RpcError | HeadMoved | None = None
        for _ in range(MOVING_CHAIN_ATTEMPTS):
            change = await self._tracker.poll()
            if change is None and self._snapshot is not None:
                return self._snapshot
            head = self._tracker.head
            assert head is not None, "a poll leaves a head"
            pools, self._pools, self._snapshot = self._pools, None, None
            try:
                if change is None or change.orphaned or change.lost_track or pools is None:
                    pools = await self._read_whole(head)
                else:
                    pools = await self._follow(pools, change.added)
            except (RpcError, HeadMoved) as error:
                # Most likely the block was orphaned or followed since: ask for the head again.
                failure = error
                continue
            self._pools = pools
            self._snapshot = (head, tuple(pools.values()))
            return self._snapshot
        raise VenueUnavailable(
            "CHAIN_UNAVAILABLE", f"The node cannot read its own head: {failure}"
        ) from failure

    async def _read_whole(self, head: BlockRef) -> dict[str, ChainPool]:
        self.whole_reads += 1
        read = await self._reader.read(self._refs, head)
        return {pool.ref.venue_id: pool for pool in read if pool is not None}

    async def _follow(
        self, pools: dict[str, ChainPool], added: Sequence[BlockRef]
    ) -> dict[str, ChainPool]:
        """Fold the logs of new blocks in; a pool that got its first price is read whole."""
        logs = await self._logs(added)
        if any(log.topics[0] in _FIRST_PRICE_TOPICS for log in logs):
            return await self._read_whole(added[-1])
        folded = dict(pools)
        for log in logs:
            venue_id = self._venue_ids[_origin(log)]
            folded[venue_id] = apply_log(folded[venue_id], log)
        for pool in await self._reader.read(self._unlogged, added[-1]) if self._unlogged else ():
            assert pool is not None, "only pools with ticks can lack a price"
            folded[pool.ref.venue_id] = pool
        return folded

    async def _logs(self, added: Sequence[BlockRef]) -> list[Log]:
        """Return the pools' logs of the very blocks, named by hash, in chain order."""
        answers = await self._rpc.batch(
            [
                ("eth_getLogs", [{"blockHash": block.hash, **wanted}])
                for block in added
                for wanted in self._filters
            ]
        )
        with shaped_as("list of logs"):
            logs = [parse_log(log, 0) for answer in answers for log in answer]
        return sorted(logs, key=lambda log: (log.block_number, log.ordinal))


def _filters(refs: Sequence[PoolRef]) -> list[dict[str, Any]]:
    """Return what to ask for: all logs of a pool's own contract, a manager's by the pools' ids."""
    own = [ref.address for ref in refs if ref.protocol in _OWN_CONTRACT]
    shared = [ref for ref in refs if ref.protocol is Protocol.UNISWAP_V4]
    filters: list[dict[str, Any]] = []
    if own:
        filters.append({"address": own, "topics": [[*V2_TOPICS, *V3_TOPICS]]})
    if shared:
        managers = sorted({ref.address for ref in shared})
        topics = [[*V4_TOPICS], [ref.pool_id for ref in shared]]
        filters.append({"address": managers, "topics": topics})
    return filters


def _origin(log: Log) -> str:
    """Return what names the pool of a log: its contract, in a V4 manager its id."""
    return log.topics[1] if log.topics[0] in V4_TOPICS else log.address.lower()


def apply_log(pool: ChainPool, log: Log) -> ChainPool:
    """Return the pool after one of its logs."""
    core = pool.core
    if isinstance(core, V2Pool):
        after: Core = apply_v2_log(core, log)
    elif isinstance(core, V3Pool):
        after = apply_v3_log(core, log)
    else:
        assert isinstance(core, V4Pool), "no other pool is followed by logs"
        after = apply_v4_log(core, log)
    return pool if after is core else ChainPool(ref=pool.ref, core=after)
