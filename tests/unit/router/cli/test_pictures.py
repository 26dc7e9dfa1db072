"""The terminal table and the SVG show the plan that the quote holds."""

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

from rich.console import Console

from router.cli.explain import print_explanation
from router.cli.output import plain
from router.cli.picture import route_svg
from router.cli.route_flow import flow_of
from router.domain.market import Protocol
from tests.unit.router.cli.cli_quotes import QUOTE, USDC, WETH, leg


def test_parts_of_the_order_sum_to_one_at_the_source_and_at_the_target() -> None:
    flow = flow_of(QUOTE)
    leaving = sum(b.part for b in flow.bands if b.leg.asset_in == WETH)
    arriving = sum(b.part for b in flow.bands if b.leg.asset_out == USDC)
    assert abs(leaving - 1) < 1e-12
    assert abs(arriving - 1) < 1e-12
    assert flow.columns == (("WETH",), ("WBTC",), ("USDC",))


def test_the_picture_is_well_formed_and_names_every_venue() -> None:
    root = ET.fromstring(route_svg(QUOTE))
    text = " ".join(root.itertext())
    bands = [e for e in root.iter() if e.tag.endswith("path")]
    assert len(bands) == len(QUOTE.legs)
    for one in QUOTE.legs:
        assert one.label in text
    assert "10 WETH → 34900 USDC" in text


def test_thicker_bands_carry_more_of_the_order() -> None:
    doubled = replace(
        QUOTE,
        legs=(
            leg(WETH, USDC, 9 * 10**18, 1, Protocol.UNISWAP_V3),
            leg(WETH, USDC, 10**18, 1, Protocol.BOOK),
        ),
    )
    big, small = (band.part for band in flow_of(doubled).bands)
    assert abs(big - 0.9) < 1e-12
    assert abs(small - 0.1) < 1e-12


def test_the_terminal_shows_amounts_shares_gap_and_gas() -> None:
    console = Console(record=True, width=140, file=io.StringIO())
    print_explanation(console, replace(QUOTE, issues=("DUST: 3 units of WBTC stay",)))
    text = console.export_text()
    for expected in (
        "10 WETH",
        "34900 USDC",
        "60.00%",
        "0.0001 bp",
        "360,000",
        "DUST",
        "3500 USDC/WETH",
    ):
        assert expected in text, expected


def test_money_is_a_string_of_base_units_in_json() -> None:
    document = json.loads(json.dumps(plain(QUOTE)))
    assert document["amount_in"] == {"asset": "WETH", "units": str(10**19), "text": "10"}
    assert document["limit_units"] == "34700000000"
    assert document["legs"][0]["amount_in_units"] == str(6 * 10**18)
    assert document["gas_price_wei"] == "1000000000"
    assert document["block"]["number"] == 7
