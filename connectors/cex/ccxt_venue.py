"""An external exchange through ccxt: port `OrderVenue` with depth and immediate-or-cancel orders.

ccxt is imported when an exchange is made, since that takes seconds. Numbers stay text on their way
from the exchange's JSON to our integers: ccxt's own parsing of order books goes through floats, so
it is replaced here.
"""

import asyncio
import hashlib
import importlib
import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final, Self, TypeVar

from connectors.cex.errors import failure_of_read, is_a, is_duplicate, outcome_of_send
from connectors.cex.mapping import (
    CLIENT_ID_MAX,
    CcxtDict,
    check_steps,
    exchange_code,
    exchange_symbol,
    fill_of,
    is_final,
    ladder_of,
    price_text,
    states_fees,
    units_floor,
    whole_tokens,
    with_fees_of,
)
from router.domain.assets import Asset
from router.domain.errors import FailureError, OutcomeUnknown, UsageError, VenueUnavailable
from router.domain.market import Instrument, Ladder
from router.domain.orders import Side
from router.domain.taking import TakerFill, TakerOrder
from router.ports import Clock

T = TypeVar("T")

DEFAULT_DEADLINE_S: Final = 10.0
POLL_S: Final = 0.25
POLLS_MAX: Final = 20
SYMBOLS_REMEMBERED: Final = 10_000
_PLAIN_CLIENT_ID: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{CLIENT_ID_MAX}}}")
_TICK_SIZE: Final = 4  # ccxt's constant for precision that is stated as a step


def make_exchange(
    exchange_id: str,
    *,
    api_key: str = "",
    secret: str = "",
    timeout_s: float = DEFAULT_DEADLINE_S,
    options: Mapping[str, object] | None = None,
) -> Any:  # noqa: ANN401 - ccxt declares no types
    """Return a ccxt exchange whose numbers are text.

    Args:
        options: ccxt's own options of that exchange, such as which markets to load.

    Raises:
        UsageError: CONFIG_INVALID, ccxt has no exchange of that name.
    """
    ccxt = importlib.import_module("ccxt.async_support")
    if exchange_id not in ccxt.exchanges:
        raise UsageError("CONFIG_INVALID", f"ccxt knows no exchange {exchange_id!r}.")
    exchange = getattr(ccxt, exchange_id)(
        {
            "apiKey": api_key,
            "secret": secret,
            "timeout": int(timeout_s * 1000),
            "enableRateLimit": True,
            "options": {"defaultType": "spot", **(options or {})},
        }
    )
    keep_numbers_as_text(exchange)
    return exchange


def keep_numbers_as_text(exchange: Any) -> None:  # noqa: ANN401 - ccxt declares no types
    """Make an exchange hand out every number as the text that the exchange sent."""
    exchange.number = str
    exchange.on_json_response = lambda text: json.loads(text, parse_float=str)
    exchange.parse_order_book_bid_ask = _level_as_fractions


def _level_as_fractions(
    level: Any,  # noqa: ANN401 - a list or a dictionary, as the exchange has it
    price_key: Any = 0,  # noqa: ANN401
    amount_key: Any = 1,  # noqa: ANN401
    *_: object,
) -> list[Fraction]:
    # Fractions are exact and sort as numbers, which text does not; ccxt sorts the levels itself.
    return [Fraction(str(level[price_key])), Fraction(str(level[amount_key]))]


