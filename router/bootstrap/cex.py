"""External exchanges, opened only when the configuration names one; ccxt is imported then."""

import os
from contextlib import AsyncExitStack

from router.bootstrap.profile import Profile
from router.ports import Clock, OrderVenue


async def open_cex_venues(
    profile: Profile, clock: Clock, stack: AsyncExitStack
) -> tuple[OrderVenue, ...]:
    """Open the configured exchanges whose depth takes part in quotes; `stack` closes them.

    Raises:
        UsageError: CONFIG_INVALID, ccxt does not know the exchange or a market differs.
        VenueUnavailable: VENUE_UNAVAILABLE.
    """
    wanted = {name: venue for name, venue in profile.settings.cex.venues.items() if venue.routable}
    if not wanted:
        return ()
    from connectors.cex.ccxt_venue import CcxtVenue, make_exchange  # noqa: PLC0415 - seconds

    opened = []
    for name, venue in wanted.items():
        exchange = make_exchange(
            venue.exchange,
            api_key=os.environ.get(venue.api_key_env, "") if venue.api_key_env else "",
            secret=os.environ.get(venue.api_secret_env, "") if venue.api_secret_env else "",
            timeout_s=venue.call_timeout_ms / 1_000,
        )
        opened.append(
            await CcxtVenue.open(
                exchange,
                name,
                profile.cex_instruments[name],
                clock,
                deadline_s=venue.call_timeout_ms / 1_000,
            )
        )
        stack.push_async_callback(opened[-1].close)
    return tuple(opened)
