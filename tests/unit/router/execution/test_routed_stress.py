"""Orders, resting orders and payments of one client at once, given up at any moment."""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from router.domain.errors import RouterError
from router.domain.ledger import Entry, Journal, JournalKind, user_account, wallet_account
from router.domain.orders import OrderState, OrderStatus, Side, SwapMode
from router.domain.settlement import Intent, IntentSpec
from router.execution.hold_needs import hold_needs
from router.execution.own_book import LimitOrder
from router.ledger import place_hold, post_hold
from router.ports import UnitOfWork
from tests.unit.router.execution.execution_world import (
    HOT,
    INSTRUMENT,
    USDC,
    WETH,
    World,
    open_world,
)

ALICE = user_account("alice")
CALLERS, CALLS = 5, 6
# Enough for some of what is asked, not for all of it.
BUDGET = {WETH: 40 * 10**18, USDC: 120_000 * 10**6}
REFUSALS = {"INSUFFICIENT_BALANCE", "IDEMPOTENCY_CONFLICT", "QUOTE_STALE", "NO_ROUTE"}


async def spend_down_to_the_budget(world: World) -> None:
    for asset, units in BUDGET.items():
        await pay(world, f"down{asset}", asset.symbol, await world.available(asset) - units)


async def pay(world: World, name: str, symbol: str, units: int) -> None:
    """What a withdrawal does to the ledger."""
    await world.database.write(
        lambda uow: place_hold(uow.ledger, f"w{name}", ALICE, symbol, units, name)
    )
    entries = (
        Entry(account=ALICE, asset=symbol, units=units),
        Entry(account=wallet_account(HOT), asset=symbol, units=-units),
    )
    journal = Journal(key=f"w{name}", kind=JournalKind.WITHDRAWAL, entries=entries)
    await world.database.write(lambda uow: post_hold(uow.ledger, f"w{name}", journal, 1))


class Caller:
    def __init__(self, world: World, number: int, seed: int) -> None:
        self.world, self.number = world, number
        self.random = random.Random(seed * 100 + number)

    async def run(self) -> None:
        for turn in range(CALLS):
            call = await self.any_call(f"c{self.number}-{turn}")
            while not await self.finished(call):
                if self.random.random() < 0.5:
                    break

    async def finished(self, call: Callable[[], Awaitable[object]]) -> bool:
        task = asyncio.ensure_future(call())
        await asyncio.wait({task}, timeout=self.random.choice([0.001, 0.005, 0.02, 10, 10]))
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return False
        except RouterError as error:
            if error.code not in REFUSALS:
                raise
        return True

    async def any_call(self, name: str) -> Callable[[], Awaitable[object]]:
        world, kind = self.world, self.random.choice(["route", "route", "route", "rest", "pay"])
        if kind == "pay":
            return lambda: pay(world, name, "USDC", self.random.randint(1, 10**10))
        if kind == "rest":
            ticks, lots = self.random.randint(299_000, 301_000), self.random.randint(1, 50_000)
            order = LimitOrder(
                client_order_id=name, account=ALICE, instrument=INSTRUMENT.symbol,
                side=self.random.choice(list(Side)), price_ticks=ticks, lots=lots,
            )  # fmt: skip
            return lambda: world.book.place_limit(order)
        sell, buy = self.random.choice([(WETH, USDC), (USDC, WETH)])
        mode = self.random.choice(list(SwapMode))
        measured = sell if mode is SwapMode.EXACT_IN else buy
        units = self.random.randint(1, 15_000) * measured.one_in_units
        quote = await world.quote(
            sell, buy, units // (3_000 if measured == WETH else 1), mode, slippage_bps=300
        )
        return lambda: world.execution.route(quote, account="alice", client_order_id=name)


@pytest.mark.parametrize("seed", [1, 2])
async def test_calls_that_are_given_up_lose_nothing_and_make_nothing(
    tmp_path: Path, seed: int
) -> None:
    world = await open_world(url=f"sqlite:///{tmp_path / 'router.db'}")
    await spend_down_to_the_budget(world)
    async with asyncio.TaskGroup() as group:
        for number in range(CALLERS):
            group.create_task(Caller(world, number, seed).run())
    await world.require_sound()
    await require_needed(world)
    world.restart()
    await world.execution.resume()
    assert await world.database.read(lambda uow: uow.orders.unfinished()) == []
    orders: list[OrderState] = await world.database.read(lambda uow: uow.orders.recent(99))
    assert len(orders) > CALLERS
    for state in orders:
        assert 0 <= state.spent_units <= state.order.max_in_units
        intents = await world.database.read(
            lambda uow, name=state.order.order_id: uow.settlement.intents(reference=name)
        )
        assert all(intent.state.is_final for intent, _ in intents)
    await world.require_sound()
    await require_needed(world)
    await world.database.close()


async def test_a_call_that_is_given_up_while_it_reserves_is_not_planned_again(
    tmp_path: Path,
) -> None:
    world = await open_world(url=f"sqlite:///{tmp_path / 'router.db'}")
    started, go_on = threading.Event(), threading.Event()
    submit = world.sender.submit

    async def submit_slowly(
        spec: IntentSpec, within: Callable[[UnitOfWork, Intent], None] | None = None
    ) -> Intent:
        def reserve_slowly(uow: UnitOfWork, intent: Intent) -> None:
            assert within is not None
            within(uow, intent)
            started.set()
            assert go_on.wait(10)

        return await submit(spec, reserve_slowly)

    object.__setattr__(world.execution, "_sender", SlowSender(world, submit_slowly))
    quote = await world.quote(WETH, USDC, 60 * 10**18)
    given_up = asyncio.ensure_future(
        world.execution.route(quote, account="alice", client_order_id="one")
    )
    await asyncio.to_thread(started.wait, 10)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    again = asyncio.ensure_future(
        world.execution.route(quote, account="alice", client_order_id="one")
    )
    await asyncio.wait({again}, timeout=0.1)
    go_on.set()
    state = await again
    assert state.status is OrderStatus.SETTLED
    assert state.received_units == quote.amount_out.units
    intents = await world.database.read(lambda uow: uow.settlement.intents())
    assert len(intents) == 1
    await world.require_sound()
    await world.database.close()


class SlowSender:
    """The world's sender with another way to submit."""

    def __init__(self, world: World, submit: object) -> None:
        self.submit = submit
        self.result = world.sender.result
        self.address = world.sender.address


async def require_needed(world: World) -> None:
    """Every hold belongs to something open, which needs exactly as much; payments aside."""
    needs = await world.database.read(hold_needs([INSTRUMENT]))
    holds = await world.database.read(lambda uow: uow.ledger.holds())
    open_intents = await world.database.read(lambda uow: uow.settlement.intents(open_only=True))
    sent = {intent.hold_id for intent, _ in open_intents}
    assert {need.hold_id: need.units for need in needs} == {
        hold.hold_id: hold.remaining_units
        for hold in holds
        if hold.hold_id not in sent and not hold.hold_id.startswith("w") and hold.remaining_units
    }
