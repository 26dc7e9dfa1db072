"""Universe files: what is read is what was written, and what is wrong is named with its place."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from router_universes import direct, medium

from router.domain.errors import UsageError
from router.universe.reading import read_orders, read_universe
from router.universe.records import OrderRecord, RefusedOrder
from router.universe.writing import universe_json

DOCUMENT: dict[str, Any] = json.loads(universe_json(medium()))


def written(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "u.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("made", [direct(), medium()], ids=["direct", "medium"])
def test_a_universe_is_read_as_it_was_written(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "u.json"
    path.write_text(universe_json(made), encoding="utf-8")
    assert read_universe(path) == made


def test_the_same_seed_makes_the_same_universe() -> None:
    assert universe_json(medium()) == universe_json(medium())


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("v2", "reserve0", -1),
        ("v2", "reserve0", "1.5"),
        ("v2", "reserve0", "0x10"),
        ("v2", "reserve0", None),
        ("v2", "feePpm", 1_000_000),
        ("v2", "feePpm", 3000.0),
        ("v2", "token0", 10),
        ("v2", "token1", True),
        ("v2", "id", ""),
        ("v2", "type", "v5"),
        ("v3", "tick", 887_273),
        ("v3", "sqrtPriceX96", str(2**160)),
        ("v3", "ticks", {}),
        ("v3", "ticks", [{"index": 0, "liquidityNet": "1"}]),
        ("weighted", "weights", [0.8, 0.2]),
        ("weighted", "reserves", ["1"]),
        ("stable", "amp", 0),
        ("stable", "tokens", [1, 1]),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_pool(
    kind: str, field: str, value: Any, tmp_path: Path
) -> None:
    document = copy.deepcopy(DOCUMENT)
    pool = next(pool for pool in document["pools"] if pool["type"] == kind)
    place = document["pools"].index(pool)
    pool[field] = value
    with pytest.raises(UsageError, match=f"pool {place}") as caught:
        read_universe(written(tmp_path, document))
    assert caught.value.code == "UNIVERSE_INVALID"


@pytest.mark.parametrize("document", [[], 1, None, {}, {"tokens": [], "pools": {}}, {"tokens": 0}])
def test_what_is_no_universe_is_refused(document: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_universe(written(tmp_path, document))
    assert caught.value.code == "UNIVERSE_INVALID"


@pytest.mark.parametrize("text", ["", "{", "[" * 2_000, "\xff"])
def test_what_is_no_json_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "u.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        read_universe(path)
    assert caught.value.code == "UNIVERSE_INVALID"


def test_two_pools_of_one_id_are_refused(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["pools"][1]["id"] = document["pools"][0]["id"]
    with pytest.raises(UsageError, match="two pools"):
        read_universe(written(tmp_path, document))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amountIn": "0"}, "AMOUNT_RANGE"),
        ({"amountIn": str(2**256)}, "AMOUNT_RANGE"),
        ({"amountIn": "-1"}, "AMOUNT_RANGE"),
        ({"amountIn": 1.5}, "AMOUNT_RANGE"),
        ({"tokenIn": 10}, "ASSET_UNKNOWN"),
        ({"tokenOut": "WETH"}, "ORDER_INVALID"),
        ({"gasPriceWei": "fast"}, "ORDER_INVALID"),
    ],
)
def test_an_order_that_is_wrong_holds_up_no_other(
    change: dict[str, Any], code: str, tmp_path: Path
) -> None:
    good = {"id": "a", "tokenIn": 0, "tokenOut": 1, "amountIn": "5", "gasPriceWei": "7"}
    path = written(tmp_path, [good, {**good, "id": "b", **change}, good])
    first, wrong, last = read_orders(path, 10)
    assert first == last
    assert isinstance(first, OrderRecord)
    assert first.gas_price_wei == 7
    assert isinstance(wrong, RefusedOrder)
    assert (wrong.order_id, wrong.code) == ("b", code)
    assert wrong.message
