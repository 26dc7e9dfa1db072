"""Plans that must not run: wrong caller, wrong signature, broken steps, broken promises."""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from connectors.chain.abi import load_contract
from tests.integration.contracts.evm import Reverted
from tests.integration.contracts.market import (
    DEPLOYER,
    PERMIT2,
    STRANGER,
    V2,
    V4,
    Market,
    Plan,
    Step,
    create_v3,
    sign_plan,
)

UNIT = 10**18
PERMIT2_INVALID_SIGNER = "0x" + keccak(text="InvalidSigner()")[:4].hex()
PERMIT2_INVALID_NONCE = "0x" + keccak(text="InvalidNonce()")[:4].hex()
PERMIT2_BAD_LENGTH = "0x" + keccak(text="InvalidSignatureLength()")[:4].hex()


def good_plan(market: Market) -> Plan:
    pool = market.pools["v3 AB 500"]
    return market.plan([Step.over(pool, market.token("A"))], UNIT)


def refused(market: Market, plan: Plan, **options: str) -> str:
    with pytest.raises(Reverted) as caught:
        market.simulate(plan, **options)
    return caught.value.reason


def test_only_the_operator_may_execute_even_with_a_good_signature(market: Market) -> None:
    plan = good_plan(market)
    assert refused(market, plan, sender=STRANGER) == f"NotOperator({STRANGER})"
    assert market.simulate(plan)[0] > 0


def test_the_callback_pays_nobody_when_no_swap_is_running(market: Market) -> None:
    market.tokens["A"].send("transfer", market.executor.address, UNIT, sender=STRANGER)
    zero = "0x" + "00" * 20
    for caller in (STRANGER, market.operator, market.pools["v3 AB 500"].address):
        with pytest.raises(Reverted) as caught:
            market.executor.call("uniswapV3SwapCallback", UNIT, -1, b"", sender=caller)
        assert caught.value.reason == f"NotActivePool({caller.lower()}, {zero})"


def test_a_plan_past_its_deadline_does_not_run(market: Market) -> None:
    now = market.evm.timestamp()
    plan = replace(good_plan(market), deadline=now - 1)
    assert refused(market, plan).startswith(f"DeadlinePassed({now - 1}, ")


def test_a_plan_without_steps_or_outputs_does_not_run(market: Market) -> None:
    plan = good_plan(market)
    assert refused(market, replace(plan, steps=[])) == "PlanEmpty(0, 1)"
    assert refused(market, replace(plan, outputs=[])) == "PlanEmpty(1, 0)"


def test_one_unit_below_the_minimum_reverts_with_both_numbers(market: Market) -> None:
    plan, b = good_plan(market), market.token("B")
    expected = market.replay(plan)[b]
    tight = replace(plan, outputs=[(b, expected + 1)])
    assert refused(market, tight) == f"MinOutNotMet({b}, {expected}, {expected + 1})"


def test_a_minimum_of_zero_is_no_protection_and_is_refused(market: Market) -> None:
    b = market.token("B")
    assert refused(market, replace(good_plan(market), outputs=[(b, 0)])) == f"MinOutZero({b})"


def test_an_output_listed_twice_is_not_paid_twice(market: Market) -> None:
    b = market.token("B")
    plan = replace(good_plan(market), outputs=[(b, 1), (b, 1)])
    assert refused(market, plan) == f"MinOutNotMet({b}, 0, 1)"


def test_an_output_that_no_step_delivers_is_not_met_by_a_stray_balance(market: Market) -> None:
    b, c = market.token("B"), market.token("C")
    market.tokens["C"].send("transfer", market.executor.address, UNIT, sender=STRANGER)
    plan = replace(good_plan(market), outputs=[(b, 1), (c, 1)])
    assert refused(market, plan) == f"MinOutNotMet({c}, 0, 1)"


def test_input_that_no_step_used_reverts(market: Market) -> None:
    a = market.token("A")
    plan = market.plan([Step.over(market.pools["v2 AB"], a, UNIT - 5)], UNIT)
    assert refused(market, plan) == f"TokenLeftOver({a}, 5)"


