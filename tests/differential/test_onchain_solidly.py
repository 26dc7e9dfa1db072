"""The Aerodrome V2 pairs return what `getAmountOut` returned on chain, volatile and stable."""

from typing import Any

import pytest

from router.core import SolidlyPool
from tests.differential.recordings import Recording

STATES = {
    "volatile": "fixtures/chain_data/8453/aerodrome_v2_tbtc_weth_volatile_block_46875151.json",
    "stable": "fixtures/chain_data/8453/aerodrome_v2_dola_usdbc_stable_block_46875151.json",
}
ANSWERS = "golden/data/tests/aerodrome/test_aerodrome_v2_onchain_parity/test_aerodrome_v2_"


def pair(state: Any) -> SolidlyPool:
    return SolidlyPool(
        (state["reserves_token0"], state["reserves_token1"]),
        (state["token0"]["decimals"], state["token1"]["decimals"]),
        state["fee_raw"],
        state["stable"],
    )


@pytest.mark.parametrize("kind", sorted(STATES))
def test_pair_answers_are_equal(recording: Recording, kind: str) -> None:
    state = recording.load(STATES[kind])
    pool = pair(state)
    entries = recording.load(f"{ANSWERS}{kind}_get_amount_out.json")["entries"]
    assert len(entries) == 26
    for key, outcome in entries.items():
        *_, coins, amount = key.split("|")
        coin_in = 0 if coins.startswith(f"{state['token0']['symbol']}->") else 1
        quote = pool.quote_exact_in(coin_in, 1 - coin_in, int(amount))
        assert quote.amount_out == outcome["value"], key


@pytest.mark.parametrize("kind", sorted(STATES))
def test_an_output_costs_the_least_input_that_delivers_it(recording: Recording, kind: str) -> None:
    pool = pair(recording.load(STATES[kind]))
    for coin_out, reserve in enumerate(pool.balances):
        for part in (3, 1_000, 10**6):
            wanted = reserve // part
            bought = pool.quote_exact_out(1 - coin_out, coin_out, wanted)
            assert bought.amount_out >= wanted
            less = pool.quote_exact_in(1 - coin_out, coin_out, bought.amount_in - 1)
            assert less.amount_out < wanted
