"""From a request and a view to a quote: one call of the solver, checked and put into words."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from router.core import CoreError, Plan, failure_of
from router.domain.amounts import BPS_ONE, UINT256_MAX, Amount, max_amount_in, min_amount_out
from router.domain.assets import Asset
from router.domain.errors import FailureError, UsageError
from router.domain.market import BlockRef
from router.domain.orders import SwapMode
from router.domain.routes import Quote, QuoteRequest
from router.routing.legs import legs_of, verify_plan
from router.routing.view import CompiledMarket, MarketView, VenueFilter, is_routable


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotePolicy:
    """How quotes are made. Gas prices are wei per gas; `wrapped_native` is worth one coin.

    `base_gas` is what a plan's transaction costs apart from its swaps.
    """

    ttl_ms: int
    base_gas: int
    gas_price_floor_wei: int
    gas_price_cap_wei: int
    thin_liquidity_bps: int
    wrapped_native: Asset | None

    def gas_price_wei(self, request: QuoteRequest, block: BlockRef) -> int:
        if request.gas_price_wei is not None:
            return request.gas_price_wei
        return min(max(block.base_fee_wei, self.gas_price_floor_wei), self.gas_price_cap_wei)


def check_request(request: QuoteRequest) -> None:
    """Refuse what no market could answer.

    Raises:
        UsageError: SAME_ASSET, ASSET_NOT_ROUTABLE, AMOUNT_RANGE or ORDER_INVALID.
    """
    if request.asset_in == request.asset_out:
        raise UsageError("SAME_ASSET", f"{request.asset_in} cannot be swapped for itself.")
    for asset in (request.asset_in, request.asset_out):
        if not is_routable(asset):
            reason = "the coin itself; use its wrapped token" if asset.is_native else "not routable"
            raise UsageError("ASSET_NOT_ROUTABLE", f"{asset} is {reason}.")
    if not 0 < request.amount_units <= UINT256_MAX:
        raise UsageError("AMOUNT_RANGE", f"{request.amount_units} base units cannot be swapped.")
    if not 0 <= request.slippage_bps <= BPS_ONE:
        raise UsageError("ORDER_INVALID", f"Slippage {request.slippage_bps} bp is not 0 to 10000.")
    if not (1 <= request.constraints.max_hops <= 3 and request.constraints.max_legs >= 1):
        raise UsageError("ORDER_INVALID", "A route has 1 to 3 hops and at least one leg.")


def quote(
    view: MarketView,
    request: QuoteRequest,
    now_ms: int,
    policy: QuotePolicy,
    timer_ns: Callable[[], int] = time.perf_counter_ns,
) -> Quote:
    """Return the best executable split of the request over the view.

    Raises:
        UsageError: what `check_request` raises.
        FailureError: NO_ROUTE or INSUFFICIENT_LIQUIDITY.
    """
    check_request(request)
    compiled = view.compiled(VenueFilter.of(request.constraints))
    for asset in (request.asset_in, request.asset_out):
        if asset not in compiled.token_ids:
            raise FailureError("NO_ROUTE", f"No admitted venue trades {asset}.")
    gas_price_wei = policy.gas_price_wei(request, view.block)
    started_ns = timer_ns()
    plan = _solve(compiled, request, gas_price_wei, policy)
    solve_us = (timer_ns() - started_ns) // 1_000
    return _quote_of(view, compiled, request, plan, gas_price_wei, policy, now_ms, solve_us)


def _solve(
    compiled: CompiledMarket, request: QuoteRequest, gas_price_wei: int, policy: QuotePolicy
) -> Plan:
    native = policy.wrapped_native
    try:
        plan = compiled.market.solve(
            compiled.token_ids[request.asset_in],
            compiled.token_ids[request.asset_out],
            request.amount_units,
            exact_out=request.mode is SwapMode.EXACT_OUT,
            max_hops=request.constraints.max_hops,
            max_legs=request.constraints.max_legs,
            gas_price_wei=gas_price_wei,
            native_token=compiled.token_ids.get(native) if native else None,
            base_gas=policy.base_gas,
        )
    except CoreError as error:
        raise failure_of(error) from error
    if not plan.legs or plan.amount_out == 0:
        raise FailureError("INSUFFICIENT_LIQUIDITY", "The amount is too small to deliver anything.")
    verify_plan(compiled, request, plan)
    return plan


def _quote_of(
    view: MarketView,
    compiled: CompiledMarket,
    request: QuoteRequest,
    plan: Plan,
    gas_price_wei: int,
    policy: QuotePolicy,
    now_ms: int,
    solve_us: int,
) -> Quote:
    is_exact_in = request.mode is SwapMode.EXACT_IN
    limit_units = (
        min_amount_out(plan.amount_out, request.slippage_bps)
        if is_exact_in
        else min(max_amount_in(plan.amount_in, request.slippage_bps), UINT256_MAX)
    )
    impact_bps = _price_impact_bps(plan)
    return Quote(
        quote_id=_quote_id(view, request, now_ms),
        mode=request.mode,
        amount_in=Amount(plan.amount_in, request.asset_in),
        amount_out=Amount(plan.amount_out, request.asset_out),
        limit_units=limit_units,
        unspent_in_units=plan.unspent_in,
        legs=legs_of(compiled, plan),
        gas=plan.gas,
        gas_price_wei=gas_price_wei,
        gas_cost_units=plan.gas_cost,
        net_units=plan.net,
        bound_units=plan.bound,
        gap_bps=plan.gap_bps,
        gap_net_bps=plan.gap_net_bps,
        best_single_units=plan.best_single,
        price_impact_bps=impact_bps,
        block=view.block,
        book_sequences=view.book_sequences,
        created_ms=now_ms,
        expires_ms=now_ms + policy.ttl_ms,
        solve_us=solve_us,
        issues=tuple(_issues(compiled, request, plan, impact_bps, policy)),
        constraints=request.constraints,
        requested_units=request.amount_units,
    )


def _price_impact_bps(plan: Plan) -> float:
    """How much worse the average price is than the price of the first unit; for people only."""
    if plan.spot_price <= 0:
        return 0.0
    average_price = plan.amount_out / plan.amount_in
    return max(0.0, float((1.0 - average_price / plan.spot_price) * BPS_ONE))


def _issues(
    compiled: CompiledMarket,
    request: QuoteRequest,
    plan: Plan,
    impact_bps: float,
    policy: QuotePolicy,
) -> list[str]:
    """Return what the client should know before routing, each as CODE: sentence."""
    issues = []
    if impact_bps > policy.thin_liquidity_bps:
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
    return issues


def _quote_id(view: MarketView, request: QuoteRequest, now_ms: int) -> str:
    """Derive the id from what determines the answer, so that a replay names it the same."""
    facts = (
        view.identity,
        request.mode.value,
        request.asset_in.address,
        request.asset_out.address,
        request.amount_units,
        request.slippage_bps,
        request.gas_price_wei,
        request.constraints.max_hops,
        request.constraints.max_legs,
        sorted(request.constraints.excluded_venues),
        sorted(request.constraints.included_protocols),
        now_ms,
    )
    return "q" + hashlib.sha256(repr(facts).encode()).hexdigest()[:20]
