"""Every command explains itself, and its example is a command line that it accepts."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from router.cli.main import COMMANDS, cli, execute

ROOT = Path(__file__).resolve().parents[4]
GROUPS = {"incident", "book", "devnet", "universe"}


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group."""
    yield path
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            assert found is not None
            yield from walk(found, (*path, name))


PATHS = list(walk(cli))


def help_of(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert execute([*path, "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def test_the_walk_finds_every_command() -> None:
    assert {path[0] for path in PATHS if path} == set(COMMANDS)
    assert {path[0] for path in PATHS if len(path) == 2} == GROUPS


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_has_a_sentence_an_example_and_a_word_on_each_option(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(path, capsys)
    assert re.search(r"^  [A-Z].*", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80
    assert "TEXT  " not in re.sub("--(reason|note) TEXT", "", text), "an option says what it takes"
    for option in re.findall(r"^  (--[\w-]+)[^\n]*", text, re.MULTILINE):
        shown = re.search(rf"{option}\b[^\n]*?(\n +)?\s{{2,}}\S", text)
        assert shown, f"{option} has no help"
    example = re.search(r"Example:\s+router (.+)", text)
    assert example, text
    accept(example[1])


def accept(line: str) -> None:
    """Parse a command line as the program does, without running it."""
    ctx = cli.make_context("router", shlex.split(line))
    command: click.Command = cli
    rest = [*ctx._protected_args, *ctx.args]
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(ctx, rest)
        assert found is not None, name
        ctx = found.make_context(name, list(rest), parent=ctx)
        rest = [*ctx._protected_args, *ctx.args]
        command = found
    assert not rest


def test_help_loads_neither_the_services_nor_the_chain() -> None:
    script = (
        "import sys; from router.cli.main import execute; execute(['--help']); "
        "execute(['route', '--help']); execute(['devnet', 'up', '--help']); "
        "bad = {'ccxt', 'web3', 'sqlmodel', 'router.sdk', 'router.devnet'} & set(sys.modules); "
        "sys.exit(f'loaded {bad}' if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def shown_commands() -> list[tuple[str, str]]:
    """Every line of the pages' code blocks that begins with the command."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.M):
            for line in block.splitlines():
                parts = re.split(r"[;|#]|&&", line)
                found += [(page.name, p.strip()) for p in parts if p.strip().startswith("router ")]
    return found


def test_every_command_in_the_pages_is_one_that_the_program_accepts() -> None:
    shown = [(page, line) for page, line in shown_commands() if "..." not in line]
    assert len(shown) > 30
    for page, line in shown:
        try:
            accept(line.removeprefix("router "))
        except click.ClickException as error:
            pytest.fail(f"{page}: {line}: {error.format_message()}")
