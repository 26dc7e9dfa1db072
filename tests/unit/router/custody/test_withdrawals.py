"""Which withdrawals are accepted, and that nothing is held when one is not."""

import pytest

from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.errors import FailureError, OrderRejected, RouterError, UsageError
from router.domain.ledger import SUSPENSE
from router.domain.settlement import IntentState, TxRequest
from tests.unit.router.settlement.fake_chain import (
    COIN,
    COLD,
    EXECUTOR,
    HOT,
    STRANGER,
    USDC,
    FakeChain,
    FakeTx,
)
from tests.unit.router.settlement.world import (
    CLIENT_USDC,
    HOT_USDC,
    fund,
    open_world,
    require_sound,
)

TEN = Amount(10, USDC)


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "0x123",
        STRANGER.lower(),
        STRANGER.replace("d", "D", 1),
        "0x" + "00" * 20,
        "0x0000000000000000000000000000000000000001",
        "0x000000000000000000000000000000000000dEaD",
        EXECUTOR,
        HOT,
        COLD,
        "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa",
    ],
)
async def test_a_destination_that_cannot_be_meant_is_refused(destination: str) -> None:
    world = await open_world()
    with pytest.raises(UsageError) as refusal:
        await world.custody.withdraw("alice", TEN, destination, "one")
    assert refusal.value.code == "DESTINATION_INVALID"
    assert await world.available() == CLIENT_USDC


async def test_the_same_client_id_is_the_same_withdrawal_even_after_it_was_paid() -> None:
    world = await open_world()
    first = await world.custody.withdraw("alice", TEN, STRANGER, "one")
    await world.settlement.result(first.intent_id)
    assert await world.custody.withdraw("alice", TEN, STRANGER, "one") == first
    assert world.chain.units(USDC, STRANGER) == 10
    with pytest.raises(UsageError) as refusal:
        await world.custody.withdraw("alice", Amount(11, USDC), STRANGER, "one")
    assert refusal.value.code == "IDEMPOTENCY_CONFLICT"


async def test_two_accounts_may_use_the_same_client_id() -> None:
    world = await open_world()
    await fund(world, "bob", "USDC", 100)
    one = await world.custody.withdraw("alice", TEN, STRANGER, "one")
    other = await world.custody.withdraw("bob", TEN, STRANGER, "one")
    assert one.withdrawal_id != other.withdrawal_id


@pytest.mark.parametrize(
    ("account", "units", "client_id", "code"),
    [
        ("alice", 0, "one", "AMOUNT_RANGE"),
        ("alice", 10, "", "ORDER_INVALID"),
        ("alice", 10, "x" * 129, "ORDER_INVALID"),
        ("alice", CLIENT_USDC + 1, "one", "INSUFFICIENT_BALANCE"),
        ("alice", HOT_USDC + 1, "one", "INSUFFICIENT_BALANCE"),
        ("nobody", 10, "one", "INSUFFICIENT_BALANCE"),
    ],
)
async def test_a_withdrawal_that_cannot_be_is_refused_and_nothing_is_held(
    account: str, units: int, client_id: str, code: str
) -> None:
    world = await open_world()
    with pytest.raises(RouterError) as refusal:
        await world.custody.withdraw(account, Amount(units, USDC), STRANGER, client_id)
    assert refusal.value.code == code
    assert await world.available() == CLIENT_USDC
    assert await world.database.read(lambda uow: uow.ledger.holds()) == []


async def test_what_the_hot_wallet_does_not_have_is_refused_before_it_is_held() -> None:
    world = await open_world()
    await fund(world, "alice", "USDC", HOT_USDC)
    with pytest.raises(FailureError) as refusal:
        await world.custody.withdraw("alice", Amount(HOT_USDC + 1, USDC), STRANGER, "one")
    assert refusal.value.code == "HOT_WALLET_LOW"
    assert await world.available() == CLIENT_USDC + HOT_USDC


async def test_a_frozen_signer_accepts_no_withdrawal() -> None:
    world = await open_world()
    await world.database.write(lambda uow: uow.custody.freeze("drill"))
    with pytest.raises(FailureError) as refusal:
        await world.custody.withdraw("alice", TEN, STRANGER, "one")
    assert refusal.value.code == "SIGNER_FROZEN"
    assert await world.available() == CLIENT_USDC


async def test_what_an_accepted_withdrawal_will_take_is_not_promised_to_another() -> None:
    world = await open_world(automine=False)
    await fund(world, "alice", "USDC", HOT_USDC)
    await world.custody.withdraw("alice", Amount(HOT_USDC - 5, USDC), STRANGER, "one")
    with pytest.raises(FailureError) as refusal:
        await world.custody.withdraw("alice", TEN, STRANGER, "two")
    assert refusal.value.code == "HOT_WALLET_LOW"
    await world.custody.withdraw("alice", Amount(5, USDC), STRANGER, "three")


async def test_a_recipient_that_burns_gas_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hungry(_chain: FakeChain, _sender: str, _request: TxRequest) -> int:
        return 29_000_000

    monkeypatch.setattr(FakeChain, "estimate_gas", hungry)
    world = await open_world()
    with pytest.raises(OrderRejected, match="29000000 gas"):
        await world.custody.withdraw("alice", TEN, STRANGER, "one")
    assert await world.available() == CLIENT_USDC


@pytest.mark.parametrize("asset", [COIN, USDC])
async def test_a_recipient_that_sends_tokens_back_cannot_freeze_the_signer(
    asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_world()
    await fund(world, "alice", "ETH", 1_000)
    world.chain.mint(USDC, STRANGER, 3)
    plain = FakeChain._execute

    def boomerang(
        chain: FakeChain, balances: dict[tuple[str, str], int], tx: FakeTx
    ) -> list[tuple[str, str, str, int]] | None:
        moved = plain(chain, balances, tx)
        if moved is None or tx.sender != HOT.lower():
            return moved
        token = USDC.address.lower()
        balances[token, STRANGER.lower()] -= 3
        balances[token, HOT.lower()] += 3
        return [*moved, (token, STRANGER.lower(), HOT.lower(), 3)]

    monkeypatch.setattr(FakeChain, "_execute", boomerang)
    paid = await world.custody.withdraw("alice", Amount(7, asset), STRANGER, "one")
    assert (await world.settlement.result(paid.intent_id)).state is IntentState.SETTLED
    assert await world.database.read(lambda uow: uow.custody.freeze()) is None
    (suspense,) = await world.database.read(lambda uow: uow.ledger.balances(SUSPENSE))
    assert (suspense.asset, suspense.total) == ("USDC", 3)
    await require_sound(world)
