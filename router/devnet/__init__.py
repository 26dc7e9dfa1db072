"""The local chain: real Anvil, real Uniswap contracts at their mainnet addresses, seeded pools."""

from connectors.chain.deployment import Deployment
from router.devnet.genesis import Genesis, ensure_genesis
from router.devnet.lifecycle import (
    DevnetCondition,
    DevnetHandle,
    DevnetStatus,
    down,
    reset,
    running_devnet,
    set_time,
    status,
    up,
)
from router.devnet.tools import Tools, ensure_tools

__all__ = [
    "Deployment",
    "DevnetCondition",
    "DevnetHandle",
    "DevnetStatus",
    "Genesis",
    "Tools",
    "down",
    "ensure_genesis",
    "ensure_tools",
    "reset",
    "running_devnet",
    "set_time",
    "status",
    "up",
]
