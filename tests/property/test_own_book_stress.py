"""Many callers at once, many of whom give up at any moment: what they leave behind adds up."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from router.domain.assets import Asset
from router.domain.custody import HoldNeed
from router.domain.errors import RouterError
from router.domain.ledger import (
    Entry,
    HoldState,
    Journal,
    JournalKind,
    PostedJournal,
    natural_units,
    wallet_account,
)
from router.domain.market import Instrument
from router.domain.orders import BookOrder, Side
from router.domain.taking import TakerOrder
from router.execution.hold_needs import hold_needs
from router.execution.own_book import LimitOrder, OwnBook
from router.ledger import place_hold, post, post_hold, verify, void_hold
from router.ports import Database, UnitOfWork
from router.storage import open_database

BASE = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "1" * 40)
QUOTE = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "2" * 40)
PAIR = Instrument(
    symbol="WETH/USDC", base=BASE, quote=QUOTE, lot_units=1_003, tick_units=7,
    taker_fee_ppm=1_111, maker_fee_ppm=333,
)  # fmt: skip
USERS = ["user/ann", "user/bob", "user/cyd"]
FUNDS = {"WETH": 60_000, "USDC": 5_000}
WALLET = wallet_account("0x1")
CALLERS, CALLS = 6, 35
REFUSALS = {"INSUFFICIENT_BALANCE", "IDEMPOTENCY_CONFLICT", "NOT_FOUND", "ORDER_REJECTED"}


class StoppedClock:
    def now_ms(self) -> int:
        return 1_000

    async def sleep_s(self, _seconds: float) -> None:
        raise AssertionError("the book never sleeps")


def payment(key: str, giver: str, taker: str, asset: str, units: int) -> Journal:
    return Journal(
        key=key,
        kind=JournalKind.WITHDRAWAL if taker == WALLET else JournalKind.DEPOSIT,
        entries=(
            Entry(account=giver, asset=asset, units=units),
            Entry(account=taker, asset=asset, units=-units),
        ),
    )


class Caller:
    """Makes random calls; gives up on some, and repeats some under the same id."""

    def __init__(self, book: OwnBook, database: Database, seed: int) -> None:
        self.book, self.database, self.seed = book, database, seed
        self.random = random.Random(seed)
        self.made = 0
        self.done = 0
        self.given_up = 0
        self.limits: list[tuple[str, str]] = []

    async def run(self) -> None:
        for _ in range(CALLS):
            call = self.any_call()
            while not await self.finished(call):
                self.given_up += 1
                if self.random.random() < 0.5:
                    break  # Never asked again: its effect stays whole or absent.

    async def finished(self, call: Callable[[], Awaitable[object]]) -> bool:
        task = asyncio.ensure_future(call())
        patience_s = self.random.choice([0.0, 0.0005, 0.002, 0.01, 10.0, 10.0])
        await asyncio.wait({task}, timeout=patience_s)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return False
        except RouterError as error:
            if error.code not in REFUSALS:
                raise
        self.done += 1
        return True

    def any_call(self) -> Callable[[], Awaitable[object]]:
        self.made += 1
        name = f"{self.seed}-{self.made}"
        user, side = self.random.choice(USERS), self.random.choice(list(Side))
        price, lots = self.random.randint(9, 12), self.random.randint(1, 6)
        kind = self.random.choice(["limit", "limit", "limit", "take", "held", "cancel", "withdraw"])
        if kind == "limit":
            self.limits.append((user, name))
            order = LimitOrder(
                client_order_id=name, account=user, instrument=PAIR.symbol, side=side,
                price_ticks=price, lots=lots, post_only=self.random.random() < 0.2,
            )  # fmt: skip
            return lambda: self.book.place_limit(order)
        if kind == "cancel" and self.limits:
            account, client_id = self.random.choice(self.limits)
            return lambda: self.book.cancel(account, client_id)
        if kind == "withdraw":
            asset, units = self.random.choice(list(FUNDS)), self.random.randint(1, 900)
            return lambda: self.withdraw(name, user, asset, units)
        taker = TakerOrder(
            client_order_id=name, account=user, instrument=PAIR.symbol, side=side,
            lots=lots, limit_price_ticks=price,
        )  # fmt: skip
        if kind == "held":
            return lambda: self.take_from_hold(taker)
        return lambda: self.book.place(taker)

    async def take_from_hold(self, order: TakerOrder) -> None:
        """What a routed order does: hold, trade from the hold, return the rest."""
        asset, units = (QUOTE, 500) if order.side is Side.BUY else (BASE, 5_000)
        hold_id = f"h{order.client_order_id}"
        await self.database.write(
            lambda uow: place_hold(uow.ledger, hold_id, order.account, asset.symbol, units, "r")
        )
        hold = await self.database.read(lambda uow: uow.ledger.hold(hold_id))
        if hold is not None and hold.state is HoldState.PENDING:
            await self.book.place(order, hold_id=hold_id, reference="r")
            await self.database.write(lambda uow: void_hold(uow.ledger, hold_id))

    async def withdraw(self, name: str, user: str, asset: str, units: int) -> PostedJournal:
        hold_id = f"w{name}"
        await self.database.write(
            lambda uow: place_hold(uow.ledger, hold_id, user, asset, units, name)
        )
        journal = payment(name, user, WALLET, asset, units)
        return await self.database.write(lambda uow: post_hold(uow.ledger, hold_id, journal, 2))


def fund(uow: UnitOfWork) -> None:
    for user in USERS:
        for asset, units in FUNDS.items():
            post(uow.ledger, payment(f"fund{user}{asset}", WALLET, user, asset, units), 1)


@pytest.mark.parametrize("seed", [1, 2])
async def test_callers_that_come_and_go_leave_books_that_add_up(tmp_path: Path, seed: int) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'router.db'}")
    await database.write(fund)
    book = OwnBook(database, [PAIR], StoppedClock())
    callers = [Caller(book, database, seed * 100 + number) for number in range(CALLERS)]
    async with asyncio.TaskGroup() as group:
        for caller in callers:
            group.create_task(caller.run())
    assert sum(caller.done for caller in callers) > CALLERS * CALLS // 3
    assert sum(caller.given_up for caller in callers) > CALLERS

    await database.write(release_what_nobody_came_back_for)
    await require_sound(database)
    fresh = OwnBook(database, [PAIR], StoppedClock())
    assert await book.open_orders() == await fresh.open_orders()
    ours, theirs = await book.ladder(PAIR.symbol, 0), await fresh.ladder(PAIR.symbol, 0)
    assert (ours.bids, ours.asks) == (theirs.bids, theirs.asks)
    for order in await book.open_orders():
        await book.cancel(order.account, order.client_order_id)
    assert await database.read(lambda uow: uow.ledger.holds()) == []
    await database.close()


def release_what_nobody_came_back_for(uow: UnitOfWork) -> None:
    """Holds outside the book whose caller gave up for good; the program resumes or voids them."""
    for hold in uow.ledger.holds():
        if not hold.hold_id.startswith("book/"):
            void_hold(uow.ledger, hold.hold_id)


async def require_sound(database: Database) -> None:
    """The ledger's own audit, holds for open orders alone, and no unit made or lost."""
    audit = await database.read(lambda uow: verify(uow.ledger))
    assert audit.problems == ()
    needs: list[HoldNeed] = await database.read(hold_needs([PAIR]))
    holds = await database.read(lambda uow: uow.ledger.holds())
    assert {need.hold_id: (need.account, need.asset, need.units) for need in needs} == {
        hold.hold_id: (hold.account, hold.asset, hold.remaining_units) for hold in holds
    }
    orders: list[BookOrder] = await database.read(lambda uow: uow.book.open_orders())
    assert len(orders) == len(needs)
    balances = await database.read(lambda uow: uow.ledger.balances(""))
    assert all(balance.available >= 0 for balance in balances)
    for asset in FUNDS:
        signed = [natural_units(b.account, b.total) for b in balances if b.asset == asset]
        assert sum(signed) == 0
