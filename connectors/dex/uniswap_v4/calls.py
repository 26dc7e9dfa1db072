"""Calls of Uniswap V4: the executor's step, the pool id, and the quoter functions we ask."""

from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from connectors.chain.abi import AbiFunction
from router.domain.market import PoolRef
from router.domain.routes import Leg

STEP_KIND: Final = 2
NO_HOOKS: Final = "0x0000000000000000000000000000000000000000"
POOL_KEY: Final = "(address,address,uint24,int24,address)"

INITIALIZE: Final = AbiFunction.declare("initialize", [POOL_KEY, "uint160"], ["int24"])
# Returns the amount that was not asked about, and gas.
QUOTE_EXACT_IN: Final = AbiFunction.declare(
    "quoteExactInputSingle", [f"({POOL_KEY},bool,uint128,bytes)"], ["uint256", "uint256"]
)
QUOTE_EXACT_OUT: Final = AbiFunction.declare(
    "quoteExactOutputSingle", [f"({POOL_KEY},bool,uint128,bytes)"], ["uint256", "uint256"]
)

PoolKey = tuple[str, str, int, int, str]


def pool_key(token0: str, token1: str, fee_ppm: int, tick_spacing: int) -> PoolKey:
    """Return the key of a pool without hooks; `token0` is the lower address."""
    return token0, token1, fee_ppm, tick_spacing, NO_HOOKS


def key_of(ref: PoolRef) -> PoolKey:
    return pool_key(ref.token0.address, ref.token1.address, ref.fee_ppm, ref.tick_spacing)


def pool_id(key: PoolKey) -> str:
    """Return the id under which the manager keeps the pool: the hash of its key."""
    return "0x" + keccak(encode([POOL_KEY], [key])).hex()


def v4_step(leg: Leg, pool: PoolRef, amount_in: int) -> tuple[int, str, str, str, int, int, bytes]:
    """Return the executor's step: fee and tick spacing name the pool, besides the tokens.

    Raises:
        ValueError: a pool of the coin itself, which the executor does not hold.
    """
    if leg.asset_in.is_native or leg.asset_out.is_native:
        raise ValueError(f"{leg.venue_id} trades the coin itself")
    return (
        STEP_KIND,
        pool.address,
        leg.asset_in.address,
        leg.asset_out.address,
        pool.fee_ppm,
        amount_in,
        pool.tick_spacing.to_bytes(32, "big"),
    )
