"""Orders of our own book, and what taker orders did to it."""

from sqlalchemy import UniqueConstraint, func
from sqlmodel import Field, Session, col, select

from router.domain.errors import UsageError
from router.domain.orders import BookOrder, BookOrderStatus, Side
from router.domain.taking import TakerFill
from router.storage.columns import ASSIGNED, STRICT, AmountType, Int64, Name, Row


class BookOrderRow(Row, table=True):
    """An order of the book; `order_id` is its place in time priority."""

    __tablename__ = "book_orders"
    __table_args__ = (UniqueConstraint("account", "client_order_id"), STRICT)

    order_id: int = Field(sa_type=Int64, primary_key=True, sa_column_kwargs=ASSIGNED)
    client_order_id: str = Field(sa_type=Name)
    account: str = Field(sa_type=Name)
    instrument: str = Field(sa_type=Name)
    side: str = Field(sa_type=Name)
    price_ticks: int = Field(sa_type=Int64)
    lots: int = Field(sa_type=Int64)
    remaining_lots: int = Field(sa_type=Int64)
    status: str = Field(sa_type=Name, index=True)
    hold_id: str = Field(sa_type=Name)


class TakeRow(Row, table=True):
    """What a taker order did, kept for ever so that a repeated call has the same answer."""

    __tablename__ = "takes"

    client_order_id: str = Field(sa_type=Name, primary_key=True)
    fingerprint: str = Field(sa_type=Name)
    filled_lots: int = Field(sa_type=Int64)
    paid_units: int = Field(sa_type=AmountType)
    received_units: int = Field(sa_type=AmountType)
    fee_units: int = Field(sa_type=AmountType)


class SqlBookStore:
    """`BookStore` in the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # The session forgets rows that nobody holds, and would ask for them again.
        self._kept: dict[int, BookOrderRow] = {}

    def next_order_id(self) -> int:
        """Return one more than the highest id ever saved; orders are never deleted."""
        highest = self._session.exec(select(func.max(BookOrderRow.order_id))).one()
        return 1 if highest is None else int(highest) + 1

    def save(self, order: BookOrder) -> None:
        """Store a new order, or the progress (remaining lots, status) of a known one.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT when the account's client order id belongs to another
                order.
        """
        row = self._kept.get(order.order_id) or self._session.get(BookOrderRow, order.order_id)
        if row is None:
            if self.by_client_id(order.account, order.client_order_id):
                raise UsageError(
                    "IDEMPOTENCY_CONFLICT", f"Order {order.client_order_id} was placed before."
                )
            row = _order_row(order)
        row.remaining_lots = order.remaining_lots
        row.status = order.status.value
        self._session.add(row)
        self._session.flush()

    def by_client_id(self, account: str, client_order_id: str) -> BookOrder | None:
        row = self._session.exec(
            select(BookOrderRow)
            .where(col(BookOrderRow.account) == account)
            .where(col(BookOrderRow.client_order_id) == client_order_id)
        ).first()
        if row is None:
            return None
        self._kept[row.order_id] = row
        return _order(row)

    def open_orders(self, instrument: str | None = None) -> list[BookOrder]:
        query = select(BookOrderRow).where(col(BookOrderRow.status) == BookOrderStatus.OPEN.value)
        if instrument is not None:
            query = query.where(col(BookOrderRow.instrument) == instrument)
        rows = self._session.exec(query.order_by(col(BookOrderRow.order_id))).all()
        return [_order(row) for row in rows]

    def save_take(self, client_order_id: str, fingerprint: str, fill: TakerFill) -> None:
        """Store the outcome of a taker order, once.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT when the id has an outcome.
        """
        if self._session.get(TakeRow, client_order_id) is not None:
            raise UsageError("IDEMPOTENCY_CONFLICT", f"Order {client_order_id} was placed before.")
        row = TakeRow(
            client_order_id=client_order_id,
            fingerprint=fingerprint,
            filled_lots=fill.filled_lots,
            paid_units=fill.paid_units,
            received_units=fill.received_units,
            fee_units=fill.fee_units,
        )
        self._session.add(row)
        self._session.flush()

    def take(self, client_order_id: str) -> tuple[TakerFill, str] | None:
        row = self._session.get(TakeRow, client_order_id)
        if row is None:
            return None
        fill = TakerFill(
            filled_lots=row.filled_lots,
            paid_units=row.paid_units,
            received_units=row.received_units,
            fee_units=row.fee_units,
        )
        return fill, row.fingerprint


def _order_row(order: BookOrder) -> BookOrderRow:
    return BookOrderRow(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        account=order.account,
        instrument=order.instrument,
        side=order.side.value,
        price_ticks=order.price_ticks,
        lots=order.lots,
        remaining_lots=order.remaining_lots,
        status=order.status.value,
        hold_id=order.hold_id,
    )


def _order(row: BookOrderRow) -> BookOrder:
    return BookOrder(
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        account=row.account,
        instrument=row.instrument,
        side=Side(row.side),
        price_ticks=row.price_ticks,
        lots=row.lots,
        remaining_lots=row.remaining_lots,
        status=BookOrderStatus(row.status),
        hold_id=row.hold_id,
    )
