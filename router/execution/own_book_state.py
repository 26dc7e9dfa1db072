"""One instrument's book in memory: the Rust book together with who owns what rests in it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from router.core import Book
from router.domain.market import Instrument, Ladder, LadderLevel
from router.domain.orders import BookOrder, BookOrderStatus, Side
from router.execution.own_book_trade import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an order would do: its matches, what is left, and whether it met its own account."""

    matches: tuple[Match, ...]
    left_lots: int
    met_itself: bool
    would_cross: bool = False

    @property
    def filled_lots(self) -> int:
        return sum(match.lots for match in self.matches)

    @property
    def makers(self) -> list[BookOrder]:
        """The makers as they are afterwards."""
        return [
            replace(
                match.maker,
                remaining_lots=match.maker_remaining_lots,
                status=BookOrderStatus.OPEN
                if match.maker_remaining_lots
                else BookOrderStatus.FILLED,
            )
            for match in self.matches
        ]


class LiveBook:
    """The open orders of one instrument in price-time priority.

    Built from the stored open orders in the order of their ids, which is their time priority, so
    that a rebuilt book equals the one that was lost.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._book = Book()
        self._first_sequence = 0
        self._orders: dict[int, BookOrder] = {}

    def rebuild(self, orders: Iterable[BookOrder]) -> None:
        """Start anew from open orders, given in time priority."""
        self._first_sequence = self.sequence + 1
        self._book = Book()
        self._orders = {}
        for order in orders:
            self.rest(order)

    @property
    def sequence(self) -> int:
        """Counts changes; it never falls, also when the book is rebuilt."""
        return self._first_sequence + self._book.sequence

    def orders(self) -> list[BookOrder]:
        """Return open orders in priority order, bids then asks."""
        return [self._orders[order_id] for order_id, _, _, _ in self._book.orders()]

    def ladder(self, venue_id: str, depth: int) -> Ladder:
        return Ladder(
            venue_id=venue_id,
            instrument=self.instrument,
            sequence=self.sequence,
            bids=_levels(self._book.bids(depth)),
            asks=_levels(self._book.asks(depth)),
        )

    def outcome(
        self, account: str, side: Side, price_ticks: int, lots: int, *, post_only: bool = False
    ) -> Outcome:
        """Return what an order would do, changing nothing.

        An account never trades with itself: the order stops in front of its own resting order.
        """
        placement = self._book.preview(
            side.value, "post_only" if post_only else "ioc", price_ticks, lots
        )
        matches: list[Match] = []
        met_itself = False
        for fill in placement.fills:
            maker = self._orders[fill.maker_order_id]
            if maker.account == account:
                met_itself = True
                break
            matches.append(
                Match(maker=maker, lots=fill.lots, maker_remaining_lots=fill.maker_remaining_lots)
            )
        filled = sum(match.lots for match in matches)
        return Outcome(
            matches=tuple(matches),
            left_lots=lots - filled,
            met_itself=met_itself,
            would_cross=placement.reason == "WOULD_CROSS",
        )

    def take(self, side: Side, price_ticks: int, outcome: Outcome) -> None:
        """Apply the matches of an outcome that was computed on this book as it is."""
        if not outcome.matches:
            return
        # Id 0 is nobody's: an immediate-or-cancel order never rests.
        placement = self._book.place(0, side.value, "ioc", price_ticks, outcome.filled_lots)
        assert [(f.maker_order_id, f.lots) for f in placement.fills] == [
            (m.maker.order_id, m.lots) for m in outcome.matches
        ], "the book moved between the transaction and its application"
        for maker in outcome.makers:
            if maker.status is BookOrderStatus.OPEN:
                self._orders[maker.order_id] = maker
            else:
                del self._orders[maker.order_id]

    def rest(self, order: BookOrder) -> None:
        """Put the open part of an order into the book, behind all others of its price."""
        placement = self._book.place(
            order.order_id, order.side.value, "post_only", order.price_ticks, order.remaining_lots
        )
        assert placement.status == "resting", "a resting order never crosses"
        self._orders[order.order_id] = order

    def cancel(self, order_id: int) -> None:
        canceled = self._book.cancel(order_id)
        assert canceled == self._orders.pop(order_id).remaining_lots, order_id


def _levels(levels: Iterable[tuple[int, int]]) -> tuple[LadderLevel, ...]:
    return tuple(LadderLevel(price_ticks=price, lots=lots) for price, lots in levels)
