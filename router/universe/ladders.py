"""A ladder's decimal prices and sizes in the integers of the core, exactly or not at all."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from router.domain.errors import FailureError

_PLAIN = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")
_U64_MAX = 2**64 - 1
# One side has at most so many lots: 64 bits with room for the sums over all its levels.
_LOTS_TARGET = 2**60


@dataclass(frozen=True, slots=True, kw_only=True)
class LotLadder:
    """Levels as (price in ticks, lots), best first.

    One lot is `lot_units` of base and costs ticks * `tick_units` / `tick_divisor` of quote.
    """

    lot_units: int
    tick_units: int
    tick_divisor: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


def lot_ladder(
    bids: Sequence[tuple[str, str]],
    asks: Sequence[tuple[str, str]],
    *,
    base_decimals: int,
    quote_decimals: int,
) -> LotLadder:
    """Choose the finest lot in which every size is whole, and the tick of the finest price.

    Levels of one price are joined and levels without size dropped. A taker may buy any part of a
    level, so lots are as small as 64 bits allow.

    Raises:
        FailureError: VENUE_UNAVAILABLE, a number is no plain decimal, a size is no whole number of
            base units, the sides are not sorted best first, or the numbers do not fit.
    """
    bid_levels = _joined(_parsed(bids), falling=True)
    ask_levels = _joined(_parsed(asks), falling=False)
    levels = bid_levels + ask_levels
    if not levels:
        raise FailureError("VENUE_UNAVAILABLE", "The ladder is empty.")
    sizes = [size * 10**base_decimals for _, size in levels]
    if any(size.denominator != 1 for size in sizes):
        raise FailureError("VENUE_UNAVAILABLE", "A size is finer than the base token's unit.")
    lot_units = _finest_lot([size.numerator for size in sizes])
    places = math.lcm(*(price.denominator for price, _ in levels))
    lot_price = Fraction(10**quote_decimals * lot_units, places * 10**base_decimals)

    def in_integers(side: Iterable[tuple[Fraction, Fraction]]) -> tuple[tuple[int, int], ...]:
        return tuple(
            (int(price * places), int(size * 10**base_decimals) // lot_units)
            for price, size in side
        )

    made = LotLadder(
        lot_units=lot_units,
        tick_units=lot_price.numerator,
        tick_divisor=lot_price.denominator,
        bids=in_integers(bid_levels),
        asks=in_integers(ask_levels),
    )
    if any(number > _U64_MAX for level in (*made.bids, *made.asks) for number in level):
        raise FailureError("VENUE_UNAVAILABLE", "A price or a size does not fit in 64 bits.")
    return made


def _finest_lot(sizes: Sequence[int]) -> int:
    """Return the smallest divisor of every size, in base units, that keeps their sum in bounds."""
    largest = math.gcd(*sizes)
    parts = max(1, _LOTS_TARGET // (sum(sizes) // largest))
    # Lots of a tenth, a hundredth, ... of the largest: the powers of ten that divide it.
    lot_units = largest
    while lot_units % 10 == 0 and largest // (lot_units // 10) <= parts:
        lot_units //= 10
    return lot_units


def _parsed(side: Sequence[tuple[str, str]]) -> list[tuple[Fraction, Fraction]]:
    for level in side:
        if not all(_PLAIN.fullmatch(number) for number in level):
            raise FailureError(
                "VENUE_UNAVAILABLE", f"Level {level!r:.60} is not two plain decimal numbers."
            )
    levels = [(Fraction(price), Fraction(size)) for price, size in side]
    if any(price == 0 for price, _ in levels):
        raise FailureError("VENUE_UNAVAILABLE", "A level has the price zero.")
    return [(price, size) for price, size in levels if size]


def _joined(
    side: list[tuple[Fraction, Fraction]], *, falling: bool
) -> list[tuple[Fraction, Fraction]]:
    levels: list[tuple[Fraction, Fraction]] = []
    for price, size in side:
        if levels and levels[-1][0] == price:
            levels[-1] = (price, levels[-1][1] + size)
        elif levels and (levels[-1][0] < price) == falling:
            raise FailureError("VENUE_UNAVAILABLE", "The levels are not sorted best first.")
        else:
            levels.append((price, size))
    return levels
