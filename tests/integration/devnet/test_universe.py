"""What stands on the devnet's chain, asked of the chain itself."""

import time
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from connectors.chain.abi import load_contract
from connectors.chain.anvil import AnvilOptions, running_anvil
from connectors.chain.deployment import Deployment
from connectors.chain.rpc import JsonRpc, from_hex, from_quantity
from router.devnet import DevnetHandle, Genesis, universe
from router.devnet.build_chain import BuildChain, create2_address
from router.devnet.build_contracts import PERMIT2, SENDS, V2_FACTORY, V3_FACTORY
from router.devnet.build_pools import SENDS as POOL_SENDS
from router.devnet.build_pools import token_init_code
from router.devnet.genesis import HARDFORK, build_devnet
from router.devnet.keys import ACCOUNTS
from router.devnet.progress import silent
from router.devnet.tools import Tools
from router.domain.amounts import UINT256_MAX
from router.domain.assets import Asset
from router.domain.market import PoolRef, Protocol

V2_PAIR_CODE_HASH = bytes.fromhex(
    "96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f"
)
V3_POOL_CODE_HASH = bytes.fromhex(
    "e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54"
)
MAINNET = {
    "WETH9": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    "UniswapV2Factory": "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f",
    "UniswapV2Router02": "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D",
    "UniswapV3Factory": "0x1F98431c8aD98523631AE4a59f267346ea31F984",
    "NonfungiblePositionManager": "0xC36442b4a4522E871399CD717aBDD847Ab11FE88",
    "Quoter": "0xb27308f9F90D607463bb33eA1BeBb41C27CE5AB6",
    "QuoterV2": "0x61fFE014bA17989E743c5F6cB21bF9697530B21e",
    "SwapRouter": "0xE592427A0AEce92De3Edee1F18E0157C05861564",
    "SwapRouter02": "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45",
    "TickLens": "0xbfd8137f7d1516D3ea5cA83523914859ec47F573",
    "Multicall2": "0x5BA1e12693Dc8F9c48aAD8770482f4739bEeD696",
    "Multicall3": "0xcA11bde05977b3631167028862bE2a173976CA11",
    "Permit2": "0x000000000022D473030F116dDEE9F6B43aC78BA3",
}
ALICE = ACCOUNTS["alice"][0]


@dataclass(frozen=True)
class World:
    """Calls and sends by artifact name, for short tests."""

    chain: BuildChain
    tools: Tools
    deployment: Deployment

    async def call(self, to: str, name: str, function: str, *values: object) -> Any:
        return await self.chain.call(to, self.tools.contract(name), function, *values)

    async def send(self, sender: str, to: str, name: str, function: str, *values: object) -> Any:
        data = self.tools.contract(name).functions[function].encode_call(*values)
        return await self.chain.send(sender, to, data)

    async def balance(self, asset: Asset, owner: str) -> int:
        balance: int = (await self.call(asset.address, "WETH9", "balanceOf", owner))[0]
        return balance

    def pools(self, protocol: Protocol) -> list[PoolRef]:
        return [pool for pool in self.deployment.pools if pool.protocol is protocol]


@pytest.fixture
def world(rpc: JsonRpc, devnet_tools: Tools, deployment: Deployment) -> World:
    return World(BuildChain(rpc, silent, 0), devnet_tools, deployment)


async def test_two_builds_are_equal_to_the_hash_and_to_what_the_cache_holds(
    devnet_tools: Tools, devnet_genesis: Genesis
) -> None:
    sends: list[tuple[int, int]] = []
    one = await build_devnet(devnet_tools)
    other = await build_devnet(devnet_tools, lambda _, done, total: sends.append((done, total)))
    assert one.head_hash == other.head_hash
    assert one.genesis == other.genesis
    assert one.deployment.pools == devnet_genesis.deployment.pools
    assert sends[-1] == (SENDS + POOL_SENDS, SENDS + POOL_SENDS), "the progress bar would not end"


