"""What an order goes through, told as it happens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class OrderEventKind(StrEnum):
    """In the order they can happen; a round (planned to book_filled) may repeat."""

    ACCEPTED = "accepted"
    PLANNED = "planned"
    NOT_SENT = "not_sent"
    SUBMITTED = "submitted"
    MINED = "mined"
    REVERTED = "reverted"
    BOOK_FILLED = "book_filled"
    BOOK_MISSED = "book_missed"
    WAITING = "waiting"
    RETURNED = "returned"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """`facts` are short texts and exact amounts for people and logs; never a secret."""

    order_id: str
    kind: OrderEventKind
    at_ms: int
    facts: dict[str, str] = field(default_factory=dict)


OrderObserver = Callable[[OrderEvent], None]


def ignore_order_events(_event: OrderEvent) -> None:
    """Observe nothing."""
