"""Uniswap pools of one chain, read whole once and kept current from logs: port `PoolSource`."""

import asyncio
from collections.abc import Sequence
from typing import Final

from connectors.chain.heads import DEFAULT_HISTORY, HeadTracker
from connectors.chain.node import RpcChain, parse_log, shaped_as
from connectors.chain.rpc import JsonRpc, RpcError
from connectors.dex.pool_state import UniswapPool
from connectors.dex.reader import HeadMoved, WholePoolReader
from connectors.dex.uniswap_v2.state import V2_TOPICS, apply_v2_log
from connectors.dex.uniswap_v3.state import INITIALIZE_TOPIC, V3_TOPICS, apply_v3_log
from router.core import V2Pool
from router.domain.errors import VenueUnavailable
from router.domain.market import BlockRef, PoolRef
from router.domain.settlement import Log

MOVING_CHAIN_ATTEMPTS: Final = 4
DEFAULT_DEADLINE_S: Final = 30.0


class UniswapPoolSource:
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
        self._reader = reader or WholePoolReader(rpc)
        self._deadline_s = deadline_s
        self._tracker = HeadTracker(RpcChain(rpc), history=DEFAULT_HISTORY)
        self._lock = asyncio.Lock()
        self._pools: dict[str, UniswapPool] | None = None
        self._snapshot: tuple[BlockRef, tuple[UniswapPool, ...]] | None = None
        self.whole_reads = 0

    async def snapshot(self) -> tuple[BlockRef, tuple[UniswapPool, ...]]:
        """Return all pools as of one block; cheap when nothing changed since the last call.

        A V3 pool without a price is left out.

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

    async def _current(self) -> tuple[BlockRef, tuple[UniswapPool, ...]]:
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

    async def _read_whole(self, head: BlockRef) -> dict[str, UniswapPool]:
        self.whole_reads += 1
        read = await self._reader.read(self._refs, head)
        return {pool.ref.address.lower(): pool for pool in read if pool is not None}

    async def _follow(
        self, pools: dict[str, UniswapPool], added: Sequence[BlockRef]
    ) -> dict[str, UniswapPool]:
        """Fold the logs of new blocks in; a pool that got its first price is read whole."""
        logs = await self._logs(added)
        if any(log.topics[0] == INITIALIZE_TOPIC for log in logs):
            return await self._read_whole(added[-1])
        folded = dict(pools)
        for log in logs:
            address = log.address.lower()
            folded[address] = apply_log(folded[address], log)
        return folded

    async def _logs(self, blocks: Sequence[BlockRef]) -> list[Log]:
        """Return the pools' logs of the very blocks, named by hash, in chain order."""
        addresses = [ref.address for ref in self._refs]
        topics = [[*V2_TOPICS, *V3_TOPICS]]
        answers = await self._rpc.batch(
            [
                ("eth_getLogs", [{"blockHash": b.hash, "address": addresses, "topics": topics}])
                for b in blocks
            ]
        )
        with shaped_as("list of logs"):
            logs = [parse_log(log, 0) for answer in answers for log in answer]
        return sorted(logs, key=lambda log: (log.block_number, log.ordinal))


def apply_log(pool: UniswapPool, log: Log) -> UniswapPool:
    """Return the pool after one of its logs."""
    core = pool.core
    after = apply_v2_log(core, log) if isinstance(core, V2Pool) else apply_v3_log(core, log)
    return pool if after is core else UniswapPool(ref=pool.ref, core=after)
