"""Money taken with the hot key behind the program's back, on a real node."""

from pathlib import Path

import pytest

from router.devnet import DevnetHandle
from router.domain.amounts import Amount
from router.domain.custody import BreakClass
from router.domain.errors import FailureError
from tests.integration.settlement.live import open_live


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
