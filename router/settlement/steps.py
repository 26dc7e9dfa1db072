"""The steps of an intent, told to an observer as each is done."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias


class Step(StrEnum):
    """In the order they happen. NUMBERED and HELD are inside the database transaction that
    RESERVED ends, and SIGNED is only in memory; every other step is durable when it is told."""

    NUMBERED = "numbered"
    HELD = "held"
    RESERVED = "reserved"
    SIGNED = "signed"
    STORED = "stored"
    MARKED = "marked"
    SENT = "sent"
    MINED = "mined"
    SETTLED = "settled"
    REVERTED = "reverted"
    REORGED = "reorged"
    BUMPED = "bumped"
    FOREIGN = "foreign"


Observer: TypeAlias = Callable[[str, str], None]
"""Called with the step and the intent id; it may be called from the database's thread."""


def ignore_steps(_step: str, _intent_id: str) -> None:
    """Observe nothing."""
