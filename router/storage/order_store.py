"""Routed orders and the assets they name."""

import json

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlmodel import Field, Session, col, select

from router.domain.assets import Asset
from router.domain.errors import FailureError, UsageError
from router.domain.market import Protocol
from router.domain.orders import OrderState, OrderStatus, RouteConstraints, SwapMode, SwapOrder
from router.storage.columns import STRICT, AmountType, Int64, Name, Prose, Row

_FINAL = [status.value for status in OrderStatus if status.is_final]


class AssetRow(Row, table=True):
    """An asset that records refer to by symbol. Its decimals and address never change."""

    __tablename__ = "assets"

    symbol: str = Field(sa_type=Name, primary_key=True)
    decimals: int = Field(sa_type=Int64)
    chain_id: int = Field(sa_type=Int64)
    address: str = Field(sa_type=Name)
    routable: int = Field(sa_type=Int64)


class OrderRow(Row, table=True):
    """A routed order with its progress; `position` is the order of arrival."""

    __tablename__ = "orders"
    __table_args__ = (UniqueConstraint("account", "client_order_id"), STRICT)

    position: int | None = Field(sa_type=Int64, primary_key=True, default=None)
    order_id: str = Field(sa_type=Name, unique=True)
    client_order_id: str = Field(sa_type=Name)
    account: str = Field(sa_type=Name)
    mode: str = Field(sa_type=Name)
    asset_in: str = Field(sa_type=Name, sa_column_args=[ForeignKey("assets.symbol")])
    asset_out: str = Field(sa_type=Name, sa_column_args=[ForeignKey("assets.symbol")])
    amount_units: int = Field(sa_type=AmountType)
    limit_units: int = Field(sa_type=AmountType)
    deadline_s: int = Field(sa_type=Int64)
    created_ms: int = Field(sa_type=Int64)
    constraints: str = Field(sa_type=Prose)
    fingerprint: str = Field(sa_type=Name)
    status: str = Field(sa_type=Name, index=True)
    hold_id: str = Field(sa_type=Name)
    spent_units: int = Field(sa_type=AmountType)
    received_units: int = Field(sa_type=AmountType)
    reason: str = Field(sa_type=Prose)


