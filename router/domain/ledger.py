"""Double entry: accounts, entries, journals and holds.

An account is a path; its first part says what it is. Debits are positive and credits negative, so
every journal sums to zero per asset. Asset and expense accounts grow by debits, liability and
revenue accounts by credits; a user's spendable balance is minus the sum of the entries, less the
open holds.

    user/<name>                 liability: what we owe a client
    asset/wallet/<address>      asset: what an address of ours holds on chain
    expense/gas                 expense: gas paid
    revenue/fee                 revenue: trading fees earned
    equity/capital              equity: what the house put in
    suspense/unknown            liability: received without a known owner
"""

from dataclasses import dataclass
from enum import StrEnum

from router.domain.amounts import UINT256_MAX
from router.domain.errors import FailureError

GAS_EXPENSE = "expense/gas"
FEE_REVENUE = "revenue/fee"
HOUSE_CAPITAL = "equity/capital"
SUSPENSE = "suspense/unknown"


def user_account(name: str) -> str:
    return f"user/{name}"


def wallet_account(address: str) -> str:
    """The asset account of an on-chain address of ours; lower case, so that it is unique."""
    return f"asset/wallet/{address.lower()}"


def is_user(account: str) -> bool:
    return account.startswith("user/")


def natural_units(account: str, units: int) -> int:
    """Turn signed entry units (debit positive) into the account's normal direction, and back."""
    return units if account.startswith(("asset/", "expense/")) else -units


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One side of a journal: `units` of `asset` (symbol), positive debits, negative credits."""

    account: str
    asset: str
    units: int

    def __post_init__(self) -> None:
        assert self.units != 0, self.account
        assert abs(self.units) <= UINT256_MAX, self.account


def gas_entries(wallet: str, coin: str, gas_cost_wei: int) -> tuple[Entry, ...]:
    """Return gas paid by a wallet account as an expense of ours; nothing when it was free."""
    if gas_cost_wei == 0:
        return ()
    return (
        Entry(account=GAS_EXPENSE, asset=coin, units=gas_cost_wei),
        Entry(account=wallet, asset=coin, units=-gas_cost_wei),
    )


class JournalKind(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    SWAP = "swap"
    BOOK_TRADE = "book_trade"
    GAS = "gas"
    SWEEP = "sweep"
    REFILL = "refill"
    CAPITAL = "capital"
    SUSPENSE = "suspense"
    REVERSAL = "reversal"
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """An immutable, balanced set of entries. `key` is its idempotency key, unique forever."""

    key: str
    kind: JournalKind
    entries: tuple[Entry, ...]
    memo: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        if len(self.entries) < 2:
            raise FailureError(
                "LEDGER_UNBALANCED", f"Journal {self.key} has fewer than two entries."
            )
        totals: dict[str, int] = {}
        for entry in self.entries:
            totals[entry.asset] = totals.get(entry.asset, 0) + entry.units
        off = {asset: total for asset, total in totals.items() if total != 0}
        if off:
            raise FailureError("LEDGER_UNBALANCED", f"Journal {self.key} is off by {off}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedJournal:
    """A journal as the ledger holds it: dense `sequence`, time, hash chained over all before."""

    sequence: int
    journal: Journal
    posted_ms: int
    chain_hash: str


class HoldState(StrEnum):
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Units of an account set aside (a pending transfer).

    While pending it may be spent in parts (`posted_units`) and parts of it may be moved into holds
    of their own (`moved_units`, the children name it as `parent_id`). It ends once: posted or
    voided; what is left then returns to the account. `units` is its size when it was placed.
    """

    hold_id: str
    account: str
    asset: str
    units: int
    state: HoldState
    reference: str
    posted_units: int = 0
    moved_units: int = 0
    parent_id: str = ""

    def __post_init__(self) -> None:
        assert self.units > 0, self.hold_id
        assert self.posted_units >= 0, self.hold_id
        assert self.moved_units >= 0, self.hold_id
        assert self.posted_units + self.moved_units <= self.units, self.hold_id

    @property
    def remaining_units(self) -> int:
        """What it still sets aside; 0 once it has ended."""
        if self.state is not HoldState.PENDING:
            return 0
        return self.units - self.posted_units - self.moved_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Balance of an account in one asset: `total` in its normal direction, `held` of it pending."""

    account: str
    asset: str
    total: int
    held: int

    @property
    def available(self) -> int:
        return self.total - self.held
