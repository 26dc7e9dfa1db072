"""What a client should know of a quote before routing it; none of it makes the call fail."""

from router.core import Plan
from router.domain.amounts import Amount
from router.domain.orders import SwapMode
from router.domain.routes import QuoteRequest
from router.routing.view import CompiledMarket, MarketView


def issues_of(
    view: MarketView,
    compiled: CompiledMarket,
    request: QuoteRequest,
    plan: Plan,
    impact_bps: float,
    *,
    thin_bps: int,
) -> tuple[str, ...]:
    """Return the issues of a plan, each as CODE: sentence."""
    issues = []
    if impact_bps > thin_bps:
        issues.append(f"THIN_LIQUIDITY: the price moves by {impact_bps:.0f} bp against the order.")
    if plan.unspent_in > 0:
        unspent = Amount(plan.unspent_in, request.asset_in)
        issues.append(f"UNFILLED: {unspent} finds no venue and stays with the account.")
    for token, units in plan.dust:
        if units > 0:
            dust = Amount(units, compiled.assets[token])
            issues.append(f"DUST: {dust} is left over by lot sizes and goes to the account.")
    if request.mode is SwapMode.EXACT_IN and plan.net <= 0:
        issues.append("GAS_EXCEEDS_OUTPUT: the transaction costs more than it brings.")
    constraints = request.constraints
    named = constraints.excluded_venues | constraints.included_venues
    unknown = view.unknown_names(named) if named else []
    if unknown:
        issues.append(f"SOURCE_UNKNOWN: no venue goes by {', '.join(unknown)}.")
    return tuple(issues)