class AssetTable:
    """Remembers assets by symbol."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def remember(self, asset: Asset) -> str:
        """Store an asset and return its symbol.

        Raises:
            UsageError: CONFIG_INVALID when the symbol is known with other decimals or another
                address; one symbol must never mean two tokens in one ledger.
        """
        row = self._session.get(AssetRow, asset.symbol)
        if row is None:
            row = AssetRow(
                symbol=asset.symbol,
                decimals=asset.decimals,
                chain_id=asset.chain_id,
                address=asset.address,
                routable=int(asset.routable),
            )
        elif (row.decimals, row.chain_id, row.address) != (
            asset.decimals,
            asset.chain_id,
            asset.address,
        ):
            raise UsageError(
                "CONFIG_INVALID",
                f"{asset.symbol} is recorded as {row.address} with {row.decimals} decimals on "
                f"chain {row.chain_id}; this database cannot hold another {asset.symbol}.",
            )
        row.routable = int(asset.routable)
        self._session.add(row)
        self._session.flush()
        return asset.symbol

    def recall(self, symbol: str) -> Asset:
        row = self._session.get(AssetRow, symbol)
        assert row is not None, symbol  # Every reference is a foreign key.
        return Asset(
            symbol=row.symbol,
            decimals=row.decimals,
            chain_id=row.chain_id,
            address=row.address,
            routable=bool(row.routable),
        )


class SqlOrderStore:
    """`OrderStore` in the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._assets = AssetTable(session)

    def add(self, state: OrderState, fingerprint: str) -> None:
        """Store a new order.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT when the order id, or the account's client order id,
                is taken.
        """
        order = state.order
        if self.by_client_id(order.account, order.client_order_id) or self._row(order.order_id):
            raise UsageError(
                "IDEMPOTENCY_CONFLICT", f"Order {order.client_order_id} was placed before."
            )
        row = OrderRow(
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            account=order.account,
            mode=order.mode.value,
            asset_in=self._assets.remember(order.asset_in),
            asset_out=self._assets.remember(order.asset_out),
            amount_units=order.amount_units,
            limit_units=order.limit_units,
            deadline_s=order.deadline_s,
            created_ms=order.created_ms,
            constraints=_constraints_text(order.constraints),
            fingerprint=fingerprint,
            status=state.status.value,
            hold_id=state.hold_id,
            spent_units=state.spent_units,
            received_units=state.received_units,
            reason=state.reason,
        )
        self._session.add(row)
        self._session.flush()

    def update(self, state: OrderState) -> None:
        """Store the progress of an order; the order itself never changes.

        Raises:
            FailureError: NOT_FOUND.
        """
        row = self._row(state.order.order_id)
        if row is None:
            raise FailureError("NOT_FOUND", f"There is no order {state.order.order_id}.")
        row.status = state.status.value
        row.hold_id = state.hold_id
        row.spent_units = state.spent_units
        row.received_units = state.received_units
        row.reason = state.reason
        self._session.add(row)
        self._session.flush()

    def by_id(self, order_id: str) -> OrderState | None:
        row = self._row(order_id)
        return self._state(row) if row else None

    def by_client_id(self, account: str, client_order_id: str) -> tuple[OrderState, str] | None:
        row = self._session.exec(
            select(OrderRow)
            .where(col(OrderRow.account) == account)
            .where(col(OrderRow.client_order_id) == client_order_id)
        ).first()
        return (self._state(row), row.fingerprint) if row else None

    def unfinished(self) -> list[OrderState]:
        """Return orders that are not final, oldest first."""
        rows = self._session.exec(
            select(OrderRow)
            .where(col(OrderRow.status).not_in(_FINAL))
            .order_by(col(OrderRow.position))
        ).all()
        return [self._state(row) for row in rows]

    def recent(self, limit: int, account: str | None = None) -> list[OrderState]:
        """Return at most `limit` orders, newest first."""
        query = select(OrderRow)
        if account is not None:
            query = query.where(col(OrderRow.account) == account)
        rows = self._session.exec(query.order_by(col(OrderRow.position).desc()).limit(limit)).all()
        return [self._state(row) for row in rows]

    def _row(self, order_id: str) -> OrderRow | None:
        return self._session.exec(
            select(OrderRow).where(col(OrderRow.order_id) == order_id)
        ).first()

    def _state(self, row: OrderRow) -> OrderState:
        order = SwapOrder(
            order_id=row.order_id,
            client_order_id=row.client_order_id,
            account=row.account,
            mode=SwapMode(row.mode),
            asset_in=self._assets.recall(row.asset_in),
            asset_out=self._assets.recall(row.asset_out),
            amount_units=row.amount_units,
            limit_units=row.limit_units,
            deadline_s=row.deadline_s,
            created_ms=row.created_ms,
            constraints=_constraints(row.constraints),
        )
        return OrderState(
            order=order,
            status=OrderStatus(row.status),
            hold_id=row.hold_id,
            spent_units=row.spent_units,
            received_units=row.received_units,
            reason=row.reason,
        )


def _constraints_text(constraints: RouteConstraints) -> str:
    body = {
        "max_hops": constraints.max_hops,
        "max_legs": constraints.max_legs,
        "max_gas": constraints.max_gas,
        "excluded_venues": sorted(constraints.excluded_venues),
        "included_venues": sorted(constraints.included_venues),
        "included_protocols": sorted(constraints.included_protocols),
        "excluded_tokens": sorted(constraints.excluded_tokens),
        "connector_tokens": _sorted(constraints.connector_tokens),
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _constraints(text: str) -> RouteConstraints:
    """Read constraints; orders from before a constraint was known do without it."""
    body = json.loads(text)
    connectors = body.get("connector_tokens")
    return RouteConstraints(
        max_hops=body["max_hops"],
        max_legs=body["max_legs"],
        max_gas=body.get("max_gas"),
        excluded_venues=frozenset(body["excluded_venues"]),
        included_venues=frozenset(body.get("included_venues", ())),
        included_protocols=frozenset(map(Protocol, body["included_protocols"])),
        excluded_tokens=frozenset(body.get("excluded_tokens", ())),
        connector_tokens=None if connectors is None else frozenset(connectors),
    )
