"""The database: one transaction per piece of work, one writer at a time, off the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_end
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError, StatementError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session

from router.domain.errors import FailureError, UsageError
from router.ports import UnitOfWork
from router.storage.book_store import SqlBookStore
from router.storage.custody_store import SqlCustodyStore
from router.storage.ledger_store import SqlLedgerStore
from router.storage.order_store import SqlOrderStore
from router.storage.schema import prepare_schema
from router.storage.settlement_store import SqlSettlementStore

T = TypeVar("T")

_LOCK_WAIT_MS = 10_000
# PostgreSQL: all writers of all processes queue here, as they do on SQLite's one write lock.
_WRITER_LOCK = "SELECT pg_advisory_xact_lock(7091836024515)"
_OWNER_LOCK = "SELECT pg_try_advisory_lock(7091836024516)"


class SqlUnitOfWork:
    """All stores in one session, which is one transaction."""

    def __init__(self, session: Session) -> None:
        self.ledger = SqlLedgerStore(session)
        self.orders = SqlOrderStore(session)
        self.book = SqlBookStore(session)
        self.settlement = SqlSettlementStore(session)
        self.custody = SqlCustodyStore(session)


class SqlDatabase:
    """`Database` on SQLite or PostgreSQL.

    Writes run one after the other on one thread, reads on another, beside them, each in one
    transaction. An exception of the work rolls its transaction back and is raised unchanged. A
    caller that is cancelled stops waiting: work that had not begun never runs, work that had is
    committed or rolled back as a whole, and the next write or read begins after it, so that whoever
    goes on never decides on the state before.

    Raises:
        UsageError: USAGE when a name is not text that can be stored.
        FailureError: STORAGE_ERROR when the database refuses or is closed. When the connection is
            lost during a commit the work may have been kept: repeat it under the same keys.
    """

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer = writer
        self._reader = reader
        self._write_thread = ThreadPoolExecutor(1, "storage-write")
        # A database in memory has one connection, so its reads queue with the writes.
        shared = reader is writer
        self._read_thread = self._write_thread if shared else ThreadPoolExecutor(1, "storage-read")
        self._given_up: Future[Any] | None = None
        self._closed = False

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run work that may change anything; committed durably when this returns."""
        job = self._begin(self._write_thread, partial(_transact, self._writer, work))
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            self._given_up = job  # Writes run in a row, so waiting for the latest waits for all.
            raise

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run work on one consistent snapshot; a change is refused, or undone in memory."""
        look = partial(_look, self._reader, work, self._given_up)
        return await asyncio.wrap_future(self._begin(self._read_thread, look))

    async def close(self) -> None:
        """Finish what has begun and close the connections; idempotent."""
        self._closed = True
        await asyncio.to_thread(self._shut_down)

    def _begin(self, thread: ThreadPoolExecutor, job: Callable[[], T]) -> "Future[T]":
        if self._closed:
            raise FailureError("STORAGE_ERROR", "The database is closed.")
        return thread.submit(job)

    def _shut_down(self) -> None:
        self._write_thread.shutdown()
        self._read_thread.shutdown()
        self._writer.dispose()
        self._reader.dispose()


def open_database(url: str, *, exclusive: bool = False) -> SqlDatabase:
    """Open a database and create its schema when it is empty. Blocks; call it before serving.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` (in memory) or
            `postgresql://user@host/name`.
        exclusive: own the database on the server, as long as it is open, among all who ask for
            that. An SQLite file is owned together with its directory: see `DirectoryLock`.

    Raises:
        UsageError: CONFIG_INVALID when the address is not one of these.
        FailureError: STORAGE_ERROR when it cannot be opened; BUSY; SCHEMA_UNSUPPORTED.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        writer, reader = _sqlite_engines(address)
    else:
        writer, reader = _postgresql_engines(address, exclusive=exclusive)
    with ExitStack() as undo:
        undo.callback(writer.dispose)
        undo.callback(reader.dispose)
        with _translated(), writer.begin() as connection:
            prepare_schema(connection)
        undo.pop_all()
    return SqlDatabase(writer, reader)


