"""Plans encoded, signed and run on the real executor, Permit2 and pools, to the wei."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from eth_utils.address import to_checksum_address

from connectors.chain.abi import AbiFunction, load_contract
from connectors.chain.deployment import Deployment
from connectors.chain.executor import ExecutorEncoder, Plan, hash_plan
from connectors.chain.keystore import HotKey
from connectors.chain.node import RpcChain, RpcChainAudit
from connectors.chain.policy import SignerPolicy
from connectors.chain.rpc import JsonRpc, to_hex
from connectors.chain.signer import LocalSigner
from connectors.dex.balancer.calls import COMPOSABLE_STABLE
from connectors.dex.curve.calls import CRYPTO, FIRST_PLAIN, NG
from connectors.dex.pool_state import ChainPool, PairCore
from connectors.dex.reader import WholePoolReader
from router.domain.assets import Asset
from router.domain.errors import OrderRejected, VenueUnavailable
from router.domain.market import PoolRef, Protocol
from router.domain.routes import Leg
from router.domain.settlement import Receipt, TxRequest
from router.execution.preflight import Preflight
from router.settings import RoutingSettings
from tests.integration.contracts.evm import load_test_contract

KEY = HotKey(bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"))
CHAIN_ID = 31337
PLENTY = 10**30
ALLOWANCE = AbiFunction.declare("allowance", ["address", "address"], ["uint256"])
# More than the pool's narrow ranges hold: the price walks on through words without a tick.
WALKING_USDC = 11_000_000
ONE_TRADE = {
    "WETH": 10**19, "USDC": 10**10, "USDT": 10**10, "DAI": 10**22, "WBTC": 10**7, "LINK": 10**21,
}  # fmt: skip
USED_BASE_GAS = RoutingSettings().base_gas - 17_100
ON_DEVNET = set(Protocol) - {Protocol.BOOK, Protocol.CURVE}


@dataclass
class World:
    rpc: JsonRpc
    chain: RpcChain
    audit: RpcChainAudit
    signer: LocalSigner
    encoder: ExecutorEncoder
    deployment: Deployment
    pools: dict[str, ChainPool]
    permit_nonce: int = 0

    async def run(self, request: TxRequest) -> Receipt:
        """Sign by the policy, send, and wait for the block."""
        max_fee, tip = await self.audit.suggest_fees()
        tx_hash, raw = self.signer.sign_transaction(
            request,
            chain_id=CHAIN_ID,
            nonce=await self.chain.nonce(self.signer.address),
            max_fee_wei=max_fee,
            max_tip_wei=tip,
        )
        await self.chain.send_raw(raw)
        while (receipt := await self.chain.receipt(tx_hash)) is None:
            continue  # Anvil answers before the block is there.
        return receipt

    async def plan(
        self, legs: list[Leg], amount: int, minimums: list[tuple[Asset, int]]
    ) -> TxRequest:
        self.permit_nonce += 1
        head = await self.chain.head()
        return self.encoder.encode(
            plan_id=b"\7" * 32,
            legs=legs,
            amount_in_units=amount,
            minimums=minimums,
            permit_nonce=self.permit_nonce,
            deadline_s=head.timestamp_s + 600,
            signer=self.signer,
            chain_id=CHAIN_ID,
        )

    async def balances(self, *assets: Asset) -> list[int]:
        head = await self.chain.head()
        return await self.audit.balances([(self.signer.address, a) for a in assets], head.number)

    def pool(self, protocol: Protocol, one: str, other: str, fee_ppm: int) -> ChainPool:
        return self.pools[self.deployment.pool(protocol, one, other, fee_ppm).venue_id]


def leg_of(
    pool: ChainPool,
    asset_in: Asset,
    amount: int,
    *,
    asset_out: Asset | None = None,
    takes_rest: bool = False,
) -> Leg:
    ref = pool.ref
    if asset_out is None:
        asset_out = ref.token1 if asset_in == ref.token0 else ref.token0
    if isinstance(pool.core, PairCore):
        quote = pool.core.quote_exact_in(asset_in == ref.token0, amount)
    else:
        coins = ref.tokens.index(asset_in), ref.tokens.index(asset_out)
        quote = pool.core.quote_exact_in(*coins, amount)
    return Leg(
        venue_id=ref.venue_id,
        protocol=ref.protocol,
        label=ref.label,
        asset_in=asset_in,
        asset_out=asset_out,
        amount_in_units=amount,
        amount_out_units=quote.amount_out,
        fee_units=quote.fee_amount,
        fee_ppm=ref.fee_ppm,
        gas=quote.gas,
        ticks_crossed=quote.ticks_crossed,
        share_bps=10_000,
        takes_rest=takes_rest,
        marginal_price=1.0,
    )


@pytest.fixture
async def world(rpc: JsonRpc, deployment: Deployment) -> AsyncIterator[World]:
    chain = await RpcChain.open(rpc, CHAIN_ID)
    policy = SignerPolicy(
        chain_id=CHAIN_ID,
        executor=deployment.contracts["RouteExecutor"],
        permit2=deployment.contracts["Permit2"],
        tokens=frozenset(asset.address for asset in deployment.assets if not asset.is_native),
        max_gas_cost_wei=10**18,
    )
    encoder = ExecutorEncoder(
        deployment.contracts["RouteExecutor"],
        deployment.contracts["Permit2"],
        deployment.pools,
    )
    pools = await WholePoolReader(rpc).read(deployment.pools, await chain.head())
    made = World(
        rpc=rpc,
        chain=chain,
        audit=RpcChainAudit(rpc),
        signer=LocalSigner(KEY, policy),
        encoder=encoder,
        deployment=deployment,
        pools={pool.ref.venue_id: pool for pool in pools if pool is not None},
    )
    for symbol in ONE_TRADE:
        asset = deployment.asset(symbol)
        await rpc.call("anvil_dealERC20", [KEY.address, asset.address, hex(PLENTY)])
        assert (await made.run(encoder.approval(asset))).status
    return made


async def test_a_split_over_v2_and_v3_delivers_the_quoted_sum(world: World) -> None:
    weth, usdc = world.deployment.asset("WETH"), world.deployment.asset("USDC")
    legs = [
        leg_of(world.pool(Protocol.UNISWAP_V2, "WETH", "USDC", 3000), weth, 2 * 10**18),
        leg_of(world.pool(Protocol.UNISWAP_V3, "WETH", "USDC", 500), weth, 7 * 10**18),
        leg_of(
            world.pool(Protocol.UNISWAP_V3, "WETH", "USDC", 3000), weth, 10**18, takes_rest=True
        ),
    ]
    quoted = sum(leg.amount_out_units for leg in legs)
    before = await world.balances(weth, usdc)
    request = await world.plan(legs, 10 * 10**18, [(usdc, quoted)])
    receipt = await world.run(request)
    after = await world.balances(weth, usdc)
    assert receipt.status
    assert [after[0] - before[0], after[1] - before[1]] == [-10 * 10**18, quoted]
    address = world.signer.address
    assert world.encoder.delivered(receipt, address) == {usdc.address.lower(): quoted}
    assert world.encoder.spent(receipt, address) == {weth.address.lower(): 10 * 10**18}
    assert receipt.gas_used < request.gas_limit


async def test_two_hops_pass_everything_on_and_leave_nothing_behind(world: World) -> None:
    dai, weth, usdt = (world.deployment.asset(s) for s in ("DAI", "WETH", "USDT"))
    first = leg_of(world.pool(Protocol.UNISWAP_V3, "DAI", "WETH", 3000), dai, 5_000 * 10**18)
    second = leg_of(
        world.pool(Protocol.UNISWAP_V2, "USDT", "WETH", 3000),
        weth,
        first.amount_out_units,
        takes_rest=True,
    )
    request = await world.plan([first, second], 5_000 * 10**18, [(usdt, second.amount_out_units)])
    receipt = await world.run(request)
    assert receipt.status
    assert world.encoder.delivered(receipt, world.signer.address) == {
        usdt.address.lower(): second.amount_out_units
    }
    executor = world.encoder.executor_address
    head = await world.chain.head()
    assert await world.audit.balances([(executor, a) for a in (dai, weth, usdt)], head.number) == [
        0,
        0,
        0,
    ]


async def test_random_single_legs_execute_to_the_wei_within_their_gas_limit(world: World) -> None:
    rng = random.Random(4)
    candidates = [
        pool
        for pool in world.pools.values()
        if {asset.symbol for asset in pool.ref.tokens} <= ONE_TRADE.keys()
    ]
    assert {pool.ref.protocol for pool in candidates} == ON_DEVNET
    for pool in candidates:
        asset_in, asset_out = rng.sample(pool.ref.tokens, 2)
        amount = ONE_TRADE[asset_in.symbol] // rng.randint(1, 50)
        leg = leg_of(pool, asset_in, amount, asset_out=asset_out, takes_rest=True)
        request = await world.plan(
            [leg], leg.amount_in_units, [(leg.asset_out, leg.amount_out_units)]
        )
        receipt = await world.run(request)
        assert receipt.status, (leg.label, receipt.gas_used, request.gas_limit)
        assert world.encoder.delivered(receipt, world.signer.address) == {
            leg.asset_out.address.lower(): leg.amount_out_units
        }


async def test_a_leg_of_v4_or_balancer_uses_about_the_gas_of_its_estimate(world: World) -> None:
    shared = (Protocol.UNISWAP_V4, Protocol.BALANCER)
    pools = [pool.ref for pool in world.pools.values() if pool.ref.protocol in shared]
    used: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(4):
        for pool in await WholePoolReader(world.rpc).read(pools, await world.chain.head()):
            assert pool is not None
            sold, bought = pool.ref.tokens[turn % 2], pool.ref.tokens[1 - turn % 2]
            amount = ONE_TRADE[sold.symbol] // 20
            leg = leg_of(pool, sold, amount, asset_out=bought, takes_rest=True)
            receipt = await world.run(await world.plan([leg], amount, [(bought, 1)]))
            # The desk's permits share a word of nonces, which a program's do not.
            used[pool.ref.label].append((receipt.gas_used - USED_BASE_GAS) / leg.gas)
    # What leaves zero for the first time costs more: the later turns are those of pools in use.
    assert all(0.93 < ratio < 1.07 for ratios in used.values() for ratio in ratios[2:]), used


async def test_a_split_over_every_protocol_delivers_the_quoted_sum(world: World) -> None:
    weth, wbtc, usdc = (world.deployment.asset(s) for s in ("WETH", "WBTC", "USDC"))
    weighted = next(
        pool
        for pool in world.pools.values()
        if pool.ref.protocol is Protocol.BALANCER and set(pool.ref.tokens) == {weth, wbtc, usdc}
    )
    first = [
        leg_of(world.pool(Protocol.UNISWAP_V3, "WETH", "USDC", 500), weth, 3 * 10**18),
        leg_of(world.pool(Protocol.UNISWAP_V4, "WETH", "USDC", 400), weth, 4 * 10**18),
        leg_of(weighted, weth, 2 * 10**18, asset_out=usdc),
        leg_of(
            world.pool(Protocol.UNISWAP_V2, "WETH", "USDC", 3000), weth, 10**18, takes_rest=True
        ),
    ]
    stable = next(p for p in world.pools.values() if p.ref.variant == COMPOSABLE_STABLE)
    dai, bought = world.deployment.asset("DAI"), sum(leg.amount_out_units for leg in first)
    last = leg_of(stable, usdc, bought, asset_out=dai, takes_rest=True)
    request = await world.plan([*first, last], 10**19, [(dai, last.amount_out_units)])
    receipt = await world.run(request)
    assert receipt.status
    assert world.encoder.delivered(receipt, world.signer.address) == {
        dai.address.lower(): last.amount_out_units
    }
    for asset in (weth, usdc, dai):
        for spender in (stable.ref.address, world.deployment.contracts["PoolManager"]):
            allowed = await world.chain.call(
                asset.address, ALLOWANCE.encode_call(world.encoder.executor_address, spender)
            )
            assert ALLOWANCE.decode_output(allowed) == (0,), (asset.symbol, spender)


async def own_stable_swap(world: World) -> PoolRef:
    """Deploy a StableSwap of our own over DAI, USDC and USDT; it is not Curve's code."""
    tokens = [world.deployment.asset(symbol) for symbol in ("DAI", "USDC", "USDT")]
    deploy = load_test_contract("OwnStableSwap").encode_deploy(
        [asset.address for asset in tokens], [asset.decimals for asset in tokens], 2_000, 1_000_000
    )
    bob = world.deployment.roles["bob"]
    await world.rpc.call("anvil_impersonateAccount", [bob])
    transaction = {"from": bob, "data": to_hex(deploy), "gas": hex(5_000_000)}
    tx_hash = await world.rpc.call("eth_sendTransaction", [transaction])
    while (receipt := await world.rpc.call("eth_getTransactionReceipt", [tx_hash])) is None:
        continue  # Anvil answers before the block is there.
    address = to_checksum_address(receipt["contractAddress"])
    for asset, whole in zip(tokens, (3_000_000, 2_500_000, 4_100_000), strict=True):
        units = hex(whole * asset.one_in_units)
        await world.rpc.call("anvil_dealERC20", [address, asset.address, units])
    absorb = load_test_contract("OwnStableSwap").functions["absorb"].encode_call()
    call = {"from": bob, "to": address, "data": to_hex(absorb)}
    tx_hash = await world.rpc.call("eth_sendTransaction", [call])
    while await world.rpc.call("eth_getTransactionReceipt", [tx_hash]) is None:
        continue
    return PoolRef(
        protocol=Protocol.CURVE,
        address=address,
        token0=tokens[0],
        token1=tokens[1],
        further_tokens=(tokens[2],),
        fee_ppm=100,
        variant=FIRST_PLAIN,
    )


