"""Where everything of a route's picture goes: bars, bands, and labels that do not overlap."""

from dataclasses import dataclass
from typing import Final

from router.cli.route_flow import Band, Flow, flow_of, limit_word, share
from router.domain.amounts import Amount
from router.domain.routes import Quote

FONT_SIZE: Final = 13.0
TITLE_SIZE: Final = 20.0
LINE_HEIGHT: Final = 16.0
LABEL_SPACE: Final = 6.0
PAGE_MARGIN: Final = 24.0
LEAST_WIDTH: Final = 1180.0
TOP: Final = 96.0
LEGEND_SPACE: Final = 56.0
BAND_SPACE: Final = 300.0
BAND_GAP: Final = 46.0
BAR_WIDTH: Final = 12.0
_TEXT_GAP: Final = 8.0
_BRIEF_DECIMALS: Final = 4
# Widths in parts of the font size, generous for Helvetica and Arial.
_WIDE, _CAPITAL, _NARROW, _OTHER = 1.05, 0.75, 0.32, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Lines of text, the first bold, in a box with its upper left corner at (x, y)."""

    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    anchor: str

    @property
    def height(self) -> float:
        return LINE_HEIGHT * len(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A token: the bar where its bands begin and end, and its name."""

    x: float
    y: float
    height: float
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A band's way: (x, y of its upper edge) at its source, each column it passes, its target."""

    band: Band
    points: tuple[tuple[float, float], ...]
    thickness: float
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture's parts, all inside `width` x `height`."""

    width: float
    height: float
    headline: str
    facts: str
    bars: tuple[Bar, ...]
    lanes: tuple[Lane, ...]


def picture_of(quote: Quote) -> Picture:
    """Return the geometry of a quote's picture."""
    return _Layout(quote).picture()


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Return at least the width of a text in a bold sans-serif font of `size`."""
    return size * sum(_character_width(c) for c in text)


def _character_width(character: str) -> float:
    if character in " .,:;|!'ijl":
        return _NARROW
    if character in "→MW%@" or ord(character) > 0x2FFF:
        return _WIDE
    return _CAPITAL if character.isupper() else _OTHER


def brief(amount: Amount) -> str:
    """Print an amount for a picture: cut to four decimals, or to three digits when it is tiny."""
    text = amount.format(_BRIEF_DECIMALS)
    if text != "0" or not amount.units:
        return text
    digits = amount.format().partition(".")[2]
    return amount.format(len(digits) - len(digits.lstrip("0")) + 3)


class _Layout:
    """Builds one picture: stacks first, which fix all heights, then lanes, then their labels."""

    def __init__(self, quote: Quote) -> None:
        self._quote = quote
        self._flow: Flow = flow_of(quote)
        self._place = {
            token: (column, index)
            for column, tokens in enumerate(self._flow.columns)
            for index, token in enumerate(tokens)
        }
        # Far-reaching bands come first: they pass above the tokens between their ends.
        self._bands = sorted(self._flow.bands, key=self._leaving_order)
        self._headline = f"{quote.amount_in} → {quote.amount_out}"
        self._facts = _facts(quote)
        self._margin, self._step = self._widths()
        self._tops: dict[str | tuple[str, int], float] = {}
        self._spans: dict[str | tuple[str, int], float] = {}

    def picture(self) -> Picture:
        bottom = self._stack()
        bars = tuple(self._bar(token) for tokens in self._flow.columns for token in tokens)
        lanes = _spread(self._lanes())
        bottom = max(bottom, *(lane.label.y + lane.label.height for lane in lanes))
        bottom = max(bottom, *(bar.label.y + bar.label.height for bar in bars))
        return Picture(
            width=2 * self._margin + self._step * (len(self._flow.columns) - 1),
            height=bottom + LEGEND_SPACE,
            headline=self._headline,
            facts=self._facts,
            bars=bars,
            lanes=lanes,
        )

    def _leaving_order(self, band: Band) -> tuple[int, int, int, int, float]:
        start, source = self._place[band.leg.asset_in.symbol]
        end, target = self._place[band.leg.asset_out.symbol]
        return start, source, -end, target, -band.part

    def _entering_order(self, band: Band) -> tuple[int, int, float]:
        return *self._place[band.leg.asset_in.symbol], -band.part

    def _widths(self) -> tuple[float, float]:
        """Return the margin and the distance of two columns, so that every text has its room."""
        ends = [line for token in self._ends() for line in self._token_lines(token)]
        margin = max(120.0, PAGE_MARGIN + _TEXT_GAP + BAR_WIDTH + max(map(text_width, ends)))
        labels = [line for band in self._bands for line in _band_lines(band)]
        names = [token for tokens in self._flow.columns for token in tokens]
        step = max(map(text_width, labels)) + max(map(text_width, names)) + 2 * BAR_WIDTH + 16
        titles = max(text_width(self._headline, TITLE_SIZE), text_width(self._facts))
        least = max(LEAST_WIDTH, titles + 2 * PAGE_MARGIN)
        steps = len(self._flow.columns) - 1
        return margin, max(step, (least - 2 * margin) / steps)

    def _ends(self) -> tuple[str, str]:
        return self._quote.asset_in.symbol, self._quote.asset_out.symbol

    def _x(self, column: int) -> float:
        return self._margin + column * self._step

    def _stack(self) -> float:
        """Stack, per column, the bands that pass it and then its tokens; return the bottom."""
        stacks: list[list[str | tuple[str, int]]] = []
        for column, tokens in enumerate(self._flow.columns):
            stack: list[str | tuple[str, int]] = []
            for band in self._bands:
                start, end = self._columns_of(band)
                if start < column < end:
                    stack.append((band.leg.venue_id, column))
                    self._spans[band.leg.venue_id, column] = _thickness(band)
            for token in tokens:
                stack.append(token)
                leaving = _stack_height([b for b in self._bands if b.leg.asset_in.symbol == token])
                entering = _stack_height(
                    [b for b in self._bands if b.leg.asset_out.symbol == token]
                )
                self._spans[token] = max(leaving, entering, 8.0)
            stacks.append(stack)
        used = [sum(self._spans[s] for s in stack) + BAND_GAP * len(stack) for stack in stacks]
        for stack, height in zip(stacks, used, strict=True):
            y = TOP + (max(used) - height) / 2
            for slot in stack:
                self._tops[slot] = y
                y += self._spans[slot] + BAND_GAP
        return TOP + max(used)

    def _columns_of(self, band: Band) -> tuple[int, int]:
        return self._place[band.leg.asset_in.symbol][0], self._place[band.leg.asset_out.symbol][0]

    def _token_lines(self, token: str) -> tuple[str, ...]:
        source, target = self._ends()
        if token == source:
            return token, brief(self._quote.amount_in)
        return (token, brief(self._quote.amount_out)) if token == target else (token,)

    def _bar(self, token: str) -> Bar:
        """Name the ends beside their bars, and what stands between them above its bar."""
        x, y, height = self._x(self._place[token][0]), self._tops[token], self._spans[token]
        lines = self._token_lines(token)
        width = max(map(text_width, lines))
        source, target = self._ends()
        if token == source:
            left, anchor = x - _TEXT_GAP - width, "end"
        elif token == target:
            left, anchor = x + BAR_WIDTH + _TEXT_GAP, "start"
        else:
            left, anchor = x + BAR_WIDTH / 2 - width / 2, "middle"
        is_between = anchor == "middle"
        top = y - LINE_HEIGHT - 2 if is_between else y + height / 2 - LINE_HEIGHT * len(lines) / 2
        label = Label(lines=lines, x=left, y=top, width=width, anchor=anchor)
        return Bar(x=x, y=y, height=height, label=label)

    def _lanes(self) -> list[Lane]:
        arrivals = self._arrivals()
        leaving = dict(self._tops)
        lanes = []
        for band in self._bands:
            source, venue = band.leg.asset_in.symbol, band.leg.venue_id
            start, end = self._columns_of(band)
            passed = [(self._x(c), self._tops[venue, c]) for c in range(start + 1, end)]
            first = (self._x(start) + BAR_WIDTH, leaving[source])
            points = (first, *passed, (self._x(end), arrivals[venue]))
            leaving[source] += _thickness(band) + BAND_GAP
            lanes.append(
                Lane(
                    band=band,
                    points=points,
                    thickness=_thickness(band),
                    label=_below(band, points),
                )
            )
        return lanes

    def _arrivals(self) -> dict[str, float]:
        """Return at which height each band ends, ordered as the bands arrive: few cross."""
        free = dict(self._tops)
        ends = {}
        for band in sorted(self._bands, key=self._entering_order):
            ends[band.leg.venue_id] = free[band.leg.asset_out.symbol]
            free[band.leg.asset_out.symbol] += _thickness(band) + BAND_GAP
        return ends


def _below(band: Band, points: tuple[tuple[float, float], ...]) -> Label:
    """Return a band's label below the middle of its first part."""
    (x0, y0), (x1, y1) = points[0], points[1]
    lines = _band_lines(band)
    width = max(map(text_width, lines))
    y = (y0 + y1) / 2 + _thickness(band) + 2
    return Label(lines=lines, x=(x0 + x1) / 2 - width / 2, y=y, width=width, anchor="middle")


