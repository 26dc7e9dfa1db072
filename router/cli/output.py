"""How commands print: one console, one JSON form."""

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from router.domain.amounts import Amount
from router.domain.assets import Asset

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


PIPED_WIDTH = 120


def console(*, quiet: bool = False) -> Console:
    """Return the console for people; progress and pictures go to it, JSON never does."""
    made = Console(highlight=False, quiet=quiet)
    if not made.is_terminal:
        made.width = PIPED_WIDTH  # rich would take 80 columns where nobody can see a terminal
    return made


def plain(value: Any) -> Any:  # noqa: ANN401 - this is the boundary to JSON
    """Turn domain values into JSON values: amounts become decimal strings of base units.

    A field of money (its name ends in `units` or `_wei`) is always a decimal string, so that no
    JSON reader loses a unit above 2^53.
    """
    if isinstance(value, Amount):
        return {"asset": value.asset.symbol, "units": str(value.units), "text": value.format()}
    if isinstance(value, Asset):
        return value.symbol
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain_field(f.name, getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:  # noqa: ANN401 - part of the boundary to JSON
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if value is None or isinstance(value, str | float | int):
        return value
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _plain_field(name: str, value: Any) -> Any:  # noqa: ANN401 - part of the boundary to JSON
    if isinstance(value, int) and name.endswith(("units", "_wei")):
        return str(value)
    return plain(value)


def print_json(value: Any) -> None:  # noqa: ANN401 - this is the boundary to JSON
    click.echo(json.dumps(plain(value), indent=2))


def table(title: str, *columns: str, right: frozenset[str] = frozenset()) -> Table:
    """Return an empty table; columns named in `right` are aligned for numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made
