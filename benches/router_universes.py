"""Seeded universes for the router bench, free of arbitrage: every pool's price lies within 0.8 of
its fee around one vector of prices. The same seed gives the same universe on every machine.

Run `python benches/router_universes.py NAME [FILE]` to write one as a file for `router quote`.
"""

import math
import random
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from router_replay import sqrt_at_tick, tick_at_sqrt

from router.universe.records import (
    BookRecord,
    OrderRecord,
    PairRecord,
    PoolRecord,
    RangesRecord,
    StableRecord,
    Token,
    Universe,
    WeightedRecord,
)
from router.universe.writing import universe_json

ORDERS = 200
ORDER_FLOOR_USD = 20.0
SHARE_FROM, SHARE_TO = 1e-4, 0.3
SPACING = {100: 1, 500: 10, 3000: 60, 10_000: 200}
# Peers look up the coin and the dollars by their real addresses.
ADDRESSES = {
    "WETH": "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
    "USDC": "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
    "USDT": "0xdac17f958d2ee523a2206206994597c13d831ec7",
    "DAI": "0x6b175474e89094c44da98b954eedeac495271d0f",
    "WBTC": "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599",
}
MAJORS = (
    ("WETH", 18, 3_000.0),
    ("USDC", 6, 1.0),
    ("USDT", 6, 1.0),
    ("DAI", 18, 1.0),
    ("WBTC", 8, 60_000.0),
    ("LINK", 18, 15.0),
    ("UNI", 18, 8.0),
    ("AAVE", 18, 90.0),
    ("CRV", 18, 0.4),
    ("LDO", 18, 2.0),
)
WETH, USDC, USDT, DAI, WBTC = range(5)


