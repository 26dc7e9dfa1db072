"""Bring the devnet of a data directory up, look at it, take it down, start it afresh."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from connectors.chain import anvil
from connectors.chain.anvil import AnvilNode, AnvilOptions, Mining
from connectors.chain.deployment import Deployment
from connectors.chain.devnet_state import DevnetState, deployment_path, devnet_folder, state_path
from connectors.chain.rpc import JsonRpc, from_quantity
from router.devnet.atomic import write_whole
from router.devnet.cache import exclusive
from router.devnet.genesis import HARDFORK, Genesis, ensure_genesis
from router.devnet.keys import DEVNET_CHAIN_ID, write_hot_keystore
from router.devnet.progress import Progress, silent
from router.devnet.tools import ensure_tools
from router.domain.errors import FailureError, UsageError, VenueUnavailable

DEFAULT_PORT: Final = 8545
DEFAULT_BLOCK_TIME_S: Final = 1
_ANSWER_TIMEOUT_S: Final = 10.0
WallClock = Callable[[], float]
"""Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetHandle:
    """A devnet that answers. `attached` says that it ran already.

    `outdated` says that it was started from another build than this program would start now.
    """

    url: str
    chain_id: int
    pid: int
    deployment: Deployment
    attached: bool = False
    outdated: bool = False


class DevnetCondition(StrEnum):
    """What `status` finds: `dead` was started and ended unasked, `hung` runs without answering."""

    RUNNING = "running"
    STOPPED = "stopped"
    DEAD = "dead"
    HUNG = "hung"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetStatus:
    """`block_number` and `block_time_s` are of the head, and None unless it is running."""

    condition: DevnetCondition
    url: str | None = None
    pid: int | None = None
    chain_id: int | None = None
    block_number: int | None = None
    block_timestamp_s: int | None = None


@asynccontextmanager
async def running_devnet(
    *,
    port: int = 0,
    mining: Mining = "auto",
    block_time_s: int = DEFAULT_BLOCK_TIME_S,
    progress: Progress = silent,
    wall_clock: WallClock = time.time,
) -> AsyncIterator[DevnetHandle]:
    """Run a devnet of its own that ends with this block and leaves no files.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING, DEVNET_PORT_BUSY or DEVNET_START_FAILED.
    """
    tools = await ensure_tools(progress)
    genesis = await ensure_genesis(tools, progress)
    with tempfile.TemporaryDirectory(prefix="devnet-") as scratch:
        options = AnvilOptions(
            binary=tools.anvil,
            log_path=Path(scratch) / "anvil.log",
            port=port,
            chain_id=DEVNET_CHAIN_ID,
            hardfork=HARDFORK,
            mining=mining,
            block_time_s=block_time_s,
            genesis_path=genesis.path,
        )
        async with anvil.running_anvil(options) as node:
            await set_time(node.url, wall_clock)
            yield _handle(node, genesis.deployment)


async def up(
    home: Path,
    *,
    port: int | None = None,
    block_time_s: int = DEFAULT_BLOCK_TIME_S,
    progress: Progress = silent,
    wall_clock: WallClock = time.time,
) -> DevnetHandle:
    """Start the devnet of `home`, or attach to it when it runs already.

    Args:
        home: the data directory; the devnet keeps its files in `devnet` and `keys` below it.
        port: 0 lets the kernel choose, None means 8545 or wherever it runs already.
        block_time_s: seconds between blocks; a transaction is mined at once besides.
        progress: told about the long steps of the first start.
        wall_clock: the time that new blocks carry.

    Raises:
        UsageError: DEVNET_PORT_BUSY never; USAGE when it runs on another port than asked for.
        FailureError: DEVNET_TOOLS_MISSING, DEVNET_PORT_BUSY, DEVNET_START_FAILED, or DEVNET_DEAD
            when its process runs without answering.
    """
    tools = await ensure_tools(progress)
    genesis = await ensure_genesis(tools, progress)
    async with exclusive(devnet_folder(home) / "lock", "devnet of this directory"):
        state = await _live_state(home)
        if state is not None:
            return _attach(home, state, port, genesis)
        options = AnvilOptions(
            binary=tools.anvil,
            log_path=devnet_folder(home) / "anvil.log",
            port=DEFAULT_PORT if port is None else port,
            chain_id=DEVNET_CHAIN_ID,
            hardfork=HARDFORK,
            mining="mixed",
            block_time_s=block_time_s,
            genesis_path=genesis.path,
        )
        return await _start(home, options, genesis, wall_clock)


async def down(home: Path) -> bool:
    """Stop the devnet of `home`; return False if none was running.

    Raises:
        FailureError: DEVNET_DEAD, its process cannot be stopped.
    """
    async with exclusive(devnet_folder(home) / "lock", "devnet of this directory"):
        try:
            state = DevnetState.load(home)
        except FailureError:
            return False
        stopped = await anvil.stop(state.node)
        state_path(home).unlink(missing_ok=True)
        return stopped


