"""What the small numbers in the engine's records mean. The Rust core numbers them alike.

The rules behind the words are in `docs/specs/matching.md`; the records are in `router.records`.
"""

from enum import IntEnum, IntFlag
from typing import Final

MAX_PRICE_TICKS: Final = 2**31 - 2
MAX_LOTS: Final = 2**40


class CommandKind(IntEnum):
    """Field `kind` of a command."""

    NEW = 1
    CANCEL = 2
    CANCEL_BY_CLIENT_ID = 3
    AMEND = 4
    REDUCE = 5
    MASS_CANCEL = 6
    DISCONNECT = 7
    TICK = 8
    ADD_INSTRUMENT = 9
    SET_RULE = 10
    SET_PHASE = 11
    SET_MARK = 12
    SET_POSITION = 13
    DEPOSIT = 14
    WITHDRAW = 15
    SET_TIER = 16
    SET_ACCOUNT = 17
    SET_KILL = 18


class EventKind(IntEnum):
    """Field `kind` of an event."""

    ACCEPTED = 1
    REJECTED = 2
    DUPLICATE = 3
    TRADE = 4
    RESTED = 5
    REDUCED = 6
    REPLACED = 7
    CANCELLED = 8
    ARMED = 9
    TRIGGERED = 10
    ACTIVATED = 11
    PARKED = 12
    FEE = 13
    BALANCE = 14
    PHASE = 15
    UNCROSS = 16
    CONFIGURED = 17


class Reason(IntEnum):
    """Field `reason` of an event: why it was refused, reduced or cancelled."""

    NONE = 0
    MALFORMED = 1
    UNKNOWN_INSTRUMENT = 2
    UNKNOWN_ACCOUNT = 3
    UNKNOWN_ASSET = 4
    KILLED = 5
    CLASS_DISABLED = 6
    PHASE_REFUSES = 7
    INVALID_COMBINATION = 8
    INVALID_QUANTITY = 9
    INVALID_PRICE = 10
    BELOW_MIN_NOTIONAL = 11
    OUTSIDE_BAND = 12
    ALREADY_EXPIRED = 13
    BOOK_FULL = 14
    WOULD_TRIGGER = 15
    NO_LIQUIDITY = 16
    WOULD_CROSS = 17
    NOTHING_TO_REDUCE = 18
    NOT_FILLABLE = 19
    INSUFFICIENT_FUNDS = 20
    OUT_OF_RANGE = 21
    DUPLICATE_LEG = 22
    LINKED = 23
    UNKNOWN_ORDER = 24
    ORDER_CLOSED = 25
    NOT_OWNER = 26
    NO_CHANGE = 27
    TIME_BACKWARDS = 28
    UNFILLED = 29
    SELF_TRADE = 30
    REDUCE_ONLY = 31
    REQUESTED = 32
    MASS_CANCEL = 33
    DISCONNECTED = 34
    EXPIRED = 35
    ACCOUNT_FULL = 36


class BookSide(IntEnum):
    """Field `side`."""

    BUY = 0
    SELL = 1


class OrderType(IntEnum):
    """Field `order_type` of a new order."""

    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    TRAILING_STOP = 5
    PEGGED = 6


class Tif(IntEnum):
    """Field `tif` of a new order: how long it lives."""

    GTC = 0
    IOC = 1
    FOK = 2
    GTD = 3
    DAY = 4


class StpMode(IntEnum):
    """Field `stp` of a new order: what happens when it meets an order of its owner."""

    NONE = 0
    EXPIRE_MAKER = 1
    EXPIRE_TAKER = 2
    EXPIRE_BOTH = 3
    DECREMENT = 4


class PegKind(IntEnum):
    """What a pegged order follows; its number times `PEG_UNIT` is added to `flags`."""

    NONE = 0
    PRIMARY = 1
    MARKET = 2
    MID = 3


PEG_UNIT: Final = 1 << 14


class ListRole(IntEnum):
    """Field `list` of a new order."""

    NONE = 0
    OCO_HEAD = 1
    BRACKET_HEAD = 2
    LEG = 3


class Phase(IntEnum):
    """What an instrument does with orders; field `order_type` of `SET_PHASE`."""

    CLOSED = 0
    HALTED = 1
    AUCTION = 2
    CONTINUOUS = 3


class RuleKind(IntEnum):
    """A rule of an instrument; field `order_type` of `SET_RULE`."""

    TICK_STEP = 0
    LOT_STEP = 1
    MIN_QTY = 2
    MAX_QTY = 3
    MIN_NOTIONAL = 4
    BAND_PPM = 5
    COLLAR_PPM = 6
    MAX_OPEN = 7
    MAX_ARMED = 8
    MAX_PEGS = 9
    DISABLED_CLASSES = 10


class OrderFlag(IntFlag):
    """Field `flags` of a new order, and `REQUEUE` of an amend."""

    POST_ONLY = 1
    SLIDE = 2
    REDUCE_ONLY = 4
    QUOTE = 8
    MARK = 16
    REQUEUE = 32


class Scope(IntFlag):
    """Field `flags` of `MASS_CANCEL` and `SET_KILL`: which fields are given, or that it is set."""

    ACCOUNT = 1
    SIDE = 2
    INSTRUMENT = 4
    ON = 8


class InstrumentMode(IntFlag):
    """Field `flags` of `ADD_INSTRUMENT`: neither keeps money, or one of them."""

    FUNDED = 1
    POSITIONS = 2


class OrderClass(IntFlag):
    """Value of the rule `DISABLED_CLASSES`: classes of orders that can be switched off."""

    MARKET = 1
    QUOTE = 1 << 1
    MARKET_TO_LIMIT = 1 << 2
    IOC = 1 << 3
    FOK = 1 << 4
    POST_ONLY = 1 << 5
    ICEBERG = 1 << 6
    STOP = 1 << 7
    STOP_LIMIT = 1 << 8
    TRAILING = 1 << 9
    PEGGED = 1 << 10
    REDUCE_ONLY = 1 << 11
    GTD = 1 << 12
    DAY = 1 << 13
    OCO = 1 << 14
    BRACKET = 1 << 15
    AMEND = 1 << 16


class EventFlag(IntFlag):
    """Field `flags` of an event."""

    MAKER_DONE = 1
    REFILL = 2
    AUCTION = 4
    PENDING = 8
    QUOTE = 16
