"""Journals, entries, cached balances and holds."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, func, or_
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Session, col, select

from router.domain.errors import FailureError
from router.domain.ledger import (
    Balance,
    Entry,
    Hold,
    HoldState,
    Journal,
    JournalKind,
    PostedJournal,
    natural_units,
)
from router.ledger import GENESIS_HASH, chain_hash
from router.storage.columns import (
    AMOUNT_LIMIT,
    ASSIGNED,
    STRICT,
    AmountType,
    Int64,
    Name,
    Prose,
    Row,
)


class JournalRow(Row, table=True):
    """A posted journal; triggers refuse to change or delete it."""

    __tablename__ = "journals"

    sequence: int = Field(sa_type=Int64, primary_key=True, sa_column_kwargs=ASSIGNED)
    key: str = Field(sa_type=Name, unique=True)
    kind: str = Field(sa_type=Name)
    memo: str = Field(sa_type=Prose)
    reference: str = Field(sa_type=Name, index=True)
    fingerprint: str = Field(sa_type=Name)
    posted_ms: int = Field(sa_type=Int64)
    chain_hash: str = Field(sa_type=Name)


class EntryRow(Row, table=True):
    """One side of a journal: debits positive, credits negative, base units."""

    __tablename__ = "entries"
    __table_args__ = (Index("ix_entries_place", "account", "asset"), STRICT)

    journal_sequence: int = Field(
        sa_type=Int64, primary_key=True, sa_column_args=[ForeignKey("journals.sequence")]
    )
    line: int = Field(sa_type=Int64, primary_key=True)
    account: str = Field(sa_type=Name)
    asset: str = Field(sa_type=Name)
    units: int = Field(sa_type=AmountType)


class BalanceRow(Row, table=True):
    """Cached sums of an account's entries and pending holds; `router.ledger.verify` proves them."""

    __tablename__ = "balances"

    account: str = Field(sa_type=Name, primary_key=True)
    asset: str = Field(sa_type=Name, primary_key=True)
    debits: int = Field(sa_type=AmountType, default=0)
    credits: int = Field(sa_type=AmountType, default=0)
    held: int = Field(sa_type=AmountType, default=0)


class HoldRow(Row, table=True):
    """A hold; `position` is the order of arrival."""

    __tablename__ = "holds"
    __table_args__ = (Index("ix_holds_place", "account", "state"), STRICT)

    position: int | None = Field(sa_type=Int64, primary_key=True, default=None)
    hold_id: str = Field(sa_type=Name, unique=True)
    account: str = Field(sa_type=Name)
    asset: str = Field(sa_type=Name)
    units: int = Field(sa_type=AmountType)
    state: str = Field(sa_type=Name)
    reference: str = Field(sa_type=Name)
    posted_units: int = Field(sa_type=AmountType)
    moved_units: int = Field(sa_type=AmountType)
    parent_id: str = Field(sa_type=Name)


