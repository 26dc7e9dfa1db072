"""Intents with their nonces, and the signed attempts."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, ForeignKey, UniqueConstraint
from sqlmodel import Field, Session, col, select

from router.domain.errors import FailureError, UsageError
from router.domain.market import BlockRef
from router.domain.settlement import Attempt, Intent, IntentKind, IntentState, TxRequest
from router.storage.columns import ASSIGNED, STRICT, AmountType, Bytes, Int64, Name, Prose, Row

_FINAL = [state.value for state in IntentState if state.is_final]
_Found = tuple[Intent, tuple[Attempt, ...]]


class NonceRow(Row, table=True):
    """The next unused nonce of a sender on a chain; it only rises."""

    __tablename__ = "nonces"

    chain_id: int = Field(sa_type=Int64, primary_key=True, sa_column_kwargs=ASSIGNED)
    sender: str = Field(sa_type=Name, primary_key=True)
    next: int = Field(sa_type=Int64)


class IntentRow(Row, table=True):
    """An intent; its mined block is known from `mined` on, until a reorganisation."""

    __tablename__ = "intents"
    __table_args__ = (UniqueConstraint("chain_id", "sender", "nonce"), STRICT)

    intent_id: str = Field(sa_type=Name, primary_key=True)
    kind: str = Field(sa_type=Name)
    state: str = Field(sa_type=Name, index=True)
    chain_id: int = Field(sa_type=Int64)
    sender: str = Field(sa_type=Name)
    nonce: int = Field(sa_type=Int64)
    request_to: str = Field(sa_type=Name)
    request_data: bytes = Field(sa_type=Bytes)
    request_value_wei: int = Field(sa_type=AmountType)
    request_gas_limit: int = Field(sa_type=Int64)
    reference: str = Field(sa_type=Name, index=True)
    hold_id: str = Field(sa_type=Name)
    details: str = Field(sa_type=Prose)
    created_ms: int = Field(sa_type=Int64)
    block_number: int | None = Field(sa_type=Int64, default=None)
    block_hash: str | None = Field(sa_type=Name, default=None)


class AttemptRow(Row, table=True):
    """A signed transaction; triggers refuse to change its bytes or to delete it."""

    __tablename__ = "attempts"

    position: int | None = Field(sa_type=Int64, primary_key=True, default=None)
    tx_hash: str = Field(sa_type=Name, unique=True)
    intent_id: str = Field(
        sa_type=Name, index=True, sa_column_args=[ForeignKey("intents.intent_id")]
    )
    raw: bytes = Field(sa_type=Bytes)
    max_fee_wei: int = Field(sa_type=AmountType)
    max_tip_wei: int = Field(sa_type=AmountType)
    sent_ms: int | None = Field(sa_type=Int64, default=None)
    acked_ms: int | None = Field(sa_type=Int64, default=None)
    cancels: int = Field(sa_type=Int64)


class SqlSettlementStore:
    """`SettlementStore` in the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def reserve_nonce(self, chain_id: int, sender: str, chain_nonce: int, *, count: int = 1) -> int:
        row = self._session.get(NonceRow, (chain_id, sender))
        if row is None:
            row = NonceRow(chain_id=chain_id, sender=sender, next=0)
        nonce = max(row.next, chain_nonce)
        row.next = nonce + count
        self._session.add(row)
        self._session.flush()
        return nonce

    def add_intent(self, intent: Intent) -> None:
        """Store a new intent.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT when the id or the sender's nonce is taken.
        """
        taken = self._session.exec(
            select(IntentRow.intent_id)
            .where(col(IntentRow.chain_id) == intent.chain_id)
            .where(col(IntentRow.sender) == intent.sender)
            .where(col(IntentRow.nonce) == intent.nonce)
        ).first()
        if taken is not None or self._session.get(IntentRow, intent.intent_id) is not None:
            raise UsageError(
                "IDEMPOTENCY_CONFLICT",
                f"Intent {intent.intent_id} or its nonce {intent.nonce} exists already.",
            )
        self._session.add(_intent_row(intent))
        self._session.flush()

    def set_state(self, intent_id: str, state: IntentState, block: BlockRef | None = None) -> None:
        """Store an intent's state; `block` is where it was mined, forgotten on `broadcast`.

        Raises:
            FailureError: NOT_FOUND.
        """
        row = self._session.get(IntentRow, intent_id)
        if row is None:
            raise FailureError("NOT_FOUND", f"There is no intent {intent_id}.")
        row.state = state.value
        if block is not None:
            row.block_number, row.block_hash = block.number, block.hash
        elif state is IntentState.BROADCAST:
            row.block_number, row.block_hash = None, None
        self._session.add(row)
        self._session.flush()

    def save_attempt(self, attempt: Attempt) -> None:
        """Store a signed attempt, or when a known one was sent and acknowledged.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT when the hash is known with other bytes, fees or
                intent.
        """
        row = self._session.exec(
            select(AttemptRow).where(col(AttemptRow.tx_hash) == attempt.tx_hash)
        ).first()
        if row is None:
            row = _attempt_row(attempt)
        elif _signed_part(_attempt(row)) != _signed_part(attempt):
            raise UsageError(
                "IDEMPOTENCY_CONFLICT", f"Attempt {attempt.tx_hash} exists with other bytes."
            )
        row.sent_ms, row.acked_ms = attempt.sent_ms, attempt.acked_ms
        self._session.add(row)
        self._session.flush()

    def intents(self, *, open_only: bool = False, reference: str | None = None) -> list[_Found]:
        wanted: list[ColumnElement[bool]] = []
        if open_only:
            wanted.append(col(IntentRow.state).not_in(_FINAL))
        if reference is not None:
            wanted.append(col(IntentRow.reference) == reference)
        return self._found(wanted)

    def find(self, *, intent_id: str | None = None, tx_hash: str | None = None) -> _Found | None:
        """Return the intent with this id, or the one that an attempt with this hash belongs to."""
        if intent_id is None:
            intent_id = self._session.exec(
                select(AttemptRow.intent_id).where(col(AttemptRow.tx_hash) == tx_hash)
            ).first()
        found = self._found([col(IntentRow.intent_id) == intent_id]) if intent_id else []
        return found[0] if found else None

    def _found(self, wanted: Sequence[ColumnElement[bool]]) -> list[_Found]:
        """Return the wanted intents, each with its attempts in the order they were made."""
        rows = self._session.exec(
            select(IntentRow)
            .where(*wanted)
            .order_by(col(IntentRow.chain_id), col(IntentRow.sender), col(IntentRow.nonce))
        ).all()
        attempts: dict[str, list[Attempt]] = {row.intent_id: [] for row in rows}
        # A query within the query: a list of ids would outgrow what a statement may carry.
        ids = select(IntentRow.intent_id).where(*wanted)
        for row in self._session.exec(
            select(AttemptRow)
            .where(col(AttemptRow.intent_id).in_(ids))
            .order_by(col(AttemptRow.position))
        ):
            attempts[row.intent_id].append(_attempt(row))
        return [(_intent(row), tuple(attempts[row.intent_id])) for row in rows]


