"""One process per data directory."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from router.domain.errors import FailureError


class DirectoryLock:
    """Owns a data directory while open; the system releases it when the process ends, however.

    The file `lock` stays behind and holds the owner's process id; the lock is on the open file,
    not on the file's existence.

    Raises:
        FailureError: BUSY, naming the process, when another one owns the directory.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        assert self._descriptor is None, "the lock is held already"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise FailureError(
                "BUSY", f"Process {owner} owns {self._path.parent}; stop it or use another one."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the directory up; does nothing when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
