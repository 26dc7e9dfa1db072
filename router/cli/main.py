"""Entry point of the `router` command: lazy sub-commands and one place that prints errors."""

import io
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click

from router.cli.plain_text import one_line
from router.domain.errors import RouterError

# name -> (module, attribute); a command is imported when it is used, so `--help` stays quick
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "balances": ("router.cli.accounts", "balances"),
    "book": ("router.cli.book", "book"),
    "demo": ("router.cli.demo", "demo"),
    "deposit": ("router.cli.payments", "deposit"),
    "devnet": ("router.cli.devnet", "devnet"),
    "doctor": ("router.cli.operations", "doctor"),
    "incident": ("router.cli.incident", "incident"),
    "journals": ("router.cli.accounts", "journals"),
    "orders": ("router.cli.accounts", "orders"),
    "pools": ("router.cli.accounts", "pools"),
    "quote": ("router.cli.trading", "quote"),
    "reconcile": ("router.cli.operations", "reconcile"),
    "route": ("router.cli.trading", "route"),
    "serve": ("router.cli.operations", "serve"),
    "thaw": ("router.cli.operations", "thaw"),
    "universe": ("router.cli.universe", "universe"),
    "wallets": ("router.cli.accounts", "wallets"),
    "withdraw": ("router.cli.payments", "withdraw"),
}
FAILURE_EXIT: Final = 1
USAGE_EXIT: Final = 2
INTERRUPTED_EXIT: Final = 130
# Anything else is a fault of the program and keeps its traceback.
_EXPECTED: Final = (
    RouterError,
    OSError,
    click.ClickException,
    click.exceptions.Abort,
    KeyboardInterrupt,
)


class LazyGroup(click.Group):
    """Loads a sub-command's module only when that sub-command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), cmd_name
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_path", metavar="FILE", help="Configuration file (TOML).")
@click.option("--home", metavar="DIR", help="Data directory; default ./var or $ROUTER_HOME.")
@click.version_option(package_name="hybrid-liquidity-router", prog_name="router")
@click.pass_context
def cli(ctx: click.Context, config_path: str | None, home: str | None) -> None:
    """Route orders over our order book and on-chain pools, settle them, reconcile to the unit.

    Example: router quote WETH USDC 10 --explain
    """
    ctx.obj = {"config_path": config_path, "home": home}


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # A terminal without our arrows still gets words.
    sys.exit(execute(list(sys.argv[1:] if arguments is None else arguments)))


def execute(arguments: list[str]) -> int:
    """Run one command; print its error, if any, on standard error; return the exit code."""
    as_json = "--json" in arguments
    try:
        result: Any = cli.main(args=arguments, prog_name="router", standalone_mode=False)
    except _EXPECTED as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError) and not as_json:
            click.echo(f"{error.format_message()}\n", err=True)
        code, sentence, exit_code = _told(error)
        _print_error(code, sentence, as_json=as_json)
        return exit_code
    return result if isinstance(result, int) else 0


def _told(error: BaseException) -> tuple[str, str, int]:
    """Return an error's code, its sentence and the exit code."""
    match error:
        case RouterError():
            told = error.code, error.message, error.exit_code
        case TimeoutError():
            told = "CHAIN_UNAVAILABLE", "The node did not answer in time.", FAILURE_EXIT
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            told = "IO_ERROR", f"{where}{error.strerror or error}.", FAILURE_EXIT
        case click.exceptions.NoArgsIsHelpError():
            told = "USAGE", "A command is missing.", USAGE_EXIT
        case click.ClickException():
            told = "USAGE", error.format_message(), USAGE_EXIT
        case _:
            sentence = "Interrupted; the next command that writes finishes what was begun."
            told = "INTERRUPTED", sentence, INTERRUPTED_EXIT
    return told


def _print_error(code: str, message: str, *, as_json: bool) -> None:
    sentence = one_line(message)
    if as_json:
        click.echo(json.dumps({"error": {"code": code, "message": sentence}}), err=True)
    else:
        click.echo(f"error {code}: {sentence}", err=True)
