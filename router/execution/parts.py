"""The two parts of a plan: what one transaction does on chain, and what the books do after it."""

from dataclasses import dataclass, replace

from router.domain.assets import Asset
from router.domain.orders import SwapMode
from router.domain.routes import Leg, Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPart:
    """One transaction: all of `amount_in_units` is swapped, each delivered asset has a minimum."""

    legs: tuple[Leg, ...]
    asset_in: Asset
    amount_in_units: int
    minimums: tuple[tuple[Asset, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLeg:
    """A book leg with the least it has to deliver when all of its input is traded.

    That input is what was planned of the order's own asset, or what was bought for it on the way.
    """

    leg: Leg
    minimum_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    chain: ChainPart | None
    book: tuple[BookLeg, ...]


def parts_of(quote: Quote, required_units: int) -> Parts:
    """Split a plan into its transaction and its book legs.

    `required_units` is what the whole plan has to deliver. The slack between the quote and it is
    given to every delivery in proportion and rounded against ourselves, so that legs which all
    just reach their minimums deliver at least `required_units` together. An exact-out plan has no
    slack: what it buys is exactly what is missing.
    """
    quoted = quote.amount_out.units
    assert 0 <= required_units <= quoted, "the quote delivers what is required"
    is_exact_out = quote.mode is SwapMode.EXACT_OUT

    def least(units: int) -> int:
        return units if is_exact_out else max(1, -(-units * required_units // quoted))

    book = tuple(
        BookLeg(leg=leg, minimum_units=least(leg.amount_out_units)) for leg in quote.book_legs
    )
    legs = quote.chain_legs
    if not legs:
        return Parts(chain=None, book=book)
    flows = net_flows(legs)
    amount_in = -flows.pop(quote.asset_in)
    minimums = tuple((asset, least(units)) for asset, units in flows.items() if units > 0)
    kept = {asset for asset, _ in minimums}
    chain = ChainPart(
        # A swap must not take the rest of what the books are to trade on afterwards.
        legs=tuple(
            replace(leg, takes_rest=leg.takes_rest and leg.asset_in not in kept) for leg in legs
        ),
        asset_in=quote.asset_in,
        amount_in_units=amount_in,
        minimums=minimums,
    )
    return Parts(chain=chain, book=book)


def net_flows(legs: tuple[Leg, ...]) -> dict[Asset, int]:
    """Return what the legs deliver (positive) and consume (negative) per asset, in base units."""
    flows: dict[Asset, int] = {}
    for leg in legs:
        flows[leg.asset_in] = flows.get(leg.asset_in, 0) - leg.amount_in_units
        flows[leg.asset_out] = flows.get(leg.asset_out, 0) + leg.amount_out_units
    return flows
