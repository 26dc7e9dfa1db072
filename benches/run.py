#!/usr/bin/env python3
"""Run the benchmarks one after the other on this machine; results also under var/bench."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCHES = {
    "import": "import_time.py",
    "quote": "quote_speed.py",
    "pools": "pool_read.py",
    "gas": "gas_model.py",
    "devnet": "devnet_start.py",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"only these: {', '.join(BENCHES)}"
    )
    names = parser.parse_args().names or list(BENCHES)
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        parser.error(f"unknown benchmarks {unknown}; known are {list(BENCHES)}")
    (ROOT / "var/bench").mkdir(parents=True, exist_ok=True)
    failed = []
    for name in names:
        print(f"bench: {name}", flush=True)
        done = subprocess.run(
            [sys.executable, ROOT / "benches" / BENCHES[name]], cwd=ROOT, check=False
        )
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"bench: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
