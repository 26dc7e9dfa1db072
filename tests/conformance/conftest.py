"""Every database that the program runs on.

PostgreSQL runs as a private cluster on a Unix socket, as an unprivileged user when we are root.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from router.storage import SqlDatabase, open_database
from tests.conformance.database_records import bare


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL: where it listens and who it runs as."""

    socket_folder: str

    def url(self, name: str) -> str:
        return f"postgresql://router@/{name}?host={self.socket_folder}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    tools = _postgresql_tools()
    if tools is None:
        pytest.skip("no PostgreSQL programs (initdb, pg_ctl) on this machine")
    user = _unprivileged_user()
    folder = tempfile.mkdtemp(prefix="router-pg-")
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(program: str, *arguments: str) -> None:
        as_user: dict[str, Any] = {}
        if user is not None:
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        log = Path(folder, f"{program}.out")
        with log.open("ab") as output:
            done = subprocess.run(
                [str(tools / program), "-D", f"{folder}/cluster", *arguments],
                cwd=folder,
                stdout=output,
                stderr=output,
                timeout=60,
                check=False,
                **as_user,
            )
        assert done.returncode == 0, log.read_text()

    run("initdb", "-A", "trust", "-U", "router", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-c listen_addresses= -c fsync=off -k {folder}"
    run("pg_ctl", "start", "-w", "-o", options, "-l", f"{folder}/log")
    try:
        admin = sa.create_engine(
            f"postgresql+psycopg://router@/postgres?host={folder}", isolation_level="AUTOCOMMIT"
        )
        with admin.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE router"))
        admin.dispose()
        yield Cluster(folder)
    finally:
        run("pg_ctl", "stop", "-m", "immediate")
        shutil.rmtree(folder)


def _postgresql_tools() -> Path | None:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("we are root and there is no unprivileged user to run PostgreSQL as")


@pytest.fixture(params=["sqlite", "sqlite-memory", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    return _empty_database(request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database that more than one program can open."""
    return _empty_database(request, tmp_path)


def _empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'router.db'}"
    if request.param == "sqlite-memory":
        return "sqlite://"
    running: Cluster = request.getfixturevalue("cluster")
    admin = bare(running.url("router"))
    with admin.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    admin.dispose()
    return running.url("router")


@pytest.fixture
async def database(url: str) -> AsyncIterator[SqlDatabase]:
    opened = open_database(url)
    yield opened
    await opened.close()
