"""A quote says exactly what its plan does, and refuses what no market could answer."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from router.domain.amounts import max_amount_in, min_amount_out
from router.domain.assets import Asset
from router.domain.errors import FailureError, RouterError
from router.domain.market import Protocol
from router.domain.orders import RouteConstraints, SwapMode
from router.domain.routes import Quote, QuoteRequest
from router.routing.quoting import quote
from router.routing.view import MarketView, VenueFilter
from tests.unit.router.routing.routing_world import (
    BLOCK,
    DAI,
    ETH,
    FEE,
    LONELY,
    POLICY,
    USDC,
    VIEW,
    WETH,
    ladder,
    v2,
)

NOW_MS = 1_700_000_000_000


def request(
    sell: Asset = WETH,
    buy: Asset = USDC,
    units: int = 10**19,
    mode: SwapMode = SwapMode.EXACT_IN,
    **constraints: object,
) -> QuoteRequest:
    return QuoteRequest(
        mode=mode,
        asset_in=sell,
        asset_out=buy,
        amount_units=units,
        constraints=RouteConstraints(**constraints),  # type: ignore[arg-type]
    )


def ask(wanted: QuoteRequest, view: MarketView = VIEW) -> Quote:
    return quote(view, wanted, NOW_MS, POLICY)


def test_a_large_order_is_split_over_pools_and_the_book() -> None:
    answer = ask(request(units=50 * 10**18))
    assert answer.chain_legs
    assert answer.book_legs
    assert {leg.venue_id for leg in answer.book_legs} == {"book:WETH/USDC"}
    assert answer.amount_out.units > answer.best_single_units
    assert answer.amount_out.units <= answer.bound_units
    assert answer.requested_units == answer.amount_in.units == 50 * 10**18
    assert answer.solve_us >= 0


@settings(max_examples=60, deadline=None)
@given(
    sell=st.sampled_from([WETH, USDC, DAI]),
    buy=st.sampled_from([WETH, USDC, DAI]),
    thousandths=st.integers(1, 10**7),
    mode=st.sampled_from(SwapMode),
)
def test_legs_add_up_and_shares_sum_to_the_whole(
    sell: Asset, buy: Asset, thousandths: int, mode: SwapMode
) -> None:
    assume(sell != buy)
    measured = sell if mode is SwapMode.EXACT_IN else buy
    units = thousandths * measured.one_in_units // 1_000
    try:
        answer = ask(request(sell, buy, units, mode))
    except FailureError as error:
        refusal = error.code
    else:
        refusal = ""
    assume(not refusal)
    left = dict.fromkeys((sell, buy), 0)
    shares: dict[Asset, int] = {}
    for leg in answer.legs:
        left[leg.asset_in] = left.get(leg.asset_in, 0) - leg.amount_in_units
        left[leg.asset_out] = left.get(leg.asset_out, 0) + leg.amount_out_units
        shares[leg.asset_in] = shares.get(leg.asset_in, 0) + leg.share_bps
    assert -left.pop(sell) == answer.amount_in.units
    assert left.pop(buy) == answer.amount_out.units
    assert all(units >= 0 for units in left.values())
    assert set(shares.values()) == {10_000}
    if mode is SwapMode.EXACT_IN:
        assert answer.amount_in.units + answer.unspent_in_units == units
        assert answer.limit_units == min_amount_out(answer.amount_out.units, 50)
    else:
        assert answer.amount_out.units >= units
        assert answer.limit_units == max_amount_in(answer.amount_in.units, 50)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("SAME_ASSET", request(buy=WETH)),
        ("ASSET_NOT_ROUTABLE", request(sell=FEE)),
        ("ASSET_NOT_ROUTABLE", request(buy=FEE)),
        ("ASSET_NOT_ROUTABLE", request(sell=ETH)),
        ("NO_ROUTE", request(buy=LONELY)),
        ("AMOUNT_RANGE", request(units=0)),
        ("AMOUNT_RANGE", request(units=2**256)),
        ("ORDER_INVALID", replace(request(), slippage_bps=10_001)),
        ("ORDER_INVALID", request(max_hops=7)),
        ("ORDER_INVALID", request(max_legs=0)),
        ("INSUFFICIENT_LIQUIDITY", request(units=10**40, mode=SwapMode.EXACT_OUT)),
    ],
)
def test_what_cannot_be_quoted_has_its_own_code(code: str, wanted: QuoteRequest) -> None:
    with pytest.raises(RouterError) as caught:
        ask(wanted)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "excluded", ["book", "BOOK:weth/usdc", "weth/usdc"], ids=["venue", "id", "instrument"]
)
def test_an_excluded_book_takes_no_part(excluded: str) -> None:
    answer = ask(request(units=50 * 10**18, excluded_venues=frozenset({excluded})))
    assert not answer.book_legs
    assert answer.constraints.excluded_venues == {excluded}


def test_an_excluded_pool_is_left_out_by_its_bare_address() -> None:
    address = VIEW.pools[0].ref.address
    answer = ask(request(excluded_venues=frozenset({address.upper().replace("X", "x")})))
    assert all(address not in leg.venue_id for leg in answer.legs)


def test_only_the_admitted_protocols_take_part() -> None:
    answer = ask(request(included_protocols=frozenset({Protocol.BOOK})))
    assert {leg.protocol for leg in answer.legs} == {Protocol.BOOK}
    assert answer.gas == 0


def test_the_market_is_compiled_once_per_filter() -> None:
    view = MarketView(block=BLOCK, pools=VIEW.pools, ladders=VIEW.ladders)
    first = view.compiled(VenueFilter())
    ask(request(), view)
    assert view.compiled(VenueFilter()) is first
    for number in range(100):
        ask(request(excluded_venues=frozenset({f"venue{number}"})), view)
    assert len(view._compiled) <= 16


@pytest.mark.parametrize("bids", [[(300_000, 2**64)], [(300_000, 2**63), (299_000, 2**63)]])
def test_a_book_that_the_core_cannot_hold_is_left_out(bids: list[tuple[int, int]]) -> None:
    """One venue's absurd state must not take all others with it."""
    view = replace(VIEW, ladders=(ladder(bids, []),))
    answer = ask(request(), view)
    assert answer == replace(ask(request(excluded_venues=frozenset({"book"}))), **same(answer))


