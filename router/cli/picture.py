"""A plan as an SVG: tokens from left to right, one band per venue, as wide as its part."""

from html import escape
from itertools import pairwise
from typing import Final

from router.cli.picture_layout import (
    BAR_WIDTH,
    FONT_SIZE,
    LINE_HEIGHT,
    PAGE_MARGIN,
    TITLE_SIZE,
    Bar,
    Label,
    Lane,
    Picture,
    picture_of,
)
from router.domain.market import Protocol
from router.domain.routes import Quote

COLOURS: Final = {
    Protocol.UNISWAP_V2: "#2f7ed8",
    Protocol.UNISWAP_V3: "#c2417c",
    Protocol.UNISWAP_V4: "#7a4fc9",
    Protocol.CURVE: "#c98a1b",
    Protocol.BALANCER: "#4a5568",
    Protocol.BOOK: "#2e9e6b",
}
NAMES: Final = {
    Protocol.UNISWAP_V2: "Uniswap V2",
    Protocol.UNISWAP_V3: "Uniswap V3",
    Protocol.UNISWAP_V4: "Uniswap V4",
    Protocol.CURVE: "Curve",
    Protocol.BALANCER: "Balancer V2",
    Protocol.BOOK: "order book",
}


def route_svg(quote: Quote) -> str:
    """Return the picture of a quote as one self-contained SVG document."""
    drawn = picture_of(quote)
    body = [_title(drawn)]
    body += [_band(lane) for lane in drawn.lanes]
    body += [_bar(bar) for bar in drawn.bars]
    body += [_text(lane.label) for lane in drawn.lanes]
    body.append(_legend(drawn))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {drawn.width:.0f} {drawn.height:.0f}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="{FONT_SIZE:.0f}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(body)}</svg>\n'
    )


def _title(drawn: Picture) -> str:
    return (
        f'<text x="{PAGE_MARGIN:.0f}" y="34" font-size="{TITLE_SIZE:.0f}" font-weight="bold">'
        f"{escape(drawn.headline)}</text>"
        f'<text x="{PAGE_MARGIN:.0f}" y="56" fill="#555">{escape(drawn.facts)}</text>'
    )


def _band(lane: Lane) -> str:
    upper = [_curve(one, two) for one, two in pairwise(lane.points)]
    lower_points = [(x, y + lane.thickness) for x, y in reversed(lane.points)]
    lower = [_curve(one, two) for one, two in pairwise(lower_points)]
    (x0, y0), (x1, y1) = lane.points[0], lower_points[0]
    path = f"M{x0:.1f},{y0:.1f} {' '.join(upper)} L{x1:.1f},{y1:.1f} {' '.join(lower)} Z"
    return f'<path d="{path}" fill="{COLOURS[lane.band.leg.protocol]}" fill-opacity="0.45"/>'


def _curve(one: tuple[float, float], two: tuple[float, float]) -> str:
    middle = (one[0] + two[0]) / 2
    return f"C{middle:.1f},{one[1]:.1f} {middle:.1f},{two[1]:.1f} {two[0]:.1f},{two[1]:.1f}"


def _bar(bar: Bar) -> str:
    return (
        f'<rect x="{bar.x:.1f}" y="{bar.y:.1f}" width="{BAR_WIDTH:.0f}" '
        f'height="{bar.height:.1f}" fill="#333"/>{_text(bar.label)}'
    )


def _text(label: Label) -> str:
    """Write a label's lines; the white edge keeps them readable on a band that they cross."""
    places = {"start": label.x, "middle": label.x + label.width / 2, "end": label.x + label.width}
    x, y = places[label.anchor], label.y + FONT_SIZE - 2
    lines = ""
    for index, line in enumerate(label.lines):
        style = 'fill="#555"' if index else 'font-weight="bold"'
        lines += f'<tspan x="{x:.1f}" y="{y:.1f}" {style}>{escape(line)}</tspan>'
        y += LINE_HEIGHT
    return (
        f'<text text-anchor="{label.anchor}" paint-order="stroke" stroke="#ffffff" '
        f'stroke-width="3" stroke-opacity="0.8">{lines}</text>'
    )


def _legend(drawn: Picture) -> str:
    used = {lane.band.leg.protocol for lane in drawn.lanes}
    pieces = []
    for index, protocol in enumerate(p for p in NAMES if p in used):
        x, y = PAGE_MARGIN + index * 130, drawn.height - PAGE_MARGIN
        pieces.append(
            f'<rect x="{x:.0f}" y="{y - 11:.0f}" width="14" height="14" '
            f'fill="{COLOURS[protocol]}" fill-opacity="0.6"/>'
            f'<text x="{x + 20:.0f}" y="{y:.0f}" fill="#555">{NAMES[protocol]}</text>'
        )
    return "".join(pieces)