async def test_the_node_serves_the_genesis_block_that_the_deployment_names(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    block = await rpc.call("eth_getBlockByNumber", ["0x0", False])
    assert block["hash"] == deployment.genesis_hash
    assert from_quantity(await rpc.call("eth_chainId")) == deployment.chain_id == 31337


async def test_contracts_have_code_at_their_mainnet_addresses(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    assert MAINNET.items() <= dict(deployment.contracts).items()
    codes = await rpc.batch(
        [("eth_getCode", [address, "latest"]) for address in deployment.contracts.values()]
    )
    assert all(len(code) > 1_000 for code in codes)


async def test_pools_lie_where_the_canonical_code_hashes_say(world: World) -> None:
    for pool in world.pools(Protocol.UNISWAP_V2) + world.pools(Protocol.UNISWAP_V3):
        tokens = (pool.token0.address, pool.token1.address)
        if pool.protocol is Protocol.UNISWAP_V2:
            salt = keccak(b"".join(from_hex(t.lower()) for t in tokens))
            factory, code_hash = V2_FACTORY, V2_PAIR_CODE_HASH
        else:
            salt = keccak(encode(["address", "address", "uint24"], [*tokens, pool.fee_ppm]))
            factory, code_hash = V3_FACTORY, V3_POOL_CODE_HASH
        expected = keccak(b"\xff" + from_hex(factory.lower()) + salt + code_hash)[12:]
        assert pool.address == to_checksum_address(expected), pool.label


async def test_tokens_lie_at_create2_addresses_with_the_decimals_of_the_deployment(
    world: World,
) -> None:
    for plan in universe.TOKENS:
        asset = world.deployment.asset(plan.symbol)
        assert await world.call(asset.address, "WETH9", "decimals") == (plan.decimals,)
        assert await world.call(asset.address, "WETH9", "symbol") == (plan.symbol,)
        if plan.contract is not None:
            assert asset.address == create2_address(token_init_code(plan))


async def test_every_v3_pool_starts_at_its_planned_price_within_its_fee_of_the_reference(
    world: World,
) -> None:
    for plan in universe.V3_POOLS:
        pool = world.deployment.pool(Protocol.UNISWAP_V3, plan.base, plan.quote, plan.fee_ppm)
        is_token0 = pool.token0.symbol == plan.base
        root = (await world.call(pool.address, "UniswapV3Pool", "slot0"))[0]
        assert root == universe.sqrt_price_x96(plan, base_is_token0=is_token0)
        quote_units, base_units = universe.price_ratio(plan.base, plan.quote, 0)
        above, below = (quote_units, base_units) if is_token0 else (base_units, quote_units)
        off_ppm = abs(root**2 * below * 10**6 // (above << 192) - 10**6)
        assert off_ppm < plan.fee_ppm, pool.label


async def test_every_pair_starts_within_its_fee_of_the_reference(world: World) -> None:
    for plan in universe.V2_PAIRS:
        pool = world.deployment.pool(Protocol.UNISWAP_V2, plan.base, plan.quote, 3_000)
        reserves = (await world.call(pool.address, "UniswapV2Pair", "getReserves"))[:2]
        base, quote = reserves if pool.token0.symbol == plan.base else reserves[::-1]
        above, below = universe.price_ratio(plan.base, plan.quote, 0)
        assert abs(quote * below * 10**6 // (base * above) - 10**6) < 3_000, pool.label


async def test_a_quote_of_the_quoter_equals_the_executed_swap_in_every_v3_pool(
    world: World,
) -> None:
    contracts = world.deployment.contracts
    crossed = 0
    for pool in world.pools(Protocol.UNISWAP_V3):
        for sold, bought in ((pool.token0, pool.token1), (pool.token1, pool.token0)):
            amount_in = universe.token(sold.symbol).units(1_000_000)
            quote = await world.call(
                contracts["QuoterV2"], "QuoterV2", "quoteExactInputSingle",
                (sold.address, bought.address, amount_in, pool.fee_ppm, 0),
            )  # fmt: skip
            crossed += quote[2]
            router = contracts["SwapRouter"]
            await world.send(ALICE, sold.address, "WETH9", "approve", router, UINT256_MAX)
            before = await world.balance(bought, ALICE)
            await world.send(
                ALICE, router, "SwapRouter", "exactInputSingle",
                (
                    sold.address, bought.address, pool.fee_ppm, ALICE, int(time.time()) + 60,
                    amount_in, 0, 0,
                ),
            )  # fmt: skip
            assert await world.balance(bought, ALICE) - before == quote[0], pool.label
            # USDT refuses to change an allowance that is not zero.
            await world.send(ALICE, sold.address, "WETH9", "approve", router, 0)
    assert crossed > 20, "the swaps were to cross ticks"


async def test_a_pair_pays_what_the_router_promises(world: World) -> None:
    router = world.deployment.contracts["UniswapV2Router02"]
    for pool in world.pools(Protocol.UNISWAP_V2):
        if not pool.token0.routable or not pool.token1.routable:
            continue
        amount_in = universe.token(pool.token0.symbol).units(50_000)
        path = [pool.token0.address, pool.token1.address]
        quote = await world.call(router, "UniswapV2Router02", "getAmountsOut", amount_in, path)
        await world.send(ALICE, path[0], "WETH9", "approve", router, amount_in)
        before = await world.balance(pool.token1, ALICE)
        await world.send(
            ALICE, router, "UniswapV2Router02", "swapExactTokensForTokens",
            amount_in, 0, path, ALICE, int(time.time()) + 60,
        )  # fmt: skip
        assert await world.balance(pool.token1, ALICE) - before == quote[0][1], pool.label


async def test_the_busy_pool_has_more_than_400_initialised_ticks(world: World) -> None:
    pool = world.deployment.pool(Protocol.UNISWAP_V3, "WETH", "USDC", 500)
    contract = world.tools.contract("UniswapV3Pool").functions["tickBitmap"]
    words = range(-887_272 // 10 // 256, 887_272 // 10 // 256 + 1)
    bitmaps = await world.chain.rpc.batch(
        [
            (
                "eth_call",
                [{"to": pool.address, "data": "0x" + contract.encode_call(w).hex()}, "latest"],
            )
            for w in words
        ]
    )
    assert sum(from_quantity(word).bit_count() for word in bitmaps) > 400


async def test_the_hot_wallet_starts_with_gas_and_nothing_else(world: World) -> None:
    for role in ("hot", "cold"):
        address = world.deployment.roles[role]
        coins = await world.chain.rpc.call("eth_getBalance", [address, "latest"])
        assert from_quantity(coins) == 100 * 10**18
        for plan in universe.TOKENS:
            assert await world.balance(world.deployment.asset(plan.symbol), address) == 0


@pytest.mark.parametrize("role", universe.HOLDINGS_USD)
async def test_a_client_holds_every_token_outside_the_exchange(world: World, role: str) -> None:
    for plan in universe.TOKENS:
        held = await world.balance(
            world.deployment.asset(plan.symbol), world.deployment.roles[role]
        )
        assert held == plan.units(universe.HOLDINGS_USD[role]), plan.symbol


async def test_permit2_signs_for_this_chain(world: World) -> None:
    # The runtime code remembers another chain's separator and must notice that this is not it.
    separator = await world.chain.rpc.call(
        "eth_call",
        [{"to": PERMIT2, "data": "0x" + keccak(text="DOMAIN_SEPARATOR()")[:4].hex()}, "latest"],
    )
    expected = keccak(
        encode(
            ["bytes32", "bytes32", "uint256", "address"],
            [
                keccak(text="EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak(text="Permit2"),
                31337,
                PERMIT2,
            ],
        )
    )
    assert from_hex(separator) == expected


async def test_the_executor_obeys_the_hot_wallet_and_uses_permit2(world: World) -> None:
    executor, address = load_contract("RouteExecutor"), world.deployment.contracts["RouteExecutor"]
    operator = await world.chain.call(address, executor, "operator")
    permit2 = await world.chain.call(address, executor, "permit2")
    assert to_checksum_address(operator[0]) == world.deployment.roles["hot"]
    assert to_checksum_address(permit2[0]) == PERMIT2


async def test_usdt_returns_nothing_and_the_fee_token_delivers_less(world: World) -> None:
    usdt, fot = world.deployment.asset("USDT"), world.deployment.asset("FOT")
    transfer = world.tools.contract("WETH9").functions["transfer"].encode_call(PERMIT2, 10_000)
    request = {"from": ALICE, "to": usdt.address, "data": "0x" + transfer.hex()}
    assert await world.chain.rpc.call("eth_call", [request, "latest"]) == "0x"
    await world.send(ALICE, fot.address, "WETH9", "transfer", PERMIT2, 10_000)
    assert await world.balance(fot, PERMIT2) == 9_900
    assert (usdt.routable, fot.routable) == (True, False)


async def test_a_position_describes_itself_so_the_library_is_linked(world: World) -> None:
    manager = world.deployment.contracts["NonfungiblePositionManager"]
    uri = await world.call(manager, "NonfungiblePositionManager", "tokenURI", 1)
    assert uri[0].startswith("data:application/json;base64,")


async def test_new_blocks_carry_the_time_of_the_wall(world: World, devnet: DevnetHandle) -> None:
    await world.chain.rpc.call("anvil_mine", ["0x1"])
    head = await world.chain.rpc.call("eth_getBlockByNumber", ["latest", False])
    assert abs(from_quantity(head["timestamp"]) - time.time()) < 30
    assert devnet.url == world.chain.rpc.url


async def test_the_log_does_not_grow_with_the_calls(
    devnet_tools: Tools, devnet_genesis: Genesis, tmp_path: Any
) -> None:
    options = AnvilOptions(
        binary=devnet_tools.anvil,
        log_path=tmp_path / "anvil.log",
        hardfork=HARDFORK,
        genesis_path=devnet_genesis.path,
    )
    async with running_anvil(options) as node, JsonRpc(node.url) as rpc:
        size = options.log_path.stat().st_size
        await rpc.batch([("evm_mine", [])] * 50)
        assert options.log_path.stat().st_size == size
