"""Rust against the real V4 pool manager and the real Balancer vault: random swaps, to the wei.

V4's own quoter and Balancer's own query contract answer in batches, over states that move: between
the rounds swaps are executed, and the state that a pool then has must be the quote's `next`.
"""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.chain.deployment import Deployment
from connectors.chain.node import RpcChain
from connectors.chain.rpc import JsonRpc, RpcCall, RpcError, from_hex, to_hex, to_quantity
from connectors.dex.balancer.calls import GIVEN_IN, GIVEN_OUT, QUERY_SWAP, own_funds, single_swap
from connectors.dex.pool_state import ChainPool, Core, MultiCore
from connectors.dex.reader import WholePoolReader
from connectors.dex.uniswap_v4.calls import QUOTE_EXACT_IN, QUOTE_EXACT_OUT, key_of
from router.core import BalancerStablePool, CoreError, PoolQuote, V4Pool
from router.domain.market import Protocol
from tests.differential.onchain_trader import Trader

ROUNDS = 6
QUESTIONS_PER_POOL = 40
EXECUTED_PER_POOL = 2
SHARED = (Protocol.UNISWAP_V4, Protocol.BALANCER)
QUOTE_GAS = 200_000_000
EXECUTED_GAS = 4_000_000
WORDS = 200
REFUSED = "refused by both"


@dataclass(frozen=True)
class Question:
    """A swap of one pool between two of its coins; `amount` is the input or the output."""

    pool: ChainPool
    coins: tuple[int, int]
    exact_in: bool
    amount: int

    @property
    def kind(self) -> str:
        if isinstance(self.pool.core, V4Pool):
            name = "v4"
        else:
            name = "stable" if isinstance(self.pool.core, BalancerStablePool) else "weighted"
        return f"{name} {'in' if self.exact_in else 'out'}"

    def ask_core(self) -> PoolQuote | str:
        """Return the quote, or the code of the refusal."""
        core = self.pool.core
        direction = (self.coins[0] == 0,) if isinstance(core, V4Pool) else self.coins
        quote = core.quote_exact_in if self.exact_in else core.quote_exact_out
        try:
            answer: PoolQuote = quote(*direction, self.amount)
        except CoreError as error:
            return error.code
        return answer

    def ask_chain(self, deployment: Deployment, asker: str) -> RpcCall:
        ref = self.pool.ref
        if isinstance(self.pool.core, V4Pool):
            function = QUOTE_EXACT_IN if self.exact_in else QUOTE_EXACT_OUT
            call_data = function.encode_call((key_of(ref), self.coins[0] == 0, self.amount, b""))
            to = deployment.contracts["V4Quoter"]
        else:
            token_in, token_out = (ref.tokens[coin].address for coin in self.coins)
            kind = GIVEN_IN if self.exact_in else GIVEN_OUT
            swap = single_swap(ref, kind, token_in, token_out, self.amount)
            call_data = QUERY_SWAP.encode_call(swap, own_funds(asker))
            to = deployment.contracts["BalancerQueries"]
        call = {"to": to, "data": to_hex(call_data), "gas": to_quantity(QUOTE_GAS)}
        return "eth_call", [call, "latest"]

    def execution(self, trader: Trader) -> tuple[str, bytes]:
        if isinstance(self.pool.core, V4Pool):
            return trader.swap_v4(
                self.pool.ref, self.coins[0] == 0, self.amount, exact_in=self.exact_in
            )
        return trader.swap_balancer(self.pool.ref, self.coins, self.amount, exact_in=self.exact_in)


def reach(pool: ChainPool, coins: tuple[int, int]) -> tuple[int, int]:
    """Return about (input that drains the pool, output that is there)."""
    if isinstance(pool.core, V4Pool):
        drained = pool.core.quote_exact_in(coins[0] == 0, 2**120)
        return drained.amount_in, drained.amount_out
    return pool.core.balances[coins[0]], pool.core.balances[coins[1]]


def random_question(pool: ChainPool, rng: random.Random) -> Question:
    """Sizes are even in the logarithm from one unit to beyond what the pool has."""
    first, second, *_ = rng.sample(range(len(pool.ref.tokens)), 2)
    coins, exact_in = (first, second), rng.random() < 0.5
    most = reach(pool, coins)[0 if exact_in else 1]
    kind = rng.random()
    if kind < 0.1:
        amount = rng.randint(1, 100)
    elif kind < 0.2:
        amount = most * rng.randint(20, 200) // 100
    else:
        amount = int(most ** rng.uniform(0.3, 1.0)) + rng.randint(0, 9)
    return Question(pool, coins, exact_in, max(1, amount))


