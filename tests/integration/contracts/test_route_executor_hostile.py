"""Pools, tokens, operators and strangers that try to take what is not theirs."""

import pytest

from connectors.chain.abi import load_contract
from tests.integration.contracts.evm import Deployed, Reverted, load_test_contract
from tests.integration.contracts.market import (
    ALL,
    DEPLOYER,
    PERMIT2,
    STRANGER,
    V2,
    V3,
    Market,
    Plan,
    Step,
)

UNIT = 10**18
PAID = 3 * 10**15
POOL_MODES = (
    "Honest",
    "AskMore",
    "AskLess",
    "AskNothing",
    "AskForOutput",
    "AskTwice",
    "TakeWithoutPaying",
    "SkipCallback",
    "Reenter",
    "SendAccomplice",
    "CallBackLate",
)
TOKEN_MODES = (
    "Honest",
    "ReturnFalse",
    "ReturnFalseButMove",
    "ReturnTwo",
    "ReturnShort",
    "MoveNothing",
    "ChargeSenderMore",
    "Revert",
    "RevertWithNothing",
    "RevertWithTrue",
)
ZERO = "0x" + "00" * 20


def hostile_pool(market: Market, mode: str) -> Deployed:
    contract = load_test_contract("HostilePool")
    arguments = (POOL_MODES.index(mode), market.token("B"), PAID)
    pool = market.evm.deploy(contract, DEPLOYER, *arguments)
    market.tokens["B"].send("transfer", pool.address, UNIT, sender=STRANGER)
    return pool


def hostile_plan(market: Market, pool: str, kind: int, token_in: str = "A") -> Plan:
    step = Step(kind=kind, pool=pool, token_in=market.token(token_in), token_out=market.token("B"))
    return market.plan([step], UNIT)


def stray_tokens_everywhere(market: Market, amount: int) -> None:
    for token in market.tokens.values():
        token.send("transfer", market.executor.address, amount, sender=STRANGER)


@pytest.mark.parametrize("kind", [V2, V3])
def test_an_honest_foreign_pool_works(market: Market, kind: int) -> None:
    pool = hostile_pool(market, "Honest")
    assert market.execute(hostile_plan(market, pool.address, kind))[1] == [PAID]
    assert market.tokens["A"].balance_of(pool.address) == UNIT


@pytest.mark.parametrize("token_in", ["A", "T"])
@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("AskMore", f"PoolInputMismatch({{pool}}, {UNIT}, {UNIT + 1})"),
        ("AskLess", f"PoolInputMismatch({{pool}}, {UNIT}, {UNIT - 1})"),
        ("AskNothing", f"PoolInputMismatch({{pool}}, {UNIT}, 0)"),
        ("AskForOutput", f"PoolInputMismatch({{pool}}, {UNIT}, {PAID})"),
        ("AskTwice", f"NotActivePool({{pool}}, {ZERO})"),
        ("TakeWithoutPaying", "StepOutputZero(0, {token_out})"),
        ("SkipCallback", "StepInputMismatch(0, {token_in}, {stray}, {stray_and_unit})"),
        ("Reenter", "NotOperator({pool})"),
        ("SendAccomplice", "NotActivePool({accomplice}, {pool})"),
    ],
)
def test_a_hostile_v3_pool_gets_nothing(
    market: Market, mode: str, reason: str, token_in: str
) -> None:
    stray = 7 * UNIT
    stray_tokens_everywhere(market, stray)
    pool, accomplice = hostile_pool(market, mode), hostile_pool(market, "Honest")
    pool.send("setAccomplice", accomplice.address)
    with pytest.raises(Reverted) as caught:
        market.simulate(hostile_plan(market, pool.address, V3, token_in))
    assert caught.value.reason == reason.format(
        pool=pool.address,
        accomplice=accomplice.address,
        token_in=market.token(token_in),
        token_out=market.token("B"),
        stray=stray,
        stray_and_unit=stray + UNIT,
    )


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("TakeWithoutPaying", "StepOutputZero(0, {token_out})"),
        ("Reenter", "NotOperator({pool})"),
    ],
)
def test_a_hostile_v2_pair_gets_nothing(market: Market, mode: str, reason: str) -> None:
    pool = hostile_pool(market, mode)
    with pytest.raises(Reverted) as caught:
        market.simulate(hostile_plan(market, pool.address, V2))
    assert caught.value.reason == reason.format(pool=pool.address, token_out=market.token("B"))


