"""The Curve pools return what their contracts returned, for every recorded state.

The committed sample is always read; the full set, if this checkout has it beside it, as well. The
recordings hold views only, `get_dy` among them; what an exchange pays and leaves is held against
them where the contract computes both alike, and against a twin in `tests/property` elsewhere.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from router.core import (
    CoreError,
    CryptoPool,
    MarketBuilder,
    StableSwapPool,
    UnderlyingPool,
    V2Pool,
)
from tests.differential.recordings import Recording

STATES = "fixtures/chain_data/1/curve_"
ANSWERS = "golden/data/tests/curve/test_curve_onchain_parity/test_curve_"
AMP_PRECISION = 100
CACHE_SECONDS = 600


class Answer(NamedTuple):
    """What a contract's view returned for one amount; the block only where there are several."""

    function: str
    coin_in: str
    coin_out: str
    block: str
    amount: int
    value: int


def answers(content: Any) -> Iterator[Answer]:
    for key, outcome in content["entries"].items():
        _, function, pair, *block, amount = key.split("|")
        coin_in, coin_out = pair.split("->")
        number = block[0].removeprefix("blk") if block else ""
        yield Answer(function, coin_in, coin_out, number, int(amount), outcome["value"])


def symbols(tokens: Any) -> list[str]:
    return [token["symbol"] for token in tokens]


def three_pool(state: Any) -> StableSwapPool:
    return StableSwapPool(
        state["balances"],
        [10 ** (36 - token["decimals"]) for token in state["tokens"]],
        state["a_coefficient"],
        state["fee"],
        amp_precision=1,
        admin_fee=state["admin_fee"],
        supply=state["lp_token_total_supply"],
    )


def metapool(state: Any) -> StableSwapPool:
    """Return the RAI metapool: one rate is RAI's redemption price, the other the share's value."""
    fresh = state["block_timestamp"] <= state["base_cache_updated"] + CACHE_SECONDS
    base = state["base_pool"]
    return StableSwapPool(
        state["balances"],
        [
            state["redemption_price"],
            state["base_virtual_price"] if fresh else base["virtual_price"],
        ],
        state["a_coefficient"] * AMP_PRECISION,
        state["fee"],
        amp_precision=AMP_PRECISION,
        admin_fee=state["admin_fee"],
        supply=state["lp_token_total_supply"],
    )


def state_at(content: Any, block: str) -> Any:
    """Return one block of the recording of several in the shape of the recording of one."""
    state = content["states"][block]
    base = {
        **content["immutable"]["base_pool"],
        "balances": state["base_balances"],
        "a_coefficient": state["base_a"],
        "virtual_price": state["base_virtual_price_own"],
        "lp_token_total_supply": state["base_lp_token_total_supply"],
    }
    return {**content["immutable"], **state, "base_pool": base}


def assert_view(state: Any, answer: Answer) -> None:
    own = metapool(state)
    pool: StableSwapPool | UnderlyingPool = own
    if answer.function == "get_dy":
        names = symbols(state["tokens"])
    else:
        pool = own.over(three_pool(state["base_pool"]))
        names = symbols(state["tokens_underlying"])
    coins = names.index(answer.coin_in), names.index(answer.coin_out)
    assert pool.get_dy(*coins, answer.amount) == answer.value, answer
    paid = pool.quote_exact_in(*coins, answer.amount).amount_out
    if answer.function == "get_dy" or coins[0] == 0:
        # The view computes what the exchange does, unless it estimates a deposit.
        assert paid == answer.value, answer
    else:
        # A deposit's fee is estimated as half the fee; it is between nothing and half of it.
        assert abs(paid - answer.value) <= answer.value // 5_000 + 1, answer


def test_three_pool_answers_are_equal(recording: Recording) -> None:
    state = recording.load(f"{STATES}tripool_block_24407242.json")
    pool = three_pool(state)
    names = symbols(state["tokens"])
    assert pool.virtual_price() == state["virtual_price"]
    ramp = [(state[f"{end}_a"], state[f"{end}_a_time"]) for end in ("initial", "future")]
    assert StableSwapPool.amp_at(ramp[0], ramp[1], state["block_timestamp"]) == pool.amp
    known = list(answers(recording.load(f"{ANSWERS}tripool_get_dy.json")))
    assert len(known) == 18
    for answer in known:
        coins = names.index(answer.coin_in), names.index(answer.coin_out)
        assert pool.get_dy(*coins, answer.amount) == answer.value, answer
        # The exchange takes the fee before it converts to base units, the view after.
        paid = pool.quote_exact_in(*coins, answer.amount).amount_out
        assert abs(paid - answer.value) <= 1, answer


