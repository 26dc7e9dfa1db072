"""What one statement may carry is bounded; how many transactions there ever were is not."""

import sqlite3
from pathlib import Path

from router.ports import UnitOfWork
from router.storage import open_database
from tests.conformance.database_records import attempt, intent

PARAMETERS = 20


async def test_more_transactions_are_read_than_a_statement_has_parameters(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'router.db'}")
    names = [f"i{number}" for number in range(3 * PARAMETERS)]

    def fill(uow: UnitOfWork) -> None:
        for nonce, name in enumerate(names):
            uow.settlement.add_intent(intent(name, nonce))
            uow.settlement.save_attempt(attempt(f"0x{name}", name))

    def look(uow: UnitOfWork) -> list[tuple[str, list[str]]]:
        connection = uow.settlement._session.connection().connection  # type: ignore[attr-defined]
        connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS)
        found = uow.settlement.intents()
        return [(one.intent_id, [each.tx_hash for each in tries]) for one, tries in found]

    await database.write(fill)
    assert await database.read(look) == [(name, [f"0x{name}"]) for name in names]
    await database.close()
