"""The ports: small protocols in domain terms. No vendor type, dict or float of money crosses one.

Adapters live in `connectors` and `router.storage`; `router.bootstrap` joins them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from router.domain.assets import Asset
from router.domain.custody import Break, Deposit, DepositState
from router.domain.ledger import Balance, Hold, Journal, PostedJournal
from router.domain.market import BlockRef, Instrument, Ladder, PoolRef
from router.domain.orders import BookOrder, OrderState
from router.domain.routes import Leg
from router.domain.settlement import (
    Attempt,
    Intent,
    IntentSpec,
    IntentState,
    Log,
    Outcome,
    PlanPermit,
    Receipt,
    TxRequest,
)
from router.domain.taking import TakerFill, TakerOrder

T = TypeVar("T")


class Clock(Protocol):
    """Time as injected; backtests and tests bring their own."""

    def now_ms(self) -> int: ...

    async def sleep_s(self, seconds: float) -> None: ...


class Chain(Protocol):
    """One EVM chain as settlement and custody need it. Every call has its own deadline inside.

    Raises:
        VenueUnavailable: CHAIN_UNAVAILABLE; the node did not answer and nothing was sent.
        OutcomeUnknown: only `send_raw`; the bytes may have reached the node.
    """

    async def head(self) -> BlockRef: ...

    async def block(self, number: int) -> BlockRef | None: ...

    async def send_raw(self, raw: bytes) -> None:
        """Broadcast; returns when the node has it or already knew it.

        Raises:
            OrderRejected: the node refused these bytes; `message` is the node's own reason.
        """

    async def receipt(self, tx_hash: str) -> Receipt | None: ...

    async def nonce(self, address: str, block: int | None = None) -> int:
        """Return the next nonce by the transactions mined up to a block; None is the latest."""

    async def call(self, to: str, data: bytes, block: int | None = None) -> bytes: ...


class ChainAudit(Protocol):
    """Reads for deposits, reconciliation and fees; may use another node than `Chain`."""

    async def chain_id(self) -> int: ...

    async def balances(self, pairs: Sequence[tuple[str, Asset]], block: int) -> list[int]:
        """Return base units per (address, asset) at a block, in the order asked."""

    async def transfers(self, addresses: Sequence[str], start: int, end: int) -> list[Log]:
        """Return ERC-20 Transfer logs from or to the addresses in blocks start..end inclusive."""

    async def native_transfers(self, address: str, start: int, end: int) -> list[Log]:
        """Return plain coin transfers to or from `address` as logs with empty topics.

        `data` is the 32-byte value, `address` the counterparty, a negative ordinal marks outflow.
        """

    async def suggest_fees(self) -> tuple[int, int]:
        """Return (max_fee_wei, max_tip_wei): twice the base fee plus the tip, and the tip."""

    async def estimate_gas(self, sender: str, request: TxRequest) -> int: ...


class ApprovalAudit(Protocol):
    """Reads who was allowed to move what; may use another node than `Chain`."""

    async def approvals(
        self, owner: str, contracts: Sequence[str], start: int, end: int
    ) -> list[Log]:
        """Return the logs of `owner`'s approvals in the contracts, blocks start..end inclusive.

        The contracts are tokens and the permit contract; `ordinal` is the place in the block.
        """


class Signer(Protocol):
    """Holds one key and a policy. Signs decoded, allowed transactions only, never a raw digest.

    Raises:
        FailureError: SIGNER_REFUSED by policy, SIGNER_FROZEN, KEY_REFUSED on a wrong chain.
    """

    @property
    def address(self) -> str: ...

    def sign_transaction(
        self, request: TxRequest, *, chain_id: int, nonce: int, max_fee_wei: int, max_tip_wei: int
    ) -> tuple[str, bytes]:
        """Return (transaction hash, raw bytes) of an EIP-1559 transaction."""

    def sign_plan_permit(self, permit: PlanPermit, *, chain_id: int) -> bytes:
        """Return the 65-byte EIP-712 signature that lets the executor pull one plan's input."""