async def test_curve_legs_pay_their_quotes_in_a_stable_swap_of_our_own(world: World) -> None:
    ref = await own_stable_swap(world)
    contracts = world.deployment.contracts
    world.encoder = ExecutorEncoder(contracts["RouteExecutor"], contracts["Permit2"], [ref])
    rng = random.Random(8)
    for _ in range(20):
        (pool,) = await WholePoolReader(world.rpc).read([ref], await world.chain.head())
        assert pool is not None
        sold, bought = rng.sample(ref.tokens, 2)
        amount = int(10 ** rng.uniform(0, 5.8) * sold.one_in_units) + rng.randint(0, 99)
        leg = leg_of(pool, sold, amount, asset_out=bought, takes_rest=True)
        receipt = await world.run(await world.plan([leg], amount, [(bought, leg.amount_out_units)]))
        assert receipt.status, leg
        assert world.encoder.delivered(receipt, world.signer.address) == {
            bought.address.lower(): leg.amount_out_units
        }


async def test_a_curve_pool_of_other_coins_or_another_kind_is_not_read(world: World) -> None:
    ref = await own_stable_swap(world)
    head = await world.chain.head()
    for wrong in (
        replace(ref, token0=ref.token1, token1=ref.token0),
        replace(ref, variant=NG),
        replace(ref, variant=CRYPTO),
        replace(ref, address=world.deployment.roles["bob"]),
    ):
        with pytest.raises(VenueUnavailable, match=ref.protocol.title()):
            await WholePoolReader(world.rpc).read([wrong], head)


