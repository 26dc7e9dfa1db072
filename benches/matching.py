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
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "bench"
TARGET = HOME / "matching.json"
TAPES = HOME / "tapes"
PEER_COMMANDS = 200_000


class Measured(NamedTuple):
    """Thread-CPU million commands/s on our tapes, median (min..max) of 5."""

    engine: str
    xc: str
    itch: str
    deep: str
    liq: str
    end_state: str


class Published(NamedTuple):
    """A figure of others on their own machine and workload."""

    engine: str
    figure: str
    conditions: str
    source: str


# Measured on 2026-11-22 on a virtual machine with two cores of an AMD EPYC (Zen 5, 2.6 GHz), one
# thread, other work on the machine; Java after five warming runs.
MEASURED = (
    Measured(
        engine="exchange-core, direct book (Java)",
        xc="10.8 (10.8..10.9)",
        itch="11.6 (10.9..11.7)",
        deep="3.7 (3.4..3.8)",
        liq="13.8 (13.6..13.8)",
        end_state="equal",
    ),
    Measured(
        engine="exchange-core, naive book (Java)",
        xc="2.0 (1.9..3.2)",
        itch="2.7",
        deep="0.41",
        liq="4.3",
        end_state="equal",
    ),
    Measured(
        engine="CppTrader (C++)",
        xc="8.1 (6.1..8.7)",
        itch="5.0..10.8",
        deep="3.1 (3.1..3.2)",
        liq="5.6 (4.5..6.1)",
        end_state="equal",
    ),
    Measured(
        engine="Liquibook, no depth (C++)",
        xc="5.5 (5.4..5.5)",
        itch="0.67 (0.64..0.67)",
        deep="not run",
        liq="6.5 (5.7..6.5)",
        end_state="equal on liq only",
    ),
    Measured(
        engine="Liquibook, depth of 5 (C++)",
        xc="2.8",
        itch="0.5",
        deep="not run",
        liq="5.6",
        end_state="equal on liq only",
    ),
)
PUBLISHED = (
    Published(
        engine="exchange-core",
        figure="5 M ops/s; at 1 M/s p50 0.5 us, p99 4 us, p99.9 22 us",
        conditions="2 x Xeon X5690, 1 symbol, matching and risk, no journal",
        source="its README",
    ),
    Published(
        engine="exchange-core",
        figure="150 ns per match in large sweeps",
        conditions="the same",
        source="its README",
    ),
    Published(
        engine="CppTrader",
        figure="3.2 M ITCH messages/s; 8.3 M optimised",
        conditions="i7-4790K; book building, not matching",
        source="its README",
    ),
    Published(
        engine="Liquibook",
        figure="2.0-2.5 M inserts/s",
        conditions="machine not said; no cancels",
        source="its README",
    ),
    Published(
        engine="OrderBook-rs",
        figure="p50 833 ns, p99 31.7 us",
        conditions="M4 Max, 70/20/10 mix",
        source="its BENCH.md",
    ),
    Published(
        engine="LMAX",
        figure="6 M orders/s",
        conditions="Nehalem, one thread, 2011",
        source="martinfowler.com/articles/lmax.html",
    ),
    Published(
        engine="flash1 survey: best open engine",
        figure="8.19 M messages/s, worst of five flows",
        conditions="Graviton4, two threads",
        source="flash1-dev/matching-engine-benchmark",
    ),
    Published(
        engine="flash1 survey: CppTrader",
        figure="7.26 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: nanobook",
        figure="3.52 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: exchange-core",
        figure="1.40 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: Liquibook",
        figure="0.03 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: its publisher's own",
        figure="33.20 M messages/s",
        conditions="the same; not open",
        source="the same",
    ),
)
STEPS = ("engine", "python", "peers")


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


def print_others(console: Console) -> None:
    measured = Table(
        title="Others on the same tapes, million commands/s of thread-CPU time, measured on "
        "2026-11-22 on two shared Zen 5 cores"
    )
    for column in Measured._fields:
        measured.add_column(column.replace("_", " "))
    for row in MEASURED:
        measured.add_row(*row)
    published = Table(title="Published by others, on other machines and workloads")
    for column in Published._fields:
        published.add_column(column)
    for entry in PUBLISHED:
        published.add_row(*entry)
    console.print(measured)
    console.print(published)


def kept(name: str) -> object:
    path = HOME / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default="5", help="runs of each figure of the engine")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"only these: {', '.join(STEPS)}")
    arguments = parser.parse_args()
    steps = arguments.steps or list(STEPS)
    unknown = sorted(set(steps) - set(STEPS))
    if unknown:
        parser.error(f"unknown steps {unknown}; known are {list(STEPS)}")
    HOME.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    ended_well = write_tapes()
    if "engine" in steps:
        ended_well &= run(binary("bench-matching"), "--runs", arguments.runs)
    if "python" in steps:
        ended_well &= run(sys.executable, here / "matching_python.py")
    if "peers" in steps:
        ended_well &= run(sys.executable, here / "matching_peers.py")
    print_others(Console(width=150))
    figures = {
        "engine": kept("matching_engine.json"),
        "python": kept("matching_python.json"),
        "pypi": kept("matching_peers.json"),
        "measured_before": [row._asdict() for row in MEASURED],
        "published": [row._asdict() for row in PUBLISHED],
    }
    TARGET.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if ended_well else 1


if __name__ == "__main__":
    sys.exit(main())
