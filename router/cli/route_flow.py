"""The shape of a plan for pictures: tokens in columns, legs as bands by their part."""

from dataclasses import dataclass

from router.domain.orders import SwapMode
from router.domain.routes import Leg, Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A leg with the part of the whole order (0..1) that flows through it."""

    leg: Leg
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Tokens by column (0 is the order's input), and bands from the input to the output."""

    columns: tuple[tuple[str, ...], ...]
    token_parts: dict[str, float]
    bands: tuple[Band, ...]


def flow_of(quote: Quote) -> Flow:
    """Lay the plan out: a token stands right of all that feeds it; parts sum to 1 per cut."""
    source = quote.asset_in.symbol
    depth = _depths(quote)
    leaving: dict[str, int] = {}
    for leg in quote.legs:
        leaving[leg.asset_in.symbol] = leaving.get(leg.asset_in.symbol, 0) + leg.amount_in_units
    parts = {source: 1.0}
    bands = []
    # A token's part is known once all that feeds it was seen, so the columns go first.
    for leg in sorted(quote.legs, key=lambda leg: depth[leg.asset_in.symbol]):
        total = leaving[leg.asset_in.symbol]
        part = parts[leg.asset_in.symbol] * (leg.amount_in_units / total) if total else 0.0
        parts[leg.asset_out.symbol] = parts.get(leg.asset_out.symbol, 0.0) + part
        bands.append(Band(leg=leg, part=part))
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for token, column in depth.items():
        columns[column].append(token)
    return Flow(
        columns=tuple(tuple(tokens) for tokens in columns), token_parts=parts, bands=tuple(bands)
    )


def _depths(quote: Quote) -> dict[str, int]:
    """Return each token's column: the longest way from the input; the output is the last."""
    source, target = quote.asset_in.symbol, quote.asset_out.symbol
    depth = {source: 0}
    # A way crosses each leg at most once, so this many rounds reach every token.
    for _ in quote.legs:
        for leg in quote.legs:
            if leg.asset_in.symbol in depth:
                reached = depth[leg.asset_in.symbol] + 1
                depth[leg.asset_out.symbol] = max(depth.get(leg.asset_out.symbol, 0), reached)
    depth[target] = max(depth.values())
    return depth


def limit_word(quote: Quote) -> str:
    """Return which side of `limit_units` is guaranteed: an output at least, an input at most."""
    return "at least" if quote.mode is SwapMode.EXACT_IN else "at most"


def share(part: float) -> str:
    """Print a part of the whole; what is there is never shown as nothing."""
    return "< 0.01%" if 0 < part < 0.0001 else f"{part:.2%}"
