"""What settlement promises to those who hand it transactions, and when it says no."""

import asyncio
from dataclasses import replace

import pytest

from router.domain.amounts import Amount
from router.domain.errors import FailureError, UsageError
from router.domain.settlement import IntentState, TxRequest
from router.domain.transfers import transfer_request
from router.settlement.config import SettlementConfig
from tests.unit.router.settlement.fake_chain import (
    COIN,
    EXECUTOR,
    GAS_USED,
    GWEI,
    HOT,
    STRANGER,
    USDC,
    WETH,
    FakeSigner,
    sign,
)
from tests.unit.router.settlement.swap_spec import SPEC, holding
from tests.unit.router.settlement.world import (
    CLIENT_USDC,
    ETHER,
    World,
    open_world,
    require_sound,
)

PAYMENT = transfer_request(USDC, STRANGER, 1_000, GAS_USED)


async def withdraw(world: World, client_id: str = "one", units: int = 1_000) -> str:
    made = await world.custody.withdraw("alice", Amount(units, USDC), STRANGER, client_id)
    return made.intent_id


async def freeze_reason(world: World) -> str | None:
    return await world.database.read(lambda uow: uow.custody.freeze())


async def test_a_swap_books_what_was_sold_and_bought_and_returns_the_rest_of_the_hold() -> None:
    world = await open_world()
    world.chain.mint(WETH, EXECUTOR, 5)
    intent = await world.settlement.submit(SPEC, holding(1_500))
    assert await world.available() == CLIENT_USDC - 1_500
    assert (await world.settlement.result(intent.intent_id)).state is IntentState.SETTLED
    assert await world.available() == CLIENT_USDC - 1_000
    assert await world.available(asset="WETH") == 5
    await require_sound(world)


async def test_the_same_spec_again_is_the_same_intent_and_places_no_second_hold() -> None:
    world = await open_world()
    first = await world.settlement.submit(SPEC, holding(1_000))
    again = await world.settlement.submit(
        replace(SPEC, request=replace(SPEC.request, gas_limit=99)), holding(1_000)
    )
    assert again == first
    with pytest.raises(UsageError) as refusal:
        await world.settlement.submit(replace(SPEC, details='{"account":"bob"}'))
    assert refusal.value.code == "IDEMPOTENCY_CONFLICT"


async def test_what_within_raises_leaves_no_trace_not_even_a_nonce() -> None:
    world = await open_world()
    with pytest.raises(FailureError) as refusal:
        await world.settlement.submit(SPEC, holding(CLIENT_USDC + 1))
    assert refusal.value.code == "INSUFFICIENT_BALANCE"
    assert await world.database.read(lambda uow: uow.settlement.intents()) == []
    intent = await world.settlement.submit(SPEC, holding(1))
    assert intent.nonce == 0


async def test_what_the_signer_refuses_takes_no_nonce_and_what_it_tries_is_worthless() -> None:
    world = await open_world()
    world.signer.refuses = True
    with pytest.raises(FailureError) as refusal:
        await world.settlement.submit(SPEC, holding(1))
    assert refusal.value.code == "SIGNER_REFUSED"
    world.signer.refuses = False
    await world.settlement.submit(SPEC, holding(1))
    assert world.signer.signed[0][0] == 2**64 - 1


async def test_intents_of_many_callers_at_once_get_consecutive_nonces() -> None:
    world = await open_world()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(withdraw(world, f"client-{n}", 10 + n)) for n in range(8)]
    assert len({task.result() for task in tasks}) == 8
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(world.settlement.result(task.result()))
    intents = await world.database.read(lambda uow: uow.settlement.intents())
    assert [intent.nonce for intent, _ in intents] == list(range(8))
    await require_sound(world)


@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_are_sent_than_may_be_in_flight(limit: int) -> None:
    world = await open_world(automine=False, max_in_flight=limit)
    for number in range(5):
        await withdraw(world, f"client-{number}")
    await world.settlement.step()
    assert len(world.chain.pool) == limit


