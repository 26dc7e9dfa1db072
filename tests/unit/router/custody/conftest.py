"""The worlds of settlement's tests, closed after each test here too."""

from tests.unit.router.settlement.conftest import close_worlds

__all__ = ["close_worlds"]