def test_an_intermediate_token_that_is_left_reverts(market: Market) -> None:
    a, b = market.token("A"), market.token("B")
    steps = [
        Step.over(market.pools["v2 AB"], a),
        Step.over(market.pools["v2 BT"], b, UNIT // 4),
    ]
    plan = market.plan(steps, UNIT)
    left = market.replay(plan)[b]
    assert left > 0
    assert refused(market, plan) == f"TokenLeftOver({b}, {left})"


def test_a_step_cannot_spend_more_than_the_plan_holds_though_strays_would_cover_it(
    market: Market,
) -> None:
    a, b = market.token("A"), market.token("B")
    for token in market.tokens.values():
        token.send("transfer", market.executor.address, 10 * UNIT, sender=STRANGER)
    too_much = market.plan([Step.over(market.pools["v2 AB"], a, UNIT + 1)], UNIT)
    assert refused(market, too_much) == f"StepInputUnavailable(0, {a}, {UNIT}, {UNIT + 1})"
    never_held = market.plan(
        [Step.over(market.pools["v2 AB"], a), Step.over(market.pools["v2 AT"], market.token("T"))],
        UNIT,
        outputs=[(b, 1)],
    )
    assert refused(market, never_held) == (f"StepInputUnavailable(1, {market.token('T')}, 0, 0)")


def test_a_step_of_zero_reverts(market: Market) -> None:
    a = market.token("A")
    nothing = market.plan([Step.over(market.pools["v2 AB"], a)], 0)
    assert refused(market, nothing) == f"StepInputUnavailable(0, {a}, 0, 0)"
    spent = market.plan(
        [Step.over(market.pools["v2 AB"], a), Step.over(market.pools["v3 AB 500"], a)], UNIT
    )
    assert refused(market, spent) == f"StepInputUnavailable(1, {a}, 0, 0)"


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_a_malformed_step_is_named(market: Market) -> None:
    a, b = market.token("A"), market.token("B")
    plan = good_plan(market)
    cases: list[tuple[dict[str, object], str]] = [
        ({"kind": 5}, "UnknownStepKind(0, 5)"),
        ({"kind": 255}, "UnknownStepKind(0, 255)"),
        ({"pool": STRANGER}, f"NoCode({STRANGER})"),
        ({"token_out": a}, f"SameToken(0, {a})"),
        ({"token_out": STRANGER}, f"NoCode({STRANGER})"),
        ({"kind": V2, "fee_ppm": 10**6}, "FeeOutOfRange(0, 1000000)"),
        ({"kind": V2, "fee_ppm": 2**24 - 1}, "FeeOutOfRange(0, 16777215)"),
        ({"kind": V4, "detail": word(2**15)}, "TickSpacingOutOfRange(0, 32768)"),
        ({"kind": V4, "detail": word(2**24 + 1)}, "TickSpacingOutOfRange(0, 16777217)"),
    ]
    for change, reason in cases:
        step = replace(plan.steps[0], **change)  # type: ignore[arg-type]
        broken = replace(plan, steps=[step], outputs=[(b, 1)])
        assert refused(market, broken) == reason


def test_an_input_token_without_code_is_refused(market: Market) -> None:
    plan = replace(good_plan(market), token_in=STRANGER)
    assert refused(market, plan) == f"NoCode({STRANGER})"


def test_a_v2_fee_below_the_pairs_own_is_refused_by_the_pair(market: Market) -> None:
    plan = market.plan(
        [replace(Step.over(market.pools["v2 AB"], market.token("A")), fee_ppm=2000)], UNIT
    )
    assert refused(market, plan) == "Error(UniswapV2: K)"


def test_a_pool_of_other_tokens_is_never_paid(market: Market) -> None:
    a, b = market.token("A"), market.token("B")
    v3 = replace(Step.over(market.pools["v3 AB 500"], a), pool=market.pools["v3 TC 500"].address)
    v2 = replace(Step.over(market.pools["v2 AB"], a), pool=market.pools["v2 BT"].address)
    for step in (v3, v2):
        assert refused(market, market.plan([step], UNIT, outputs=[(b, 1)]))


def test_a_v3_pool_that_runs_dry_must_not_keep_part_of_the_input(market: Market) -> None:
    a, b = market.token("A"), market.token("B")
    narrow = create_v3(market.evm, market.user, (a, b), 10_000, [(-200, 200, 10**18)])
    plan = market.plan([Step.over(narrow, a)], UNIT)
    reason = refused(market, plan)
    assert reason.startswith(f"PoolInputMismatch({narrow.address}, {UNIT}, ")
    asked = int(reason.removesuffix(")").split(", ")[-1])
    assert 0 < asked < UNIT
    smaller = market.plan([Step.over(narrow, a)], asked // 2)
    assert market.simulate(smaller)[0] > 0


def test_an_empty_v3_pool_is_refused(market: Market) -> None:
    a, b = market.token("A"), market.token("B")
    empty = create_v3(market.evm, market.user, (a, b), 10_000, [])
    assert refused(market, market.plan([Step.over(empty, a)], UNIT)) == (
        f"PoolInputMismatch({empty.address}, {UNIT}, 0)"
    )


def test_an_input_token_with_a_transfer_fee_is_refused(market: Market) -> None:
    f = market.token("F")
    plan = market.plan([Step.over(market.pools["v2 BF"], f)], UNIT)
    assert refused(market, plan) == (f"UnexpectedTransferAmount({f}, {UNIT}, {UNIT * 99 // 100})")


def test_an_output_token_with_a_transfer_fee_is_refused(market: Market) -> None:
    b, f = market.token("B"), market.token("F")
    plan = market.plan([Step.over(market.pools["v2 BF"], b)], UNIT)
    assert refused(market, plan).startswith(f"UnexpectedTransferAmount({f}, ")


def test_an_intermediate_token_with_a_transfer_fee_is_refused(market: Market) -> None:
    b, f = market.token("B"), market.token("F")
    steps = [Step.over(market.pools["v2 BF"], b), Step.over(market.pools["v2 BF"], f)]
    assert refused(market, market.plan(steps, UNIT)) == "Error(UniswapV2: K)"


def test_a_used_permit_nonce_never_pays_again(market: Market) -> None:
    plan = good_plan(market)
    market.execute(plan)
    assert refused(market, plan) == PERMIT2_INVALID_NONCE
    other_plan = replace(plan, plan_id=b"\x08" * 32, amount_in=5)
    assert refused(market, other_plan) == PERMIT2_INVALID_NONCE
    assert market.simulate(replace(plan, permit_nonce=2))[0] > 0


def test_a_signature_of_another_key_is_refused(market: Market) -> None:
    plan = good_plan(market)
    forged = sign_plan(plan, market.executor.address, Account.from_key(b"\x01" * 32))
    with pytest.raises(Reverted, match=PERMIT2_INVALID_SIGNER):
        market.executor.call("execute", plan.abi(), forged)


def test_a_signature_for_another_spender_is_refused(market: Market) -> None:
    plan = good_plan(market)
    elsewhere = sign_plan(plan, STRANGER, market.key)
    with pytest.raises(Reverted, match=PERMIT2_INVALID_SIGNER):
        market.executor.call("execute", plan.abi(), elsewhere)


def test_a_missing_signature_is_refused(market: Market) -> None:
    with pytest.raises(Reverted, match=PERMIT2_BAD_LENGTH):
        market.executor.call("execute", good_plan(market).abi(), b"")


def test_the_signature_binds_every_part_of_the_plan(market: Market) -> None:
    signed = good_plan(market)
    signature = market.sign(signed)
    (step,) = signed.steps
    (output,) = signed.outputs
    changes: list[dict[str, object]] = [
        {"plan_id": b"\x09" * 32},
        {"amount_in": signed.amount_in - 1},
        {"permit_nonce": signed.permit_nonce + 1},
        {"deadline": signed.deadline + 1},
        {"outputs": [(output[0], output[1] + 1)]},
        {"outputs": [output, (market.token("C"), 1)]},
        {"steps": [replace(step, amount_in=signed.amount_in)]},
        {"steps": [replace(step, fee_ppm=0)]},
        {"steps": [replace(step, kind=V2)]},
        {"steps": [replace(step, pool=market.pools["v3 AB 3000"].address)]},
        {"steps": [step, step]},
    ]
    for change in changes:
        changed = replace(signed, **change)  # type: ignore[arg-type]
        with pytest.raises(Reverted, match=PERMIT2_INVALID_SIGNER):
            market.executor.call("execute", changed.abi(), signature)


def test_an_operator_without_the_permit2_approval_pays_nothing(market: Market) -> None:
    market.tokens["A"].send("approve", PERMIT2, 0, sender=market.operator)
    assert refused(market, good_plan(market)) == "Error(TRANSFER_FROM_FAILED)"


def test_more_than_the_operator_has_reverts(market: Market) -> None:
    balance = market.tokens["A"].balance_of(market.operator)
    plan = replace(good_plan(market), amount_in=balance + 1)
    assert refused(market, plan) == "Error(TRANSFER_FROM_FAILED)"


def test_the_executor_takes_no_coins(market: Market) -> None:
    request = {"from": STRANGER, "to": market.executor.address, "value": "0x1"}
    with pytest.raises(AssertionError, match="revert"):
        market.evm.rpc("eth_call", request, "latest")


def test_a_deployment_without_operator_or_permit2_fails(market: Market) -> None:
    contract, zero = load_contract("RouteExecutor"), "0x" + "00" * 20
    with pytest.raises(Reverted, match="NotOperator"):
        market.evm.deploy(contract, DEPLOYER, zero, PERMIT2)
    with pytest.raises(Reverted, match="NoCode"):
        market.evm.deploy(contract, DEPLOYER, market.operator, STRANGER)
