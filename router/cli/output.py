"""How commands print: one console, one JSON form."""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from router.cli.plain_text import printable
from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.errors import UsageError

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
PIPED_WIDTH: Final = 120
_UNLIMITED: Final = 10_000
# Fields of money whose names end neither in `units` nor in `_wei`.
_MONEY_FIELDS: Final = frozenset({"low", "target", "high", "total", "held"})


class SafeConsole(Console):
    """Shows what a text says and does nothing that it asks for.

    No markup is read, so a text with [brackets] is printed as it is; what has a style is a
    `rich.text.Text`. Control characters are dropped; rich's own are control segments and styles.
    """

    def on_broken_pipe(self) -> None:
        """Stop printing when the reader is gone; what the command does goes on to its end."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text), segment.style)


def console(*, quiet: bool = False) -> Console:
    """Return the console for people; progress and pictures go to it, JSON never does."""
    made = SafeConsole(highlight=False, markup=False, emoji=False, quiet=quiet)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPED_WIDTH  # rich would take 80 columns where nobody can see a terminal
    return made


def plain(value: Any) -> Any:  # noqa: ANN401 - this is the boundary to JSON
    """Turn domain values into JSON values: amounts become decimal strings of base units.

    A field of money is always a decimal string, so that no JSON reader loses a unit above 2^53.
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
        items = [plain(item) for item in value]
        return sorted(items) if isinstance(value, set | frozenset) else items
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:  # noqa: ANN401 - part of the boundary to JSON
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it.
    if value is None or isinstance(value, str | float | int):
        return value
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _plain_field(name: str, value: Any) -> Any:  # noqa: ANN401 - part of the boundary to JSON
    is_money = name.endswith(("units", "_wei")) or name in _MONEY_FIELDS
    if is_money and isinstance(value, int):
        return str(value)
    return plain(value)


def print_json(value: Any) -> None:  # noqa: ANN401 - this is the boundary to JSON
    click.echo(json.dumps(plain(value), indent=2, allow_nan=False))


def table(title: str, *columns: str, right: frozenset[str] = frozenset()) -> Table:
    """Return an empty table; columns named in `right` are aligned for numbers.

    A cell that is too long is folded, never cut: half an amount would be another amount. Print it
    with `print_table` or through `fitted`.
    """
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def print_table(made: Table, nothing: str) -> None:
    """Print a table; one without rows is the sentence `nothing`."""
    if made.row_count:
        out = console()
        out.print(fitted(out, made))
    else:
        click.echo(nothing)


def fitted(out: Console, made: Table) -> Table:
    """Return a table as it is when the terminal is wide enough, else with one line per cell."""
    unlimited = out.options.update_width(_UNLIMITED)
    if out.measure(made, options=unlimited).maximum <= out.width:
        return made
    lines = Table(
        title=made.title, title_justify="left", title_style="bold", box=None, show_header=False
    )
    lines.add_column(style="dim")
    lines.add_column(overflow="fold")
    for row in zip(*(column.cells for column in made.columns), strict=True):
        if row[0] and lines.row_count:
            lines.add_row("", "")  # A row without its first cell goes on with the one above.
        for column, cell in zip(made.columns, row, strict=True):
            if cell:
                lines.add_row(column.header, cell)
    return lines


def write_text(path: Path, text: str) -> None:
    """Write a file that the user named.

    Raises:
        UsageError: USAGE, it cannot be written there.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError("USAGE", f"{path} cannot be written: {error.strerror}.") from error


def signed(units: int, asset: Asset) -> str:
    """Print a difference in whole tokens with its sign; none is "0"."""
    if units == 0:
        return "0"
    return f"{'-' if units < 0 else '+'}{Amount(abs(units), asset).format()}"


def counted(number: int, noun: str) -> str:
    """Print a number of things: "1 leg", "2 legs"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