def assert_equal(question: Question, outcome: Any) -> str:
    """Compare one answer; return what kind of case it was."""
    ours = question.ask_core()
    if isinstance(outcome, RpcError):
        assert outcome.is_revert, outcome
        # The quoter refuses what the pool would take only a part of.
        ran_dry = isinstance(ours, PoolQuote) and ours.amount_in < question.amount
        assert isinstance(ours, str) or (question.exact_in and ran_dry), question
        return REFUSED
    assert isinstance(ours, PoolQuote), (question, ours)
    answer = int.from_bytes(from_hex(outcome)[:32], "big")
    assert (ours.amount_out if question.exact_in else ours.amount_in) == answer, question
    return question.kind


def values(core: Core) -> tuple[object, ...]:
    if isinstance(core, MultiCore):
        return tuple(core.balances)
    assert isinstance(core, V4Pool)
    return core.sqrt_price_x96, core.tick, core.liquidity, tuple(core.ticks)


async def read_shared(rpc: JsonRpc, deployment: Deployment) -> list[ChainPool]:
    refs = [ref for ref in deployment.pools if ref.protocol in SHARED]
    pools = await WholePoolReader(rpc).read(refs, await RpcChain(rpc).head())
    return [pool for pool in pools if pool is not None]


def executable(pool: ChainPool, rng: random.Random) -> tuple[Question, PoolQuote]:
    """Return a swap that pays out and leaves most of the pool."""
    while True:
        question = random_question(pool, rng)
        quote = question.ask_core()
        within = question.amount < reach(pool, question.coins)[0 if question.exact_in else 1] // 5
        if not within or not isinstance(quote, PoolQuote) or not quote.amount_out:
            continue
        if quote.amount_in and quote.gas < EXECUTED_GAS // 2 and words_walked(pool, quote) < WORDS:
            return question, quote


def words_walked(pool: ChainPool, quote: PoolQuote) -> int:
    """Return over how many words of the tick bitmap the price moves; each costs gas."""
    core, after = pool.core, quote.next
    if not isinstance(core, V4Pool) or not isinstance(after, V4Pool):
        return 0
    return abs(after.tick - core.tick) // (256 * core.tick_spacing)


async def execute_round(trader: Trader, deployment: Deployment, rng: random.Random) -> int:
    """Swap on every pool and check that each then is what its quote said."""
    chosen = [executable(pool, rng) for pool in await read_shared(trader.rpc, deployment)]
    calls = [question.execution(trader) for question, _ in chosen]
    receipts = await trader.send(calls, gas=EXECUTED_GAS)
    pairs = zip(chosen, receipts, strict=True)
    failed = [(q, receipt.gas_used) for (q, _), receipt in pairs if not receipt.status]
    assert not failed, failed
    after = await read_shared(trader.rpc, deployment)
    for (question, quote), pool in zip(chosen, after, strict=True):
        assert values(pool.core) == values(quote.next), question
    return len(chosen)


@pytest.mark.timeout(120)
async def test_random_swaps_of_v4_and_balancer_are_what_the_contracts_say_to_the_wei(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    rng = random.Random(20_241_125)
    trader = Trader(rpc, deployment, deployment.roles["bob"])
    await trader.prepare()
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        pools = await read_shared(rpc, deployment)
        asked = [random_question(p, rng) for p in pools for _ in range(QUESTIONS_PER_POOL)]
        calls = [question.ask_chain(deployment, trader.address) for question in asked]
        outcomes = await rpc.batch_outcomes(calls)
        seen.update(assert_equal(*pair) for pair in zip(asked, outcomes, strict=True))
        for _ in range(EXECUTED_PER_POOL):
            seen["executed"] += await execute_round(trader, deployment, rng)
    print(dict(seen))
    wanted = [f"{kind} {side}" for kind in ("v4", "weighted", "stable") for side in ("in", "out")]
    for kind in (*wanted, "executed", REFUSED):
        assert seen[kind] >= 60, seen
