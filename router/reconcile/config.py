"""What reconciliation compares."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from router.domain.assets import Asset
from router.domain.custody import HoldNeed
from router.ports import UnitOfWork

HoldNeeds: TypeAlias = Callable[[UnitOfWork], Iterable[HoldNeed]]
"""Returns what open orders need held, from the same snapshot as the ledger's balances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileConfig:
    """`assets` are all that the books are kept in, `coin` among them.

    `known_senders` are addresses whose payments to us are deposits, refills or capital.
    `allowance_limits` is the most base units that a spender may be allowed of each token of the
    hot wallet; the permit contract is one of them, and anybody else may be allowed nothing.
    `max_search_blocks` bounds how far back the cause of a difference is looked for.
    Whatever differs is compared a second time after `confirm_after_s`.
    """

    chain_id: int
    hot: str
    cold: str
    assets: tuple[Asset, ...]
    coin: Asset
    known_senders: frozenset[str] = frozenset()
    allowance_limits: Mapping[str, int] = field(default_factory=dict)
    stuck_after_ms: int = 120_000
    max_search_blocks: int = 5_000
    confirm_after_s: float = 0.25
    call_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        assert self.coin in self.assets, self.coin

    @property
    def addresses(self) -> tuple[str, str]:
        return self.hot, self.cold

    def is_ours(self, address: str) -> bool:
        return address.lower() in {self.hot.lower(), self.cold.lower()}

    def asset_at(self, token: str) -> Asset | None:
        wanted = token.lower()
        return next((asset for asset in self.assets if asset.address.lower() == wanted), None)
