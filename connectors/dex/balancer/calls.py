"""Calls of Balancer V2: the executor's step, and the vault and pool functions we ask."""

from typing import Final

from connectors.chain.abi import AbiFunction
from connectors.chain.rpc import from_hex
from router.domain.market import PoolRef
from router.domain.routes import Leg

STEP_KIND: Final = 4
GIVEN_IN: Final = 0
GIVEN_OUT: Final = 1
WEIGHTED: Final = "weighted"
COMPOSABLE_STABLE: Final = "composable_stable"

_SINGLE_SWAP: Final = "(bytes32,uint8,address,address,uint256,bytes)"
_FUNDS: Final = "(address,bool,address,bool)"
SWAP: Final = AbiFunction.declare("swap", [_SINGLE_SWAP, _FUNDS, "uint256", "uint256"], ["uint256"])
QUERY_SWAP: Final = AbiFunction.declare("querySwap", [_SINGLE_SWAP, _FUNDS], ["uint256"])
JOIN_POOL: Final = AbiFunction.declare(
    "joinPool", ["bytes32", "address", "address", "(address[],uint256[],bytes,bool)"]
)
GET_POOL_ID: Final = AbiFunction.declare("getPoolId", [], ["bytes32"])
GET_POOL_TOKENS: Final = AbiFunction.declare(
    "getPoolTokens", ["bytes32"], ["address[]", "uint256[]", "uint256"]
)
GET_SWAP_FEE: Final = AbiFunction.declare("getSwapFeePercentage", [], ["uint256"])
GET_WEIGHTS: Final = AbiFunction.declare("getNormalizedWeights", [], ["uint256[]"])
GET_SCALING_FACTORS: Final = AbiFunction.declare("getScalingFactors", [], ["uint256[]"])
GET_AMPLIFICATION: Final = AbiFunction.declare(
    "getAmplificationParameter", [], ["uint256", "bool", "uint256"]
)


def single_swap(
    pool: PoolRef, kind: int, token_in: str, token_out: str, amount: int
) -> tuple[bytes, int, str, str, int, bytes]:
    """Return the vault's description of one swap; `amount` is the input for GIVEN_IN."""
    return from_hex(pool.pool_id), kind, token_in, token_out, amount, b""


def own_funds(account: str) -> tuple[str, bool, str, bool]:
    """Return the vault's description of who pays and receives: `account`, in tokens."""
    return account, False, account, False


def balancer_step(
    leg: Leg, pool: PoolRef, amount_in: int
) -> tuple[int, str, str, str, int, int, bytes]:
    """Return the executor's step: the vault swaps, the id names the pool."""
    return (
        STEP_KIND,
        pool.address,
        leg.asset_in.address,
        leg.asset_out.address,
        0,
        amount_in,
        from_hex(pool.pool_id),
    )
