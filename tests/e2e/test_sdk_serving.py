"""The timers and the doctor on a real chain."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from router.bootstrap import Grade, diagnose, serve
from router.bootstrap.serving import Timers
from router.devnet import DevnetHandle
from router.domain.errors import VenueUnavailable
from router.sdk import Router
from router.settings import load_settings
from tests.e2e.sdk_world import CLIENTS, overrides, send

SCHEDULE = {
    "reconcile_interval_ms": 100,
    "sweep_interval_ms": 100,
    "pool_refresh_interval_ms": 50,
    "deposit_scan_interval_ms": 50,
    "settle_interval_ms": 50,
}
JOBS = {"deposits", "settle", "pools", "sweep", "reconcile"}


def seen_all(stop: asyncio.Event, rounds: int = 2) -> tuple[dict[str, int], object]:
    """Return a callback that sets `stop` once every job has run so often."""
    counts = dict.fromkeys(JOBS, 0)

    def on_run(name: str) -> None:
        counts[name] += 1
        if min(counts.values()) >= rounds:
            stop.set()

    return counts, on_run


async def test_the_timers_credit_deposits_sweep_and_reconcile(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    marks = [{"low": "1 WETH", "target": "2 WETH", "high": "5 WETH"}]
    settings = overrides(devnet, tmp_path, schedule=SCHEDULE, wallets={"marks": marks})
    async with Router.open(overrides=settings) as router:
        sender = devnet.deployment.roles[CLIENTS["alice"]]
        await send(devnet, sender, "WETH", router.deposit_address(), 9 * 10**18)
        stop = asyncio.Event()
        _, on_run = seen_all(stop, rounds=4)
        async with asyncio.timeout(60):
            report = await serve(router.app, stop, on_run)  # type: ignore[arg-type]
        assert {name for name, count in report.jobs.items() if count.failures} == set()
        assert (await router.balance("alice", "WETH")).units == 9 * 10**18
        assert (await router.reconcile()).breaks == ()
        lines = [line for line in await router.wallets() if line.asset.symbol == "WETH"]
        hot, cold = sorted(lines, key=lambda line: line.wallet.role != "hot")
        assert (hot.chain_units, cold.chain_units) == (2 * 10**18, 7 * 10**18)


async def test_a_failing_job_is_counted_and_the_others_go_on(
    devnet: DevnetHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise VenueUnavailable("CHAIN_UNAVAILABLE", "The node sleeps.")

    async with Router.open(overrides=overrides(devnet, tmp_path, schedule=SCHEDULE)) as router:
        monkeypatch.setattr(router.app.feed, "view", fail)
        stop = asyncio.Event()
        _, on_run = seen_all(stop)
        async with asyncio.timeout(60):
            report = await serve(router.app, stop, on_run)  # type: ignore[arg-type]
    pools = report.jobs["pools"]
    assert (pools.failures, pools.last_code) == (pools.runs, "CHAIN_UNAVAILABLE")
    assert report.jobs["reconcile"].failures == 0


async def test_a_fault_of_the_program_ends_the_serving(
    devnet: DevnetHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash() -> None:
        raise ZeroDivisionError

    async with Router.open(overrides=overrides(devnet, tmp_path, schedule=SCHEDULE)) as router:
        monkeypatch.setattr(router.app.feed, "view", crash)
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(60):
                await serve(router.app)


async def test_jobs_do_not_overlap_and_a_signal_lets_the_running_one_finish(
    devnet: DevnetHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = most = finished = 0
    entered = asyncio.Event()

    async def slow() -> None:
        nonlocal running, most, finished
        running += 1
        most = max(most, running)
        entered.set()
        await asyncio.sleep(0.3)
        running -= 1
        finished += 1

    async with Router.open(overrides=overrides(devnet, tmp_path, schedule=SCHEDULE)) as router:
        for service, method in [
            (router.app.feed, "view"),
            (router.app.settlement, "step"),
            (router.app.custody, "sweep"),
        ]:
            monkeypatch.setattr(service, method, slow)

        async def interrupt() -> None:
            await entered.wait()
            os.kill(os.getpid(), signal.SIGTERM)

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(interrupt())
            await serve(router.app)
    assert most == 1
    assert finished >= 1
    assert running == 0


async def test_a_job_that_does_not_finish_is_cut_short(
    devnet: DevnetHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = asyncio.Event()

    async def hang() -> None:
        stop.set()
        await asyncio.Event().wait()

    schedule = {**SCHEDULE, "stop_timeout_ms": 50}
    async with Router.open(overrides=overrides(devnet, tmp_path, schedule=schedule)) as router:
        monkeypatch.setattr(router.app.feed, "view", hang)
        async with asyncio.timeout(30):
            report = await Timers(router.app).run(stop)
    assert report.jobs["pools"].runs == 1


async def test_the_doctor_finds_a_sound_installation_sound(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    settings = load_settings(None, overrides(devnet, tmp_path))
    async with Router.open(settings):
        pass
    findings = {finding.name: finding for finding in await diagnose(settings)}
    assert set(findings) == {
        "python", "packages", "core", "node.js", "deployment", "chain", "key", "ledger",
    }  # fmt: skip
    assert {f.name for f in findings.values() if f.grade is Grade.FAILED} == set()


async def test_the_doctor_names_what_is_wrong_and_goes_on(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    raw = overrides(devnet, tmp_path)
    raw["chain"]["rpc_url"] = "http://127.0.0.1:9"
    (tmp_path / "keys/hot.json").unlink()
    findings = {f.name: f for f in await diagnose(load_settings(None, raw))}
    assert findings["chain"].code == "CHAIN_UNAVAILABLE"
    assert findings["key"].code == "KEY_FILE_MISSING"
    assert findings["ledger"].grade is Grade.OK
    lost = {f.name: f for f in await diagnose(load_settings(None, {"home": str(tmp_path)}))}
    assert lost["deployment"].code == "DEVNET_NOT_RUNNING"
