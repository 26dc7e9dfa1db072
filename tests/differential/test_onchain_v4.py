"""The V4 pool returns what public chains returned, for every recorded Uniswap V4 state.

The committed sample is always read; the full set, if this checkout has it beside it, as well.
"""

from typing import Any

import pytest

from router.core import CoreError, V4Pool
from tests.differential.recordings import Recording, completed, tick_rows

STATE = "fixtures/chain_data/1/uniswap_v4_eth_usdc_block_24407242.json"
ANSWERS = (
    "golden/data/tests/uniswap/v4/test_uniswap_v4_onchain_parity/"
    "test_cached_calculations_v4_eth_usdc.json"
)
BLOCK_25706703 = "golden/data/uniswap/v4/eth_usdc/25706703.json"
DIVERGED = "uniswap/v4/fixtures/v4_eth_usdc_diverge_corpus.json"
PATH_V3_V4_V2 = "fixtures/path110302_v3v4v2_block25711761.json"
PATH_V4_V4_V2 = "fixtures/path182449_v4v4v2_block25731019.json"
PATH_V2_V4_V3 = "fixtures/path5000_v2v4v3_block25704509.json"
CROSSING = "fixtures/v4_crossing_9a5c1d2f_block25673381.json"
INT128_MAX = 2**127 - 1


def path_v4(state: Any, reach: int = 887272) -> V4Pool:
    """Return a pool of a path; some were recorded with ticks of another block than the liquidity.

    Those are completed at the ends, from the ticks at most `reach` away from the price.
    """
    rows, tick, liquidity = tick_rows(state["tick_data"]), state["tick"], int(state["liquidity"])
    if sum(net for index, _, net in rows if index <= tick) != liquidity:
        end = 887272 // state["tick_spacing"] * state["tick_spacing"]
        near = [row for row in rows if abs(row[0]) < end and abs(row[0] - tick) <= reach]
        rows = completed(near, tick, liquidity, end)
    return V4Pool(
        int(state["fee_currency0"]),
        int(state["protocol_fee"]),
        state["tick_spacing"],
        int(state["sqrt_price_x96"]),
        tick,
        liquidity,
        rows,
    )


def scalar_pool(scalars: Any, rows: list[tuple[int, int, int]]) -> V4Pool:
    return V4Pool(
        scalars["fee"],
        0,
        scalars["tick_spacing"],
        scalars["sqrt_price_x96"],
        scalars["tick"],
        scalars["liquidity"],
        rows,
    )


def whole_swap(pool: V4Pool, exact_in: bool, zero_for_one: bool, amount: int) -> int | None:
    """Return the other amount as the on-chain quoter does: nothing when the pool runs dry.

    Any other refusal is an amount that no answer has.
    """
    try:
        if exact_in:
            quote = pool.quote_exact_in(zero_for_one, amount)
            return quote.amount_out if quote.amount_in == amount else None
        return pool.quote_exact_out(zero_for_one, amount).amount_in
    except CoreError as error:
        return None if error.code == "INSUFFICIENT_LIQUIDITY" else -1


def test_quoter_answers_are_equal(recording: Recording) -> None:
    content = recording.load(STATE)
    pool = scalar_pool(content["scalars"], tick_rows(content["tick_data"]))
    entries = recording.load(ANSWERS)["entries"]
    assert len(entries) == 88
    for key, outcome in entries.items():
        _, function, coins, amount = key.split("|")
        exact_in = function == "quoteExactInputSingle"
        value = whole_swap(pool, exact_in, coins.startswith("ETH->"), int(amount))
        assert value == outcome.get("value"), key


def test_first_v4_hops_of_a_recorded_path_are_equal(recording: Recording) -> None:
    content = recording.load(PATH_V4_V4_V2)
    solve, pools = content["recorded_solve"], content["pools"]
    first, second, _ = map(int, solve["hop_outputs"])
    paid = int(solve["optimal_input"])
    assert path_v4(pools["v4_a"]).quote_exact_in(False, paid).amount_out == first
    assert path_v4(pools["v4_b"]).quote_exact_in(True, first).amount_out == second


def test_middle_v4_hop_of_a_recorded_path_is_equal(recording: Recording) -> None:
    content = recording.load(PATH_V3_V4_V2)
    first, second, _ = map(int, content["recorded_solve"]["hop_outputs"])
    assert path_v4(content["pools"]["v4"]).quote_exact_in(True, first).amount_out == second


