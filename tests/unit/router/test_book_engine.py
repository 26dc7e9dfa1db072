"""The engine of one book: as many orders as it is asked for may rest, whoever gives them."""

import numpy as np

from router.book_engine import INSTRUMENT, open_engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import BookSide, CommandKind, EventKind

# More than the engine gives one account by itself: who may have how many is for the ledger's side.
MANY = (1 << 17) + 2


def test_one_account_may_have_all_the_orders_of_a_book() -> None:
    engine = open_engine(max_accounts=2, max_orders=MANY)
    batch = np.zeros(MANY, COMMAND_DTYPE)
    batch["kind"], batch["price"], batch["qty"] = CommandKind.NEW, 7, 1
    out = np.zeros(2 * MANY, EVENT_DTYPE)
    assert engine.submit(batch, out) == (MANY, 2 * MANY)
    assert (out["kind"] == EventKind.RESTED).sum() == MANY
    assert len(engine.order_ids(INSTRUMENT, BookSide.BUY)) == MANY
    assert engine.place(INSTRUMENT, 1, BookSide.SELL, 9, 1).is_rejected, "now it is full"