def test_a_v3_pool_that_took_its_input_otherwise_cannot_call_back_later(market: Market) -> None:
    token, pool = lying_token(market, "Honest"), hostile_pool(market, "CallBackLate")
    pool.send("setLyingToken", token.address)
    b, c = market.token("B"), market.token("C")
    stray_tokens_everywhere(market, 10 * UNIT)
    first = Step(kind=V3, pool=pool.address, token_in=token.address, token_out=b)
    second = Step(kind=V2, pool=pool.address, token_in=b, token_out=c)
    assert market.simulate(market.plan([first], UNIT)) == [PAID]
    with pytest.raises(Reverted) as caught:
        market.simulate(market.plan([first, second], UNIT))
    assert caught.value.reason == f"NotActivePool({pool.address}, {ZERO})"


def operator_contract(market: Market) -> Deployed:
    operator = market.evm.deploy(load_test_contract("ReenteringOperator"), DEPLOYER, PERMIT2)
    a = market.tokens["A"]
    a.send("transfer", operator.address, 2 * UNIT, sender=STRANGER)
    approve = a.contract.functions["approve"].encode_call(PERMIT2, ALL)
    operator.send("call", a.address, approve)
    return operator


def test_an_operator_that_reenters_is_stopped_by_the_guard(market: Market) -> None:
    operator = operator_contract(market)
    a, b = market.token("A"), market.token("B")
    inner = market.plan([Step.over(market.pools["v2 AB"], a)], 0)
    operator.send("setInnerPlan", inner.abi())
    step = Step(kind=V3, pool=operator.address, token_in=a, token_out=b)

    with pytest.raises(Reverted) as caught:
        operator.call("run", [market.plan([step], UNIT).abi()])
    executor = load_contract("RouteExecutor")
    error = executor.decode_error(bytes.fromhex(caught.value.reason[2:]))
    assert str(error) == "Reentered()"


def test_an_operator_contract_may_run_one_plan_after_another(market: Market) -> None:
    operator, pool, a = operator_contract(market), market.pools["v2 AB"], market.token("A")
    plans = [market.plan([Step.over(pool, a)], UNIT, permit_nonce=nonce).abi() for nonce in (1, 2)]
    both = market.plan([Step.over(pool, a, UNIT), Step.over(pool, a)], 2 * UNIT)
    expected = market.replay(both)[market.token("B")]
    operator.send("run", plans)
    assert market.tokens["B"].balance_of(operator.address) == expected


def lying_token(market: Market, mode: str) -> Deployed:
    token = market.evm.deploy(load_test_contract("LyingToken"), DEPLOYER)
    for account in (market.operator, market.executor.address, STRANGER):
        token.send("mint", account, 10 * UNIT)
    token.send("approve", PERMIT2, ALL, sender=market.operator)
    token.send("setMode", TOKEN_MODES.index(mode), market.executor.address)
    return token


