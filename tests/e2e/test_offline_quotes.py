"""`router quote --universe` and `router universe import`: no devnet, no configuration, no chain."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from router_replay import ReplayUniverse

from tests.e2e.cli_run import Command

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "tests" / "golden" / "universes" / "small.json"
DOCUMENT: dict[str, Any] = json.loads(SMALL.read_bytes())


@pytest.fixture
def router(tmp_path: Path) -> Command:
    return Command(tmp_path / "home")


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_order_gets_one_line_whose_fills_deliver_what_it_says(router: Command) -> None:
    ran = router("quote", "--universe", str(SMALL), "--jsonl")
    assert (ran.code, ran.err) == (0, "")
    replay = ReplayUniverse(DOCUMENT)
    answers = lines(ran.out)
    assert [line["order"] for line in answers] == [order["id"] for order in DOCUMENT["orders"]]
    for line, order in zip(answers, DOCUMENT["orders"], strict=True):
        assert replay.fills(order, line["fills"]).amount_out == int(line["buyAmount"])
        assert int(line["buyAmount"]) <= int(line["upperBound"])
        assert line["optimalityGapBps"] < 1
        assert line["totalMicros"] >= line["solveMicros"] > 0
    assert not router.home.exists(), "nothing is written"


def test_gas_of_an_order_or_of_the_command_line_is_taken_off(
    router: Command, tmp_path: Path
) -> None:
    orders = [{**order, "gasPriceWei": "20000000000"} for order in DOCUMENT["orders"][:5]]
    path = tmp_path / "orders.json"
    path.write_text(json.dumps({"orders": orders}), encoding="utf-8")
    by_file = router("quote", "--universe", str(SMALL), "--orders", str(path), "--jsonl")
    option = ("--gas-price-wei", "20000000000")
    by_option = router("quote", "--universe", str(SMALL), "--jsonl", *option)
    kept = ("order", "buyAmount", "buyAmountNet", "fills")
    told = [[{key: line[key] for key in kept} for line in lines(ran.out)[:5]] for ran in
            (by_file, by_option)]  # fmt: skip
    assert told[0] == told[1]
    assert all(int(line["buyAmountNet"]) < int(line["buyAmount"]) for line in told[0])


def test_legs_are_reckoned_with_the_gas_that_is_given(router: Command) -> None:
    asked = ("quote", "--universe", str(SMALL), "--jsonl", "--gas-price-wei", "20000000000")
    told = router(*asked, "--leg-gas", "v2=1000", "--leg-gas", "v3=500000+7")
    assert (told.code, told.err) == (0, "")
    kinds = {pool["id"]: pool["type"] for pool in DOCUMENT["pools"]}
    for line in lines(told.out):
        legs = [kinds[fill["pool"]] for fill in line["fills"]]
        least = 1_000 * legs.count("v2") + 500_000 * legs.count("v3")
        assert least <= line["gas"] < least + 500
        assert (line["gas"] - least) % 7 == 0


def test_an_order_that_fails_becomes_a_line_and_the_rest_goes_on(
    router: Command, tmp_path: Path
) -> None:
    good = DOCUMENT["orders"][0]
    wrong = (
        {"tokenIn": 99},
        {"amountIn": "0"},
        {"tokenOut": good["tokenIn"]},
        {"amountIn": str(2**255)},
    )
    orders = [{**good, "id": f"bad {n}", **change} for n, change in enumerate(wrong)]
    path = tmp_path / "orders.json"
    path.write_text(json.dumps([*orders, "what", good]), encoding="utf-8")
    ran = router("quote", "--universe", str(SMALL), "--orders", str(path), "--jsonl")
    assert ran.code == 0
    *failed, last = lines(ran.out)
    assert [line["order"] for line in failed] == ["bad 0", "bad 1", "bad 2", "bad 3", 4]
    codes = [line["error"]["code"] for line in failed if "error" in line]
    assert codes[:3] == ["ASSET_UNKNOWN", "AMOUNT_RANGE", "SAME_ASSET"]
    assert codes[-1] == "ORDER_INVALID"
    assert all(line["error"]["message"] for line in failed if "error" in line)
    assert last["order"] == good["id"]
    assert int(last["buyAmount"]) > 0


def test_one_order_may_stand_on_the_command_line(router: Command) -> None:
    ran = router("quote", "--universe", str(SMALL), "--jsonl", "weth", "USDC", "1.5")
    (line,) = lines(ran.out)
    assert (
        sum(int(fill["amountIn"]) for fill in line["fills"] if fill["tokenIn"] == 0) == 15 * 10**17
    )
    told = router("quote", "--universe", str(SMALL), "WETH", "USDC", "1.5")
    assert told.out.startswith("order 0: 1.5 WETH -> ")


def test_a_pool_that_the_core_refuses_is_named_and_the_others_are_used(
    router: Command, tmp_path: Path
) -> None:
    document = json.loads(SMALL.read_bytes())
    document["pools"][0]["reserve0"] = str(2**113)
    path = tmp_path / "u.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    ran = router("quote", "--universe", str(path), "--jsonl")
    assert ran.code == 0
    name = document["pools"][0]["id"]
    assert ran.err.startswith(f"left out {name}: INVALID_POOL: ")
    used = {fill["pool"] for line in lines(ran.out) for fill in line.get("fills", [])}
    assert used
    assert name not in used


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("--universe", "absent.json", "--jsonl"), "IO_ERROR", 1),
        (("--universe", str(ROOT / "README.md")), "UNIVERSE_INVALID", 2),
        (("--universe", str(SMALL), "--svg", "x.svg"), "USAGE", 2),
        (("--universe", str(SMALL), "--max-hops", "0"), "ORDER_INVALID", 2),
        (("--universe", str(SMALL), "WETH", "USDC"), "USAGE", 2),
        (("--universe", str(SMALL), "WETH", "NONE", "1"), "ASSET_UNKNOWN", 2),
        (("--universe", str(SMALL), "WETH", "USDC", "x"), "AMOUNT_INVALID", 2),
        (("--orders", str(SMALL), "WETH", "USDC", "1"), "USAGE", 2),
        (("--jsonl", "WETH", "USDC", "1"), "USAGE", 2),
        (("WETH", "USDC"), "USAGE", 2),
        (("--universe", str(SMALL), "--leg-gas", "v5=1"), "USAGE", 2),
        (("--universe", str(SMALL), "--leg-gas", "v3=1e5"), "USAGE", 2),
        (("--universe", str(SMALL), "--leg-gas", "v3=1+"), "USAGE", 2),
    ],
)
def test_a_wrong_command_ends_with_a_code_and_a_sentence(
    router: Command, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    ran = router("quote", *arguments)
    assert (ran.code, ran.error_code, ran.out) == (exit_code, code, "")


def test_an_imported_universe_is_quoted(router: Command, tmp_path: Path) -> None:
    made = tmp_path / "made.json"
    ran = router("universe", "import", "universe", str(SMALL), "--out", str(made))
    assert (ran.code, ran.out) == (0, "")
    first, second = (
        [
            line["buyAmount"]
            for line in lines(router("quote", "--universe", str(path), "--jsonl").out)
        ]
        for path in (SMALL, made)
    )
    assert first == second
    assert router("universe", "import", "fynd-orders", str(SMALL)).error_code == "USAGE"
    assert router("universe", "import", "tycho-states", str(SMALL)).error_code == "UNIVERSE_INVALID"


def test_nothing_of_the_services_is_loaded() -> None:
    program = (
        "import sys; from router.cli.main import execute;"
        f"execute(['quote', '--universe', {str(SMALL)!r}, '--jsonl']);"
        "heavy = {'web3', 'ccxt', 'pydantic', 'sqlmodel', 'aiohttp'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")