async def test_nothing_is_signed_or_sent_while_frozen_and_what_was_sent_is_still_settled() -> None:
    world = await open_world(automine=False, max_in_flight=2)
    first, second = await withdraw(world, "one"), await withdraw(world, "two")
    await world.settlement.step()
    signed = len(world.signer.signed)
    await world.database.write(lambda uow: uow.custody.freeze("drill"))
    world.chain.mine()
    for intent_id in (first, second):
        assert (await world.settlement.result(intent_id)).state is IntentState.SETTLED
    assert len(world.signer.signed) == signed
    with pytest.raises(FailureError) as refusal:
        await withdraw(world, "three")
    assert refusal.value.code == "SIGNER_FROZEN"


async def test_a_reserved_intent_waits_for_the_thaw() -> None:
    world = await open_world()
    intent_id = await withdraw(world)
    await world.database.write(lambda uow: uow.custody.freeze("drill"))
    assert await world.settlement.step() == 1
    assert world.chain.sent == []
    await world.database.write(lambda uow: uow.custody.freeze(thaw=True))
    assert (await world.settlement.result(intent_id)).state is IntentState.SETTLED


async def test_a_lasting_foreign_nonce_freezes_and_keeps_the_hold() -> None:
    world = await open_world()
    intent_id = await withdraw(world)
    _, raw = sign(HOT, transfer_request(USDC, STRANGER, 77, GAS_USED), 0, 10 * GWEI, GWEI)
    await world.chain.send_raw(raw)
    intent = await world.settlement.result(intent_id)
    assert intent.state is IntentState.FOREIGN
    assert "not ours" in (await freeze_reason(world) or "")
    assert await world.available() == CLIENT_USDC - 1_000
    assert world.chain.units(USDC, STRANGER) == 77


async def test_a_nonce_used_while_nothing_was_open_stops_the_next_submit() -> None:
    world = await open_world()
    _, raw = sign(HOT, PAYMENT, 0, 10 * GWEI, GWEI)
    await world.chain.send_raw(raw)
    with pytest.raises(FailureError) as refusal:
        await withdraw(world)
    assert refusal.value.code == "SIGNER_FROZEN"
    assert await freeze_reason(world) is not None
    assert await world.database.read(lambda uow: uow.settlement.intents()) == []


async def test_a_chain_that_forgot_what_was_settled_freezes_at_resume() -> None:
    world = await open_world()
    await world.settlement.result(await withdraw(world))
    world.chain.reorg(1, keep=False)
    world.restart()
    await world.settlement.resume(wait_s=0)
    assert "nonce 0 on chain" in (await freeze_reason(world) or "")


async def test_a_node_of_another_chain_is_refused_at_resume() -> None:
    world = await open_world()
    config: SettlementConfig = replace(world.config, chain_id=1)
    world.config = config
    world.restart()
    with pytest.raises(FailureError) as refusal:
        await world.settlement.resume()
    assert refusal.value.code == "CHAIN_MISMATCH"


async def test_logs_that_say_more_than_the_balances_freeze_instead_of_being_booked() -> None:
    world = await open_world()
    intent_id = await withdraw(world)
    chain, honest = world.chain, type(world.chain).balances

    async def short(self: object, pairs: object, block: int) -> list[int]:
        units = await honest(chain, pairs, block)
        return [u - 1 if block > 0 and block == len(chain.blocks) - 1 else u for u in units]

    type(chain).balances = short
    try:
        await world.settlement.step()
    finally:
        type(chain).balances = honest
    assert "logs say" in (await freeze_reason(world) or "")
    assert await world.available() == CLIENT_USDC - 1_000
    # Once the node tells the truth and an operator has thawed, it settles.
    await world.database.write(lambda uow: uow.custody.freeze(thaw=True))
    assert (await world.settlement.result(intent_id)).state is IntentState.SETTLED
    await require_sound(world)


async def test_a_swap_that_takes_more_than_its_hold_is_not_booked() -> None:
    world = await open_world()
    world.chain.mint(WETH, EXECUTOR, 5)
    await world.settlement.submit(SPEC, holding(999))
    await world.settlement.step()
    assert "EVIDENCE_MISMATCH" in (await freeze_reason(world) or "")


async def test_a_mined_cancellation_returns_the_hold_and_pays_nobody() -> None:
    world = await open_world(automine=False)
    intent_id = await withdraw(world)
    await world.settlement.step()
    await world.settlement.cancel(intent_id)
    world.chain.mine()
    assert (await world.settlement.result(intent_id)).state is IntentState.REVERTED
    assert world.chain.units(USDC, STRANGER) == 0
    assert await world.available() == CLIENT_USDC
    await require_sound(world)


