"""One contract for every database: what holds on SQLite holds on PostgreSQL.

PostgreSQL runs as a private cluster on a Unix socket, as an unprivileged user when we are root.
"""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from router.domain.assets import Asset
from router.domain.custody import Break, BreakClass, Deposit, DepositState
from router.domain.errors import FailureError, RouterError, UsageError
from router.domain.ledger import Entry, Journal, JournalKind, wallet_account
from router.domain.market import BlockRef, Protocol
from router.domain.orders import (
    BookOrder,
    BookOrderStatus,
    OrderState,
    OrderStatus,
    RouteConstraints,
    Side,
    SwapMode,
    SwapOrder,
)
from router.domain.settlement import Attempt, Intent, IntentKind, IntentState, TxRequest
from router.domain.taking import TakerFill
from router.ledger import HoldSpend, place_hold, post, split_hold, verify
from router.ledger.holds import HoldPart
from router.ports import UnitOfWork
from router.storage import SqlDatabase, open_database
from router.storage.columns import AmountType

WETH = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "1" * 40)
USDC = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "2" * 40)
MAX = 2**256 - 1
BLOCK = BlockRef(number=7, hash="0xb7", parent_hash="0xb6", timestamp_s=99, base_fee_wei=2**70)


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL: where it listens and who it runs as."""

    socket_folder: str

    def url(self, name: str) -> str:
        return f"postgresql://router@/{name}?host={self.socket_folder}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    tools = _postgresql_tools()
    if tools is None:
        pytest.skip("no PostgreSQL programs (initdb, pg_ctl) on this machine")
    user = _unprivileged_user()
    folder = tempfile.mkdtemp(prefix="router-pg-")
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(program: str, *arguments: str) -> None:
        as_user: dict[str, Any] = {}
        if user is not None:
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        log = Path(folder, f"{program}.out")
        with log.open("ab") as output:
            done = subprocess.run(
                [str(tools / program), "-D", f"{folder}/cluster", *arguments],
                cwd=folder,
                stdout=output,
                stderr=output,
                timeout=60,
                check=False,
                **as_user,
            )
        assert done.returncode == 0, log.read_text()

    run("initdb", "-A", "trust", "-U", "router", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-c listen_addresses= -c fsync=off -k {folder}"
    run("pg_ctl", "start", "-w", "-o", options, "-l", f"{folder}/log")
    try:
        admin = sa.create_engine(
            f"postgresql+psycopg://router@/postgres?host={folder}", isolation_level="AUTOCOMMIT"
        )
        with admin.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE router"))
        admin.dispose()
        yield Cluster(folder)
    finally:
        run("pg_ctl", "stop", "-m", "immediate")
        shutil.rmtree(folder)


def _postgresql_tools() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("we are root and there is no unprivileged user to run PostgreSQL as")


@pytest.fixture(params=["sqlite", "sqlite-memory", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    return _empty_database(request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database that more than one program can open."""
    return _empty_database(request, tmp_path)


def _empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'router.db'}"
    if request.param == "sqlite-memory":
        return "sqlite://"
    running: Cluster = request.getfixturevalue("cluster")
    admin = bare(running.url("router"))
    with admin.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    admin.dispose()
    return running.url("router")


def bare(url: str) -> sa.Engine:
    """Connect as another program would."""
    return sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[SqlDatabase]:
    opened = open_database(url)
    yield opened
    await opened.close()


def deposit(key: str, units: int, account: str = "user/ann", asset: str = "USDC") -> Journal:
    return Journal(
        key=key,
        kind=JournalKind.DEPOSIT,
        entries=(
            Entry(account=wallet_account("0xA"), asset=asset, units=units),
            Entry(account=account, asset=asset, units=-units),
        ),
        memo="nämlich",
        reference="ref",
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


# -- the other stores -------------------------------------------------------------------------

FILL = TakerFill(filled_lots=3, paid_units=MAX, received_units=2**200, fee_units=0)
ORDER = OrderState(
    order=SwapOrder(
        order_id="o1",
        client_order_id="c1",
        account="user/ann",
        mode=SwapMode.EXACT_OUT,
        asset_in=WETH,
        asset_out=USDC,
        amount_units=MAX,
        limit_units=MAX,
        deadline_s=2**33,
        created_ms=2**41,
        constraints=RouteConstraints(
            max_hops=2,
            excluded_venues=frozenset({"book"}),
            included_protocols=frozenset({Protocol.UNISWAP_V2}),
        ),
    ),
    status=OrderStatus.ACCEPTED,
    hold_id="h1",
)


def intent(intent_id: str, nonce: int) -> Intent:
    return Intent(
        intent_id=intent_id,
        kind=IntentKind.SWAP,
        state=IntentState.RESERVED,
        chain_id=31337,
        sender="0xA",
        nonce=nonce,
        request=TxRequest(to="0xB", data=b"\x00\xff", value_wei=MAX, gas_limit=10**7),
        reference="o1",
        hold_id="h1",
        details="{}",
        created_ms=2**41,
    )


def attempt(tx_hash: str, intent_id: str) -> Attempt:
    return Attempt(
        tx_hash=tx_hash, intent_id=intent_id, raw=b"\x02\x00", max_fee_wei=2**80, max_tip_wei=1
    )


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
