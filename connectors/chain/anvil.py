"""The Anvil process: start the real binary, know that it is the right one, stop it for sure.

The binary is started directly: the npm wrapper leaves the node running when it is killed. A node
is trusted only after its own log named the address, so that a stranger on the port is never
mistaken for it.
"""

import asyncio
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

from connectors.chain.rpc import JsonRpc, RpcError
from router.domain.errors import FailureError, VenueUnavailable

Mining = Literal["auto", "interval", "mixed", "manual"]
Spawned = TypeVar("Spawned")

ANVIL_VERSION: Final = "1.7.1"
_HOST: Final = "127.0.0.1"
_LISTENING: Final = re.compile(r"Listening on 127\.0\.0\.1:(\d+)")
_PORT_TAKEN: Final = re.compile(r"address already in use|AddrInUse", re.IGNORECASE)
_LOG_HEAD_BYTES: Final = 64 * 1024
_POLL_S: Final = 0.005
_STOP_GRACE_S: Final = 5.0
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AnvilOptions:
    """How to start a node.

    `port` 0 lets the kernel choose. `mining`: "auto" one block per transaction, "interval" every
    `block_time_s`, "mixed" both, "manual" only by `evm_mine`. `timestamp_s` is the time of block
    0; with `genesis_path` the file's own time holds.
    """

    binary: Path
    log_path: Path
    port: int = 0
    chain_id: int = 31337
    hardfork: str = "cancun"
    mining: Mining = "auto"
    block_time_s: int = 1
    genesis_path: Path | None = None
    timestamp_s: int | None = None
    start_timeout_s: float = 20.0

    def __post_init__(self) -> None:
        assert 0 <= self.port < 2**16, self.port
        assert self.block_time_s > 0, self.block_time_s

    def argv(self) -> list[str]:
        """Return the command line."""
        argv = [str(self.binary), "--host", _HOST, "--port", str(self.port)]
        argv += ["--chain-id", str(self.chain_id), "--hardfork", self.hardfork]
        if self.mining in {"interval", "mixed"}:
            argv += ["--block-time", str(self.block_time_s)]
        if self.mining == "mixed":
            argv += ["--mixed-mining"]
        if self.mining == "manual":
            argv += ["--no-mining"]
        if self.genesis_path is not None:
            argv += ["--init", str(self.genesis_path)]
        if self.timestamp_s is not None:
            argv += ["--timestamp", str(self.timestamp_s)]
        return argv


@dataclass(frozen=True, slots=True, kw_only=True)
class AnvilNode:
    """A running node, as plain values that another process can be told.

    `instance_id` is the node's own random name for this run; `command` identifies the process,
    since the kernel gives process ids out again.
    """

    pid: int
    port: int
    chain_id: int
    instance_id: str
    command: str

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedAnvil:
    """A node that ends with this process on Linux, however this process ends."""

    node: AnvilNode
    process: "subprocess.Popen[bytes]"

    async def stop(self) -> None:
        """End the node; calling it again does nothing.

        Raises:
            FailureError: DEVNET_DEAD, the kernel does not end it.
        """
        await stop(self.node)
        self.process.wait(_STOP_GRACE_S)


@asynccontextmanager
async def running_anvil(options: AnvilOptions) -> AsyncIterator[AnvilNode]:
    """Run a node that ends with this block.

    Raises:
        FailureError: see `start_owned`.
    """
    owned = await start_owned(options)
    try:
        yield owned.node
    finally:
        await owned.stop()


async def start_owned(options: AnvilOptions) -> OwnedAnvil:
    """Start a node that ends with this process; start it on the main thread.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING, DEVNET_PORT_BUSY or DEVNET_START_FAILED.
    """
    process = _spawn_with_log(options, _spawn_owned)
    node: AnvilNode | None = None
    try:
        node = await _ready_or_killed(options, process.pid, lambda: process.poll() is not None)
    finally:
        if node is None:
            process.wait(_STOP_GRACE_S)
    return OwnedAnvil(node=node, process=process)


async def start_detached(options: AnvilOptions) -> AnvilNode:
    """Start a node that outlives this process; end it with `stop`.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING, DEVNET_PORT_BUSY or DEVNET_START_FAILED.
    """
    pid = _spawn_with_log(options, _spawn_detached)
    return await _ready_or_killed(options, pid, lambda: _reap(pid))


async def stop(node: AnvilNode) -> bool:
    """End the node, politely first; return False if it was gone already.

    A process that has taken over the node's id is left alone.

    Raises:
        FailureError: DEVNET_DEAD, the kernel does not end it.
    """
    if not is_running(node):
        return False
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        _signal(node.pid, signal_number)
        give_up_at = time.monotonic() + _STOP_GRACE_S
        while time.monotonic() < give_up_at:
            if not is_running(node):
                _reap(node.pid)
                return True
            await asyncio.sleep(_POLL_S)
    raise FailureError("DEVNET_DEAD", f"Process {node.pid} of the devnet cannot be stopped.")


def is_running(node: AnvilNode) -> bool:
    """Whether the very process that was started still runs; says nothing about its health."""
    return process_command(node.pid) == node.command


