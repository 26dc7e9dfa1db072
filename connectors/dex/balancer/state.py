"""State of Balancer V2 pools: balances from the vault, the rest from each pool, in one call.

Fee, amplification and rates change without a swap, and the amplification with time alone, so a
pool is read again at every block instead of being followed by logs.
"""

from collections.abc import Sequence
from typing import Any, Final

from eth_utils.address import to_checksum_address

from connectors.chain.abi import AbiError, AbiFunction
from connectors.chain.multicall import CallResult, Multicall
from connectors.chain.rpc import Json, from_hex
from connectors.dex.balancer.calls import (
    COMPOSABLE_STABLE,
    GET_AMPLIFICATION,
    GET_POOL_TOKENS,
    GET_SCALING_FACTORS,
    GET_SWAP_FEE,
    GET_WEIGHTS,
    WEIGHTED,
)
from router.core import BalancerStablePool, WeightedPool
from router.domain.errors import VenueUnavailable
from router.domain.market import PoolRef

# The contracts of this generation: powers with products, the invariant rounded down.
_WEIGHTED_VERSION: Final = 2
_STABLE_VERSION: Final = 2
_POOL_CALLS: Final = {
    WEIGHTED: (GET_SWAP_FEE, GET_WEIGHTS),
    COMPOSABLE_STABLE: (GET_SWAP_FEE, GET_SCALING_FACTORS, GET_AMPLIFICATION),
}


def pool_address(ref: PoolRef) -> str:
    """Return the address of the pool's own contract: its id begins with it."""
    return to_checksum_address(ref.pool_id[:42])


async def read_balancer_pools(
    multicall: Multicall, refs: Sequence[PoolRef], block: Json
) -> list[WeightedPool | BalancerStablePool]:
    """Read pools as of one block.

    Raises:
        VenueUnavailable: VENUE_UNAVAILABLE, the vault has no such pool, or one of other tokens or
            of another kind; CHAIN_UNAVAILABLE.
        RpcError: RPC_ERROR, the node does not have the block.
    """
    calls: list[tuple[str, bytes]] = []
    for ref in refs:
        calls.append((ref.address, GET_POOL_TOKENS.encode_call(from_hex(ref.pool_id))))
        calls += [(pool_address(ref), call.encode_call()) for call in _calls_of(ref)]
    results = iter(await multicall.run(calls, block))
    pools: list[WeightedPool | BalancerStablePool] = []
    for ref in refs:
        tokens, balances, _ = _output(ref, GET_POOL_TOKENS, next(results))
        answers = [_output(ref, call, next(results)) for call in _calls_of(ref)]
        places = _places(ref, tokens)
        held = [balances[place] for place in places]
        if ref.variant == COMPOSABLE_STABLE:
            (fee,), (factors,), (amp, _, _) = answers
            rated = [factors[place] for place in places]
            pools.append(BalancerStablePool(held, rated, amp, fee, _STABLE_VERSION))
        else:
            (fee,), (weights,) = answers
            scaled = [WeightedPool.scaling_factor(asset.decimals) for asset in ref.tokens]
            pools.append(WeightedPool(held, weights, scaled, fee, _WEIGHTED_VERSION))
    return pools


def _calls_of(ref: PoolRef) -> tuple[AbiFunction, ...]:
    calls = _POOL_CALLS.get(ref.variant)
    if calls is None:
        raise _unusable(ref)
    return calls


def _places(ref: PoolRef, tokens: Sequence[str]) -> list[int]:
    """Return where the vault lists the pool's coins: its own share is not among them."""
    own = pool_address(ref).lower()
    places = [place for place, token in enumerate(tokens) if token != own]
    if [tokens[place] for place in places] != [asset.address.lower() for asset in ref.tokens]:
        raise _unusable(ref)
    return places


def _output(ref: PoolRef, function: AbiFunction, result: CallResult) -> tuple[Any, ...]:
    try:
        return function.decode_output(result.output)
    except AbiError as error:
        raise _unusable(ref) from error


def _unusable(ref: PoolRef) -> VenueUnavailable:
    return VenueUnavailable(
        "VENUE_UNAVAILABLE", f"There is no {ref.variant} Balancer pool {ref.pool_id}."
    )