@pytest.mark.parametrize("kind", [V2, V3])
@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("ReturnFalse", "TransferFailed"),
        ("ReturnFalseButMove", "TransferFailed"),
        ("ReturnTwo", "TransferFailed"),
        ("ReturnShort", "TransferFailed"),
        ("Revert", "TransferFailed"),
        ("RevertWithNothing", "TransferFailed"),
        ("RevertWithTrue", "TransferFailed"),
        ("MoveNothing", "StepInputMismatch"),
        ("ChargeSenderMore", "StepInputMismatch"),
    ],
)
def test_a_lying_input_token_stops_the_plan(
    market: Market, mode: str, reason: str, kind: int
) -> None:
    token, pool = lying_token(market, mode), hostile_pool(market, "Honest")
    step = Step(kind=kind, pool=pool.address, token_in=token.address, token_out=market.token("B"))
    with pytest.raises(Reverted, match=rf"^{reason}\("):
        market.simulate(market.plan([step], UNIT))
    token.send("setMode", 0, market.executor.address)
    assert market.simulate(market.plan([step], UNIT)) == [PAID]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("ReturnFalse", "TransferFailed"),
        ("ReturnFalseButMove", "TransferFailed"),
        ("ReturnTwo", "TransferFailed"),
        ("ReturnShort", "TransferFailed"),
        ("Revert", "TransferFailed"),
        ("RevertWithNothing", "TransferFailed"),
        ("RevertWithTrue", "TransferFailed"),
        ("MoveNothing", "UnexpectedTransferAmount"),
    ],
)
def test_a_lying_output_token_stops_the_plan(market: Market, mode: str, reason: str) -> None:
    token = lying_token(market, mode)
    contract = load_test_contract("HostilePool")
    pool = market.evm.deploy(contract, DEPLOYER, 0, token.address, PAID)
    token.send("transfer", pool.address, UNIT, sender=STRANGER)
    step = Step(kind=V3, pool=pool.address, token_in=market.token("A"), token_out=token.address)
    with pytest.raises(Reverted, match=rf"^{reason}\("):
        market.simulate(market.plan([step], UNIT))


def test_the_reason_of_a_refused_transfer_is_kept(market: Market) -> None:
    token, pool = lying_token(market, "Revert"), hostile_pool(market, "Honest")
    step = Step(kind=V3, pool=pool.address, token_in=token.address, token_out=market.token("B"))
    with pytest.raises(Reverted, match="TransferFailed") as caught:
        market.simulate(market.plan([step], UNIT))
    errors = token.contract.errors.values()
    refused = next(error for error in errors if error.name == "TransferRefused")
    assert repr(refused.selector)[2:-1] in caught.value.reason


def test_a_transfer_of_an_address_without_code_fails(market: Market) -> None:
    pair = market.pools["v2 AB"].address
    with pytest.raises(Reverted, match=rf"TransferFailed\({STRANGER}, {pair}, 5, b''\)"):
        market.user.call("addV2", pair, STRANGER, STRANGER, 5, 5)


def test_an_amount_that_would_turn_into_an_exact_output_is_refused(market: Market) -> None:
    token, pool = lying_token(market, "Honest"), hostile_pool(market, "Honest")
    token.send("mint", market.operator, 2**255)
    step = Step(kind=V3, pool=pool.address, token_in=token.address, token_out=market.token("B"))
    assert market.simulate(market.plan([step], 2**255 - 1)) == [PAID]
    with pytest.raises(Reverted, match="StepInputUnavailable"):
        market.simulate(market.plan([step], 2**255))


@pytest.mark.parametrize("amount", [1, 10**30 // 2])
def test_a_strangers_donation_neither_blocks_nor_changes_a_plan(
    market: Market, amount: int
) -> None:
    a, b, t = (market.token(name) for name in "ABT")
    steps = [
        Step.over(market.pools["v3 AB 500"], a, UNIT),
        Step.over(market.pools["v3 AT 3000"], a, ALL),
        Step.over(market.pools["v2 BT"], b, ALL),
    ]
    plan = market.plan(steps, 3 * UNIT)
    expected = market.replay(plan)[t]

    stray_tokens_everywhere(market, amount)
    strays = market.executor_balances()
    _, amounts_out = market.execute(plan)

    assert amounts_out == [expected]
    assert market.executor_balances() == strays
