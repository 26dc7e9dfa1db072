"""Deploy the tokens, fill the pools and hand out the balances that the plan names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_checksum_address

from connectors.chain.abi import Contract, load_contract
from connectors.chain.rpc import to_quantity
from router.devnet import build_balancer, build_v4, universe
from router.devnet.build_chain import BuildChain, create2_address, in_contract_order
from router.devnet.build_contracts import (
    IMPERSONATED,
    V2_FACTORY,
    V2_ROUTER,
    V3_FACTORY,
    V3_POSITION_MANAGER,
    WETH9,
)
from router.devnet.keys import DEVNET_CHAIN_ID, address_of
from router.devnet.tools import Tools
from router.devnet.universe import TokenPlan, V2Plan, V3Plan
from router.domain.amounts import UINT256_MAX
from router.domain.assets import NATIVE_ADDRESS, Asset
from router.domain.market import PoolRef, Protocol

_DEPLOYER: Final = address_of("deployer")
_FEE_SINK: Final = "0x000000000000000000000000000000000000dEaD"
_FOREVER_S: Final = 2**63
_MINTS_PER_SEND: Final = 20
_ERC20_SENDS: Final = 7 + len(universe.HOLDINGS_USD)
SENDS: Final = (
    _ERC20_SENDS * len(universe.TOKENS)
    - 1  # WETH is there already: one deposit instead of a deployment and a mint
    + len(universe.V2_PAIRS)
    + sum(1 - -len(plan.ranges) // _MINTS_PER_SEND for plan in universe.V3_POOLS)
    + build_v4.SENDS
    + build_balancer.SENDS
)


def token_init_code(plan: TokenPlan) -> bytes:
    """Return what deploys a token of ours; the deployer owns it and may mint."""
    assert plan.contract is not None, plan.symbol
    values: tuple[object, ...] = (plan.name, plan.symbol, plan.decimals, _DEPLOYER)
    if plan.contract == "FeeToken":
        values += (universe.FEE_ON_TRANSFER_BPS, _FEE_SINK)
    return load_contract(plan.contract).encode_deploy(*values)


def plan_assets() -> tuple[Asset, ...]:
    """Return the planned tokens and the coin itself as assets; needs no chain."""
    coin = Asset(
        symbol="ETH",
        decimals=18,
        chain_id=DEVNET_CHAIN_ID,
        address=NATIVE_ADDRESS,
        routable=False,
    )
    tokens = (
        Asset(
            symbol=plan.symbol,
            decimals=plan.decimals,
            chain_id=DEVNET_CHAIN_ID,
            address=WETH9 if plan.contract is None else create2_address(token_init_code(plan)),
            routable=plan.contract != "FeeToken",
        )
        for plan in universe.TOKENS
    )
    return (*tokens, coin)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBuilder:
    """Fills the chain; the deployer owns the tokens and all liquidity."""

    chain: BuildChain
    tools: Tools
    assets: Mapping[str, Asset]
    contracts: Mapping[str, str]

    async def build(self) -> tuple[PoolRef, ...]:
        """Deploy tokens, pools and balances; return the pools.

        Raises:
            FailureError: DEVNET_START_FAILED.
        """
        plenty_wei = universe.token("WETH").units(2 * universe.DEPLOYER_SUPPLY_USD)
        await self.chain.rpc.call("anvil_setBalance", [_DEPLOYER, to_quantity(plenty_wei)])
        for plan in universe.TOKENS:
            await self._tokens(plan)
        pools = [await self._pair(plan) for plan in universe.V2_PAIRS]
        pools += [await self._pool(plan) for plan in universe.V3_POOLS]
        pools += await build_v4.build(self.chain, self.tools, self.assets, self.contracts)
        pools += await build_balancer.build(self.chain, self.tools, self.assets, self.contracts)
        await self._coins()
        return tuple(pools)

    async def _tokens(self, plan: TokenPlan) -> None:
        address = self.assets[plan.symbol].address
        contract = load_contract(plan.contract) if plan.contract else self.tools.contract("WETH9")
        supply_units = plan.units(universe.DEPLOYER_SUPPLY_USD)
        if plan.contract is None:
            deposit = contract.functions["deposit"].encode_call()
            await self.chain.send(_DEPLOYER, address, deposit, supply_units)
        else:
            await self.chain.deploy_create2(_DEPLOYER, token_init_code(plan))
            mint = contract.functions["mint"].encode_call(_DEPLOYER, supply_units)
            await self.chain.send(_DEPLOYER, address, mint)
        for spender in (
            V2_ROUTER,
            V3_POSITION_MANAGER,
            self.contracts["Permit2"],
            self.contracts["BalancerVault"],
        ):
            approve = contract.functions["approve"].encode_call(spender, UINT256_MAX)
            await self.chain.send(_DEPLOYER, address, approve)
        await self.chain.send(
            _DEPLOYER,
            self.contracts["Permit2"],
            build_v4.PERMIT.encode_call(
                address, self.contracts["PositionManager"], 2**160 - 1, 2**48 - 1
            ),
        )
        hand_out = contract.functions["transfer" if plan.contract is None else "mint"]
        for role, holding_usd in universe.HOLDINGS_USD.items():
            share = hand_out.encode_call(address_of(role), plan.units(holding_usd))
            await self.chain.send(_DEPLOYER, address, share)

    async def _pair(self, plan: V2Plan) -> PoolRef:
        base, quote = self.assets[plan.base], self.assets[plan.quote]
        base_units, quote_units = universe.pair_amounts(plan)
        if universe.token(plan.base).contract == "FeeToken":
            # The pair receives less than is sent: send more, so that its price is the planned one.
            kept_bps = 10_000 - universe.FEE_ON_TRANSFER_BPS
            base_units = base_units * 10_000 // kept_bps
        add = self.tools.contract("UniswapV2Router02").functions["addLiquidity"]
        await self.chain.send(
            _DEPLOYER,
            V2_ROUTER,
            add.encode_call(
                base.address, quote.address, base_units, quote_units, 0, 0, _DEPLOYER, _FOREVER_S
            ),
        )
        factory = self.tools.contract("UniswapV2Factory")
        found = await self.chain.call(V2_FACTORY, factory, "getPair", base.address, quote.address)
        return _ref(Protocol.UNISWAP_V2, found[0], base, quote, universe.V2_FEE_PPM)

    async def _pool(self, plan: V3Plan) -> PoolRef:
        base, quote = self.assets[plan.base], self.assets[plan.quote]
        token0, token1 = in_contract_order((base, quote))
        manager = self.tools.contract("NonfungiblePositionManager")
        create = manager.functions["createAndInitializePoolIfNecessary"].encode_call(
            token0.address,
            token1.address,
            plan.fee_ppm,
            universe.sqrt_price_x96(plan, base_is_token0=token0 == base),
        )
        await self.chain.send(_DEPLOYER, V3_POSITION_MANAGER, create)
        factory = self.tools.contract("UniswapV3Factory")
        found = await self.chain.call(
            V3_FACTORY, factory, "getPool", token0.address, token1.address, plan.fee_ppm
        )
        pool = _ref(Protocol.UNISWAP_V3, found[0], base, quote, plan.fee_ppm)
        slot0 = await self.chain.call(pool.address, self.tools.contract("UniswapV3Pool"), "slot0")
        mints = list(_mints(manager, plan, pool, tick=slot0[1]))
        for start in range(0, len(mints), _MINTS_PER_SEND):
            together = manager.functions["multicall"].encode_call(
                mints[start : start + _MINTS_PER_SEND]
            )
            await self.chain.send(_DEPLOYER, V3_POSITION_MANAGER, together)
        return pool

    async def _coins(self) -> None:
        """Give every role its coins and take those lent to the impersonated accounts."""
        await self.chain.rpc.batch(
            [
                *(
                    ("anvil_setBalance", [address_of(role), to_quantity(coins * 10**18)])
                    for role, coins in universe.COINS.items()
                ),
                *(("anvil_setBalance", [account, to_quantity(0)]) for account in IMPERSONATED),
            ]
        )


def _mints(manager: Contract, plan: V3Plan, pool: PoolRef, tick: int) -> Iterator[bytes]:
    """Yield the position manager's call data of each planned position."""
    one, other = universe.token(pool.token0.symbol), universe.token(pool.token1.symbol)
    for lower, upper, side_usd in universe.positions(plan, tick):
        yield manager.functions["mint"].encode_call(
            (
                pool.token0.address,
                pool.token1.address,
                plan.fee_ppm,
                lower,
                upper,
                one.units(side_usd),
                other.units(side_usd),
                0,
                0,
                _DEPLOYER,
                _FOREVER_S,
            )
        )


def _ref(protocol: Protocol, address: str, one: Asset, other: Asset, fee_ppm: int) -> PoolRef:
    token0, token1 = in_contract_order((one, other))
    return PoolRef(
        protocol=protocol,
        address=to_checksum_address(address),
        token0=token0,
        token1=token1,
        fee_ppm=fee_ppm,
    )
