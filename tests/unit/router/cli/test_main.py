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
    ids=["usage", "failure"],
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


@pytest.mark.parametrize(
    ("error", "printed", "exit_code"),
    [
        (TimeoutError(), "error CHAIN_UNAVAILABLE: The node did not answer in time.\n", 1),
        (
            PermissionError(13, "Permission denied", "ledger.db"),
            "error IO_ERROR: ledger.db: Permission denied.\n",
            1,
        ),
        (OSError(28, "No space left on device"), "error IO_ERROR: No space left on device.\n", 1),
        (click.UsageError("Two\nlines."), "error USAGE: Two lines.\n", 2),
    ],
    ids=["timeout", "permission", "full disk", "two lines"],
)
def test_what_the_world_does_is_one_line_too(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    printed: str,
    exit_code: int,
) -> None:
    failing.append(error)
    assert main.execute(["quote"]) == exit_code
    assert capsys.readouterr() == ("", printed)


def test_an_interrupt_exits_130_and_says_how_it_goes_on(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(KeyboardInterrupt())
    assert main.execute(["quote"]) == 130
    assert capsys.readouterr().err.strip().startswith("error INTERRUPTED: Interrupted; the next")


def test_a_fault_of_the_program_keeps_its_traceback(failing: list[BaseException]) -> None:
    failing.append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main.execute(["quote"])


def test_a_message_cannot_steer_the_terminal(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(FailureError("ORDER_REJECTED", "reverted: \x1b[2J\r\nerror X:\tgone\u202e"))
    assert main.execute(["quote"]) == 1
    assert capsys.readouterr().err == "error ORDER_REJECTED: reverted: [2J error X: gone\n"


def test_a_group_without_a_command_shows_its_help_and_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.execute(["book"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Usage: router book" in printed.err
    assert printed.err.splitlines()[-1] == "error USAGE: A command is missing."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--slipage-bps", "5"], "'--slipage-bps'. Did you mean '--slippage-bps'?"),
        (["--slipage-bps=5"], "'--slipage-bps'. Did you mean '--slippage-bps'?"),
        (["-x"], "'-x'"),
    ],
)
def test_a_wrong_option_is_named_although_an_amount_may_begin_with_a_minus(
    capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    assert main.execute(["quote", "WETH", "USDC", "1", *words]) == 2
    assert capsys.readouterr().err.startswith(f"error USAGE: No such option {expected}")


def test_a_negative_number_is_an_argument_and_what_follows_two_dashes_too() -> None:
    command = main.cli.get_command(click.Context(main.cli), "quote")
    assert command is not None
    for words in (["-1"], ["-.5"], ["--", "--odd"]):
        ctx = command.make_context("quote", ["WETH", "USDC", *words])
        assert ctx.params["amount"] == words[-1]
