"""What clients send becomes integers, exactly or not at all."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.errors import UsageError
from router.domain.market import Instrument
from router.domain.orders import SwapMode
from router.wire import LimitOrderBody, QuoteBody, RouteBody
from tests.unit.router.routing.routing_world import BOOK, USDC, WETH

REGISTRY = AssetRegistry([WETH, USDC])
WIDE = Instrument(
    symbol="WETH/USDC",
    base=WETH,
    quote=USDC,
    lot_units=10**16,
    tick_units=25,
    taker_fee_ppm=0,
)


@given(units=st.integers(1, 10**40), exact_out=st.booleans())
def test_an_amount_survives_its_way_in(units: int, exact_out: bool) -> None:
    measured = USDC if exact_out else WETH
    text = Amount(units, measured).format()
    body = QuoteBody.parse({"sell": "weth", "buy": "USDC", "amount": text, "exact_out": exact_out})
    request = body.to_domain(REGISTRY)
    assert request.amount_units == units
    assert request.mode is (SwapMode.EXACT_OUT if exact_out else SwapMode.EXACT_IN)
    assert (request.asset_in, request.asset_out) == (WETH, USDC)


@given(
    instrument=st.sampled_from([BOOK, WIDE]),
    lots=st.integers(1, 10**9),
    ticks=st.integers(1, 10**9),
)
def test_price_and_quantity_are_the_lots_and_ticks_they_say(
    instrument: Instrument, lots: int, ticks: int
) -> None:
    quantity = Amount(lots * instrument.lot_units, WETH).format()
    per_base = Fraction(ticks * instrument.tick_units * WETH.one_in_units, instrument.lot_units)
    assume(per_base.denominator == 1)
    price = Amount(int(per_base), USDC).format()
    body = LimitOrderBody.parse(
        {
            "account": "a",
            "instrument": "WETH/USDC",
            "side": "buy",
            "quantity": quantity,
            "price": price,
            "client_order_id": "c",
        }
    )
    assert body.lots_and_ticks(instrument) == (lots, ticks)
    cost = Fraction(instrument.quote_units(lots, ticks), 10**USDC.decimals)
    assert cost == Fraction(quantity) * Fraction(price)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("AMOUNT_INVALID", {"amount": 1.5}),
        ("AMOUNT_INVALID", {"amount": None}),
        ("AMOUNT_INVALID", {"amount": True}),
        ("ORDER_INVALID", {"slippage_bps": "many"}),
        ("ORDER_INVALID", {"max_hops": 9}),
        ("ORDER_INVALID", {"hops": 3}),
        ("ORDER_INVALID", {"protocols": ["kyber"]}),
        ("ORDER_INVALID", {"sell": "x" * 81}),
    ],
)
def test_a_wrong_field_is_named(code: str, change: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        QuoteBody.parse({"sell": "WETH", "buy": "USDC", "amount": "1", **change})
    assert caught.value.code == code
    assert next(iter(change)) in caught.value.message


@pytest.mark.parametrize("account", ["", " alice", "a/b", "user/alice", "a" * 81, "ä"])
def test_an_account_has_a_plain_name(account: str) -> None:
    with pytest.raises(UsageError) as caught:
        RouteBody.parse({"account": account, "client_order_id": "c"})
    assert caught.value.code == "ORDER_INVALID"
