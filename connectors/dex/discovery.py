"""Finds the Uniswap pools between listed assets by asking the factories."""

from collections.abc import Iterable
from itertools import combinations
from typing import Final

from eth_utils.address import to_checksum_address

from connectors.chain.multicall import CallResult, Multicall
from connectors.dex.uniswap_v2.calls import GET_PAIR, V2_FEE_PPM
from connectors.dex.uniswap_v3.calls import FEE_TIERS_PPM, GET_POOL
from router.domain.assets import Asset
from router.domain.market import PoolRef, Protocol

WORD: Final = 32


async def discover_pools(
    multicall: Multicall, assets: Iterable[Asset], *, v2_factory: str, v3_factory: str
) -> tuple[PoolRef, ...]:
    """Return every V2 pair and V3 pool of the usual fee tiers between two of the assets.

    Pools without liquidity or price are found too. The coin itself has no pools.

    Raises:
        VenueUnavailable: CHAIN_UNAVAILABLE.
        RpcError: RPC_ERROR, the node refused.
    """
    tokens = sorted(
        (asset for asset in assets if not asset.is_native), key=lambda a: int(a.address, 16)
    )
    wanted: list[tuple[Protocol, Asset, Asset, int]] = []
    calls: list[tuple[str, bytes]] = []
    for token0, token1 in combinations(tokens, 2):
        wanted.append((Protocol.UNISWAP_V2, token0, token1, V2_FEE_PPM))
        calls.append((v2_factory, GET_PAIR.encode_call(token0.address, token1.address)))
        for fee_ppm in FEE_TIERS_PPM:
            wanted.append((Protocol.UNISWAP_V3, token0, token1, fee_ppm))
            calls.append(
                (v3_factory, GET_POOL.encode_call(token0.address, token1.address, fee_ppm))
            )
    results = await multicall.run(calls)
    return tuple(
        PoolRef(
            protocol=protocol,
            address=to_checksum_address(result.output[-20:]),
            token0=token0,
            token1=token1,
            fee_ppm=fee_ppm,
        )
        for (protocol, token0, token1, fee_ppm), result in zip(wanted, results, strict=True)
        if _is_address(result)
    )


def _is_address(result: CallResult) -> bool:
    return result.ok and len(result.output) == WORD and any(result.output)
