"""What an operation of our own book does inside its transaction, and to the memory after it."""

import hashlib
from dataclasses import dataclass, replace

from router.book_engine import require_in_range
from router.domain.amounts import UINT256_MAX
from router.domain.errors import FailureError, OrderRejected, UsageError, VenueUnavailable
from router.domain.ledger import HoldState, Journal, JournalKind, is_user
from router.domain.market import Instrument
from router.domain.orders import BookOrder, BookOrderStatus, Side
from router.domain.taking import TakerFill, TakerOrder, WorstAverage
from router.execution.own_book_state import LiveBook, Outcome
from router.execution.own_book_trade import no_fill, pay_asset, pay_units, trade_of
from router.ledger import HoldSpend, available_units, place_hold, post, void_hold
from router.ledger.canonical import canonical_json
from router.ports import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOrder:
    """A limit order of a client; what does not trade at once rests, unless it is `post_only`.

    A post-only order that would trade at once is rejected as a whole.
    """

    client_order_id: str
    account: str
    instrument: str
    side: Side
    price_ticks: int
    lots: int
    post_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitResult:
    """A limit order as it is now, and what it traded as a taker when it was placed."""

    order: BookOrder
    fill: TakerFill


def take(
    uow: UnitOfWork,
    book: LiveBook,
    order: TakerOrder,
    hold_id: str,
    worst: WorstAverage | None,
    reference: str,
    now_ms: int,
) -> tuple[TakerFill, Outcome | None]:
    mark = _take_mark(order, hold_id)
    key = take_key(order.client_order_id)
    found = uow.book.take(key)
    if found is not None:
        _require_same(found[1], mark, order.client_order_id)
        return found[0], None
    outcome = book.outcome(order.account, order.side, order.limit_price_ticks, order.lots)
    _require_stored(uow, book.instrument, outcome)
    fill = _trade(
        uow,
        book.instrument,
        order.side,
        order.account,
        outcome,
        journal_key=f"book/{key}",
        reference=reference or key,
        hold_id=hold_id,
        now_ms=now_ms,
    )
    # Refusing rolls the trade back: nothing of the transaction is kept.
    if worst is not None and fill.received_units < worst.least_units(fill.paid_units):
        raise OrderRejected("LIMIT_NOT_MET", "The book would bring less than the limit allows.")
    uow.book.save_take(key, mark, fill)
    return fill, outcome


def place_limit(
    uow: UnitOfWork, book: LiveBook, order: LimitOrder, now_ms: int
) -> tuple[LimitResult, Outcome | None]:
    mark = _limit_mark(order)
    known = uow.book.by_client_id(order.account, order.client_order_id)
    if known is not None:
        found = uow.book.take(_limit_key(known.order_id))
        assert found is not None, "a limit order is stored with its outcome"
        _require_same(found[1], mark, order.client_order_id)
        return LimitResult(order=known, fill=found[0]), None
    instrument = book.instrument
    outcome = book.outcome(
        order.account, order.side, order.price_ticks, order.lots, post_only=order.post_only
    )
    _require_stored(uow, instrument, outcome)
    if outcome.would_cross:
        raise OrderRejected("ORDER_REJECTED", "The post-only order would trade at once.")
    if outcome.rests and not book.has_room_after(outcome):
        raise OrderRejected(
            "ORDER_REJECTED",
            f"{instrument.symbol} has its full number of {book.open_count} open orders; try again "
            "when some are gone.",
        )
    _require_available(uow, instrument, order)
    order_id = uow.book.next_order_id()
    # Never the client's own id: routed orders count the journals that bear their name.
    own_name = f"book/{order_id}"
    fill = _trade(
        uow,
        instrument,
        order.side,
        order.account,
        outcome,
        journal_key=f"book/{_limit_key(order_id)}",
        reference=own_name,
        hold_id="",
        now_ms=now_ms,
    )
    placed = _book_order(order, order_id, outcome)
    if placed.status is BookOrderStatus.OPEN:
        placed = replace(placed, hold_id=own_name)
        place_hold(
            uow.ledger,
            placed.hold_id,
            order.account,
            pay_asset(instrument, order.side).symbol,
            needed_units(instrument, placed),
            reference=own_name,
        )
    uow.book.save(placed)
    uow.book.save_take(_limit_key(order_id), mark, fill)
    return LimitResult(order=placed, fill=fill), outcome


def cancel(uow: UnitOfWork, account: str, client_order_id: str) -> tuple[BookOrder, bool]:
    order = uow.book.by_client_id(account, client_order_id)
    if order is None:
        raise FailureError("NOT_FOUND", f"{account} has no order {client_order_id} in the book.")
    if order.status is not BookOrderStatus.OPEN:
        return order, False
    hold = void_hold(uow.ledger, order.hold_id)
    assert hold.state is HoldState.VOIDED, order.hold_id
    canceled = replace(order, status=BookOrderStatus.CANCELED)
    uow.book.save(canceled)
    return canceled, True


