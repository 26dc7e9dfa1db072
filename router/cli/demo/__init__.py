"""`router demo`: the main job on a real local chain, from an empty folder to zero breaks."""

import asyncio
from pathlib import Path
from typing import Final

import click

from router.cli.output import JSON_OPTION, print_json

DEFAULT_HOME: Final = "var/demo"


@click.command()
@click.option(
    "--home",
    "home",
    metavar="DIR",
    help=f"Folder of the demo; its earlier contents are replaced. Default {DEFAULT_HOME}.",
)
@click.option("--keep", is_flag=True, help="Leave the devnet running at the end.")
@JSON_OPTION
@click.pass_context
def demo(ctx: click.Context, home: str | None, keep: bool, as_json: bool) -> int:
    """Split an order over book and pools, settle it, survive a kill, reconcile to the unit.

    Starts a real Anvil with the real Uniswap contracts. Leaves report.html and route.svg in the
    folder. Reads no configuration.

    Example: router demo --home var/demo
    """
    from router.cli.demo.story import tell  # noqa: PLC0415 - `--help` must not load the services

    settled = ctx.find_root().obj or {}
    chosen = home or settled.get("home") or DEFAULT_HOME
    outcome = asyncio.run(tell(Path(chosen).expanduser().resolve(), keep=keep, silent=as_json))
    if as_json:
        print_json(outcome)
    return 0 if outcome.succeeded else 1
