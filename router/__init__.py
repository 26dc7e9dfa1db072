"""Hybrid CEX + DEX exchange and liquidity router.

The public names are loaded on first use (PEP 562), so that `import router` stays cheap and
pulls in neither ccxt nor web3.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router.domain.amounts import Amount as Amount
    from router.domain.assets import Asset as Asset
    from router.domain.errors import RouterError as RouterError
    from router.sdk import Router as Router
    from router.sdk import SyncRouter as SyncRouter

_HOMES = {
    "Amount": "router.domain.amounts",
    "Asset": "router.domain.assets",
    "Router": "router.sdk",
    "RouterError": "router.domain.errors",
    "SyncRouter": "router.sdk",
}

__all__ = ["Amount", "Asset", "Router", "RouterError", "SyncRouter"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol returns whatever the name is
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'router' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
