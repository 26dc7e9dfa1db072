"""The plan of the devnet: which tokens, pools and balances there are, and at which prices.

Pure numbers. Prices are whole US dollars per whole token; every amount is exact integer maths.
A pool's price differs from them by less than half its fee, so no round trip earns anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import Final, Literal

PPM_ONE: Final = 1_000_000
V2_FEE_PPM: Final = 3_000
TICK_SPACING: Final = {100: 1, 500: 10, 3_000: 60, 10_000: 200}
MAX_TICK: Final = 887_272
DEPLOYER_SUPPLY_USD: Final = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlan:
    """A token; `contract` names our artifact, None for WETH9, which the chain has already."""

    symbol: str
    name: str
    decimals: int
    price_usd: int
    contract: Literal["TestToken", "TetherToken", "FeeToken"] | None = "TestToken"

    def units(self, amount_usd: int) -> int:
        """Return what `amount_usd` dollars buy in base units, rounded down."""
        return amount_usd * int(10**self.decimals) // self.price_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Plan:
    """A pair: `depth_usd` in both reserves together, priced `offset_ppm` above the reference."""

    base: str
    quote: str
    depth_usd: int
    offset_ppm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RangePlan:
    """A position: from `below` to `above` tick spacings around the price, None is the full range.

    `share_bps` is its part of the pool's depth.
    """

    below: int | None
    above: int | None
    share_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class V3Plan:
    """A pool: `offset_ppm` is how far the price of base in quote is above the reference."""

    base: str
    quote: str
    fee_ppm: int
    depth_usd: int
    ranges: tuple[RangePlan, ...]
    offset_ppm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class V4Plan(V3Plan):
    """A pool in V4's manager, where fee and tick spacing are chosen apart."""

    tick_spacing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedPlan:
    """A Balancer pool whose coins hold `weights_pct` of `depth_usd`, priced at the reference."""

    symbols: tuple[str, ...]
    weights_pct: tuple[int, ...]
    fee_ppm: int
    depth_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StablePlan:
    """A composable stable pool of Balancer with `amp`, the same dollars of each coin in it."""

    symbols: tuple[str, ...]
    amp: int
    fee_ppm: int
    depth_usd: int


def _ranges(*parts: tuple[int | None, int | None, int]) -> tuple[RangePlan, ...]:
    return tuple(RangePlan(below=b, above=a, share_bps=s) for b, a, s in parts)


