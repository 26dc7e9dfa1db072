"""Assets and the registry of those that are listed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from router.domain.errors import UsageError

NATIVE_ADDRESS = "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"
MAX_DECIMALS = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A token on one chain; `address` is EIP-55 checksummed, `NATIVE_ADDRESS` for the coin itself.

    `routable` is False for tokens whose transfers do not deliver what was sent.
    """

    symbol: str
    decimals: int
    chain_id: int
    address: str
    routable: bool = True

    def __post_init__(self) -> None:
        assert self.symbol, "an asset has a symbol"
        assert 0 <= self.decimals <= MAX_DECIMALS, self.decimals
        assert len(self.address) == 42, self.address

    @property
    def is_native(self) -> bool:
        return self.address == NATIVE_ADDRESS

    @property
    def one_in_units(self) -> int:
        return int(10**self.decimals)

    def __str__(self) -> str:
        return self.symbol


class AssetRegistry:
    """The listed assets, looked up by symbol (any case) or address (any case)."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._by_symbol: dict[str, Asset] = {}
        self._by_address: dict[str, Asset] = {}
        for asset in assets:
            if asset.symbol.upper() in self._by_symbol:
                raise ValueError(f"asset symbol {asset.symbol} is listed twice")
            if asset.address.lower() in self._by_address:
                raise ValueError(f"asset address {asset.address} is listed twice")
            self._by_symbol[asset.symbol.upper()] = asset
            self._by_address[asset.address.lower()] = asset

    def __iter__(self) -> Iterator[Asset]:
        return iter(self._by_symbol.values())

    def __len__(self) -> int:
        return len(self._by_symbol)

    def by_symbol(self, symbol: str) -> Asset:
        """Return the asset of a symbol or address as a user types it.

        Raises:
            UsageError: ASSET_UNKNOWN, naming the listed symbols.
        """
        found = self._by_symbol.get(symbol.upper()) or self._by_address.get(symbol.lower())
        if found is None:
            known = ", ".join(sorted(asset.symbol for asset in self))
            raise UsageError("ASSET_UNKNOWN", f"{symbol!r} is not listed; listed are: {known}.")
        return found

    def by_address(self, address: str) -> Asset | None:
        return self._by_address.get(address.lower())
