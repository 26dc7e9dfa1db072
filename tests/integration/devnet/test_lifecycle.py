"""A devnet of a data directory through its whole life, with real processes."""

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.chain import anvil
from connectors.chain.anvil import AnvilOptions
from connectors.chain.devnet_state import DevnetState, state_path
from connectors.chain.rpc import JsonRpc, from_quantity
from router.devnet import (
    DevnetCondition,
    DevnetHandle,
    Genesis,
    down,
    lifecycle,
    reset,
    running_devnet,
    status,
    up,
)
from router.devnet.tools import Tools
from router.domain.errors import FailureError, UsageError

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.usefixtures("devnet_genesis")


async def head_number(handle: DevnetHandle) -> int:
    async with JsonRpc(handle.url) as rpc:
        return from_quantity(await rpc.call("eth_blockNumber"))


async def ended(pid: int) -> None:
    """Wait until the process is gone."""
    give_up_at = time.monotonic() + 5
    while anvil.process_command(pid) is not None:
        assert time.monotonic() < give_up_at, f"process {pid} does not end"
        await asyncio.sleep(0.01)


def write_state(home: Path, **changes: object) -> None:
    document = json.loads(state_path(home).read_text())
    document["node"].update(changes)
    state_path(home).write_text(json.dumps(document))


def python_process(program: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


async def test_a_second_up_attaches_to_the_first(home: Path) -> None:
    first = await up(home, port=0)
    second = await up(home)
    assert (first.attached, second.attached) == (False, True)
    assert (second.url, second.pid) == (first.url, first.pid)
    assert second.deployment == first.deployment
    assert not second.outdated


async def test_of_two_ups_at_once_one_starts_and_one_attaches(home: Path) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(up(home, port=0)) for _ in range(2)]
    handles = [task.result() for task in tasks]
    assert sorted(handle.attached for handle in handles) == [False, True]
    assert handles[0].pid == handles[1].pid


async def test_an_attached_devnet_of_another_build_is_called_outdated(home: Path) -> None:
    await up(home, port=0)
    document = json.loads(state_path(home).read_text())
    state_path(home).write_text(json.dumps({**document, "genesis_hash": "0xother"}))
    assert (await up(home)).outdated


async def test_attaching_on_another_port_than_it_has_is_refused(home: Path) -> None:
    handle = await up(home, port=0)
    with pytest.raises(UsageError) as caught:
        await up(home, port=1)
    assert str(DevnetState.load(home).node.port) in caught.value.message
    assert (await status(home)).pid == handle.pid


async def test_a_busy_port_is_named_and_nothing_is_left_behind(home: Path) -> None:
    with taken_port() as port, pytest.raises(FailureError) as caught:
        await up(home, port=port)
    assert caught.value.code == "DEVNET_PORT_BUSY"
    assert str(port) in caught.value.message
    assert (await status(home)).condition is DevnetCondition.STOPPED


async def test_a_killed_process_is_seen_dead_and_up_recovers(home: Path) -> None:
    first = await up(home, port=0)
    os.kill(first.pid, signal.SIGKILL)
    await ended(first.pid)
    found = await status(home)
    assert (found.condition, found.pid) == (DevnetCondition.DEAD, first.pid)
    second = await up(home, port=0)
    assert not second.attached
    assert (await status(home)).condition is DevnetCondition.RUNNING


async def test_a_stranger_with_the_old_process_id_is_neither_trusted_nor_killed(
    home: Path,
) -> None:
    handle = await up(home, port=0)
    real = DevnetState.load(home).node
    try:
        with python_process("print(flush=True); input()") as stranger:
            assert stranger.stdout is not None
            await asyncio.to_thread(stranger.stdout.readline)  # Now it has a command line.
            write_state(home, pid=stranger.pid)
            assert (await status(home)).condition is DevnetCondition.DEAD
            assert not await down(home)
            assert stranger.poll() is None
            stranger.communicate(b"\n", timeout=10)
    finally:
        assert await anvil.stop(real)
    assert handle.pid == real.pid


async def test_another_node_on_the_old_port_is_not_taken_for_the_devnet(home: Path) -> None:
    await up(home, port=0)
    write_state(home, instance_id="0xanother")
    assert (await status(home)).condition is DevnetCondition.HUNG
    with pytest.raises(FailureError) as caught:
        await up(home)
    assert caught.value.code == "DEVNET_DEAD"


def is_stopped(pid: int) -> bool:
    """Whether every thread has taken the signal: one that runs on could still answer."""
    stats = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


async def until_stopped(pid: int) -> None:
    for _ in range(500):
        if is_stopped(pid):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"process {pid} does not stop")


async def test_a_hung_process_is_reported_and_reset_replaces_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_ANSWER_TIMEOUT_S", 0.3)
    monkeypatch.setattr(anvil, "_STOP_GRACE_S", 0.3)
    first = await up(home, port=0)
    os.kill(first.pid, signal.SIGSTOP)
    await until_stopped(first.pid)
    assert (await status(home)).condition is DevnetCondition.HUNG
    with pytest.raises(FailureError) as caught:
        await up(home)
    assert caught.value.code == "DEVNET_DEAD"
    second = await reset(home, port=0)
    assert second.pid != first.pid
    assert anvil.process_command(first.pid) is None


async def test_down_stops_it_once(home: Path) -> None:
    handle = await up(home, port=0)
    assert await down(home)
    assert anvil.process_command(handle.pid) is None
    assert not await down(home)
    assert (await status(home)).condition is DevnetCondition.STOPPED


