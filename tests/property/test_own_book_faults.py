"""Our own book when callers give up, the disk fails or the settings change."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from router.domain.assets import Asset
from router.domain.errors import (
    FailureError,
    OrderRejected,
    OutcomeUnknown,
    RouterError,
    UsageError,
    VenueUnavailable,
)
from router.domain.ledger import Entry, Journal, JournalKind, wallet_account
from router.domain.market import Instrument
from router.domain.orders import BookOrderStatus, Side
from router.domain.taking import TakerFill, TakerOrder
from router.execution.own_book import LimitOrder, OwnBook
from router.ledger import place_hold, post, verify
from router.ports import UnitOfWork
from router.storage import SqlDatabase, open_database
from router.vocabulary import MAX_LOTS, MAX_PRICE_TICKS

T = TypeVar("T")

BASE = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "1" * 40)
QUOTE = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "2" * 40)
PAIR = Instrument(
    symbol="WETH/USDC", base=BASE, quote=QUOTE, lot_units=100, tick_units=3,
    taker_fee_ppm=1_000, maker_fee_ppm=100,
)  # fmt: skip
ANN, BOB = "user/ann", "user/bob"


class StoppedClock:
    def now_ms(self) -> int:
        return 1_000

    async def sleep_s(self, _seconds: float) -> None:
        raise AssertionError("the book never sleeps")


class FaultyDatabase:
    """The real database that can be told to fail before or after the work, or to stand still."""

    def __init__(self, inner: SqlDatabase) -> None:
        self._inner = inner
        self.fail_before = self.fail_after = False
        self.is_owned_by_another = False
        self.gate: threading.Event | None = None
        self.entered = threading.Event()

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        if self.fail_before:
            raise FailureError("STORAGE_ERROR", "The disk is full.")
        if self.is_owned_by_another:
            raise FailureError("BUSY", "Another process owns this database; stop it first.")
        done = await self._inner.write(lambda uow: self._run(work, uow))
        if self.fail_after:
            raise FailureError("STORAGE_ERROR", "The connection broke after the commit.")
        return done

    def _run(self, work: Callable[[UnitOfWork], T], uow: UnitOfWork) -> T:
        done = work(uow)
        if self.gate is not None:
            self.entered.set()
            assert self.gate.wait(10)
        return done

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        return await self._inner.read(work)

    async def close(self) -> None:
        await self._inner.close()


def fund(uow: UnitOfWork, *users: str) -> None:
    for user in users:
        for asset in ("WETH", "USDC"):
            entries = (
                Entry(account=wallet_account("0x1"), asset=asset, units=10**6),
                Entry(account=user, asset=asset, units=-(10**6)),
            )
            key = f"{user}{asset}"
            post(uow.ledger, Journal(key=key, kind=JournalKind.DEPOSIT, entries=entries), 1)


@pytest.fixture
async def database() -> AsyncIterator[FaultyDatabase]:
    """Ann and Bob have 1,000,000 units of each asset."""
    opened = FaultyDatabase(open_database("sqlite://"))

    await opened.write(lambda uow: fund(uow, ANN, BOB))
    yield opened
    audit = await opened.read(lambda uow: verify(uow.ledger))
    assert audit.is_sound, audit.problems
    await opened.close()


@pytest.fixture
def book(database: FaultyDatabase) -> OwnBook:
    return OwnBook(database, [PAIR], StoppedClock())


def limit(name: str, account: str, side: Side, price: int, lots: int) -> LimitOrder:
    return LimitOrder(
        client_order_id=name, account=account, instrument=PAIR.symbol, side=side,
        price_ticks=price, lots=lots,
    )  # fmt: skip


def taker(name: str, account: str, side: Side, price: int, lots: int) -> TakerOrder:
    return TakerOrder(
        client_order_id=name, account=account, instrument=PAIR.symbol, side=side,
        limit_price_ticks=price, lots=lots,
    )  # fmt: skip


async def memory_is_storage(book: OwnBook, database: FaultyDatabase) -> list[tuple[str, int]]:
    fresh = OwnBook(database, [PAIR], StoppedClock())
    found = await book.open_orders()
    assert found == await fresh.open_orders()
    ladder = await book.ladder(PAIR.symbol, 0)
    assert (ladder.bids, ladder.asks) == (
        (await fresh.ladder(PAIR.symbol, 0)).bids,
        (await fresh.ladder(PAIR.symbol, 0)).asks,
    )
    return [(order.client_order_id, order.remaining_lots) for order in found]


# Each operation with what the open orders are once it has been committed.
OPERATIONS: dict[str, tuple[Callable[[OwnBook], Any], list[tuple[str, int]]]] = {
    "place_limit": (
        lambda book: book.place_limit(limit("new", BOB, Side.SELL, 12, 4)),
        [("first", 5), ("second", 5), ("new", 4)],
    ),
    "take": (
        lambda book: book.place(taker("t", BOB, Side.SELL, 10, 7)),
        [("second", 3)],
    ),
    "cancel": (lambda book: book.cancel(ANN, "first"), [("second", 5)]),
}


async def fill(book: OwnBook) -> None:
    await book.place_limit(limit("first", ANN, Side.BUY, 10, 5))
    await book.place_limit(limit("second", ANN, Side.BUY, 10, 5))


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_caller_that_gives_up_leaves_memory_and_storage_equal(
    book: OwnBook, database: FaultyDatabase, name: str
) -> None:
    operation, expected = OPERATIONS[name]
    await fill(book)
    database.gate = threading.Event()
    task = asyncio.ensure_future(operation(book))
    await asyncio.to_thread(database.entered.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    looking = asyncio.ensure_future(book.open_orders())
    await asyncio.sleep(0)
    database.gate.set()
    assert [(o.client_order_id, o.remaining_lots) for o in await looking] == expected
    assert await memory_is_storage(book, database) == expected


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("committed", [False, True])
async def test_a_failing_database_leaves_memory_and_storage_equal(
    book: OwnBook, database: FaultyDatabase, name: str, committed: bool
) -> None:
    operation, after = OPERATIONS[name]
    await fill(book)
    before = await memory_is_storage(book, database)
    database.fail_before, database.fail_after = not committed, committed
    with pytest.raises(FailureError) as caught:
        await operation(book)
    if name != "cancel":
        assert isinstance(caught.value, OutcomeUnknown)
    database.fail_before = database.fail_after = False
    assert await memory_is_storage(book, database) == (after if committed else before)
    await operation(book)
    assert await memory_is_storage(book, database) == after, "the same call again is safe"


async def test_an_unknown_outcome_is_settled_by_a_lookup(
    book: OwnBook, database: FaultyDatabase
) -> None:
    await fill(book)
    order = taker("t", BOB, Side.SELL, 10, 7)
    database.fail_before = True
    with pytest.raises(OutcomeUnknown):
        await book.place(order)
    with pytest.raises(VenueUnavailable):
        await book.place(order)
    database.fail_before = False
    assert await book.lookup("t") is None
    assert len(await book.open_orders()) == 2
    database.fail_after = True
    with pytest.raises(OutcomeUnknown):
        await book.place(order)
    database.fail_after = False
    assert await book.lookup("t") == TakerFill(
        filled_lots=7, paid_units=700, received_units=209, fee_units=1
    )


async def test_a_limit_order_needs_its_worst_price_even_when_it_would_trade_better(
    book: OwnBook,
) -> None:
    await book.place_limit(limit("ask", ANN, Side.SELL, 10, 1))
    too_much = 10**6 // PAIR.tick_units // 100 + 1
    with pytest.raises(OrderRejected) as caught:
        await book.place_limit(limit("bid", BOB, Side.BUY, 100, too_much))
    assert caught.value.code == "INSUFFICIENT_BALANCE"
    result = await book.place_limit(limit("bid", BOB, Side.BUY, 100, too_much - 1))
    assert result.fill.paid_units == 30
    assert result.order.remaining_lots == too_much - 2


async def test_an_order_stops_in_front_of_its_own(book: OwnBook) -> None:
    await book.place_limit(limit("other", BOB, Side.SELL, 10, 2))
    await book.place_limit(limit("own", ANN, Side.SELL, 10, 2))
    await book.place_limit(limit("behind", BOB, Side.SELL, 10, 2))
    assert (await book.place(taker("t", ANN, Side.BUY, 10, 1))).filled_lots == 1
    result = await book.place_limit(limit("bid", ANN, Side.BUY, 11, 5))
    assert result.fill.filled_lots == 1
    assert (result.order.status, result.order.remaining_lots) == (BookOrderStatus.CANCELED, 4)
    assert [o.client_order_id for o in await book.open_orders()] == ["own", "behind"]
    assert (await book.place(taker("u", ANN, Side.BUY, 10, 1))).filled_lots == 0


async def test_a_taker_pays_from_its_hold_and_keeps_the_rest_of_it(
    book: OwnBook, database: FaultyDatabase
) -> None:
    await book.place_limit(limit("ask", ANN, Side.SELL, 10, 5))
    await database.write(lambda uow: place_hold(uow.ledger, "h", BOB, "USDC", 100, "order-1"))
    fill = await book.place(taker("t", BOB, Side.BUY, 10, 3), hold_id="h", reference="order-1")
    assert (fill.paid_units, fill.received_units, fill.fee_units) == (90, 299, 1)
    hold = await database.read(lambda uow: uow.ledger.hold("h"))
    assert (hold.state, hold.remaining_units) == ("pending", 10)
    with pytest.raises(OrderRejected) as caught:
        await book.place(taker("u", BOB, Side.BUY, 10, 1), hold_id="h")
    assert caught.value.code == "INSUFFICIENT_BALANCE"
    booked = await database.read(lambda uow: uow.ledger.journals(0, 99, reference="order-1"))
    assert [one.journal.kind for one in booked] == [JournalKind.BOOK_TRADE]


async def test_a_post_only_order_that_would_trade_is_refused_and_leaves_its_id_free(
    book: OwnBook,
) -> None:
    await book.place_limit(limit("ask", ANN, Side.SELL, 10, 5))
    crossing = replace(limit("bid", BOB, Side.BUY, 10, 5), post_only=True)
    with pytest.raises(OrderRejected) as caught:
        await book.place_limit(crossing)
    assert caught.value.code == "ORDER_REJECTED"
    result = await book.place_limit(replace(crossing, price_ticks=9))
    assert result.order.status is BookOrderStatus.OPEN


@pytest.mark.parametrize(
    "change", [{"price_ticks": 11}, {"lots": 6}, {"side": Side.BUY}, {"post_only": True}]
)
async def test_a_client_id_means_one_limit_order(book: OwnBook, change: dict[str, Any]) -> None:
    order = limit("a", ANN, Side.SELL, 10, 5)
    first = await book.place_limit(order)
    assert await book.place_limit(order) == first
    with pytest.raises(UsageError) as caught:
        await book.place_limit(replace(order, **change))
    assert caught.value.code == "IDEMPOTENCY_CONFLICT"
    assert (await book.place_limit(replace(order, account=BOB))).order.account == BOB


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (limit("a", "revenue/fee", Side.BUY, 1, 1), "ORDER_INVALID"),
        (limit("", ANN, Side.BUY, 1, 1), "ORDER_INVALID"),
        (limit("a", ANN, Side.BUY, 0, 1), "ORDER_INVALID"),
        (limit("a", ANN, Side.BUY, 1, 0), "ORDER_INVALID"),
        (limit("a", ANN, Side.BUY, 1, MAX_LOTS + 1), "ORDER_INVALID"),
        (limit("a", ANN, Side.BUY, MAX_PRICE_TICKS + 1, 1), "ORDER_INVALID"),
        (limit("a", ANN, Side.BUY, MAX_PRICE_TICKS, MAX_LOTS), "INSUFFICIENT_BALANCE"),
        (limit("a", ANN, Side.BUY, 2**63, 2**63), "ORDER_INVALID"),
        (replace(limit("a", ANN, Side.BUY, 1, 1), instrument="X/Y"), "NOT_FOUND"),
    ],
)
async def test_an_impossible_order_is_refused(book: OwnBook, order: LimitOrder, code: str) -> None:
    with pytest.raises(RouterError) as caught:
        await book.place_limit(order)
    assert caught.value.code == code
    assert await book.open_orders() == []


async def test_a_stranger_cannot_cancel(book: OwnBook) -> None:
    await fill(book)
    with pytest.raises(FailureError) as caught:
        await book.cancel(BOB, "first")
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize("pairs", [[], [replace(PAIR, tick_units=4)]])
async def test_changed_settings_under_open_orders_are_refused(
    book: OwnBook, database: FaultyDatabase, pairs: list[Instrument]
) -> None:
    await fill(book)
    other = OwnBook(database, pairs, StoppedClock())
    with pytest.raises(UsageError, match="rests in WETH/USDC") as caught:
        await other.open_orders()
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize("pairs", [[], [replace(PAIR, tick_units=4)]])
async def test_orders_can_be_canceled_under_changed_settings(
    book: OwnBook, database: FaultyDatabase, pairs: list[Instrument]
) -> None:
    await fill(book)
    other = OwnBook(database, pairs, StoppedClock())
    for name in ("first", "second"):
        assert (await other.cancel(ANN, name)).status is BookOrderStatus.CANCELED
    assert await other.open_orders() == []
    assert await database.read(lambda uow: uow.ledger.holds("user")) == []


async def test_a_stored_order_that_the_book_cannot_take_is_named_and_can_be_canceled(
    book: OwnBook, database: FaultyDatabase
) -> None:
    """A program with other limits may have stored it."""
    await fill(book)
    lots = MAX_LOTS + 1

    def store(uow: UnitOfWork) -> None:
        old = uow.book.by_client_id(ANN, "first")
        assert old is not None
        units = lots * PAIR.lot_units
        entries = (
            Entry(account=wallet_account("0x1"), asset="WETH", units=units),
            Entry(account=ANN, asset="WETH", units=-units),
        )
        post(uow.ledger, Journal(key="big", kind=JournalKind.DEPOSIT, entries=entries), 1)
        place_hold(uow.ledger, "big", ANN, "WETH", units, "big")
        order_id, side = uow.book.next_order_id(), Side.SELL
        uow.book.save(
            replace(
                old, order_id=order_id, client_order_id="big", side=side, hold_id="big",
                lots=lots, remaining_lots=lots, price_ticks=99,
            )
        )  # fmt: skip

    await database.write(store)
    other = OwnBook(database, [PAIR], StoppedClock())
    with pytest.raises(UsageError, match="Order big of user/ann rests in WETH/USDC") as caught:
        await other.place(taker("t", BOB, Side.SELL, 10, 1))
    assert caught.value.code == "CONFIG_INVALID"
    await other.cancel(ANN, "big")
    assert (await other.place(taker("t", BOB, Side.SELL, 10, 1))).filled_lots == 1


async def test_a_full_book_refuses_what_would_rest_and_takes_what_trades(
    book: OwnBook, database: FaultyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.execution.own_book_state.ORDERS_MAX", 2)
    await fill(book)
    with pytest.raises(OrderRejected, match="2 open orders") as caught:
        await book.place_limit(limit("a", BOB, Side.BUY, 9, 1))
    assert caught.value.code == "ORDER_REJECTED"
    assert await memory_is_storage(book, database) == [("first", 5), ("second", 5)]
    assert (await book.place_limit(limit("a", BOB, Side.SELL, 10, 6))).fill.filled_lots == 6
    await book.place_limit(limit("b", BOB, Side.BUY, 9, 1))
    assert await memory_is_storage(book, database) == [("second", 4), ("b", 1)]


async def test_accounts_without_orders_make_room_for_others(
    book: OwnBook, database: FaultyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.execution.own_book_state.ORDERS_MAX", 2)
    monkeypatch.setattr("router.execution.own_book_state.ACCOUNTS_MAX", 3)
    await fill(book)
    for number in range(10):
        name = f"user/{number}"
        await database.write(lambda uow, name=name: fund(uow, name))
        await book.place(taker(f"t{number}", name, Side.SELL, 10, 1))
    assert await memory_is_storage(book, database) == []


# What a second owner may do between two orders of the first: the owner's lock of a database on a
# server is gone for as long as the connection is broken.
MEANWHILE: dict[str, Callable[[OwnBook], Any]] = {
    "cancel": lambda other: other.cancel(ANN, "first"),
    "fill": lambda other: other.place(taker("o", BOB, Side.SELL, 10, 5)),
    "fill_in_part": lambda other: other.place(taker("o", BOB, Side.SELL, 10, 3)),
    "place": lambda other: other.place_limit(limit("better", BOB, Side.BUY, 11, 5)),
    "fill_and_place": lambda other: other.place_limit(limit("o", BOB, Side.SELL, 10, 12)),
}


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("is_limit", [False, True])
async def test_a_book_that_somebody_else_has_changed_is_read_again_before_it_trades(
    book: OwnBook, database: FaultyDatabase, what: str, is_limit: bool
) -> None:
    await fill(book)
    other = OwnBook(database, [PAIR], StoppedClock())
    await MEANWHILE[what](other)
    expected = [
        (order.client_order_id, order.remaining_lots) for order in await other.open_orders()
    ]

    async def sell() -> TakerFill:
        if is_limit:
            return (await book.place_limit(limit("s", BOB, Side.SELL, 10, 4))).fill
        return await book.place(taker("s", BOB, Side.SELL, 10, 4))

    with pytest.raises(VenueUnavailable):
        await sell()
    assert await memory_is_storage(book, database) == expected
    await sell()
    await memory_is_storage(book, database)


@pytest.mark.parametrize("what", ["cancel", "fill", "fill_in_part", "fill_and_place"])
async def test_an_order_that_another_ended_is_cancelled_as_it_is_stored(
    book: OwnBook, database: FaultyDatabase, what: str
) -> None:
    await fill(book)
    other = OwnBook(database, [PAIR], StoppedClock())
    await MEANWHILE[what](other)
    stored = await other.cancel(ANN, "first")
    assert await book.cancel(ANN, "first") == stored
    assert all(name != "first" for name, _ in await memory_is_storage(book, database))


async def test_an_order_that_only_storage_has_is_cancelled_there(
    book: OwnBook, database: FaultyDatabase
) -> None:
    await fill(book)
    other = OwnBook(database, [PAIR], StoppedClock())
    await other.place_limit(limit("new", BOB, Side.SELL, 12, 4))
    assert (await book.cancel(BOB, "new")).status is BookOrderStatus.CANCELED
    assert await memory_is_storage(book, database) == [("first", 5), ("second", 5)]


@pytest.mark.parametrize("post_only", [False, True])
async def test_no_order_stops_in_front_of_one_that_is_gone(
    book: OwnBook, database: FaultyDatabase, post_only: bool
) -> None:
    """Its own order, or the one that a post-only order would meet, was cancelled elsewhere."""
    await fill(book)
    other = OwnBook(database, [PAIR], StoppedClock())
    for name in ("first", "second"):
        await other.cancel(ANN, name)
    account = BOB if post_only else ANN
    wanted = replace(limit("s", account, Side.SELL, 10, 4), post_only=post_only)
    with pytest.raises(VenueUnavailable):
        await book.place_limit(wanted)
    placed = await book.place_limit(wanted)
    assert placed.order.status is BookOrderStatus.OPEN
    assert await memory_is_storage(book, database) == [("s", 4)]


async def test_a_book_whose_database_another_owned_meanwhile_is_read_again(
    book: OwnBook, database: FaultyDatabase
) -> None:
    await fill(book)
    database.is_owned_by_another = True
    with pytest.raises(VenueUnavailable):
        await book.place(taker("t", BOB, Side.SELL, 10, 7))
    database.is_owned_by_another = False
    await OwnBook(database, [PAIR], StoppedClock()).cancel(ANN, "first")
    assert await memory_is_storage(book, database) == [("second", 5)]


async def test_the_sequence_of_the_ladder_never_falls(
    book: OwnBook, database: FaultyDatabase
) -> None:
    await fill(book)
    before = (await book.ladder(PAIR.symbol, 1)).sequence
    database.fail_after = True
    with pytest.raises(FailureError):
        await book.cancel(ANN, "first")
    database.fail_after = False
    assert (await book.ladder(PAIR.symbol, 1)).sequence > before


async def test_a_client_id_that_looks_like_an_order_is_no_part_of_that_order(
    book: OwnBook, database: FaultyDatabase
) -> None:
    """Routed orders count the journals that name them; a client must not be able to add any."""
    await book.place_limit(limit("ask", ANN, Side.SELL, 10, 5))
    await book.place_limit(limit("o1234", BOB, Side.BUY, 10, 1))
    await book.place(taker("o1234", BOB, Side.BUY, 10, 1))
    assert await database.read(lambda uow: uow.ledger.journals(0, 99, reference="o1234")) == []


async def test_a_follower_sees_what_the_owner_did_and_keeps_its_place_in_between(
    book: OwnBook, database: FaultyDatabase
) -> None:
    await book.place_limit(limit("first", ANN, Side.BUY, 10, 5))
    follower = OwnBook(database, [PAIR], StoppedClock(), is_owner=False)
    seen = await follower.ladder(PAIR.symbol, 0)
    assert await follower.ladder(PAIR.symbol, 0) == seen, "the same book has the same sequence"
    await book.place_limit(limit("second", ANN, Side.BUY, 11, 5))
    await book.cancel(ANN, "first")
    now = await follower.ladder(PAIR.symbol, 0)
    assert now.bids == (await book.ladder(PAIR.symbol, 0)).bids
    assert now.sequence > seen.sequence
    assert [order.client_order_id for order in await follower.open_orders()] == ["second"]
    assert await follower.balances() == await book.balances()
