"""A simulated exchange: our matching engine behind the port of a real one, with faults on demand.

Deterministic: the caller gives the resting orders, the balances, the clock and the faults.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.book_engine import INSTRUMENT, levels, open_engine, require_in_range, side_number
from router.core import Engine
from router.domain.amounts import PPM_ONE
from router.domain.errors import (
    FailureError,
    OrderRejected,
    OutcomeUnknown,
    UsageError,
    VenueUnavailable,
)
from router.domain.market import Instrument, Ladder, LadderLevel
from router.domain.orders import Side
from router.domain.taking import TakerFill, TakerOrder
from router.ports import Clock
from router.vocabulary import OrderFlag, Tif

# Whose orders rest does not matter here: the account behind the venue only takes.
_OTHERS, _OURS = 0, 1
_ORDERS_MAX: Final = 1 << 20


class FaultKind(StrEnum):
    """What goes wrong with an order. LOST never reaches the book, UNANSWERED trades in silence."""

    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"
    LOST = "lost"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMarket:
    """An instrument and what rests in its book at the start."""

    instrument: Instrument
    bids: tuple[LadderLevel, ...] = ()
    asks: tuple[LadderLevel, ...] = ()


Faults = Callable[[TakerOrder], FaultKind | None]


def no_faults(_: TakerOrder) -> None:
    return None


class SimulatedVenue:
    """Port `OrderVenue` over books in memory, for one account."""

    def __init__(
        self,
        venue_id: str,
        markets: Iterable[SimulatedMarket],
        *,
        balances: Mapping[str, int],
        clock: Clock,
        latency_s: float = 0.0,
        faults: Faults = no_faults,
    ) -> None:
        """Open the books.

        Args:
            balances: base units per asset symbol that the account begins with.
            latency_s: how long each call takes by the clock.
            faults: asked once per order that is placed; None lets it pass.
        """
        self._venue_id = venue_id
        self._instruments: dict[str, Instrument] = {}
        self._books: dict[str, Engine] = {}
        self._balances = dict(balances)
        self._clock = clock
        self._latency_s = latency_s
        self._faults = faults
        self._takes: dict[str, tuple[TakerOrder, TakerFill]] = {}
        for market in markets:
            self._instruments[market.instrument.symbol] = market.instrument
            self._books[market.instrument.symbol] = open_engine(
                max_accounts=2, max_orders=_ORDERS_MAX
            )
            for side, resting in ((Side.BUY, market.bids), (Side.SELL, market.asks)):
                for level in resting:
                    self.rest(market.instrument.symbol, side, level.price_ticks, level.lots)

    @property
    def venue_id(self) -> str:
        return self._venue_id

    def rest(self, instrument: str, side: Side, price_ticks: int, lots: int) -> None:
        """Let somebody else's limit order into the book; it must not cross.

        Raises:
            ValueError: it would trade at once.
            UsageError: ORDER_INVALID, price or lots are out of range.
        """
        require_in_range(instrument, price_ticks, lots)
        ack = self._books[instrument].place(
            INSTRUMENT, _OTHERS, side_number(side), price_ticks, lots, flags=OrderFlag.POST_ONLY
        )
        if ack.is_rejected:
            raise ValueError(f"a resting order at {price_ticks} would cross the book")

    async def instruments(self) -> tuple[Instrument, ...]:
        return tuple(self._instruments.values())

    async def ladder(self, instrument: str, depth: int) -> Ladder:
        """Return the book's best `depth` levels per side.

        Raises:
            FailureError: NOT_FOUND, there is no such instrument.
        """
        known = self._instrument(instrument)
        await self._travel()
        book = self._books[instrument]
        return Ladder(
            venue_id=self._venue_id,
            instrument=known,
            sequence=book.sequence,
            bids=levels(book, Side.BUY, depth),
            asks=levels(book, Side.SELL, depth),
        )

    async def place(self, order: TakerOrder) -> TakerFill:
        """Trade at once up to the limit; an id that was seen returns its first fill.

        Raises:
            OrderRejected: INSUFFICIENT_BALANCE, or a fault.
            VenueUnavailable, OutcomeUnknown: a fault.
            UsageError: IDEMPOTENCY_CONFLICT, the id was used with another payload; ORDER_INVALID,
                price or lots are out of range.
            FailureError: NOT_FOUND, there is no such instrument.
        """
        instrument = self._instrument(order.instrument)
        require_in_range(order.instrument, order.limit_price_ticks, order.lots)
        await self._travel()
        seen = self._takes.get(order.client_order_id)
        if seen is not None:
            return _same(seen, order)
        fault = self._faults(order)
        if fault is not None and fault is not FaultKind.UNANSWERED:
            raise _fault_error(self._venue_id, fault)
        fill = self._take(order, instrument)
        if fault is FaultKind.UNANSWERED:
            raise _fault_error(self._venue_id, fault)
        return fill

    async def lookup(self, client_order_id: str) -> TakerFill | None:
        """Return what became of an order, None when the venue never had it."""
        await self._travel()
        seen = self._takes.get(client_order_id)
        return None if seen is None else seen[1]

    async def balances(self) -> dict[str, int]:
        """Return the account's base units per asset symbol."""
        await self._travel()
        return dict(self._balances)

    def _take(self, order: TakerOrder, instrument: Instrument) -> TakerFill:
        book = self._books[order.instrument]
        side, price, lots = side_number(order.side), order.limit_price_ticks, order.lots
        makers = book.makers(INSTRUMENT, side, price, lots)
        fill = _fill(makers, lots, instrument, order.side)
        pays, receives = _assets(instrument, order.side)
        if fill.paid_units > self._balances.get(pays, 0):
            raise OrderRejected(
                "INSUFFICIENT_BALANCE", f"{self._venue_id} has too little {pays} of ours."
            )
        ack = book.place(INSTRUMENT, _OURS, side, price, lots, tif=Tif.IOC)
        assert ack.filled_lots == fill.filled_lots, "the book moved within one step"
        self._balances[pays] = self._balances.get(pays, 0) - fill.paid_units
        self._balances[receives] = self._balances.get(receives, 0) + fill.received_units
        self._takes[order.client_order_id] = (order, fill)
        return fill

    def _instrument(self, symbol: str) -> Instrument:
        found = self._instruments.get(symbol)
        if found is None:
            raise FailureError("NOT_FOUND", f"{self._venue_id} has no instrument {symbol!r}.")
        return found

    async def _travel(self) -> None:
        if self._latency_s:
            await self._clock.sleep_s(self._latency_s)


