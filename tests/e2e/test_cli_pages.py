"""The commands of README.md and of the first-steps guide do what the pages say, in their order."""

import ast
import asyncio
import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.cli.main import execute

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8").partition("## First steps")[2]
GUIDE = (ROOT / "docs/guides/first-steps.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.usefixtures("devnet_genesis")


def blocks(text: str, language: str = "") -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert found, f"no {language or 'shell'} block"
    return found


def commands(text: str) -> list[list[str]]:
    """Split shell lines into `router` commands; only the port, which may be busy, is changed."""
    lines = [part for line in text.splitlines() for part in line.partition("#")[0].split(";")]
    parsed = [shlex.split(line.partition("|")[0]) for line in lines if line.strip()]
    ours = [words[1:] for words in parsed if words[0] == "router"]
    return [[*words, "--port", "0"] if words == ["devnet", "up"] else words for words in ours]


def run(arguments: list[str]) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = execute(arguments)
    assert (code, err.getvalue()) == (0, ""), (arguments, err.getvalue())
    return out.getvalue()


@contextlib.contextmanager
def working_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use the default data directory below `folder`; no devnet is left behind."""
    monkeypatch.chdir(folder)
    try:
        yield
    finally:
        run(["devnet", "down"])


def test_the_first_steps_of_the_readme_work_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = commands(blocks(README)[0])
    assert (steps[0][:2], steps[-1]) == (["devnet", "up"], ["devnet", "down"])
    with working_in(tmp_path, monkeypatch):
        said = {" ".join(step[:2]): run(step) for step in steps[:-1]}
        assert "settled" in said["route WETH"]
        assert said["reconcile"].startswith("reconcile: 0 breaks")
        lived = run_python(blocks(README, "python")[0])
        assert str(lived["order"].status) == "settled"  # type: ignore[attr-defined]
        assert run(steps[-1]) == "devnet stopped\n"


def run_python(text: str) -> dict[str, object]:
    """Run a snippet with `await` at its top, as in an asyncio console; return its names."""
    code = compile(text, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, object] = {}

    async def lived() -> None:
        await eval(code, names)

    asyncio.run(lived())
    return names


def test_the_guide_works_from_its_first_command_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = commands("\n".join(blocks(GUIDE)))
    assert steps.pop(0) == ["doctor"], "it says itself that this one fails without a devnet"
    assert len(steps) > 15
    with working_in(tmp_path, monkeypatch):
        said = {}
        for step in steps:
            filled = [last_order() if word == "ORDER_ID" else word for word in step]
            said[" ".join(step[:2])] = run(filled)
        assert (tmp_path / "route.svg").exists()
        assert "settled" in said["route WETH"]
        assert "alice" in said["journals --reference"]
        assert said["reconcile"].startswith("reconcile: 0 breaks")


def last_order() -> str:
    newest: str = json.loads(run(["orders", "--json"]))[0]["order"]["order_id"]
    return newest
