"""Persistence: SQLite by default, PostgreSQL by the same code."""

from router.storage.database import SqlDatabase, open_database, opened_database
from router.storage.lock import DirectoryLock

__all__ = ["DirectoryLock", "SqlDatabase", "open_database", "opened_database"]
