"""The shape of a plan for pictures: tokens in columns, legs as bands by their part."""

from dataclasses import dataclass

from router.domain.routes import Leg, Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A leg with the part of the whole order (0..1) that flows through it."""

    leg: Leg
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Tokens by column (0 is the order's input), and bands in the order of execution."""

    columns: tuple[tuple[str, ...], ...]
    token_parts: dict[str, float]
    bands: tuple[Band, ...]


def flow_of(quote: Quote) -> Flow:
    """Lay the plan out: a token stands right of all that feeds it; parts sum to 1 per cut."""
    source, target = quote.asset_in.symbol, quote.asset_out.symbol
    depth = {source: 0}
    leaving: dict[str, int] = {}
    for leg in quote.legs:
        leaving[leg.asset_in.symbol] = leaving.get(leg.asset_in.symbol, 0) + leg.amount_in_units
        reached = depth[leg.asset_in.symbol] + 1
        depth[leg.asset_out.symbol] = max(depth.get(leg.asset_out.symbol, 0), reached)
    parts = {source: 1.0}
    bands = []
    for leg in quote.legs:
        total = leaving[leg.asset_in.symbol]
        part = parts[leg.asset_in.symbol] * (leg.amount_in_units / total)
        parts[leg.asset_out.symbol] = parts.get(leg.asset_out.symbol, 0.0) + part
        bands.append(Band(leg=leg, part=part))
    last = max(depth.values())
    depth[target] = max(last, 1)
    columns: list[list[str]] = [[] for _ in range(depth[target] + 1)]
    for token, column in depth.items():
        columns[column].append(token)
    return Flow(
        columns=tuple(tuple(tokens) for tokens in columns), token_parts=parts, bands=tuple(bands)
    )
