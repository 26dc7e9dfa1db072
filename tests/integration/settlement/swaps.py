"""One swap through the executor contract, submitted as execution submits it."""

import json

from connectors.chain.executor import ExecutorEncoder
from router.domain.ledger import user_account
from router.domain.market import PoolRef, Protocol
from router.domain.routes import Leg
from router.domain.settlement import Intent, IntentKind, IntentSpec
from router.ledger import place_hold
from router.ports import UnitOfWork
from tests.integration.settlement.live import Live

SOLD_UNITS = 5_000 * 10**6


async def approve(live: Live) -> None:
    """Let the permit contract move the hot wallet's USDC, once."""
    encoder = ExecutorEncoder(live.deployment.contracts["RouteExecutor"])
    spec = IntentSpec(
        key="approve-usdc",
        kind=IntentKind.APPROVE,
        request=encoder.approval(live.deployment.asset("USDC")),
        reference="approve-usdc",
    )
    await live.settlement.result((await live.settlement.submit(spec)).intent_id)


async def submit_swap(
    live: Live, key: str, *, minimum_units: int = 1, deadline_s: int | None = None
) -> str:
    """Sell alice's USDC for WETH in one pool; return the intent's id. Idempotent by key."""
    usdc, weth = live.deployment.asset("USDC"), live.deployment.asset("WETH")
    found = await live.database.read(lambda uow: uow.settlement.intents(reference=key))
    if found:
        return found[0][0].intent_id
    pool = live.deployment.pool(Protocol.UNISWAP_V3, "USDC", "WETH", 500)
    head = await live.chain.head()
    request = ExecutorEncoder(live.deployment.contracts["RouteExecutor"]).encode(
        plan_id=key.encode().rjust(32, b"\0"),
        legs=[_leg(live, pool)],
        amount_in_units=SOLD_UNITS,
        minimums=[(weth, minimum_units)],
        permit_nonce=int.from_bytes(key.encode()),
        deadline_s=deadline_s if deadline_s is not None else head.timestamp_s + 600,
        signer=live.signer,
        chain_id=live.deployment.chain_id,
    )
    hold_id = f"hold:{key}"

    def hold(uow: UnitOfWork, _intent: Intent) -> None:
        place_hold(uow.ledger, hold_id, user_account("alice"), usdc.symbol, SOLD_UNITS, key)

    spec = IntentSpec(
        key=key,
        kind=IntentKind.SWAP,
        request=request,
        reference=key,
        hold_id=hold_id,
        details=json.dumps({"account": "alice"}),
    )
    return (await live.settlement.submit(spec, hold)).intent_id


def _leg(live: Live, pool: PoolRef) -> Leg:
    return Leg(
        venue_id=pool.venue_id,
        protocol=pool.protocol,
        label=pool.label,
        asset_in=live.deployment.asset("USDC"),
        asset_out=live.deployment.asset("WETH"),
        amount_in_units=SOLD_UNITS,
        amount_out_units=1,
        fee_units=0,
        fee_ppm=pool.fee_ppm,
        gas=200_000,
        ticks_crossed=0,
        share_bps=10_000,
        takes_rest=True,
        marginal_price=0.0,
    )
