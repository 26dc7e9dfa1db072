"""The depth of books, read with a deadline; a venue that does not answer is left out."""

import asyncio
from collections.abc import Sequence

from router.domain.errors import FailureError
from router.domain.market import Instrument, Ladder
from router.ports import OrderVenue
from router.telemetry import logger

_log = logger("marketdata")


class BookDepth:
    """Reads every instrument of some venues."""

    def __init__(self, venues: Sequence[OrderVenue], *, depth: int, call_timeout_ms: int) -> None:
        self._venues = tuple(venues)
        self._depth = depth
        self._timeout_s = call_timeout_ms / 1_000
        self._instruments: dict[str, tuple[Instrument, ...]] = {}

    async def ladders(self) -> tuple[Ladder, ...]:
        """Return the ladders of all venues that answer, venue by venue."""
        found: list[Ladder] = []
        for venue in self._venues:
            found.extend(await self._of(venue))
        return tuple(found)

    async def _of(self, venue: OrderVenue) -> list[Ladder]:
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
