"""Folders of the cache are whole or absent; one process at a time makes them."""

import asyncio
import errno
import os
import stat
from pathlib import Path

import pytest

from router.devnet.atomic import write_whole
from router.devnet.cache import cache_root, exclusive, new_folder
from router.domain.errors import FailureError


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def fail_halfway(target: Path) -> None:
    async with new_folder(target) as draft:
        (draft / "new").write_text("y")
        raise RuntimeError


async def test_a_folder_appears_under_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "tools" / "key"
    async with new_folder(target) as draft:
        (draft / "part").write_text("x")
        assert not target.exists()
    assert (target / "part").read_text() == "x"
    assert names(target.parent) == ["key"]


async def test_a_failed_attempt_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "key"
    async with new_folder(target) as draft:
        (draft / "old").write_text("x")
    with pytest.raises(RuntimeError):
        await fail_halfway(target)
    assert names(target) == ["old"]
    assert names(tmp_path) == ["key"]


async def fill_the_disk(target: Path) -> None:
    async with new_folder(target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FailureError) as caught:
        await fill_the_disk(tmp_path / "key")
    assert "No space left" in caught.value.message
    assert names(tmp_path) == []


async def test_a_new_folder_replaces_the_old_one_entirely(tmp_path: Path) -> None:
    target = tmp_path / "key"
    for name in ("old", "new"):
        async with new_folder(target) as draft:
            (draft / name).write_text("x")
    assert names(target) == ["new"]


async def test_two_workers_never_hold_one_lock_together(tmp_path: Path) -> None:
    inside = 0
    most = 0

    async def work() -> None:
        nonlocal inside, most
        async with exclusive(tmp_path / "lock", "test"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(work())
    assert (inside, most) == (0, 1)


async def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FailureError) as caught:
        async with exclusive(tmp_path / "file" / "lock", "test"):
            pass
    assert caught.value.code == "DEVNET_TOOLS_MISSING"
    assert str(tmp_path / "file") in caught.value.message
    with pytest.raises(FailureError):
        async with new_folder(tmp_path / "file" / "key"):
            pass


def test_the_cache_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ROUTER_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_root() == tmp_path / ".cache" / "hybrid-liquidity-router"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "hybrid-liquidity-router"
    monkeypatch.setenv("ROUTER_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"


def test_a_secret_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_whole(path, "one", mode=0o600)
    write_whole(path, "two", mode=0o600)
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path.parent) == ["secret"]
