"""Pools kept current from logs against a fresh whole read of a real chain that moves and forks."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from connectors.chain.deployment import Deployment
from connectors.chain.multicall import Multicall
from connectors.chain.node import RpcChain
from connectors.chain.rpc import JsonRpc, RpcError
from connectors.dex.discovery import discover_pools
from connectors.dex.pool_state import ChainPool, MultiCore
from connectors.dex.reader import WholePoolReader
from connectors.dex.source import ChainPoolSource
from router.core import CoreError, V2Pool, V3Pool, V4Pool
from router.domain.errors import VenueUnavailable
from router.domain.market import BlockRef, PoolRef, Protocol
from tests.differential.onchain_trader import Trader

ROUNDS = 12
State = tuple[object, ...]


def factory_pools(deployment: Deployment) -> list[PoolRef]:
    of_factories = (Protocol.UNISWAP_V2, Protocol.UNISWAP_V3)
    return [pool for pool in deployment.pools if pool.protocol in of_factories]


def state(pool: ChainPool) -> State:
    core = pool.core
    if isinstance(core, V2Pool):
        return pool.ref.venue_id, core.reserve0, core.reserve1, core.fee_ppm
    if isinstance(core, MultiCore):
        return pool.ref.venue_id, *core.balances, *core.scaling_factors, core.swap_fee
    fees = (core.lp_fee_ppm, core.protocol_fee) if isinstance(core, V4Pool) else (core.fee_ppm,)
    return (
        pool.ref.venue_id,
        core.sqrt_price_x96,
        core.tick,
        core.liquidity,
        *fees,
        core.tick_spacing,
        tuple(core.ticks),
    )


def states(pools: tuple[ChainPool, ...] | list[ChainPool | None]) -> list[State]:
    return [state(pool) for pool in pools if pool is not None]


async def whole(rpc: JsonRpc, deployment: Deployment, **options: bool) -> list[State]:
    head = await RpcChain(rpc).head()
    return states(await WholePoolReader(rpc, **options).read(deployment.pools, head))


def random_call(trader: Trader, pool: ChainPool, rng: random.Random) -> tuple[str, bytes] | None:
    """Return a swap, a mint or a burn; None when the pool has nothing to swap."""
    core, kind = pool.core, rng.random()
    if isinstance(core, MultiCore):
        coins = tuple(rng.sample(range(len(core.balances)), 2))
        amount = core.balances[coins[0]] // 10 ** rng.randint(1, 4)
        return trader.swap_balancer(pool.ref, (coins[0], coins[1]), amount)
    if kind < 0.5:
        tick = 0 if isinstance(core, V2Pool) else core.tick
        if isinstance(core, V4Pool):
            return trader.change_v4(pool.ref, tick, rng)
        return trader.mint(pool.ref, tick, rng) if kind < 0.3 else trader.burn(rng)
    zero_for_one = rng.random() < 0.5
    try:
        most = core.quote_exact_in(zero_for_one, 10**24).amount_in
    except CoreError:
        return None
    swap = trader.swap_v4 if isinstance(core, V4Pool) else trader.swap_exact_in
    return swap(pool.ref, zero_for_one, max(1, most // 10 ** rng.randint(2, 9)))


async def act(trader: Trader, pools: tuple[ChainPool, ...], rng: random.Random, count: int) -> int:
    """Do random things, some of which revert; return how many succeeded."""
    routable = [p for p in pools if p.ref.token0.routable and p.ref.token1.routable]
    drawn = [random_call(trader, rng.choice(routable), rng) for _ in range(count)]
    receipts = await trader.send([call for call in drawn if call is not None])
    trader.remember_positions(receipts)
    return sum(receipt.status for receipt in receipts)


@pytest.fixture
async def trader(rpc: JsonRpc, deployment: Deployment) -> Trader:
    made = Trader(rpc, deployment, deployment.roles["bob"])
    await made.prepare()
    return made


@pytest.fixture
def source(rpc: JsonRpc, deployment: Deployment) -> ChainPoolSource:
    return ChainPoolSource(rpc, deployment.pools)


async def test_folding_logs_gives_what_a_whole_read_gives_after_every_round(
    rpc: JsonRpc, deployment: Deployment, trader: Trader, source: ChainPoolSource
) -> None:
    rng = random.Random(7)
    done = 0
    for round_number in range(ROUNDS):
        _, pools = await source.snapshot()
        done += await act(trader, pools, rng, 18)
        if round_number % 3 == 0:
            await rpc.call("anvil_mine", ["0x5"])
        _, pools = await source.snapshot()
        assert states(pools) == await whole(rpc, deployment)
    assert done > ROUNDS * 9
    assert source.whole_reads == 1


async def test_a_reorganisation_is_seen_and_the_pools_are_those_of_the_new_chain(
    rpc: JsonRpc, deployment: Deployment, trader: Trader, source: ChainPoolSource
) -> None:
    rng = random.Random(11)
    for depth in (1, 3, 2):
        _, before = await source.snapshot()
        await act(trader, before, rng, 10)
        await rpc.call("anvil_mine", ["0x3"])
        old_head, old = await source.snapshot()
        await rpc.call("anvil_reorg", [depth + 3, []])
        head, pools = await source.snapshot()
        assert head.hash != old_head.hash
        assert states(pools) == await whole(rpc, deployment)
        assert states(pools) != states(old)
    assert source.whole_reads == 4


async def test_an_unchanged_head_returns_the_very_same_snapshot(
    rpc: JsonRpc, source: ChainPoolSource
) -> None:
    first = await source.snapshot()
    assert await source.snapshot() is first
    await rpc.call("evm_mine")
    later = await source.snapshot()
    assert later[0].parent_hash == first[0].hash
    assert later[1] == first[1]


class MovingHead(WholePoolReader):
    """Reads from a node that mines while it answers, as often as it is told to."""

    moves = 0

    async def read(self, refs: Sequence[PoolRef], block: BlockRef) -> list[ChainPool | None]:
        if self.moves:
            self.moves -= 1
            before = replace(block, number=block.number - 1)
            return await super().read(refs, before)
        return await super().read(refs, block)


async def test_a_block_mined_while_the_pools_are_read_is_asked_about_again(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    reader = MovingHead(rpc)
    source = ChainPoolSource(rpc, deployment.pools, reader=reader)
    reader.moves = 3
    _, pools = await source.snapshot()
    assert states(pools) == await whole(rpc, deployment)
    assert (reader.moves, source.whole_reads) == (0, 4)


async def test_a_head_that_never_stands_still_is_an_unavailable_chain(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    reader = MovingHead(rpc)
    source = ChainPoolSource(rpc, deployment.pools, reader=reader)
    reader.moves = 99
    with pytest.raises(VenueUnavailable, match="another block") as caught:
        await source.snapshot()
    assert caught.value.code == "CHAIN_UNAVAILABLE"


async def test_an_old_snapshot_never_changes(trader: Trader, source: ChainPoolSource) -> None:
    _, before = await source.snapshot()
    frozen = states(before)
    await act(trader, before, random.Random(3), 12)
    _, after = await source.snapshot()
    assert states(before) == frozen
    assert states(after) != frozen


async def test_a_long_absence_ends_in_one_whole_read(
    rpc: JsonRpc, deployment: Deployment, trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.dex.source.DEFAULT_HISTORY", 8)
    source = ChainPoolSource(rpc, deployment.pools)
    _, pools = await source.snapshot()
    await act(trader, pools, random.Random(5), 5)
    await rpc.call("anvil_mine", [hex(10)])
    _, pools = await source.snapshot()
    assert states(pools) == await whole(rpc, deployment)
    assert source.whole_reads == 2


async def test_reading_through_multicall_equals_reading_by_code_override(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    by_multicall = await whole(rpc, deployment, override=False)
    assert by_multicall == await whole(rpc, deployment)
    assert len(by_multicall) == len(deployment.pools)


async def test_a_pool_with_400_ticks_is_read_in_one_call(
    deployment: Deployment, rpc: JsonRpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    batch = rpc.batch

    async def counting(calls: list[tuple[str, list[object]]]) -> list[object]:
        sent.extend(method for method, _ in calls)
        return await batch(calls)

    head = await RpcChain(rpc).head()
    monkeypatch.setattr(rpc, "batch", counting)
    everything = await WholePoolReader(rpc).read(factory_pools(deployment), head)
    assert len(sent) <= 3, "two pools with a spacing of one tick, and the rest"
    dense = max(
        (pool for pool in everything if pool is not None and isinstance(pool.core, V3Pool)),
        key=lambda pool: len(pool.core.ticks),
    )
    sent.clear()
    alone = await WholePoolReader(rpc).read([dense.ref], head)
    assert sent == ["eth_call"]
    assert alone[0] is not None
    assert isinstance(alone[0].core, V3Pool)
    assert len(alone[0].core.ticks) >= 400


async def test_a_node_without_code_override_is_read_through_multicall_from_then_on(
    rpc: JsonRpc, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = rpc.batch

    async def without_override(calls: list[tuple[str, list[object]]]) -> list[object]:
        return await batch([(method, params[:2]) for method, params in calls])

    monkeypatch.setattr(rpc, "batch", without_override)
    reader = WholePoolReader(rpc)
    head = await RpcChain(rpc).head()
    pools = await reader.read(deployment.pools[:9], head)
    assert not reader.uses_override
    monkeypatch.undo()
    assert states(pools) == (await whole(rpc, deployment))[:9]


async def test_an_address_that_is_no_pool_is_named(rpc: JsonRpc, deployment: Deployment) -> None:
    nobody = "0x000000000000000000000000000000000000dEaD"
    by_protocol = {pool.protocol: pool for pool in deployment.pools}
    assert len(by_protocol) >= 4
    for pool in by_protocol.values():
        source = ChainPoolSource(rpc, [replace(pool, address=nobody)])
        with pytest.raises(VenueUnavailable) as caught:
            await source.snapshot()
        assert caught.value.code == "VENUE_UNAVAILABLE"
        # Balancer's pools have names of their own in a vault.
        wanted = pool.pool_id if pool.protocol is Protocol.BALANCER else nobody
        assert wanted in caught.value.message


async def test_a_block_that_the_node_does_not_have_is_not_read_as_another(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    unknown = BlockRef(
        number=0, hash="0x" + "ab" * 32, parent_hash="0x0", timestamp_s=0, base_fee_wei=0
    )
    for override in (True, False):
        with pytest.raises(RpcError):
            await WholePoolReader(rpc, override=override).read(deployment.pools, unknown)


async def test_the_factories_know_every_pool_of_the_deployment_and_no_other(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    found = await discover_pools(
        Multicall(rpc),
        deployment.assets,
        v2_factory=deployment.contracts["UniswapV2Factory"],
        v3_factory=deployment.contracts["UniswapV3Factory"],
    )

    def key(ref: PoolRef) -> str:
        return ref.address

    assert sorted(found, key=key) == sorted(factory_pools(deployment), key=key)
