"""One contract for every database: what holds on SQLite holds on PostgreSQL."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from router.domain.errors import FailureError, UsageError
from router.ledger import place_hold, post, verify
from router.ports import UnitOfWork
from router.storage import SqlDatabase, open_database
from router.storage.columns import AmountType
from tests.conformance.database_records import (
    BLOCK,
    FILL,
    MAX,
    attempt,
    bare,
    deposit,
    intent,
)

# -- amounts ----------------------------------------------------------------------------------


@pytest.fixture
def amounts(url: str) -> Iterator[tuple[sa.Connection, sa.Table]]:
    """A table of amounts of its own, on a bare connection."""
    table = sa.Table(
        "amounts",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("units", AmountType),
        sqlite_strict=True,
    )
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        table.create(connection)
        yield connection, table
    engine.dispose()


def test_amounts_come_back_to_the_unit_and_sort_as_numbers(
    amounts: tuple[sa.Connection, sa.Table],
) -> None:
    connection, table = amounts
    values = [
        0, 1, -1, 9, 10, -9, -10, 2**53 + 1, -(2**53) - 1, 2**63, -(2**63), MAX, -MAX,
        123456789012123456789012345678, 10**78 - 1, 1 - 10**78, None,
    ]  # fmt: skip
    for value in values:
        connection.execute(table.insert().values(units=value))
    found = list(connection.execute(sa.select(table.c.units).order_by(table.c.id)).scalars())
    assert found == values
    assert {type(value) for value in found} == {int, type(None)}
    numbers = sa.select(table.c.units).where(table.c.units.is_not(None)).order_by(table.c.units)
    assert list(connection.execute(numbers).scalars()) == sorted(v for v in values if v is not None)
    above = sa.select(sa.func.count()).where(table.c.units > 2**63)
    assert connection.execute(above).scalar_one() == 3


@pytest.mark.parametrize("value", [1.0, Decimal(1), "1", True])
def test_an_amount_column_takes_whole_numbers_only(
    amounts: tuple[sa.Connection, sa.Table], value: Any
) -> None:
    connection, table = amounts
    with pytest.raises(sa.exc.StatementError, match="an amount is an int in base units"):
        connection.execute(table.insert().values(units=value))


async def test_what_a_column_refuses_is_raised_unchanged(database: SqlDatabase) -> None:
    big = replace(BLOCK, base_fee_wei=10**78)
    with pytest.raises(FailureError) as caught:
        await database.write(lambda uow: uow.custody.set_cursor(1, big))
    assert caught.value.code == "AMOUNT_RANGE"
    wrong: Any = 1.5
    with pytest.raises(TypeError, match="not float"):
        await database.write(
            lambda uow: uow.custody.set_cursor(1, replace(BLOCK, base_fee_wei=wrong))
        )
    assert await database.read(lambda uow: uow.custody.cursor(1)) is None


# -- transactions -----------------------------------------------------------------------------


class Refused(Exception):
    """Raised by a test's own work."""


async def test_work_that_raises_leaves_nothing(database: SqlDatabase) -> None:
    def work(uow: UnitOfWork) -> None:
        post(uow.ledger, deposit("a", 5), 1)
        place_hold(uow.ledger, "h", "user/ann", "USDC", 2, "r")
        uow.custody.freeze("why")
        raise Refused

    with pytest.raises(Refused):
        await database.write(work)
    assert await database.read(lambda uow: uow.ledger.journals(0, 10)) == []
    assert await database.read(lambda uow: uow.ledger.hold("h")) is None
    assert await database.read(lambda uow: uow.custody.freeze()) is None
    await database.write(lambda uow: post(uow.ledger, deposit("a", 5), 1))


async def test_a_read_keeps_no_change(database: SqlDatabase) -> None:
    with suppress(FailureError):
        await database.read(lambda uow: uow.custody.freeze("why"))
    assert await database.read(lambda uow: uow.custody.freeze()) is None
    assert await database.write(lambda uow: uow.custody.freeze()) is None


