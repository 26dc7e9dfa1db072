"""Follows the head of a chain by parent hashes, so that no reorganisation goes unseen.

Anvil sends no `removed` logs and nodes behind a balancer may forget to, so what was orphaned is
found here: a new block that does not continue the last one is walked back to the common ancestor.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Protocol

from router.domain.errors import VenueUnavailable
from router.domain.market import BlockRef
from router.ports import Clock

DEFAULT_HISTORY: Final = 256
MOVING_HEAD_ATTEMPTS: Final = 5


class BlockReader(Protocol):
    """What the tracker asks of a chain; `router.ports.Chain` has it."""

    async def head(self) -> BlockRef: ...

    async def block(self, number: int) -> BlockRef | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadChange:
    """What the chain did since the last poll.

    `orphaned` lists blocks that are no longer on the chain, newest first; `added` the blocks that
    are, oldest first. `lost_track` says that the change reaches below the remembered history (a
    deep reorganisation or a long absence): what was known below `added` must be read again.
    """

    orphaned: tuple[BlockRef, ...]
    added: tuple[BlockRef, ...]
    lost_track: bool = False


class HeadTracker:
    """Remembers the last `history` blocks and tells how each poll differs from them."""

    def __init__(self, chain: BlockReader, *, history: int = DEFAULT_HISTORY) -> None:
        assert history > 0, history
        self._chain = chain
        self._known: deque[BlockRef] = deque(maxlen=history)
        self._history = history

    @property
    def head(self) -> BlockRef | None:
        """The last block seen, None before the first poll."""
        return self._known[-1] if self._known else None

    def known(self) -> tuple[BlockRef, ...]:
        """Return the remembered blocks, oldest first; each is the next one's parent."""
        return tuple(self._known)

    async def poll(self) -> HeadChange | None:
        """Ask for the head once; None when it is the one already known.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE, also when the chain never stood still long enough
                to be walked; the tracker is unchanged then.
        """
        for _ in range(MOVING_HEAD_ATTEMPTS):
            head = await self._chain.head()
            if self._known and head.hash == self._known[-1].hash:
                return None
            added = await self._walk_back(head)
            if added is not None:
                return self._accept(added)
        raise VenueUnavailable(
            "CHAIN_UNAVAILABLE", "The chain reorganises faster than its blocks can be read."
        )

    async def changes(self, clock: Clock, interval_s: float) -> AsyncIterator[HeadChange]:
        """Poll for ever and yield each change; the first one holds the head alone.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE; iterate again to go on where it stopped.
        """
        while True:
            change = await self.poll()
            if change is not None:
                yield change
            await clock.sleep_s(interval_s)

    async def _walk_back(self, head: BlockRef) -> list[BlockRef] | None:
        """Return the chain down to the first block known or not linked, oldest first.

        None when the chain moved while it was walked.
        """
        if self._known and head.number - self._known[-1].number >= self._history:
            return [head]  # Nothing known could be met within the history.
        newest_first = [head]
        known_hashes = {block.hash for block in self._known}
        while self._known and len(newest_first) < self._history:
            oldest = newest_first[-1]
            if oldest.hash in known_hashes or oldest.number <= self._known[0].number:
                break
            parent = await self._chain.block(oldest.number - 1)
            if parent is None or parent.hash != oldest.parent_hash:
                return None
            newest_first.append(parent)
        newest_first.reverse()
        return newest_first

    def _accept(self, walked: list[BlockRef]) -> HeadChange:
        first_poll = not self._known
        orphaned: list[BlockRef] = []
        while self._known and self._known[-1].hash != walked[0].hash:
            orphaned.append(self._known.pop())
        added = walked[1:] if self._known else walked
        lost_track = not first_poll and not self._known
        self._known.extend(added)
        return HeadChange(orphaned=tuple(orphaned), added=tuple(added), lost_track=lost_track)
