"""Amounts parse exactly, print exactly, and refuse what is not an amount."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.amounts import UINT256_MAX, Amount, max_amount_in, min_amount_out
from router.domain.assets import Asset, AssetRegistry
from router.domain.errors import UsageError

WETH = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "11" * 20)
USDC = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "22" * 20)


@given(units=st.integers(1, UINT256_MAX), decimals=st.integers(0, 36))
def test_printing_and_parsing_gives_the_same_units(units: int, decimals: int) -> None:
    asset = Asset(symbol="T", decimals=decimals, chain_id=1, address="0x" + "33" * 20)
    assert Amount.parse(Amount(units, asset).format(), asset).units == units


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "AMOUNT_RANGE"),
        ("0.000000", "AMOUNT_RANGE"),
        ("-1", "AMOUNT_INVALID"),
        ("+1", "AMOUNT_INVALID"),
        ("NaN", "AMOUNT_INVALID"),
        ("inf", "AMOUNT_INVALID"),
        ("1e3", "AMOUNT_INVALID"),
        ("1_000", "AMOUNT_INVALID"),
        ("1,5", "AMOUNT_INVALID"),
        ("", "AMOUNT_INVALID"),
        (".", "AMOUNT_INVALID"),
        ("\u0661", "AMOUNT_INVALID"),
        ("0x10", "AMOUNT_INVALID"),
        ("1.0000001", "AMOUNT_PRECISION"),
        (str(2**256), "AMOUNT_RANGE"),
        ("9" * 78, "AMOUNT_RANGE"),
        ("9" * 500, "AMOUNT_INVALID"),
    ],
)
def test_what_is_not_an_amount_is_refused_with_its_code(text: str, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        Amount.parse(text, USDC)
    assert refused.value.code == code


def test_trailing_zeros_beyond_the_decimals_are_not_excess_precision() -> None:
    assert Amount.parse("1.50000000", USDC).units == 1_500_000


def test_amounts_of_two_assets_do_not_combine() -> None:
    with pytest.raises(UsageError) as refused:
        Amount(1, USDC) + Amount(1, WETH)
    assert refused.value.code == "ASSET_MISMATCH"


def test_an_amount_never_goes_below_zero() -> None:
    with pytest.raises(UsageError) as refused:
        Amount(1, USDC) - Amount(2, USDC)
    assert refused.value.code == "AMOUNT_RANGE"


@given(quoted=st.integers(0, UINT256_MAX), bps=st.integers(0, 10_000))
def test_min_amount_out_never_falls_below_the_signed_tolerance(quoted: int, bps: int) -> None:
    least = min_amount_out(quoted, bps)
    assert least * 10_000 >= quoted * (10_000 - bps)
    assert (least - 1) * 10_000 < quoted * (10_000 - bps)
    assert least <= quoted


@given(quoted=st.integers(0, UINT256_MAX), bps=st.integers(0, 10_000))
def test_max_amount_in_never_exceeds_the_signed_tolerance(quoted: int, bps: int) -> None:
    most = max_amount_in(quoted, bps)
    assert quoted <= most
    assert most * 10_000 <= quoted * (10_000 + bps)
    assert (most + 1) * 10_000 > quoted * (10_000 + bps)


@pytest.mark.parametrize("bps", [-1, 10_001])
def test_a_slippage_outside_its_range_is_a_programming_error(bps: int) -> None:
    with pytest.raises(ValueError, match="slippage_bps"):
        min_amount_out(1, bps)
    with pytest.raises(ValueError, match="slippage_bps"):
        max_amount_in(1, bps)


def test_the_registry_finds_by_symbol_and_address_in_any_case() -> None:
    registry = AssetRegistry([WETH, USDC])
    assert registry.by_symbol("weth") is WETH
    assert registry.by_symbol(USDC.address.upper().replace("X", "x")) is USDC
    assert registry.by_address(WETH.address) is WETH


def test_an_unknown_asset_names_the_listed_ones() -> None:
    with pytest.raises(UsageError, match="USDC, WETH") as refused:
        AssetRegistry([WETH, USDC]).by_symbol("DOGE")
    assert refused.value.code == "ASSET_UNKNOWN"


def test_listing_a_symbol_or_an_address_twice_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        AssetRegistry([WETH, WETH])