async def test_a_pool_nobody_named_to_the_encoder_cannot_be_encoded(world: World) -> None:
    weth = world.deployment.asset("WETH")
    leg = leg_of(world.pool(Protocol.UNISWAP_V4, "WETH", "USDC", 400), weth, 10**18)
    world.encoder = ExecutorEncoder(world.encoder.executor_address)
    with pytest.raises(ValueError, match="not a pool known here"):
        await world.plan([leg], 10**18, [(leg.asset_out, 1)])


async def test_a_minimum_one_unit_above_the_quote_reverts_and_moves_nothing_but_gas(
    world: World,
) -> None:
    weth, usdc = world.deployment.asset("WETH"), world.deployment.asset("USDC")
    leg = leg_of(world.pool(Protocol.UNISWAP_V3, "WETH", "USDC", 500), weth, 10**18)
    request = await world.plan([leg], 10**18, [(usdc, leg.amount_out_units + 1)])
    before = await world.balances(weth, usdc)
    with pytest.raises(OrderRejected) as caught:
        await world.audit.estimate_gas(world.signer.address, request)
    assert "MinOutNotMet" in caught.value.message
    receipt = await world.run(request)
    assert not receipt.status
    assert await world.balances(weth, usdc) == before
    assert world.encoder.delivered(receipt, world.signer.address) == {}


