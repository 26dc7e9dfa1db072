#!/usr/bin/env python3
"""What the gas of a plan is made of: real plans on the devnet, a least-squares fit, the residuals.

The constants of the core (`V2_GAS`, `V3_GAS` and what a V3 leg adds per step and per crossed tick)
and the default of `routing.base_gas` are rounded from the fit that this prints. The pools are first
traded to and fro, as those of every chain are that is in use: a counter that leaves zero costs
17,100 gas once, which is shown apart. Nothing here measures time.
"""

import asyncio
import json
import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Self

from connectors.chain.deployment import Deployment
from connectors.chain.executor import ExecutorEncoder
from connectors.chain.keystore import HotKey
from connectors.chain.node import RpcChain, RpcChainAudit
from connectors.chain.policy import SignerPolicy
from connectors.chain.rpc import JsonRpc
from connectors.chain.signer import LocalSigner
from connectors.dex.pool_state import ChainPool
from connectors.dex.reader import WholePoolReader
from router.core import V2Pool, V3Pool
from router.devnet import running_devnet
from router.devnet.keys import private_key_of
from router.devnet.universe import token
from router.domain.assets import Asset
from router.domain.errors import FailureError
from router.domain.market import Protocol
from router.domain.orders import RouteConstraints, SwapMode
from router.domain.routes import Leg, QuoteRequest
from router.domain.settlement import Receipt, TxRequest
from router.routing.quoting import QuotePolicy, quote
from router.routing.view import MarketView
from router.settings import RoutingSettings

