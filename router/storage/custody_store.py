"""Deposits, the scan cursor, breaks and the freeze flag."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey
from sqlmodel import Field, Session, col, select

from router.domain.custody import Break, Deposit, DepositState
from router.domain.market import BlockRef
from router.storage.columns import ASSIGNED, AmountType, Int64, Name, Prose, Row
from router.storage.order_store import AssetTable

_FREEZE = "signer_freeze"


class DepositRow(Row, table=True):
    """An inflow, unique by chain, transaction and ordinal in its receipt."""

    __tablename__ = "deposits"

    chain_id: int = Field(sa_type=Int64, primary_key=True, sa_column_kwargs=ASSIGNED)
    tx_hash: str = Field(sa_type=Name, primary_key=True)
    ordinal: int = Field(sa_type=Int64, primary_key=True)
    block_number: int = Field(sa_type=Int64)
    block_hash: str = Field(sa_type=Name)
    sender: str = Field(sa_type=Name)
    asset: str = Field(sa_type=Name, sa_column_args=[ForeignKey("assets.symbol")])
    units: int = Field(sa_type=AmountType)
    account: str = Field(sa_type=Name)
    state: str = Field(sa_type=Name, index=True)


class CursorRow(Row, table=True):
    """How far a named scan of a chain has come."""

    __tablename__ = "cursors"

    chain_id: int = Field(sa_type=Int64, primary_key=True, sa_column_kwargs=ASSIGNED)
    name: str = Field(sa_type=Name, primary_key=True)
    number: int = Field(sa_type=Int64)
    hash: str = Field(sa_type=Name)
    parent_hash: str = Field(sa_type=Name)
    timestamp_s: int = Field(sa_type=Int64)
    base_fee_wei: int = Field(sa_type=AmountType)


class BreakRow(Row, table=True):
    """A difference that a reconciliation found."""

    __tablename__ = "breaks"

    position: int | None = Field(sa_type=Int64, primary_key=True, default=None)
    found_ms: int = Field(sa_type=Int64)
    break_class: str = Field(sa_type=Name)
    chain_id: int = Field(sa_type=Int64)
    address: str = Field(sa_type=Name)
    asset: str = Field(sa_type=Name)
    chain_units: int = Field(sa_type=AmountType)
    ledger_units: int = Field(sa_type=AmountType)
    block_number: int = Field(sa_type=Int64)
    detail: str = Field(sa_type=Prose)
    freezes: int = Field(sa_type=Int64)


class FlagRow(Row, table=True):
    """A named setting that must survive a restart."""

    __tablename__ = "flags"

    name: str = Field(sa_type=Name, primary_key=True)
    text: str = Field(sa_type=Prose)


class SqlCustodyStore:
    """`CustodyStore` in the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._assets = AssetTable(session)

    def cursor(self, chain_id: int, name: str = "deposits") -> BlockRef | None:
        row = self._session.get(CursorRow, (chain_id, name))
        if row is None:
            return None
        return BlockRef(
            number=row.number,
            hash=row.hash,
            parent_hash=row.parent_hash,
            timestamp_s=row.timestamp_s,
            base_fee_wei=row.base_fee_wei,
        )

    def set_cursor(self, chain_id: int, block: BlockRef, name: str = "deposits") -> None:
        row = CursorRow(
            chain_id=chain_id,
            name=name,
            number=block.number,
            hash=block.hash,
            parent_hash=block.parent_hash,
            timestamp_s=block.timestamp_s,
            base_fee_wei=block.base_fee_wei,
        )
        self._session.merge(row)
        self._session.flush()

    def save_deposit(self, deposit: Deposit) -> None:
        """Store a deposit, or what became of a known one (state, and block after a reorg)."""
        row = DepositRow(
            chain_id=deposit.chain_id,
            tx_hash=deposit.tx_hash,
            ordinal=deposit.ordinal,
            block_number=deposit.block_number,
            block_hash=deposit.block_hash,
            sender=deposit.sender,
            asset=self._assets.remember(deposit.asset),
            units=deposit.units,
            account=deposit.account,
            state=deposit.state.value,
        )
        self._session.merge(row)
        self._session.flush()

    def deposits(self, state: DepositState | None = None) -> list[Deposit]:
        """Return deposits by block, oldest first."""
        query = select(DepositRow)
        if state is not None:
            query = query.where(col(DepositRow.state) == state.value)
        rows = self._session.exec(
            query.order_by(
                col(DepositRow.block_number), col(DepositRow.tx_hash), col(DepositRow.ordinal)
            )
        ).all()
        return [self._deposit(row) for row in rows]

    def record_breaks(self, breaks: Sequence[Break], found_ms: int) -> None:
        for found in breaks:
            self._session.add(_break_row(found, found_ms))
        self._session.flush()

    def freeze(self, reason: str | None = None, *, thaw: bool = False) -> str | None:
        """Set, clear or read the freeze; the first reason stays until it is thawed."""
        assert not (thaw and reason is not None), "freeze and thaw exclude each other"
        row = self._session.get(FlagRow, _FREEZE)
        if thaw and row is not None:
            self._session.delete(row)
            row = None
        if reason is not None and row is None:
            row = FlagRow(name=_FREEZE, text=reason)
            self._session.add(row)
        self._session.flush()
        return row.text if row else None

    def _deposit(self, row: DepositRow) -> Deposit:
        return Deposit(
            chain_id=row.chain_id,
            tx_hash=row.tx_hash,
            ordinal=row.ordinal,
            block_number=row.block_number,
            block_hash=row.block_hash,
            sender=row.sender,
            asset=self._assets.recall(row.asset),
            units=row.units,
            account=row.account,
            state=DepositState(row.state),
        )


def _break_row(found: Break, found_ms: int) -> BreakRow:
    return BreakRow(
        found_ms=found_ms,
        break_class=found.break_class.value,
        chain_id=found.chain_id,
        address=found.address,
        asset=found.asset,
        chain_units=found.chain_units,
        ledger_units=found.ledger_units,
        block_number=found.block_number,
        detail=found.detail,
        freezes=int(found.freezes),
    )
