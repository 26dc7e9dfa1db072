"""A token with USDT's habits: nothing is returned, and an allowance that is not zero cannot be
changed to another one. It is sold and bought, more than once."""

from pathlib import Path

import pytest

from connectors.chain.deployment import Deployment
from connectors.chain.erc20 import APPROVE
from connectors.chain.node import RpcChain
from connectors.chain.rpc import JsonRpc, to_hex
from router.devnet import DevnetHandle
from router.domain.amounts import UINT256_MAX
from router.domain.orders import OrderState, OrderStatus
from router.domain.settlement import IntentKind
from router.domain.transfers import allowance_call
from router.sdk import Router
from tests.e2e.sdk_world import fund, overrides

FUNDS = {"alice": {"USDT": "500000", "USDC": "500000", "WETH": "50"}}


async def allowances(chain: RpcChain, deployment: Deployment, owner: str) -> list[int]:
    """Return what the permit contract and the executor may move of the owner's USDT."""
    usdt = deployment.asset("USDT").address
    spenders = [deployment.contracts[name] for name in ("Permit2", "RouteExecutor")]
    return [int.from_bytes(await chain.call(usdt, allowance_call(owner, s))) for s in spenders]


async def sold(router: Router, sell: str, buy: str, amount: str) -> OrderState:
    """Route through the pools and require what was quoted, to the unit."""
    quote = await router.quote(sell, buy, amount)
    assert quote.chain_legs
    order = await router.route(quote, account="alice")
    assert order.status is OrderStatus.SETTLED, order.reason
    assert order.received_units == quote.amount_out.units
    assert order.spent_units == quote.amount_in.units
    return order


async def approvals(router: Router) -> list[str]:
    found = await router.app.database.read(lambda uow: uow.settlement.intents())
    return [intent.reference for intent, _ in found if intent.kind is IntentKind.APPROVE]


@pytest.mark.parametrize("other", ["USDC", "WETH"])
async def test_it_is_sold_and_bought_twice_with_one_approval(
    devnet: DevnetHandle, tmp_path: Path, rpc: JsonRpc, other: str
) -> None:
    amount = {"USDC": "20000", "WETH": "5"}[other]
    async with Router.open(overrides=overrides(devnet, tmp_path)) as router:
        await fund(router, devnet, FUNDS)
        for _ in range(2):
            await sold(router, "USDT", other, "15000")
            await sold(router, other, "USDT", amount)
        assert sorted(await approvals(router)) == sorted([f"approve:{other}", "approve:USDT"])
        chain, hot = RpcChain(rpc), router.deposit_address()
        assert await allowances(chain, devnet.deployment, hot) == [UINT256_MAX, 0]
        assert (await router.reconcile()).breaks == ()


async def test_an_allowance_that_is_too_small_is_taken_back_before_it_is_raised(
    devnet: DevnetHandle, tmp_path: Path, rpc: JsonRpc
) -> None:
    hot = devnet.deployment.roles["hot"]
    usdt, permit2 = devnet.deployment.asset("USDT").address, devnet.deployment.contracts["Permit2"]
    call = {"from": hot, "to": usdt, "data": to_hex(APPROVE.encode_call(permit2, 5))}
    await rpc.call("anvil_impersonateAccount", [hot])
    await rpc.call("eth_sendTransaction", [call])
    await rpc.call("evm_mine")
    assert await allowances(RpcChain(rpc), devnet.deployment, hot) == [5, 0]
    async with Router.open(overrides=overrides(devnet, tmp_path)) as router:
        await fund(router, devnet, FUNDS)
        for _ in range(2):
            await sold(router, "USDT", "USDC", "15000")
        assert await approvals(router) == ["approve:USDT"] * 2
        assert await allowances(RpcChain(rpc), devnet.deployment, hot) == [UINT256_MAX, 0]
        assert (await router.reconcile()).breaks == ()
