"""Calls of Curve pools: the executor's step, and the functions we ask."""

from typing import Final

from connectors.chain.abi import AbiFunction
from router.domain.market import PoolRef
from router.domain.routes import Leg

STEP_KIND: Final = 3
# The kind of a pool decides how its state is read and how its coins are numbered in a call: plain
# pools whose amplification has no precision (3pool), later ones, and StableSwap-NG; crypto pools
# are only swapped in, not read.
FIRST_PLAIN: Final = "first_plain"
PLAIN: Final = "plain"
NG: Final = "ng"
CRYPTO: Final = "crypto"
_OUT_SHIFT: Final = 8
_UINT256_COINS: Final = 1 << 16

COIN: Final = AbiFunction.declare("coins", ["uint256"], ["address"])
BALANCE: Final = AbiFunction.declare("balances", ["uint256"], ["uint256"])
AMP: Final = AbiFunction.declare("A", [], ["uint256"])
AMP_PRECISE: Final = AbiFunction.declare("A_precise", [], ["uint256"])
FEE: Final = AbiFunction.declare("fee", [], ["uint256"])
ADMIN_FEE: Final = AbiFunction.declare("admin_fee", [], ["uint256"])
STORED_RATES: Final = AbiFunction.declare("stored_rates", [], ["uint256[]"])
OFFPEG_MULTIPLIER: Final = AbiFunction.declare("offpeg_fee_multiplier", [], ["uint256"])


def curve_step(
    leg: Leg, pool: PoolRef, amount_in: int
) -> tuple[int, str, str, str, int, int, bytes]:
    """Return the executor's step; the coins are named by their numbers in the pool.

    Raises:
        ValueError: the pool does not hold the leg's assets, or one is the coin itself.
    """
    if leg.asset_in.is_native or leg.asset_out.is_native:
        raise ValueError(f"{leg.venue_id} trades the coin itself")
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