class PoolState(Protocol):
    """A pool's value for the core together with where it is; `core` is a V2Pool or V3Pool."""

    @property
    def ref(self) -> PoolRef: ...

    @property
    def core(self) -> object: ...


class PoolSource(Protocol):
    """Pools of one chain, read whole and kept current from logs."""

    async def snapshot(self) -> tuple[BlockRef, tuple[PoolState, ...]]:
        """Return all pools as of one block; cheap when nothing changed since the last call."""


class SwapEncoder(Protocol):
    """Turns on-chain legs into one transaction of the executor contract."""

    @property
    def executor_address(self) -> str: ...

    def encode(
        self,
        *,
        plan_id: bytes,
        legs: Sequence[Leg],
        amount_in_units: int,
        minimums: Sequence[tuple[Asset, int]],
        permit_nonce: int,
        deadline_s: int,
        signer: Signer,
        chain_id: int,
    ) -> TxRequest:
        """Return the call with its permit signed; `minimums` lists each delivered asset once."""

    def approval(self, asset: Asset, units: int) -> TxRequest:
        """Return the call that lets the permit contract move `units` of the hot wallet's asset."""

    def delivered(self, receipt: Receipt, recipient: str) -> dict[str, int]:
        """Return the units received per token address (lower case) by the receipt's own logs."""

    def spent(self, receipt: Receipt, payer: str) -> dict[str, int]: ...


class OrderVenue(Protocol):
    """A place where a taker order can be sent: our own book, an external exchange.

    Raises:
        VenueUnavailable, OrderRejected, OutcomeUnknown: the three outcomes of every send.
    """

    @property
    def venue_id(self) -> str: ...

    async def instruments(self) -> tuple[Instrument, ...]: ...

    async def ladder(self, instrument: str, depth: int) -> Ladder: ...

    async def place(self, order: TakerOrder) -> TakerFill: ...

    async def lookup(self, client_order_id: str) -> TakerFill | None:
        """Return what became of an order, None when the venue never had it."""

    async def balances(self) -> dict[str, int]: ...


class HoldStore(Protocol):
    """Holds; saving one also keeps the `held` part of its account's balance."""

    def hold(self, hold_id: str) -> Hold | None: ...

    def save_hold(self, hold: Hold) -> None: ...

    def holds(self, account_prefix: str = "", *, pending_only: bool = True) -> list[Hold]:
        """Return holds of accounts equal to or below the prefix ("" is all), oldest first."""


class LedgerStore(HoldStore, Protocol):
    """Raw persistence of the ledger; rules live in `router.ledger`. Append-only but for holds."""

    def journal_by_key(self, key: str) -> tuple[PostedJournal, str] | None:
        """Return the journal and the fingerprint of its payload."""

    def append(self, journal: Journal, fingerprint: str, posted_ms: int) -> PostedJournal: ...

    def balances(self, account_prefix: str, asset: str | None = None) -> list[Balance]:
        """Return balances of accounts equal to or below the prefix ("" is all accounts).

        Natural direction: see `Balance`. Sorted by account, then asset.
        """

    def journals(self, after: int, limit: int, reference: str | None = None) -> list[PostedJournal]:
        """Return journals with sequence > after, oldest first."""


class OrderStore(Protocol):
    """Routed orders."""

    def add(self, state: OrderState, fingerprint: str) -> None: ...

    def update(self, state: OrderState) -> None: ...

    def by_id(self, order_id: str) -> OrderState | None: ...

    def by_client_id(self, account: str, client_order_id: str) -> tuple[OrderState, str] | None: ...

    def unfinished(self) -> list[OrderState]: ...

    def recent(self, limit: int, account: str | None = None) -> list[OrderState]: ...


