"""`router universe import`: real pools and orders from files of other programs."""

from pathlib import Path

import click

from router.cli.output import counted, write_text
from router.cli.plain_text import one_line
from router.domain.errors import UsageError
from router.universe.merging import merged
from router.universe.reading import read_universe
from router.universe.records import Universe
from router.universe.tycho import orders_onto, pairs_universe, states_universe
from router.universe.writing import universe_json

_FILE = click.Path(path_type=Path)
_ORDERS = "fynd-orders"
_KINDS = ("tycho-pairs", "tycho-states", "universe", _ORDERS)
NOTES_SHOWN = 10


@click.group()
def universe() -> None:
    """Files of pools and orders that `router quote --universe` reads.

    Example: router universe import tycho-states data.json --out pools.json
    """


@universe.command(name="import")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("file", type=_FILE)
@click.option("--into", "base", type=_FILE, metavar="FILE", help="A universe to add to.")
@click.option("--tokens", type=_FILE, metavar="FILE", help="Symbols and decimals of tycho-pairs.")
@click.option("--out", type=_FILE, metavar="FILE", help="Where to write; standard output else.")
def import_file(
    kind: str, file: Path, base: Path | None, tokens: Path | None, out: Path | None
) -> None:
    """Turn FILE into a universe, or add it to one: tokens are the same where addresses are.

    KIND is tycho-pairs (a Tycho message with Uniswap V2 snapshots), tycho-states (serialised
    states of Uniswap V2 and V3 pools), fynd-orders (requests; needs --into), or universe.

    Example: router universe import tycho-states data.json --out universe.json
    """
    before = None if base is None else read_universe(base)
    if kind == _ORDERS:
        if before is None:
            raise UsageError("USAGE", "Orders name tokens of a universe: give it with --into.")
        made, refused = orders_onto(file, before)
        for order in refused[:NOTES_SHOWN]:
            click.echo(one_line(f"left out: {order.code}: {order.message}"), err=True)
        if len(refused) > NOTES_SHOWN:
            click.echo(f"left out {counted(len(refused) - NOTES_SHOWN, 'more order')}", err=True)
    else:
        added = _read(kind, file, tokens)
        made = merged([added] if before is None else [before, added])
    told = (
        f"{counted(len(made.pools), 'pool')}, {counted(len(made.tokens), 'token')}, "
        f"{counted(len(made.orders), 'order')}"
    )
    text = universe_json(made)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
    click.echo(told, err=True)


def _read(kind: str, file: Path, tokens: Path | None) -> Universe:
    if tokens is not None and kind != "tycho-pairs":
        raise UsageError("USAGE", "--tokens goes with tycho-pairs only.")
    match kind:
        case "tycho-pairs":
            return pairs_universe(file, tokens)
        case "tycho-states":
            return states_universe(file)
        case _:
            return read_universe(file)
