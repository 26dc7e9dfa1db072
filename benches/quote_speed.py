"""How long one quote takes, from Python, in process, over a universe like the demo's.

Run `python benches/quote_speed.py`; prints a table and writes `var/bench/quote.json`. Nothing here
asserts a time: machines differ, only runs on one machine compare.
"""

import json
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

from router.core import Market, MarketBuilder, Plan, V2Pool, V3Pool

TOKENS = (
    ("WETH", 18, 3_000.0),
    ("USDC", 6, 1.0),
    ("USDT", 6, 0.9998),
    ("DAI", 18, 1.0001),
    ("WBTC", 8, 60_000.0),
    ("LINK", 18, 15.0),
)
WETH, USDC, USDT, DAI, WBTC, LINK = range(6)
SPACING = {100: 1, 500: 10, 3000: 60, 10_000: 200}
V3_POOLS = (
    (WETH, USDC, 500, 60e6),
    (WETH, USDC, 3000, 40e6),
    (WETH, USDC, 10_000, 4e6),
    (WETH, USDT, 500, 25e6),
    (WETH, USDT, 3000, 20e6),
    (USDC, USDT, 100, 30e6),
    (USDC, DAI, 100, 25e6),
    (WETH, DAI, 3000, 8e6),
    (WBTC, WETH, 500, 30e6),
    (WBTC, WETH, 3000, 35e6),
    (WBTC, USDC, 3000, 15e6),
    (LINK, WETH, 3000, 12e6),
    (LINK, USDC, 3000, 2e6),
)
V2_POOLS = (
    (WETH, USDC, 30e6),
    (WETH, USDT, 20e6),
    (WETH, DAI, 10e6),
    (USDC, USDT, 4e6),
    (DAI, USDC, 5e6),
    (WBTC, WETH, 8e6),
    (LINK, WETH, 5e6),
)
ORDERS_USD = (10.0, 1e3, 1e4, 1e5, 1e6, 1e7)
PAIRS = ((WETH, USDC), (USDC, WETH), (LINK, USDC), (WBTC, DAI), (USDT, WETH))
GAS_PRICE_WEI = 20 * 10**9
BASE_GAS = 102_000
ROUNDS = 40
# What the program takes by default (`routing.max_legs`).
MAX_LEGS = 16
TARGET = Path(__file__).resolve().parents[1] / "var" / "bench" / "quote.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Times of one kind of order, in microseconds."""

    name: str
    median_us: float
    p99_us: float
    worst_gap_bps: float
    most_legs: int


def unit_price(token: int) -> float:
    """Return the value of one base unit in USD."""
    _, decimals, price = TOKENS[token]
    return float(price / 10**decimals)


def v3_pool(rng: random.Random, token0: int, token1: int, fee_ppm: int, value: float) -> V3Pool:
    """Return a pool with nine overlapping ranges, coherent with the prices within its fee."""
    noise = 1 + rng.uniform(-0.3, 0.3) * fee_ppm / 1e6
    price = unit_price(token0) / unit_price(token1) * noise
    spacing = SPACING[fee_ppm]
    tick = math.floor(math.log(price) / math.log(1.0001))
    anchor = tick // spacing
    liquidity = value / 2 / unit_price(token1) / math.sqrt(price)
    net: dict[int, int] = {}
    gross: dict[int, int] = {}
    in_range = 0
    for width in (2, 4, 8, 16, 32, 64, 100, 200, 400):
        lower = (anchor - rng.randint(1, width)) * spacing
        upper = (anchor + rng.randint(1, width)) * spacing
        amount = int(liquidity * rng.uniform(0.5, 1.5)) + 1
        for index, change in ((lower, amount), (upper, -amount)):
            net[index] = net.get(index, 0) + change
            gross[index] = gross.get(index, 0) + amount
        in_range += amount
    ticks = [(index, gross[index], net[index]) for index in sorted(gross)]
    return V3Pool(fee_ppm, spacing, int(math.sqrt(price) * 2**96), tick, in_range, ticks)


def demo_market(seed: int = 7) -> Market:
    """Return 13 V3 pools, 7 V2 pools and one book."""
    rng = random.Random(seed)
    builder = MarketBuilder(len(TOKENS))
    for token0, token1, fee_ppm, value in V3_POOLS:
        builder.add_v3(token0, token1, v3_pool(rng, token0, token1, fee_ppm, value))
    for token0, token1, value in V2_POOLS:
        noise = 1 + rng.uniform(-0.3, 0.3) * 3000 / 1e6
        reserve0 = int(value / 2 / unit_price(token0))
        reserve1 = int(value / 2 / unit_price(token1) * noise)
        builder.add_v2(token0, token1, V2Pool(reserve0, reserve1))
    lot_units, tick_units = 10**14, 1
    bids = [(299_950 - 12 * level, rng.randint(2_000, 60_000)) for level in range(25)]
    asks = [(300_060 + 12 * level, rng.randint(2_000, 60_000)) for level in range(25)]
    builder.add_ladder(WETH, USDC, lot_units, tick_units, 400, bids, asks)
    return builder.build()


def timed(market: Market, pair: tuple[int, int], usd: float, kind: str) -> tuple[list[int], Plan]:
    """Return the nanoseconds of every round, and the plan."""
    token_in, token_out = pair
    exact_out = kind == "exact_out"
    amount = max(1, int(usd / unit_price(token_out if exact_out else token_in)))
    gas_price_wei = GAS_PRICE_WEI if kind == "gas" else 0
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        plan = market.solve(
            token_in,
            token_out,
            amount,
            exact_out=exact_out,
            max_legs=MAX_LEGS,
            gas_price_wei=gas_price_wei,
            native_token=WETH,
            base_gas=BASE_GAS,
        )
        times.append(time.perf_counter_ns() - start)
    return times, plan


def measure(market: Market, kind: str) -> Series:
    """Time every pair and size of one kind of order."""
    times: list[int] = []
    plans: list[Plan] = []
    for pair in PAIRS:
        for usd in ORDERS_USD:
            rounds, plan = timed(market, pair, usd, kind)
            times += rounds
            plans.append(plan)
    times.sort()
    return Series(
        name=kind,
        median_us=times[len(times) // 2] / 1e3,
        p99_us=times[len(times) * 99 // 100] / 1e3,
        worst_gap_bps=max(plan.gap_net_bps if kind == "gas" else plan.gap_bps for plan in plans),
        most_legs=max(len(plan.legs) for plan in plans),
    )


def main() -> None:
    market = demo_market()
    measure(market, "exact_in")  # warm-up
    series = [measure(market, kind) for kind in ("exact_in", "gas", "exact_out")]
    print(f"{market.venue_count} venues, {len(PAIRS)} pairs, orders of 10 USD to 10 m USD")
    print(f"{'kind':10} {'median us':>10} {'p99 us':>10} {'worst gap bp':>13} {'legs':>5}")
    for one in series:
        print(
            f"{one.name:10} {one.median_us:10.1f} {one.p99_us:10.1f}"
            f" {one.worst_gap_bps:13.6f} {one.most_legs:5d}"
        )
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    report = {one.name: {"median_us": one.median_us, "p99_us": one.p99_us} for one in series}
    TARGET.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