class BookStore(Protocol):
    """Orders resting in our own book and what takers did to them."""

    def next_order_id(self) -> int: ...

    def save(self, order: BookOrder) -> None: ...

    def by_client_id(self, account: str, client_order_id: str) -> BookOrder | None: ...

    def open_orders(self, instrument: str | None = None) -> list[BookOrder]:
        """Return open orders in time priority."""

    def save_take(self, client_order_id: str, fingerprint: str, fill: TakerFill) -> None: ...

    def take(self, client_order_id: str) -> tuple[TakerFill, str] | None: ...


class SettlementStore(Protocol):
    """Intents, nonces and attempts. One writer per (chain, sender)."""

    def reserve_nonce(self, chain_id: int, sender: str, chain_nonce: int, *, count: int = 1) -> int:
        """Return the next nonce, max(stored next, chain_nonce), and store it plus `count`.

        `count` 0 takes none: with `chain_nonce` 0 it reads, else it stores a starting point.
        """

    def add_intent(self, intent: Intent) -> None: ...

    def set_state(
        self, intent_id: str, state: IntentState, block: BlockRef | None = None
    ) -> None: ...

    def save_attempt(self, attempt: Attempt) -> None: ...

    def intents(
        self, *, open_only: bool = False, reference: str | None = None
    ) -> list[tuple[Intent, tuple[Attempt, ...]]]:
        """Return intents with their attempts in nonce order."""

    def find(
        self, *, intent_id: str | None = None, tx_hash: str | None = None
    ) -> tuple[Intent, tuple[Attempt, ...]] | None: ...


class CustodyStore(Protocol):
    """Deposit scan state, deposits, breaks and the freeze flag."""

    def cursor(self, chain_id: int, name: str = "deposits") -> BlockRef | None:
        """Return how far a named scan has come: "deposits", or "clean" of reconciliation."""

    def set_cursor(self, chain_id: int, block: BlockRef, name: str = "deposits") -> None: ...

    def save_deposit(self, deposit: Deposit) -> None: ...

    def deposits(self, state: DepositState | None = None) -> list[Deposit]: ...

    def record_breaks(self, breaks: Sequence[Break], found_ms: int) -> None: ...

    def freeze(self, reason: str | None = None, *, thaw: bool = False) -> str | None:
        """Set (reason), clear (thaw) or read the signer's freeze; returns the current reason."""


class UnitOfWork(Protocol):
    """All stores inside one database transaction."""

    @property
    def ledger(self) -> LedgerStore: ...

    @property
    def orders(self) -> OrderStore: ...

    @property
    def book(self) -> BookStore: ...

    @property
    def settlement(self) -> SettlementStore: ...

    @property
    def custody(self) -> CustodyStore: ...


class SettleHandler(Protocol):
    """Books the end of one kind of intent, inside the database transaction that ends it.

    Raises:
        FailureError: EVIDENCE_MISMATCH; the chain did something else than the intent says. The
            intent stays mined, the signer freezes, an operator decides.
    """

    def settled(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Book what moved, the gas included; the hold ends."""

    def reverted(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Nothing moved but gas: void the hold and book the gas."""


class TransactionSender(Protocol):
    """What custody and execution see of settlement."""

    @property
    def address(self) -> str:
        """The hot wallet that sends; checksummed."""

    async def submit(
        self, spec: IntentSpec, within: Callable[[UnitOfWork, Intent], None] | None = None
    ) -> Intent:
        """Write the intent, its nonce and what `within` does (holds) in one transaction.

        The same `spec` again returns the first intent, whatever became of it, without `within`.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT, the key was used with another payload.
            FailureError: SIGNER_FROZEN or SIGNER_REFUSED, or what `within` raised; nothing is kept.
        """

    async def result(self, intent_id: str) -> Intent:
        """Drive until the intent is final or foreign; the caller sets the deadline.

        Giving up waiting changes nothing: the intent lives on and `resume` finishes it.
        """


class Database(Protocol):
    """Runs work in one transaction on a worker thread; commits unless the work raises."""

    async def write(self, work: Callable[[UnitOfWork], T]) -> T: ...

    async def read(self, work: Callable[[UnitOfWork], T]) -> T: ...

    async def close(self) -> None: ...