@asynccontextmanager
async def opened_database(url: str, *, exclusive: bool = False) -> AsyncIterator[SqlDatabase]:
    """Open a database as `open_database` does, off the event loop, and close it at the end.

    A caller that is cancelled meanwhile goes on when the database is closed again: nobody else
    knows of it, and until it is collected it would stay open and owned.
    """
    open_it = partial(open_database, url, exclusive=exclusive)
    # Waits for connections and locks have limits of their own, so this ends by itself.
    opening = asyncio.get_running_loop().run_in_executor(None, open_it)
    try:
        database = await asyncio.shield(opening)
    except asyncio.CancelledError:
        await asyncio.wait({opening})
        if opening.exception() is None:
            await opening.result().close()
        raise
    try:
        yield database
    finally:
        await database.close()


def _transact(engine: Engine, work: Callable[[UnitOfWork], T]) -> T:
    with _translated(), _session(engine) as session, session.begin():
        return work(SqlUnitOfWork(session))


def _look(engine: Engine, work: Callable[[UnitOfWork], T], after: Future[Any] | None) -> T:
    if after is not None:
        wait_for_end([after])
    with _translated(), _session(engine) as session:
        return work(SqlUnitOfWork(session))


def _session(engine: Engine) -> Session:
    return Session(engine, expire_on_commit=False, autoflush=False)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the library's errors into ours, and give back what a column type of ours raised."""
    try:
        yield
    except StatementError as error:
        if isinstance(error.orig, TypeError | FailureError):
            raise error.orig from None
        raise _storage_error(error) from error
    except SQLAlchemyError as error:
        raise _storage_error(error) from error
    except UnicodeEncodeError as error:
        raise UsageError("USAGE", "A name has characters that are not text.") from error


def _storage_error(error: SQLAlchemyError) -> FailureError:
    # The driver's own words, without the statement and its values.
    words = str(getattr(error, "orig", None) or error).strip().partition("\n")[0].rstrip(".")
    return FailureError("STORAGE_ERROR", f"The database refused: {words}.")


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise UsageError("CONFIG_INVALID", "The database address is not a URL.") from error
    backend = address.get_backend_name()
    if backend == "sqlite":
        return address.set(drivername="sqlite+pysqlite")
    if backend in {"postgresql", "postgres"}:
        return address.set(drivername="postgresql+psycopg")
    raise UsageError(
        "CONFIG_INVALID", f"The database address begins with sqlite or postgresql, not {backend!r}."
    )


def _sqlite_engines(address: URL) -> tuple[Engine, Engine]:
    if address.database in (None, "", ":memory:"):
        only = create_engine(
            address, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        _set_up_sqlite(only, begin="BEGIN IMMEDIATE", read_only=False)
        return only, only
    writer = create_engine(address)
    _set_up_sqlite(writer, begin="BEGIN IMMEDIATE", read_only=False)
    reader = create_engine(address)
    _set_up_sqlite(reader, begin="BEGIN", read_only=True)
    return writer, reader


def _set_up_sqlite(engine: Engine, *, begin: str, read_only: bool) -> None:
    pragmas = [
        f"busy_timeout={_LOCK_WAIT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL may lose the last commits when the power fails
        "foreign_keys=ON",
    ]
    if read_only:
        pragmas.append("query_only=ON")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
        connection.isolation_level = None  # The driver must not begin by itself: we do, below.
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:  # noqa: ANN401 - the listener's untyped signature
        connection.exec_driver_sql(begin)


def _postgresql_engines(address: URL, *, exclusive: bool) -> tuple[Engine, Engine]:
    limits = f"-c lock_timeout={_LOCK_WAIT_MS} -c idle_in_transaction_session_timeout=60000"
    connect_args = {"connect_timeout": 10, "options": limits}
    try:
        # One connection: an owner is who holds the lock of this very session.
        writer = create_engine(
            address, connect_args=connect_args, pool_pre_ping=True, pool_size=1, max_overflow=0
        )
        reader = create_engine(
            address,
            connect_args=connect_args,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
    except ModuleNotFoundError as error:
        raise UsageError(
            "CONFIG_INVALID", "PostgreSQL needs the extra 'postgresql' of this package."
        ) from error

    @event.listens_for(writer, "begin")
    def queue(connection: Any) -> None:  # noqa: ANN401 - the listener's untyped signature
        connection.exec_driver_sql(_WRITER_LOCK)

    if exclusive:
        event.listen(writer, "connect", _own)
    return writer, reader


def _own(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    """Take the owner's lock on a new connection, also on one that replaces a broken one."""
    owned = connection.execute(_OWNER_LOCK).fetchone()[0]
    connection.commit()
    if not owned:
        connection.close()
        raise FailureError("BUSY", "Another process owns this database; stop it first.")
