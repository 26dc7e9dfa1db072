"""Text to integers and back, exactly, with every rounding against us."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cex.mapping import (
    fill_of,
    ladder_of,
    price_per_tick,
    price_text,
    units_ceil,
    units_floor,
    whole_tokens,
)
from router.domain.assets import Asset
from router.domain.errors import OutcomeUnknown, UsageError
from router.domain.market import Instrument
from router.domain.orders import Side

LINK = Asset(symbol="LINK", decimals=18, chain_id=1, address="0x" + "11" * 20)
USDC = Asset(symbol="USDC", decimals=6, chain_id=1, address="0x" + "22" * 20)
MARKET = Instrument(
    symbol="LINK/USDC", base=LINK, quote=USDC, lot_units=10**16, tick_units=1, taker_fee_ppm=1000
)
UNITS = st.integers(0, 2**128)


@given(UNITS, st.integers(0, 30))
def test_printed_units_parse_back_to_themselves(units: int, decimals: int) -> None:
    asset = Asset(symbol="X", decimals=decimals, chain_id=1, address="0x" + "33" * 20)
    text = whole_tokens(units, asset)
    assert "e" not in text.lower()
    assert units_floor(Fraction(text), asset) == units_ceil(Fraction(text), asset) == units


@given(st.fractions(min_value=0, max_value=10**20))
def test_floor_and_ceiling_differ_by_less_than_one_unit(tokens: Fraction) -> None:
    low, high = units_floor(tokens, USDC), units_ceil(tokens, USDC)
    assert low <= tokens * 10**6 <= high
    assert high - low <= 1


@given(st.integers(1, 2**64), st.integers(0, 12), st.integers(1, 10**6))
def test_a_price_prints_exactly(ticks: int, lot_digits: int, tick_units: int) -> None:
    market = Instrument(
        symbol="X",
        base=LINK,
        quote=USDC,
        lot_units=10**lot_digits,
        tick_units=tick_units,
        taker_fee_ppm=0,
    )
    assert Fraction(price_text(ticks, market)) == ticks * price_per_tick(market)


def test_a_tick_that_is_no_finite_decimal_is_refused() -> None:
    market = Instrument(
        symbol="X", base=LINK, quote=USDC, lot_units=3, tick_units=1, taker_fee_ppm=0
    )
    with pytest.raises(UsageError):
        price_text(1, market)


LEVELS = st.lists(
    st.tuples(
        st.decimals(min_value="0.00000001", max_value=10**6, places=8),
        st.decimals(min_value="0.00000001", max_value=10**6, places=8),
    ),
    max_size=20,
)


@given(LEVELS)
def test_a_ladder_never_promises_more_than_the_exchange_shows(
    levels: list[tuple[Any, Any]],
) -> None:
    raw = [[str(price), str(amount)] for price, amount in levels]
    ladder = ladder_of("v", MARKET, {"bids": raw, "asks": raw}, 1, 1000)
    tick, lot = price_per_tick(MARKET), Fraction(MARKET.lot_units, LINK.one_in_units)
    for level in ladder.bids:
        at_least = [Fraction(a) for p, a in raw if Fraction(p) >= level.price_ticks * tick]
        assert level.lots * lot <= sum(at_least)
    for level in ladder.asks:
        at_most = [Fraction(a) for p, a in raw if Fraction(p) <= level.price_ticks * tick]
        assert level.lots * lot <= sum(at_most)
    prices = [level.price_ticks for level in ladder.asks]
    assert prices == sorted(set(prices))
    prices = [level.price_ticks for level in ladder.bids]
    assert prices == sorted(set(prices), reverse=True)


def order(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "status": "closed", "filled": "0.5", "cost": "7.0000001", **fields}


def test_rounding_is_against_us_on_both_sides() -> None:
    bought = fill_of(order(fees=[{"currency": "LINK", "cost": "0.0005"}]), MARKET, Side.BUY)
    assert bought.paid_units == 7_000_001
    assert bought.received_units == 5 * 10**17 - 5 * 10**14
    sold = fill_of(order(fees=[{"currency": "USDC", "cost": "0.0070001"}]), MARKET, Side.SELL)
    assert sold.paid_units == 5 * 10**17
    assert (sold.received_units, sold.fee_units) == (7_000_000 - 7_001, 7_001)


def test_a_fee_in_a_third_asset_does_not_lessen_what_was_received() -> None:
    fill = fill_of(order(fees=[{"currency": "BNB", "cost": "1"}]), MARKET, Side.BUY)
    assert (fill.received_units, fill.fee_units) == (5 * 10**17, 0)


def test_a_fill_without_its_cost_is_not_guessed() -> None:
    with pytest.raises(OutcomeUnknown):
        fill_of(order(cost=None), MARKET, Side.BUY)
