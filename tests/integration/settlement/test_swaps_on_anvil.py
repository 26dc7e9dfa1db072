"""Swaps through the executor contract: booked as the receipt and the balances say."""

import asyncio

import pytest

from router.domain.ledger import JournalKind
from router.domain.settlement import IntentState
from tests.integration.settlement.live import Live
from tests.integration.settlement.swaps import SOLD_UNITS, approve, submit_swap


async def test_a_swap_gives_the_client_exactly_what_the_wallet_received(live: Live) -> None:
    usdc, weth = live.deployment.asset("USDC"), live.deployment.asset("WETH")
    hot = live.deployment.roles["hot"]
    await approve(live)
    had_usdc, had_weth = await live.on_chain(usdc, hot), await live.on_chain(weth, hot)
    client_usdc = await live.available("alice", usdc)

    async with asyncio.timeout(20):
        intent = await live.settlement.result(await submit_swap(live, "one"))

    assert intent.state is IntentState.SETTLED
    received = await live.on_chain(weth, hot) - had_weth
    assert received > 0
    assert await live.on_chain(usdc, hot) == had_usdc - SOLD_UNITS
    assert await live.available("alice", weth) == received
    assert await live.available("alice", usdc) == client_usdc - SOLD_UNITS
    journals = await live.database.read(lambda uow: uow.ledger.journals(0, 100, "one"))
    assert [posted.journal.kind for posted in journals] == [JournalKind.SWAP]
    assert any(entry.account == "expense/gas" for entry in journals[0].journal.entries)
    assert (await live.reconciler.run()).breaks == ()


@pytest.mark.parametrize("flaw", ["minimum", "deadline"])
async def test_a_swap_that_reverts_returns_the_hold_and_charges_us_the_gas(
    live: Live, flaw: str
) -> None:
    usdc, weth = live.deployment.asset("USDC"), live.deployment.asset("WETH")
    await approve(live)
    client_usdc = await live.available("alice", usdc)
    flaws = {"minimum": {"minimum_units": 10**30}, "deadline": {"deadline_s": 1}}

    async with asyncio.timeout(20):
        intent = await live.settlement.result(await submit_swap(live, "one", **flaws[flaw]))

    assert intent.state is IntentState.REVERTED
    assert await live.available("alice", usdc) == client_usdc
    assert await live.available("alice", weth) == 0
    journals = await live.database.read(lambda uow: uow.ledger.journals(0, 100, "one"))
    assert [posted.journal.kind for posted in journals] == [JournalKind.GAS]
    assert (await live.reconciler.run()).breaks == ()
