"""A file of commands, read round by round: a pipe as well as a file, and more than fits in memory.

It is read, not mapped: a mapped file that somebody cuts meanwhile ends the whole process.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from router.domain.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

ROUND_BYTES: Final = 1 << 22
# Records of the longest command: a bracket with its two legs.
_LONGEST: Final = 3


class Tape:
    """The records of an open file, in order."""

    def __init__(self, file: BinaryIO, path: Path, *, begin: bytes = b"") -> None:
        """`begin` is what was read of the file already.

        Raises:
            UsageError: BATCH_INVALID, the length of the file is no multiple of a record's.
        """
        self._file = file
        self._path = path
        self._left = begin
        self._stat = os.fstat(file.fileno())
        self.count: int | None = None  # of a pipe nobody knows it
        if stat.S_ISREG(self._stat.st_mode):
            self.count = self._whole(self._stat.st_size)

    def rounds(self) -> "Iterator[np.ndarray[Any, Any]]":
        """Yield the records in rounds; what may belong to one command is in one of them.

        Raises:
            UsageError: BATCH_INVALID, a pipe ends within a record.
        """
        import numpy as np  # noqa: PLC0415 - only where arrays are used

        from router.records import COMMAND_DTYPE, RECORD_BYTES  # noqa: PLC0415

        is_end = False
        while not is_end:
            read = self._file.read(ROUND_BYTES)
            is_end = not read
            held = self._left + read
            if is_end:
                self._whole(len(held))
            records = np.frombuffer(held, COMMAND_DTYPE, len(held) // RECORD_BYTES)
            sure = len(records) if is_end else _sure(records)
            self._left = held[sure * RECORD_BYTES :]
            if sure:
                yield records[:sure]

    def is_file(self, other: Path) -> bool:
        """Return whether the file has this path, or another name of it."""
        is_regular = stat.S_ISREG(self._stat.st_mode)
        return is_regular and other.exists() and os.path.samestat(self._stat, other.stat())

    def _whole(self, size: int) -> int:
        from router.records import RECORD_BYTES  # noqa: PLC0415 - loads NumPy

        if size % RECORD_BYTES:
            raise UsageError(
                "BATCH_INVALID",
                f"{self._path} does not end with a whole record of {RECORD_BYTES} bytes; it is "
                "cut, or no file of commands.",
            )
        return size // RECORD_BYTES


def _sure(records: "np.ndarray[Any, Any]") -> int:
    """Return how many records are of commands that cannot go on behind these records."""
    from router.vocabulary import CommandKind, ListRole  # noqa: PLC0415

    last = records[-_LONGEST:]
    is_leg = (last["kind"] == CommandKind.NEW) & (last["list"] == ListRole.LEG)
    for behind, leg in enumerate(is_leg[::-1].tolist(), start=1):
        if not leg:
            return len(records) - behind
    # Legs only: the last command, if it is one, is as long as any, or more of them follow.
    return len(records) if len(last) == _LONGEST else 0
