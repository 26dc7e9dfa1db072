"""Independent prices: the books of exchanges that quotes do not trade on."""

import asyncio

from router.domain.market import Ladder
from router.marketdata.depth import BookDepth
from router.ports import Clock
from router.routing.guard import PriceGuard


class ReferencePrices:
    """Gives the guard of a quote; books are read again once they are older than `fresh_ms`."""

    def __init__(
        self, books: BookDepth, clock: Clock, *, warn_bps: int, refuse_bps: int, fresh_ms: int
    ) -> None:
        self._books = books
        self._clock = clock
        self._warn_bps = warn_bps
        self._refuse_bps = refuse_bps
        self._fresh_ms = fresh_ms
        self._read: tuple[int, tuple[Ladder, ...]] | None = None
        self._one_reader = asyncio.Lock()

    async def guard(self) -> PriceGuard:
        """Return the guard as of now; where no exchange answers it has nothing to compare with."""
        async with self._one_reader:
            now_ms = self._clock.now_ms()
            if self._read is None or now_ms - self._read[0] > self._fresh_ms:
                self._read = (now_ms, await self._books.ladders())
            references = self._read[1]
        return PriceGuard(
            warn_bps=self._warn_bps, refuse_bps=self._refuse_bps, references=references
        )
