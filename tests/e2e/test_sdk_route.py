"""The main job through the SDK on a real chain: quote, route, settle, reconcile."""

from pathlib import Path

from router.devnet import DevnetHandle
from router.domain.orders import OrderStatus
from router.sdk import Router
from tests.e2e.sdk_world import FUNDS, fund, make_book, overrides


async def test_an_order_split_over_pools_and_book_settles_to_the_unit(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    async with Router.open(overrides=overrides(devnet, tmp_path)) as router:
        await fund(router, devnet, FUNDS)
        await make_book(router)
        quote = await router.quote("WETH", "USDC", "60")
        assert quote.chain_legs
        assert quote.book_legs
        before = await router.balance("alice", "USDC")

        order = await router.route(quote, account="alice", client_order_id="first")

        assert order.status is OrderStatus.SETTLED, order.reason
        assert order.received_units == quote.amount_out.units
        assert order.spent_units == quote.amount_in.units
        after = await router.balance("alice", "USDC")
        assert after.units - before.units == quote.amount_out.units
        report = await router.reconcile()
        assert report.breaks == ()
        again = await router.route(quote, account="alice", client_order_id="first")
        assert again == order
