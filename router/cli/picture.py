"""A plan as an SVG: tokens from left to right, one band per venue, as wide as its part."""

from dataclasses import dataclass
from html import escape
from itertools import pairwise

from router.cli.route_flow import Band, Flow, flow_of
from router.domain.amounts import Amount
from router.domain.market import Protocol
from router.domain.routes import Quote

WIDTH = 1180
MARGIN_X = 120
TOP = 96
BAND_SPACE = 300.0
BAND_GAP = 46.0
BAR_WIDTH = 12
COLOURS = {
    Protocol.UNISWAP_V2: "#2f7ed8",
    Protocol.UNISWAP_V3: "#c2417c",
    Protocol.BOOK: "#2e9e6b",
}


@dataclass(frozen=True, slots=True)
class _Lane:
    """A band's way: (x, y of its upper edge) at its source, each column it passes, its target."""

    band: Band
    points: tuple[tuple[float, float], ...]
    thickness: float


def route_svg(quote: Quote) -> str:
    """Return the picture of a quote as one self-contained SVG document."""
    flow = flow_of(quote)
    bands = sorted(flow.bands, key=lambda band: _order(flow, band))
    tops, spans, height = _slots(flow, bands)
    lanes = _lanes(flow, bands, tops)
    body = [_title(quote)]
    body += [_band(lane) for lane in lanes]
    body += [
        _bar(token, _column_x(flow, token), tops[token], spans[token], quote)
        for tokens in flow.columns
        for token in tokens
    ]
    body += [_label(lane) for lane in lanes]
    body.append(_legend(height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(body)}</svg>\n'
    )


def _depth(flow: Flow, token: str) -> int:
    return next(column for column, tokens in enumerate(flow.columns) if token in tokens)


def _column_x(flow: Flow, token: str) -> float:
    return _x(flow, _depth(flow, token))


def _x(flow: Flow, column: int) -> float:
    return MARGIN_X + column * (WIDTH - 2 * MARGIN_X) / (len(flow.columns) - 1)


def _order(flow: Flow, band: Band) -> tuple[int, int, float]:
    """Sort early and far-reaching bands first: they pass above the tokens between their ends."""
    start, end = _depth(flow, band.leg.asset_in.symbol), _depth(flow, band.leg.asset_out.symbol)
    return start, -end, -band.part


def _thickness(band: Band) -> float:
    return max(3.0, band.part * BAND_SPACE)


def _slots(
    flow: Flow, bands: list[Band]
) -> tuple[dict[str | tuple[str, int], float], dict[str | tuple[str, int], float], float]:
    """Stack, per column, the bands that pass it and then its tokens; return tops, spans, height."""
    stacks: list[list[str | tuple[str, int]]] = []
    spans: dict[str | tuple[str, int], float] = {}
    for column, tokens in enumerate(flow.columns):
        stack: list[str | tuple[str, int]] = []
        for band in bands:
            leg = band.leg
            if _depth(flow, leg.asset_in.symbol) < column < _depth(flow, leg.asset_out.symbol):
                stack.append((leg.venue_id, column))
                spans[leg.venue_id, column] = _thickness(band)
        for token in tokens:
            stack.append(token)
            leaving = _stack_height([b for b in bands if b.leg.asset_in.symbol == token])
            entering = _stack_height([b for b in bands if b.leg.asset_out.symbol == token])
            spans[token] = max(leaving, entering, 8.0)
        stacks.append(stack)
    used = [sum(spans[s] for s in stack) + BAND_GAP * (len(stack) - 1) for stack in stacks]
    tops: dict[str | tuple[str, int], float] = {}
    for stack, height in zip(stacks, used, strict=True):
        y = TOP + (max(used) - height) / 2
        for slot in stack:
            tops[slot] = y
            y += spans[slot] + BAND_GAP
    return tops, spans, TOP + max(used) + 84


def _lanes(flow: Flow, bands: list[Band], tops: dict[str | tuple[str, int], float]) -> list[_Lane]:
    leaving, entering = dict(tops), dict(tops)
    lanes = []
    for band in bands:
        source, target = band.leg.asset_in.symbol, band.leg.asset_out.symbol
        start, end = _depth(flow, source), _depth(flow, target)
        passed = [
            (_x(flow, column), tops[band.leg.venue_id, column]) for column in range(start + 1, end)
        ]
        first = (_x(flow, start) + BAR_WIDTH, leaving[source])
        last = (_x(flow, end), entering[target])
        lanes.append(_Lane(band, (first, *passed, last), _thickness(band)))
        leaving[source] += _thickness(band) + BAND_GAP
        entering[target] += _thickness(band) + BAND_GAP
    return lanes


