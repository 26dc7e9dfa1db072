"""Constraints of a request hold, whatever they cost; what is refused is refused with its reason."""

from dataclasses import replace

import pytest

from router.domain.errors import FailureError, UsageError
from router.domain.market import Ladder, LadderLevel
from router.domain.orders import RouteConstraints, SwapMode
from router.domain.routes import Quote, QuoteRequest
from router.routing.guard import PriceGuard
from router.routing.quoting import quote
from router.routing.view import MarketView
from tests.unit.router.routing.routing_world import BOOK, DAI, POLICY, USDC, VIEW, WETH, ladder

NOW_MS = 1_700_000_000_000


def ask(
    units: int = 50 * 10**18,
    *,
    view: MarketView = VIEW,
    guard: PriceGuard | None = None,
    alternatives: int = 0,
    mode: SwapMode = SwapMode.EXACT_IN,
    **constraints: object,
) -> Quote:
    wanted = QuoteRequest(
        mode=mode,
        asset_in=WETH,
        asset_out=USDC,
        amount_units=units,
        constraints=RouteConstraints(**constraints),  # type: ignore[arg-type]
        alternatives=alternatives,
    )
    return quote(view, wanted, NOW_MS, POLICY, guard=guard)


def passed_through(answer: Quote) -> set[str]:
    return {leg.asset_out.symbol for leg in answer.legs} - {USDC.symbol}


def test_only_included_venues_take_part() -> None:
    every = ask(max_hops=1)
    for venue in {leg.venue_id for leg in every.legs}:
        alone = ask(included_venues=frozenset({venue.upper()}), max_hops=1)
        assert {leg.venue_id for leg in alone.legs} == {venue}
        assert alone.amount_out.units <= every.amount_out.units


def test_a_name_that_no_venue_goes_by_is_an_issue() -> None:
    answer = ask(excluded_venues=frozenset({"book", "kraken"}))
    assert [issue for issue in answer.issues if issue.startswith("SOURCE_UNKNOWN")] == [
        "SOURCE_UNKNOWN: no venue goes by kraken."
    ]


def test_excluded_tokens_and_connectors_bound_what_is_passed_through() -> None:
    via = frozenset(leg.venue_id for leg in ask(max_hops=1).legs)
    around = ask(10**18, excluded_venues=via)
    assert passed_through(around) == {DAI.symbol}
    with pytest.raises(FailureError) as refused:
        ask(10**18, excluded_venues=via, excluded_tokens=frozenset({"DAI"}))
    assert refused.value.code == "NO_ROUTE"
    with pytest.raises(FailureError) as refused:
        ask(10**18, excluded_venues=via, connector_tokens=frozenset())
    assert refused.value.code == "NO_ROUTE"
    allowed = ask(10**18, excluded_venues=via, connector_tokens=frozenset({"DAI"}))
    assert allowed.amount_out == around.amount_out


def test_the_ends_of_an_order_may_be_named_as_excluded() -> None:
    assert ask(excluded_tokens=frozenset({"WETH", "USDC"})).legs


def test_a_plan_keeps_within_its_gas_or_is_refused() -> None:
    free = ask()
    assert len(free.legs) > 1
    bound = ask(max_gas=free.gas - 1)
    assert bound.gas < free.gas
    assert bound.amount_out.units <= free.amount_out.units
    with pytest.raises(FailureError) as refused:
        ask(max_gas=21_001, excluded_venues=frozenset({"book"}))
    assert refused.value.code == "GAS_LIMIT"


@pytest.mark.parametrize("mode", SwapMode)
def test_alternatives_are_no_better_than_the_quote(mode: SwapMode) -> None:
    units = 50 * 10**18 if mode is SwapMode.EXACT_IN else 100_000 * 10**6
    answer = ask(units, mode=mode, alternatives=8)
    assert answer.alternatives
    assert answer.alternatives[0].reason == "a single leg"
    assert len(answer.alternatives[0].legs) == 1
    for other in answer.alternatives:
        if mode is SwapMode.EXACT_IN:
            assert other.net_units <= answer.net_units
        else:
            assert other.net_units >= answer.net_units
    assert len(ask(units, mode=mode, alternatives=1).alternatives) == 1
    with pytest.raises(UsageError):
        ask(units, mode=mode, alternatives=9)


def reference(price_ticks: int) -> PriceGuard:
    """A guard whose only book has this middle, in ticks of our own book."""
    far = ladder(bids=((price_ticks - 1, 1),), asks=((price_ticks + 1, 1),))
    return PriceGuard(warn_bps=50, refuse_bps=400, references=(replace(far, venue_id="far"),))


def test_a_quote_is_held_against_an_independent_price() -> None:
    fair = ask(10**17)
    ticks = fair.amount_out.units * BOOK.lot_units // (fair.amount_in.units * BOOK.tick_units)
    near = ask(10**17, guard=reference(ticks))
    assert near.guard_bps is not None
    assert abs(near.guard_bps) < 1
    assert not near.issues
    above = ask(10**17, guard=reference(ticks * 101 // 100))
    assert above.guard_bps is not None
    assert 90 < above.guard_bps < 110
    assert any(issue.startswith("PRICE_DEVIATION") for issue in above.issues)
    with pytest.raises(FailureError) as refused:
        ask(10**17, guard=reference(ticks * 105 // 100))
    assert refused.value.code == "PRICE_GUARD"


def test_an_offer_that_ends_before_the_quote_takes_no_part() -> None:
    def offer(expires_ms: int) -> Ladder:
        level = LadderLevel(price_ticks=10**6, lots=10**6)
        made = ladder(bids=((level.price_ticks, level.lots),), asks=())
        return replace(made, venue_id="rfq-maker", expires_ms=expires_ms)

    lasting = replace(VIEW, ladders=(*VIEW.ladders, offer(NOW_MS + POLICY.ttl_ms)))
    assert "rfq-maker:WETH/USDC" in {leg.venue_id for leg in ask(view=lasting).legs}
    ending = replace(VIEW, ladders=(*VIEW.ladders, offer(NOW_MS + POLICY.ttl_ms - 1)))
    assert ask(view=ending).amount_out == ask().amount_out