async def test_a_payment_that_was_mined_before_its_cancellation_is_paid() -> None:
    world = await open_world(automine=False)
    intent_id = await withdraw(world)
    await world.settlement.step()
    payment = world.chain.sent[0]
    await world.settlement.cancel(intent_id)
    world.chain.mine_any_ever_sent([*world.chain.known].index(payment))
    assert (await world.settlement.result(intent_id)).state is IntentState.SETTLED
    assert world.chain.units(USDC, STRANGER) == 1_000
    await require_sound(world)
    with pytest.raises(FailureError):
        await world.settlement.cancel(intent_id)


async def test_at_the_fee_cap_the_last_bytes_are_sent_again_and_nothing_is_signed() -> None:
    world = await open_world(automine=False)
    intent_id = await withdraw(world)
    await world.settlement.step()
    world.chain.base_fee_wei = 300 * GWEI
    for _ in range(10):
        world.chain.mine()
        world.clock.ms += 10_000
        await world.settlement.step()
    fees = await attempt_fees(world, intent_id)
    assert max(fees) <= 200 * GWEI
    signed, sent = len(world.signer.signed), len(world.chain.sent)
    world.chain.mine(10)
    world.clock.ms += 10_000
    await world.settlement.step()
    assert world.chain.sent[sent:] == [world.chain.sent[-1]]
    assert len(world.signer.signed) == signed


async def attempt_fees(world: World, intent_id: str) -> list[int]:
    found = await world.database.read(lambda uow: uow.settlement.find(intent_id=intent_id))
    assert found is not None
    return [attempt.max_fee_wei for attempt in found[1]]


async def test_an_unreachable_node_loses_nothing_and_is_tried_again() -> None:
    world = await open_world()
    intent_id = await withdraw(world)
    world.chain.faults.unreachable = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await world.settlement.result(intent_id)
    world.chain.faults.unreachable = False
    assert (await world.settlement.result(intent_id)).state is IntentState.SETTLED
    await require_sound(world)


async def test_a_coin_withdrawal_counts_value_and_gas_apart() -> None:
    world = await open_world()
    world.chain.pay(COIN, "0x90F79bf6EB2c4f870365E785982E1f101E93b906", HOT, 3 * ETHER)
    await world.custody.scan_deposits()
    made = await world.custody.withdraw("alice", Amount(2 * ETHER, COIN), STRANGER, "coin")
    assert (await world.settlement.result(made.intent_id)).state is IntentState.SETTLED
    assert world.chain.units(COIN, STRANGER) == 2 * ETHER
    assert await world.available(asset="ETH") == ETHER
    await require_sound(world)


async def test_what_is_wrong_with_one_intent_does_not_hold_up_the_others() -> None:
    world = await open_world(max_in_flight=2)
    first, second = await withdraw(world, "one"), await withdraw(world, "two")
    chain, honest = world.chain, type(world.chain).balances

    async def pruned(self: object, pairs: object, block: int) -> list[int]:
        if block == 0:
            raise FailureError("RPC_ERROR", "the node does not have the state of this block")
        return await honest(chain, pairs, block)

    type(chain).balances = pruned
    try:
        assert await world.settlement.step() == 1
    finally:
        type(chain).balances = honest
    assert (await world.settlement.result(second)).state is IntentState.SETTLED
    assert (await world.settlement.result(first)).state is IntentState.SETTLED
    await require_sound(world)


async def test_what_the_signer_will_refuse_at_a_higher_fee_takes_no_nonce(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the nonce would be blocked, and all later ones with it, once fees rise."""
    world = await open_world()
    asked = []
    still = FakeSigner.sign_transaction

    def remembering(signer: FakeSigner, request: TxRequest, **fields: int) -> tuple[str, bytes]:
        asked.append(fields["max_fee_wei"])
        return still(signer, request, **fields)

    monkeypatch.setattr(FakeSigner, "sign_transaction", remembering)
    await withdraw(world)
    assert asked == [world.config.fees.cap_wei]