def _trade(
    uow: UnitOfWork,
    instrument: Instrument,
    side: Side,
    account: str,
    outcome: Outcome,
    *,
    journal_key: str,
    reference: str,
    hold_id: str,
    now_ms: int,
) -> TakerFill:
    """Post the one journal of a taker order and save its makers; nothing when nothing trades."""
    if not outcome.matches:
        return no_fill()
    trade = trade_of(instrument, side, account, outcome.matches)
    spends = list(trade.maker_spends)
    if hold_id:
        spends.append(HoldSpend(hold_id=hold_id, units=trade.fill.paid_units, ends=False))
    journal = Journal(
        key=journal_key,
        kind=JournalKind.BOOK_TRADE,
        entries=trade.entries,
        memo=f"{side} {trade.fill.filled_lots} lots {instrument.symbol}",
        reference=reference,
    )
    post(uow.ledger, journal, now_ms, spends)
    for maker in outcome.makers:
        uow.book.save(maker)
    return trade.fill


def _require_stored(uow: UnitOfWork, instrument: Instrument, outcome: Outcome) -> None:
    """Refuse where orders that are met are not as the memory has them: their holds tell."""
    met = [match.maker for match in outcome.matches]
    if outcome.stopped_by is not None:
        met.append(outcome.stopped_by)
    for maker in met:
        hold = uow.ledger.hold(maker.hold_id)
        if hold is None or hold.state is not HoldState.PENDING:
            raise behind()
        if hold.remaining_units != needed_units(instrument, maker):
            raise behind()


def behind() -> VenueUnavailable:
    return VenueUnavailable(
        "VENUE_UNAVAILABLE",
        "The stored book was changed by another process and is read again; repeat the order.",
    )


def apply_take(book: LiveBook, order: TakerOrder, outcome: Outcome | None) -> None:
    if outcome is not None:
        book.take(order.account, order.side, order.limit_price_ticks, order.lots, outcome)


def apply_limit(
    book: LiveBook, order: LimitOrder, placed: BookOrder, outcome: Outcome | None
) -> None:
    if outcome is not None:
        book.enter(placed, post_only=order.post_only, outcome=outcome)


def _book_order(order: LimitOrder, order_id: int, outcome: Outcome) -> BookOrder:
    if outcome.left_lots == 0:
        status = BookOrderStatus.FILLED
    else:
        status = BookOrderStatus.OPEN if outcome.rests else BookOrderStatus.CANCELED
    return BookOrder(
        order_id=order_id,
        client_order_id=order.client_order_id,
        account=order.account,
        instrument=order.instrument,
        side=order.side,
        price_ticks=order.price_ticks,
        lots=order.lots,
        remaining_lots=outcome.left_lots,
        status=status,
        hold_id="",
    )


def needed_units(instrument: Instrument, order: BookOrder) -> int:
    return pay_units(instrument, order.side, order.remaining_lots, order.price_ticks)


def _require_available(uow: UnitOfWork, instrument: Instrument, order: LimitOrder) -> None:
    asset = pay_asset(instrument, order.side).symbol
    needed = pay_units(instrument, order.side, order.lots, order.price_ticks)
    available = available_units(uow.ledger, order.account, asset)
    if available < needed:
        raise FailureError(
            "INSUFFICIENT_BALANCE",
            f"{order.account} has {available} base units of {asset} available, needs {needed}.",
        )


def check_order(instrument: Instrument, order: TakerOrder | LimitOrder) -> None:
    """Refuse what no book could take.

    Raises:
        UsageError: ORDER_INVALID.
    """
    price_ticks = order.price_ticks if isinstance(order, LimitOrder) else order.limit_price_ticks
    if not is_user(order.account):
        raise UsageError("ORDER_INVALID", f"{order.account} is not a client account.")
    if not order.client_order_id:
        raise UsageError("ORDER_INVALID", "An order needs a client order id.")
    require_in_range(instrument.symbol, price_ticks, order.lots)
    worth = [instrument.base_units(order.lots), instrument.quote_units(order.lots, price_ticks)]
    if max(worth) > UINT256_MAX:
        raise UsageError("ORDER_INVALID", "The order's worth does not fit in 256 bits.")


def _require_same(stored: str, mark: str, client_order_id: str) -> None:
    if stored != mark:
        raise UsageError(
            "IDEMPOTENCY_CONFLICT", f"Order {client_order_id} was placed with another payload."
        )


def _take_mark(order: TakerOrder, hold_id: str) -> str:
    return _mark(
        order.account, order.instrument, order.side, order.limit_price_ticks, order.lots, hold_id
    )


def _limit_mark(order: LimitOrder) -> str:
    kind = "post_only" if order.post_only else "limit"
    return _mark(order.account, order.instrument, order.side, order.price_ticks, order.lots, kind)


def _mark(*payload: str | int) -> str:
    return hashlib.sha256(canonical_json([str(part) for part in payload])).hexdigest()


def take_key(client_order_id: str) -> str:
    return f"take/{client_order_id}"


def _limit_key(order_id: int) -> str:
    return f"limit/{order_id}"
