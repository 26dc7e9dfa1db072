"""`router demo`: the main job on a real local chain, from an empty folder to zero breaks."""

import asyncio
from pathlib import Path

import click

from router.cli.output import JSON_OPTION, print_json


@click.command()
@click.option(
    "--home",
    "home",
    metavar="DIR",
    default="var/demo",
    show_default=True,
    help="Folder of the demo; its earlier contents are replaced.",
)
@click.option("--keep", is_flag=True, help="Leave the devnet running at the end.")
@JSON_OPTION
def demo(home: str, keep: bool, as_json: bool) -> int:
    """Split an order over book and pools, settle it, survive a kill, reconcile to the unit.

    Starts a real Anvil with the real Uniswap contracts. Leaves report.html and route.svg in the
    folder.
    """
    from router.cli.demo.story import tell  # noqa: PLC0415 - `--help` must not load the services

    outcome = asyncio.run(tell(Path(home), keep=keep, silent=as_json))
    if as_json:
        print_json(outcome)
    return 0 if outcome.succeeded else 1
