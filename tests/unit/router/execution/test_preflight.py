"""Plans that the chain would refuse are found before they cost anything."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.errors import FailureError, VenueUnavailable
from router.domain.ledger import JournalKind
from router.domain.orders import OrderState, OrderStatus
from router.domain.settlement import Intent, TxRequest
from router.execution.events import OrderEventKind
from router.execution.preflight import Preflight
from tests.unit.router.execution.execution_world import (
    HOT,
    START_UNITS,
    USDC,
    WETH,
    World,
    open_world,
)

ETHER = 10**18


def sell_first(world: World, units: int) -> Callable[[], None]:
    """Let somebody else sell WETH into its first pool."""

    def move() -> None:
        world.chain.swap(next(iter(world.chain.pools)), WETH, units)

    return move


async def route(world: World, ethers: int, slippage_bps: int = 50) -> OrderState:
    quote = await world.quote(WETH, USDC, ethers * ETHER, slippage_bps=slippage_bps)
    assert quote.chain_legs
    return await world.execution.route(quote, account="alice", client_order_id="one")


async def intents(world: World) -> list[Intent]:
    return [i for i, _ in await world.database.read(lambda uow: uow.settlement.intents())]


async def require_untouched(world: World) -> None:
    """No nonce, no gas, nothing held, nothing spent."""
    assert await intents(world) == []
    assert world.sender.started == 0
    assert await world.held() == 0
    assert await world.available(WETH) == START_UNITS
    journals = await world.database.read(lambda uow: uow.ledger.journals(0, 1_000))
    assert {posted.journal.kind for posted in journals} <= {
        JournalKind.DEPOSIT,
        JournalKind.CAPITAL,
    }
    await world.require_sound()


async def test_a_pool_that_moved_beyond_the_minimum_costs_no_gas_and_holds_nothing() -> None:
    world = await open_world(with_book=False)
    world.audit.before = [sell_first(world, 400 * ETHER)]
    state = await route(world, 10)
    assert state.status is OrderStatus.RETURNED
    assert state.reason.startswith("LIMIT_NOT_MET")
    assert OrderEventKind.NOT_SENT in [event.kind for event in world.events]
    await require_untouched(world)


async def test_a_plan_that_went_stale_is_planned_again_and_sent_once() -> None:
    world = await open_world()
    world.audit.before = [sell_first(world, 60 * ETHER)]
    state = await route(world, 40, slippage_bps=500)
    kinds = [event.kind for event in world.events]
    assert OrderEventKind.NOT_SENT in kinds
    assert OrderEventKind.REVERTED not in kinds
    assert state.status is OrderStatus.SETTLED, state.reason
    assert state.spent_units == 40 * ETHER
    assert world.sender.started <= 1
    assert await world.held() == 0
    await world.require_sound()


async def test_a_plan_that_is_always_refused_is_given_up_after_its_attempts() -> None:
    world = await open_world(with_book=False)
    world.audit.refuses = True
    state = await route(world, 10)
    assert state.status is OrderStatus.RETURNED
    assert state.reason.startswith("WOULD_REVERT")
    assert [event.kind for event in world.events].count(OrderEventKind.NOT_SENT) == 3
    await require_untouched(world)


@pytest.mark.parametrize(
    "failure",
    [
        TimeoutError(),
        VenueUnavailable("CHAIN_UNAVAILABLE", "The node is gone."),
        FailureError("RPC_ERROR", "The node does not estimate."),
    ],
    ids=["silent", "unreachable", "unwilling"],
)
async def test_without_the_nodes_word_nothing_is_sent(failure: Exception) -> None:
    world = await open_world()

    def fail() -> None:
        raise failure

    world.audit.before = [fail]
    state = await route(world, 60)
    assert state.status is OrderStatus.RETURNED
    assert state.reason.startswith(getattr(failure, "code", "CHAIN_UNAVAILABLE"))
    await require_untouched(world)


async def test_the_gas_limit_covers_what_the_node_says_and_a_fifth() -> None:
    world = await open_world()
    world.audit.gas = 2_000_001
    assert (await route(world, 60)).status is OrderStatus.SETTLED
    assert [intent.request.gas_limit for intent in await intents(world)] == [2_400_002]


@given(planned=st.integers(1, 10**8), used=st.integers(1, 10**8))
async def test_the_gas_limit_never_falls_and_always_covers_the_estimate(
    planned: int, used: int
) -> None:
    class Says:
        async def estimate_gas(self, sender: str, _request: TxRequest) -> int:
            assert sender == HOT
            return used

    request = TxRequest(to="0x" + "e" * 40, data=b"1", value_wei=0, gas_limit=planned)
    cleared = await Preflight(Says(), 1).cleared(request, HOT)  # type: ignore[arg-type]
    assert cleared.gas_limit >= planned
    assert cleared.gas_limit * 10 >= used * 12
    assert cleared.gas_limit in (planned, -(-used * 12 // 10))
    assert (cleared.to, cleared.data, cleared.value_wei) == (request.to, request.data, 0)
