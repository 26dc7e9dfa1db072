"""A small hand-made market for the routing tests."""

from dataclasses import dataclass

from router.core import V2Pool, V3Pool
from router.domain.assets import NATIVE_ADDRESS, Asset
from router.domain.market import (
    BlockRef,
    Instrument,
    Ladder,
    LadderLevel,
    PoolRef,
    Protocol,
)
from router.routing.quoting import QuotePolicy
from router.routing.view import MarketView


def asset(symbol: str, decimals: int, last: str, *, routable: bool = True) -> Asset:
    return Asset(
        symbol=symbol,
        decimals=decimals,
        chain_id=31337,
        address="0x" + last * 40,
        routable=routable,
    )


WETH = asset("WETH", 18, "1")
USDC = asset("USDC", 6, "2")
DAI = asset("DAI", 18, "3")
FEE = asset("FOT", 18, "4", routable=False)
LONELY = asset("LONE", 18, "5")
ETH = Asset(symbol="ETH", decimals=18, chain_id=31337, address=NATIVE_ADDRESS)
BLOCK = BlockRef(
    number=12, hash="0x12", parent_hash="0x11", timestamp_s=1_000, base_fee_wei=2_000_000_000
)
BOOK = Instrument(
    symbol="WETH/USDC",
    base=WETH,
    quote=USDC,
    lot_units=10**14,
    tick_units=1,
    taker_fee_ppm=500,
)


@dataclass(frozen=True, slots=True)
class HandPool:
    ref: PoolRef
    core: object


def v2(token0: Asset, token1: Asset, reserve0: int, reserve1: int, number: int = 0) -> HandPool:
    ref = PoolRef(
        protocol=Protocol.UNISWAP_V2,
        address=f"0x{number:040x}",
        token0=token0,
        token1=token1,
        fee_ppm=3_000,
    )
    return HandPool(ref, V2Pool(reserve0, reserve1, 3_000))


def flat_v3(token0: Asset, token1: Asset, liquidity: int, number: int) -> HandPool:
    """A V3 pool at price 1 with one wide range."""
    ref = PoolRef(
        protocol=Protocol.UNISWAP_V3,
        address=f"0x{number:040x}",
        token0=token0,
        token1=token1,
        fee_ppm=500,
    )
    ticks = [(-60_000, liquidity, liquidity), (60_000, liquidity, -liquidity)]
    return HandPool(ref, V3Pool(500, 10, 2**96, 0, liquidity, ticks))


def ladder(bids: list[tuple[int, int]], asks: list[tuple[int, int]], sequence: int = 1) -> Ladder:
    return Ladder(
        venue_id="book",
        instrument=BOOK,
        sequence=sequence,
        bids=tuple(LadderLevel(price_ticks=price, lots=lots) for price, lots in bids),
        asks=tuple(LadderLevel(price_ticks=price, lots=lots) for price, lots in asks),
    )


POOLS = (
    v2(WETH, USDC, 1_000 * 10**18, 3_000_000 * 10**6, 1),
    v2(WETH, DAI, 500 * 10**18, 1_500_000 * 10**18, 2),
    v2(USDC, DAI, 2_000_000 * 10**6, 2_000_000 * 10**18, 3),
    v2(FEE, WETH, 10**24, 10**21, 4),
)
# 3 USDC units per 0.001 lot-tick: 300_000 ticks are 3_000 USDC per WETH.
LADDER = ladder(
    bids=[(299_900, 20_000), (299_500, 50_000)], asks=[(300_500, 20_000), (301_000, 50_000)]
)
VIEW = MarketView(block=BLOCK, pools=POOLS, ladders=(LADDER,))
POLICY = QuotePolicy(
    ttl_ms=30_000,
    base_gas=200_000,
    gas_price_floor_wei=10**9,
    gas_price_cap_wei=10**12,
    thin_liquidity_bps=300,
    wrapped_native=WETH,
)