def _stack_height(bands: list[Band]) -> float:
    if not bands:
        return 0.0
    return sum(_thickness(band) for band in bands) + BAND_GAP * (len(bands) - 1)


def _title(quote: Quote) -> str:
    facts = (
        f"limit {Amount(quote.limit_units, quote.optimised).format(6)} {quote.optimised}"
        f" · at most {quote.gap_bps:.4f} bp from the best possible"
        f" · gas {quote.gas:,} · price impact {quote.price_impact_bps:.2f} bp"
        f" · block {quote.block.number}"
    )
    headline = f"{quote.amount_in} → {quote.amount_out}"
    return (
        f'<text x="24" y="34" font-size="20" font-weight="bold">{escape(headline)}</text>'
        f'<text x="24" y="56" fill="#555">{escape(facts)}</text>'
    )


def _band(lane: _Lane) -> str:
    upper = [_curve(one, two) for one, two in pairwise(lane.points)]
    lower_points = [(x, y + lane.thickness) for x, y in reversed(lane.points)]
    lower = [_curve(one, two) for one, two in pairwise(lower_points)]
    (x0, y0), (x1, y1) = lane.points[0], lower_points[0]
    path = f"M{x0:.1f},{y0:.1f} {' '.join(upper)} L{x1:.1f},{y1:.1f} {' '.join(lower)} Z"
    return f'<path d="{path}" fill="{COLOURS[lane.band.leg.protocol]}" fill-opacity="0.45"/>'


def _curve(one: tuple[float, float], two: tuple[float, float]) -> str:
    middle = (one[0] + two[0]) / 2
    return f"C{middle:.1f},{one[1]:.1f} {middle:.1f},{two[1]:.1f} {two[0]:.1f},{two[1]:.1f}"


def _bar(token: str, x: float, y: float, height: float, quote: Quote) -> str:
    is_source, is_target = token == quote.asset_in.symbol, token == quote.asset_out.symbol
    anchor, text_x = ("start", x + BAR_WIDTH + 8) if is_target else ("end", x - 8)
    rows = [f'<tspan font-weight="bold">{escape(token)}</tspan>']
    if is_source or is_target:
        amount = quote.amount_in if is_source else quote.amount_out
        rows.append(f'<tspan x="{text_x:.1f}" dy="16" fill="#555">{amount.format(4)}</tspan>')
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR_WIDTH}" height="{height:.1f}" fill="#333"/>'
        f'<text x="{text_x:.1f}" y="{y + height / 2:.1f}" text-anchor="{anchor}">'
        f"{''.join(rows)}</text>"
    )


def _label(lane: _Lane) -> str:
    leg = lane.band.leg
    (x0, y0), (x1, y1) = lane.points[0], lane.points[1]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2 + lane.thickness + 14
    paid = Amount(leg.amount_in_units, leg.asset_in)
    got = Amount(leg.amount_out_units, leg.asset_out)
    first = f"{leg.label} · {lane.band.part:.2%}"
    second = f"{paid.format(4)} {paid.asset} → {got.format(4)} {got.asset}"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">'
        f'<tspan font-weight="bold">{escape(first)}</tspan>'
        f'<tspan x="{x:.1f}" dy="15" fill="#555">{escape(second)}</tspan></text>'
    )


def _legend(height: float) -> str:
    names = {
        Protocol.UNISWAP_V2: "Uniswap V2",
        Protocol.UNISWAP_V3: "Uniswap V3",
        Protocol.BOOK: "order book",
    }
    pieces = []
    for index, (protocol, name) in enumerate(names.items()):
        x, y = 24 + index * 130, height - 24
        pieces.append(
            f'<rect x="{x}" y="{y - 11:.0f}" width="14" height="14" fill="{COLOURS[protocol]}" '
            f'fill-opacity="0.6"/><text x="{x + 20}" y="{y:.0f}" fill="#555">{name}</text>'
        )
    return "".join(pieces)
