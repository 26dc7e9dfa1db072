"""A data directory has one owner, and a dead owner is none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from router.domain.errors import FailureError
from router.storage import DirectoryLock

OWNER = """
import sys, pathlib
from router.storage import DirectoryLock
with DirectoryLock(pathlib.Path(sys.argv[1])):
    print("owned", flush=True)
    sys.stdin.read()
"""


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path), pytest.raises(FailureError) as caught:
        DirectoryLock(tmp_path).acquire()
    assert caught.value.code == "BUSY"
    assert str(os.getpid()) in caught.value.message


def test_a_released_directory_can_be_owned_again(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path / "new" / "folder")
    for _ in range(2):
        with lock:
            assert (tmp_path / "new/folder/lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_killed_owner_leaves_the_directory_free(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"owned\n"
        with pytest.raises(FailureError, match=str(owner.pid)):
            DirectoryLock(tmp_path).acquire()
        owner.send_signal(signal.SIGKILL)
        owner.wait(10)
    with DirectoryLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
