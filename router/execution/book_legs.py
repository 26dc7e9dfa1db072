"""Book legs: immediate-or-cancel orders at the plan's own price, paid from the order's holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from router.domain.errors import OutcomeUnknown, RouterError
from router.domain.ledger import user_account
from router.domain.market import Instrument
from router.domain.orders import BookOrder, Side
from router.domain.routes import Leg
from router.domain.taking import TakerFill, TakerOrder, WorstAverage


class HeldTaking(Protocol):
    """Our own book as execution uses it: the taker pays from a hold that exists already."""

    async def place(
        self, order: TakerOrder, *, hold_id: str, worst: WorstAverage, reference: str
    ) -> TakerFill:
        """Trade at once and book it under `reference`; the same order again gives the same fill.

        Raises:
            OrderRejected: nothing was traded, because it would bring less than `worst`, say.
            OutcomeUnknown: it may have traded.
        """

    async def open_orders(self, account: str, instrument: str) -> list[BookOrder]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOutcome:
    """What became of a book leg: `fill` is None when nothing was placed; `code` says why.

    `met_itself`: the book stopped in front of the account's own order and will do so again.
    """

    fill: TakerFill | None
    code: str = ""
    message: str = ""
    met_itself: bool = False


def side_of(leg: Leg, instrument: Instrument) -> Side:
    """Return the taker's side: paying quote buys base."""
    assert {leg.asset_in, leg.asset_out} == {instrument.base, instrument.quote}, leg.venue_id
    return Side.BUY if leg.asset_in == instrument.quote else Side.SELL


def affordable_lots(leg: Leg, instrument: Instrument, available_units: int) -> int:
    """Return how many lots of the leg `available_units` of its input pay for.

    It never trades more than was planned: a limit bounds only what the plan is for.
    """
    if side_of(leg, instrument) is Side.SELL:
        return min(available_units // instrument.lot_units, leg.lots)
    if available_units >= leg.amount_in_units:
        return leg.lots
    return leg.lots * available_units // leg.amount_in_units


class BookLegs:
    """Places book legs in our own book."""

    def __init__(self, book: HeldTaking, instruments: Mapping[str, Instrument]) -> None:
        """`instruments` is by venue id as legs name it, such as `book:WETH/USDC`."""
        self._book = book
        self._instruments = instruments

    async def place(
        self,
        leg: Leg,
        *,
        key: str,
        account: str,
        hold_id: str,
        available_units: int,
        worst: WorstAverage,
        order_id: str,
    ) -> BookOutcome:
        """Trade one leg and return what became of it; a failed leg is an outcome, not an error.

        Raises:
            OutcomeUnknown: it may have traded; the same `key` again tells.
        """
        instrument = self._instruments.get(leg.venue_id)
        if instrument is None:
            return BookOutcome(
                fill=None, code="VENUE_UNAVAILABLE", message=f"{leg.label} takes no orders here."
            )
        lots = affordable_lots(leg, instrument, available_units)
        if lots == 0:
            return BookOutcome(
                fill=None, code="INSUFFICIENT_LIQUIDITY", message="Less than a lot is there."
            )
        order = TakerOrder(
            client_order_id=key,
            account=user_account(account),
            instrument=instrument.symbol,
            side=side_of(leg, instrument),
            lots=lots,
            limit_price_ticks=leg.limit_price_ticks,
        )
        try:
            fill = await self._book.place(order, hold_id=hold_id, worst=worst, reference=order_id)
        except OutcomeUnknown:
            raise
        except RouterError as error:
            return BookOutcome(fill=None, code=error.code, message=error.message)
        met_itself = fill.filled_lots < lots and await self._is_own_in_front(order)
        return BookOutcome(fill=fill, met_itself=met_itself)

    async def _is_own_in_front(self, taker: TakerOrder) -> bool:
        """Tell whether an order of the same account rests where the taker would have traded."""
        sign = 1 if taker.side is Side.BUY else -1
        return any(
            own.side is taker.side.opposite
            and sign * own.price_ticks <= sign * taker.limit_price_ticks
            for own in await self._book.open_orders(taker.account, taker.instrument)
        )
