"""kill -9 at every step of a payment, in a real process, on a real node and a real database."""

from pathlib import Path

import pytest

from router.devnet import DevnetHandle
from router.domain.settlement import IntentState
from router.domain.transfers import read_transfers
from tests.chaos.conftest import Runner
from tests.chaos.zygote import PAYEE, Errand
from tests.integration.settlement.live import Live, open_live
from tests.integration.settlement.swaps import SOLD_UNITS, approve

# After hold and nonce (inside their transaction), after it, after sign, store, mark, send, mined,
# and after the books were closed.
STEPS = [
    "numbered", "held", "reserved", "signed", "stored", "marked", "sent", "mined", "settled",
]  # fmt: skip


async def prepare(devnet: DevnetHandle, database: Path) -> int:
    """Open the books with a funded client; return the first block that belongs to the test."""
    async with open_live(
        url=devnet.url, deployment=devnet.deployment, database_path=database
    ) as live:
        await live.custody.open_books()
        usdc = devnet.deployment.asset("USDC")
        await live.pay("alice", usdc, devnet.deployment.roles["hot"], 20_000 * 10**6)
        await live.custody.scan_deposits()
        await approve(live)
        return (await live.chain.head()).number + 1


async def outgoing(live: Live, first_block: int) -> list[str]:
    """Return the hash of each transaction that took tokens out of the hot wallet."""
    hot = live.deployment.roles["hot"]
    head = await live.chain.head()
    logs = await live.audit.transfers([hot], first_block, head.number)
    return [t.tx_hash for t in read_transfers(logs) if t.sender == hot.lower()]


@pytest.mark.parametrize("die_at", STEPS)
@pytest.mark.parametrize("act", ["swap", "withdrawal"])
async def test_a_killed_process_pays_exactly_once_after_its_restart(
    devnet: DevnetHandle, tmp_path: Path, run_errand: Runner, act: str, die_at: str
) -> None:
    database = tmp_path / "books.db"
    first_block = await prepare(devnet, database)
    errand = {
        "url": devnet.url,
        "database": str(database),
        "deployment": devnet.deployment.to_document(),
        "act": act,
    }
    assert run_errand(Errand(**errand, die_at=die_at)) == -9, "it was to die"
    assert run_errand(Errand(**errand)) == 0, "it was to finish what it had begun"

    async with open_live(
        url=devnet.url, deployment=devnet.deployment, database_path=database
    ) as live:
        assert await live.settlement.resume() == 0
        usdc = live.deployment.asset("USDC")
        units = SOLD_UNITS if act == "swap" else 7_000_000
        assert len(await outgoing(live, first_block)) == 1
        assert await live.available("alice", usdc) == 20_000 * 10**6 - units
        if act == "swap":
            assert await live.available("alice", live.deployment.asset("WETH")) > 0
        else:
            assert await live.on_chain(usdc, PAYEE) == units
        intents = await live.database.read(lambda uow: uow.settlement.intents())
        assert [intent.state for intent, _ in intents] == [IntentState.SETTLED] * 2
        assert await live.database.read(lambda uow: uow.ledger.holds()) == []
        report = await live.reconciler.run()
        assert report.breaks == ()
        assert not report.frozen
