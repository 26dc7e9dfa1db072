"""Quotes and plans: how one order is split, and how far the answer is from the best possible."""

from dataclasses import dataclass

from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.market import BlockRef, Protocol
from router.domain.orders import ANY_ROUTE, RouteConstraints, SwapMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One venue's part of a plan. Amounts are base units; a venue appears once per plan.

    `takes_rest`: the leg swaps whatever of `asset_in` is there when it runs, so rounding and
    drift of earlier legs leave nothing behind. `share_bps` is its part of all that leaves
    `asset_in` in this plan. `marginal_price` is output per input base unit after the leg, for
    ranking only. `lots` and `limit_price_ticks` are set for book legs.
    """

    venue_id: str
    protocol: Protocol
    label: str
    asset_in: Asset
    asset_out: Asset
    amount_in_units: int
    amount_out_units: int
    fee_units: int
    fee_ppm: int
    gas: int
    ticks_crossed: int
    share_bps: int
    takes_rest: bool
    marginal_price: float
    lots: int = 0
    limit_price_ticks: int = 0

    @property
    def is_on_chain(self) -> bool:
        return self.protocol is not Protocol.BOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRequest:
    """What to quote; `slippage_bps` sets the limit; no `gas_price_wei` means the chain's.

    `alternatives` is how many other plans to show beside the best one, at most.
    """

    mode: SwapMode
    asset_in: Asset
    asset_out: Asset
    amount_units: int
    slippage_bps: int = 50
    gas_price_wei: int | None = None
    constraints: RouteConstraints = ANY_ROUTE
    alternatives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A plan that lost: what was different about it, and what it would have given.

    Units are those of the asset that the quote optimises, as `Quote.net_units` and the limit.
    """

    reason: str
    legs: tuple[Leg, ...]
    gross_units: int
    net_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An executable answer. All amounts are exact replays of the plan over one market view.

    `amount_in` is what the plan spends; `unspent_in_units` of an exact input find no venue.

    `bound_units`: no plan over these venues delivers more (exact-in) or costs less (exact-out),
    before gas. `gap_bps` is the distance of the quote from it. `gas_cost_units` and `net_units` are
    in the asset that is being optimised: out for exact-in, in for exact-out. `limit_units` is the
    guaranteed amount: least out (exact-in) or most in (exact-out). `requested_units` is what was
    asked for, of the input (exact-in) or of the output (exact-out). `guard_bps` is how much worse
    the average price is than an independent one (negative: better), None where there is none.
    """

    quote_id: str
    mode: SwapMode
    amount_in: Amount
    amount_out: Amount
    limit_units: int
    unspent_in_units: int
    legs: tuple[Leg, ...]
    gas: int
    gas_price_wei: int
    gas_cost_units: int
    net_units: int
    bound_units: int
    gap_bps: float
    gap_net_bps: float
    best_single_units: int
    price_impact_bps: float
    block: BlockRef
    book_sequences: tuple[tuple[str, int], ...]
    created_ms: int
    expires_ms: int
    solve_us: int
    issues: tuple[str, ...] = ()
    constraints: RouteConstraints = ANY_ROUTE
    requested_units: int = 0
    guard_bps: float | None = None
    alternatives: tuple[Alternative, ...] = ()

    @property
    def asset_in(self) -> Asset:
        return self.amount_in.asset

    @property
    def asset_out(self) -> Asset:
        return self.amount_out.asset

    @property
    def optimised(self) -> Asset:
        """The asset of `limit_units`, `net_units` and `bound_units`."""
        return self.asset_out if self.mode is SwapMode.EXACT_IN else self.asset_in

    @property
    def chain_legs(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg.is_on_chain)

    @property
    def book_legs(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if not leg.is_on_chain)
