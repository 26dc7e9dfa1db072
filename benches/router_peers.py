"""Routers from npm, installed at bench time into var/bench/npm and run over universe files.

The packages are pinned in benches/peers/NAME (package.json and lock) and are no part of this
program. Install scripts are not run. What cannot be installed or run is told with its reason.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "benches" / "peers"
HOME = ROOT / "var" / "bench" / "npm"
INSTALL_TIMEOUT_S = 600
# Beyond its budget a driver is still within its last order.
GRACE_S = 120


class PeerFailure(Exception):
    """A peer could not be installed or run; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """`folder` has the pins, `package` the name whose version is shown, `mode` a driver's word."""

    name: str
    folder: str
    package: str
    mode: str | None = None

    @property
    def version(self) -> str:
        pins = json.loads((PINS / self.folder / "package.json").read_text(encoding="utf-8"))
        return str(pins["dependencies"][self.package])


PEERS = (
    Peer(name="tines", folder="sushi", package="@sushiswap/tines"),
    Peer(name="tines-100", folder="sushi", package="@sushiswap/tines", mode="100"),
    Peer(name="pancake-infinity", folder="pancake", package="@pancakeswap/smart-router"),
    Peer(name="pancake-smart", folder="pancake", package="@pancakeswap/smart-router", mode="smart"),
    Peer(name="uniswap-alpha", folder="uniswap", package="@uniswap/smart-order-router"),
)


def install(peer: Peer) -> Path:
    """Install a peer's packages unless they are there, and return their folder.

    Raises:
        PeerFailure: there is no Node.js, or npm cannot install them.
    """
    home, pins = HOME / peer.folder, PINS / peer.folder
    lock = (pins / "package-lock.json").read_bytes()
    stamp = home / "installed.lock"
    if stamp.exists() and stamp.read_bytes() == lock:
        return home
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise PeerFailure("Node.js with npm is not installed")
    home.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(pins / name, home / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerFailure(f"npm ci took more than {INSTALL_TIMEOUT_S} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise PeerFailure(f"npm ci failed: {lines[0][:120]}")
    stamp.write_bytes(lock)
    return home


def run(
    peer: Peer, universe: Path, out: Path, *, reps: int, seconds: int
) -> list[Mapping[str, Any]]:
    """Run a peer over a universe file and return its answers, one per order it came to.

    Raises:
        PeerFailure: it could not be installed, ended with an error, or answered nothing.
    """
    home = install(peer)
    out.unlink(missing_ok=True)
    driver = PINS / f"{peer.folder}.cjs"
    command = ["node", "--max-old-space-size=4096", driver, home, universe, out]
    command += ["--reps", str(reps), "--seconds", str(seconds)]
    if peer.mode is not None:
        command += ["--mode", peer.mode]
    reason = ""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=seconds * 2 + GRACE_S,
            check=False,
            env={**os.environ, "NODE_ENV": "production"},
        )
    except subprocess.TimeoutExpired:
        reason = f"one quote took more than {seconds + GRACE_S} s"
    else:
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "Error" in line]
            reason = (lines or [f"it ended with code {done.returncode}"])[0][:120]
    lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    if not lines:
        raise PeerFailure(reason or "it answered nothing within its time")
    return [json.loads(line) for line in lines if line.endswith("}")]