class CcxtVenue:
    """One account at one exchange; make it with `open`, end it with `close`."""

    def __init__(
        self,
        exchange: Any,  # noqa: ANN401 - ccxt declares no types
        venue_id: str,
        instruments: Sequence[Instrument],
        clock: Clock,
        deadline_s: float,
    ) -> None:
        self._exchange = exchange
        self._venue_id = venue_id
        self._instruments = {i.symbol: i for i in instruments}
        self._clock = clock
        self._deadline_s = deadline_s
        self._sequences: defaultdict[str, int] = defaultdict(int)
        self._instrument_of: dict[str, Instrument] = {}

    @classmethod
    async def open(
        cls,
        exchange: Any,  # noqa: ANN401 - ccxt declares no types
        venue_id: str,
        instruments: Sequence[Instrument],
        clock: Clock,
        *,
        deadline_s: float = DEFAULT_DEADLINE_S,
    ) -> Self:
        """Load the exchange's markets and check our lots and ticks against them.

        On failure the exchange's connections are closed.

        Raises:
            UsageError: CONFIG_INVALID, no such market or a lot or tick that it does not allow.
            VenueUnavailable: VENUE_UNAVAILABLE.
        """
        venue = cls(exchange, venue_id, instruments, clock, deadline_s)
        is_open = False
        try:
            markets = await venue._read(exchange.load_markets)
            for instrument in instruments:
                market = markets.get(exchange_symbol(instrument))
                if market is None:
                    raise UsageError(
                        "CONFIG_INVALID",
                        f"{venue_id} has no market {exchange_symbol(instrument)}.",
                    )
                check_steps(market, exchange.precisionMode == _TICK_SIZE, instrument)
            is_open = True
        finally:
            if not is_open:
                await venue.close()
        return venue

    async def close(self) -> None:
        async with asyncio.timeout(self._deadline_s):
            await self._exchange.close()

    @property
    def venue_id(self) -> str:
        return self._venue_id

    async def instruments(self) -> tuple[Instrument, ...]:
        return tuple(self._instruments.values())

    async def ladder(self, instrument: str, depth: int) -> Ladder:
        """Return the book's best `depth` levels per side.

        The sequence is the exchange's own; where it has none, a count of our reads.

        Raises:
            FailureError: NOT_FOUND, there is no such instrument.
            VenueUnavailable: VENUE_UNAVAILABLE.
        """
        wanted = self._instrument(instrument)
        symbol = exchange_symbol(wanted)
        book = await self._read(self._exchange.fetch_order_book, symbol)
        self._sequences[instrument] += 1
        sequence = int(book.get("nonce") or self._sequences[instrument])
        return ladder_of(self._venue_id, wanted, book, sequence, depth)

    async def place(self, order: TakerOrder) -> TakerFill:
        """Place an immediate-or-cancel limit order and wait until it is final.

        An id that this object has sent before, or that the exchange calls a duplicate, is looked up
        and not placed twice. Some exchanges take the id of a finished order again: who has lost
        his memory, as after a restart, calls `lookup` before he places.

        Raises:
            OrderRejected: ORDER_REJECTED or INSUFFICIENT_BALANCE.
            VenueUnavailable: VENUE_UNAVAILABLE, the exchange never looked at it.
            OutcomeUnknown: it may have traded; `lookup` tells.
            FailureError: NOT_FOUND, there is no such instrument.
        """
        instrument = self._instrument(order.instrument)
        client_id = exchange_client_id(order.client_order_id)
        if client_id in self._instrument_of:
            sent_before = await self._after_send(self.lookup(order.client_order_id))
            if sent_before is not None:
                return sent_before
        self._remember(client_id, instrument)
        placed = await self._send(order, instrument, client_id)
        if placed is None:
            found = await self._after_send(self.lookup(order.client_order_id))
            if found is None:
                raise OutcomeUnknown(
                    "OUTCOME_UNKNOWN", f"{self._venue_id} knows the id but not the order."
                )
            return found
        final = await self._after_send(self._final(placed, instrument, client_id))
        return fill_of(final, instrument, order.side)

    async def lookup(self, client_order_id: str) -> TakerFill | None:
        """Return what became of an order, None when no market of ours had it.

        Raises:
            OutcomeUnknown: the order exists and is not final yet.
            VenueUnavailable: VENUE_UNAVAILABLE.
        """
        client_id = exchange_client_id(client_order_id)
        known = self._instrument_of.get(client_id)
        for instrument in [known] if known else list(self._instruments.values()):
            found = await self._fetch(instrument, client_id)
            if found is not None:
                final = await self._final(found, instrument, client_id)
                return fill_of(final, instrument, Side(final["side"]))
        return None

    async def balances(self) -> dict[str, int]:
        """Return the account's total per asset symbol of ours, in base units, rounded down.

        Raises:
            VenueUnavailable: VENUE_UNAVAILABLE.
        """
        totals = (await self._read(self._exchange.fetch_balance))["total"]
        return {
            asset.symbol: units_floor(Fraction(str(totals.get(exchange_code(asset)) or 0)), asset)
            for asset in self._assets()
        }

    def _assets(self) -> list[Asset]:
        found = {a.symbol: a for i in self._instruments.values() for a in (i.base, i.quote)}
        return list(found.values())

    def _instrument(self, symbol: str) -> Instrument:
        found = self._instruments.get(symbol)
        if found is None:
            raise FailureError("NOT_FOUND", f"{self._venue_id} has no instrument {symbol!r}.")
        return found

    def _remember(self, client_id: str, instrument: Instrument) -> None:
        while len(self._instrument_of) >= SYMBOLS_REMEMBERED:
            self._instrument_of.pop(next(iter(self._instrument_of)))
        self._instrument_of[client_id] = instrument

    async def _send(
        self, order: TakerOrder, instrument: Instrument, client_id: str
    ) -> CcxtDict | None:
        """Send once; None when the exchange says that it has an order of this id."""
        try:
            async with asyncio.timeout(self._deadline_s):
                placed: CcxtDict = await self._exchange.create_order(
                    exchange_symbol(instrument),
                    "limit",
                    order.side.value,
                    whole_tokens(instrument.base_units(order.lots), instrument.base),
                    price_text(order.limit_price_ticks, instrument),
                    {"timeInForce": "IOC", "clientOrderId": client_id},
                )
        except TimeoutError as error:
            raise OutcomeUnknown(
                "OUTCOME_UNKNOWN",
                f"{self._venue_id} did not answer an order within {self._deadline_s:g} s.",
            ) from error
        except self._exchange_errors() as error:
            if is_duplicate(error):
                return None
            raise outcome_of_send(self._venue_id, error) from error
        return placed

    async def _final(self, order: CcxtDict, instrument: Instrument, client_id: str) -> CcxtDict:
        """Ask again until the order is final and its fees are known."""
        for _ in range(POLLS_MAX):
            if is_final(order):
                return order if states_fees(order) else await self._with_fees(order, instrument)
            await self._clock.sleep_s(POLL_S)
            order = await self._fetch(instrument, client_id) or order
        raise OutcomeUnknown(
            "OUTCOME_UNKNOWN", f"{self._venue_id} does not finish order {client_id}."
        )

    async def _fetch(self, instrument: Instrument, client_id: str) -> CcxtDict | None:
        symbol = exchange_symbol(instrument)
        try:
            found: CcxtDict = await self._read(
                self._exchange.fetch_order, None, symbol, {"clientOrderId": client_id}
            )
        except VenueUnavailable as error:
            if error.__cause__ is not None and is_a(_cause(error), "OrderNotFound"):
                return None
            raise
        return found

    async def _with_fees(self, order: CcxtDict, instrument: Instrument) -> CcxtDict:
        symbol = exchange_symbol(instrument)
        if self._exchange.has.get("fetchOrderTrades"):
            trades = await self._read(self._exchange.fetch_order_trades, order["id"], symbol)
        else:
            listed = await self._read(self._exchange.fetch_my_trades, symbol)
            trades = [trade for trade in listed if trade.get("order") == order["id"]]
        return with_fees_of(order, trades)

    async def _read(self, ask: Callable[..., Awaitable[T]], *arguments: object) -> T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await ask(*arguments)
        except TimeoutError as error:
            raise VenueUnavailable(
                "VENUE_UNAVAILABLE",
                f"{self._venue_id} did not answer within {self._deadline_s:g} s.",
            ) from error
        except self._exchange_errors() as error:
            raise failure_of_read(self._venue_id, error) from error

    async def _after_send(self, rest: Awaitable[T]) -> T:
        """Await what follows an accepted order; if it cannot be read, the outcome is unknown."""
        try:
            return await rest
        except VenueUnavailable as error:
            raise OutcomeUnknown("OUTCOME_UNKNOWN", error.message) from error

    def _exchange_errors(self) -> type[Exception]:
        """Return ccxt's root exception without importing ccxt ourselves."""
        root: type[Exception] = importlib.import_module("ccxt.base.errors").BaseError
        return root


def exchange_client_id(client_order_id: str) -> str:
    """Return an id that every exchange accepts; the same each time for the same id of ours."""
    if _PLAIN_CLIENT_ID.fullmatch(client_order_id):
        return client_order_id
    return hashlib.sha256(client_order_id.encode()).hexdigest()[:CLIENT_ID_MAX]


def _cause(error: FailureError) -> Exception:
    cause = error.__cause__
    assert isinstance(cause, Exception), "a failed read names what failed"
    return cause
