"""The feed's views: the same market is the same object, and a silent venue is left out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from router.domain.errors import FailureError, VenueUnavailable
from router.domain.market import BlockRef, Instrument, Ladder
from router.marketdata.feed import MarketFeed
from router.routing.view import VenueFilter
from tests.unit.router.routing.routing_world import BLOCK, BOOK, LADDER, POOLS


@dataclass
class Source:
    block: BlockRef = BLOCK
    is_silent: bool = False

    async def snapshot(self) -> tuple[BlockRef, tuple[object, ...]]:
        if self.is_silent:
            await asyncio.Event().wait()
        return self.block, POOLS


def answer() -> None:
    """Answer at once."""


@dataclass
class Venue:
    venue_id: str = "book"
    shown: Ladder = LADDER
    hindrance: Callable[[], object] = answer
    asked: list[str] = field(default_factory=list)

    async def instruments(self) -> tuple[Instrument, ...]:
        self.asked.append("instruments")
        return (BOOK,)

    async def ladder(self, instrument: str, depth: int) -> Ladder:
        self.asked.append(f"{instrument} {depth}")
        waiting = self.hindrance()
        if asyncio.iscoroutine(waiting):
            await waiting
        return self.shown


def feed(source: Source, *venues: Venue, timeout_ms: int = 1_000) -> MarketFeed:
    return MarketFeed(source, venues, depth=7, call_timeout_ms=timeout_ms)  # type: ignore[arg-type]


async def test_an_unchanged_market_keeps_its_view_and_compiled_market() -> None:
    source, venue = Source(), Venue()
    made = feed(source, venue)
    first = await made.view()
    compiled = first.compiled(VenueFilter())
    again = await made.view()
    assert again is first
    assert again.compiled(VenueFilter()) is compiled
    assert venue.asked == ["instruments", "WETH/USDC 7", "WETH/USDC 7"]


async def test_a_new_block_or_a_changed_book_makes_a_new_view() -> None:
    source, venue = Source(), Venue()
    made = feed(source, venue)
    first = await made.view()
    source.block = replace(BLOCK, number=13, hash="0x13")
    second = await made.view()
    venue.shown = replace(LADDER, sequence=LADDER.sequence + 1)
    third = await made.view()
    assert len({id(view) for view in (first, second, third)}) == 3
    assert third.book_sequences == (("book:WETH/USDC", LADDER.sequence + 1),)
    assert first.block == BLOCK


def unavailable() -> None:
    raise VenueUnavailable("VENUE_UNAVAILABLE", "It is closed.")


def silent() -> object:
    return asyncio.Event().wait()


@pytest.mark.parametrize("hindrance", [unavailable, silent])
async def test_a_venue_that_does_not_answer_is_left_out(hindrance: Callable[[], object]) -> None:
    lame = Venue(venue_id="far", hindrance=hindrance)
    view = await feed(Source(), lame, Venue(), timeout_ms=20).view()
    assert [ladder.venue_id for ladder in view.ladders] == ["book"]
    assert view.pools == POOLS


async def test_pools_that_cannot_be_read_in_time_are_an_error() -> None:
    with pytest.raises(FailureError) as caught:
        await feed(Source(is_silent=True), timeout_ms=20).view()
    assert caught.value.code == "CHAIN_UNAVAILABLE"
