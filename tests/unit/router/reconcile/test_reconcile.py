"""What reconciliation reports, and what makes it freeze the signer."""

import pytest
from eth_utils.crypto import keccak

from router.domain.amounts import UINT256_MAX, Amount
from router.domain.custody import BreakClass, HoldNeed, ReconcileReport
from router.domain.errors import FailureError
from router.domain.ledger import HOUSE_CAPITAL, user_account
from router.domain.settlement import IntentState
from router.domain.transfers import (
    APPROVAL_TOPIC,
    PERMIT2_APPROVAL_TOPIC,
    PERMIT2_PERMIT_TOPIC,
    permit_allowance_call,
    transfer_request,
)
from router.ledger import place_hold
from router.reconcile import HoldNeeds, ReconcileConfig, Reconciler
from tests.unit.router.settlement.fake_chain import (
    ALICE,
    CHAIN_ID,
    COIN,
    COLD,
    EXECUTOR,
    GAS_USED,
    GWEI,
    HOT,
    STRANGER,
    USDC,
    FakeChain,
    sign,
)
from tests.unit.router.settlement.world import ETHER, World, open_world, require_sound

PERMIT2 = "0x" + "22" * 20
HOUR_S = 3_600


def reconciler(world: World, needs: HoldNeeds | None = None) -> Reconciler:
    return Reconciler(
        database=world.database,
        chain=world.chain,
        audit=world.chain,
        approvals=world.chain,
        clock=world.clock,
        config=ReconcileConfig(
            chain_id=CHAIN_ID,
            hot=HOT,
            cold=COLD,
            assets=world.custody_config.assets,
            coin=COIN,
            known_senders=frozenset({ALICE}),
            allowance_limits={EXECUTOR: 0, PERMIT2: UINT256_MAX},
        ),
        hold_needs=needs,
    )


def classes(report: ReconcileReport) -> list[tuple[BreakClass, str]]:
    return [(found.break_class, found.asset) for found in report.breaks]


async def steal(world: World, units: int) -> str:
    """Send with the hot key, behind the program's back."""
    return world.chain.pay(USDC, HOT, STRANGER, units)


async def test_untouched_books_are_clean_and_count_each_wallet_and_asset() -> None:
    world = await open_world()
    report = await reconciler(world).run()
    assert report.breaks == ()
    assert report.checked == 2 * len(world.custody_config.assets)
    assert not report.frozen


async def test_a_settled_withdrawal_is_clean() -> None:
    world = await open_world()
    paid = await world.custody.withdraw("alice", Amount(7, USDC), STRANGER, "one")
    await world.settlement.result(paid.intent_id)
    assert (await reconciler(world).run()).breaks == ()


async def test_our_own_transaction_in_flight_is_no_break_before_nor_after_it_is_mined() -> None:
    world = await open_world(automine=False, confirmations=3)
    await world.custody.withdraw("alice", Amount(7, USDC), STRANGER, "one")
    await world.settlement.step()
    assert (await reconciler(world).run()).breaks == ()
    world.chain.mine()
    await world.settlement.step()
    assert world.chain.units(USDC, STRANGER) == 7
    assert (await reconciler(world).run()).breaks == ()


async def test_a_transfer_with_the_hot_key_behind_our_back_is_named_and_freezes() -> None:
    world = await open_world()
    theft = await steal(world, 1_000)
    report = await reconciler(world).run()
    assert report.frozen
    assert (BreakClass.UNKNOWN_OUTFLOW, "USDC") in classes(report)
    assert (BreakClass.UNKNOWN_OUTFLOW, "ETH") in classes(report)  # The gas.
    assert (BreakClass.NONCE_MISMATCH, "") in classes(report)
    assert all(theft in found.detail for found in report.breaks)
    outflow = next(found for found in report.breaks if found.asset == "USDC")
    assert outflow.difference_units == -1_000
    with pytest.raises(FailureError, match="frozen"):
        await world.custody.withdraw("alice", Amount(7, USDC), STRANGER, "after")


