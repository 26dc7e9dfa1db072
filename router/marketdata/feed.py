"""One place that knows the latest market: the pools of the head block and the books' depth."""

import asyncio
from collections.abc import Sequence

from router.domain.errors import FailureError, VenueUnavailable
from router.domain.market import Instrument, Ladder
from router.ports import OrderVenue, PoolSource
from router.routing.view import MarketView
from router.telemetry import logger

_log = logger("marketdata")


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
        self._venues = tuple(venues)
        self._depth = depth
        self._timeout_s = call_timeout_ms / 1_000
        self._instruments: dict[str, tuple[Instrument, ...]] = {}
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
        ladders: list[Ladder] = []
        for venue in self._venues:
            ladders.extend(await self._ladders(venue))
        view = MarketView(block=block, pools=pools, ladders=tuple(ladders))
        if self._last is None or self._last.identity != view.identity:
            self._last = view
        return self._last

    async def _ladders(self, venue: OrderVenue) -> list[Ladder]:
        try:
            async with asyncio.timeout(self._timeout_s):
                if venue.venue_id not in self._instruments:
                    self._instruments[venue.venue_id] = await venue.instruments()
                return [
                    await venue.ladder(instrument.symbol, self._depth)
                    for instrument in self._instruments[venue.venue_id]
                ]
        except TimeoutError:
            _log.warning("venue_left_out", venue=venue.venue_id, code="VENUE_UNAVAILABLE")
        except FailureError as error:
            _log.warning("venue_left_out", venue=venue.venue_id, code=error.code)
        return []