RESULT = Path(__file__).resolve().parent.parent / "var" / "bench" / "gas_model.json"
BASE_GAS = RoutingSettings().base_gas
PLENTY = 10**30
ALL_OF_IT = 2**120
BLOCK_TIME_S = 12
ANSWER_S = 30
# How far the price of a V3 pool is moved to make it a used one, in tick spacings and at most in
# ticks: beyond every tick of the devnet's pools but those of the full range.
USED_SPACINGS, USED_TICKS = 520, 9_000
# How far single swaps move the price: a part of a spacing, spacings, words of the tick bitmap.
REACHES = (0.2, 1.2, 2.5, 5, 12, 256, 3 * 256, 10 * 256, 40 * 256)
WALK_TICKS_MAX = 60_000
RANDOM_PLANS = 150
SMALLEST_USD, LARGEST_USD = 200, 4_000_000
MODELLED = frozenset({Protocol.UNISWAP_V2, Protocol.UNISWAP_V3})
TERMS = ("base", "v2", "v3", "step", "tick")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One executed plan: how often each term of the model counts, and the gas by both accounts."""

    kind: str
    counts: tuple[int, ...]
    gas_used: int
    gas_estimate: int

    @property
    def error(self) -> float:
        """How far the estimate is above what was used, as a part of it."""
        return self.gas_estimate / self.gas_used - 1


class Desk:
    """The hot wallet on a devnet: has plenty of every token, and runs plans."""

    def __init__(self, rpc: JsonRpc, deployment: Deployment) -> None:
        self.rpc = rpc
        self.deployment = deployment
        self.assets = [a for a in deployment.assets if a.routable and not a.is_native]
        self._chain = RpcChain(rpc)
        self._audit = RpcChainAudit(rpc)
        contracts = deployment.contracts
        policy = SignerPolicy(
            chain_id=deployment.chain_id,
            executor=contracts["RouteExecutor"],
            permit2=contracts["Permit2"],
            tokens=frozenset(asset.address for asset in self.assets),
            max_gas_cost_wei=10**19,
        )
        key = HotKey(bytes.fromhex(private_key_of("hot", deployment.chain_id)[2:]))
        self._signer = LocalSigner(key, policy)
        self._encoder = ExecutorEncoder(contracts["RouteExecutor"], contracts["Permit2"])
        self._plans = 0

    @classmethod
    async def open(cls, rpc: JsonRpc, deployment: Deployment) -> Self:
        """Return the desk, its wallet funded, its approvals given; it mines its blocks itself."""
        desk = cls(rpc, deployment)
        await rpc.call("evm_setAutomine", [False])
        for asset in desk.assets:
            await desk.own(asset, PLENTY)
            assert (await desk._send(desk._encoder.approval(asset))).status
        return desk

    async def own(self, asset: Asset, units: int) -> None:
        address = self._signer.address
        await self.rpc.call("anvil_dealERC20", [address, asset.address, hex(units)])

    async def view(self) -> MarketView:
        """Return every routable pool as of the head."""
        head = await self._chain.head()
        known = [ref for ref in self.deployment.pools if ref.protocol in MODELLED]
        pools = await WholePoolReader(self.rpc).read(known, head)
        chosen = [p for p in pools if p and p.ref.token0.routable and p.ref.token1.routable]
        return MarketView(block=head, pools=tuple(chosen))

    async def execute(self, legs: Sequence[Leg], amount_in_units: int) -> Receipt:
        """Run a plan in a block of its own, seconds after the last one, within its gas limit."""
        head = await self._chain.head()
        self._plans += 1
        # As the program does: a permit's nonce is a hash, so its word of the bitmap is a new one.
        plan_id = sha256(self._plans.to_bytes(8, "big")).digest()
        request = self._encoder.encode(
            plan_id=plan_id,
            legs=legs,
            amount_in_units=amount_in_units,
            minimums=[(legs[-1].asset_out, 1)],
            permit_nonce=int.from_bytes(plan_id, "big"),
            deadline_s=head.timestamp_s + 600,
            signer=self._signer,
            chain_id=self.deployment.chain_id,
        )
        await self.rpc.call("evm_setNextBlockTimestamp", [head.timestamp_s + BLOCK_TIME_S])
        receipt = await self._send(request)
        assert receipt.status, (legs, receipt.gas_used, request.gas_limit)
        return receipt

    async def measure(
        self, kind: str, view: MarketView, legs: Sequence[Leg], amount_in_units: int
    ) -> Sample:
        """Execute a plan and return its sample; the chain is then as it was before."""
        snapshot = await self.rpc.call("evm_snapshot")
        receipt = await self.execute(legs, amount_in_units)
        await self.rpc.call("anvil_dropAllTransactions")
        assert await self.rpc.call("evm_revert", [snapshot])
        return sample_of(kind, view, legs, receipt)

    async def _send(self, request: TxRequest) -> Receipt:
        max_fee_wei, max_tip_wei = await self._audit.suggest_fees()
        tx_hash, raw = self._signer.sign_transaction(
            request,
            chain_id=self.deployment.chain_id,
            nonce=await self._chain.nonce(self._signer.address),
            max_fee_wei=max_fee_wei,
            max_tip_wei=max_tip_wei,
        )
        async with asyncio.timeout(ANSWER_S):
            await self._chain.send_raw(raw)
            await self.rpc.call("evm_mine")
            while (receipt := await self._chain.receipt(tx_hash)) is None:
                await self.rpc.call("evm_mine")  # The node was not ready for it yet.
        return receipt


def sample_of(kind: str, view: MarketView, legs: Sequence[Leg], receipt: Receipt) -> Sample:
    """Count the terms of a plan; a leg's pool appears once, so its own quote tells its steps."""
    pools = {pool.ref.venue_id: pool for pool in view.pools}
    v2 = steps = ticks = 0
    for leg in legs:
        pool = pools[leg.venue_id]
        forward = leg.asset_in == pool.ref.token0
        quoted = pool.core.quote_exact_in(forward, leg.amount_in_units)
        v2 += isinstance(pool.core, V2Pool)
        steps += quoted.steps
        ticks += quoted.ticks_crossed
    v3 = len(legs) - v2
    return Sample(
        kind=kind,
        counts=(1, v2, v3, steps - v3, ticks),
        gas_used=receipt.gas_used,
        gas_estimate=BASE_GAS + sum(leg.gas for leg in legs),
    )


def leg_of(pool: ChainPool, forward: bool, amount_in_units: int) -> Leg:
    """Return the leg that sells the whole amount to one pool."""
    ref = pool.ref
    quoted = pool.core.quote_exact_in(forward, amount_in_units)
    assert quoted.amount_in == amount_in_units, "the pool takes all of it"
    asset_in, asset_out = (ref.token0, ref.token1) if forward else (ref.token1, ref.token0)
    return Leg(
        venue_id=ref.venue_id,
        protocol=ref.protocol,
        label=ref.label,
        asset_in=asset_in,
        asset_out=asset_out,
        amount_in_units=amount_in_units,
        amount_out_units=quoted.amount_out,
        fee_units=quoted.fee_amount,
        fee_ppm=ref.fee_ppm,
        gas=quoted.gas,
        ticks_crossed=quoted.ticks_crossed,
        share_bps=10_000,
        takes_rest=True,
        marginal_price=0.0,
    )


