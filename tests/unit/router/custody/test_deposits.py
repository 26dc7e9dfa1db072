"""Deposits: credited once, by what arrived, after enough blocks, and taken back with the chain."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from router.custody.crediting import Crediting
from router.domain.amounts import Amount
from router.domain.custody import DepositState
from router.domain.errors import FailureError
from router.domain.ledger import HOUSE_CAPITAL, SUSPENSE
from router.domain.market import BlockRef
from router.domain.settlement import Log
from router.domain.transfers import transfer_request
from tests.unit.router.settlement.fake_chain import (
    ALICE,
    COIN,
    COLD,
    EXECUTOR,
    FEE,
    HOT,
    STRANGER,
    USDC,
    WETH,
    FakeChain,
)
from tests.unit.router.settlement.swap_spec import SPEC, holding
from tests.unit.router.settlement.world import ETHER, HOT_USDC, World, open_world, require_sound


async def deposit(world: World, units: int = 500, sender: str = ALICE) -> str:
    world.chain.mint(USDC, sender, units)
    return world.chain.pay(USDC, sender, HOT, units)


async def total(world: World, account: str, asset: str = "USDC") -> int:
    balances = await world.database.read(lambda uow: uow.ledger.balances(account, asset))
    return balances[0].total if balances else 0


async def states(world: World) -> list[DepositState]:
    return [d.state for d in await world.database.read(lambda uow: uow.custody.deposits())]


async def test_opening_twice_books_the_capital_once() -> None:
    world = await open_world(fund_client=False)
    capital = await total(world, HOUSE_CAPITAL)
    assert capital > 0
    assert not await world.custody.open_books()
    assert await total(world, HOUSE_CAPITAL) == capital
    await require_sound(world)


@pytest.mark.parametrize("confirmations", [1, 3])
async def test_a_deposit_is_credited_once_after_its_confirmations(confirmations: int) -> None:
    world = await open_world(confirmations=confirmations, fund_client=False)
    await deposit(world)
    for block in range(1, confirmations):
        assert (await world.custody.scan_deposits()).credited == (), block
        assert await world.available() == 0
        world.chain.mine()
    assert len((await world.custody.scan_deposits()).credited) == 1
    for _ in range(3):
        world.chain.mine()
        assert (await world.custody.scan_deposits()).credited == ()
    assert await world.available() == 500
    await require_sound(world)


async def test_many_blocks_are_read_in_chunks_and_none_is_missed() -> None:
    world = await open_world(fund_client=False)
    for _ in range(3):
        world.chain.mine(400)
        await deposit(world, 10)
    assert len((await world.custody.scan_deposits()).credited) == 3
    assert await world.available() == 30


async def test_a_coin_deposit_is_credited_and_our_own_payments_are_not() -> None:
    world = await open_world()
    world.chain.pay(COIN, ALICE, HOT, 3 * ETHER)
    made = await world.custody.withdraw("alice", Amount(7, USDC), STRANGER, "one")
    await world.settlement.result(made.intent_id)
    assert len((await world.custody.scan_deposits()).credited) == 1
    assert await world.available(asset="ETH") == 3 * ETHER
    await require_sound(world)


@pytest.mark.parametrize("units", [[1_000], [1_000, 777], [1, 1, 1]])
async def test_a_token_that_keeps_a_fee_is_credited_with_what_arrived(units: list[int]) -> None:
    """Its log tells the gross amount; several deposits in one block share the gap in proportion."""
    world = await open_world(fund_client=False)
    world.chain.mint(FEE, ALICE, sum(units))
    for amount in units:
        world.chain.pay(FEE, ALICE, HOT, amount, mine=False)
    world.chain.mine()
    await world.custody.scan_deposits()
    arrived = world.chain.units(FEE, HOT)
    assert arrived == sum(amount - amount // 100 for amount in units)
    assert await world.available(asset="FEE") == arrived
    await require_sound(world)


async def test_money_of_nobody_goes_to_suspense_and_is_reported_once() -> None:
    world = await open_world()
    await deposit(world, sender=STRANGER)
    await world.custody.scan_deposits()
    await world.custody.scan_deposits()
    assert await total(world, SUSPENSE) == 500
    await require_sound(world)


async def test_a_payment_from_cold_is_a_refill_and_its_gas_an_expense() -> None:
    world = await open_world()
    world.chain.mint(USDC, COLD, 0)
    world.chain.pay(COIN, COLD, HOT, ETHER)
    await world.custody.scan_deposits()
    assert await total(world, "expense/gas", "ETH") > 0
    await require_sound(world)


async def test_a_deposit_the_chain_loses_before_its_credit_is_forgotten_and_may_return() -> None:
    world = await open_world(confirmations=3, fund_client=False)
    await deposit(world)
    await world.custody.scan_deposits()
    world.chain.reorg(1, keep=True)
    found = await world.custody.scan_deposits()
    assert [d.state for d in found.orphaned] == [DepositState.ORPHANED]
    world.chain.mine(4)  # It waited in the pool and is mined again, elsewhere.
    await world.custody.scan_deposits()
    assert await states(world) == [DepositState.CREDITED]
    assert await world.available() == 500
    await require_sound(world)


async def test_a_credit_the_chain_loses_is_reversed_and_made_again_if_it_returns() -> None:
    world = await open_world(confirmations=1, fund_client=False)
    await deposit(world)
    await world.custody.scan_deposits()
    assert await world.available() == 500
    world.chain.reorg(1, keep=True)
    await world.custody.scan_deposits()
    assert await world.available() == 0
    assert await states(world) == [DepositState.ORPHANED]
    world.chain.mine()
    await world.custody.scan_deposits()
    assert await world.available() == 500
    await require_sound(world)


async def test_a_credit_that_was_spent_before_the_chain_lost_it_freezes_the_signer() -> None:
    world = await open_world(confirmations=1, fund_client=False)
    await deposit(world)
    await world.custody.scan_deposits()
    paid = await world.custody.withdraw("alice", Amount(400, USDC), STRANGER, "one")
    await world.settlement.result(paid.intent_id)
    world.chain.reorg(2, keep=False)
    await world.custody.scan_deposits()
    assert await world.database.read(lambda uow: uow.custody.freeze()) is not None
    assert await world.available() == 100


async def test_a_deposit_mined_again_in_another_block_is_credited_once() -> None:
    world = await open_world(confirmations=2, fund_client=False)
    await deposit(world)
    await world.custody.scan_deposits()
    world.chain.reorg(1, keep=True)
    world.chain.mine(3)
    await world.custody.scan_deposits()
    await world.custody.scan_deposits()
    assert await world.available() == 500
    await require_sound(world)


async def test_a_chain_without_the_opening_block_is_not_scanned() -> None:
    world = await open_world(confirmations=1, fund_client=False)
    world.chain.blocks[0].ref = type(world.chain.blocks[0].ref)(
        number=0, hash="0x" + "ff" * 32, parent_hash="", timestamp_s=0, base_fee_wei=1
    )
    with pytest.raises(FailureError) as refusal:
        await world.custody.scan_deposits()
    assert refusal.value.code == "REORG_TOO_DEEP"


async def test_what_our_own_swap_brings_in_is_no_deposit() -> None:
    world = await open_world()
    world.chain.mint(WETH, EXECUTOR, 5)
    intent = await world.settlement.submit(SPEC, holding(1_000))
    await world.settlement.result(intent.intent_id)
    assert (await world.custody.scan_deposits()).seen == ()
    assert await total(world, SUSPENSE, "WETH") == 0
    await require_sound(world)


async def test_a_block_that_left_the_chain_after_the_scan_credits_nothing() -> None:
    world = await open_world(confirmations=2, fund_client=False)
    await deposit(world)
    await world.custody.scan_deposits()
    world.chain.reorg(1, keep=False)
    world.chain.mine()
    crediting = Crediting(
        database=world.database,
        chain=world.chain,
        audit=world.chain,
        clock=world.clock,
        config=world.custody_config,
    )
    assert await crediting.credit_ripe(height=2) == []
    assert await world.available() == 0


async def test_a_deposit_is_credited_again_when_the_chain_returns_to_its_first_fork() -> None:
    world = await open_world(fund_client=False)
    await deposit(world)
    await world.custody.scan_deposits()
    first_fork = list(world.chain.blocks)
    world.chain.reorg(1, keep=False)
    await world.custody.scan_deposits()
    assert await world.available() == 0
    world.chain.blocks = first_fork
    world.chain.mine()
    await world.custody.scan_deposits()
    assert await world.available() == 500
    assert await states(world) == [DepositState.CREDITED]
    await require_sound(world)


async def test_a_transaction_mined_again_with_another_amount_credits_what_arrived_last() -> None:
    """The same transaction may do something else on another fork, such as a swap paid out to us."""
    world = await open_world(fund_client=False)
    await deposit(world)
    await world.custody.scan_deposits()
    (tx,) = world.chain.blocks[-1].transactions
    world.chain.reorg(1, keep=False)
    world.chain.blocks.pop()
    world.chain.mint(USDC, ALICE, 700)
    less = transfer_request(USDC, HOT, 300, tx.gas_limit).data
    world.chain.pool[tx.sender, tx.nonce] = replace(tx, data=less)
    world.chain.mine()
    await world.custody.scan_deposits()
    assert await world.available() == 300
    assert (world.chain.units(USDC, HOT)) == HOT_USDC + 300


async def test_a_reorganisation_below_the_scanned_block_while_it_scans_loses_no_deposit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await open_world(fund_client=False)
    world.chain.mine()
    await world.custody.scan_deposits()
    world.chain.mine()
    still, asked = FakeChain.block, []

    async def replaced(chain: FakeChain, number: int) -> BlockRef | None:
        asked.append(number)
        if len(asked) == 2:  # After the scanner has made sure of where it stands.
            chain.reorg(2, keep=False)
            del chain.blocks[-2:]
            chain.mint(USDC, ALICE, 500)
            chain.pay(USDC, ALICE, HOT, 500)
            chain.mine()
        return await still(chain, number)

    monkeypatch.setattr(FakeChain, "block", replaced)
    with pytest.raises(FailureError) as refusal:
        await world.custody.scan_deposits()
    assert refusal.value.code == "CHAIN_UNSTEADY"
    await world.custody.scan_deposits()
    assert await world.available() == 500


async def test_a_scan_that_began_earlier_takes_nothing_back_that_a_later_one_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await open_world(fund_client=False)
    world.chain.mine(2)
    await world.custody.scan_deposits()
    world.chain.reorg(1, keep=False)
    still, later = FakeChain.transfers, []

    async def slow(chain: FakeChain, addresses: Sequence[str], start: int, end: int) -> list[Log]:
        if not later:
            await deposit(world)
            later.append(asyncio.create_task(world.custody.scan_deposits()))
            await asyncio.sleep(0.05)
        return await still(chain, addresses, start, end)

    monkeypatch.setattr(FakeChain, "transfers", slow)
    await world.custody.scan_deposits()
    await later[0]
    assert await world.available() == 500
    assert await states(world) == [DepositState.CREDITED]
