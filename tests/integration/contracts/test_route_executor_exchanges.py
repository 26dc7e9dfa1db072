"""Legs through a V4 pool manager, Curve pools and the Balancer vault, honest and hostile."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from connectors.chain.deployment import Deployment
from connectors.dex.uniswap_v4.calls import INITIALIZE
from tests.integration.contracts.evm import Deployed, Reverted, load_test_contract
from tests.integration.contracts.market import (
    ALL,
    BALANCER,
    CURVE,
    DEPLOYER,
    PERMIT2,
    STRANGER,
    V3,
    V4,
    Market,
    Plan,
    Step,
)

UNIT = 10**18
PAID = 3 * 10**15
ZERO = "0x" + "00" * 20
MODES = (
    "Honest",
    "AskMore",
    "AskLess",
    "AskTwice",
    "TakeMore",
    "TakeLess",
    "TakeNothing",
    "TakeOtherwise",
    "TakeWithoutPaying",
    "PromiseMore",
    "Reenter",
    "SendAccomplice",
    "CallOtherCallback",
    "SwapOtherTokens",
)
INT128_COINS = (0 | 1 << 8).to_bytes(32, "big")
UINT256_COINS = (0 | 1 << 8 | 1 << 16).to_bytes(32, "big")
SPACING_60 = (60).to_bytes(32, "big")
POOL_ID = b"\x0b" * 32
# Every way through an exchange: the kind of the step and what else names the pool.
WAYS = {
    "v4": (V4, SPACING_60),
    "curve": (CURVE, INT128_COINS),
    "crypto": (CURVE, UINT256_COINS),
    "balancer": (BALANCER, POOL_ID),
}
BY_ALLOWANCE = ("curve", "crypto", "balancer")
MAX_SQRT_PRICE = 1461446703485210103287273052203988822378723970342


def hostile(market: Market, mode: str, token_in: str) -> Deployed:
    arguments = (MODES.index(mode), token_in, market.token("B"), PAID)
    pool = market.evm.deploy(load_test_contract("HostileExchange"), DEPLOYER, *arguments)
    market.tokens["B"].send("transfer", pool.address, UNIT, sender=STRANGER)
    return pool


def plan_through(market: Market, way: str, pool: str, token_in: str, least: int = 1) -> Plan:
    kind, detail = WAYS[way]
    token_out = market.token("B")
    step = Step(kind=kind, pool=pool, token_in=token_in, token_out=token_out, detail=detail)
    return market.plan([step], UNIT, [(token_out, least)])


def allowance(token: Deployed, market: Market, spender: str) -> int:
    return int(token.call("allowance", market.executor.address, spender)[0])


def lying_token(market: Market, mode: int = 0) -> Deployed:
    token = market.evm.deploy(load_test_contract("LyingToken"), DEPLOYER)
    token.send("mint", market.operator, 10 * UNIT)
    token.send("approve", PERMIT2, ALL, sender=market.operator)
    token.send("setMode", mode, market.executor.address)
    return token


@pytest.mark.parametrize("token", ["A", "T"])
@pytest.mark.parametrize("way", WAYS)
def test_an_honest_exchange_gets_the_input_once_and_no_allowance_is_left(
    market: Market, way: str, token: str
) -> None:
    pool = hostile(market, "Honest", market.token(token))
    plan = plan_through(market, way, pool.address, market.token(token))
    assert market.execute(plan)[1] == [PAID]
    assert market.tokens[token].balance_of(pool.address) == UNIT
    assert allowance(market.tokens[token], market, pool.address) == 0


@pytest.mark.parametrize(
    ("way", "mode", "reason"),
    [
        ("v4", "AskMore", f"PoolInputMismatch({{pool}}, {UNIT}, {UNIT + 1})"),
        ("v4", "AskLess", f"PoolInputMismatch({{pool}}, {UNIT}, {UNIT - 1})"),
        ("v4", "AskTwice", f"NotActivePool({{pool}}, {ZERO})"),
        ("v4", "SendAccomplice", "NotActivePool({accomplice}, {pool})"),
        *(
            (way, mode, reason)
            for way in WAYS
            for mode, reason in (
                ("TakeNothing", "StepInputMismatch(0, {token_in}, {stray}, {stray_and_unit})"),
                ("TakeWithoutPaying", "StepOutputZero(0, {token_out})"),
                ("Reenter", "NotOperator({pool})"),
                ("CallOtherCallback", f"NotActivePool({{pool}}, {ZERO})"),
            )
        ),
        *(
            (way, mode, reason)
            for way in BY_ALLOWANCE
            for mode, reason in (
                ("TakeLess", "StepInputMismatch(0, {token_in}, {stray}, {stray_and_one})"),
                ("SendAccomplice", f"NotActivePool({{accomplice}}, {ZERO})"),
            )
        ),
    ],
)
def test_a_hostile_exchange_gets_nothing(market: Market, way: str, mode: str, reason: str) -> None:
    stray = 7 * UNIT
    for token in market.tokens.values():
        token.send("transfer", market.executor.address, stray, sender=STRANGER)
    a = market.token("A")
    pool, accomplice = hostile(market, mode, a), hostile(market, "Honest", a)
    pool.send("setAccomplice", accomplice.address)
    with pytest.raises(Reverted) as caught:
        market.simulate(plan_through(market, way, pool.address, a))
    assert caught.value.reason == reason.format(
        pool=pool.address,
        accomplice=accomplice.address,
        token_in=a,
        token_out=market.token("B"),
        stray=stray,
        stray_and_unit=stray + UNIT,
        stray_and_one=stray + 1,
    )


@pytest.mark.parametrize("way", BY_ALLOWANCE)
def test_an_exchange_cannot_take_more_than_the_input_of_its_step(market: Market, way: str) -> None:
    a = market.tokens["A"]
    a.send("transfer", market.executor.address, 7 * UNIT, sender=STRANGER)
    pool = hostile(market, "TakeMore", a.address)
    with pytest.raises(Reverted, match="0x"):
        market.simulate(plan_through(market, way, pool.address, a.address))


@pytest.mark.parametrize("way", BY_ALLOWANCE)
def test_an_allowance_that_was_not_used_ends_with_its_step(market: Market, way: str) -> None:
    token = lying_token(market)
    pool = hostile(market, "TakeOtherwise", token.address)
    assert market.execute(plan_through(market, way, pool.address, token.address))[1] == [PAID]
    assert allowance(token, market, pool.address) == 0


@pytest.mark.parametrize("way", BY_ALLOWANCE)
def test_a_token_that_refuses_an_approval_stops_the_plan(market: Market, way: str) -> None:
    token = lying_token(market, mode=1)
    pool = hostile(market, "Honest", token.address)
    with pytest.raises(Reverted, match="ApprovalFailed"):
        market.simulate(plan_through(market, way, pool.address, token.address))


@pytest.mark.parametrize("way", WAYS)
def test_the_output_is_what_came_and_not_what_was_promised(market: Market, way: str) -> None:
    a = market.token("A")
    pool = hostile(market, "PromiseMore", a)
    assert market.simulate(plan_through(market, way, pool.address, a, PAID)) == [PAID]
    with pytest.raises(Reverted) as caught:
        market.simulate(plan_through(market, way, pool.address, a, PAID + 1))
    assert caught.value.reason == f"MinOutNotMet({market.token('B')}, {PAID}, {PAID + 1})"


def test_a_manager_that_hands_in_another_pool_is_paid_no_other_token(market: Market) -> None:
    a = market.token("A")
    pool, accomplice = hostile(market, "SwapOtherTokens", a), hostile(market, "Honest", a)
    pool.send("setAccomplice", accomplice.address)
    strays = {name: token.balance_of(pool.address) for name, token in market.tokens.items()}
    assert market.execute(plan_through(market, "v4", pool.address, a))[1] == [PAID]
    changes = {
        name: token.balance_of(pool.address) - strays[name] for name, token in market.tokens.items()
    }
    assert changes == {name: {"A": UNIT, "B": -PAID}.get(name, 0) for name in market.tokens}


def test_a_v3_pool_is_not_paid_by_the_callback_of_v4(market: Market) -> None:
    pool = hostile(market, "Honest", market.token("A"))
    step = Step(kind=V3, pool=pool.address, token_in=market.token("A"), token_out=market.token("B"))
    with pytest.raises(Reverted) as caught:
        market.simulate(market.plan([step], UNIT))
    assert caught.value.reason == f"NotActivePool({pool.address}, {ZERO})"


@pytest.mark.parametrize("sender", ["operator", "stranger"])
def test_nobody_unlocks_anything_when_no_step_runs(market: Market, sender: str) -> None:
    caller = market.operator if sender == "operator" else STRANGER
    with pytest.raises(Reverted) as caught:
        market.executor.call("unlockCallback", b"", sender=caller)
    assert caught.value.reason.lower() == f"NotActivePool({caller}, {ZERO})".lower()


@dataclass(frozen=True)
class V4Market:
    """A pool of A and B in the real manager, at price 1, between ticks -600 and 600."""

    market: Market
    manager: str
    fee_ppm: int = 3000
    spacing: int = 60

    @property
    def tokens(self) -> list[str]:
        return sorted((self.market.token(name) for name in "AB"), key=lambda t: int(t, 16))

    @property
    def key(self) -> tuple[str, str, int, int, str]:
        return (self.tokens[0], self.tokens[1], self.fee_ppm, self.spacing, ZERO)

    def step(self, token_in: str, amount_in: int = ALL) -> Step:
        (token_out,) = set(self.tokens) - {token_in}
        return Step(
            kind=V4,
            pool=self.manager,
            token_in=token_in,
            token_out=token_out,
            fee_ppm=self.fee_ppm,
            amount_in=amount_in,
            detail=self.spacing.to_bytes(32, "big"),
        )

    def swapped_directly(self, token_in: str, amount_in: int) -> int:
        user, evm = self.market.user, self.market.evm
        zero_for_one = token_in == self.tokens[0]
        limit = 4295128740 if zero_for_one else MAX_SQRT_PRICE - 1
        (token_out,) = set(self.tokens) - {token_in}
        with evm.rolled_back():
            before = evm.balance(token_out, user.address)
            user.send("swapV4", self.manager, self.key, zero_for_one, -amount_in, limit)
            return evm.balance(token_out, user.address) - before


@pytest.fixture
def v4(market: Market, deployment: Deployment) -> V4Market:
    made = V4Market(market, deployment.contracts["PoolManager"])
    market.evm.send_bytes(made.manager, INITIALIZE.encode_call(made.key, 2**96), DEPLOYER)
    market.user.send("changeV4", made.manager, made.key, -600, 600, 10**21)
    return made


@pytest.mark.parametrize("amounts", [(1_000,), (UNIT, 5 * UNIT), (10**15 + 1, 7, 3 * UNIT)])
@pytest.mark.parametrize("name", ["A", "B"])
def test_a_step_in_the_real_manager_pays_what_the_pool_itself_pays(
    v4: V4Market, name: str, amounts: Sequence[int]
) -> None:
    token = v4.market.token(name)
    for amount in amounts:
        expected = v4.swapped_directly(token, amount)
        plan = v4.market.plan([v4.step(token)], amount, permit_nonce=amount)
        assert v4.market.execute(plan)[1] == [expected]


def test_a_v4_pool_that_runs_dry_stops_the_plan(v4: V4Market) -> None:
    a = v4.market.token("A")
    with pytest.raises(Reverted, match=rf"(?i)PoolInputMismatch\({v4.manager}, {10**24}, [0-9]+\)"):
        v4.market.simulate(v4.market.plan([v4.step(a)], 10**24))


def test_two_steps_in_one_manager_are_two_unlocks(v4: V4Market) -> None:
    a, b = v4.market.token("A"), v4.market.token("B")
    there = v4.swapped_directly(a, UNIT)
    plan = v4.market.plan([v4.step(a), v4.step(b)], UNIT, [(a, 1)])
    (back,) = v4.market.simulate(plan)
    assert there > 0
    assert UNIT * 994 // 1000 < back < UNIT


@pytest.fixture
def stable(market: Market) -> Deployed:
    """A StableSwap of our own over A (18), B (6) and T (6), which returns nothing."""
    coins = [market.token(name) for name in "ABT"]
    swap = market.evm.deploy(
        load_test_contract("OwnStableSwap"), DEPLOYER, coins, [18, 6, 6], 200, 4_000_000
    )
    for name, decimals in (("A", 18), ("B", 6), ("T", 6)):
        market.tokens[name].send("transfer", swap.address, 10 ** (6 + decimals), sender=STRANGER)
    swap.send("absorb")
    return swap


@pytest.mark.parametrize(("coin_in", "coin_out"), [(0, 1), (1, 2), (2, 0), (2, 1)])
def test_a_curve_leg_pays_what_the_pool_says(
    market: Market, stable: Deployed, coin_in: int, coin_out: int
) -> None:
    names = "ABT"
    token_in, token_out = market.token(names[coin_in]), market.token(names[coin_out])
    for nonce, amount in enumerate((10**7, 12_345 * 10**6, 10**11), start=1):
        amount_in = amount * 10**12 if coin_in == 0 else amount
        (expected,) = stable.call("get_dy", coin_in, coin_out, amount_in)
        step = Step(
            kind=CURVE,
            pool=stable.address,
            token_in=token_in,
            token_out=token_out,
            detail=(coin_in | coin_out << 8).to_bytes(32, "big"),
        )
        plan = market.plan([step], amount_in, [(token_out, expected)], permit_nonce=nonce)
        assert market.execute(plan)[1] == [expected]
        assert allowance(market.tokens[names[coin_in]], market, stable.address) == 0