async def test_a_read_sees_one_state_while_a_write_goes_on(durable_url: str) -> None:
    database = open_database(durable_url)
    await database.write(lambda uow: post(uow.ledger, deposit("a", 5), 1))
    looked, written = threading.Event(), threading.Event()

    def look_twice(uow: UnitOfWork) -> tuple[int, int]:
        before = len(uow.ledger.journals(0, 10))
        looked.set()
        assert written.wait(10)
        return before, len(uow.ledger.journals(0, 10))

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(database.read(look_twice))
        await asyncio.to_thread(looked.wait, 10)
        await database.write(lambda uow: post(uow.ledger, deposit("b", 5), 1))
        written.set()
    assert reading.result() == (1, 1)
    assert len(await database.read(lambda uow: uow.ledger.journals(0, 10))) == 2
    await database.close()


async def test_writers_at_once_lose_no_update(database: SqlDatabase) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            journal = deposit(f"k{number}", 1)
            group.create_task(database.write(lambda uow, j=journal: post(uow.ledger, j, 1)))
    audit = await database.read(lambda uow: verify(uow.ledger))
    assert audit.is_sound, audit.problems
    assert audit.journals == 20


async def test_two_programs_on_one_database_lose_no_update(durable_url: str) -> None:
    first, second = open_database(durable_url), open_database(durable_url)
    async with asyncio.TaskGroup() as group:
        for number in range(10):
            for owner in (first, second):
                journal = deposit(f"k{number}{id(owner)}", 1)
                group.create_task(owner.write(lambda uow, j=journal: post(uow.ledger, j, 1)))
    audit = await first.read(lambda uow: verify(uow.ledger))
    assert audit.is_sound, audit.problems
    assert audit.journals == 20
    await first.close()
    await second.close()


async def test_a_cancelled_caller_leaves_whole_transactions_and_a_free_writer(
    database: SqlDatabase,
) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(uow: UnitOfWork) -> None:
        post(uow.ledger, deposit("slow", 5), 1)
        started.set()
        assert go_on.wait(10)
        place_hold(uow.ledger, "h", "user/ann", "USDC", 5, "r")

    running = asyncio.ensure_future(database.write(slow))
    await asyncio.to_thread(started.wait, 10)
    queued = asyncio.ensure_future(
        database.write(lambda uow: post(uow.ledger, deposit("queued", 5), 1))
    )
    await asyncio.sleep(0)
    for task in (running, queued):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    go_on.set()
    await database.write(lambda uow: post(uow.ledger, deposit("next", 5), 1))
    posted = await database.read(lambda uow: uow.ledger.journals(0, 10))
    assert [one.journal.key for one in posted] == ["slow", "next"]
    assert await database.read(lambda uow: uow.ledger.hold("h")) is not None


async def test_a_read_after_a_cancelled_write_sees_what_that_write_did(
    database: SqlDatabase,
) -> None:
    """Whoever decides anew after a caller gave up must not decide on the state before it."""
    started, go_on = threading.Event(), threading.Event()

    def slow(uow: UnitOfWork) -> None:
        post(uow.ledger, deposit("slow", 5), 1)
        started.set()
        assert go_on.wait(10)

    given_up = asyncio.ensure_future(database.write(slow))
    await asyncio.to_thread(started.wait, 10)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    reading = asyncio.ensure_future(database.read(lambda uow: uow.ledger.journals(0, 10)))
    await asyncio.wait({reading}, timeout=0.1)
    go_on.set()
    assert [one.journal.key for one in await reading] == ["slow"]


@pytest.mark.parametrize("durable_url", ["postgresql"], indirect=True)
async def test_a_database_has_one_owner_and_any_number_of_guests(durable_url: str) -> None:
    """A directory's lock does not help when two directories name one server."""
    owner = open_database(durable_url, exclusive=True)
    with pytest.raises(FailureError) as caught:
        open_database(durable_url, exclusive=True)
    assert caught.value.code == "BUSY"
    guest = open_database(durable_url)
    await owner.write(lambda uow: post(uow.ledger, deposit("a", 5), 1))
    assert len(await guest.read(lambda uow: uow.ledger.journals(0, 10))) == 1
    await owner.close()
    await open_database(durable_url, exclusive=True).close()
    await guest.close()