def _nested(count: int, share_bps: int) -> tuple[RangePlan, ...]:
    """Return `count` ranges, each a spacing wider than the last, with two ticks of its own."""
    return tuple(
        RangePlan(below=2 * width, above=2 * width + 1, share_bps=share_bps // count)
        for width in range(1, count + 1)
    )


_FULL: Final = (None, None, 1_500)
# Spacing 1, stable pairs: almost everything lies within 0.2 % of the price.
STABLE: Final = _ranges(
    _FULL, (200, 200, 1_000), (60, 60, 1_500), (20, 20, 2_500), (25, 5, 1_000), (5, 25, 1_000),
    (4, 4, 1_500),
)  # fmt: skip
# Spacing 10: 400 initialised ticks within 40 % of the price, as a busy mainnet pool has.
BUSY: Final = (
    *_ranges(_FULL, (500, 500, 1_000), (60, 15, 750), (15, 60, 750)),
    *_nested(200, 6_000),
)
SPACING_10: Final = _ranges(
    _FULL, (500, 500, 2_000), (100, 100, 2_500), (20, 20, 1_500), (12, 3, 1_250), (3, 12, 1_250),
)  # fmt: skip
SPACING_60: Final = _ranges(
    _FULL, (90, 90, 2_500), (30, 30, 2_500), (6, 6, 1_000), (4, 1, 1_250), (1, 4, 1_250),
)  # fmt: skip
SPACING_200: Final = _ranges(
    _FULL, (40, 40, 3_500), (12, 12, 2_500), (2, 1, 1_250), (1, 3, 1_250),
)  # fmt: skip

TOKENS: Final = (
    TokenPlan(symbol="WETH", name="Wrapped Ether", decimals=18, price_usd=3_500, contract=None),
    TokenPlan(symbol="USDC", name="USD Coin", decimals=6, price_usd=1),
    TokenPlan(symbol="USDT", name="Tether USD", decimals=6, price_usd=1, contract="TetherToken"),
    TokenPlan(symbol="DAI", name="Dai Stablecoin", decimals=18, price_usd=1),
    TokenPlan(symbol="WBTC", name="Wrapped BTC", decimals=8, price_usd=65_000),
    TokenPlan(symbol="LINK", name="ChainLink Token", decimals=18, price_usd=15),
    TokenPlan(symbol="FOT", name="Fee On Transfer", decimals=18, price_usd=2, contract="FeeToken"),
)
FEE_ON_TRANSFER_BPS: Final = 100

V2_PAIRS: Final = (
    V2Plan(base="WETH", quote="USDC", depth_usd=20_000_000, offset_ppm=400),
    V2Plan(base="WETH", quote="USDT", depth_usd=15_000_000, offset_ppm=-300),
    V2Plan(base="WETH", quote="DAI", depth_usd=6_000_000, offset_ppm=600),
    V2Plan(base="USDC", quote="USDT", depth_usd=2_000_000),
    V2Plan(base="WBTC", quote="WETH", depth_usd=8_000_000, offset_ppm=-500),
    V2Plan(base="LINK", quote="WETH", depth_usd=3_000_000, offset_ppm=700),
    V2Plan(base="FOT", quote="WETH", depth_usd=500_000),
)

V3_POOLS: Final = (
    V3Plan(base="WETH", quote="USDC", fee_ppm=500, depth_usd=60_000_000, ranges=BUSY),
    V3Plan(
        base="WETH", quote="USDC", fee_ppm=3_000, depth_usd=30_000_000, ranges=SPACING_60,
        offset_ppm=500,
    ),
    V3Plan(
        base="WETH", quote="USDC", fee_ppm=10_000, depth_usd=2_000_000, ranges=SPACING_200,
        offset_ppm=-2_000,
    ),
    V3Plan(
        base="WETH", quote="USDT", fee_ppm=500, depth_usd=40_000_000, ranges=SPACING_10,
        offset_ppm=-100,
    ),
    V3Plan(
        base="WETH", quote="USDT", fee_ppm=3_000, depth_usd=15_000_000, ranges=SPACING_60,
        offset_ppm=600,
    ),
    V3Plan(
        base="WETH", quote="DAI", fee_ppm=3_000, depth_usd=10_000_000, ranges=SPACING_60,
        offset_ppm=-400,
    ),
    V3Plan(
        base="WBTC", quote="WETH", fee_ppm=500, depth_usd=40_000_000, ranges=SPACING_10,
        offset_ppm=100,
    ),
    V3Plan(
        base="WBTC", quote="WETH", fee_ppm=3_000, depth_usd=30_000_000, ranges=SPACING_60,
        offset_ppm=-700,
    ),
    V3Plan(
        base="WBTC", quote="USDC", fee_ppm=3_000, depth_usd=12_000_000, ranges=SPACING_60,
        offset_ppm=300,
    ),
    V3Plan(
        base="LINK", quote="WETH", fee_ppm=3_000, depth_usd=8_000_000, ranges=SPACING_60,
        offset_ppm=200,
    ),
    V3Plan(
        base="LINK", quote="WETH", fee_ppm=10_000, depth_usd=1_000_000, ranges=SPACING_200,
        offset_ppm=-1_500,
    ),
    V3Plan(base="USDC", quote="USDT", fee_ppm=100, depth_usd=30_000_000, ranges=STABLE),
    V3Plan(
        base="USDC", quote="DAI", fee_ppm=100, depth_usd=20_000_000, ranges=STABLE, offset_ppm=20,
    ),
)  # fmt: skip

V4_POOLS: Final = (
    V4Plan(
        base="WETH", quote="USDC", fee_ppm=400, depth_usd=25_000_000, ranges=SPACING_10,
        offset_ppm=150, tick_spacing=8,
    ),
    V4Plan(
        base="WETH", quote="USDT", fee_ppm=3_000, depth_usd=10_000_000, ranges=SPACING_60,
        offset_ppm=-500, tick_spacing=60,
    ),
    V4Plan(
        base="WBTC", quote="WETH", fee_ppm=1_250, depth_usd=15_000_000, ranges=SPACING_60,
        offset_ppm=200, tick_spacing=25,
    ),
    V4Plan(
        base="USDC", quote="USDT", fee_ppm=60, depth_usd=15_000_000, ranges=STABLE, tick_spacing=2,
    ),
)  # fmt: skip

WEIGHTED_POOLS: Final = (
    WeightedPlan(
        symbols=("WBTC", "WETH", "USDC"), weights_pct=(40, 40, 20), fee_ppm=2_500,
        depth_usd=12_000_000,
    ),
    WeightedPlan(
        symbols=("LINK", "WETH"), weights_pct=(80, 20), fee_ppm=3_000, depth_usd=4_000_000,
    ),
)  # fmt: skip
STABLE_POOLS: Final = (
    StablePlan(symbols=("USDC", "USDT", "DAI"), amp=500, fee_ppm=80, depth_usd=20_000_000),
)

# role -> dollars of every token that it holds outside the exchange; the wallets start empty
HOLDINGS_USD: Final = {"alice": 20_000_000, "bob": 20_000_000, "market_maker": 100_000_000}
# role -> whole coins
COINS: Final = {
    "deployer": 10_000,
    "hot": 100,
    "cold": 100,
    "alice": 10_000,
    "bob": 10_000,
    "market_maker": 10_000,
}


def token(symbol: str) -> TokenPlan:
    """Return the plan of a token.

    Raises:
        ValueError: no token has this symbol; a programmer's error.
    """
    for plan in TOKENS:
        if plan.symbol == symbol:
            return plan
    raise ValueError(f"no token {symbol!r} is planned")


def price_ratio(base: str, quote: str, offset_ppm: int) -> tuple[int, int]:
    """Return (quote units, base units) of one pool price as an exact fraction."""
    one, other = token(base), token(quote)
    return (
        one.price_usd * 10**other.decimals * (PPM_ONE + offset_ppm),
        other.price_usd * 10**one.decimals * PPM_ONE,
    )


def pair_amounts(plan: V2Plan) -> tuple[int, int]:
    """Return the reserves (base units, quote units) that give the pair its price and depth."""
    base_units = token(plan.base).units(plan.depth_usd // 2)
    quote_units, per_base_units = price_ratio(plan.base, plan.quote, plan.offset_ppm)
    return base_units, base_units * quote_units // per_base_units


def sqrt_price_x96(plan: V3Plan, *, base_is_token0: bool) -> int:
    """Return floor(sqrt(token1 units per token0 unit) * 2^96), exact."""
    quote_units, base_units = price_ratio(plan.base, plan.quote, plan.offset_ppm)
    if base_is_token0:
        return isqrt((quote_units << 192) // base_units)
    return isqrt((base_units << 192) // quote_units)


def positions(plan: V3Plan, tick: int) -> Iterator[tuple[int, int, int]]:
    """Yield (lower tick, upper tick, dollars per side) of each position around `tick`."""
    spacing = plan.tick_spacing if isinstance(plan, V4Plan) else TICK_SPACING[plan.fee_ppm]
    outermost = MAX_TICK // spacing * spacing
    centre = tick // spacing * spacing
    for part in plan.ranges:
        lower = -outermost if part.below is None else centre - part.below * spacing
        upper = outermost if part.above is None else centre + part.above * spacing
        yield lower, upper, plan.depth_usd * part.share_bps // 20_000
