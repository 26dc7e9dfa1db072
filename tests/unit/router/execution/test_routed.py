"""Routed orders: what is held is spent or returned to the unit, whatever the world does."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.domain.assets import Asset
from router.domain.errors import FailureError, RouterError, UsageError
from router.domain.ledger import user_account
from router.domain.orders import OrderState, OrderStatus, Side, SwapMode
from router.domain.settlement import IntentState
from router.execution.events import OrderEventKind
from router.execution.hold_needs import hold_needs
from router.execution.own_book import LimitOrder
from router.ledger import void_hold
from tests.unit.router.execution.execution_world import (
    DAI,
    INSTRUMENT,
    START_UNITS,
    USDC,
    WETH,
    World,
    open_world,
)

ETHER = 10**18
MAKER = user_account("maker")


TURNS = ("still", "revert", "worse", "better", "crash", "die_after")
# What can happen before a plan is tried: it has no transaction yet.
EARLY_TURNS = ("still", "worse", "better", "crash")


class Crash(Exception):
    """Raised where a process is to die."""


def revert() -> IntentState:
    return IntentState.REVERTED


def crash() -> IntentState:
    raise Crash


def sell_into_pools(world: World, units: int, asset: Asset = WETH) -> Callable[[], None]:
    """Let somebody else trade first, which worsens every price for a seller of `asset`."""

    def move() -> None:
        for pool in list(world.chain.pools.values()):
            if asset in (pool.ref.token0, pool.ref.token1):
                world.chain.swap(pool.ref.venue_id, asset, units)

    return move


async def require_closed(world: World, state: OrderState, before: dict[Asset, int]) -> None:
    """Check the books of a final order against what it reports."""
    order = state.order
    assert state.status.is_final
    assert 0 <= state.spent_units <= order.max_in_units
    assert await world.held() == 0
    assert await world.available(order.asset_in) == before[order.asset_in] - state.spent_units
    assert await world.available(order.asset_out) == before[order.asset_out] + state.received_units
    wanted = order.limit_units if order.mode is SwapMode.EXACT_IN else order.amount_units
    assert (state.status is OrderStatus.SETTLED) == (state.received_units >= wanted)
    if state.status is OrderStatus.RETURNED:
        assert state.spent_units == 0
    await world.require_sound()


async def balances(world: World) -> dict[Asset, int]:
    return {asset: await world.available(asset) for asset in (WETH, USDC, DAI)}


async def test_a_quiet_market_gives_exactly_the_quote() -> None:
    world = await open_world()
    before = await balances(world)
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    assert quote.chain_legs
    assert quote.book_legs
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.SETTLED
    assert state.received_units == quote.amount_out.units
    assert state.spent_units == quote.amount_in.units
    await require_closed(world, state, before)
    kinds = [event.kind for event in world.events]
    assert kinds[0] is OrderEventKind.ACCEPTED
    assert kinds[-1] is OrderEventKind.FINISHED


async def test_a_reverted_transaction_is_planned_again() -> None:
    world = await open_world()
    before = await balances(world)
    world.sender.before = [revert]
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.SETTLED
    assert world.sender.started == 2
    assert state.received_units == quote.amount_out.units
    await require_closed(world, state, before)


async def test_an_order_that_keeps_reverting_is_returned_whole() -> None:
    world = await open_world()
    before = await balances(world)
    world.sender.before = [revert] * 9
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.RETURNED
    assert state.reason.startswith("CONTRACT_REVERTED")
    assert world.sender.started == 3
    assert await balances(world) == before
    await require_closed(world, state, before)


async def test_a_market_that_moves_beyond_the_limit_returns_the_order() -> None:
    world = await open_world(with_book=False)
    before = await balances(world)
    world.sender.before = [sell_into_pools(world, 100 * ETHER)]
    quote = await world.quote(WETH, USDC, 10 * ETHER)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.RETURNED
    assert state.reason.startswith("LIMIT_NOT_MET")
    await require_closed(world, state, before)


async def test_a_book_that_vanished_is_replaced_by_the_pools_within_the_limit() -> None:
    world = await open_world()
    before = await balances(world)
    quote = await world.quote(WETH, USDC, 30 * ETHER, slippage_bps=300)
    assert quote.book_legs
    await pull_bids_when_sent(world)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.SETTLED
    assert state.spent_units == 30 * ETHER
    assert OrderEventKind.BOOK_MISSED in [event.kind for event in world.events]
    await require_closed(world, state, before)


async def test_a_book_that_vanished_without_slack_returns_its_part() -> None:
    world = await open_world()
    before = await balances(world)
    quote = await world.quote(WETH, USDC, 30 * ETHER, slippage_bps=0)
    await pull_bids_when_sent(world)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.PARTLY_SETTLED
    assert 0 < state.spent_units < 30 * ETHER
    assert state.reason.startswith("LIMIT_NOT_MET")
    await require_closed(world, state, before)


async def pull_bids_when_sent(world: World) -> None:
    """Cancel every bid after the order was accepted and before its book legs are placed."""
    submit = world.sender.submit

    async def submit_and_pull(*args: object, **kwargs: object) -> object:
        made = await submit(*args, **kwargs)  # type: ignore[arg-type]
        for order in await world.book.open_orders(MAKER):
            if order.side.value == "buy":
                await world.book.cancel(MAKER, order.client_order_id)
        return made

    object.__setattr__(world.execution, "_sender", Submitting(world, submit_and_pull))


class Submitting:
    """The world's sender with another way to submit."""

    def __init__(self, world: World, submit: object) -> None:
        self.submit = submit
        self.result = world.sender.result
        self.address = world.sender.address