@pytest.mark.parametrize("durable_url", ["postgresql"], indirect=True)
async def test_an_owner_that_lost_its_place_with_its_connection_writes_no_more(
    durable_url: str,
) -> None:
    owner = open_database(durable_url, exclusive=True)
    cut_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    engine = bare(durable_url)
    with engine.connect() as connection:
        connection.execute(sa.text(cut_all + " AND datname = current_database()"))
    engine.dispose()
    await owner.write(lambda uow: post(uow.ledger, deposit("a", 5), 1))
    engine = bare(durable_url)
    with engine.connect() as connection:
        connection.execute(sa.text(cut_all + " AND datname = current_database()"))
    engine.dispose()
    other = open_database(durable_url, exclusive=True)
    with pytest.raises(FailureError) as caught:
        await owner.write(lambda uow: post(uow.ledger, deposit("b", 5), 1))
    assert caught.value.code == "BUSY"
    await owner.close()
    await other.close()


async def test_a_name_that_is_not_text_is_refused(database: SqlDatabase) -> None:
    """An argument of a command line may hold any bytes."""
    with pytest.raises(UsageError) as caught:
        await database.read(lambda uow: uow.book.by_client_id("user/ann", "\udcff"))
    assert caught.value.code == "USAGE"


async def test_a_closed_database_says_so(url: str) -> None:
    opened = open_database(url)
    await opened.close()
    await opened.close()
    with pytest.raises(FailureError, match="closed") as caught:
        await opened.read(lambda uow: uow.ledger.balances(""))
    assert caught.value.code == "STORAGE_ERROR"


# -- schema -----------------------------------------------------------------------------------


async def test_what_was_written_is_there_after_a_restart(durable_url: str) -> None:
    first = open_database(durable_url)
    posted = await first.write(lambda uow: post(uow.ledger, deposit("a", MAX), 1))
    await first.close()
    second = open_database(durable_url)
    assert await second.read(lambda uow: uow.ledger.journals(0, 10)) == [posted]
    await second.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE schema_version SET version = 2", "schema version 2, this program works with 1"),
        ("DELETE FROM schema_version", "schema version None"),
        ("DROP TABLE schema_version", "tables of something else"),
    ],
)
async def test_a_database_of_another_version_is_left_alone(
    durable_url: str, statement: str, words: str
) -> None:
    await open_database(durable_url).close()
    engine = bare(durable_url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    with pytest.raises(FailureError, match=words) as caught:
        open_database(durable_url)
    assert caught.value.code == "SCHEMA_UNSUPPORTED"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journals SET memo = 'x'",
        "DELETE FROM journals",
        "UPDATE entries SET account = 'x'",
        "DELETE FROM entries",
        "UPDATE takes SET filled_lots = 9",
        "DELETE FROM takes",
        "UPDATE attempts SET raw = intents.request_data FROM intents",
        "DELETE FROM attempts",
    ],
)
async def test_the_database_itself_refuses_to_rewrite_history(
    durable_url: str, statement: str
) -> None:
    opened = open_database(durable_url)

    def fill(uow: UnitOfWork) -> None:
        post(uow.ledger, deposit("a", 5), 1)
        uow.book.save_take("c", "f", FILL)
        uow.settlement.add_intent(intent("i", 0))
        uow.settlement.save_attempt(attempt("0x1", "i"))

    await opened.write(fill)
    await opened.close()
    engine = bare(durable_url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


@pytest.mark.parametrize("address", ["", "nonsense", "mysql://localhost/x"])
def test_an_address_of_no_known_database_is_a_wrong_setting(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_database(address)
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize(
    "address", ["sqlite:////nowhere/at/all.db", "postgresql://x@/x?host=/nowhere"]
)
def test_a_database_that_cannot_be_opened_is_a_storage_error(address: str) -> None:
    with pytest.raises(FailureError, match="The database refused") as caught:
        open_database(address)
    assert caught.value.code == "STORAGE_ERROR"
    assert "\n" not in caught.value.message
