"""Errors leave the command line as one sentence with a code, never as a traceback."""

import json

import click
import pytest

from router.cli import main
from router.domain.errors import FailureError, UsageError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    raised: list[BaseException] = []

    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def quote(as_json: bool) -> None:
        raise raised[0]

    monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: quote)
    return raised


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (UsageError("AMOUNT_INVALID", "That is not a number."), 2),
        (FailureError("NO_ROUTE", "Nothing connects the two."), 1),
    ],
)
def test_an_error_is_one_line_with_its_code_and_exit_code(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    error: UsageError | FailureError,
    exit_code: int,
) -> None:
    failing.append(error)
    assert main.execute(["quote"]) == exit_code
    printed = capsys.readouterr()
    assert printed.err == f"error {error.code}: {error.message}\n"
    assert printed.out == ""


def test_with_json_the_error_is_json(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(FailureError("NO_ROUTE", "Nothing connects the two."))
    assert main.execute(["quote", "--json"]) == 1
    document = json.loads(capsys.readouterr().err)
    assert document == {"error": {"code": "NO_ROUTE", "message": "Nothing connects the two."}}


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.execute(["frobnicate"]) == 2
    assert capsys.readouterr().err.startswith("error USAGE: ")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.execute(["--help"]) == 0
    printed = capsys.readouterr().out
    assert set(main.COMMANDS) <= set(printed.split())
