"""The freeze flag where the key is: the signer refuses by itself, whoever forgets to ask first."""

from collections.abc import Callable
from typing import Final, TypeVar

from router.ports import Database, UnitOfWork

T = TypeVar("T")

_NOT_READ: Final = "its freeze flag was not read yet"


class FreezeWatch:
    """Port `Database` that remembers whether the signer was frozen after the last change.

    Only changes can freeze or thaw, they run one after the other, and the directory's lock keeps
    other processes from making any: so what is remembered is what the database says. Asking it
    costs one look at one row for each change, and nothing where the key is used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reason: str | None = _NOT_READ

    def reason(self) -> str | None:
        """Return why the signer is frozen, None when it is not; frozen until the first change."""
        return self._reason

    async def write(self, work: Callable[[UnitOfWork], T]) -> T:
        def watched(uow: UnitOfWork) -> T:
            result = work(uow)
            # Inside the transaction: later, another change could overtake this one.
            self._reason = uow.custody.freeze()
            return result

        return await self._database.write(watched)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()
