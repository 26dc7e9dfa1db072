"""Deploy the third-party contracts where mainnet has them, and our executor beside them.

A contract's address follows from its deployer and that account's nonce, so deploying from the same
account at the same nonce gives the same address. Code that has mainnet addresses built in works
on the devnet unchanged.
"""

from typing import Final

from connectors.chain.abi import load_contract
from router.devnet.build_chain import BuildChain
from router.devnet.keys import address_of
from router.devnet.packages import NFT_DESCRIPTOR_ADDRESS
from router.devnet.tools import Tools

WETH9: Final = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
V2_FACTORY: Final = "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"
V2_ROUTER: Final = "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D"
V3_FACTORY: Final = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
V3_POSITION_MANAGER: Final = "0xC36442b4a4522E871399CD717aBDD847Ab11FE88"
V3_POSITION_DESCRIPTOR: Final = "0x91ae842A5Ffd8d12023116943e72A606179294f3"
MULTICALL3: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"
# uniswap-python calls a Multicall2 here; Multicall3 understands all that it asks.
MULTICALL2: Final = "0x5BA1e12693Dc8F9c48aAD8770482f4739bEeD696"
PERMIT2: Final = "0x000000000022D473030F116dDEE9F6B43aC78BA3"

_WETH_DEPLOYER: Final = "0x4F26FfBe5F04ED43630fdC30A87638d53D0b0876"
_V2_DEPLOYER: Final = "0x9C33eaCc2F50E39940D3AfaF2c7B8246B681A374"
_V3_DEPLOYER: Final = "0x6C9FC64A53c1b71FB3f9Af64d1ae3A4931A5f4E9"
_MULTICALL_DEPLOYER: Final = "0x05f32B3cC3888453ff71B01135B34FF8e41263F2"
IMPERSONATED: Final = (_WETH_DEPLOYER, _V2_DEPLOYER, _V3_DEPLOYER, _MULTICALL_DEPLOYER)

# (deployer, nonce, artifact, constructor values, address)
_CANONICAL: Final[tuple[tuple[str, int, str, tuple[object, ...], str], ...]] = (
    (_WETH_DEPLOYER, 446, "WETH9", (), WETH9),
    (_V2_DEPLOYER, 0, "UniswapV2Factory", (address_of("deployer"),), V2_FACTORY),
    (_V2_DEPLOYER, 3, "UniswapV2Router02", (V2_FACTORY, WETH9), V2_ROUTER),
    (_V3_DEPLOYER, 0, "UniswapV3Factory", (), V3_FACTORY),
    (_V3_DEPLOYER, 2, "TickLens", (), "0xbfd8137f7d1516D3ea5cA83523914859ec47F573"),
    (
        _V3_DEPLOYER, 3, "Quoter", (V3_FACTORY, WETH9),
        "0xb27308f9F90D607463bb33eA1BeBb41C27CE5AB6",
    ),
    (
        _V3_DEPLOYER, 4, "SwapRouter", (V3_FACTORY, WETH9),
        "0xE592427A0AEce92De3Edee1F18E0157C05861564",
    ),
    (_V3_DEPLOYER, 5, "NFTDescriptor", (), NFT_DESCRIPTOR_ADDRESS),
    (
        _V3_DEPLOYER, 6, "NonfungibleTokenPositionDescriptor", (WETH9, b"ETH".ljust(32, b"\0")),
        V3_POSITION_DESCRIPTOR,
    ),
    (
        _V3_DEPLOYER, 8, "NonfungiblePositionManager",
        (V3_FACTORY, WETH9, V3_POSITION_DESCRIPTOR), V3_POSITION_MANAGER,
    ),
    (
        _V3_DEPLOYER, 13, "QuoterV2", (V3_FACTORY, WETH9),
        "0x61fFE014bA17989E743c5F6cB21bF9697530B21e",
    ),
    (
        _V3_DEPLOYER, 14, "SwapRouter02", (V2_FACTORY, V3_FACTORY, V3_POSITION_MANAGER, WETH9),
        "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45",
    ),
    (_MULTICALL_DEPLOYER, 0, "Multicall3", (), MULTICALL3),
)  # fmt: skip
_POSITION_DESCRIBER: Final = "0x0000000000000000000000000000000000000000"
_DESCRIBE_GAS: Final = 300_000
_PAUSE_WINDOW_S: Final = 7_776_000
_PAUSE_BUFFER_S: Final = 2_592_000
_BALANCER_FEE_MAX: Final = 10**18
# Mainnet's addresses of these follow from salts nobody published: they lie at our own CREATE2
# ones. A name among the constructor values stands for the address of a contract before it.
_SALTED: Final[tuple[tuple[str, tuple[object, ...]], ...]] = (
    ("PoolManager", (address_of("deployer"),)),
    ("PositionManager", ("PoolManager", PERMIT2, _DESCRIBE_GAS, _POSITION_DESCRIBER, WETH9)),
    ("V4Quoter", ("PoolManager",)),
    ("BalancerAuthorizer", (address_of("deployer"),)),
    ("BalancerVault", ("BalancerAuthorizer", WETH9, _PAUSE_WINDOW_S, _PAUSE_BUFFER_S)),
    ("BalancerQueries", ("BalancerVault",)),
    ("BalancerFees", ("BalancerVault", _BALANCER_FEE_MAX, _BALANCER_FEE_MAX)),
    ("BalancerWeightedFactory", ("BalancerVault", "BalancerFees", "", "")),
    ("BalancerStableFactory", ("BalancerVault", "BalancerFees", "", "")),
)
SENDS: Final = len(_CANONICAL) + len(_SALTED) + 2


async def deploy_contracts(chain: BuildChain, tools: Tools) -> dict[str, str]:
    """Deploy everything but tokens and pools; return address by contract name.

    Raises:
        FailureError: DEVNET_START_FAILED.
    """
    contracts: dict[str, str] = {}
    for deployer, nonce, name, values, address in _CANONICAL:
        init_code = tools.contract(name).encode_deploy(*values)
        contracts[name] = await chain.deploy_as(deployer, nonce, init_code, address)
    # Governance added the 0.01 % tier later; its owner on the devnet is who deployed the factory.
    enable = tools.contract("UniswapV3Factory").functions["enableFeeAmount"]
    await chain.send_as(_V3_DEPLOYER, V3_FACTORY, enable.encode_call(100, 1))
    for address, name in ((MULTICALL2, "Multicall3"), (PERMIT2, "Permit2")):
        code = tools.contract(name).deployed_bytecode
        await chain.rpc.call("anvil_setCode", [address, "0x" + code.hex()])
    contracts |= {"Multicall2": MULTICALL2, "Permit2": PERMIT2}
    for name, values in _SALTED:
        known = [
            contracts.get(value, value) if isinstance(value, str) else value for value in values
        ]
        init_code = tools.contract(name).encode_deploy(*known)
        contracts[name] = await chain.deploy_create2(address_of("deployer"), init_code)
    executor = load_contract("RouteExecutor").encode_deploy(address_of("hot"), PERMIT2)
    contracts["RouteExecutor"] = await chain.deploy_create2(address_of("deployer"), executor)
    await chain.require_code(list(contracts.values()))
    return contracts
