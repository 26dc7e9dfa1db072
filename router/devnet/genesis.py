"""Build the devnet once and keep it as a genesis file, so that every later start takes an instant.

The cache key is a hash of everything that the result depends on: the tools, our contracts, the
plan and the code that carries it out. The file holds other people's bytecode and is not committed.
"""

import asyncio
import gzip
import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from connectors.chain.anvil import AnvilOptions, running_anvil
from connectors.chain.deployment import Deployment
from connectors.chain.rpc import JsonRpc, from_hex, from_quantity, to_quantity
from router.devnet import build_contracts, build_pools
from router.devnet.build_chain import BuildChain
from router.devnet.build_contracts import deploy_contracts
from router.devnet.build_pools import PoolBuilder, plan_assets
from router.devnet.cache import cache_root, exclusive, new_folder
from router.devnet.keys import ACCOUNTS, DEVNET_CHAIN_ID
from router.devnet.progress import Progress, silent
from router.devnet.tools import Tools
from router.domain.errors import UsageError

HARDFORK: Final = "cancun"
FIRST_BLOCK_TIME_S: Final = 1_750_000_000
BLOCK_INTERVAL_S: Final = 12
BLOCK_GAS_LIMIT: Final = 30_000_000
GENESIS_BASE_FEE_WEI: Final = 10**9
_EARLIER_FORKS: Final = (
    "homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg",
    "istanbul", "berlin", "london",
)  # fmt: skip
_OUR_CONTRACTS: Final = ("FeeToken", "RouteExecutor", "TestToken", "TetherToken")
_BUILDERS: Final = (
    "build_balancer.py", "build_chain.py", "build_contracts.py", "build_pools.py", "build_v4.py",
    "genesis.py", "keys.py", "universe.py",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """The built devnet: Anvil starts from `path`; `deployment_path` says what is in it."""

    path: Path
    deployment_path: Path

    @property
    def deployment(self) -> Deployment:
        return Deployment.load(self.deployment_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The result of one run of the builder; equal inputs give equal hashes."""

    head_hash: str
    genesis: Mapping[str, Any]
    deployment: Deployment


def genesis_key(tools: Tools) -> str:
    """Return the content hash of everything that the genesis file is made from."""
    digest = hashlib.sha256(f"{tools.key} {HARDFORK} {DEVNET_CHAIN_ID}".encode())
    artifacts = files("connectors.chain") / "artifacts"
    for name in _OUR_CONTRACTS:
        digest.update(hashlib.sha256((artifacts / f"{name}.json").read_bytes()).digest())
    for name in _BUILDERS:
        source = (files("router.devnet") / name).read_bytes()
        digest.update(hashlib.sha256(source).digest())
    return digest.hexdigest()[:32]


async def ensure_genesis(tools: Tools, progress: Progress = silent) -> Genesis:
    """Return the genesis file, building the devnet first when it is not in the cache.

    Raises:
        FailureError: DEVNET_START_FAILED or DEVNET_TOOLS_MISSING.
    """
    folder = cache_root() / "genesis" / genesis_key(tools)
    genesis = Genesis(path=folder / "genesis.json", deployment_path=folder / "deployment.json")
    if not _is_usable(genesis):
        async with exclusive(cache_root() / "genesis.lock", "state of the devnet"):
            if not _is_usable(genesis):
                await _build_into(folder, tools, progress)
    return genesis


def _is_usable(genesis: Genesis) -> bool:
    if not genesis.path.is_file():
        return False
    try:
        Deployment.load(genesis.deployment_path)
    except UsageError:
        return False  # Somebody damaged the cache: it is only a cache, so it is built again.
    return True


async def _build_into(folder: Path, tools: Tools, progress: Progress) -> None:
    async with new_folder(folder) as draft:
        build = await build_devnet(tools, progress)
        genesis_path = draft / "genesis.json"
        genesis_path.write_text(json.dumps(build.genesis, separators=(",", ":")), encoding="utf-8")
        options = AnvilOptions(
            binary=tools.anvil,
            log_path=draft / "anvil.log",
            hardfork=HARDFORK,
            genesis_path=genesis_path,
        )
        async with running_anvil(options) as node, JsonRpc(node.url) as rpc:
            block = await rpc.call("eth_getBlockByNumber", ["0x0", False])
        deployment = replace(build.deployment, genesis_hash=block["hash"])
        (draft / "deployment.json").write_text(
            json.dumps(deployment.to_document(), indent=2), encoding="utf-8"
        )


async def build_devnet(tools: Tools, progress: Progress = silent) -> Build:
    """Deploy and seed everything on a fresh chain and take its state.

    Raises:
        FailureError: DEVNET_START_FAILED.
    """
    with tempfile.TemporaryDirectory(prefix="devnet-build-") as scratch:
        options = AnvilOptions(
            binary=tools.anvil,
            log_path=Path(scratch) / "anvil.log",
            hardfork=HARDFORK,
            timestamp_s=FIRST_BLOCK_TIME_S,
        )
        async with running_anvil(options) as node, JsonRpc(node.url, timeout_s=30.0) as rpc:
            await rpc.call("anvil_setBlockTimestampInterval", [BLOCK_INTERVAL_S])
            chain = BuildChain(rpc, progress, build_contracts.SENDS + build_pools.SENDS)
            contracts = await deploy_contracts(chain, tools)
            assets = plan_assets()
            by_symbol = {asset.symbol: asset for asset in assets}
            pools = await PoolBuilder(
                chain=chain, tools=tools, assets=by_symbol, contracts=contracts
            ).build()
            head = await rpc.call("eth_getBlockByNumber", ["latest", False])
            dump = await rpc.call("anvil_dumpState")
    state = await asyncio.to_thread(lambda: json.loads(gzip.decompress(from_hex(dump))))
    time_s = from_quantity(head["timestamp"]) + BLOCK_INTERVAL_S
    return Build(
        head_hash=head["hash"],
        genesis=_genesis_document(state["accounts"], time_s),
        deployment=Deployment(
            chain_id=DEVNET_CHAIN_ID,
            genesis_hash="",
            contracts=contracts,
            assets=assets,
            pools=pools,
            roles={role: address for role, (address, _) in ACCOUNTS.items()},
        ),
    )


def _genesis_document(accounts: Mapping[str, Any], time_s: int) -> dict[str, Any]:
    """Return a genesis file in go-ethereum's form with the accounts in a fixed order."""
    config: dict[str, Any] = {f"{fork}Block": 0 for fork in _EARLIER_FORKS}
    config |= {"terminalTotalDifficulty": "0x0", "shanghaiTime": 0, "cancunTime": 0}
    zero = "0x" + "00" * 32
    return {
        "config": {"chainId": DEVNET_CHAIN_ID, **config},
        "nonce": "0x0",
        "timestamp": to_quantity(time_s),
        "extraData": "0x",
        "gasLimit": to_quantity(BLOCK_GAS_LIMIT),
        "difficulty": "0x0",
        "mixHash": zero,
        "coinbase": "0x" + "00" * 20,
        "baseFeePerGas": to_quantity(GENESIS_BASE_FEE_WEI),
        "alloc": {address: _account(entry) for address, entry in sorted(accounts.items())},
    }


def _account(entry: Mapping[str, Any]) -> dict[str, Any]:
    account: dict[str, Any] = {
        "balance": _quantity(entry["balance"]),
        "nonce": _quantity(entry["nonce"]),
    }
    if entry["code"] != "0x":
        account["code"] = entry["code"]
    if entry["storage"]:
        slots = {_word(slot): _word(value) for slot, value in entry["storage"].items()}
        account["storage"] = dict(sorted(slots.items()))
    return account


def _quantity(value: str | int) -> str:
    return to_quantity(value) if isinstance(value, int) else value


def _word(text: str) -> str:
    """Return a slot or value as 32 bytes: the dump writes some of them short."""
    return "0x" + from_quantity(text).to_bytes(32, "big").hex()
