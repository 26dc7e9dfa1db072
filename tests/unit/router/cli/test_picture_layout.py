"""A route's picture stays readable whatever the plan: no label on another, nothing outside."""

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cli.picture import route_svg
from router.cli.picture_layout import Label, Picture, brief, picture_of, text_width
from router.cli.route_flow import flow_of
from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.market import Protocol
from router.domain.routes import Leg, Quote
from tests.unit.router.cli.cli_quotes import (
    DAI,
    LINK,
    QUOTE,
    USDC,
    USDT,
    WBTC,
    WETH,
    leg,
    quote,
)

V2, V3, BOOK = Protocol.UNISWAP_V2, Protocol.UNISWAP_V3, Protocol.BOOK
ONE_LEG = quote(
    Amount(1, WETH), Amount(2**200, USDC), leg(WETH, USDC, 1, 2**200, V3, " with a long name 0.05%")
)
SIXTEEN = quote(
    Amount(10 * 10**18, WETH),
    Amount(34_900 * 10**6, USDC),
    *[leg(WETH, USDC, 10**18 + n, 10**9 + n, [V2, V3, BOOK][n % 3], f" {n}") for n in range(16)],
)
MERGING = quote(
    Amount(100 * 10**18, LINK),
    Amount(1_500 * 10**6, USDC),
    leg(LINK, WETH, 50 * 10**18, 2 * 10**17, V3),
    leg(LINK, USDT, 30 * 10**18, 450 * 10**6, V2),
    leg(LINK, USDC, 20 * 10**18, 300 * 10**6, BOOK),
    leg(WETH, WBTC, 10**17, 5 * 10**5, V3),
    leg(WETH, USDT, 5 * 10**16, 175 * 10**6, V3),
    leg(WETH, USDC, 5 * 10**16, 175 * 10**6, V2),
    leg(WBTC, USDC, 5 * 10**5, 350 * 10**6, V3),
    leg(USDT, USDC, 600 * 10**6, 599 * 10**6, V3),
    leg(USDT, DAI, 25 * 10**6, 25 * 10**18, V2),
    leg(DAI, USDC, 25 * 10**18, 25 * 10**6, V3),
)
TINY = quote(
    Amount(10**18, WETH),
    Amount(3_500 * 10**6, USDC),
    leg(WETH, USDC, 10**18 - 4, 3_499 * 10**6, V3),
    leg(WETH, USDC, 1, 1, V2, " dust"),
    leg(WETH, WBTC, 2, 1, V2),
    leg(WETH, DAI, 1, 1, V2),
    leg(WBTC, USDC, 1, 1, V3),
    leg(DAI, USDC, 1, 1, V3),
)
# The two middle bands of four cross in the middle, where their labels would stand.
CROSSING = quote(
    Amount(4 * 10**18, LINK),
    Amount(4 * 10**6, USDC),
    leg(LINK, WETH, 2 * 10**18, 2 * 10**18, V3),
    leg(LINK, USDT, 2 * 10**18, 2 * 10**6, V3),
    leg(WETH, DAI, 10**18, 10**18, V2),
    leg(WETH, WBTC, 10**18, 10**8, V2),
    leg(USDT, DAI, 10**6, 10**18, V2),
    leg(USDT, WBTC, 10**6, 10**8, V2),
    leg(DAI, USDC, 2 * 10**18, 2 * 10**6, V3),
    leg(WBTC, USDC, 2 * 10**8, 2 * 10**6, V3),
)


def boxes(drawn: Picture) -> list[Label]:
    return [lane.label for lane in drawn.lanes] + [bar.label for bar in drawn.bars]


def overlap(one: Label, two: Label) -> bool:
    return (
        one.x < two.x + two.width
        and two.x < one.x + one.width
        and one.y < two.y + two.height
        and two.y < one.y + one.height
    )


def assert_readable(shown: Quote) -> None:
    drawn = picture_of(shown)
    for one, two in combinations(boxes(drawn), 2):
        assert not overlap(one, two), (one, two)
    for box in boxes(drawn):
        assert box.x >= 0, box
        assert box.y >= 60, f"{box} covers the title"
        assert box.x + box.width <= drawn.width, box
        assert box.y + box.height <= drawn.height - 36, f"{box} covers the legend"
        assert all(text_width(line) <= box.width for line in box.lines)
    for lane in drawn.lanes:
        for x, y in lane.points:
            assert 0 <= x <= drawn.width
            assert 60 <= y <= drawn.height - lane.thickness
    assert text_width(drawn.headline, 20) <= drawn.width - 24


