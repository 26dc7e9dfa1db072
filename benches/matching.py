"""The matching engine's figures: ours, then the calls from Python, then everybody else's.

Run `make bench-matching`; prints tables and writes `var/bench/matching.json`. Nothing here asserts
a time, but an engine that does not end in the published state gets no figure. What is inside each
timer is said in `docs/development/matching-benchmark.md`.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matching_others import MEASURED, MEASURED_BEFORE, MEASURED_FLOWS, PUBLISHED, Flow, Measured
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "bench"
TARGET = HOME / "matching.json"
TAPES = HOME / "tapes"
PEER_COMMANDS = 200_000


STEPS = ("engine", "python", "peers")
BINARIES = ("matching-tapes", "bench-matching")


def binary(name: str) -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / name


def run(*command: str | Path) -> bool:
    """Run a part of the benchmark, which prints by itself; tell whether it ended well."""
    sys.stdout.flush()
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        print(f"bench: {Path(command[0]).name} ended with {done.returncode}", file=sys.stderr)
    return done.returncode == 0


def write_tapes() -> bool:
    tapes = binary("matching-tapes")
    return run(tapes, TAPES, "xc") and run(
        tapes, TAPES, "--first", str(PEER_COMMANDS), "xc", "itch", "liq"
    )


def ours(engine: dict[str, Any], section: str, row: str) -> str:
    """Return one of our figures as the tables write them, a dash if it was not measured."""
    rate = engine.get(section, {}).get("rows", {}).get(row, {}).get("cpu_per_s")
    if rate is None:
        return "-"
    median, least, greatest = (rate[key] / 1e6 for key in ("median", "min", "max"))
    return f"{median:.1f} ({least:.1f}..{greatest:.1f})"


def measured_rows(engine: dict[str, Any]) -> list[Measured]:
    mine = {
        name: ours(engine, "throughput", f"{name}, matching only, batches of 256")
        for name in ("xc", "itch", "deep", "liq")
    }
    return [Measured(engine="this engine, today", **mine, end_state="equal"), *MEASURED]


def flow_rows(engine: dict[str, Any]) -> list[Flow]:
    names = ("static", "normal", "swing-25", "swing-40", "flash-crash")
    mine = {name.replace("-", "_"): ours(engine, "flash1", f"{name}, one thread") for name in names}
    return [Flow(engine="this engine, today", **mine), *MEASURED_FLOWS]


def print_table(console: Console, title: str, rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in rows[0]._fields:  # type: ignore[attr-defined]
        table.add_column(column.replace("_", " "))
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_others(console: Console, engine: dict[str, Any]) -> None:
    where = "others measured on 2026-11-22 on two shared Zen 5 cores"
    print_table(
        console,
        f"The same tapes, one thread, million commands/s of thread-CPU time; {where}",
        measured_rows(engine),
    )
    print_table(
        console,
        f"The flash1 flows, one call per message, one thread, million messages/s; {where}",
        flow_rows(engine),
    )
    print_table(console, "Measured before, as above, and not run again", MEASURED_BEFORE)
    print_table(console, "Published by others, on other machines and workloads", PUBLISHED)


def kept(name: str) -> Any:  # noqa: ANN401 - whatever a part of the benchmark wrote
    path = HOME / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default="5", help="runs of each figure of the engine")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"only these: {', '.join(STEPS)}")
    arguments = parser.parse_args()
    steps = arguments.steps or list(STEPS)
    unknown = sorted(set(steps) - set(STEPS))
    if unknown:
        parser.error(f"unknown steps {unknown}; known are {list(STEPS)}")
    missing = [name for name in BINARIES if not binary(name).exists()]
    if missing:
        parser.error(f"{missing} not built: run `cargo build --release -p router-bench`")
    HOME.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    ended_well = write_tapes()
    if "engine" in steps:
        ended_well &= run(binary("bench-matching"), "--runs", arguments.runs)
    if "python" in steps:
        ended_well &= run(sys.executable, here / "matching_python.py")
    if "peers" in steps:
        ended_well &= run(sys.executable, here / "matching_peers.py")
    engine = kept("matching_engine.json")
    print_others(Console(width=150), engine)
    figures = {
        "engine": engine,
        "python": kept("matching_python.json"),
        "pypi": kept("matching_peers.json"),
        "measured_before": [
            row._asdict() for row in (*MEASURED, *MEASURED_FLOWS, *MEASURED_BEFORE)
        ],
        "published": [row._asdict() for row in PUBLISHED],
    }
    TARGET.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if ended_well else 1


if __name__ == "__main__":
    sys.exit(main())