def test_three_pool_shares_are_equal(recording: Recording) -> None:
    pool = three_pool(recording.load(f"{STATES}tripool_block_24407242.json"))
    content = recording.load(f"{ANSWERS}tripool_calc_withdraw_and_token_amount.json")
    assert len(content["entries"]) == 18
    for key, outcome in content["entries"].items():
        _, function, *_, coin, amount = key.split("|")
        view = pool.withdrawn if function == "calc_withdraw_one_coin" else pool.shares_without_fee
        assert view(int(coin.removeprefix("i=")), int(amount)) == outcome["value"], key


def test_metapool_answers_are_equal(recording: Recording) -> None:
    state = recording.load(f"{STATES}metapool_rai_3crv_block_25144000.json")
    assert three_pool(state["base_pool"]).virtual_price() == state["base_pool"]["virtual_price"]
    assert metapool(state).virtual_price() > 0
    known = list(answers(recording.load(f"{ANSWERS}metapool_get_dy.json")))
    assert len(known) == 42
    for answer in known:
        assert_view(state, answer)


def test_metapool_answers_at_sixteen_blocks_are_equal(recording: Recording) -> None:
    content = recording.load(f"{STATES}metapool_rai_3crv_multiblock_18850030_18850480.json")
    known = list(answers(recording.load(f"{ANSWERS}metapool_multiblock_get_dy.json")))
    assert len(known) == 672
    assert {answer.block for answer in known} == set(content["states"])
    for answer in known:
        assert_view(state_at(content, answer.block), answer)


def tricrypto(state: Any) -> CryptoPool:
    return CryptoPool(
        state["balances"],
        [10 ** (18 - token["decimals"]) for token in state["tokens"]],
        state["price_scale"],
        state["d"],
        ann=state["a_coefficient"] * AMP_PRECISION,
        gamma=state["gamma"],
        mid_fee=state["mid_fee"],
        out_fee=state["out_fee"],
        fee_gamma=state["fee_gamma"],
        version=1,
    )


def test_tricrypto_answers_are_equal(recording: Recording) -> None:
    state = recording.load(f"{STATES}tricrypto_block_24407242.json")
    pool = tricrypto(state)
    names = symbols(state["tokens"])
    assert pool.fee() == state["fee"]
    known = list(answers(recording.load(f"{ANSWERS}tricrypto_get_dy.json")))
    assert len(known) == 18
    for answer in known:
        coins = names.index(answer.coin_in), names.index(answer.coin_out)
        assert pool.get_dy(*coins, answer.amount) == answer.value, answer
        quote = pool.quote_exact_in(*coins, answer.amount)
        assert quote.amount_out == answer.value, answer
        bought = pool.quote_exact_out(*coins, answer.value)
        assert bought.amount_in <= answer.amount
        assert bought.amount_out >= answer.value


def test_an_amplification_without_its_decimals_is_refused(recording: Recording) -> None:
    state = recording.load(f"{STATES}tricrypto_block_24407242.json")
    pool = tricrypto(state)
    with pytest.raises(CoreError) as refused:
        CryptoPool(
            pool.balances,
            pool.precisions,
            pool.price_scale,
            pool.invariant,
            pool.ann // 200,
            pool.gamma,
            pool.mid_fee,
            pool.out_fee,
            pool.fee_gamma,
            2,
        )
    assert refused.value.code == "INVALID_POOL"


def test_orders_over_tricrypto_are_split_at_its_exact_quotes(recording: Recording) -> None:
    """Beside a thin pair: every leg is the contract's answer, and no other split gives more.

    The pool's fee falls towards balance, so that what it pays is not concave there and the bound
    over its envelope is loose: the splits themselves are tried.
    """
    pool = tricrypto(recording.load(f"{STATES}tricrypto_block_24407242.json"))
    usdt, wbtc, _ = pool.balances
    pair = V2Pool(usdt // 3, wbtc // 3)
    builder = MarketBuilder(3)
    crypto = builder.add_multi([0, 1, 2], pool)
    builder.add_v2(0, 1, pair)
    market = builder.build()
    for sell, buy in itertools.permutations(range(3), 2):
        for part in (10, 100, 1_000):
            amount = pool.balances[sell] // part
            plan = market.solve(sell, buy, amount, max_hops=2)
            for leg in plan.legs:
                if leg.venue == crypto:
                    exact = pool.quote_exact_in(leg.token_in, leg.token_out, leg.amount_in)
                    assert leg.amount_out == exact.amount_out
            assert plan.best_single <= plan.amount_out <= plan.bound
            if {sell, buy} == {0, 1}:
                best = max(
                    pool.quote_exact_in(sell, buy, amount * share // 50).amount_out
                    + pair.quote_exact_in(sell == 0, amount - amount * share // 50).amount_out
                    for share in range(1, 50)
                )
                assert plan.amount_out >= best * (1 - 1e-6) - 2, (sell, buy, part)
