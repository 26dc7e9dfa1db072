"""A real chain for the tests: one Anvil per module, reverted to its first state for each test.

A machine that cannot install the tools fails these tests; it does not skip them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.chain.anvil import AnvilOptions, OwnedAnvil, start_owned, stop
from connectors.chain.deployment import Deployment
from connectors.chain.devnet_state import DevnetState
from connectors.chain.rpc import JsonRpc, from_quantity
from router.devnet import DevnetHandle, Genesis, ensure_genesis, ensure_tools, set_time
from router.devnet.genesis import HARDFORK
from router.devnet.tools import Tools
from router.domain.errors import FailureError


@pytest.fixture(scope="session")
def devnet_tools() -> Tools:
    """The installed tools; the first run on a machine downloads them."""
    return asyncio.run(ensure_tools())


@pytest.fixture(scope="session")
def devnet_genesis(devnet_tools: Tools) -> Genesis:
    """The built devnet from the cache."""
    return asyncio.run(ensure_genesis(devnet_tools))


@pytest.fixture(scope="session")
def deployment(devnet_genesis: Genesis) -> Deployment:
    return devnet_genesis.deployment


@pytest.fixture(scope="module")
def devnet_process(
    devnet_tools: Tools, devnet_genesis: Genesis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnedAnvil]:
    """A node of this module's own on a free port: one block per transaction."""
    options = AnvilOptions(
        binary=devnet_tools.anvil,
        log_path=tmp_path_factory.mktemp("devnet") / "anvil.log",
        hardfork=HARDFORK,
        genesis_path=devnet_genesis.path,
    )
    owned = asyncio.run(start_owned(options))
    yield owned
    asyncio.run(owned.stop())


@pytest.fixture
async def devnet(devnet_process: OwnedAnvil, deployment: Deployment) -> AsyncIterator[DevnetHandle]:
    """The module's node in its first state, its clock on wall time; changes are undone."""
    node = devnet_process.node
    await set_time(node.url)
    async with JsonRpc(node.url) as rpc:
        snapshot = await rpc.call("evm_snapshot")
        yield DevnetHandle(
            url=node.url, chain_id=node.chain_id, pid=node.pid, deployment=deployment
        )
        # A revert leaves the pool as it is: what is pending would be mined in the next test.
        await rpc.call("anvil_dropAllTransactions")
        assert await rpc.call("evm_revert", [snapshot]), "the snapshot is gone"


@pytest.fixture
async def rpc(devnet: DevnetHandle) -> AsyncIterator[JsonRpc]:
    """A client of `devnet` in the test's own event loop."""
    async with JsonRpc(devnet.url) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Miner:
    """Moves the chain of `devnet` on by hand."""

    rpc: JsonRpc

    async def mine(self, blocks: int = 1) -> int:
        """Mine empty blocks, or pending transactions with them; return the head's number."""
        await self.rpc.call("anvil_mine", [hex(blocks)])
        return from_quantity(await self.rpc.call("eth_blockNumber"))

    async def hold(self) -> None:
        """Stop mining by itself: transactions stay pending until `mine`."""
        await self.rpc.call("evm_setAutomine", [False])

    async def release(self) -> None:
        await self.rpc.call("evm_setAutomine", [True])

    async def advance_to(self, timestamp_s: int) -> None:
        """Mine one block at `timestamp_s`."""
        await self.rpc.call("evm_setNextBlockTimestamp", [timestamp_s])
        await self.mine()


@pytest.fixture
async def miner(rpc: JsonRpc) -> AsyncIterator[Miner]:
    """Manual control of the chain; automine is on again after the test."""
    made = Miner(rpc)
    yield made
    # Mining what is left, while the snapshot is reverted, makes a chain that never was.
    await rpc.call("anvil_dropAllTransactions")
    await made.release()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty data directory; a devnet that a test leaves running in it is stopped."""
    yield tmp_path
    try:
        state = DevnetState.load(tmp_path)
    except FailureError:
        return  # The test took it down itself, or never had one.
    asyncio.run(stop(state.node))
