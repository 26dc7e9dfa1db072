#!/usr/bin/env python3
"""Requests and time to read whole pools from a node: one V3 pool with over 400 ticks, and all."""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from connectors.chain.node import RpcChain
from connectors.chain.rpc import Json, JsonRpc
from connectors.dex.reader import WholePoolReader
from router.core import V3Pool
from router.devnet import running_devnet
from router.domain.market import PoolRef, Protocol

ROUNDS = 20
TICKS_MIN = 400
RESULT = Path(__file__).resolve().parent.parent / "var" / "bench" / "pool_read.json"


class CountingRpc(JsonRpc):
    """Counts requests by method."""

    eth_calls = 0

    async def call(self, method: str, params: Sequence[Json] = ()) -> Json:
        self.eth_calls += method == "eth_call"
        return await super().call(method, params)

    async def batch_outcomes(self, calls: Sequence[tuple[str, Sequence[Json]]]) -> list[Json]:
        self.eth_calls += sum(method == "eth_call" for method, _ in calls)
        return await super().batch_outcomes(calls)


async def measure() -> dict[str, float]:
    async with running_devnet() as devnet, CountingRpc(devnet.url) as rpc:
        chain = await RpcChain.open(rpc, devnet.chain_id)
        refs = devnet.deployment.pools
        fat = next(r for r in refs if r.protocol is Protocol.UNISWAP_V3 and r.fee_ppm == 500)
        reader = WholePoolReader(rpc)
        head = await chain.head()
        found: dict[str, float] = {}
        for name, wanted in (("fat_pool", [fat]), ("all_pools", list(refs))):
            found |= await _timed(name, reader, rpc, wanted, head)
        assert reader.uses_override
        return found


async def _timed(
    name: str, reader: WholePoolReader, rpc: CountingRpc, refs: list[PoolRef], head: object
) -> dict[str, float]:
    spent_ms = []
    for _ in range(ROUNDS):
        rpc.eth_calls = 0
        started = time.perf_counter()
        pools = await reader.read(refs, head)  # type: ignore[arg-type]
        spent_ms.append((time.perf_counter() - started) * 1_000)
    cores = [pool.core for pool in pools if pool is not None]
    return {
        f"{name}_ticks": sum(len(core.ticks) for core in cores if isinstance(core, V3Pool)),
        f"{name}_eth_calls": rpc.eth_calls,
        f"{name}_median_ms": round(statistics.median(spent_ms), 2),
    }


def main() -> int:
    result = asyncio.run(measure())
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name, value in result.items():
        print(f"  {name:22} {value:8g}")
    good = result["fat_pool_ticks"] >= TICKS_MIN and result["fat_pool_eth_calls"] == 1
    print(f"  a pool of {TICKS_MIN} ticks or more in one eth_call: {'yes' if good else 'NO'}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
