"""Importers of other programs' files, on small files of their formats; and joining universes."""

import json
from pathlib import Path
from typing import Any

import pytest

from router.domain.errors import UsageError
from router.universe.market import market_of
from router.universe.merging import WRAPPED_COIN, merged
from router.universe.records import OrderRecord, PairRecord, RangesRecord
from router.universe.tycho import orders_onto, pairs_universe, states_universe

USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
PAIR = "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc"


def written(tmp_path: Path, name: str, document: Any) -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def pairs_message(**attributes: str) -> Any:
    entry = {
        "state": {"attributes": {"reserve0": "0x1000000", "reserve1": "0x2000000", **attributes}},
        "component": {
            "id": PAIR,
            "protocol_type_name": "uniswap_v2_pool",
            "tokens": [WRAPPED_COIN, USDC],
            "static_attributes": {"fee": "0x1e"},
        },
    }
    return {"state_msgs": {"uniswap_v2": {"snapshots": {"states": {PAIR: entry}}}}}


def token(address: str, symbol: str, decimals: int) -> dict[str, Any]:
    return {"address": address, "symbol": symbol, "decimals": decimals}


def states() -> list[Any]:
    coins = [token(USDC, "USDC", 6), token(WRAPPED_COIN, "WETH", 18)]
    ticks = [
        {"index": 60, "net_liquidity": -(10**18)},
        {"index": -60, "net_liquidity": 10**18},
    ]
    ranges = {
        "liquidity": 10**18,
        "sqrt_price": hex(1 << 96),
        "fee": "Medium",
        "tick": 0,
        "ticks": {"tick_spacing": 60, "ticks": ticks},
    }
    pair = {"reserve0": "0x100000", "reserve1": "0x200000"}
    return [
        {"tokens": coins, "state": {"protocol": "UniswapV3State", "state": ranges}},
        {"tokens": coins, "state": {"protocol": "UniswapV2State", "state": pair}},
    ]


def test_pairs_of_a_message_have_their_tokens_in_the_order_of_addresses(tmp_path: Path) -> None:
    listed = {"tokens": [token(USDC.upper().replace("0X", "0x"), "USDC", 6)]}
    names = written(tmp_path, "tokens.json", listed)
    made = pairs_universe(written(tmp_path, "snapshot.json", pairs_message()), names)
    assert [(coin.symbol, coin.decimals) for coin in made.tokens] == [
        ("USDC", 6),
        (WRAPPED_COIN[:10], 18),
    ]
    (pool,) = made.pools
    assert isinstance(pool, PairRecord)
    assert (pool.reserve0, pool.reserve1, pool.fee_ppm) == (0x1000000, 0x2000000, 3000)


def test_states_become_pools_that_the_core_takes(tmp_path: Path) -> None:
    made = states_universe(written(tmp_path, "data.json", states()))
    ranges, pair = made.pools
    assert isinstance(ranges, RangesRecord)
    assert ranges.ticks == ((-60, 10**18, 10**18), (60, 10**18, -(10**18)))
    assert isinstance(pair, PairRecord)
    assert (pair.reserve0, pair.reserve1) == (0x100000, 0x200000)
    assert market_of(made).left_out == ()


def test_joined_universes_share_tokens_and_begin_with_the_wrapped_coin(tmp_path: Path) -> None:
    first = pairs_universe(written(tmp_path, "snapshot.json", pairs_message()))
    both = merged([first, states_universe(written(tmp_path, "data.json", states()))])
    assert [coin.address for coin in both.tokens] == [WRAPPED_COIN, USDC]
    assert len(both.pools) == 3
    assert {pool.tokens for pool in both.pools} == {(1, 0)}


def test_a_later_state_of_a_pool_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    old = pairs_universe(written(tmp_path, "old.json", pairs_message()))
    new = pairs_universe(written(tmp_path, "new.json", pairs_message(reserve0="0xff")))
    (pool,) = merged([old, new]).pools
    assert isinstance(pool, PairRecord)
    assert pool.reserve0 == 0xFF


def test_orders_are_laid_onto_the_tokens_of_a_universe(tmp_path: Path) -> None:
    base = states_universe(written(tmp_path, "data.json", states()))
    order = {"token_in": USDC, "token_out": WRAPPED_COIN, "amount": "12", "side": "sell"}
    unknown = {**order, "token_in": "0x" + "1" * 40}
    buys = {**order, "side": "buy"}
    requests = [{"orders": [one]} for one in (order, unknown, buys)]
    made, refused = orders_onto(written(tmp_path, "trades.json", requests), base)
    assert made.orders == (OrderRecord(order_id=0, token_in=0, token_out=1, amount_in=12),)
    assert [one.code for one in refused] == ["ASSET_UNKNOWN", "ORDER_INVALID"]


@pytest.mark.parametrize(
    "document",
    [[], {}, {"state_msgs": {}}, {"state_msgs": 1}, pairs_message(reserve0="many"), [1], [{}]],
)
def test_files_of_another_format_are_refused(document: Any, tmp_path: Path) -> None:
    path = written(tmp_path, "x.json", document)
    for reader in (pairs_universe, states_universe):
        with pytest.raises(UsageError) as caught:
            reader(path)
        assert caught.value.code == "UNIVERSE_INVALID"