def input_to_price(core: V3Pool, sqrt_price_x96: int) -> int:
    """Return what a swap takes that stops just before a price, and at least a little."""
    forward = sqrt_price_x96 < core.sqrt_price_x96
    return max(core.quote_exact_in(forward, ALL_OF_IT, sqrt_price_x96).amount_in - 1, 1_000)


def shifted(sqrt_price_x96: int, ticks: float) -> int:
    return int(sqrt_price_x96 * 1.0001 ** (ticks / 2))


async def use_pools(desk: Desk) -> None:
    """Trade every pool to and fro, back to its price: counters then are what they are in use."""
    start = {pool.ref.address: pool.core for pool in (await desk.view()).pools}
    for turn, part in enumerate((-1, 0, 1, 0)):
        for pool in (await desk.view()).pools:
            origin, core = start[pool.ref.address], pool.core
            if isinstance(core, V2Pool) or isinstance(origin, V2Pool):
                forward = turn % 2 == 0
                amount = (core.reserve0 if forward else core.reserve1) // 50
            else:
                ticks = min(USED_SPACINGS * core.tick_spacing, USED_TICKS)
                target = shifted(origin.sqrt_price_x96, part * ticks)
                forward, amount = target < core.sqrt_price_x96, input_to_price(core, target)
            await desk.execute([leg_of(pool, forward, amount)], amount)


