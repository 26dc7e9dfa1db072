"""Depth is only ever made smaller or worse for the order."""

from hypothesis import given
from hypothesis import strategies as st

from router.domain.market import Instrument, Ladder, LadderLevel
from router.routing.guard import reference_price
from router.routing.ladders import (
    above_minimum,
    quote_on_request,
    still_open,
    with_haircut,
    within_balances,
)
from tests.unit.router.routing.routing_world import BOOK, DAI, USDC, WETH

PRICES = st.lists(st.integers(2, 10**7), min_size=1, max_size=8, unique=True)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    prices = sorted(draw(PRICES))
    cut = draw(st.integers(0, len(prices)))

    def level(price: int) -> LadderLevel:
        return LadderLevel(price_ticks=price, lots=draw(st.integers(1, 10**9)))

    return Ladder(
        venue_id="far",
        instrument=BOOK,
        sequence=1,
        bids=tuple(level(price) for price in reversed(prices[:cut])),
        asks=tuple(level(price) for price in prices[cut:]),
    )


def sold(ladder: Ladder, lots: int) -> int:
    """Quote units for selling into the bids."""
    got = 0
    for level in ladder.bids:
        part = min(level.lots, lots)
        got += ladder.instrument.quote_units(part, level.price_ticks)
        lots -= part
    return got


@given(ladders(), st.integers(0, 9_999), st.integers(0, 10**10))
def test_a_haircut_never_pays_more_and_keeps_the_size(
    ladder: Ladder, haircut_bps: int, lots: int
) -> None:
    worse = with_haircut(ladder, haircut_bps)
    assert sold(worse, lots) * 10_000 <= sold(ladder, lots) * (10_000 - haircut_bps)
    assert sum(level.lots for level in worse.asks) == sum(level.lots for level in ladder.asks)
    assert list(worse.asks) == sorted(worse.asks, key=lambda level: level.price_ticks)
    assert list(worse.bids) == sorted(worse.bids, key=lambda level: -level.price_ticks)


@given(ladders(), st.integers(-5, 10**24), st.integers(-5, 10**18))
def test_what_is_left_can_be_paid_from_the_balances(ladder: Ladder, base: int, quote: int) -> None:
    left = within_balances(ladder, base, quote)
    assert sum(level.lots for level in left.bids) * BOOK.lot_units <= max(base, 0)
    cost = sum(BOOK.quote_units(level.lots, level.price_ticks) for level in left.asks)
    assert cost <= max(quote, 0)
    if cost < quote and len(left.asks) < len(ladder.asks):
        following = ladder.asks[len(left.asks)]
        assert cost + BOOK.quote_units(following.lots, following.price_ticks) > quote


def test_a_side_below_the_minimum_notional_is_closed() -> None:
    thin = LadderLevel(price_ticks=100, lots=1)
    deep = LadderLevel(price_ticks=101, lots=1_000)
    ladder = Ladder(venue_id="far", instrument=BOOK, sequence=1, bids=(thin,), asks=(deep,))
    kept = above_minimum(ladder, BOOK.quote_units(2, 100))
    assert kept.bids == ()
    assert kept.asks == (deep,)


def test_a_quote_on_request_stands_until_its_last_millisecond() -> None:
    offer = quote_on_request(
        "maker",
        BOOK,
        bid=LadderLevel(price_ticks=100, lots=1),
        ask=None,
        sequence=1,
        expires_ms=1_000,
    )
    assert still_open(offer, now_ms=900, needed_ms=100)
    assert not still_open(offer, now_ms=901, needed_ms=100)


def test_a_reference_price_is_chained_over_one_asset() -> None:
    def book(base: str, middle: int) -> Ladder:
        asset = {"WETH": WETH, "DAI": DAI}[base]
        instrument = Instrument(
            symbol=f"{base}/USDC",
            base=asset,
            quote=USDC,
            lot_units=10**14,
            tick_units=1,
            taker_fee_ppm=0,
        )
        return Ladder(
            venue_id="far",
            instrument=instrument,
            sequence=1,
            bids=(LadderLevel(price_ticks=middle - 1, lots=1),),
            asks=(LadderLevel(price_ticks=middle + 1, lots=1),),
        )

    books = [book("WETH", 300_000), book("DAI", 100)]
    assert reference_price(books, WETH, DAI) == 3_000
    assert reference_price(books[:1], WETH, DAI) is None
    assert reference_price([], WETH, USDC) is None
