"""Quotes of the market as it is now."""

from router.domain.routes import Quote, QuoteRequest
from router.marketdata.feed import MarketFeed
from router.marketdata.reference import ReferencePrices
from router.ports import Clock
from router.routing.quoting import QuotePolicy, check_request, quote


class LiveQuotes:
    """Answers requests from the feed's latest view; one crossing to the core per quote."""

    def __init__(
        self,
        feed: MarketFeed,
        policy: QuotePolicy,
        clock: Clock,
        references: ReferencePrices | None = None,
    ) -> None:
        """`references`: what quotes are held against; without it they are not."""
        self._feed = feed
        self._references = references
        self._policy = policy
        self._clock = clock

    async def quote(self, request: QuoteRequest) -> Quote:
        """Return the best executable split as of now.

        Raises:
            UsageError: SAME_ASSET, ASSET_NOT_ROUTABLE, AMOUNT_RANGE or ORDER_INVALID.
            FailureError: NO_ROUTE, INSUFFICIENT_LIQUIDITY, GAS_LIMIT or PRICE_GUARD.
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        check_request(request)
        view = await self._feed.view()
        guard = None if self._references is None else await self._references.guard()
        return quote(view, request, self._clock.now_ms(), self._policy, guard=guard)
