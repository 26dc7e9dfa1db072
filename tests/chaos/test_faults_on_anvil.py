"""What the network does to a payment: lost answers, reorganisations, dropped and foreign
transactions, fee spikes. Always the real node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.devnet import DevnetHandle
from router.domain.amounts import Amount
from router.domain.custody import BreakClass
from router.domain.settlement import IntentState
from router.domain.transfers import transfer_request
from tests.chaos.lossy_proxy import lossy_proxy
from tests.chaos.zygote import PAYEE
from tests.conftest import Miner
from tests.integration.settlement.live import Live, open_live

DEPOSIT = 20_000 * 10**6
UNITS = 7_000_000


class Steps(list[str]):
    def __call__(self, step: str, _intent_id: str) -> None:
        self.append(str(step))


@asynccontextmanager
async def funded(
    devnet: DevnetHandle, path: Path, steps: Steps, confirmations: int = 1, proxy: str | None = None
) -> AsyncIterator[Live]:
    async with open_live(
        url=devnet.url,
        deployment=devnet.deployment,
        database_path=path / "books.db",
        observer=steps,
        confirmations=confirmations,
        chain_url=proxy,
    ) as live:
        await live.custody.open_books()
        usdc = devnet.deployment.asset("USDC")
        await live.pay("alice", usdc, devnet.deployment.roles["hot"], DEPOSIT)
        await live.rpc.call("anvil_mine", [hex(confirmations)])
        await live.custody.scan_deposits()
        async with asyncio.timeout(30):
            yield live


async def withdraw(live: Live) -> str:
    usdc = live.deployment.asset("USDC")
    return (await live.custody.withdraw("alice", Amount(UNITS, usdc), PAYEE, "one")).intent_id


async def require_paid_once(live: Live) -> None:
    usdc = live.deployment.asset("USDC")
    assert await live.on_chain(usdc, PAYEE) == UNITS
    assert await live.available("alice", usdc) == DEPOSIT - UNITS
    report = await live.reconciler.run()
    assert report.breaks == ()


@pytest.mark.parametrize("spoil", [["drop"], ["502"], ["half"], ["drop", "502", "drop"]])
async def test_a_lost_answer_pays_once(
    devnet: DevnetHandle, tmp_path: Path, spoil: list[str]
) -> None:
    async with (
        lossy_proxy(devnet.url) as proxy,
        funded(devnet, tmp_path, Steps(), proxy=proxy.url) as live,
    ):
        proxy.spoil = spoil
        intent = await live.settlement.result(await withdraw(live))
        assert intent.state is IntentState.SETTLED
        assert proxy.sends >= 1
        await require_paid_once(live)


async def test_a_reorganised_payment_is_sent_again_with_the_same_bytes(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    steps = Steps()
    async with funded(devnet, tmp_path, steps, confirmations=2) as live:
        intent_id = await withdraw(live)
        while "mined" not in steps:
            await live.settlement.step()
        await live.rpc.call("anvil_reorg", [1, []])
        assert await live.on_chain(live.deployment.asset("USDC"), PAYEE) == 0
        while steps.count("mined") < 2:
            await live.settlement.step()
        assert "reorged" in steps
        assert steps.count("signed") == 1
        await live.rpc.call("anvil_mine", ["0x1"])
        assert (await live.settlement.result(intent_id)).state is IntentState.SETTLED
        await require_paid_once(live)


async def test_a_dropped_transaction_is_sent_again_with_the_same_bytes(
    devnet: DevnetHandle, tmp_path: Path, miner: Miner
) -> None:
    steps = Steps()
    async with funded(devnet, tmp_path, steps) as live:
        await miner.hold()
        intent_id = await withdraw(live)
        await live.settlement.step()
        await live.rpc.call("anvil_dropAllTransactions")
        while steps.count("sent") < 2:
            await live.settlement.step()
            await live.clock.sleep_s(0.02)
        assert steps.count("signed") == 1
        await miner.mine()
        assert (await live.settlement.result(intent_id)).state is IntentState.SETTLED
        await require_paid_once(live)


async def test_a_fee_spike_is_met_by_a_replacement_of_the_same_payment(
    devnet: DevnetHandle, tmp_path: Path, miner: Miner
) -> None:
    steps = Steps()
    async with funded(devnet, tmp_path, steps) as live:
        await miner.hold()
        intent_id = await withdraw(live)
        await live.settlement.step()
        await live.rpc.call("anvil_setNextBlockBaseFeePerGas", [hex(100 * 10**9)])
        await miner.mine(4)
        while "bumped" not in steps:
            await live.settlement.step()
            await miner.mine()
        await miner.mine()
        assert (await live.settlement.result(intent_id)).state is IntentState.SETTLED
        found = await live.database.read(lambda uow: uow.settlement.find(intent_id=intent_id))
        assert found is not None
        first, *_, last = found[1]
        assert last.max_fee_wei * 1000 >= first.max_fee_wei * 1125
        assert last.max_tip_wei * 1000 >= first.max_tip_wei * 1125
        await require_paid_once(live)


async def test_a_nonce_that_somebody_else_used_freezes_and_refunds_nothing(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    async with funded(devnet, tmp_path, Steps()) as live:
        usdc = live.deployment.asset("USDC")
        intent_id = await withdraw(live)
        theft = await live.pay("hot", usdc, live.deployment.roles["bob"], 1_000)
        assert (await live.settlement.result(intent_id)).state is IntentState.FOREIGN
        assert await live.on_chain(usdc, PAYEE) == 0
        assert await live.available("alice", usdc) == DEPOSIT - UNITS  # Held until it is decided.
        report = await live.reconciler.run()
        assert report.frozen
        outflow = next(b for b in report.breaks if b.break_class is BreakClass.UNKNOWN_OUTFLOW)
        assert theft in outflow.detail


async def test_a_payment_that_reverts_returns_the_hold_and_costs_only_our_gas(
    devnet: DevnetHandle, tmp_path: Path, miner: Miner
) -> None:
    async with funded(devnet, tmp_path, Steps()) as live:
        usdc, hot = live.deployment.asset("USDC"), live.deployment.roles["hot"]
        intent_id = await withdraw(live)
        # The wallet is emptied before the payment is mined: the transfer has to revert.
        slot = await _balance_slot(live, usdc.address, hot)
        before = await live.rpc.call("eth_getStorageAt", [usdc.address, slot, "latest"])
        await live.rpc.call("anvil_setStorageAt", [usdc.address, slot, "0x" + "00" * 32])
        intent = await live.settlement.result(intent_id)
        assert intent.state is IntentState.REVERTED
        await live.rpc.call("anvil_setStorageAt", [usdc.address, slot, before])
        await miner.mine()
        assert await live.on_chain(usdc, PAYEE) == 0
        assert await live.available("alice", usdc) == DEPOSIT
        assert (await live.reconciler.run()).breaks == ()


async def _balance_slot(live: Live, token: str, owner: str) -> str:
    """Find where a token keeps an owner's balance, by what its balanceOf reads."""
    request = transfer_request(live.deployment.asset("USDC"), owner, 1, 100_000)
    data = "0x70a08231" + request.data[4:36].hex()
    answer = await live.rpc.call(
        "eth_createAccessList", [{"to": token, "data": data, "from": owner}, "latest"]
    )
    return str(answer["accessList"][0]["storageKeys"][0])
