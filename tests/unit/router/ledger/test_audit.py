"""An audit finds every way in which the stored ledger can have been changed behind our back."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from router.domain.ledger import Entry, Journal, JournalKind, wallet_account
from router.ledger import HoldPart, LedgerAudit, place_hold, post, split_hold, verify
from router.ports import UnitOfWork
from router.storage import open_database


def journal(key: str, units: int) -> Journal:
    return Journal(
        key=key,
        kind=JournalKind.DEPOSIT,
        entries=(
            Entry(account=wallet_account("0x1"), asset="USDC", units=units),
            Entry(account="user/ann", asset="USDC", units=-units),
        ),
    )


def fill(uow: UnitOfWork) -> None:
    for number in range(1, 4):
        post(uow.ledger, journal(f"j{number}", 10 * number), number)
    place_hold(uow.ledger, "h", "user/ann", "USDC", 30, "r")
    split_hold(uow.ledger, "h", [HoldPart(hold_id="p", units=10, reference="r")])


async def audit_after(path: Path, tamper: Callable[[sa.Connection], object]) -> LedgerAudit:
    url = f"sqlite:///{path / 'ledger.db'}"
    database = open_database(url)
    await database.write(fill)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for trigger in ("journals_no_update", "entries_no_update", "entries_no_delete"):
            connection.execute(sa.text(f"DROP TRIGGER {trigger}"))
        tamper(connection)
    engine.dispose()
    audit = await database.read(lambda uow: verify(uow.ledger))
    await database.close()
    return audit


async def test_an_untouched_ledger_is_sound(tmp_path: Path) -> None:
    audit = await audit_after(tmp_path, lambda _: None)
    assert audit.is_sound, audit.problems
    assert (audit.journals, audit.balances, audit.holds) == (3, 2, 2)


def amount(units: int) -> str:
    return str(10**78 + units).zfill(79)


TAMPERINGS = {
    "a memo": ("UPDATE journals SET memo = 'x' WHERE sequence = 2", "breaks the hash chain"),
    "a time": ("UPDATE journals SET posted_ms = 9 WHERE sequence = 2", "breaks the hash chain"),
    "both sides of a journal": (
        "UPDATE entries SET units = CASE line WHEN 0 THEN '{21}' ELSE '{-21}' END "
        "WHERE journal_sequence = 2",
        "breaks the hash chain",
    ),
    "one side of a journal": (
        "UPDATE entries SET units = '{21}' WHERE journal_sequence = 2 AND line = 0",
        "is off by",
    ),
    "a missing entry": (
        "DELETE FROM entries WHERE journal_sequence = 2 AND line = 0",
        "fewer than two entries",
    ),
    "a balance": (
        "UPDATE balances SET credits = '{61}' WHERE account = 'user/ann'",
        "says 61, its entries sum to 60",
    ),
    "a held amount": (
        "UPDATE balances SET held = '{0}' WHERE account = 'user/ann'",
        "says 0 held, its holds sum to 30",
    ),
    "an ended hold": (
        "UPDATE holds SET state = 'voided' WHERE hold_id = 'p'",
        "says 30 held, its holds sum to 20",
    ),
    "a part": ("UPDATE holds SET units = '{9}' WHERE hold_id = 'p'", "its parts sum to 9"),
    "a parent": ("UPDATE holds SET parent_id = 'q' WHERE hold_id = 'p'", "Hold q has parts"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_a_change_behind_our_back_is_found(tmp_path: Path, what: str) -> None:
    statement, problem = TAMPERINGS[what]
    for units in (21, -21, 61, 0, 9):
        statement = statement.replace(f"{{{units}}}", amount(units))
    audit = await audit_after(tmp_path, lambda c: c.exec_driver_sql(statement))
    assert any(problem in found for found in audit.problems), audit.problems
