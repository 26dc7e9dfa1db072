"""Rust against the real contracts on Anvil: random swaps of every pool, equal to the wei.

Quotes come from QuoterV2 and Router02 in batches, over states that move: between the rounds a swap
is executed on every pool and the state that the pool then has must be the quote's `next`.
"""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.chain.deployment import Deployment
from connectors.chain.node import RpcChain
from connectors.chain.rpc import JsonRpc, RpcCall, RpcError, from_hex, to_hex, to_quantity
from connectors.dex.pool_state import ChainPool
from connectors.dex.reader import WholePoolReader
from connectors.dex.uniswap_v2.calls import GET_AMOUNTS_IN, GET_AMOUNTS_OUT
from connectors.dex.uniswap_v3.calls import QUOTE_EXACT_IN, QUOTE_EXACT_OUT
from router.core import CoreError, PoolQuote, V2Pool, V3Pool
from router.domain.market import Protocol
from tests.differential.onchain_trader import Trader

ROUTER_PROTOCOLS = (Protocol.UNISWAP_V2, Protocol.UNISWAP_V3)
ROUNDS = 5
SWAPS_PER_POOL = 26
MIN_COMPARED = 2_000
EXECUTED_GAS = 5_000_000
EXECUTED_WORDS = 200
BATCH = 100
REFUSED = "refused by both"
UNSAID = "refused by the pair"
# A drain of a pool with tick spacing 1 walks through every word of its bitmap, twice in the quoter.
QUOTE_GAS = 400_000_000


@dataclass(frozen=True)
class Swap:
    """A question to both sides: `amount` is the input or the output."""

    pool: ChainPool
    zero_for_one: bool
    exact_in: bool
    amount: int

    def ask_core(self) -> PoolQuote | str:
        """Return the quote, or the code of the refusal."""
        core = self.pool.core
        try:
            if self.exact_in:
                return core.quote_exact_in(self.zero_for_one, self.amount)
            return core.quote_exact_out(self.zero_for_one, self.amount)
        except CoreError as error:
            return error.code

    def ask_chain(self, deployment: Deployment) -> RpcCall:
        ref = self.pool.ref
        pair = [ref.token0.address, ref.token1.address]
        token_in, token_out = pair if self.zero_for_one else reversed(pair)
        if ref.protocol is Protocol.UNISWAP_V2:
            function = GET_AMOUNTS_OUT if self.exact_in else GET_AMOUNTS_IN
            call_data = function.encode_call(self.amount, [token_in, token_out])
            to = deployment.contracts["UniswapV2Router02"]
        else:
            function = QUOTE_EXACT_IN if self.exact_in else QUOTE_EXACT_OUT
            call_data = function.encode_call((token_in, token_out, self.amount, ref.fee_ppm, 0))
            to = deployment.contracts["QuoterV2"]
        call = {"to": to, "data": to_hex(call_data), "gas": to_quantity(QUOTE_GAS)}
        return "eth_call", [call, "latest"]


def reach(pool: ChainPool, zero_for_one: bool) -> tuple[int, int]:
    """Return about (input that drains the pool, output that is there)."""
    if isinstance(pool.core, V2Pool):
        pair = (pool.core.reserve0, pool.core.reserve1)
        return pair if zero_for_one else (pair[1], pair[0])
    drained = pool.core.quote_exact_in(zero_for_one, 2**120)
    return drained.amount_in, drained.amount_out


def random_swap(pool: ChainPool, rng: random.Random) -> Swap:
    """Sizes are even in the logarithm from one unit to beyond what the pool has."""
    zero_for_one, exact_in = rng.random() < 0.5, rng.random() < 0.5
    most = reach(pool, zero_for_one)[0 if exact_in else 1]
    kind = rng.random()
    if kind < 0.1:
        amount = rng.randint(1, 100)
    elif kind < 0.2:
        amount = most + rng.randint(-2, 2)
    elif kind < 0.3:
        amount = most * rng.randint(2, 50)
    else:
        amount = int(most ** rng.uniform(0.3, 1.0)) + rng.randint(0, 9)
    return Swap(pool, zero_for_one, exact_in, max(1, amount))


def chain_answer(swap: Swap, outcome: Any) -> tuple[int, ...] | None:
    """Return the chain's amounts (V2) or amount and price after (V3); None for a revert."""
    if isinstance(outcome, RpcError):
        # The V2 library divides by what would be left: an output of the whole reserve is no revert
        # but an invalid opcode.
        assert outcome.is_revert or "InvalidFEOpcode" in outcome.rpc_message, outcome
        return None
    returned = from_hex(outcome)
    if swap.pool.ref.protocol is Protocol.UNISWAP_V2:
        return tuple(GET_AMOUNTS_OUT.decode_output(returned)[0])
    return QUOTE_EXACT_IN.decode_output(returned)[:2]


def assert_equal(swap: Swap, answer: tuple[int, ...] | None) -> str:
    """Compare one answer; return what kind of case it was."""
    ours = swap.ask_core()
    if isinstance(ours, str):
        return assert_both_refuse(ours, answer)
    assert answer is not None, (swap, "the contract reverts, the core quotes")
    if isinstance(ours.next, V2Pool):
        assert (ours.amount_in, ours.amount_out) == answer, swap
        return "v2"
    assert (ours.amount_out if swap.exact_in else ours.amount_in) == answer[0], swap
    assert ours.next.sqrt_price_x96 == answer[1], swap
    if swap.exact_in and ours.amount_in < swap.amount:
        return "v3 ran dry"
    return "v3 crossing" if ours.ticks_crossed else "v3"