def single_legs(view: MarketView) -> Iterable[tuple[str, Leg]]:
    """Yield swaps of one pool each, both ways, the V3 ones over ticks and words."""
    for pool in view.pools:
        core = pool.core
        for forward in (True, False):
            if isinstance(core, V2Pool):
                reserve = core.reserve0 if forward else core.reserve1
                yield "one V2 leg", leg_of(pool, forward, reserve // 500)
                continue
            for reach in REACHES:
                ticks = reach * core.tick_spacing
                if ticks > WALK_TICKS_MAX:
                    continue
                target = shifted(core.sqrt_price_x96, -ticks if forward else ticks)
                kind = "one V3 leg" if reach < REACHES[5] else "one V3 leg, a walk"
                yield kind, leg_of(pool, forward, input_to_price(core, target))


def random_plan(view: MarketView, assets: Sequence[Asset], rng: random.Random) -> list[Leg]:
    """Return the legs of what the solver makes of a random order, of any size, hops and legs."""
    policy = QuotePolicy(
        ttl_ms=1,
        base_gas=BASE_GAS,
        gas_price_floor_wei=0,
        gas_price_cap_wei=0,
        thin_liquidity_bps=10_000,
        wrapped_native=next(asset for asset in assets if asset.symbol == "WETH"),
    )
    while True:
        asset_in, asset_out = rng.choice(list(permutations(assets, 2)))
        usd = int(SMALLEST_USD * (LARGEST_USD / SMALLEST_USD) ** rng.random())
        request = QuoteRequest(
            mode=SwapMode.EXACT_IN,
            asset_in=asset_in,
            asset_out=asset_out,
            amount_units=token(asset_in.symbol).units(usd),
            gas_price_wei=rng.choice([0, 10**9, 2 * 10**10]),
            constraints=RouteConstraints(max_hops=rng.randint(1, 3), max_legs=rng.randint(1, 8)),
        )
        try:
            return list(quote(view, request, 0, policy).legs)
        except FailureError:
            continue  # Some pairs have no pool of their own, so no route of one hop.


def kind_of(legs: Sequence[Leg]) -> str:
    sold = {leg.asset_in for leg in legs}
    shape = "parallel" if len(sold) == 1 else "with hops"
    return "random, one leg" if len(legs) == 1 else f"random, {shape}"


def fit(samples: Sequence[Sample]) -> list[float]:
    """Return gas per term by least squares of the relative error (normal equations)."""
    rows = [[count / s.gas_used for count in s.counts] for s in samples]
    size = len(TERMS)
    matrix = [
        [sum(row[i] * row[j] for row in rows) for j in range(size)] + [sum(row[i] for row in rows)]
        for i in range(size)
    ]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(matrix[k][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        for k in range(size):
            if k != i:
                factor = matrix[k][i] / matrix[i][i]
                pairs = zip(matrix[k], matrix[i], strict=True)
                matrix[k] = [below - factor * above for below, above in pairs]
    return [matrix[i][size] / matrix[i][i] for i in range(size)]


def residuals(samples: Sequence[Sample]) -> dict[str, tuple[int, float, float, float]]:
    """Return (number, most below, median distance, most above) per kind, errors as parts."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        kinds[sample.kind].append(sample.error)
        kinds["all"].append(sample.error)
    return {
        kind: (len(errors), min(errors), statistics.median(map(abs, errors)), max(errors))
        for kind, errors in kinds.items()
    }


async def shortfalls(desk: Desk) -> dict[str, float]:
    """Return what the model leaves out on purpose: mean gas above the estimate, first uses."""
    view = await desk.view()
    legs = [leg for _, leg in single_legs(view) if leg.ticks_crossed <= 1]
    short: dict[str, list[int]] = defaultdict(list)
    for leg in legs:
        fresh = await desk.measure("fresh", view, [leg], leg.amount_in_units)
        name = f"first swap of a pool: {leg.protocol}, {leg.ticks_crossed} ticks crossed"
        short[name].append(fresh.gas_used - fresh.gas_estimate)
    await use_pools(desk)
    view = await desk.view()
    for leg in [leg for kind, leg in single_legs(view) if kind == "one V2 leg"]:
        snapshot = await desk.rpc.call("evm_snapshot")
        await desk.own(leg.asset_out, 0)
        first = await desk.measure("first", view, [leg], leg.amount_in_units)
        assert await desk.rpc.call("evm_revert", [snapshot])
        short["first balance of an output"].append(first.gas_used - first.gas_estimate)
    return {name: statistics.mean(gas) for name, gas in short.items()}


async def measure() -> tuple[list[Sample], dict[str, float]]:
    async with running_devnet() as devnet, JsonRpc(devnet.url) as rpc:
        desk = await Desk.open(rpc, devnet.deployment)
        short = await shortfalls(desk)
        view = await desk.view()
        samples = [
            await desk.measure(kind, view, [leg], leg.amount_in_units)
            for kind, leg in single_legs(view)
        ]
        rng = random.Random(5)
        for _ in range(RANDOM_PLANS):
            legs = random_plan(view, desk.assets, rng)
            sold = sum(leg.amount_in_units for leg in legs if leg.asset_in == legs[0].asset_in)
            samples.append(await desk.measure(kind_of(legs), view, legs, sold))
    return samples, short


def model_in_use() -> list[int]:
    """Return the constants as the core quotes them and the settings have them."""
    v2 = V2Pool(10**18, 10**18).quote_exact_in(True, 10**6)
    spread = [(-887_272, 10**18, 10**18), (0, 1, 1), (887_272, 10**18 + 1, -(10**18) - 1)]
    pool = V3Pool(500, 1, 2**96 * 1_001 // 1_000, 19, 10**18 + 1, spread)
    near, word, tick = (
        pool.quote_exact_in(forward, ALL_OF_IT, shifted(2**96, ticks))
        for forward, ticks in ((False, 100), (False, 300), (True, -1))
    )
    assert (near.steps, word.steps, tick.ticks_crossed) == (1, 2, 1)
    step = word.gas - near.gas
    return [BASE_GAS, v2.gas, near.gas, step, tick.gas - near.gas - (tick.steps - 1) * step]


def main() -> int:
    samples, short = asyncio.run(measure())
    fitted = fit(samples)
    print(f"  {'gas per':12} {'fitted':>9} {'in use':>9}")
    for term, gas, used in zip(TERMS, fitted, model_in_use(), strict=True):
        print(f"  {term:12} {gas:9.0f} {used:9d}")
    print("  a step counts after the first of its leg, a tick besides the step that ends there")
    print(f"  {'estimate against used':28} {'plans':>5} {'lowest':>8} {'median':>7} {'highest':>8}")
    table = residuals(samples)
    for kind, (number, low, middle, high) in table.items():
        print(f"  {kind:28} {number:5d} {low:+8.1%} {middle:7.1%} {high:+8.1%}")
    for name, gas in short.items():
        print(f"  {name:52} {gas:+8.0f} gas")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    report = {"fitted": dict(zip(TERMS, fitted, strict=True)), "residuals": table, "first": short}
    RESULT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _, low, _, high = table["all"]
    return 0 if low > -0.1 and high < 0.3 else 1


if __name__ == "__main__":
    raise SystemExit(main())