@pytest.mark.parametrize("scan", [False, True])
async def test_a_theft_that_somebody_puts_back_is_still_an_outflow(scan: bool) -> None:
    world = await open_world()
    await steal(world, 1_000)
    world.chain.pay(USDC, STRANGER, HOT, 1_000)
    if scan:
        await world.custody.scan_deposits()
    report = await reconciler(world).run()
    assert (BreakClass.UNKNOWN_OUTFLOW, "USDC") in classes(report)
    assert report.frozen


async def test_a_use_of_the_key_that_moves_nothing_is_met_by_nonce_and_gas() -> None:
    world = await open_world()
    empty = transfer_request(USDC, STRANGER, 10**30, GAS_USED)  # Reverts: more than there is.
    tx_hash, raw = sign(HOT, empty, 0, 10 * GWEI, GWEI)
    await world.chain.send_raw(raw)
    assert await world.chain.receipt(tx_hash) is not None
    report = await reconciler(world).run()
    assert classes(report) == [
        (BreakClass.UNKNOWN_OUTFLOW, "ETH"),
        (BreakClass.NONCE_MISMATCH, ""),
    ]
    assert report.frozen


async def test_an_unscanned_deposit_is_missing_and_a_scanned_one_is_not() -> None:
    world = await open_world()
    world.chain.mint(USDC, ALICE, 500)
    deposit = world.chain.pay(USDC, ALICE, HOT, 500)
    report = await reconciler(world).run()
    assert classes(report) == [(BreakClass.MISSING_DEPOSIT, "USDC")]
    assert deposit in report.breaks[0].detail
    assert not report.frozen
    await world.custody.scan_deposits()
    assert (await reconciler(world).run()).breaks == ()


async def test_a_deposit_that_waits_for_confirmations_is_no_break() -> None:
    world = await open_world(confirmations=3)
    world.chain.mint(USDC, ALICE, 500)
    world.chain.pay(USDC, ALICE, HOT, 500)
    await world.custody.scan_deposits()
    assert (await reconciler(world).run()).breaks == ()


async def test_money_from_a_stranger_is_reported_and_does_not_freeze() -> None:
    world = await open_world()
    world.chain.mint(USDC, STRANGER, 500)
    world.chain.pay(USDC, STRANGER, COLD, 500)
    report = await reconciler(world).run()
    assert classes(report) == [(BreakClass.UNKNOWN_INFLOW, "USDC")]
    assert not report.frozen


@pytest.mark.parametrize("scan", [False, True])
async def test_a_refill_from_cold_never_freezes_though_cold_paid_gas(scan: bool) -> None:
    world = await open_world(confirmations=2)
    world.chain.pay(COIN, COLD, HOT, ETHER)
    if scan:
        await world.custody.scan_deposits()
    report = await reconciler(world).run()
    assert not report.frozen
    expected = [] if scan else [(BreakClass.MISSING_DEPOSIT, "ETH")]
    assert classes(report) == expected
    world.chain.mine()
    await world.custody.scan_deposits()
    assert (await reconciler(world).run()).breaks == ()


async def test_an_outflow_from_cold_that_is_no_refill_freezes() -> None:
    world = await open_world()
    world.chain.pay(COIN, COLD, STRANGER, ETHER)
    report = await reconciler(world).run()
    assert classes(report) == [(BreakClass.UNKNOWN_OUTFLOW, "ETH")]
    assert report.breaks[0].address == COLD
    assert report.frozen


async def test_an_allowance_that_nobody_should_have_is_reported() -> None:
    world = await open_world()
    owner, spender = (address[2:].lower().rjust(64, "0") for address in (HOT, EXECUTOR))
    world.chain.allowances[USDC.address.lower(), owner + spender] = 5
    report = await reconciler(world).run()
    assert classes(report) == [(BreakClass.ALLOWANCE_DRIFT, "USDC")]


def words(*addresses: str) -> str:
    return "".join(address[2:].lower().rjust(64, "0") for address in addresses)


