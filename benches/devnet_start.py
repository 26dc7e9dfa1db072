#!/usr/bin/env python3
"""Time from a warm cache to a devnet that answers, and of building it anew."""

import asyncio
import json
import statistics
import time
from pathlib import Path

from router.devnet import ensure_tools, running_devnet
from router.devnet.genesis import build_devnet

ROUNDS = 15
BUILD_ROUNDS = 3
WARM_START_LIMIT_S = 1.0
RESULT = Path(__file__).resolve().parent.parent / "var" / "bench" / "devnet_start.json"


async def warm_start_s() -> float:
    started = time.perf_counter()
    async with running_devnet():
        return time.perf_counter() - started


async def measure() -> dict[str, float]:
    tools = await ensure_tools()
    async with running_devnet():
        pass  # The cache is warm from here on.
    warm = [await warm_start_s() for _ in range(ROUNDS)]
    builds = []
    for _ in range(BUILD_ROUNDS):
        started = time.perf_counter()
        await build_devnet(tools)
        builds.append(time.perf_counter() - started)
    return {
        "warm_start_median_s": round(statistics.median(warm), 4),
        "warm_start_max_s": round(max(warm), 4),
        "build_median_s": round(statistics.median(builds), 3),
    }


def main() -> int:
    result = asyncio.run(measure())
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name, seconds in result.items():
        print(f"  {name:22} {seconds:8.3f}")
    good = result["warm_start_median_s"] < WARM_START_LIMIT_S
    print(f"  warm start below {WARM_START_LIMIT_S:g} s: {'yes' if good else 'NO'}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
