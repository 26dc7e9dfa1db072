"""The Python SDK: `Router` for asyncio, `SyncRouter` for everything else.

async with Router.open() as router:
    quote = await router.quote("WETH", "USDC", "10")
    order = await router.route(quote, account="alice")
"""

from router.sdk.client import Router
from router.sdk.sync import SyncRouter

__all__ = ["Router", "SyncRouter"]
