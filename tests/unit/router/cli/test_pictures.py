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
from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.market import BlockRef, Protocol
from router.domain.orders import SwapMode
from router.domain.routes import Leg, Quote

WETH, USDC, WBTC = (
    Asset(symbol=symbol, decimals=decimals, chain_id=31337, address="0x" + byte * 20)
    for symbol, decimals, byte in (("WETH", 18, "11"), ("USDC", 6, "22"), ("WBTC", 8, "33"))
)


def leg(asset_in: Asset, asset_out: Asset, paid: int, got: int, protocol: Protocol) -> Leg:
    return Leg(
        venue_id=f"{protocol}:{asset_in}{asset_out}",
        protocol=protocol,
        label=f"{protocol} <{asset_in}/{asset_out}>",
        asset_in=asset_in,
        asset_out=asset_out,
        amount_in_units=paid,
        amount_out_units=got,
        fee_units=1,
        fee_ppm=500,
        gas=0 if protocol is Protocol.BOOK else 120_000,
        ticks_crossed=2,
        share_bps=5_000,
        takes_rest=True,
        marginal_price=3.5e-9,
    )


QUOTE = Quote(
    quote_id="q1",
    mode=SwapMode.EXACT_IN,
    amount_in=Amount(10 * 10**18, WETH),
    amount_out=Amount(34_900 * 10**6, USDC),
    limit_units=34_700 * 10**6,
    unspent_in_units=0,
    legs=(
        leg(WETH, USDC, 6 * 10**18, 20_940 * 10**6, Protocol.UNISWAP_V3),
        leg(WETH, WBTC, 3 * 10**18, 16_000_000, Protocol.UNISWAP_V2),
        leg(WBTC, USDC, 16_000_000, 10_460 * 10**6, Protocol.UNISWAP_V3),
        leg(WETH, USDC, 10**18, 3_500 * 10**6, Protocol.BOOK),
    ),
    gas=360_000,
    gas_price_wei=10**9,
    gas_cost_units=1_260_000,
    net_units=34_898_740_000,
    bound_units=34_900_000_001,
    gap_bps=0.0001,
    gap_net_bps=0.0002,
    best_single_units=34_800 * 10**6,
    price_impact_bps=12.5,
    block=BlockRef(number=7, hash="0x1", parent_hash="0x0", timestamp_s=1, base_fee_wei=7),
    book_sequences=(("book:own", 3),),
    created_ms=1,
    expires_ms=2,
    solve_us=80,
)


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
        "50.00%",
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
