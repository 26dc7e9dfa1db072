"""What is taken out of the pinned npm packages: the Anvil binary and contract artifacts."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from router.domain.errors import FailureError

NFT_DESCRIPTOR_ADDRESS: Final = "0x42B24A95702b9986e82d421cC3568932790A48Ec"

# (platform.system(), platform.machine()) -> package; the lock holds the same packages.
ANVIL_PACKAGES: Final[dict[tuple[str, str], str]] = {
    ("Linux", "x86_64"): "@foundry-rs/anvil-linux-amd64",
    ("Linux", "AMD64"): "@foundry-rs/anvil-linux-amd64",
}
ANVIL_PATH: Final = "bin/anvil"
PERMIT2_SOURCE: Final = "@uniswap/v4-periphery/lib/permit2/test/utils/DeployPermit2.sol"
_PERMIT2_TEXT_CHAIN_ID: Final = 31337
_MULTICALL: Final = "@redstone-finance/evm-multicall/artifacts/contracts"
_BALANCER: Final = "@balancer-labs/v2-deployments/dist/tasks"
_BALANCER_FEES: Final = f"{_BALANCER}/20220725-protocol-fee-percentages-provider/artifact"
_BALANCER_STABLE: Final = f"{_BALANCER}/20230206-composable-stable-pool-v3/artifact"
_V3_CORE: Final = "@uniswap/v3-core/artifacts/contracts"
_V3_PERIPHERY: Final = "@uniswap/v3-periphery/artifacts/contracts"
# The pool manager in it is, byte for byte, the one of @uniswap/v4-core 1.0.2.
_V4: Final = "@uniswap/v4-periphery/foundry-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyArtifact:
    """A compiled contract inside a package; `libraries` maps linked names to addresses."""

    path: str
    libraries: Mapping[str, str] = field(default_factory=dict)


ARTIFACTS: Final[dict[str, ThirdPartyArtifact]] = {
    name: ThirdPartyArtifact(path=path)
    for name, path in {
        "BalancerAuthorizer": f"{_BALANCER}/20210418-authorizer/artifact/Authorizer.json",
        "BalancerFees": f"{_BALANCER_FEES}/ProtocolFeePercentagesProvider.json",
        "BalancerQueries": f"{_BALANCER}/20220721-balancer-queries/artifact/BalancerQueries.json",
        "BalancerStableFactory": f"{_BALANCER_STABLE}/ComposableStablePoolFactory.json",
        "BalancerVault": f"{_BALANCER}/20210418-vault/artifact/Vault.json",
        "BalancerWeightedFactory": (
            f"{_BALANCER}/20230206-weighted-pool-v3/artifact/WeightedPoolFactory.json"
        ),
        "Multicall3": f"{_MULTICALL}/Mulitcall3.sol/Multicall3.json",  # their spelling
        "NFTDescriptor": f"{_V3_PERIPHERY}/libraries/NFTDescriptor.sol/NFTDescriptor.json",
        "NonfungiblePositionManager": (
            f"{_V3_PERIPHERY}/NonfungiblePositionManager.sol/NonfungiblePositionManager.json"
        ),
        "PoolManager": f"{_V4}/PoolManager.sol/PoolManager.default.json",
        "PositionManager": f"{_V4}/PositionManager.sol/PositionManager.json",
        "Quoter": f"{_V3_PERIPHERY}/lens/Quoter.sol/Quoter.json",
        "QuoterV2": f"{_V3_PERIPHERY}/lens/QuoterV2.sol/QuoterV2.json",
        "SwapRouter": f"{_V3_PERIPHERY}/SwapRouter.sol/SwapRouter.json",
        "SwapRouter02": (
            "@uniswap/swap-router-contracts/artifacts/contracts/SwapRouter02.sol/SwapRouter02.json"
        ),
        "TickLens": f"{_V3_PERIPHERY}/lens/TickLens.sol/TickLens.json",
        "UniswapV2Factory": "@uniswap/v2-core/build/UniswapV2Factory.json",
        "UniswapV2Pair": "@uniswap/v2-core/build/UniswapV2Pair.json",
        "UniswapV2Router02": "@uniswap/v2-periphery/build/UniswapV2Router02.json",
        "UniswapV3Factory": f"{_V3_CORE}/UniswapV3Factory.sol/UniswapV3Factory.json",
        "UniswapV3Pool": f"{_V3_CORE}/UniswapV3Pool.sol/UniswapV3Pool.json",
        "V4Quoter": f"{_V4}/V4Quoter.sol/V4Quoter.json",
        "WETH9": "canonical-weth/build/contracts/WETH9.json",
    }.items()
} | {
    "NonfungibleTokenPositionDescriptor": ThirdPartyArtifact(
        path=(
            f"{_V3_PERIPHERY}/NonfungibleTokenPositionDescriptor.sol"
            "/NonfungibleTokenPositionDescriptor.json"
        ),
        libraries={"NFTDescriptor": NFT_DESCRIPTOR_ADDRESS},
    )
}


def extract_artifacts(node_modules: Path, into: Path) -> None:
    """Write `<name>.json` of every artifact in one shape: name, abi, bytecode, deployedBytecode.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING, a package does not hold what its version promises.
    """
    into.mkdir()
    for name, artifact in ARTIFACTS.items():
        raw = _read(node_modules, artifact.path)
        shaped = {
            "contractName": name,
            "abi": raw["abi"],
            "bytecode": _linked(_code(raw, "bytecode"), raw, artifact.libraries),
            "deployedBytecode": _code(raw, "deployedBytecode") if not artifact.libraries else "0x",
        }
        (into / f"{name}.json").write_text(json.dumps(shaped), encoding="utf-8")
    permit2 = {"contractName": "Permit2", "abi": [], "bytecode": "0x"}
    permit2["deployedBytecode"] = _permit2_code(node_modules)
    (into / "Permit2.json").write_text(json.dumps(permit2), encoding="utf-8")


def _read(node_modules: Path, path: str) -> dict[str, Any]:
    try:
        loaded = json.loads((node_modules / path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _missing(path) from error
    if not isinstance(loaded, dict) or "abi" not in loaded or "bytecode" not in loaded:
        raise _missing(path)
    return loaded


def _code(raw: Mapping[str, Any], kind: str) -> str:
    """Return code as 0x-hex; some tools nest it below `object`, the oldest below `evm` too."""
    code = raw.get(kind) or raw.get("evm", {}).get(kind, "")
    if isinstance(code, dict):
        code = code.get("object", "")
    return code if code.startswith("0x") else f"0x{code}"


def _linked(code: str, raw: Mapping[str, Any], libraries: Mapping[str, str]) -> str:
    """Put library addresses where the compiler left room for them."""
    digits = code.removeprefix("0x")
    for references in raw.get("linkReferences", {}).values():
        for library, places in references.items():
            for place in places:
                start, end = 2 * place["start"], 2 * (place["start"] + place["length"])
                address = libraries[library].removeprefix("0x").lower()
                digits = digits[:start] + address + digits[end:]
    return f"0x{digits}"


def _permit2_code(node_modules: Path) -> str:
    """Return the mainnet runtime code, from the text that the permit2 authors keep for their tests.

    Their text has the EIP-712 domain of a test chain with our chain id but another contract address
    built in, so no signature would verify. The mainnet chain id in its place makes the contract
    compute the domain from where it really is.
    """
    try:
        source = (node_modules / PERMIT2_SOURCE).read_text(encoding="utf-8")
    except OSError as error:
        raise _missing(PERMIT2_SOURCE) from error
    found = re.search(r'hex"([0-9a-f]{10000,})"', source)
    if found is None:
        raise _missing(PERMIT2_SOURCE)
    cached_chain_id = f"{_PERMIT2_TEXT_CHAIN_ID:064x}"
    if found[1].count(cached_chain_id) != 1:
        raise _missing(PERMIT2_SOURCE)
    return f"0x{found[1].replace(cached_chain_id, f'{1:064x}')}"


def _missing(path: str) -> FailureError:
    return FailureError("DEVNET_TOOLS_MISSING", f"The npm packages do not hold {path}.")
