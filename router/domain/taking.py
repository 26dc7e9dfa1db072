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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstAverage:
    """The worst price that a taker accepts on average, over all levels and after fees.

    At least `received_units` for `paid_units`, in base units; both are above zero.
    """

    received_units: int
    paid_units: int

    def __post_init__(self) -> None:
        assert self.received_units > 0, self
        assert self.paid_units > 0, self

    def least_units(self, paid_units: int) -> int:
        """Return the least to receive for a payment, rounded down.

        The fee of a part is rounded up by itself, so a part of an acceptable whole may bring up to
        one base unit less than its share.
        """
        return self.received_units * paid_units // self.paid_units
