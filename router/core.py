"""The Rust core as the rest of the program sees it: pools, the matching engine, the route solver.

This is the only module that imports the extension. Callers catch `CoreError` where a refusal is
an answer, and turn it into an error for people with `failure_of` where it is not.
"""

from router._core import (
    Ack,
    BalancerStablePool,
    CoreError,
    CryptoPool,
    DepthFollower,
    Engine,
    Market,
    MarketBuilder,
    OrdersFollower,
    Plan,
    PlanLeg,
    PoolQuote,
    Publisher,
    Recovery,
    SolidlyPool,
    StableSwapPool,
    UnderlyingPool,
    V2Pool,
    V3Pool,
    V4Pool,
    WeightedPool,
)
from router.domain.errors import FailureError, OutcomeUnknown, RouterError, UsageError

__all__ = [
    "Ack",
    "BalancerStablePool",
    "CoreError",
    "CryptoPool",
    "DepthFollower",
    "Engine",
    "Market",
    "MarketBuilder",
    "OrdersFollower",
    "Plan",
    "PlanLeg",
    "PoolQuote",
    "Publisher",
    "Recovery",
    "SolidlyPool",
    "StableSwapPool",
    "UnderlyingPool",
    "V2Pool",
    "V3Pool",
    "V4Pool",
    "WeightedPool",
    "failure_of",
]

# Refusals that say the request is wrong, and those that say the market cannot serve it.
_USAGE_CODES = frozenset({"AMOUNT_RANGE", "BATCH_INVALID", "IMAGE_INVALID", "ORDER_INVALID"})
_FAILURE_CODES = {
    "EMPTY_POOL": "INSUFFICIENT_LIQUIDITY",
    "ENGINE_BROKEN": "ENGINE_BROKEN",
    "ENGINE_BUSY": "ENGINE_BUSY",
    "ENGINE_CLOSED": "ENGINE_CLOSED",
    "JOURNAL_ABSENT": "NOT_FOUND",
    "JOURNAL_CORRUPT": "JOURNAL_CORRUPT",
    "JOURNAL_FAILED": "JOURNAL_FAILED",
    "JOURNAL_LOCKED": "BUSY",
    "JOURNAL_SEMANTICS": "SCHEMA_UNSUPPORTED",
    "FEED_OUT_OF_STEP": "FEED_OUT_OF_STEP",
    "INSUFFICIENT_LIQUIDITY": "INSUFFICIENT_LIQUIDITY",
    "NO_ROUTE": "NO_ROUTE",
    # A pool contract would revert on this swap: no liquidity that could be used.
    "OVERFLOW": "INSUFFICIENT_LIQUIDITY",
    # The state read from the chain contradicts itself: the venue cannot be used.
    "INVALID_POOL": "VENUE_UNAVAILABLE",
    # A question that no set of venues can answer, such as a price limit behind the price.
    "INVALID_REQUEST": "NO_ROUTE",
}


def failure_of(error: CoreError) -> RouterError:
    """Return the error for people that a refusal of the core amounts to."""
    if error.code == "JOURNAL_DEADLINE":
        return OutcomeUnknown("OUTCOME_UNKNOWN", error.message)
    if error.code == "JOURNAL_OPTIONS":
        return UsageError("CONFIG_INVALID", error.message)
    if error.code in _USAGE_CODES:
        return UsageError(error.code, error.message)
    return FailureError(_FAILURE_CODES[error.code], error.message)
