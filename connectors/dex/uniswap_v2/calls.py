"""Calls of Uniswap V2: the executor's step, and the factory and router functions we ask."""

from typing import Final

from connectors.chain.abi import AbiFunction
from router.domain.routes import Leg

STEP_KIND: Final = 0
V2_FEE_PPM: Final = 3000
NO_DETAIL: Final = bytes(32)

GET_PAIR: Final = AbiFunction.declare("getPair", ["address", "address"], ["address"])
GET_AMOUNTS_OUT: Final = AbiFunction.declare(
    "getAmountsOut", ["uint256", "address[]"], ["uint256[]"]
)
GET_AMOUNTS_IN: Final = AbiFunction.declare("getAmountsIn", ["uint256", "address[]"], ["uint256[]"])


def v2_step(leg: Leg, pool: str, amount_in: int) -> tuple[int, str, str, str, int, int, bytes]:
    """Return the executor's step; a V2 pair does not know its fee, so the step names it."""
    return (
        STEP_KIND,
        pool,
        leg.asset_in.address,
        leg.asset_out.address,
        leg.fee_ppm,
        amount_in,
        NO_DETAIL,
    )
