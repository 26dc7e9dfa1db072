"""What the stores keep, refuse and find again, on every database."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from router.domain.custody import Break, BreakClass, Deposit, DepositState
from router.domain.errors import FailureError, RouterError
from router.domain.orders import (
    BookOrder,
    BookOrderStatus,
    OrderStatus,
    Side,
)
from router.domain.settlement import IntentState
from router.ledger import HoldSpend, place_hold, post, split_hold
from router.ledger.holds import HoldPart
from router.ports import UnitOfWork
from router.storage import SqlDatabase, open_database
from tests.conformance.database_records import (
    BLOCK,
    FILL,
    MAX,
    ORDER,
    USDC,
    WETH,
    attempt,
    bare,
    deposit,
    intent,
)

# -- ledger -----------------------------------------------------------------------------------


async def test_a_prefix_means_the_account_and_what_is_below_it(database: SqlDatabase) -> None:
    names = ["user", "user/Ann", "user/ann", "user/ann/sub", "user/ann-b", "user/ann0", "user/b"]

    def fill(uow: UnitOfWork) -> None:
        for name in names:
            post(uow.ledger, deposit(name, 5, account=f"x/{name}"), 1)

    await database.write(fill)

    async def below(prefix: str, asset: str | None = None) -> list[str]:
        found = await database.read(lambda uow: uow.ledger.balances(prefix, asset))
        return [balance.account.removeprefix("x/") for balance in found]

    assert await below("x/user/ann") == ["user/ann", "user/ann/sub"]
    assert await below("x/user/ann/") == ["user/ann", "user/ann/sub"]
    assert await below("x/user") == sorted(names)
    assert await below("x") == sorted(names)
    assert len(await below("")) == len(names) + 1
    assert await below("x/user/ann", "DAI") == []


async def test_journals_come_in_pages_and_by_reference(database: SqlDatabase) -> None:
    def fill(uow: UnitOfWork) -> None:
        for number in range(5):
            post(uow.ledger, replace(deposit(f"k{number}", 5), reference=f"r{number % 2}"), 1)

    await database.write(fill)
    page = await database.read(lambda uow: uow.ledger.journals(1, 2))
    assert [one.sequence for one in page] == [2, 3]
    odd = await database.read(lambda uow: uow.ledger.journals(0, 9, reference="r1"))
    assert [one.journal.key for one in odd] == ["k1", "k3"]


async def test_holds_are_listed_by_account_oldest_first(database: SqlDatabase) -> None:
    def fill(uow: UnitOfWork) -> None:
        post(uow.ledger, deposit("a", 50), 1)
        post(uow.ledger, deposit("b", 50, account="user/bob"), 1)
        for hold_id, account in (("z", "user/ann"), ("y", "user/bob"), ("x", "user/ann")):
            place_hold(uow.ledger, hold_id, account, "USDC", 10, "r")
        split_hold(uow.ledger, "z", [HoldPart(hold_id="part", units=4, reference="r")])
        trade = replace(deposit("c", 5), entries=tuple(
            replace(entry, units=-entry.units) for entry in deposit("c", 5).entries
        ))  # fmt: skip
        post(uow.ledger, trade, 2, [HoldSpend(hold_id="x", units=5)])

    await database.write(fill)

    async def ids(prefix: str, pending_only: bool = True) -> list[str]:
        found = await database.read(lambda uow: uow.ledger.holds(prefix, pending_only=pending_only))
        return [hold.hold_id for hold in found]

    assert await ids("user/ann") == ["z", "part"]
    assert await ids("user/ann", pending_only=False) == ["z", "x", "part"]
    assert await ids("") == ["z", "y", "part"]


async def test_a_turnover_beyond_the_columns_is_refused(database: SqlDatabase) -> None:
    def fill(uow: UnitOfWork) -> None:
        for number in range(9):
            post(uow.ledger, deposit(f"k{number}", MAX), 1)

    with pytest.raises(FailureError) as caught:
        await database.write(fill)
    assert caught.value.code == "AMOUNT_RANGE"


async def refused(database: SqlDatabase, work: Callable[[UnitOfWork], Any]) -> str:
    with pytest.raises(RouterError) as caught:
        await database.write(work)
    return caught.value.code


async def test_orders_keep_every_field_and_progress(database: SqlDatabase) -> None:
    other = replace(ORDER, order=replace(ORDER.order, order_id="o2", client_order_id="c2"))
    await database.write(lambda uow: uow.orders.add(ORDER, "f1"))
    await database.write(lambda uow: uow.orders.add(other, "f2"))
    assert await database.read(lambda uow: uow.orders.by_id("o1")) == ORDER
    done = replace(
        ORDER, status=OrderStatus.SETTLED, spent_units=MAX, received_units=2**200, reason="why"
    )
    await database.write(lambda uow: uow.orders.update(done))
    found = await database.read(lambda uow: uow.orders.by_client_id("user/ann", "c1"))
    assert found == (done, "f1")
    assert await database.read(lambda uow: uow.orders.unfinished()) == [other]
    assert await database.read(lambda uow: uow.orders.recent(1)) == [other]
    assert await database.read(lambda uow: uow.orders.recent(9, "user/ann")) == [other, done]
    assert await database.read(lambda uow: uow.orders.recent(9, "user/bob")) == []
    assert await database.read(lambda uow: uow.orders.by_id("o3")) is None


async def test_an_order_is_stored_once(database: SqlDatabase) -> None:
    await database.write(lambda uow: uow.orders.add(ORDER, "f1"))
    same_client = replace(ORDER, order=replace(ORDER.order, order_id="o2"))
    same_id = replace(ORDER, order=replace(ORDER.order, client_order_id="c2"))
    for state in (ORDER, same_client, same_id):
        code = await refused(database, lambda uow, s=state: uow.orders.add(s, "f"))
        assert code == "IDEMPOTENCY_CONFLICT"
    missing = replace(ORDER, order=replace(ORDER.order, order_id="o9"))
    assert await refused(database, lambda uow: uow.orders.update(missing)) == "NOT_FOUND"


@pytest.mark.parametrize("change", [{"decimals": 8}, {"address": "0x" + "9" * 40}, {"chain_id": 1}])
async def test_a_symbol_means_one_token_for_ever(
    database: SqlDatabase, change: dict[str, Any]
) -> None:
    await database.write(lambda uow: uow.orders.add(ORDER, "f1"))
    other = replace(
        ORDER.order, order_id="o2", client_order_id="c2", asset_in=replace(WETH, **change)
    )
    state = replace(ORDER, order=other)
    assert await refused(database, lambda uow: uow.orders.add(state, "f")) == "CONFIG_INVALID"


async def test_the_book_keeps_orders_in_time_priority(database: SqlDatabase) -> None:
    order = BookOrder(
        order_id=1,
        client_order_id="c1",
        account="user/ann",
        instrument="WETH/USDC",
        side=Side.SELL,
        price_ticks=2**62,
        lots=2**62,
        remaining_lots=2**62,
        status=BookOrderStatus.OPEN,
        hold_id="h1",
    )
    second = replace(order, order_id=2, client_order_id="c2", price_ticks=1, instrument="DAI/USDC")
    assert await database.read(lambda uow: uow.book.next_order_id()) == 1
    await database.write(lambda uow: uow.book.save(second))
    await database.write(lambda uow: uow.book.save(order))
    assert await database.read(lambda uow: uow.book.open_orders()) == [order, second]
    assert await database.read(lambda uow: uow.book.open_orders("DAI/USDC")) == [second]
    assert await database.read(lambda uow: uow.book.next_order_id()) == 3
    filled = replace(order, remaining_lots=0, status=BookOrderStatus.FILLED)
    await database.write(lambda uow: uow.book.save(filled))
    assert await database.read(lambda uow: uow.book.by_client_id("user/ann", "c1")) == filled
    assert await database.read(lambda uow: uow.book.open_orders()) == [second]
    copy = replace(order, order_id=3)
    assert await refused(database, lambda uow: uow.book.save(copy)) == "IDEMPOTENCY_CONFLICT"


async def test_a_take_has_one_outcome(database: SqlDatabase) -> None:
    await database.write(lambda uow: uow.book.save_take("c", "f", FILL))
    assert await database.read(lambda uow: uow.book.take("c")) == (FILL, "f")
    assert await database.read(lambda uow: uow.book.take("d")) is None
    code = await refused(database, lambda uow: uow.book.save_take("c", "f", FILL))
    assert code == "IDEMPOTENCY_CONFLICT"


async def test_nonces_only_rise(database: SqlDatabase) -> None:
    async def reserve(chain_nonce: int, count: int = 1, sender: str = "0xA") -> int:
        return await database.write(
            lambda uow: uow.settlement.reserve_nonce(1, sender, chain_nonce, count=count)
        )

    assert [await reserve(5), await reserve(0), await reserve(3)] == [5, 6, 7]
    assert await reserve(9) == 9
    assert await reserve(0, count=0) == 10
    assert await reserve(0, count=3) == 10
    assert await reserve(0) == 13
    assert await reserve(0, sender="0xB") == 0


async def test_intents_keep_every_field_their_state_and_their_attempts(
    database: SqlDatabase,
) -> None:
    late, early = intent("late", 2), replace(intent("early", 1), reference="o2")
    signed = attempt("0x1", "late")
    bumped = replace(attempt("0x0", "late"), max_fee_wei=2**81, cancels=True)

    def fill(uow: UnitOfWork) -> None:
        uow.settlement.add_intent(late)
        uow.settlement.add_intent(early)
        uow.settlement.save_attempt(signed)
        uow.settlement.save_attempt(bumped)
        uow.settlement.save_attempt(replace(signed, sent_ms=3, acked_ms=4))
        uow.settlement.set_state("late", IntentState.MINED, BLOCK)

    await database.write(fill)
    stored = (
        replace(late, state=IntentState.MINED),
        (replace(signed, sent_ms=3, acked_ms=4), bumped),
    )
    assert await database.read(lambda uow: uow.settlement.intents()) == [(early, ()), stored]
    for work in (
        lambda uow: uow.settlement.find(intent_id="late"),
        lambda uow: uow.settlement.find(tx_hash="0x0"),
        lambda uow: uow.settlement.intents(reference="o1")[0],
    ):
        assert await database.read(work) == stored
    assert await database.read(lambda uow: uow.settlement.find(tx_hash="0x9")) is None
    await database.write(lambda uow: uow.settlement.set_state("late", IntentState.SETTLED))
    assert await database.read(lambda uow: uow.settlement.intents(open_only=True)) == [(early, ())]


async def test_a_nonce_belongs_to_one_intent_and_a_hash_to_one_transaction(
    database: SqlDatabase,
) -> None:
    def fill(uow: UnitOfWork) -> None:
        uow.settlement.add_intent(intent("i", 1))
        uow.settlement.save_attempt(attempt("0x1", "i"))

    await database.write(fill)
    other_bytes = replace(attempt("0x1", "i"), raw=b"\x02\x01")
    works: list[Callable[[UnitOfWork], Any]] = [
        lambda uow: uow.settlement.add_intent(intent("i", 2)),
        lambda uow: uow.settlement.add_intent(intent("j", 1)),
        lambda uow: uow.settlement.save_attempt(other_bytes),
    ]
    for work in works:
        assert await refused(database, work) == "IDEMPOTENCY_CONFLICT"
    orphan = attempt("0x2", "nobody")
    code = await refused(database, lambda uow: uow.settlement.save_attempt(orphan))
    assert code == "STORAGE_ERROR"
    code = await refused(database, lambda uow: uow.settlement.set_state("x", IntentState.SIGNED))
    assert code == "NOT_FOUND"


async def test_deposits_follow_the_chain(database: SqlDatabase) -> None:
    seen = Deposit(
        chain_id=31337, tx_hash="0x1", ordinal=-1, block_number=5, block_hash="0xb5", sender="0xS",
        asset=WETH, units=MAX, account="user/ann", state=DepositState.SEEN,
    )  # fmt: skip
    sibling = replace(seen, ordinal=0, asset=USDC, block_number=4)
    await database.write(lambda uow: uow.custody.save_deposit(seen))
    await database.write(lambda uow: uow.custody.save_deposit(sibling))
    moved = replace(seen, block_number=6, block_hash="0xb6", state=DepositState.CREDITED)
    await database.write(lambda uow: uow.custody.save_deposit(moved))
    assert await database.read(lambda uow: uow.custody.deposits()) == [sibling, moved]
    seen_only = await database.read(lambda uow: uow.custody.deposits(DepositState.SEEN))
    assert seen_only == [sibling]


async def test_cursors_have_names(database: SqlDatabase) -> None:
    later = replace(BLOCK, number=8)
    await database.write(lambda uow: uow.custody.set_cursor(1, BLOCK))
    await database.write(lambda uow: uow.custody.set_cursor(1, later, "clean"))
    await database.write(lambda uow: uow.custody.set_cursor(1, later, "clean"))
    assert await database.read(lambda uow: uow.custody.cursor(1)) == BLOCK
    assert await database.read(lambda uow: uow.custody.cursor(1, "clean")) == later
    assert await database.read(lambda uow: uow.custody.cursor(2)) is None


async def test_a_freeze_stays_with_its_first_reason_until_thawed(database: SqlDatabase) -> None:
    assert await database.write(lambda uow: uow.custody.freeze("first")) == "first"
    assert await database.write(lambda uow: uow.custody.freeze("second")) == "first"
    assert await database.read(lambda uow: uow.custody.freeze()) == "first"
    assert await database.write(lambda uow: uow.custody.freeze(thaw=True)) is None
    assert await database.write(lambda uow: uow.custody.freeze("third")) == "third"


async def test_breaks_are_kept_with_negative_numbers(durable_url: str) -> None:
    database = open_database(durable_url)
    found = Break(
        break_class=BreakClass.UNKNOWN_OUTFLOW, chain_id=1, address="0xA", asset="USDC",
        chain_units=MAX, ledger_units=-MAX, block_number=9, detail="why", freezes=True,
    )  # fmt: skip
    await database.write(lambda uow: uow.custody.record_breaks([found, found], 77))
    await database.close()
    engine = bare(durable_url)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT found_ms, detail, freezes FROM breaks")).all()
    engine.dispose()
    assert rows == [(77, "why", 1), (77, "why", 1)]
