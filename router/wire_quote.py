"""A quote as clients read it: the field names of the 0x v2 convention, and our own beside them.

Amounts are decimal strings of base units. Tokens are addresses, with symbols in `tokens`. What is
ours is named so that it cannot be taken for one of theirs: `upperBound`, `optimalityGapBps`, the
net amounts, `alternatives`.
"""

from collections.abc import Iterable
from typing import Any

from router.domain.orders import SwapMode
from router.domain.routes import Alternative, Leg, Quote

# Issues with fields of their own in the convention; the others are listed as they are.
_BALANCE = "INSUFFICIENT_BALANCE"


def quote_body(quote: Quote) -> dict[str, Any]:
    """Return the JSON object of a quote.

    `buyAmount` and `sellAmount` are expected; `minBuyAmount` (exact-in) or `maxSellAmount`
    (exact-out) is guaranteed. `buyAmountNet` or `sellAmountNet` counts gas in the same asset.
    `issues` never make the call fail: `allowance` is always null, since the house's wallet pays on
    chain.
    """
    is_exact_in = quote.mode is SwapMode.EXACT_IN
    body: dict[str, Any] = {
        "zid": quote.quote_id,
        "liquidityAvailable": True,
        "mode": "exactIn" if is_exact_in else "exactOut",
        "chainId": quote.asset_in.chain_id,
        "blockNumber": str(quote.block.number),
        "blockHash": quote.block.hash,
        "bookSequences": dict(quote.book_sequences),
        "createdAtMs": quote.created_ms,
        "validUntilMs": quote.expires_ms,
        "sellToken": quote.asset_in.address,
        "buyToken": quote.asset_out.address,
        "sellAmount": str(quote.amount_in.units),
        "buyAmount": str(quote.amount_out.units),
        "unspentSellAmount": str(quote.unspent_in_units),
        "gas": str(quote.gas),
        "gasPrice": str(quote.gas_price_wei),
        "totalNetworkFee": str(quote.gas * quote.gas_price_wei),
        "fees": {"gasFee": _fee(quote.gas_cost_units, quote), "integratorFee": None},
        "upperBound": str(quote.bound_units),
        "optimalityGapBps": quote.gap_bps,
        "optimalityGapNetBps": quote.gap_net_bps,
        "bestSinglePath": str(quote.best_single_units),
        "priceImpactBps": quote.price_impact_bps,
        "referenceShortfallBps": quote.guard_bps,
        "solveMicros": quote.solve_us,
        "issues": _issues(quote),
        "route": {"fills": [_fill(leg) for leg in quote.legs], "tokens": _tokens(quote)},
        "alternatives": [_alternative(other) for other in quote.alternatives],
    }
    limit, net = str(quote.limit_units), str(quote.net_units)
    body |= (
        {"minBuyAmount": limit, "buyAmountNet": net}
        if is_exact_in
        else {"maxSellAmount": limit, "sellAmountNet": net}
    )
    return body


def _fee(units: int, quote: Quote) -> dict[str, str] | None:
    if not units:
        return None
    return {"amount": str(units), "token": quote.optimised.address, "type": "gas"}


def _fill(leg: Leg) -> dict[str, Any]:
    return {
        "from": leg.asset_in.address,
        "to": leg.asset_out.address,
        "source": leg.label,
        "protocol": leg.protocol.value,
        "venue": leg.venue_id,
        "proportionBps": str(leg.share_bps),
        "sellAmount": str(leg.amount_in_units),
        "buyAmount": str(leg.amount_out_units),
        "feeAmount": str(leg.fee_units),
        "feePpm": leg.fee_ppm,
        "gas": str(leg.gas),
        "marginalPrice": leg.marginal_price,
    }


def _tokens(quote: Quote) -> list[dict[str, Any]]:
    ends = [quote.asset_in, quote.asset_out]
    passed = [asset for leg in quote.legs for asset in (leg.asset_in, leg.asset_out)]
    return [
        {"address": asset.address, "symbol": asset.symbol, "decimals": asset.decimals}
        for asset in dict.fromkeys([*ends, *passed])
    ]


def _alternative(other: Alternative) -> dict[str, Any]:
    return {
        "reason": other.reason,
        "amount": str(other.gross_units),
        "amountNet": str(other.net_units),
        "fills": [_fill(leg) for leg in other.legs],
    }


def _issues(quote: Quote) -> dict[str, Any]:
    balance = _said(quote.issues, _BALANCE)
    unknown = _said(quote.issues, "SOURCE_UNKNOWN")
    return {
        "allowance": None,
        "balance": balance,
        "simulationIncomplete": False,
        "invalidSourcesPassed": unknown,
        "notes": [
            {"code": code, "message": message.strip()}
            for code, _, message in (issue.partition(":") for issue in quote.issues)
            if code not in (_BALANCE, "SOURCE_UNKNOWN")
        ],
    }


def _said(issues: Iterable[str], wanted: str) -> str | None:
    """Return the sentence of an issue, None where there is no such issue."""
    found = (issue.partition(":") for issue in issues)
    return next((message.strip() for code, _, message in found if code == wanted), None)
