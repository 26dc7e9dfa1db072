"""The Balancer pools return what the vault's `queryBatchSwap` returned, for every recorded state.

The committed sample is always read; the full set, if this checkout has it beside it, as well.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from router.core import BalancerStablePool, CoreError, WeightedPool
from tests.differential.recordings import Recording

ONE = 10**18
STATES = "fixtures/chain_data/1/balancer_"
WEIGHTED = "golden/data/tests/balancer/test_balancer_v2_onchain_parity/test_balancer_v2_"
STABLE = "golden/data/tests/balancer/test_balancer_stable_onchain_parity/test_balancer_v2_stable_"
WEIGHTED_NAMES = (
    "apu_pepe_spx_3_token",
    "aura_kaiaura_50_50",
    "dai_gp_weth_usdt_4_token",
    "dai_weth_40_60",
    "gel_dexg_60_40",
    "par_mimo_75_25",
    "sdvecrv_crv_90_10",
    "usdc_weth",
    "usdc_weth_50_50",
    "weth_bal",
    "weth_rpl",
)
STABLE_NAMES = ("bb_s_usd", "cbeth_wsteth", "tusd_bsp", "wsteth_weth")
# The recordings number the two roundings of the invariant the other way round.
STABLE_VERSIONS = {2: 1, 1: 2}


class Answer(NamedTuple):
    """What the vault returned for one amount, given in or given out."""

    address: str
    given_in: bool
    coin_in: int
    coin_out: int
    amount: int
    value: int


def answers(content: Any, states: dict[str, Any]) -> Iterator[Answer]:
    """Yield the answers of a file; coins are numbers or, in the older files, symbols."""
    for key, outcome in content["entries"].items():
        address, _, kind, *coins, amount = key.split("|")
        if len(coins) == 1:
            symbols = [token["symbol"] for token in states[address]["tokens"]]
            coin_in, coin_out = map(symbols.index, coins[0].split("->"))
        else:
            coin_in, coin_out = (int(coin[2:]) for coin in coins)
        value = outcome["value"]
        yield Answer(address, kind == "GIVEN_IN", coin_in, coin_out, int(amount), value)


def fee_of(state: Any) -> int:
    numerator, denominator = map(int, state["fee"].split("/"))
    return numerator * ONE // denominator


def weighted_pool(state: Any) -> WeightedPool:
    return WeightedPool(
        state["balances"],
        state["weights"],
        [WeightedPool.scaling_factor(token["decimals"]) for token in state["tokens"]],
        fee_of(state),
        int(state["pow_version"].removeprefix("v")),
    )


def without_share(state: Any, values: list[int]) -> list[int]:
    return [value for coin, value in enumerate(values) if coin != state["bpt_idx"]]


def stable_pool(state: Any) -> BalancerStablePool:
    return BalancerStablePool(
        without_share(state, state["balances"]),
        without_share(state, state["resolved_scaling_factors"]),
        state["amp"],
        fee_of(state),
        STABLE_VERSIONS[state["invariant_version"]],
    )


def states_by_address(recording: Recording, prefix: str, names: tuple[str, ...]) -> dict[str, Any]:
    states = [recording.load(f"{STATES}{prefix}_{name}.json") for name in names]
    return {state["address"]: state for state in states}


def value_of(pool: WeightedPool | BalancerStablePool, answer: Answer) -> int:
    if answer.given_in:
        return pool.quote_exact_in(answer.coin_in, answer.coin_out, answer.amount).amount_out
    return pool.quote_exact_out(answer.coin_in, answer.coin_out, answer.amount).amount_in


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("expanded_multi_token_given_in", 159),
        ("expanded_multi_token_given_out", 159),
        ("expanded_two_token_given_in", 108),
        ("expanded_two_token_given_out", 108),
        ("usdc_weth_query_swap", 18),
        ("weth_bal_query_swap", 18),
        ("weth_rpl_query_swap", 18),
    ],
)
def test_weighted_answers_are_equal(recording: Recording, name: str, count: int) -> None:
    states = states_by_address(recording, "weighted", WEIGHTED_NAMES)
    known = list(answers(recording.load(f"{WEIGHTED}{name}.json"), states))
    assert len(known) == count
    for answer in known:
        pool = weighted_pool(states[answer.address])
        assert value_of(pool, answer) == answer.value, answer


@pytest.mark.parametrize("name", ["query_swap_given_in", "query_swap_given_out"])
def test_stable_answers_are_equal(recording: Recording, name: str) -> None:
    states = states_by_address(recording, "stable", STABLE_NAMES)
    known = list(answers(recording.load(f"{STABLE}{name}.json"), states))
    assert len(known) == 108
    for answer in known:
        state = states[answer.address]
        share = state["bpt_idx"]
        coins = (answer.coin_in, answer.coin_out)
        if share is not None:
            coins = (coins[0] - (coins[0] > share), coins[1] - (coins[1] > share))
        numbered = answer._replace(coin_in=coins[0], coin_out=coins[1])
        assert value_of(stable_pool(state), numbered) == answer.value, answer


def test_more_than_three_tenths_of_a_balance_is_refused(recording: Recording) -> None:
    pool = weighted_pool(recording.load(f"{STATES}weighted_weth_bal.json"))
    bal, weth = pool.balances
    assert pool.quote_exact_in(0, 1, bal * 3 // 10).amount_out < weth
    with pytest.raises(CoreError) as refused:
        pool.quote_exact_in(0, 1, bal * 4 // 10)
    assert refused.value.code == "AMOUNT_RANGE"
    assert pool.quote_exact_out(0, 1, weth * 3 // 10).amount_in > 0
    with pytest.raises(CoreError) as refused:
        pool.quote_exact_out(0, 1, weth * 3 // 10 + 1)
    assert refused.value.code == "INSUFFICIENT_LIQUIDITY"


def test_a_swap_moves_the_balances_by_what_it_took_and_paid(recording: Recording) -> None:
    pool = stable_pool(recording.load(f"{STATES}stable_wsteth_weth.json"))
    quote = pool.quote_exact_in(0, 1, 10**15)
    assert isinstance(quote.next, BalancerStablePool)
    before, after = pool.balances, quote.next.balances
    assert after == [before[0] + quote.amount_in, before[1] - quote.amount_out]
    assert quote.next.invariant() > pool.invariant()


def test_a_state_no_contract_can_be_in_is_refused() -> None:
    factors = [WeightedPool.scaling_factor(18)] * 2
    weights = [ONE // 2, ONE // 2]
    for balances, fee, version in [
        ([1], 0, 1),
        ([2**112, 1], 0, 1),
        ([2**130, 1], 0, 1),
        ([1, 1], ONE, 1),
        ([1, 1], 0, 3),
    ]:
        with pytest.raises(CoreError) as refused:
            WeightedPool(balances, weights, factors, fee, version)
        assert refused.value.code == "INVALID_POOL"
    with pytest.raises(CoreError) as refused:
        BalancerStablePool([1, 1], factors, 999, 0, 1)
    assert refused.value.code == "INVALID_POOL"


@pytest.mark.parametrize("coins", [(0, 0), (0, 2), (-1, 0), (0, 2**70)])
def test_coins_that_are_equal_or_absent_are_refused(coins: tuple[int, int]) -> None:
    factors = [WeightedPool.scaling_factor(18)] * 2
    pool = BalancerStablePool([ONE, ONE], factors, 100_000, 0, 2)
    with pytest.raises(CoreError) as refused:
        pool.quote_exact_in(*coins, 10**9)
    assert refused.value.code == "INVALID_REQUEST"
