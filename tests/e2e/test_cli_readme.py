"""The commands and the Python of README.md's first steps do what the page says."""

import ast
import asyncio
import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from router.cli.main import execute

PAGE = Path(__file__).resolve().parents[2] / "README.md"


def block(language: str) -> str:
    """Return the first code block of a language under "First steps"."""
    section = PAGE.read_text(encoding="utf-8").partition("## First steps")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, f"README.md has no {language or 'shell'} block under First steps"
    return found[1]


def commands() -> list[list[str]]:
    """Split the block as a shell would; only the busy port of a shared machine is changed."""
    lines = [part for line in block("").splitlines() for part in line.partition("#")[0].split(";")]
    parsed = [shlex.split(line) for line in lines if line.strip()]
    assert all(words[0] == "router" for words in parsed), parsed
    return [[*words[1:], *(["--port", "0"] if words[2:3] == ["up"] else [])] for words in parsed]


def run(arguments: list[str]) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = execute(arguments)
    assert (code, err.getvalue()) == (0, ""), (arguments, err.getvalue())
    return out.getvalue()


@pytest.mark.usefixtures("devnet_genesis")
def test_the_first_steps_work_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # The page uses the default folder.
    steps = commands()
    assert [step[0] for step in (steps[0], steps[-1])] == ["devnet", "devnet"]
    try:
        said = {" ".join(step[:2]): run(step) for step in steps[:-1]}
        assert "settled" in said["route WETH"]
        assert said["reconcile"].startswith("reconcile: 0 breaks")
        lived = run_python(block("python"))
        assert lived["order"].status == "settled"  # type: ignore[attr-defined]
    finally:
        stopped = run(steps[-1])
    assert stopped == "devnet stopped\n"


def run_python(text: str) -> dict[str, object]:
    """Run a snippet with `await` at its top, as in an asyncio console; return its names."""
    code = compile(text, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, object] = {}

    async def lived() -> None:
        await eval(code, names)

    asyncio.run(lived())
    return names
