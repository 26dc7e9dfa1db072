"""Sweeps take the excess and nothing that is promised; refills ask for what is missing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from router.domain.custody import Marks
from router.domain.ledger import user_account
from router.domain.settlement import IntentState
from router.ledger import place_hold
from tests.unit.router.settlement.fake_chain import COLD, HOT, USDC
from tests.unit.router.settlement.world import (
    CLIENT_USDC,
    HOT_USDC,
    OPENED,
    open_world,
    require_sound,
)


def marks(low: int, target: int, high: int) -> tuple[Marks, ...]:
    return (Marks(asset=USDC, low=low, target=target, high=high),)


async def test_excess_over_the_target_is_swept_once() -> None:
    world = await open_world(marks=marks(0, 1_000, 2_000))
    (sweep,) = await world.custody.sweep()
    assert await world.custody.sweep() == ()
    assert (await world.settlement.result(sweep.intent_id)).state is IntentState.SETTLED
    assert world.chain.units(USDC, HOT) == 1_000
    assert world.chain.units(USDC, COLD) == HOT_USDC - 1_000
    assert await world.custody.sweep() == ()
    await require_sound(world)


async def test_at_the_high_mark_nothing_is_swept() -> None:
    world = await open_world(marks=marks(0, 1_000, HOT_USDC))
    assert await world.custody.sweep() == ()


@settings(max_examples=25, deadline=None)
@given(target=st.integers(0, HOT_USDC - 1), promised=st.integers(1, CLIENT_USDC))
async def test_a_sweep_leaves_the_target_and_every_promise_in_the_hot_wallet(
    target: int, promised: int
) -> None:
    world = await open_world(marks=marks(0, target, target))
    await world.database.write(
        lambda uow: place_hold(uow.ledger, "h", user_account("alice"), "USDC", promised, "order")
    )
    for sweep in await world.custody.sweep():
        await world.settlement.result(sweep.intent_id)
    assert world.chain.units(USDC, HOT) == max(target, promised)
    OPENED.remove(world.database)
    await world.database.close()


async def test_a_refill_is_asked_for_below_the_low_mark_up_to_the_target() -> None:
    world = await open_world(marks=marks(HOT_USDC + 1, HOT_USDC + 5, HOT_USDC + 9))
    (request,) = await world.custody.refill_requests()
    assert (request.ledger_units, request.units) == (HOT_USDC, 5)
