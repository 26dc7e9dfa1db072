"""External exchanges, opened only when the configuration names one; ccxt is imported then."""

import os
from contextlib import AsyncExitStack

from router.bootstrap.profile import Profile
from router.ports import Clock, OrderVenue


async def open_cex_venues(
    profile: Profile, clock: Clock, stack: AsyncExitStack
) -> dict[str, OrderVenue]:
    """Open the configured exchanges; `stack` closes them.

    Raises:
        UsageError: CONFIG_INVALID, ccxt does not know the exchange or a market differs.
        VenueUnavailable: VENUE_UNAVAILABLE.
    """
    wanted = profile.settings.cex.venues
    if not wanted:
        return {}
    from connectors.cex.ccxt_venue import CcxtVenue, make_exchange  # noqa: PLC0415 - seconds

    opened: dict[str, OrderVenue] = {}
    for name, venue in wanted.items():
        exchange = make_exchange(
            venue.exchange,
            api_key=os.environ.get(venue.api_key_env, "") if venue.api_key_env else "",
            secret=os.environ.get(venue.api_secret_env, "") if venue.api_secret_env else "",
            timeout_s=venue.call_timeout_ms / 1_000,
        )
        made = await CcxtVenue.open(
            exchange,
            name,
            profile.cex_instruments[name],
            clock,
            deadline_s=venue.call_timeout_ms / 1_000,
        )
        stack.push_async_callback(made.close)
        opened[name] = made
    return opened
