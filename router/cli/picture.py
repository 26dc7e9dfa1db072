"""A plan as an SVG: tokens from left to right, one band per venue, as wide as its part."""

from dataclasses import dataclass
from html import escape

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
    """Where a band leaves one token and enters another, in pixels from the top."""

    band: Band
    y_from: float
    y_to: float
    thickness: float


def route_svg(quote: Quote) -> str:
    """Return the picture of a quote as one self-contained SVG document."""
    flow = flow_of(quote)
    lanes, bars, height = _layout(flow)
    x_of = {
        token: MARGIN_X + column * (WIDTH - 2 * MARGIN_X) / (len(flow.columns) - 1)
        for column, tokens in enumerate(flow.columns)
        for token in tokens
    }
    body = [_title(quote)]
    body += [_band(lane, x_of) for lane in lanes]
    body += [_bar(token, x_of[token], *bars[token], quote) for token in x_of]
    body += [_label(lane, x_of) for lane in lanes]
    body.append(_legend(height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="13">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(body)}</svg>\n'
    )


def _layout(flow: Flow) -> tuple[list[_Lane], dict[str, tuple[float, float]], float]:
    """Stack the bands leaving and entering each token; return lanes, bar extents and the height."""
    spans = {
        token: max(
            _stack_height([b for b in flow.bands if b.leg.asset_in.symbol == token]),
            _stack_height([b for b in flow.bands if b.leg.asset_out.symbol == token]),
            8.0,
        )
        for tokens in flow.columns
        for token in tokens
    }
    tallest = max(
        sum(spans[token] for token in tokens) + BAND_GAP * (len(tokens) - 1)
        for tokens in flow.columns
    )
    bars: dict[str, tuple[float, float]] = {}
    for tokens in flow.columns:
        used = sum(spans[token] for token in tokens) + BAND_GAP * (len(tokens) - 1)
        y = TOP + (tallest - used) / 2
        for token in tokens:
            bars[token] = (y, spans[token])
            y += spans[token] + BAND_GAP
    leaving = {token: y for token, (y, _) in bars.items()}
    entering = dict(leaving)
    lanes = []
    for band in flow.bands:
        thickness = max(3.0, band.part * BAND_SPACE)
        source, target = band.leg.asset_in.symbol, band.leg.asset_out.symbol
        lanes.append(_Lane(band, leaving[source], entering[target], thickness))
        leaving[source] += thickness + BAND_GAP
        entering[target] += thickness + BAND_GAP
    return lanes, bars, TOP + tallest + 70


def _stack_height(bands: list[Band]) -> float:
    if not bands:
        return 0.0
    return sum(max(3.0, band.part * BAND_SPACE) for band in bands) + BAND_GAP * (len(bands) - 1)


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


def _band(lane: _Lane, x_of: dict[str, float]) -> str:
    leg = lane.band.leg
    x0, x1 = x_of[leg.asset_in.symbol] + BAR_WIDTH, x_of[leg.asset_out.symbol]
    middle = (x0 + x1) / 2
    y0, y1, t = lane.y_from, lane.y_to, lane.thickness
    path = (
        f"M{x0:.1f},{y0:.1f} C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f} "
        f"L{x1:.1f},{y1 + t:.1f} C{middle:.1f},{y1 + t:.1f} {middle:.1f},{y0 + t:.1f} "
        f"{x0:.1f},{y0 + t:.1f} Z"
    )
    return f'<path d="{path}" fill="{COLOURS[leg.protocol]}" fill-opacity="0.45"/>'


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


def _label(lane: _Lane, x_of: dict[str, float]) -> str:
    leg = lane.band.leg
    x = (x_of[leg.asset_in.symbol] + BAR_WIDTH + x_of[leg.asset_out.symbol]) / 2
    y = (lane.y_from + lane.y_to) / 2 + lane.thickness + 14
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
