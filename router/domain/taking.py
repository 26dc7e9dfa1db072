"""Taker orders as sent to a book or an exchange, and what they did."""

from dataclasses import dataclass

from router.domain.orders import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class TakerOrder:
    """An immediate-or-cancel order: up to `lots` at `limit_price_ticks` or better."""

    client_order_id: str
    account: str
    instrument: str
    side: Side
    lots: int
    limit_price_ticks: int

    def __post_init__(self) -> None:
        assert self.lots > 0, self.client_order_id
        assert self.limit_price_ticks > 0, self.client_order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TakerFill:
    """What was traded, in base units: a buy pays quote and receives base, a sell the reverse.

    `received_units` is after `fee_units`, which is in the received asset.
    """

    filled_lots: int
    paid_units: int
    received_units: int
    fee_units: int
