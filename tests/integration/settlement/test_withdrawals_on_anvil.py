"""Withdrawals from acceptance to the books on a real node."""

import asyncio

import pytest

from router.domain.amounts import Amount
from router.domain.settlement import IntentState
from tests.integration.settlement.live import Live

STRANGER = "0x71bE63f3384f5fb98995898A86B02Fb2426c5788"


@pytest.mark.parametrize("symbol", ["USDC", "USDT", "ETH"])
async def test_a_withdrawal_arrives_and_books_and_chain_agree_to_the_unit(
    live: Live, symbol: str
) -> None:
    asset = live.deployment.asset(symbol)
    units = asset.one_in_units
    await live.pay("alice", asset, live.deployment.roles["hot"], 3 * units)
    await live.custody.scan_deposits()
    before = await live.on_chain(asset, STRANGER)
    had = await live.available("alice", asset)

    async with asyncio.timeout(20):
        payment = await live.custody.withdraw("alice", Amount(units, asset), STRANGER, "one")
        intent = await live.settlement.result(payment.intent_id)

    assert intent.state is IntentState.SETTLED
    assert await live.on_chain(asset, STRANGER) == before + units
    assert await live.available("alice", asset) == had - units
    report = await live.reconciler.run()
    assert report.breaks == ()
