"""Deposits: found on chain, credited once, taken back when the chain takes them back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from router.custody.config import CustodyConfig
from router.custody.crediting import Crediting
from router.custody.inflows import InflowReader
from router.custody.opening import DEPOSITS, OPENED
from router.domain.custody import Deposit, DepositState
from router.domain.errors import FailureError
from router.domain.market import BlockRef
from router.ports import Chain, ChainAudit, Clock, Database, UnitOfWork

_Key = tuple[str, int]  # (transaction hash, ordinal), unique on a chain


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What one scan changed."""

    seen: tuple[Deposit, ...] = ()
    credited: tuple[Deposit, ...] = ()
    orphaned: tuple[Deposit, ...] = ()


class DepositScanner:
    """Follows the chain block by block; the cursor and what it found are one transaction."""

    def __init__(
        self,
        *,
        database: Database,
        chain: Chain,
        audit: ChainAudit,
        clock: Clock,
        config: CustodyConfig,
    ) -> None:
        self._database = database
        self._chain = chain
        self._one_scan = asyncio.Lock()
        self._config = config
        self._inflows = InflowReader(audit, config)
        self._crediting = Crediting(
            database=database, chain=chain, audit=audit, clock=clock, config=config
        )

    async def scan(self) -> ScanResult:
        """Read all blocks up to the head, then credit what has enough confirmations.

        Raises:
            FailureError: NOT_FOUND, the books were never opened; CHAIN_UNSTEADY, a reorganisation
                went on while it was read; REORG_TOO_DEEP, an operator has to look.
            VenueUnavailable, TimeoutError: the node does not answer; nothing is lost.
        """
        # One at a time: a scan to an older head would take back what a newer one has found above.
        async with self._one_scan:
            return await self._scan()

    async def has_unread(self, number: int) -> bool:
        """Whether blocks up to `number` hold deposits that no scan has read yet.

        Raises:
            VenueUnavailable, TimeoutError: the node does not answer.
        """
        chain_id = self._config.chain_id
        scanned = await self._database.read(lambda uow: uow.custody.cursor(chain_id, DEPOSITS))
        if scanned is None or scanned.number >= number:
            return False
        found = await self._inflows.read(scanned.number + 1, number)
        return not await self._database.read(
            lambda uow: all(uow.settlement.find(tx_hash=d.tx_hash) is not None for d in found)
        )

    async def _scan(self) -> ScanResult:
        head = await self._head()
        before, rewound = await self._start(head)
        seen: list[Deposit] = []
        orphaned: list[Deposit] = []
        while before.number < head.number:
            end = min(head.number, before.number + self._config.scan_chunk_blocks)
            before, new, gone = await self._scan_blocks(before, end, head.number, rewound=rewound)
            seen += new
            orphaned += gone
        credited = await self._crediting.credit_ripe(head.number)
        return ScanResult(seen=tuple(seen), credited=tuple(credited), orphaned=tuple(orphaned))

    async def _start(self, head: BlockRef) -> tuple[BlockRef, bool]:
        """Return the block after which to read, and whether the chain left the one we knew.

        Only the newest scanned block is remembered, so a reorganisation rewinds by the whole
        bound: reading a block twice changes nothing.
        """
        chain_id = self._config.chain_id

        def cursors(uow: UnitOfWork) -> tuple[BlockRef | None, BlockRef | None]:
            custody = uow.custody
            return custody.cursor(chain_id, OPENED), custody.cursor(chain_id, DEPOSITS)

        opened, scanned = await self._database.read(cursors)
        if opened is None or scanned is None:
            raise FailureError("NOT_FOUND", "The books are not open: open them before scanning.")
        known = await self._block(scanned.number) if scanned.number <= head.number else None
        if known is not None and known.hash == scanned.hash:
            return scanned, False
        lowest = max(opened.number, scanned.number - self._config.max_reorg_blocks)
        before = await self._block(lowest)
        if lowest == opened.number and (before is None or before.hash != opened.hash):
            raise FailureError(
                "REORG_TOO_DEEP",
                f"Block {opened.number}, where the books were opened, is gone from the chain.",
            )
        return before or scanned, True

    async def _scan_blocks(
        self, before: BlockRef, end: int, height: int, *, rewound: bool
    ) -> tuple[BlockRef, list[Deposit], list[Deposit]]:
        """Read the blocks after `before` up to `end`; they have to continue it all the while."""
        start = before.number + 1
        last = await self._block(end)
        found = await self._inflows.read(start, end)
        first = await self._block(start)
        again = await self._block(end)
        continues = first is not None and first.parent_hash == before.hash
        if last is None or again is None or last.hash != again.hash or not continues:
            raise FailureError("CHAIN_UNSTEADY", f"The chain reorganised at block {end}.")
        top = end == height

        def keep(uow: UnitOfWork) -> tuple[list[Deposit], list[Deposit]]:
            new = self._keep_found(uow, found)
            # With the last chunk: a shorter chain has no block left to find the orphans in.
            gone = self._drop_orphans(uow, start, None if top else end, found) if rewound else []
            uow.custody.set_cursor(self._config.chain_id, last, DEPOSITS)
            return new, gone

        new, gone = await self._database.write(keep)
        return last, new, gone

    def _keep_found(self, uow: UnitOfWork, found: Sequence[Deposit]) -> list[Deposit]:
        known = {_key(d): d for d in uow.custody.deposits()} if found else {}
        new = []
        for deposit in found:
            before = known.get(_key(deposit))
            own = uow.settlement.find(tx_hash=deposit.tx_hash) is not None
            if own:
                continue
            # An orphan is new again, also in its own block: the chain may return to a fork.
            if before is not None and before.state is not DepositState.ORPHANED:
                if before.block_hash == deposit.block_hash:
                    continue
                if before.state is DepositState.CREDITED and not self._moved(uow, before, deposit):
                    continue
            uow.custody.save_deposit(deposit)
            new.append(deposit)
        return new

    def _moved(self, uow: UnitOfWork, before: Deposit, now: Deposit) -> bool:
        """Follow a credited deposit into another block; True when it is to be credited anew.

        The same transaction may pay another amount on another fork: then its credit is reversed.
        """
        if (before.asset, before.units, before.sender) != (now.asset, now.units, now.sender):
            return self._crediting.take_back(uow, before)
        there = replace(before, block_number=now.block_number, block_hash=now.block_hash)
        uow.custody.save_deposit(there)
        return False

    def _drop_orphans(
        self, uow: UnitOfWork, start: int, end: int | None, found: Sequence[Deposit]
    ) -> list[Deposit]:
        there = {_key(deposit) for deposit in found}
        gone = []
        for deposit in uow.custody.deposits():
            outside = deposit.block_number < start or (
                end is not None and deposit.block_number > end
            )
            if outside or deposit.state is DepositState.ORPHANED or _key(deposit) in there:
                continue
            orphan = replace(deposit, state=DepositState.ORPHANED)
            if deposit.state is DepositState.SEEN or self._crediting.take_back(uow, deposit):
                uow.custody.save_deposit(orphan)
                gone.append(orphan)
        return gone

    async def _head(self) -> BlockRef:
        async with asyncio.timeout(self._config.call_timeout_s):
            return await self._chain.head()

    async def _block(self, number: int) -> BlockRef | None:
        async with asyncio.timeout(self._config.call_timeout_s):
            return await self._chain.block(number)


def _key(deposit: Deposit) -> _Key:
    return deposit.tx_hash, deposit.ordinal
