"""The schema: tables, append-only triggers and the version check."""

from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlmodel import Field

from router.domain.errors import FailureError

# Imported so that their tables are part of the metadata.
from router.storage import book_store, custody_store, ledger_store, order_store, settlement_store
from router.storage.columns import ASSIGNED, Int64, Row

__all__ = ["SCHEMA_VERSION", "book_store", "custody_store", "ledger_store", "order_store"]
__all__ += ["prepare_schema", "settlement_store"]

SCHEMA_VERSION: Final = 1
# table -> columns that may never change; None means no column may. Rows are never deleted.
_FIXED: Final[dict[str, tuple[str, ...] | None]] = {
    "journals": None,
    "entries": None,
    "attempts": ("tx_hash", "intent_id", "raw", "max_fee_wei", "max_tip_wei", "cancels"),
    "takes": None,
}


class SchemaRow(Row, table=True):
    """The version of the schema; one row."""

    __tablename__ = "schema_version"

    version: int = Field(sa_type=Int64, primary_key=True, sa_column_kwargs=ASSIGNED)


def prepare_schema(connection: Connection) -> None:
    """Create the schema in an empty database, or check the one that is there.

    Runs in the caller's write transaction, so two processes that start at once do not race.

    Raises:
        FailureError: SCHEMA_UNSUPPORTED when the database was written by a newer version, or is
            not one of ours.
    """
    tables = set(inspect(connection).get_table_names())
    if SchemaRow.__tablename__ in tables:
        found = connection.execute(text("SELECT max(version) FROM schema_version")).scalar_one()
        if found != SCHEMA_VERSION:
            raise FailureError(
                "SCHEMA_UNSUPPORTED",
                f"The database has schema version {found}, this program works with "
                f"{SCHEMA_VERSION}; use the version of the program that wrote it.",
            )
        return
    foreign = tables & set(Row.metadata.tables)
    if foreign:
        raise FailureError(
            "SCHEMA_UNSUPPORTED",
            f"The database has tables of something else ({', '.join(sorted(foreign))}).",
        )
    Row.metadata.create_all(connection)
    make = _sqlite_triggers if connection.dialect.name == "sqlite" else _postgresql_triggers
    for statement in make():
        connection.execute(text(statement))
    connection.execute(
        text("INSERT INTO schema_version (version) VALUES (:v)"), {"v": SCHEMA_VERSION}
    )


def _sqlite_triggers() -> list[str]:
    statements = []
    for table, columns in _FIXED.items():
        changed = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
        for name, event in (("update", changed), ("delete", "DELETE")):
            statements.append(
                f"CREATE TRIGGER {table}_no_{name} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    return statements


def _postgresql_triggers() -> list[str]:
    statements = [
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    ]
    for table, columns in _FIXED.items():
        changed = f"UPDATE OF {', '.join(columns)}" if columns else "UPDATE"
        statements.append(
            f"CREATE TRIGGER {table}_no_change BEFORE {changed} OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    return statements