def assert_both_refuse(code: str, answer: tuple[int, ...] | None) -> str:
    """A refusal of the core is a revert of the quoter, or of the swap that the quoter promises."""
    if answer is None:
        assert code == "INSUFFICIENT_LIQUIDITY", code
        return REFUSED
    return UNSAID


async def assert_swaps_revert(trader: Trader, swaps: list[Swap]) -> None:
    """The V2 library only computes: what it quotes and the core refuses, the pair refuses too."""
    calls: list[RpcCall] = []
    for swap in swaps:
        assert swap.pool.ref.protocol is Protocol.UNISWAP_V2, swap
        make = trader.swap_exact_in if swap.exact_in else trader.swap_exact_out
        to, call_data = make(swap.pool.ref, swap.zero_for_one, swap.amount)
        call = {"from": trader.address, "to": to, "data": to_hex(call_data)}
        calls.append(("eth_call", [call, "latest"]))
    for swap, outcome in zip(swaps, await trader.rpc.batch_outcomes(calls), strict=True):
        assert isinstance(outcome, RpcError), (swap, outcome)
        assert outcome.is_revert, (swap, outcome)


async def compare(trader: Trader, swaps: list[Swap]) -> Counter[str]:
    """Ask both sides about every swap; return how many there were of each kind."""
    outcomes: list[Any] = []
    for at in range(0, len(swaps), BATCH):
        calls = [swap.ask_chain(trader.deployment) for swap in swaps[at : at + BATCH]]
        outcomes += await trader.rpc.batch_outcomes(calls)
    kinds = [
        assert_equal(swap, chain_answer(swap, outcome))
        for swap, outcome in zip(swaps, outcomes, strict=True)
    ]
    unsaid = [swap for swap, kind in zip(swaps, kinds, strict=True) if kind == UNSAID]
    await assert_swaps_revert(trader, unsaid)
    return Counter(kinds)


async def read_all(rpc: JsonRpc, deployment: Deployment) -> list[ChainPool]:
    head = await RpcChain(rpc).head()
    refs = [ref for ref in deployment.pools if ref.protocol in ROUTER_PROTOCOLS]
    pools = await WholePoolReader(rpc).read(refs, head)
    return [pool for pool in pools if pool is not None]


def same_state(one: ChainPool, other: V2Pool | V3Pool) -> bool:
    core = one.core
    if isinstance(core, V2Pool):
        assert isinstance(other, V2Pool)
        return (core.reserve0, core.reserve1) == (other.reserve0, other.reserve1)
    assert isinstance(other, V3Pool)
    return (core.sqrt_price_x96, core.tick, core.liquidity, core.ticks) == (
        other.sqrt_price_x96,
        other.tick,
        other.liquidity,
        other.ticks,
    )


def executable_swap(pool: ChainPool, rng: random.Random) -> tuple[Swap, PoolQuote]:
    """Return a swap that pays out, leaves most of the pool, and fits into a block with others."""
    while True:
        swap = random_swap(pool, rng)
        most = reach(pool, swap.zero_for_one)[0 if swap.exact_in else 1]
        quote = swap.ask_core()
        if not isinstance(quote, PoolQuote) or not quote.amount_out or swap.amount > most // 3:
            continue
        if quote.gas < EXECUTED_GAS // 2 and words_walked(pool, quote) < EXECUTED_WORDS:
            return swap, quote


def words_walked(pool: ChainPool, quote: PoolQuote) -> int:
    """Return over how many words of the tick bitmap the price moves; each costs gas."""
    if isinstance(pool.core, V2Pool) or isinstance(quote.next, V2Pool):
        return 0
    return abs(quote.next.tick - pool.core.tick) // (256 * pool.core.tick_spacing)


async def execute_round(
    trader: Trader, deployment: Deployment, pools: list[ChainPool], rng: random.Random
) -> int:
    """Swap on every pool and check that each then is what its quote said."""
    routable = [p for p in pools if p.ref.token0.routable and p.ref.token1.routable]
    chosen = [executable_swap(pool, rng) for pool in routable]
    calls = [
        trader.swap_exact_in(s.pool.ref, s.zero_for_one, s.amount)
        if s.exact_in
        else trader.swap_exact_out(s.pool.ref, s.zero_for_one, s.amount)
        for s, _ in chosen
    ]
    receipts = await trader.send(calls, gas=EXECUTED_GAS)
    failed = [
        (swap, receipt.gas_used)
        for (swap, _), receipt in zip(chosen, receipts, strict=True)
        if not receipt.status
    ]
    assert not failed, failed
    after = {pool.ref.address: pool for pool in await read_all(trader.rpc, deployment)}
    for swap, quote in chosen:
        assert same_state(after[swap.pool.ref.address], quote.next), swap
    return len(chosen)


@pytest.mark.timeout(120)
async def test_random_swaps_are_what_the_contracts_say_to_the_wei(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    rng = random.Random(20_240_607)
    trader = Trader(rpc, deployment, deployment.roles["bob"])
    await trader.prepare()
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        pools = await read_all(rpc, deployment)
        swaps = [random_swap(pool, rng) for pool in pools for _ in range(SWAPS_PER_POOL)]
        seen += await compare(trader, swaps)
        seen["executed"] += await execute_round(trader, deployment, pools, rng)
    print(dict(seen))
    assert seen.total() >= MIN_COMPARED
    for kind in ("v2", "v3", "v3 crossing", "v3 ran dry", REFUSED, "executed"):
        assert seen[kind] >= 30, seen
    assert seen[UNSAID] >= 5, seen
