"""Column types, and the root of all tables.

Amounts never pass through a float: SQLite keeps them as text, PostgreSQL as NUMERIC(78,0). The
tables are STRICT on SQLite, so that a column refuses what is not its type.
"""

from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, Numeric, Text, cast, type_coerce
from sqlalchemy.orm import registry
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel

from router.domain.errors import FailureError

AMOUNT_DIGITS = 78
AMOUNT_LIMIT = int(10**AMOUNT_DIGITS)


class AmountText(TypeDecorator[int]):
    """The text form of an amount as a query returns it."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ANN401
        if value is None:
            return None
        return int(value) if dialect.name == "postgresql" else int(value) - AMOUNT_LIMIT


class AmountType(TypeDecorator[int]):
    """A whole number of base units with |units| < 10^78, which admits every 256-bit amount.

    SQLite text is `units + 10^78` in 79 digits: fixed width, a leading 1 for zero and above, 0 for
    negative numbers, so that text order is number order. Sums are made in Python.

    Raises:
        TypeError: bound to anything but an int (a bool is not one).
        FailureError: AMOUNT_RANGE when the number has more than 78 digits.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(AMOUNT_DIGITS, 0))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | str | None:  # noqa: ANN401
        if value is None:
            return None
        if type(value) is not int:
            raise TypeError(f"an amount is an int in base units, not {type(value).__name__}")
        if abs(value) >= AMOUNT_LIMIT:
            raise FailureError("AMOUNT_RANGE", f"{value} has more than {AMOUNT_DIGITS} digits.")
        if dialect.name == "postgresql":
            return value
        return str(value + AMOUNT_LIMIT).zfill(AMOUNT_DIGITS + 1)

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        # Text on the way out too: the driver would make a Decimal of a NUMERIC.
        return type_coerce(cast(column, Text), AmountText)


# SQLite integers have 64 bits under every name, but a STRICT table knows INTEGER only.
Int64 = BigInteger().with_variant(Integer(), "sqlite")
# Names compare byte by byte on both, whatever the locale of the PostgreSQL cluster.
Name = Text().with_variant(Text(collation="C"), "postgresql")
Prose = Text()
Bytes = LargeBinary()


STRICT: Final = {"sqlite_strict": True}
# For single-column integer keys that we number ourselves.
ASSIGNED: Final = {"autoincrement": False}


class Row(SQLModel, registry=registry()):
    """Root of our tables, with metadata of their own."""

    __table_args__: ClassVar[Any] = STRICT
