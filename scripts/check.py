#!/usr/bin/env python3
"""Run every gate that continuous integration runs, and say at the end which ones failed."""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Gate:
    name: str
    command: tuple[str, ...]


GATES = (
    Gate("ruff", (str(BIN / "ruff"), "check", ".")),
    Gate("ruff format", (str(BIN / "ruff"), "format", "--check", ".")),
    Gate("mypy", (str(BIN / "mypy"),)),
    Gate("layers", (str(BIN / "lint-imports"),)),
    Gate("rust format", ("cargo", "fmt", "--check")),
    Gate(
        "clippy",
        ("cargo", "clippy", "--quiet", "--release", "--workspace", "--", "-D", "warnings"),
    ),
    Gate("stubs", (sys.executable, "-m", "mypy.stubtest", "router._core")),
    Gate("tidy", (sys.executable, "-m", "pytest", "-q", "tests/architecture")),
    Gate("contract artifacts", (sys.executable, "scripts/build_contracts.py", "--check")),
)


def run(gate: Gate) -> bool:
    started = time.monotonic()
    done = subprocess.run(gate.command, cwd=ROOT, check=False, env={**os.environ, "NO_COLOR": "1"})
    verdict = "ok" if done.returncode == 0 else f"FAILED ({done.returncode})"
    print(f"check: {gate.name:20} {verdict:12} {time.monotonic() - started:6.1f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [gate.name for gate in GATES]
    parser.add_argument("gates", nargs="*", metavar="GATE", help=f"only these: {', '.join(names)}")
    chosen = parser.parse_args().gates
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        parser.error(f"unknown gates {unknown}; known are {names}")
    failed = [gate.name for gate in GATES if not chosen or gate.name in chosen if not run(gate)]
    if failed:
        print(f"check: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
