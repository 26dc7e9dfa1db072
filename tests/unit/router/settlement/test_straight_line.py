"""One withdrawal from acceptance to the books, without anything going wrong."""

from router.domain.amounts import Amount
from router.domain.settlement import IntentState
from tests.unit.router.settlement.fake_chain import STRANGER, USDC
from tests.unit.router.settlement.world import CLIENT_USDC, open_world, require_sound


async def test_a_withdrawal_pays_once_and_the_books_agree_with_the_chain() -> None:
    world = await open_world()
    payment = await world.custody.withdraw("alice", Amount(5_000_000, USDC), STRANGER, "first")
    assert await world.available() == CLIENT_USDC - 5_000_000

    intent = await world.settlement.result(payment.intent_id)

    assert intent.state is IntentState.SETTLED
    assert world.chain.units(USDC, STRANGER) == 5_000_000
    assert await world.available() == CLIENT_USDC - 5_000_000
    await require_sound(world)
    assert world.script.steps == [
        "numbered", "held", "reserved", "signed", "stored", "marked", "sent", "mined", "settled",
    ]  # fmt: skip
