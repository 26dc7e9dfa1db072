"""One instrument's book in memory: the matching engine together with who owns what rests in it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from router.book_engine import INSTRUMENT, levels, open_engine, side_number
from router.core import Ack
from router.domain.market import Instrument, Ladder
from router.domain.orders import BookOrder, BookOrderStatus, Side
from router.execution.own_book_trade import Match
from router.vocabulary import OrderFlag, StpMode, Tif

# Open orders of an instrument. There are more numbers of accounts, so that giving them out anew
# always frees some.
ORDERS_MAX: Final = 1 << 20
ACCOUNTS_MAX: Final = 1 << 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an order would do: its matches, what is left, and whether it met its own account.

    `stopped_by` is the resting order that it came to a halt in front of, if any.
    """

    matches: tuple[Match, ...]
    left_lots: int
    met_itself: bool
    would_cross: bool = False
    stopped_by: BookOrder | None = None

    @property
    def filled_lots(self) -> int:
        return sum(match.lots for match in self.matches)

    @property
    def rests(self) -> bool:
        """Whether what is left of a limit order stays in the book."""
        return self.left_lots > 0 and not (self.met_itself or self.would_cross)

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
    that a rebuilt book equals the one that was lost. The engine numbers orders and accounts by
    itself; they are translated here.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._past_sequence = 0
        self._start_empty()

    def _start_empty(self) -> None:
        # One more than rest: the engine asks for room also for an order that only takes.
        self._engine = open_engine(max_accounts=ACCOUNTS_MAX, max_orders=ORDERS_MAX + 1)
        # Kept here as well: an engine that failed does not tell any more.
        self._seen_sequence = self._engine.sequence
        self._orders: dict[int, BookOrder] = {}  # by the engine's id
        self._engine_ids: dict[int, int] = {}  # by our id
        self._accounts: dict[str, int] = {}

    def rebuild(self, orders: Iterable[BookOrder]) -> None:
        """Start anew from open orders, given in time priority."""
        self._past_sequence = self.sequence + 1
        self._start_empty()
        for order in orders:
            self.rest(order)

    @property
    def sequence(self) -> int:
        """Counts changes; it never falls, also when the book is rebuilt."""
        return self._past_sequence + self._seen_sequence

    def orders(self) -> list[BookOrder]:
        """Return open orders in priority order, bids then asks."""
        return [
            self._orders[engine_id]
            for side in (Side.BUY, Side.SELL)
            for engine_id in self._engine.order_ids(INSTRUMENT, side_number(side))
        ]

    def open_order(self, order_id: int) -> BookOrder | None:
        """Return an open order, None when it is not in the book."""
        engine_id = self._engine_ids.get(order_id)
        return None if engine_id is None else self._orders[engine_id]

    @property
    def open_count(self) -> int:
        return len(self._orders)

    def has_room_after(self, outcome: Outcome) -> bool:
        """Return whether one more order can rest once the makers that are filled have gone."""
        gone = sum(match.maker_remaining_lots == 0 for match in outcome.matches)
        return self.open_count - gone < ORDERS_MAX

    def ladder(self, venue_id: str, depth: int) -> Ladder:
        return Ladder(
            venue_id=venue_id,
            instrument=self.instrument,
            sequence=self.sequence,
            bids=levels(self._engine, Side.BUY, depth),
            asks=levels(self._engine, Side.SELL, depth),
        )

    def outcome(
        self, account: str, side: Side, price_ticks: int, lots: int, *, post_only: bool = False
    ) -> Outcome:
        """Return what an order would do, changing nothing.

        An account never trades with itself: the order stops in front of its own resting order.
        """
        met = self._engine.makers(INSTRUMENT, side_number(side), price_ticks, lots)
        if post_only and met:
            first = self._orders[met[0][0]]
            return Outcome(
                matches=(), left_lots=lots, met_itself=False, would_cross=True, stopped_by=first
            )
        matches: list[Match] = []
        left_lots = lots
        for engine_id, _, open_lots in met:
            maker = self._orders[engine_id]
            if maker.account == account:
                return Outcome(
                    matches=tuple(matches), left_lots=left_lots, met_itself=True, stopped_by=maker
                )
            traded = min(left_lots, open_lots)
            left_lots -= traded
            matches.append(Match(maker=maker, lots=traded, maker_remaining_lots=open_lots - traded))
        return Outcome(matches=tuple(matches), left_lots=left_lots, met_itself=False)

    def take(self, account: str, side: Side, price_ticks: int, lots: int, outcome: Outcome) -> None:
        """Send the taker order whose outcome was computed on this book as it is."""
        if not outcome.matches:
            return
        number = self._account(account)
        ack = self._engine.place(
            INSTRUMENT,
            number,
            side_number(side),
            price_ticks,
            lots,
            tif=Tif.IOC,
            stp=StpMode.EXPIRE_TAKER,
        )
        self._apply(ack, outcome)

    def enter(self, order: BookOrder, *, post_only: bool, outcome: Outcome) -> None:
        """Send the limit order whose outcome is known; `order` is as it is afterwards."""
        is_open = order.status is BookOrderStatus.OPEN
        if not (is_open or outcome.matches):
            return
        number = self._account(order.account)
        ack = self._engine.place(
            INSTRUMENT,
            number,
            side_number(order.side),
            order.price_ticks,
            order.lots,
            flags=OrderFlag.POST_ONLY if post_only else 0,
            stp=StpMode.EXPIRE_TAKER,
        )
        self._apply(ack, outcome)
        assert ack.open_lots == (order.remaining_lots if is_open else 0), order.order_id
        if is_open:
            self._keep(ack.order_id, order)

    def rest(self, order: BookOrder) -> None:
        """Put the open part of an order into the book, behind all others of its price."""
        number = self._account(order.account)
        ack = self._engine.place(
            INSTRUMENT,
            number,
            side_number(order.side),
            order.price_ticks,
            order.remaining_lots,
            flags=OrderFlag.POST_ONLY,
        )
        assert ack.open_lots == order.remaining_lots, "a resting order never crosses"
        self._seen_sequence = self._engine.sequence
        self._keep(ack.order_id, order)

    def cancel(self, order_id: int) -> None:
        engine_id = self._engine_ids.pop(order_id)
        order = self._orders.pop(engine_id)
        ack = self._engine.cancel(INSTRUMENT, self._accounts[order.account], engine_id)
        assert ack.removed_lots == order.remaining_lots, order_id
        self._seen_sequence = self._engine.sequence

    def _apply(self, ack: Ack, outcome: Outcome) -> None:
        """Follow the engine, which must have done what the transaction has stored."""
        self._seen_sequence = self._engine.sequence
        assert [(self._orders[maker].order_id, lots) for maker, _, lots in ack.fills] == [
            (match.maker.order_id, match.lots) for match in outcome.matches
        ], "the book moved between the transaction and its application"
        for maker in outcome.makers:
            engine_id = self._engine_ids[maker.order_id]
            if maker.status is BookOrderStatus.OPEN:
                self._orders[engine_id] = maker
            else:
                del self._orders[engine_id], self._engine_ids[maker.order_id]

    def _keep(self, engine_id: int, order: BookOrder) -> None:
        self._orders[engine_id] = order
        self._engine_ids[order.order_id] = engine_id

    def _account(self, name: str) -> int:
        """Return the engine's number of an account; accounts without orders are forgotten."""
        number = self._accounts.setdefault(name, len(self._accounts))
        if number >= ACCOUNTS_MAX:
            self.rebuild(self.orders())
            number = self._accounts.setdefault(name, len(self._accounts))
        return number
