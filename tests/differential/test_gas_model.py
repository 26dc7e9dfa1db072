"""The gas that quotes reckon with against the gas that the real contracts use."""

import random
import statistics

import pytest

from benches.gas_model import (
    PLENTY,
    Desk,
    kind_of,
    random_plan,
    sample_of,
    single_legs,
    use_pools,
)
from connectors.chain.deployment import Deployment
from connectors.chain.rpc import JsonRpc

PLANS = 40
# What an estimate may be of the gas used: too little loses net output in routing as too much does.
BAND = (0.9, 1.3)
MEDIAN_ERROR = 0.05
# Where every counter of the pool and the wallet leaves zero, once.
FIRST_BAND = (0.7, 1.0)
WALK_WORDS = 9


@pytest.fixture
async def desk(rpc: JsonRpc, deployment: Deployment) -> Desk:
    return await Desk.open(rpc, deployment)


@pytest.mark.timeout(120)
async def test_random_plans_use_about_the_gas_that_their_quotes_reckon_with(desk: Desk) -> None:
    await use_pools(desk)
    rng = random.Random(11)
    samples = []
    for _ in range(PLANS):
        view = await desk.view()
        legs = random_plan(view, desk.assets, rng)
        sold = sum(leg.amount_in_units for leg in legs if leg.asset_in == legs[0].asset_in)
        receipt = await desk.execute(legs, sold)
        samples.append(sample_of(kind_of(legs), view, legs, receipt))
    ratios = [sample.gas_estimate / sample.gas_used for sample in samples]
    print(f"estimate / used: {min(ratios):.3f} .. {max(ratios):.3f}")
    assert {"random, one leg", "random, with hops"} <= {sample.kind for sample in samples}
    assert BAND[0] < min(ratios), min(samples, key=lambda sample: sample.error)
    assert max(ratios) < BAND[1], max(samples, key=lambda sample: sample.error)
    assert statistics.median(abs(ratio - 1) for ratio in ratios) < MEDIAN_ERROR


@pytest.mark.timeout(120)
async def test_a_walk_is_reckoned_by_the_words_that_it_reads(desk: Desk) -> None:
    await use_pools(desk)
    view = await desk.view()
    walks = 0
    for kind, leg in single_legs(view):
        if kind != "one V3 leg, a walk":
            continue
        sample = await desk.measure(kind, view, [leg], leg.amount_in_units)
        _, _, _, further_steps, ticks = sample.counts
        walks += further_steps - ticks >= WALK_WORDS
        assert BAND[0] < sample.gas_estimate / sample.gas_used < BAND[1], (sample, leg.label)
    assert walks >= 10, "some walks read many words in which no tick is crossed"


async def test_a_first_use_costs_more_but_never_more_than_the_plans_gas_limit(desk: Desk) -> None:
    view = await desk.view()
    seen = set()
    for leg in [leg for _, leg in single_legs(view) if leg.ticks_crossed <= 6]:
        await desk.own(leg.asset_out, 0)
        # The desk sends it with the plan's own limit and refuses a plan that did not succeed.
        sample = await desk.measure("first", view, [leg], leg.amount_in_units)
        await desk.own(leg.asset_out, PLENTY)
        ratio = sample.gas_estimate / sample.gas_used
        assert FIRST_BAND[0] < ratio < FIRST_BAND[1], (sample, leg.label)
        seen.add((leg.protocol, leg.ticks_crossed > 0))
    assert len(seen) == 3, "pairs, and pools with and without a crossed tick"
