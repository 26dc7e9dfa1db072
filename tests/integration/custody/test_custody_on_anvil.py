"""Deposits, sweeps and refills on a real node."""

import asyncio
from pathlib import Path

from router.devnet import DevnetHandle
from router.domain.amounts import Amount
from router.domain.custody import DepositState, Marks
from router.domain.settlement import IntentState
from tests.integration.settlement.live import Live, open_live

DEPOSIT = 20_000 * 10**6


async def test_a_fee_on_transfer_token_is_credited_with_what_arrived(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    async with open_live(
        url=devnet.url, deployment=devnet.deployment, database_path=tmp_path / "books.db"
    ) as live:
        await live.custody.open_books()
        token, hot = live.deployment.asset("FOT"), live.deployment.roles["hot"]
        had = await live.on_chain(token, hot)
        await live.pay("alice", token, hot, 1_000_000)
        await live.custody.scan_deposits()
        arrived = await live.on_chain(token, hot) - had
        assert 0 < arrived < 1_000_000
        assert await live.available("alice", token) == arrived
        assert (await live.reconciler.run()).breaks == ()


async def test_a_deposit_that_a_reorganisation_removes_is_never_credited(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    async with open_live(
        url=devnet.url,
        deployment=devnet.deployment,
        database_path=tmp_path / "books.db",
        confirmations=3,
    ) as live:
        await live.custody.open_books()
        usdc, hot = live.deployment.asset("USDC"), live.deployment.roles["hot"]
        await live.pay("alice", usdc, hot, DEPOSIT)
        assert len((await live.custody.scan_deposits()).seen) == 1
        await live.rpc.call("anvil_reorg", [1, []])
        found = await live.custody.scan_deposits()
        assert [deposit.state for deposit in found.orphaned] == [DepositState.ORPHANED]
        await live.rpc.call("anvil_mine", ["0x5"])
        await live.custody.scan_deposits()
        assert await live.available("alice", usdc) == 0
        assert (await live.reconciler.run()).breaks == ()
        # Sent again it is a deposit like any other.
        await live.pay("alice", usdc, hot, DEPOSIT)
        await live.rpc.call("anvil_mine", ["0x2"])
        await live.custody.scan_deposits()
        assert await live.available("alice", usdc) == DEPOSIT


async def test_excess_goes_cold_and_a_refill_comes_back_without_a_break(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    usdc = devnet.deployment.asset("USDC")
    marks = Marks(asset=usdc, low=5_000 * 10**6, target=10_000 * 10**6, high=15_000 * 10**6)
    async with open_live(
        url=devnet.url,
        deployment=devnet.deployment,
        database_path=tmp_path / "books.db",
        marks=(marks,),
    ) as live:
        await live.custody.open_books()
        hot, cold = live.deployment.roles["hot"], live.deployment.roles["cold"]
        await live.pay("alice", usdc, hot, DEPOSIT)
        await live.custody.scan_deposits()

        (sweep,) = await live.custody.sweep()
        assert await live.custody.sweep() == ()  # One at a time.
        async with asyncio.timeout(20):
            assert (await live.settlement.result(sweep.intent_id)).state is IntentState.SETTLED
        assert await live.on_chain(usdc, hot) == marks.target
        assert await live.on_chain(usdc, cold) == DEPOSIT - marks.target
        assert (await live.reconciler.run()).breaks == ()

        await _withdraw(live, 7_000 * 10**6)
        (request,) = await live.custody.refill_requests()
        assert request.units == 7_000 * 10**6
        await live.pay("cold", usdc, hot, request.units)
        await live.custody.scan_deposits()
        assert await live.custody.refill_requests() == ()
        assert (await live.reconciler.run()).breaks == ()


async def _withdraw(live: Live, units: int) -> None:
    amount = Amount(units, live.deployment.asset("USDC"))
    stranger = "0x71bE63f3384f5fb98995898A86B02Fb2426c5788"
    made = await live.custody.withdraw("alice", amount, stranger, "one")
    async with asyncio.timeout(20):
        await live.settlement.result(made.intent_id)
