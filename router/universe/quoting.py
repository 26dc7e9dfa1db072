"""Orders of a universe, quoted one after the other: each alone over the same pools."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from router.core import CoreError, Plan, PlanLeg, failure_of
from router.domain.errors import UsageError
from router.universe.market import UniverseMarket
from router.universe.records import OrderRecord, RefusedOrder, TokenId

# Gas is priced in the first token of a universe, which is the wrapped coin of its chain.
NATIVE_TOKEN: TokenId = 0
# (pools at most, hops): a fourth hop is worth up to some tens of basis points, those beyond little,
# and each costs time that grows with the pools.
HOPS_BY_POOLS = ((200, 6), (5_000, 4))
HOPS_BEYOND = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineLimits:
    """What a plan may be. None is what fits the universe, and each order's own gas price."""

    max_hops: int | None = None
    max_legs: int = 64
    gas_price_wei: int | None = None

    def __post_init__(self) -> None:
        hops = 1 if self.max_hops is None else self.max_hops
        if not (1 <= hops <= 8 and 1 <= self.max_legs <= 1_000):
            raise UsageError("ORDER_INVALID", "A plan has 1 to 8 hops and 1 to 1000 legs.")
        if self.gas_price_wei is not None and not 0 <= self.gas_price_wei < 2**64:
            raise UsageError("ORDER_INVALID", "A gas price is 0 to 2^64-1 wei.")

    def hops_for(self, universe: UniverseMarket) -> int:
        """Return the hops that were asked for, else what the size of the universe allows."""
        if self.max_hops is not None:
            return self.max_hops
        pools = len(universe.pool_ids)
        return next((hops for most, hops in HOPS_BY_POOLS if pools <= most), HOPS_BEYOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineQuote:
    """A plan over a universe; `solve_us` is the solver's time, `total_us` that of everything."""

    order_id: int | str
    plan: Plan
    pool_ids: tuple[str, ...]  # one per leg
    solve_us: float
    total_us: float


def quote_order(
    universe: UniverseMarket,
    order: OrderRecord | RefusedOrder,
    limits: OfflineLimits,
    timer_ns: Callable[[], int] = time.perf_counter_ns,
) -> OfflineQuote | RefusedOrder:
    """Return the best plan for one order, or why there is none."""
    if isinstance(order, RefusedOrder):
        return order
    started_ns = timer_ns()
    own = order.gas_price_wei if limits.gas_price_wei is None else limits.gas_price_wei
    if order.token_in == order.token_out:
        message = f"Token {order.token_in} cannot be swapped for itself."
        return RefusedOrder(order_id=order.order_id, code="SAME_ASSET", message=message)
    try:
        solve_ns = timer_ns()
        plan = universe.market.solve(
            order.token_in,
            order.token_out,
            order.amount_in,
            max_hops=limits.hops_for(universe),
            max_legs=limits.max_legs,
            gas_price_wei=own,
            native_token=NATIVE_TOKEN if own else None,
        )
        solved_ns = timer_ns()
    except CoreError as error:
        told = failure_of(error)
        return RefusedOrder(order_id=order.order_id, code=told.code, message=told.message)
    pool_ids = tuple(universe.pool_ids[leg.venue] for leg in plan.legs)
    return OfflineQuote(
        order_id=order.order_id,
        plan=plan,
        pool_ids=pool_ids,
        solve_us=(solved_ns - solve_ns) / 1_000,
        total_us=(timer_ns() - started_ns) / 1_000,
    )


def quote_body(quote: OfflineQuote | RefusedOrder) -> dict[str, Any]:
    """Return the JSON form of an answer: money is a decimal string of base units.

    `buyAmountNet`, `upperBoundNet` and `optimalityGapNetBps` are after gas; at the gas price zero
    they are the same as those before it.
    """
    if isinstance(quote, RefusedOrder):
        return {"order": quote.order_id, "error": {"code": quote.code, "message": quote.message}}
    plan = quote.plan
    return {
        "order": quote.order_id,
        "buyAmount": str(plan.amount_out),
        "buyAmountNet": str(plan.net),
        "upperBound": str(plan.bound),
        "upperBoundNet": str(plan.bound_net),
        "optimalityGapBps": plan.gap_bps,
        "optimalityGapNetBps": plan.gap_net_bps,
        "unspentIn": str(plan.unspent_in),
        "gas": plan.gas,
        "fills": [
            _fill(leg, pool_id) for leg, pool_id in zip(plan.legs, quote.pool_ids, strict=True)
        ],
        "solveMicros": round(quote.solve_us, 1),
        "totalMicros": round(quote.total_us, 1),
    }


def _fill(leg: PlanLeg, pool_id: str) -> dict[str, Any]:
    return {
        "pool": pool_id,
        "tokenIn": leg.token_in,
        "tokenOut": leg.token_out,
        "amountIn": str(leg.amount_in),
        "amountOut": str(leg.amount_out),
    }
