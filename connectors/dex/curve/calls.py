"""Calls of Curve pools: the executor's step."""

from typing import Final

from router.domain.market import PoolRef
from router.domain.routes import Leg

STEP_KIND: Final = 3
# The kind of a pool decides how its state is read and how its coins are numbered in a call.
PLAIN: Final = "plain"
NG: Final = "ng"
CRYPTO: Final = "crypto"
_OUT_SHIFT: Final = 8
_UINT256_COINS: Final = 1 << 16


def curve_step(
    leg: Leg, pool: PoolRef, amount_in: int
) -> tuple[int, str, str, str, int, int, bytes]:
    """Return the executor's step; the coins are named by their numbers in the pool.

    Raises:
        ValueError: the pool does not hold the leg's assets.
    """
    coins = pool.tokens.index(leg.asset_in) | pool.tokens.index(leg.asset_out) << _OUT_SHIFT
    if pool.variant == CRYPTO:
        coins |= _UINT256_COINS
    return (
        STEP_KIND,
        pool.address,
        leg.asset_in.address,
        leg.asset_out.address,
        0,
        amount_in,
        coins.to_bytes(32, "big"),
    )
