"""Orders: what a client asks for and what becomes of it."""

from dataclasses import dataclass
from enum import StrEnum

from router.domain.assets import Asset
from router.domain.market import Protocol


class SwapMode(StrEnum):
    EXACT_IN = "exact_in"
    EXACT_OUT = "exact_out"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderStatus(StrEnum):
    """Life of a routed order. Denied is our risk's answer; rejected is a venue's.

    accepted -> executing -> settled | partly_settled | returned; `returned` means that nothing
    was traded and the whole hold went back.
    """

    ACCEPTED = "accepted"
    EXECUTING = "executing"
    SETTLED = "settled"
    PARTLY_SETTLED = "partly_settled"
    RETURNED = "returned"

    @property
    def is_final(self) -> bool:
        return self in (OrderStatus.SETTLED, OrderStatus.PARTLY_SETTLED, OrderStatus.RETURNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConstraints:
    """Which routes an order may take; it holds for every later try as well.

    A venue is named by its id, its address or instrument, or as a whole (`book`); where venues are
    included by name, no others take part. Tokens are symbols of listed assets: excluded ones are
    not passed through, and where there are connectors, nothing else is. `max_gas` is what the
    transaction may use by estimate, base cost included.
    """

    max_hops: int = 3
    max_legs: int = 16
    max_gas: int | None = None
    excluded_venues: frozenset[str] = frozenset()
    included_venues: frozenset[str] = frozenset()
    included_protocols: frozenset[Protocol] = frozenset(Protocol)
    excluded_tokens: frozenset[str] = frozenset()
    connector_tokens: frozenset[str] | None = None


ANY_ROUTE = RouteConstraints()


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapOrder:
    """A client's swap, in base units.

    Exact-in: sells exactly `amount_units` of `asset_in` for at least `limit_units` of `asset_out`.
    Exact-out: buys `amount_units` of `asset_out` for at most `limit_units` of `asset_in`.
    `deadline_s` is chain time (Unix seconds). `client_order_id` makes the call idempotent.
    """

    order_id: str
    client_order_id: str
    account: str
    mode: SwapMode
    asset_in: Asset
    asset_out: Asset
    amount_units: int
    limit_units: int
    deadline_s: int
    created_ms: int
    constraints: RouteConstraints = ANY_ROUTE

    def __post_init__(self) -> None:
        assert self.amount_units > 0, self.order_id
        assert self.limit_units >= 0, self.order_id
        assert self.asset_in != self.asset_out, self.order_id

    @property
    def max_in_units(self) -> int:
        """What has to be held for the order: the most it can spend."""
        return self.amount_units if self.mode is SwapMode.EXACT_IN else self.limit_units


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """An order's progress; `spent_units + returned_units` equals the hold once it is final."""

    order: SwapOrder
    status: OrderStatus
    hold_id: str
    spent_units: int = 0
    received_units: int = 0
    reason: str = ""


class BookOrderStatus(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOrder:
    """An order in our own book. `sequence` is its place in time priority, also across restarts."""

    order_id: int
    client_order_id: str
    account: str
    instrument: str
    side: Side
    price_ticks: int
    lots: int
    remaining_lots: int
    status: BookOrderStatus
    hold_id: str
