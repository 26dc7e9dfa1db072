"""The examples run as their first lines say, and the SDK brings along only what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from router.devnet import DevnetHandle, up
from router.domain.orders import OrderStatus
from router.sdk import Router, SyncRouter
from router.settings import load_settings
from tests.e2e.sdk_world import fund, overrides

ROOT = Path(__file__).resolve().parents[2]
FUNDS = {"alice": {"WETH": "20"}}


def run(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "ROUTER_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_the_examples_run_against_a_started_devnet(home: Path) -> None:
    handle = await up(home, port=0)
    quoted = run(home, "examples/quote.py")
    assert quoted.returncode == 0, quoted.stderr
    assert "10 WETH -> " in quoted.stdout

    refused = run(home, "examples/route_order.py")
    assert refused.returncode == 1
    assert refused.stdout.splitlines()[-1].startswith("INSUFFICIENT_BALANCE: alice has 0 WETH")
    assert refused.stderr == ""

    async with Router.open(load_settings(None, {"home": str(home)})) as router:
        await fund(router, handle, FUNDS)
    routed = run(home, "examples/route_order.py")
    assert routed.returncode == 0, routed.stdout + routed.stderr
    assert routed.stdout.splitlines()[-1].startswith("settled: 1 WETH -> ")


PROBE = """
import asyncio, sys
import router
assert not set(sys.modules) & {"ccxt", "web3", "sqlmodel", "aiohttp"}, "import router is lazy"
from router import Router
async def main():
    async with Router.open(read_only=True) as opened:
        await opened.quote("WETH", "USDC", "1")
    print(sorted(set(sys.modules) & {"ccxt", "web3", "eth_account", "apscheduler"}))
    async with Router.open() as opened:
        print(sorted(set(sys.modules) & {"ccxt", "web3", "apscheduler"}))
asyncio.run(main())
"""


async def test_opening_imports_no_library_that_it_does_not_use(home: Path) -> None:
    await up(home, port=0)
    done = run(home, "-c", PROBE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_the_blocking_client_does_the_same(devnet: DevnetHandle, tmp_path: Path) -> None:
    with SyncRouter.open(overrides=overrides(devnet, tmp_path)) as router:
        quote = router.quote("WETH", "USDC", "2")
        assert router.balances("alice") == []
        assert router.deposit_address() == devnet.deployment.roles["hot"]
        assert {"quote", "route", "balances"} <= set(dir(router))
        assert quote.amount_out.units > 0
    with pytest.raises(RuntimeError, match="with"):
        router.quote("WETH", "USDC", "2")


async def test_a_withdrawal_reaches_its_destination_once(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    bob = devnet.deployment.roles["bob"]
    weth = devnet.deployment.asset("WETH")
    async with Router.open(overrides=overrides(devnet, tmp_path)) as router:
        await fund(router, devnet, FUNDS)
        head = await router.app.chain.head()
        before = await router.app.audit.balances([(bob, weth)], head.number)
        for _ in range(2):
            _, intent = await router.withdraw("alice", "WETH", "1.5", bob, client_id="w1")
            assert intent is not None
            assert intent.state.is_final
        head = await router.app.chain.head()
        after = await router.app.audit.balances([(bob, weth)], head.number)
        assert after[0] - before[0] == 15 * 10**17
        assert (await router.balance("alice", "WETH")).units == 185 * 10**17
        assert (await router.reconcile()).breaks == ()


async def test_orders_and_journals_can_be_looked_up(devnet: DevnetHandle, tmp_path: Path) -> None:
    async with Router.open(overrides=overrides(devnet, tmp_path)) as router:
        await fund(router, devnet, FUNDS)
        quote = await router.quote("WETH", "USDC", "1")
        done = await router.route(quote, account="alice")
        assert done.status is OrderStatus.SETTLED
        assert await router.orders("alice") == [done]
        assert await router.order(done.order.order_id) == done
        kinds = [str(j.journal.kind) for j in await router.journals(done.order.order_id)]
        assert kinds == ["swap"]
        assert len(await router.pools()) >= 15