@pytest.mark.parametrize("own_price", [300_000, 299_850])
async def test_a_client_whose_own_order_is_in_front_is_routed_around_the_book(
    own_price: int,
) -> None:
    """An order stops in front of its own; the quote cannot know whose orders it sees."""
    world = await open_world()
    await world.book.place_limit(
        LimitOrder(
            client_order_id="own",
            account=user_account("alice"),
            instrument=INSTRUMENT.symbol,
            side=Side.BUY,
            price_ticks=own_price,
            lots=200_000,
        )
    )
    quote = await world.quote(WETH, USDC, 10 * ETHER, slippage_bps=300)
    assert quote.book_legs
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert (state.status, state.spent_units) == (OrderStatus.SETTLED, 10 * ETHER)
    missed = [event for event in world.events if event.kind is OrderEventKind.BOOK_MISSED]
    assert all("own order" in event.facts["reason"] for event in missed)
    (own,) = await world.book.open_orders(user_account("alice"))
    assert own.remaining_lots == 200_000
    await world.require_sound()


async def test_an_intermediate_asset_goes_through_the_book() -> None:
    world = await open_world()
    before = await balances(world)
    # DAI has no book: it becomes USDC in a pool, and the book sells WETH for that.
    quote = await world.quote(DAI, WETH, 30_000 * ETHER)
    assert any(leg.asset_in == USDC for leg in quote.book_legs)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.SETTLED
    assert state.received_units == quote.amount_out.units
    dust = await world.available(USDC) - before[USDC]
    assert 0 <= dust < 3_100 * 10**2, "less than a lot is left over"
    assert await world.held() == 0
    await world.require_sound()