def test_v4_hop_with_both_fees_is_equal(recording: Recording) -> None:
    content = recording.load(PATH_V2_V4_V3)
    first, second, _ = map(int, content["recorded_solve"]["hop_outputs"])
    pool = path_v4(content["pools"]["v4"])
    assert (pool.protocol_fee, pool.swap_fee_ppm(True), pool.swap_fee_ppm(False)) == (
        25 << 12 | 25,
        125,
        125,
    )
    assert pool.quote_exact_in(False, first).amount_out == second


def test_v4_hop_over_crossed_ticks_is_what_the_chain_paid(recording: Recording) -> None:
    content = recording.load(CROSSING)
    hop = content["v4_hop"]
    pool = path_v4(content["pools"]["v4"], reach=1000)
    quote = pool.quote_exact_in(hop["zero_for_one"], int(hop["input"]))
    assert quote.amount_out == int(hop["onchain_actual"])


def test_v4_states_without_answers_agree_with_themselves(recording: Recording) -> None:
    for name, end in ((DIVERGED, 887270), (BLOCK_25706703, 887270)):
        content = recording.load(name)
        rows = tick_rows(content["tick_data"])
        pool = scalar_pool(content, completed(rows, content["tick"], content["liquidity"], end))
        assert_agrees_with_itself(pool, 10**15, 10**9)


def test_every_v4_state_of_the_arbitrage_recordings_is_a_pool(recording: Recording) -> None:
    pools = []
    for state in recording.arbitrage_states("v4"):
        rows = tick_rows(state["tick_data"])
        pools.append(
            V4Pool(3000, 0, 60, state["sqrt_price_x96"], state["tick"], state["liquidity"], rows)
        )
    assert len(pools) == 103
    for pool in pools:
        assert_agrees_with_itself(pool, 10**9, 10**9)


def assert_agrees_with_itself(pool: V4Pool, units0: int, units1: int) -> None:
    for zero_for_one, paid in ((True, units0), (False, units1)):
        sold = pool.quote_exact_in(zero_for_one, paid)
        bought = pool.quote_exact_out(zero_for_one, sold.amount_out)
        assert 0 < bought.amount_in <= paid
        assert pool.quote_exact_in(zero_for_one, bought.amount_in).amount_out >= sold.amount_out


def test_amounts_beyond_int128_are_refused() -> None:
    rows = [(-887220, 2**100, 2**100), (887220, 2**100, -(2**100))]
    pool = V4Pool(0, 0, 60, 2**96, 0, 2**100, rows)
    assert pool.quote_exact_in(True, INT128_MAX).amount_in == INT128_MAX
    with pytest.raises(CoreError) as refused:
        pool.quote_exact_in(True, 2**128)
    assert refused.value.code == "OVERFLOW"


def test_a_fee_of_the_whole_input_pays_nothing() -> None:
    rows = [(-887220, 10**18, 10**18), (887220, 10**18, -(10**18))]
    pool = V4Pool(1_000_000, 0, 60, 2**96, 0, 10**18, rows)
    for zero_for_one in (True, False):
        quote = pool.quote_exact_in(zero_for_one, 10**9)
        assert (quote.amount_in, quote.amount_out, quote.fee_amount) == (10**9, 0, 10**9)
        assert quote.next.sqrt_price_x96 == pool.sqrt_price_x96
        with pytest.raises(CoreError) as refused:
            pool.quote_exact_out(zero_for_one, 1)
        assert refused.value.code == "INSUFFICIENT_LIQUIDITY"


def test_fees_are_bounded_as_in_the_pool_manager() -> None:
    pool = V4Pool(3000, 0, 32767, 2**96, 0, 0, [])
    assert pool.with_fees(1_000_000, 1000 << 12 | 1000).swap_fee_ppm(True) == 1_000_000
    assert pool.with_fees(3000, 1000 << 12).swap_fee_ppm(False) == 3997
    assert pool.with_fees(3000, 1000 << 12).swap_fee_ppm(True) == 3000
    for lp_fee, protocol_fee in ((1_000_001, 0), (0, 1001), (0, 1001 << 12), (0, 2**24)):
        with pytest.raises(CoreError) as refused:
            pool.with_fees(lp_fee, protocol_fee)
        assert refused.value.code == "INVALID_POOL"
