"""`router devnet`: bring the local chain up, look at it, take it down, start it afresh."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from router.cli.output import JSON_OPTION, print_json, print_table, table

if TYPE_CHECKING:
    from router.devnet.lifecycle import DevnetHandle, DevnetStatus

HOME_OPTION: Final = click.option(
    "--home", metavar="DIR", help="Data directory; default ./var or $ROUTER_HOME."
)
PORT_OPTION: Final = click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Port of the node; 0 takes a free one. Default 8545.",
)


@click.group()
def devnet() -> None:
    """Run a local chain: real Anvil with real Uniswap contracts and seeded pools.

    Example: router devnet up
    """


@devnet.command()
@PORT_OPTION
@click.option(
    "--block-time",
    "block_time_s",
    type=click.IntRange(1, 3_600),
    default=1,
    show_default=True,
    help="Seconds between blocks; a transaction is mined at once besides.",
)
@HOME_OPTION
@JSON_OPTION
@click.pass_context
def up(
    ctx: click.Context, port: int | None, block_time_s: int, home: str | None, as_json: bool
) -> None:
    """Start the devnet, or attach to the one that runs already.

    Example: router devnet up --port 0
    """
    from router.devnet import lifecycle  # noqa: PLC0415 - `--help` must not load the chain

    folder = _home(ctx, home)
    with _progress(as_json=as_json) as report:
        handle = asyncio.run(
            lifecycle.up(folder, port=port, block_time_s=block_time_s, progress=report)
        )
    _print_handle(handle, folder, as_json=as_json)


@devnet.command()
@HOME_OPTION
@JSON_OPTION
@click.pass_context
def status(ctx: click.Context, home: str | None, as_json: bool) -> int:
    """Show whether the devnet runs; exit code 1 unless it does.

    Example: router devnet status --json
    """
    from router.devnet import lifecycle  # noqa: PLC0415

    folder = _home(ctx, home)
    found = asyncio.run(lifecycle.status(folder))
    running = found.condition is lifecycle.DevnetCondition.RUNNING
    if as_json:
        print_json(_status_document(found, folder))
    else:
        click.echo(_status_line(found, folder))
    return 0 if running else 1


@devnet.command()
@HOME_OPTION
@JSON_OPTION
@click.pass_context
def down(ctx: click.Context, home: str | None, as_json: bool) -> None:
    """Stop the devnet; its chain is gone afterwards.

    Example: router devnet down
    """
    from router.devnet import lifecycle  # noqa: PLC0415

    folder = _home(ctx, home)
    stopped = asyncio.run(lifecycle.down(folder))
    if as_json:
        print_json({"stopped": stopped, "home": str(folder)})
    else:
        click.echo("devnet stopped" if stopped else f"no devnet was running in {folder}")


@devnet.command()
@PORT_OPTION
@HOME_OPTION
@JSON_OPTION
@click.pass_context
def reset(ctx: click.Context, port: int | None, home: str | None, as_json: bool) -> None:
    """Start the chain afresh; a ledger in the same directory still knows the old one.

    Example: router devnet reset
    """
    from router.devnet import lifecycle  # noqa: PLC0415

    folder = _home(ctx, home)
    with _progress(as_json=as_json) as report:
        handle = asyncio.run(lifecycle.reset(folder, port=port, progress=report))
    _print_handle(handle, folder, as_json=as_json)


def _home(ctx: click.Context, option: str | None) -> Path:
    """Return the data directory: the command's option, the program's, $ROUTER_HOME, ./var."""
    settled = ctx.find_root().obj
    inherited = settled.get("home") if isinstance(settled, dict) else None
    chosen = option or inherited or os.environ.get("ROUTER_HOME") or "var"
    return Path(chosen).expanduser().resolve()


@contextmanager
def _progress(*, as_json: bool) -> Iterator[Any]:
    """Give a `Progress` callback that draws a bar on standard error, if somebody looks."""
    out = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=out, transient=True, disable=as_json or not out.is_terminal
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total or None)
            bar.update(tasks[step], completed=done, total=total or None)

        yield report


def _print_handle(handle: "DevnetHandle", folder: Path, *, as_json: bool) -> None:
    from connectors.chain.devnet_state import deployment_path  # noqa: PLC0415

    deployment = handle.deployment
    if as_json:
        print_json(
            {
                "url": handle.url,
                "chain_id": handle.chain_id,
                "pid": handle.pid,
                "attached": handle.attached,
                "outdated": handle.outdated,
                "home": str(folder),
                "deployment_file": str(deployment_path(folder)),
            }
        )
        return
    shown = table("devnet", "what", "where")
    shown.add_row("node", f"{handle.url} (chain {handle.chain_id}, process {handle.pid})")
    shown.add_row("tokens", " ".join(a.symbol for a in deployment.assets if not a.is_native))
    shown.add_row("pools", f"{len(deployment.pools)}, see `router pools`")
    shown.add_row("executor", deployment.contracts["RouteExecutor"])
    shown.add_row("files", str(deployment_path(folder).parent))
    print_table(shown, "")
    if handle.attached:
        click.echo("it ran already")
    if handle.outdated:
        click.echo("it was started by another version; `router devnet reset` starts this one's")


def _status_document(found: "DevnetStatus", folder: Path) -> dict[str, Any]:
    return {
        "condition": str(found.condition),
        "url": found.url,
        "pid": found.pid,
        "chain_id": found.chain_id,
        "block_number": found.block_number,
        "block_timestamp_s": found.block_timestamp_s,
        "home": str(folder),
    }


def _status_line(found: "DevnetStatus", folder: Path) -> str:
    if found.block_number is not None:
        return f"running at {found.url}, process {found.pid}, block {found.block_number}"
    return {
        "stopped": f"no devnet was started in {folder}; run `router devnet up`",
        "dead": f"process {found.pid} is gone; run `router devnet up` to start it again",
        "hung": f"process {found.pid} does not answer at {found.url}; run `router devnet reset`",
    }[str(found.condition)]
