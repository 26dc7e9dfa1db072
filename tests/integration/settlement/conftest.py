"""Settlement against a real node."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.devnet import DevnetHandle
from tests.integration.settlement.live import Live, open_live


@pytest.fixture
async def live(devnet: DevnetHandle, tmp_path: Path) -> AsyncIterator[Live]:
    """Opened books and alice's deposit of 100 000 USDC, credited."""
    async with open_live(
        url=devnet.url, deployment=devnet.deployment, database_path=tmp_path / "books.db"
    ) as made:
        await made.custody.open_books()
        usdc = devnet.deployment.asset("USDC")
        await made.pay("alice", usdc, devnet.deployment.roles["hot"], 100_000 * 10**6)
        await made.custody.scan_deposits()
        yield made
