"""Wallets, deposits, withdrawals, and the differences reconciliation finds."""

from dataclasses import dataclass
from enum import StrEnum

from router.domain.amounts import Amount
from router.domain.assets import Asset


class WalletRole(StrEnum):
    HOT = "hot"
    COLD = "cold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    role: WalletRole
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Hot wallet thresholds per asset, base units: above `high` the excess over `target` is swept
    to cold; below `low` a refill up to `target` is requested."""

    asset: Asset
    low: int
    target: int
    high: int

    def __post_init__(self) -> None:
        assert 0 <= self.low <= self.target <= self.high, self.asset


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletLine:
    """One asset of one wallet: on chain, in the ledger, and set aside; base units."""

    wallet: Wallet
    asset: Asset
    chain_units: int
    ledger_units: int
    held_units: int
    marks: Marks | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefillRequest:
    """The hot wallet is below its low mark and needs `units` from cold to reach its target."""

    asset: Asset
    ledger_units: int
    units: int


class DepositState(StrEnum):
    SEEN = "seen"
    CREDITED = "credited"
    ORPHANED = "orphaned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """An inflow to the hot wallet, unique by (chain, transaction, ordinal in its receipt)."""

    chain_id: int
    tx_hash: str
    ordinal: int
    block_number: int
    block_hash: str
    sender: str
    asset: Asset
    units: int
    account: str
    state: DepositState


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    withdrawal_id: str
    account: str
    amount: Amount
    destination: str
    intent_id: str


class BreakClass(StrEnum):
    """Why ledger and chain differ; `docs/operations/reconcile.md` says what to do."""

    MISSING_DEPOSIT = "missing_deposit"
    PHANTOM_DEPOSIT = "phantom_deposit"
    IN_FLIGHT = "in_flight"
    UNKNOWN_OUTFLOW = "unknown_outflow"
    UNKNOWN_INFLOW = "unknown_inflow"
    NONCE_MISMATCH = "nonce_mismatch"
    BOOK_HOLD_MISMATCH = "book_hold_mismatch"
    ALLOWANCE_DRIFT = "allowance_drift"
    LEDGER_UNSOUND = "ledger_unsound"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldNeed:
    """A pending hold that something open rests on, with what it has to set aside."""

    hold_id: str
    account: str
    asset: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A difference at a block: `chain_units` on chain against `ledger_units` expected."""

    break_class: BreakClass
    chain_id: int
    address: str
    asset: str
    chain_units: int
    ledger_units: int
    block_number: int
    detail: str
    freezes: bool

    @property
    def difference_units(self) -> int:
        return self.chain_units - self.ledger_units


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """Outcome of one reconciliation; `checked` counts the (address, asset) pairs compared."""

    block_number: int
    block_hash: str
    checked: int
    breaks: tuple[Break, ...]
    frozen: bool
