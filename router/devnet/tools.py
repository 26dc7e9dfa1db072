"""Install the pinned third-party tools once per lock file: Anvil and contract artifacts.

`npm ci` runs in a scratch folder of the cache; what the devnet needs is taken out of the packages
and moved to its final name in one step. So a folder of that name is always whole, and a broken
installation is simply not there.
"""

import asyncio
import hashlib
import json
import os
import platform
import re
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from connectors.chain.abi import Contract, contract_from_artifact
from connectors.chain.anvil import ANVIL_VERSION
from router.devnet.cache import cache_root, exclusive, new_folder
from router.devnet.node_js import NodeJs, find_node_js
from router.devnet.packages import ANVIL_PACKAGES, ANVIL_PATH, ARTIFACTS, extract_artifacts
from router.devnet.progress import Progress, silent
from router.domain.errors import FailureError

ANVIL_ENV: Final = "ROUTER_ANVIL"
_NPM_FLAGS: Final = (
    "--ignore-scripts",
    "--legacy-peer-deps",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--no-progress",
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)
_NPM_TIMEOUT_S: Final = 600.0
_NPM_POLL_S: Final = 0.2
_VERSION_TIMEOUT_S: Final = 20.0
_NO_NETWORK: Final = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|"
    r"CERT_|SELF_SIGNED"
)
_LAYOUT_VERSION: Final = b"2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The installed tools; `key` changes with everything they were made from."""

    key: str
    anvil: Path
    artifacts: Path

    def contract(self, name: str) -> Contract:
        """Return one of the third-party contracts of `packages.ARTIFACTS`, or "Permit2"."""
        return _load_contract(self.artifacts / f"{name}.json")


@cache
def _load_contract(path: Path) -> Contract:
    return contract_from_artifact(json.loads(path.read_text(encoding="utf-8")))


def tools_key() -> str:
    """Return the content hash of the pinned packages and of what is taken out of them."""
    digest = hashlib.sha256(_LAYOUT_VERSION)
    for content in (*_npm_files().values(), repr(sorted(ARTIFACTS.items())).encode()):
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:32]


async def ensure_tools(progress: Progress = silent) -> Tools:
    """Return the tools, installing them first when they are not there.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING with what is wrong: no Node.js, no network, a package
            that does not match the lock, a platform without an Anvil package.
    """
    key = tools_key()
    folder = cache_root() / "tools" / key
    if not _is_whole(folder):
        async with exclusive(cache_root() / "tools.lock", "tools of the devnet"):
            # Another process may have installed them while this one waited.
            if not _is_whole(folder):
                await _install(folder, progress)
    tools = Tools(key=key, anvil=_own_anvil() or folder / "anvil", artifacts=folder / "artifacts")
    if not tools.anvil.is_file():
        raise FailureError(
            "DEVNET_TOOLS_MISSING",
            f"There is no Anvil package for {platform.system()} {platform.machine()}: install "
            f"Foundry's Anvil {ANVIL_VERSION} and put its path into {ANVIL_ENV}.",
        )
    return tools


def _own_anvil() -> Path | None:
    """Return the Anvil that the user or, without a package for the platform, the PATH names."""
    named = os.environ.get(ANVIL_ENV)
    if named:
        return Path(named).expanduser().absolute()
    if _anvil_package() is None:
        found = shutil.which("anvil")
        return Path(found) if found else None
    return None


def _anvil_package() -> str | None:
    return ANVIL_PACKAGES.get((platform.system(), platform.machine()))


def _is_whole(folder: Path) -> bool:
    wanted = [folder / "artifacts" / f"{name}.json" for name in (*ARTIFACTS, "Permit2")]
    if _anvil_package() is not None:
        wanted.append(folder / "anvil")
    return all(path.is_file() for path in wanted)


def _npm_files() -> dict[str, bytes]:
    shipped = files("router.devnet") / "npm"
    return {name: (shipped / name).read_bytes() for name in ("package-lock.json", "package.json")}


async def _install(folder: Path, progress: Progress) -> None:
    node_js = await find_node_js()
    async with new_folder(folder) as draft:
        work = draft / "npm"
        work.mkdir()
        for name, content in _npm_files().items():
            (work / name).write_bytes(content)
        await _npm_ci(node_js, work, progress)
        modules = work / "node_modules"
        await asyncio.to_thread(extract_artifacts, modules, draft / "artifacts")
        package = _anvil_package()
        if package is not None:
            _take_anvil(modules / package / ANVIL_PATH, draft / "anvil")
            await _check_anvil(draft / "anvil")
        await asyncio.to_thread(shutil.rmtree, work)


def _take_anvil(packaged: Path, target: Path) -> None:
    try:
        packaged.rename(target)
    except OSError as error:
        raise FailureError(
            "DEVNET_TOOLS_MISSING", "npm did not install the Anvil package of this platform."
        ) from error
    target.chmod(0o755)


async def _npm_ci(node_js: NodeJs, work: Path, progress: Progress) -> None:
    packages = _locked_packages(work)
    process = await asyncio.create_subprocess_exec(
        *node_js.npm_argv,
        "ci",
        *_NPM_FLAGS,
        cwd=work,
        env=node_js.environment(os.environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_NPM_TIMEOUT_S), asyncio.TaskGroup() as group:
            watcher = group.create_task(_watch(packages, progress), name="npm-progress")
            _, stderr = await process.communicate()
            watcher.cancel()
    except TimeoutError as error:
        raise FailureError(
            "DEVNET_TOOLS_MISSING", f"npm did not finish within {_NPM_TIMEOUT_S:g} s."
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _npm_error(stderr.decode(errors="replace"))


async def _watch(packages: list[Path], progress: Progress) -> None:
    """Report how many of the locked packages have appeared; npm itself is silent in a pipe."""
    while True:
        present = await asyncio.to_thread(lambda: sum(path.is_dir() for path in packages))
        progress("installing the pinned packages", present, len(packages))
        await asyncio.sleep(_NPM_POLL_S)


def _locked_packages(work: Path) -> list[Path]:
    lock = json.loads((work / "package-lock.json").read_bytes())
    return [work / path for path, entry in lock["packages"].items() if path and "os" not in entry]


def _npm_error(stderr: str) -> FailureError:
    if _NO_NETWORK.search(stderr):
        reason = "the package registry cannot be reached; check the network and proxy settings"
    elif "EINTEGRITY" in stderr:
        reason = "a downloaded package does not match the hash in the lock"
    elif "ENOSPC" in stderr:
        reason = "the disk is full"
    else:
        lines = [line for line in stderr.splitlines() if line.startswith("npm error")]
        reason = (lines or ["it gave no reason"])[0].removeprefix("npm error ")[:300]
    return FailureError("DEVNET_TOOLS_MISSING", f"`npm ci` failed: {reason}.")


async def _check_anvil(binary: Path) -> None:
    """Run it once: an old C library shows here, with its own words, and not at the first use."""
    process = await asyncio.create_subprocess_exec(
        binary,
        "--version",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_VERSION_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise FailureError("DEVNET_TOOLS_MISSING", "Anvil does not answer.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = output.decode(errors="replace").strip()
    if process.returncode != 0 or ANVIL_VERSION not in said:
        first = said.splitlines()[0][:300] if said else "it said nothing"
        raise FailureError("DEVNET_TOOLS_MISSING", f"Anvil {ANVIL_VERSION} cannot run: {first}.")