def same(answer: Quote) -> dict[str, object]:
    """What tells two equal answers about different views apart."""
    names = ("quote_id", "book_sequences", "solve_us", "constraints")
    return {name: getattr(answer, name) for name in names}


def test_what_the_book_cannot_take_is_named_as_unfilled() -> None:
    wanted = request(units=10**18 + 7, included_protocols=frozenset({Protocol.BOOK}))
    answer = ask(wanted)
    assert answer.unspent_in_units == 7
    assert any(issue.startswith("UNFILLED: ") for issue in answer.issues)


def test_a_price_that_moves_far_is_named_as_thin_liquidity() -> None:
    small, large = ask(request(units=10**16)), ask(request(units=900 * 10**18))
    assert not any(issue.startswith("THIN_LIQUIDITY") for issue in small.issues)
    assert any(issue.startswith("THIN_LIQUIDITY: ") for issue in large.issues)
    assert large.price_impact_bps > small.price_impact_bps


def test_an_amount_below_the_gas_is_named() -> None:
    answer = ask(replace(request(units=10**12), gas_price_wei=10**11))
    assert any(issue.startswith("GAS_EXCEEDS_OUTPUT: ") for issue in answer.issues)


def test_a_quote_repeats_itself_and_lives_as_long_as_the_policy_says() -> None:
    one, two = ask(request()), ask(request())
    assert replace(one, solve_us=0) == replace(two, solve_us=0)
    assert one.quote_id != ask(request(units=10**18)).quote_id
    assert one.expires_ms == NOW_MS + POLICY.ttl_ms
    assert one.block == BLOCK
    assert one.book_sequences == (("book:WETH/USDC", 1),)


@pytest.mark.parametrize(
    ("base_fee_wei", "expected"), [(0, 10**9), (5 * 10**9, 5 * 10**9), (10**15, 10**12)]
)
def test_gas_is_priced_within_the_floor_and_the_cap(base_fee_wei: int, expected: int) -> None:
    view = replace(VIEW, block=replace(BLOCK, base_fee_wei=base_fee_wei))
    assert ask(request(), view).gas_price_wei == expected
    assert ask(replace(request(), gas_price_wei=7), view).gas_price_wei == 7


def test_pools_of_unroutable_assets_are_not_even_crossed() -> None:
    lure = v2(FEE, USDC, 10**24, 10**15, 9)
    view = MarketView(block=BLOCK, pools=(*VIEW.pools, lure))
    assert all(FEE not in (leg.asset_in, leg.asset_out) for leg in ask(request(), view).legs)
