"""`router devnet` as a user sees it: what it prints and how it exits."""

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from connectors.chain import anvil
from router.cli.main import execute

pytestmark = pytest.mark.usefixtures("devnet_genesis")


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a devnet command in `home`; return its exit code, output and errors."""

    def invoke(*arguments: str) -> tuple[int, str, str]:
        code = execute(["devnet", *arguments, "--home", str(home)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return invoke


def test_up_status_down_and_their_json(run: Any, home: Path) -> None:
    code, out, _ = run("up", "--port", "0", "--json")
    started = json.loads(out)
    assert (code, started["chain_id"], started["attached"]) == (0, 31337, False)
    assert Path(started["deployment_file"]).is_file()

    code, out, _ = run("status", "--json")
    assert (code, json.loads(out)["condition"]) == (0, "running")
    assert json.loads(out)["url"] == started["url"]

    code, out, _ = run("up", "--json")
    assert (code, json.loads(out)["attached"]) == (0, True)

    code, out, _ = run("down", "--json")
    assert (code, json.loads(out)["stopped"]) == (0, True)
    code, out, _ = run("down", "--json")
    assert (code, json.loads(out)["stopped"]) == (0, False)


def test_people_read_where_the_node_is(run: Any) -> None:
    _, out, _ = run("up", "--port", "0")
    assert "http://127.0.0.1:" in out
    assert "WETH USDC USDT DAI WBTC LINK FOT" in out
    code, out, _ = run("status")
    assert code == 0
    assert out.startswith("running at http://127.0.0.1:")


def test_status_without_a_devnet_says_what_to_do_and_exits_1(run: Any) -> None:
    code, out, _ = run("status")
    assert code == 1
    assert "router devnet up" in out


def test_status_of_a_killed_devnet_exits_1(run: Any) -> None:
    started = json.loads(run("up", "--port", "0", "--json")[1])
    os.kill(started["pid"], signal.SIGKILL)
    while anvil.process_command(started["pid"]) is not None:
        os.sched_yield()
    code, out, _ = run("status", "--json")
    assert (code, json.loads(out)["condition"]) == (1, "dead")


def test_reset_gives_another_process(run: Any) -> None:
    first = json.loads(run("up", "--port", "0", "--json")[1])
    code, out, _ = run("reset", "--json")
    second = json.loads(out)
    assert code == 0
    assert (second["url"], second["pid"] == first["pid"]) == (first["url"], False)


def test_a_busy_port_is_one_sentence_and_exit_code_1(run: Any) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, out, err = run("up", "--port", str(other.getsockname()[1]))
    assert (code, out) == (1, "")
    assert err.startswith("error DEVNET_PORT_BUSY: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["up", "--port", "65536"], ["up", "--block-time", "0"], ["x"]]
)
def test_wrong_usage_exits_2(run: Any, arguments: list[str]) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert err.startswith("error USAGE: ")


def test_the_home_of_the_environment_is_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUTER_HOME", str(home / "elsewhere"))
    execute(["devnet", "status", "--json"])
    assert json.loads(capsys.readouterr().out)["home"] == str(home / "elsewhere")
    execute(["--home", str(home), "devnet", "status", "--json"])
    assert json.loads(capsys.readouterr().out)["home"] == str(home)