class SqlLedgerStore:
    """`LedgerStore` in the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # The session forgets rows that nobody holds, and would ask for them again and again.
        self._kept_balances: dict[tuple[str, str], BalanceRow] = {}
        self._kept_holds: dict[str, HoldRow] = {}

    def journal_by_key(self, key: str) -> tuple[PostedJournal, str] | None:
        row = self._session.exec(select(JournalRow).where(col(JournalRow.key) == key)).first()
        if row is None:
            return None
        return self._with_entries([row])[0], row.fingerprint

    def append(self, journal: Journal, fingerprint: str, posted_ms: int) -> PostedJournal:
        """Append as the next in the dense sequence and bring the cached balances up to date.

        Raises:
            FailureError: AMOUNT_RANGE when an account's lifetime turnover exceeds 78 digits.
        """
        head = self._session.exec(
            select(JournalRow).order_by(col(JournalRow.sequence).desc()).limit(1)
        ).first()
        sequence = head.sequence + 1 if head else 1
        previous = head.chain_hash if head else GENESIS_HASH
        posted = PostedJournal(
            sequence=sequence,
            journal=journal,
            posted_ms=posted_ms,
            chain_hash=chain_hash(previous, sequence, posted_ms, journal),
        )
        self._session.add(_journal_row(posted, fingerprint))
        self._session.flush()
        for line, entry in enumerate(journal.entries):
            self._session.add(_entry_row(sequence, line, entry))
            self._count(entry)
        self._session.flush()
        return posted

    def balances(self, account_prefix: str, asset: str | None = None) -> list[Balance]:
        query = select(BalanceRow).where(_below(col(BalanceRow.account), account_prefix))
        if asset is not None:
            query = query.where(col(BalanceRow.asset) == asset)
        rows = self._session.exec(
            query.order_by(col(BalanceRow.account), col(BalanceRow.asset))
        ).all()
        self._kept_balances.update(((row.account, row.asset), row) for row in rows)
        return [_balance(row) for row in rows]

    def hold(self, hold_id: str) -> Hold | None:
        row = self._hold_row(hold_id)
        return _hold(row) if row else None

    def save_hold(self, hold: Hold) -> None:
        row = self._hold_row(hold.hold_id)
        before = _hold(row).remaining_units if row else 0
        if row is None:
            row = _hold_row(hold)
        row.state = hold.state.value
        row.posted_units = hold.posted_units
        row.moved_units = hold.moved_units
        self._session.add(row)
        balance = self._balance_row(hold.account, hold.asset)
        balance.held += hold.remaining_units - before
        assert balance.held >= 0, hold.hold_id
        self._session.flush()

    def holds(self, account_prefix: str = "", *, pending_only: bool = True) -> list[Hold]:
        query = select(HoldRow).where(_below(col(HoldRow.account), account_prefix))
        if pending_only:
            query = query.where(col(HoldRow.state) == HoldState.PENDING.value)
        rows = self._session.exec(query.order_by(col(HoldRow.position))).all()
        return [_hold(row) for row in rows]

    def journals(self, after: int, limit: int, reference: str | None = None) -> list[PostedJournal]:
        query = select(JournalRow).where(col(JournalRow.sequence) > after)
        if reference is not None:
            query = query.where(col(JournalRow.reference) == reference)
        rows = self._session.exec(query.order_by(col(JournalRow.sequence)).limit(limit)).all()
        return self._with_entries(rows)

    def _with_entries(self, rows: Sequence[JournalRow]) -> list[PostedJournal]:
        entries: dict[int, list[Entry]] = {row.sequence: [] for row in rows}
        if rows:
            found = self._session.exec(
                select(EntryRow)
                .where(col(EntryRow.journal_sequence).in_(list(entries)))
                .order_by(col(EntryRow.journal_sequence), col(EntryRow.line))
            ).all()
            for row in found:
                entry = Entry(account=row.account, asset=row.asset, units=row.units)
                entries[row.journal_sequence].append(entry)
        return [_posted(row, tuple(entries[row.sequence])) for row in rows]

    def _count(self, entry: Entry) -> None:
        row = self._balance_row(entry.account, entry.asset)
        if entry.units > 0:
            row.debits += entry.units
        else:
            row.credits -= entry.units
        if max(row.debits, row.credits) >= AMOUNT_LIMIT:
            raise FailureError(
                "AMOUNT_RANGE", f"The turnover of {entry.account} in {entry.asset} is too large."
            )

    def _balance_row(self, account: str, asset: str) -> BalanceRow:
        place = (account, asset)
        row = self._kept_balances.get(place) or self._session.get(BalanceRow, place)
        if row is None:
            row = BalanceRow(account=account, asset=asset, debits=0, credits=0, held=0)
            self._session.add(row)
            self._session.flush()
        self._kept_balances[place] = row
        return row

    def _hold_row(self, hold_id: str) -> HoldRow | None:
        row = self._kept_holds.get(hold_id)
        if row is None:
            query = select(HoldRow).where(col(HoldRow.hold_id) == hold_id)
            row = self._session.exec(query).first()
            if row is not None:
                self._kept_holds[hold_id] = row
        return row


def _below(account: Mapped[str], prefix: str) -> ColumnElement[bool]:
    """Match the account named `prefix` and those under it; "" matches all.

    A range, not LIKE: it uses the index, and LIKE would ignore case on SQLite.
    """
    if not prefix:
        return func.length(account) >= 0
    path = prefix.rstrip("/")
    return or_(account == path, and_(account >= f"{path}/", account < f"{path}0"))


def _journal_row(posted: PostedJournal, fingerprint: str) -> JournalRow:
    journal = posted.journal
    return JournalRow(
        sequence=posted.sequence,
        key=journal.key,
        kind=journal.kind.value,
        memo=journal.memo,
        reference=journal.reference,
        fingerprint=fingerprint,
        posted_ms=posted.posted_ms,
        chain_hash=posted.chain_hash,
    )


def _entry_row(sequence: int, line: int, entry: Entry) -> EntryRow:
    return EntryRow(
        journal_sequence=sequence,
        line=line,
        account=entry.account,
        asset=entry.asset,
        units=entry.units,
    )


def _posted(row: JournalRow, entries: tuple[Entry, ...]) -> PostedJournal:
    journal = Journal(
        key=row.key,
        kind=JournalKind(row.kind),
        entries=entries,
        memo=row.memo,
        reference=row.reference,
    )
    return PostedJournal(
        sequence=row.sequence, journal=journal, posted_ms=row.posted_ms, chain_hash=row.chain_hash
    )


def _balance(row: BalanceRow) -> Balance:
    return Balance(
        account=row.account,
        asset=row.asset,
        total=natural_units(row.account, row.debits - row.credits),
        held=row.held,
    )


def _hold_row(hold: Hold) -> HoldRow:
    return HoldRow(
        hold_id=hold.hold_id,
        account=hold.account,
        asset=hold.asset,
        units=hold.units,
        state=hold.state.value,
        reference=hold.reference,
        posted_units=hold.posted_units,
        moved_units=hold.moved_units,
        parent_id=hold.parent_id,
    )


def _hold(row: HoldRow) -> Hold:
    return Hold(
        hold_id=row.hold_id,
        account=row.account,
        asset=row.asset,
        units=row.units,
        state=HoldState(row.state),
        reference=row.reference,
        posted_units=row.posted_units,
        moved_units=row.moved_units,
        parent_id=row.parent_id,
    )
