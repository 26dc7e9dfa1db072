"""Outgoing transactions: one intent, one nonce, one or more signed attempts.

reserved -> signed -> broadcast -> mined -> settled
                         ^           |-----> reverted (final, status 0)
                         +-----------+ reorganised: back to broadcast, same raw bytes
"""

from dataclasses import dataclass
from enum import StrEnum

from router.domain.assets import Asset


class IntentKind(StrEnum):
    SWAP = "swap"
    APPROVE = "approve"
    WITHDRAWAL = "withdrawal"
    SWEEP = "sweep"
    CANCEL = "cancel"


class IntentState(StrEnum):
    RESERVED = "reserved"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"
    SETTLED = "settled"
    REVERTED = "reverted"
    FOREIGN = "foreign"

    @property
    def is_final(self) -> bool:
        return self in (IntentState.SETTLED, IntentState.REVERTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TxRequest:
    """What is to be signed: an EIP-1559 call without nonce and fees."""

    to: str
    data: bytes
    value_wei: int
    gas_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPermit:
    """What the hot wallet signs so that the executor may pull one plan's input, once.

    `plan_hash` binds every step and minimum of the plan; `nonce` is the permit contract's
    unordered nonce, spent for ever by the first use.
    """

    token: str
    amount: int
    spender: str
    nonce: int
    deadline_s: int
    plan_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The wish to send one transaction; written with its nonce and hold before anything is signed.

    `details` is canonical JSON of what the kind needs to settle (legs, expected outputs, owner).
    """

    intent_id: str
    kind: IntentKind
    state: IntentState
    chain_id: int
    sender: str
    nonce: int
    request: TxRequest
    reference: str
    hold_id: str
    details: str
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentSpec:
    """What a caller asks to have sent. `key` makes it idempotent; `reference` groups (order id)."""

    key: str
    kind: IntentKind
    request: TxRequest
    reference: str
    hold_id: str = ""
    details: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One signed transaction of an intent; the stored raw bytes are the truth, never re-signed.

    `cancels`: the bytes are a transfer of nothing to ourselves that only uses up the nonce.
    """

    tx_hash: str
    intent_id: str
    raw: bytes
    max_fee_wei: int
    max_tip_wei: int
    sent_ms: int | None = None
    acked_ms: int | None = None
    cancels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """An event log; `ordinal` is its place within its receipt, stable across reorganisations."""

    address: str
    topics: tuple[str, ...]
    data: bytes
    ordinal: int
    tx_hash: str
    block_number: int
    block_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A mined transaction. `gas_cost_wei` = gas used x effective gas price."""

    tx_hash: str
    block_number: int
    block_hash: str
    status: bool
    gas_used: int
    gas_cost_wei: int
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a transaction did to one asset of its sender, gas apart; base units."""

    asset: Asset
    received_units: int
    spent_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A final transaction with what its logs and the balance differences of its block both say.

    `gas_asset` is the chain's coin, in which `receipt.gas_cost_wei` was paid.
    """

    intent: Intent
    receipt: Receipt
    movements: tuple[Movement, ...]
    gas_asset: Asset

    def spent_units(self, asset: Asset) -> int:
        return sum(move.spent_units for move in self.movements if move.asset == asset)

    def received_units(self, asset: Asset) -> int:
        return sum(move.received_units for move in self.movements if move.asset == asset)