@pytest.mark.parametrize("mode", SwapMode)
async def test_a_crash_while_the_transaction_runs_is_finished_by_the_next_process(
    mode: SwapMode,
) -> None:
    world = await open_world()
    before = await balances(world)
    world.sender.before = [crash]
    units = 60 * ETHER if mode is SwapMode.EXACT_IN else 100_000 * 10**6
    quote = await world.quote(WETH, USDC, units, mode)
    with pytest.raises(Crash):
        await world.execution.route(quote, account="alice", client_order_id="one")
    (unfinished,) = await world.database.read(lambda uow: uow.orders.unfinished())
    assert unfinished.status is OrderStatus.EXECUTING
    assert await world.held() == unfinished.order.max_in_units
    needs = await world.database.read(hold_needs([INSTRUMENT]))
    own = [need for need in needs if need.account == user_account("alice")]
    free = await world.database.read(lambda uow: uow.ledger.holds(user_account("alice")))
    assert {need.hold_id: need.units for need in own} == {
        hold.hold_id: hold.remaining_units
        for hold in free
        if hold.hold_id in {need.hold_id for need in own}
    }

    world.restart()
    (state,) = await world.execution.resume()
    assert state.status is OrderStatus.SETTLED
    assert state.received_units == quote.amount_out.units
    assert world.sender.started == 2, "the plan was sent once and driven twice"
    await require_closed(world, state, before)
    assert await world.execution.resume() == []
    again = await world.execution.route(quote, account="alice", client_order_id="one")
    assert again == state


async def test_an_unfinished_order_without_its_hold_is_told_to_need_it() -> None:
    """A hold that was lost must not hide that it was needed."""
    world = await open_world()

    async def refuse(*_args: object, **_kwargs: object) -> object:
        raise Crash

    object.__setattr__(world.execution, "_sender", Submitting(world, refuse))
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    with pytest.raises(Crash):
        await world.execution.route(quote, account="alice", client_order_id="one")
    (state,) = await world.database.read(lambda uow: uow.orders.unfinished())
    await world.database.write(lambda uow: void_hold(uow.ledger, state.hold_id))
    needs = await world.database.read(hold_needs([INSTRUMENT]))
    assert (state.hold_id, 60 * ETHER) in [(need.hold_id, need.units) for need in needs]


async def test_a_crash_between_the_swap_and_the_book_keeps_what_was_bought_on_the_way() -> None:
    world = await open_world()
    before = await balances(world)
    world.sender.after = {0: die}
    quote = await world.quote(DAI, WETH, 30_000 * ETHER)
    assert any(leg.asset_in == USDC for leg in quote.book_legs)
    with pytest.raises(Crash):
        await world.execution.route(quote, account="alice", client_order_id="one")
    bought = await world.database.read(lambda uow: uow.ledger.holds(user_account("alice")))
    assert "USDC" in {hold.asset for hold in bought if hold.remaining_units}
    assert await world.available(USDC) == before[USDC], "nobody can spend it in between"
    world.restart()
    (state,) = await world.execution.resume()
    assert state.status is OrderStatus.SETTLED
    assert state.received_units >= quote.limit_units
    assert await world.held() == 0
    await world.require_sound()


async def test_a_chain_that_takes_too_long_leaves_the_order_open_and_held() -> None:
    world = await open_world()
    before = await balances(world)

    async def never(_intent_id: str) -> None:
        await asyncio.Event().wait()

    waiting = Submitting(world, world.sender.submit)
    waiting.result = never  # type: ignore[assignment]
    object.__setattr__(world.execution, "_sender", waiting)
    object.__setattr__(world.execution, "_config", _impatient(world))
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.EXECUTING
    assert await world.held() == 60 * ETHER
    assert world.events[-1].kind is OrderEventKind.WAITING
    world.restart()
    (final,) = await world.execution.resume()
    assert final.status is OrderStatus.SETTLED
    await require_closed(world, final, before)


def _impatient(world: World) -> object:
    from dataclasses import replace

    return replace(world.execution._config, inclusion_timeout_s=0.02)


async def test_a_timer_leaves_alone_what_waits_for_the_chain() -> None:
    world = await open_world()
    world.sender.before = [crash]
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    with pytest.raises(Crash):
        await world.execution.route(quote, account="alice", client_order_id="one")
    world.restart()
    assert await world.execution.resume(patient=False) == []
    assert world.sender.started == 1
    (state,) = await world.execution.resume()
    assert state.status is OrderStatus.SETTLED