async def test_a_walk_over_many_empty_words_is_within_the_plans_own_gas_limit(
    world: World,
) -> None:
    dai, usdc = world.deployment.asset("DAI"), world.deployment.asset("USDC")
    pool = world.pool(Protocol.UNISWAP_V3, "DAI", "USDC", 100)
    leg = leg_of(pool, usdc, WALKING_USDC * usdc.one_in_units)
    planned = await world.plan([leg], leg.amount_in_units, [(dai, leg.amount_out_units)])
    cleared = await Preflight(world.audit, 10).cleared(planned, world.signer.address)
    assert cleared == planned, "the node says nothing that the plan does not foresee"
    receipt = await world.run(planned)
    assert receipt.status
    assert 1_000_000 < receipt.gas_used < planned.gas_limit


async def test_the_plan_hash_is_the_contracts_own(world: World) -> None:
    token, other = (world.deployment.asset(s).address for s in ("WETH", "USDC"))
    plans: list[Plan] = [
        (
            b"\1" * 32,
            token,
            5,
            2**255,
            2**40,
            [(0, other, token, other, 3000, 2**256 - 1, bytes(32))],
            [],
        ),
        (
            b"\2" * 32,
            token,
            2**256 - 1,
            0,
            0,
            [(1, other, token, other, 0, 7, bytes(32)), (4, token, other, token, 1, 9, b"\3" * 32)],
            [(other, 1), (token, 2)],
        ),
    ]
    function = load_contract("RouteExecutor").functions["hashPlan"]
    for plan in plans:
        answer = await world.chain.call(world.encoder.executor_address, function.encode_call(plan))
        assert answer == hash_plan(plan)
