"""What a plan does when everybody behaves: the pools' own answers, in one transaction."""

from dataclasses import replace

import pytest

from connectors.chain.abi import load_contract
from tests.integration.contracts.evm import Reverted
from tests.integration.contracts.market import (
    ALL,
    PERMIT2,
    V2,
    Market,
    Plan,
    Step,
    router_v2_amount_out,
)

UNIT = 10**18


def one_step_plan(market: Market, pool_name: str, token_in: str, amount_in: int) -> Plan:
    pool = market.pools[pool_name]
    return market.plan([Step.over(pool, market.token(token_in))], amount_in)


def split_and_hop_plan(market: Market) -> Plan:
    """A to T: one leg direct, one through B over two pools, everything that is left last."""
    a, b = market.token("A"), market.token("B")
    pools = market.pools
    return market.plan(
        [
            Step.over(pools["v3 AT 3000"], a, 3 * UNIT),
            Step.over(pools["v3 AB 500"], a, 4 * UNIT),
            Step.over(pools["v2 AB"], a, ALL),
            Step.over(pools["v2 BT"], b, ALL),
        ],
        10 * UNIT,
    )


@pytest.mark.parametrize(
    ("pool_name", "token_in"),
    [
        ("v2 AB", "A"),
        ("v2 AB", "B"),
        ("v2 AT", "T"),
        ("v3 AB 500", "A"),
        ("v3 AB 500", "B"),
        ("v3 AT 3000", "T"),
    ],
)
@pytest.mark.parametrize("amount_in", [1000, UNIT, 700 * UNIT])
def test_one_swap_pays_exactly_what_the_pool_gives(
    market: Market, pool_name: str, token_in: str, amount_in: int
) -> None:
    plan = one_step_plan(market, pool_name, token_in, amount_in)
    token_out = plan.steps[0].token_out
    expected = market.replay(plan)[token_out]
    before = market.evm.balance(token_out, market.operator)

    _, amounts_out = market.execute(plan)

    assert amounts_out == [expected]
    assert market.evm.balance(token_out, market.operator) - before == expected
    assert set(market.executor_balances().values()) == {0}


def test_split_with_hops_pays_the_sum_of_its_legs_and_leaves_nothing(market: Market) -> None:
    plan = split_and_hop_plan(market)
    expected = market.replay(plan)
    before = market.tokens["A"].balance_of(market.operator)

    _, amounts_out = market.execute(plan)

    assert amounts_out == [expected[market.token("T")]]
    assert [expected[market.token(name)] for name in "AB"] == [0, 0]
    assert before - market.tokens["A"].balance_of(market.operator) == plan.amount_in
    assert set(market.executor_balances().values()) == {0}
    assert market.executor_allowances() == {0}


def test_several_outputs_are_paid_each_in_full(market: Market) -> None:
    a, b, t = (market.token(name) for name in "ABT")
    steps = [
        Step.over(market.pools["v3 AB 3000"], a, UNIT),
        Step.over(market.pools["v2 AT"], a, ALL),
    ]
    plan = market.plan(steps, 3 * UNIT, outputs=[(t, 1), (b, 1)])
    expected = market.replay(plan)

    _, amounts_out = market.execute(plan)

    assert amounts_out == [expected[t], expected[b]]


def test_a_round_trip_ends_in_its_own_input_token(market: Market) -> None:
    a, b = market.token("A"), market.token("B")
    steps = [Step.over(market.pools["v2 AB"], a), Step.over(market.pools["v3 AB 500"], b)]
    plan = market.plan(steps, UNIT)
    expected = market.replay(plan)[a]
    before = market.tokens["A"].balance_of(market.operator)

    _, amounts_out = market.execute(plan)

    assert amounts_out == [expected]
    assert market.tokens["A"].balance_of(market.operator) == before - UNIT + expected


def test_one_pool_may_be_used_twice_in_a_plan(market: Market) -> None:
    pool, a = market.pools["v3 AB 500"], market.token("A")
    plan = market.plan([Step.over(pool, a, UNIT), Step.over(pool, a, ALL)], 3 * UNIT)
    expected = market.replay(plan)[market.token("B")]
    assert market.execute(plan)[1] == [expected]