async def test_a_deadline_that_passes_returns_the_order() -> None:
    world = await open_world()
    before = await balances(world)

    def too_late() -> IntentState:
        world.clock.ms += 10**7
        return IntentState.REVERTED

    world.sender.before = [too_late]
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.RETURNED
    assert state.reason.startswith("DEADLINE_EXPIRED")
    await require_closed(world, state, before)


async def test_a_deadline_that_passes_on_chain_leaves_the_book_alone() -> None:
    world = await open_world()
    before = await balances(world)

    def too_late() -> None:
        world.clock.ms += 10**7

    world.sender.after = {0: too_late}
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    assert quote.book_legs
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status is OrderStatus.PARTLY_SETTLED
    assert state.reason.startswith("DEADLINE_EXPIRED")
    assert state.spent_units == sum(
        leg.amount_in_units for leg in quote.chain_legs if leg.asset_in == WETH
    )
    await require_closed(world, state, before)


@pytest.mark.parametrize("committed", [False, True])
async def test_a_database_that_fails_at_the_intent_leaves_the_order_open(committed: bool) -> None:
    """The transaction may be on its way: nothing may be returned before that is known."""
    world = await open_world()
    before = await balances(world)
    submit = world.sender.submit

    async def fail(*args: object, **kwargs: object) -> object:
        if committed:
            await submit(*args, **kwargs)  # type: ignore[arg-type]
        raise FailureError("STORAGE_ERROR", "The connection broke.")

    object.__setattr__(world.execution, "_sender", Submitting(world, fail))
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    with pytest.raises(FailureError) as caught:
        await world.execution.route(quote, account="alice", client_order_id="one")
    assert caught.value.code == "STORAGE_ERROR"
    assert await world.held() == 60 * ETHER
    world.restart()
    (state,) = await world.execution.resume()
    assert state.status is OrderStatus.SETTLED
    assert world.sender.started == 1
    await require_closed(world, state, before)


async def test_an_order_that_cannot_go_on_does_not_keep_the_next_one_waiting() -> None:
    world = await open_world()
    world.sender.before = [crash, crash]
    for name in ("one", "two"):
        quote = await world.quote(WETH, USDC, 30 * ETHER)
        with pytest.raises(Crash):
            await world.execution.route(quote, account="alice", client_order_id=name)
    world.restart()

    def refuse() -> IntentState:
        raise FailureError("RPC_ERROR", "The node is confused.")

    world.sender.before = [crash, crash, refuse]
    (state,) = await world.execution.resume()
    assert (state.order.client_order_id, state.status) == ("two", OrderStatus.SETTLED)
    (other,) = await world.execution.resume()
    assert other.order.client_order_id == "one"
    assert other.status.is_final
    assert await world.held() == 0


async def test_an_asset_that_is_delisted_returns_what_an_order_holds_of_it() -> None:
    world = await open_world()
    before = await balances(world)
    world.sender.before = [crash]
    quote = await world.quote(WETH, USDC, 60 * ETHER)
    with pytest.raises(Crash):
        await world.execution.route(quote, account="alice", client_order_id="one")
    world.restart()
    world.sender.before = [crash, revert]

    async def refuse(_request: object) -> None:
        raise UsageError("ASSET_NOT_ROUTABLE", "WETH is not routable.")

    object.__setattr__(world.execution._planner, "_quoting", Refusing(refuse))
    (state,) = await world.execution.resume()
    assert (state.status, state.spent_units) == (OrderStatus.RETURNED, 0)
    assert state.reason.startswith("ASSET_NOT_ROUTABLE")
    await require_closed(world, state, before)


class Refusing:
    """A quoting service with another way to answer."""

    def __init__(self, quote: object) -> None:
        self.quote = quote


async def test_two_calls_with_one_id_make_one_order() -> None:
    world = await open_world()
    quote = await world.quote(WETH, USDC, 5 * ETHER)
    async with asyncio.TaskGroup() as group:
        calls = [
            group.create_task(world.execution.route(quote, account="alice", client_order_id="one"))
            for _ in range(4)
        ]
    assert len({call.result() for call in calls}) == 1
    assert world.sender.started <= 1
    other = await world.quote(WETH, USDC, 6 * ETHER)
    with pytest.raises(RouterError) as caught:
        await world.execution.route(other, account="alice", client_order_id="one")
    assert caught.value.code == "IDEMPOTENCY_CONFLICT"


