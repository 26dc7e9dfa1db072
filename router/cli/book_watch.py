"""`router book watch`: the book as a ladder that follows what happens in it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from router.cli.book_view import price_text, size_text
from router.cli.output import JSON_OPTION, console, print_json
from router.domain.amounts import PPM_ONE
from router.domain.market import Instrument, Ladder, LadderLevel

if TYPE_CHECKING:
    from router.sdk import Router

BAR_CELLS: Final = 24
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_HINT: Final = "q or Ctrl-C ends"


@click.command()
@click.argument("instrument")
@click.option(
    "--depth", type=click.IntRange(1, 200), default=10, show_default=True, help="Levels a side."
)
@click.option(
    "--every", type=click.FloatRange(0.05, 60), default=0.5, show_default=True,
    metavar="SECONDS", help="How often the book is read.",
)  # fmt: skip
@click.option("--once", is_flag=True, help="Print one picture and end.")
@JSON_OPTION
@click.pass_context
def watch(
    ctx: click.Context, instrument: str, depth: int, every: float, once: bool, as_json: bool
) -> None:
    """Show the levels of INSTRUMENT as a ladder, again and again, until q or Ctrl-C.

    The bars add up the sizes from the best price on. Levels that changed are bold. Where the
    output is no terminal, and with --json, one picture is printed.

    Example: router book watch WETH/USDC
    """
    from router.cli.session import use_router  # noqa: PLC0415 - the page of frames needs no router

    symbol = instrument.upper()
    out = console()
    if once or as_json or not out.is_terminal:
        ladder = use_router(ctx, lambda r: r.ladder(symbol, depth), read_only=True)
        if as_json:
            print_json(ladder)
        else:
            out.print(ladder_frame(ladder, None, hint=""))
        return

    async def work(router: "Router") -> None:
        seen = await router.ladder(symbol, depth)
        with _quit_key() as ended, Live(console=out, screen=True, auto_refresh=False) as live:
            live.update(ladder_frame(seen, None), refresh=True)
            while not await _is_set_within(ended, every):
                now = await router.ladder(symbol, depth)
                live.update(ladder_frame(now, seen), refresh=True)
                seen = now

    with contextlib.suppress(KeyboardInterrupt):
        use_router(ctx, work, read_only=True)


def ladder_frame(ladder: Ladder, before: Ladder | None, *, hint: str = _HINT) -> RenderableType:
    """Draw the asks above the bids with what adds up from the best price on.

    Args:
        before: the frame that was shown last; what differs from it is bold.
    """
    traded = ladder.instrument
    total = max(_depth_lots(ladder.asks), _depth_lots(ladder.bids), 1)
    rows = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("price", "size", "sum"):
        rows.add_column(name, justify="right", no_wrap=True)
    rows.add_column("", width=BAR_CELLS, no_wrap=True)
    asks = _rows(ladder.asks, before.asks if before else ladder.asks, traded, total, "red")
    for row in reversed(asks):
        rows.add_row(*row)
    rows.add_row(*_middle(ladder))
    for row in _rows(ladder.bids, before.bids if before else ladder.bids, traded, total, "green"):
        rows.add_row(*row)
    title = Text.assemble((traded.symbol, "bold"), (f"  change {ladder.sequence}", "dim"))
    return Group(title, rows, Text(hint, style="dim")) if hint else Group(title, rows)


def _rows(
    levels: tuple[LadderLevel, ...],
    before: tuple[LadderLevel, ...],
    traded: Instrument,
    total_lots: int,
    style: str,
) -> list[tuple[Text, Text, Text, Text]]:
    known = {level.price_ticks: level.lots for level in before}
    rows, sum_lots = [], 0
    for level in levels:
        sum_lots += level.lots
        is_new = known.get(level.price_ticks) != level.lots
        cells = f"bold {style}" if is_new else style
        rows.append(
            (
                Text(price_text(traded, level.price_ticks), style=cells),
                Text(size_text(traded, level.lots), style="bold" if is_new else ""),
                Text(size_text(traded, sum_lots), style="dim"),
                Text(bar(sum_lots, total_lots), style=style),
            )
        )
    return rows


def _middle(ladder: Ladder) -> tuple[Text, ...]:
    """Return the row between asks and bids: how far they are apart."""
    if not ladder.asks or not ladder.bids:
        side = "bids" if ladder.asks else "asks" if ladder.bids else "orders"
        return (Text(f"no {side}", style="dim"),)
    ask, bid = ladder.asks[0].price_ticks, ladder.bids[0].price_ticks
    apart_ppm = 2 * (ask - bid) * PPM_ONE // (ask + bid)
    spread = f"{price_text(ladder.instrument, ask - bid)}  {apart_ppm / 100:.2f} bps"
    return (Text(spread, style="yellow"), Text("spread", style="dim"))


def _depth_lots(levels: tuple[LadderLevel, ...]) -> int:
    return sum(level.lots for level in levels)


def bar(part: int, whole: int) -> str:
    """Return a bar of `BAR_CELLS` cells at most, to an eighth of a cell, rounded down."""
    cells, eighth = divmod(8 * BAR_CELLS * part // whole, 8)
    return "█" * cells + (_EIGHTHS[eighth] if eighth else "")


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


@contextlib.contextmanager
def _quit_key() -> Iterator[asyncio.Event]:
    """Yield what is set when somebody presses q; keys are read only where a terminal has them."""
    ended = asyncio.Event()
    if os.name != "posix" or not sys.stdin.isatty():
        yield ended
        return
    import termios  # noqa: PLC0415 - not on every system
    import tty  # noqa: PLC0415

    file = sys.stdin.fileno()

    def read_key() -> None:
        keys = os.read(file, 64).lower()
        if not keys or keys == b"\x1b" or b"q" in keys:  # nothing: the terminal is gone
            ended.set()

    usual = termios.tcgetattr(file)
    loop = asyncio.get_running_loop()
    try:
        tty.setcbreak(file)
        loop.add_reader(file, read_key)
        yield ended
    finally:
        loop.remove_reader(file)
        termios.tcsetattr(file, termios.TCSADRAIN, usual)