@pytest.mark.parametrize("shown", [QUOTE, ONE_LEG, SIXTEEN, MERGING, TINY, CROSSING])
def test_an_awkward_plan_is_readable_and_names_every_venue(shown: Quote) -> None:
    assert_readable(shown)
    root = ET.fromstring(route_svg(shown))
    text = " ".join(root.itertext())
    assert all(one.label in text for one in shown.legs)
    assert len([e for e in root.iter() if e.tag.endswith("path")]) == len(shown.legs)


@pytest.mark.parametrize("shown", [QUOTE, SIXTEEN, MERGING, TINY])
def test_the_boxes_are_where_the_document_writes(shown: Quote) -> None:
    root = ET.fromstring(route_svg(shown))
    spans = [e for e in root.iter() if e.tag.endswith("tspan")]
    labels = boxes(picture_of(shown))
    assert len(spans) == sum(len(box.lines) for box in labels)
    for span in spans:
        x, y = float(span.attrib["x"]), float(span.attrib["y"])
        assert any(
            span.text in box.lines
            and box.x - 0.1 <= x <= box.x + box.width + 0.1
            and box.y <= y <= box.y + box.height
            for box in labels
        ), span.text


def test_bands_leave_and_reach_the_bars_of_their_tokens() -> None:
    for shown in (QUOTE, MERGING):
        drawn = picture_of(shown)
        bars = {bar.label.lines[0]: bar for bar in drawn.bars}
        for lane in drawn.lanes:
            used = lane.band.leg
            for token, (_, y) in (
                (used.asset_in, lane.points[0]),
                (used.asset_out, lane.points[-1]),
            ):
                bar = bars[token.symbol]
                assert bar.y - 0.01 <= y <= y + lane.thickness <= bar.y + bar.height + 0.01
            assert all(one[0] < two[0] for one, two in pairwise(lane.points))


def test_a_token_stands_right_of_all_that_feeds_it_in_whatever_order_the_legs_come() -> None:
    forwards = flow_of(MERGING)
    for shown in (MERGING, quote(MERGING.amount_in, MERGING.amount_out, *reversed(MERGING.legs))):
        flow = flow_of(shown)
        place = {t: c for c, tokens in enumerate(flow.columns) for t in tokens}
        assert all(place[b.leg.asset_in.symbol] < place[b.leg.asset_out.symbol] for b in flow.bands)
        assert place == {t: c for c, tokens in enumerate(forwards.columns) for t in tokens}
        arriving = sum(b.part for b in flow.bands if b.leg.asset_out == USDC)
        assert abs(arriving - 1) < 1e-12


def test_what_is_there_is_never_drawn_as_nothing() -> None:
    assert brief(Amount(1, WETH)) == "0.000000000000000001"
    assert brief(Amount(123_456, WETH)) == "0.000000000000123"
    assert brief(Amount(10**18 + 1, WETH)) == "1"
    assert brief(Amount(0, WETH)) == "0"
    text = " ".join(ET.fromstring(route_svg(TINY)).itertext())
    assert "< 0.01%" in text


TOKENS = (WETH, LINK, WBTC, USDT, DAI, USDC)


@st.composite
def plans(draw: st.DrawFn) -> Quote:
    """Up to 16 legs over layers of tokens, every token between the ends fed and emptied."""
    between: list[Asset] = draw(st.permutations(TOKENS[1:-1]))
    cut = draw(st.integers(0, len(between)))
    layers = [
        [WETH],
        *filter(None, [between[:cut], between[cut : draw(st.integers(0, 4))]]),
        [USDC],
    ]
    edges = [(one, two) for left, right in pairwise(layers) for one in left for two in right]
    skipping = [
        (one, two)
        for left, right in zip(layers, layers[2:], strict=False)
        for one in left
        for two in right
    ]
    if skipping:
        edges += draw(st.lists(st.sampled_from(skipping), max_size=16 - len(edges)))
    units = st.sampled_from([1, 10**6]) | st.integers(1, 10**30)
    legs: list[Leg] = [
        leg(one, two, draw(units), draw(units), draw(st.sampled_from(list(Protocol))), f" {n}")
        for n, (one, two) in enumerate(edges)
    ]
    return quote(Amount(draw(units), WETH), Amount(draw(units), USDC), *legs)


@settings(max_examples=150, deadline=None)
@given(plans())
def test_no_plan_makes_labels_overlap_or_leave_the_page(shown: Quote) -> None:
    assert_readable(shown)
