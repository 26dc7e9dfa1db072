"""What stands on a chain: contracts, assets, pools and the accounts' roles; kept as a JSON file.

The file is data of the program, not of a user: the devnet writes it, and an operator of another
chain writes one of the same form and names it in the configuration.

    {"version": 1, "chain_id": 31337, "genesis_hash": "0x...",
     "contracts": {"RouteExecutor": "0x...", "Permit2": "0x...", ...},
     "assets": [{"symbol": "USDC", "decimals": 6, "address": "0x...", "routable": true}, ...],
     "pools": [{"protocol": "uniswap_v3", "address": "0x...", "token0": "USDC",
                "token1": "WETH", "fee_ppm": 500}, ...],   (and what `PoolRef` says of other kinds)
     "roles": {"hot": "0x...", "cold": "0x...", "alice": "0x...", ...}}
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from eth_utils.address import is_checksum_address

from connectors.dex.uniswap_v4.calls import key_of, pool_id
from router.domain.assets import Asset, AssetRegistry
from router.domain.errors import UsageError
from router.domain.market import PoolRef, Protocol

FORMAT_VERSION: Final = 1
_POOL_ID: Final = re.compile("0x[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Addresses are checksummed; `genesis_hash` is the hash of block 0."""

    chain_id: int
    genesis_hash: str
    contracts: Mapping[str, str]
    assets: tuple[Asset, ...]
    pools: tuple[PoolRef, ...]
    roles: Mapping[str, str]

    @property
    def registry(self) -> AssetRegistry:
        return AssetRegistry(self.assets)

    def asset(self, symbol: str) -> Asset:
        """Return an asset by symbol.

        Raises:
            UsageError: ASSET_UNKNOWN.
        """
        return self.registry.by_symbol(symbol)

    def pool(self, protocol: Protocol, one: str, other: str, fee_ppm: int) -> PoolRef:
        """Return the pool of two symbols, in either order.

        Raises:
            ValueError: there is none; a programmer's error.
        """
        for pool in self.pools:
            symbols = {pool.token0.symbol, pool.token1.symbol}
            if (pool.protocol, symbols, pool.fee_ppm) == (protocol, {one, other}, fee_ppm):
                return pool
        raise ValueError(f"no {protocol} pool of {one} and {other} with fee {fee_ppm} ppm")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            UsageError: CONFIG_NOT_FOUND or CONFIG_INVALID.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise UsageError("CONFIG_NOT_FOUND", f"{path} does not exist.") from error
        except (OSError, ValueError) as error:
            raise UsageError("CONFIG_INVALID", f"{path} is not a readable JSON file.") from error
        return cls.from_document(document, str(path))

    @classmethod
    def from_document(cls, document: Any, source: str = "The deployment") -> Self:  # noqa: ANN401
        """Return the deployment of a parsed JSON document.

        Raises:
            UsageError: CONFIG_INVALID, naming `source`.
        """
        try:
            _check_version(document["version"])
            chain_id = int(document["chain_id"])
            assets = {
                entry["symbol"]: Asset(chain_id=chain_id, **entry) for entry in document["assets"]
            }
            loaded = cls(
                chain_id=chain_id,
                genesis_hash=str(document["genesis_hash"]),
                contracts=dict(document["contracts"]),
                assets=tuple(assets.values()),
                pools=tuple(_pool(entry, assets) for entry in document["pools"]),
                roles=dict(document["roles"]),
            )
            _check_addresses(loaded)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                "CONFIG_INVALID", f"{source} is not a deployment of this version: {error}."
            ) from error
        return loaded

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document that `from_document` reads."""
        return {
            "version": FORMAT_VERSION,
            "chain_id": self.chain_id,
            "genesis_hash": self.genesis_hash,
            "contracts": dict(sorted(self.contracts.items())),
            "assets": [
                {
                    "symbol": asset.symbol,
                    "decimals": asset.decimals,
                    "address": asset.address,
                    "routable": asset.routable,
                }
                for asset in self.assets
            ],
            "pools": [_pool_document(pool) for pool in self.pools],
            "roles": dict(self.roles),
        }


def _check_version(version: Any) -> None:  # noqa: ANN401 - whatever the file says
    if version != FORMAT_VERSION:
        raise ValueError(f"its version is {version}, not {FORMAT_VERSION}")


def _check_addresses(deployment: Deployment) -> None:
    """Refuse an address that its checksum does not protect: money goes where the file says."""
    named = [*deployment.contracts.values(), *deployment.roles.values()]
    named += [pool.address for pool in deployment.pools]
    named += [asset.address for asset in deployment.assets if not asset.is_native]
    wrong = [address for address in named if not is_checksum_address(address)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not an address with a valid EIP-55 checksum")


def _pool_document(pool: PoolRef) -> dict[str, Any]:
    """Return the pool's entry; what only some kinds of pools have is there if the pool has it."""
    further = {
        "further_tokens": [asset.symbol for asset in pool.further_tokens],
        "pool_id": pool.pool_id,
        "tick_spacing": pool.tick_spacing,
        "variant": pool.variant,
    }
    return {
        "protocol": str(pool.protocol),
        "address": pool.address,
        "token0": pool.token0.symbol,
        "token1": pool.token1.symbol,
        "fee_ppm": pool.fee_ppm,
    } | {key: value for key, value in further.items() if value}


def _pool(entry: Mapping[str, Any], assets: Mapping[str, Asset]) -> PoolRef:
    pool = PoolRef(
        protocol=Protocol(entry["protocol"]),
        address=entry["address"],
        token0=assets[entry["token0"]],
        token1=assets[entry["token1"]],
        fee_ppm=int(entry["fee_ppm"]),
        further_tokens=tuple(assets[symbol] for symbol in entry.get("further_tokens", ())),
        pool_id=str(entry.get("pool_id", "")),
        tick_spacing=int(entry.get("tick_spacing", 0)),
        variant=str(entry.get("variant", "")),
    )
    if pool.protocol is Protocol.UNISWAP_V4 and pool.pool_id != pool_id(key_of(pool)):
        raise ValueError(f"{pool.pool_id!r} is not the id of the V4 pool with this key")
    if pool.protocol is Protocol.BALANCER and not _POOL_ID.fullmatch(pool.pool_id):
        raise ValueError(f"{pool.pool_id!r} is not the id of a Balancer pool")
    return pool