async def serves(node: AnvilNode, timeout_s: float = 3.0) -> bool:
    """Whether the node answers at its address and is the run that `node` names."""
    async with JsonRpc(node.url, timeout_s=timeout_s) as rpc:
        try:
            metadata = await rpc.call("anvil_metadata")
        except (VenueUnavailable, RpcError):
            return False
    return isinstance(metadata, dict) and metadata.get("instanceId") == node.instance_id


def process_command(pid: int) -> str | None:
    """Return the command line of a live process, words joined by blanks; None if there is none."""
    proc = Path("/proc")
    if not proc.joinpath("self").exists():
        listed = subprocess.run(  # noqa: S603 - a fixed program; the only argument is an integer
            ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_STOP_GRACE_S,
        )
        return listed.stdout.strip() or None
    try:
        raw = proc.joinpath(str(pid), "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    # A zombie has an empty command line: it runs nothing any more. So has, for an instant, a
    # process that is just being started: whoever starts one asks for its exit instead.
    return raw.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace") or None


async def _ready_or_killed(
    options: AnvilOptions, pid: int, has_exited: Callable[[], bool]
) -> AnvilNode:
    node: AnvilNode | None = None
    try:
        async with asyncio.timeout(options.start_timeout_s):
            port = await _listening_port(options, has_exited)
            node = await _identify(options, pid, port)
    except TimeoutError as error:
        raise FailureError(
            "DEVNET_START_FAILED",
            f"Anvil was not ready within {options.start_timeout_s:g} s; see {options.log_path}.",
        ) from error
    finally:
        if node is None:
            _signal(pid, signal.SIGKILL)
    return node


async def _listening_port(options: AnvilOptions, has_exited: Callable[[], bool]) -> int:
    """Wait for the line in which the node itself says where it listens."""
    while True:
        ended = has_exited()  # Asked before the log is read, so that its last words are seen.
        output = _log_head(options.log_path)
        found = _LISTENING.search(output)
        if found is not None:
            return int(found[1])
        if ended:
            raise _exit_error(options, output)
        await asyncio.sleep(_POLL_S)


async def _identify(options: AnvilOptions, pid: int, port: int) -> AnvilNode:
    async with JsonRpc(f"http://{_HOST}:{port}", timeout_s=options.start_timeout_s) as rpc:
        metadata = await rpc.call("anvil_metadata")
        # Anvil logs each request: without this the log grows for as long as the node runs.
        await rpc.call("anvil_setLoggingEnabled", [False])
    if metadata["chainId"] != options.chain_id:
        raise FailureError(
            "DEVNET_START_FAILED",
            f"Anvil serves chain {metadata['chainId']} instead of {options.chain_id}.",
        )
    return AnvilNode(
        pid=pid,
        port=port,
        chain_id=options.chain_id,
        instance_id=metadata["instanceId"],
        command=" ".join(options.argv()),
    )


def _exit_error(options: AnvilOptions, output: str) -> FailureError:
    if _PORT_TAKEN.search(output):
        return FailureError(
            "DEVNET_PORT_BUSY",
            f"Port {options.port} is in use by another program; choose another with --port.",
        )
    last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
    return FailureError(
        "DEVNET_START_FAILED", f"Anvil ended at once: {last[:300] or 'it said nothing'}."
    )


def _log_head(path: Path) -> str:
    with path.open("rb") as log:
        return log.read(_LOG_HEAD_BYTES).decode(errors="replace")


def _signal(pid: int, signal_number: signal.Signals) -> None:
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        return  # It has ended by itself, which is what the signal was for.


def _reap(pid: int) -> bool:
    """Let the kernel forget a child that has ended; return whether it was a child and has."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False  # Another process started it, and that process or init reaps it.


def _environment() -> dict[str, str]:
    """Return the user's environment without what would change the node behind our back."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANVIL_", "ETH_", "FOUNDRY_", "RUST_"))
    }


def _spawn_with_log(options: AnvilOptions, spawn: Callable[[list[str], int], Spawned]) -> Spawned:
    """Start the process with its output in a fresh log file.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING or DEVNET_START_FAILED.
    """
    options.log_path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(options.log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    try:
        return spawn(options.argv(), log)
    except (FileNotFoundError, PermissionError) as error:
        raise FailureError(
            "DEVNET_TOOLS_MISSING", f"Anvil cannot be run from {options.binary}."
        ) from error
    except OSError as error:
        raise FailureError(
            "DEVNET_START_FAILED", f"{options.binary} cannot be run: {error.strerror}."
        ) from error
    finally:
        os.close(log)


def _spawn_owned(argv: list[str], log: int) -> "subprocess.Popen[bytes]":
    # The hook only calls prctl, whose library is loaded before the fork: safe with threads. The
    # kernel binds the signal to the thread that forks, hence the main thread and no executor.
    return subprocess.Popen(  # noqa: S603 - the binary of the pinned package, no shell
        argv,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=_environment(),
        preexec_fn=None if _LIBC is None else _die_with_parent,  # noqa: PLW1509
    )


def _spawn_detached(argv: list[str], log: int) -> int:
    # A Popen object would complain about, and wait for, a child that is meant to outlive it.
    return os.posix_spawn(
        argv[0],
        argv,
        _environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ],
        setsid=True,
    )


_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    assert _LIBC is not None
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
