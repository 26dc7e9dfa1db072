"""The terms of an order: what a client agreed to when it routed a quote."""

import hashlib
import json

from router.domain.orders import RouteConstraints, SwapMode, SwapOrder
from router.domain.routes import Quote, QuoteRequest


def order_of(
    quote: Quote, *, account: str, client_order_id: str, deadline_s: int, now_ms: int
) -> SwapOrder:
    """Return the order that routes a quote; its id follows from the account and the client's id.

    An exact-in order sells what the quote sells: the quote's limit says nothing about input that
    found no venue, so that input is no part of the order.
    """
    assert quote.requested_units > 0, quote.quote_id
    is_exact_in = quote.mode is SwapMode.EXACT_IN
    digest = hashlib.sha256(f"{account}\n{client_order_id}".encode()).hexdigest()
    return SwapOrder(
        order_id=f"o{digest[:20]}",
        client_order_id=client_order_id,
        account=account,
        mode=quote.mode,
        asset_in=quote.asset_in,
        asset_out=quote.asset_out,
        amount_units=quote.amount_in.units if is_exact_in else quote.requested_units,
        limit_units=quote.limit_units,
        deadline_s=deadline_s,
        created_ms=now_ms,
        constraints=quote.constraints,
    )


def request_of(quote: Quote) -> QuoteRequest:
    """Return the question a quote answered, without its slippage: the limit stands already."""
    return QuoteRequest(
        mode=quote.mode,
        asset_in=quote.asset_in,
        asset_out=quote.asset_out,
        amount_units=quote.requested_units,
        gas_price_wei=quote.gas_price_wei,
        constraints=quote.constraints,
    )


def within_limit(fresh: Quote, limit_units: int) -> bool:
    """Tell whether a fresh quote still gives (exact-in) or costs (exact-out) what was agreed."""
    if fresh.mode is SwapMode.EXACT_IN:
        return fresh.amount_out.units >= limit_units
    return fresh.amount_in.units <= limit_units


def _further_terms(constraints: RouteConstraints) -> dict[str, object]:
    """Return the terms that an order seldom has; without them its hash is as it always was."""
    connectors = constraints.connector_tokens
    rare: dict[str, object] = {
        "max_gas": constraints.max_gas,
        "included": sorted(constraints.included_venues),
        "excluded_tokens": sorted(constraints.excluded_tokens),
        "connectors": None if connectors is None else sorted(connectors),
    }
    return {name: value for name, value in rare.items() if value not in (None, [])} | (
        {"connectors": []} if connectors is not None and not connectors else {}
    )


def fingerprint_of(order: SwapOrder) -> str:
    """Hash what makes two calls with one client order id the same call; times do not."""
    terms: dict[str, object] = {
        "account": order.account,
        "mode": order.mode.value,
        "asset_in": order.asset_in.symbol,
        "asset_out": order.asset_out.symbol,
        "amount": str(order.amount_units),
        "limit": str(order.limit_units),
        "max_hops": order.constraints.max_hops,
        "max_legs": order.constraints.max_legs,
        "excluded": sorted(order.constraints.excluded_venues),
        "protocols": sorted(order.constraints.included_protocols),
    }
    terms |= _further_terms(order.constraints)
    canonical = json.dumps(terms, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
