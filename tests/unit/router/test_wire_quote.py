"""The JSON of a quote says what the quote says, in the words of the 0x v2 convention."""

from dataclasses import replace

from router.domain.amounts import Amount
from router.domain.orders import SwapMode
from router.domain.routes import Alternative
from router.wire_quote import quote_body
from tests.unit.router.cli.cli_quotes import QUOTE, USDC, WETH, quote


def test_amounts_are_strings_of_base_units_and_shares_sum_up() -> None:
    body = quote_body(QUOTE)
    assert body["sellAmount"] == str(10 * 10**18)
    assert body["minBuyAmount"] == str(QUOTE.limit_units)
    assert body["buyAmountNet"] == str(QUOTE.net_units)
    assert "maxSellAmount" not in body
    fills = body["route"]["fills"]
    assert [fill["buyAmount"] for fill in fills] == [
        str(leg.amount_out_units) for leg in QUOTE.legs
    ]
    assert body["totalNetworkFee"] == str(QUOTE.gas * QUOTE.gas_price_wei)
    assert [token["symbol"] for token in body["route"]["tokens"]] == ["WETH", "USDC", "WBTC"]


def test_an_exact_output_is_guaranteed_by_its_most_input() -> None:
    made = quote(Amount(10, WETH), Amount(20, USDC), mode=SwapMode.EXACT_OUT, limit=11)
    body = quote_body(made)
    assert (body["mode"], body["maxSellAmount"]) == ("exactOut", "11")
    assert body["sellAmountNet"] == str(made.net_units)
    assert "minBuyAmount" not in body


def test_issues_have_their_places() -> None:
    said = (
        "INSUFFICIENT_BALANCE: alice has 1 and needs 2.",
        "SOURCE_UNKNOWN: no venue goes by kraken.",
        "DUST: 1 wei: left.",
    )
    issues = quote_body(replace(QUOTE, issues=said))["issues"]
    assert issues["balance"] == "alice has 1 and needs 2."
    assert issues["invalidSourcesPassed"] == "no venue goes by kraken."
    assert issues["notes"] == [{"code": "DUST", "message": "1 wei: left."}]


def test_plans_that_lost_are_listed_with_their_fills() -> None:
    other = Alternative(reason="a single leg", legs=QUOTE.legs[:1], gross_units=7, net_units=-3)
    listed = quote_body(replace(QUOTE, alternatives=(other,)))["alternatives"]
    assert [(item["reason"], item["amountNet"], len(item["fills"])) for item in listed] == [
        ("a single leg", "-3", 1)
    ]
