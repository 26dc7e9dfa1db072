"""Over the devnet's real pools and a two-sided book the solver is at its own bound."""

import itertools
from collections.abc import Iterator

import pytest

from connectors.chain.deployment import Deployment
from connectors.chain.rpc import JsonRpc
from connectors.dex.source import ChainPoolSource
from router.core import CoreError, Market, MarketBuilder, Plan, V2Pool, V3Pool

PRICES_USD = {"WETH": 3_500, "USDC": 1, "USDT": 1, "DAI": 1, "WBTC": 65_000, "LINK": 15}
ORDERS_USD = (10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MAX_LEGS = 16
GAP_BPS = 0.1
# One base unit per hop is what integers cost at worst; it is a large part of a small order only in
# an asset whose unit is worth much, as WBTC's with its 8 decimals.
ROUNDING_UNITS = 4
BIDS = [(349_850, 80_000), (349_700, 120_000), (349_400, 200_000), (349_000, 300_000)]
ASKS = [(350_150, 80_000), (350_300, 120_000), (350_600, 200_000), (351_000, 300_000)]


@pytest.fixture
async def market(rpc: JsonRpc, deployment: Deployment) -> Market:
    _, pools = await ChainPoolSource(rpc, deployment.pools).snapshot()
    ids = token_ids(deployment)
    builder = MarketBuilder(len(ids))
    for pool in pools:
        token0, token1 = ids[pool.ref.token0.symbol], ids[pool.ref.token1.symbol]
        if isinstance(pool.core, V3Pool):
            builder.add_v3(token0, token1, pool.core)
        elif isinstance(pool.core, V2Pool):
            builder.add_v2(token0, token1, pool.core)
    builder.add_ladder(ids["WETH"], ids["USDC"], 10**14, 1, 500, BIDS, ASKS)
    return builder.build()


def token_ids(deployment: Deployment) -> dict[str, int]:
    return {asset.symbol: index for index, asset in enumerate(deployment.assets)}


def orders(deployment: Deployment) -> Iterator[tuple[str, str, int, bool]]:
    """Yield (sell, buy, amount, exact_out) for every pair and size."""
    for sell, buy in itertools.permutations(PRICES_USD, 2):
        for usd, exact_out in itertools.product(ORDERS_USD, (False, True)):
            fixed = deployment.asset(buy if exact_out else sell)
            amount = usd * 10**fixed.decimals // PRICES_USD[fixed.symbol]
            yield sell, buy, amount, exact_out


def is_at_the_bound(plan: Plan, distance: int, *, exact_out: bool) -> bool:
    """Whether the gap is below 0.1 bp, or no larger than what whole units cost."""
    rounding = ROUNDING_UNITS if exact_out else ROUNDING_UNITS * max(1.0, plan.spot_price)
    return plan.gap_bps < GAP_BPS or distance <= rounding


def test_every_order_is_within_a_tenth_of_a_basis_point_of_the_bound(
    market: Market, deployment: Deployment
) -> None:
    ids = token_ids(deployment)
    answered, short, refused = 0, [], []
    for sell, buy, amount, exact_out in orders(deployment):
        try:
            plan = market.solve(ids[sell], ids[buy], amount, exact_out=exact_out, max_legs=MAX_LEGS)
        except CoreError as error:
            refused.append((error.code, sell, buy))
            continue
        answered += 1
        distance = plan.amount_in - plan.bound if exact_out else plan.bound - plan.amount_out
        assert distance >= 0, (sell, buy, amount, exact_out)
        if not is_at_the_bound(plan, distance, exact_out=exact_out):
            short.append((sell, buy, amount, exact_out, plan.gap_bps, distance))
    assert answered > 400
    assert not short, short
    # Only LINK is too thin for the largest orders.
    assert all(code == "INSUFFICIENT_LIQUIDITY" and "LINK" in pair for code, *pair in refused)
