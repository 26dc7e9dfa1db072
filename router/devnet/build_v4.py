"""Create the Uniswap V4 pools and fill them through the real position manager."""

from collections.abc import Iterator, Mapping
from typing import Final

from eth_abi.abi import encode

from connectors.chain.abi import AbiFunction
from connectors.dex.uniswap_v4.calls import INITIALIZE, POOL_KEY, PoolKey, pool_id, pool_key
from router.devnet import universe
from router.devnet.build_chain import BuildChain, in_contract_order
from router.devnet.keys import address_of
from router.devnet.tools import Tools
from router.devnet.universe import V4Plan
from router.domain.assets import Asset
from router.domain.market import PoolRef, Protocol

# Permit2's own approval: token, spender, amount, expiry in Unix seconds.
PERMIT: Final = AbiFunction.declare("approve", ["address", "address", "uint160", "uint48"])
SENDS: Final = 2 * len(universe.V4_POOLS)
_DEPLOYER: Final = address_of("deployer")
_FOREVER_S: Final = 2**63
_AMOUNT_MAX: Final = 2**128 - 1
# Numbers of the position manager's actions.
_MINT_FROM_DELTAS: Final = 0x05
_SETTLE: Final = 0x0B
_CLOSE: Final = 0x12


async def build(
    chain: BuildChain, tools: Tools, assets: Mapping[str, Asset], contracts: Mapping[str, str]
) -> list[PoolRef]:
    """Create and fill the planned pools; return them.

    Raises:
        FailureError: DEVNET_START_FAILED.
    """
    modify = tools.contract("PositionManager").functions["modifyLiquidities"]
    pools = []
    for plan in universe.V4_POOLS:
        token0, token1 = in_contract_order((assets[plan.base], assets[plan.quote]))
        key = pool_key(token0.address, token1.address, plan.fee_ppm, plan.tick_spacing)
        root = universe.sqrt_price_x96(plan, base_is_token0=token0.symbol == plan.base)
        start = INITIALIZE.encode_call(key, root)
        # It answers with the tick of the price, which the positions lie around.
        call = {"from": _DEPLOYER, "to": contracts["PoolManager"], "data": "0x" + start.hex()}
        answer = await chain.rpc.call("eth_call", [call, "latest"])
        tick = INITIALIZE.decode_output(bytes.fromhex(answer.removeprefix("0x")))[0]
        await chain.send(_DEPLOYER, contracts["PoolManager"], start)
        mints = modify.encode_call(_fill(plan, key, (token0, token1), tick), _FOREVER_S)
        await chain.send(_DEPLOYER, contracts["PositionManager"], mints)
        pools.append(
            PoolRef(
                protocol=Protocol.UNISWAP_V4,
                address=contracts["PoolManager"],
                token0=token0,
                token1=token1,
                fee_ppm=plan.fee_ppm,
                pool_id=pool_id(key),
                tick_spacing=plan.tick_spacing,
            )
        )
    return pools


def _fill(plan: V4Plan, key: PoolKey, tokens: tuple[Asset, Asset], tick: int) -> bytes:
    """Return the actions that mint every position: pay both sides in, mint, take the rest back."""
    steps = list(_steps(plan, key, tokens, tick))
    actions = bytes(action for action, _ in steps)
    return encode(["bytes", "bytes[]"], [actions, [parameters for _, parameters in steps]])


def _steps(
    plan: V4Plan, key: PoolKey, tokens: tuple[Asset, Asset], tick: int
) -> Iterator[tuple[int, bytes]]:
    mint_types = [POOL_KEY, "int24", "int24", "uint128", "uint128", "address", "bytes"]
    for lower, upper, side_usd in universe.positions(plan, tick):
        for token in tokens:
            units = universe.token(token.symbol).units(side_usd)
            yield _SETTLE, encode(["address", "uint256", "bool"], [token.address, units, True])
        position = [key, lower, upper, _AMOUNT_MAX, _AMOUNT_MAX, _DEPLOYER, b""]
        yield _MINT_FROM_DELTAS, encode(mint_types, position)
        for token in tokens:
            yield _CLOSE, encode(["address"], [token.address])