async def test_reset_starts_the_chain_afresh_on_the_same_port(home: Path) -> None:
    first = await up(home, port=0, block_time_s=3_600)
    async with JsonRpc(first.url) as rpc:
        await rpc.call("anvil_mine", ["0x10"])
    second = await reset(home)
    assert (second.url, await head_number(second)) == (first.url, 0)
    assert DevnetState.load(home).block_time_s == 3_600


async def test_new_blocks_carry_the_injected_wall_time(home: Path) -> None:
    handle = await up(home, port=0, block_time_s=3_600, wall_clock=lambda: 2_000_000_000.5)
    async with JsonRpc(handle.url) as rpc:
        await rpc.call("evm_mine")
        head = await rpc.call("eth_getBlockByNumber", ["latest", False])
    assert 2_000_000_000 <= from_quantity(head["timestamp"]) < 2_000_000_060


async def test_blocks_come_by_themselves_at_the_asked_pace(home: Path) -> None:
    handle = await up(home, port=0, block_time_s=1)
    give_up_at = time.monotonic() + 10
    while await head_number(handle) < 2:
        assert time.monotonic() < give_up_at, "no block comes"
        await asyncio.sleep(0.1)
    found = await status(home)
    assert found.block_timestamp_s is not None
    assert abs(found.block_timestamp_s - time.time()) < 30


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', '{"version": 1, "node": {}}'])
async def test_a_damaged_state_file_counts_as_no_devnet(home: Path, text: str) -> None:
    state_path(home).parent.mkdir()
    state_path(home).write_text(text)
    assert (await status(home)).condition is DevnetCondition.STOPPED


async def test_the_devnet_outlives_the_command_that_started_it(home: Path) -> None:
    program = "from router.cli.main import run; run()"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, "devnet", "up", "--port", "0", "--json", "--home", home],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    printed = json.loads(done.stdout)
    found = await status(home)
    assert (found.condition, found.pid) == (DevnetCondition.RUNNING, printed["pid"])
    assert printed["attached"] is False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_an_owned_node_dies_with_its_parent_even_when_that_is_killed(
    devnet_tools: Tools, devnet_genesis: Genesis, tmp_path: Path
) -> None:
    program = f"""
import asyncio, time
from pathlib import Path
from connectors.chain.anvil import AnvilOptions, start_owned
owned = asyncio.run(start_owned(AnvilOptions(
    binary=Path({str(devnet_tools.anvil)!r}), log_path=Path({str(tmp_path / "log")!r}))))
print(owned.node.pid, flush=True)
time.sleep(60)
"""
    parent = python_process(program)
    assert parent.stdout is not None
    try:
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        assert anvil.process_command(pid) is not None
    finally:
        parent.kill()
        parent.communicate()
    await ended(pid)
    assert anvil.process_command(pid) is None


async def test_running_devnet_ends_with_its_block_and_leaves_no_files() -> None:
    async with running_devnet() as handle:
        assert await head_number(handle) == 0
        command = anvil.process_command(handle.pid)
    assert command is not None
    assert anvil.process_command(handle.pid) is None


async def test_a_cancelled_start_leaves_no_process(
    devnet_tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []
    spawn = anvil._spawn_detached

    def recording(argv: list[str], log: int) -> int:
        pids.append(spawn(argv, log))
        task.cancel()
        return pids[-1]

    monkeypatch.setattr(anvil, "_spawn_detached", recording)
    options = AnvilOptions(binary=devnet_tools.anvil, log_path=tmp_path / "log")
    task = asyncio.ensure_future(anvil.start_detached(options))
    with pytest.raises(asyncio.CancelledError):
        await task
    await ended(pids[0])
    assert anvil.process_command(pids[0]) is None


async def test_a_binary_that_cannot_run_is_a_clear_error(tmp_path: Path) -> None:
    missing = AnvilOptions(binary=tmp_path / "anvil", log_path=tmp_path / "log")
    with pytest.raises(FailureError) as absent:
        await anvil.start_owned(missing)
    liar = tmp_path / "liar"
    liar.write_text("#!/bin/sh\necho cannot load library; exit 3\n")
    liar.chmod(0o755)
    with pytest.raises(FailureError) as broken:
        await anvil.start_owned(AnvilOptions(binary=liar, log_path=tmp_path / "log"))
    assert (absent.value.code, broken.value.code) == ("DEVNET_TOOLS_MISSING", "DEVNET_START_FAILED")
    assert "cannot load library" in broken.value.message


async def test_a_binary_that_never_gets_ready_is_given_up_and_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    spawn = anvil._spawn_owned

    def recording(argv: list[str], log: int) -> "subprocess.Popen[bytes]":
        started.append(spawn(argv, log))
        return started[-1]

    monkeypatch.setattr(anvil, "_spawn_owned", recording)
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    options = AnvilOptions(binary=sleeper, log_path=tmp_path / "log", start_timeout_s=0.2)
    with pytest.raises(FailureError) as caught:
        await anvil.start_owned(options)
    assert caught.value.code == "DEVNET_START_FAILED"
    assert started[0].returncode == -signal.SIGKILL


async def test_a_disk_that_fills_up_after_the_start_leaves_no_node_that_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = anvil.start_detached

    async def start_and_fill_the_disk(options: AnvilOptions) -> anvil.AnvilNode:
        node = await start(options)
        started.append(node.pid)

        def no_space(path: Path, text: str, mode: int = 0o644) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(lifecycle, "write_whole", no_space)
        return node

    monkeypatch.setattr(anvil, "start_detached", start_and_fill_the_disk)
    with pytest.raises(FailureError, match="No space left") as refusal:
        await up(tmp_path, port=0)
    assert refusal.value.code == "DEVNET_START_FAILED"
    await ended(started[0])
