"""From a request and a view to a quote: one call of the solver, checked and put into words."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from router.core import CoreError, Plan, failure_of
from router.domain.amounts import BPS_ONE, UINT256_MAX, Amount, max_amount_in, min_amount_out
from router.domain.assets import Asset
from router.domain.errors import FailureError, UsageError
from router.domain.market import BlockRef
from router.domain.orders import RouteConstraints, SwapMode
from router.domain.routes import Alternative, Quote, QuoteRequest
from router.routing.guard import PriceGuard, shortfall_bps
from router.routing.issues import issues_of
from router.routing.ladders import still_open
from router.routing.legs import legs_of, verify_plan
from router.routing.view import CompiledMarket, MarketView, VenueFilter, is_routable

ALTERNATIVES_MAX = 8
HOPS_MAX = 6


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
    if not (1 <= request.constraints.max_hops <= HOPS_MAX and request.constraints.max_legs >= 1):
        raise UsageError("ORDER_INVALID", f"A route has 1 to {HOPS_MAX} hops and at least one leg.")
    if not 0 <= request.alternatives <= ALTERNATIVES_MAX:
        raise UsageError("ORDER_INVALID", f"At most {ALTERNATIVES_MAX} other plans are shown.")


def quote(
    view: MarketView,
    request: QuoteRequest,
    now_ms: int,
    policy: QuotePolicy,
    timer_ns: Callable[[], int] = time.perf_counter_ns,
    guard: PriceGuard | None = None,
) -> Quote:
    """Return the best executable split of the request over the view.

    Offers that end before the quote would are left out. With a guard, a quote too far below an
    independent price is refused.

    Raises:
        UsageError: what `check_request` raises.
        FailureError: NO_ROUTE, INSUFFICIENT_LIQUIDITY, GAS_LIMIT or PRICE_GUARD.
    """
    check_request(request)
    view = _open_offers(view, now_ms, policy.ttl_ms)
    asker = _Asker(view, request, policy, policy.gas_price_wei(request, view.block))
    started_ns = timer_ns()
    compiled, plan = asker.best(request.constraints)
    solve_us = (timer_ns() - started_ns) // 1_000
    made = _quote_of(view, compiled, request, plan, asker.gas_price_wei, policy, now_ms, solve_us)
    others = asker.others(made, request.alternatives) if request.alternatives else ()
    return replace(_guarded(made, guard), alternatives=others)


def _open_offers(view: MarketView, now_ms: int, ttl_ms: int) -> MarketView:
    """Return the view itself unless an offer ends too soon."""
    ladders = tuple(ladder for ladder in view.ladders if still_open(ladder, now_ms, ttl_ms))
    if len(ladders) == len(view.ladders):
        return view
    return MarketView(block=view.block, pools=view.pools, ladders=ladders)


def _guarded(made: Quote, guard: PriceGuard | None) -> Quote:
    """Hold a quote against the independent price.

    Raises:
        FailureError: PRICE_GUARD.
    """
    if guard is None:
        return made
    paid, got = made.amount_in.units, made.amount_out.units
    short = shortfall_bps(guard.references, made.asset_in, made.asset_out, paid, got)
    if short is None:
        return made
    said = f"The price is {short:.0f} bp worse than an independent one"
    if short > guard.refuse_bps:
        raise FailureError("PRICE_GUARD", f"{said}; at most {guard.refuse_bps} bp are allowed.")
    issues = made.issues
    if short > guard.warn_bps:
        issues = (*issues, f"PRICE_DEVIATION: {said}.")
    return replace(made, guard_bps=short, issues=issues)


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks the core for plans of one request under several constraints."""

    view: MarketView
    request: QuoteRequest
    policy: QuotePolicy
    gas_price_wei: int

    def best(self, constraints: RouteConstraints) -> tuple[CompiledMarket, Plan]:
        """Return the best plan within the constraints.

        A plan that uses more gas than it may is solved again with fewer legs.

        Raises:
            FailureError: NO_ROUTE, INSUFFICIENT_LIQUIDITY or GAS_LIMIT.
        """
        request = replace(self.request, constraints=constraints)
        ends = (request.asset_in, request.asset_out)
        compiled = self.view.compiled(VenueFilter.of(constraints, *ends))
        for asset in ends:
            if asset not in compiled.token_ids:
                raise FailureError("NO_ROUTE", f"No admitted venue trades {asset}.")
        plan = _solve(compiled, request, self.gas_price_wei, self.policy)
        most = constraints.max_gas
        while most is not None and plan.gas > most:
            fewer = len(plan.legs) - 1
            if fewer < 1:
                said = f"Even one leg uses {plan.gas:,} gas; at most {most:,} are allowed."
                raise FailureError("GAS_LIMIT", said)
            request = replace(request, constraints=replace(constraints, max_legs=fewer))
            plan = _solve(compiled, request, self.gas_price_wei, self.policy)
        return compiled, plan

    def others(self, best: Quote, count: int) -> tuple[Alternative, ...]:
        """Return at most `count` plans that lost: one leg alone, then without each main leg."""
        found: list[Alternative] = []
        own = self.request.constraints
        tries = [("a single leg", replace(own, max_legs=1))] if len(best.legs) > 1 else []
        for leg in sorted(best.legs, key=lambda leg: -leg.share_bps):
            without = replace(own, excluded_venues=own.excluded_venues | {leg.venue_id})
            tries.append((f"without {leg.label}", without))
        for reason, constraints in tries:
            if len(found) == count:
                break
            try:
                compiled, plan = self.best(constraints)
            except FailureError:
                continue  # That there is no such plan is the answer.
            gross = plan.amount_out if best.optimised == best.asset_out else plan.amount_in
            legs = legs_of(compiled, plan)
            found.append(
                Alternative(reason=reason, legs=legs, gross_units=gross, net_units=plan.net)
            )
        return tuple(found)


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
        issues=issues_of(
            view, compiled, request, plan, impact_bps, thin_bps=policy.thin_liquidity_bps
        ),
        constraints=request.constraints,
        requested_units=request.amount_units,
    )


def _price_impact_bps(plan: Plan) -> float:
    """How much worse the average price is than the price of the first unit; for people only."""
    if plan.spot_price <= 0:
        return 0.0
    average_price = plan.amount_out / plan.amount_in
    return max(0.0, float((1.0 - average_price / plan.spot_price) * BPS_ONE))


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
        request.constraints.max_gas,
        sorted(request.constraints.included_venues),
        sorted(request.constraints.excluded_tokens),
        sorted(request.constraints.connector_tokens or ()),
        now_ms,
    )
    return "q" + hashlib.sha256(repr(facts).encode()).hexdigest()[:20]