async def test_an_order_beyond_the_balance_leaves_no_trace() -> None:
    world = await open_world()
    quote = await world.quote(WETH, USDC, START_UNITS + 1)
    with pytest.raises(FailureError) as caught:
        await world.execution.route(quote, account="alice", client_order_id="one")
    assert caught.value.code == "INSUFFICIENT_BALANCE"
    assert await world.held() == 0
    assert await world.database.read(lambda uow: uow.orders.unfinished()) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pair=st.sampled_from([(WETH, USDC), (USDC, WETH), (DAI, WETH), (WETH, DAI), (DAI, USDC)]),
    mode=st.sampled_from(SwapMode),
    dollars=st.integers(10, 400_000),
    slippage_bps=st.sampled_from([0, 10, 100, 500]),
    early_turns=st.lists(st.sampled_from(EARLY_TURNS), max_size=4),
    world_turns=st.lists(st.sampled_from(TURNS), max_size=5),
    book_crash=st.sampled_from(["none", "before", "after"]),
)
async def test_whatever_happens_the_hold_is_spent_or_returned_to_the_unit(
    pair: tuple[Asset, Asset],
    mode: SwapMode,
    dollars: int,
    slippage_bps: int,
    early_turns: list[str],
    world_turns: list[str],
    book_crash: str,
) -> None:
    world = await open_world()
    before = await balances(world)
    sell, buy = pair
    measured = sell if mode is SwapMode.EXACT_IN else buy
    price = 3_000 if measured == WETH else 1
    quote = await world.quote(
        sell, buy, dollars * measured.one_in_units // price, mode, slippage_bps
    )

    def turn(name: str) -> Callable[[], IntentState | None]:
        def act() -> IntentState | None:
            if name == "crash":
                raise Crash
            if name == "revert":
                return IntentState.REVERTED
            if name in {"worse", "better"}:
                mover = sell if name == "worse" else buy
                sell_into_pools(
                    world, 20_000 * mover.one_in_units // (3_000 if mover == WETH else 1), mover
                )()
            return None

        return act

    world.audit.before = [turn(name) for name in early_turns]  # type: ignore[misc]
    world.sender.before = [turn(name) for name in world_turns]
    world.sender.after = {
        number: die for number, name in enumerate(world_turns) if name == "die_after"
    }
    crash_in_book(world, book_crash)
    try:
        state = await world.execution.route(quote, account="alice", client_order_id="one")
    except Crash:
        state = await finish_after_crashes(world)
    assert state.status.is_final
    order = state.order
    assert await world.held() == 0
    assert await world.available(order.asset_in) == before[order.asset_in] - state.spent_units
    assert await world.available(order.asset_out) == before[order.asset_out] + state.received_units
    assert state.spent_units <= order.max_in_units
    if state.status is OrderStatus.SETTLED and mode is SwapMode.EXACT_IN:
        assert state.received_units >= quote.limit_units
    if state.status is OrderStatus.SETTLED and mode is SwapMode.EXACT_OUT:
        assert state.received_units >= order.amount_units
    await world.require_sound()
    await world.database.close()


def die() -> None:
    raise Crash


def crash_in_book(world: World, when: str) -> None:
    """Let the process end around its first trade in the book."""
    place = world.book.place

    async def place_and_crash(*args: object, **kwargs: object) -> object:
        if when == "after":
            await place(*args, **kwargs)  # type: ignore[arg-type]
        raise Crash

    if when != "none":
        world.book.place = place_and_crash  # type: ignore[method-assign, assignment]


async def finish_after_crashes(world: World) -> OrderState:
    for _ in range(10):
        world.restart()
        try:
            states = await world.execution.resume()
        except Crash:
            continue
        return states[0]
    raise AssertionError("it never came up again")
