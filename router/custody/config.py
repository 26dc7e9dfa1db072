"""What custody knows about our wallets and where money may come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.domain.assets import Asset, AssetRegistry
from router.domain.custody import Marks, Wallet, WalletRole


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyConfig:
    """`registry` lists the tokens, `coin` is the chain's own.

    `owners` maps a sending address to the client account that its deposits are credited to.
    `capital_sources` are addresses of the house: what they send is capital. `confirmations` counts
    the deposit's own block. `unpayable` are contracts, such as our executor and the pools, where
    a withdrawal would be lost. `max_reorg_blocks` bounds how far a reorganisation is followed.
    """

    chain_id: int
    hot: str
    cold: str
    registry: AssetRegistry
    coin: Asset
    owners: Mapping[str, str]
    capital_sources: frozenset[str] = frozenset()
    unpayable: frozenset[str] = frozenset()
    marks: tuple[Marks, ...] = ()
    confirmations: int = 1
    max_reorg_blocks: int = 64
    scan_chunk_blocks: int = 50
    call_timeout_s: float = 5.0
    _owner_by_address: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        assert self.hot.lower() != self.cold.lower(), "hot and cold are two wallets"
        assert self.coin.is_native, self.coin
        assert self.confirmations >= 1, self.confirmations
        assert self.max_reorg_blocks >= self.confirmations, self.max_reorg_blocks
        assert self.scan_chunk_blocks >= 1, self.scan_chunk_blocks
        owners = {address.lower(): account for address, account in self.owners.items()}
        assert not owners.keys() & {self.hot.lower(), self.cold.lower()}, "a wallet owns itself"
        object.__setattr__(self, "_owner_by_address", owners)

    @property
    def wallets(self) -> tuple[Wallet, Wallet]:
        return (
            Wallet(role=WalletRole.HOT, address=self.hot),
            Wallet(role=WalletRole.COLD, address=self.cold),
        )

    @property
    def assets(self) -> tuple[Asset, ...]:
        """All that the books are kept in: the listed tokens and the coin."""
        return (*(asset for asset in self.registry if not asset.is_native), self.coin)

    def asset_at(self, token: str) -> Asset | None:
        """Return the asset of a token address, or the coin at `NATIVE_ADDRESS`."""
        if token.lower() == self.coin.address.lower():
            return self.coin
        return self.registry.by_address(token)

    def is_ours(self, address: str) -> bool:
        return address.lower() in {self.hot.lower(), self.cold.lower()}

    def owner_of(self, address: str) -> str | None:
        """Return the client account that a sender's deposits belong to."""
        return self._owner_by_address.get(address.lower())

    def is_capital_source(self, address: str) -> bool:
        return address.lower() in {source.lower() for source in self.capital_sources}

    def is_unpayable(self, address: str) -> bool:
        return address.lower() in {contract.lower() for contract in self.unpayable}
