"""An independent price to hold a quote against: middles of books that the quote does not use."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from router.domain.amounts import BPS_ONE
from router.domain.assets import Asset
from router.domain.market import Ladder

# Books that one reference price may be chained over: more would add up their spreads.
_CHAIN_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceGuard:
    """How many basis points below an independent price are remarked on, and how many refused."""

    warn_bps: int
    refuse_bps: int
    references: tuple[Ladder, ...] = ()


def reference_price(
    ladders: Iterable[Ladder], asset_in: Asset, asset_out: Asset
) -> Fraction | None:
    """Return output base units per input base unit between best bid and best ask, or None.

    A pair that no book has is chained over one asset in between. Books with an empty or crossed
    side say nothing. Of several prices the middle one counts, the lower of two.
    """
    rates: dict[Asset, list[tuple[Asset, Fraction]]] = {}
    for ladder in ladders:
        middle = _middle(ladder)
        if middle is not None:
            base, quote = ladder.instrument.base, ladder.instrument.quote
            rates.setdefault(base, []).append((quote, middle))
            rates.setdefault(quote, []).append((base, 1 / middle))
    reached = [(asset_in, Fraction(1))]
    for _ in range(_CHAIN_MAX):
        reached = [
            (asset, price * rate)
            for at, price in reached
            for asset, rate in rates.get(at, ())
            if asset != asset_in
        ]
        found = sorted(price for asset, price in reached if asset == asset_out)
        if found:
            return found[(len(found) - 1) // 2]
    return None


def shortfall_bps(
    ladders: Iterable[Ladder],
    asset_in: Asset,
    asset_out: Asset,
    amount_in_units: int,
    amount_out_units: int,
) -> float | None:
    """Return how much less than at the reference price is delivered, in basis points."""
    price = reference_price(ladders, asset_in, asset_out)
    if price is None or amount_in_units <= 0:
        return None
    return float((1 - amount_out_units / (price * amount_in_units)) * BPS_ONE)


def _middle(ladder: Ladder) -> Fraction | None:
    """Return quote base units per base base unit half-way between the best prices."""
    if not ladder.bids or not ladder.asks:
        return None
    bid, ask = ladder.bids[0].price_ticks, ladder.asks[0].price_ticks
    if not 0 < bid < ask:
        return None
    instrument = ladder.instrument
    return Fraction((bid + ask) * instrument.tick_units, 2 * instrument.lot_units)
