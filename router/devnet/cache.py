"""The cache directory: content-keyed folders that are either whole or absent."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from router.domain.errors import FailureError

_LOCK_POLL_S: Final = 0.05
_LOCK_TIMEOUT_S: Final = 900.0


def cache_root() -> Path:
    """Return $ROUTER_CACHE, else the program's folder in the user's cache directory."""
    own = os.environ.get("ROUTER_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    parent = Path(shared).expanduser() if shared else Path.home() / ".cache"
    return parent.absolute() / "hybrid-liquidity-router"


@asynccontextmanager
async def exclusive(lock_path: Path, what: str) -> AsyncIterator[None]:
    """Let one process at a time, of all on this machine, work on `what`.

    The kernel releases the lock when its holder ends, so a crash leaves nothing to clean up.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING, the folder cannot be written or another process holds
            the lock for longer than any installation takes.
    """
    descriptor = _open_lock(lock_path)
    try:
        await _wait_for_lock(descriptor, what)
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def new_folder(target: Path) -> AsyncIterator[Path]:
    """Give an empty folder that becomes `target` when the block ends well, else disappears.

    What stood at `target` is replaced. Call it inside `exclusive`.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING, the cache cannot be written or the disk is full.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    try:
        yield draft
        await asyncio.to_thread(_replace, draft, target)
    except OSError as error:
        raise _unwritable(target.parent, error) from error
    finally:
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)


def _replace(draft: Path, target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    draft.chmod(0o755)
    draft.rename(target)


def _open_lock(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unwritable(path.parent, error) from error


async def _wait_for_lock(descriptor: int, what: str) -> None:
    try:
        async with asyncio.timeout(_LOCK_TIMEOUT_S):
            while not _try_lock(descriptor):  # noqa: ASYNC110 - the kernel's lock has no event
                await asyncio.sleep(_LOCK_POLL_S)
    except TimeoutError as error:
        raise FailureError(
            "DEVNET_TOOLS_MISSING", f"Another process has been busy with the {what} for too long."
        ) from error


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(folder: Path, error: OSError) -> FailureError:
    return FailureError(
        "DEVNET_TOOLS_MISSING",
        f"{folder} cannot be written: {error.strerror}; "
        "set ROUTER_CACHE or --home to another folder.",
    )
