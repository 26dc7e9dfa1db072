"""The solver's legs in domain terms, and the check that a plan adds up before it is relied on."""

from collections.abc import Sequence

from router.core import Plan, PlanLeg
from router.domain.amounts import BPS_ONE
from router.domain.market import Ladder
from router.domain.orders import SwapMode
from router.domain.routes import Leg, QuoteRequest
from router.routing.view import CompiledMarket, assets_of, venue_key


def legs_of(compiled: CompiledMarket, plan: Plan) -> tuple[Leg, ...]:
    """Name the legs; the shares of all legs that leave one asset sum to 10,000."""
    shares = share_bps([(leg.token_in, leg.amount_in) for leg in plan.legs])
    return tuple(_leg(compiled, leg, share) for leg, share in zip(plan.legs, shares, strict=True))


def _leg(compiled: CompiledMarket, leg: PlanLeg, share: int) -> Leg:
    venue = compiled.venues[leg.venue]
    venue_id, protocol = venue_key(venue)
    if isinstance(venue, Ladder):
        label = f"{venue.venue_id} {venue.instrument.symbol}"
        fee_ppm = venue.instrument.taker_fee_ppm
    else:
        label, fee_ppm = venue.ref.label, venue.ref.fee_ppm
    return Leg(
        venue_id=venue_id,
        protocol=protocol,
        label=label,
        asset_in=compiled.assets[leg.token_in],
        asset_out=compiled.assets[leg.token_out],
        amount_in_units=leg.amount_in,
        amount_out_units=leg.amount_out,
        fee_units=leg.fee_amount,
        fee_ppm=fee_ppm,
        gas=leg.gas,
        ticks_crossed=leg.ticks_crossed,
        share_bps=share,
        takes_rest=leg.takes_rest,
        marginal_price=leg.marginal_price,
        lots=leg.lots,
        limit_price_ticks=leg.limit_price_ticks,
    )


def share_bps(inputs: Sequence[tuple[int, int]]) -> list[int]:
    """Return each input's share of its token in basis points, rounded so that they sum to 10,000.

    What rounding down leaves goes to the largest remainders, earlier legs first.
    """
    totals: dict[int, int] = {}
    for token, units in inputs:
        totals[token] = totals.get(token, 0) + units
    floors = [units * BPS_ONE // totals[token] for token, units in inputs]
    for token, total in totals.items():
        members = [index for index, (owner, _) in enumerate(inputs) if owner == token]
        missing = BPS_ONE - sum(floors[index] for index in members)
        by_remainder = sorted(members, key=lambda index: -(inputs[index][1] * BPS_ONE % total))
        for index in by_remainder[:missing]:
            floors[index] += 1
    return floors


def verify_plan(compiled: CompiledMarket, request: QuoteRequest, plan: Plan) -> None:
    """Assert that the plan can be run as written and adds up to its own totals.

    Every leg's input is there when it runs, no venue is used twice, book legs come last and
    deliver the output, and what is left over is what the plan says is left over.
    """
    source = compiled.token_ids[request.asset_in]
    target = compiled.token_ids[request.asset_out]
    held = {source: plan.amount_in}
    books_began = False
    for leg in plan.legs:
        traded = {compiled.token_ids[asset] for asset in assets_of(compiled.venues[leg.venue])}
        assert leg.token_in != leg.token_out, "a leg trades one asset for another"
        assert {leg.token_in, leg.token_out} <= traded, "a leg trades assets of its venue"
        assert 0 < leg.amount_in <= held.get(leg.token_in, 0), "a leg's input is there"
        assert leg.amount_out > 0, "no leg is for nothing"
        is_book = isinstance(compiled.venues[leg.venue], Ladder)
        assert is_book or not books_began, "book legs run last"
        assert not is_book or leg.token_out == target, "book legs deliver the output"
        books_began = is_book
        held[leg.token_in] -= leg.amount_in
        held[leg.token_out] = held.get(leg.token_out, 0) + leg.amount_out
    venues = [leg.venue for leg in plan.legs]
    assert len(set(venues)) == len(venues), "a venue appears once"
    assert held.pop(target, 0) == plan.amount_out, "the legs deliver the plan's output"
    assert held.pop(source, 0) == 0, "the legs spend the plan's input"
    left = {token: units for token, units in held.items() if units}
    assert left == {token: units for token, units in plan.dust if units}, "dust is accounted for"
    if request.mode is SwapMode.EXACT_IN:
        offered = plan.amount_in + plan.unspent_in
        assert offered == request.amount_units, "exact-in offers exactly what was asked"
    else:
        assert plan.amount_out >= request.amount_units, "exact-out delivers what was asked"
