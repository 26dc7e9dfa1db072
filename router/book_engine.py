"""The matching engine as the book of one instrument whose money is kept elsewhere.

The instrument is unfunded: the engine decides who meets whom at which price, and the ledger, which
is asked before, decides who can pay.
"""

from typing import Final

from router.core import Engine
from router.domain.errors import UsageError
from router.domain.market import LadderLevel
from router.domain.orders import Side
from router.vocabulary import MAX_LOTS, MAX_PRICE_TICKS, BookSide, Phase

INSTRUMENT: Final = 0


def open_engine(*, max_accounts: int, max_orders: int) -> Engine:
    """Return an engine with the one instrument 0, open for trading."""
    engine = Engine(
        max_accounts=max_accounts,
        max_assets=2,
        max_instruments=1,
        max_orders=max_orders,
        # The engine must not refuse what the ledger has taken.
        max_account_orders=max_orders,
        max_client_ids=1,
    )
    engine.add_instrument(INSTRUMENT, base_asset=0, quote_asset=1)
    engine.set_phase(INSTRUMENT, Phase.CONTINUOUS)
    return engine


def levels(engine: Engine, side: Side, depth: int) -> tuple[LadderLevel, ...]:
    """Return the best levels of a side; depth 0 is all."""
    listed = engine.levels(INSTRUMENT, side_number(side), depth)
    return tuple(LadderLevel(price_ticks=price, lots=lots) for price, lots in listed)


def side_number(side: Side) -> BookSide:
    return BookSide.BUY if side is Side.BUY else BookSide.SELL


def is_in_range(price_ticks: int, lots: int) -> bool:
    return 0 < price_ticks <= MAX_PRICE_TICKS and 0 < lots <= MAX_LOTS


def require_in_range(symbol: str, price_ticks: int, lots: int) -> None:
    """Refuse what the engine has no number for.

    Raises:
        UsageError: ORDER_INVALID.
    """
    if not 0 < price_ticks <= MAX_PRICE_TICKS:
        raise UsageError(
            "ORDER_INVALID",
            f"{symbol} takes prices of 1 to {MAX_PRICE_TICKS} ticks; give it a larger tick if its "
            "prices are higher.",
        )
    if not 0 < lots <= MAX_LOTS:
        raise UsageError("ORDER_INVALID", f"{symbol} takes orders of 1 to {MAX_LOTS} lots.")