def _spread(lanes: list[Lane]) -> tuple[Lane, ...]:
    """Push labels down until none overlaps another; those of one gap stand in one column."""
    spread = []
    floors: dict[float, float] = {}
    for lane in sorted(lanes, key=lambda lane: lane.label.y):
        gap, label = lane.points[0][0], lane.label
        y = max(label.y, floors.get(gap, 0.0))
        floors[gap] = y + label.height + LABEL_SPACE
        moved = Label(lines=label.lines, x=label.x, y=y, width=label.width, anchor=label.anchor)
        spread.append(
            Lane(band=lane.band, points=lane.points, thickness=lane.thickness, label=moved)
        )
    return tuple(spread)


def _thickness(band: Band) -> float:
    return max(3.0, band.part * BAND_SPACE)


def _stack_height(bands: list[Band]) -> float:
    return sum(_thickness(band) for band in bands) + BAND_GAP * max(0, len(bands) - 1)


def _band_lines(band: Band) -> tuple[str, str]:
    leg = band.leg
    paid = Amount(leg.amount_in_units, leg.asset_in)
    got = Amount(leg.amount_out_units, leg.asset_out)
    amounts = f"{brief(paid)} {paid.asset} → {brief(got)} {got.asset}"
    return f"{leg.label} · {share(band.part)}", amounts


def _facts(quote: Quote) -> str:
    limit = Amount(quote.limit_units, quote.optimised)
    return (
        f"{limit_word(quote)} {limit} · {quote.gap_bps:.4f} bp from the best possible"
        f" · gas {quote.gas:,} · price impact {quote.price_impact_bps:.2f} bp"
        f" · block {quote.block.number}"
    )
