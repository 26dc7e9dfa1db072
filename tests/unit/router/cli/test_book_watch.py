"""`router book watch`: the ladder is drawn exactly, and q ends it."""

import asyncio
import os
import pty
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from router.cli.book_watch import BAR_CELLS, _is_set_within, _quit_key, bar, ladder_frame
from router.domain.market import Instrument, Ladder, LadderLevel
from tests.unit.router.cli.cli_quotes import USDC, WETH

PAIR = Instrument(
    symbol="WETH/USDC", base=WETH, quote=USDC, lot_units=10**14, tick_units=1, taker_fee_ppm=500
)
LADDER = Ladder(
    venue_id="book",
    instrument=PAIR,
    sequence=42,
    bids=(
        LadderLevel(price_ticks=350_000, lots=10_000),
        LadderLevel(price_ticks=349_900, lots=5_000),
    ),
    asks=(
        LadderLevel(price_ticks=350_100, lots=2_500),
        LadderLevel(price_ticks=350_300, lots=2_500),
    ),
)


def drawn(ladder: Ladder, before: Ladder | None = None, *, colors: bool = False) -> str:
    out = Console(width=100, force_terminal=colors, color_system="standard" if colors else None)
    with out.capture() as captured:
        out.print(ladder_frame(ladder, before))
    return captured.get()


def test_asks_stand_above_bids_with_the_best_of_both_beside_the_spread() -> None:
    lines = [line for line in drawn(LADDER).splitlines() if "USDC" in line]
    assert "change 42" in lines[0]
    prices = [line.split()[0] for line in lines[1:]]
    assert prices == ["3503", "3501", "1", "3500", "3499"]
    assert "2.85 bps" in lines[3]
    assert "0.25 WETH" in lines[2]
    assert "0.5 WETH" in lines[1], "sizes add up from the best price on"
    assert lines[5].count("█") == BAR_CELLS
    assert lines[2].count("█") == BAR_CELLS // 6


def test_a_level_that_changed_is_bold_and_the_others_are_not() -> None:
    less = replace(LADDER.bids[0], lots=9_999)
    after = drawn(replace(LADDER, bids=(less, LADDER.bids[1])), LADDER, colors=True)
    bold = [line for line in after.splitlines() if "\x1b[1;" in line]
    assert len(bold) == 1
    assert "0.9999 WETH" in bold[0]


@pytest.mark.parametrize(
    ("bids", "asks", "word"), [(0, 0, "no orders"), (1, 0, "no asks"), (0, 1, "no bids")]
)
def test_an_empty_side_is_told(bids: int, asks: int, word: str) -> None:
    ladder = replace(LADDER, bids=LADDER.bids[:bids], asks=LADDER.asks[:asks])
    assert word in drawn(ladder)


@given(whole=st.integers(1, 2**60), share=st.integers(0, 10**6))
def test_a_bar_is_never_longer_than_its_column(whole: int, share: int) -> None:
    part = whole * share // 10**6
    shown = bar(part, whole)
    assert len(shown) <= BAR_CELLS
    assert (bar(whole, whole), bar(0, whole)) == ("█" * BAR_CELLS, "")
    assert shown.count("█") == BAR_CELLS * part // whole


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as standard input; yields the end that a person types into."""
    typed, seen = pty.openpty()
    with os.fdopen(typed, "wb", buffering=0), os.fdopen(seen) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield typed


@pytest.mark.parametrize("keys", [b"q", b"Q", b"\x1b", b"xxq"])
async def test_q_or_escape_ends_and_leaves_the_terminal_as_it_was(
    terminal: int, keys: bytes
) -> None:
    import sys
    import termios

    before = termios.tcgetattr(sys.stdin.fileno())
    with _quit_key() as ended:
        os.write(terminal, keys)
        async with asyncio.timeout(10):
            await ended.wait()
    assert termios.tcgetattr(sys.stdin.fileno()) == before


async def test_other_keys_do_not_end(terminal: int) -> None:
    with _quit_key() as ended:
        os.write(terminal, b"\x1b[A x")
        assert not await _is_set_within(ended, 0.05)
        os.write(terminal, b"q")
        assert await _is_set_within(ended, 10)