async def status(home: Path) -> DevnetStatus:
    """Look at the devnet of `home`; changes nothing."""
    try:
        state = DevnetState.load(home)
    except FailureError:
        return DevnetStatus(condition=DevnetCondition.STOPPED)
    node = state.node
    if not anvil.is_running(node):
        return DevnetStatus(condition=DevnetCondition.DEAD, url=node.url, pid=node.pid)
    if not await anvil.serves(node, _ANSWER_TIMEOUT_S):
        return DevnetStatus(condition=DevnetCondition.HUNG, url=node.url, pid=node.pid)
    async with JsonRpc(node.url) as rpc:
        try:
            head = await rpc.call("eth_getBlockByNumber", ["latest", False])
        except VenueUnavailable:
            return DevnetStatus(condition=DevnetCondition.HUNG, url=node.url, pid=node.pid)
    return DevnetStatus(
        condition=DevnetCondition.RUNNING,
        url=node.url,
        pid=node.pid,
        chain_id=node.chain_id,
        block_number=from_quantity(head["number"]),
        block_timestamp_s=from_quantity(head["timestamp"]),
    )


async def reset(
    home: Path,
    *,
    port: int | None = None,
    block_time_s: int | None = None,
    progress: Progress = silent,
    wall_clock: WallClock = time.time,
) -> DevnetHandle:
    """Start the chain of `home` afresh, on the same port and pace unless others are given.

    What a ledger in `home` knows about the old chain is void afterwards.

    Raises:
        FailureError: as `up`.
    """
    try:
        before = DevnetState.load(home)
    except FailureError:
        before = None
    if before is not None:
        port = before.node.port if port is None else port
        block_time_s = before.block_time_s if block_time_s is None else block_time_s
        await down(home)
    return await up(
        home,
        port=port,
        block_time_s=block_time_s or DEFAULT_BLOCK_TIME_S,
        progress=progress,
        wall_clock=wall_clock,
    )


async def set_time(url: str, wall_clock: WallClock = time.time) -> None:
    """Let the chain's clock show the wall clock's time from the next block on.

    The genesis block is old, and so would be every block after it: each deadline would be far in
    the chain's future and never expire. A snapshot that is reverted to sets the clock back too.
    """
    async with JsonRpc(url) as rpc:
        await rpc.call("anvil_setTime", [int(wall_clock())])


async def _live_state(home: Path) -> DevnetState | None:
    """Return the state of the devnet that answers, None if a new one may be started.

    Raises:
        FailureError: DEVNET_DEAD, it runs without answering.
    """
    try:
        state = DevnetState.load(home)
    except FailureError:
        return None
    if not anvil.is_running(state.node):
        return None
    if not await anvil.serves(state.node, _ANSWER_TIMEOUT_S):
        raise FailureError(
            "DEVNET_DEAD",
            f"The devnet's process {state.node.pid} runs but does not answer at {state.node.url}; "
            "run `router devnet reset`.",
        )
    return state


def _attach(home: Path, state: DevnetState, port: int | None, genesis: Genesis) -> DevnetHandle:
    if port not in {None, 0, state.node.port}:
        raise UsageError(
            "USAGE",
            f"The devnet runs on port {state.node.port} already; stop it with "
            "`router devnet down` to start it on another.",
        )
    outdated = state.genesis_hash != genesis.deployment.genesis_hash
    deployment = Deployment.load(deployment_path(home))
    return _handle(state.node, deployment, attached=True, outdated=outdated)


async def _start(
    home: Path, options: AnvilOptions, genesis: Genesis, wall_clock: WallClock
) -> DevnetHandle:
    deployment = genesis.deployment
    document = json.dumps(deployment.to_document(), indent=2)
    await asyncio.to_thread(write_whole, deployment_path(home), document)
    await asyncio.to_thread(write_hot_keystore, home, deployment.chain_id)
    node = await anvil.start_detached(options)
    state = DevnetState(
        node=node, block_time_s=options.block_time_s, genesis_hash=deployment.genesis_hash
    )
    # Nothing is awaited between the start and this line, so no cancelled `up` orphans the node.
    try:
        write_whole(state_path(home), json.dumps(state.to_document(), indent=2))
    except OSError as error:
        await anvil.stop(node)  # Nobody could find it to stop it later.
        raise FailureError(
            "DEVNET_START_FAILED", f"{state_path(home)} cannot be written: {error.strerror}."
        ) from error
    await set_time(node.url, wall_clock)
    return _handle(node, deployment)


def _handle(
    node: AnvilNode, deployment: Deployment, *, attached: bool = False, outdated: bool = False
) -> DevnetHandle:
    return DevnetHandle(
        url=node.url,
        chain_id=node.chain_id,
        pid=node.pid,
        deployment=deployment,
        attached=attached,
        outdated=outdated,
    )