def _assets(instrument: Instrument, side: Side) -> tuple[str, str]:
    """Return the symbols of (what is paid, what is received)."""
    base, quote = instrument.base.symbol, instrument.quote.symbol
    return (quote, base) if side is Side.BUY else (base, quote)


def _fill(
    makers: Sequence[tuple[int, int, int]], lots: int, instrument: Instrument, side: Side
) -> TakerFill:
    """Return the money of an order that meets these makers of (id, price in ticks, open lots)."""
    left, quote = lots, 0
    for _, price_ticks, open_lots in makers:
        traded = min(left, open_lots)
        left -= traded
        quote += instrument.quote_units(traded, price_ticks)
    base = instrument.base_units(lots - left)
    paid, gross = (quote, base) if side is Side.BUY else (base, quote)
    fee = -(-gross * instrument.taker_fee_ppm // PPM_ONE)
    return TakerFill(
        filled_lots=lots - left,
        paid_units=paid,
        received_units=gross - fee,
        fee_units=fee,
    )


def _same(seen: tuple[TakerOrder, TakerFill], order: TakerOrder) -> TakerFill:
    if seen[0] != order:
        raise UsageError(
            "IDEMPOTENCY_CONFLICT", f"Order {order.client_order_id} was another order before."
        )
    return seen[1]


_FAULTS: Final[Mapping[FaultKind, tuple[type[FailureError], str, str]]] = {
    FaultKind.UNAVAILABLE: (VenueUnavailable, "VENUE_UNAVAILABLE", "cannot be reached"),
    FaultKind.REJECTED: (OrderRejected, "ORDER_REJECTED", "refused the order"),
    FaultKind.LOST: (OutcomeUnknown, "OUTCOME_UNKNOWN", "did not answer"),
    FaultKind.UNANSWERED: (OutcomeUnknown, "OUTCOME_UNKNOWN", "did not answer"),
}


def _fault_error(venue_id: str, fault: FaultKind) -> FailureError:
    kind, code, what = _FAULTS[fault]
    return kind(code, f"{venue_id} {what}.")
