"""Plans what is left of an order: a fresh quote, and what it has to deliver."""

from collections.abc import Collection
from dataclasses import replace

from router.domain.errors import FailureError
from router.domain.orders import SwapMode, SwapOrder
from router.domain.routes import Quote, QuoteRequest
from router.execution.acceptance import Quoting
from router.execution.progress import Parcel, progress_of
from router.ports import Database


class Planner:
    """Asks for quotes on parcels of orders, and refuses those that break an order's limit."""

    def __init__(self, database: Database, quoting: Quoting) -> None:
        self._database = database
        self._quoting = quoting

    async def plan(
        self,
        order: SwapOrder,
        parcel: Parcel,
        first: Quote | None,
        *,
        is_first: bool,
        avoided: Collection[str] = (),
    ) -> tuple[Quote, int]:
        """Return a quote for a parcel, without the venues to avoid, and what it has to deliver.

        Raises:
            FailureError: LIMIT_NOT_MET, or why there is no quote.
            UsageError: ASSET_NOT_ROUTABLE, the settings changed since the order was taken.
        """
        buys_exact = parcel.least_out_units is None
        amount = parcel.units
        if buys_exact:
            progress = await self._database.read(lambda uow: progress_of(uow, order))
            amount = order.amount_units - progress.received_units
            if amount <= 0:
                raise FailureError("LIMIT_NOT_MET", "The exact output is bought.")
        quote = first
        if quote is None:
            mode = SwapMode.EXACT_OUT if buys_exact else SwapMode.EXACT_IN
            excluded = order.constraints.excluded_venues.union(avoided)
            quote = await self._quoting.quote(
                QuoteRequest(
                    mode=mode,
                    asset_in=parcel.asset,
                    asset_out=order.asset_out,
                    amount_units=amount,
                    constraints=replace(order.constraints, excluded_venues=excluded),
                )
            )
        if buys_exact:
            if quote.amount_in.units > parcel.units:
                raise FailureError("LIMIT_NOT_MET", "The rest costs more than the limit allows.")
            return quote, amount
        assert parcel.least_out_units is not None
        if quote.amount_out.units < parcel.least_out_units:
            raise FailureError("LIMIT_NOT_MET", "The rest would bring less than the limit allows.")
        if not is_first and quote.net_units <= 0:
            raise FailureError("LIMIT_NOT_MET", "The rest is worth less than the gas to trade it.")
        return quote, parcel.least_out_units
