"""A simulated exchange: our Rust book behind the port of a real one, with faults on demand.

Deterministic: the caller gives the resting orders, the balances, the clock and the faults.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.core import Book, Placement
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
        self._books: dict[str, Book] = {}
        self._balances = dict(balances)
        self._clock = clock
        self._latency_s = latency_s
        self._faults = faults
        self._last_order_id = 0
        self._takes: dict[str, tuple[TakerOrder, TakerFill]] = {}
        for market in markets:
            self._instruments[market.instrument.symbol] = market.instrument
            self._books[market.instrument.symbol] = Book()
            for side, levels in ((Side.BUY, market.bids), (Side.SELL, market.asks)):
                for level in levels:
                    self.rest(market.instrument.symbol, side, level.price_ticks, level.lots)

    @property
    def venue_id(self) -> str:
        return self._venue_id

    def rest(self, instrument: str, side: Side, price_ticks: int, lots: int) -> None:
        """Let somebody else's limit order into the book; it must not cross.

        Raises:
            ValueError: it would trade at once.
        """
        book = self._books[instrument]
        placed = book.place(self._next_id(), side.value, "post_only", price_ticks, lots)
        if placed.status == "rejected":
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
            bids=tuple(LadderLevel(price_ticks=p, lots=n) for p, n in book.bids(depth)),
            asks=tuple(LadderLevel(price_ticks=p, lots=n) for p, n in book.asks(depth)),
        )

    async def place(self, order: TakerOrder) -> TakerFill:
        """Trade at once up to the limit; an id that was seen returns its first fill.

        Raises:
            OrderRejected: INSUFFICIENT_BALANCE, or a fault.
            VenueUnavailable, OutcomeUnknown: a fault.
            UsageError: IDEMPOTENCY_CONFLICT, the id was used with another payload.
            FailureError: NOT_FOUND, there is no such instrument.
        """
        instrument = self._instrument(order.instrument)
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
        side, price, lots = order.side.value, order.limit_price_ticks, order.lots
        fill = _fill(book.preview(side, "ioc", price, lots), instrument, order.side)
        pays, receives = _assets(instrument, order.side)
        if fill.paid_units > self._balances.get(pays, 0):
            raise OrderRejected(
                "INSUFFICIENT_BALANCE", f"{self._venue_id} has too little {pays} of ours."
            )
        book.place(self._next_id(), side, "ioc", price, lots)
        self._balances[pays] = self._balances.get(pays, 0) - fill.paid_units
        self._balances[receives] = self._balances.get(receives, 0) + fill.received_units
        self._takes[order.client_order_id] = (order, fill)
        return fill

    def _instrument(self, symbol: str) -> Instrument:
        found = self._instruments.get(symbol)
        if found is None:
            raise FailureError("NOT_FOUND", f"{self._venue_id} has no instrument {symbol!r}.")
        return found

    def _next_id(self) -> int:
        self._last_order_id += 1
        return self._last_order_id

    async def _travel(self) -> None:
        if self._latency_s:
            await self._clock.sleep_s(self._latency_s)


def _assets(instrument: Instrument, side: Side) -> tuple[str, str]:
    """Return the symbols of (what is paid, what is received)."""
    base, quote = instrument.base.symbol, instrument.quote.symbol
    return (quote, base) if side is Side.BUY else (base, quote)


def _fill(placement: Placement, instrument: Instrument, side: Side) -> TakerFill:
    base = instrument.base_units(placement.filled_lots)
    quote = sum(instrument.quote_units(f.lots, f.price_ticks) for f in placement.fills)
    paid, gross = (quote, base) if side is Side.BUY else (base, quote)
    fee = -(-gross * instrument.taker_fee_ppm // PPM_ONE)
    return TakerFill(
        filled_lots=placement.filled_lots,
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