def _intent_row(intent: Intent) -> IntentRow:
    return IntentRow(
        intent_id=intent.intent_id,
        kind=intent.kind.value,
        state=intent.state.value,
        chain_id=intent.chain_id,
        sender=intent.sender,
        nonce=intent.nonce,
        request_to=intent.request.to,
        request_data=intent.request.data,
        request_value_wei=intent.request.value_wei,
        request_gas_limit=intent.request.gas_limit,
        reference=intent.reference,
        hold_id=intent.hold_id,
        details=intent.details,
        created_ms=intent.created_ms,
    )


def _intent(row: IntentRow) -> Intent:
    request = TxRequest(
        to=row.request_to,
        data=row.request_data,
        value_wei=row.request_value_wei,
        gas_limit=row.request_gas_limit,
    )
    return Intent(
        intent_id=row.intent_id,
        kind=IntentKind(row.kind),
        state=IntentState(row.state),
        chain_id=row.chain_id,
        sender=row.sender,
        nonce=row.nonce,
        request=request,
        reference=row.reference,
        hold_id=row.hold_id,
        details=row.details,
        created_ms=row.created_ms,
    )


def _attempt_row(attempt: Attempt) -> AttemptRow:
    return AttemptRow(
        tx_hash=attempt.tx_hash,
        intent_id=attempt.intent_id,
        raw=attempt.raw,
        max_fee_wei=attempt.max_fee_wei,
        max_tip_wei=attempt.max_tip_wei,
        sent_ms=attempt.sent_ms,
        acked_ms=attempt.acked_ms,
        cancels=int(attempt.cancels),
    )


def _attempt(row: AttemptRow) -> Attempt:
    return Attempt(
        tx_hash=row.tx_hash,
        intent_id=row.intent_id,
        raw=row.raw,
        max_fee_wei=row.max_fee_wei,
        max_tip_wei=row.max_tip_wei,
        sent_ms=row.sent_ms,
        acked_ms=row.acked_ms,
        cancels=bool(row.cancels),
    )


def _signed_part(attempt: Attempt) -> Attempt:
    return replace(attempt, sent_ms=None, acked_ms=None)
