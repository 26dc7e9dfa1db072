"""Every denial has its code, and the checks only look."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.market import BlockRef, Protocol
from router.domain.orders import SwapMode, SwapOrder
from router.domain.routes import Leg, Quote
from router.risk.checks import (
    Accepted,
    Denied,
    RiskInputs,
    RiskLimits,
    check_order,
    check_quote_time,
)

WETH = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "1" * 40)
USDC = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "2" * 40)
BLOCK = BlockRef(number=7, hash="0x7", parent_hash="0x6", timestamp_s=1_000, base_fee_wei=7)
LEG = Leg(
    venue_id="uniswap_v2:0x1",
    protocol=Protocol.UNISWAP_V2,
    label="V2 WETH/USDC 0.3%",
    asset_in=WETH,
    asset_out=USDC,
    amount_in_units=100,
    amount_out_units=250,
    fee_units=1,
    fee_ppm=3000,
    gas=90_000,
    ticks_crossed=0,
    share_bps=10_000,
    takes_rest=True,
    marginal_price=2.5,
)
QUOTE = Quote(
    quote_id="q1",
    mode=SwapMode.EXACT_IN,
    amount_in=Amount(100, WETH),
    amount_out=Amount(250, USDC),
    limit_units=248,
    unspent_in_units=0,
    legs=(LEG,),
    gas=230_000,
    gas_price_wei=1,
    gas_cost_units=1,
    net_units=249,
    bound_units=250,
    gap_bps=0.0,
    gap_net_bps=0.0,
    best_single_units=250,
    price_impact_bps=20.0,
    block=BLOCK,
    book_sequences=(),
    created_ms=1_000_000,
    expires_ms=1_030_000,
    solve_us=100,
)
ORDER = SwapOrder(
    order_id="o1",
    client_order_id="c1",
    account="alice",
    mode=SwapMode.EXACT_IN,
    asset_in=WETH,
    asset_out=USDC,
    amount_units=100,
    limit_units=248,
    deadline_s=1_100,
    created_ms=1_000_000,
)
INPUTS = RiskInputs(
    available_units=100, hot_units=2**256, now_ms=1_000_000, block=BLOCK, frozen_reason=None
)
LIMITS = RiskLimits(price_guard_bps=100, max_in_units={WETH: 100})
BOOK_QUOTE = replace(QUOTE, legs=(replace(LEG, protocol=Protocol.BOOK, lots=1),))


def test_an_order_within_every_limit_is_accepted() -> None:
    assert check_order(ORDER, QUOTE, INPUTS, LIMITS) == Accepted()


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("INSUFFICIENT_BALANCE", {"available_units": 99}),
        ("INSUFFICIENT_BALANCE", {"available_units": -1}),
        ("DEADLINE_EXPIRED", {"now_ms": 1_100_000}),
        ("DEADLINE_EXPIRED", {"block": replace(BLOCK, timestamp_s=1_100)}),
        ("SIGNER_FROZEN", {"frozen_reason": "an outflow nobody ordered."}),
        ("HOT_WALLET_LOW", {"hot_units": 99}),
    ],
)
def test_each_refusal_has_its_own_code(code: str, change: dict[str, object]) -> None:
    answer = check_order(ORDER, QUOTE, replace(INPUTS, **change), LIMITS)
    assert isinstance(answer, Denied)
    assert answer.code == code
    assert answer.as_failure().code == code


def test_an_order_above_its_limit_is_denied_even_with_the_balance() -> None:
    inputs = replace(INPUTS, available_units=10**6)
    answer = check_order(replace(ORDER, amount_units=101), QUOTE, inputs, LIMITS)
    assert isinstance(answer, Denied)
    assert answer.code == "ORDER_LIMIT_EXCEEDED"


def test_a_price_that_moves_too_far_is_denied() -> None:
    answer = check_order(ORDER, replace(QUOTE, price_impact_bps=100.5), INPUTS, LIMITS)
    assert isinstance(answer, Denied)
    assert answer.code == "PRICE_GUARD"


def test_neither_signer_nor_hot_wallet_stop_an_order_that_only_trades_the_book() -> None:
    inputs = replace(INPUTS, frozen_reason="an outflow nobody ordered.", hot_units=0)
    assert check_order(ORDER, BOOK_QUOTE, inputs, LIMITS) == Accepted()


def test_an_exact_out_order_needs_its_whole_limit() -> None:
    order = replace(ORDER, mode=SwapMode.EXACT_OUT, amount_units=250, limit_units=101)
    answer = check_order(order, QUOTE, INPUTS, RiskLimits(price_guard_bps=100))
    assert isinstance(answer, Denied)
    assert answer.code == "INSUFFICIENT_BALANCE"


@given(needed=st.integers(1, 2**256 - 1), available=st.integers(0, 2**256 - 1))
def test_an_order_is_never_accepted_beyond_the_balance(needed: int, available: int) -> None:
    order = replace(ORDER, amount_units=needed)
    inputs = replace(INPUTS, available_units=available)
    answer = check_order(order, QUOTE, inputs, RiskLimits(price_guard_bps=100))
    assert isinstance(answer, Accepted) == (needed <= available)


@given(late_ms=st.integers(-10_000, 10_000))
def test_a_quote_is_stale_from_the_first_millisecond_after_its_end(late_ms: int) -> None:
    answer = check_quote_time(QUOTE, QUOTE.expires_ms + late_ms)
    assert isinstance(answer, Denied) == (late_ms > 0)
