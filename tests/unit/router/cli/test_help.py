"""Every command explains itself, and its example is a command line that it accepts."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from router.cli.main import COMMANDS, cli, execute

GROUPS = {"book", "devnet"}


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
    assert "TEXT  " not in text.replace("--reason TEXT", ""), "an option says what it takes"
    for option in re.findall(r"^  (--[\w-]+)[^\n]*", text, re.MULTILINE):
        shown = re.search(rf"{option}\b[^\n]*?(\n +)?\s{{2,}}\S", text)
        assert shown, f"{option} has no help"
    example = re.search(r"Example:\s+router (.+)", text)
    assert example, text
    ctx = cli.make_context("router", shlex.split(example[1]))
    command, rest = cli, ctx.args if not ctx._protected_args else [*ctx._protected_args, *ctx.args]
    while isinstance(command, click.Group):
        _, found, rest = command.resolve_command(ctx, rest)
        assert found is not None
        ctx = found.make_context("x", list(rest), parent=ctx)
        rest = [*ctx._protected_args, *ctx.args]
        command = found
    assert not rest


def test_help_loads_neither_the_services_nor_the_chain() -> None:
    import subprocess
    import sys

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
