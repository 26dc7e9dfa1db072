"""Calls of Uniswap V3: the executor's step, and the factory and quoter functions we ask."""

from typing import Final

from connectors.chain.abi import AbiFunction
from router.domain.routes import Leg

STEP_KIND: Final = 1
FEE_TIERS_PPM: Final = (100, 500, 3000, 10_000)
NO_DETAIL: Final = bytes(32)

GET_POOL: Final = AbiFunction.declare("getPool", ["address", "address", "uint24"], ["address"])
# QuoterV2 takes one struct and returns amount, price after, ticks crossed and gas.
QUOTE_EXACT_IN: Final = AbiFunction.declare(
    "quoteExactInputSingle",
    ["(address,address,uint256,uint24,uint160)"],
    ["uint256", "uint160", "uint32", "uint256"],
)
QUOTE_EXACT_OUT: Final = AbiFunction.declare(
    "quoteExactOutputSingle",
    ["(address,address,uint256,uint24,uint160)"],
    ["uint256", "uint160", "uint32", "uint256"],
)


def v3_step(leg: Leg, pool: str, amount_in: int) -> tuple[int, str, str, str, int, int, bytes]:
    """Return the executor's step; a V3 pool knows its own fee, so the step names none."""
    return STEP_KIND, pool, leg.asset_in.address, leg.asset_out.address, 0, amount_in, NO_DETAIL
