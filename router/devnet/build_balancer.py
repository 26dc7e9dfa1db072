"""Create the Balancer V2 pools with the real factories and fill them through the vault."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from connectors.chain.abi import AbiEvent, AbiFunction
from connectors.chain.rpc import from_hex, to_hex
from connectors.dex.balancer.calls import (
    COMPOSABLE_STABLE,
    GET_POOL_ID,
    GET_POOL_TOKENS,
    JOIN_POOL,
    WEIGHTED,
)
from router.devnet import universe
from router.devnet.build_chain import BuildChain, in_contract_order
from router.devnet.keys import address_of
from router.devnet.tools import Tools
from router.devnet.universe import StablePlan, WeightedPlan
from router.domain.amounts import UINT256_MAX
from router.domain.assets import Asset
from router.domain.market import PoolRef, Protocol

SENDS: Final = 2 * (len(universe.WEIGHTED_POOLS) + len(universe.STABLE_POOLS))
_DEPLOYER: Final = address_of("deployer")
_CREATED: Final = AbiEvent.declare("PoolCreated", ["address"], [True])
_NO_RATES: Final = "0x0000000000000000000000000000000000000000"
_INIT: Final = 0
_FEE_PER_PPM: Final = 10**12
_PCT: Final = 10**16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A pool before it exists: tokens by address with the dollars that go in of each."""

    tokens: list[Asset]
    dollars: list[int]
    fee_ppm: int
    variant: str


async def build(
    chain: BuildChain, tools: Tools, assets: Mapping[str, Asset], contracts: Mapping[str, str]
) -> list[PoolRef]:
    """Create and fill the planned pools; return them.

    Raises:
        FailureError: DEVNET_START_FAILED.
    """
    pools = []
    for weighted in universe.WEIGHTED_POOLS:
        draft, weights = _weighted(weighted, assets)
        create = tools.contract("BalancerWeightedFactory").functions["create"].encode_call(
            *_names(draft), _addresses(draft), weights, [_NO_RATES] * len(weights),
            draft.fee_ppm * _FEE_PER_PPM, _DEPLOYER,
        )  # fmt: skip
        pools.append(await _open(chain, contracts, draft, "BalancerWeightedFactory", create))
    for stable in universe.STABLE_POOLS:
        draft = _stable(stable, assets)
        count = len(draft.tokens)
        create = tools.contract("BalancerStableFactory").functions["create"].encode_call(
            *_names(draft), _addresses(draft), stable.amp, [_NO_RATES] * count, [0] * count,
            [False] * count, draft.fee_ppm * _FEE_PER_PPM, _DEPLOYER,
        )  # fmt: skip
        pools.append(await _open(chain, contracts, draft, "BalancerStableFactory", create))
    return pools


def _weighted(plan: WeightedPlan, assets: Mapping[str, Asset]) -> tuple[_Draft, list[int]]:
    percent = dict(zip(plan.symbols, plan.weights_pct, strict=True))
    tokens = in_contract_order(assets[symbol] for symbol in plan.symbols)
    dollars = [plan.depth_usd * percent[token.symbol] // 100 for token in tokens]
    draft = _Draft(tokens=tokens, dollars=dollars, fee_ppm=plan.fee_ppm, variant=WEIGHTED)
    return draft, [percent[token.symbol] * _PCT for token in tokens]


def _stable(plan: StablePlan, assets: Mapping[str, Asset]) -> _Draft:
    tokens = in_contract_order(assets[symbol] for symbol in plan.symbols)
    dollars = [plan.depth_usd // len(tokens)] * len(tokens)
    return _Draft(tokens=tokens, dollars=dollars, fee_ppm=plan.fee_ppm, variant=COMPOSABLE_STABLE)


def _names(draft: _Draft) -> tuple[str, str]:
    symbol = "-".join(token.symbol for token in draft.tokens)
    return f"{symbol} pool", symbol


def _addresses(draft: _Draft) -> list[str]:
    return [token.address for token in draft.tokens]


async def _open(
    chain: BuildChain, contracts: Mapping[str, str], draft: _Draft, factory: str, create: bytes
) -> PoolRef:
    """Create the pool and give it its first liquidity."""
    receipt = await chain.send(_DEPLOYER, contracts[factory], create)
    created = "0x" + _CREATED.topic0.hex()
    topics = next(log["topics"] for log in receipt["logs"] if log["topics"][0] == created)
    address = to_checksum_address(topics[1][-40:])
    pool_id = GET_POOL_ID.decode_output(await _ask(chain, address, GET_POOL_ID))[0]
    vault = contracts["BalancerVault"]
    held = GET_POOL_TOKENS.decode_output(await _ask(chain, vault, GET_POOL_TOKENS, pool_id))[0]
    await chain.send(_DEPLOYER, vault, _first_join(draft, pool_id, held))
    return PoolRef(
        protocol=Protocol.BALANCER,
        address=vault,
        token0=draft.tokens[0],
        token1=draft.tokens[1],
        further_tokens=tuple(draft.tokens[2:]),
        fee_ppm=draft.fee_ppm,
        pool_id="0x" + pool_id.hex(),
        variant=draft.variant,
    )


def _first_join(draft: _Draft, pool_id: bytes, held: Sequence[str]) -> bytes:
    """Return the join; a composable pool holds its own share too, of which nothing is paid in."""
    units = {
        token.address.lower(): universe.token(token.symbol).units(dollars)
        for token, dollars in zip(draft.tokens, draft.dollars, strict=True)
    }
    paid = [units.get(address, 0) for address in held]
    instruction = encode(["uint256", "uint256[]"], [_INIT, paid])
    request = (held, [UINT256_MAX] * len(held), instruction, False)
    return JOIN_POOL.encode_call(pool_id, _DEPLOYER, _DEPLOYER, request)


async def _ask(chain: BuildChain, to: str, function: AbiFunction, *values: object) -> bytes:
    call = {"to": to, "data": to_hex(function.encode_call(*values))}
    return from_hex(await chain.rpc.call("eth_call", [call, "latest"]))
