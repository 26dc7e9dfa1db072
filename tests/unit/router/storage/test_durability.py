"""What SQLite has acknowledged survives a kill; what it has not is whole or absent."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from router.ledger import verify
from router.storage import open_database

WRITER = """
import asyncio, sys
from router.domain.ledger import Entry, Journal, JournalKind
from router.ledger import HoldSpend, place_hold, post
from router.storage import open_database

def move(key, giver, taker, units):
    return Journal(key=key, kind=JournalKind.BOOK_TRADE, entries=(
        Entry(account=giver, asset="A", units=units),
        Entry(account=taker, asset="A", units=-units)))

def step(number):
    def work(uow):
        post(uow.ledger, move(f"in{number}", "asset/wallet/x", "user/ann", 10), number)
        place_hold(uow.ledger, f"h{number}", "user/ann", "A", 10, "r")
        post(uow.ledger, move(f"out{number}", "user/ann", "user/bob", 3), number,
             [HoldSpend(hold_id=f"h{number}", units=3, ends=number % 2 == 0)])
    return work

async def main():
    database = open_database(sys.argv[1])
    number = 0
    while True:
        await database.write(step(number))
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


def test_the_embedded_database_waits_for_the_disk(tmp_path: Path) -> None:
    """WAL with synchronous=FULL, foreign keys on: the settings that durability rests on."""
    database = open_database(f"sqlite:///{tmp_path / 'router.db'}")

    async def settings() -> tuple[object, ...]:
        def look(uow: object) -> tuple[object, ...]:
            session = uow.ledger._session  # type: ignore[attr-defined]
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            connection = session.connection()
            return tuple(connection.exec_driver_sql(f"PRAGMA {n}").scalar_one() for n in names)

        found = await database.write(look)
        await database.close()
        return found

    assert asyncio.run(settings()) == ("wal", 2, 1, 10_000)


def test_a_kill_in_the_middle_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "router.db"
    url = f"sqlite:///{path}"
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(25):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        acknowledged = 25 + len(writer.stdout.read().split())
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()

    async def check() -> None:
        database = open_database(url)
        audit = await database.read(lambda uow: verify(uow.ledger))
        assert audit.is_sound, audit.problems
        assert audit.journals % 2 == 0, "a transaction is whole"
        assert acknowledged <= audit.journals // 2 <= acknowledged + 1
        assert audit.holds == audit.journals // 2
        await database.close()

    asyncio.run(check())
