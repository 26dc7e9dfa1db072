"""Money taken with the hot key behind the program's back, on a real node."""

from pathlib import Path

import pytest

from connectors.chain.abi import AbiFunction
from connectors.chain.erc20 import APPROVE
from router.devnet import DevnetHandle
from router.domain.amounts import Amount
from router.domain.custody import BreakClass
from router.domain.errors import FailureError
from router.domain.settlement import TxRequest
from tests.integration.settlement.live import open_live

PERMIT_APPROVE = AbiFunction.declare("approve", ["address", "address", "uint160", "uint48"], [])


@pytest.mark.parametrize("symbol", ["USDC", "ETH"])
async def test_an_outgoing_transfer_with_the_hot_key_is_an_unknown_outflow_and_freezes(
    devnet: DevnetHandle, tmp_path: Path, symbol: str
) -> None:
    async with open_live(
        url=devnet.url, deployment=devnet.deployment, database_path=tmp_path / "books.db"
    ) as live:
        await live.custody.open_books()
        asset, hot = live.deployment.asset(symbol), live.deployment.roles["hot"]
        await live.pay("alice", asset, hot, 10 * asset.one_in_units)
        await live.custody.scan_deposits()
        clean = await live.reconciler.run()
        assert clean.breaks == ()
        assert not clean.frozen

        theft = await live.pay("hot", asset, live.deployment.roles["bob"], asset.one_in_units)
        report = await live.reconciler.run()

        assert report.frozen
        outflow = next(
            found
            for found in report.breaks
            if found.break_class is BreakClass.UNKNOWN_OUTFLOW and found.asset == symbol
        )
        assert theft in outflow.detail
        assert outflow.difference_units <= -asset.one_in_units  # For the coin also the gas.
        assert any(found.break_class is BreakClass.NONCE_MISMATCH for found in report.breaks)
        with pytest.raises(FailureError) as refusal:
            await live.custody.withdraw(
                "alice", Amount(1, asset), live.deployment.roles["bob"], "x"
            )
        assert refusal.value.code == "SIGNER_FROZEN"


@pytest.mark.parametrize("through_permit_contract", [False, True])
async def test_an_approval_with_the_hot_key_names_the_spender_until_it_is_revoked(
    devnet: DevnetHandle, tmp_path: Path, *, through_permit_contract: bool
) -> None:
    async with open_live(
        url=devnet.url, deployment=devnet.deployment, database_path=tmp_path / "books.db"
    ) as live:
        await live.custody.open_books()
        usdc, thief = live.deployment.asset("USDC"), live.deployment.roles["bob"]

        def approval(units: int) -> TxRequest:
            if through_permit_contract:
                call = PERMIT_APPROVE.encode_call(usdc.address, thief, units, 2**48 - 1)
                to = live.deployment.contracts["Permit2"]
            else:
                call, to = APPROVE.encode_call(thief, units), usdc.address
            return TxRequest(to=to, data=call, value_wei=0, gas_limit=200_000)

        await live.send("hot", approval(7))
        found = (await live.reconciler.run()).breaks
        drift = [b for b in found if b.break_class is BreakClass.ALLOWANCE_DRIFT]
        assert [(b.asset, b.chain_units, b.ledger_units) for b in drift] == [("USDC", 7, 0)]
        assert thief.lower() in drift[0].detail

        await live.send("hot", approval(0))
        found = (await live.reconciler.run()).breaks
        assert not [b for b in found if b.break_class is BreakClass.ALLOWANCE_DRIFT]
