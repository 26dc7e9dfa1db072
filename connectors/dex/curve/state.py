"""State of Curve's StableSwap pools of plain coins: read through Multicall3, at every block.

The amplification ramps with time and fees change without a swap, so nothing is followed by logs.
Lending pools, metapools and crypto pools are not read: their rates and oracles need more.
"""

from collections.abc import Sequence
from typing import Any, Final

from connectors.chain.abi import AbiError, AbiFunction
from connectors.chain.multicall import CallResult, Multicall
from connectors.chain.rpc import Json
from connectors.dex.curve.calls import (
    ADMIN_FEE,
    AMP,
    AMP_PRECISE,
    BALANCE,
    COIN,
    FEE,
    FIRST_PLAIN,
    NG,
    OFFPEG_MULTIPLIER,
    PLAIN,
    STORED_RATES,
)
from router.core import StableSwapPool
from router.domain.errors import VenueUnavailable
from router.domain.market import PoolRef

_RATE_DECIMALS: Final = 36
_AMP_PRECISION: Final = 100
_POOL_CALLS: Final = {
    FIRST_PLAIN: (FEE, ADMIN_FEE, AMP),
    PLAIN: (FEE, ADMIN_FEE, AMP_PRECISE),
    NG: (FEE, ADMIN_FEE, AMP_PRECISE, STORED_RATES, OFFPEG_MULTIPLIER),
}


async def read_curve_pools(
    multicall: Multicall, refs: Sequence[PoolRef], block: Json
) -> list[StableSwapPool]:
    """Read pools as of one block.

    Raises:
        VenueUnavailable: VENUE_UNAVAILABLE, there is no such pool, or one of other coins or of a
            kind that is not read; CHAIN_UNAVAILABLE.
        RpcError: RPC_ERROR, the node does not have the block.
    """
    calls: list[tuple[str, bytes]] = []
    for ref in refs:
        for coin in range(len(ref.tokens)):
            calls += [(ref.address, ask.encode_call(coin)) for ask in (COIN, BALANCE)]
        calls += [(ref.address, ask.encode_call()) for ask in _calls_of(ref)]
    results = iter(await multicall.run(calls, block))
    pools = []
    for ref in refs:
        held: list[int] = []
        for asset in ref.tokens:
            (coin,) = _output(ref, COIN, next(results))
            if coin != asset.address.lower():
                raise _unusable(ref)
            held += _output(ref, BALANCE, next(results))
        answers = [_output(ref, ask, next(results))[0] for ask in _calls_of(ref)]
        pools.append(_pool(ref, held, answers))
    return pools


def _pool(ref: PoolRef, balances: Sequence[int], answers: Sequence[Any]) -> StableSwapPool:
    fee, admin_fee, amp, *further = answers
    rates = [10 ** (_RATE_DECIMALS - asset.decimals) for asset in ref.tokens]
    if ref.variant == NG:
        rates, multiplier = further
        return StableSwapPool(
            balances,
            rates,
            amp,
            fee,
            amp_precision=_AMP_PRECISION,
            admin_fee=admin_fee,
            offpeg_fee_multiplier=multiplier,
            era="ng",
        )
    precision = 1 if ref.variant == FIRST_PLAIN else _AMP_PRECISION
    return StableSwapPool(
        balances, rates, amp, fee, amp_precision=precision, admin_fee=admin_fee, era="classic"
    )


def _calls_of(ref: PoolRef) -> tuple[AbiFunction, ...]:
    calls = _POOL_CALLS.get(ref.variant)
    if calls is None:
        raise _unusable(ref)
    return calls


def _output(ref: PoolRef, function: AbiFunction, result: CallResult) -> tuple[Any, ...]:
    try:
        return function.decode_output(result.output)
    except AbiError as error:
        raise _unusable(ref) from error


def _unusable(ref: PoolRef) -> VenueUnavailable:
    return VenueUnavailable(
        "VENUE_UNAVAILABLE", f"There is no {ref.variant} Curve pool to read at {ref.address}."
    )
