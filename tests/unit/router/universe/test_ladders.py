"""Ladders of decimal strings become lots and ticks that are worth exactly the same."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.errors import FailureError
from router.universe.ladders import LotLadder, lot_ladder

numbers = st.tuples(st.integers(1, 10**9), st.integers(0, 6)).map(
    lambda parts: (
        f"{parts[0] // 10 ** parts[1]}.{parts[0] % 10 ** parts[1]:0{parts[1]}d}"
        if parts[1]
        else str(parts[0])
    )
)
sides = st.lists(st.tuples(numbers, numbers), max_size=8)


def worth(
    made: LotLadder, side: tuple[tuple[int, int], ...], decimals: tuple[int, int]
) -> dict[Fraction, Fraction]:
    """Return the size in whole base by price in whole quote."""
    lot = Fraction(made.lot_units, 10 ** decimals[0])
    tick = Fraction(made.tick_units, made.tick_divisor * 10 ** decimals[1])
    return {ticks * tick / lot: lots * lot for ticks, lots in side}


@given(bids=sides, asks=sides, decimals=st.tuples(st.integers(6, 18), st.integers(0, 18)))
def test_every_level_keeps_its_price_and_size_exactly(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], decimals: tuple[int, int]
) -> None:
    bids.sort(key=lambda level: -Fraction(level[0]))
    asks.sort(key=lambda level: Fraction(level[0]))
    if not bids + asks:
        return
    made = lot_ladder(bids, asks, base_decimals=decimals[0], quote_decimals=decimals[1])
    for listed, side in ((bids, made.bids), (asks, made.asks)):
        wanted: dict[Fraction, Fraction] = {}
        for price, size in listed:
            wanted[Fraction(price)] = wanted.get(Fraction(price), Fraction(0)) + Fraction(size)
        assert worth(made, side, decimals) == wanted


def test_lots_are_much_finer_than_sizes() -> None:
    made = lot_ladder([("2999.62", "7.879940")], [], base_decimals=18, quote_decimals=6)
    assert made.lot_units <= 10**6
    assert made.bids[0][1] * made.lot_units == 7_879_940 * 10**12


@pytest.mark.parametrize(
    ("bids", "reason"),
    [
        ([], "empty"),
        ([("1", "0")], "empty"),
        ([("1", "0.0000001")], "finer"),
        ([("1e3", "1")], "plain decimal"),
        ([("-1", "1")], "plain decimal"),
        ([("nan", "1")], "plain decimal"),
        ([("0.00", "1")], "zero"),
        ([("1", "1"), ("2", "1")], "sorted"),
        ([("99999999999999999999", "1")], "64 bits"),
    ],
)
def test_what_is_not_exact_is_refused(bids: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(FailureError, match=reason) as caught:
        lot_ladder(bids, [], base_decimals=6, quote_decimals=6)
    assert caught.value.code == "VENUE_UNAVAILABLE"
