"""Reads whole pools, every tick of them, as of one block.

For Uniswap V2 and V3 our PoolReader contract is passed as a code override, so nothing is deployed
and one `eth_call` returns many pools. A node that ignores the override answers with nothing; from
then on it is read through Multicall3. The other protocols need no contract of ours.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from connectors.chain.abi import AbiError, load_contract
from connectors.chain.multicall import MULTICALL3_ADDRESS, Multicall
from connectors.chain.rpc import Json, JsonRpc, RpcError, from_hex, to_hex, to_quantity
from connectors.dex.balancer.state import read_balancer_pools
from connectors.dex.curve.state import read_curve_pools
from connectors.dex.pool_state import ChainPool, Core
from connectors.dex.uniswap_v2.state import read_pairs
from connectors.dex.uniswap_v3.state import read_pools, word_range
from connectors.dex.uniswap_v4.state import read_v4_pools
from router.core import V2Pool, V3Pool
from router.domain.errors import VenueUnavailable
from router.domain.market import BlockRef, PoolRef, Protocol

# An address nobody has: the reader's code stands there for the length of one call.
READER_ADDRESS: Final = "0x00000000000000000000000000000000000aDDe5"
# Public nodes cap a call at 50 million gas. One word of a tick bitmap takes about 3,400.
CALL_GAS: Final = 50_000_000
GAS_PER_WORD: Final = 3_500
GAS_PER_POOL: Final = 1_000_000
_TICK_SPACINGS: Final = {100: 1, 500: 10, 3000: 60, 10_000: 200}

UniswapCore = V2Pool | V3Pool


class HeadMoved(VenueUnavailable):
    """The node answered from another block than it was asked about; ask again from its head.

    Nodes that mine at that moment do that: they compare numbers first and take the state later.
    """


class WholePoolReader:
    """Reads pools whole. Remembers whether the node understands code overrides."""

    def __init__(
        self, rpc: JsonRpc, *, multicall_address: str = MULTICALL3_ADDRESS, override: bool = True
    ) -> None:
        """Bind to a node.

        Args:
            override: False reads through Multicall3 from the start.
        """
        self._rpc = rpc
        self._multicall = Multicall(rpc, multicall_address)
        self._override = override

    @property
    def uses_override(self) -> bool:
        return self._override

    async def read(self, refs: Sequence[PoolRef], block: BlockRef) -> list[ChainPool | None]:
        """Return the pools in the order of `refs`; None for a V3 or V4 pool without a price.

        Raises:
            VenueUnavailable: VENUE_UNAVAILABLE, an address is no pool; CHAIN_UNAVAILABLE.
            HeadMoved: CHAIN_UNAVAILABLE, the answer is of another block.
            RpcError: RPC_ERROR, the node does not have the block, for instance since it was
                orphaned.
        """
        at_block = {"blockHash": block.hash}
        by_protocol: defaultdict[Protocol, list[PoolRef]] = defaultdict(list)
        for ref in refs:
            by_protocol[ref.protocol].append(ref)
        uniswap = by_protocol[Protocol.UNISWAP_V2] + by_protocol[Protocol.UNISWAP_V3]
        v4, balancer = by_protocol[Protocol.UNISWAP_V4], by_protocol[Protocol.BALANCER]
        curve = by_protocol[Protocol.CURVE]
        cores: dict[str, Core | None] = {}
        if uniswap:
            cores |= await self._read_uniswap(uniswap, block, at_block)
        if v4:
            read = await read_v4_pools(self._rpc, v4, at_block)
            cores |= zip((ref.venue_id for ref in v4), read, strict=True)
        if balancer:
            pools = await read_balancer_pools(self._multicall, balancer, at_block)
            cores |= zip((ref.venue_id for ref in balancer), pools, strict=True)
        if curve:
            stable = await read_curve_pools(self._multicall, curve, at_block)
            cores |= zip((ref.venue_id for ref in curve), stable, strict=True)
        return [
            None if core is None else ChainPool(ref=ref, core=core)
            for ref, core in ((ref, cores[ref.venue_id]) for ref in refs)
        ]

    async def _read_uniswap(
        self, refs: Sequence[PoolRef], block: BlockRef, at_block: Json
    ) -> dict[str, UniswapCore | None]:
        cores = await self._read_by_override(refs, block, at_block) if self._override else None
        if cores is None:
            cores = await self._read_by_multicall(refs, at_block)
        return {ref.venue_id: cores[ref.address.lower()] for ref in refs}

    async def _read_by_override(
        self, refs: Sequence[PoolRef], block: BlockRef, at_block: Json
    ) -> dict[str, UniswapCore | None] | None:
        """Return the cores by address (lower case); None when this way does not lead there."""
        contract = load_contract("PoolReader")
        code = {READER_ADDRESS: {"code": to_hex(contract.deployed_bytecode)}}
        read_all = contract.functions["readAll"]
        calls = []
        for v3, v2 in _groups(refs):
            call = {
                "to": READER_ADDRESS,
                "data": to_hex(read_all.encode_call(v3, v2)),
                "gas": to_quantity(CALL_GAS),
            }
            calls.append(("eth_call", [call, at_block, code]))
        try:
            answers = await self._rpc.batch(calls)
        except RpcError as error:
            if _blames_the_call(error):
                return None  # Out of gas, no such parameter, no pool: the other way tells which.
            raise
        fees = {ref.address.lower(): ref.fee_ppm for ref in refs}
        cores: dict[str, UniswapCore | None] = {}
        for answer in answers:
            try:
                number, v3_pools, v2_pairs = read_all.decode_output(from_hex(answer))
            except AbiError:
                self._override = False  # The node called an empty address.
                return None
            if number != block.number:
                raise HeadMoved("CHAIN_UNAVAILABLE", "The node read another block.")
            cores |= {pool[0]: _v3_core(pool) for pool in v3_pools}
            cores |= {pair[0]: V2Pool(pair[3], pair[4], fees[pair[0]]) for pair in v2_pairs}
        return cores

    async def _read_by_multicall(
        self, refs: Sequence[PoolRef], at_block: Json
    ) -> dict[str, UniswapCore | None]:
        v2 = [ref for ref in refs if ref.protocol is Protocol.UNISWAP_V2]
        v3 = [ref for ref in refs if ref.protocol is Protocol.UNISWAP_V3]
        pairs = await read_pairs(self._multicall, v2, at_block)
        pools = await read_pools(self._multicall, v3, at_block)
        cores: dict[str, UniswapCore | None] = {}
        cores |= {ref.address.lower(): pair for ref, pair in zip(v2, pairs, strict=True)}
        cores |= {ref.address.lower(): pool for ref, pool in zip(v3, pools, strict=True)}
        return cores


def _blames_the_call(error: RpcError) -> bool:
    """Whether the node objects to the call itself and not to the block it is asked about."""
    text = error.rpc_message.lower()
    return error.is_revert or "gas" in text or "argument" in text or "param" in text


def _groups(refs: Sequence[PoolRef]) -> list[tuple[list[str], list[str]]]:
    """Pack the pools into as few calls as fit the gas of one; V2 pairs go with the first."""
    groups: list[tuple[list[str], list[str]]] = [([], [])]
    gas_left = CALL_GAS
    for ref in refs:
        if ref.protocol is Protocol.UNISWAP_V2:
            groups[0][1].append(ref.address)
            continue
        first, last = word_range(_TICK_SPACINGS.get(ref.fee_ppm, 1))
        gas = (last - first + 1) * GAS_PER_WORD + GAS_PER_POOL
        if gas > gas_left and groups[-1][0]:
            groups.append(([], []))
            gas_left = CALL_GAS
        groups[-1][0].append(ref.address)
        gas_left -= gas
    return groups


def _v3_core(pool: tuple[Any, ...]) -> V3Pool | None:
    _, _, _, fee, spacing, sqrt_price_x96, tick, liquidity, _, _, ticks = pool
    if not sqrt_price_x96:
        return None
    return V3Pool(fee, spacing, sqrt_price_x96, tick, liquidity, ticks)
