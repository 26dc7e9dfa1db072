"""One place that knows the latest market: the pools of the head block and the books' depth."""

import asyncio
from collections.abc import Sequence

from router.domain.errors import VenueUnavailable
from router.marketdata.depth import BookDepth
from router.ports import OrderVenue, PoolSource
from router.routing.view import MarketView


class MarketFeed:
    """Builds market views; the same market gives the same view object, compiled market included."""

    def __init__(
        self,
        pools: PoolSource,
        venues: Sequence[OrderVenue],
        *,
        depth: int,
        call_timeout_ms: int,
    ) -> None:
        self._pools = pools
        self._books = BookDepth(venues, depth=depth, call_timeout_ms=call_timeout_ms)
        self._timeout_s = call_timeout_ms / 1_000
        self._last: MarketView | None = None

    async def view(self) -> MarketView:
        """Return the market as of now.

        A venue that does not answer is left out: an order can be routed without it.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE, the node did not answer in time.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                block, pools = await self._pools.snapshot()
        except TimeoutError as error:
            raise VenueUnavailable(
                "CHAIN_UNAVAILABLE", "The pools could not be read in time."
            ) from error
        view = MarketView(block=block, pools=pools, ladders=await self._books.ladders())
        if self._last is None or self._last.identity != view.identity:
            self._last = view
        return self._last
