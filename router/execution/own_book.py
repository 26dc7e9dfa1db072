"""Our own central limit order book: durable, exact, the same after every restart.

An operation is ONE database transaction that holds the order record together with the hold or the
journal it causes. The book in memory is changed after the commit only. When it is not certain what
a transaction did (a cancelled caller, a failing disk), the memory is dropped and built again from
storage before the next operation: storage is the truth, memory is its index. That nobody else has
changed the book is looked at inside the transaction, so a memory that is behind never trades.

Money, always in base units:

- A resting order holds exactly what its open lots cost at its own price: quote for a buy, base for
  a sell. It trades at its own price only, so each trade takes exactly its share of the hold.
- A trade is at the maker's price. A taker order is one journal (`book_trade`): taker, makers, fee.
- The taker's fee is taken from all it receives in the order, a maker's from what it receives in
  that trade; each is rounded up. The solver computes ladders in the same way, so a quote is met to
  the unit when the book has not moved.
- An account never trades with itself: an order stops in front of the account's own resting order,
  and what is left of it expires. What it traded before that stands.

Replays: the same client order id with the same payload returns the first answer and changes
nothing; with another payload it is refused. Ids of taker orders are unique in the whole book, ids
of limit orders per account. A refused order leaves no trace, its id can be used again.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from router.book_engine import is_in_range
from router.domain.errors import (
    FailureError,
    OrderRejected,
    OutcomeUnknown,
    RouterError,
    UsageError,
    VenueUnavailable,
)
from router.domain.market import Instrument, Ladder
from router.domain.orders import BookOrder
from router.domain.taking import TakerFill, TakerOrder, WorstAverage
from router.execution.own_book_state import LiveBook, Outcome
from router.execution.own_book_trade import pay_asset
from router.execution.own_book_work import (
    LimitOrder,
    LimitResult,
    apply_limit,
    apply_take,
    behind,
    cancel,
    check_order,
    needed_units,
    place_limit,
    take,
    take_key,
)
from router.ports import Clock, Database, UnitOfWork

__all__ = ["VENUE_ID", "LimitOrder", "LimitResult", "OwnBook"]

T = TypeVar("T")

VENUE_ID = "book"

# After these the memory may be behind storage: the transaction may have been kept, or others may
# have changed the book.
_UNCERTAIN = frozenset({"STORAGE_ERROR", "BUSY", "VENUE_UNAVAILABLE"})


class OwnBook:
    """The books of all instruments over one database; an `OrderVenue` for takers.

    One owner per database: a second one would not see the orders of the first. A follower looks
    at what the owner has stored, anew each time, and changes nothing.
    """

    def __init__(
        self,
        database: Database,
        instruments: Iterable[Instrument],
        clock: Clock,
        *,
        is_owner: bool = True,
    ) -> None:
        self._database = database
        self._is_owner = is_owner
        self._clock = clock
        self._books = {i.symbol: LiveBook(i) for i in instruments}
        self._lock = asyncio.Lock()
        self._stale = True
        self._next_order_id = 0
        self._loaded: list[BookOrder] = []

    @property
    def venue_id(self) -> str:
        return VENUE_ID

    async def instruments(self) -> tuple[Instrument, ...]:
        return tuple(book.instrument for book in self._books.values())

    async def ladder(self, instrument: str, depth: int) -> Ladder:
        """Return the best `depth` levels of each side; 0 is all.

        Raises:
            FailureError: NOT_FOUND, there is no such instrument; STORAGE_ERROR.
        """
        await self._synced()
        return self._book(instrument).ladder(VENUE_ID, depth)

    async def balances(self) -> dict[str, int]:
        """Return per asset symbol what all open orders set aside, in base units."""
        await self._synced()
        held: dict[str, int] = {}
        for book in self._books.values():
            for order in book.orders():
                symbol = pay_asset(book.instrument, order.side).symbol
                held[symbol] = held.get(symbol, 0) + needed_units(book.instrument, order)
        return held

    async def open_orders(
        self, account: str | None = None, instrument: str | None = None
    ) -> list[BookOrder]:
        """Return open orders in priority order, bids then asks, instrument by instrument."""
        await self._synced()
        books = self._books.values() if instrument is None else [self._book(instrument)]
        orders = [order for book in books for order in book.orders()]
        return [order for order in orders if account in (None, order.account)]

    async def place(
        self,
        order: TakerOrder,
        *,
        hold_id: str = "",
        worst: WorstAverage | None = None,
        reference: str = "",
    ) -> TakerFill:
        """Trade up to `order.lots` at once at the limit or better; nothing rests.

        With `hold_id` what the order pays comes out of that hold of the same account, which stays
        pending with the remainder; without, out of the account's available balance. `worst` bounds
        what all of it brings together, as the limit bounds each lot. The journal is booked under
        `reference`, else under the order's own key. Replays may differ in these two.

        Raises:
            UsageError: ORDER_INVALID; IDEMPOTENCY_CONFLICT, the id was used with another payload.
            OrderRejected: INSUFFICIENT_BALANCE, the balance or the hold does not cover what the
                order would pay; LIMIT_NOT_MET, it would trade below `worst`; nothing was traded.
            VenueUnavailable: the database failed before; nothing was traded.
            OutcomeUnknown: the database failed meanwhile; `lookup` tells.
            FailureError: NOT_FOUND, there is no such instrument or hold.
        """
        book = self._book(order.instrument)
        check_order(book.instrument, order)
        try:
            fill, _ = await self._commit(
                self._behind_nobody(
                    lambda uow: take(
                        uow, book, order, hold_id, worst, reference, self._clock.now_ms()
                    )
                ),
                lambda done: apply_take(book, order, done[1]),
            )
        except FailureError as error:
            raise _as_venue(error) from error
        return fill

    async def lookup(self, client_order_id: str) -> TakerFill | None:
        """Return what became of a taker order, None when the book never had it."""
        # A write, to queue behind one whose caller has given up.
        found = await self._database.write(lambda uow: uow.book.take(take_key(client_order_id)))
        return found[0] if found else None

    async def place_limit(self, order: LimitOrder) -> LimitResult:
        """Trade what crosses at once at the makers' prices and let the rest stay in the book.

        The account must have available what the whole order costs at its limit, also when part of
        it trades at better prices.

        Raises:
            UsageError: ORDER_INVALID; IDEMPOTENCY_CONFLICT, the id was used with another payload.
            OrderRejected: INSUFFICIENT_BALANCE; ORDER_REJECTED, a post-only order would trade, or
                what is left has no room in the book.
            VenueUnavailable: the database failed before; nothing was placed.
            OutcomeUnknown: the database failed meanwhile; the same order again tells.
            FailureError: NOT_FOUND, there is no such instrument.
        """
        book = self._book(order.instrument)
        check_order(book.instrument, order)
        try:
            result, _ = await self._commit(
                self._behind_nobody(
                    lambda uow: place_limit(uow, book, order, self._clock.now_ms())
                ),
                lambda done: self._apply_limit(book, order, *done),
            )
        except FailureError as error:
            raise _as_venue(error) from error
        return result

    async def cancel(self, account: str, client_order_id: str) -> BookOrder:
        """Take an order out of the book and return what its open lots held. Idempotent.

        An order that has ended already is returned as it is. Storage alone is asked, so that an
        order which the book cannot be built with can be taken out of it.

        Raises:
            FailureError: NOT_FOUND, the account has no such order; STORAGE_ERROR, the same call
                again is safe; BUSY.
        """
        order, _ = await self._commit(
            lambda uow: cancel(uow, account, client_order_id),
            lambda done: self._apply_cancel(*done),
            needs_memory=False,
        )
        return order

    def _book(self, instrument: str) -> LiveBook:
        book = self._books.get(instrument)
        if book is None:
            raise FailureError("NOT_FOUND", f"The book has no instrument {instrument!r}.")
        return book

    def _apply_limit(
        self, book: LiveBook, order: LimitOrder, result: LimitResult, outcome: Outcome | None
    ) -> None:
        apply_limit(book, order, result.order, outcome)
        self._next_order_id = max(self._next_order_id, result.order.order_id + 1)

    def _apply_cancel(self, order: BookOrder, is_new: bool) -> None:
        """Follow a cancellation; a memory that has another order than storage had is dropped."""
        book = self._books.get(order.instrument)
        known = None if book is None else book.open_order(order.order_id)
        is_same = known is not None and known.remaining_lots == order.remaining_lots
        if book is not None and is_new and is_same:
            book.cancel(order.order_id)
        else:
            self._stale = self._stale or is_new or known is not None

    def _behind_nobody(self, work: Callable[[UnitOfWork], T]) -> Callable[[UnitOfWork], T]:
        """Refuse to work on a memory that lacks the newest order; the makers are looked at later.

        A lock of the database on a server is lost with its connection, and taken again with the
        next: in between another process may have owned the book.
        """

        def guarded(uow: UnitOfWork) -> T:
            if uow.book.next_order_id() != self._next_order_id:
                raise behind()
            return work(uow)

        return guarded

    async def _synced(self) -> None:
        if self._stale or not self._is_owner:
            async with self._lock:
                await self._load_if_stale()

    async def _commit(
        self,
        work: Callable[[UnitOfWork], T],
        apply: Callable[[T], None],
        *,
        needs_memory: bool = True,
    ) -> T:
        """Run one transaction and then change the memory in the same way, or drop the memory."""
        assert self._is_owner, "a follower changes nothing"
        async with self._lock:
            if needs_memory:
                try:
                    await self._load_if_stale()
                except FailureError as error:
                    raise VenueUnavailable("VENUE_UNAVAILABLE", error.message) from error
            is_certain = False
            try:
                done = await self._database.write(work)
                if not self._stale:
                    apply(done)
                is_certain = True
            except RouterError as error:
                # Our rules refused inside the transaction, so it was rolled back.
                is_certain = error.code not in _UNCERTAIN
                raise
            finally:
                self._stale = self._stale or not is_certain
            return done

    async def _load_if_stale(self) -> None:
        if not self._stale and self._is_owner:
            return
        # The owner asks by a write, to queue behind one whose caller has given up.
        ask = self._database.write if self._is_owner else self._database.read
        orders, held, next_order_id = await ask(_resting)
        if not self._stale and orders == self._loaded:
            return
        for order in orders:
            self._require_held(order, held.get(order.hold_id, 0))
        for symbol, book in self._books.items():
            book.rebuild(order for order in orders if order.instrument == symbol)
        self._next_order_id = next_order_id
        self._stale = False
        self._loaded = [] if self._is_owner else orders

    def _require_held(self, order: BookOrder, held_units: int) -> None:
        """An instrument that was changed or delisted under its open orders is a wrong setting."""
        book = self._books.get(order.instrument)
        if book is None or needed_units(book.instrument, order) != held_units:
            why = "as it was configured before; configure it so again or cancel its orders."
        elif not is_in_range(order.price_ticks, order.remaining_lots):
            why = "with a price or a size that the book does not take any more; cancel it."
        else:
            return
        raise UsageError(
            "CONFIG_INVALID",
            f"Order {order.client_order_id} of {order.account} rests in {order.instrument} {why}",
        )


def _resting(uow: UnitOfWork) -> tuple[list[BookOrder], dict[str, int], int]:
    """Return the open orders in time priority, what each pending hold sets aside, the next id."""
    held = {hold.hold_id: hold.remaining_units for hold in uow.ledger.holds("user")}
    return uow.book.open_orders(), held, uow.book.next_order_id()


def _as_venue(error: FailureError) -> FailureError:
    """Sort a failure by what the taker may do next."""
    match error.code:
        case "INSUFFICIENT_BALANCE":
            return OrderRejected(error.code, error.message)
        case "STORAGE_ERROR":
            return OutcomeUnknown("OUTCOME_UNKNOWN", error.message)
        case "BUSY":
            return VenueUnavailable("VENUE_UNAVAILABLE", error.message)
        case _:
            return error
