"""A swap that would revert on the real chain is found before it takes a nonce or any gas."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.chain.rpc import JsonRpc, to_hex
from router.devnet import DevnetHandle
from router.domain.orders import OrderStatus
from router.execution.events import OrderEvent, OrderEventKind
from router.sdk import Router
from tests.differential.onchain_trader import Trader
from tests.e2e.sdk_world import fund, overrides

TRADER = "0x00000000000000000000000000000000000BEEF1"


def ask(url: str, method: str, *params: object) -> Any:
    """Ask the node and wait: an observer of orders cannot await."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    assert "error" not in answer, answer
    return answer["result"]


def crash_the_price(trader: Trader, url: str) -> Callable[[OrderEvent], None]:
    """Return an observer that sells WETH into every pool once a plan is made, before it is sent."""
    pools = [p for p in trader.deployment.pools if "WETH" in map(str, p.tokens)]
    calls = [trader.sell(pool, "WETH", 3_000 * 10**18) for pool in pools]
    seen: list[OrderEventKind] = []

    def observe(event: OrderEvent) -> None:
        seen.append(event.kind)
        if event.kind is not OrderEventKind.PLANNED or seen.count(event.kind) > 1:
            return
        for to, call in calls:
            transaction = {"from": TRADER, "to": to, "data": to_hex(call), "gas": hex(8_000_000)}
            tx_hash = ask(url, "eth_sendTransaction", transaction)
            receipt = None
            while receipt is None:
                receipt = ask(url, "eth_getTransactionReceipt", tx_hash)

    return observe


async def test_pools_that_moved_beyond_the_minimum_cost_nothing_and_hold_nothing(
    devnet: DevnetHandle, tmp_path: Path, rpc: JsonRpc
) -> None:
    trader = Trader(rpc, devnet.deployment, TRADER)
    await trader.prepare()
    events: list[OrderEvent] = []
    moving = crash_the_price(trader, devnet.url)

    def observe(event: OrderEvent) -> None:
        events.append(event)
        moving(event)

    settings = overrides(devnet, tmp_path)
    async with Router.open(overrides=settings, on_order_event=observe) as router:
        await fund(router, devnet, {"alice": {"WETH": "60"}})
        hot = router.deposit_address()
        # The one-time approval is given here, so that the order itself could only pay for a swap.
        await router.app.execution._allowance.ensure(devnet.deployment.asset("WETH"), 1)
        kinds = ["uniswap_v2", "uniswap_v3", "book"]  # of the pools whose price is crashed
        quote = await router.quote("WETH", "USDC", "20", protocols=kinds)
        nonce = await rpc.call("eth_getTransactionCount", [hot, "latest"])
        coins = await rpc.call("eth_getBalance", [hot, "latest"])
        journals = len(await router.journals())

        order = await router.route(quote, account="alice", client_order_id="one")

        assert order.status is OrderStatus.RETURNED
        assert order.reason.startswith("LIMIT_NOT_MET")
        [refused] = [e for e in events if e.kind is OrderEventKind.NOT_SENT]
        assert "MinOutNotMet" in refused.facts["reason"]
        assert await rpc.call("eth_getTransactionCount", [hot, "latest"]) == nonce
        assert await rpc.call("eth_getBalance", [hot, "latest"]) == coins
        assert (await router.balance("alice", "WETH")).units == 60 * 10**18
        holds = await router.app.database.read(lambda uow: uow.ledger.holds("user/alice"))
        assert holds == []
        assert len(await router.journals()) == journals
        assert (await router.reconcile()).breaks == ()