def test_the_minimum_is_met_by_equality(market: Market) -> None:
    plan = one_step_plan(market, "v3 AB 500", "A", UNIT)
    expected = market.replay(plan)[market.token("B")]
    exact = market.plan(plan.steps, UNIT, outputs=[(market.token("B"), expected)])
    assert market.simulate(exact) == [expected]


def test_the_deadline_itself_is_still_in_time(market: Market) -> None:
    deadline = market.evm.timestamp() + 100
    market.evm.rpc("evm_setNextBlockTimestamp", deadline)
    market.evm.rpc("evm_mine")
    plan = market.plan(
        one_step_plan(market, "v2 AB", "A", UNIT).steps,
        UNIT,
        deadline=market.evm.timestamp(),
    )
    assert market.simulate(plan)[0] > 0


@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize("amount_in", [1, 2, 997, 1003, 10**15 + 1, 10**22, 10**25])
def test_v2_at_3000_ppm_is_the_router_formula_to_the_unit(
    market: Market, amount_in: int, zero_for_one: bool
) -> None:
    pool = market.pools["v2 AB"]
    reserve0, reserve1 = market.reserves(pool.address)
    reserves = (reserve0, reserve1) if zero_for_one else (reserve1, reserve0)
    expected = router_v2_amount_out(amount_in, *reserves)
    token_in, token_out = pool.token0, pool.token1
    if not zero_for_one:
        token_in, token_out = token_out, token_in
    plan = market.plan([Step.over(pool, token_in)], amount_in)
    if expected > 0:
        assert market.simulate(plan) == [expected]
        return
    with pytest.raises(Reverted) as caught:
        market.simulate(plan)
    assert caught.value.reason == f"StepOutputZero(0, {token_out.lower()})"


def test_a_v2_fee_above_the_pairs_own_costs_output_but_works(market: Market) -> None:
    pool = market.pools["v2 AB"]
    step = Step(
        kind=V2, pool=pool.address, token_in=pool.token0, token_out=pool.token1, fee_ppm=10_000
    )
    reserve0, reserve1 = market.reserves(pool.address)
    kept = UNIT * 990_000
    expected = kept * reserve1 // (reserve0 * 10**6 + kept)
    assert market.simulate(market.plan([step], UNIT)) == [expected]


def test_plan_hash_is_the_keccak_of_the_abi_encoding(market: Market) -> None:
    plan = split_and_hop_plan(market)
    assert market.executor.call("hashPlan", plan.abi()) == (plan.hash(),)


def test_the_published_constants_are_the_ones_python_uses(market: Market) -> None:
    executor = market.executor
    assert executor.call("operator") == (market.operator.lower(),)
    assert executor.call("permit2") == (PERMIT2.lower(),)
    assert executor.call("ALL") == (ALL,)
    assert executor.call("WITNESS_TYPE") == (
        "bytes32 planHash)TokenPermissions(address token,uint256 amount)",
    )


def test_the_executor_has_no_other_way_in() -> None:
    functions = load_contract("RouteExecutor").functions
    assert set(functions) == {
        "ALL",
        "KIND_BALANCER",
        "KIND_CURVE",
        "KIND_V2",
        "KIND_V3",
        "KIND_V4",
        "WITNESS_TYPE",
        "execute",
        "hashPlan",
        "operator",
        "permit2",
        "uniswapV3SwapCallback",
        "unlockCallback",
    }


@pytest.mark.parametrize(
    ("case", "gas_ceiling"),
    [("v2 AB", 160_000), ("v3 AB 500", 165_000), ("split", 375_000)],
)
def test_gas_of_a_plan_stays_within_its_budget(market: Market, case: str, gas_ceiling: int) -> None:
    is_split = case == "split"
    plan = split_and_hop_plan(market) if is_split else one_step_plan(market, case, "A", UNIT)
    used = []
    for nonce in (1, 2):  # The first use fills storage that later uses only change.
        market.evm.advance_s(12)
        mined, _ = market.execute(replace(plan, permit_nonce=nonce))
        used.append(mined.gas_used)
    print(f"gas {case}: first {used[0]}, usual {used[1]}")
    assert used[1] < gas_ceiling
