"""Pre-trade checks of a routed order. Denied is our own answer; rejected would be a venue's."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.errors import FailureError
from router.domain.market import BlockRef
from router.domain.orders import SwapOrder
from router.domain.routes import Quote


@dataclass(frozen=True, slots=True)
class Accepted:
    """The order may be held for and sent."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The order is not taken; `code` is stable, `message` is one sentence for people."""

    code: str
    message: str

    def as_failure(self) -> FailureError:
        return FailureError(self.code, self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """`max_in_units` per asset an order sells; an asset that is not named has no limit."""

    price_guard_bps: int
    max_in_units: Mapping[Asset, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """What the checks look at, taken at one moment, in base units of the order's input.

    `available_units` is what the client can spend, `hot_units` what our hot wallet has to pay
    on-chain legs with. `frozen_reason` is why the signer is frozen, None when it is not; both only
    matter to orders with on-chain legs.
    """

    available_units: int
    hot_units: int
    now_ms: int
    block: BlockRef
    frozen_reason: str | None


def check_order(
    order: SwapOrder, quote: Quote, inputs: RiskInputs, limits: RiskLimits
) -> Accepted | Denied:
    """Return the first reason against the order, the client's own mistakes first."""
    found = (
        _check_time(order, inputs)
        or _check_size(order, inputs, limits)
        or _check_price(quote, limits)
        or _check_signer(quote, inputs)
        or _check_hot_wallet(quote, inputs)
    )
    return found or Accepted()


def check_quote_time(quote: Quote, now_ms: int) -> Accepted | Denied:
    """A quote can be routed until it expires, the last millisecond included."""
    if now_ms > quote.expires_ms:
        return Denied(
            "QUOTE_STALE", f"The quote expired {now_ms - quote.expires_ms} ms ago; quote again."
        )
    return Accepted()


def _check_time(order: SwapOrder, inputs: RiskInputs) -> Denied | None:
    """Chain time decides on chain, the wall clock here: both have to be before the deadline."""
    late_s = max(inputs.now_ms // 1_000, inputs.block.timestamp_s) - order.deadline_s
    if late_s >= 0:
        return Denied("DEADLINE_EXPIRED", f"The order's deadline passed {late_s} s ago.")
    return None


def _check_size(order: SwapOrder, inputs: RiskInputs, limits: RiskLimits) -> Denied | None:
    needed = Amount(order.max_in_units, order.asset_in)
    most = limits.max_in_units.get(order.asset_in)
    if most is not None and needed.units > most:
        return Denied(
            "ORDER_LIMIT_EXCEEDED",
            f"{needed} is above the limit of {Amount(most, order.asset_in)} per order.",
        )
    if needed.units > inputs.available_units:
        there = Amount(max(inputs.available_units, 0), order.asset_in)
        return Denied(
            "INSUFFICIENT_BALANCE", f"{order.account} has {there} available and needs {needed}."
        )
    return None


def _check_price(quote: Quote, limits: RiskLimits) -> Denied | None:
    if quote.price_impact_bps > limits.price_guard_bps:
        return Denied(
            "PRICE_GUARD",
            f"The price would move by {quote.price_impact_bps:.0f} bp; "
            f"routing.price_guard_bps allows {limits.price_guard_bps}.",
        )
    return None


def _check_signer(quote: Quote, inputs: RiskInputs) -> Denied | None:
    if inputs.frozen_reason is not None and quote.chain_legs:
        return Denied("SIGNER_FROZEN", f"The signer is frozen: {inputs.frozen_reason}")
    return None


def _check_hot_wallet(quote: Quote, inputs: RiskInputs) -> Denied | None:
    """The client's units may lie in the cold wallet: a transaction would fail for our lack."""
    legs = [leg for leg in quote.chain_legs if leg.asset_in == quote.asset_in]
    needed = Amount(sum(leg.amount_in_units for leg in legs), quote.asset_in)
    if needed.units > inputs.hot_units:
        there = Amount(max(inputs.hot_units, 0), quote.asset_in)
        return Denied("HOT_WALLET_LOW", f"The hot wallet has {there} and the route sends {needed}.")
    return None
