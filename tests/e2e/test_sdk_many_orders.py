"""Orders side by side, and money that lies where it cannot be spent from."""

import asyncio
from pathlib import Path

import pytest

from router.devnet import DevnetHandle
from router.domain.errors import RouterError
from router.domain.orders import OrderState
from router.sdk import Router
from tests.e2e.sdk_world import FUNDS, fund, make_book, overrides

ORDERS = (
    ("alice", "WETH", "USDC", "40", False),
    ("alice", "USDC", "WETH", "20", True),
    ("maker", "USDC", "WBTC", "90000", False),
    ("alice", "WBTC", "USDC", "2", False),
    ("maker", "WETH", "LINK", "10", False),
    ("alice", "DAI", "USDT", "25000", True),
)


async def test_orders_side_by_side_lose_no_unit(devnet: DevnetHandle, tmp_path: Path) -> None:
    async with Router.open(overrides=overrides(devnet, tmp_path)) as router:
        await fund(router, devnet, FUNDS)
        await make_book(router)

        async def run(account: str, sell: str, buy: str, amount: str, exact: bool) -> OrderState:
            quote = await router.quote(sell, buy, amount, exact_out=exact, slippage_bps=200)
            return await router.route(quote, account=account)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(*order)) for order in ORDERS]
        states = [task.result() for task in tasks]
        assert all(state.status.is_final for state in states)
        assert sum(state.status == "settled" for state in states) >= len(states) - 1
        for account in ("alice", "maker"):
            resting = {order.hold_id for order in await router.open_orders(account)}
            holds = await router.app.database.read(
                lambda uow, name=account: uow.ledger.holds(f"user/{name}")  # type: ignore[misc]
            )
            assert {h.hold_id for h in holds if h.remaining_units} == resting
        assert (await router.reconcile()).breaks == ()


async def test_what_lies_in_the_cold_wallet_is_not_sent_from_the_hot_one(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    marks = [{"low": "1 WETH", "target": "2 WETH", "high": "5 WETH"}]
    settings = overrides(devnet, tmp_path, wallets={"marks": marks})
    async with Router.open(overrides=settings) as router:
        await fund(router, devnet, {"alice": {"WETH": "20"}})
        for intent in await router.app.custody.sweep():
            await router.app.settlement.result(intent.intent_id)
        quote = await router.quote("WETH", "USDC", "3")
        with pytest.raises(RouterError) as caught:
            await router.route(quote, account="alice")
        assert caught.value.code == "HOT_WALLET_LOW"
        assert (await router.balance("alice", "WETH")).units == 20 * 10**18
        small = await router.quote("WETH", "USDC", "1.5")
        assert (await router.route(small, account="alice")).status == "settled"
        assert (await router.reconcile()).breaks == ()
