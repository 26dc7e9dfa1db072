"""The uniswap-python package as a second opinion: on the devnet it answers as we do."""

import random
import sys

import pytest
from aiohttp.test_utils import unused_port

from connectors.chain.deployment import Deployment
from connectors.chain.node import RpcChain
from connectors.chain.rpc import JsonRpc
from connectors.dex.pool_state import ChainPool
from connectors.dex.reader import WholePoolReader
from connectors.dex.uniswap_python.quoter import UniswapPythonQuoter
from router.core import V2Pool
from router.devnet import DevnetHandle
from router.domain.errors import FailureError, UsageError, VenueUnavailable
from router.domain.market import Protocol
from tests.differential.onchain_trader import FAR_DEADLINE, Trader

pytest.importorskip("uniswap", reason="the optional package uniswap-python is not installed")

KNOWN = (Protocol.UNISWAP_V2, Protocol.UNISWAP_V3)
TRADES = {"WETH": 10**18, "USDC": 10**9, "USDT": 10**9, "DAI": 10**21, "WBTC": 10**7}


@pytest.fixture
def quoter(devnet: DevnetHandle, deployment: Deployment) -> UniswapPythonQuoter:
    return UniswapPythonQuoter(
        devnet.url,
        devnet.chain_id,
        v2_factory=deployment.contracts["UniswapV2Factory"],
        v2_router=deployment.contracts["UniswapV2Router02"],
    )


@pytest.fixture
async def pools(rpc: JsonRpc, deployment: Deployment) -> list[ChainPool]:
    head = await RpcChain(rpc).head()
    known = [ref for ref in deployment.pools if ref.protocol in KNOWN]
    read = await WholePoolReader(rpc).read(known, head)
    return [pool for pool in read if pool is not None and pool.ref.token0.symbol in TRADES]


async def test_its_quotes_equal_ours_on_every_pool_in_both_directions(
    quoter: UniswapPythonQuoter, pools: list[ChainPool]
) -> None:
    rng = random.Random(1)
    seen = set()
    for pool in pools:
        for zero_for_one in (True, False):
            asset_in = pool.ref.token0 if zero_for_one else pool.ref.token1
            amount = TRADES.get(asset_in.symbol, 10**18) * rng.randint(1, 9)
            ours = pool.core.quote_exact_in(zero_for_one, amount)
            theirs = await quoter.quote_exact_in(pool.ref, asset_in, amount)
            assert theirs == ours.amount_out, pool.ref.label
            back = pool.core.quote_exact_out(zero_for_one, ours.amount_out)
            theirs = await quoter.quote_exact_out(pool.ref, asset_in, ours.amount_out)
            assert theirs == back.amount_in, pool.ref.label
            seen.add(pool.ref.protocol)
    assert seen == {Protocol.UNISWAP_V2, Protocol.UNISWAP_V3}


async def test_a_swap_that_it_builds_executes_as_we_quoted_it(
    rpc: JsonRpc, deployment: Deployment, quoter: UniswapPythonQuoter, pools: list[ChainPool]
) -> None:
    trader = Trader(rpc, deployment, deployment.roles["bob"])
    await trader.prepare()
    chosen = [
        next(p for p in pools if p.ref.protocol is protocol)
        for protocol in (Protocol.UNISWAP_V2, Protocol.UNISWAP_V3)
    ]
    for pool in chosen:
        amount = TRADES[pool.ref.token0.symbol]
        quote = pool.core.quote_exact_in(True, amount)
        request = await quoter.build_swap(
            pool.ref,
            pool.ref.token0,
            amount,
            minimum_out_units=quote.amount_out,
            recipient=trader.address,
            deadline_s=FAR_DEADLINE,
        )
        [receipt] = await trader.send([(request.to, request.data)], gas=request.gas_limit)
        assert receipt.status, pool.ref.label
    after = await WholePoolReader(rpc).read([p.ref for p in chosen], await RpcChain(rpc).head())
    assert isinstance(chosen[0].core, V2Pool)
    v2, v3 = after
    assert v2 is not None
    assert v3 is not None
    expected = chosen[0].core.quote_exact_in(True, TRADES[chosen[0].ref.token0.symbol]).next
    assert isinstance(v2.core, V2Pool)
    assert isinstance(expected, V2Pool)
    assert (v2.core.reserve0, v2.core.reserve1) == (expected.reserve0, expected.reserve1)


async def test_what_the_contracts_refuse_is_no_liquidity(
    quoter: UniswapPythonQuoter, pools: list[ChainPool]
) -> None:
    for protocol in (Protocol.UNISWAP_V2, Protocol.UNISWAP_V3):
        pool = next(p for p in pools if p.ref.protocol is protocol)
        with pytest.raises(FailureError) as caught:
            await quoter.quote_exact_out(pool.ref, pool.ref.token0, 10**40)
        assert caught.value.code == "INSUFFICIENT_LIQUIDITY"


async def test_a_swap_without_a_minimum_is_not_built(
    quoter: UniswapPythonQuoter, pools: list[ChainPool]
) -> None:
    with pytest.raises(ValueError, match="minimum"):
        await quoter.build_swap(
            pools[0].ref,
            pools[0].ref.token0,
            1,
            minimum_out_units=0,
            recipient="0x" + "11" * 20,
            deadline_s=1,
        )


async def test_an_unreachable_node_is_unavailable(pools: list[ChainPool]) -> None:
    quoter = UniswapPythonQuoter(
        f"http://127.0.0.1:{unused_port()}", 31337, v2_factory="0x0", v2_router="0x0"
    )
    with pytest.raises(VenueUnavailable) as caught:
        await quoter.quote_exact_in(pools[0].ref, pools[0].ref.token0, 1)
    assert caught.value.code == "CHAIN_UNAVAILABLE"


async def test_without_the_package_the_error_names_the_extra(
    quoter: UniswapPythonQuoter, pools: list[ChainPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uniswap", None)
    with pytest.raises(UsageError) as caught:
        await quoter.quote_exact_in(pools[0].ref, pools[0].ref.token0, 1)
    assert caught.value.code == "CONFIG_INVALID"
    assert "extra `uniswap`" in caught.value.message