async def test_an_approval_of_a_stranger_is_reported_until_it_is_revoked() -> None:
    """A signed permit needs no transaction of the hot wallet: neither nonce nor gas shows it."""
    world = await open_world()
    world.chain.approve(USDC.address, APPROVAL_TOPIC, HOT, STRANGER)
    world.chain.allowances[USDC.address.lower(), words(HOT, STRANGER)] = 5
    for _ in range(2):
        report = await reconciler(world).run()
        assert classes(report) == [(BreakClass.ALLOWANCE_DRIFT, "USDC")]
        assert STRANGER.lower() in report.breaks[0].detail
        world.chain.mine()
    world.chain.allowances.clear()
    assert (await reconciler(world).run()).breaks == ()


@pytest.mark.parametrize("topic", [PERMIT2_APPROVAL_TOPIC, PERMIT2_PERMIT_TOPIC])
async def test_an_allowance_by_the_permit_contract_is_reported_until_it_expires(topic: str) -> None:
    world = await open_world()
    world.chain.approve(PERMIT2, topic, HOT, USDC.address, STRANGER)
    until_s = world.chain.blocks[-1].ref.timestamp_s + HOUR_S
    told = (5 << 512) + (until_s << 256)
    world.chain.allowances[PERMIT2, words(HOT, USDC.address, STRANGER)] = told
    assert classes(await reconciler(world).run()) == [(BreakClass.ALLOWANCE_DRIFT, "USDC")]
    world.chain.mine(HOUR_S // 12 + 1)
    assert (await reconciler(world).run()).breaks == ()


async def test_approvals_that_are_ours_or_of_worthless_contracts_are_no_drift() -> None:
    world = await open_world()
    world.chain.approve(USDC.address, APPROVAL_TOPIC, HOT, PERMIT2)
    world.chain.allowances[USDC.address.lower(), words(HOT, PERMIT2)] = UINT256_MAX
    for contract, topics in (
        ("0x" + "66" * 20, (APPROVAL_TOPIC, HOT, STRANGER)),
        ("0x" + "66" * 20, (PERMIT2_PERMIT_TOPIC, HOT, USDC.address, STRANGER)),
        (USDC.address, (APPROVAL_TOPIC, ALICE, STRANGER)),
    ):
        world.chain.approve(contract, *topics)
    assert (await reconciler(world).run()).breaks == ()


def test_the_topics_are_those_of_the_events() -> None:
    grants = {
        APPROVAL_TOPIC: "Approval(address,address,uint256)",
        PERMIT2_APPROVAL_TOPIC: "Approval(address,address,address,uint160,uint48)",
        PERMIT2_PERMIT_TOPIC: "Permit(address,address,address,uint160,uint48,uint48)",
    }
    assert {"0x" + keccak(text=event).hex(): event for event in grants.values()} == grants
    asked = permit_allowance_call(HOT, USDC.address, STRANGER)
    assert asked[:4] == keccak(text="allowance(address,address,address)")[:4]


async def test_open_orders_and_holds_have_to_match_one_to_one() -> None:
    world = await open_world()
    account = user_account("alice")
    for hold_id in ("used", "lost"):
        await world.database.write(
            lambda uow, h=hold_id: place_hold(uow.ledger, h, account, "USDC", 10, "order")
        )
    needs = [
        HoldNeed(hold_id="used", account=account, asset="USDC", units=10),
        HoldNeed(hold_id="gone", account=account, asset="USDC", units=3),
    ]
    report = await reconciler(world, lambda _uow: needs).run()
    assert classes(report) == [(BreakClass.BOOK_HOLD_MISMATCH, "USDC")] * 2
    assert "gone" in report.breaks[0].detail
    assert "lost" in report.breaks[1].detail
    matched = await reconciler(world, lambda _uow: needs[:1]).run()
    assert classes(matched) == [(BreakClass.BOOK_HOLD_MISMATCH, "USDC")]


async def test_only_a_clean_run_moves_the_block_from_which_causes_are_looked_for() -> None:
    world = await open_world()
    world.chain.mine(3)
    await reconciler(world).run()
    cursor = await world.database.read(lambda uow: uow.custody.cursor(CHAIN_ID, "clean"))
    assert cursor is not None
    assert cursor.number == 3
    await steal(world, 1)
    await reconciler(world).run()
    assert await world.database.read(lambda uow: uow.custody.cursor(CHAIN_ID, "clean")) == cursor


async def test_a_chain_that_never_stands_still_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await open_world()
    still = FakeChain.nonce

    async def restless(chain: FakeChain, address: str, block: int | None = None) -> int:
        chain.mine()
        return await still(chain, address, block)

    monkeypatch.setattr(FakeChain, "nonce", restless)
    with pytest.raises(FailureError) as refusal:
        await reconciler(world).run()
    assert refusal.value.code == "CHAIN_UNSTEADY"


async def test_a_closed_incident_books_the_loss_and_lets_the_program_go_on() -> None:
    world = await open_world()
    waiting = await world.custody.withdraw("alice", Amount(7, USDC), STRANGER, "one")
    _, raw = sign(HOT, transfer_request(USDC, STRANGER, 1_000, GAS_USED), 0, 10 * GWEI, GWEI)
    await world.chain.send_raw(raw)
    assert (await world.settlement.result(waiting.intent_id)).state is IntentState.FOREIGN
    report = await reconciler(world).run()
    with pytest.raises(FailureError, match="abandoned first"):
        await world.custody.close_incident(report, "drill")
    assert (await world.settlement.abandon(waiting.intent_id)).state is IntentState.REVERTED
    report = await reconciler(world).run()

    posted = await world.custody.close_incident(report, "drill")

    assert posted is not None
    assert {entry.account for entry in posted.journal.entries} >= {HOUSE_CAPITAL}
    assert await world.custody.close_incident(report, "drill") == posted
    clean = await reconciler(world).run()
    assert clean.breaks == ()
    assert not clean.frozen
    paid = await world.custody.withdraw("alice", Amount(7, USDC), STRANGER, "two")
    assert (await world.settlement.result(paid.intent_id)).state is IntentState.SETTLED
    assert (await reconciler(world).run()).breaks == ()
    await require_sound(world)


async def test_money_that_arrived_after_the_scan_is_not_accepted_and_then_booked_twice() -> None:
    world = await open_world()
    world.chain.mint(USDC, STRANGER, 500)
    world.chain.pay(USDC, STRANGER, HOT, 500)
    report = await reconciler(world).run()
    assert classes(report) == [(BreakClass.UNKNOWN_INFLOW, "USDC")]
    with pytest.raises(FailureError) as refusal:
        await world.custody.close_incident(report, "drill")
    assert refusal.value.code == "INCIDENT_OPEN"
    await world.custody.scan_deposits()
    assert (await reconciler(world).run()).breaks == ()


async def test_only_flows_can_be_accepted() -> None:
    world = await open_world()
    world.chain.approve(USDC.address, APPROVAL_TOPIC, HOT, STRANGER)
    world.chain.allowances[USDC.address.lower(), words(HOT, STRANGER)] = 5
    report = await reconciler(world).run()
    with pytest.raises(FailureError, match="allowance_drift"):
        await world.custody.close_incident(report, "drill")


async def test_a_nonce_that_may_still_be_ours_is_not_abandoned() -> None:
    world = await open_world(confirmations=2)
    waiting = await world.custody.withdraw("alice", Amount(7, USDC), STRANGER, "one")
    _, raw = sign(HOT, transfer_request(USDC, STRANGER, 1_000, GAS_USED), 0, 10 * GWEI, GWEI)
    await world.chain.send_raw(raw)
    await world.settlement.result(waiting.intent_id)
    with pytest.raises(FailureError, match="may still be paid"):
        await world.settlement.abandon(waiting.intent_id)
    world.chain.mine()
    assert (await world.settlement.abandon(waiting.intent_id)).state is IntentState.REVERTED