class Maker:
    """Makes pools whose prices agree; pool ids count up over all kinds."""

    def __init__(self, name: str, seed: int, tokens: Sequence[tuple[str, int, float]]) -> None:
        self.name, self.seed = name, seed
        self.rng = random.Random(f"{name} {seed}")
        self.tokens = [
            Token(
                symbol=symbol,
                address=ADDRESSES.get(symbol) or self._address(),
                decimals=decimals,
                price_usd=price,
            )
            for symbol, decimals, price in tokens
        ]
        self.pools: list[PoolRecord] = []
        self._ids = count()

    def _address(self) -> str:
        return f"0x{self.rng.getrandbits(160) | 1 << 159:040x}"

    def _id(self, kind: str) -> str:
        return f"{kind}-{next(self._ids)}"

    def _unit_price(self, token: int) -> float:
        return self.tokens[token].price_usd / 10 ** self.tokens[token].decimals

    def _noise(self, fee_ppm: int) -> float:
        return 1 + self.rng.uniform(-0.8, 0.8) * fee_ppm / 1e6 / 2

    def _by_address(self, a: int, b: int) -> tuple[int, int]:
        return (a, b) if self.tokens[a].address < self.tokens[b].address else (b, a)

    def pair(self, a: int, b: int, tvl_usd: float, fee_ppm: int = 3000) -> None:
        token0, token1 = self._by_address(a, b)
        noise = self._noise(fee_ppm)
        self.pools.append(
            PairRecord(
                pool_id=self._id("v2"),
                address=self._address(),
                token0=token0,
                token1=token1,
                reserve0=int(tvl_usd / 2 / self._unit_price(token0)) + 1,
                reserve1=int(tvl_usd / 2 / self._unit_price(token1) * noise) + 1,
                fee_ppm=fee_ppm,
                tvl_usd=tvl_usd,
            )
        )

    def ranges(self, a: int, b: int, tvl_usd: float, fee_ppm: int) -> None:
        """Add a V3 pool: one position over all ticks and eight nested, crooked ones."""
        token0, token1 = self._by_address(a, b)
        spacing = SPACING[fee_ppm]
        price = self._unit_price(token0) / self._unit_price(token1) * self._noise(fee_ppm)
        sqrt_price_x96 = int(math.sqrt(price) * 2**96)
        tick = tick_at_sqrt(sqrt_price_x96)
        whole = tvl_usd / 2 / self._unit_price(token1) / math.sqrt(price)
        edge = 887_272 // spacing * spacing
        net: dict[int, int] = {}
        gross: dict[int, int] = {}
        liquidity = 0
        spans = [(-edge, edge, 0.1)]
        for width in (120, 300, 700, 1_500, 3_000, 6_000, 12_000, 24_000):
            lower = (tick - int(width * self.rng.uniform(0.5, 1.5))) // spacing * spacing
            upper = ((tick + int(width * self.rng.uniform(0.5, 1.5))) // spacing + 1) * spacing
            spans.append((max(lower, -edge), min(upper, edge), self.rng.uniform(0.3, 1.5)))
        for lower, upper, share in spans:
            amount = int(whole * share) + 1
            for index, change in ((lower, amount), (upper, -amount)):
                net[index] = net.get(index, 0) + change
                gross[index] = gross.get(index, 0) + amount
            liquidity += amount
        self.pools.append(
            RangesRecord(
                pool_id=self._id("v3"),
                address=self._address(),
                token0=token0,
                token1=token1,
                fee_ppm=fee_ppm,
                tick_spacing=spacing,
                sqrt_price_x96=sqrt_price_x96,
                tick=tick,
                liquidity=liquidity,
                ticks=tuple((index, gross[index], net[index]) for index in sorted(gross)),
                reserve0=self._held(spans, whole, sqrt_price_x96, is_zero=True),
                reserve1=self._held(spans, whole, sqrt_price_x96, is_zero=False),
                tvl_usd=tvl_usd,
            )
        )

    @staticmethod
    def _held(
        spans: Sequence[tuple[int, int, float]],
        whole: float,
        sqrt_price_x96: int,
        *,
        is_zero: bool,
    ) -> int:
        """Return about how much of one token lies in the positions."""
        root = sqrt_price_x96 / 2**96
        held = 0.0
        for lower, upper, share in spans:
            low, high = sqrt_at_tick(lower) / 2**96, sqrt_at_tick(upper) / 2**96
            held += whole * share * ((1 / root - 1 / high) if is_zero else (root - low))
        return int(held) + 1

    def weighted(self, a: int, b: int, tvl_usd: float, weight_a: str, weight_b: str) -> None:
        shares = float(weight_a), float(weight_b)
        self.pools.append(
            WeightedRecord(
                pool_id=self._id("weighted"),
                address=self._address(),
                tokens=(a, b),
                reserves=(
                    int(tvl_usd * shares[0] / self._unit_price(a)),
                    int(tvl_usd * shares[1] / self._unit_price(b) * self._noise(3000)),
                ),
                weights=(weight_a, weight_b),
                fee_ppm=3000,
                tvl_usd=tvl_usd,
            )
        )

    def stable(self, a: int, b: int, tvl_usd: float) -> None:
        half = tvl_usd / 2
        self.pools.append(
            StableRecord(
                pool_id=self._id("stable"),
                address=self._address(),
                tokens=(a, b),
                reserves=(
                    int(half * self.rng.uniform(0.98, 1.02) / self._unit_price(a)),
                    int(half * self.rng.uniform(0.98, 1.02) / self._unit_price(b)),
                ),
                amp=400,
                fee_ppm=400,
                tvl_usd=tvl_usd,
            )
        )

    def book(self, base: int, quote: int, depth_usd: float) -> None:
        """Add a ladder of 40 levels a side, deeper further away; prices with two decimals."""
        cents = round(self.tokens[base].price_usd / self.tokens[quote].price_usd * 100)
        sides: list[tuple[tuple[str, str], ...]] = []
        for direction in (-1, 1):
            levels, at = [], cents
            for level in range(40):
                at += direction * self.rng.randint(1, 40)
                millionths = int(depth_usd * (level + 1) / 820 * 100 / at * 1e6)
                size = max(1, int(millionths * self.rng.uniform(0.3, 1.7)))
                levels.append(
                    (f"{at // 100}.{at % 100:02d}", f"{size // 10**6}.{size % 10**6:06d}")
                )
            sides.append(tuple(levels))
        self.pools.append(
            BookRecord(
                pool_id=self._id("clob"),
                base=base,
                quote=quote,
                taker_fee_ppm=400,
                bids=sides[0],
                asks=sides[1],
            )
        )

    def universe(self, orders: int = ORDERS) -> Universe:
        return Universe(
            name=self.name,
            seed=self.seed,
            tokens=tuple(self.tokens),
            pools=tuple(self.pools),
            orders=tuple(self._order(index) for index in range(orders)),
        )

    def _order(self, index: int) -> OrderRecord:
        depth = self._depths()
        while True:
            token_in, token_out = self.rng.sample(range(len(self.tokens)), 2)
            share = math.exp(self.rng.uniform(math.log(SHARE_FROM), math.log(SHARE_TO)))
            direct = depth.get((token_in, token_out))
            usd = share * (direct or self._widest(depth, token_in, token_out))
            amount = int(usd / self._unit_price(token_in))
            if usd >= ORDER_FLOOR_USD and amount:
                return OrderRecord(
                    order_id=index,
                    token_in=token_in,
                    token_out=token_out,
                    amount_in=amount,
                    size_frac=share,
                    direct=direct is not None,
                )

    def _depths(self) -> dict[tuple[int, int], float]:
        """Return half the deepest pool's value for every two tokens that one trades."""
        depths: dict[tuple[int, int], float] = {}
        for pool in self.pools:
            if not isinstance(pool, BookRecord):
                a, b = pool.tokens
                half = max(pool.tvl_usd / 2, depths.get((a, b), 0.0))
                depths[a, b] = depths[b, a] = half
        return depths

    @staticmethod
    def _widest(depth: dict[tuple[int, int], float], token_in: int, token_out: int) -> float:
        """Return the narrowest depth of the widest path over one token in between, else 0."""
        first = {b: usd for (a, b), usd in depth.items() if a == token_in}
        return max(
            (min(usd, depth.get((b, token_out), 0.0)) for b, usd in first.items()), default=0
        )


def small() -> Universe:
    maker = Maker("small", 1, MAJORS[:4])
    maker.pair(WETH, USDC, 40e6)
    maker.pair(WETH, USDT, 20e6)
    maker.pair(USDC, DAI, 10e6)
    maker.ranges(WETH, USDC, 90e6, 500)
    maker.ranges(WETH, DAI, 12e6, 3000)
    maker.ranges(USDC, USDT, 30e6, 100)
    return maker.universe()


def direct() -> Universe:
    maker = Maker("direct", 2, MAJORS[:2])
    for tvl, fee in ((60e6, 3000), (20e6, 2500), (5e6, 10_000)):
        maker.pair(WETH, USDC, tvl, fee)
    for tvl, fee in ((9e6, 100), (90e6, 500), (40e6, 3000), (4e6, 10_000)):
        maker.ranges(WETH, USDC, tvl, fee)
    maker.weighted(WETH, USDC, 15e6, "0.5", "0.5")
    maker.book(WETH, USDC, 20e6)
    maker.book(WETH, USDC, 8e6)
    return maker.universe()


def medium() -> Universe:
    maker = Maker("medium", 3, MAJORS)
    _fill(maker, v2=22, v3=32, hubs=4)
    maker.weighted(8, WETH, 6e6, "0.8", "0.2")
    maker.weighted(5, WETH, 8e6, "0.6", "0.4")
    maker.weighted(7, WETH, 4e6, "0.8", "0.2")
    maker.stable(USDC, USDT, 40e6)
    maker.stable(USDC, DAI, 25e6)
    maker.stable(USDT, DAI, 8e6)
    return maker.universe()


def large() -> Universe:
    maker = Maker("large", 4, _many(200))
    _fill(maker, v2=950, v3=1_000, hubs=8)
    rng = maker.rng
    for _ in range(40):
        maker.weighted(rng.randrange(5, 200), WETH, rng.uniform(1e6, 9e6), "0.8", "0.2")
    for a, b in ((USDC, USDT), (USDC, DAI), (USDT, DAI)) * 3:
        maker.stable(a, b, rng.uniform(5e6, 60e6))
    maker.stable(USDC, USDT, 80e6)
    return maker.universe()


def pairs() -> Universe:
    maker = Maker("pairs", 5, _many(2_500))
    _fill(maker, v2=10_000, v3=0, hubs=12)
    return maker.universe()


def _many(tokens: int) -> list[tuple[str, int, float]]:
    rng = random.Random(tokens)
    more = [
        (f"T{index}", rng.choice((18, 18, 18, 18, 8, 6)), round(10 ** rng.uniform(-3, 3), 6))
        for index in range(len(MAJORS), tokens)
    ]
    return [*MAJORS, *more]


def _fill(maker: Maker, *, v2: int, v3: int, hubs: int) -> None:
    """Add pools between tokens and hubs: each token has one first, hubs have most of the depth."""
    rng, total = maker.rng, len(maker.tokens)
    kinds = [False] * v2 + [True] * v3
    rng.shuffle(kinds)
    for index, is_ranges in enumerate(kinds):
        a = index % total if index < total else min(int(rng.paretovariate(0.7)), total) - 1
        b = rng.randrange(min(hubs, total))
        if a == b:
            b = (b + 1) % hubs
        top = 6e7 if max(a, b) < hubs else 2e7
        tvl = top * math.exp(-rng.expovariate(0.6)) + 2e4
        if is_ranges:
            is_pegged = {a, b} <= {USDC, USDT, DAI}
            fees = (100, 500) if is_pegged else (500, 3000, 3000, 10_000)
            maker.ranges(a, b, tvl, rng.choice(fees))
        else:
            maker.pair(a, b, tvl, rng.choice((3000, 3000, 2500)))


UNIVERSES: dict[str, Callable[[], Universe]] = {
    "small": small,
    "direct": direct,
    "medium": medium,
    "large": large,
    "pairs": pairs,
}


def main() -> int:
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in UNIVERSES:
        print(f"usage: router_universes.py {'|'.join(UNIVERSES)} [FILE]", file=sys.stderr)
        return 2
    text = universe_json(UNIVERSES[sys.argv[1]]())
    if len(sys.argv) == 3:
        Path(sys.argv[2]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
