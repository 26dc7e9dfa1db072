"""The command line over a real devnet: the main job, every refusal, and what scripts rely on."""

import asyncio
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.chain.deployment import Deployment
from connectors.chain.devnet_state import deployment_path
from connectors.chain.erc20 import TRANSFER
from connectors.chain.rpc import JsonRpc, to_hex
from tests.e2e.cli_run import Command, devnet

BOB = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
ROUTER = str(Path(sys.executable).with_name("router"))


@pytest.fixture(scope="module")
def router(devnet_genesis: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A devnet in a folder of its own; alice and the maker have paid in."""
    with devnet(tmp_path_factory.mktemp("cli")) as run:
        run.json("deposit", "alice", "WETH", "25")
        run.json("deposit", "maker", "WETH", "50")
        run.json("deposit", "maker", "USDC", "50000")
        run.json("book", "place", "sell", "WETH/USDC", "2", "3520", "--account", "maker")
        bid(run)
        yield run


def bid(router: Command) -> None:
    """Let the maker buy above the pools' price, so that a large sale takes book and pools."""
    router.json("book", "place", "buy", "WETH/USDC", "2", "3505", "--account", "maker")


def everything(router: Command) -> tuple[Any, ...]:
    """All that money could have moved in: balances with holds, wallets, orders, journals."""
    journals = router.json("journals", "--limit", "10000")
    open_orders = router.json("orders", "--open")
    return router.json("balances"), router.json("orders"), open_orders, journals


def test_an_order_goes_from_quote_to_reconciled(router: Command) -> None:
    before = router.json("balances", "alice")["alice"]
    quote = router.json("quote", "WETH", "USDC", "10")
    assert quote["sellAmount"] == str(10**19)
    fills = quote["route"]["fills"]
    assert {fill["protocol"] for fill in fills} > {"book"}
    assert sum(int(f["proportionBps"]) for f in fills if f["from"] == quote["sellToken"]) == 10_000
    assert int(quote["minBuyAmount"]) <= int(quote["buyAmount"]) <= int(quote["upperBound"])

    routed = router.json("route", "WETH", "USDC", "10", "--account", "alice")
    order = routed["order"]
    assert order["status"] == "settled"
    assert order["received_units"] == routed["quote"]["buyAmount"]
    after = router.json("balances", "alice")["alice"]
    assert int(before["WETH"]["total"]) - int(after["WETH"]["total"]) == 10**19
    assert after["USDC"] == {
        "total": order["received_units"],
        "held": "0",
        "available": order["received_units"],
    }
    assert router.json("orders", "--account", "alice")[0] == order

    paid = router.json("withdraw", "alice", "USDC", "100.5", BOB, "--client-id", "once")
    again = router.json("withdraw", "alice", "USDC", "100.5", BOB, "--client-id", "once")
    assert (paid, paid["state"]) == (again, "settled")
    left = int(order["received_units"]) - 100_500_000
    assert router.json("balances", "alice")["alice"]["USDC"]["total"] == str(left)

    assert router.json("reconcile")["breaks"] == []
    said = router("reconcile")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("reconcile: 0 breaks (")


def test_people_read_whole_amounts_and_what_happened(
    router: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    said = router("quote", "WETH", "USDC", "20.000000000000000001", "--exclude", "book")
    assert said.out.startswith("20.000000000000000001 WETH -> ")
    assert "(at least " in said.out
    bid(router)
    explained = router("quote", "WETH", "USDC", "12.000000000000000001", "--explain").out
    assert "12.000000000000000001 WETH  →" in explained
    assert "book WETH/USDC" in explained
    assert "best possible" in explained
    assert router("route", "WETH", "USDC", "0.1", "--account", "alice").code == 0
    odd = ("WETH", "USDC", "0.123000000000000456", "--exclude", "book")
    routed = router("route", *odd, "--account", "alice")
    assert routed.code == 0, routed
    assert "accepted  held 0.123000000000000456 WETH" in routed.out
    assert "settled, 0.123" in routed.out
    assert "2 WETH resting" in router(
        "book", "place", "sell", "WETH/USDC", "2", "3600", "--account", "maker"
    ).out  # fmt: skip
    for arguments, expected in [
        (["orders"], "sell 0.123000000000000456 WETH"),
        (["orders", "--open"], "3600 USDC"),
        (["book", "show", "weth/usdc"], "3520 USDC"),
        (["book", "list"], "0.0001 WETH"),
        (["balances"], "alice"),
        (["wallets"], "hot 0x7099..79C8"),
        (["wallets"], "refill requests"),
        (["pools"], "V3 WETH/USDC 0.05%"),
        (["journals", "--limit", "10000"], "book_trade"),
        (["doctor"], "journals are sound"),
    ]:
        ran = router(*arguments)
        assert (ran.code, ran.err) == (0, ""), arguments
        assert expected in ran.out, arguments
        assert "…" not in ran.out, f"{arguments} cuts a text"


def test_a_narrow_terminal_folds_amounts_and_loses_no_digit(
    router: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = router("balances", "maker").out
    assert max(map(len, shown.splitlines())) <= 40
    assert "…" not in shown
    digits = "".join(c for c in shown if c.isdigit())
    monkeypatch.setenv("COLUMNS", "200")
    wide = router("balances", "maker").out
    assert sorted(digits) == sorted(c for c in wide if c.isdigit())


def test_every_reading_command_prints_one_json_document(router: Command) -> None:
    for arguments in [
        ("balances",), ("balances", "alice", "nobody"), ("wallets",), ("orders",),
        ("orders", "--open"), ("pools",), ("journals",), ("book", "list"),
        ("book", "show", "WETH/USDC"), ("doctor",), ("devnet", "status"), ("reconcile",),
        ("quote", "LINK", "WBTC", "3", "--explain"), ("thaw", "--reason", "nothing"),
    ]:  # fmt: skip
        router.json(*arguments)


def test_a_picture_is_written_where_it_was_asked_for(router: Command, tmp_path: Path) -> None:
    target = tmp_path / "route.svg"
    assert router("quote", "WETH", "USDC", "3", "--svg", str(target)).code == 0
    assert target.read_text(encoding="utf-8").startswith("<svg ")
    refused = router("quote", "WETH", "USDC", "3", "--svg", str(tmp_path / "no/route.svg"))
    assert (refused.code, refused.error_code) == (2, "USAGE")


# (code, exit code, command line)
BAD_REQUESTS = [
    ("ASSET_UNKNOWN", 2, "quote DOGE USDC 1"),
    ("ASSET_UNKNOWN", 2, "quote 'A\nB' USDC 1"),
    ("ASSET_NOT_ROUTABLE", 2, "quote FOT USDC 1"),
    ("SAME_ASSET", 2, "quote WETH weth 1"),
    ("AMOUNT_RANGE", 2, "quote WETH USDC 0"),
    ("AMOUNT_INVALID", 2, "quote WETH USDC -1"),
    ("AMOUNT_INVALID", 2, "quote WETH USDC -.5 --slippage-bps 5"),
    ("AMOUNT_INVALID", 2, "quote WETH USDC NaN"),
    ("AMOUNT_INVALID", 2, "quote WETH USDC Infinity"),
    ("AMOUNT_INVALID", 2, "quote WETH USDC 1e3"),
    ("AMOUNT_INVALID", 2, "quote WETH USDC ''"),
    ("AMOUNT_PRECISION", 2, "quote USDC WETH 0.0000001"),
    ("AMOUNT_PRECISION", 2, "quote WETH USDC 0.0000001 --exact-out"),
    ("AMOUNT_RANGE", 2, f"quote WETH USDC {2**256}"),
    ("ORDER_INVALID", 2, "quote WETH USDC 1 --slippage-bps -1"),
    ("ORDER_INVALID", 2, "quote WETH USDC 1 --max-hops 7"),
    ("ORDER_INVALID", 2, "quote WETH USDC 1 --protocol sushi"),
    ("NO_ROUTE", 1, "quote LINK DAI 1 --protocol book"),
    ("INSUFFICIENT_BALANCE", 1, "route WETH USDC 1000 --account alice"),
    ("INSUFFICIENT_BALANCE", 1, "route WETH USDC 1 --account nobody"),
    ("ORDER_INVALID", 2, "route WETH USDC 1 --account '[/red]../x'"),
    ("DEADLINE_EXPIRED", 1, "route WETH USDC 1 --account alice --deadline-ms -1000"),
    ("AMOUNT_INVALID", 2, "route WETH USDC -1 --account alice"),
    ("USAGE", 2, "deposit nobody WETH 1"),
    ("AMOUNT_INVALID", 2, "deposit alice WETH -1"),
    ("CONTRACT_REVERTED", 1, "deposit alice WETH 999999999999"),
    ("AMOUNT_INVALID", 2, f"withdraw alice WETH -1 {BOB}"),
    ("DESTINATION_INVALID", 2, "withdraw alice WETH 1 0x12"),
    ("DESTINATION_INVALID", 2, "withdraw alice WETH 1 0x0000000000000000000000000000000000000000"),
    ("INSUFFICIENT_BALANCE", 1, f"withdraw alice WETH 40 {BOB}"),
    ("NOT_FOUND", 1, "book show FOO/BAR"),
    ("NOT_FOUND", 1, "book cancel nope --account alice"),
    ("ORDER_INVALID", 2, "book place buy WETH/USDC 1.00001 3400 --account maker"),
    ("AMOUNT_INVALID", 2, "book place buy WETH/USDC -1 3400 --account maker"),
    ("INSUFFICIENT_BALANCE", 1, "book place buy WETH/USDC 1 3400 --account bob"),
    ("USAGE", 2, "frobnicate"),
    ("USAGE", 2, "quote"),
    ("USAGE", 2, "quote WETH USDC 1 2"),
    ("USAGE", 2, "quote WETH USDC 1 --slipage-bps 5"),
    ("USAGE", 2, "quote WETH USDC 1 --max-hops many"),
    ("USAGE", 2, "route WETH USDC 1"),
    ("USAGE", 2, "book place hold WETH/USDC 1 1 --account maker"),
    ("USAGE", 2, "serve"),
    ("USAGE", 2, "demo"),
]


def test_no_bad_request_holds_loses_or_sends_anything(router: Command) -> None:
    before = everything(router)
    for code, exit_code, line in BAD_REQUESTS:
        ran = router(*shlex.split(line))
        assert (ran.error_code, ran.code, ran.out) == (code, exit_code, ""), (line, ran)
    assert everything(router) == before
    assert router.json("reconcile")["breaks"] == []


def test_with_json_an_error_is_json_on_standard_error(router: Command) -> None:
    for code, exit_code, line in BAD_REQUESTS[::6]:
        ran = router(*shlex.split(line), "--json")
        assert (ran.code, ran.out) == (exit_code, ""), (line, ran)
        error = json.loads(ran.err)["error"]
        assert error["code"] == code, (line, error)
        assert error["message"]


def test_a_quote_that_waited_too_long_is_not_executed(
    router: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(router)
    monkeypatch.setenv("ROUTER__ROUTING__QUOTE_TTL_MS", "1")
    # Printing the explanation between the quote and its execution takes longer than it lives.
    ran = router("route", "WETH", "USDC", "1", "--account", "alice", "--explain")
    assert (ran.error_code, ran.code) == ("QUOTE_STALE", 1), ran.err
    monkeypatch.undo()
    assert everything(router) == before


BAD_FILES: list[tuple[str, int, str]] = [
    ("CONFIG_UNKNOWN_KEY", 2, "[chain]\nchian_id = 31337\n"),
    ("CONFIG_INVALID", 2, "[chain]\nconfirmations = 0\n"),
    ("CONFIG_INVALID", 2, "[chain\n"),
    ("CHAIN_MISMATCH", 1, "[chain]\nchain_id = 1\n"),
    ("CHAIN_UNAVAILABLE", 1, '[chain]\nattach = "none"\nrpc_url = "http://127.0.0.1:1"\n'
     'deployment_file = "{home}/devnet/deployment.json"\n'),
    ("KEY_FILE_MISSING", 1, '[wallets]\nhot_keystore = "keys/none.json"\n'),
    ("KEY_FILE_INVALID", 1, '[wallets]\nhot_keystore = "devnet/deployment.json"\n'),
    ("KEY_PASSWORD_WRONG", 1, '[wallets]\nhot_password_file = "wrong.password"\n'),
]  # fmt: skip


def test_a_wrong_configuration_is_one_sentence_and_changes_nothing(
    router: Command, tmp_path: Path
) -> None:
    before = everything(router)
    (router.home / "wrong.password").write_text("not the password")
    file = tmp_path / "router.toml"
    for code, exit_code, text in BAD_FILES:
        file.write_text(text.replace("{home}", str(router.home)))
        ran = router("--config", str(file), "route", "WETH", "USDC", "1", "--account", "alice")
        assert (ran.error_code, ran.code, ran.out) == (code, exit_code, ""), (text, ran)
    missing = router("--config", str(tmp_path / "none.toml"), "balances")
    assert (missing.error_code, missing.code) == ("CONFIG_NOT_FOUND", 2)
    assert everything(router) == before


def steal(router: Command, asset: str, units: int) -> None:
    """Move tokens out of the hot wallet with its key and without the program."""
    lines = router.json("wallets")["lines"]
    hot = next(line["wallet"]["address"] for line in lines if line["wallet"]["role"] == "hot")
    token = Deployment.load(deployment_path(router.home)).asset(asset).address
    call = {"from": hot, "to": token, "data": to_hex(TRANSFER.encode_call(BOB, units))}
    asyncio.run(send(router.json("devnet", "status")["url"], call))


async def send(url: str, call: dict[str, str]) -> None:
    async with JsonRpc(url) as rpc:
        await rpc.call("anvil_impersonateAccount", [call["from"]])
        tx_hash = await rpc.call("eth_sendTransaction", [call])
        async with asyncio.timeout(10):
            while await rpc.call("eth_getTransactionReceipt", [tx_hash]) is None:
                await rpc.call("evm_mine")


def test_an_outflow_behind_our_back_is_shown_and_freezes_until_an_operator_closes_it(
    devnet_genesis: object, tmp_path: Path
) -> None:
    with devnet(tmp_path) as run:
        run.json("deposit", "alice", "USDC", "100")
        steal(run, "USDC", 7)
        report = run("reconcile")
        assert report.code == 1
        assert "unknown_outflow" in report.out
        assert "the signer is frozen" in report.out
        refused = run("withdraw", "alice", "USDC", "1", BOB)
        assert (refused.code, refused.err.splitlines()[-1].split()[1]) == (1, "SIGNER_FROZEN:")
        assert run("thaw", "--reason", "a test took it", "--json").document["was_frozen_for"]
        assert run("reconcile").code == 1, "a thaw alone explains nothing"
        closed = run("incident", "close", "--note", "a test took 7 units", "--json").document
        assert closed["journal"]["journal"]["memo"] == "a test took 7 units"
        assert run("reconcile").code == 0
        run.json("withdraw", "alice", "USDC", "1", BOB)


def shell(router: Command, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ROUTER_HOME": str(router.home), "ROUTER": ROUTER}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_reader_that_leaves_early_gets_no_traceback(router: Command) -> None:
    done = shell(router, '"$ROUTER" journals --json --limit 10000 | head -c 1')
    assert (done.stdout, done.stderr) == ("[", "")


def test_an_order_is_settled_though_the_reader_of_its_progress_left(router: Command) -> None:
    terms = "0.01 --account alice --client-order-id unread"
    done = shell(router, f'"$ROUTER" route WETH USDC {terms} | true')
    assert (done.returncode, done.stderr) == (0, "")
    last = router.json("orders")[0]
    assert (last["order"]["client_order_id"], last["status"]) == ("unread", "settled")


def test_ctrl_c_says_so_in_one_line_and_exits_130(router: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf_node:
        deaf_node.settimeout(30)
        environment = {
            **os.environ,
            "ROUTER_HOME": str(router.home),
            "ROUTER__CHAIN__ATTACH": "none",
            "ROUTER__CHAIN__RPC_URL": f"http://127.0.0.1:{deaf_node.getsockname()[1]}",
            "ROUTER__CHAIN__DEPLOYMENT_FILE": str(router.home / "devnet/deployment.json"),
            "ROUTER__CHAIN__CALL_TIMEOUT_MS": "30000",
        }
        with subprocess.Popen(
            [ROUTER, "reconcile"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = deaf_node.accept()  # Now it waits for the node's answer.
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            connection.close()
    assert (process.returncode, out) == (130, "")
    assert err.strip().startswith("error INTERRUPTED: ")
    assert err.strip().count("\n") == 0


def test_serving_stops_on_ctrl_c_and_tells_what_it_did(router: Command) -> None:
    environment = {**os.environ, "ROUTER_HOME": str(router.home)}
    with subprocess.Popen(
        [ROUTER, "serve", "--no-api"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving the timers; Ctrl-C stops\n"
        busy = router("reconcile")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert busy.error_code == "BUSY"
    assert (process.returncode, err) == (0, "")
    assert "deposits" in out
