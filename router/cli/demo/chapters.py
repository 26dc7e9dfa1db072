"""What the demo did, as values: the report is written from these and from nothing else."""

from dataclasses import dataclass, field

from router.domain.custody import ReconcileReport, WalletLine
from router.domain.ledger import Balance, PostedJournal
from router.domain.orders import OrderState
from router.domain.routes import Quote


@dataclass(slots=True, kw_only=True)
class Chapters:
    """Filled from top to bottom as the story goes; `succeeded` only at its end."""

    home: str
    rpc_url: str = ""
    pool_count: int = 0
    deposits: list[str] = field(default_factory=list)
    book: list[str] = field(default_factory=list)
    quote: Quote | None = None
    order: OrderState | None = None
    journals: list[PostedJournal] = field(default_factory=list)
    killed_with_signal: int = 0
    state_after_kill: str = ""
    intent_after_kill: str = ""
    resumed: OrderState | None = None
    payments_of_resumed: int = 0
    balances: dict[str, list[Balance]] = field(default_factory=dict)
    wallets: tuple[WalletLine, ...] = ()
    report: ReconcileReport | None = None
    files: list[str] = field(default_factory=list)
    succeeded: bool = False
