"""A database that is given up while it opens is not left open."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.domain.errors import FailureError
from router.storage import open_database, opened_database


@pytest.fixture
def busy_path(tmp_path: Path) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """A database of ours, and another program that is writing to it."""
    path = tmp_path / "ledger.db"
    asyncio.run(open_database(f"sqlite:///{path}").close())
    writing = sqlite3.connect(path, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    yield path, writing
    writing.close()


async def test_who_gives_up_while_it_opens_leaves_nothing_open(
    busy_path: tuple[Path, sqlite3.Connection],
) -> None:
    path, writing = busy_path

    async def use() -> None:
        async with opened_database(f"sqlite:///{path}"):
            raise AssertionError("the caller was not cancelled while it opened")

    using = asyncio.ensure_future(use())
    await asyncio.sleep(0)
    using.cancel()
    writing.close()
    with pytest.raises(asyncio.CancelledError):
        await using
    await asyncio.get_running_loop().shutdown_default_executor()
    # The last connection that closes takes the write-ahead log along.
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_refusal_is_not_lost_in_what_gives_up(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("no database")
    with pytest.raises(FailureError) as caught:
        async with opened_database(f"sqlite:///{tmp_path / 'ledger.db'}"):
            pass
    assert caught.value.code == "STORAGE_ERROR"


async def test_what_refuses_to_open_after_its_caller_gave_up_is_a_cancellation(
    tmp_path: Path,
) -> None:
    (tmp_path / "ledger.db").write_text("no database")

    async def use() -> None:
        async with opened_database(f"sqlite:///{tmp_path / 'ledger.db'}"):
            raise AssertionError("the caller was not cancelled while it opened")

    using = asyncio.ensure_future(use())
    await asyncio.sleep(0)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
